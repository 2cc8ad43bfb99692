//! Forms that only JSON has. Functions for serde's `with`.

use std::{collections::BTreeMap, fmt};

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use chasqui_domain::{ChatId, Seq};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, Visitor},
};

use crate::fields::{Long, Number, Text};

/// Writes padding, and reads with and without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A number as an id: decimal digits in a text.
struct Digits<T>(T);

impl<T: Number> Serialize for Digits<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.get())
    }
}

impl<'de, T: Number> Deserialize<'de> for Digits<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = deserializer.deserialize_str(DigitsVisitor)?;
        number.and_then(T::of).map(Self).ok_or_else(|| de::Error::custom("this id is a number in decimal digits"))
    }
}

struct DigitsVisitor;

impl Visitor<'_> for DigitsVisitor {
    type Value = Option<u64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    /// One text for one number: what is answered must be what was asked. Numbers end where Avro's do.
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Option<u64>, E> {
        let is_shortest = text == "0" || !text.starts_with(['0', '+']);
        Ok(text.parse().ok().filter(|number| is_shortest && i64::try_from(*number).is_ok()))
    }
}

pub(super) mod digits {
    use super::*;

    pub(crate) fn serialize<T: Number, S: Serializer>(number: &T, serializer: S) -> Result<S::Ok, S::Error> {
        Digits(*number).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, T: Number, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        Digits::deserialize(deserializer).map(|digits| digits.0)
    }
}

pub(super) mod digits_opt {
    use super::*;

    pub(crate) fn serialize<T: Number, S: Serializer>(number: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
        number.map(Digits).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, T: Number, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
        Ok(Option::<Digits<T>>::deserialize(deserializer)?.map(|digits| digits.0))
    }
}

/// Bytes as base64.
pub(super) mod base64_opt {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(bytes: &Option<Bytes>, serializer: S) -> Result<S::Ok, S::Error> {
        bytes.as_ref().map(|bytes| BASE64.encode(bytes)).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Bytes>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        let decode = |text| BASE64.decode(text).map(Bytes::from).map_err(de::Error::custom);
        text.map(decode).transpose()
    }
}

/// A seq per chat.
pub(super) mod seqs {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(seqs: &BTreeMap<ChatId, Seq>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(seqs.iter().map(|(chat, seq)| (Text(chat), Long(*seq))))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<ChatId, Seq>, D::Error> {
        deserializer.deserialize_map(SeqsVisitor)
    }

    struct SeqsVisitor;

    impl<'de> Visitor<'de> for SeqsVisitor {
        type Value = BTreeMap<ChatId, Seq>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a seq per chat")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut seqs = BTreeMap::new();
            while let Some((Text(chat), Long(seq))) = map.next_entry()? {
                seqs.insert(chat, seq);
            }
            Ok(seqs)
        }
    }
}
