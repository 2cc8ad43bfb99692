//! Logging in.

use std::{rc::Rc, time::Duration};

use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_tungstenite::tungstenite;

use crate::{
    Error, Options,
    frame::{Frame, Say},
    socket::{Came, Socket},
};

/// How long a log-in may take, with all the times that the server says to come back.
const PATIENCE: Duration = Duration::from_secs(120);

/// The pause before a log-in is tried again when the server doesn't say when.
const PAUSE: Duration = Duration::from_millis(500);

/// The device of every session.
pub(crate) const DEVICE: &str = "load";

/// Lets sessions in, some at a time.
#[derive(Clone)]
pub(crate) struct Door {
    options: Options,
    buffer_bytes: usize,
    places: Rc<Semaphore>,
}

/// Who wants in.
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) user: String,
    url: String,
    token: String,
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

/// What comes of a hello.
pub(crate) enum Answer {
    In(Box<Session>),
    /// To come back; when, if the server says so.
    Later {
        code: String,
        retry_in: Option<Duration>,
    },
    /// The connection failed or ended, and the server has not said why.
    Cut(Error),
}

impl Door {
    pub(crate) fn new(options: &Options, at_once: usize, buffer_bytes: usize) -> Self {
        Self { options: options.clone(), buffer_bytes, places: Rc::new(Semaphore::new(at_once.max(1))) }
    }

    /// A user with a token, `number` of whom tells at which gateway.
    pub(crate) fn guest(&self, user: String, number: usize) -> Result<Guest, Error> {
        let Some(url) = self.options.sockets.get(number % self.options.sockets.len().max(1)) else {
            return Err(Error::Options("there is no server to connect to".to_owned()));
        };
        let token = (self.options.token)(&user).map_err(Error::Token)?;
        Ok(Guest { user, url: url.clone(), token })
    }

    /// Logs in a user, `number` of whom tells at which gateway.
    pub(crate) async fn enter(&self, user: String, number: usize) -> Result<Session, Error> {
        self.let_in(&self.guest(user, number)?, &mut |_| {}).await
    }

    /// Logs in a guest, as often as it takes. `hear` gets what comes up to `caught_up`.
    pub(crate) async fn let_in(&self, guest: &Guest, hear: &mut dyn FnMut(&Frame<'_>)) -> Result<Session, Error> {
        let late = Error::LogIn { user: guest.user.clone(), seconds: PATIENCE.as_secs() };
        timeout(PATIENCE, self.try_to_let_in(guest, hear)).await.map_err(|_| late)?
    }

    async fn try_to_let_in(&self, guest: &Guest, hear: &mut dyn FnMut(&Frame<'_>)) -> Result<Session, Error> {
        let mut refused = 0;
        loop {
            let answer = {
                let _place = self.places.acquire().await;
                self.knock(guest, None, hear).await?
            };
            match answer {
                Answer::In(session) => return Ok(Session { refused, ..*session }),
                Answer::Later { retry_in, .. } => sleep(retry_in.unwrap_or(PAUSE)).await,
                Answer::Cut(error) => return Err(error),
            }
            refused += 1;
        }
    }

    /// Says hello once, at once. `hear` gets what comes up to `caught_up`.
    pub(crate) async fn knock(
        &self,
        guest: &Guest,
        cursor: Option<&str>,
        hear: &mut dyn FnMut(&Frame<'_>),
    ) -> Result<Answer, Error> {
        let mut socket = match Socket::connect(&guest.url, self.buffer_bytes).await {
            Ok(socket) => socket,
            Err(error) => return turned_away(guest, error),
        };
        let hello = Say::Hello { token: &guest.token, device: DEVICE, cursor };
        if let Err(error) = socket.say(hello.text()?).await {
            return Ok(Answer::Cut(error));
        }
        let (mut unacked_max, mut outstanding_max) = (0, 0);
        loop {
            let text = match socket.next().await {
                Ok(Came::Text(text)) => text,
                Ok(Came::Alive) => continue,
                Ok(Came::Closed) => return Ok(Answer::Cut(Error::Closed { user: guest.user.clone() })),
                Err(error) => return Ok(Answer::Cut(error)),
            };
            let frame = Frame::read(&text)?;
            hear(&frame);
            match frame.kind {
                "welcome" => (unacked_max, outstanding_max) = (frame.unacked_max, frame.outstanding_max),
                "caught_up" => {
                    self.options.progress.one_more_session();
                    let user = guest.user.clone();
                    let session = Session { user, socket, unacked_max, outstanding_max, refused: 0 };
                    return Ok(Answer::In(Box::new(session)));
                }
                "error" => return refusal(guest, &frame),
                _ => {}
            }
        }
    }
}

/// No WebSocket came to be: the server's reason, if it gave one.
fn turned_away(guest: &Guest, error: Error) -> Result<Answer, Error> {
    if let Error::Connection(reason) = &error
        && let tungstenite::Error::Http(answer) = &**reason
        && let Some(body) = answer.body().as_ref().and_then(|body| std::str::from_utf8(body).ok())
        // A problem has the fields of an error frame, and a `type` of its own.
        && let Ok(problem) = Frame::read(body)
    {
        return refusal(guest, &problem);
    }
    Ok(Answer::Cut(error))
}

/// What the server says when it lets somebody not in.
fn refusal(guest: &Guest, frame: &Frame<'_>) -> Result<Answer, Error> {
    let code = frame.code.unwrap_or_default().to_owned();
    if frame.retry {
        return Ok(Answer::Later { code, retry_in: frame.retry_in_ms.map(Duration::from_millis) });
    }
    Err(Error::Refused { user: guest.user.clone(), code })
}

#[cfg(test)]
mod tests {
    use tokio_tungstenite::tungstenite::http::Response;

    use super::*;

    fn guest() -> Guest {
        Guest { user: "alice".to_owned(), url: String::new(), token: String::new() }
    }

    fn http(body: &str) -> Error {
        tungstenite::Error::Http(Box::new(Response::new(Some(body.as_bytes().to_vec())))).into()
    }

    #[test]
    fn a_problem_at_the_upgrade_says_when_to_come_back() {
        let problem = r##"{"type":"/docs#unavailable","title":"t","status":503,"code":"unavailable","retry":true,"retry_in_ms":1500}"##;
        let answer = turned_away(&guest(), http(problem)).unwrap();
        let Answer::Later { code, retry_in } = answer else { panic!("it has a code") };
        assert_eq!((&*code, retry_in), ("unavailable", Some(Duration::from_millis(1_500))));
        let problem = r##"{"type":"/docs#not_found","title":"t","status":404,"code":"not_found","retry":false}"##;
        assert!(
            matches!(turned_away(&guest(), http(problem)), Err(Error::Refused { code, .. }) if code == "not_found")
        );
        assert!(matches!(turned_away(&guest(), http("gateway down")), Ok(Answer::Cut(_))), "a proxy's word");
    }
}
