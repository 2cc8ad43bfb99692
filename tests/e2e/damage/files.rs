//! Each kind of file of a data folder, damaged in each way.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, bail, ensure};
use chasqui_tests::process::{Server, Setup};
use futures::{StreamExt, stream};

use crate::{
    base::{Base, Has, How, SETTINGS},
    cases::{self, Damage},
};

/// How many servers run at once.
const AT_ONCE: usize = 3;

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Lock,
    LogId,
    FirstSegment,
    SealedSegment,
    LastSegment,
    Index,
    Rows,
    Keys,
}

/// What comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comes {
    /// The server ends, with a message that names the file.
    Refused,
    /// It serves.
    Serves(Has),
}

use Comes::{Refused, Serves};

const ALL: Comes = Serves(Has::All);

/// What may come of it.
fn expected(how: How, kind: Kind, damage: Damage) -> &'static [Comes] {
    let is_flipped_inside = matches!(damage, Damage::Flipped(1..));
    match (kind, damage) {
        // Who can't take the lock can't know that nobody else is there.
        (Kind::Lock, Damage::Locked) => &[Refused],
        // Nothing is in the one, and the other is made again.
        (Kind::Lock | Kind::Index, _) => &[ALL],
        (Kind::LogId, _) => &[Refused],
        // Old segments are removed by retention, so a log may begin anywhere. If all in it was done, nothing is missing.
        (Kind::FirstSegment, Damage::Removed) if how == How::Stopped => &[ALL],
        // Sealed segments are checked where they are read, and after a stop hardly anything is.
        (Kind::FirstSegment | Kind::SealedSegment, _) if is_flipped_inside => &[Refused, ALL],
        (Kind::FirstSegment | Kind::SealedSegment, _) => &[Refused],
        // The last commit can't be told from one that a crash tore before it was confirmed, and is cut. What follows
        // from commands is made again; the commands themselves lie further in front.
        (Kind::LastSegment, Damage::Shortened | Damage::Flipped(100)) => &[ALL],
        // Nor can more than one commit, when nothing of them is left. The store tells, if it has seen more of the log
        // when it was flushed last, at the latest a flush interval ago. Here it has not, and the messages are gone.
        (Kind::LastSegment, Damage::Halved | Damage::Removed) if how == How::Killed => &[Serves(Has::Beginnings)],
        (Kind::LastSegment, _) => &[Refused],
        // A page is checked when it is read: the server then ends a life, or answers with an error.
        (Kind::Rows, _) if is_flipped_inside => &[ALL, Refused, Serves(Has::Errors)],
        (Kind::Rows, _) => &[Refused],
        // The last keys can't be told from ones that were torn before they were answered: then what they seal stays
        // closed, which the log lines say, and the chat goes on under another key.
        (Kind::Keys, Damage::Halved | Damage::Shortened | Damage::Flipped(100)) => &[Serves(Has::Envelopes)],
        (Kind::Keys, _) => &[Refused],
    }
}

/// One file of each kind.
fn files(data: &Path) -> anyhow::Result<BTreeMap<Kind, String>> {
    let named = |folder: &str, end: &str| -> anyhow::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(data.join(folder))? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.retain(|name| name.ends_with(end));
        names.sort_unstable();
        Ok(names.iter().map(|name| format!("{folder}/{name}")).collect())
    };
    let segments = named("log", ".segment")?;
    let [first, sealed, .., last] = &segments[..] else { bail!("not enough segments: {segments:?}") };
    let index = named("log", ".index")?.pop().context("an index")?;
    Ok(BTreeMap::from([
        (Kind::Lock, "lock".to_owned()),
        (Kind::LogId, "log/log.json".to_owned()),
        (Kind::FirstSegment, first.clone()),
        (Kind::SealedSegment, sealed.clone()),
        (Kind::LastSegment, last.clone()),
        (Kind::Index, index),
        (Kind::Rows, "store/store.redb".to_owned()),
        (Kind::Keys, "store/keys.slots".to_owned()),
    ]))
}

/// What comes of a damage; none where it changes nothing.
async fn comes(base: &Base, file: &str, damage: Damage) -> anyhow::Result<Option<Comes>> {
    let copy = base.copy()?;
    let data = copy.path().join("data");
    if !damage.apply(&data.join(file))? {
        return Ok(None);
    }
    let setup = Setup::new(copy.path(), SETTINGS);
    let mut server = Server::start(&setup, None)?;
    let Some(address) = server.ready_or_over().await? else {
        server.refused().await?;
        check_message(&setup.stderr()?, file, damage)?;
        return Ok(Some(Refused));
    };
    let has = base.ask(&address).await;
    server.kill().await?;
    let stderr = setup.stderr()?;
    ensure!(!stderr.contains("panicked"), "{stderr}");
    let has = has.with_context(|| stderr.clone())?;
    let said = match has {
        Has::All | Has::Beginnings => "",
        Has::Envelopes => "a body can't be opened",
        Has::Errors => "damaged",
    };
    ensure!(stderr.contains(said), "nothing was said of it: {stderr}");
    Ok(Some(Serves(has)))
}

/// The last line says what is wrong, with which file, and what to do.
fn check_message(stderr: &str, file: &str, damage: Damage) -> anyhow::Result<()> {
    ensure!(!stderr.contains("panicked"), "{stderr}");
    let last = stderr.lines().last().unwrap_or_default();
    // What is missing shows by what is there: the next file, or where the store goes on.
    let is_missing = file.ends_with(".segment") && matches!(damage, Damage::Removed | Damage::Halved);
    let named = if is_missing { "/log" } else { file };
    let advice = if damage == Damage::Locked { "Permission denied" } else { "restore" };
    // The lock is of the whole folder, which is what the message names.
    let named = if file == "lock" { "the data folder" } else { named };
    let is_clear = last.starts_with("error: ") && last.contains(named) && last.contains(advice);
    ensure!(is_clear, "this doesn't say what is wrong with {file} and what to do: {last}");
    Ok(())
}

async fn damage_all(how: How) -> anyhow::Result<()> {
    let base = &Base::new(how).await?;
    let files = files(&base.data())?;
    let cases = files.iter().flat_map(|(kind, file)| cases::ALL.iter().map(move |damage| (*kind, file, *damage)));
    let wrong: Vec<Option<String>> = stream::iter(cases)
        .map(|(kind, file, damage)| async move {
            let expected = expected(how, kind, damage);
            match comes(base, file, damage).await {
                Ok(None) => None,
                Ok(Some(came)) if expected.contains(&came) => None,
                other => Some(format!("{file} {damage:?}: {expected:?} expected, and {other:#?} came")),
            }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_damaged_after_a_stop() -> anyhow::Result<()> {
    damage_all(How::Stopped).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_damaged_after_a_kill() -> anyhow::Result<()> {
    damage_all(How::Killed).await
}
