//! How much a session is sent beyond what it has acknowledged.

use chasqui_domain::Seq;
use chasqui_wire::frames::ServerFrame;
use serde_json::json;

use crate::{
    bench::{Bench, options},
    client::{Client, live},
    messages::{decided, send},
};

const UNACKED_MAX: u64 = 10;

async fn bench(queue_frames_max: usize, idle_ms: u64) -> Bench {
    let mut options = options();
    (options.unacked_max, options.queue_frames_max) = (UNACKED_MAX as usize, queue_frames_max);
    (options.idle_ms, options.ping_ms) = (idle_ms, idle_ms / 3);
    Bench::with(options).await
}

/// Gets these messages, and acknowledges the one of them that is asked for.
async fn take(client: &mut Client, seqs: std::ops::RangeInclusive<u64>, acked: Option<u64>) {
    for seq in seqs {
        let message = client.message_frame().await;
        assert_eq!(message.seq, Seq(seq));
        if acked == Some(seq) {
            client.say(json!({"type": "ack", "cursor": message.cursor.unwrap()})).await;
        }
    }
}

#[tokio::test]
async fn a_session_gets_exactly_so_much_and_goes_on_behind_an_ack() {
    let mut bench = bench(256, 60_000).await;
    let mut phone = live(&bench, "alice", "phone").await;
    let mut bobs = live(&bench, "bob", "phone").await;
    let mut laptop = live(&bench, "bob", "laptop").await;
    let body = send(&mut bench, &mut phone, 1, "hi").await;
    for seq in 1..=25 {
        bench.place(&["bob"], &decided(seq, body.clone())).await;
    }
    // What has come to the one is at hand for the other.
    for seq in 1..=25 {
        take(&mut laptop, seq..=seq, Some(seq)).await;
    }
    let mut cursors = Vec::new();
    for seq in 1..=UNACKED_MAX {
        let message = bobs.message_frame().await;
        assert_eq!(message.seq, Seq(seq));
        cursors.push(message.cursor.unwrap());
    }
    bobs.nothing_waits().await;
    // Four are free again, whatever is acknowledged twice.
    for acked in [3, 3, 1] {
        bobs.say(json!({"type": "ack", "cursor": cursors[acked]})).await;
    }
    take(&mut bobs, 11..=14, Some(14)).await;
    take(&mut bobs, 15..=24, Some(24)).await;
    take(&mut bobs, 25..=25, None).await;
    bobs.nothing_waits().await;
}

#[tokio::test]
async fn who_is_too_slow_for_the_queue_is_repaired_and_told_so() {
    let mut bench = bench(4, 60_000).await;
    let mut phone = live(&bench, "alice", "phone").await;
    let mut bobs = live(&bench, "bob", "phone").await;
    let body = send(&mut bench, &mut phone, 1, "hi").await;
    // Ten are unacknowledged and four wait; the others find no room.
    for seq in 1..=40 {
        bench.place(&["bob"], &decided(seq, body.clone())).await;
    }
    let (mut seen, mut repairs) = (0, 0);
    while repairs == 0 {
        match bobs.next().await {
            ServerFrame::Message(message) => {
                seen += 1;
                assert_eq!(message.seq, Seq(seen), "nothing is missing or doubled");
                bobs.say(json!({"type": "ack", "cursor": message.cursor.unwrap()})).await;
            }
            ServerFrame::CaughtUp(_) => repairs += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(seen, 40, "caught up means all");
    bench.place(&["bob"], &decided(41, body)).await;
    take(&mut bobs, 41..=41, None).await;
    bobs.nothing_waits().await;
}

#[tokio::test]
async fn who_never_acknowledges_is_closed_as_slow_while_another_with_nothing_to_get_stays() {
    let mut bench = bench(256, 2_000).await;
    let mut phone = live(&bench, "alice", "phone").await;
    let mut bobs = live(&bench, "bob", "phone").await;
    let mut laptop = live(&bench, "bob", "laptop").await;
    let body = send(&mut bench, &mut phone, 1, "hi").await;
    for seq in 1..=UNACKED_MAX + 1 {
        bench.place(&["bob"], &decided(seq, body.clone())).await;
    }
    // This one acknowledges, and answers pings as it is read.
    let acks = async {
        take(&mut laptop, 1..=UNACKED_MAX, Some(UNACKED_MAX)).await;
        take(&mut laptop, 11..=11, None).await;
        laptop.next().await
    };
    let never = async {
        take(&mut bobs, 1..=UNACKED_MAX, None).await;
        bobs.end().await
    };
    tokio::select! {
        end = never => assert_eq!(end, ("slow".to_owned(), 4003)),
        frame = acks => panic!("nothing is to come: {frame:?}"),
    }
}
