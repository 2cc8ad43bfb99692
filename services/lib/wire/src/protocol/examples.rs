//! One example of each frame, per side and type. Tests hold them to the schemas and to the decoder.

use serde_json::{Value, json};

pub(super) fn all() -> Value {
    let chat = "AcKUOzVCIX6aUPCc_gULE5PWTI8AJLGS";
    let cursor = "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABwAAUTL2ydJ5";
    json!({
        "client": {
            "hello": {"type": "hello", "token": "eyJ…", "device": "my-laptop", "cursor": cursor},
            "send": {"type": "send", "id": "1", "to": "bob", "text": "The bridge is down."},
            "ack": {"type": "ack", "cursor": cursor, "delivered": {chat: 2}},
            "read": {"type": "read", "chat": chat, "seq": 2},
            "receipts": {"type": "receipts", "chats": [chat]},
            "renew": {"type": "renew", "token": "eyJ…"},
        },
        "server": {
            "welcome": {
                "type": "welcome", "user": "alice", "device": "my-laptop", "session": "7", "resumed": false,
                "not_resumed": "no_cursor", "time": 1_795_542_171_000_i64, "expires": 1_795_545_771_000_i64,
                "unacked_max": 1024, "outstanding_max": 64, "body_bytes_max": 65_536, "idle_ms": 60_000,
            },
            "message": {
                "type": "message", "cursor": cursor, "chat": chat, "seq": 2, "time": 1_795_542_175_000_i64,
                "from": "bob", "device": "phone", "id": "1", "content_type": "text/plain", "text": "Since when?",
                "reply_to": 1, "mentions": [],
            },
            "sent": {
                "type": "sent", "cursor": cursor, "chat": chat, "id": "1", "seq": 1, "time": 1_795_542_172_345_i64,
                "repeated": false,
            },
            "failed": {
                "type": "failed", "to": "bob", "chat": chat, "id": "2", "code": "rate_limited", "retry": true,
                "retry_in_ms": 400, "message": "Too much was asked in a short time.",
            },
            "receipt": {
                "type": "receipt", "chat": chat, "user": "bob", "delivered": 2, "read": 1,
                "time": 1_795_542_176_000_i64,
            },
            "receipts": {
                "type": "receipts",
                "chats": [{
                    "chat": chat, "last_seq": 2, "unread": 1,
                    "members": [
                        {"user": "alice", "delivered": 2, "read": 1},
                        {"user": "bob", "delivered": 2, "read": 2},
                    ],
                }],
            },
            "caught_up": {"type": "caught_up", "cursor": cursor},
            "delayed": {"type": "delayed", "chat": chat, "id": "1"},
            "renewed": {"type": "renewed", "expires": 1_795_549_371_000_i64},
            "error": {
                "type": "error", "code": "draining", "retry": true, "retry_in_ms": 1370,
                "message": "The server is going away; connect again.",
            },
        },
    })
}
