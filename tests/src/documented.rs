//! Whether what goes over the wire is as the documents of the protocol say.

use std::sync::LazyLock;

use chasqui_client::Direction;

use crate::schemas::Schemas;

static SCHEMAS: LazyLock<Result<Schemas, String>> =
    LazyLock::new(|| Schemas::load().map_err(|error| format!("{error:#}")));

fn schemas() -> Result<&'static Schemas, String> {
    SCHEMAS.as_ref().map_err(Clone::clone)
}

/// Whether a frame may go this way.
///
/// # Errors
/// With what is wrong, and the frame.
pub fn frame(direction: Direction, text: &str) -> Result<(), String> {
    match direction {
        Direction::ToServer => schemas()?.client_frame(text),
        Direction::FromServer => schemas()?.server_frame(text),
    }
}

/// Whether a question may be answered so.
///
/// # Errors
/// With what is wrong, and the answer.
pub fn answer(method: &str, path: &str, status: u16, content_type: Option<&str>, body: &[u8]) -> Result<(), String> {
    schemas()?.answer(method, path, status, content_type, body)
}

#[cfg(test)]
mod tests {
    use chasqui_oracle::{Evidence, judge_so_far};

    use super::*;
    use crate::{journal::Journal, wait::Pulse};

    const GOOD: &str = r#"{"type":"caught_up","cursor":"x"}"#;

    #[test]
    fn a_frame_that_is_not_documented_breaks_a_promise_and_is_shown() {
        for (direction, text) in [
            (Direction::FromServer, r#"{"type":"caught_up","cursor":"x","mood":"good"}"#),
            (Direction::FromServer, r#"{"type":"caught_up"}"#),
            (Direction::FromServer, r#"{"type":"dance"}"#),
            // The other way.
            (Direction::ToServer, GOOD),
        ] {
            let journal = Journal::new("ana", "a1", Pulse::default());
            journal.frame(Direction::FromServer, GOOD);
            assert!(judge_so_far(&evidence(&journal)).is_ok());
            journal.frame(direction, text);
            let broken = judge_so_far(&evidence(&journal)).expect_err("it was taken").to_string();
            assert!(broken.contains(text), "{broken}");
        }
    }

    fn evidence(journal: &Journal) -> Evidence {
        Evidence { transcripts: vec![journal.transcript()], ..Evidence::default() }
    }

    #[test]
    fn an_answer_that_is_not_documented_is_told() {
        let chats = |body: &str| answer("GET", "/v1/chats", 200, Some("application/json"), body.as_bytes());
        assert_eq!(chats(r#"{"chats":[]}"#), Ok(()));
        assert!(chats(r#"{"chats":[],"more":true}"#).is_err_and(|why| why.contains("more")));
        assert!(chats("{}").is_err());
    }
}
