//! What the server says that there is.

use std::net::SocketAddr;

use anyhow::{Context, bail};
use chasqui_domain::{ChatId, Seq, UserId};
use chasqui_wire::frames::{self, ChatItem, Chats, ChatsQuery, Message, Messages, MessagesQuery};
use reqwest::StatusCode;
use serde::{Serialize, de::DeserializeOwned};

/// The most items of a page.
const PAGE: u32 = 200;

/// A chat as the server gives it to one of its users.
#[derive(Debug)]
pub struct History {
    /// The chat.
    pub chat: ChatId,
    /// Who asked.
    pub user: UserId,
    /// All messages, from the first on.
    pub messages: Vec<Message>,
    /// What the list of chats says; none when the user is in no such chat.
    pub item: Option<ChatItem>,
}

/// Where a server answers.
#[derive(Debug, Clone)]
pub struct Place {
    address: SocketAddr,
    http: reqwest::Client,
}

impl Place {
    /// A server's address.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self { address, http: reqwest::Client::new() }
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A chat as a user is given it.
    ///
    /// # Errors
    /// When the server doesn't answer, or with an error.
    pub async fn history(&self, token: &str, user: &UserId, chat: ChatId) -> anyhow::Result<History> {
        let mut after = None;
        let mut item = None;
        loop {
            let query = ChatsQuery { limit: Some(PAGE), after };
            let Some(chats) = self.get::<Chats>("chats", token, &query).await? else {
                bail!("there is no list of chats")
            };
            item = item.or(chats.chats.into_iter().find(|item| item.chat == chat));
            after = chats.next;
            if after.is_none() {
                break;
            }
        }
        let messages = self.messages(token, chat).await?;
        Ok(History { chat, user: user.clone(), messages, item })
    }

    async fn messages(&self, token: &str, chat: ChatId) -> anyhow::Result<Vec<Message>> {
        let path = format!("chats/{chat}/messages");
        let mut messages = Vec::new();
        let mut after = Some(Seq(0));
        while after.is_some() {
            let query = MessagesQuery { after, before: None, limit: Some(PAGE) };
            // A chat that the server knows nothing of has no messages.
            let Some(page) = self.get::<Messages>(&path, token, &query).await? else { break };
            messages.extend(page.messages);
            after = page.next;
        }
        Ok(messages)
    }

    async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        token: &str,
        query: &impl Serialize,
    ) -> anyhow::Result<Option<T>> {
        let url = format!("http://{}/v1/{path}", self.address);
        let answer = self.http.get(&url).query(query).bearer_auth(token).send().await.context("an answer")?;
        let status = answer.status();
        let text = answer.text().await.context("a whole answer")?;
        match status {
            StatusCode::OK => Ok(Some(frames::parse(&text)?)),
            StatusCode::NOT_FOUND => Ok(None),
            status => bail!("{url} gives {status}: {text}"),
        }
    }

    /// The status and the text of `/ready` or `/health`.
    ///
    /// # Errors
    /// When the server doesn't answer.
    pub async fn probe(&self, path: &str) -> anyhow::Result<(StatusCode, String)> {
        let answer = self.http.get(format!("http://{}{path}", self.address)).send().await.context("an answer")?;
        Ok((answer.status(), answer.text().await?))
    }
}
