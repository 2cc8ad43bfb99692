//! Where an ownership begins, and how it follows the topics that it doesn't own.

use bytes::Bytes;
use chasqui_domain::{Offset, Term};
use chasqui_log::{Append, Error as LogError, Log, Reader, Record, TopicPartition};
use chasqui_store::Checkpoint;
use chasqui_wire::checkpoint::RouterState;

use crate::{Error, Router};

/// A reader of a topic, and where it stands.
pub(crate) struct Follower {
    reader: Box<dyn Reader>,
    pub(crate) next: Offset,
    /// What retention removes before it is read says nothing any more.
    may_miss: bool,
}

impl Follower {
    /// Follows `presence`, of which nothing may be missed: what says of a session that it lives, and of a term that it has
    /// begun.
    pub(crate) async fn of_presence(log: &dyn Log, at: &TopicPartition, from: Offset) -> Result<Self, Error> {
        Ok(Self { reader: log.reader_ahead(at, from).await?, next: from, may_miss: false })
    }

    /// Follows `heartbeats`, which are repeated.
    pub(crate) async fn of_heartbeats(log: &dyn Log, at: &TopicPartition, from: Offset) -> Result<Self, Error> {
        Ok(Self { reader: log.reader_ahead(at, from).await?, next: from, may_miss: true })
    }

    /// What follows. Cancel safe.
    ///
    /// # Errors
    /// Those of the log; [`Error::PresenceTrimmed`].
    pub(crate) async fn next(&mut self, bytes_max: usize) -> Result<Vec<Record>, Error> {
        let records = match self.reader.next(bytes_max).await {
            Err(LogError::Trimmed { .. }) if !self.may_miss => return Err(Error::PresenceTrimmed),
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

/// The key of the records with which ownerships begin. They are empty, as are those that mark a removed key, so that
/// compaction keeps nothing of them; what counts is their offset. No session has this key.
const TERM_KEY: &[u8] = b"term";

/// Whether a record of `presence` begins a term.
pub(crate) fn begins_term(record: &Record) -> bool {
    record.value.is_empty() && *record.key == *TERM_KEY
}

/// Begins a term: gives the checkpoint to go on from, which is of this term by then, so that no former owner can move it.
pub(crate) async fn take_over(
    router: &Router,
    inbox_at: &TopicPartition,
    presence_at: &TopicPartition,
) -> Result<Checkpoint, Error> {
    // In this order, since another may take over between the two; and before anything is appended, or attempts would fill
    // up what is missing.
    let stands = router.deps.store.checkpoint(router.of()).await?;
    let end = router.deps.log.bounds(presence_at).await?.end;
    let known = stands.as_ref().map_or(Offset(0), known_of_presence);
    if known > end {
        return Err(Error::LogBehind { at: presence_at.clone(), known, end });
    }
    let (key, value, headers) = (Bytes::from_static(TERM_KEY), Bytes::new(), Vec::new());
    let begins = Append { to: presence_at.clone(), key, value, headers };
    let term = Term(router.deps.log.append_one(begins).await?.offset.0);
    let checkpoint = checkpoint(router, inbox_at).await?;
    if checkpoint.term > term {
        return Err(Error::Overtaken);
    }
    let checkpoint = Checkpoint { term, ..checkpoint };
    router.deps.store.save_checkpoint(router.of(), checkpoint.clone()).await?;
    Ok(checkpoint)
}

/// Up to where `presence` was there, as a checkpoint knows: what is answered, and the record with which its term began.
fn known_of_presence(checkpoint: &Checkpoint) -> Offset {
    // A checkpoint without a term has the number 0, too. One of term 0 has answered that record when it is saved again.
    let begun = if checkpoint.term > Term(0) { Offset(checkpoint.term.0).next() } else { Offset(0) };
    checkpoint.presence.max(begun)
}

/// The newest checkpoint, or that of a partition in which nothing was placed.
async fn checkpoint(router: &Router, inbox_at: &TopicPartition) -> Result<Checkpoint, Error> {
    let (log, store, of) = (&router.deps.log, &router.deps.store, router.of());
    let checkpoint = store.checkpoint(of).await?;
    let bounds = log.bounds(inbox_at).await?;
    match checkpoint {
        Some(checkpoint) if checkpoint.inbox > bounds.end => {
            Err(Error::LogBehind { at: inbox_at.clone(), known: checkpoint.inbox, end: bounds.end })
        }
        Some(checkpoint) => Ok(checkpoint),
        // Nothing is released before there is a checkpoint.
        None if bounds.start > Offset(0) => Err(Error::CheckpointLost),
        None => {
            let state = RouterState::default().encode()?;
            Ok(Checkpoint { term: Term(0), inbox: bounds.start, presence: Offset(0), state })
        }
    }
}
