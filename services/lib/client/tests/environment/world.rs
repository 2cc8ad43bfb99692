//! A scheduler and a clock of the test's own: the client needs nothing of tokio's runtime, and does the same again.

use std::{
    future::poll_fn,
    mem::take,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use chasqui_client::{Client, ConnectError, Draft, Observer, Update};
use chasqui_domain::TimeMs;
use chasqui_runtime::{Driver, Runtime};
use chasqui_wire::Code;
use futures::{FutureExt, future::BoxFuture, task::noop_waker};
use serde_json::json;

use crate::{
    memory::{Disk, Server, environment, identity},
    until, user,
};

/// Every round polls all tasks in their order and takes a millisecond. Clones are the same world.
#[derive(Clone, Default)]
struct World(Arc<Inner>);

#[derive(Default)]
struct Inner {
    now_ms: AtomicU64,
    random: AtomicU8,
    tasks: Mutex<Vec<BoxFuture<'static, ()>>>,
}

impl World {
    /// Runs until `future` is done.
    fn run<T>(&self, mut future: BoxFuture<'_, T>) -> T {
        let waker = noop_waker();
        let mut cx = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(output) = future.poll_unpin(&mut cx) {
                return output;
            }
            let mut tasks = take(&mut *self.0.tasks.lock().unwrap());
            tasks.retain_mut(|task| task.poll_unpin(&mut cx).is_pending());
            let mut all = self.0.tasks.lock().unwrap();
            tasks.append(&mut all);
            *all = tasks;
            self.0.now_ms.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Driver for World {
    fn now(&self) -> TimeMs {
        TimeMs(1_700_000_000_000 + self.0.now_ms.load(Ordering::Relaxed))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.now_ms.load(Ordering::Relaxed))
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let (world, until) = (self.clone(), self.monotonic() + duration);
        poll_fn(move |_| if world.monotonic() < until { Poll::Pending } else { Poll::Ready(()) }).boxed()
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        bytes.fill_with(|| self.0.random.fetch_add(7, Ordering::Relaxed));
    }

    fn spawn(&self, _: &'static str, future: BoxFuture<'static, ()>) {
        self.0.tasks.lock().unwrap().push(future);
    }
}

/// Connects after a refusal and sends; gives all frames and when they went.
fn story() -> Vec<(Duration, String)> {
    let world = World::default();
    let runtime = Runtime::new(world.clone());
    let (server, frames) = (Arc::new(Server::default()), Arc::new(Mutex::new(Vec::new())));
    server.fail(ConnectError::Refused { code: Code::Unavailable, retry_in_ms: Some(5000) });
    let mut peer = server.accept();
    let (log, clock) = (frames.clone(), runtime.clone());
    let observer: Observer =
        Arc::new(move |_, text: &str| log.lock().unwrap().push((clock.monotonic(), text.to_owned())));
    let mut environment = environment(runtime.clone(), &server, &Disk::new());
    environment.observer = Some(observer);
    let tell = async {
        let (client, mut updates) = Client::start(environment, identity()).await.unwrap();
        let Some(Update::Disconnected { again_in: Some(pause), .. }) = updates.next().await else {
            panic!("it was refused")
        };
        let refused_at = runtime.monotonic();
        runtime.sleep(Duration::from_secs(2)).await;
        let left = pause - Duration::from_secs(2);
        assert!(client.again_in().is_some_and(|again_in| again_in.abs_diff(left) < Duration::from_millis(10)));
        peer.welcome().await;
        assert!((runtime.monotonic() - refused_at).abs_diff(pause) < Duration::from_millis(10));
        assert_eq!(client.again_in(), None);
        client.send(Draft::text(user("bob"), "hi")).await.unwrap();
        peer.next("send").await.unwrap();
        // The server is silent from now on.
        let silent = until(&mut updates, |update| matches!(update, Update::Disconnected { .. })).await;
        assert!(matches!(silent, Update::Disconnected { code: None, .. }));
        assert!((runtime.monotonic() - refused_at).abs_diff(pause) >= Duration::from_secs(60));
        client.close().await;
    };
    world.run(tell.boxed());
    take(&mut *frames.lock().unwrap())
}

/// Neither earlier, nor later by a pause of its own, however often.
#[test]
fn who_is_told_a_turn_to_log_in_comes_at_that_time() {
    let world = World::default();
    let runtime = Runtime::new(world.clone());
    let server = Arc::new(Server::default());
    let waits = [9_000, 500, 60_000].map(Duration::from_millis);
    let mut peers = waits.map(|_| server.accept());
    let mut let_in = server.accept();
    let environment = environment(runtime.clone(), &server, &Disk::new());
    let tell = async {
        let (_client, mut updates) = Client::start(environment, identity()).await.unwrap();
        let mut told_at = None;
        for (peer, wait) in peers.iter_mut().zip(waits) {
            peer.next("hello").await.unwrap();
            comes_in_time(&runtime, told_at);
            told_at = Some(runtime.monotonic() + wait);
            peer.say(&json!({
                "type": "error", "code": "too_many_logins", "retry": true, "retry_in_ms": wait.as_millis() as u64,
                "message": ".",
            }));
            peer.close(4009, "too_many_logins");
        }
        let_in.welcome().await;
        comes_in_time(&runtime, told_at);
        until(&mut updates, |update| matches!(update, Update::Connected { .. })).await;
    };
    world.run(tell.boxed());
}

/// A few milliseconds are turns of the scheduler.
fn comes_in_time(runtime: &Runtime, at: Option<Duration>) {
    let Some(at) = at else { return };
    let late = runtime.monotonic().checked_sub(at);
    assert!(late.is_some_and(|late| late < Duration::from_millis(10)), "{late:?}");
}

#[test]
fn time_and_turns_are_those_of_the_runtime_and_the_same_again() {
    let told = story();
    assert!(told.len() >= 3);
    assert_eq!(told, story());
}
