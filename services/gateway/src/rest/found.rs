//! A chat as one of its members finds it: everything that the REST API tells of a chat begins here, and so does who may ask.

use chasqui_domain::{ChatId, Seq, UserId};
use chasqui_store::{ChatRow, READ_ROWS_MAX, Store};
use chasqui_wire::{
    Code,
    frames::{ChatReceipts, MemberReceipt, OthersReceipt},
    member::{self, ChatMember},
    summary::{self, ChatSummary},
};

use super::Refused;
use crate::shared::Shared;

/// A chat, and who of its members matters to the one who asks.
pub(crate) struct Found {
    pub(crate) user: UserId,
    pub(crate) summary: ChatSummary,
    /// The member who asks.
    pub(crate) own: ChatMember,
    /// The other one of a direct chat.
    pub(crate) peer: Option<(UserId, ChatMember)>,
}

impl Found {
    /// Those of these chats that the user is in, in the order given.
    pub(crate) async fn all(store: &dyn Store, user: &UserId, chats: &[ChatId]) -> Result<Vec<Self>, Refused> {
        let rows = store.chats(chats, user).await?.into_iter().flatten();
        rows.map(|row| Self::read(user, row)).collect()
    }

    /// A chat that the user is in. Whether another chat exists is not told.
    pub(crate) async fn one(store: &dyn Store, user: &UserId, chat: ChatId) -> Result<Self, Refused> {
        Self::all(store, user, &[chat]).await?.pop().ok_or(Refused(Code::NotAMember))
    }

    fn read(user: &UserId, row: ChatRow) -> Result<Self, Refused> {
        let (mut own, mut peer) = (None, None);
        for row in row.members {
            let member = member::decode(&row.state)?;
            if row.user == *user {
                own = Some(member);
            } else {
                peer = Some((row.user, member));
            }
        }
        let own = own.ok_or(Refused(Code::NotAMember))?;
        Ok(Self { user: user.clone(), summary: summary::decode(&row.summary)?, own, peer })
    }

    /// How many messages of others the user has not opened.
    pub(crate) fn unread(&self) -> u64 {
        self.summary.unread(&self.own)
    }

    /// The watermarks of both users of a direct chat, in ascending order of user; of a group those of the user.
    pub(crate) fn members(&self) -> Vec<MemberReceipt> {
        let of = |user: &UserId, member: &ChatMember| MemberReceipt {
            user: user.clone(),
            delivered: member.delivered,
            read: member.read,
        };
        let mut members = vec![of(&self.user, &self.own)];
        members.extend(self.peer.as_ref().map(|(user, member)| of(user, member)));
        members.sort_by(|a, b| a.user.cmp(&b.user));
        members
    }

    /// Everybody's watermarks; of the others in a group what all of them have.
    pub(crate) async fn receipts(&self, shared: &Shared) -> Result<ChatReceipts, Refused> {
        let summary = &self.summary;
        let others = if summary.chat.is_group() { Some(self.others(shared).await?) } else { None };
        let (chat, last_seq, unread) = (summary.chat, summary.last_seq, self.unread());
        Ok(ChatReceipts { chat, last_seq, unread, members: self.members(), others })
    }

    /// Reads all members, which is as much work as a page.
    async fn others(&self, shared: &Shared) -> Result<OthersReceipt, Refused> {
        // It is never closed.
        let _page = shared.pages.acquire().await;
        let (mut count, mut delivered, mut read) = (0, None::<Seq>, None::<Seq>);
        let mut after = None;
        loop {
            let rows = shared.store.members(self.summary.chat, after.as_ref(), READ_ROWS_MAX).await?;
            let is_last = rows.len() < READ_ROWS_MAX;
            after = rows.last().map(|row| row.user.clone());
            for row in rows.into_iter().filter(|row| row.user != self.user) {
                let member = member::decode(&row.state)?;
                count += 1;
                delivered = Some(delivered.map_or(member.delivered, |least| least.min(member.delivered)));
                read = Some(read.map_or(member.read, |least| least.min(member.read)));
            }
            if is_last {
                let all = self.summary.last_seq;
                return Ok(OthersReceipt { count, delivered: delivered.unwrap_or(all), read: read.unwrap_or(all) });
            }
        }
    }
}
