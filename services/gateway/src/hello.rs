//! The beginning and the end of a connection.

use std::{future::poll_fn, sync::Arc};

use chasqui_auth::Identity;
use chasqui_domain::{DeviceId, Offset, TimeMs, UserId};
use chasqui_log::Topic;
use chasqui_telemetry::metrics::One;
use chasqui_wire::{
    Code, cursor,
    frames::{self, ClientFrame, NotResumed, ServerFrame, Welcome},
    presence::PresenceKind,
};
use futures::{SinkExt, StreamExt, future};
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    bans,
    connection::Connection,
    identity::{self, Grant},
    limits,
    measure::{self, UNREADABLE},
    newcomers::Newcomer,
    queue::Queue,
    registry::Handle,
    render::text,
    session::{Limits, Session},
    shared::Shared,
    transport::{Incoming, Outgoing, Source, Target, TransportError},
    uplink,
    why::Why,
    work::Worker,
};

/// Who connects, and from where on.
struct Greeting {
    identity: Identity,
    device: DeviceId,
    from: Result<Offset, NotResumed>,
}

/// Serves a connection to its end. While nobody knows whose it is it may have to give way, without a word.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    target: impl Target,
    mut source: impl Source,
    newcomer: Option<&Newcomer>,
) {
    let metrics = shared.metrics.clone();
    let mut target = target.with(move |outgoing| {
        measure::outgoing(&metrics, &outgoing);
        future::ready(Ok::<_, TransportError>(outgoing))
    });
    let gives_way = async {
        match newcomer {
            Some(newcomer) => newcomer.gives_way().await,
            None => future::pending().await,
        }
    };
    let introduced = tokio::select! {
        biased;
        // Who has a place among the sessions by now takes none from the others. In memory of its own, which sessions don't keep.
        introduced = Box::pin(introduce(&shared, &mut target, &mut source)) => introduced,
        () = gives_way => None,
    };
    let Some((greeting, _permit)) = introduced else { return };
    newcomer.inspect(|newcomer| newcomer.is_proven());
    let why = hold(&shared, greeting, &mut target, &mut source).await;
    farewell(&shared, &mut target, &mut source, why.map(Why::from)).await;
}

/// Learns who connects, and gives them a place among the sessions; none when they were sent away.
async fn introduce(
    shared: &Shared,
    target: &mut impl Target,
    source: &mut impl Source,
) -> Option<(Greeting, OwnedSemaphorePermit)> {
    let greeting = tokio::select! {
        biased;
        // A gateway that drains lets nobody in, however early their hello.
        () = shared.drains() => Err(Some(Code::Draining.into())),
        greeting = shared.runtime.timeout(shared.options.hello(), greet(shared, source)) => {
            greeting.unwrap_or(Err(Some(Code::HelloTimeout.into())))
        }
    };
    let placed = greeting.and_then(|greeting| {
        let permit = shared.sessions.clone().try_acquire_owned();
        permit.map(|permit| (greeting, permit)).map_err(|_| Some(Code::Unavailable.into()))
    });
    match placed {
        Ok(placed) => Some(placed),
        Err(why) => {
            farewell(shared, target, source, why).await;
            None
        }
    }
}

async fn greet(shared: &Shared, source: &mut impl Source) -> Result<Greeting, Option<Why>> {
    let frames = shared.quotas.frames(&shared.runtime);
    let text = loop {
        let incoming = source.next().await;
        if !frames.take() {
            return Err(Some(Code::TooManyFrames.into()));
        }
        match incoming {
            Some(Ok(Incoming::Text(text))) => break text,
            Some(Ok(Incoming::Ping | Incoming::Pong)) => {}
            Some(Ok(Incoming::TooLong)) => return Err(Some(Code::FrameTooLarge.into())),
            Some(Ok(Incoming::Binary)) => return Err(Some(Code::BadFrame.into())),
            Some(Ok(Incoming::Close)) | None => return Err(None),
            Some(Err(error)) => {
                tracing::debug!(%error, "a connection failed before its hello");
                return Err(Some(Code::BadFrame.into()));
            }
        }
    };
    let frame = frames::parse_client(&text);
    shared.metrics.frame_in(frame.as_ref().map_or(UNREADABLE, ClientFrame::name));
    let Ok(ClientFrame::Hello(hello)) = frame else { return Err(Some(Code::BadFrame.into())) };
    let identity = log_in(shared, &hello.token.0).await?;
    // A cursor that can't be taken up is no fault: the device begins with the chat list.
    let from = match resume(shared, &identity.user, hello.cursor.as_deref()) {
        // The log was put back to an older state. What it says until it comes to the cursor would be missed.
        Ok(offset) if !has_come_to(shared, &identity.user, offset).await? => Err(NotResumed::OtherLog),
        from => from,
    };
    Ok(Greeting { identity, device: hello.device, from })
}

/// Who brings a token, if one more may log in.
///
/// That is asked as soon as there is a hello, before anything is done for it, and not when the connection is asked for: a
/// browser tells its page nothing of a WebSocket that was refused, and who never says hello would be counted. A token that
/// is none is no log-in, or whoever has no token could keep out all who have one.
async fn log_in(shared: &Shared, token: &str) -> Result<Identity, Why> {
    let login = shared.quotas.logins.enter().map_err(|too_much| {
        shared.metrics.logins_refused.inc();
        Why::too_much(Code::TooManyLogins, too_much)
    })?;
    let identity = identity::verify(shared, token).await?;
    // Who connects again and again costs as much as who asks.
    let asked = shared.quotas.requests.take(&identity.user);
    asked.map_err(|too_much| Why::too_much(Code::TooManySessions, too_much))?;
    login.counts();
    Ok(identity)
}

/// Where a session goes on, or why it doesn't.
fn resume(shared: &Shared, user: &UserId, cursor: Option<&str>) -> Result<Offset, NotResumed> {
    let cursor = match cursor::decode(user, cursor.ok_or(NotResumed::NoCursor)?) {
        Ok(cursor) => cursor,
        Err(chasqui_wire::Error::OtherUser) => return Err(NotResumed::OtherUser),
        Err(_) => return Err(NotResumed::Malformed),
    };
    if cursor.position.log != shared.uplink.log_id() {
        return Err(NotResumed::OtherLog);
    }
    if shared.oldest_day() > cursor.day {
        return Err(NotResumed::TooOld);
    }
    Ok(cursor.position.offset)
}

/// Whether there is, or was, all that lies before an offset of a user's inbox.
async fn has_come_to(shared: &Shared, user: &UserId, offset: Offset) -> Result<bool, Why> {
    let partition = shared.uplink.partition_of(user);
    if shared.ends.reach(partition, offset) {
        return Ok(true);
    }
    let at = Topic::Inbox.partition(partition);
    let bounds = shared.uplink.log.bounds(&at).await.map_err(|error| {
        tracing::warn!(%error, "whether a cursor can be taken up is not known");
        uplink::code_of(&error)
    })?;
    shared.ends.saw(partition, bounds.end);
    Ok(offset <= bounds.end)
}

/// Holds a session until it ends; gives why, when the client is to be told.
async fn hold(
    shared: &Arc<Shared>,
    greeting: Greeting,
    target: &mut impl Target,
    source: &mut impl Source,
) -> Option<Code> {
    let Greeting { identity, device, from } = greeting;
    let handle = Handle {
        session: shared.next_session(),
        partition: shared.uplink.partition_of(&identity.user),
        user: identity.user.clone(),
        device: device.clone(),
        queue: Queue::new(shared.options.queue_frames_max),
        has_answered: false.into(),
    };
    let registration = match shared.registry.register(handle, shared.options.sessions_per_user_max) {
        Ok(registration) => registration,
        Err(why) => return Some(why),
    };
    // Asked behind registering: whoever closes all sessions closes this one, or is seen here.
    if let Some(why) = shared.closed() {
        return Some(why);
    }
    // Likewise: whoever is banned from now on is closed here, whoever was banned before is found in the store.
    if let Err(why) = bans::check(shared, &identity.user, Some(&device)).await {
        return Some(why);
    }
    let handle = registration.handle.clone();
    let now = shared.runtime.monotonic();
    let log = shared.uplink.log_id();
    let user = identity.user.clone();
    let _counted = One::more(&shared.metrics.sessions);
    let session = Session::new(Limits::from(&shared.options), user, device, log, from, shared.today(), now);
    let mut session = session.counted_by(&shared.metrics.session);
    session.say(&welcome(shared, &handle, &session, identity.expires));
    let worker = Worker::new(shared.clone(), handle.clone(), session, Grant::new(shared, identity));
    let mut connection = Connection::new(worker, target, source);
    let why = poll_fn(|cx| connection.poll(cx)).await;
    drop(connection);
    drop(registration);
    detach(shared, &handle).await;
    why
}

fn welcome(shared: &Shared, handle: &Handle, session: &Session, expires: TimeMs) -> ServerFrame {
    let options = &shared.options;
    // All of them were checked to fit when the gateway started.
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    ServerFrame::Welcome(Box::new(Welcome {
        user: session.user().clone(),
        device: session.device().clone(),
        session: handle.session,
        resumed: session.not_resumed().is_none(),
        not_resumed: session.not_resumed(),
        time: shared.runtime.now(),
        expires,
        unacked_max: number(options.unacked_max),
        outstanding_max: number(options.outstanding_max),
        body_bytes_max: number(options.body_bytes_max),
        idle_ms: u32::try_from(options.idle_ms).unwrap_or(u32::MAX),
    }))
}

/// Takes a session out of the router's table. When that fails it goes by itself, since nobody refreshes it.
async fn detach(shared: &Shared, handle: &Handle) {
    let announce = shared.uplink.announce(handle, shared.incarnation, PresenceKind::Detach, 0);
    match shared.runtime.timeout(limits::FAREWELL, announce).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the router can't be told that a session is gone"),
        Err(_) => tracing::warn!("the router can't be told in time that a session is gone"),
    }
}

/// Tells the client why, and waits for its own close: a connection that is cut while the client still writes may lose
/// what was said last.
async fn farewell(shared: &Shared, target: &mut impl Target, source: &mut impl Source, why: Option<Why>) {
    let words = async {
        if let Some(why) = why {
            if let Some(frame) = text(&ServerFrame::Error(shared.parting(why))) {
                target.feed(Outgoing::Text(frame)).await?;
            }
            target.feed(Outgoing::Close(why.code)).await?;
        }
        target.close().await?;
        while let Some(Ok(_)) = source.next().await {}
        Ok::<(), TransportError>(())
    };
    // A client that is gone, or takes nothing, misses the last words.
    let _ = shared.runtime.timeout(limits::FAREWELL, words).await;
}
