//! `schemas/protocol/codes.json`, which clients are written from, says what the server says.

use std::collections::BTreeSet;

use chasqui_domain::{Epoch, Refusal};
use chasqui_wire::{Code, frames};
use serde_json::{Value, json};

fn file() -> Value {
    serde_json::from_str(include_str!("../../../../../schemas/protocol/codes.json")).unwrap()
}

#[test]
fn the_file_and_the_program_have_the_same_codes() {
    let codes: Vec<Value> = Code::ALL
        .iter()
        .map(|code| json!({"code": code.as_str(), "meaning": code.meaning(), "retry": code.retry()}))
        .collect();
    assert_eq!(file(), json!({ "codes": codes }));
}

#[test]
fn codes_differ_and_are_read_as_they_are_written() {
    let texts: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(texts.len(), Code::ALL.len());
    for &code in Code::ALL {
        assert_eq!(Code::parse(code.as_str()), Some(code));
        let text = frames::to_text(&code).unwrap();
        assert_eq!(text, format!("{:?}", code.as_str()));
        assert_eq!(frames::parse(&text), Ok(code));
    }
    assert_eq!(Code::parse("unknown"), None);
}

#[test]
fn a_client_reads_codes_that_it_does_not_know() {
    assert_eq!(frames::parse("\"quota\""), Ok(Code::Unknown));
}

#[test]
fn every_refusal_has_a_code_of_its_own() {
    let refusals = [
        Refusal::WrongChat,
        Refusal::NotAMember,
        Refusal::NotAllowed,
        Refusal::BodyTooLarge,
        Refusal::BadCounter,
        Refusal::CounterTooOld,
        Refusal::StaleEpoch { current: Epoch(2) },
        Refusal::SeqAhead,
        Refusal::Poison,
    ];
    let codes: BTreeSet<&str> = refusals.iter().map(|refusal| Code::from(*refusal).as_str()).collect();
    assert_eq!(codes.len(), refusals.len());
    let retryable: Vec<&str> = refusals.map(Code::from).iter().filter(|c| c.retry()).map(|c| c.as_str()).collect();
    assert_eq!(retryable, ["stale_epoch"]);
}
