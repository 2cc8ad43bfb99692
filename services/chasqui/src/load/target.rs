//! Where a load goes, and what is watched there.

use std::{
    io::{IsTerminal, Write, stderr, stdout},
    str::FromStr,
    sync::Arc,
    thread,
    time::Duration,
};

use anyhow::{Context, ensure};
use chasqui_config::Options;
use chasqui_domain::UserId;
use chasqui_load::{Progress, ReadMetrics, Server};
use futures::{FutureExt, future::join_all};
use serde::Serialize;
use tokio::{runtime::Builder, signal};

use crate::token::{self, WriteTo};

/// How long tokens are valid: longer than any run.
const TOKEN_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// How often it is said how far it is.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// How long the server's metrics are waited for.
const METRICS_PATIENCE: Duration = Duration::from_secs(5);

/// Where to, and what to watch.
#[derive(Debug, clap::Args)]
pub struct Target {
    /// The server, or each of its gateways; those who have a chat together are then at different ones.
    #[arg(long = "url", value_name = "URL", default_value = "http://127.0.0.1:7600")]
    urls: Vec<String>,
    /// A process whose costs are counted, and what to call it; without any, those that listen at the URLs, if they are on
    /// this machine.
    #[arg(long = "process", value_name = "PID[=NAME]", value_parser = Process::from_str)]
    processes: Vec<Process>,
    /// Where else the server's metrics are, such as those of its sequencers and routers: beside those at the URLs they say what a
    /// message costs in records and rows, which is not known before all are there.
    #[arg(long = "metrics", value_name = "URL")]
    metrics: Vec<String>,
    /// What the names of the users begin with, to find them afterwards: NAME-0-writer, NAME-0-reader and so on, NAME-0-author,
    /// NAME-0-1 and so on in groups, or NAME-0 where nobody writes. A name is for one run; without any, it is made from the time.
    #[arg(long, value_name = "NAME")]
    run: Option<String>,
    /// Print a JSON object.
    #[arg(long)]
    json: bool,
}

/// A process of the server, as it is named.
#[derive(Debug, Clone)]
struct Process(Server);

impl FromStr for Process {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (pid, name) = text.split_once('=').unwrap_or((text, "server"));
        let pid = pid.parse().map_err(|_| format!("{pid:?} is no process id, such as 4711 or 4711=router"))?;
        Ok(Self(Server { pid, name: name.to_owned() }))
    }
}

impl Target {
    pub(super) fn options(
        &self,
        options: &Options,
        line: impl Fn(&Progress) -> String + Send + 'static,
    ) -> anyhow::Result<chasqui_load::Options> {
        let sockets = self.urls.iter().map(|url| chasqui_client::rest::socket_url(url)).collect::<Result<_, _>>()?;
        let mut servers: Vec<Server> = self.processes.iter().map(|Process(server)| server.clone()).collect();
        if servers.is_empty() {
            servers.extend(self.urls.iter().filter_map(|url| listening(url)));
            servers.dedup();
        }
        let mut processes = self.urls.clone();
        processes.extend(self.metrics.iter().cloned());
        let metrics = metrics(&processes, options)?;
        let progress = Arc::new(Progress::default());
        show(progress.clone(), line);
        stop_at_a_signal(progress.clone())?;
        let options = options.clone();
        let token = move |user: &str| {
            let user = UserId::new(user).map_err(|error| error.to_string())?;
            token::mint(&options, &user, TOKEN_LIFE, WriteTo::Everybody).map_err(|error| format!("{error:#}"))
        };
        let run = self.run.clone();
        let run = run.unwrap_or_else(|| format!("load-{:x}", jiff::Timestamp::now().as_millisecond()));
        Ok(chasqui_load::Options { sockets, token: Arc::new(token), metrics, servers, run, progress })
    }

    pub(super) fn print(&self, report: &impl Serialize, table: impl FnOnce() -> String) -> anyhow::Result<()> {
        let text = if self.json { serde_json::to_string_pretty(report)? + "\n" } else { table() };
        stdout().write_all(text.as_bytes()).context("the output could not be written")
    }
}

/// Asks all processes of a server for their metrics, as its operators do; none where one of them doesn't answer, or has another
/// token for them.
fn metrics(urls: &[String], options: &Options) -> anyhow::Result<Arc<ReadMetrics>> {
    let client = reqwest::Client::builder()
        .timeout(METRICS_PATIENCE)
        // The token is for these processes alone, and the sessions know no proxies either.
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()?;
    let mut urls: Vec<String> = urls.iter().map(|url| format!("{}/metrics", url.trim_end_matches('/'))).collect();
    urls.sort();
    urls.dedup();
    let token = options.admin.token.as_ref().map(|token| token.expose().to_owned());
    Ok(Arc::new(move || {
        let one = |url: &String| {
            let asked = token.as_ref().map(|token| client.get(url).bearer_auth(token).send());
            async move { asked?.await.ok()?.error_for_status().ok()?.text().await.ok() }
        };
        let all = join_all(urls.iter().map(one));
        all.map(|texts| texts.into_iter().collect::<Option<String>>()).boxed()
    }))
}

/// The process of this machine that serves a URL.
fn listening(url: &str) -> Option<Server> {
    let url: axum::http::Uri = url.parse().ok()?;
    let is_here = matches!(url.host()?, "127.0.0.1" | "localhost" | "[::1]");
    let pid = is_here.then(|| chasqui_load::listening(url.port_u16().unwrap_or(80))).flatten()?;
    Some(Server { pid, name: "server".to_owned() })
}

/// Says how far it is, where somebody looks.
fn show(progress: Arc<Progress>, line: impl Fn(&Progress) -> String + Send + 'static) {
    if !stderr().is_terminal() {
        return;
    }
    // Ends with the process.
    thread::spawn(move || {
        loop {
            thread::sleep(PROGRESS_EVERY);
            let _ = write!(stderr(), "\r{}\x1b[K\r", line(&progress));
        }
    });
}

/// The first signal ends the sending, and there is a report all the same; a second one ends the process.
fn stop_at_a_signal(progress: Arc<Progress>) -> anyhow::Result<()> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let listen = move || {
        if runtime.block_on(signal::ctrl_c()).is_ok() {
            progress.stop();
            let _ = writeln!(stderr(), "waiting for what is under way; once more ends at once");
        }
        if runtime.block_on(signal::ctrl_c()).is_ok() {
            std::process::exit(130);
        }
    };
    ensure!(thread::Builder::new().name("signals".to_owned()).spawn(listen).is_ok(), "can't start a thread");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_a_name_if_it_is_given_one() {
        let server = |text: &str| Process::from_str(text).map(|Process(server)| (server.pid, server.name));
        assert_eq!(server("12"), Ok((12, "server".to_owned())));
        assert_eq!(server("12=router"), Ok((12, "router".to_owned())));
        assert!(server("router").is_err());
    }
}
