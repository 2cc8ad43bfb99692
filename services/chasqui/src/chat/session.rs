//! The client with its token: when one that was made here has ended, another is made.

use std::{path::PathBuf, time::Duration};

use anyhow::Context;
use chasqui_client::{Client, End, Error, Options, Rest, Token, Update, Updates, rest};
use chasqui_domain::UserId;
use chasqui_wire::Code;

use super::model::reason;
use crate::token;

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
            Self::Minted { options, user, life } => token::mint(options, user, *life).map(Token),
        }
    }
}

/// What happened.
#[derive(Debug)]
pub(super) enum Happened {
    Update(Box<Update>),
    /// The token has ended; [`Session::renew`] goes on with another.
    Expired,
    /// There won't be anything more.
    Over(String),
}

pub(super) struct Session {
    url: String,
    state: PathBuf,
    /// Who the user says to be, whatever the token says.
    user: UserId,
    tokens: Tokens,
    client: Client,
    updates: Updates,
    rest: Rest,
    /// The server has taken the token. One that it never took would not be taken the next time either.
    was_accepted: bool,
    /// Why the client has ended.
    why_ended: Option<String>,
}

impl Session {
    /// Reads the state and begins to connect.
    pub(super) async fn open(url: String, state: PathBuf, user: UserId, tokens: Tokens) -> anyhow::Result<Self> {
        let (client, updates, rest) = connect(&url, &state, &user, &tokens).await?;
        Ok(Self { url, state, user, tokens, client, updates, rest, was_accepted: false, why_ended: None })
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn rest(&self) -> &Rest {
        &self.rest
    }

    pub(super) fn state(&self) -> &std::path::Path {
        &self.state
    }

    /// What happens next; what was told before counts as handled. Cancel safe.
    pub(super) async fn next(&mut self) -> Happened {
        let Some(update) = self.updates.next().await else {
            let why = self.why_ended.clone();
            return Happened::Over(why.unwrap_or_else(|| "the client has ended".to_owned()));
        };
        match &update {
            Update::Connected { .. } => self.was_accepted = true,
            Update::Ended(End::Refused(Code::Unauthorized)) => return self.unauthorized(),
            Update::Ended(end) => self.why_ended = Some(reason(end)),
            _ => {}
        }
        Happened::Update(Box::new(update))
    }

    fn unauthorized(&self) -> Happened {
        match self.tokens {
            Tokens::Minted { .. } if self.was_accepted => Happened::Expired,
            Tokens::Minted { .. } => Happened::Over(
                "the server doesn't take a token that is signed with auth.secret: it has another secret".to_owned(),
            ),
            Tokens::Given(_) => {
                Happened::Over("the token is not valid or has ended: start again with another".to_owned())
            }
        }
    }

    /// Goes on with a new token.
    pub(super) async fn renew(&mut self) -> anyhow::Result<()> {
        (self.client, self.updates, self.rest) = connect(&self.url, &self.state, &self.user, &self.tokens).await?;
        self.was_accepted = false;
        Ok(())
    }
}

async fn connect(
    url: &str,
    state: &std::path::Path,
    user: &UserId,
    tokens: &Tokens,
) -> anyhow::Result<(Client, Updates, Rest)> {
    let token = tokens.next()?;
    let rest = Rest::new(url, token.clone())?;
    let (url, user) = (rest::socket_url(url)?, Some(user.clone()));
    let options = Options { url, token, user, device: None, state: Some(state.to_owned()) };
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
