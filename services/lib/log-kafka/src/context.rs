//! What the client library tells, as log lines.

use std::sync::Arc;

use parking_lot::Mutex;
use rdkafka::{
    ClientContext,
    config::RDKafkaLogLevel,
    consumer::ConsumerContext,
    error::{KafkaError, RDKafkaErrorCode},
};

/// Passes on what the library says. That a broker is away is no error of this process: what waits for it says so.
#[derive(Debug, Clone, Default)]
pub(crate) struct Context {
    failure: Arc<Mutex<Option<String>>>,
}

/// What the library calls the messages that say why a broker can't be reached, or doesn't let it in.
const FAILURE: &str = "FAIL";

/// What it calls its remarks on settings, ours among them.
const SETTINGS: &str = "CONFWARN";

impl Context {
    /// Why a broker couldn't be reached the last time. The library's own errors don't say.
    pub(crate) fn failure(&self) -> Option<String> {
        self.failure.lock().clone()
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        if facility == FAILURE {
            *self.failure.lock() = Some(without_thread(message).to_owned());
        }
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
                tracing::error!(target: "kafka", facility, "{message}");
            }
            RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning if ![FAILURE, SETTINGS].contains(&facility) => {
                tracing::info!(target: "kafka", facility, "{message}")
            }
            _ => tracing::debug!(target: "kafka", facility, "{message}"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        match error.rdkafka_error_code() {
            // Said again and again, many times a second, while brokers are away.
            Some(
                RDKafkaErrorCode::AllBrokersDown | RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::Resolve,
            ) => tracing::debug!(target: "kafka", %error, reason, "the client reports an error"),
            _ => tracing::info!(target: "kafka", %error, reason, "the client reports an error"),
        }
    }
}

impl ConsumerContext for Context {}

/// A message without the name of the library's thread.
fn without_thread(message: &str) -> &str {
    match message.strip_prefix("[thrd:").and_then(|rest| rest.split_once("]: ")) {
        Some((_, message)) => message,
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_failure_is_kept_without_what_nobody_asked_for() {
        let context = Context::default();
        assert_eq!(context.failure(), None);
        context.log(RDKafkaLogLevel::Error, "FAIL", "[thrd:[::1]:1/bootstrap]: [::1]:1/bootstrap: Connection refused");
        context.log(RDKafkaLogLevel::Error, "REQTMOUT", "timed out");
        assert_eq!(context.failure().as_deref(), Some("[::1]:1/bootstrap: Connection refused"));
        context.clone().log(RDKafkaLogLevel::Error, "FAIL", "wrong password");
        assert_eq!(context.failure().as_deref(), Some("wrong password"));
    }
}
