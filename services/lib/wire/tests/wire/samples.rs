//! One sample of every record and kind, whose bytes are kept in `tests/samples`. A difference means that what older
//! releases wrote can't be read any more, or that a replay gives other bytes.

use std::{fs, path::PathBuf};

use bytes::Bytes;
use chasqui_domain::{
    Action, AuthorCounts, Change, Chat, ChatId, Command, Counter, Create, Entry, Epoch, Event, EventKind, GroupCounts,
    Incarnation, LogId, Message, MessageCount, Offset, Partition, Reaction, ReactionTag, Refusal, Role, Rules,
    RulesNumber, Sealed, Send, Seq, SessionId, Source, Target, Term, TimeMs, Version,
};
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
    presence::{Presence, PresenceKind},
    revocation::Revocation,
    snapshot,
    summary::{self, ChatSummary},
};

use crate::people::{chat, content_type, device, gateway, user};

/// A record's bytes, and a function that reads such a record and writes it again.
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    pub(crate) bytes: Bytes,
    pub(crate) again: fn(&[u8]) -> Result<Bytes, Error>,
}

pub(crate) fn all() -> Vec<Sample> {
    let mut samples = Vec::new();
    let mut add = |name, bytes: Result<Bytes, Error>, again| {
        samples.push(Sample { name, bytes: bytes.unwrap(), again });
    };
    for (name, value) in commands() {
        add(name, command::encode(&value), |bytes| command::encode(&command::decode(bytes)?));
    }
    for (name, value) in events() {
        add(name, event::encode(&value, &source()), |bytes| {
            let (event, source) = event::decode(bytes)?;
            event::encode(&event, &source)
        });
    }
    for (name, kind) in [("event_message_envelope", message()), ("event_edit_envelope", changed(edit()))] {
        let envelope = event::encode_envelope(&event(kind), &source()).map(|(envelope, _)| envelope);
        add(name, envelope, |bytes| {
            let (event, source) = event::decode_row(bytes, Some(&Bytes::from_static(b"nonce and ciphertext")))?;
            Ok(event::encode_envelope(&event, &source)?.0)
        });
    }
    for (name, value) in entries() {
        add(name, entry::encode(&value), |bytes| entry::encode(&entry::decode(bytes)?));
    }
    let entry = Entry::Message { event: event(message()) };
    let record = InboxRecord { source: source(), recipients: vec![user("alice"), user("bob")], entry };
    add("inbox_record", record.encode(), |bytes| InboxRecord::decode(bytes)?.encode());
    for (name, kind) in [
        ("presence_attach", PresenceKind::Attach),
        ("presence_refresh", PresenceKind::Refresh),
        ("presence_detach", PresenceKind::Detach),
    ] {
        add(name, presence(kind).encode(), |bytes| Presence::decode(bytes)?.encode());
    }
    let heartbeat = Heartbeat { gateway: gateway("gateway-0"), incarnation: Incarnation(7) };
    add("heartbeat", heartbeat.encode(), |bytes| Heartbeat::decode(bytes)?.encode());
    for (name, of) in [("revocation_user", None), ("revocation_device", Some(device("phone")))] {
        let revocation = Revocation { user: user("alice"), device: of };
        add(name, revocation.encode(), |bytes| Revocation::decode(bytes)?.encode());
    }
    for (name, value) in gateway_records() {
        add(name, value.encode(), |bytes| GatewayRecord::decode(bytes)?.encode());
    }
    for (snapshot, summary, chat) in
        [("snapshot", "chat_summary", state()), ("snapshot_group", "chat_summary_group", group_state())]
    {
        add(snapshot, snapshot::encode(&chat), |bytes| {
            let state = snapshot::decode(bytes)?;
            // Whoever reads a state makes summaries of it.
            summary::encode(&ChatSummary::from(&state))?;
            snapshot::encode(&state)
        });
        add(summary, summary::encode(&ChatSummary::from(&chat)), |bytes| summary::encode(&summary::decode(bytes)?));
    }
    for (name, state) in message_states() {
        add(name, message::encode(&state), |bytes| message::encode(&message::decode(bytes)?));
    }
    let member = ChatMember::from(&group_state().members[0]);
    add("chat_member", member::encode(&member), |bytes| member::encode(&member::decode(bytes)?));
    let router = RouterState {
        placed: [(Partition(0), (Offset(41), 0)), (Partition(3), (Offset(1_000_000), 1))].into(),
        suspended: vec![(gateway("gateway-1"), Incarnation(12), Offset(99))],
        counts: vec![counts()],
        presence_from: Offset(17),
    };
    add("router_state", router.encode(), |bytes| RouterState::decode(bytes)?.encode());
    let body = Body {
        text: Some("¿Qué tal, @bob?".to_owned()),
        data: None,
        reply_to: Some(Seq(2)),
        mentions: vec![user("bob")],
        meta: Some(r#"{"client":"web"}"#.to_owned()),
    };
    add("body_text", body.encode(), |bytes| Body::decode(bytes)?.encode());
    let body = Body { data: Some(Bytes::from_static(&[0, 159, 146, 150])), ..Body::default() };
    add("body_data", body.encode(), |bytes| Body::decode(bytes)?.encode());
    samples
}

pub(crate) fn source() -> Source {
    Source { log: LogId(*b"a life of topics"), partition: Partition(3), offset: Offset(1_000), index: 1 }
}

fn sealed() -> Sealed {
    Sealed {
        epoch: Epoch(2),
        content_type: content_type("text/plain"),
        bytes: Bytes::from_static(b"nonce and ciphertext"),
    }
}

pub(crate) fn message() -> EventKind {
    EventKind::Message {
        seq: Seq(3),
        sender: user("alice"),
        device: device("phone"),
        counter: Counter(5),
        body: sealed(),
    }
}

pub(crate) fn event(kind: EventKind) -> Event {
    Event { chat: chat(), version: Version(4), time: TimeMs(1_700_000_000_123), rules: RulesNumber(1), kind }
}

fn commands() -> Vec<(&'static str, Command)> {
    let command = |action| Command {
        chat: chat(),
        sender: user("alice"),
        device: device("phone"),
        rules: Rules::default(),
        action,
    };
    let send = |peer| Send { peer, counter: Counter(5), allowed: true, body: sealed() };
    let create = Create {
        counter: Counter(1),
        members: vec![user("bob"), user("carol")],
        allowed: true,
        title: profile(),
        picture: Some(profile()),
    };
    let mut commands = vec![
        ("command_create", command(Action::Create(create))),
        ("command_send", command(Action::Send(send(Some(user("bob")))))),
        ("command_send_group", command(Action::Send(send(None)))),
        ("command_delivered", command(Action::Delivered { seq: Seq(3) })),
        ("command_read", command(Action::Read { seq: Seq(300) })),
    ];
    let names = [
        "command_add",
        "command_remove",
        "command_leave",
        "command_role",
        "command_describe",
        "command_describe_title",
    ];
    let of_chat = names.into_iter().zip(changes());
    let acts = ["command_edit", "command_delete", "command_react", "command_take_back", "command_pin", "command_unpin"];
    for (name, change) in of_chat.chain(acts.into_iter().zip(actions())) {
        commands.push((name, command(Action::Change { counter: Counter(6), allowed: true, change })));
    }
    commands
}

/// What is changed in a chat.
fn changes() -> [Change; 6] {
    [
        Change::Add { users: vec![user("carol"), user("dave")] },
        Change::Remove { user: user("bob") },
        Change::Leave,
        Change::SetRole { user: user("bob"), role: Role::Admin },
        Change::Describe { title: Some(profile()), picture: Some(profile()) },
        Change::Describe { title: Some(profile()), picture: None },
    ]
}

/// What is done to messages.
fn actions() -> [Change; 6] {
    let message = target();
    [
        edit(),
        Change::Delete { message },
        react(),
        Change::React { message, reaction: None },
        Change::Pin { message },
        Change::Unpin { message },
    ]
}

/// The message of [`message`].
fn target() -> Target {
    Target { seq: Seq(3), version: Version(4) }
}

pub(crate) fn edit() -> Change {
    Change::Edit { message: target(), body: sealed() }
}

pub(crate) fn react() -> Change {
    let reaction = Reaction { tag: ReactionTag(*b"one sort of them"), kind: sealed() };
    Change::React { message: target(), reaction: Some(reaction) }
}

fn profile() -> Sealed {
    Sealed { epoch: Epoch::PROFILE, ..sealed() }
}

fn created() -> EventKind {
    EventKind::Created {
        by: user("alice"),
        device: device("phone"),
        counter: Counter(1),
        members: vec![user("alice"), user("bob"), user("carol")],
        title: profile(),
        picture: None,
    }
}

pub(crate) fn changed(change: Change) -> EventKind {
    let (by, device) = (user("alice"), device("phone"));
    EventKind::Changed { by, device, counter: Counter(6), after: Seq(3), change }
}

fn counts() -> GroupCounts {
    let messages = vec![MessageCount { seq: Seq(3), delivered: 2, read: 1 }];
    let author = AuthorCounts { author: user("alice"), others: 2, delivered: Seq(3), read: Seq(1), messages };
    GroupCounts { chat: group(), version: Version(9), authors: vec![author] }
}

fn group() -> ChatId {
    ChatId::group(&user("alice"), &device("phone"), Counter(1))
}

fn events() -> Vec<(&'static str, Event)> {
    let [_, remove, ..] = changes();
    let names = ["event_edit", "event_delete", "event_react", "event_take_back", "event_pin", "event_unpin"];
    let acted = names.into_iter().zip(actions()).map(|(name, change)| (name, event(changed(change))));
    let others = [
        ("event_created", event(created())),
        ("event_changed", event(changed(remove))),
        ("event_opened", event(EventKind::Opened { members: vec![user("alice"), user("bob")] })),
        ("event_message", event(message())),
        ("event_delivered", event(EventKind::Delivered { member: user("bob"), seq: Seq(3) })),
        ("event_read", event(EventKind::Read { member: user("bob"), seq: Seq(300) })),
    ];
    others.into_iter().chain(acted).collect()
}

fn entries() -> Vec<(&'static str, Entry)> {
    let (chat, time, seq) = (chat(), TimeMs(1_700_000_000_123), Seq(3));
    let refused = |counter, refusal| Entry::Refused { chat, device: device("phone"), counter, refusal };
    let stale = Refusal::StaleEpoch { current: Epoch(3) };
    let (version, member) = (Version(8), user("bob"));
    let [.., describe] = changes();
    let names = ["entry_edit", "entry_delete", "entry_react", "entry_take_back", "entry_pin", "entry_unpin"];
    let acted = names.into_iter().zip(actions());
    let acted = acted.map(|(name, change)| (name, Entry::Changed { event: event(changed(change)) }));
    let others = [
        ("entry_created", Entry::Changed { event: event(created()) }),
        ("entry_changed", Entry::Changed { event: event(changed(describe)) }),
        ("entry_done", Entry::Done { chat, device: device("phone"), counter: Counter(6), time }),
        ("entry_counts", Entry::Counts(counts())),
        ("entry_message", Entry::Message { event: event(message()) }),
        ("entry_repeated", Entry::Repeated { chat, device: device("phone"), counter: Counter(5), seq, time }),
        ("entry_refused", refused(None, Refusal::SeqAhead)),
        ("entry_refused_stale_epoch", refused(Some(Counter(6)), stale)),
        ("entry_refused_too_late", refused(Some(Counter(6)), Refusal::TooLate)),
        ("entry_receipt", Entry::Receipt { chat, version, time, member, delivered: seq, read: Seq(2) }),
    ];
    others.into_iter().chain(acted).collect()
}

/// Those of the message of [`message`]: edited and reacted to by both in turn, and deleted.
fn message_states() -> [(&'static str, MessageState); 2] {
    let mut state = Message::written(&event(message())).unwrap();
    let mut act = |version, by, change| {
        let EventKind::Changed { device, counter, after, .. } = changed(edit()) else { unreachable!() };
        let kind = EventKind::Changed { by: user(by), device, counter, after, change };
        let time = TimeMs(1_700_000_000_000 + version);
        state.apply(&Event { version: Version(version), time, ..event(kind) }).unwrap();
        MessageState::from(&state)
    };
    act(5, "alice", edit());
    act(6, "bob", react());
    let acted = act(7, "alice", react());
    [("message_state", acted), ("message_state_deleted", act(8, "alice", Change::Delete { message: target() }))]
}

fn presence(kind: PresenceKind) -> Presence {
    Presence {
        user: user("alice"),
        gateway: gateway("gateway-0"),
        incarnation: Incarnation(7),
        session: SessionId(21),
        device: device("phone"),
        attempt: 2,
        kind,
    }
}

fn gateway_records() -> [(&'static str, GatewayRecord); 7] {
    let (term, incarnation, partition) = (Term(5), Incarnation(7), Partition(3));
    let answer = GatewayRecord::Answer {
        term,
        incarnation,
        session: SessionId(21),
        user: user("alice"),
        attempt: 2,
        up_to: Offset(100),
    };
    let push = GatewayRecord::Push {
        term,
        incarnation,
        partition,
        offset: Offset(100),
        recipients: vec![user("alice"), user("bob")],
        entry: Bytes::from_static(b"an entry"),
    };
    [
        ("gateway_start", GatewayRecord::Start),
        ("gateway_answer", answer),
        ("gateway_repair", GatewayRecord::Repair { term, incarnation, partition, up_to: Offset(100) }),
        (
            "gateway_forgotten",
            GatewayRecord::Forgotten { term, incarnation, session: SessionId(21), user: user("alice") },
        ),
        ("gateway_superseded", GatewayRecord::Superseded { incarnation }),
        ("gateway_counts", GatewayRecord::Counts { term, incarnation, partition, counts: counts() }),
        ("gateway_push", push),
    ]
}

/// Alice wrote 1 and 3, Bob wrote 2 and has opened it. Alice has pinned 2 and, last, 3.
pub(crate) fn state() -> Chat {
    let mut state = Chat::new(chat());
    let kinds = [
        EventKind::Opened { members: vec![user("alice"), user("bob")] },
        written("alice", 1, 1),
        written("bob", 1, 2),
        written("alice", 2, 3),
        EventKind::Delivered { member: user("alice"), seq: Seq(3) },
        EventKind::Read { member: user("bob"), seq: Seq(2) },
        changed_by_alice(3, 3, pin(2, 3)),
        changed_by_alice(4, 3, pin(3, 4)),
    ];
    fold(&mut state, kinds);
    state
}

fn written(sender: &str, counter: u64, seq: u64) -> EventKind {
    let (seq, sender, counter) = (Seq(seq), user(sender), Counter(counter));
    EventKind::Message { seq, sender, device: device("phone"), counter, body: sealed() }
}

fn changed_by_alice(counter: u64, after: u64, change: Change) -> EventKind {
    let (by, device) = (user("alice"), device("phone"));
    EventKind::Changed { by, device, counter: Counter(counter), after: Seq(after), change }
}

fn pin(seq: u64, version: u64) -> Change {
    Change::Pin { message: Target { seq: Seq(seq), version: Version(version) } }
}

/// Alice wrote 1 and 3 and has deleted 3, carol wrote 2 and was removed, bob is an admin and has opened 1, which is
/// pinned.
fn group_state() -> Chat {
    let mut state = Chat::new(group());
    let deleted = Target { seq: Seq(3), version: Version(8) };
    let kinds = [
        created(),
        written("alice", 2, 1),
        written("carol", 2, 2),
        EventKind::Read { member: user("bob"), seq: Seq(1) },
        changed_by_alice(3, 2, Change::SetRole { user: user("bob"), role: Role::Admin }),
        changed_by_alice(4, 2, Change::Remove { user: user("carol") }),
        changed_by_alice(5, 2, Change::Describe { title: None, picture: Some(profile()) }),
        written("alice", 6, 3),
        changed_by_alice(7, 3, pin(1, 2)),
        changed_by_alice(8, 3, Change::Delete { message: deleted }),
    ];
    fold(&mut state, kinds);
    state
}

fn fold(state: &mut Chat, kinds: impl IntoIterator<Item = EventKind>) {
    for (version, kind) in (1..).zip(kinds) {
        let (version, time) = (Version(version), TimeMs(1_700_000_000_000 + version));
        state.apply(&Event { chat: state.id, version, time, ..event(kind) }).unwrap();
    }
}

fn place(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(name).with_extension("hex")
}

fn hex(bytes: &[u8]) -> String {
    let lines = bytes.chunks(32).map(|line| line.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + "\n");
    lines.collect()
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

#[test]
fn every_record_has_the_bytes_that_it_always_had() {
    let samples = all();
    // Set after adding a sample; look at the difference then.
    if std::env::var_os("CHASQUI_WRITE_SAMPLES").is_some() {
        samples.iter().for_each(|Sample { name, bytes, .. }| fs::write(place(name), hex(bytes)).unwrap());
    }
    for Sample { name, bytes, again } in &samples {
        let kept = bytes_of(&fs::read_to_string(place(name)).unwrap());
        assert_eq!(hex(bytes), hex(&kept), "{name} is written otherwise than before");
        assert_eq!(again(&kept).as_deref(), Ok(kept.as_slice()), "{name} is read otherwise than before");
    }
    let files = fs::read_dir(place("").parent().unwrap().join("samples")).unwrap().count();
    assert_eq!(files, samples.len(), "every file in tests/samples has its sample");
}
