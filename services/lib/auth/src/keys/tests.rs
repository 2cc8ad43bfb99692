use futures::future::join_all;
use tracing_subscriber::{Layer, layer::SubscriberExt};

use super::*;
use crate::testing::{Shelf, Signer, runtime};

const REFRESH: Refresh = Refresh { every: Duration::from_secs(100), least: Duration::from_secs(5) };

fn signer(kid: &'static str) -> Signer {
    Signer::new(Algorithm::EdDSA, kid)
}

async fn is_there(keys: &Keys, kid: &str) -> Result<(), Refusal> {
    keys.find(Algorithm::EdDSA, Some(kid)).await.map(|_| ())
}

fn unknown() -> Result<(), Refusal> {
    Err(Refusal::invalid("no key of the provider fits it"))
}

async fn seconds(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn keys_are_read_once_and_by_nobody_before_they_are_needed() {
    let shelf = Shelf::with(&[signer("a").jwk()]);
    let keys = Keys::new(shelf.clone(), REFRESH, runtime());
    assert_eq!(shelf.reads(), 0);
    let all = join_all((0..10).map(|_| is_there(&keys, "a"))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(shelf.reads(), 1);
    // Known keys are found without a wait.
    assert!(keys.find(Algorithm::EdDSA, Some("a")).now_or_never().unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_new_key_is_found_at_once() {
    let (a, b) = (signer("a"), signer("b"));
    let shelf = Shelf::with(&[a.jwk()]);
    let keys = Keys::new(shelf.clone(), REFRESH, runtime());
    is_there(&keys, "a").await.unwrap();
    seconds(5).await;
    shelf.put(&[a.jwk(), b.jwk()]);
    is_there(&keys, "b").await.unwrap();
    assert_eq!(shelf.reads(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_unknown_keys_costs_one_read_an_interval() {
    let shelf = Shelf::with(&[signer("a").jwk()]);
    let runtime = runtime();
    let keys = Keys::new(shelf.clone(), REFRESH, runtime.clone());
    is_there(&keys, "a").await.unwrap();
    for round in 1..=3 {
        seconds(1).await;
        let names: Vec<_> = (0..500).map(|number| format!("{round}-{number}")).collect();
        let answers = join_all(names.iter().map(|kid| is_there(&keys, kid))).await;
        assert!(answers.iter().all(|answer| *answer == unknown()), "{answers:?}");
        assert_eq!(shelf.reads(), 1 + round);
        assert_eq!(runtime.monotonic(), REFRESH.least * u32::try_from(round).unwrap());
    }
    // No name, no read: it can't be that of a new key.
    keys.find(Algorithm::ES256, None).await.unwrap_err();
    assert_eq!(shelf.reads(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_may_be_of_a_newer_key_is_not_called_invalid() {
    let (a, b) = (signer("a"), signer("b"));
    let shelf = Shelf::with(&[a.jwk()]);
    let slow = Refresh { least: Duration::from_secs(60), ..REFRESH };
    let keys = Keys::new(shelf.clone(), slow, runtime());
    is_there(&keys, "a").await.unwrap();
    shelf.put(&[b.jwk()]);
    seconds(1).await;
    // The keys may be read again only long from now.
    assert_eq!(is_there(&keys, "b").await, Err(Refusal::KeysAway));
    shelf.take_away();
    seconds(59).await;
    assert_eq!(is_there(&keys, "b").await, Err(Refusal::KeysAway));
}

#[tokio::test(start_paused = true)]
async fn only_so_many_wait_for_unknown_keys() {
    let shelf = Shelf::with(&[signer("a").jwk()]);
    let keys = Keys::new(shelf.clone(), REFRESH, runtime());
    is_there(&keys, "a").await.unwrap();
    seconds(1).await;
    let answers = join_all((0..=limits::UNKNOWN_KEY_WAITING_MAX).map(|_| is_there(&keys, "b"))).await;
    assert_eq!(answers.iter().filter(|answer| **answer == Err(Refusal::KeysAway)).count(), 1);
    assert_eq!(answers.iter().filter(|answer| **answer == unknown()).count(), limits::UNKNOWN_KEY_WAITING_MAX);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_left_the_set_counts_no_longer_than_until_the_next_read() {
    let (a, b) = (signer("a"), signer("b"));
    let shelf = Shelf::with(&[a.jwk()]);
    let keys = Keys::new(shelf.clone(), REFRESH, runtime());
    is_there(&keys, "a").await.unwrap();
    shelf.put(&[b.jwk()]);
    // Nobody asked meanwhile: the first who does must not find the old key.
    seconds(100).await;
    assert_ne!(is_there(&keys, "a").await, Ok(()));
    is_there(&keys, "b").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn keys_are_read_again_in_the_background_before_they_are_old() {
    let (a, b) = (signer("a"), signer("b"));
    let shelf = Shelf::with(&[a.jwk()]);
    let keys = Keys::new(shelf.clone(), REFRESH, runtime());
    is_there(&keys, "a").await.unwrap();
    shelf.put(&[b.jwk()]);
    seconds(74).await;
    is_there(&keys, "a").await.unwrap();
    assert_eq!(shelf.reads(), 1);
    seconds(1).await;
    assert!(keys.find(Algorithm::EdDSA, Some("a")).now_or_never().unwrap().is_ok());
    tokio::task::yield_now().await;
    assert_eq!(shelf.reads(), 2);
    assert!(keys.find(Algorithm::EdDSA, Some("b")).now_or_never().unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_last_keys_go_on_counting_while_the_source_is_away_and_one_warning_tells() {
    let warnings = Warnings::default();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(warnings.clone()));
    let a = signer("a");
    let shelf = Shelf::with(&[a.jwk()]);
    let keys = Keys::new(shelf.clone(), REFRESH, runtime());
    is_there(&keys, "a").await.unwrap();
    for outage in 1..=2 {
        for damage in [None, Some("<html>")] {
            shelf.take_away();
            damage.inspect(|text| shelf.put_text(text));
            for _ in 0..5 {
                seconds(100).await;
                is_there(&keys, "a").await.unwrap();
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(*warnings.0.lock(), outage);
        shelf.put(&[a.jwk()]);
        seconds(100).await;
        is_there(&keys, "a").await.unwrap();
        tokio::task::yield_now().await;
        is_there(&keys, "a").await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_never_answers_is_away() {
    let shelf = Shelf::with(&[signer("a").jwk()]);
    let runtime = runtime();
    let keys = Keys::new(shelf.clone(), REFRESH, runtime.clone());
    shelf.hold(true);
    assert_eq!(is_there(&keys, "a").await, Err(Refusal::KeysAway));
    assert_eq!(runtime.monotonic(), limits::JWKS_PATIENCE);
    // Not asked again at once, and then it answers.
    assert_eq!(is_there(&keys, "a").await, Err(Refusal::KeysAway));
    assert_eq!(shelf.reads(), 1);
    shelf.hold(false);
    seconds(5).await;
    is_there(&keys, "a").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_source_that_is_known_to_be_away() {
    let shelf = Shelf::with(&[signer("a").jwk()]);
    let keys = Keys::new(shelf.clone(), REFRESH, runtime());
    is_there(&keys, "a").await.unwrap();
    shelf.hold(true);
    seconds(100).await;
    // The first waits until it is known.
    is_there(&keys, "a").await.unwrap();
    seconds(100).await;
    assert!(keys.find(Algorithm::EdDSA, Some("a")).now_or_never().unwrap().is_ok());
    tokio::task::yield_now().await;
    assert_eq!(shelf.reads(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_read_goes_on_when_who_waits_for_it_goes_away() {
    let shelf = Shelf::with(&[signer("a").jwk()]);
    let keys = Keys::new(shelf.clone(), REFRESH, runtime());
    shelf.hold(true);
    assert!(is_there(&keys, "a").now_or_never().is_none());
    shelf.hold(false);
    is_there(&keys, "a").await.unwrap();
    assert_eq!(shelf.reads(), 1);
}

/// Counts warnings.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<usize>>);

impl<S: tracing::Subscriber> Layer<S> for Warnings {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        if *event.metadata().level() == tracing::Level::WARN {
            *self.0.lock() += 1;
        }
    }
}
