//! Asking the server for everything.

use std::{sync::Arc, time::Duration};

use axum::{body::Body, http::Request};
use bytes::Bytes;
use chasqui_domain::{Seq, UserId};
use chasqui_oracle::{Served, ServedChat};
use chasqui_testkit::transcript::{plain, watermarks};
use chasqui_wire::frames::{ChatItem, Chats, Messages};
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use tower::ServiceExt;

use super::READ_BYTES;
use crate::{
    network::Listener,
    scheduler::WORLD,
    world::{World, token},
};

/// How long the server may take to serve everything, when nothing goes wrong.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is served, or why not; none before that.
type Answer = Arc<Mutex<Option<Result<Vec<Served>, String>>>>;

/// What every user is served, by any gateway.
pub(super) fn everything(world: &World) -> Result<Vec<Served>, String> {
    let listener = world.0.network.listeners().pop().ok_or("a gateway listens at the end")?;
    let answer: Answer = Arc::default();
    let (users, to) = (world.0.users.clone(), answer.clone());
    let asking = async move {
        let mut all = Vec::new();
        for user in users {
            match serve(&listener, &user).await {
                Ok(served) => all.push(served),
                Err(why) => return *to.lock() = Some(Err(why)),
            }
        }
        *to.lock() = Some(Ok(all));
    };
    world.0.scheduler.spawn(WORLD, asking);
    let until = world.0.scheduler.now() + PATIENCE;
    while world.0.scheduler.now() < until && answer.lock().is_none() {
        let next = world.0.scheduler.now() + Duration::from_millis(1);
        world.0.scheduler.run_until(next).map_err(|broken| format!("everybody goes on: {broken}"))?;
    }
    answer.lock().take().unwrap_or_else(|| Err("everything is served: there is no answer".to_owned()))
}

async fn serve(listener: &Listener, user: &UserId) -> Result<Served, String> {
    let mut served = Served { user: user.to_string(), chats: Vec::new() };
    let list: Chats = get(listener, user, "/v1/chats?limit=200").await?;
    for item in list.chats {
        let ChatItem { chat, with, last_seq, last_time, unread, members, last_message } = item;
        let mut messages = Vec::new();
        let mut after = Some(Seq(0));
        while let Some(from) = after {
            let page: Messages =
                get(listener, user, &format!("/v1/chats/{chat}/messages?after={from}&limit=200")).await?;
            messages.extend(page.messages.into_iter().map(plain));
            after = page.next;
        }
        served.chats.push(ServedChat {
            chat: chat.to_string(),
            with: with.to_string(),
            last_seq: last_seq.0,
            last_time: last_time.0,
            unread,
            members: members.iter().map(watermarks).collect(),
            last_message: last_message.map(|message| plain(*message)),
            messages,
        });
    }
    Ok(served)
}

async fn get<T: DeserializeOwned>(listener: &Listener, user: &UserId, path: &str) -> Result<T, String> {
    let failed = |why: &dyn std::fmt::Display| format!("everything is served: {path}: {why}");
    let request = Request::get(path).header("authorization", format!("Bearer {}", token(user).0));
    let request = request.body(Body::empty()).map_err(|error| failed(&error))?;
    let answer = listener.gateway.router().oneshot(request).await.map_err(|error| failed(&error))?;
    let status = answer.status();
    let body: Bytes = axum::body::to_bytes(answer.into_body(), READ_BYTES).await.map_err(|error| failed(&error))?;
    if !status.is_success() {
        return Err(failed(&format!("{status} {}", String::from_utf8_lossy(&body))));
    }
    serde_json::from_slice(&body).map_err(|error| failed(&error))
}
