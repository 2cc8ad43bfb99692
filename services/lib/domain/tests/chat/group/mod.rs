//! A group against a naive model of it, and one by one.

mod again;
mod apply;
mod bounds;
mod counts;
mod fixtures;
mod hostile;
mod model;
mod promises;
mod properties;
mod refusals;
mod roles;
mod run;
mod steps;
