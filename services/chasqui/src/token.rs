//! `chasqui token`: signs a token as the identity provider would.

use std::{
    io::Write,
    time::{Duration, SystemTime},
};

use anyhow::Context;
use chasqui_config::Options;
use chasqui_domain::UserId;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;

/// What `chasqui token` is told.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  chasqui token --dev --user alice
  CHASQUI_AUTH__SECRET=... chasqui token --user alice --ttl 15m
  curl -H \"Authorization: Bearer $(chasqui token --dev --user alice)\" http://127.0.0.1:7600/v1/chats")]
pub struct Args {
    /// Whose token it is: the `sub` of the JWT.
    #[arg(long, value_name = "USER")]
    user: UserId,
    /// How long it is valid, such as 15m or 8h.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = humantime::parse_duration)]
    ttl: Duration,
}

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    iat: u64,
    exp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
}

/// Prints a token on standard output.
///
/// # Errors
/// When there is no secret to sign with, or the output can't be written.
pub fn run(args: &Args, options: &Options) -> anyhow::Result<()> {
    let token = mint(options, &args.user, args.ttl)?;
    writeln!(std::io::stdout(), "{token}").context("the output could not be written")
}

/// A token of `user`, valid from now for `ttl`, signed with `auth.secret`; with the issuer and the audience that the
/// options ask for.
///
/// # Errors
/// When there is no secret to sign with, or the time is out of range.
pub fn mint(options: &Options, user: &UserId, ttl: Duration) -> anyhow::Result<String> {
    let secret = options.auth.secret.as_ref().context(
        "there is no secret to sign with: set auth.secret as the server has it, or use --dev for the built-in one",
    )?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).context("the clock stands before 1970")?;
    let claims = Claims {
        sub: user.as_str(),
        iat: now.as_secs(),
        exp: now.checked_add(ttl).context("the time to live is too long")?.as_secs(),
        iss: options.auth.issuer.as_deref(),
        aud: options.auth.audience.as_deref(),
    };
    let key = EncodingKey::from_secret(secret.expose().as_bytes());
    Ok(jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key)?)
}
