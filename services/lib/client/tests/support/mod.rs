//! What alice, whose client is tested, is told.

use chasqui_client::{Update, Updates};
use chasqui_domain::{ChatId, UserId};
use serde_json::{Value, json};

pub(crate) fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

/// Of alice and bob.
pub(crate) fn chat() -> ChatId {
    ChatId::direct(&user("alice"), &user("bob"))
}

/// What bob says.
pub(crate) fn message(seq: u64) -> Value {
    json!({
        "type": "message", "cursor": format!("c{seq}"), "chat": chat().to_string(), "seq": seq, "time": 1,
        "from": "bob", "device": "d", "id": seq.to_string(), "content_type": "text/plain", "text": "hi", "mentions": [],
    })
}

/// The next such update; others are passed over.
pub(crate) async fn until(updates: &mut Updates, is_wanted: impl Fn(&Update) -> bool) -> Update {
    loop {
        let update = updates.next().await.expect("an update");
        if is_wanted(&update) {
            return update;
        }
    }
}
