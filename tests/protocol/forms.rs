//! The schemas take what the decoder takes, and refuse what it refuses.

use std::sync::LazyLock;

use anyhow::{Result, anyhow, ensure};
use chasqui_tests::schemas::Schemas;
use chasqui_wire::frames::{self, ClientFrame};
use serde_json::{Value, json};

const CHAT: &str = "AcKUOzVCIX6aUPCc_gULE5PWTI8AJLGS";

fn agree(frame: &Value, taken: bool) -> Result<()> {
    static SCHEMAS: LazyLock<Result<Schemas>> = LazyLock::new(Schemas::load);
    let schemas = SCHEMAS.as_ref().map_err(|error| anyhow!("{error:#}"))?;
    let text = frame.to_string();
    let (by_schema, by_decoder) = (schemas.client_frame(&text), frames::parse::<ClientFrame>(&text));
    ensure!(by_schema.is_ok() == taken, "the schema: {by_schema:?}");
    ensure!(by_decoder.is_ok() == taken, "the decoder: {by_decoder:?}");
    Ok(())
}

fn send(field: &str, value: Value) -> Value {
    let mut frame = json!({"type": "send", "id": "1", "to": "bob", "text": "x"});
    frame[field] = value;
    frame
}

#[test]
fn ids_of_users_and_devices() -> Result<()> {
    for (user, taken) in [
        (json!("b"), true),
        (json!("ß und 名前"), true),
        (json!("x".repeat(128)), true),
        (json!("x".repeat(129)), false),
        (json!(""), false),
        (json!("a\nb"), false),
        (json!("a\u{7f}b"), false),
        (json!("a\u{9f}b"), false),
        (json!("a\u{a0}b"), true),
        (json!(7), false),
    ] {
        agree(&send("to", user), taken)?;
    }
    for (device, taken) in [
        ("a-Z_0.9", true),
        (&*"d".repeat(64), true),
        (&*"d".repeat(65), false),
        ("", false),
        ("my phone", false),
        ("ä", false),
    ] {
        agree(&json!({"type": "hello", "token": "t", "device": device}), taken)?;
    }
    Ok(())
}

#[test]
fn ids_of_messages() -> Result<()> {
    for (id, taken) in [
        (json!("1"), true),
        (json!("9223372036854775807"), true),
        (json!("01"), false),
        (json!("+1"), false),
        (json!("-1"), false),
        (json!(""), false),
        (json!("92233720368547758070"), false),
        (json!(1), false),
    ] {
        agree(&send("id", id), taken)?;
    }
    Ok(())
}

#[test]
fn seqs_chats_and_bytes() -> Result<()> {
    for (seq, taken) in [
        (json!(0), true),
        (json!(i64::MAX), true),
        (json!(u64::MAX), false),
        (json!(-1), false),
        (json!(1.5), false),
        (json!("1"), false),
    ] {
        agree(&json!({"type": "read", "chat": CHAT, "seq": seq}), taken)?;
    }
    for (chat, taken) in
        [(CHAT, true), (&CHAT[1..], false), (&*format!("{CHAT}A"), false), (&*CHAT.replace('_', "/"), false)]
    {
        agree(&json!({"type": "receipts", "chats": [chat]}), taken)?;
    }
    for (body, taken) in [("AP8B/g==", true), ("AP8B/g", true), ("", true), ("AP8B_g==", false), ("a b", false)] {
        agree(&send("body", json!(body)), taken)?;
    }
    for (content_type, taken) in [("text/plain; charset=utf-8", true), ("", false), ("a\tb", false)] {
        agree(&send("content_type", json!(content_type)), taken)?;
    }
    Ok(())
}

#[test]
fn what_must_be_there() -> Result<()> {
    for frame in [
        json!({"type": "hello", "token": "t", "device": "d"}),
        // To whom, a user or a group, is for the server to say.
        json!({"type": "send", "id": "1"}),
        json!({"type": "create", "id": "1", "members": [], "title": "t"}),
        json!({"type": "change", "id": "1", "change": {"type": "leave"}}),
        json!({"type": "ack", "cursor": "c"}),
        json!({"type": "read", "chat": CHAT, "seq": 1}),
        json!({"type": "receipts", "chats": []}),
        json!({"type": "renew", "token": "t"}),
    ] {
        agree(&frame, true)?;
        for field in frame.as_object().into_iter().flat_map(|fields| fields.keys()) {
            let mut without = frame.clone();
            without.as_object_mut().map(|fields| fields.remove(field));
            agree(&without, false)?;
        }
    }
    Ok(())
}

fn change(change: Value) -> Value {
    json!({"type": "change", "id": "1", "to": "bob", "change": change})
}

#[test]
fn what_is_done_to_messages() -> Result<()> {
    for asked in [
        json!({"type": "edit", "seq": 1}),
        json!({"type": "delete", "seq": 1}),
        json!({"type": "react", "seq": 1}),
        json!({"type": "pin", "seq": 1}),
        json!({"type": "unpin", "seq": 1}),
    ] {
        agree(&change(asked.clone()), true)?;
        for seq in [json!(-1), json!(1.5), json!("1")] {
            let mut wrong = asked.clone();
            wrong["seq"] = seq;
            agree(&change(wrong), false)?;
        }
        for field in ["type", "seq"] {
            let mut without = asked.clone();
            without.as_object_mut().map(|fields| fields.remove(field));
            agree(&change(without), false)?;
        }
    }
    let edit = json!({
        "type": "edit", "seq": 1, "content_type": "app/x", "body": "AP8=", "reply_to": 2, "mentions": ["bob"],
        "meta": {"any": [1]}
    });
    agree(&change(edit), true)?;
    for (field, wrong) in [("body", json!("!")), ("mentions", json!([""])), ("reply_to", json!(-1))] {
        agree(&change(json!({"type": "edit", "seq": 1, field: wrong})), false)?;
    }
    agree(&change(json!({"type": "react", "seq": 1, "reaction": "👍"})), true)?;
    agree(&change(json!({"type": "react", "seq": 1, "reaction": 1})), false)?;
    agree(&change(json!({"type": "dance", "seq": 1})), false)
}
