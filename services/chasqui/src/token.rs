//! `chasqui token`: signs a token as the identity provider would.

use std::{
    io::Write,
    time::{Duration, SystemTime},
};

use anyhow::Context;
use chasqui_config::Options;
use chasqui_domain::UserId;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

/// What `chasqui token` is told.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  chasqui token --dev --user alice
  CHASQUI_AUTH__SECRET=... chasqui token --user alice --ttl 15m
  chasqui token --dev --user alice --write-to bob carol
  curl -H \"Authorization: Bearer $(chasqui token --dev --user alice)\" http://127.0.0.1:7600/v1/chats")]
pub struct Args {
    /// Whose token it is: the `sub` of the JWT.
    #[arg(long, value_name = "USER")]
    user: UserId,
    /// How long it is valid, such as 15m or 8h.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = humantime::parse_duration)]
    ttl: Duration,
    /// To whom the user may write, where policy.mode is token; without it to nobody.
    #[arg(long, value_name = "USER", num_args = 1.., conflicts_with = "write_to_all")]
    write_to: Vec<UserId>,
    /// The same for everybody.
    #[arg(long)]
    write_to_all: bool,
}

/// To whom a token says its user may write.
#[derive(Debug, Clone, Copy)]
pub enum WriteTo<'a> {
    /// To everybody.
    Everybody,
    /// To these users.
    Users(&'a [UserId]),
}

/// Prints a token on standard output.
///
/// # Errors
/// When there is no secret to sign with, or the output can't be written.
pub fn run(args: &Args, options: &Options) -> anyhow::Result<()> {
    let write_to = if args.write_to_all { WriteTo::Everybody } else { WriteTo::Users(&args.write_to) };
    let token = mint(options, &args.user, args.ttl, write_to)?;
    writeln!(std::io::stdout(), "{token}").context("the output could not be written")
}

/// A token of `user`, valid from now for `ttl`, signed with `auth.secret`; with the issuer and the audience that the
/// options ask for, and with the claim `policy.claim`.
///
/// # Errors
/// When there is no secret to sign with, or the time is out of range.
pub fn mint(options: &Options, user: &UserId, ttl: Duration, write_to: WriteTo<'_>) -> anyhow::Result<String> {
    let secret = options.auth.secret.as_ref().context(
        "there is no secret to sign with: set auth.secret as the server has it, or use --dev for the built-in one",
    )?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).context("the clock stands before 1970")?;
    let mut claims = json!({
        "sub": user.as_str(),
        "iat": now.as_secs(),
        "exp": now.checked_add(ttl).context("the time to live is too long")?.as_secs(),
    });
    for (claim, value) in [("iss", &options.auth.issuer), ("aud", &options.auth.audience)] {
        if let Some(value) = value {
            claims[claim] = value.as_str().into();
        }
    }
    match write_to {
        WriteTo::Everybody => claims[&options.policy.claim] = "*".into(),
        WriteTo::Users([]) => {}
        WriteTo::Users(users) => {
            claims[&options.policy.claim] = users.iter().map(UserId::as_str).collect();
        }
    }
    let key = EncodingKey::from_secret(secret.expose().as_bytes());
    Ok(jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key)?)
}
