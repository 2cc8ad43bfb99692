//! Any value that a record can hold.

use std::collections::BTreeMap;

use bytes::Bytes;
use chasqui_domain::{
    Action, AuthorCounts, Change, Chat, ChatId, Command, ContentType, Counter, Create, DeviceId, Entry, Epoch, Event,
    EventKind, GatewayId, GroupCounts, Incarnation, LogId, Message, MessageCount, Offset, Partition, Reaction,
    ReactionTag, Refusal, Role, Rules, RulesNumber, Sealed, Send, Seq, SessionId, Source, Target, Term, TimeMs, UserId,
    Version, decide,
};
use chasqui_wire::{
    body::Body,
    checkpoint::RouterState,
    gateway_record::GatewayRecord,
    heartbeat::Heartbeat,
    inbox::InboxRecord,
    message::{MessageState, Reacted},
    presence::{Presence, PresenceKind},
    revocation::Revocation,
};
use proptest::{
    collection::{btree_map, vec},
    option,
    prelude::*,
    sample::Index,
    strategy::ValueTree,
    test_runner::TestRunner,
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
        (a_target(), sealed()).prop_map(|(message, body)| Change::Edit { message, body }),
        a_target().prop_map(|message| Change::Delete { message }),
        (a_target(), option::of(a_reaction())).prop_map(|(message, reaction)| Change::React { message, reaction }),
        a_target().prop_map(|message| Change::Pin { message }),
        a_target().prop_map(|message| Change::Unpin { message }),
    ]
}

fn a_target() -> impl Strategy<Value = Target> {
    (number(), number()).prop_map(|(seq, version)| Target { seq: Seq(seq), version: Version(version) })
}

fn a_reaction() -> impl Strategy<Value = Reaction> {
    (any::<[u8; 16]>(), sealed()).prop_map(|(tag, kind)| Reaction { tag: ReactionTag(tag), kind })
}

pub(crate) fn a_message_state() -> impl Strategy<Value = MessageState> {
    let reacted = (sealed(), a_user(), users()).prop_map(|(kind, by, users)| Reacted { kind, by, users });
    (option::of(number()), option::of((number(), number())), vec(reacted, 0..4)).prop_map(
        |(deleted, edited, reactions)| MessageState {
            deleted: deleted.map(TimeMs),
            edited: edited.map(|(version, time)| (Version(version), TimeMs(time))),
            reactions,
        },
    )
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
    let rules = (small(), small(), small(), small(), small());
    let rules = rules.prop_map(|(number, body_bytes_max, members_max, edit_within_ms, delete_within_ms)| Rules {
        number: RulesNumber(number),
        body_bytes_max,
        members_max,
        edit_within_ms,
        delete_within_ms,
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
        Just(Refusal::NoSuchMessage),
        Just(Refusal::TooLate),
        Just(Refusal::TooManyReactions),
        Just(Refusal::TooManyActions),
        Just(Refusal::TooManyPins),
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
    a_grown().prop_map(|grown| grown.chat)
}

/// A message after some commands were about it; none when nobody has written.
pub(crate) fn an_acted_message() -> impl Strategy<Value = Message> {
    (a_grown(), any::<Index>()).prop_filter_map("nobody has written", |(grown, at)| {
        let messages = grown.messages.len();
        (messages > 0).then(|| grown.messages.into_values().nth(at.index(messages))).flatten()
    })
}

fn a_grown() -> impl Strategy<Value = Grown> {
    prop_oneof![a_direct_chat(), a_group()]
}

/// A chat and its messages, as commands have made them.
#[derive(Debug, Clone)]
struct Grown {
    chat: Chat,
    messages: BTreeMap<Version, Message>,
}

impl Grown {
    fn new(chat: ChatId) -> Self {
        Self { chat: Chat::new(chat), messages: BTreeMap::new() }
    }

    /// Decides a command and folds what comes of it.
    fn ask(&mut self, sender: &str, device: &DeviceId, action: Action, time: TimeMs) {
        let message = action.target().and_then(|target| self.messages.get(&target.version));
        let (chat, sender, rules) = (self.chat.id, user(sender), Rules::default());
        let command = Command { chat, sender, device: device.clone(), rules, action };
        for event in decide(&self.chat, message, &command, time).unwrap().events {
            self.chat.apply(&event).unwrap();
            if let Some(written) = Message::written(&event) {
                self.messages.insert(event.version, written);
            } else if let Some(target) = event.kind.target() {
                self.messages.get_mut(&target.version).unwrap().apply(&event).unwrap();
            }
        }
    }

    /// One of the newest messages, counted from the last, and a target that is none while nobody has written.
    fn newest(&self, at: usize) -> Target {
        let of_it = |message: &Message| message.target;
        let newest = self.messages.values().rev().nth(at % 3).or(self.messages.values().next());
        newest.map(of_it).unwrap_or_default()
    }

    /// Who wrote it.
    fn author(&self, at: usize) -> String {
        let message = self.messages.get(&self.newest(at).version);
        message.map_or_else(|| "nobody".to_owned(), |message| message.author.to_string())
    }
}

/// Something that is done to a message: `what` says what, `number` to which of the newest, and how it is reacted to.
fn done_to(state: &Grown, what: u8, number: u64) -> Change {
    let message = state.newest(number as usize);
    let sealed = |bytes: &'static [u8]| Sealed {
        epoch: Epoch::FIRST,
        content_type: content_type("text/plain"),
        bytes: Bytes::from_static(bytes),
    };
    let reaction = Reaction { tag: ReactionTag([(number % 4) as u8; 16]), kind: sealed(b"sealed") };
    match what % 6 {
        0 => Change::Edit { message, body: sealed(b"sealed anew") },
        1 => Change::Delete { message },
        2 => Change::React { message, reaction: None },
        3 => Change::React { message, reaction: Some(reaction) },
        4 => Change::Pin { message },
        _ => Change::Unpin { message },
    }
}

/// That of a group of alice's.
fn a_group() -> impl Strategy<Value = Grown> {
    let who = || (0..6_u8).prop_map(|number| format!("user-{number}"));
    let sealed = || Sealed { epoch: Epoch::PROFILE, content_type: content_type("text/plain"), bytes: Bytes::new() };
    let (phone, chat) = (device("phone"), ChatId::group(&user("alice"), &device("phone"), Counter(1)));
    vec((who(), who(), 0..24_u8, a_role(), 0..40_u64), 0..120).prop_map(move |steps| {
        let mut state = Grown::new(chat);
        let create = Create {
            counter: Counter(1),
            members: vec![user("user-0"), user("user-1")],
            allowed: true,
            title: sealed(),
            picture: None,
        };
        state.ask("alice", &phone, Action::Create(create), TimeMs(0));
        for (at, (who, whom, what, role, number)) in (2_u64..).zip(steps) {
            let change = |change| Action::Change { counter: Counter(at), allowed: true, change };
            let author = state.author(number as usize);
            let (sender, action) = match what {
                0 => ("alice", change(Change::Add { users: vec![user(&whom)] })),
                1 => ("alice", change(Change::Remove { user: user(&whom) })),
                2 => ("alice", change(Change::SetRole { user: user(&whom), role })),
                3 => (&*who, change(Change::Leave)),
                4 => (&*who, change(Change::Describe { title: None, picture: Some(sealed()) })),
                5 => (&*who, Action::Read { seq: Seq(number) }),
                // Others are seldom of those who may.
                6..18 if what % 6 < 2 && number % 2 == 0 => (&*author, change(done_to(&state, what, number))),
                6..18 if what % 6 > 3 && number % 2 == 0 => ("alice", change(done_to(&state, what, number))),
                6..18 => (&*who, change(done_to(&state, what, number))),
                _ => (&*who, send(None, at)),
            };
            state.ask(sender, &phone, action, TimeMs(at * 100));
        }
        state
    })
}

/// That of the chat of alice and bob.
fn a_direct_chat() -> impl Strategy<Value = Grown> {
    vec((any::<bool>(), 0..40_u8, 0..16_u8, 0..40_u64), 0..120).prop_map(|steps| {
        let mut state = Grown::new(chat());
        for (at, (is_alice, on, what, number)) in (1_u64..).zip(steps) {
            let (sender, peer) = if is_alice { ("alice", "bob") } else { ("bob", "alice") };
            let counter = at + number;
            let action = match what {
                0 => Action::Delivered { seq: Seq(number) },
                1 => Action::Read { seq: Seq(number) },
                6..12 => {
                    let change = done_to(&state, what, number);
                    Action::Change { counter: Counter(counter), allowed: true, change }
                }
                _ => send(Some(peer), counter),
            };
            state.ask(sender, &device(&format!("device-{on}")), action, TimeMs(at * 100));
        }
        state
    })
}

fn send(peer: Option<&str>, counter: u64) -> Action {
    let body =
        Sealed { epoch: Epoch::FIRST, content_type: content_type("text/plain"), bytes: Bytes::from_static(b"sealed") };
    Action::Send(Send { peer: peer.map(user), counter: Counter(counter), allowed: true, body })
}

/// Whether something is rare is seen by nobody otherwise.
#[test]
fn whatever_is_done_to_messages_is_among_the_states() {
    let mut runner = TestRunner::deterministic();
    let mut some = || a_grown().new_tree(&mut runner).unwrap().current();
    let all: Vec<Grown> = (0..50).map(|_| some()).collect();
    for is_group in [false, true] {
        let of_kind = || all.iter().filter(|grown| grown.chat.id.is_group() == is_group);
        let messages = || of_kind().flat_map(|grown| grown.messages.values());
        assert!(of_kind().any(|grown| grown.chat.pins.len() > 1), "pinned, of groups: {is_group}");
        assert!(of_kind().any(|grown| grown.chat.last_is_acted), "the last, of groups: {is_group}");
        assert!(messages().any(|message| message.deleted.is_some()), "deleted, of groups: {is_group}");
        assert!(messages().any(|message| message.edits.len() > 1), "edited, of groups: {is_group}");
        assert!(messages().any(|message| message.reactions.len() > 1), "reacted to, of groups: {is_group}");
    }
}
