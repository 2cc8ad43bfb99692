//! Summaries, snapshots, and which chats a user is in.

use chasqui_domain::{ChatId, UserId, Version};
use chasqui_store::{Error, READ_ROWS_MAX, Snapshot, Summary};

use crate::{
    CqlStore, codec,
    error::damaged,
    numbers::{bigint, limit, number},
};

/// What of a summary is in the row of its chat, none of it when there is only a snapshot.
type SummaryRow = (Option<i64>, Option<Vec<String>>, Option<Vec<u8>>);

impl CqlStore {
    /// Writes a summary; before it, when its members may be others, their lists of chats. So whoever repeats a write that
    /// stopped halfway still finds the members that were, and does it all again.
    pub(crate) async fn put_summary(&self, summary: Summary) -> Result<(), Error> {
        let version = bigint(summary.version.0)?;
        if summary.members_changed {
            let stands = self.summary(summary.chat).await?;
            // It is of a former owner, who doesn't know who left since.
            if stands.as_ref().is_some_and(|stands| stands.version > summary.version) {
                return Ok(());
            }
            self.put_members(&summary, stands.map(|stands| stands.members).unwrap_or_default(), version).await?;
        }
        let chat = summary.chat.as_bytes();
        let members: Vec<_> = summary.members.iter().map(UserId::as_str).collect();
        let values = (chat, &*summary.bytes, version, members, version);
        self.cluster.write(&self.statements.put_summary, values).await
    }

    /// All of them, also those who were members before: what a former owner still writes of them has to be older.
    async fn put_members(&self, summary: &Summary, former: Vec<UserId>, version: i64) -> Result<(), Error> {
        let chat = summary.chat.as_bytes();
        let gone = former.into_iter().filter(|user| !summary.members.contains(user));
        let remove = async |user: UserId| {
            self.cluster.write(&self.statements.remove_chat_of, (version, user.as_str(), chat)).await
        };
        let put = async |user: &UserId| {
            self.cluster.write(&self.statements.put_chat_of, (user.as_str(), chat, version)).await
        };
        self.cluster.all(gone.map(remove)).await?;
        self.cluster.all(summary.members.iter().map(put)).await?;
        Ok(())
    }

    pub(crate) async fn summary(&self, chat: ChatId) -> Result<Option<Summary>, Error> {
        let row = self.cluster.first("chats", &self.statements.summary, (chat.as_bytes(),)).await?;
        let Some((Some(version), members, bytes)): Option<SummaryRow> = row else { return Ok(None) };
        let bytes = bytes.ok_or_else(|| damaged("chats", "its summary is missing"))?;
        // Servers may take an empty list for none.
        let members = members.unwrap_or_default();
        let members = members.iter().map(|user| codec::read_user("chats", user)).collect::<Result<_, _>>()?;
        let version = Version(number(version)?);
        Ok(Some(Summary { chat, version, members, members_changed: true, bytes: bytes.into() }))
    }

    pub(crate) async fn put_snapshot(&self, snapshot: Snapshot) -> Result<(), Error> {
        let version = bigint(snapshot.version.0)?;
        let values = (snapshot.chat.as_bytes(), &*snapshot.bytes, version, version);
        self.cluster.write(&self.statements.put_snapshot, values).await
    }

    pub(crate) async fn snapshot(&self, chat: ChatId) -> Result<Option<Snapshot>, Error> {
        let row = self.cluster.first("chats", &self.statements.snapshot, (chat.as_bytes(),)).await?;
        let Some((Some(version), bytes)): Option<(Option<i64>, Option<Vec<u8>>)> = row else { return Ok(None) };
        let bytes = bytes.ok_or_else(|| damaged("chats", "its snapshot is missing"))?;
        Ok(Some(Snapshot { chat, version: Version(number(version)?), bytes: bytes.into() }))
    }

    pub(crate) async fn read_chats_of(
        &self,
        user: &UserId,
        after: Option<ChatId>,
        rows_max: usize,
    ) -> Result<Vec<ChatId>, Error> {
        let rows_max = rows_max.min(READ_ROWS_MAX);
        if rows_max == 0 {
            return Ok(Vec::new());
        }
        // Every id sorts behind no bytes.
        let after = after.as_ref().map_or(&[][..], |after| after.as_bytes());
        let values = (user.as_str(), after, limit(rows_max));
        let rows: Vec<(Vec<u8>,)> = self.cluster.rows("chats_of", &self.statements.chats_of, values).await?;
        rows.iter().map(|(chat,)| codec::read_chat("chats_of", chat)).collect()
    }
}
