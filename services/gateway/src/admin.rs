//! The API for operators. It is off without a token, and every request is let in at one place.

mod bans;

use std::{fmt, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header::AUTHORIZATION},
    middleware::Next,
    response::Response,
};
use chasqui_wire::Code;
use subtle::ConstantTimeEq;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{rest::Refused, shared::Shared};

/// The bearer token of operators. It is not shown.
#[derive(Clone)]
pub struct AdminToken(Arc<[u8]>);

impl AdminToken {
    /// Takes a token; the configuration asks for 32 bytes or more.
    #[must_use]
    pub fn new(token: &str) -> Self {
        Self(token.as_bytes().into())
    }

    /// Whether a request carries this token. How long that takes tells its length at most.
    #[must_use]
    pub fn is_in(&self, headers: &HeaderMap) -> bool {
        let Some((scheme, token)) =
            headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| value.split_once(' '))
        else {
            return false;
        };
        scheme.eq_ignore_ascii_case("bearer") && bool::from(token.trim().as_bytes().ct_eq(&self.0))
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken")
    }
}

/// All routes of operators; each asks for [`authorise`] first.
pub(crate) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new()
        .routes(routes!(bans::list))
        .routes(routes!(bans::list_of, bans::ban, bans::unban))
        .routes(routes!(bans::ban_device, bans::unban_device))
}

/// Lets only operators through.
pub(crate) async fn authorise(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Result<Response, Refused> {
    let Some(token) = &shared.options.admin else { return Err(Refused(Code::NotFound)) };
    if !token.is_in(request.headers()) {
        return Err(Refused(Code::Unauthorized));
    }
    Ok(next.run(request).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_opens_and_it_is_not_shown() {
        let token = AdminToken::new("an-admin-token-of-32-bytes-or-so");
        let opens = |value: &str| token.is_in(&[(AUTHORIZATION, value.parse().unwrap())].into_iter().collect());
        assert!(opens("Bearer an-admin-token-of-32-bytes-or-so") && opens("bearer an-admin-token-of-32-bytes-or-so"));
        for other in [
            "Bearer an-admin-token-of-32-bytes-or-sp",
            "Bearer an-admin-token-of-32-bytes-or-s",
            "Bearer an-admin-token-of-32-bytes-or-so2",
            "Bearer ",
            "Basic an-admin-token-of-32-bytes-or-so",
            "an-admin-token-of-32-bytes-or-so",
        ] {
            assert!(!opens(other), "{other}");
        }
        assert!(!token.is_in(&HeaderMap::new()));
        assert!(!format!("{token:?}").contains("32"));
    }
}
