//! The codes that clients see.

use std::collections::BTreeSet;

use chasqui_domain::{Epoch, Refusal};
use chasqui_wire::{
    Code,
    codes::{CLOSE_CONNECT_AGAIN, CLOSE_STAY_AWAY, RETIRED},
    frames,
};

#[test]
fn a_close_number_has_one_code_and_its_range_says_whether_to_connect_again() {
    let mut numbers = BTreeSet::new();
    for (code, number) in Code::ALL.iter().filter_map(|code| Some((code, code.close()?))) {
        assert!(numbers.insert(number), "{number}");
        assert_eq!(CLOSE_CONNECT_AGAIN.contains(&number), code.retry(), "{code:?}");
        assert_eq!(CLOSE_STAY_AWAY.contains(&number), !code.retry(), "{code:?}");
    }
}

#[test]
fn what_is_retired_is_not_used_again() {
    for retired in RETIRED {
        assert_eq!(Code::parse(retired.code), None);
        assert!(retired.close.is_none_or(|number| Code::ALL.iter().all(|code| code.close() != Some(number))));
    }
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
        Refusal::NotPermitted,
        Refusal::NoSuchMember,
        Refusal::TooManyMembers,
        Refusal::LastOwner,
        Refusal::NoSuchMessage,
        Refusal::TooLate,
        Refusal::TooManyReactions,
        Refusal::TooManyActions,
        Refusal::TooManyPins,
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
