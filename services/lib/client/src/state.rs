//! The state file: one JSON document, replaced as a whole, so that a crash leaves the old one or the new one.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use chasqui_domain::{ChatId, DeviceId, IdError, Seq, UserId};
use chasqui_wire::frames::SendFrame;
use serde::{Deserialize, Serialize};

use crate::{
    core::{Mark, Marks, Outbox, State},
    error::Error,
};

/// The form of the file that this build reads and writes.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Document {
    format: u32,
    user: Option<String>,
    device: String,
    cursor: Option<String>,
    floor: u64,
    counters: BTreeMap<String, u64>,
    unsent: Vec<SendFrame>,
    marks: BTreeMap<String, MarkDocument>,
}

#[derive(Serialize, Deserialize)]
struct MarkDocument {
    delivered: u64,
    read: u64,
    sent: u64,
}

impl From<&State> for Document {
    fn from(state: &State) -> Self {
        let (floor, counters) = state.outbox.counters();
        let mark = |mark: Mark| MarkDocument { delivered: mark.delivered.0, read: mark.read.0, sent: mark.sent.0 };
        Self {
            format: FORMAT,
            user: state.user.as_ref().map(UserId::to_string),
            device: state.device.to_string(),
            cursor: state.cursor.clone(),
            floor,
            counters: counters.iter().map(|(peer, last)| (peer.to_string(), *last)).collect(),
            unsent: state.outbox.unsent().cloned().collect(),
            marks: state.marks.iter().map(|(chat, of)| (chat.to_string(), mark(of))).collect(),
        }
    }
}

impl TryFrom<Document> for State {
    type Error = IdError;

    fn try_from(document: Document) -> Result<Self, IdError> {
        let counter = |(peer, last)| Ok((UserId::new(peer)?, last));
        let counters = document.counters.into_iter().map(counter).collect::<Result<_, IdError>>()?;
        let mark = |(chat, of): (String, MarkDocument)| {
            let mark = Mark { delivered: Seq(of.delivered), read: Seq(of.read), sent: Seq(of.sent) };
            Ok((ChatId::parse(&chat)?, mark))
        };
        let marks = document.marks.into_iter().map(mark).collect::<Result<Marks, IdError>>()?;
        Ok(Self {
            user: document.user.map(UserId::new).transpose()?,
            device: DeviceId::new(document.device)?,
            cursor: document.cursor,
            outbox: Outbox::new(document.floor, counters, document.unsent),
            marks,
        })
    }
}

/// The state of a device that has none.
///
/// A device that was named may have written before, with a state that is lost: its ids then go on from the clock, since
/// an id that was used makes the server take a new message for an old one.
pub(crate) fn fresh(device: Option<DeviceId>) -> Result<State, IdError> {
    let (device, floor) = match device {
        Some(device) => {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            (device, u64::try_from(since.as_millis()).unwrap_or_default())
        }
        None => (DeviceId::new(format!("{:032x}", rand::random::<u128>()))?, 0),
    };
    let outbox = Outbox::new(floor, BTreeMap::new(), Vec::new());
    Ok(State { user: None, device, cursor: None, outbox, marks: Marks::default() })
}

/// The state file, held against other clients until it is dropped.
#[derive(Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
    /// Beside the file, since the file itself is replaced.
    _lock: File,
}

impl StateFile {
    /// Takes the file, and reads it if it is there.
    pub(crate) fn open(path: PathBuf) -> Result<(Self, Option<State>), Error> {
        let failed = |source| Error::State { path: path.clone(), source };
        let lock = private(OpenOptions::new().create(true).write(true).truncate(false))
            .open(beside(&path, ".lock"))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::InUse { path }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let state = match fs::read(&path) {
            Ok(bytes) => Some(parse(&bytes).map_err(|why| Error::BadState { path: path.clone(), why })?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(failed(source)),
        };
        Ok((Self { path, _lock: lock }, state))
    }

    /// Replaces the file; when this returns, the new one outlives a crash.
    pub(crate) fn save(&self, bytes: &[u8]) -> Result<(), Error> {
        replace(&self.path, bytes).map_err(|source| Error::State { path: self.path.clone(), source })
    }
}

/// The state as it is saved.
pub(crate) fn to_bytes(state: &State) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Document::from(state))
}

fn parse(bytes: &[u8]) -> Result<State, String> {
    let document: Document = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if document.format != FORMAT {
        return Err(format!("its format is {}, and {FORMAT} is known here", document.format));
    }
    State::try_from(document).map_err(|error| error.to_string())
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = beside(path, ".new");
    let mut file = private(OpenOptions::new().create(true).write(true).truncate(true)).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&temporary, path)?;
    sync_folder(path)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// The file holds what people wrote.
#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Without it a crash may undo the renaming.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::update::Draft;

    fn user(name: &str) -> UserId {
        UserId::new(name).unwrap()
    }

    #[test]
    fn what_is_saved_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let mut state = fresh(None).unwrap();
        state.user = Some(user("alice"));
        state.cursor = Some("c7".to_owned());
        state.outbox.add(Draft::text(user("bob"), "hi"), None).unwrap();
        let chat = ChatId::direct(&user("alice"), &user("bob"));
        state.marks.raise(chat, Mark { delivered: Seq(3), read: Seq(2), sent: Seq(1) });
        let (file, none) = StateFile::open(path.clone()).unwrap();
        assert_eq!(none, None);
        file.save(&to_bytes(&state).unwrap()).unwrap();
        assert!(matches!(StateFile::open(path.clone()), Err(Error::InUse { .. })));
        drop(file);
        assert_eq!(StateFile::open(path).unwrap().1, Some(state));
    }

    #[test]
    fn a_half_written_successor_changes_nothing_and_another_format_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let state = fresh(None).unwrap();
        let (file, _) = StateFile::open(path.clone()).unwrap();
        file.save(&to_bytes(&state).unwrap()).unwrap();
        drop(file);
        fs::write(beside(&path, ".new"), b"{\"form").unwrap();
        assert_eq!(StateFile::open(path.clone()).unwrap().1, Some(state));
        fs::write(&path, b"{\"format\":2}").unwrap();
        assert!(matches!(StateFile::open(path), Err(Error::BadState { .. })));
    }

    #[test]
    fn a_named_device_without_a_state_gives_no_id_that_it_may_have_given() {
        let device = DeviceId::new("phone").unwrap();
        let mut named = fresh(Some(device)).unwrap();
        assert!(named.outbox.add(Draft::text(user("bob"), "hi"), None).unwrap().0 > 1_600_000_000_000);
        let mut new = fresh(None).unwrap();
        assert_eq!(new.outbox.add(Draft::text(user("bob"), "hi"), None).unwrap().0, 1);
    }
}
