//! What is shown of chats, their members and snapshots, and which chats a user is in.

use bytes::Bytes;
use chasqui_domain::{ChatId, UserId, Version};
use chasqui_store::{ChatRow, ChatUpdate, Error, MemberRow, MemberState, READ_ROWS_MAX, Snapshot};
use scylla::value::MaybeUnset;

use crate::{
    CqlStore,
    cluster::Sized,
    codec,
    error::damaged,
    numbers::{bigint, limit, number},
};

/// What is read of a member, and of the chat beside them: user, state, summary. There is no user where there is only a summary.
type ChatColumns = (Option<String>, Option<Vec<u8>>, Option<Vec<u8>>);

impl CqlStore {
    /// Writes what is new of a chat: who joins or leaves finds it among theirs, or doesn't, before it shows. What has
    /// become of its messages goes before what is shown of the chat itself.
    pub(crate) async fn put_update(&self, update: ChatUpdate) -> Result<(), Error> {
        let ChatUpdate { chat, version, summary, members, messages } = update;
        let version = bigint(version.0)?;
        self.put_messages(chat, version, messages).await?;
        let (mut rows, mut gone) = (Vec::with_capacity(members.len()), Vec::new());
        let mut joined = Vec::new();
        for member in members {
            match member.state {
                MemberState::Joined(state) => {
                    joined.push(member.user.clone());
                    rows.push((member.user, state));
                }
                MemberState::Stays(state) => rows.push((member.user, state)),
                MemberState::Gone => gone.push(member.user),
            }
        }
        let id = chat.as_bytes();
        let list = async |user: UserId| {
            self.cluster.write(&self.statements.put_chat_of, (user.as_str(), &id[..], version)).await
        };
        let unlist = async |user: &UserId| {
            self.cluster.write(&self.statements.remove_chat_of, (version, user.as_str(), &id[..])).await
        };
        let remove = async |user: &UserId| {
            self.cluster.write(&self.statements.remove_member, (version, &id[..], user.as_str())).await
        };
        self.cluster.all(gone.iter().map(unlist)).await?;
        self.cluster.all(joined.into_iter().map(list)).await?;
        self.cluster.all(gone.iter().map(remove)).await?;
        self.put_members(chat, &rows, summary, version).await
    }

    /// The summary goes with the first row: they are one mutation.
    async fn put_members(
        &self,
        chat: ChatId,
        rows: &[(UserId, Bytes)],
        summary: Option<Bytes>,
        version: i64,
    ) -> Result<(), Error> {
        let id = chat.as_bytes();
        if let (Some(summary), []) = (&summary, rows) {
            return self.cluster.write(&self.statements.put_summary, (&id[..], &**summary, version)).await;
        }
        let mut summary = summary.as_deref();
        let row = |(user, state): &'_ (UserId, Bytes)| {
            let beside = summary.take();
            let bytes = state.len() + user.as_str().len() + beside.map_or(0, <[u8]>::len);
            let beside = beside.map_or(MaybeUnset::Unset, |summary| MaybeUnset::Set(summary.to_vec()));
            Sized { bytes, values: (id.to_vec(), user.to_string(), state.to_vec(), beside, version) }
        };
        let rows: Vec<_> = rows.iter().map(row).collect();
        self.cluster.write_in_order(&self.statements.put_member, rows).await
    }

    pub(crate) async fn chat(&self, chat: ChatId, of: &UserId) -> Result<Option<ChatRow>, Error> {
        let id = chat.as_bytes();
        let rows: Vec<ChatColumns> = if chat.is_group() {
            self.cluster.rows("members", &self.statements.member, (&id[..], of.as_str())).await?
        } else {
            self.cluster.rows("members", &self.statements.pair, (&id[..],)).await?
        };
        let (mut members, mut beside) = (Vec::with_capacity(rows.len()), None);
        for (user, state, summary) in rows {
            beside = summary.or(beside);
            if let (Some(user), Some(state)) = (user, state) {
                members.push(MemberRow { user: codec::read_user("members", &user)?, state: state.into() });
            }
        }
        if !members.iter().any(|member| member.user == *of) {
            return Ok(None);
        }
        let summary = beside.ok_or_else(|| damaged("members", "the summary of their chat is missing"))?.into();
        Ok(Some(ChatRow { chat, summary, members }))
    }

    pub(crate) async fn read_members(
        &self,
        chat: ChatId,
        after: Option<&UserId>,
        rows_max: usize,
    ) -> Result<Vec<MemberRow>, Error> {
        let rows_max = rows_max.min(READ_ROWS_MAX);
        if rows_max == 0 {
            return Ok(Vec::new());
        }
        // Every id sorts behind no text.
        let values = (chat.as_bytes(), after.map_or("", UserId::as_str), limit(rows_max));
        let rows: Vec<(String, Vec<u8>)> = self.cluster.rows("members", &self.statements.members, values).await?;
        let row = |(user, state): (String, Vec<u8>)| {
            Ok(MemberRow { user: codec::read_user("members", &user)?, state: state.into() })
        };
        rows.into_iter().map(row).collect()
    }

    pub(crate) async fn put_snapshot(&self, snapshot: Snapshot) -> Result<(), Error> {
        let version = bigint(snapshot.version.0)?;
        let values = (snapshot.chat.as_bytes(), version, &*snapshot.bytes, version);
        self.cluster.write(&self.statements.put_snapshot, values).await
    }

    pub(crate) async fn snapshot(&self, chat: ChatId) -> Result<Option<Snapshot>, Error> {
        let row = self.cluster.first("snapshots", &self.statements.snapshot, (chat.as_bytes(),)).await?;
        let Some((Some(version), bytes)): Option<(Option<i64>, Option<Vec<u8>>)> = row else { return Ok(None) };
        let bytes = bytes.ok_or_else(|| damaged("snapshots", "its state is missing"))?;
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
