//! The files of a data folder, and what must be found in each kind of them.

use std::{fs, path::Path};

use anyhow::{Context, bail, ensure};
use chasqui_tests::wait::within;
use tokio::task::yield_now;

use crate::{
    search::{find, forms},
    writing::{CONTENT_TYPE, Written},
};

pub(crate) struct DataFile {
    /// Its path within the data folder.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// All files of a folder and of those in it.
pub(crate) fn all(data: &Path) -> anyhow::Result<Vec<DataFile>> {
    let mut files = Vec::new();
    let mut folders = vec![data.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(data)?.to_string_lossy().into_owned();
                files.push(DataFile { name, bytes: fs::read(&path).with_context(|| path.display().to_string())? });
            }
        }
    }
    Ok(files)
}

/// What must be in the clear is found by the same search, in every kind of file: in one file of the kind at least.
pub(crate) fn controls(data: &Path, written: &Written) -> anyhow::Result<()> {
    let files = all(data)?;
    for file in &files {
        kind(file)?;
    }
    let has = |wanted: &str, text: &[u8]| {
        let of_kind = files.iter().filter(|file| kind(file).is_ok_and(|kind| kind == wanted));
        of_kind.map(|file| find(&file.bytes, &forms(text)).len()).sum::<usize>() > 0
    };
    for kind in ["segment", "store.redb"] {
        ensure!(has(kind, CONTENT_TYPE.as_bytes()), "no {kind} has the content type");
        for user in written.users() {
            ensure!(has(kind, user.as_bytes()), "no {kind} has the user {user}");
        }
    }
    for chat in written.chats() {
        ensure!(has("segment", chat.to_string().as_bytes()), "no segment has the chat {chat}");
        ensure!(has("keys.slots", chat.as_bytes()), "the keys are not those of {chat}");
    }
    ensure!(has("index", b"gateway-0"), "no index has the gateway's id");
    ensure!(has("log.json", b"partitions_chats"), "the log says nothing of itself");
    Ok(())
}

/// Waits until a living server has brought to its files what must be found there.
pub(crate) async fn until_flushed(data: &Path, written: &Written) -> anyhow::Result<()> {
    let flushed = async {
        while controls(data, written).is_err() {
            yield_now().await;
        }
    };
    within("the files get what must be in them", flushed).await
}

/// The kind of a file. A new one needs a control of its own.
fn kind(file: &DataFile) -> anyhow::Result<&'static str> {
    let kinds = ["segment", "index", "log.json", "store.redb", "keys.slots"];
    let is_lock = file.name == "lock" && file.bytes.is_empty();
    let kind = kinds.into_iter().find(|kind| file.name.ends_with(kind)).or(is_lock.then_some("lock"));
    match kind {
        Some(kind) => Ok(kind),
        None => bail!("{} is a kind of file that this test has no control for", file.name),
    }
}
