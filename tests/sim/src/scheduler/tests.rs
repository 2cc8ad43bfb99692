use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Counts its turns, one every ten milliseconds, and says when it is dropped.
struct Turns(Arc<AtomicU64>);

impl Drop for Turns {
    fn drop(&mut self) {
        self.0.fetch_add(1_000, Ordering::Relaxed);
    }
}

fn turn(scheduler: &Scheduler, process: ProcessId) -> Arc<AtomicU64> {
    let turns = Arc::<AtomicU64>::default();
    let (own, kept) = (scheduler.clone(), Turns(turns.clone()));
    scheduler.spawn(process, async move {
        loop {
            kept.0.fetch_add(1, Ordering::Relaxed);
            own.sleep(ms(10)).await;
        }
    });
    turns
}

#[test]
fn time_goes_on_when_nobody_can_run() {
    let scheduler = Scheduler::new(1);
    let turns = turn(&scheduler, WORLD);
    scheduler.run_until(ms(95)).unwrap();
    assert_eq!((turns.load(Ordering::Relaxed), scheduler.now()), (10, ms(95)));
}

#[test]
fn who_is_killed_is_dropped_at_its_await_and_nobody_else() {
    let scheduler = Scheduler::new(1);
    let (one, other) = (scheduler.begin("one"), scheduler.begin("other"));
    let (of_one, of_other) = (turn(&scheduler, one), turn(&scheduler, other));
    scheduler.run_until(ms(15)).unwrap();
    scheduler.kill(one);
    assert!(!scheduler.is_alive(one) && scheduler.is_alive(other));
    assert_eq!(of_one.load(Ordering::Relaxed), 1_002);
    scheduler.run_until(ms(95)).unwrap();
    assert_eq!((of_one.load(Ordering::Relaxed), of_other.load(Ordering::Relaxed)), (1_002, 10));
    assert_eq!(turn(&scheduler, one).load(Ordering::Relaxed), 1_000, "in one that was killed nothing begins");
    scheduler.end();
    assert_eq!(of_other.load(Ordering::Relaxed), 1_010);
}

#[test]
fn who_is_stalled_goes_on_later_and_misses_nothing() {
    let scheduler = Scheduler::new(1);
    let process = scheduler.begin("one");
    let turns = turn(&scheduler, process);
    scheduler.run_until(ms(15)).unwrap();
    scheduler.stall(process);
    scheduler.run_until(ms(95)).unwrap();
    assert_eq!(turns.load(Ordering::Relaxed), 2);
    scheduler.go_on(process);
    scheduler.run_until(ms(96)).unwrap();
    assert_eq!(turns.load(Ordering::Relaxed), 3, "its timer has long fired");
}

#[test]
fn the_seed_decides_who_runs_next() {
    let order = |seed| {
        let (scheduler, order) = (Scheduler::new(seed), Arc::<Mutex<Vec<usize>>>::default());
        for number in 0..8 {
            let order = order.clone();
            scheduler.spawn(WORLD, async move { order.lock().push(number) });
        }
        scheduler.run_until(ms(1)).unwrap();
        std::mem::take(&mut *order.lock())
    };
    assert_eq!(order(1), order(1));
    assert!((2..9).any(|seed| order(seed) != order(1)));
}

#[test]
fn a_panic_and_a_loop_that_never_waits_end_the_run() {
    let scheduler = Scheduler::new(1);
    let process = scheduler.begin("one");
    scheduler.spawn(process, async { panic!("on purpose") });
    let panicked = Broken::Panicked { process: "one".to_owned(), why: "on purpose".to_owned() };
    assert_eq!(scheduler.run_until(ms(1)), Err(panicked));
    scheduler.spawn(process, async {
        loop {
            futures::future::poll_fn(|cx| {
                cx.waker().wake_by_ref();
                Poll::<()>::Pending
            })
            .await;
        }
    });
    assert!(matches!(scheduler.run_until(ms(1)), Err(Broken::Spins { .. })));
}
