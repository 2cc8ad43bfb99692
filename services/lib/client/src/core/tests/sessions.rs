//! Acks, cursors, receipts, and the coming and going of sessions.

use super::*;

#[test]
fn acks_are_batched_and_say_only_what_the_app_has_handled() {
    let mut core = up();
    core.frame(message(1), T0);
    core.frame(message(2), T0);
    let told = updates(&mut core);
    assert_eq!(frames(&mut core, T0 + SECOND), []);
    core.taken(told[0].0, T0);
    assert_eq!(frames(&mut core, T0), [], "it waits for others");
    let ack = |cursor: &str, seq| {
        let delivered = BTreeMap::from([(chat(), Seq(seq))]);
        vec![ClientFrame::Ack(Ack { cursor: cursor.to_owned(), delivered })]
    };
    assert_eq!(frames(&mut core, T0 + SECOND), ack("c1", 1));
    core.taken(told[1].0, T0);
    core.frame(message(3), T0);
    handle(&mut core, T0);
    assert_eq!(frames(&mut core, T0), ack("c3", 3), "a quarter of what may wait goes at once");
}

#[test]
fn a_session_goes_on_behind_what_was_received_and_repeats_what_was_not_confirmed() {
    let mut core = up();
    core.frame(message(1), T0);
    handle(&mut core, T0);
    assert_eq!(frames(&mut core, T0 + SECOND).len(), 1);
    core.read(chat(), Seq(1), T0).unwrap();
    assert_eq!(frames(&mut core, T0), [ClientFrame::Read(Read { chat: chat(), seq: Seq(1) })]);
    core.frame(message(2), T0);
    gone(&mut core);
    assert_eq!(attach(&mut core, true, T0).as_deref(), Some("c2"));
    let again = frames(&mut core, T0);
    let delivered = BTreeMap::from([(chat(), Seq(1))]);
    let ack = ClientFrame::Ack(Ack { cursor: "c1".to_owned(), delivered });
    assert_eq!(again, [ack, ClientFrame::Read(Read { chat: chat(), seq: Seq(1) })]);
    let time = TimeMs(1);
    let receipt = Receipt { cursor: None, chat: chat(), user: user("alice"), delivered: Seq(1), read: Seq(1), time };
    core.frame(ServerFrame::Receipt(receipt), T0);
    gone(&mut core);
    attach(&mut core, true, T0);
    assert_eq!(frames(&mut core, T0), []);
}

#[test]
fn a_cursor_that_was_not_taken_up_is_never_used_again() {
    let mut core = up();
    core.frame(message(1), T0);
    let told = updates(&mut core);
    gone(&mut core);
    attach(&mut core, false, T0);
    core.taken(told[0].0, T0);
    assert_eq!(frames(&mut core, T0 + SECOND), []);
    core.frame(ServerFrame::CaughtUp(CaughtUp { cursor: "new".to_owned() }), T0);
    handle(&mut core, T0);
    let ack = frames(&mut core, T0 + SECOND).into_iter().find_map(|frame| match frame {
        ClientFrame::Ack(ack) => Some((ack.cursor, ack.delivered.len())),
        _ => None,
    });
    assert_eq!(ack, Some(("new".to_owned(), 1)), "what was handled is delivered all the same");
}

#[test]
fn unfinished_chats_are_asked_for_behind_caught_up() {
    let caught_up = || ServerFrame::CaughtUp(CaughtUp { cursor: "c".to_owned() });
    let asked = vec![ClientFrame::Receipts(ReceiptsQuery { chats: vec![chat()] })];
    let mut core = up();
    write(&mut core, "hi");
    core.saved();
    sends(&mut core, T0);
    core.frame(sent(1, 4, false), T0);
    core.frame(caught_up(), T0);
    assert_eq!(frames(&mut core, T0), asked);
    let member = |name, read| MemberReceipt { user: user(name), delivered: Seq(4), read: Seq(read) };
    for (read, is_handled, left) in [(3, true, asked.clone()), (4, false, asked), (4, true, vec![])] {
        let members = vec![member("alice", 0), member("bob", read)];
        let chats = vec![ChatReceipts { chat: chat(), last_seq: Seq(4), unread: 0, members, others: None }];
        core.frame(ServerFrame::Receipts(Receipts { chats }), T0);
        if is_handled {
            handle(&mut core, T0);
        }
        core.frame(caught_up(), T0);
        let questions = frames(&mut core, T0).into_iter().filter(|it| matches!(it, ClientFrame::Receipts(_)));
        assert_eq!(questions.collect::<Vec<_>>(), left, "read up to {read}, handled: {is_handled}");
    }
}

#[test]
fn what_could_not_be_answered_is_asked_again_after_a_pause() {
    let mut core = up();
    write(&mut core, "hi");
    core.saved();
    sends(&mut core, T0);
    core.frame(sent(1, 4, false), T0);
    core.frame(ServerFrame::CaughtUp(CaughtUp { cursor: "c".to_owned() }), T0);
    let asked = vec![ClientFrame::Receipts(ReceiptsQuery { chats: vec![chat()] })];
    assert_eq!(frames(&mut core, T0), asked);
    core.frame(ServerFrame::Error(Code::Unavailable.into()), T0);
    assert_eq!(frames(&mut core, T0), []);
    assert!(core.deadline(T0).is_some_and(|at| at <= T0 + SECOND));
    assert_eq!(frames(&mut core, T0 + SECOND), asked);
    let receipts = ChatReceipts { chat: chat(), last_seq: Seq(4), unread: 0, members: vec![], others: None };
    core.frame(ServerFrame::Receipts(Receipts { chats: vec![receipts] }), T0 + SECOND);
    core.frame(ServerFrame::Error(Code::Unavailable.into()), T0 + SECOND);
    assert_eq!(frames(&mut core, T0 + SECOND * 9), [], "it was answered");
}

#[test]
fn a_refused_receipt_is_not_repeated() {
    let mut core = up();
    core.read(chat(), Seq(9), T0).unwrap();
    core.frame(failed(None, Code::SeqAhead), T0);
    assert_eq!(frames(&mut core, T0), []);
}

#[test]
fn a_silent_server_is_pinged_and_then_left() {
    let mut core = up();
    assert_eq!(core.tick(T0 + 19 * SECOND), Tick::Nothing);
    assert_eq!(core.tick(T0 + 20 * SECOND), Tick::Ping);
    assert_eq!(core.tick(T0 + 21 * SECOND), Tick::Nothing);
    assert_eq!(core.tick(T0 + 60 * SECOND), Tick::HangUp);
    gone(&mut core);
    core.connected(T0);
    assert_eq!(core.tick(T0 + 10 * SECOND), Tick::HangUp, "no welcome");
}

#[test]
fn pauses_grow_until_a_session_has_caught_up_and_the_app_is_told_once() {
    let mut core = up();
    core.frame(ServerFrame::Error(Failure::from(Code::Draining)), T0);
    let pauses: Vec<_> = (0..12).map(|_| gone(&mut core)).collect();
    assert!(pauses[0] < SECOND && pauses[11] > 14 * SECOND, "{pauses:?}");
    let told = updates(&mut core);
    let again_in = Some(pauses[0]);
    assert_eq!(
        told.into_iter().map(|it| it.1).collect::<Vec<_>>(),
        [Update::Disconnected { code: Some(Code::Draining), again_in }]
    );
    attach(&mut core, true, T0);
    core.frame(ServerFrame::CaughtUp(CaughtUp { cursor: "c".to_owned() }), T0);
    assert!(gone(&mut core) < SECOND);
}

#[test]
fn another_users_token_and_a_newer_session_of_the_device_end_the_client() {
    let mut other = core();
    other.state.user = Some(user("carol"));
    attach(&mut other, false, T0);
    assert!(other.has_ended());
    let mut unexpected =
        Core::new(state::fresh(None, &Runtime::real()).unwrap(), Token("t".to_owned()), Some(user("carol")), 7);
    write(&mut unexpected, "as carol");
    let before = unexpected.state.clone();
    attach(&mut unexpected, false, T0);
    let end = End::OtherUser { expected: user("carol"), given: user("alice") };
    assert_eq!(updates(&mut unexpected).into_iter().map(|it| it.1).collect::<Vec<_>>(), [Update::Ended(end)]);
    assert_eq!((unexpected.next_frame(T0), &unexpected.state), (None, &before));
    let mut expected =
        Core::new(state::fresh(None, &Runtime::real()).unwrap(), Token("t".to_owned()), Some(user("alice")), 7);
    attach(&mut expected, false, T0);
    assert!(!expected.has_ended());
    let mut replaced = up();
    replaced.frame(ServerFrame::Error(Failure::from(Code::Replaced)), T0);
    assert_eq!(updates(&mut replaced).pop().map(|it| it.1), Some(Update::Ended(End::Refused(Code::Replaced))));
    assert_eq!(replaced.next_frame(T0), None);
}
