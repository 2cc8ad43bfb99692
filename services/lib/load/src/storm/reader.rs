//! A session that loses its connection and comes back.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    sync::Arc,
    time::Instant,
};

use tokio::{select, sync::watch, time::sleep};

use super::{ledger::Ledger, pauses::Pauses};
use crate::{
    Error,
    frame::{Delivered, Frame, Say},
    login::{Answer, Door, Guest, Session},
    socket::Came,
    tally::Times,
};

/// What all readers are to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Be there.
    There,
    /// Have no connection.
    Away,
    /// Come back.
    Back(Instant),
    /// End.
    Over,
}

/// What all readers share.
pub(super) struct Common {
    pub(super) door: Door,
    pub(super) ledger: Arc<Ledger>,
    /// How many have logged in.
    pub(super) here: Cell<usize>,
    pub(super) comings: RefCell<Comings>,
}

/// How they came back.
pub(super) struct Comings {
    /// From the moment at which all began to the one at which each had caught up.
    pub(super) after: Times,
    pub(super) caught_up: u64,
    pub(super) welcomes: u64,
    pub(super) last_welcome: Option<Instant>,
    /// How often they were told to come back, by the code.
    pub(super) told: BTreeMap<String, u64>,
    /// How often the one was told who was told most often.
    pub(super) told_most: u64,
    /// How often a connection failed or ended before they were in, without a word.
    pub(super) cut: u64,
}

impl Comings {
    pub(super) fn new() -> Result<Self, Error> {
        let (told, after) = (BTreeMap::new(), Times::new()?);
        Ok(Self { after, caught_up: 0, welcomes: 0, last_welcome: None, told, told_most: 0, cut: 0 })
    }
}

pub(super) struct Reader {
    number: usize,
    guest: Rc<Guest>,
    /// The chat in which it is written to.
    chat: String,
    /// The last cursor that it has kept.
    cursor: String,
    common: Rc<Common>,
}

impl Reader {
    pub(super) fn new(number: usize, guest: Guest, chat: String, common: Rc<Common>) -> Self {
        Self { number, guest: Rc::new(guest), chat, cursor: String::new(), common }
    }

    /// Does what it is told, to the end.
    pub(super) async fn run(mut self, mut phase: watch::Receiver<Phase>) -> Result<(), Error> {
        let (common, guest) = (self.common.clone(), self.guest.clone());
        let mut session = common.door.let_in(&guest, &mut |frame| self.hear(frame)).await?;
        common.here.set(common.here.get() + 1);
        self.stay(&mut session, phase.clone(), Phase::Away).await?;
        drop(session);
        let began = match until(&mut phase, Phase::Back(Instant::now())).await {
            Phase::Back(began) => began,
            _ => return Ok(()),
        };
        let over = &mut phase.clone();
        let mut session = select! {
            session = self.come_back(began) => session?,
            _ = until(over, Phase::Over) => return Ok(()),
        };
        self.acknowledge(&mut session).await?;
        self.stay(&mut session, phase, Phase::Over).await
    }

    /// Comes back as often as it is told to.
    async fn come_back(&mut self, began: Instant) -> Result<Session, Error> {
        let (common, guest) = (self.common.clone(), self.guest.clone());
        let (mut told, mut pauses) = (0, Pauses::new(self.number as u64));
        loop {
            let due = common.ledger.due(self.number);
            let cursor = self.cursor.clone();
            let (mut is_resumed, mut welcome) = (false, None);
            let hear = &mut |frame: &Frame<'_>| {
                if frame.kind == "welcome" {
                    (is_resumed, welcome) = (frame.resumed, Some(Instant::now()));
                }
                self.hear(frame);
            };
            let answer = common.door.knock(&guest, Some(&cursor), hear).await?;
            let wait = {
                let mut comings = common.comings.borrow_mut();
                comings.welcomes += u64::from(welcome.is_some());
                comings.last_welcome = comings.last_welcome.max(welcome);
                match answer {
                    Answer::In(session) => {
                        comings.caught_up += 1;
                        comings.after.note(began.elapsed());
                        comings.told_most = comings.told_most.max(told);
                        common.ledger.caught_up(self.number, due, is_resumed);
                        return Ok(*session);
                    }
                    Answer::Later { code, retry_in } => {
                        told += 1;
                        let wait = pauses.before_next(&code, retry_in);
                        *comings.told.entry(code).or_default() += 1;
                        wait
                    }
                    Answer::Cut(_) => {
                        comings.cut += 1;
                        pauses.before_next("", None)
                    }
                }
            };
            sleep(wait).await;
        }
    }

    /// Takes what comes, until it is told something else.
    async fn stay(
        &mut self,
        session: &mut Session,
        mut phase: watch::Receiver<Phase>,
        end: Phase,
    ) -> Result<(), Error> {
        loop {
            let came = select! {
                biased;
                _ = until(&mut phase, end) => return Ok(()),
                came = session.socket.next() => came?,
            };
            let text = match came {
                Came::Text(text) => text,
                Came::Alive => continue,
                Came::Closed => return Err(Error::Closed { user: self.guest.user.clone() }),
            };
            let frame = Frame::read(&text)?;
            self.hear(&frame);
            match frame.kind {
                "message" => self.acknowledge(session).await?,
                "failed" | "error" => {
                    let code = frame.code.unwrap_or(frame.kind).to_owned();
                    return Err(Error::Refused { user: self.guest.user.clone(), code });
                }
                _ => {}
            }
        }
    }

    /// Keeps what has come.
    fn hear(&mut self, frame: &Frame<'_>) {
        if frame.kind == "message" {
            self.common.ledger.received(self.number, &self.chat, frame);
        }
        if let Some(cursor) = frame.cursor {
            cursor.clone_into(&mut self.cursor);
        }
    }

    async fn acknowledge(&self, session: &mut Session) -> Result<(), Error> {
        let seq = self.common.ledger.last_received(self.number);
        let delivered = (seq > 0).then_some(Delivered { chat: &self.chat, seq });
        session.socket.say(Say::Ack { cursor: &self.cursor, delivered }.text()?).await
    }
}

/// Waits for a phase, or a later one. When nobody tells any more, it is over.
async fn until(phase: &mut watch::Receiver<Phase>, wanted: Phase) -> Phase {
    let is_there = |phase: &Phase| match wanted {
        Phase::Back(_) => matches!(phase, Phase::Back(_) | Phase::Over),
        _ => *phase >= wanted,
    };
    phase.wait_for(is_there).await.map_or(Phase::Over, |phase| *phase)
}
