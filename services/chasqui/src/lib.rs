//! The one place where roles meet providers: all roles in one process on the embedded log and store, or each in processes
//! of its own on Kafka and CQL; and the commands of the binary around it.

pub mod ban;
pub mod chat;
#[cfg(feature = "failpoints")]
mod failpoints;
mod folder;
pub mod load;
mod open_files;
pub mod protocol;
#[cfg(feature = "cluster")]
pub mod schema;
#[cfg(feature = "cluster")]
pub mod schemas;
pub mod serve;
pub mod server;
#[cfg(feature = "cluster")]
pub mod setup;
pub mod token;
#[cfg(feature = "cluster")]
pub mod topics;
