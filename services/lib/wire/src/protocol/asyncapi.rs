//! The WebSocket as an AsyncAPI 3.0 document, made from the frames themselves.

use serde_json::{Map, Value, json};
use utoipa::{
    ToSchema,
    openapi::{RefOr, Schema},
};

use super::{
    VERSION, close_ranges, examples,
    variants::{merge, references, whole},
};
use crate::{
    Code,
    frames::{ClientFrame, ServerFrame},
};

/// A type of frame, as it is listed in the document.
struct Frame {
    /// Its `type`.
    tag: String,
    /// Its name in the document; the two sides may have frames of the same type.
    name: String,
    /// With the `type` among its fields.
    payload: Value,
}

/// The WebSocket's frames: `asyncapi.json`.
#[must_use]
pub fn asyncapi() -> Value {
    let examples = examples::all();
    let client = frames::<ClientFrame>("client");
    let server = frames::<ServerFrame>("server");
    let mut schemas = components();
    let mut messages = Map::new();
    for (frame, examples) in client
        .iter()
        .map(|frame| (frame, &examples["client"]))
        .chain(server.iter().map(|frame| (frame, &examples["server"])))
    {
        let schema = capitalized(&frame.name);
        messages.insert(
            frame.name.clone(),
            json!({
                "name": frame.tag,
                "summary": frame.payload["description"],
                "payload": {"$ref": format!("#/components/schemas/{schema}")},
                "examples": [{"payload": examples[&frame.tag]}],
            }),
        );
        schemas.insert(schema, frame.payload.clone());
    }
    let in_channel =
        |frame: &Frame| (frame.name.clone(), json!({"$ref": format!("#/components/messages/{}", frame.name)}));
    let of_channel = |frame: &Frame| json!({"$ref": format!("#/channels/socket/messages/{}", frame.name)});
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Chasqui, the socket",
            "version": VERSION,
            "description": "The frames that go both ways over the WebSocket `/v1/socket`: JSON objects in text messages, \
                told apart by their `type`. How they belong together is told at `/docs`. Pass over fields and types \
                that you don't know: later servers may have more.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "this": {
                "host": "{host}",
                "protocol": "ws",
                "description": "`wss` behind a proxy that provides TLS.",
                "variables": {"host": {"default": "127.0.0.1:7600"}},
            }
        },
        "channels": {
            "socket": {
                "address": "/v1/socket",
                "description": "The first frame is a `hello`. A close carries a number and a code as its reason, see \
                    `x-close-codes`.",
                "servers": [{"$ref": "#/servers/this"}],
                "messages": client.iter().chain(&server).map(in_channel).collect::<Map<_, _>>(),
                "bindings": {"ws": {"method": "GET"}},
            }
        },
        "operations": {
            "fromClient": {
                "action": "receive",
                "summary": "What clients send.",
                "channel": {"$ref": "#/channels/socket"},
                "messages": client.iter().map(of_channel).collect::<Vec<_>>(),
            },
            "toClient": {
                "action": "send",
                "summary": "What the server sends.",
                "channel": {"$ref": "#/channels/socket"},
                "messages": server.iter().map(of_channel).collect::<Vec<_>>(),
            },
        },
        "components": {"schemas": schemas, "messages": messages},
        "x-close-codes": {"ranges": close_ranges(), "codes": closes()},
    })
}

fn closes() -> Vec<Value> {
    let close = |code: &Code| {
        let number = code.close()?;
        Some(json!({"number": number, "code": code.as_str(), "retry": code.retry(), "meaning": code.meaning()}))
    };
    Code::ALL.iter().filter_map(close).collect()
}

/// The schemas that frames refer to, without those of the frames themselves.
fn components() -> Map<String, Value> {
    let all = components_of::<ClientFrame>().into_iter().chain(components_of::<ServerFrame>());
    let mut used: Map<_, _> = all.collect();
    merge(&mut used);
    let mut kept = Map::new();
    let mut asked: Vec<String> = Vec::new();
    for frame in frames::<ClientFrame>("client").iter().chain(&frames::<ServerFrame>("server")) {
        references(&frame.payload, &mut asked);
    }
    while let Some(name) = asked.pop() {
        let Some(schema) = used.get(&name).filter(|_| !kept.contains_key(&name)) else { continue };
        references(schema, &mut asked);
        kept.insert(name, schema.clone());
    }
    kept
}

fn components_of<T: ToSchema>() -> Vec<(String, Value)> {
    let mut schemas = Vec::new();
    T::schemas(&mut schemas);
    schemas.into_iter().map(|(name, schema)| (name, value(&schema))).collect()
}

/// The frames of a side.
fn frames<T: ToSchema>(side: &str) -> Vec<Frame> {
    let schemas = components_of::<T>().into_iter().collect();
    let all = value(&T::schema());
    all["oneOf"].as_array().into_iter().flatten().filter_map(|variant| frame(side, variant, &schemas)).collect()
}

fn frame(side: &str, variant: &Value, schemas: &Map<String, Value>) -> Option<Frame> {
    let (tag, payload) = whole(variant, schemas)?;
    let name = side.to_owned() + &camel_case(&tag);
    Some(Frame { tag, name, payload })
}

fn value(schema: &RefOr<Schema>) -> Value {
    // A schema holds nothing that JSON doesn't; the tests compare the outcome.
    serde_json::to_value(schema).unwrap_or_default()
}

fn camel_case(snake: &str) -> String {
    snake.split('_').map(capitalized).collect()
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}
