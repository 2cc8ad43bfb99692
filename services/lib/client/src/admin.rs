//! What operators ask of a server.

use chasqui_domain::{DeviceId, UserId};
use chasqui_wire::frames::{Ban, BanRequest, Bans, BansQuery, Token};
use reqwest::Method;

use crate::{Rest, rest::Error};

/// Asks the admin API.
#[derive(Debug, Clone)]
pub struct Admin(Rest);

impl Admin {
    /// Takes where the server is, such as `http://127.0.0.1:7600`, and its `admin.token`. Nothing is connected yet.
    ///
    /// # Errors
    /// [`Error::Url`].
    pub fn new(base_url: &str, token: Token) -> Result<Self, Error> {
        Rest::new(base_url, token).map(Self)
    }

    /// Bans a user, or one device of theirs, and gives the ban. May be repeated.
    ///
    /// # Errors
    /// Any but [`Error::Url`]. When dropped it may have happened.
    pub async fn ban(&self, user: &UserId, device: Option<&DeviceId>, reason: Option<String>) -> Result<Ban, Error> {
        let question = self.0.question(Method::PUT, &path(user, device)).json(&BanRequest { reason });
        self.0.answer(question).await
    }

    /// Takes a ban back. May be repeated.
    ///
    /// # Errors
    /// Any but [`Error::Url`]. When dropped it may have happened.
    pub async fn unban(&self, user: &UserId, device: Option<&DeviceId>) -> Result<(), Error> {
        self.0.done(self.0.question(Method::DELETE, &path(user, device))).await
    }

    /// A page of all bans.
    ///
    /// # Errors
    /// Any but [`Error::Url`]. Cancel safe.
    pub async fn bans(&self, query: &BansQuery) -> Result<Bans, Error> {
        self.0.answer(self.0.question(Method::GET, &["v1", "admin", "bans"]).query(query)).await
    }
}

fn path<'a>(user: &'a UserId, device: Option<&'a DeviceId>) -> Vec<&'a str> {
    let mut path = vec!["v1", "admin", "bans", user.as_str()];
    path.extend(device.into_iter().flat_map(|device| ["devices", device.as_str()]));
    path
}
