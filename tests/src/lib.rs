//! What the tests of the whole share: the real process, devices that write down what they see, and an oracle that
//! judges what was written down.

pub mod device;
pub mod dice;
pub mod documented;
pub mod folded;
pub mod folder;
pub mod gate;
pub mod in_process;
pub mod journal;
pub mod missing;
pub mod oracle;
pub mod process;
pub mod rest;
mod said;
pub mod schemas;
pub mod town;
pub mod wait;
pub mod witness;
