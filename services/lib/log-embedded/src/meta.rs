//! The file that says which log lies in a folder.

use std::{io, num::NonZeroU32, path::Path};

use chasqui_disk::Disk;
use chasqui_domain::LogId;
use chasqui_log::Partitions;
use serde::{Deserialize, Serialize};

use crate::error::{OpenError, ReadError};

const NAME: &str = "log.json";
const NAME_NEW: &str = "log.json.new";
const BYTES_MAX: u64 = 4096;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: u32,
    log_id: [u8; 16],
    partitions_chats: NonZeroU32,
    partitions_users: NonZeroU32,
}

/// What the file says; none where there is no file.
pub(crate) fn read(disk: &dyn Disk, folder: &Path, format: u32) -> Result<Option<(LogId, Partitions)>, OpenError> {
    let path = folder.join(NAME);
    let attempt = || {
        let file = match disk.open(&path, false) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = vec![0; usize::try_from(file.size()?.min(BYTES_MAX)).unwrap_or_default()];
        file.read_exact_at(&mut bytes, 0)?;
        Ok(Some(bytes))
    };
    let Some(bytes) = attempt().map_err(ReadError::io("read", &path))? else { return Ok(None) };
    let stored: Stored = serde_json::from_slice(&bytes).map_err(|error| OpenError::Corrupt {
        path: path.clone(),
        position: 0,
        why: error.to_string(),
    })?;
    if stored.format != format {
        return Err(OpenError::Format { folder: folder.to_owned(), there: stored.format, known: format });
    }
    let partitions = Partitions { chats: stored.partitions_chats, users: stored.partitions_users };
    Ok(Some((LogId(stored.log_id), partitions)))
}

/// Writes the file, all of it or nothing.
pub(crate) fn write(
    disk: &dyn Disk,
    folder: &Path,
    format: u32,
    id: LogId,
    partitions: Partitions,
) -> Result<(), OpenError> {
    let stored =
        Stored { format, log_id: id.0, partitions_chats: partitions.chats, partitions_users: partitions.users };
    let attempt = || {
        let bytes = serde_json::to_vec_pretty(&stored).map_err(io::Error::other)?;
        let file = disk.open(&folder.join(NAME_NEW), true)?;
        file.set_len(0)?;
        file.write_all_at(&bytes, 0)?;
        file.sync()?;
        disk.rename(&folder.join(NAME_NEW), &folder.join(NAME))?;
        disk.sync_folder(folder)
    };
    Ok(attempt().map_err(ReadError::io("write", &folder.join(NAME)))?)
}
