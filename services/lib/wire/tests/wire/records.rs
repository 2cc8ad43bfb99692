//! Records survive the way there and back, and the same value gives the same bytes.

use bytes::Bytes;
use chasqui_domain::{Change, Counter, Entry, Event, EventKind, RulesNumber, Seq, TimeMs, Version};
use chasqui_wire::{
    Error,
    body::Body,
    checkpoint::RouterState,
    command, entry, event,
    gateway_record::GatewayRecord,
    heartbeat::Heartbeat,
    inbox::InboxRecord,
    member::{self, ChatMember},
    message::{self, MessageState},
    presence::Presence,
    revocation::Revocation,
    snapshot,
    summary::{self, ChatSummary},
};
use proptest::prelude::*;

use crate::{
    people::{chat, device, user},
    samples,
    values::{
        a_body, a_command, a_gateway_record, a_heartbeat, a_message_state, a_presence, a_revocation, a_router_state,
        a_source, a_state, an_acted_message, an_entry, an_event, an_inbox_record,
    },
};

proptest! {
    #[test]
    fn commands(command in a_command()) {
        let bytes = command::encode(&command).unwrap();
        prop_assert_eq!(command::decode(&bytes).unwrap(), command.clone());
        prop_assert_eq!(command::encode(&command).unwrap(), bytes);
    }

    #[test]
    fn events(event in an_event(), source in a_source()) {
        let bytes = event::encode(&event, &source).unwrap();
        prop_assert_eq!(event::decode(&bytes).unwrap(), (event.clone(), source));
        prop_assert_eq!(event::encode(&event, &source).unwrap(), bytes);
    }

    #[test]
    fn event_rows(event in an_event(), source in a_source()) {
        let (envelope, body) = event::encode_envelope(&event, &source).unwrap();
        prop_assert_eq!(event::decode_row(&envelope, body.as_ref()).unwrap(), (event.clone(), source));
        prop_assert_eq!(event::encode_envelope(&event, &source).unwrap(), (envelope, body.clone()));
        prop_assert_eq!(body.is_some(), has_body(&event.kind));
    }

    #[test]
    fn rows_without_their_body_are_read_as_of_none(event in an_event(), source in a_source()) {
        let (envelope, _) = event::encode_envelope(&event, &source).unwrap();
        let read = event::decode_row(&envelope, None).unwrap();
        prop_assert_eq!(read, (erased(event), source));
    }

    #[test]
    fn entries(entry in an_entry()) {
        let bytes = entry::encode(&entry).unwrap();
        prop_assert_eq!(entry::decode(&bytes).unwrap(), entry.clone());
        prop_assert_eq!(entry::encode(&entry).unwrap(), bytes);
    }

    #[test]
    fn inbox_records(record in an_inbox_record()) {
        let bytes = record.encode().unwrap();
        prop_assert_eq!(&InboxRecord::decode(&bytes).unwrap(), &record);
        prop_assert_eq!(record.encode().unwrap(), bytes);
    }

    #[test]
    fn presences(record in a_presence()) {
        let bytes = record.encode().unwrap();
        prop_assert_eq!(&Presence::decode(&bytes).unwrap(), &record);
        prop_assert_eq!(record.encode().unwrap(), bytes);
    }

    #[test]
    fn heartbeats(record in a_heartbeat()) {
        let bytes = record.encode().unwrap();
        prop_assert_eq!(&Heartbeat::decode(&bytes).unwrap(), &record);
        prop_assert_eq!(record.encode().unwrap(), bytes);
    }

    #[test]
    fn revocations(record in a_revocation()) {
        let bytes = record.encode().unwrap();
        prop_assert_eq!(&Revocation::decode(&bytes).unwrap(), &record);
        prop_assert_eq!(record.encode().unwrap(), bytes);
    }

    #[test]
    fn gateway_records(record in a_gateway_record()) {
        let bytes = record.encode().unwrap();
        prop_assert_eq!(&GatewayRecord::decode(&bytes).unwrap(), &record);
        prop_assert_eq!(record.encode().unwrap(), bytes);
    }

    #[test]
    fn router_states(state in a_router_state()) {
        let bytes = state.encode().unwrap();
        prop_assert_eq!(&RouterState::decode(&bytes).unwrap(), &state);
        prop_assert_eq!(state.encode().unwrap(), bytes);
    }

    #[test]
    fn message_states(state in a_message_state()) {
        let bytes = message::encode(&state).unwrap();
        prop_assert_eq!(&message::decode(&bytes).unwrap(), &state);
        prop_assert_eq!(message::encode(&state).unwrap(), bytes);
    }

    #[test]
    fn what_has_become_of_a_message_is_told(message in an_acted_message()) {
        let state = MessageState::from(&message);
        prop_assert_eq!(&message::decode(&message::encode(&state).unwrap()).unwrap(), &state);
        prop_assert_eq!((state.deleted, state.edited), (message.deleted, message.edits.last().copied()));
        let users = |state: &MessageState| state.reactions.iter().map(|it| it.users.clone()).collect::<Vec<_>>();
        prop_assert_eq!(users(&state), message.reactions.iter().map(|it| it.users.clone()).collect::<Vec<_>>());
    }

    #[test]
    fn bodies(body in a_body()) {
        let bytes = body.encode().unwrap();
        prop_assert_eq!(&Body::decode(&bytes).unwrap(), &body);
        prop_assert_eq!(body.encode().unwrap(), bytes);
    }

    #[test]
    fn snapshots(state in a_state()) {
        let bytes = snapshot::encode(&state).unwrap();
        prop_assert_eq!(&snapshot::decode(&bytes).unwrap(), &state);
        prop_assert_eq!(snapshot::encode(&state).unwrap(), bytes);
    }

    #[test]
    fn what_is_shown_tells_what_the_state_tells(state in a_state()) {
        let bytes = summary::encode(&ChatSummary::from(&state)).unwrap();
        prop_assert_eq!(summary::encode(&ChatSummary::from(&state)).unwrap(), bytes.clone());
        let found = summary::decode(&bytes).unwrap();
        prop_assert_eq!(&found, &ChatSummary::from(&state));
        for member in &state.members {
            let kept = ChatMember::from(member);
            let read = member::decode(&member::encode(&kept).unwrap()).unwrap();
            prop_assert_eq!(read, kept);
            prop_assert_eq!(found.unread(&read), state.unread(member));
        }
    }
}

fn has_body(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Message { .. } | EventKind::Changed { change: Change::Edit { .. }, .. })
}

/// The event when nothing of its body is left.
fn erased(mut event: Event) -> Event {
    if let EventKind::Message { body, .. } | EventKind::Changed { change: Change::Edit { body, .. }, .. } =
        &mut event.kind
    {
        body.bytes = Bytes::new();
    }
    event
}

#[test]
fn the_body_of_a_row_stands_beside_the_envelope_and_nowhere_else() {
    let source = samples::source();
    let opened = samples::event(EventKind::Opened { members: vec![user("alice")] });
    let reacted = samples::event(samples::changed(samples::react()));
    let body = Bytes::from_static(b"nonce and ciphertext");
    for bodiless in [opened, reacted] {
        let (envelope, cell) = event::encode_envelope(&bodiless, &source).unwrap();
        assert_eq!(cell, None);
        let result = event::decode_row(&envelope, Some(&body));
        assert!(matches!(result, Err(Error::Decode { record: "Event", .. })), "{result:?}");
    }
    for kind in [samples::message(), samples::changed(samples::edit())] {
        let event = samples::event(kind);
        let (envelope, cell) = event::encode_envelope(&event, &source).unwrap();
        assert_eq!(cell, Some(body.clone()));
        assert!(!envelope.windows(body.len()).any(|window| window == body));

        let whole = event::encode(&event, &source).unwrap();
        for result in [event::decode(&envelope), event::decode_row(&whole, Some(&body))] {
            assert!(matches!(result, Err(Error::Decode { record: "Event", .. })), "{result:?}");
        }
        assert_eq!(event::decode_row(&envelope, None), Ok((erased(event), source)));
    }
}

#[test]
fn an_entry_of_a_message_or_a_change_holds_no_other_event() {
    let event = samples::event(EventKind::Read { member: user("bob"), seq: Seq(1) });
    for entry in [Entry::Message { event: event.clone() }, Entry::Changed { event }] {
        let result = entry::encode(&entry);
        assert!(matches!(result, Err(Error::Encode { record: "Entry", .. })), "{result:?}");
    }
}

#[test]
fn numbers_end_where_those_of_avro_do() {
    let entry = |seq| Entry::Repeated {
        chat: chat(),
        device: device("phone"),
        counter: Counter(1),
        seq: Seq(seq),
        time: TimeMs(0),
    };
    let highest = i64::MAX as u64;
    let bytes = entry::encode(&entry(highest)).unwrap();
    assert_eq!(entry::decode(&bytes), Ok(entry(highest)));
    for seq in [highest + 1, u64::MAX] {
        assert!(matches!(entry::encode(&entry(seq)), Err(Error::Encode { .. })));
    }
    let event = Event {
        chat: chat(),
        version: Version(u64::MAX),
        time: TimeMs(0),
        rules: RulesNumber(1),
        kind: samples::message(),
    };
    assert!(matches!(event::encode(&event, &samples::source()), Err(Error::Encode { record: "Event", .. })));
}
