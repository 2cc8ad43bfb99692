//! Tokens that end, and what the server's last words say.

use chasqui_wire::frames::{Renew, Renewed};

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn token(text: &str) -> Token {
    Token(text.to_owned())
}

fn error(core: &mut Core, code: Code, retry_in_ms: Option<u32>) {
    core.frame(ServerFrame::Error(Failure { retry_in_ms, ..Failure::from(code) }), T0);
}

fn closed(number: u16, reason: &str) -> Parting {
    Parting { close: Some(Close { number, reason: reason.to_owned() }), refusal: None }
}

fn told(core: &mut Core) -> Vec<Update> {
    updates(core).into_iter().map(|(_, update)| update).collect()
}

/// Says hello; gives the token.
fn hello(core: &mut Core) -> Token {
    core.saved();
    core.connected(T0);
    let Some(ClientFrame::Hello(hello)) = core.next_frame(T0) else { panic!("no hello") };
    hello.token
}

#[test]
fn the_app_is_asked_a_minute_before_the_end_and_the_session_is_renewed() {
    let mut core = up();
    assert_eq!(core.tick(T0 + 9 * MINUTE - SECOND), Tick::HangUp, "nothing came meanwhile");
    assert_eq!(told(&mut core), []);
    core.tick(T0 + 9 * MINUTE);
    assert_eq!(told(&mut core), [Update::TokenExpires { left: MINUTE }]);
    core.tick(T0 + 9 * MINUTE + SECOND);
    assert_eq!(told(&mut core), [], "it is asked once");
    core.renew(token("second"));
    assert!(core.has_frames(T0));
    assert_eq!(frames(&mut core, T0), [ClientFrame::Renew(Renew { token: token("second") })]);
    // Ten minutes by the server's clock, which began at 1.
    let expires = TimeMs(1 + 9 * 60_000 + 600_000);
    core.frame(ServerFrame::Renewed(Renewed { expires }), T0 + 9 * MINUTE);
    assert_eq!(told(&mut core), [Update::Renewed { left: 10 * MINUTE }]);
    assert!(core.deadline(T0 + 18 * MINUTE).unwrap() <= T0 + 18 * MINUTE);
    core.tick(T0 + 18 * MINUTE);
    assert_eq!(told(&mut core), [Update::TokenExpires { left: MINUTE }]);
    gone(&mut core);
    assert_eq!(hello(&mut core), token("second"), "later sessions begin with it");
}

#[test]
fn a_renewal_that_is_refused_leaves_the_session_and_its_token() {
    let mut core = up();
    core.renew(token("second"));
    assert_eq!(frames(&mut core, T0).len(), 1);
    error(&mut core, Code::Unauthorized, None);
    assert_eq!(told(&mut core), [Update::NotRenewed(Code::Unauthorized)]);
    core.renew(token("third"));
    assert_eq!(frames(&mut core, T0).len(), 1);
    error(&mut core, Code::TokenExpired, Some(5));
    assert_eq!(told(&mut core), [Update::NotRenewed(Code::TokenExpired)]);
    assert!(!core.has_ended() && core.may_connect());
    gone(&mut core);
    assert_eq!(hello(&mut core), token("t"));
}

#[test]
fn a_renewal_that_could_not_be_judged_is_asked_for_again() {
    let mut core = up();
    core.renew(token("second"));
    let renew = [ClientFrame::Renew(Renew { token: token("second") })];
    assert_eq!(frames(&mut core, T0), renew);
    error(&mut core, Code::Unavailable, None);
    assert_eq!((told(&mut core), frames(&mut core, T0)), (vec![], vec![]));
    assert!(core.deadline(T0).unwrap() <= T0 + SECOND);
    assert_eq!(frames(&mut core, T0 + SECOND), renew);
    assert_eq!(frames(&mut core, T0 + SECOND), []);
    core.frame(ServerFrame::Renewed(Renewed { expires: TimeMs(600_001) }), T0 + SECOND);
    error(&mut core, Code::Unavailable, None);
    assert_eq!(frames(&mut core, T0 + MINUTE), [], "that was about something else");
}

#[test]
fn a_token_that_has_ended_is_waited_for_and_no_end() {
    let mut core = up();
    error(&mut core, Code::TokenExpired, Some(5));
    assert_eq!(core.disconnected(&closed(4006, "token_expired")), None);
    let ended = [
        Update::Disconnected { code: Some(Code::TokenExpired), again_in: None },
        Update::TokenExpires { left: Duration::ZERO },
    ];
    assert_eq!(told(&mut core), ended);
    assert!(!core.may_connect() && !core.has_ended());
    core.renew(token("second"));
    assert!(core.may_connect());
    assert_eq!(hello(&mut core), token("second"));
    assert_eq!(core.next_frame(T0), None);
    core.frame(welcome(true), T0);
    assert_eq!(frames(&mut core, T0), [], "the session has it");
    // It has ended while there was no connection: hello is refused.
    gone(&mut core);
    hello(&mut core);
    error(&mut core, Code::Unauthorized, None);
    assert_eq!(core.disconnected(&closed(4501, "unauthorized")), None);
    assert!(!core.may_connect() && !core.has_ended());
}

#[test]
fn a_token_that_has_ended_before_it_was_ever_taken_is_waited_for_too() {
    let mut core = core();
    hello(&mut core);
    error(&mut core, Code::TokenExpired, Some(5));
    assert_eq!(core.disconnected(&closed(4006, "token_expired")), None);
    assert_eq!(told(&mut core).pop(), Some(Update::TokenExpires { left: Duration::ZERO }));
    core.renew(token("second"));
    assert_eq!(hello(&mut core), token("second"));
}

#[test]
fn a_token_that_was_never_taken_is_an_end() {
    let mut core = core();
    hello(&mut core);
    error(&mut core, Code::Unauthorized, None);
    assert_eq!(told(&mut core), [Update::Ended(End::Refused(Code::Unauthorized))]);
}

#[test]
fn a_token_that_comes_behind_hello_is_tried_when_the_first_is_refused_or_brought_when_it_is_not() {
    let mut core = core();
    hello(&mut core);
    core.renew(token("second"));
    error(&mut core, Code::Unauthorized, None);
    assert!(core.disconnected(&closed(4501, "unauthorized")).is_some());
    assert_eq!(hello(&mut core), token("second"));
    core.renew(token("third"));
    assert_eq!(core.next_frame(T0), None);
    core.frame(welcome(false), T0);
    assert_eq!(frames(&mut core, T0), [ClientFrame::Renew(Renew { token: token("third") })]);
    gone(&mut core);
    assert_eq!(hello(&mut core), token("third"), "the answer may have been lost");
}

#[test]
fn the_server_says_when_to_come_back_and_chance_comes_on_top() {
    let mut core = up();
    error(&mut core, Code::Draining, Some(7_000));
    let again_in = core.disconnected(&closed(4002, "draining")).unwrap();
    assert!(again_in > 7 * SECOND && again_in < 8 * SECOND, "{again_in:?}");
    assert!(gone(&mut core) < SECOND, "it was said once");
    // An answer over HTTP, too.
    let refusal = Some((Code::TooManyConnections, Some(9_000)));
    let again_in = core.disconnected(&Parting { close: None, refusal }).unwrap();
    assert!(again_in > 9 * SECOND && again_in < 10 * SECOND, "{again_in:?}");
    // What the session outlives is no reason for its end.
    attach(&mut core, true, T0);
    updates(&mut core);
    error(&mut core, Code::BadFrame, Some(7_000));
    core.frame(message(1), T0);
    assert!(gone(&mut core) < 3 * SECOND);
    assert!(matches!(&told(&mut core)[..], [Update::Message(_), Update::Disconnected { code: None, .. }]));
}

#[test]
fn who_is_told_a_turn_comes_at_that_time_and_has_not_failed() {
    let mut core = core();
    for wait_ms in [7_000, 61, 120_000, 1] {
        hello(&mut core);
        error(&mut core, Code::TooManyLogins, Some(wait_ms));
        let again_in = core.disconnected(&closed(4009, "too_many_logins"));
        assert_eq!(again_in, Some(Duration::from_millis(u64::from(wait_ms))));
    }
    let disconnected = Update::Disconnected { code: Some(Code::TooManyLogins), again_in: Some(7 * SECOND) };
    assert_eq!(told(&mut core), [disconnected], "it is told once");
    hello(&mut core);
    assert!(gone(&mut core) < SECOND, "it is the first failure");
    // Without a time it is a failure like others.
    for _ in 0..12 {
        hello(&mut core);
        error(&mut core, Code::TooManyLogins, None);
        core.disconnected(&closed(4009, "too_many_logins"));
    }
    assert!(gone(&mut core) > 14 * SECOND);
}

#[test]
fn a_close_is_judged_by_its_number_and_the_range_of_one_that_is_not_known() {
    for (number, reason, end) in [
        (4503, "banned", Some(Code::Banned)),
        (4504, "frame_too_large", Some(Code::FrameTooLarge)),
        (4500, "bad_frame", Some(Code::BadFrame)),
        (4999, "of_tomorrow", Some(Code::Unknown)),
        (4499, "of_tomorrow", None),
        (4003, "slow", None),
        (1001, "", None),
        (5000, "", None),
    ] {
        let mut core = up();
        let again_in = core.disconnected(&closed(number, reason));
        assert_eq!((again_in.is_none(), core.has_ended()), (end.is_some(), end.is_some()), "{number}");
        if let Some(code) = end {
            assert_eq!(told(&mut core), [Update::Ended(End::Refused(code))]);
        }
    }
}

#[test]
fn a_ban_ends_the_client() {
    let mut core = up();
    error(&mut core, Code::Banned, None);
    assert_eq!(told(&mut core), [Update::Ended(End::Refused(Code::Banned))]);
}
