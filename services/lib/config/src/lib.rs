//! The options of the binary: defaults, then a TOML file, then the environment, then flags; each layer wins over those
//! before it. Where every value came from is kept, so that one command can print it.
//!
//! The variable of an option is `CHASQUI_` and its key in capitals, with `__` between levels: `log.segment_bytes` is
//! `CHASQUI_LOG__SEGMENT_BYTES`. A variable that is empty counts as unset.

mod environment;
mod error;
mod kind;
mod load;
mod options;
mod problems;
mod show;
mod table;
mod toml_keys;

pub use environment::{FILE_VARIABLE, PREFIX, TOKEN_VARIABLE, environment, variable};
pub use error::Error;
pub use kind::Secret;
pub use load::{Loaded, Origin, Setting, load};
pub use options::{
    Admin, Auth, DEV_ADMIN_TOKEN, DEV_AUTH_SECRET, DEV_SEAL_MASTER_KEY, Gateway, Limits, Log, Options, Outbound,
    Policy, Seal, Store, TABLE,
};
pub use problems::{BODY_BYTES_LIMIT, Invalid, Problem, Purpose, SECRET_BYTES_LEAST};
pub use show::reference;
pub use table::Entry;
