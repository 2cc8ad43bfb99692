//! Asking the server for everything.

use std::{sync::Arc, time::Duration};

use axum::{body::Body, http::Request};
use bytes::Bytes;
use chasqui_domain::{ChatId, Seq, UserId};
use chasqui_oracle::{Message, Served, ServedChat, ServedGroup, ServedMember};
use chasqui_testkit::transcript::{changed, others, plain, role, watermarks};
use chasqui_wire::frames::{Changes, ChatItem, ChatReceipts, Chats, GroupItem, Members, Messages};
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
    let mut served = Served { user: user.to_string(), chats: Vec::new(), groups: Vec::new() };
    let list: Chats = get(listener, user, "/v1/chats?limit=200").await?;
    for item in list.chats {
        if let Some(group) = item.group.clone() {
            served.groups.push(serve_group(listener, user, item, *group).await?);
            continue;
        }
        let ChatItem { chat, with, group: _, last_seq, last_time, unread, members, last_message, pinned } = item;
        let messages = messages(listener, user, chat).await?;
        let receipts: ChatReceipts = get(listener, user, &format!("/v1/chats/{chat}/receipts")).await?;
        served.chats.push(ServedChat {
            chat: chat.to_string(),
            with: with.map(|with| with.to_string()).unwrap_or_default(),
            last_seq: last_seq.0,
            last_time: last_time.0,
            unread,
            members: members.iter().map(watermarks).collect(),
            last_message: last_message.map(|message| plain(*message)),
            messages,
            pinned: pinned.iter().map(|seq| seq.0).collect(),
            unread_in_receipts: Some(receipts.unread),
        });
    }
    Ok(served)
}

/// All messages of a chat that are shown to a user.
pub(crate) async fn messages(listener: &Listener, user: &UserId, chat: ChatId) -> Result<Vec<Message>, String> {
    let mut messages = Vec::new();
    let mut after = Some(Seq(0));
    while let Some(from) = after {
        let page: Messages = get(listener, user, &format!("/v1/chats/{chat}/messages?after={from}&limit=200")).await?;
        messages.extend(page.messages.into_iter().map(plain));
        after = page.next;
    }
    Ok(messages)
}

async fn serve_group(
    listener: &Listener,
    user: &UserId,
    item: ChatItem,
    group: GroupItem,
) -> Result<ServedGroup, String> {
    let chat = item.chat;
    let members: Members = get(listener, user, &format!("/v1/chats/{chat}/members?limit=200")).await?;
    let member = |it: chasqui_wire::frames::MemberItem| ServedMember {
        user: it.user.to_string(),
        role: role(it.role),
        joined: it.joined.0,
    };
    let receipts: ChatReceipts = get(listener, user, &format!("/v1/chats/{chat}/receipts")).await?;
    let (mut changes, mut before) = (Vec::new(), String::new());
    loop {
        let page: Changes = get(listener, user, &format!("/v1/chats/{chat}/changes?limit=200{before}")).await?;
        changes.extend(page.changes.iter().map(changed));
        let Some(next) = page.next else { break };
        before = format!("&before={next}");
    }
    changes.reverse();
    Ok(ServedGroup {
        chat: chat.to_string(),
        last_seq: item.last_seq.0,
        last_time: item.last_time.0,
        unread: item.unread,
        own: item.members.iter().map(watermarks).collect(),
        role: role(group.role),
        joined: group.joined.0,
        members_count: group.members_count.into(),
        members: members.members.into_iter().map(member).collect(),
        others: receipts.others.as_ref().map(others),
        last_message: item.last_message.map(|message| plain(*message)),
        messages: messages(listener, user, chat).await?,
        changes,
        pinned: item.pinned.iter().map(|seq| seq.0).collect(),
        unread_in_receipts: Some(receipts.unread),
    })
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
