//! One example of each frame, per side and type. Tests hold them to the schemas and to the decoder.

use serde_json::{Value, json};

pub(super) fn all() -> Value {
    let chat = "AcKUOzVCIX6aUPCc_gULE5PWTI8AJLGS";
    let group = "AnDXlGYTIJ0Y7p4bQ2h1mRzv8cKw3sUe";
    let cursor = "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABwAAUTL2ydJ5";
    json!({
        "client": {
            "hello": {"type": "hello", "token": "eyJ…", "device": "my-laptop", "cursor": cursor},
            "send": {"type": "send", "id": "1", "to": "bob", "text": "The bridge is down."},
            "create": {"type": "create", "id": "1", "members": ["bob", "carol"], "title": "The bridge"},
            "change": {"type": "change", "id": "7", "chat": group, "change": {"type": "add", "users": ["dave"]}},
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
            "changed": {
                "type": "changed", "cursor": cursor, "chat": group, "time": 1_795_542_173_000_i64, "after": 4,
                "by": "alice", "device": "phone", "id": "7", "change": {"type": "role", "user": "bob", "role": "admin"},
            },
            "done": {
                "type": "done", "cursor": cursor, "chat": group, "id": "1", "time": 1_795_542_172_345_i64,
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
            "counts": {
                "type": "counts", "chat": group, "others": {"count": 3, "delivered": 4, "read": 2},
                "messages": [{"seq": 3, "delivered": 3, "read": 1}, {"seq": 5, "delivered": 1, "read": 0}],
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
