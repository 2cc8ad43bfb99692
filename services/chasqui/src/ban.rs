//! `chasqui ban`, `unban` and `bans`: keeps users and devices out of a running server.

use std::io::{self, Write};

use anyhow::Context;
use chasqui_client::{Admin, Token};
use chasqui_config::Options;
use chasqui_domain::{DeviceId, UserId};
use chasqui_wire::frames::{Ban, BansQuery};
use tokio::runtime::Builder;

/// Which server.
#[derive(Debug, clap::Args)]
struct Server {
    /// The server.
    #[arg(long, default_value = "http://127.0.0.1:7600")]
    url: String,
}

/// Who.
#[derive(Debug, clap::Args)]
struct Who {
    /// The user.
    #[arg(long, value_name = "USER")]
    user: UserId,
    /// Only this device of theirs.
    #[arg(long, value_name = "DEVICE")]
    device: Option<DeviceId>,
}

/// What `chasqui ban` is told.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Their open connections are closed, and they can't come back until the ban is taken back. A ban of a device leaves the
user's other devices alone, and what the user asks over HTTP. What was sent meanwhile is there when they come back.

Examples:
  chasqui ban --dev --user bob --reason spam
  CHASQUI_ADMIN__TOKEN=... chasqui ban --user bob --device lost-phone --url http://chat.example:7600")]
pub struct BanArgs {
    #[command(flatten)]
    who: Who,
    /// Why, for other operators.
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    server: Server,
}

/// What `chasqui unban` is told.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  chasqui unban --dev --user bob
  CHASQUI_ADMIN__TOKEN=... chasqui unban --user bob --device lost-phone --url http://chat.example:7600")]
pub struct UnbanArgs {
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    server: Server,
}

/// What `chasqui bans` is told.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  chasqui bans --dev
  CHASQUI_ADMIN__TOKEN=... chasqui bans --json | jq 'select(.device == null) | .user'")]
pub struct BansArgs {
    /// Print a JSON object a line, with `user`, `device`, `since` and `reason`.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

/// Bans a user or a device, and prints the ban.
///
/// # Errors
/// When there is no admin token, or the server refuses or can't be reached.
pub fn ban(args: BanArgs, options: &Options) -> anyhow::Result<()> {
    let BanArgs { who: Who { user, device }, reason, server } = args;
    let admin = admin(&server, options)?;
    let ban = wait(async { Ok(admin.ban(&user, device.as_ref(), reason).await?) })?;
    writeln!(io::stdout(), "{}", line(&ban)).context("the output could not be written")
}

/// Takes a ban back.
///
/// # Errors
/// As [`ban()`].
pub fn unban(args: &UnbanArgs, options: &Options) -> anyhow::Result<()> {
    let Who { user, device } = &args.who;
    let admin = admin(&args.server, options)?;
    wait(async { Ok(admin.unban(user, device.as_ref()).await?) })
}

/// Prints all bans.
///
/// # Errors
/// As [`ban()`].
pub fn bans(args: &BansArgs, options: &Options) -> anyhow::Result<()> {
    let admin = admin(&args.server, options)?;
    wait(async {
        let mut query = BansQuery::default();
        loop {
            let page = admin.bans(&query).await?;
            for ban in &page.bans {
                let line = if args.json { serde_json::to_string(ban)? } else { line(ban) };
                writeln!(io::stdout(), "{line}").context("the output could not be written")?;
            }
            if page.next.is_none() {
                return Ok(());
            }
            query.after = page.next;
        }
    })
}

fn admin(server: &Server, options: &Options) -> anyhow::Result<Admin> {
    let token =
        options.admin.token.as_ref().context(
            "there is no admin token: set admin.token as the server has it, or use --dev for the built-in one",
        )?;
    Ok(Admin::new(&server.url, Token(token.expose().to_owned()))?)
}

fn wait<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    Builder::new_current_thread().enable_all().build()?.block_on(work)
}

fn line(ban: &Ban) -> String {
    let device = ban.device.as_ref().map_or_else(String::new, |device| format!(", device {device},"));
    let since = i64::try_from(ban.since.0).ok().and_then(|since| jiff::Timestamp::from_millisecond(since).ok());
    let since = since.map_or_else(String::new, |since| format!(" since {since:.0}"));
    // One line a ban, whatever was given as the reason.
    let reason = ban.reason.as_ref().map_or_else(String::new, |reason| format!(": {}", reason.escape_debug()));
    format!("{}{device} is banned{since}{reason}", ban.user)
}

#[cfg(test)]
mod tests {
    use chasqui_domain::TimeMs;

    use super::*;

    #[test]
    fn a_ban_is_one_line() {
        let mut ban = Ban { user: UserId::new("bob").unwrap(), device: None, since: TimeMs(0), reason: None };
        assert_eq!(line(&ban), "bob is banned since 1970-01-01T00:00:00Z");
        ban.device = Some(DeviceId::new("phone").unwrap());
        ban.reason = Some("spam\nand more".to_owned());
        assert_eq!(line(&ban), "bob, device phone, is banned since 1970-01-01T00:00:00Z: spam\\nand more");
        ban.since = TimeMs(u64::MAX);
        line(&ban);
    }
}
