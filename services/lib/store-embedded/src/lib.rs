//! The store on one machine: a database file (`store.redb`) for the rows and, apart from it, a file of slots that are
//! overwritten in place (`keys.slots`) for the data keys.
//!
//! **Writes.** A write is answered once it has its place in a queue, but for those that promise more. One thread takes them
//! out and keeps a transaction open over all that comes, until somebody asks for what is in it: a read that begins behind
//! a write that it doesn't see yet, or a flush. So what is written and not read costs no commit, and whoever writes waits
//! for nothing but room in the queue. The database is copy-on-write and a commit that is not durable changes no page that
//! the last durable one names, so a crash goes back to that one, in all tables at once: it loses a suffix of all writes,
//! in the order of the queue.
//!
//! **Keys.** A second thread appends what waits to the slot file and answers after one sync for all. So a key can
//! survive rows that don't, never the reverse.
//!
//! **Faults.** After the first fault of the disk or the database nothing is written any more, and every call is answered
//! with it: what a failed write left behind is unknown. So a write may be answered and its fault be told to others. Whoever
//! awaits [`EmbeddedStore::failed`] closes the store and opens it again, which finds the last flush, as after a crash. A
//! read that finds damage fails alone: the rest may be sound, and whoever scrolls to a bad page must not end everybody's
//! sessions.
//!
//! One process at a time: nothing here keeps a second one out of the folder.

mod apply;
mod backend;
mod codec;
mod failure;
mod fault;
mod keys;
mod merged;
mod open;
mod options;
mod queue;
mod reads;
mod slots;
mod tables;
mod visible;
mod writer;

use std::{
    collections::BTreeSet,
    ops::Range,
    path::PathBuf,
    sync::Arc,
    thread::{self, JoinHandle},
};

use async_trait::async_trait;
use chasqui_disk::Disk;
use chasqui_domain::{ChatId, DeviceId, Epoch, LogId, Offset, Seq, TimeMs, UserId};
use chasqui_store::{
    Ban, BanKey, ChatLog, ChatRow, ChatUpdate, Checkpoint, DeviceRow, Error, EventQuery, EventRow, InboxRow, KeyTable,
    LogPartition, MemberRow, MessageRow, Snapshot, Store, WrappedKey,
};
use parking_lot::{Mutex, RwLock};
use redb::{Database, ReadTransaction, ReadableDatabase};
use tokio::{sync::oneshot, task};

use crate::{
    apply::Write,
    failure::Failure,
    fault::{Fault, guard},
    keys::{Creation, KeyWriter, Keys},
    queue::Queue,
    visible::Visible,
    writer::{Job, Writer},
};

pub use fault::OpenError;
pub use options::{BeforeDurable, Options};

/// The store on one machine. See the crate.
///
/// Dropping it closes it, which blocks until what waits is written and flushed; [`EmbeddedStore::close`] does so
/// without blocking the runtime.
#[derive(Debug)]
pub struct EmbeddedStore {
    shared: Arc<Shared>,
    writes: Arc<Queue<Job>>,
    creations: Arc<Queue<Creation>>,
    keys: Arc<Keys>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What the threads and the callers share.
#[derive(Debug)]
struct Shared {
    /// None when it is closed. Held for reading by whoever uses the database, for as long as they do.
    database: RwLock<Option<Database>>,
    failure: Arc<Failure>,
    visible: Visible,
    folder: PathBuf,
}

impl Shared {
    fn database<T>(&self, run: impl FnOnce(&Database) -> Result<T, Fault>) -> Result<T, Fault> {
        match &*self.database.read() {
            Some(database) => run(database),
            None => Err(Fault::Store(Error::Closed)),
        }
    }

    /// Fails the store and gives what its calls are answered with from now on.
    fn fail(&self, fault: Fault) -> Error {
        match fault {
            // Nothing new.
            Fault::Store(error) => error,
            fault => self.failure.set(fault.into_error(&self.folder)),
        }
    }
}

impl EmbeddedStore {
    /// Opens the store in a folder; makes both if they are not there. Blocks.
    ///
    /// # Errors
    /// [`OpenError`]. Nothing was changed but what a crash left behind.
    pub fn open(disk: Arc<dyn Disk>, folder: PathBuf, options: Options) -> Result<Arc<Self>, OpenError> {
        let failure = Arc::new(Failure::new());
        let opened = open::open(&*disk, &folder, &options, &failure)?;
        let shared =
            Arc::new(Shared { database: RwLock::new(Some(opened.database)), failure, visible: Visible::new(), folder });
        let writes = Arc::new(Queue::new(options.queue_bytes_max));
        let creations = Arc::new(Queue::new(options.queue_bytes_max));
        let writer = Writer::new(shared.clone(), writes.clone(), &options);
        let (key_writer, keys) = KeyWriter::new(shared.clone(), creations.clone(), opened.keys, opened.index);
        // Made before the threads, so that one which can't be started doesn't leave the other behind.
        let store = Arc::new(Self { shared, writes, creations, keys, threads: Mutex::default() });
        for (name, run) in [
            ("store", Box::new(move || writer.run()) as Box<dyn FnOnce() + Send>),
            ("store-keys", Box::new(move || key_writer.run())),
        ] {
            let started = thread::Builder::new().name(name.into()).spawn(run);
            let thread = started.map_err(|source| OpenError::Io { path: store.shared.folder.clone(), source })?;
            store.threads.lock().push(thread);
        }
        Ok(store)
    }

    /// The fault that the store has failed with; none while it works.
    #[must_use]
    pub fn failure(&self) -> Option<Error> {
        self.shared.failure.get()
    }

    /// Waits until the store fails. It stays failed until it is opened again.
    ///
    /// Cancel safe.
    pub async fn failed(&self) -> Error {
        self.shared.failure.wait().await
    }

    /// Writes what waits, flushes, and gives the files free. Further calls are answered with [`Error::Closed`]. Goes on
    /// when the future is dropped.
    ///
    /// # Errors
    /// What the store has failed with, before or now: then the last flush is what will be found.
    pub async fn close(self: Arc<Self>) -> Result<(), Error> {
        task::spawn_blocking(move || self.close_now()).await.map_err(|_| Error::Closed)?
    }

    fn close_now(&self) -> Result<(), Error> {
        self.writes.close();
        self.creations.close();
        // Held until the end, so that whoever closes at the same time waits as well.
        let mut threads = self.threads.lock();
        for thread in threads.drain(..) {
            if thread.join().is_err() {
                self.shared.fail(Fault::Damaged("a thread of the store panicked".into()));
            }
        }
        // Waits for the reads that are going on.
        if let Some(database) = self.shared.database.write().take()
            && let Err(fault) = guard(|| Ok(database.close()?))
        {
            self.shared.fail(fault);
        }
        self.shared.failure.check()
    }

    /// A life of the topics for which offsets were committed here; none when there is none. With more than one, it is
    /// not said which.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn any_log(&self) -> Result<Option<LogId>, Error> {
        self.read(reads::any_log).await
    }

    /// One of the data keys, with what it is for; none when there is none.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn any_key(&self) -> Result<Option<(ChatId, Epoch, WrappedKey)>, Error> {
        let (keys, folder) = (self.keys.clone(), self.shared.folder.clone());
        let read = move || keys.any().map_err(|fault| fault.into_error(&folder));
        task::spawn_blocking(read).await.unwrap_or(Err(Error::Closed))
    }

    async fn write(&self, write: Write) -> Result<(), Error> {
        self.shared.failure.check()?;
        let bytes = write.bytes();
        if !write.is_done_when_answered() {
            self.writes.put(Job { write, answer: None }, bytes, false).await?;
            // What was put in behind a fault won't be written.
            return self.shared.failure.check();
        }
        let (answer, answered) = oneshot::channel();
        self.writes.put(Job { write, answer: Some(answer) }, bytes, true).await?;
        answered.await.unwrap_or(Err(Error::Closed))
    }

    /// Reads, when all is visible that was answered before the call.
    async fn read<T, F>(&self, read: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&ReadTransaction) -> Result<T, Fault> + Send + 'static,
    {
        self.shared.failure.check()?;
        tokio::select! {
            biased;
            visible = self.shared.visible.wait(&self.writes) => visible?,
            error = self.shared.failure.wait() => return Err(error),
        }
        self.read_durable(read).await
    }

    /// Reads rows whose writes are durable when answered, and so visible. It waits for none of the others.
    async fn read_durable<T, F>(&self, read: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&ReadTransaction) -> Result<T, Fault> + Send + 'static,
    {
        self.shared.failure.check()?;
        let shared = self.shared.clone();
        let read = move || {
            let rows = shared.database(|database| guard(|| read(&database.begin_read()?)));
            rows.map_err(|fault| fault.into_error(&shared.folder))
        };
        // Not run at all when the runtime ends.
        task::spawn_blocking(read).await.unwrap_or(Err(Error::Closed))
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        if let Err(error) = self.close_now() {
            tracing::warn!(%error, "the store was not closed cleanly");
        }
    }
}

#[async_trait]
impl Store for EmbeddedStore {
    async fn write_events(&self, of: LogPartition, rows: Vec<EventRow>, updates: Vec<ChatUpdate>) -> Result<(), Error> {
        self.write(Write::Events(of, rows, updates)).await
    }

    async fn load_chats(&self, chats: &[ChatId], log: LogId, before: Offset) -> Result<Vec<ChatLog>, Error> {
        let chats = chats.to_vec();
        self.read(move |from| reads::load_chats(from, &chats, log, before)).await
    }

    async fn commit(&self, of: LogPartition, next: Offset, snapshots: Vec<Snapshot>) -> Result<(), Error> {
        self.write(Write::Commit(of, next, snapshots)).await
    }

    async fn committed(&self, of: LogPartition) -> Result<Option<Offset>, Error> {
        self.read(move |from| reads::committed(from, of)).await
    }

    async fn has_events(&self, of: LogPartition) -> Result<bool, Error> {
        self.read(move |from| reads::has_events(from, of)).await
    }

    async fn skip(&self, of: LogPartition, command: Offset) -> Result<(), Error> {
        self.write(Write::Skip(of, command)).await
    }

    async fn skipped(&self, of: LogPartition) -> Result<BTreeSet<Offset>, Error> {
        self.read_durable(move |from| reads::skipped(from, of)).await
    }

    async fn events(&self, query: &EventQuery) -> Result<Vec<EventRow>, Error> {
        let query = query.clone();
        self.read(move |from| reads::events(from, &query)).await
    }

    async fn chats(&self, chats: &[ChatId], of: &UserId) -> Result<Vec<Option<ChatRow>>, Error> {
        let (chats, of) = (chats.to_vec(), of.clone());
        self.read(move |from| reads::chats(from, &chats, &of)).await
    }

    async fn members(&self, chat: ChatId, after: Option<&UserId>, rows_max: usize) -> Result<Vec<MemberRow>, Error> {
        let after = after.cloned();
        self.read(move |from| reads::members(from, chat, after.as_ref(), rows_max)).await
    }

    async fn messages(&self, chat: ChatId, seqs: Range<Seq>) -> Result<Vec<MessageRow>, Error> {
        self.read(move |from| reads::messages(from, chat, &seqs)).await
    }

    async fn chats_of(&self, user: &UserId, after: Option<ChatId>, rows_max: usize) -> Result<Vec<ChatId>, Error> {
        let user = user.clone();
        self.read(move |from| reads::chats_of(from, &user, after, rows_max)).await
    }

    async fn write_inbox(&self, rows: Vec<InboxRow>) -> Result<(), Error> {
        self.write(Write::Inbox(rows)).await
    }

    async fn inbox(
        &self,
        user: &UserId,
        log: LogId,
        offsets: Range<Offset>,
        rows_max: usize,
    ) -> Result<Vec<InboxRow>, Error> {
        let user = user.clone();
        self.read(move |from| reads::inbox(from, &user, log, offsets, rows_max)).await
    }

    async fn save_checkpoint(&self, of: LogPartition, checkpoint: Checkpoint) -> Result<(), Error> {
        self.write(Write::Checkpoint(of, checkpoint)).await
    }

    async fn checkpoint(&self, of: LogPartition) -> Result<Option<Checkpoint>, Error> {
        self.read(move |from| reads::checkpoint(from, of)).await
    }

    async fn write_devices(&self, _of: LogPartition, rows: Vec<DeviceRow>) -> Result<(), Error> {
        self.write(Write::Devices(rows)).await
    }

    async fn devices_of(
        &self,
        user: &UserId,
        after: Option<&DeviceId>,
        rows_max: usize,
    ) -> Result<Vec<DeviceRow>, Error> {
        let (user, after) = (user.clone(), after.cloned());
        self.read(move |from| reads::devices_of(from, &user, after.as_ref(), rows_max)).await
    }

    async fn ban(&self, ban: Ban) -> Result<(), Error> {
        self.write(Write::Ban(ban)).await
    }

    async fn unban(&self, key: &BanKey) -> Result<(), Error> {
        self.write(Write::Unban(key.clone())).await
    }

    async fn bans_of(&self, user: &UserId, device: Option<&DeviceId>) -> Result<Vec<Ban>, Error> {
        let (user, device) = (user.clone(), device.cloned());
        self.read_durable(move |from| reads::bans_of(from, &user, device.as_ref())).await
    }

    async fn bans(&self, user: Option<&UserId>, after: Option<&BanKey>, rows_max: usize) -> Result<Vec<Ban>, Error> {
        let (user, after) = (user.cloned(), after.cloned());
        self.read_durable(move |from| reads::bans(from, user.as_ref(), after.as_ref(), rows_max)).await
    }

    async fn expire_inbox(&self, before: TimeMs) -> Result<(), Error> {
        self.write(Write::Expire(before)).await
    }

    fn is_durable_at_once(&self) -> bool {
        false
    }

    async fn flush(&self) -> Result<(), Error> {
        self.write(Write::Flush).await
    }
}

#[async_trait]
impl KeyTable for EmbeddedStore {
    async fn key(&self, chat: ChatId, epoch: Epoch) -> Result<Option<WrappedKey>, Error> {
        self.shared.failure.check()?;
        let (keys, folder) = (self.keys.clone(), self.shared.folder.clone());
        let read = move || keys.read(chat, epoch).map_err(|fault| fault.into_error(&folder));
        task::spawn_blocking(read).await.unwrap_or(Err(Error::Closed))
    }

    async fn create_key(&self, chat: ChatId, epoch: Epoch, wrapped: WrappedKey) -> Result<WrappedKey, Error> {
        self.shared.failure.check()?;
        let (answer, answered) = oneshot::channel();
        self.creations.put(Creation { chat, epoch, wrapped, answer }, 0, true).await?;
        answered.await.unwrap_or(Err(Error::Closed))
    }
}
