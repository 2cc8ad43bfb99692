use super::*;
use crate::{quota::TooMuch, why::Why};

fn too_fast(retry_in: Duration) -> Why {
    Why::too_much(Code::RateLimited, TooMuch { retry_in })
}

fn other() -> ChatId {
    ChatId::direct(&user(), &UserId::new("carol").unwrap())
}

impl Bench {
    fn refuse(&mut self, counter: u64, why: Why) {
        self.session.not_sent(chat(), Counter(counter), why, self.now);
    }

    fn waits(&self, counter: u64) -> Option<Why> {
        self.session.in_order(chat(), Counter(counter), self.now).err()
    }
}

#[test]
fn behind_a_refused_message_those_of_its_chat_wait_until_it_was_sent_again() {
    let mut bench = Bench::live(0);
    let why = too_fast(Duration::from_secs(9));
    bench.refuse(3, why);
    assert_eq!((bench.waits(2), bench.waits(3)), (None, None));
    assert_eq!(bench.waits(4), Some(why));
    assert_eq!(bench.session.in_order(other(), Counter(4), bench.now), Ok(()));
    bench.pass(2).unwrap();
    assert_eq!(bench.waits(4).unwrap().retry_in().as_secs(), 7, "what is left of the wait");
    bench.refuse(4, why);
    bench.refuse(5, why);
    bench.session.sent(chat(), Counter(3));
    assert_eq!((bench.waits(4), bench.waits(5).is_some()), (None, true), "each of them is waited for");
    bench.session.sent(chat(), Counter(4));
    assert_eq!(bench.waits(5), None);
}

#[test]
fn a_message_with_an_outcome_holds_nothing_back() {
    let mut bench = Bench::live(0);
    bench.refuse(3, Code::Unavailable.into());
    assert_eq!(bench.waits(4), Some(Code::Unavailable.into()));
    bench.refuse(3, Code::BodyTooLarge.into());
    assert_eq!(bench.waits(4), None);
    bench.refuse(3, Code::Unavailable.into());
    bench.queue.push(Item::Entry(Delivery { settles: Some((chat(), Counter(3))), ..entry(0) }));
    assert_eq!(bench.written(), ["0"]);
    assert_eq!(bench.waits(4), None, "it was taken after all");
}

#[test]
fn a_message_that_was_given_up_is_not_waited_for_without_end() {
    let mut bench = Bench::live(0);
    bench.refuse(3, too_fast(Duration::from_secs(10)));
    for counter in 4..40 {
        bench.now += Duration::from_secs(3);
        assert!(bench.waits(counter).is_some(), "{counter}");
        bench.refuse(counter, too_fast(Duration::from_secs(10)));
    }
    bench.now += limits::HELD_FOR;
    assert_eq!(bench.waits(40), None);
}

#[test]
fn so_many_are_waited_for_and_no_more() {
    let mut bench = Bench::live(0);
    for counter in 0..1_024 {
        assert!(bench.session.can_hold(chat(), Counter(counter + 1), bench.now));
        bench.refuse(counter + 1, Code::Unavailable.into());
    }
    assert!(!bench.session.can_hold(chat(), Counter(1_025), bench.now));
    assert!(bench.session.can_hold(chat(), Counter(7), bench.now), "it is waited for already");
    bench.now += limits::HELD_FOR;
    assert!(bench.session.can_hold(chat(), Counter(1_025), bench.now), "those that were given up make room");
}

/// A client sends again what it sent in the session before, and then reads the outcome of that.
#[test]
fn whose_outcome_was_told_before_is_not_waited_for() {
    let mut bench = Bench::live(0);
    bench.queue.push(Item::Entry(Delivery { settles: Some((chat(), Counter(3))), ..entry(0) }));
    assert_eq!(bench.written(), ["0"]);
    bench.refuse(3, Code::Unavailable.into());
    assert_eq!(bench.waits(4), None);
    bench.refuse(4, Code::Unavailable.into());
    assert!(bench.waits(5).is_some());
}

/// A client sends a message of a session before again, reads the outcome of that, and only then it turns out that it could
/// not be written once more.
#[test]
fn what_is_refused_behind_its_outcome_is_not_waited_for() {
    let mut bench = Bench::live(0);
    bench.session.sending(chat(), Counter(3), bench.now).unwrap();
    bench.queue.push(Item::Entry(Delivery { settles: Some((chat(), Counter(3))), ..entry(0) }));
    assert_eq!(bench.written(), ["0"]);
    bench.refuse(3, Code::Unavailable.into());
    assert_eq!(bench.waits(4), None);
}
