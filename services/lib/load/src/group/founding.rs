//! How groups come to be.

use std::time::{Duration, Instant};

use chasqui_domain::{ChatId, Counter, DeviceId, UserId};
use futures::future::{try_join, try_join_all};
use tokio::time::timeout;

use crate::{
    Error, Group, Options,
    frame::{Digits, Frame, Say},
    login::{DEVICE, Door, Session},
    socket::Came,
};

/// A session's read buffer and write buffer.
const BUFFER_BYTES: usize = 4 * 1024;

/// How many sessions log in at a time.
const LOG_INS_AT_ONCE: usize = 64;

/// How long it may take until all are told of their groups.
const PATIENCE: Duration = Duration::from_secs(120);

/// Each author makes one group.
const FIRST: u64 = 1;

/// A group of which all who are online know.
pub(super) struct Founded {
    pub(super) chat: String,
    pub(super) author: Session,
    /// Those who are online beside the author.
    pub(super) members: Vec<Session>,
}

/// Logs in all who are to be online, and has their groups made. Gives them, and how many seconds the making took.
pub(super) async fn found(options: &Options, group: &Group) -> Result<(Vec<Founded>, f64), Error> {
    let mut all = log_in(options, group).await?;
    if let Some(Founded { author, .. }) = all.first() {
        group.pace.check_window(author.outstanding_max)?;
    }
    let began = Instant::now();
    let making = all.iter_mut().enumerate().map(|(number, founded)| make(options, group, number, founded));
    let late = || Error::Options(format!("not all are told of their groups after {} s", PATIENCE.as_secs()));
    timeout(PATIENCE, try_join_all(making)).await.map_err(|_| late())??;
    Ok((all, began.elapsed().as_secs_f64()))
}

/// Where there are several gateways, those of a group are spread over them.
async fn log_in(options: &Options, group: &Group) -> Result<Vec<Founded>, Error> {
    let door = Door::new(options, LOG_INS_AT_ONCE, BUFFER_BYTES);
    let enter = |number: usize| {
        let door = &door;
        async move {
            let user = author(options, number);
            let chat = chat_of(&user)?;
            let members = (1..=group.online).map(|place| door.enter(member(options, number, place), number + place));
            let (author, members) = try_join(door.enter(user, number), try_join_all(members)).await?;
            Ok::<_, Error>(Founded { chat, author, members })
        }
    };
    try_join_all((0..group.groups).map(enter)).await
}

fn author(options: &Options, group: usize) -> String {
    format!("{}-{group}-author", options.run)
}

/// The `place`th beside the author.
fn member(options: &Options, group: usize, place: usize) -> String {
    format!("{}-{group}-{place}", options.run)
}

fn chat_of(author: &str) -> Result<String, Error> {
    let wrong = |error: chasqui_domain::IdError| Error::Options(error.to_string());
    let (author, device) = (UserId::new(author).map_err(wrong)?, DeviceId::new(DEVICE).map_err(wrong)?);
    Ok(ChatId::group(&author, &device, Counter(FIRST)).to_string())
}

async fn make(options: &Options, group: &Group, number: usize, founded: &mut Founded) -> Result<(), Error> {
    let Founded { chat, author, members } = founded;
    let others: Vec<String> = (1..group.members).map(|place| member(options, number, place)).collect();
    let title = format!("{}-{number}", options.run);
    let create = Say::Create { id: Digits(FIRST), members: &others, title: &title }.text()?;
    let is_done = |frame: &Frame<'_>| frame.kind == "done" && frame.chat == Some(chat);
    let all = group.members;
    let told = |frame: &Frame<'_>| {
        let created = frame.change.as_ref().filter(|made| made.kind == "created");
        frame.chat == Some(chat) && created.is_some_and(|made| made.users.len() == all)
    };
    let ask = async {
        author.socket.say(create).await?;
        until(author, is_done).await
    };
    try_join(ask, try_join_all(members.iter_mut().map(|member| until(member, told)))).await?;
    Ok(())
}

/// Waits for a frame.
async fn until(session: &mut Session, is_it: impl Fn(&Frame<'_>) -> bool) -> Result<(), Error> {
    let user = &session.user;
    loop {
        let text = match session.socket.next().await? {
            Came::Text(text) => text,
            Came::Alive => continue,
            Came::Closed => return Err(Error::Closed { user: user.clone() }),
        };
        let frame = Frame::read(&text)?;
        if is_it(&frame) {
            return Ok(());
        }
        if matches!(frame.kind, "failed" | "error") {
            return Err(Error::Refused { user: user.clone(), code: frame.code.unwrap_or(frame.kind).to_owned() });
        }
    }
}
