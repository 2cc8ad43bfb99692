//! The ids that a schema registry gave the schemas of records. They are recorded beside the life of the topics, each under a
//! key of its own, so that no process but the one that registers ever asks a registry, and two that register at a time
//! lose nothing of each other.

use std::{fmt::Write as _, sync::Arc};

use chasqui_domain::Offset;
use chasqui_log::{Error, TopicPartition};
use parking_lot::RwLock;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{
    Fingerprint, Life, OpenError, Options,
    framing::Ids,
    recorded::{self, Recorded},
};

/// What the keys of the records begin with; the id follows.
const KEY: &str = "schema-";

/// A schema that a registry knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// What it is registered under.
    pub subject: String,
    /// The id that it has.
    pub id: u32,
    /// Its fingerprint; in JSON as hexadecimal digits in the order in which the bytes stand in front of a record.
    #[serde(serialize_with = "write_fingerprint", deserialize_with = "read_fingerprint")]
    pub fingerprint: Fingerprint,
}

fn write_fingerprint<S: Serializer>(fingerprint: &Fingerprint, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&hex(fingerprint))
}

/// A fingerprint as people see it.
fn hex(fingerprint: &Fingerprint) -> String {
    fingerprint.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn read_fingerprint<'de, D: Deserializer<'de>>(from: D) -> Result<Fingerprint, D::Error> {
    let text = String::deserialize(from)?;
    let number = u64::from_str_radix(&text, 16).map_err(D::Error::custom)?;
    if text.len() == 16 { Ok(number.to_be_bytes()) } else { Err(D::Error::custom("a fingerprint has 16 digits")) }
}

/// The ids that are recorded, in the order in which they were.
///
/// # Errors
/// [`OpenError::NoTopics`] when nobody made the topics, or another [`OpenError`].
pub async fn recorded(options: &Options) -> Result<Vec<Registered>, OpenError> {
    let recorded = recorded::read(options).await?;
    Life::of(options, &recorded)?;
    recorded.all(KEY)
}

/// Records ids, and gives those that were not recorded before. Processes write with them at the latest from their next start.
///
/// # Errors
/// [`OpenError::OtherRegistry`] when an id stands for another schema in these topics, and nothing is recorded then;
/// or as [`recorded`].
pub async fn record(options: &Options, registered: &[Registered]) -> Result<Vec<Registered>, OpenError> {
    let news = news(&self::recorded(options).await?, registered)?;
    let keyed: Vec<_> = news.iter().map(|schema| (format!("{KEY}{}", schema.id), schema)).collect();
    recorded::write(options, &keyed).await?;
    Ok(news)
}

/// What of this isn't recorded yet.
///
/// # Errors
/// [`OpenError::OtherRegistry`].
pub fn news(recorded: &[Registered], registered: &[Registered]) -> Result<Vec<Registered>, OpenError> {
    let mut news = Vec::new();
    for schema in registered {
        match recorded.iter().find(|known| known.id == schema.id) {
            None => news.push(schema.clone()),
            Some(known) if known.fingerprint == schema.fingerprint => {}
            Some(known) => {
                let (id, subject, recorded) = (schema.id, schema.subject.clone(), known.subject.clone());
                return Err(OpenError::OtherRegistry { id, subject, recorded });
            }
        }
    }
    Ok(news)
}

/// The ids that a process knows of.
pub(crate) struct Schemas {
    options: Options,
    ids: RwLock<Arc<Ids>>,
    /// Held while the records are read anew.
    reading: tokio::sync::Mutex<()>,
}

impl Schemas {
    pub(crate) fn new(options: Options, recorded: &Recorded) -> Result<Self, OpenError> {
        let ids = RwLock::new(Arc::new(ids(recorded)?));
        Ok(Self { options, ids, reading: tokio::sync::Mutex::default() })
    }

    pub(crate) fn current(&self) -> Arc<Ids> {
        self.ids.read().clone()
    }

    /// Reads the records anew, for an id that a record has and that isn't known: a process of a later version may have begun
    /// to write with it. Whoever registers records first, so what is not there now will not be.
    pub(crate) async fn learn(&self, id: u32, at: &TopicPartition, offset: Offset) -> Result<(), Error> {
        let reading = self.reading.lock().await;
        if !self.current().knows(id) {
            let anew = recorded::read(&self.options).await.and_then(|recorded| ids(&recorded)).map_err(unreadable)?;
            *self.ids.write() = Arc::new(anew);
        }
        drop(reading);
        if self.current().knows(id) { Ok(()) } else { Err(Error::UnknownSchema { at: at.clone(), offset, id }) }
    }
}

fn ids(recorded: &Recorded) -> Result<Ids, OpenError> {
    let mut ids = Ids::default();
    recorded.all(KEY)?.iter().for_each(|schema| ids.add(schema));
    Ok(ids)
}

fn unreadable(error: OpenError) -> Error {
    let why = error.to_string();
    if error.is_retryable() { Error::Unavailable { why } } else { Error::Corrupt { why } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: u32, fingerprint: Fingerprint) -> Registered {
        Registered { subject: "chasqui.Event".to_owned(), id, fingerprint }
    }

    #[test]
    fn an_id_is_read_as_it_was_written() {
        let schema = event(3, [0, 1, 2, 3, 0xFC, 0xFD, 0xFE, 0xFF]);
        let text = serde_json::to_string(&schema).unwrap();
        assert_eq!(text, r#"{"subject":"chasqui.Event","id":3,"fingerprint":"00010203fcfdfeff"}"#);
        assert_eq!(serde_json::from_str::<Registered>(&text).unwrap(), schema);
        for wrong in ["0203fcfdfeff", "00010203fcfdfefg"] {
            assert!(serde_json::from_str::<Registered>(&text.replace("00010203fcfdfeff", wrong)).is_err());
        }
    }

    #[test]
    fn what_is_recorded_is_not_recorded_again_and_an_id_keeps_its_schema() {
        let recorded = [event(1, [1; 8]), event(2, [2; 8])];
        assert_eq!(news(&recorded, &[event(2, [2; 8]), event(3, [2; 8])]).unwrap(), [event(3, [2; 8])]);
        let other = news(&recorded, &[event(4, [4; 8]), event(1, [2; 8])]);
        assert!(matches!(other, Err(OpenError::OtherRegistry { id: 1, .. })));
    }
}
