//! A group against a naive model of it, and one by one.

mod again;
mod apply;
mod bounds;
mod bounds_of_messages;
mod counts;
mod fixtures;
mod hostile;
mod messages;
mod model;
mod promises;
mod promises_of_messages;
mod properties;
mod refusals;
mod roles;
mod run;
mod steps;
