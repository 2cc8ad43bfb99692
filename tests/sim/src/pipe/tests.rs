use futures::{FutureExt, SinkExt, StreamExt};

use super::*;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// What has arrived by now.
fn arrived(receiver: &mut Receiver<u64>) -> Vec<Option<Result<u64, Cut>>> {
    let mut all = Vec::new();
    while let Some(next) = receiver.next().now_or_never() {
        let is_over = !matches!(next, Some(Ok(_)));
        all.push(next);
        if is_over {
            break;
        }
    }
    all
}

#[test]
fn frames_arrive_in_order_after_a_while_and_then_the_end() {
    let (scheduler, line) = (Scheduler::new(1), Line::default());
    let mut latencies = [30, 10, 20].into_iter().map(ms);
    let (mut sender, mut receiver) = pipe(&scheduler, &line, move || latencies.next().unwrap_or_default());
    (1..=3).for_each(|frame| sender.push(frame));
    drop(sender);
    scheduler.run_until(ms(29)).unwrap();
    assert_eq!(arrived(&mut receiver), []);
    scheduler.run_until(ms(30)).unwrap();
    assert_eq!(arrived(&mut receiver), [Some(Ok(1)), Some(Ok(2)), Some(Ok(3)), None]);
}

#[test]
fn a_held_line_lets_nothing_through_and_says_nothing() {
    let (scheduler, line) = (Scheduler::new(1), Line::default());
    let (mut sender, mut receiver) = pipe(&scheduler, &line, || Duration::ZERO);
    line.hold(ms(50));
    sender.push(1);
    drop(sender);
    scheduler.run_until(ms(49)).unwrap();
    assert_eq!(arrived(&mut receiver), [], "not even that the other end has gone");
    scheduler.run_until(ms(50)).unwrap();
    assert_eq!(arrived(&mut receiver), [Some(Ok(1)), None]);
}

#[test]
fn both_ends_of_a_cut_line_notice() {
    let (scheduler, line) = (Scheduler::new(1), Line::default());
    let (mut sender, mut receiver) = pipe(&scheduler, &line, || Duration::ZERO);
    sender.push(1);
    line.cut();
    assert_eq!(arrived(&mut receiver), [Some(Err(Cut))]);
    assert_eq!(sender.send(2).now_or_never(), Some(Err(Cut)));
}

#[test]
fn a_full_line_takes_more_when_something_arrived() {
    let (scheduler, line) = (Scheduler::new(1), Line::default());
    let (mut sender, mut receiver) = pipe(&scheduler, &line, || Duration::ZERO);
    for frame in 0..WINDOW as u64 {
        assert_eq!(sender.send(frame).now_or_never(), Some(Ok(())));
    }
    assert_eq!(sender.send(99).now_or_never(), None);
    assert_eq!(receiver.next().now_or_never(), Some(Some(Ok(0))));
    assert_eq!(sender.send(99).now_or_never(), Some(Ok(())));
}
