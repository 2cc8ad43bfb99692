//! The cluster as the rest sees it: a statement, rows of one partition in their order, a read. However many ask, only so many
//! statements are under way; the others wait here.

use std::{future::Future, ops::ControlFlow};

use chasqui_store::Error;
use futures::{StreamExt, TryStreamExt, stream};
use scylla::{
    client::session::Session,
    deserialize::row::DeserializeRow,
    response::{PagingState, query_result::QueryResult},
    serialize::row::SerializeRow,
    statement::batch::{Batch, BatchType},
};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{
    error::{damaged, failed},
    limits::{BATCH_BYTES_MAX, BATCH_ROWS_MAX},
    statements::Counted,
};

/// A session, and how much may be asked of it at a time.
#[derive(Debug)]
pub(crate) struct Cluster {
    session: Session,
    under_way: Semaphore,
    concurrency_max: usize,
}

/// A row to be written, and about how many bytes it has.
pub(crate) struct Sized<V> {
    pub(crate) values: V,
    pub(crate) bytes: usize,
}

impl Cluster {
    pub(crate) fn new(session: Session, concurrency_max: usize) -> Self {
        // More permits than a semaphore can have are as good as no bound.
        let concurrency_max = concurrency_max.min(Semaphore::MAX_PERMITS);
        Self { session, under_way: Semaphore::new(concurrency_max), concurrency_max }
    }

    /// Does what changes something, and waits until a quorum has it.
    pub(crate) async fn write(&self, statement: &Counted, values: impl SerializeRow) -> Result<(), Error> {
        self.ask(statement, values).await.map(drop)
    }

    /// Does what changes something, or asks something that has one answer.
    pub(crate) async fn ask(&self, statement: &Counted, values: impl SerializeRow) -> Result<QueryResult, Error> {
        let _permit = self.permit().await?;
        self.session.execute_unpaged(statement.send(), values).await.map_err(|error| failed(&error))
    }

    /// Writes rows of one partition in the order given: as many by one statement as its bounds allow, and the next ones when a
    /// quorum has these.
    pub(crate) async fn write_in_order<V: SerializeRow>(
        &self,
        statement: &Counted,
        rows: impl IntoIterator<Item = Sized<V>>,
    ) -> Result<(), Error> {
        let (mut together, mut bytes) = (Vec::new(), 0);
        for row in rows {
            if !together.is_empty() && (together.len() == BATCH_ROWS_MAX || bytes + row.bytes > BATCH_BYTES_MAX) {
                self.write_together(statement, std::mem::take(&mut together)).await?;
                bytes = 0;
            }
            bytes += row.bytes;
            together.push(row.values);
        }
        self.write_together(statement, together).await
    }

    /// Writes rows of one partition at once: a batch of one partition is one mutation, which a replica has or hasn't.
    async fn write_together<V: SerializeRow>(&self, statement: &Counted, mut rows: Vec<V>) -> Result<(), Error> {
        match (rows.len(), rows.pop()) {
            (1, Some(only)) => self.write(statement, only).await,
            (many, Some(last)) => {
                rows.push(last);
                let mut batch = Batch::new(BatchType::Unlogged);
                batch.set_is_idempotent(true);
                let _permit = self.permit().await?;
                let statement = statement.send();
                for _ in 0..many {
                    batch.append_statement(statement.clone());
                }
                self.session.batch(&batch, rows).await.map(drop).map_err(|error| failed(&error))
            }
            (_, None) => Ok(()),
        }
    }

    /// All rows that a statement gives, page by page.
    pub(crate) async fn rows<R>(
        &self,
        table: &str,
        statement: &Counted,
        values: impl SerializeRow,
    ) -> Result<Vec<R>, Error>
    where
        R: for<'r> DeserializeRow<'r, 'r>,
    {
        let mut rows = Vec::new();
        let mut at = PagingState::start();
        loop {
            let permit = self.permit().await?;
            let page = self.session.execute_single_page(statement.send(), &values, at).await;
            let (page, next) = page.map_err(|error| failed(&error))?;
            drop(permit);
            let page = page.into_rows_result().map_err(|error| damaged(table, error))?;
            for row in page.rows().map_err(|error| damaged(table, error))? {
                rows.push(row.map_err(|error| damaged(table, error))?);
            }
            match next.into_paging_control_flow() {
                ControlFlow::Continue(next) => at = next,
                ControlFlow::Break(()) => return Ok(rows),
            }
        }
    }

    /// The first row that a statement gives.
    pub(crate) async fn first<R>(
        &self,
        table: &str,
        statement: &Counted,
        values: impl SerializeRow,
    ) -> Result<Option<R>, Error>
    where
        R: for<'r> DeserializeRow<'r, 'r>,
    {
        Ok(self.rows(table, statement, values).await?.into_iter().next())
    }

    /// Awaits all of these, several at a time, and gives what they give in their order. The first error drops the others,
    /// which leaves open whether they happen.
    pub(crate) async fn all<T, F>(&self, all: impl IntoIterator<Item = F>) -> Result<Vec<T>, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        stream::iter(all).buffered(self.concurrency_max).try_collect().await
    }

    async fn permit(&self) -> Result<SemaphorePermit<'_>, Error> {
        // Nobody closes it.
        self.under_way.acquire().await.map_err(|_| Error::Closed)
    }
}
