//! Bytes that are no record are errors, never a panic.

use chasqui_wire::{Error, checkpoint::RouterState, entry, gateway_record::GatewayRecord, message, snapshot};
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::samples::{self, Sample};

/// The fingerprint in front of each record.
const HEADER_BYTES: usize = 10;

fn header(name: &str) -> Vec<u8> {
    let samples = samples::all();
    let sample = samples.iter().find(|sample| sample.name == name).unwrap();
    sample.bytes[..HEADER_BYTES].to_vec()
}

proptest! {
    #[test]
    fn any_bytes(bytes in vec(any::<u8>(), 0..200)) {
        for Sample { name, again, .. } in samples::all() {
            prop_assert!(again(&bytes).is_err(), "{} was read", name);
        }
    }

    #[test]
    fn any_bytes_behind_the_fingerprint(rest in vec(any::<u8>(), 0..200), small in vec(0..6_u8, 0..60)) {
        for Sample { bytes, again, .. } in samples::all() {
            for rest in [&rest, &small] {
                // Some of them are records indeed.
                let _ = again(&[&bytes[..HEADER_BYTES], rest].concat());
            }
        }
    }

    #[test]
    fn records_with_wrong_bytes(changes in vec((any::<Index>(), any::<u8>()), 1..4)) {
        for Sample { bytes, again, .. } in samples::all() {
            let mut bytes = bytes.to_vec();
            for (at, byte) in &changes {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            let _ = again(&bytes);
        }
    }
}

#[test]
fn no_record_is_one_when_cut_short_or_continued() {
    for Sample { name, bytes, again } in samples::all() {
        for length in 0..bytes.len() {
            assert!(again(&bytes[..length]).is_err(), "{length} bytes of {name} were read");
        }
        assert!(matches!(again(&[&bytes[..], &[0]].concat()), Err(Error::Decode { .. })), "{name} and more was read");
    }
}

#[test]
fn a_record_is_not_taken_for_another() {
    let bytes = [header("heartbeat"), vec![0]].concat();
    assert_eq!(entry::decode(&bytes), Err(Error::Fingerprint { record: "Entry" }));
    assert_eq!(entry::decode(b""), Err(Error::Fingerprint { record: "Entry" }));
}

#[test]
fn exactly_one_payload_is_set() {
    let decode = |rest: &[u8]| GatewayRecord::decode(&[&header("gateway_start"), rest].concat());
    assert_eq!(decode(&[2, 0, 0, 0, 0, 0, 0]), Ok(GatewayRecord::Start));
    let (none, two) = (decode(&[0; 7]), decode(&[2, 0, 2, 14, 6, 8, 10, 0, 0, 0, 0]));
    assert!(matches!(&none, Err(Error::Decode { why, .. }) if why.contains("no payload")), "{none:?}");
    assert!(matches!(&two, Err(Error::Decode { why, .. }) if why.contains("more than one")), "{two:?}");
}

#[test]
fn a_length_that_is_a_lie_costs_nothing() {
    // A text of 2^40 bytes, and of a negative length.
    for length in [&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01][..], &[0x01]] {
        let bytes = [&header("heartbeat"), length].concat();
        let result = chasqui_wire::heartbeat::Heartbeat::decode(&bytes);
        assert!(matches!(result, Err(Error::Decode { .. })), "{result:?}");
    }
}

#[test]
fn a_partition_is_placed_once() {
    // Two entries of an array: partition 1, offset 1, index 0, twice; no suspended gateway; no counts; presence from 0.
    let bytes = [&header("router_state")[..], &[4, 2, 2, 0, 2, 2, 0, 0, 0, 0, 0]].concat();
    let result = RouterState::decode(&bytes);
    assert!(matches!(&result, Err(Error::Decode { why, .. }) if why.contains("twice")), "{result:?}");
}

#[test]
fn a_state_that_cannot_be_is_not_read() {
    let mut ahead = samples::state();
    ahead.members[0].delivered = ahead.last_seq.next();
    let mut beyond = samples::state();
    beyond.members[1].own = chasqui_domain::chat::Runs::from_parts(beyond.last_seq.next(), []);
    for state in [ahead, beyond] {
        let result = snapshot::decode(&snapshot::encode(&state).unwrap());
        assert!(matches!(result, Err(Error::Decode { record: "Snapshot", .. })), "{result:?}");
    }
}

#[test]
fn a_message_is_edited_at_some_time_and_by_some_event() {
    // No deletion; the event, the time, neither, both; no reactions.
    for (edit, is_one) in [(&[2, 10, 0][..], false), (&[0, 2, 10], false), (&[0, 0], true), (&[2, 10, 2, 12], true)] {
        let bytes = [&header("message_state")[..], &[0], edit, &[0]].concat();
        assert_eq!(message::decode(&bytes).is_ok(), is_one, "{edit:?}");
    }
}
