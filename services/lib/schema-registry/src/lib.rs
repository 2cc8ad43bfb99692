//! Registers Avro schemas, over the REST API of Confluent's Schema Registry, which others speak as well.
//!
//! A subject is the full name of a record (Confluent's `RecordNameStrategy`), not of a topic: what topics are called depends on
//! the installation, each gateway has one of its own, and all of them hold the same records. Each subject is under the rule
//! `BACKWARD_TRANSITIVE` before its first version comes, so that every version can read what all before it wrote.

mod error;

use std::time::Duration;

use reqwest::{Client, Method, Response, StatusCode, Url};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

pub use error::Error;

/// The rule that every subject is under.
pub const COMPATIBILITY: &str = "BACKWARD_TRANSITIVE";

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// More than any answer here needs; what answers may be anything.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Who asks.
pub struct Login {
    /// The user.
    pub user: String,
    /// Their password.
    pub password: String,
}

/// A schema and its name in the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// What its versions are registered under.
    pub subject: String,
    /// The schema as JSON text, complete in itself.
    pub text: String,
}

/// What the registry has of a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The rule that the subject is under, if it has one of its own.
    pub compatibility: Option<String>,
    /// The id of exactly this schema, if it is registered.
    pub id: Option<u32>,
}

/// A schema registry.
pub struct Registry {
    client: Client,
    address: Url,
    login: Option<Login>,
}

/// How it says no.
#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    message: String,
    #[expect(dead_code, reason = "that it is there tells a registry from others")]
    error_code: u32,
}

#[derive(Deserialize)]
struct Rule {
    #[serde(rename = "compatibilityLevel")]
    level: String,
}

#[derive(Deserialize)]
struct Id {
    id: u32,
}

#[derive(Deserialize)]
struct Verdict {
    is_compatible: bool,
    #[serde(default)]
    messages: Vec<String>,
}

/// An answer that is one.
enum Answer<T> {
    Is(T),
    Refused { status: StatusCode, why: String },
}

impl Registry {
    /// One at an address, which is asked with this client. Nothing is asked yet.
    ///
    /// # Errors
    /// [`Error::Address`].
    pub fn new(client: Client, url: &str, login: Option<Login>) -> Result<Self, Error> {
        let no_address = || Error::Address { url: url.to_owned() };
        let address = Url::parse(url).map_err(|_| no_address())?;
        if address.cannot_be_a_base() {
            return Err(no_address());
        }
        Ok(Self { client, address, login })
    }

    /// What there is of a schema.
    ///
    /// # Errors
    /// [`Error`], for whatever keeps it from being known.
    pub async fn look_up(&self, schema: &Schema) -> Result<Known, Error> {
        let subject = &schema.subject;
        let rule = self.ask::<Rule>(Method::GET, &["config", subject], None).await?;
        let id = self.ask::<Id>(Method::POST, &["subjects", subject], Some(body(schema))).await?;
        Ok(Known {
            compatibility: found(subject, rule)?.map(|rule| rule.level),
            id: found(subject, id)?.map(|known| known.id),
        })
    }

    /// Whether the registry would take a schema, as far as the rule goes that its subject is under now.
    ///
    /// # Errors
    /// [`Error::Incompatible`] when it would not; or another.
    pub async fn check(&self, schema: &Schema) -> Result<(), Error> {
        let Schema { subject, .. } = schema;
        let path = ["compatibility", "subjects", subject, "versions"];
        let verdict = self.ask::<Verdict>(Method::POST, &path, Some(body(schema))).await?;
        match found(subject, verdict)? {
            Some(verdict) if !verdict.is_compatible => {
                let why = verdict.messages.join("; ");
                let why = if why.is_empty() { "the registry doesn't say why".to_owned() } else { why };
                Err(Error::Incompatible { subject: subject.clone(), why })
            }
            _ => Ok(()),
        }
    }

    /// Puts a schema's subject under the rule, and registers the schema; gives its id. Done again it changes nothing.
    ///
    /// # Errors
    /// [`Error::Incompatible`] when an earlier version keeps it out; or another.
    pub async fn register(&self, schema: &Schema) -> Result<u32, Error> {
        let Schema { subject, .. } = schema;
        let rule = json!({ "compatibility": COMPATIBILITY });
        done(subject, self.ask::<Value>(Method::PUT, &["config", subject], Some(rule)).await?)?;
        let registered = self.ask::<Id>(Method::POST, &["subjects", subject, "versions"], Some(body(schema))).await?;
        Ok(done(subject, registered)?.id)
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        body: Option<Value>,
    ) -> Result<Answer<T>, Error> {
        let mut url = self.address.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let mut request = self.client.request(method, url).timeout(PATIENCE);
        if let Some(Login { user, password }) = &self.login {
            request = request.basic_auth(user, Some(password));
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.map_err(|error| self.away(error))?;
        let status = answer.status();
        let bytes = self.read(answer).await?;
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return Err(Error::Forbidden { url: self.shown(), status });
        }
        let no_registry = |_| Error::NoRegistry { url: self.shown(), status };
        if status.is_success() {
            return serde_json::from_slice(&bytes).map(Answer::Is).map_err(no_registry);
        }
        let refusal: Refusal = serde_json::from_slice(&bytes).map_err(no_registry)?;
        Ok(Answer::Refused { status, why: refusal.message })
    }

    async fn read(&self, mut answer: Response) -> Result<Vec<u8>, Error> {
        let status = answer.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.away(error))? {
            if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(Error::NoRegistry { url: self.shown(), status });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    fn away(&self, source: reqwest::Error) -> Error {
        // The error would show the whole address.
        Error::Away { url: self.shown(), source: source.without_url() }
    }

    /// The address without a user and a password.
    fn shown(&self) -> String {
        let mut shown = self.address.clone();
        // They can't be taken from addresses that have none.
        let _ = shown.set_username("");
        let _ = shown.set_password(None);
        shown.to_string()
    }
}

/// Without the type: it is Avro's unless something else is said.
fn body(schema: &Schema) -> Value {
    json!({ "schema": schema.text })
}

/// The answer, or none when there is no such thing.
fn found<T>(subject: &str, answer: Answer<T>) -> Result<Option<T>, Error> {
    match answer {
        Answer::Refused { status: StatusCode::NOT_FOUND, .. } => Ok(None),
        other => done(subject, other).map(Some),
    }
}

fn done<T>(subject: &str, answer: Answer<T>) -> Result<T, Error> {
    match answer {
        Answer::Is(answer) => Ok(answer),
        Answer::Refused { status: StatusCode::CONFLICT, why } => {
            Err(Error::Incompatible { subject: subject.to_owned(), why })
        }
        Answer::Refused { status, why } => Err(Error::Refused { subject: subject.to_owned(), status, why }),
    }
}
