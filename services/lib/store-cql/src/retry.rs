//! What the driver may do about a statement that failed: almost nothing, since whoever called decides.

use scylla::{
    errors::{DbError, RequestAttemptError},
    policies::retry::{RequestInfo, RetryDecision, RetryPolicy, RetrySession},
};

/// Sends a statement to another node, once, when the node that it was sent to goes away or is only coming up. So a node that
/// is restarted ends nobody's work. Everything else is the caller's to know: a cluster that is slow or overloaded gets nothing
/// twice.
///
/// It may have been done before the connection broke, so this is for statements that change nothing when they are repeated.
#[derive(Debug)]
pub(crate) struct ElsewhereOnce;

struct Tried {
    is_elsewhere: bool,
}

impl RetryPolicy for ElsewhereOnce {
    fn new_session(&self) -> Box<dyn RetrySession> {
        Box::new(Tried { is_elsewhere: false })
    }
}

impl RetrySession for Tried {
    fn decide_should_retry(&mut self, request: RequestInfo) -> RetryDecision {
        let is_away = matches!(
            request.error,
            RequestAttemptError::BrokenConnectionError(_) | RequestAttemptError::DbError(DbError::IsBootstrapping, _)
        );
        if is_away && request.is_idempotent && !self.is_elsewhere {
            self.is_elsewhere = true;
            return RetryDecision::RetryNextTarget(None);
        }
        RetryDecision::DontRetry
    }

    fn reset(&mut self) {
        self.is_elsewhere = false;
    }
}
