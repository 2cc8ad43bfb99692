//! One end of an exchange: a session, and what it has to acknowledge.

use std::task::{Context, Poll};

use crate::{
    Error,
    frame::Frame,
    login::Session,
    socket::{Came, Socket},
};

/// How many frames are taken from a session before others have their turn.
const FRAMES_AT_ONCE: usize = 64;

/// Whether there is more to do.
pub(crate) enum Step {
    More,
    Wait,
    Done,
}

/// Takes steps as long as there is more to do.
pub(crate) fn steps(mut step: impl FnMut() -> Result<Step, Error>) -> Poll<Result<(), Error>> {
    loop {
        match step() {
            Ok(Step::More) => {}
            Ok(Step::Done) => return Poll::Ready(Ok(())),
            Ok(Step::Wait) => return Poll::Pending,
            Err(error) => return Poll::Ready(Err(error)),
        }
    }
}

/// A session, and what it has to acknowledge.
pub(crate) struct Side {
    pub(crate) user: String,
    pub(crate) socket: Socket,
    /// The newest cursor that was not acknowledged, and of how many entries it is the last.
    cursor: Option<String>,
    unacked: usize,
    unacked_max: usize,
}

impl Side {
    pub(crate) fn of(session: Session) -> Self {
        let Session { user, socket, unacked_max, .. } = session;
        Self { user, socket, cursor: None, unacked: 0, unacked_max }
    }

    /// Takes what has come; how much that is.
    pub(crate) fn take(
        &mut self,
        cx: &mut Context<'_>,
        mut each: impl FnMut(&mut Self, &Frame<'_>) -> Result<(), Error>,
    ) -> Result<usize, Error> {
        for taken in 0..FRAMES_AT_ONCE {
            let Poll::Ready(came) = self.socket.poll_next(cx) else { return Ok(taken) };
            match came? {
                Came::Text(text) => each(self, &Frame::read(&text)?)?,
                Came::Alive => {}
                Came::Closed => return Err(Error::Closed { user: self.user.clone() }),
            }
        }
        Ok(FRAMES_AT_ONCE)
    }

    /// An entry came that is kept until it is acknowledged.
    pub(crate) fn came(&mut self, cursor: Option<&str>) {
        self.unacked += 1;
        if let Some(cursor) = cursor {
            cursor.clone_into(self.cursor.get_or_insert_default());
        }
    }

    /// Whether to acknowledge, for whoever does it only before the server would send nothing more.
    pub(crate) fn is_half_full(&self) -> bool {
        self.unacked * 2 >= self.unacked_max
    }

    /// The cursor to acknowledge, if there is one.
    pub(crate) fn acknowledges(&mut self) -> Option<String> {
        self.unacked = 0;
        self.cursor.take()
    }

    pub(crate) fn refused(&self, frame: &Frame<'_>) -> Error {
        Error::Refused { user: self.user.clone(), code: frame.code.unwrap_or(frame.kind).to_owned() }
    }
}
