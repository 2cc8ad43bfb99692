//! The gateway: owns sockets, proves who is there, seals what they write, appends it as commands, and writes to
//! sessions what arrives on its own topic.
//!
//! Follow a message from top to bottom: `http` → `hello` → `connection` → `submit` → `uplink`; and back:
//! `dispatcher` → `render` → `queue` → `session` → `connection`.
//!
//! **There is one repair.** Whoever may have missed a push (a full queue, a jump in the gateway's topic, a router that
//! suspended the gateway) is given a *gap*; the session attaches again, ignores pushes until the answer, reads its
//! inbox rows from its own high-water up to the answer's place, says `caught_up`, and goes on live.

mod addresses;
mod admin;
mod bans;
mod connection;
mod dispatcher;
mod ends;
mod error;
mod gateway;
mod heartbeat;
mod hello;
mod http;
mod identity;
mod keys;
mod limits;
mod listener;
mod logins;
mod measure;
mod newcomers;
mod options;
mod pages;
mod queue;
mod quota;
mod receipts;
mod registry;
mod render;
mod rest;
mod serve;
mod session;
mod shared;
mod submit;
mod transport;
mod uplink;
mod why;
mod work;

pub use admin::AdminToken;
pub use error::Error;
pub use gateway::{Deps, Gateway};
pub use http::openapi;
pub use measure::{Stopwatch, measure};
pub use options::Options;
pub use quota::Rates;
pub use rest::{answer, documents::AdminProblems};
pub use serve::{Bounds, CONNECTIONS_BESIDE, NEWCOMER_TIME, serve};
pub use transport::{Incoming, Outgoing, TransportError};
