//! The one place where roles meet providers: all roles in one process, on the embedded log and store, and the commands
//! of the binary around it.

pub mod ban;
pub mod chat;
#[cfg(feature = "failpoints")]
mod failpoints;
mod folder;
mod open_files;
pub mod protocol;
pub mod serve;
pub mod server;
pub mod token;
