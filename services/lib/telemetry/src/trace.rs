//! The trace context that travels in record headers, so that one message can be followed over all its hops.

use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator},
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::propagation::TraceContextPropagator;

/// The name of the header that carries the context.
pub const TRACEPARENT: &str = "traceparent";

/// A place in a trace, as of W3C Trace Context (<https://www.w3.org/TR/trace-context/>). Vendor-specific state
/// (`tracestate`) is not carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext(SpanContext);

impl TraceContext {
    /// Begins a trace, sampled. The first 16 random bytes are its id, the other 8 that of its first span; an id of
    /// zeros, which the standard forbids, becomes 1.
    #[must_use]
    pub fn new_root(random: [u8; 24]) -> Self {
        let mut trace = [0; 16];
        let mut span = [0; 8];
        trace.copy_from_slice(&random[..16]);
        span.copy_from_slice(&random[16..]);
        let trace = u128::from_be_bytes(trace).max(1);
        let span = u64::from_be_bytes(span).max(1);
        Self(SpanContext::new(
            TraceId::from_bytes(trace.to_be_bytes()),
            SpanId::from_bytes(span.to_be_bytes()),
            TraceFlags::SAMPLED,
            // As if it had come in a header, so that a context equals its copy at the other end.
            true,
            TraceState::NONE,
        ))
    }

    /// Finds the context among a record's headers, given as names and values. The first [`TRACEPARENT`] counts. None
    /// when there is none, or it can't be read: a trace is never worth refusing a record.
    #[must_use]
    pub fn from_headers<'a>(headers: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Option<Self> {
        let (_, value) = headers.into_iter().find(|(name, _)| *name == TRACEPARENT)?;
        let header = Traceparent(str::from_utf8(value).ok()?.to_owned());
        let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &header);
        let span = context.span().span_context().clone();
        span.is_valid().then_some(Self(span))
    }

    /// The value of the [`TRACEPARENT`] header.
    #[must_use]
    pub fn to_header_value(&self) -> String {
        let mut header = Traceparent::default();
        let context = Context::new().with_remote_span_context(self.0.clone());
        TraceContextPropagator::new().inject_context(&context, &mut header);
        header.0
    }

    /// The id of the trace: 32 hexadecimal digits, lower case.
    #[must_use]
    pub fn trace_id(&self) -> String {
        self.0.trace_id().to_string()
    }
}

/// One header, as the propagator reads and writes it.
#[derive(Default)]
struct Traceparent(String);

impl Extractor for Traceparent {
    fn get(&self, key: &str) -> Option<&str> {
        (key == TRACEPARENT).then_some(&self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT]
    }
}

impl Injector for Traceparent {
    fn set(&mut self, key: &str, value: String) {
        if key == TRACEPARENT {
            self.0 = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn read(value: &[u8]) -> Option<TraceContext> {
        TraceContext::from_headers([("other", &b"x"[..]), (TRACEPARENT, value)])
    }

    #[test]
    fn a_root_has_the_given_ids_and_survives_a_header() {
        let root = TraceContext::new_root(std::array::from_fn(|index| u8::try_from(index).unwrap()));
        assert_eq!(root.trace_id(), "000102030405060708090a0b0c0d0e0f");
        assert_eq!(root.to_header_value(), "00-000102030405060708090a0b0c0d0e0f-1011121314151617-01");
        assert_eq!(read(root.to_header_value().as_bytes()), Some(root));
    }

    #[test]
    fn a_root_is_valid_whatever_the_randomness() {
        let root = TraceContext::new_root([0; 24]);
        assert_eq!(read(root.to_header_value().as_bytes()), Some(root));
    }

    #[test]
    fn a_header_of_others_is_read_and_written_the_same() {
        for value in [EXAMPLE, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"] {
            assert_eq!(read(value.as_bytes()).unwrap().to_header_value(), value);
        }
    }

    #[test]
    fn what_is_no_context_is_none() {
        assert_eq!(TraceContext::from_headers([("tracestate", &b"a=b"[..])]), None);
        for value in [
            &b""[..],
            b"\xff",
            b"00-1-2",
            b"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            b"00-00000000000000000000000000000000-b7ad6b7169203331-01",
            b"00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01",
        ] {
            assert_eq!(read(value), None, "{value:?}");
        }
    }
}
