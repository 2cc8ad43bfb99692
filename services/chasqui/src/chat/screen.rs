//! The shell around the model: brings it keys, updates and time, and does what it asks for.

mod questions;

use std::{io::Write, time::Instant};

use anyhow::Context;
use chasqui_client::{ChangeAsked, Client, Draft, Error, To};
use chasqui_domain::{ChatId, Seq, UserId};
use crossterm::event::{Event as TerminalEvent, EventStream};
use futures::StreamExt;
use jiff::tz::TimeZone;
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Interval, MissedTickBehavior, interval, timeout},
};

use super::{
    draft::{Drafts, Keeper},
    limits::{ANSWERS_MAX, EVENTS_AT_ONCE, FAREWELL, REQUESTS_MAX, TICK},
    model::{Effect, Event, Model, Ticket},
    session::{Happened, Session},
    signals::Signals,
    terminal::Screen,
    theme::Theme,
    view,
};

/// What the client is told, in order, by a task that may wait for it.
enum Request {
    Send(Client, Ticket, Box<Draft>),
    Change(Client, Ticket, ChangeAsked),
    Read(Client, Seq),
}

/// What the shell waits for.
enum Came {
    Event(Event),
    /// The terminal is gone, or somebody wants this to end.
    End,
}

struct Shell {
    session: Session,
    model: Model,
    chat: ChatId,
    started: Instant,
    keys: EventStream,
    signals: Signals,
    tick: Interval,
    answers: mpsc::Receiver<Event>,
    answer: mpsc::Sender<Event>,
    requests: mpsc::Sender<Request>,
    /// A receipt for which there was no room among the requests.
    read: Option<Seq>,
    keeper: Keeper,
}

/// Shows the chat until the user leaves.
pub(super) async fn run(session: Session, me: UserId, to: To, zone: TimeZone) -> anyhow::Result<()> {
    let (drafts, notice) = match Drafts::open(session.state()) {
        Ok(drafts) => (drafts, None),
        Err(error) => (Drafts::empty(session.state()), Some(format!("{error:#}"))),
    };
    let chat = to.chat(&me);
    let mut model = Model::new(me, to.clone(), zone, Theme::of_environment());
    model.draft(drafts.of(&to));
    let signals = Signals::new()?;
    let mut screen = Screen::open().context("the terminal can't be used")?;
    let (answer, answers) = mpsc::channel(ANSWERS_MAX);
    let (requests, worker) = work(to.clone(), chat, answer.clone());
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let keeper = Keeper::new(drafts, to);
    let mut shell = Shell {
        session,
        model,
        chat,
        started: Instant::now(),
        keys: EventStream::new(),
        signals,
        tick,
        answers,
        answer,
        requests,
        read: None,
        keeper,
    };
    let size = screen.terminal.size()?;
    shell.apply(Event::Resize { columns: size.width, rows: size.height });
    shell.opened();
    if let Some(notice) = notice {
        shell.apply(Event::Notice(notice));
    }
    let ended = shell.turn(&mut screen).await;
    // The terminal is given back first: nothing that follows may keep it.
    drop(screen);
    shell.finish(worker).await;
    ended
}

impl Shell {
    async fn turn(&mut self, screen: &mut Screen) -> anyhow::Result<()> {
        loop {
            if self.model.take_stale() {
                screen.terminal.draw(|frame| view::draw(&self.model, frame)).context("the screen can't be drawn")?;
            }
            let mut came = Some(self.next().await);
            let mut count = 0;
            while let Some(event) = came.take() {
                let goes_on = match event {
                    Came::Event(event) => self.apply(event),
                    Came::End => false,
                };
                if !goes_on {
                    return Ok(());
                }
                count += 1;
                if count < EVENTS_AT_ONCE {
                    // What is there already is drawn together.
                    came = tokio::select! {
                        biased;
                        came = self.next() => Some(came),
                        () = std::future::ready(()) => None,
                    };
                }
            }
        }
    }

    /// Cancel safe.
    async fn next(&mut self) -> Came {
        loop {
            let is_over = matches!(self.model.link, super::model::Link::Over(_));
            return tokio::select! {
                () = self.signals.next() => Came::End,
                key = self.keys.next() => match key {
                    Some(Ok(TerminalEvent::Key(key))) => Came::Event(Event::Key(key)),
                    Some(Ok(TerminalEvent::Paste(text))) => Came::Event(Event::Paste(text)),
                    Some(Ok(TerminalEvent::Resize(columns, rows))) => Came::Event(Event::Resize { columns, rows }),
                    Some(Ok(TerminalEvent::FocusGained)) => Came::Event(Event::Focus(true)),
                    Some(Ok(TerminalEvent::FocusLost)) => Came::Event(Event::Focus(false)),
                    Some(Ok(_)) => continue,
                    Some(Err(_)) | None => Came::End,
                },
                happened = self.session.next(), if !is_over => match happened {
                    Happened::Update(update) => Came::Event(Event::Update(update)),
                    Happened::Over(why) => Came::Event(Event::Over(why)),
                },
                Some(answer) = self.answers.recv() => Came::Event(answer),
                _ = self.tick.tick() => Came::Event(self.ticked()),
            };
        }
    }

    fn ticked(&mut self) -> Event {
        if let Some(seq) = self.read.take() {
            self.request_read(seq);
        }
        if let Some(failure) = self.keeper.failure() {
            return Event::Notice(failure);
        }
        Event::Tick { again_in: self.session.client().again_in() }
    }

    fn opened(&mut self) {
        let client = self.session.client();
        let (device, unsent) = (client.device().clone(), client.unsent().to_vec());
        self.apply(Event::Opened { device, unsent });
    }

    /// Tells the model and does what follows; false when the user leaves.
    fn apply(&mut self, event: Event) -> bool {
        let mut goes_on = true;
        for effect in self.model.apply(event, self.started.elapsed()) {
            match effect {
                Effect::Send(ticket, draft) => {
                    let request = Request::Send(self.session.client().clone(), ticket, draft);
                    self.request(ticket, request);
                }
                Effect::Read(seq) => self.request_read(seq),
                Effect::Change(ticket, change) => {
                    let request = Request::Change(self.session.client().clone(), ticket, change);
                    self.request(ticket, request);
                }
                Effect::Summary | Effect::Refresh | Effect::Load(_) | Effect::Changes(_) | Effect::Ask(_) => {
                    let (rest, answer) = (self.session.rest().clone(), self.answer.clone());
                    questions::ask(rest, self.chat, effect, answer);
                }
                Effect::KeepDraft(text) => self.keeper.keep(&text),
                Effect::Leave => goes_on = false,
            }
        }
        goes_on
    }

    fn request(&mut self, ticket: Ticket, request: Request) {
        if self.requests.try_send(request).is_err() {
            self.apply(Event::NotSent(ticket, "too many messages wait".to_owned()));
        }
    }

    fn request_read(&mut self, seq: Seq) {
        let request = Request::Read(self.session.client().clone(), seq);
        if self.requests.try_send(request).is_err() {
            self.read = self.read.max(Some(seq));
        }
    }

    /// Lets the client take what it was told, keeps what it didn't take, and says goodbye.
    async fn finish(self, mut worker: JoinHandle<()>) {
        let Self { requests, answer, mut answers, mut model, keeper, session, started, .. } = self;
        drop((requests, answer));
        let took_all = async {
            loop {
                tokio::select! {
                    biased;
                    // Whatever else follows from it is for the next time.
                    Some(event) = answers.recv() => drop(model.apply(event, started.elapsed())),
                    _ = &mut worker => return,
                }
            }
        };
        // What it didn't take in time stays in the draft.
        let took = timeout(FAREWELL, took_all).await;
        tracing::debug!(all = took.is_ok(), "the client took what was typed");
        keeper.keep(&model.unsent_text());
        keeper.finish().await;
        let (unsent, state) = (model.unsent(), session.state().to_owned());
        if let Err(error) = session.close(FAREWELL).await {
            tracing::debug!(%error, "the client was not closed");
        }
        if unsent > 0 {
            // When standard error is closed there is nobody left to tell.
            let _ = writeln!(
                std::io::stderr(),
                "not sent yet: {unsent}; kept in {} and sent by the next chat",
                state.display()
            );
        }
    }
}

/// Tells the client what it is asked for, in order.
fn work(to: To, chat: ChatId, answer: mpsc::Sender<Event>) -> (mpsc::Sender<Request>, JoinHandle<()>) {
    let (requests, mut asked) = mpsc::channel(REQUESTS_MAX);
    let worker = tokio::spawn(async move {
        while let Some(request) = asked.recv().await {
            let taken = |ticket, taken| match taken {
                Ok(id) => Event::Queued(ticket, id),
                Err(Error::Closed) => Event::Cut(ticket),
                Err(error) => Event::NotSent(ticket, error.to_string()),
            };
            let event = match request {
                Request::Send(client, ticket, draft) => taken(ticket, client.send(*draft).await),
                Request::Change(client, ticket, change) => taken(ticket, client.change(to.clone(), change).await),
                Request::Read(client, seq) => match client.read(chat, seq).await {
                    // One that has ended is told of where updates are.
                    Ok(()) | Err(Error::Closed) => continue,
                    Err(error) => Event::Notice(format!("not marked as read: {error}")),
                },
            };
            if answer.send(event).await.is_err() {
                return;
            }
        }
    });
    (requests, worker)
}
