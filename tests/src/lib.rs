//! What whole-process tests share: people who talk and write down what they are told, and the judge of what they wrote.

pub mod binary;
pub mod in_process;
pub mod witness;
