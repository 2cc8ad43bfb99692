//! What is known of the whole.

use chasqui_domain::LogId;
use chasqui_store::Error;

use crate::{CqlStore, error::damaged};

/// The name of the id of the life of the topics.
const LOG: &str = "log";

impl CqlStore {
    /// The life of the topics that these rows are projected from; none when it was not recorded yet.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn recorded_log(&self) -> Result<Option<LogId>, Error> {
        let row: Option<(Vec<u8>,)> = self.cluster.first("meta", &self.statements.meta, (LOG,)).await?;
        let read = |(value,): (Vec<u8>,)| {
            let id = value.as_slice().try_into().map_err(|_| damaged("meta", "the log's id has another length"))?;
            Ok(LogId(id))
        };
        row.map(read).transpose()
    }

    /// Records the life of the topics, in place of one that was recorded before.
    ///
    /// # Errors
    /// [`Error`]; the call may be repeated.
    pub async fn record_log(&self, log: LogId) -> Result<(), Error> {
        self.cluster.write(&self.statements.put_meta, (LOG, log.0)).await
    }
}
