//! Which cursors are taken up, and what becomes of a session whose cursor is not.

use chasqui_domain::{Day, LogId, Offset, Position, Seq, TimeMs};
use chasqui_runtime::Runtime;
use chasqui_testkit::Calendar;
use chasqui_wire::{
    cursor::{self, Cursor},
    frames::NotResumed,
};

use crate::{
    bench::{Bench, LOG, bounds, memory_log, options, user},
    client::{live, welcomed},
    messages::{decided, send},
};

const HOUR_MS: u64 = 60 * 60 * 1000;
const DAY_MS: u64 = 24 * HOUR_MS;

fn cursor_of(name: &str, log: LogId, offset: u64, day: Day) -> String {
    cursor::encode(&user(name), &Cursor { position: Position { log, offset: Offset(offset) }, day })
}

async fn not_resumed(bench: &Bench, cursor: &str) -> Option<NotResumed> {
    welcomed(bench, "bob", "phone", Some(cursor)).await.1.not_resumed
}

#[tokio::test]
async fn a_cursor_is_taken_up_while_everything_behind_it_is_certain_to_be_kept() {
    let midnight = TimeMs(20_000 * DAY_MS);
    let calendar = Calendar::at(midnight);
    let options = options();
    assert_eq!(options.inbox_retention_days, 30);
    let bounds = bounds(&options);
    let bench = Bench::on_runtime(Runtime::new(calendar.clone()), memory_log(), options, bounds).await;
    let (oldest, older) = (cursor_of("bob", LOG, 0, Day(19_970)), cursor_of("bob", LOG, 0, Day(19_969)));
    // The clocks of others may be an hour ahead: what is kept is certain for so much less.
    for (at, wants_oldest) in [
        (midnight, None),
        (TimeMs(midnight.0 + 23 * HOUR_MS - 1), None),
        (TimeMs(midnight.0 + 23 * HOUR_MS), Some(NotResumed::TooOld)),
    ] {
        calendar.turn_to(at);
        assert_eq!(not_resumed(&bench, &oldest).await, wants_oldest, "{at:?}");
        assert_eq!(not_resumed(&bench, &older).await, Some(NotResumed::TooOld), "{at:?}");
    }
}

#[tokio::test]
async fn a_session_says_why_its_cursor_is_not_taken_up_and_begins_at_the_present() {
    let mut bench = Bench::new().await;
    let mut phone = live(&bench, "alice", "phone").await;
    let body = send(&mut bench, &mut phone, 1, "hi").await;
    bench.place(&["bob"], &decided(1, body.clone())).await;
    // Far in the future, so that it is not the day that counts.
    let day = Day(40_000);
    let good = cursor_of("bob", LOG, 0, day);
    let longer = format!("{good}AA");
    let cases = [
        (None, NotResumed::NoCursor),
        (Some(cursor_of("bob", LOG, 0, Day(1))), NotResumed::TooOld),
        (Some(cursor_of("bob", LogId([8; 16]), 0, day)), NotResumed::OtherLog),
        (Some(cursor_of("bob", LOG, u64::MAX, day)), NotResumed::OtherLog),
        (Some(cursor_of("alice", LOG, 0, day)), NotResumed::OtherUser),
        (Some(String::new()), NotResumed::Malformed),
        (Some("nonsense".to_owned()), NotResumed::Malformed),
        (Some(longer), NotResumed::Malformed),
    ];
    for (number, (cursor, why)) in cases.into_iter().enumerate() {
        let (mut bobs, welcome) = welcomed(&bench, "bob", &format!("device-{number}"), cursor.as_deref()).await;
        assert_eq!(welcome.not_resumed, Some(why), "{cursor:?}");
        let at = bobs.caught_up().await;
        assert_eq!(cursor::decode(&user("bob"), &at).unwrap().position.offset, bench.inbox_end().await);
        let seq = 2 + number as u64;
        bench.place(&["bob"], &decided(seq, body.clone())).await;
        assert_eq!(bobs.message_frame().await.seq, Seq(seq), "it goes on live");
    }
    // A good one leads to all of it.
    let (mut bobs, welcome) = welcomed(&bench, "bob", "phone", Some(&good)).await;
    assert_eq!(welcome.not_resumed, None);
    for seq in 1..=9 {
        assert_eq!(bobs.message_frame().await.seq, Seq(seq));
    }
    let at = bobs.caught_up().await;
    // And one at the very end to nothing.
    let (mut bobs, welcome) = welcomed(&bench, "bob", "phone", Some(&at)).await;
    assert_eq!((welcome.not_resumed, bobs.caught_up().await), (None, at));
    let beyond = cursor_of("bob", LOG, bench.inbox_end().await.0 + 1, day);
    assert_eq!(not_resumed(&bench, &beyond).await, Some(NotResumed::OtherLog));
}

#[tokio::test]
async fn a_cursor_that_caught_up_gave_counts_for_as_long_as_rows_are_kept() {
    let start = TimeMs(20_000 * DAY_MS + 12 * HOUR_MS);
    let calendar = Calendar::at(start);
    let options = options();
    let bounds = bounds(&options);
    let bench = Bench::on_runtime(Runtime::new(calendar.clone()), memory_log(), options, bounds).await;
    let (mut bobs, _) = welcomed(&bench, "bob", "phone", None).await;
    let cursor = bobs.caught_up().await;
    calendar.turn_to(TimeMs(start.0 + 30 * DAY_MS));
    assert_eq!(not_resumed(&bench, &cursor).await, None);
    calendar.turn_to(TimeMs(start.0 + 31 * DAY_MS));
    assert_eq!(not_resumed(&bench, &cursor).await, Some(NotResumed::TooOld));
}
