//! Joins the roles on the embedded log and store, in one process.
