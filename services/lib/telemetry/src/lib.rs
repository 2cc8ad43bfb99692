//! What the binary says of itself: log lines on standard error, and the trace context that travels with every record.

mod lines;
pub mod metrics;
mod trace;

pub use lines::{Error, FILTER_DEFAULT, FILTER_VARIABLE, Format, init};
pub use trace::{TRACEPARENT, TraceContext};
