//! Clients that mean harm, or are broken: each gets the answer that the protocol has for it, and two honest people chat
//! on meanwhile and afterwards. One process with a cap on its memory has to survive the whole list.

#![allow(clippy::print_stderr, reason = "how much memory was needed is worth seeing")]

mod addresses;
mod answers;
mod floods;
mod frames;
mod handshakes;
mod identity;
mod pair;
mod siege;
mod socket;
mod tokens;

use anyhow::{Context, ensure};
use chasqui_tests::{
    process::{Server, Setup},
    wait::within,
};
use futures::future::BoxFuture;

use siege::Siege;

/// What the process may have of memory that it writes to: heap, stacks and buffers. It has 181 MiB at the end of the
/// list on two processors, most of it in `floods::never_reads`, of which 64 MiB are the log's cache; 256 are enough
/// there. More processors need more, since each has a thread, and each thread of the allocator keeps some of its own.
const MEMORY_BYTES_MAX: u64 = 320 << 20;

const OPTIONS: &[&str] = &[
    // So that what ends by time does so soon.
    "gateway.hello_ms=1000",
    "gateway.idle_ms=8000",
    "gateway.ping_ms=2000",
    "gateway.unauthenticated_max=200",
    "gateway.sessions_per_user_max=5",
    "store.cache_bytes=8388608",
];

type Attack = (&'static str, for<'a> fn(&'a Siege) -> BoxFuture<'a, anyhow::Result<()>>);

macro_rules! attacks {
    ($($module:ident :: $name:ident),* $(,)?) => {
        &[$((concat!(stringify!($module), "::", stringify!($name)), |siege| Box::pin($module::$name(siege)))),*]
    };
}

const ATTACKS: &[Attack] = attacks![
    frames::what_is_no_frame,
    frames::what_is_no_message,
    frames::binary,
    frames::too_long,
    frames::fragments,
    frames::broken_text,
    frames::broken_transport,
    frames::out_of_turn,
    identity::bad_tokens,
    identity::chats_of_others,
    identity::beyond_the_end,
    identity::cursors_of_others,
    handshakes::drawn_out,
    handshakes::garbage,
    handshakes::wrong_questions,
    handshakes::compression,
    floods::tiny_frames,
    floods::messages,
    floods::messages_in_step,
    floods::questions,
    floods::connects_again_and_again,
    floods::never_says_who,
    floods::never_reads,
    floods::asks_without_reading,
];

#[tokio::test(flavor = "multi_thread")]
async fn honest_people_chat_on_under_every_attack() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let setup = Setup { memory_bytes_max: Some(MEMORY_BYTES_MAX), ..Setup::new(folder.path(), OPTIONS) };
    let mut server = Server::start(&setup, None)?;
    let siege = Siege::new(server.ready().await?).await?;
    // To look at some of them by themselves.
    let only = std::env::var("CHASQUI_ATTACKS").unwrap_or_default();
    for (name, attack) in ATTACKS.iter().filter(|(name, _)| name.contains(&only)) {
        let before = siege.pair.exchanged();
        let during = async {
            within(name, attack(&siege)).await??;
            // One that began behind the attack.
            siege.pair.until_exchanged(siege.pair.exchanged() + 2).await
        };
        during.await.with_context(|| format!("{name}\n{}", server.tail()))?;
        ensure!(siege.pair.exchanged() > before, "nobody talked during {name}");
        eprintln!("{name}: {} MiB of memory", server.memory_bytes()? >> 20);
    }
    siege.pair.stop().await?;
    server.stop().await
}
