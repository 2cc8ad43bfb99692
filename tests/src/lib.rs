//! What the tests of the whole share: the real process, devices that write down what they see, and what
//! is asked of the server at the end. An oracle judges it, in a crate of its own.

pub mod device;
pub mod dice;
pub mod documented;
pub mod folded;
pub mod folder;
pub mod gate;
pub mod in_process;
pub mod infra;
pub mod journal;
pub mod missing;
pub mod process;
pub mod rest;
pub mod schemas;
pub mod servers;
pub mod town;
pub mod wait;
pub mod witness;
