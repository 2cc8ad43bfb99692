//! The load generator beside a real server: what it reports, and that it fails when something is wrong.

use anyhow::{Context, ensure};
use chasqui_tests::process::{self, Server, Setup};
use serde_json::Value;

/// What a load asks for is more than users may do.
const NO_LIMITS: &[&str] = &["limits.sends_per_second=0", "limits.frames_per_second=0"];

/// Puts load on the server at this address; gives the report.
async fn load(address: &str, arguments: &[&str]) -> anyhow::Result<Value> {
    let (url, mut all) = (format!("http://{address}"), vec!["load".to_owned()]);
    all.extend(arguments.iter().map(|&argument| argument.to_owned()));
    all.extend(["--json".to_owned(), "--url".to_owned(), url]);
    let run = move || process::run(&all.iter().map(String::as_str).collect::<Vec<_>>());
    Ok(serde_json::from_str(&tokio::task::spawn_blocking(run).await??)?)
}

fn number(report: &Value, pointer: &str) -> anyhow::Result<f64> {
    report.pointer(pointer).and_then(Value::as_f64).with_context(|| format!("no number at {pointer} in {report}"))
}

/// Of so many sorts of faults there is none.
fn has_no_fault(report: &Value, sorts: usize) -> anyhow::Result<()> {
    let faults = report.get("faults").and_then(Value::as_object).context("no faults")?;
    ensure!(faults.len() == sorts && faults.values().all(|count| count == 0), "{faults:?}");
    Ok(())
}

#[tokio::test]
async fn pairs_exchange_messages_and_all_of_them_come() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut server = Server::start(&Setup::new(folder.path(), NO_LIMITS), None)?;
    let address = server.ready().await?;
    let short = ["--pairs", "6", "--warm-up", "100ms", "--time", "500ms"];
    for (sort, is_read) in
        [(&["chat"][..], true), (&["chat", "--window", "16"], false), (&["rate", "--per-second", "200"], true)]
    {
        let read: &[&str] = if is_read { &["--read"] } else { &[] };
        let report = load(&address, &[sort, &short, read].concat()).await?;
        has_no_fault(&report, 7)?;
        ensure!(number(&report, "/receipted/count")? > 0.0, "{report}");
        ensure!(report.get("read").is_some() == is_read, "{report}");
        for stage in ["sent", "received", "delivered"] {
            let (p50, max) = (format!("/{stage}_after/p50_ms"), format!("/{stage}_after/max_ms"));
            ensure!(number(&report, &p50)? <= number(&report, &max)?, "{report}");
        }
        // Found by itself, since it listens on this machine.
        ensure!(number(&report, "/processors/servers/0/resident_kib")? > 0.0, "{report}");
    }
    let report = load(&address, &["idle", "--sessions", "40", "--settle", "100ms"]).await?;
    ensure!(number(&report, "/resident_kib_per_session")? < 1e6, "{report}");
    server.complaints()
}

#[tokio::test]
async fn all_who_are_online_get_what_is_written_to_their_groups() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut server = Server::start(&Setup::new(folder.path(), NO_LIMITS), None)?;
    let address = server.ready().await?;
    let short = ["group", "--groups", "2", "--members", "6", "--warm-up", "100ms", "--time", "500ms"];
    for (pace, receipts, is_said) in
        [(&[][..], "delivered", true), (&["--window", "8"], "read", true), (&["--per-second", "100"], "none", false)]
    {
        let report = load(&address, &[&short, pace, &["--receipts", receipts]].concat()).await?;
        has_no_fault(&report, 8)?;
        let (messages, deliveries) = (number(&report, "/messages/count")?, number(&report, "/deliveries/count")?);
        ensure!(messages > 0.0 && deliveries > 0.0, "{report}");
        for stage in ["sent", "received", "received_by_all"] {
            let (p50, max) = (format!("/{stage}_after/p50_ms"), format!("/{stage}_after/max_ms"));
            ensure!(number(&report, &p50)? <= number(&report, &max)?, "{report}");
        }
        ensure!((number(&report, "/counts/bytes_in_250_ms_max")? > 0.0) == is_said, "{report}");
        // A command for the message, and one for what each of five says at most twice.
        let commands = number(&report, "/records/commands_per_message")?;
        ensure!(if is_said { (1.0..=11.0).contains(&commands) } else { commands == 1.0 }, "{report}");
        // What happened has a record and a row; what says no more than what was said before is nothing that happened.
        let events = number(&report, "/records/events_per_message")?;
        ensure!(if is_said { (1.0..=commands).contains(&events) } else { events == 1.0 }, "{report}");
        ensure!(number(&report, "/records/rows_by_table/events")? == events, "{report}");
        for what in ["inbox_per_message", "gateway_per_message", "rows_by_table/members", "rows_by_table/checkpoints"] {
            ensure!(number(&report, &format!("/records/{what}"))? > 0.0, "{what}: {report}");
        }
        // The message in each member's inbox; receipts have no rows.
        ensure!(number(&report, "/records/rows_by_table/inbox")? == 6.0, "{report}");
        let tables = report.pointer("/records/rows_by_table").and_then(Value::as_object).context("no tables")?;
        let rows: f64 = tables.values().filter_map(Value::as_f64).sum();
        ensure!((number(&report, "/records/rows_per_message")? - rows).abs() < 1e-6, "{report}");
        ensure!(report.pointer("/records/statements_per_message").is_some_and(Value::is_null), "{report}");
    }
    server.complaints()
}

/// Members who are not online get nothing, and no author is told that they did.
#[tokio::test]
async fn groups_may_have_hardly_anybody_online() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut server = Server::start(&Setup::new(folder.path(), NO_LIMITS), None)?;
    let address = server.ready().await?;
    let short = ["group", "--members", "30", "--warm-up", "0s", "--time", "300ms", "--online"];
    let report = load(&address, &[&short[..], &["3"]].concat()).await?;
    has_no_fault(&report, 8)?;
    ensure!(number(&report, "/deliveries/count")? > 0.0, "{report}");
    let report = load(&address, &[&short[..], &["none"]].concat()).await?;
    has_no_fault(&report, 8)?;
    ensure!(number(&report, "/messages/count")? > 0.0 && number(&report, "/deliveries/count")? == 0.0, "{report}");
    ensure!(report.get("received_after").is_some_and(Value::is_null), "{report}");
    server.complaints()
}

/// A server closes sessions that give no sign of life.
#[tokio::test]
async fn sessions_that_do_nothing_answer_pings() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let setup = Setup::new(folder.path(), &["gateway.ping_ms=200", "gateway.idle_ms=600"]);
    let mut server = Server::start(&setup, None)?;
    let address = server.ready().await?;
    let report = load(&address, &["idle", "--sessions", "5", "--settle", "1s", "--watch", "1s"]).await?;
    ensure!(number(&report, "/sessions")? == 5.0, "{report}");
    server.complaints()
}

/// Each of these would be a panic somewhere, or a load that never ends.
#[tokio::test]
async fn what_cannot_be_done_is_refused() -> anyhow::Result<()> {
    for (arguments, why) in [
        (&["rate", "--per-second", "inf"][..], "the rate must be"),
        (&["rate", "--per-second", "nan"], "the rate must be"),
        (&["rate", "--per-second", "0"], "the rate must be"),
        (&["chat", "--time", "1000years"], "nothing may take"),
        (&["chat", "--pairs", "0"], "there must be"),
        (&["chat", "--pairs", "99999999999"], "there must be"),
        (&["chat", "--text-bytes", "3"], "a text must have"),
        (&["idle", "--sessions", "0"], "there must be"),
        (&["storm", "--per-second", "inf"], "the rate must be"),
        (&["group", "--members", "1"], "a group must have"),
        (&["group", "--members", "1025"], "a group must have"),
        (&["group", "--groups", "0"], "there must be"),
        (&["group", "--groups", "99999999999999999"], "there must be"),
        (&["group", "--online", "10"], "no more members"),
        (&["group", "--online", "some"], "is not all, none, or a number"),
        (&["group", "--per-second", "nan"], "the rate must be"),
        (&["group", "--window", "0"], "a window must"),
        (&["group", "--window", "2", "--per-second", "3"], "cannot be used with"),
        (&["storm", "--writers", "0"], "there must be"),
    ] {
        let refused = load("127.0.0.1:9", arguments).await.err().context("it was taken")?;
        ensure!(format!("{refused:#}").contains(why), "{arguments:?}: {refused:#}");
    }
    Ok(())
}

/// More come back at once than may log in: each is told its turn, and all have what they missed.
#[tokio::test]
async fn after_a_storm_all_are_back_with_what_they_missed() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let bounded = [NO_LIMITS, &["limits.chats_opened_per_hour=0", "limits.logins_per_second=10"]].concat();
    let mut server = Server::start(&Setup::new(folder.path(), &bounded), None)?;
    let address = server.ready().await?;
    let storm = ["storm", "--sessions", "40", "--writers", "2", "--at-once", "8", "--calm", "200ms"];
    let report = load(&address, &storm).await?;
    has_no_fault(&report, 10)?;
    ensure!(number(&report, "/caught_up")? == 40.0 && number(&report, "/caught_up_after/count")? == 40.0, "{report}");
    ensure!(number(&report, "/told_to_come_back/too_many_logins")? > 0.0, "nobody was told to come back: {report}");
    server.stop().await
}

#[tokio::test]
async fn it_fails_when_the_server_refuses_or_goes() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut server = Server::start(&Setup::new(folder.path(), &["limits.sends_per_second=1"]), None)?;
    let address = server.ready().await?;
    let refused =
        load(&address, &["chat", "--pairs", "1", "--time", "10s"]).await.err().context("it was not refused")?;
    ensure!(format!("{refused:#}").contains("limits.sends_per_second=0"), "{refused:#}");
    drop(server);
    let gone = load(&address, &["chat", "--pairs", "1"]).await.err().context("nobody is there")?;
    ensure!(format!("{gone:#}").contains("is a server running there?"), "{gone:#}");
    Ok(())
}

/// Whatever a server keeps back is missing in the report, and the command fails.
#[tokio::test]
async fn it_fails_when_something_is_missing() -> anyhow::Result<()> {
    for exchange in [["chat", "--pairs", "2"], ["group", "--members", "4"]] {
        let folder = tempfile::tempdir()?;
        // From its thirtieth batch on the router stands still, and says of nothing that it is there.
        let setup = Setup {
            failpoints: Some("router::after_rows=29*off->pause".to_owned()),
            ..Setup::new(folder.path(), NO_LIMITS)
        };
        let mut server = Server::start(&setup, None)?;
        let address = server.ready().await?;
        let short = ["--warm-up", "0s", "--time", "1s", "--patience", "1s"];
        let missing = load(&address, &[&exchange[..], &short].concat()).await.err().context("nothing was missing")?;
        ensure!(format!("{missing:#}").contains("something was wrong"), "{missing:#}");
    }
    Ok(())
}
