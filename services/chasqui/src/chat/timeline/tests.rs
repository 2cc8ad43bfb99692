use proptest::prelude::*;

use super::{super::testing, *};

fn item(seq: u64) -> Item {
    testing::message(seq, "bob", "hi").into()
}

fn page(seqs: impl IntoIterator<Item = u64>) -> Vec<Message> {
    seqs.into_iter().map(|seq| testing::message(seq, "bob", "hi")).collect()
}

fn seqs(timeline: &Timeline) -> Vec<u64> {
    timeline.items().map(|item| item.seq.0).collect()
}

fn window(from: u64, to: u64) -> Timeline {
    let mut timeline = Timeline::default();
    timeline.loaded(Load::Last, page((from..=to).rev()));
    timeline
}

#[test]
fn pages_and_live_messages_overlap_without_repeats() {
    let mut timeline = Timeline::default();
    timeline.insert(item(7), true);
    timeline.insert(item(7), true);
    timeline.loaded(Load::Last, page([8, 7, 6, 5]));
    timeline.insert(item(8), true);
    timeline.insert(item(9), true);
    timeline.loaded(Load::Before(Seq(5)), page([4, 3, 2]));
    assert_eq!(seqs(&timeline), [2, 3, 4, 5, 6, 7, 8, 9]);
    assert!(!timeline.loaded(Load::Before(Seq(2)), page([3, 2])), "nothing new");
}

#[test]
fn a_message_behind_a_hole_is_shown_and_the_hole_closes() {
    let mut timeline = window(1, 3);
    timeline.insert(item(6), true);
    assert_eq!((seqs(&timeline), timeline.hole_before(Seq(6))), (vec![1, 2, 3, 6], 2));
    assert!(!timeline.has_last());
    timeline.loaded(Load::After(Seq(3)), page([4, 5, 6]));
    assert_eq!((seqs(&timeline), timeline.hole_before(Seq(6))), (vec![1, 2, 3, 4, 5, 6], 0));
    assert!(timeline.has_last());
}

#[test]
fn the_end_replaces_what_lies_far_before_it() {
    let mut timeline = window(1, 3);
    timeline.loaded(Load::Last, page([99, 98]));
    assert_eq!(seqs(&timeline), [98, 99]);
    timeline.loaded(Load::Last, page([100, 99, 98]));
    assert_eq!(seqs(&timeline), [98, 99, 100]);
}

#[test]
fn memory_is_bounded_and_what_is_read_stays() {
    let most = MESSAGES_MAX as u64;
    let mut following = window(1, most);
    following.insert(item(most + 1), true);
    assert_eq!((following.first(), following.last()), (Some(Seq(2)), Some(Seq(most + 1))));

    let mut reading = window(1, most);
    for seq in most + 1..most + 500 {
        reading.insert(item(seq), false);
    }
    assert_eq!((reading.first(), reading.last()), (Some(Seq(1)), Some(Seq(most))));
    assert_eq!((reading.items().count(), reading.has_last()), (MESSAGES_MAX + AHEAD_MAX, false));

    let mut scrolling = window(11, most + 10);
    scrolling.loaded(Load::Before(Seq(11)), page((1..=10).rev()));
    assert_eq!((scrolling.first(), scrolling.last(), scrolling.has_last()), (Some(Seq(1)), Some(Seq(most)), false));
    scrolling.loaded(Load::After(Seq(most)), page(most + 1..=most + 10));
    assert_eq!((scrolling.first(), scrolling.has_last()), (Some(Seq(11)), true));
}

#[test]
fn what_is_no_text_says_what_it_is() {
    let mut message = testing::message(1, "bob", "");
    (message.text, message.body) = (None, Some(bytes_of(5)));
    message.content_type = chasqui_domain::ContentType::new("image/png").unwrap();
    assert_eq!(Item::from(message).text, "[image/png, 5 bytes]");
}

fn bytes_of(count: usize) -> bytes::Bytes {
    vec![0; count].into()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_shown_rises_and_only_the_hole_is_missing(
        steps in prop::collection::vec((0..4u8, 1..40u64, any::<bool>()), 0..60),
    ) {
        let mut timeline = Timeline::default();
        for (step, seq, is_following) in steps {
            match step {
                0 => drop(timeline.loaded(Load::Last, page(seq.saturating_sub(5).max(1)..=seq))),
                1 => drop(timeline.loaded(Load::Before(Seq(seq)), page(seq.saturating_sub(5).max(1)..seq))),
                2 => drop(timeline.loaded(Load::After(Seq(seq)), page(seq + 1..seq + 5))),
                _ => timeline.insert(item(seq), is_following),
            }
            let shown = seqs(&timeline);
            prop_assert!(shown.is_sorted_by(|a, b| a < b), "{shown:?}");
            let window: Vec<u64> = timeline.window.iter().map(|item| item.seq.0).collect();
            prop_assert!(window.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{window:?}");
            prop_assert!(shown.last().is_none_or(|last| *last <= timeline.last_seq().0));
        }
    }
}
