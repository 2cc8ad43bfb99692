//! Records against apache-avro, which goes by their schemas: it writes the same bytes, and reads and refuses the same.
//! This is what keeps the fields of the structs in the order of their schemas.

use std::{collections::BTreeSet, fmt};

use bytes::Bytes;
use chasqui_wire::{
    Error,
    body::Body,
    checkpoint::RouterState,
    command, entry, event,
    gateway_record::GatewayRecord,
    heartbeat::Heartbeat,
    inbox::InboxRecord,
    member::{self, ChatMember},
    message,
    presence::Presence,
    reference::by_apache_avro,
    revocation::Revocation,
    schemas::{self, FILES},
    snapshot,
    summary::{self, ChatSummary},
};
use proptest::{collection::vec, prelude::*, sample::Index, strategy::BoxedStrategy, test_runner::TestRunner};
use serde_json::Value;

use crate::{
    people::user,
    samples::{self, Sample},
    values::{
        a_body, a_command, a_gateway_record, a_heartbeat, a_message_state, a_presence, a_revocation, a_router_state,
        a_source, a_state, an_entry, an_event, an_inbox_record,
    },
};

/// The fingerprint in front of each record.
const HEADER_BYTES: usize = 10;

/// The one thing that apache-avro reads and we don't: a number of ten bytes with bits that no number of 64 has.
const TOO_MANY_BITS: &str = "a number has more than 64 bits";

/// A value of some record, as text, and what writes and reads it.
struct Case {
    value: String,
    encode: Box<dyn Fn() -> Result<Bytes, Error>>,
    decode: Box<Decode>,
}

/// Gives the value as text.
type Decode = dyn Fn(&[u8]) -> Result<String, Error>;

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.value)
    }
}

impl Case {
    fn new<T: fmt::Debug>(
        value: &T,
        encode: impl Fn() -> Result<Bytes, Error> + 'static,
        decode: impl Fn(&[u8]) -> Result<T, Error> + 'static,
    ) -> Self {
        let decode = move |bytes: &[u8]| decode(bytes).map(|value| format!("{value:?}"));
        Self { value: format!("{value:?}"), encode: Box::new(encode), decode: Box::new(decode) }
    }

    fn of<S: Strategy + 'static>(
        values: S,
        encode: fn(&S::Value) -> Result<Bytes, Error>,
        decode: fn(&[u8]) -> Result<S::Value, Error>,
    ) -> BoxedStrategy<Self>
    where
        S::Value: Clone + 'static,
    {
        values
            .prop_map(move |value| {
                let of = value.clone();
                Self::new(&value, move || encode(&of), decode)
            })
            .boxed()
    }
}

/// Any value of every record that stands by itself.
fn cases() -> Vec<(&'static str, BoxedStrategy<Case>)> {
    let rows = (an_event(), a_source()).prop_map(|(event, source)| {
        let (_, cell) = event::encode_envelope(&event, &source).unwrap();
        let of = event.clone();
        let encode = move || event::encode_envelope(&of, &source).map(|(envelope, _)| envelope);
        Case::new(&(event, source), encode, move |bytes| event::decode_row(bytes, cell.as_ref()))
    });
    let summaries = a_state().prop_map(|state| ChatSummary::from(&state));
    let members = a_state().prop_filter_map("it has no members", |state| state.members.first().map(ChatMember::from));
    let states = a_state();
    let events = (an_event(), a_source());
    vec![
        ("Command", Case::of(a_command(), command::encode, command::decode)),
        ("Event", Case::of(events, |(event, source)| event::encode(event, source), event::decode)),
        ("Event", rows.boxed()),
        ("Entry", Case::of(an_entry(), entry::encode, entry::decode)),
        ("InboxRecord", Case::of(an_inbox_record(), InboxRecord::encode, InboxRecord::decode)),
        ("Presence", Case::of(a_presence(), Presence::encode, Presence::decode)),
        ("Heartbeat", Case::of(a_heartbeat(), Heartbeat::encode, Heartbeat::decode)),
        ("Revocation", Case::of(a_revocation(), Revocation::encode, Revocation::decode)),
        ("GatewayRecord", Case::of(a_gateway_record(), GatewayRecord::encode, GatewayRecord::decode)),
        ("RouterState", Case::of(a_router_state(), RouterState::encode, RouterState::decode)),
        ("Snapshot", Case::of(states, snapshot::encode, snapshot::decode)),
        ("ChatSummary", Case::of(summaries, summary::encode, summary::decode)),
        ("ChatMember", Case::of(members, member::encode, member::decode)),
        ("MessageState", Case::of(a_message_state(), message::encode, message::decode)),
        ("Body", Case::of(a_body(), Body::encode, Body::decode)),
    ]
}

#[test]
fn apache_avro_writes_the_same_bytes_and_each_reads_the_others() {
    // Only the macro knows where a failure would be written down.
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    for (record, values) in cases() {
        let mut runner = TestRunner::new(config.clone());
        let same = |case: Case| {
            let ours = (case.encode)().unwrap();
            let other = by_apache_avro(|| (case.encode)()).unwrap();
            prop_assert_eq!(&ours, &other, "{} is written otherwise", record);
            let read = ((case.decode)(&other), by_apache_avro(|| (case.decode)(&ours)));
            let wanted = (Ok(case.value.clone()), Ok(case.value));
            prop_assert_eq!(read, wanted, "{} is read otherwise, by us or by apache-avro", record);
            Ok(())
        };
        runner.run(&values, same).unwrap_or_else(|error| panic!("{record}: {error}"));
    }
}

/// Whoever adds a record adds it to these tests.
#[test]
fn every_record_that_stands_by_itself_is_among_the_cases() {
    let headers: BTreeSet<_> = samples::all().iter().map(|sample| sample.bytes[2..HEADER_BYTES].to_vec()).collect();
    let record = |text: &str| {
        let name = serde_json::from_str::<Value>(text).unwrap()["name"].as_str().unwrap().to_owned();
        let fingerprint = schemas::fingerprint(&schemas::text(&name).unwrap()).unwrap();
        headers.contains(&fingerprint[..]).then_some(name)
    };
    let records: BTreeSet<_> = FILES.iter().filter_map(|(_, text)| record(text)).collect();
    assert_eq!(records.len(), headers.len(), "a sample is of an unknown record");
    assert_eq!(cases().iter().map(|(name, _)| (*name).to_owned()).collect::<BTreeSet<_>>(), records);
    // A record within no other stands by itself, or it would be of no use.
    let mentioned = |name: &str| FILES.iter().any(|(_, text)| text.contains(&format!(r#""chasqui.{name}""#)));
    for (file, text) in FILES {
        let name = serde_json::from_str::<Value>(text).unwrap()["name"].as_str().unwrap().to_owned();
        assert!(records.contains(&name) || mentioned(&name), "{file} has no sample and is in no other record");
    }
}

/// The bytes are read by both as the same, or by neither.
fn read_alike(Sample { name, again, .. }: &Sample, bytes: &[u8]) -> Result<(), TestCaseError> {
    let (ours, other) = (again(bytes), by_apache_avro(|| again(bytes)));
    match (&ours, &other) {
        (Err(Error::Decode { why, .. }), _) if why == TOO_MANY_BITS => {}
        (Err(ours), Err(other)) => {
            prop_assert_eq!(std::mem::discriminant(ours), std::mem::discriminant(other), "{}", name);
        }
        _ => prop_assert_eq!(&ours, &other, "{}: {:?}", name, bytes),
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_bytes_are_read_alike(rest in vec(any::<u8>(), 0..200), small in vec(0..6_u8, 0..60)) {
        for sample in samples::all() {
            for rest in [&rest, &small] {
                read_alike(&sample, &[&sample.bytes[..HEADER_BYTES], rest].concat())?;
            }
        }
    }

    #[test]
    fn records_with_wrong_bytes_are_read_alike(
        changes in vec((any::<Index>(), prop_oneof![any::<u8>(), 0..8_u8, Just(0x80), Just(0xFF)]), 1..4),
        cut in any::<Index>(),
    ) {
        for sample in samples::all() {
            let mut bytes = sample.bytes.to_vec();
            for (at, byte) in &changes {
                let at = HEADER_BYTES + at.index(bytes.len() - HEADER_BYTES);
                bytes[at] = *byte;
            }
            read_alike(&sample, &bytes)?;
            bytes.truncate(cut.index(bytes.len()));
            read_alike(&sample, &bytes)?;
        }
    }

    #[test]
    fn records_with_a_few_bytes_more_or_less_are_read_alike(
        at in any::<Index>(),
        put in vec(any::<u8>(), 0..12),
        taken in 0..4_usize,
    ) {
        for sample in samples::all() {
            let mut bytes = sample.bytes.to_vec();
            let at = HEADER_BYTES + at.index(bytes.len() - HEADER_BYTES);
            bytes.splice(at..(at + taken).min(sample.bytes.len()), put.iter().copied());
            read_alike(&sample, &bytes)?;
        }
    }
}

/// A body that mentions users, with its list written as given.
fn body_with(list: &[&[u8]]) -> Vec<u8> {
    let header = &Body::default().encode().unwrap()[..HEADER_BYTES];
    [header, &[0, 0, 0], &list.concat(), &[0]].concat()
}

#[test]
fn a_list_may_come_in_blocks_of_any_form() {
    let (alice, bob) = (&b"\x0aalice"[..], &b"\x06bob"[..]);
    let mentions = vec![user("alice"), user("bob"), user("bob")];
    for list in [
        &[b"\x06", alice, bob, bob, b"\x00"][..],
        &[b"\x02", alice, b"\x04", bob, bob, b"\x00"],
        // A block of which the size is known, too.
        &[b"\x05\x1c", alice, bob, bob, b"\x00"],
        &[b"\x01\x0c", alice, b"\x04", bob, bob, b"\x00"],
        // Numbers in more bytes than needed.
        &[b"\x86\x80\x00", alice, bob, b"\x86\x00bob", b"\x80\x00"],
    ] {
        let bytes = body_with(list);
        let body = Ok(Body { mentions: mentions.clone(), ..Body::default() });
        assert_eq!((Body::decode(&bytes), by_apache_avro(|| Body::decode(&bytes))), (body.clone(), body), "{list:?}");
    }
    for wrong in [
        &[&b"\x04"[..], alice, b"\x00"][..],
        &[b"\x02", alice],
        &[b"\x01", alice, b"\x00"],
        &[b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00", alice, b"\x00"],
        &[b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", alice, b"\x00"],
    ] {
        let bytes = body_with(wrong);
        assert!(Body::decode(&bytes).is_err() && by_apache_avro(|| Body::decode(&bytes)).is_err(), "{wrong:?}");
    }
}

#[test]
fn a_text_is_as_long_as_it_may_be_and_no_longer() {
    let of = |length: usize| Body { text: Some("x".repeat(length)), ..Body::default() };
    let longest = 4 * 1024 * 1024;
    for (body, is_read) in [(of(longest), true), (of(longest + 1), false)] {
        let bytes = body.encode().unwrap();
        let (ours, other) = (Body::decode(&bytes), by_apache_avro(|| Body::decode(&bytes)));
        assert_eq!((ours.is_ok(), other.is_ok()), (is_read, is_read));
    }
}

#[test]
fn a_number_of_more_than_64_bits_is_none() {
    let header = &Body::default().encode().unwrap()[..HEADER_BYTES];
    // The first field's branch, as zero with a bit that no number has.
    let bytes = [header, &[0x80; 9], &[0x02, 0, 0, 0, 0]].concat();
    assert!(by_apache_avro(|| Body::decode(&bytes)).is_ok());
    assert_eq!(Body::decode(&bytes), Err(Error::Decode { record: "Body", why: TOO_MANY_BITS.to_owned() }));
}
