//! How far routers have come.
//!
//! Each term has a row of its own, and what is read is that of the highest: a router whose term is over writes where nobody
//! looks. Within a term the offset of `inbox` is the timestamp, so a late save changes nothing. Saves at the same offset are
//! told apart by a number that comes first in the value, since of equal timestamps the greater value stands. This process
//! counts it, which is sound because a term is one ownership, and an ownership ends with its process.

use std::collections::HashMap;

use chasqui_domain::Term;
use chasqui_store::{Checkpoint, Error, LogPartition};
use parking_lot::Mutex;

use crate::{
    CqlStore, codec,
    numbers::{bigint, number},
    partitions::columns,
};

/// The highest term that this process saved something of, for each partition.
#[derive(Debug, Default)]
pub(crate) struct Terms(Mutex<HashMap<LogPartition, Saves>>);

#[derive(Debug)]
struct Saves {
    term: Term,
    /// How often it saved.
    count: u64,
    /// Whether the rows of lower terms were removed.
    is_alone: bool,
}

impl Terms {
    /// The number of the next save. Of a term that is over it doesn't matter.
    fn next(&self, of: LogPartition, term: Term) -> u64 {
        let mut terms = self.0.lock();
        let saves = terms.entry(of).or_insert(Saves { term, count: 0, is_alone: false });
        if saves.term < term {
            *saves = Saves { term, count: 0, is_alone: false };
        }
        saves.count += 1;
        saves.count
    }

    fn has_company(&self, of: LogPartition, term: Term) -> bool {
        self.0.lock().get(&of).is_some_and(|saves| saves.term == term && !saves.is_alone)
    }

    fn is_alone(&self, of: LogPartition, term: Term) {
        if let Some(saves) = self.0.lock().get_mut(&of).filter(|saves| saves.term == term) {
            saves.is_alone = true;
        }
    }
}

impl CqlStore {
    /// Saves a checkpoint, and behind the first of a term removes what former ones left: not before, or a crash in between
    /// would leave none.
    pub(crate) async fn put_checkpoint(&self, of: LogPartition, checkpoint: Checkpoint) -> Result<(), Error> {
        let ((log, partition), term) = (columns(of), bigint(checkpoint.term.0)?);
        let timestamp = bigint(checkpoint.inbox.0)?;
        let cell = codec::checkpoint(self.terms.next(of, checkpoint.term), &checkpoint);
        self.cluster.write(&self.statements.put_checkpoint, (log, partition, term, cell, timestamp)).await?;
        if self.terms.has_company(of, checkpoint.term) {
            self.cluster.write(&self.statements.remove_checkpoints, (log, partition, term)).await?;
            self.terms.is_alone(of, checkpoint.term);
        }
        Ok(())
    }

    pub(crate) async fn read_checkpoint(&self, of: LogPartition) -> Result<Option<Checkpoint>, Error> {
        let row: Option<(i64, Vec<u8>)> =
            self.cluster.first("checkpoints", &self.statements.checkpoint, columns(of)).await?;
        row.map(|(term, cell)| codec::read_checkpoint(Term(number(term)?), &cell)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use chasqui_domain::{LogId, Partition};

    use super::*;

    #[test]
    fn saves_are_counted_in_a_term_and_former_ones_count_no_more() {
        let (terms, of) = (Terms::default(), LogPartition { log: LogId([1; 16]), partition: Partition(7) });
        assert_eq!((terms.next(of, Term(3)), terms.next(of, Term(3))), (1, 2));
        assert!(terms.has_company(of, Term(3)));
        terms.is_alone(of, Term(3));
        assert!(!terms.has_company(of, Term(3)));
        // A former owner in this process removes nothing, and doesn't begin the count anew.
        terms.next(of, Term(2));
        assert!(!terms.has_company(of, Term(2)));
        assert!(terms.next(of, Term(3)) > 2);
        assert_eq!(terms.next(of, Term(4)), 1);
        assert!(terms.has_company(of, Term(4)));
    }
}
