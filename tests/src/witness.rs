//! Sees what clients and servers say to each other, and holds it to the documents of the protocol.

use std::sync::Arc;

use anyhow::{anyhow, bail};
use bytes::Bytes;
use chasqui_client::{Direction, Options, Rest, Token, rest};
use parking_lot::Mutex;
use reqwest::{RequestBuilder, StatusCode, header::CONTENT_TYPE};

use crate::{documented, wait::within};

/// Sees the frames and answers of the clients that it was given to. What it sees first that the documents don't know it
/// keeps, since clients have nobody to tell: whoever ends a test asks for it.
#[derive(Debug, Clone, Default)]
pub struct Witness(Arc<Mutex<Option<String>>>);

impl Witness {
    /// What a client begins with, whose frames are seen. `server` is its address, such as `127.0.0.1:7600`.
    #[must_use]
    pub fn options(&self, server: &str, token: String) -> Options {
        let witness = self.clone();
        Options {
            observer: Some(Arc::new(move |direction, text: &str| witness.frame(direction, text))),
            ..Options::new(format!("ws://{server}/v1/socket"), Token(token))
        }
    }

    /// Asks over HTTP, and the answers are seen.
    ///
    /// # Errors
    /// When the address is none.
    pub fn rest(&self, server: &str, token: String) -> Result<Rest, rest::Error> {
        let witness = self.clone();
        let rest = Rest::new(&format!("http://{server}"), Token(token))?;
        Ok(rest.observed(Arc::new(move |answer: &rest::Answer<'_>| witness.answer(answer))))
    }

    /// Sees a frame.
    pub fn frame(&self, direction: Direction, text: &str) {
        self.keep(documented::frame(direction, text));
    }

    fn answer(&self, answer: &rest::Answer<'_>) {
        let rest::Answer { method, path, status, content_type, body } = *answer;
        self.keep(documented::answer(method, path, status, content_type, body.as_bytes()));
    }

    fn keep(&self, seen: Result<(), String>) {
        if let Err(why) = seen {
            self.0.lock().get_or_insert(why);
        }
    }

    /// Whether something was seen that the documents don't know.
    #[must_use]
    pub fn is_alarmed(&self) -> bool {
        self.0.lock().is_some()
    }

    /// Whether all that was seen is documented.
    ///
    /// # Errors
    /// With the first that is not.
    pub fn is_content(&self) -> anyhow::Result<()> {
        match self.0.lock().as_ref() {
            Some(why) => bail!("{why}"),
            None => Ok(()),
        }
    }
}

/// Asks without a client; gives the status and the body.
///
/// # Errors
/// When nobody answers, or as no document says.
pub async fn ask(request: RequestBuilder) -> anyhow::Result<(StatusCode, Bytes)> {
    let (http, request) = request.build_split();
    let request = request?;
    let (method, path) = (request.method().clone(), request.url().path().to_owned());
    let answer = within("an answer", http.execute(request)).await??;
    let (status, media) = (answer.status(), answer.headers().get(CONTENT_TYPE).cloned());
    let body = within("the whole answer", answer.bytes()).await??;
    let media = media.as_ref().and_then(|media| media.to_str().ok());
    documented::answer(method.as_str(), &path, status.as_u16(), media, &body).map_err(|why| anyhow!(why))?;
    Ok((status, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_the_first_that_is_not_documented() {
        let witness = Witness::default();
        let observer = witness.options("127.0.0.1:1", String::new()).observer.unwrap();
        observer(Direction::FromServer, r#"{"type":"caught_up","cursor":"x"}"#);
        assert!(witness.is_content().is_ok() && !witness.is_alarmed());
        observer(Direction::FromServer, r#"{"type":"caught_up","cursor":"x","mood":"good"}"#);
        observer(Direction::ToServer, r#"{"type":"dance"}"#);
        assert!(witness.is_alarmed());
        let why = witness.is_content().unwrap_err().to_string();
        assert!(why.contains("mood"), "{why}");
    }

    #[test]
    fn it_sees_answers() {
        let (witness, answer) = (Witness::default(), |body| rest::Answer {
            method: "GET",
            path: "/v1/chats",
            status: 200,
            content_type: Some("application/json"),
            body,
        });
        witness.answer(&answer(r#"{"chats":[]}"#));
        assert!(witness.is_content().is_ok());
        witness.answer(&answer(r#"{"chats":[],"more":true}"#));
        assert!(witness.is_content().unwrap_err().to_string().contains("more"));
    }
}
