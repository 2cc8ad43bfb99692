//! What the REST API answers, in plain words and numbers.

use std::collections::BTreeMap;

use anyhow::Context;
use chasqui_domain::{ChatId, Seq};
use chasqui_oracle::{Message, Served, ServedChat};
use chasqui_testkit::transcript::{plain, watermarks};
use chasqui_wire::frames::{ChatItem, Chats, ChatsQuery, Messages, MessagesQuery};
use reqwest::{Client, StatusCode};
use serde::{Serialize, de::DeserializeOwned};

use crate::witness::ask;

/// Asks for pages that are shorter than what there is, so that there are several.
const PAGE_ITEMS: u32 = 40;

/// A user who asks for everything.
pub struct Rest<'a> {
    http: Client,
    server: &'a str,
    user: &'a str,
    token: &'a str,
}

/// The server won't answer.
#[derive(Debug, thiserror::Error)]
#[error("{path} is answered with {status}")]
pub struct Refused {
    path: String,
    /// The status that it answers with instead.
    pub status: StatusCode,
}

/// The status and the text of `/ready` or `/health`.
///
/// # Errors
/// When the server doesn't answer, or as no document says.
pub async fn probe(server: &str, path: &str) -> anyhow::Result<(StatusCode, String)> {
    let (status, body) = ask(Client::new().get(format!("http://{server}{path}"))).await?;
    Ok((status, String::from_utf8(body.into())?))
}

impl<'a> Rest<'a> {
    /// `server` is its address, such as `127.0.0.1:7600`.
    #[must_use]
    pub fn new(server: &'a str, user: &'a str, token: &'a str) -> Self {
        Self { http: Client::new(), server, user, token }
    }

    /// Everything that the user is served.
    ///
    /// # Errors
    /// When the server doesn't answer well.
    pub async fn everything(&self) -> anyhow::Result<Served> {
        let mut served = Served { user: self.user.to_owned(), chats: Vec::new(), groups: Vec::new() };
        for item in self.chats().await? {
            served.chats.push(self.chat(item).await?);
        }
        Ok(served)
    }

    /// The last message of each chat that the user is in.
    ///
    /// # Errors
    /// When the server doesn't answer well.
    pub async fn last_seqs(&self) -> anyhow::Result<BTreeMap<String, u64>> {
        let chats = self.chats().await?;
        Ok(chats.into_iter().map(|item| (item.chat.to_string(), item.last_seq.0)).collect())
    }

    async fn chats(&self) -> anyhow::Result<Vec<ChatItem>> {
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let query = ChatsQuery { limit: Some(PAGE_ITEMS), after };
            let page: Chats = self.get("/v1/chats", &query).await?;
            all.extend(page.chats);
            after = page.next;
            if after.is_none() {
                return Ok(all);
            }
        }
    }

    async fn chat(&self, item: ChatItem) -> anyhow::Result<ServedChat> {
        let ChatItem { chat, with, group: _, last_seq, last_time, unread, members, last_message, pinned } = item;
        Ok(ServedChat {
            chat: chat.to_string(),
            with: with.map(|with| with.to_string()).unwrap_or_default(),
            last_seq: last_seq.0,
            last_time: last_time.0,
            unread,
            members: members.iter().map(watermarks).collect(),
            last_message: last_message.map(|message| plain(*message)),
            messages: self.messages(chat).await?,
            pinned: pinned.iter().map(|seq| seq.0).collect(),
            unread_in_receipts: None,
        })
    }

    async fn messages(&self, chat: ChatId) -> anyhow::Result<Vec<Message>> {
        let mut all = Vec::new();
        let mut after = Seq(0);
        loop {
            let query =
                MessagesQuery { before: None, after: Some(after), limit: Some(PAGE_ITEMS), ..MessagesQuery::default() };
            let page: Messages = self.get(&format!("/v1/chats/{chat}/messages"), &query).await?;
            all.extend(page.messages.into_iter().map(plain));
            match page.next {
                Some(next) => after = next,
                None => return Ok(all),
            }
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, query: &impl Serialize) -> anyhow::Result<T> {
        let url = format!("http://{}{path}", self.server);
        let (status, body) = ask(self.http.get(&url).query(query).bearer_auth(self.token)).await?;
        if !status.is_success() {
            return Err(Refused { path: path.to_owned(), status }.into());
        }
        serde_json::from_slice(&body).with_context(|| format!("the answer of {path}"))
    }
}
