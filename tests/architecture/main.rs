//! What holds between the crates, and of the schemas, whoever edits them: who may depend on whom, which lints every
//! crate is under, and how a schema is written.

mod dependencies;
mod lints;
mod released;
mod schemas;
mod workspace;
