//! The check finds what it is there for: made-up changes of today's documents.

use anyhow::{Result, ensure};
use chasqui_tests::schemas::document;
use serde_json::{Value, json};

use super::*;

type Check = fn(&Value, &Value) -> Vec<String>;

/// Nothing is found in the document itself, and one thing once it is changed.
fn finds(name: &str, check: Check, change: impl FnOnce(&mut Value), found: &str) -> Result<()> {
    let old = document(name)?;
    let mut new = old.clone();
    ensure!(check(&old, &new).is_empty());
    change(&mut new);
    ensure!(new != old, "nothing was changed");
    let broken = check(&old, &new);
    if found.is_empty() {
        ensure!(broken.is_empty(), "{broken:?}");
    } else {
        ensure!(broken.iter().any(|what| what.contains(found)), "{found:?} is not among {broken:?}");
    }
    Ok(())
}

fn frame<'a>(asyncapi: &'a mut Value, name: &str) -> &'a mut Value {
    &mut asyncapi["components"]["schemas"][name]
}

fn remove(value: &mut Value, key: &str) {
    value.as_object_mut().map(|fields| fields.remove(key));
}

fn push(value: &mut Value, item: &str) {
    if let Some(items) = value.as_array_mut() {
        items.push(json!(item));
    }
}

#[test]
fn a_field_or_frame_that_is_gone() -> Result<()> {
    let gone = |new: &mut Value| remove(&mut frame(new, "ServerSent")["properties"], "seq");
    finds("asyncapi.json", asyncapi, gone, "toClient sent.seq: the field is gone")?;
    let gone = |new: &mut Value| remove(&mut frame(new, "ClientSend")["properties"], "meta");
    finds("asyncapi.json", asyncapi, gone, "fromClient send.meta: the field is gone")?;
    let gone = |new: &mut Value| new["operations"]["toClient"]["messages"] = json!([]);
    finds("asyncapi.json", asyncapi, gone, "the frame sent is gone")
}

#[test]
fn what_was_optional_and_is_required_of_clients() -> Result<()> {
    let required = |new: &mut Value| push(&mut frame(new, "ClientHello")["required"], "cursor");
    finds("asyncapi.json", asyncapi, required, "\"cursor\" is required now")?;
    let required = |new: &mut Value| {
        frame(new, "ClientRead")["properties"]["why"] = json!({"type": "string"});
        push(&mut frame(new, "ClientRead")["required"], "why");
    };
    finds("asyncapi.json", asyncapi, required, "\"why\" is required now")?;
    let optional = |new: &mut Value| frame(new, "ServerSent")["required"] = json!(["type"]);
    finds("asyncapi.json", asyncapi, optional, "\"seq\" may be missing now")
}

#[test]
fn another_type_or_narrower_bounds() -> Result<()> {
    let other = |new: &mut Value| frame(new, "Seq")["type"] = json!("string");
    finds("asyncapi.json", asyncapi, other, "type was \"integer\" and is \"string\"")?;
    let narrower = |new: &mut Value| frame(new, "UserId")["maxLength"] = json!(64);
    finds("asyncapi.json", asyncapi, narrower, "maxLength was 128 and is 64")?;
    let wider = |new: &mut Value| frame(new, "UserId")["maxLength"] = json!(256);
    finds("asyncapi.json", asyncapi, wider, "toClient")
}

#[test]
fn additions_are_fine() -> Result<()> {
    let added = |new: &mut Value| {
        frame(new, "ServerSent")["properties"]["more"] = json!({"type": "string"});
        push(&mut frame(new, "ServerSent")["required"], "more");
        frame(new, "ClientSend")["properties"]["more"] = json!({"type": "string"});
    };
    finds("asyncapi.json", asyncapi, added, "")?;
    let added = |new: &mut Value| {
        new["paths"]["/v1/more"] = json!({"get": {}});
        let failure = new["paths"]["/v1/chats"]["get"]["responses"]["500"].clone();
        new["paths"]["/v1/chats"]["get"]["responses"]["599"] = failure;
    };
    finds("openapi.json", openapi, added, "")?;
    let added = |new: &mut Value| {
        let code = json!({"code": "more", "status": 400, "close": null, "retry": false, "meaning": "More."});
        if let Some(codes) = new["codes"].as_array_mut() {
            codes.push(code);
        }
    };
    finds("codes.json", codes, added, "")
}

#[test]
fn codes_that_are_gone_or_changed() -> Result<()> {
    let gone = |new: &mut Value| drop(new["codes"].as_array_mut().map(|codes| codes.remove(0)));
    finds("codes.json", codes, gone, "the code wrong_chat is gone")?;
    let retired = |new: &mut Value| {
        new["codes"].as_array_mut().map(|codes| codes.remove(0));
        new["retired"] = json!([{"code": "wrong_chat", "close": null, "meaning": "It was."}]);
    };
    finds("codes.json", codes, retired, "")?;
    finds("codes.json", codes, |new| new["codes"][0]["retry"] = json!(true), "the retry of the code wrong_chat")?;
    finds("codes.json", codes, |new| new["codes"][0]["close"] = json!(4999), "the close of the code wrong_chat")?;
    finds("codes.json", codes, |new| new["close_ranges"]["stay_away"] = json!([4600, 4999]), "the ranges")
}

#[test]
fn requests_that_are_gone_or_ask_for_more() -> Result<()> {
    finds("openapi.json", openapi, |new| remove(&mut new["paths"], "/v1/chats"), "GET /v1/chats is gone")?;
    let gone = |new: &mut Value| new["paths"]["/v1/chats"]["get"]["parameters"] = json!([]);
    finds("openapi.json", openapi, gone, "GET /v1/chats \"limit\": the parameter is gone")?;
    let required = |new: &mut Value| new["paths"]["/v1/chats"]["get"]["parameters"][0]["required"] = json!(true);
    finds("openapi.json", openapi, required, "it is required now")?;
    let required = |new: &mut Value| push(&mut new["components"]["schemas"]["ReadUpTo"]["required"], "device");
    finds("openapi.json", openapi, required, "\"device\" is required now")?;
    let gone = |new: &mut Value| remove(&mut new["components"]["schemas"]["ChatItem"]["properties"], "unread");
    finds("openapi.json", openapi, gone, "[].unread: the field is gone")?;
    let other = |new: &mut Value| {
        let responses = &mut new["paths"]["/v1/chats/{chat}/read"]["put"]["responses"];
        responses["204"] = responses["202"].clone();
        remove(responses, "202");
    };
    finds("openapi.json", openapi, other, "the answer 202 is gone")
}
