//! The state file: replaced as a whole, so that a crash leaves the old one or the new one.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;

use crate::{error::Error, storage::Storage};

/// A state in a file.
#[derive(Debug)]
pub(crate) struct StateFile(Arc<Held>);

/// The file, held against other clients until it is dropped. A thread that writes it holds it, too: a save that was
/// dropped is over before another client gets the file.
#[derive(Debug)]
struct Held {
    path: PathBuf,
    /// Beside the file, since the file itself is replaced.
    _lock: File,
}

impl StateFile {
    /// Takes the file.
    ///
    /// # Errors
    /// [`Error::InUse`], [`Error::State`].
    pub(crate) async fn open(path: PathBuf) -> Result<Self, Error> {
        let place = place(&path);
        let failed = |source| Error::State { place, source };
        match blocking(move || Held::take(path)).await {
            Ok(Ok(held)) => Ok(Self(Arc::new(held))),
            Ok(Err(path)) => Err(Error::InUse { path }),
            Err(source) => Err(failed(source)),
        }
    }
}

#[async_trait]
impl Storage for StateFile {
    fn place(&self) -> String {
        place(&self.0.path)
    }

    async fn load(&self) -> io::Result<Option<Vec<u8>>> {
        let held = self.0.clone();
        blocking(move || match fs::read(&held.path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    async fn save(&self, bytes: Vec<u8>) -> io::Result<()> {
        let held = self.0.clone();
        blocking(move || replace(&held.path, &bytes)).await
    }
}

impl Held {
    /// Gives the path back when another client has the file.
    fn take(path: PathBuf) -> io::Result<Result<Self, PathBuf>> {
        let lock = private(OpenOptions::new().create(true).write(true).truncate(false)).open(beside(&path, ".lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Ok(Self { path, _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(Err(path)),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// Runs what blocks. When dropped it goes on to its end.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

fn place(path: &Path) -> String {
    path.display().to_string()
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

    #[tokio::test]
    async fn what_is_saved_is_loaded_by_one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let file = StateFile::open(path.clone()).await.unwrap();
        assert_eq!(file.load().await.unwrap(), None);
        file.save(b"one".to_vec()).await.unwrap();
        file.save(b"two".to_vec()).await.unwrap();
        assert!(matches!(StateFile::open(path.clone()).await, Err(Error::InUse { .. })));
        drop(file);
        assert_eq!(StateFile::open(path).await.unwrap().load().await.unwrap(), Some(b"two".to_vec()));
    }

    #[tokio::test]
    async fn a_half_written_successor_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let file = StateFile::open(path.clone()).await.unwrap();
        file.save(b"one".to_vec()).await.unwrap();
        fs::write(beside(&path, ".new"), b"tw").unwrap();
        assert_eq!(file.load().await.unwrap(), Some(b"one".to_vec()));
    }
}
