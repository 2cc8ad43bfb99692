//! Line by line: for scripts, and for terminals that can't do more.

mod input;
mod script;

use std::{
    fmt,
    io::{self, Write},
    time::Duration,
};

use anyhow::Context;
use chasqui_client::{Draft, Error, rest};
use chasqui_domain::{Seq, UserId};
use chasqui_wire::frames::{Messages, MessagesQuery};
use jiff::tz::TimeZone;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};

use super::{
    limits::{FAREWELL, PAGE_MESSAGES, SCRIPT_ASK_AGAIN, SCRIPT_ASKS_MAX},
    session::{Happened, Session},
    signals::Signals,
};
use input::Read;
use script::{Effect, Script};

/// Sends the lines of the input and prints what happens, until the input has ended and everything has its outcome.
pub(super) async fn run(
    session: Session,
    me: UserId,
    peer: UserId,
    zone: TimeZone,
    wait: Duration,
) -> anyhow::Result<()> {
    let mut signals = Signals::new()?;
    let mut lines = input::lines(io::stdin)?;
    let script = Script::new(me, peer, session.client().device().clone(), zone);
    let mut run = Run { session, script, held: None, is_cut: false, deadline: None, wait };
    run.opened();
    let ended = tokio::select! {
        ended = run.turn(&mut lines) => ended,
        () = signals.next() => Err(anyhow::anyhow!("told to end")),
    };
    run.finish(ended, lines).await
}

struct Run {
    session: Session,
    script: Script,
    /// A line that the client has not taken.
    held: Option<String>,
    /// The client has ended, and took no more.
    is_cut: bool,
    /// Outcomes are awaited until here.
    deadline: Option<Instant>,
    wait: Duration,
}

impl Run {
    async fn turn(&mut self, lines: &mut mpsc::Receiver<Read>) -> anyhow::Result<()> {
        let mut is_open = true;
        loop {
            if !self.is_cut
                && let Some(line) = self.held.take()
            {
                self.send(line).await;
            }
            let may_read = is_open && self.held.is_none();
            if !is_open && self.held.is_none() && self.script.is_done() {
                return Ok(());
            }
            self.deadline = if may_read { None } else { self.deadline.or_else(|| Some(Instant::now() + self.wait)) };
            let deadline = self.deadline;
            tokio::select! {
                happened = self.session.next() => match happened {
                    Happened::Update(update) => {
                        for effect in self.script.update(*update) {
                            self.perform(effect).await?;
                        }
                    }
                    Happened::Over(why) => anyhow::bail!(why),
                },
                read = lines.recv(), if may_read => match read {
                    Some(Read::Line(line)) => self.send(line).await,
                    Some(Read::TooLong { line, bytes_max }) => {
                        self.script.refuse();
                        say(format_args!("line {line} is not sent: it has more than {bytes_max} bytes"));
                    }
                    Some(Read::Failed(error)) => return Err(error).context("the input can't be read"),
                    None => is_open = false,
                },
                () = until(deadline) => anyhow::bail!(
                    "nothing came from the server for {}",
                    humantime::format_duration(self.wait)
                ),
            }
        }
    }

    /// There is a client, with what waits in its state.
    fn opened(&mut self) {
        for frame in self.session.client().unsent() {
            self.script.waits(frame);
        }
    }

    async fn send(&mut self, line: String) {
        let draft = Draft::text(self.script.peer().clone(), line.clone());
        match self.session.client().send(draft).await {
            Ok(id) => self.script.queued(id),
            // There is room again after an outcome.
            Err(Error::Full) => self.held = Some(line),
            // Why comes next.
            Err(Error::Closed) => (self.held, self.is_cut) = (Some(line), true),
            Err(error) => {
                self.script.refuse();
                say(format_args!("not sent: {error}"));
            }
        }
    }

    async fn perform(&mut self, effect: Effect) -> anyhow::Result<()> {
        match effect {
            Effect::Print(line) => print(&line)?,
            Effect::Say(line) => say(format_args!("{line}")),
            Effect::Progress => self.deadline = None,
            Effect::Read(seq) => match self.session.client().read(self.script.chat(), seq).await {
                // The next message's receipt counts for this one.
                Ok(()) | Err(Error::Full | Error::Closed) => {}
                Err(error) => say(format_args!("not marked as read: {error}")),
            },
            Effect::ReadMissed => self.read_missed().await?,
        }
        Ok(())
    }

    /// Prints what came while the device was not there, page by page, until there is no more. Updates wait meanwhile, so
    /// that the order stays. It fails when a page can't be got: to go on with what is live would tell that all before
    /// it was read.
    async fn read_missed(&mut self) -> anyhow::Result<()> {
        let mut after = self.missed_after().await.context("older messages can't be read")?;
        while let Some(from) = after {
            let page = self.missed(from).await.context("older messages can't be read")?;
            anyhow::ensure!(
                page.next.is_none_or(|next| next > from),
                "older messages can't be read: the server answers with the same page again"
            );
            for message in page.messages {
                for effect in self.script.message(message) {
                    Box::pin(self.perform(effect)).await?;
                }
            }
            after = page.next;
        }
        Ok(())
    }

    /// Behind which message those begin that the user has not read and that were not printed; none without a chat.
    async fn missed_after(&mut self) -> Result<Option<Seq>, rest::Error> {
        let chat = self.script.chat();
        let item = patiently(|| self.session.rest().chat(chat)).await?;
        Ok(item.map(|item| self.script.missed_after(&item)))
    }

    async fn missed(&self, after: Seq) -> Result<Messages, rest::Error> {
        let query =
            MessagesQuery { before: None, after: Some(after), limit: Some(PAGE_MESSAGES), ..MessagesQuery::default() };
        patiently(|| self.session.rest().messages(self.script.chat(), &query)).await
    }

    async fn finish(self, ended: anyhow::Result<()>, mut lines: mpsc::Receiver<Read>) -> anyhow::Result<()> {
        let Self { session, script, held, .. } = self;
        let state = session.state().display().to_string();
        if let Err(error) = session.close(FAREWELL).await {
            say(format_args!("{error:#}"));
        }
        let mut problems = Vec::new();
        if let Err(error) = ended {
            problems.push(format!("{error:#}"));
        }
        if script.unsent() > 0 {
            problems.push(format!("not sent yet: {}; kept in {state} and sent by the next chat", script.unsent()));
        }
        if script.refused() > 0 {
            problems.push(format!("refused: {}", script.refused()));
        }
        // More may be in the input.
        let untaken = usize::from(held.is_some()) + std::iter::from_fn(|| lines.try_recv().ok()).count();
        if untaken > 0 {
            problems.push(format!("not taken from the input and not kept: {untaken} lines and what follows them"));
        }
        anyhow::ensure!(problems.is_empty(), problems.join("; "));
        Ok(())
    }
}

/// Asks again where that may help.
async fn patiently<T, F: Future<Output = Result<T, rest::Error>>>(ask: impl Fn() -> F) -> Result<T, rest::Error> {
    let mut asked = 1;
    loop {
        match ask().await {
            Err(error) if error.is_retryable() && asked < SCRIPT_ASKS_MAX => {
                asked += 1;
                sleep(SCRIPT_ASK_AGAIN).await;
            }
            answer => return answer,
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn print(line: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).context("the output can't be written")
}

/// Says something that is no output.
fn say(line: fmt::Arguments<'_>) {
    // When standard error is closed there is nobody left to tell.
    let _ = writeln!(io::stderr(), "{line}");
}
