use chasqui_domain::{ChatId, Counter};
use chasqui_wire::frames::{self, ServerFrame};

use super::*;

mod due;
mod held;

const LOG: LogId = LogId([1; 16]);
const LIMITS: Limits =
    Limits { unacked_max: 3, outstanding_max: 2, idle: Duration::from_secs(60), ping: Duration::from_secs(25) };

/// A session with its queue, and what it has written.
struct Bench {
    session: Session,
    queue: Queue,
    now: Duration,
}

fn user() -> UserId {
    UserId::new("alice").unwrap()
}

fn chat() -> ChatId {
    ChatId::direct(&user(), &UserId::new("bob").unwrap())
}

fn cursor_in(log: LogId, offset: u64) -> String {
    cursor::encode(&user(), &Cursor { position: Position { log, offset: Offset(offset) }, day: Day(3) })
}

fn cursor_at(offset: u64) -> String {
    cursor_in(LOG, offset)
}

/// A kept entry whose frame is its offset.
fn entry(offset: u64) -> Delivery {
    let frame = Some(Utf8Bytes::from(offset.to_string()));
    Delivery { offset: Offset(offset), day: Day(3), kept: true, frame, may_wait: false, settles: None }
}

impl Bench {
    fn new(from: Option<u64>) -> Self {
        let from = from.map(Offset).ok_or(NotResumed::NoCursor);
        let device = DeviceId::new("phone").unwrap();
        let session = Session::new(LIMITS, user(), device, LOG, from, Day(3), Duration::ZERO);
        Self { session, queue: Queue::new(4), now: Duration::ZERO }
    }

    /// One that has attached at `offset` and is live.
    fn live(offset: u64) -> Self {
        let mut bench = Self::new(Some(offset));
        bench.answer(1, offset);
        assert_eq!(bench.written(), [format!("caught_up {offset}")]);
        bench.session.announcement();
        bench
    }

    fn answer(&self, attempt: u32, up_to: u64) {
        self.queue.push(Item::Answer { attempt, up_to: Offset(up_to) });
    }

    fn push(&self, offsets: impl IntoIterator<Item = u64>) {
        offsets.into_iter().for_each(|offset| self.queue.push(Item::Entry(entry(offset))));
    }

    fn rows(&mut self, expected: Range<u64>, rows: impl IntoIterator<Item = u64>, is_last: bool) {
        assert_eq!(self.session.page_wanted(), Some(Offset(expected.start)..Offset(expected.end)));
        self.session.page_read(rows.into_iter().map(entry).collect(), is_last);
    }

    fn written(&mut self) -> Vec<String> {
        let mut written = Vec::new();
        while let Some(frame) = self.session.next(&self.queue, self.now) {
            written.push(match frames::parse(&frame) {
                Ok(ServerFrame::CaughtUp(frame)) => {
                    let position = cursor::decode(&user(), &frame.cursor).unwrap().position;
                    assert_eq!(position.log, LOG);
                    format!("caught_up {}", position.offset)
                }
                Ok(ServerFrame::Delayed(frame)) => format!("delayed {}", frame.id),
                _ => frame.as_str().to_owned(),
            });
        }
        written
    }

    fn pass(&mut self, seconds: u64) -> Result<(), Code> {
        self.now += Duration::from_secs(seconds);
        self.session.tick(self.now)
    }
}

#[test]
fn without_a_cursor_a_session_begins_at_the_answer() {
    let mut bench = Bench::new(None);
    assert_eq!(bench.session.not_resumed(), Some(NotResumed::NoCursor));
    assert_eq!(bench.session.announcement(), Some((PresenceKind::Attach, 1)));
    bench.push([5]);
    bench.answer(1, 8);
    bench.push([8, 9]);
    assert_eq!(bench.written(), ["caught_up 8", "8", "9"]);
    assert_eq!(bench.session.page_wanted(), None);
}

#[test]
fn with_a_cursor_it_reads_what_it_missed_and_then_goes_live() {
    let mut bench = Bench::new(Some(3));
    assert_eq!(bench.session.not_resumed(), None);
    bench.push([4]);
    bench.answer(1, 8);
    bench.push([8]);
    assert!(bench.written().is_empty());
    bench.rows(3..8, [4, 6], false);
    assert_eq!(bench.session.page_wanted(), None, "the next page waits until this one is written");
    assert_eq!(bench.written(), ["4", "6"]);
    bench.rows(7..8, [7], true);
    assert_eq!(bench.written(), ["7", "caught_up 8"], "three are unacknowledged");
    bench.session.acked(&cursor_at(8)).unwrap();
    assert_eq!(bench.written(), ["8"]);
}

#[test]
fn a_cursor_beyond_the_answer_repeats_nothing() {
    let mut bench = Bench::new(Some(10));
    bench.answer(1, 8);
    bench.push([8, 9, 10]);
    assert_eq!(bench.written(), ["caught_up 10", "10"]);
}

#[test]
fn an_answer_to_a_former_attach_does_not_count() {
    let mut bench = Bench::live(8);
    bench.queue.mark_gap();
    assert!(bench.written().is_empty());
    assert_eq!(bench.session.announcement(), Some((PresenceKind::Attach, 2)));
    bench.answer(1, 9);
    bench.push([9]);
    assert!(bench.written().is_empty());
    bench.answer(2, 10);
    assert!(bench.written().is_empty());
    bench.rows(8..10, [9], true);
    assert_eq!(bench.written(), ["9", "caught_up 10"]);
}

#[test]
fn a_second_answer_repeats_nothing() {
    let mut bench = Bench::live(8);
    bench.answer(1, 8);
    bench.push([8]);
    bench.answer(1, 9);
    assert_eq!(bench.written(), ["8"]);
    assert_eq!(bench.session.page_wanted(), None);
}

#[test]
fn an_answer_ahead_of_a_live_session_means_that_it_had_been_forgotten() {
    let mut bench = Bench::live(8);
    bench.answer(1, 11);
    assert!(bench.written().is_empty());
    bench.rows(8..11, [9], true);
    assert_eq!(bench.written(), ["9", "caught_up 11"]);
}

#[test]
fn an_overflow_is_repaired_from_the_high_water() {
    let mut bench = Bench::live(8);
    bench.push(8..14);
    assert_eq!(bench.written(), ["8", "9", "10"], "three may be unacknowledged");
    assert_eq!(bench.session.announcement(), None);
    bench.session.acked(&cursor_at(11)).unwrap();
    assert_eq!(bench.written(), ["11"], "and then there is the gap");
    assert_eq!(bench.session.announcement(), Some((PresenceKind::Attach, 2)));
    // No push raises the high-water meanwhile.
    bench.push([14]);
    bench.answer(2, 15);
    assert!(bench.written().is_empty());
    bench.session.acked(&cursor_at(12)).unwrap();
    bench.rows(12..15, [12, 13, 14], true);
    assert_eq!(bench.written(), ["12", "13", "14", "caught_up 15"]);
}

#[test]
fn a_gap_while_attaching_begins_anew() {
    let mut bench = Bench::new(Some(3));
    bench.push([3, 4, 5, 6]);
    bench.answer(1, 7);
    assert!(bench.written().is_empty());
    assert_eq!(bench.session.announcement(), Some((PresenceKind::Attach, 2)));
    bench.answer(2, 3);
    assert_eq!(bench.written(), ["caught_up 3"]);
}

#[test]
fn a_gap_while_reading_is_repaired_after_the_reading() {
    let mut bench = Bench::new(Some(3));
    bench.session.announcement();
    bench.answer(1, 5);
    assert!(bench.written().is_empty());
    bench.push(5..10);
    bench.rows(3..5, [], true);
    assert_eq!(bench.written(), ["caught_up 5", "5", "6", "7"]);
    bench.session.acked(&cursor_at(8)).unwrap();
    assert_eq!(bench.written(), ["8"]);
    assert_eq!(bench.session.announcement(), Some((PresenceKind::Attach, 2)));
}

#[test]
fn receipts_and_others_outcomes_raise_the_high_water_and_need_no_ack() {
    let mut bench = Bench::live(0);
    for offset in 0..20 {
        let frame = (offset % 2 == 0).then(|| Utf8Bytes::from_static("r"));
        bench.queue.push(Item::Entry(Delivery {
            offset: Offset(offset),
            day: Day(3),
            kept: frame.is_none(),
            frame,
            may_wait: false,
            settles: None,
        }));
        bench.written();
    }
    bench.push([20]);
    assert_eq!(bench.written(), ["20"]);
    bench.session.acked(&cursor_at(21)).unwrap();
}

#[test]
fn an_ack_must_be_a_cursor_that_was_given() {
    let mut bench = Bench::live(8);
    bench.push([8]);
    bench.written();
    let foreign = cursor_in(LogId([2; 16]), 8);
    for wrong in [cursor_at(10), foreign, "nonsense".to_owned()] {
        assert_eq!(bench.session.acked(&wrong), Err(Code::BadFrame));
    }
    assert_eq!(bench.session.acked(&cursor_at(9)), Ok(()));
    assert_eq!(bench.session.acked(&cursor_at(3)), Ok(()), "an older one changes nothing");
    assert_eq!(Bench::new(None).session.acked(&cursor_at(0)), Err(Code::BadFrame));
}
