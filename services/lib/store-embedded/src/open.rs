//! Finding the two files, or making them.

use std::{io, path::Path, sync::Arc};

use chasqui_disk::{Disk, File};
use redb::{Builder, Database, ReadableDatabase};

use crate::{
    Options,
    backend::Backend,
    failure::Failure,
    fault::{Fault, OpenError, guard},
    slots::{self, Index},
    tables::{self, Tables},
    writer,
};

/// The database.
pub(crate) const DATABASE: &str = "store.redb";
/// The keys.
pub(crate) const KEYS: &str = "keys.slots";
/// What is added to the name of a file until it is complete.
const NEW: &str = ".new";

/// What was opened.
pub(crate) struct Opened {
    pub(crate) database: Database,
    pub(crate) keys: Arc<dyn File>,
    pub(crate) index: Index,
}

/// Opens both files, or makes both.
pub(crate) fn open(
    disk: &dyn Disk,
    folder: &Path,
    options: &Options,
    failure: &Arc<Failure>,
) -> Result<Opened, OpenError> {
    let names = make_folder(disk, folder).map_err(|fault| fault.into_open_error(folder))?;
    let (database_path, keys_path) = (folder.join(DATABASE), folder.join(KEYS));
    let (has_database, has_keys) = (names.iter().any(|name| name == DATABASE), names.iter().any(|name| name == KEYS));

    // The file of keys is made first. A database beside no keys would make all bodies in it unreadable, silently.
    if has_database && !has_keys {
        return Err(OpenError::Missing { missing: keys_path, beside: database_path });
    }
    let (keys, index) = open_keys(disk, folder, &keys_path, has_keys)?;
    if !has_database && !index.slots.is_empty() {
        return Err(OpenError::Missing { missing: database_path, beside: keys_path });
    }
    let database = open_database(disk, folder, &database_path, has_database, options, failure)?;
    Ok(Opened { database, keys, index })
}

fn make_folder(disk: &dyn Disk, folder: &Path) -> Result<Vec<String>, Fault> {
    disk.create_folder(folder)?;
    if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        disk.sync_folder(parent)?;
    }
    Ok(disk.list(folder)?)
}

fn open_keys(disk: &dyn Disk, folder: &Path, path: &Path, is_there: bool) -> Result<(Arc<dyn File>, Index), OpenError> {
    let open = || {
        if !is_there {
            make(disk, folder, KEYS, |file| {
                file.write_all_at(&slots::header(), 0)?;
                file.sync()?;
                Ok(())
            })?;
        }
        let file = disk.open(path, false)?;
        let found = slots::format(&*file)?;
        Ok((file, found))
    };
    let (file, found) = open().map_err(|fault: Fault| fault.into_open_error(path))?;
    check_format(path, found, slots::FORMAT)?;
    let index = slots::open(&*file).map_err(|fault| fault.into_open_error(path))?;
    Ok((file, index))
}

fn open_database(
    disk: &dyn Disk,
    folder: &Path,
    path: &Path,
    is_there: bool,
    options: &Options,
    failure: &Arc<Failure>,
) -> Result<Database, OpenError> {
    let database = |file| {
        let mut builder = Builder::new();
        builder.set_cache_size(options.cache_bytes).set_check_integrity_on_open(options.check_on_open);
        builder.create_with_backend(Backend { file, failure: failure.clone() })
    };
    let open = || {
        guard(|| {
            if !is_there {
                make(disk, folder, DATABASE, |file| {
                    let database = database(file)?;
                    let transaction = make_tables(&database)?;
                    transaction.commit()?;
                    Ok(database.close()?)
                })?;
            }
            let database = database(disk.open(path, false)?)?;
            let transaction = database.begin_read()?;
            let found = tables::format(&transaction.open_table(tables::META)?)?;
            drop(transaction);
            let found = found.ok_or_else(|| Fault::Damaged("it has no format".into()))?;
            Ok((database, found))
        })
    };
    let (database, found) = open().map_err(|fault| fault.into_open_error(path))?;
    check_format(path, found, tables::FORMAT)?;
    Ok(database)
}

fn make_tables(database: &Database) -> Result<redb::WriteTransaction, Fault> {
    let mut transaction = database.begin_write()?;
    writer::durable(&mut transaction)?;
    Tables::open(&transaction)?;
    transaction.open_table(tables::META)?.insert(tables::META_FORMAT, tables::FORMAT.to_be_bytes().as_slice())?;
    Ok(transaction)
}

/// Makes a file under another name and gives it its own when it is complete, so that no crash leaves half of one.
fn make(
    disk: &dyn Disk,
    folder: &Path,
    name: &str,
    fill: impl FnOnce(Arc<dyn File>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let new = folder.join(format!("{name}{NEW}"));
    match disk.remove(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    fill(disk.open(&new, true)?)?;
    disk.rename(&new, &folder.join(name))?;
    disk.sync_folder(folder)?;
    Ok(())
}

fn check_format(path: &Path, found: u32, known: u32) -> Result<(), OpenError> {
    match found {
        0 => Err(OpenError::Damaged { path: path.to_owned(), why: "its format is 0".into() }),
        found if found > known => Err(OpenError::Newer { path: path.to_owned(), found, known }),
        found if found < known => Err(OpenError::Older { path: path.to_owned(), found, known }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use chasqui_disk::RealDisk;

    use super::*;

    #[test]
    fn a_database_of_an_earlier_format_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let open = || super::open(&RealDisk, folder.path(), &Options::default(), &Arc::new(Failure::new()));
        let database = open().unwrap().database;
        let transaction = database.begin_write().unwrap();
        let format = 3u32.to_be_bytes();
        transaction.open_table(tables::META).unwrap().insert(tables::META_FORMAT, format.as_slice()).unwrap();
        transaction.commit().unwrap();
        drop(database);
        for _ in 0..2 {
            assert!(matches!(open(), Err(OpenError::Older { found: 3, .. })));
        }
    }
}
