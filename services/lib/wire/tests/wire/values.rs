//! Any value that a record can hold.

use bytes::Bytes;
use chasqui_domain::{
    Action, AuthorCounts, Change, Chat, ChatId, Command, ContentType, Counter, Create, DeviceId, Entry, Epoch, Event,
    EventKind, GatewayId, GroupCounts, Incarnation, LogId, MessageCount, Offset, Partition, Refusal, Role, Rules,
    RulesNumber, Sealed, Send, Seq, SessionId, Source, Term, TimeMs, UserId, Version, decide,
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
    prop_oneof![
        (a_user(), a_user()).prop_map(|(one, other)| ChatId::direct(&one, &other)),
        (a_user(), a_device(), number())
            .prop_map(|(user, device, counter)| { ChatId::group(&user, &device, Counter(counter)) }),
    ]
}

fn a_role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Member), Just(Role::Admin), Just(Role::Owner)]
}

fn a_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        users().prop_map(|users| Change::Add { users }),
        a_user().prop_map(|user| Change::Remove { user }),
        Just(Change::Leave),
        (a_user(), a_role()).prop_map(|(user, role)| Change::SetRole { user, role }),
        (option::of(sealed()), option::of(sealed())).prop_map(|(title, picture)| Change::Describe { title, picture }),
    ]
}

fn group_counts() -> impl Strategy<Value = GroupCounts> {
    let message = (number(), small(), small());
    let message = message.prop_map(|(seq, delivered, read)| MessageCount { seq: Seq(seq), delivered, read });
    let author = (a_user(), small(), number(), number(), vec(message, 0..4));
    let author = author.prop_map(|(author, others, delivered, read, messages)| AuthorCounts {
        author,
        others,
        delivered: Seq(delivered),
        read: Seq(read),
        messages,
    });
    (a_chat(), number(), vec(author, 0..4)).prop_map(|(chat, version, authors)| GroupCounts {
        chat,
        version: Version(version),
        authors,
    })
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
    let create = (number(), users(), any::<bool>(), sealed(), option::of(sealed()));
    let create = create.prop_map(|(counter, members, allowed, title, picture)| {
        Action::Create(Create { counter: Counter(counter), members, allowed, title, picture })
    });
    let change = (number(), any::<bool>(), a_change()).prop_map(|(counter, allowed, change)| Action::Change {
        counter: Counter(counter),
        allowed,
        change,
    });
    let send = (option::of(a_user()), number(), any::<bool>(), sealed()).prop_map(|(peer, counter, allowed, body)| {
        Action::Send(Send { peer, counter: Counter(counter), allowed, body })
    });
    let action = prop_oneof![
        create,
        send,
        change,
        number().prop_map(|seq| Action::Delivered { seq: Seq(seq) }),
        number().prop_map(|seq| Action::Read { seq: Seq(seq) }),
    ];
    let rules = (small(), small(), small()).prop_map(|(number, body_bytes_max, members_max)| Rules {
        number: RulesNumber(number),
        body_bytes_max,
        members_max,
    });
    (a_chat(), a_user(), a_device(), rules, action).prop_map(|(chat, sender, device, rules, action)| Command {
        chat,
        sender,
        device,
        rules,
        action,
    })
}

fn a_message() -> impl Strategy<Value = EventKind> {
    (number(), a_user(), a_device(), number(), sealed()).prop_map(|(seq, sender, device, counter, body)| {
        EventKind::Message { seq: Seq(seq), sender, device, counter: Counter(counter), body }
    })
}

fn a_change_made() -> impl Strategy<Value = EventKind> {
    let created = (a_user(), a_device(), number(), users(), sealed(), option::of(sealed()));
    let changed = (a_user(), a_device(), number(), number(), a_change());
    prop_oneof![
        created.prop_map(|(by, device, counter, members, title, picture)| EventKind::Created {
            by,
            device,
            counter: Counter(counter),
            members,
            title,
            picture,
        }),
        changed.prop_map(|(by, device, counter, after, change)| EventKind::Changed {
            by,
            device,
            counter: Counter(counter),
            after: Seq(after),
            change,
        }),
    ]
}

fn a_kind() -> impl Strategy<Value = EventKind> {
    prop_oneof![
        a_change_made(),
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
        Just(Refusal::NotPermitted),
        Just(Refusal::NoSuchMember),
        Just(Refusal::TooManyMembers),
        Just(Refusal::LastOwner),
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
        event_of(a_change_made()).prop_map(|event| Entry::Changed { event }),
        (a_chat(), a_device(), number(), number()).prop_map(|(chat, device, counter, time)| Entry::Done {
            chat,
            device,
            counter: Counter(counter),
            time: TimeMs(time),
        }),
        group_counts().prop_map(Entry::Counts),
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
        (a_term(), number(), small(), group_counts()).prop_map(|(term, incarnation, partition, counts)| {
            GatewayRecord::Counts {
                term,
                incarnation: Incarnation(incarnation),
                partition: Partition(partition),
                counts,
            }
        }),
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
    let counts = vec(group_counts(), 0..3);
    (placed, suspended, counts, number().prop_map(Offset))
        .prop_map(|(placed, suspended, counts, presence_from)| RouterState { placed, suspended, counts, presence_from })
}

pub(crate) fn a_body() -> impl Strategy<Value = Body> {
    (option::of(".{0,40}"), option::of(bytes()), option::of(number()), users(), option::of(".{0,40}")).prop_map(
        |(text, data, reply_to, mentions, meta)| Body { text, data, reply_to: reply_to.map(Seq), mentions, meta },
    )
}

/// The state of a chat after some commands.
pub(crate) fn a_state() -> impl Strategy<Value = Chat> {
    prop_oneof![a_direct_chat(), a_group()]
}

/// That of a group of alice's.
fn a_group() -> impl Strategy<Value = Chat> {
    let who = || (0..6_u8).prop_map(|number| user(&format!("user-{number}")));
    let sealed = || Sealed { epoch: Epoch::PROFILE, content_type: content_type("text/plain"), bytes: Bytes::new() };
    let (phone, chat) = (device("phone"), ChatId::group(&user("alice"), &device("phone"), Counter(1)));
    vec((who(), who(), 0..9_u8, a_role(), 0..40_u64), 0..120).prop_map(move |steps| {
        let mut state = Chat::new(chat);
        let create = Create {
            counter: Counter(1),
            members: vec![user("user-0"), user("user-1")],
            allowed: true,
            title: sealed(),
            picture: None,
        };
        let mut actions = vec![(user("alice"), Action::Create(create))];
        for (at, (who, whom, what, role, number)) in (2_u64..).zip(steps) {
            let change = |change| Action::Change { counter: Counter(at), allowed: true, change };
            actions.push(match what {
                0 => (user("alice"), change(Change::Add { users: vec![whom] })),
                1 => (user("alice"), change(Change::Remove { user: whom })),
                2 => (user("alice"), change(Change::SetRole { user: whom, role })),
                3 => (who, change(Change::Leave)),
                4 => (who, change(Change::Describe { title: None, picture: Some(sealed()) })),
                5 => (who, Action::Read { seq: Seq(number) }),
                _ => (who, send(None, at)),
            });
        }
        for (at, (sender, action)) in (0..).zip(actions) {
            let command = Command { chat, sender, device: phone.clone(), rules: Rules::default(), action };
            for event in decide(&state, &command, TimeMs(at * 100)).unwrap().events {
                state.apply(&event).unwrap();
            }
        }
        state
    })
}

/// That of the chat of alice and bob.
fn a_direct_chat() -> impl Strategy<Value = Chat> {
    vec((any::<bool>(), 0..40_u8, 0..8_u8, 0..40_u64), 0..120).prop_map(|steps| {
        let mut state = Chat::new(chat());
        for (at, (is_alice, on, what, number)) in (1_u64..).zip(steps) {
            let (sender, peer) = if is_alice { ("alice", "bob") } else { ("bob", "alice") };
            let action = match what {
                0 => Action::Delivered { seq: Seq(number) },
                1 => Action::Read { seq: Seq(number) },
                _ => send(Some(peer), at + number),
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
            }
        }
        state
    })
}

fn send(peer: Option<&str>, counter: u64) -> Action {
    let body =
        Sealed { epoch: Epoch::FIRST, content_type: content_type("text/plain"), bytes: Bytes::from_static(b"sealed") };
    Action::Send(Send { peer: peer.map(user), counter: Counter(counter), allowed: true, body })
}
