//! Bans: first the row, then the record that ends open sessions. A request that failed may have done the first alone;
//! repeated it does both.

use std::sync::Arc;

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{BytesRejection, PathRejection, QueryRejection},
    },
    http::StatusCode,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use chasqui_domain::{DeviceId, UserId};
use chasqui_store::{Ban as BanRow, BanKey, BanReason};
use chasqui_wire::{
    Code,
    frames::{Ban, BanRequest, Bans, BansQuery},
};

use crate::{
    rest::{Refused, page_items},
    shared::Shared,
};

type User = Result<Path<String>, PathRejection>;
type Device = Result<Path<(String, String)>, PathRejection>;

pub(super) async fn ban(
    State(shared): State<Arc<Shared>>,
    user: User,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Ban>, Refused> {
    put(&shared, of_user(user)?, body).await
}

pub(super) async fn ban_device(
    State(shared): State<Arc<Shared>>,
    device: Device,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Ban>, Refused> {
    put(&shared, of_device(device)?, body).await
}

pub(super) async fn unban(State(shared): State<Arc<Shared>>, user: User) -> Result<StatusCode, Refused> {
    delete(&shared, of_user(user)?).await
}

pub(super) async fn unban_device(State(shared): State<Arc<Shared>>, device: Device) -> Result<StatusCode, Refused> {
    delete(&shared, of_device(device)?).await
}

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    query: Result<Query<BansQuery>, QueryRejection>,
) -> Result<Json<Bans>, Refused> {
    page(&shared, None, query).await
}

pub(super) async fn list_of(
    State(shared): State<Arc<Shared>>,
    user: User,
    query: Result<Query<BansQuery>, QueryRejection>,
) -> Result<Json<Bans>, Refused> {
    page(&shared, Some(of_user(user)?.user), query).await
}

async fn put(shared: &Shared, key: BanKey, body: Result<Bytes, BytesRejection>) -> Result<Json<Ban>, Refused> {
    let reason = reason(&body.map_err(|rejection| {
        let is_large = rejection.status() == StatusCode::PAYLOAD_TOO_LARGE;
        Refused(if is_large { Code::RequestTooLarge } else { Code::BadFrame })
    })?)?;
    let BanKey { user, device } = &key;
    let ban = BanRow { key: key.clone(), since: shared.runtime.now(), reason };
    shared.store.ban(ban.clone()).await?;
    shared.uplink.revoke(user, device.as_ref()).await.map_err(|error| {
        tracing::warn!(%error, "a ban can't be told to the gateways");
        Refused(Code::Unavailable)
    })?;
    tracing::info!(%user, device = device.as_ref().map(DeviceId::as_str), "banned");
    // Since when is for the store to say. Somebody may have taken it back already.
    let stands = shared.store.bans_of(user, device.as_ref()).await?.into_iter().find(|stands| stands.key == key);
    Ok(Json(shown(stands.unwrap_or(ban))))
}

async fn delete(shared: &Shared, key: BanKey) -> Result<StatusCode, Refused> {
    shared.store.unban(&key).await?;
    let BanKey { user, device } = &key;
    tracing::info!(%user, device = device.as_ref().map(DeviceId::as_str), "no longer banned");
    Ok(StatusCode::NO_CONTENT)
}

async fn page(
    shared: &Shared,
    user: Option<UserId>,
    query: Result<Query<BansQuery>, QueryRejection>,
) -> Result<Json<Bans>, Refused> {
    let Query(query) = query.map_err(|_| Refused(Code::BadFrame))?;
    let after = query.after.map(|after| parse_place(&after).ok_or(Refused(Code::BadFrame))).transpose()?;
    let items_max = page_items(query.limit);
    let mut bans = shared.store.bans(user.as_ref(), after.as_ref(), items_max + 1).await?;
    let has_more = bans.len() > items_max;
    bans.truncate(items_max);
    let next = if has_more { bans.last().map(|last| place(&last.key)) } else { None };
    Ok(Json(Bans { bans: bans.into_iter().map(shown).collect(), next }))
}

fn of_user(user: User) -> Result<BanKey, Refused> {
    let Path(user) = user.map_err(|_| Refused(Code::BadFrame))?;
    Ok(BanKey { user: UserId::new(user).map_err(|_| Refused(Code::BadFrame))?, device: None })
}

fn of_device(device: Device) -> Result<BanKey, Refused> {
    let Path((user, device)) = device.map_err(|_| Refused(Code::BadFrame))?;
    let device = DeviceId::new(device).map_err(|_| Refused(Code::BadFrame))?;
    Ok(BanKey { user: UserId::new(user).map_err(|_| Refused(Code::BadFrame))?, device: Some(device) })
}

fn reason(body: &Bytes) -> Result<Option<BanReason>, Refused> {
    if body.is_empty() {
        return Ok(None);
    }
    let request: BanRequest = serde_json::from_slice(body).map_err(|_| Refused(Code::BadFrame))?;
    request.reason.map(BanReason::new).transpose().map_err(|_| Refused(Code::BadFrame))
}

fn shown(ban: BanRow) -> Ban {
    let BanRow { key: BanKey { user, device }, since, reason } = ban;
    Ban { user, device, since, reason: reason.map(|reason| reason.as_str().to_owned()) }
}

/// A place in the list, which clients only give back.
fn place(key: &BanKey) -> String {
    let device = key.device.as_ref().map_or("", DeviceId::as_str);
    URL_SAFE_NO_PAD.encode(format!("{}\0{device}", key.user))
}

fn parse_place(place: &str) -> Option<BanKey> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(place).ok()?).ok()?;
    let (user, device) = text.split_once('\0')?;
    let device = if device.is_empty() { None } else { Some(DeviceId::new(device).ok()?) };
    Some(BanKey { user: UserId::new(user).ok()?, device })
}
