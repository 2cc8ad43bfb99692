//! A client of the public protocol: one device of one user.
//!
//! [`Client::connect`] gives a handle to send and read with, and the stream of [`Updates`]. The connection comes and
//! goes behind them. The client goes on at its cursor, sends again what has no outcome yet, and asks for what is pushed
//! live only.
//!
//! An update counts as handled when the next one is asked for. Only then is it acknowledged, and does the cursor in the
//! state file move behind it. So an app that is killed sees its last updates again: it must be ready for a message that
//! it has already, which it tells by chat and seq.
//!
//! What is not pushed is asked for over [`Rest`]: the chat list that a device begins with, and older messages.
//!
//! ```text
//!  app ── send, read ──▶ shell (task.rs) ── frames, time ──▶ core (core.rs)
//!      ◀──── updates ──         │        ◀─ frames, updates ──   pure
//!                               ├── Connector, Transport: the WebSocket
//!                               └── Storage: the state file
//! ```
//!
//! An app calls [`Client::connect`]. [`Client::start`] takes everything that the client reaches beyond itself: a
//! simulation hands it clocks, connections and a storage of its own.

mod admin;
mod asked;
mod backoff;
mod client;
mod core;
mod dialer;
mod error;
mod options;
pub mod rest;
mod socket;
mod state;
mod state_file;
mod storage;
mod task;
mod transport;
mod update;
mod websocket;

pub use chasqui_wire::frames::{ChangeAsked, Token};

pub use admin::Admin;
pub use asked::Asked;
pub use client::{Client, Updates};
pub use error::Error;
pub use options::{Direction, Environment, Identity, Observer, Options};
pub use rest::Rest;
pub use storage::Storage;
pub use transport::{Close, ConnectError, Connector, Incoming, Outgoing, Transport, TransportError};
pub use update::{Draft, End, Group, To, Update};
