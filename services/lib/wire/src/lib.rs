//! Everything that crosses a boundary: the Avro records of topics and rows, the JSON frames of clients, and cursors.
//!
//! Records are in Avro's single-object encoding. The schemas are in `schemas/avro`, one record a file; the fingerprint
//! in front of each record covers the whole schema, nested records included. The same value always gives the same
//! bytes, and bytes that are no such record are an error, never a panic.

mod avro;
pub mod body;
mod change;
pub mod checkpoint;
mod codec;
pub mod codes;
pub mod command;
pub mod cursor;
pub mod entry;
pub mod event;
mod fields;
pub mod frames;
pub mod gateway_record;
pub mod heartbeat;
pub mod inbox;
pub mod member;
pub mod message;
mod parts;
pub mod presence;
pub mod protocol;
#[cfg(feature = "reference")]
pub mod reference;
pub mod revocation;
pub mod schemas;
pub mod snapshot;
pub mod summary;

pub use codes::Code;

/// Why something can't be written or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The schemas that this build carries contradict each other or the program.
    #[error("the Avro schemas of this build are broken: {why}")]
    Schema {
        /// What is wrong.
        why: String,
    },
    /// A value that the record can't hold, such as a number above 2^63 - 1.
    #[error("this can't be written as {record}: {why}")]
    Encode {
        /// The record.
        record: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The bytes don't begin with the fingerprint of the record's schema: they are something else, or of a version
    /// that this build doesn't know.
    #[error("this is no {record} of a schema that is known here")]
    Fingerprint {
        /// The record.
        record: &'static str,
    },
    /// The fingerprint is right and what follows is not.
    #[error("this {record} can't be read: {why}")]
    Decode {
        /// The record.
        record: &'static str,
        /// What is wrong.
        why: String,
    },
    /// Not a cursor.
    #[error("this is not a cursor")]
    Cursor,
    /// A cursor of somebody else.
    #[error("this is a cursor of another user")]
    OtherUser,
    /// Not a frame.
    #[error("this frame can't be read: {why}")]
    Frame {
        /// What is wrong.
        why: String,
    },
}
