//! The documents that clients are written from: they are what the program says, they are right, and later ones only
//! add to those that were released.

mod examples;
mod forms;
mod kept;
mod released;
mod stability;
