//! `chasqui chat`: a chat with a user or in a group, in the terminal, or line by line for scripts.

mod actions;
mod answers;
mod bubble;
mod changes;
mod command;
mod draft;
mod history;
mod layout;
mod limits;
mod line;
mod model;
mod opening;
mod place;
mod plain;
mod screen;
mod scroll;
mod session;
mod signals;
mod terminal;
#[cfg(test)]
mod testing;
mod text;
mod theme;
mod timeline;
mod times;
mod view;

use std::{
    io::{IsTerminal, stdin, stdout},
    path::PathBuf,
    time::Duration,
};

use anyhow::Context;
use chasqui_client::{Group, Token};
use chasqui_config::{Options, TOKEN_VARIABLE};
use chasqui_domain::UserId;
use jiff::tz::TimeZone;

use opening::Wanted;
use session::{Session, Tokens};

const EXAMPLES: &str = "\
Keys:
  Enter sends, Alt-Enter begins a new line, PgUp and Up go to older messages, Ctrl-End to the newest,
  Esc and Ctrl-C leave.

What is typed and not yet sent is kept, also the half-typed line: the next chat of the same user goes on with it.

A line that begins with / asks for something; //TEXT sends a text that begins with /:
  /reply #N TEXT, /edit [#N] TEXT, /delete [#N] (without #N, your last message), /react #N [REACTION] (without
  REACTION, it is taken back), /reactions #N (who reacts to it), /pin #N, /unpin #N, /pinned, /help.
In a group also for:
  /add USER…, /remove USER, /leave, /promote USER [owner], /demote USER [admin], /rename TITLE,
  /members, /who [N] (who has the message #N).
@USER in a text mentions the other user, or in a group who has written there.

Line by line (--plain, or when the input or output is no terminal):
  Every line of the input is sent. The output has one line for each thing that happens:
    12:03 #4 bob: hi     a message, and its number in the chat; ⏎ stands for a line break in it. In front of the name
                         may stand what it replies to (↳ #3), (edited) or (deleted), as it is when it is read
    12:03 * bob left     a change of the group, or what was done to a message: bob edited #4: hello
    ✓ 7 #5               the message 7 was accepted as #5; what is sent and asked for is numbered from 1, over all runs
    ✓ 7                  what was asked for with / is done
    ✓✓ 7 delivered       it is on a device of the other user
    ✓✓ 7 read            it was read
    … 7 delayed          its outcome is late
    ✗ 7 CODE: reason     it was refused
  In a group also:
    ✓ group ID TITLE     the group of --new-group was made
    ✓ 7 read 2/5         so many of so many others have read it; ✓✓ stands for all of them
  Questions such as /pinned and /who, /edit and a /delete without a number wait until all before has its outcome. An
  answer is a line, and a line for each user or message behind it.
  At the end of the input it waits for all outcomes. It fails when a message was refused, or has no outcome in time:
  such a message is kept, and sent by the next chat. It ends when the user is no longer in the group.

Examples:
  chasqui chat --as alice --with bob
  chasqui chat --as alice --new-group 'The bridge' --with bob carol
  chasqui chat --as bob --group 'The bridge'
  CHASQUI_TOKEN=\"$(cat token)\" chasqui chat --as bob --with alice --url http://chat.example:7600
  echo 'the build is done' | chasqui chat --as ci --with alice
  printf '/add dave\\n/members\\n' | chasqui chat --as alice --group 'The bridge'
  chasqui chat --as alice --with ci </dev/null";

/// With whom, as whom, and where.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The user to be.
    #[arg(long = "as", value_name = "USER")]
    me: UserId,
    /// The user to chat with; with --new-group, the users that are in it from the start.
    #[arg(long = "with", value_name = "USER", num_args = 1.., required_unless_present_any = ["group", "new_group"])]
    peers: Vec<UserId>,
    /// The group to open: its title, or its id.
    #[arg(long, value_name = "GROUP", conflicts_with_all = ["peers", "new_group"])]
    group: Option<String>,
    /// Make a group with this title, and open it.
    #[arg(long, value_name = "TITLE", value_parser = command::title)]
    new_group: Option<String>,
    /// The server.
    #[arg(long, default_value = "http://127.0.0.1:7600")]
    url: String,
    /// The identity provider's token; without it one is signed with auth.secret. Everybody on this machine can see what
    /// commands are given: prefer the environment variable.
    #[arg(long, env = TOKEN_VARIABLE, hide_env_values = true)]
    token: Option<String>,
    /// Where to keep what must outlive this chat; without it, a file of the server and the user in the state folder.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Send the lines of the input, and print what happens line by line.
    #[arg(long)]
    plain: bool,
    /// Line by line: how long to wait for outcomes at the end of the input, with nothing coming from the server. Also how
    /// long a group is looked for, or waited for while it is made.
    #[arg(long, value_name = "TIME", default_value = limits::WAIT, value_parser = humantime::parse_duration)]
    wait: Duration,
}

/// Chats until the user leaves or the input ends.
///
/// # Errors
/// When it can't begin or ends by itself; line by line also when messages were refused or have no outcome.
pub fn run(args: Args, options: &Options) -> anyhow::Result<()> {
    // One chat is no work for more than one thread.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(chat(args, options))
}

async fn chat(args: Args, options: &Options) -> anyhow::Result<()> {
    let Args { me, peers, group, new_group, url, token, state, plain, wait } = args;
    let wanted = wanted(&me, peers, group, new_group)?;
    // Before the URL is used for anything: it may hold what must not be in the name of a file.
    chasqui_client::rest::socket_url(&url)?;
    let state = match state {
        Some(state) => state,
        None => place::of(&url, &me)?,
    };
    let tokens = match token.filter(|token| !token.is_empty()) {
        Some(token) => Tokens::Given(Token(token)),
        None => Tokens::Minted { options: Box::new(options.clone()), user: me.clone(), life: limits::TOKEN_LIFE },
    };
    let mut session = Session::open(url, state, me.clone(), tokens).await?;
    let zone = TimeZone::try_system().unwrap_or(TimeZone::UTC);
    let opened = match opening::open(&mut session, wanted, wait).await {
        Ok(opened) => opened,
        Err(error) => {
            // What was asked for is kept; why it isn't here matters more than a goodbye.
            let _ = session.close(limits::FAREWELL).await;
            return Err(error);
        }
    };
    if plain || !stdin().is_terminal() || !stdout().is_terminal() {
        plain::run(session, me, opened, zone, wait).await
    } else {
        screen::run(session, me, opened.to, zone).await.context("the screen failed")
    }
}

fn wanted(
    me: &UserId,
    mut peers: Vec<UserId>,
    group: Option<String>,
    new_group: Option<String>,
) -> anyhow::Result<Wanted> {
    match (group, new_group) {
        (Some(name), _) => Ok(Wanted::Group(name)),
        (None, Some(title)) => {
            peers.retain(|peer| peer != me);
            peers.sort();
            peers.dedup();
            Ok(Wanted::New(Group { members: peers, title, picture: None }))
        }
        (None, None) => match <[UserId; 1]>::try_from(peers) {
            Ok([peer]) if peer == *me => anyhow::bail!("a chat has two users: --as and --with must differ"),
            Ok([peer]) => Ok(Wanted::With(peer)),
            Err(_) => anyhow::bail!("several users make a group: give it a title with --new-group TITLE"),
        },
    }
}
