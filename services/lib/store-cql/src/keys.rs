//! The data keys: the only rows that are written on a condition.
//!
//! Whether a creation that ran into its time-out counts is open until the next conditional statement on that key, or a read
//! that takes part in the agreement. A quorum alone may not see it. So a key that a quorum has is believed, since it never
//! changes; that there is none is believed only of a read which settles what is open. Such a read costs about as much as a
//! write, and is needed once for each key, before it is made.

use async_trait::async_trait;
use chasqui_domain::{ChatId, Epoch};
use chasqui_store::{Error, KeyTable, WrappedKey};
use scylla::{response::query_result::QueryResult, value::Row};

use crate::{CqlStore, codec, error::damaged, statements::Counted};

/// The column that says whether a conditional write was done.
const APPLIED: &str = "[applied]";

#[async_trait]
impl KeyTable for CqlStore {
    async fn key(&self, chat: ChatId, epoch: Epoch) -> Result<Option<WrappedKey>, Error> {
        match self.key_by(&self.statements.key, chat, epoch).await? {
            Some(key) => Ok(Some(key)),
            None => self.key_by(&self.statements.settled_key, chat, epoch).await,
        }
    }

    async fn create_key(&self, chat: ChatId, epoch: Epoch, wrapped: WrappedKey) -> Result<WrappedKey, Error> {
        let values = (chat.as_bytes(), column(epoch), wrapped);
        let answer = self.cluster.ask(&self.statements.create_key, values).await?;
        Ok(stands(answer)?.unwrap_or(wrapped))
    }
}

impl CqlStore {
    /// One of the data keys, with what it is for; none when there is none.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn any_key(&self) -> Result<Option<(ChatId, Epoch, WrappedKey)>, Error> {
        let row: Option<(Vec<u8>, i32, Vec<u8>)> =
            self.cluster.first("data_keys", &self.statements.any_key, ()).await?;
        let read = |(chat, epoch, wrapped): (Vec<u8>, i32, Vec<u8>)| {
            Ok((codec::read_chat("data_keys", &chat)?, Epoch(epoch.cast_unsigned()), read(&wrapped)?))
        };
        row.map(read).transpose()
    }

    async fn key_by(&self, statement: &Counted, chat: ChatId, epoch: Epoch) -> Result<Option<WrappedKey>, Error> {
        let values = (chat.as_bytes(), column(epoch));
        let row: Option<(Vec<u8>,)> = self.cluster.first("data_keys", statement, values).await?;
        row.map(|(wrapped,)| read(&wrapped)).transpose()
    }
}

/// What stood in the way of a creation; none when it was done. Servers differ in which columns they answer with.
fn stands(answer: QueryResult) -> Result<Option<WrappedKey>, Error> {
    let unreadable = |what: String| damaged("data_keys", what);
    let rows = answer.into_rows_result().map_err(|error| unreadable(error.to_string()))?;
    let at = |name| rows.column_specs().get_by_name(name).map(|(at, _)| at);
    let (applied, wrapped) = (at(APPLIED), at("wrapped"));
    let row: Row = rows.single_row().map_err(|error| unreadable(error.to_string()))?;
    let value = |at: Option<usize>| row.columns.get(at?)?.as_ref();
    match value(applied).and_then(|value| value.as_boolean()) {
        Some(true) => Ok(None),
        Some(false) => match value(wrapped).and_then(|value| value.as_blob()) {
            Some(wrapped) => read(wrapped).map(Some),
            None => Err(unreadable("it stands in the way, but isn't there".into())),
        },
        None => Err(unreadable("whether it was created isn't said".into())),
    }
}

/// An epoch is only a name, so its bits will do.
fn column(epoch: Epoch) -> i32 {
    epoch.0.cast_signed()
}

fn read(wrapped: &[u8]) -> Result<WrappedKey, Error> {
    wrapped.try_into().map_err(|_| damaged("data_keys", "it has another length"))
}
