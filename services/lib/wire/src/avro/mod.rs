//! Avro's binary encoding, as far as records need it, without a look at their schemas: a struct has its fields in the
//! order of its schema, so that a walk along the one is a walk along the other. That they are in step is for the tests to
//! say, which hold every record against apache-avro's own reading of its schema.
//!
//! | in a struct | in Avro |
//! |---|---|
//! | `bool` | `boolean` |
//! | `i64`, `u32` | `long` |
//! | text | `string` |
//! | bytes | `bytes` |
//! | an array of bytes | `fixed` |
//! | `Option` | a union of `null` and the type, in this order |
//! | a list | `array` |
//! | a struct | a record |
//! | an enum without payloads | `enum` |
//!
//! Everything else is an error, since without a schema nothing says which of Avro's types it would be.

mod de;
mod ser;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, fmt};

pub(crate) use de::Reader;
pub(crate) use ser::Writer;

/// What is wrong, in words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Error(Cow<'static, str>);

impl Error {
    const fn new(why: &'static str) -> Self {
        Self(Cow::Borrowed(why))
    }
}

impl serde::ser::Error for Error {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self(Cow::Owned(why.to_string()))
    }
}

impl serde::de::Error for Error {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self(Cow::Owned(why.to_string()))
    }
}
