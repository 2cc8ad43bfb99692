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
