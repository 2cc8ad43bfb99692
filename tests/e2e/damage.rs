//! Files that are damaged, folders that can't be used, disks that are full.
//!
//! A server that finds its files damaged ends and says what is wrong, or it has all that was sent. It never panics. Where
//! damage can't be told from what a crash leaves, the table in `files` says what becomes of it.

#[path = "damage/base.rs"]
mod base;
#[path = "damage/cases.rs"]
mod cases;
#[path = "damage/files.rs"]
mod files;
#[path = "damage/folders.rs"]
mod folders;
#[path = "damage/full.rs"]
mod full;
