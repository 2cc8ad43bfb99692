mod sessions;
mod tokens;

use std::collections::BTreeMap;

use chasqui_domain::{SessionId, TimeMs};
use chasqui_runtime::Runtime;
use chasqui_wire::Code;
use chasqui_wire::frames::{
    Ack, CaughtUp, ChangeAsked, ChangeMade, Changed, ChatReceipts, Counts, Done, Edit, Failed, Failure, MemberReceipt,
    Message, NotResumed, OthersReceipt, Receipt, Receipts, SendFrame, Sent, ServerFrame, Welcome,
};

use super::*;
use crate::{
    Draft, To,
    asked::{Asked, Wish},
    state,
    transport::Close,
    update::{End, Group},
};

const T0: Duration = Duration::from_secs(100);
const SECOND: Duration = Duration::from_secs(1);

fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

fn chat() -> ChatId {
    ChatId::direct(&user("alice"), &user("bob"))
}

fn core() -> Core {
    Core::new(state::fresh(None, &Runtime::real()).unwrap(), Token("t".to_owned()), None, 7)
}

fn welcome(resumed: bool) -> ServerFrame {
    ServerFrame::Welcome(Box::new(Welcome {
        user: user("alice"),
        device: DeviceId::new("d").unwrap(),
        session: SessionId(1),
        resumed,
        not_resumed: (!resumed).then_some(NotResumed::NoCursor),
        time: TimeMs(1),
        expires: TimeMs(600_001),
        unacked_max: 8,
        outstanding_max: 2,
        body_bytes_max: 100,
        idle_ms: 60_000,
    }))
}

fn message(seq: u64) -> ServerFrame {
    ServerFrame::Message(Box::new(Message {
        cursor: Some(format!("c{seq}")),
        chat: chat(),
        seq: Seq(seq),
        time: TimeMs(1),
        from: user("bob"),
        device: DeviceId::new("d").unwrap(),
        id: Counter(seq),
        content_type: chasqui_domain::ContentType::new("text/plain").unwrap(),
        text: Some("hi".to_owned()),
        body: None,
        reply_to: None,
        mentions: Vec::new(),
        meta: None,
        edited: None,
        deleted: None,
        reactions: Vec::new(),
    }))
}

fn edit(seq: u64, text: &str) -> ChangeAsked {
    ChangeAsked::Edit(Box::new(Edit {
        seq: Seq(seq),
        text: Some(text.to_owned()),
        content_type: None,
        body: None,
        reply_to: None,
        mentions: Vec::new(),
        meta: None,
    }))
}

fn sent(id: u64, seq: u64, repeated: bool) -> ServerFrame {
    let cursor = format!("s{id}");
    ServerFrame::Sent(Sent { cursor, chat: chat(), id: Counter(id), seq: Seq(seq), time: TimeMs(1), repeated })
}

fn failed(id: Option<u64>, code: Code) -> ServerFrame {
    let (chat, id) = (Some(chat()), id.map(Counter));
    let message = code.meaning().to_owned();
    let retry = code.retry();
    ServerFrame::Failed(Box::new(Failed {
        cursor: None,
        chat,
        to: None,
        id,
        code,
        retry,
        retry_in_ms: None,
        message,
        epoch: None,
    }))
}

/// Brings the core into a session; gives the cursor of its hello.
fn attach(core: &mut Core, resumed: bool, now: Duration) -> Option<String> {
    core.saved();
    core.connected(now);
    let Some(ClientFrame::Hello(hello)) = core.next_frame(now) else { panic!("no hello") };
    assert_eq!(core.next_frame(now), None);
    core.frame(welcome(resumed), now);
    hello.cursor
}

/// The connection breaks; gives the pause.
fn gone(core: &mut Core) -> Duration {
    core.disconnected(&Parting::default()).unwrap()
}

fn up() -> Core {
    let mut core = core();
    attach(&mut core, false, T0);
    updates(&mut core);
    core
}

fn updates(core: &mut Core) -> Vec<(u64, Update)> {
    std::iter::from_fn(|| core.next_update()).collect()
}

/// Takes all updates, as an app that has handled them does.
fn handle(core: &mut Core, now: Duration) {
    if let Some((number, _)) = updates(core).last() {
        core.taken(*number, now);
    }
}

fn frames(core: &mut Core, now: Duration) -> Vec<ClientFrame> {
    std::iter::from_fn(|| core.next_frame(now)).collect()
}

fn sends(core: &mut Core, now: Duration) -> Vec<u64> {
    let id = |frame| match frame {
        ClientFrame::Send(send) => Some(SendFrame::clone(&send).id.0),
        _ => None,
    };
    frames(core, now).into_iter().filter_map(id).collect()
}

fn write(core: &mut Core, text: &str) -> Counter {
    let id = core.ask(Wish::Send(Draft::text(user("bob"), text))).unwrap();
    assert!(core.to_save(T0).is_some());
    id
}

#[test]
fn nothing_is_sent_before_its_id_is_saved() {
    let mut core = up();
    assert_eq!(write(&mut core, "hi"), Counter(1));
    assert_eq!(sends(&mut core, T0), [0u64; 0]);
    core.saved();
    assert_eq!(sends(&mut core, T0), [1]);
    assert_eq!(sends(&mut core, T0), [0u64; 0]);
}

#[test]
fn messages_without_an_outcome_are_sent_again_with_their_ids_in_their_order() {
    let mut core = up();
    for text in ["a", "b", "c"] {
        write(&mut core, text);
    }
    core.saved();
    assert_eq!(sends(&mut core, T0), [1, 2], "the session may have two");
    core.frame(sent(1, 10, false), T0);
    assert_eq!(sends(&mut core, T0), [3]);
    gone(&mut core);
    attach(&mut core, true, T0);
    assert_eq!(sends(&mut core, T0), [2, 3]);
    updates(&mut core);
    core.frame(sent(2, 11, false), T0);
    core.frame(sent(2, 11, true), T0);
    let told = updates(&mut core);
    assert_eq!(told.len(), 1, "the repeated answer tells nothing new: {told:?}");
    assert!(matches!(&told[0].1, Update::Sent { to: Some(To::User(to)), .. } if *to == user("bob")));
}

#[test]
fn a_refusal_ends_a_message_and_a_failure_to_be_tried_again_holds_its_chat() {
    let mut core = up();
    for text in ["a", "b", "c"] {
        write(&mut core, text);
    }
    core.saved();
    assert_eq!(sends(&mut core, T0), [1, 2]);
    core.frame(failed(Some(1), Code::Unavailable), T0);
    core.frame(failed(Some(2), Code::NotAllowed), T0);
    let told: Vec<_> = updates(&mut core).into_iter().map(|(_, update)| update).collect();
    assert!(matches!(&told[..], [Update::Retrying(_), Update::Failed(_)]), "{told:?}");
    assert_eq!(sends(&mut core, T0), [0u64; 0], "the third waits for the first");
    let again = core.deadline(T0).unwrap();
    assert!(again > T0 && again < T0 + SECOND);
    assert_eq!(sends(&mut core, again), [1, 3]);
}

#[test]
fn a_failure_to_be_tried_again_later_is_not_tried_before() {
    let mut core = up();
    write(&mut core, "a");
    core.saved();
    assert_eq!(sends(&mut core, T0), [1]);
    let ServerFrame::Failed(mut failed) = failed(Some(1), Code::RateLimited) else { unreachable!() };
    failed.retry_in_ms = Some(90_000);
    core.frame(ServerFrame::Failed(failed), T0);
    let again = core.state.outbox.deadline(T0).unwrap();
    assert!(again > T0 + 90 * SECOND && again < T0 + 91 * SECOND, "chance comes on top: {again:?}");
    assert_eq!(sends(&mut core, T0 + 90 * SECOND), [0u64; 0]);
    assert_eq!(sends(&mut core, again), [1]);
}

#[test]
fn a_message_waits_while_an_earlier_one_could_fall_out_of_the_window() {
    let mut core = up();
    for _ in 0..=128 {
        write(&mut core, "x");
    }
    core.saved();
    assert_eq!(sends(&mut core, T0), [1, 2]);
    for id in 2..=128 {
        core.frame(sent(id, id, false), T0);
        sends(&mut core, T0);
    }
    assert!(!core.has_frames(T0), "the 129th would make the first unrecognisable");
    core.frame(sent(1, 1, false), T0);
    assert_eq!(sends(&mut core, T0), [129]);
}

#[test]
fn what_is_too_large_never_reaches_the_server() {
    let mut core = core();
    write(&mut core, &"x".repeat(101));
    attach(&mut core, false, T0);
    assert_eq!(sends(&mut core, T0), [0u64; 0]);
    assert!(updates(&mut core).iter().any(|it| matches!(&it.1, Update::Failed(it) if it.code == Code::BodyTooLarge)));
    assert!(matches!(core.ask(Wish::Send(Draft::text(user("bob"), "x".repeat(101)))), Err(Error::TooLarge { .. })));
}

#[test]
fn messages_and_changes_of_a_group_have_one_count_and_groups_their_own() {
    let mut core = up();
    let (group, leave) = (ChatId::group(&user("bob"), &core.state.device, Counter(9)), ChangeAsked::Leave {});
    let wishes = [
        Wish::Send(Draft::text(group, "hi")),
        Wish::Change(group.into(), leave.clone()),
        Wish::Create(Group { members: vec![], title: "t".to_owned(), picture: None }),
        Wish::Send(Draft::text(user("bob"), "hi")),
    ];
    let ids: Vec<_> = wishes.into_iter().map(|wish| core.ask(wish).unwrap().0).collect();
    assert_eq!(ids, [1, 2, 1, 1]);
    core.saved();
    let names: Vec<_> = frames(&mut core, T0).iter().map(ClientFrame::name).collect();
    assert_eq!(names, ["send", "change"], "the session may have two");
    core.frame(ServerFrame::Sent(Sent { chat: group, ..only_sent(1) }), T0);
    let done = |chat, id, repeated| {
        let (cursor, id) = (format!("d{id}"), Counter(id));
        ServerFrame::Done(Done { cursor, chat, id, time: TimeMs(1), repeated })
    };
    updates(&mut core);
    core.frame(done(group, 2, false), T0);
    core.frame(done(group, 2, true), T0);
    let told = updates(&mut core);
    let is_leave = |asked: &Asked| matches!(asked, Asked::Change(frame) if frame.change == leave);
    assert!(matches!(&told[..], [(_, Update::Done { asked: Some(asked), .. })] if is_leave(asked)), "{told:?}");
    let names: Vec<_> = frames(&mut core, T0).iter().map(ClientFrame::name).collect();
    assert_eq!(names, ["create", "send"]);
    let made = ChatId::group(&user("alice"), &core.state.device, Counter(1));
    core.frame(done(made, 1, true), T0);
    let told = updates(&mut core);
    assert!(matches!(&told[..], [(_, Update::Done { done, .. })] if done.chat == made), "first answered so: {told:?}");
}

#[test]
fn messages_of_a_direct_chat_and_what_is_done_to_them_have_one_count() {
    let mut core = up();
    let bob = || To::User(user("bob"));
    core.ask(Wish::Send(Draft::text(user("bob"), "hi"))).unwrap();
    assert_eq!(core.ask(Wish::Change(bob(), edit(1, "hello"))).unwrap(), Counter(2));
    core.saved();
    let asked = frames(&mut core, T0);
    assert!(
        matches!(&asked[..], [_, ClientFrame::Change(frame)] if frame.to == Some(user("bob")) && frame.chat.is_none())
    );
    let done = Done { cursor: "d".to_owned(), chat: chat(), id: Counter(2), time: TimeMs(1), repeated: false };
    updates(&mut core);
    core.frame(ServerFrame::Done(done), T0);
    let told = updates(&mut core);
    assert!(matches!(&told[..], [(_, Update::Done { asked: Some(_), .. })]), "{told:?}");
    assert!(core.ask(Wish::Change(bob(), ChangeAsked::Pin { seq: Seq(u64::MAX) })).is_err(), "no frame holds it");
    assert!(matches!(core.ask(Wish::Change(bob(), edit(1, &"x".repeat(101)))), Err(Error::TooLarge { .. })));
}

#[test]
fn a_second_answer_to_a_group_is_none_to_what_is_asked_in_it() {
    let mut core = up();
    core.ask(Wish::Create(Group { members: vec![], title: "t".to_owned(), picture: None })).unwrap();
    core.saved();
    assert_eq!(frames(&mut core, T0).len(), 1);
    let made = ChatId::group(&user("alice"), &core.state.device, Counter(1));
    let done = |repeated| {
        let (cursor, id, time) = (format!("d{repeated}"), Counter(1), TimeMs(1));
        ServerFrame::Done(Done { cursor, chat: made, id, time, repeated })
    };
    core.frame(done(false), T0);
    core.ask(Wish::Send(Draft::text(made, "hi"))).unwrap();
    core.saved();
    updates(&mut core);
    // It was asked for twice, over a connection that broke.
    core.frame(done(true), T0);
    assert_eq!(
        (updates(&mut core).len(), core.state.outbox.unsent().count()),
        (0, 1),
        "the message has no outcome yet"
    );
}

fn only_sent(id: u64) -> Sent {
    let ServerFrame::Sent(sent) = sent(id, id, false) else { unreachable!() };
    sent
}

#[test]
fn who_is_in_a_group_no_more_asks_for_nothing_of_it() {
    let mut core = up();
    let group = ChatId::group(&user("bob"), &core.state.device, Counter(9));
    core.read(group, Seq(3), T0).unwrap();
    assert!(core.state.marks.of(group).read == Seq(3));
    let changed = Changed {
        cursor: Some("c9".to_owned()),
        chat: group,
        time: TimeMs(1),
        after: Seq(3),
        by: user("bob"),
        device: DeviceId::new("d").unwrap(),
        id: Counter(2),
        change: ChangeMade::Remove { user: user("alice") },
    };
    core.frame(ServerFrame::Changed(Box::new(changed)), T0);
    assert_eq!(core.state.marks.iter().count(), 0);
}

#[test]
fn counts_say_when_all_others_have_read() {
    let mut core = up();
    let group = ChatId::group(&user("bob"), &core.state.device, Counter(9));
    core.ask(Wish::Send(Draft::text(group, "hi"))).unwrap();
    core.saved();
    sends(&mut core, T0);
    core.frame(ServerFrame::Sent(Sent { chat: group, ..only_sent(1) }), T0);
    let counts = |read| {
        let others = OthersReceipt { count: 2, delivered: Seq(1), read: Seq(read) };
        ServerFrame::Counts(Counts { chat: group, others, messages: vec![] })
    };
    for (read, left) in [(0, Seq(1)), (1, Seq(0))] {
        core.frame(counts(read), T0);
        handle(&mut core, T0);
        assert_eq!(core.state.marks.of(group).sent, left);
    }
}
