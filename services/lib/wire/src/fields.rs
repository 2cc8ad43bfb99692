//! How the domain's ids and numbers stand in records and frames: ids as text, numbers as longs. Functions for serde's
//! `with`.

use std::{fmt, marker::PhantomData};

use chasqui_domain::{
    ChatId, ContentType, Counter, DeviceId, Epoch, GatewayId, IdError, Incarnation, Offset, Partition, RulesNumber,
    Seq, SessionId, Term, TimeMs, UserId, Version,
};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor},
    ser,
};

/// An id with a text form.
pub(crate) trait TextId: Sized {
    fn parse(text: &str) -> Result<Self, IdError>;
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
}

macro_rules! text_ids {
    ($($name:ident),*) => {$(
        impl TextId for $name {
            fn parse(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }

            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    )*};
}
text_ids!(UserId, DeviceId, GatewayId, ContentType);

impl TextId for ChatId {
    fn parse(text: &str) -> Result<Self, IdError> {
        Self::parse(text)
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text(&mut [0; Self::TEXT_BYTES]))
    }
}

/// A number of the domain.
pub(crate) trait Number: Copy {
    fn of(number: u64) -> Option<Self>;
    fn get(self) -> u64;
}

macro_rules! numbers {
    ($($name:ident),*) => {$(
        impl Number for $name {
            fn of(number: u64) -> Option<Self> {
                number.try_into().ok().map(Self)
            }

            fn get(self) -> u64 {
                self.0.into()
            }
        }
    )*};
}
numbers!(Version, Seq, Counter, Epoch, Offset, Partition, Incarnation, Term, SessionId, TimeMs, RulesNumber);

impl Number for u64 {
    fn of(number: u64) -> Option<Self> {
        Some(number)
    }

    fn get(self) -> u64 {
        self
    }
}

/// An id as text.
pub(crate) struct Text<T>(pub(crate) T);

impl<T: TextId> Serialize for Text<&T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer)
    }
}

impl<'de, T: TextId> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor(PhantomData)).map(Self)
    }
}

struct TextVisitor<T>(PhantomData<T>);

impl<T: TextId> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id as text")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::parse(text).map_err(E::custom)
    }
}

/// A number as a long: Avro has no unsigned numbers, and JSON's readers lose the highest bits anyway.
pub(crate) struct Long<T>(pub(crate) T);

impl<T: Number> Serialize for Long<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = self.0.get();
        let long = i64::try_from(number).map_err(|_| ser::Error::custom(format_args!("{number} is above 2^63 - 1")))?;
        serializer.serialize_i64(long)
    }
}

impl<'de, T: Number> Deserialize<'de> for Long<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let long = i64::deserialize(deserializer)?;
        let number = u64::try_from(long).ok().and_then(T::of);
        number.map(Self).ok_or_else(|| de::Error::custom(format_args!("{long} is out of range")))
    }
}

/// Ids.
pub(crate) mod text {
    use super::*;

    pub(crate) fn serialize<T: TextId, S: Serializer>(id: &T, serializer: S) -> Result<S::Ok, S::Error> {
        Text(id).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, T: TextId, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        Text::deserialize(deserializer).map(|text| text.0)
    }
}

/// Ids that may be missing.
pub(crate) mod text_opt {
    use super::*;

    pub(crate) fn serialize<T: TextId, S: Serializer>(id: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
        id.as_ref().map(Text).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, T: TextId, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
        Ok(Option::<Text<T>>::deserialize(deserializer)?.map(|text| text.0))
    }
}

/// Lists of ids.
pub(crate) mod texts {
    use super::*;

    pub(crate) fn serialize<T: TextId, S: Serializer>(ids: &[T], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(ids.iter().map(Text))
    }

    pub(crate) fn deserialize<'de, T: TextId, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
        Ok(Vec::<Text<T>>::deserialize(deserializer)?.into_iter().map(|text| text.0).collect())
    }
}

/// What a member may do.
pub(crate) mod role {
    use chasqui_domain::Role;

    use super::*;

    #[derive(Serialize, Deserialize)]
    #[serde(rename = "Role", remote = "Role", rename_all = "snake_case")]
    enum RoleForm {
        Member,
        Admin,
        Owner,
    }

    pub(crate) fn serialize<S: Serializer>(role: &Role, serializer: S) -> Result<S::Ok, S::Error> {
        RoleForm::serialize(role, serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Role, D::Error> {
        RoleForm::deserialize(deserializer)
    }
}

/// Numbers.
pub(crate) mod long {
    use super::*;

    pub(crate) fn serialize<T: Number, S: Serializer>(number: &T, serializer: S) -> Result<S::Ok, S::Error> {
        Long(*number).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, T: Number, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        Long::deserialize(deserializer).map(|long| long.0)
    }
}

/// Numbers that may be missing.
pub(crate) mod long_opt {
    use super::*;

    pub(crate) fn serialize<T: Number, S: Serializer>(number: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
        number.map(Long).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, T: Number, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
        Ok(Option::<Long<T>>::deserialize(deserializer)?.map(|long| long.0))
    }
}

/// Lists of numbers.
pub(crate) mod longs {
    use super::*;

    pub(crate) fn serialize<T: Number, S: Serializer>(numbers: &[T], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(numbers.iter().map(|number| Long(*number)))
    }

    pub(crate) fn deserialize<'de, T: Number, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
        Ok(Vec::<Long<T>>::deserialize(deserializer)?.into_iter().map(|long| long.0).collect())
    }
}

/// Sixteen bytes, for which Avro's word is `fixed`.
macro_rules! fixed {
    ($module:ident, $name:ident) => {
        pub(crate) mod $module {
            use chasqui_domain::$name;
            use serde::{Deserialize, Deserializer, Serialize, Serializer};

            #[cfg(feature = "reference")]
            use crate::reference;

            pub(crate) fn serialize<S: Serializer>(bytes: &$name, serializer: S) -> Result<S::Ok, S::Error> {
                // apache-avro takes an array for a record.
                #[cfg(feature = "reference")]
                if reference::is_on() {
                    return apache_avro::serde::fixed::serialize(&bytes.0, serializer);
                }
                bytes.0.serialize(serializer)
            }

            pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                #[cfg(feature = "reference")]
                if reference::is_on() {
                    return apache_avro::serde::fixed::deserialize(deserializer).map($name);
                }
                <[u8; 16]>::deserialize(deserializer).map($name)
            }
        }
    };
}
fixed!(log_id, LogId);
fixed!(reaction_tag, ReactionTag);
