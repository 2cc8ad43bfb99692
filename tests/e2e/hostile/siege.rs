//! What the attacks have in common: the server's address, and the two who chat on.

use anyhow::{Context, ensure};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    answers::{Answer, answers_in, answers_to},
    pair::Pair,
    socket::Socket,
    tokens,
};

pub(crate) struct Siege {
    pub(crate) server: String,
    pub(crate) pair: Pair,
}

impl Siege {
    pub(crate) async fn new(server: String) -> anyhow::Result<Self> {
        let pair = Pair::start(&server).await?;
        Ok(Self { server, pair })
    }

    /// A socket on which nothing was said.
    pub(crate) async fn open(&self) -> anyhow::Result<Socket> {
        Socket::open(&self.server).await
    }

    /// A session that has caught up.
    pub(crate) async fn session(&self, user: &str, device: &str) -> anyhow::Result<Socket> {
        Socket::session(&self.server, user, device).await
    }

    pub(crate) async fn tcp(&self) -> anyhow::Result<TcpStream> {
        Ok(TcpStream::connect(&self.server).await?)
    }

    /// Writes bytes, and reads until the server closes.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> anyhow::Result<String> {
        let mut socket = self.tcp().await?;
        // It may close before it has read all.
        let _ = socket.write_all(bytes).await;
        Ok(rest_of(&mut socket).await)
    }

    /// The same where the bytes ask for this; the answers are as the documents say.
    pub(crate) async fn raw_ask(&self, method: &str, path: &str, bytes: &[u8]) -> anyhow::Result<Vec<Answer>> {
        answers_to(method, path, &self.raw(bytes).await?)
    }

    /// Asks over HTTP; gives the status and what is in the answer's JSON, which is as the documents say.
    pub(crate) async fn ask(&self, method: &str, path: &str, token: Option<&str>) -> anyhow::Result<(u16, Value)> {
        let bearer = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{bearer}\r\n");
        let read = self.raw(head.as_bytes()).await?;
        let answers = answers_in(&read)?;
        let answer = answers.first().with_context(|| format!("no answer to {method} {path}"))?;
        let json = answer.json();
        // The documents tell of what is there.
        if json["code"] != "not_found" && json["code"] != "method_not_allowed" {
            answer.is_documented(method, path)?;
        }
        Ok((answer.status, json))
    }

    /// The same as a user.
    pub(crate) async fn ask_as(&self, user: &str, path: &str) -> anyhow::Result<(u16, Value)> {
        self.ask("GET", path, Some(&tokens::good(user)?)).await
    }
}

/// All that comes until the server closes, in whatever way.
pub(crate) async fn rest_of(socket: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let _ = socket.read_to_end(&mut read).await;
    String::from_utf8_lossy(&read).into_owned()
}

/// That an answer is a problem of this code and status.
pub(crate) fn ensure_problem((status, body): &(u16, Value), code: &str, expected: u16) -> anyhow::Result<()> {
    ensure!(*status == expected && body["code"] == code && body["status"] == expected, "{status} {body}");
    Ok(())
}
