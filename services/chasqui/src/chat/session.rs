//! The client with its token: before one that was made here ends, another is made.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use chasqui_client::{Client, End, Error, Options, Rest, Token, Update, Updates, rest};
use chasqui_domain::UserId;
use chasqui_wire::Code;

use super::model::reason;
use crate::token::{self, WriteTo};

/// Where tokens come from.
pub(super) enum Tokens {
    /// From somebody else; there is only this one.
    Given(Token),
    /// They are made here.
    Minted { options: Box<chasqui_config::Options>, user: UserId, life: Duration },
}

impl Tokens {
    fn next(&self) -> anyhow::Result<Token> {
        match self {
            Self::Given(token) => Ok(token.clone()),
            Self::Minted { options, user, life } => token::mint(options, user, *life, WriteTo::Everybody).map(Token),
        }
    }
}

/// What happened.
#[derive(Debug)]
pub(super) enum Happened {
    Update(Box<Update>),
    /// There won't be anything more.
    Over(String),
}

pub(super) struct Session {
    url: String,
    user: UserId,
    state: PathBuf,
    tokens: Tokens,
    client: Client,
    updates: Updates,
    rest: Rest,
    /// What was told while the chat opened, and is told again.
    again: VecDeque<Update>,
    /// Why the client has ended.
    why_ended: Option<String>,
}

impl Session {
    /// Reads the state and begins to connect; as `user`, whatever the token says.
    pub(super) async fn open(url: String, state: PathBuf, user: UserId, tokens: Tokens) -> anyhow::Result<Self> {
        let (client, updates, rest) = connect(&url, &state, &user, &tokens).await?;
        Ok(Self { url, user, state, tokens, client, updates, rest, again: VecDeque::new(), why_ended: None })
    }

    pub(super) fn user(&self) -> &UserId {
        &self.user
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn rest(&self) -> &Rest {
        &self.rest
    }

    pub(super) fn state(&self) -> &Path {
        &self.state
    }

    /// Has these told again, before anything else.
    pub(super) fn tell_again(&mut self, updates: impl IntoIterator<Item = Update>) {
        self.again.extend(updates);
    }

    /// What happens next; what was told before counts as handled. Cancel safe.
    pub(super) async fn next(&mut self) -> Happened {
        if let Some(update) = self.again.pop_front() {
            return Happened::Update(Box::new(update));
        }
        let Some(update) = self.updates.next().await else {
            let why = self.why_ended.clone();
            return Happened::Over(why.unwrap_or_else(|| "the client has ended".to_owned()));
        };
        match &update {
            Update::TokenExpires { left } => {
                if let Err(why) = self.renew(*left) {
                    return Happened::Over(why);
                }
            }
            Update::Ended(End::Refused(Code::Unauthorized)) => return Happened::Over(self.unauthorized().to_owned()),
            Update::Ended(end) => self.why_ended = Some(reason(end)),
            _ => {}
        }
        Happened::Update(Box::new(update))
    }

    fn unauthorized(&self) -> &'static str {
        match self.tokens {
            Tokens::Minted { .. } => {
                "the server doesn't take a token that is signed with auth.secret: it has another secret"
            }
            Tokens::Given(_) => "the token is not valid or has ended: start again with another",
        }
    }

    /// Goes on with a new token, of which `left` is left; one that was given goes on to its end. Doesn't wait, so that
    /// [`Session::next`] may be cancelled.
    fn renew(&mut self, left: Duration) -> Result<(), String> {
        match (&self.tokens, left.is_zero()) {
            (Tokens::Given(_), false) => return Ok(()),
            (Tokens::Given(_), true) => return Err("your token has ended: start again with another".to_owned()),
            (Tokens::Minted { .. }, _) => {}
        }
        let token = self.tokens.next().map_err(|error| format!("{error:#}"))?;
        self.rest = Rest::new(&self.url, token.clone()).map_err(|error| error.to_string())?;
        self.client.renew(token);
        Ok(())
    }
}

async fn connect(url: &str, state: &Path, user: &UserId, tokens: &Tokens) -> anyhow::Result<(Client, Updates, Rest)> {
    let token = tokens.next()?;
    let rest = Rest::new(url, token.clone())?;
    let (url, user) = (rest::socket_url(url)?, Some(user.clone()));
    let options = Options { user, state: Some(state.to_owned()), ..Options::new(url, token) };
    let (client, updates) = Client::connect(options).await.map_err(|error| match error {
        Error::InUse { path } => anyhow::anyhow!(
            "another chat of this user is open and has the state {}: close it, or give this chat a state of its own \
             with --state FILE",
            path.display()
        ),
        error => anyhow::Error::new(error),
    })?;
    Ok((client, updates, rest))
}

impl Session {
    /// Says goodbye within `patience`, so that what was handled counts as such.
    pub(super) async fn close(self, patience: Duration) -> anyhow::Result<()> {
        let Self { client, mut updates, .. } = self;
        updates.done();
        tokio::time::timeout(patience, client.close()).await.context("the goodbye took too long")
    }
}

#[cfg(test)]
mod tests;
