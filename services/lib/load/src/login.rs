//! Logging in.

use std::{rc::Rc, time::Duration};

use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};

use crate::{
    Error, Options,
    frame::{Frame, Say},
    socket::{Came, Socket},
};

/// How long a log-in may take, with all the times that the server says to come back.
const PATIENCE: Duration = Duration::from_secs(120);

/// The pause before a log-in is tried again when the server doesn't say when.
const PAUSE: Duration = Duration::from_millis(500);

/// Lets sessions in, some at a time.
#[derive(Clone)]
pub(crate) struct Door {
    options: Options,
    buffer_bytes: usize,
    places: Rc<Semaphore>,
}

/// A session that has caught up.
pub(crate) struct Session {
    pub(crate) user: String,
    pub(crate) socket: Socket,
    pub(crate) unacked_max: usize,
    pub(crate) outstanding_max: usize,
    /// How often it was told to come back.
    pub(crate) refused: u64,
}

impl Door {
    pub(crate) fn new(options: &Options, at_once: usize, buffer_bytes: usize) -> Self {
        Self { options: options.clone(), buffer_bytes, places: Rc::new(Semaphore::new(at_once.max(1))) }
    }

    /// Logs in a user, `number` of whom tells at which gateway.
    pub(crate) async fn enter(&self, user: String, number: usize) -> Result<Session, Error> {
        let Some(url) = self.options.sockets.get(number % self.options.sockets.len().max(1)) else {
            return Err(Error::Options("there is no server to connect to".to_owned()));
        };
        let token = (self.options.token)(&user).map_err(Error::Token)?;
        let late = Error::LogIn { user: user.clone(), seconds: PATIENCE.as_secs() };
        let session = timeout(PATIENCE, self.try_to_enter(url, &user, &token)).await.map_err(|_| late)??;
        self.options.progress.one_more_session();
        Ok(session)
    }

    async fn try_to_enter(&self, url: &str, user: &str, token: &str) -> Result<Session, Error> {
        let mut refused = 0;
        loop {
            let pause = {
                let _place = self.places.acquire().await;
                match self.say_hello(url, user, token).await? {
                    Ok(session) => return Ok(Session { refused, ..session }),
                    Err(pause) => pause,
                }
            };
            refused += 1;
            sleep(pause).await;
        }
    }

    /// A session, or when to come back.
    async fn say_hello(&self, url: &str, user: &str, token: &str) -> Result<Result<Session, Duration>, Error> {
        let mut socket = Socket::connect(url, self.buffer_bytes).await?;
        socket.say(Say::Hello { token, device: "load" }.text()?).await?;
        let (mut unacked_max, mut outstanding_max) = (0, 0);
        loop {
            let text = match socket.next().await? {
                Came::Text(text) => text,
                Came::Alive => continue,
                Came::Closed => return Err(Error::Closed { user: user.to_owned() }),
            };
            let frame = Frame::read(&text)?;
            match frame.kind {
                "welcome" => (unacked_max, outstanding_max) = (frame.unacked_max, frame.outstanding_max),
                "caught_up" => {
                    let user = user.to_owned();
                    return Ok(Ok(Session { user, socket, unacked_max, outstanding_max, refused: 0 }));
                }
                "error" if frame.retry => return Ok(Err(frame.retry_in_ms.map_or(PAUSE, Duration::from_millis))),
                "error" => {
                    let code = frame.code.unwrap_or_default().to_owned();
                    return Err(Error::Refused { user: user.to_owned(), code });
                }
                _ => {}
            }
        }
    }
}
