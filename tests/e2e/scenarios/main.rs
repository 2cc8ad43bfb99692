//! Runs the files in `tests/scenarios` with the client library against the real binary: as one process, and as two
//! processes of each role on Kafka and CQL. `CHASQUI_SCENARIO` names one of them.

mod asked;
mod check;
mod format;
mod groups;
mod log;
mod names;
mod player;
mod run;
mod seen;
mod world;

use std::{env, fs, path::Path};

use anyhow::{Context, ensure};
use chasqui_tests::{
    folder::Folder,
    infra::{Own, unused_name},
    process,
    servers::Place,
};
use futures::{StreamExt, stream};

use format::Source;

/// So many files at once.
const AT_ONCE: usize = 4;

/// The variable that names the file to run alone, without its ending.
const ONE_VARIABLE: &str = "CHASQUI_SCENARIO";

/// Runs a scenario in a folder of its own, which stays when it fails.
async fn tell(place: Place, source: &Source) -> anyhow::Result<()> {
    let folder = Folder::new("scenario")?;
    let kept = format!("the files are kept in {}", folder.path().display());
    run::run(place, &[], source, folder.path()).await.context(kept)?;
    folder.remove()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_scenario_goes_as_it_is_written() -> anyhow::Result<()> {
    all(Place::Alone).await
}

/// Those who write to each other are at two gateways.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_scenario_goes_so_on_kafka_and_cql() -> anyhow::Result<()> {
    all(Place::Cluster).await
}

/// Every broker and every node has all of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scenario_goes_so_on_three_brokers_and_three_nodes() -> anyhow::Result<()> {
    let own = Own::none();
    one_to_one(&own.three_of_each()?).await
}

/// Roles let in by a password over TLS do all that they do elsewhere; nobody else is let in, and whoever isn't is told why.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scenario_goes_so_where_brokers_ask_for_tls_and_a_password() -> anyhow::Result<()> {
    let own = Own::none();
    let (address, properties) = own.secure_broker()?;
    let options = |properties: &Path| {
        vec![format!("kafka.bootstrap={address}"), format!("kafka.properties_file={}", properties.display())]
    };
    one_to_one(&options(&properties)).await?;

    let (folder, right) = (Folder::new("login")?, fs::read_to_string(&properties)?);
    let other_password = right.lines().map(|line| match line.strip_prefix("sasl.password=") {
        Some(_) => "sasl.password=of-somebody-else",
        None => line,
    });
    let trusts_nobody_else = right.lines().filter(|line| !line.starts_with("ssl.ca.location="));
    for (lines, why) in [
        (other_password.collect::<Vec<_>>(), "Authentication failed"),
        (trusts_nobody_else.collect(), "certificate verify failed"),
        (Vec::new(), "Disconnected"),
    ] {
        let wrong = folder.path().join("wrong.properties");
        fs::write(&wrong, lines.join("\n"))?;
        let mut options = options(&wrong);
        options.extend(["kafka.replication=1", "kafka.min_insync_replicas=1"].map(str::to_owned));
        options.push(format!("kafka.prefix={}", unused_name("nobody")));
        let set = options.iter().flat_map(|option| ["--set", option]);
        let Err(error) = process::run(&["topics", "apply"].into_iter().chain(set).collect::<Vec<_>>()) else {
            anyhow::bail!("topics were made: {lines:?}")
        };
        let error = format!("{error:#}");
        ensure!(error.contains(why) && !error.contains("of-somebody-else"), "it says nothing of {why:?}: {error}");
    }
    drop(own);
    folder.remove()
}

async fn one_to_one(options: &[String]) -> anyhow::Result<()> {
    let folder = Folder::new("own")?;
    let name = "one_to_one.toml";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name);
    let source = Source::parse(name, &fs::read_to_string(path)?)?;
    let kept = format!("the files are kept in {}", folder.path().display());
    run::run(Place::Cluster, options, &source, folder.path()).await.context(kept)?;
    folder.remove()
}

async fn all(place: Place) -> anyhow::Result<()> {
    let mut sources = Vec::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios"))? {
        let path = entry?.path();
        let is_wanted = env::var_os(ONE_VARIABLE).is_none_or(|one| path.file_stem() == Some(&one));
        if is_wanted && path.extension().is_some_and(|ending| ending == "toml") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            sources.push(Source::parse(&name, &fs::read_to_string(&path)?)?);
        }
    }
    ensure!(!sources.is_empty(), "there are no scenarios");
    let told = stream::iter(&sources).map(|source| tell(place, source)).buffer_unordered(AT_ONCE);
    let failed: Vec<String> =
        told.filter_map(async |told| told.err().map(|error| format!("{error:#}"))).collect().await;
    ensure!(failed.is_empty(), "{} of {}:\n{}", failed.len(), sources.len(), failed.join("\n"));
    Ok(())
}

const HEAD: &str = r#"
about = "Somebody writes."
devices = ["alice/phone", "bob/phone"]
steps = [
    { do = "connect", device = "alice/phone" },
    { do = "see", device = "alice/phone", updates = [
        { is = "connected", resumed = false, not_resumed = "no_cursor" }, { is = "caught_up" },
    ] },
"#;

/// What they may do first.
const SEND: &str = r#"{ do = "send", device = "alice/phone", to = "bob", as = "m", text = "hi" },"#;

/// Or this.
const MAKE: &str =
    r##"{ do = "create", device = "alice/phone", as = "#team", members = ["bob"], title = "Team", picture = "p" },"##;
const MADE: &str = r##"{ do = "see", device = "alice/phone", updates = [{ is = "done", of = "#team" }] },"##;
const CHANGE: &str = r##"{ do = "change", device = "alice/phone", with = "#team", as = "rename"CHANGE },"##;
const CHANGED: &str = r##"{ do = "see", device = "alice/phone", updates = [
    { is = "changed", with = "#team", by = "bob"CHANGE }] },"##;

/// A file that goes on with these steps, from line 9 on.
fn file(steps: &str) -> String {
    format!("{HEAD}{steps}\n]\n")
}

#[test]
fn what_the_format_does_not_define_is_an_error_with_its_line() {
    for (steps, line) in [
        (r#"{ do = "dance", device = "alice/phone" },"#, 9),
        (r#"{ do = "connect", device = "bob/phone", curser = "x" },"#, 9),
        (r#"{ do = "read", device = "alice/phone", with = "bob" },"#, 9),
        ("\n{ do = \"connect\", device = \"carol/phone\" },", 10),
        (r#"{ do = "see", device = "alice/phone", updates = [{ is = "sent", of = "m", seq = 1 }] },"#, 9),
        ("\n\n{ do = \"see\", device = \"alice/phone\", updates = [{ is = \"mesage\", seq = 1 }] },", 11),
        (r#"{ do = "send", device = "alice/phone", to = "bob", as = "m" },"#, 9),
        (r#"{ do = "history", user = "bob", with = "alice" },"#, 9),
        (r#"{ do = "history", user = "bob", with = "alice", before = 2, after = 1, messages = [] },"#, 9),
        (r#"{ do = "history", user = "bob", with = "alice", since_of = "m", messages = [] },"#, 9),
        (&format!("{SEND}\n{{ do = \"later\", than = \"m\" }},"), 10),
        (r#"{ do = "connect", device = "bob/phone", write_to = "carol" },"#, 9),
        (r#"{ do = "receipts", user = "bob", with = "alice" },"#, 9),
        (r#"{ do = "has", user = "bob", with = "alice", seq = 1, members = [], fails = "banned" },"#, 9),
        (r#"{ do = "devices", user = "bob", devices = [{ name = "phone" }] },"#, 9),
        (r##"{ do = "send", device = "alice/phone", to = "#team", as = "m", text = "hi" },"##, 9),
        (r#"{ do = "create", device = "alice/phone", as = "team", members = [], title = "Team" },"#, 9),
        (&format!("{MAKE}\n{MAKE}"), 10),
        (&format!("{MAKE}\n{{ do = \"members\", user = \"bob\", with = \"#team\", members = [] }},"), 10),
        (&format!("{MAKE}\n{MADE}\n{{ do = \"members\", user = \"bob\", with = \"#team\" }},"), 11),
        (&format!("{MAKE}\n{MADE}\n{}", CHANGE.replace("CHANGE", "")), 11),
        (&format!("{MAKE}\n{MADE}\n{}", CHANGE.replace("CHANGE", r#", leave = true, title = "T""#)), 11),
        (&format!("{MAKE}\n{MADE}\n{}", CHANGE.replace("#team", "bob").replace("CHANGE", ", leave = true")), 11),
        (&format!("{MAKE}\n{MADE}\n{}", MADE.replace("#team", "rename")), 11),
        (&format!("{MAKE}\n{MADE}\n{}", CHANGED.replace("CHANGE", "")), 11),
        (&format!("{MAKE}\n{MADE}\n{}", CHANGED.replace("#team", "#teem").replace("CHANGE", ", leave = true")), 11),
    ] {
        let Err(error) = Source::parse("x.toml", &file(steps)) else { panic!("it was taken: {steps}") };
        assert!(error.to_string().contains(&format!("line {line}")), "{steps}: {error}");
    }
    let more = format!("colour = 1\n{}", file(""));
    assert!(Source::parse("x.toml", &more).unwrap_err().to_string().contains("line 1"));
}

/// What nobody is answered behind the first message.
const WRONG_ANSWERS: &[&str] = &[
    r#"{ do = "chats", user = "bob", chats = [] }"#,
    r#"{ do = "chats", user = "bob", limit = 1, chats = [{ with = "alice", last_seq = 1, unread = 0 }] }"#,
    r#"{ do = "history", user = "bob", with = "alice", messages = [{ seq = 1, text = "ho" }] }"#,
    r#"{ do = "history", user = "bob", with = "alice", until_of = "m", messages = [{ seq = 1 }] }"#,
    r#"{ do = "history", user = "bob", with = "alice", fails = "not_a_member" }"#,
    r#"{ do = "put_read", user = "bob", with = "alice", seq = 2 }"#,
    r#"{ do = "put_read", user = "bob", with = "alice", seq = 1, fails = "seq_ahead" }"#,
    r#"{ do = "receipts", user = "bob", with = "alice", members = [{ user = "bob", delivered = 0, read = 0 }] }"#,
    r#"{ do = "has", user = "bob", with = "alice", seq = 1, members = [] }"#,
];

/// What nobody is answered behind the first group.
const WRONG_OF_GROUPS: &[&str] = &[
    r##"{ do = "members", user = "bob", with = "#team", members = [{ user = "alice", role = "owner" }] }"##,
    r##"{ do = "members", user = "bob", with = "#team", fails = "not_a_member" }"##,
    r##"{ do = "members", user = "carol", with = "#team", members = [] }"##,
    r##"{ do = "changes", user = "bob", with = "#team", changes = [] }"##,
    r##"{ do = "changes", user = "bob", with = "#team", changes = [{ by = "alice", created = ["alice", "bob"], title = "Team" }] }"##,
    r##"{ do = "chats", user = "bob", chats = [{ with = "#team", last_seq = 0, unread = 0, role = "owner" }] }"##,
    r##"{ do = "chats", user = "bob", chats = [{ with = "alice", last_seq = 0, unread = 0 }] }"##,
    r##"{ do = "receipts", user = "bob", with = "#team", members = [{ user = "bob", delivered = 0, read = 0 }] }"##,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scenario_that_goes_otherwise_fails_where_it_does() -> anyhow::Result<()> {
    const SENT: &str = r#"{ do = "see", device = "alice/phone", updates = [{ is = "sent", of = "m", seq = 1 }] },"#;
    let mut cases = vec![
        (format!("{SEND}\n{}", SENT.replace("seq = 1", "seq = 2")), "line 10"),
        // Something that nobody asked for.
        (SEND.to_owned(), "at the end"),
    ];
    cases.extend(WRONG_ANSWERS.iter().map(|step| (format!("{SEND}\n{SENT}\n{step},"), "line 11")));
    cases.extend([
        (format!("{MAKE}\n{}", MADE.replace("#team\"", "#team\", repeated = true")), "line 10"),
        (MAKE.to_owned(), "at the end"),
    ]);
    cases.extend(WRONG_OF_GROUPS.iter().map(|step| (format!("{MAKE}\n{MADE}\n{step},"), "line 11")));
    let told = cases.iter().map(async |(steps, place)| {
        let folder = Folder::new("scenario")?;
        let source = Source::parse("x.toml", &file(steps))?;
        let Err(error) = run::run(Place::Alone, &[], &source, folder.path()).await else {
            anyhow::bail!("it passed: {steps}")
        };
        ensure!(format!("{error:#}").contains(place), "{steps}: {error:#}");
        folder.remove()
    });
    futures::future::try_join_all(told).await.map(drop)
}
