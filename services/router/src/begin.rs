//! Where an ownership begins, and how it follows the topics that it doesn't own.

use chasqui_domain::Offset;
use chasqui_log::{Error as LogError, Log, Reader, Record, TopicPartition};
use chasqui_store::Checkpoint;
use chasqui_wire::checkpoint::RouterState;

use crate::{Error, Router};

/// A reader of a topic in which something may be passed over, and where it stands.
pub(crate) struct Follower {
    reader: Box<dyn Reader>,
    pub(crate) next: Offset,
}

impl Follower {
    pub(crate) async fn new(log: &dyn Log, at: &TopicPartition, from: Offset) -> Result<Self, Error> {
        Ok(Self { reader: log.reader(at, from).await?, next: from })
    }

    /// What follows. Cancel safe. What retention removed before it was read says nothing any more: sessions are
    /// refreshed, and heartbeats repeated.
    pub(crate) async fn next(&mut self, bytes_max: usize) -> Result<Vec<Record>, Error> {
        let records = match self.reader.next(bytes_max).await {
            Err(LogError::Trimmed { start }) => {
                self.next = start;
                return Ok(Vec::new());
            }
            read => read?,
        };
        if let Some(last) = records.last() {
            self.next = last.offset.next();
        }
        Ok(records)
    }

    /// The last record that was read or passed over.
    pub(crate) fn last(&self) -> Offset {
        Offset(self.next.0.saturating_sub(1))
    }
}

/// The checkpoint to go on from; the first owner makes one before it does anything else.
pub(crate) async fn checkpoint(router: &Router, inbox_at: &TopicPartition) -> Result<Checkpoint, Error> {
    let (log, store, of) = (&router.deps.log, &router.deps.store, router.of());
    let checkpoint = store.checkpoint(of).await?;
    let bounds = log.bounds(inbox_at).await?;
    match checkpoint {
        Some(checkpoint) if checkpoint.inbox > bounds.end => {
            Err(Error::LogBehind { checkpoint: checkpoint.inbox, end: bounds.end })
        }
        Some(checkpoint) => Ok(checkpoint),
        // Nothing is released before there is a checkpoint.
        None if bounds.start > Offset(0) => Err(Error::CheckpointLost),
        None => {
            let state = RouterState::default().encode()?;
            let checkpoint = Checkpoint { inbox: bounds.start, presence: Offset(0), state };
            store.save_checkpoint(of, checkpoint.clone()).await?;
            Ok(checkpoint)
        }
    }
}
