//! Every type of frame has an example, which is right.

use anyhow::{Context, Result, anyhow, ensure};
use chasqui_tests::schemas::{Schemas, document};
use chasqui_wire::frames::{self, ClientFrame, ServerFrame};
use serde_json::{Value, json};

fn examples(asyncapi: &Value, side: &str) -> Result<Vec<String>> {
    let messages = asyncapi["components"]["messages"].as_object().context("no messages")?;
    let of_side = messages.iter().filter(|(name, _)| name.starts_with(side));
    Ok(of_side.map(|(_, message)| message["examples"][0]["payload"].to_string()).collect())
}

#[test]
fn examples_are_what_the_schemas_and_the_decoder_take() -> Result<()> {
    let (asyncapi, schemas) = (document("asyncapi.json")?, Schemas::load()?);
    let client = examples(&asyncapi, "client")?;
    ensure!(client.len() == schemas.client_types().count() && !client.is_empty());
    for text in client {
        schemas.client_frame(&text).map_err(|why| anyhow!(why))?;
        let frame: ClientFrame = frames::parse(&text)?;
        ensure!(serde_json::from_str::<Value>(&frames::to_text(&frame)?)? == serde_json::from_str::<Value>(&text)?);
    }
    let server = examples(&asyncapi, "server")?;
    ensure!(server.len() == schemas.server_types().count() && !server.is_empty());
    for text in server {
        schemas.server_frame(&text).map_err(|why| anyhow!(why))?;
        let frame: ServerFrame = frames::parse(&text)?;
        ensure!(serde_json::from_str::<Value>(&frames::to_text(&frame)?)? == serde_json::from_str::<Value>(&text)?);
    }
    Ok(())
}

/// There is one example of each type of frame, and a change is of many.
#[test]
fn whatever_is_done_to_messages_is_as_the_schemas_say() -> Result<()> {
    let schemas = Schemas::load()?;
    let chat = "AcKUOzVCIX6aUPCc_gULE5PWTI8AJLGS";
    let changed = |change: Value| {
        json!({
            "type": "changed", "cursor": "c", "chat": chat, "time": 9, "after": 2, "by": "alice", "device": "phone",
            "id": "7", "change": change
        })
    };
    for change in [
        json!({"type": "edit", "seq": 2, "content_type": "text/plain", "text": "x", "reply_to": 1}),
        json!({"type": "delete", "seq": 2}),
        json!({"type": "react", "seq": 2, "reaction": "👍"}),
        json!({"type": "react", "seq": 2}),
        json!({"type": "pin", "seq": 2}),
        json!({"type": "unpin", "seq": 2}),
    ] {
        let frame = changed(change.clone()).to_string();
        schemas.server_frame(&frame).map_err(|why| anyhow!(why))?;
        let read: ServerFrame = frames::parse(&frame)?;
        ensure!(serde_json::from_str::<Value>(&frames::to_text(&read)?)? == serde_json::from_str::<Value>(&frame)?);
        let mut more = change;
        more["more"] = 1.into();
        ensure!(schemas.server_frame(&changed(more.clone()).to_string()).is_err(), "{more}");
    }
    let message = json!({
        "chat": chat, "seq": 2, "time": 9, "from": "bob", "device": "phone", "id": "1", "content_type": "text/plain",
        "mentions": []
    });
    let (mut edited, mut deleted) = (message.clone(), message);
    edited["edited"] = 10.into();
    edited["reactions"] = json!([{"reaction": "👍", "count": 2, "own": true}, {"count": 1, "own": false}]);
    deleted["deleted"] = 11.into();
    let messages = json!({"messages": [edited, deleted]});
    let reactions = json!({"chat": chat, "seq": 2, "users": [{"user": "bob", "reaction": "👍"}, {"user": "carol"}]});
    for (path, answer) in [("messages", messages), ("messages/2/reactions", reactions)] {
        let path = format!("/v1/chats/{chat}/{path}");
        let answer = answer.to_string();
        let found = schemas.answer("GET", &path, 200, Some("application/json"), answer.as_bytes());
        found.map_err(|why| anyhow!(why))?;
    }
    Ok(())
}

#[test]
fn what_the_documents_do_not_say_is_found() -> Result<()> {
    let schemas = Schemas::load()?;
    let wrong = [
        json!({"type": "caught_up", "cursor": "c", "more": 1}),
        json!({"type": "caught_up"}),
        json!({"type": "caught_up", "cursor": null}),
        json!({"type": "welcomed", "cursor": "c"}),
        json!({"type": "delayed", "chat": "short", "id": "1"}),
        json!({"type": "delayed", "chat": "AcKUOzVCIX6aUPCc_gULE5PWTI8AJLGS", "id": 1}),
        json!({"type": "error", "code": "quota", "retry": false, "message": "No."}),
    ];
    for frame in wrong {
        ensure!(schemas.server_frame(&frame.to_string()).is_err(), "{frame}");
    }
    let chats =
        |status, media, body: &Value| schemas.answer("GET", "/v1/chats", status, media, body.to_string().as_bytes());
    let json = Some("application/json");
    chats(200, json, &json!({"chats": []})).map_err(|why| anyhow!(why))?;
    ensure!(chats(200, json, &json!({"chats": [], "total": 0})).is_err());
    ensure!(chats(200, Some("text/plain"), &json!({"chats": []})).is_err());
    ensure!(chats(299, json, &json!({"chats": []})).is_err());
    ensure!(schemas.answer("GET", "/v2/chats", 200, json, b"{}").is_err());
    ensure!(schemas.answer("GET", "/v1/chats", 200, None, b"").is_err());
    let read = "/v1/chats/AcKUOzVCIX6aUPCc_gULE5PWTI8AJLGS/read";
    schemas.answer("PUT", read, 202, None, b"").map_err(|why| anyhow!(why))
}
