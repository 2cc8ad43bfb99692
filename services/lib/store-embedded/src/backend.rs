//! The database's file, on our own disk layer.

use std::{io, sync::Arc};

use chasqui_disk::File;
use redb::StorageBackend;

use crate::failure::Failure;

/// The database's file.
#[derive(Debug)]
pub(crate) struct Backend {
    pub(crate) file: Arc<dyn File>,
    /// After a fault nothing reaches the file any more, so that opening it again finds what a crash would have left:
    /// the last flush. The database would otherwise still write when it is dropped.
    pub(crate) failure: Arc<Failure>,
}

impl Backend {
    fn check(&self) -> io::Result<()> {
        if self.failure.is_set() { Err(io::Error::other("the store has failed before")) } else { Ok(()) }
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(out, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.check()?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.check()?;
        self.file.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.check()?;
        self.file.write_all_at(data, offset)
    }
}
