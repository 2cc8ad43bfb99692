//! The REST half: the chat list that a device begins with, and the history that it scrolls to.

use std::{fmt, sync::Arc, time::Duration};

use chasqui_domain::{ChatId, Seq};
use chasqui_wire::frames::{
    self, Changes, ChangesQuery, ChatItem, ChatReceipts, Chats, ChatsQuery, Devices, DevicesQuery, Members,
    MembersQuery, MessageReactions, MessageReceipts, Messages, MessagesQuery, Problem, Token,
};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url, header::CONTENT_TYPE, redirect};
use serde::{Serialize, de::DeserializeOwned};

/// How long connecting may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// How long an answer may take, from the start of the question. The server gives up before.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a connection is kept for another question: less than servers keep it, so that none is asked as it goes.
const IDLE: Duration = Duration::from_secs(5);
/// The longest answer. A page of bodies of the largest size that can be configured may be longer: ask for fewer then.
const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL is not one of a server.
    #[error("{url:?} is no URL of a server: {why}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong.
        why: String,
    },
    /// The server can't be reached, or its answer was cut off or took too long.
    #[error("the server can't be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The server won't answer, and says why.
    #[error("the server answers: {}", problem.detail.as_ref().unwrap_or(&problem.title))]
    Refused {
        /// What it says.
        problem: Box<Problem>,
    },
    /// Something answers that is no Chasqui, such as a proxy.
    #[error("the server answers with status {status}")]
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// The answer is longer than what is taken; a lower limit gives a shorter one.
    #[error("the answer has more than {bytes_max} bytes")]
    TooLarge {
        /// What it may have.
        bytes_max: usize,
    },
    /// The answer makes no sense.
    #[error("the answer can't be understood")]
    Answer(#[source] chasqui_wire::Error),
}

impl Error {
    /// Whether the same question may be answered later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Refused { problem } => problem.retry,
            Self::Status { status } => matches!(status, 408 | 429 | 500..),
            Self::Url { .. } | Self::TooLarge { .. } | Self::Answer(_) => false,
        }
    }
}

/// Asks the REST API as one user. Its clones share their connections.
#[derive(Clone)]
pub struct Rest {
    base: Url,
    token: Token,
    client: reqwest::Client,
    observer: Option<AnswerObserver>,
}

/// Is shown every answer before anything is made of it, for debugging. Answers hold what people write: don't keep them.
pub type AnswerObserver = Arc<dyn Fn(&Answer<'_>) + Send + Sync>;

/// An answer as it came, and to what.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The question's method.
    pub method: &'a str,
    /// The question's path, without its query.
    pub path: &'a str,
    /// The HTTP status.
    pub status: u16,
    /// Its `content-type`, if it has one.
    pub content_type: Option<&'a str>,
    /// Its body.
    pub body: &'a str,
}

impl fmt::Debug for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { base, token, client: _, observer } = self;
        let mut all = f.debug_struct("Rest");
        all.field("base", &base.as_str()).field("token", token).field("observed", &observer.is_some()).finish()
    }
}

impl Rest {
    /// Takes where the server is, such as `http://127.0.0.1:7600`, and the user's token. Nothing is connected yet.
    ///
    /// # Errors
    /// [`Error::Url`].
    pub fn new(base_url: &str, token: Token) -> Result<Self, Error> {
        let base = parse(base_url)?;
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_PATIENCE)
            .timeout(PATIENCE)
            .pool_idle_timeout(IDLE)
            // The token is for this server alone.
            .redirect(redirect::Policy::none())
            // The socket knows no proxies either; the two must not reach different servers.
            .no_proxy()
            .build()
            .map_err(Error::Unreachable)?;
        Ok(Self { base, token, client, observer: None })
    }

    /// The same, whose answers are shown.
    #[must_use]
    pub fn observed(self, observer: AnswerObserver) -> Self {
        Self { observer: Some(observer), ..self }
    }

    /// A page of the user's chats.
    ///
    /// # Errors
    /// Any but [`Error::Url`]. Cancel safe.
    pub async fn chats(&self, query: &ChatsQuery) -> Result<Chats, Error> {
        self.get("v1/chats", query).await
    }

    /// One chat of the list; none when the user is not in it, which a direct chat without messages is the case of.
    ///
    /// # Errors
    /// As [`Rest::chats`].
    pub async fn chat(&self, chat: ChatId) -> Result<Option<ChatItem>, Error> {
        let page = self.chats(&ChatsQuery { limit: Some(1), after: just_below(chat) }).await?;
        Ok(page.chats.into_iter().find(|item| item.chat == chat))
    }

    /// A page of a chat's messages.
    ///
    /// # Errors
    /// Any but [`Error::Url`]. Cancel safe.
    pub async fn messages(&self, chat: ChatId, query: &MessagesQuery) -> Result<Messages, Error> {
        self.get(&format!("v1/chats/{chat}/messages"), query).await
    }

    /// A page of a chat's members.
    ///
    /// # Errors
    /// Any but [`Error::Url`]. Cancel safe.
    pub async fn members(&self, chat: ChatId, query: &MembersQuery) -> Result<Members, Error> {
        self.get(&format!("v1/chats/{chat}/members"), query).await
    }

    /// A page of what was changed in a chat, from the latest down.
    ///
    /// # Errors
    /// Any but [`Error::Url`]. Cancel safe.
    pub async fn changes(&self, chat: ChatId, query: &ChangesQuery) -> Result<Changes, Error> {
        self.get(&format!("v1/chats/{chat}/changes"), query).await
    }

    /// Everybody's watermarks in a chat; of the others in a group what all of them have.
    ///
    /// # Errors
    /// Any but [`Error::Url`]. Cancel safe.
    pub async fn watermarks(&self, chat: ChatId) -> Result<ChatReceipts, Error> {
        self.get(&format!("v1/chats/{chat}/receipts"), &()).await
    }

    /// A page of who has a message.
    ///
    /// # Errors
    /// Any but [`Error::Url`]. Cancel safe.
    pub async fn receipts(&self, chat: ChatId, seq: Seq, query: &MembersQuery) -> Result<MessageReceipts, Error> {
        self.get(&format!("v1/chats/{chat}/messages/{seq}/receipts"), query).await
    }

    /// A page of who reacts to a message, and how.
    ///
    /// # Errors
    /// Any but [`Error::Url`]. Cancel safe.
    pub async fn reactions(&self, chat: ChatId, seq: Seq, query: &MembersQuery) -> Result<MessageReactions, Error> {
        self.get(&format!("v1/chats/{chat}/messages/{seq}/reactions"), query).await
    }

    /// A page of the user's devices.
    ///
    /// # Errors
    /// Any but [`Error::Url`]. Cancel safe.
    pub async fn devices(&self, query: &DevicesQuery) -> Result<Devices, Error> {
        self.get("v1/devices", query).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, query: &impl Serialize) -> Result<T, Error> {
        let question = self.client.get(below(&self.base, path)).query(query).bearer_auth(&self.token.0);
        self.answer(question).await
    }

    /// A question for what these segments of a path name, whatever characters they have.
    pub(crate) fn question(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let mut url = self.base.clone();
        // A URL of http has segments.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        self.client.request(method, url).bearer_auth(&self.token.0)
    }

    /// Asks it.
    pub(crate) async fn answer<T: DeserializeOwned>(&self, question: RequestBuilder) -> Result<T, Error> {
        let (status, text) = self.ask(question).await?;
        if status == StatusCode::OK { frames::parse(&text).map_err(Error::Answer) } else { Err(refusal(status, &text)) }
    }

    /// Asks for something that has no answer but that it was done.
    pub(crate) async fn done(&self, question: RequestBuilder) -> Result<(), Error> {
        let (status, text) = self.ask(question).await?;
        if status.is_success() { Ok(()) } else { Err(refusal(status, &text)) }
    }

    async fn ask(&self, question: RequestBuilder) -> Result<(StatusCode, String), Error> {
        let request = question.build().map_err(Error::Unreachable)?;
        let observed =
            self.observer.as_ref().map(|observer| (observer, request.method().clone(), request.url().clone()));
        let response = self.client.execute(request).await.map_err(Error::Unreachable)?;
        let (status, content_type) = (response.status(), response.headers().get(CONTENT_TYPE).cloned());
        let text = text_of(response).await?;
        if let Some((observer, method, url)) = observed {
            let content_type = content_type.as_ref().and_then(|value| value.to_str().ok());
            let (method, path, status) = (method.as_str(), url.path(), status.as_u16());
            observer(&Answer { method, path, status, content_type, body: &text });
        }
        Ok((status, text))
    }
}

fn refusal(status: StatusCode, text: &str) -> Error {
    match frames::parse(text) {
        Ok(problem) => Error::Refused { problem: Box::new(problem) },
        Err(_) => Error::Status { status: status.as_u16() },
    }
}

/// The socket of the server at this URL, as [`Options`](crate::Options) takes it.
///
/// # Errors
/// [`Error::Url`].
pub fn socket_url(base_url: &str) -> Result<String, Error> {
    let url = below(&parse(base_url)?, "v1/socket");
    Ok(url.as_str().replacen("http", "ws", 1))
}

fn parse(base_url: &str) -> Result<Url, Error> {
    let wrong = |why: &str| Error::Url { url: without_userinfo(base_url), why: why.to_owned() };
    let url = Url::parse(base_url).map_err(|error| wrong(&error.to_string()))?;
    match url.scheme() {
        _ if !url.username().is_empty() || url.password().is_some() => {
            Err(wrong("a user is told by the token, and not by the URL"))
        }
        "http" if url.query().is_some() || url.fragment().is_some() => Err(wrong("it ends with its path")),
        "http" => Ok(url),
        "https" => Err(wrong("TLS is not spoken here yet, use http")),
        _ => Err(wrong("it begins with http://")),
    }
}

/// A URL as it may be shown: what stands in front of the host can be a password, also where it can't be parsed.
pub(crate) fn without_userinfo(url: &str) -> String {
    url.rsplit_once('@').map_or_else(|| url.to_owned(), |(_, rest)| format!("…@{rest}"))
}

/// A server may live below a path of its host.
fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}

/// The id behind which `chat` is the next that there can be; none when it is the lowest.
fn just_below(chat: ChatId) -> Option<ChatId> {
    let mut bytes = *chat.as_bytes();
    let at = bytes.iter().rposition(|byte| *byte > 0)?;
    bytes[at] -= 1;
    bytes[at + 1..].fill(u8::MAX);
    ChatId::from_bytes(&bytes).ok()
}

async fn text_of(mut response: Response) -> Result<String, Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Error::Unreachable)? {
        if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(Error::TooLarge { bytes_max: ANSWER_BYTES_MAX });
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|error| Error::Answer(chasqui_wire::Error::Frame { why: error.to_string() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_is_beside_the_rest_api() {
        let of = |url: &str| socket_url(url).unwrap();
        assert_eq!(of("http://127.0.0.1:7600"), "ws://127.0.0.1:7600/v1/socket");
        assert_eq!(of("http://chat.example/app/"), "ws://chat.example/app/v1/socket");
    }

    #[test]
    fn the_id_below_is_the_next_lower() {
        let of = |bytes: [u8; 24]| ChatId::from_bytes(&bytes).unwrap();
        let (mut chat, mut below) = ([1; 24], [1; 24]);
        (chat[22], chat[23], below[22], below[23]) = (7, 0, 6, 255);
        assert_eq!(just_below(of(chat)), Some(of(below)));
        assert_eq!(just_below(of([0; 24])), None);
    }

    #[test]
    fn what_is_no_server_is_refused_with_a_reason() {
        for (url, why) in [
            ("127.0.0.1:7600", "relative URL"),
            ("ftp://a", "http://"),
            ("https://a", "TLS"),
            ("http://a/?b=c", "path"),
            ("", "relative URL"),
            ("http://me:sekret@a", "token"),
            ("http://sekret@a", "token"),
            ("me:sekret@a b", ""),
        ] {
            let error = Rest::new(url, Token("t".to_owned())).unwrap_err();
            assert!(error.to_string().contains(why) && !error.is_retryable(), "{url}: {error}");
            assert!(!format!("{error:?}").contains("sekret"), "{error:?}");
        }
    }
}
