use super::*;

#[test]
fn a_missing_answer_is_asked_for_again_and_a_late_one_counts() {
    let mut bench = Bench::new(None);
    assert_eq!(bench.session.announcement(), Some((PresenceKind::Attach, 1)));
    bench.pass(1).unwrap();
    assert_eq!(bench.session.announcement(), Some((PresenceKind::Attach, 1)));
    bench.pass(1).unwrap();
    assert_eq!(bench.session.announcement(), None, "the pause doubles");
    bench.pass(1).unwrap();
    assert_eq!(bench.session.announcement(), Some((PresenceKind::Attach, 1)));
    bench.answer(1, 8);
    assert_eq!(bench.written(), ["caught_up 8"]);
}

#[test]
fn who_does_not_acknowledge_is_slow_and_who_has_nothing_to_get_is_not() {
    let mut bench = Bench::live(0);
    bench.push([0, 1, 2]);
    bench.written();
    bench.pass(59).unwrap();
    bench.session.heard(bench.now);
    bench.pass(59).unwrap();
    bench.push([3]);
    assert!(bench.written().is_empty());
    bench.session.heard(bench.now);
    bench.pass(59).unwrap();
    bench.session.heard(bench.now);
    assert_eq!(bench.pass(1), Err(Code::Slow));
    bench.session.acked(&cursor_at(1)).unwrap();
    assert_eq!(bench.session.tick(bench.now), Ok(()));
    assert_eq!(bench.written(), ["3"]);
}

#[test]
fn a_socket_that_takes_nothing_is_slow() {
    let mut bench = Bench::live(0);
    bench.session.socket_is_open(false, bench.now);
    bench.pass(30).unwrap();
    bench.session.heard(bench.now);
    bench.session.socket_is_open(false, bench.now);
    assert_eq!(bench.pass(30), Err(Code::Slow));
    bench.session.socket_is_open(true, bench.now);
    assert_eq!(bench.session.tick(bench.now), Ok(()));
}

#[test]
fn a_ping_comes_right_behind_the_welcome_and_behind_nothing_else() {
    let mut bench = Bench::new(Some(0));
    for is_welcome in [true, false] {
        bench.session.say(&ServerFrame::Error(Code::Unavailable.into()));
        assert!(!bench.session.takes_ping());
        assert!(bench.session.next(&bench.queue, bench.now).is_some());
        assert_eq!(bench.session.takes_ping(), is_welcome);
    }
}

#[test]
fn a_silent_client_is_pinged_and_then_closed() {
    let mut bench = Bench::live(0);
    bench.pass(25).unwrap();
    assert!(bench.session.takes_ping() && !bench.session.takes_ping());
    bench.session.heard(bench.now);
    bench.pass(24).unwrap();
    assert!(!bench.session.takes_ping());
    bench.pass(1).unwrap();
    assert!(bench.session.takes_ping());
    bench.pass(34).unwrap();
    assert_eq!(bench.pass(1), Err(Code::Idle));
}

#[test]
fn a_late_outcome_is_announced_once_and_too_many_are_refused() {
    let mut bench = Bench::live(0);
    bench.session.sending(chat(), Counter(1), bench.now).unwrap();
    bench.pass(3).unwrap();
    bench.session.sending(chat(), Counter(2), bench.now).unwrap();
    assert_eq!(bench.session.sending(chat(), Counter(3), bench.now), Err(Code::TooManyOutstanding));
    assert_eq!(bench.session.sending(chat(), Counter(2), bench.now), Ok(()), "it waits already");
    assert_eq!(bench.session.deadline(), Duration::from_secs(5));
    bench.pass(2).unwrap();
    assert_eq!(bench.written(), ["delayed 1"]);
    bench.queue.push(Item::Entry(Delivery { settles: Some((chat(), Counter(2))), ..entry(0) }));
    assert_eq!(bench.written(), ["0"]);
    bench.session.not_sent(chat(), Counter(1), Code::ServerError.into(), bench.now);
    bench.pass(9).unwrap();
    assert!(bench.written().is_empty());
}

#[test]
fn a_live_session_is_refreshed() {
    let mut bench = Bench::live(0);
    bench.pass(50).unwrap();
    bench.session.heard(bench.now);
    assert_eq!(bench.session.announcement(), None);
    bench.pass(10).unwrap();
    assert_eq!(bench.session.announcement(), Some((PresenceKind::Refresh, 1)));
    assert!(bench.session.deadline() > bench.now);
}
