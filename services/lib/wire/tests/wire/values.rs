//! Any value that a record can hold.

use bytes::Bytes;
use chasqui_domain::{
    Action, Chat, ChatId, Command, ContentType, Counter, DeviceId, Entry, Epoch, Event, EventKind, GatewayId,
    Incarnation, LogId, Offset, Partition, Refusal, Rules, RulesNumber, Sealed, Send, Seq, SessionId, Source, Term,
    TimeMs, UserId, Version, decide,
};
use chasqui_wire::{
    body::Body,
    checkpoint::RouterState,
    gateway_record::GatewayRecord,
    heartbeat::Heartbeat,
    inbox::InboxRecord,
    presence::{Presence, PresenceKind},
    revocation::Revocation,
};
use proptest::{
    collection::{btree_map, vec},
    option,
    prelude::*,
};

use crate::people::{chat, content_type, device, user};

/// Small numbers, the highest, and all between.
pub(crate) fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0..300_u64, 0..=i64::MAX as u64, Just(i64::MAX as u64)]
}

pub(crate) fn small() -> impl Strategy<Value = u32> {
    prop_oneof![0..300_u32, any::<u32>(), Just(u32::MAX)]
}

pub(crate) fn a_user() -> impl Strategy<Value = UserId> {
    "[^\\p{Cc}]{1,24}".prop_map(|text| user(&text))
}

pub(crate) fn users() -> impl Strategy<Value = Vec<UserId>> {
    vec(a_user(), 0..5)
}

pub(crate) fn a_device() -> impl Strategy<Value = DeviceId> {
    "[a-zA-Z0-9._-]{1,64}".prop_map(|text| device(&text))
}

pub(crate) fn a_gateway() -> impl Strategy<Value = GatewayId> {
    "[a-zA-Z0-9_-]{1,48}".prop_map(|text| GatewayId::new(text).unwrap())
}

pub(crate) fn a_content_type() -> impl Strategy<Value = ContentType> {
    "[!-~ ]{1,128}".prop_map(|text| content_type(&text))
}

pub(crate) fn a_chat() -> impl Strategy<Value = ChatId> {
    (a_user(), a_user()).prop_map(|(one, other)| ChatId::direct(&one, &other))
}

pub(crate) fn bytes() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..80).prop_map(Bytes::from)
}

pub(crate) fn a_source() -> impl Strategy<Value = Source> {
    (any::<[u8; 16]>(), small(), number(), small()).prop_map(|(log, partition, offset, index)| Source {
        log: LogId(log),
        partition: Partition(partition),
        offset: Offset(offset),
        index,
    })
}

fn sealed() -> impl Strategy<Value = Sealed> {
    (small(), a_content_type(), bytes()).prop_map(|(epoch, content_type, bytes)| Sealed {
        epoch: Epoch(epoch),
        content_type,
        bytes,
    })
}

pub(crate) fn a_command() -> impl Strategy<Value = Command> {
    let send = (a_user(), number(), any::<bool>(), sealed()).prop_map(|(peer, counter, allowed, body)| {
        Action::Send(Send { peer, counter: Counter(counter), allowed, body })
    });
    let action = prop_oneof![
        send,
        number().prop_map(|seq| Action::Delivered { seq: Seq(seq) }),
        number().prop_map(|seq| Action::Read { seq: Seq(seq) }),
    ];
    (a_chat(), a_user(), a_device(), small(), small(), action).prop_map(|(chat, sender, device, rules, max, action)| {
        let rules = Rules { number: RulesNumber(rules), body_bytes_max: max };
        Command { chat, sender, device, rules, action }
    })
}

fn a_message() -> impl Strategy<Value = EventKind> {
    (number(), a_user(), a_device(), number(), sealed()).prop_map(|(seq, sender, device, counter, body)| {
        EventKind::Message { seq: Seq(seq), sender, device, counter: Counter(counter), body }
    })
}

fn a_kind() -> impl Strategy<Value = EventKind> {
    prop_oneof![
        users().prop_map(|members| EventKind::Opened { members }),
        a_message(),
        (a_user(), number()).prop_map(|(member, seq)| EventKind::Delivered { member, seq: Seq(seq) }),
        (a_user(), number()).prop_map(|(member, seq)| EventKind::Read { member, seq: Seq(seq) }),
    ]
}

fn event_of(kind: impl Strategy<Value = EventKind>) -> impl Strategy<Value = Event> {
    (a_chat(), number(), number(), small(), kind).prop_map(|(chat, version, time, rules, kind)| Event {
        chat,
        version: Version(version),
        time: TimeMs(time),
        rules: RulesNumber(rules),
        kind,
    })
}

pub(crate) fn an_event() -> impl Strategy<Value = Event> {
    event_of(a_kind())
}

fn a_refusal() -> impl Strategy<Value = Refusal> {
    prop_oneof![
        Just(Refusal::WrongChat),
        Just(Refusal::NotAMember),
        Just(Refusal::NotAllowed),
        Just(Refusal::BodyTooLarge),
        Just(Refusal::BadCounter),
        Just(Refusal::CounterTooOld),
        small().prop_map(|epoch| Refusal::StaleEpoch { current: Epoch(epoch) }),
        Just(Refusal::SeqAhead),
        Just(Refusal::Poison),
    ]
}

pub(crate) fn an_entry() -> impl Strategy<Value = Entry> {
    let repeated = (a_chat(), a_device(), number(), number(), number());
    let refused = (a_chat(), a_device(), option::of(number()), a_refusal());
    let receipt = (a_chat(), number(), number(), a_user(), number(), number());
    prop_oneof![
        event_of(a_message()).prop_map(|event| Entry::Message { event }),
        repeated.prop_map(|(chat, device, counter, seq, time)| Entry::Repeated {
            chat,
            device,
            counter: Counter(counter),
            seq: Seq(seq),
            time: TimeMs(time),
        }),
        refused.prop_map(|(chat, device, counter, refusal)| Entry::Refused {
            chat,
            device,
            counter: counter.map(Counter),
            refusal,
        }),
        receipt.prop_map(|(chat, version, time, member, delivered, read)| Entry::Receipt {
            chat,
            version: Version(version),
            time: TimeMs(time),
            member,
            delivered: Seq(delivered),
            read: Seq(read),
        }),
    ]
}

pub(crate) fn an_inbox_record() -> impl Strategy<Value = InboxRecord> {
    (a_source(), users(), an_entry()).prop_map(|(source, recipients, entry)| InboxRecord { source, recipients, entry })
}

pub(crate) fn a_presence() -> impl Strategy<Value = Presence> {
    let kind = prop_oneof![Just(PresenceKind::Attach), Just(PresenceKind::Refresh), Just(PresenceKind::Detach)];
    (a_user(), a_gateway(), number(), number(), a_device(), small(), kind).prop_map(
        |(user, gateway, incarnation, session, device, attempt, kind)| Presence {
            user,
            gateway,
            incarnation: Incarnation(incarnation),
            session: SessionId(session),
            device,
            attempt,
            kind,
        },
    )
}

pub(crate) fn a_heartbeat() -> impl Strategy<Value = Heartbeat> {
    (a_gateway(), number())
        .prop_map(|(gateway, incarnation)| Heartbeat { gateway, incarnation: Incarnation(incarnation) })
}

pub(crate) fn a_revocation() -> impl Strategy<Value = Revocation> {
    (a_user(), proptest::option::of(a_device())).prop_map(|(user, device)| Revocation { user, device })
}

fn a_term() -> impl Strategy<Value = Term> {
    number().prop_map(Term)
}

pub(crate) fn a_gateway_record() -> impl Strategy<Value = GatewayRecord> {
    prop_oneof![
        Just(GatewayRecord::Start),
        (a_term(), number(), number(), a_user(), small(), number()).prop_map(
            |(term, incarnation, session, user, attempt, up_to)| GatewayRecord::Answer {
                term,
                incarnation: Incarnation(incarnation),
                session: SessionId(session),
                user,
                attempt,
                up_to: Offset(up_to),
            }
        ),
        (a_term(), number(), small(), number()).prop_map(|(term, incarnation, partition, up_to)| {
            GatewayRecord::Repair {
                term,
                incarnation: Incarnation(incarnation),
                partition: Partition(partition),
                up_to: Offset(up_to),
            }
        }),
        (a_term(), number(), number(), a_user()).prop_map(|(term, incarnation, session, user)| {
            GatewayRecord::Forgotten { term, incarnation: Incarnation(incarnation), session: SessionId(session), user }
        }),
        number().prop_map(|incarnation| GatewayRecord::Superseded { incarnation: Incarnation(incarnation) }),
        (a_term(), number(), small(), number(), users(), bytes()).prop_map(
            |(term, incarnation, partition, offset, recipients, entry)| GatewayRecord::Push {
                term,
                incarnation: Incarnation(incarnation),
                partition: Partition(partition),
                offset: Offset(offset),
                recipients,
                entry,
            }
        ),
    ]
}

pub(crate) fn a_router_state() -> impl Strategy<Value = RouterState> {
    let placed = btree_map(small().prop_map(Partition), (number().prop_map(Offset), small()), 0..6);
    let suspended = vec((a_gateway(), number().prop_map(Incarnation), number().prop_map(Offset)), 0..4);
    (placed, suspended, number().prop_map(Offset)).prop_map(|(placed, suspended, presence_from)| RouterState {
        placed,
        suspended,
        presence_from,
    })
}

pub(crate) fn a_body() -> impl Strategy<Value = Body> {
    (option::of(".{0,40}"), option::of(bytes()), option::of(number()), users(), option::of(".{0,40}")).prop_map(
        |(text, data, reply_to, mentions, meta)| Body { text, data, reply_to: reply_to.map(Seq), mentions, meta },
    )
}

/// The state of the chat of alice and bob after some commands, and its events.
pub(crate) fn a_state() -> impl Strategy<Value = (Chat, Vec<Event>)> {
    vec((any::<bool>(), 0..40_u8, 0..8_u8, 0..40_u64), 0..120).prop_map(|steps| {
        let (mut state, mut events) = (Chat::new(chat()), Vec::new());
        for (at, (is_alice, on, what, number)) in (1_u64..).zip(steps) {
            let (sender, peer) = if is_alice { ("alice", "bob") } else { ("bob", "alice") };
            let action = match what {
                0 => Action::Delivered { seq: Seq(number) },
                1 => Action::Read { seq: Seq(number) },
                _ => send(peer, at + number),
            };
            let command = Command {
                chat: chat(),
                sender: user(sender),
                device: device(&format!("device-{on}")),
                rules: Rules::default(),
                action,
            };
            for event in decide(&state, &command, TimeMs(at * 100)).unwrap().events {
                state.apply(&event).unwrap();
                events.push(event);
            }
        }
        (state, events)
    })
}

fn send(peer: &str, counter: u64) -> Action {
    let body =
        Sealed { epoch: Epoch::FIRST, content_type: content_type("text/plain"), bytes: Bytes::from_static(b"sealed") };
    Action::Send(Send { peer: user(peer), counter: Counter(counter), allowed: true, body })
}
