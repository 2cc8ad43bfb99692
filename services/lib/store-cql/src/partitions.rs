//! What is kept of partitions of `commands`: committed offsets, marks, skip lists.

use std::collections::BTreeSet;

use chasqui_domain::Offset;
use chasqui_store::{Error, LogPartition, Snapshot};

use crate::{
    CqlStore,
    numbers::{bigint, number},
};

/// A partition as columns. Its number is only a name, so its bits will do.
pub(crate) fn columns(of: LogPartition) -> ([u8; 16], i32) {
    (of.log.0, of.partition.0.cast_signed())
}

impl CqlStore {
    /// The offset before the snapshots, so that none is seen that speaks of a command beyond it.
    pub(crate) async fn put_offset(
        &self,
        of: LogPartition,
        next: Offset,
        snapshots: Vec<Snapshot>,
    ) -> Result<(), Error> {
        let ((log, partition), next) = (columns(of), bigint(next.0)?);
        self.cluster.write(&self.statements.put_offset, (log, partition, next, next)).await?;
        self.cluster.all(snapshots.into_iter().map(|snapshot| self.put_snapshot(snapshot))).await?;
        Ok(())
    }

    pub(crate) async fn offset(&self, of: LogPartition) -> Result<Option<Offset>, Error> {
        let row: Option<(i64,)> = self.cluster.first("offsets", &self.statements.offset, columns(of)).await?;
        row.map(|(next,)| Ok(Offset(number(next)?))).transpose()
    }

    /// Notes that a partition has events; before it has any.
    pub(crate) async fn mark(&self, of: LogPartition) -> Result<(), Error> {
        if !self.marks.has(&of) {
            self.cluster.write(&self.statements.put_mark, columns(of)).await?;
            self.marks.put(of);
        }
        Ok(())
    }

    pub(crate) async fn is_marked(&self, of: LogPartition) -> Result<bool, Error> {
        let row: Option<(i32,)> = self.cluster.first("marks", &self.statements.mark, columns(of)).await?;
        Ok(row.is_some())
    }

    /// The offset of a skipped command is only a name, too.
    pub(crate) async fn put_skipped(&self, of: LogPartition, command: Offset) -> Result<(), Error> {
        let (log, partition) = columns(of);
        self.cluster.write(&self.statements.put_skipped, (log, partition, command.0.cast_signed())).await
    }

    pub(crate) async fn read_skipped(&self, of: LogPartition) -> Result<BTreeSet<Offset>, Error> {
        let rows: Vec<(i64,)> = self.cluster.rows("skipped", &self.statements.skipped, columns(of)).await?;
        Ok(rows.into_iter().map(|(command,)| Offset(command.cast_unsigned())).collect())
    }
}
