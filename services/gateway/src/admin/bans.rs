//! Bans: first the row, then the record that ends open sessions. A request that failed may have done the first alone;
//! repeated it does both.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chasqui_domain::{DeviceId, UserId};
use chasqui_store::{Ban as BanRow, BanKey, BanReason};
use chasqui_wire::{
    Code,
    frames::{Ban, BanRequest, Bans, BansQuery, forms},
};

use crate::{
    rest::{
        Refused,
        asked::{Asked, OfUser, OnDevice, ToldPerhaps},
        documents::AdminProblems,
        page_items,
    },
    shared::Shared,
};

/// Bans a user. What is open of theirs is closed.
#[utoipa::path(
    put, path = "/v1/admin/bans/{user}", tag = "admin", operation_id = "banUser", security(("admin" = [])),
    params(("user" = inline(forms::UserId), Path, description = "The user.")),
    request_body(content = Option<BanRequest>, description = "Why."),
    responses((status = 200, description = "The ban that stands.", body = Ban), AdminProblems)
)]
pub(super) async fn ban(
    State(shared): State<Arc<Shared>>,
    OfUser(user): OfUser,
    ToldPerhaps(request): ToldPerhaps<BanRequest>,
) -> Result<Json<Ban>, Refused> {
    put(&shared, BanKey { user, device: None }, request).await
}

/// Bans one device of a user.
#[utoipa::path(
    put, path = "/v1/admin/bans/{user}/devices/{device}", tag = "admin", operation_id = "banDevice",
    security(("admin" = [])),
    params(
        ("user" = inline(forms::UserId), Path, description = "The user."),
        ("device" = inline(forms::DeviceId), Path, description = "The device."),
    ),
    request_body(content = Option<BanRequest>, description = "Why."),
    responses((status = 200, description = "The ban that stands.", body = Ban), AdminProblems)
)]
pub(super) async fn ban_device(
    State(shared): State<Arc<Shared>>,
    OfUser(user): OfUser,
    OnDevice(device): OnDevice,
    ToldPerhaps(request): ToldPerhaps<BanRequest>,
) -> Result<Json<Ban>, Refused> {
    put(&shared, BanKey { user, device: Some(device) }, request).await
}

/// Takes the ban of a user back. Those of their devices stay.
#[utoipa::path(
    delete, path = "/v1/admin/bans/{user}", tag = "admin", operation_id = "unbanUser", security(("admin" = [])),
    params(("user" = inline(forms::UserId), Path, description = "The user.")),
    responses((status = 204, description = "There is no such ban any more."), AdminProblems)
)]
pub(super) async fn unban(State(shared): State<Arc<Shared>>, OfUser(user): OfUser) -> Result<StatusCode, Refused> {
    delete(&shared, BanKey { user, device: None }).await
}

/// Takes the ban of a device back.
#[utoipa::path(
    delete, path = "/v1/admin/bans/{user}/devices/{device}", tag = "admin", operation_id = "unbanDevice",
    security(("admin" = [])),
    params(
        ("user" = inline(forms::UserId), Path, description = "The user."),
        ("device" = inline(forms::DeviceId), Path, description = "The device."),
    ),
    responses((status = 204, description = "There is no such ban any more."), AdminProblems)
)]
pub(super) async fn unban_device(
    State(shared): State<Arc<Shared>>,
    OfUser(user): OfUser,
    OnDevice(device): OnDevice,
) -> Result<StatusCode, Refused> {
    delete(&shared, BanKey { user, device: Some(device) }).await
}

/// All bans, in pages.
#[utoipa::path(
    get, path = "/v1/admin/bans", tag = "admin", operation_id = "listBans", security(("admin" = [])),
    params(BansQuery), responses((status = 200, description = "A page of bans.", body = Bans), AdminProblems)
)]
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Asked(query): Asked<BansQuery>,
) -> Result<Json<Bans>, Refused> {
    page(&shared, None, query).await
}

/// The bans of a user and their devices, in pages.
#[utoipa::path(
    get, path = "/v1/admin/bans/{user}", tag = "admin", operation_id = "listBansOfUser", security(("admin" = [])),
    params(("user" = inline(forms::UserId), Path, description = "The user."), BansQuery),
    responses((status = 200, description = "A page of bans.", body = Bans), AdminProblems)
)]
pub(super) async fn list_of(
    State(shared): State<Arc<Shared>>,
    OfUser(user): OfUser,
    Asked(query): Asked<BansQuery>,
) -> Result<Json<Bans>, Refused> {
    page(&shared, Some(user), query).await
}

async fn put(shared: &Shared, key: BanKey, request: BanRequest) -> Result<Json<Ban>, Refused> {
    let reason = request.reason.map(BanReason::new).transpose().map_err(|_| Refused(Code::BadFrame))?;
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

async fn page(shared: &Shared, user: Option<UserId>, query: BansQuery) -> Result<Json<Bans>, Refused> {
    let after = query.after.map(|after| parse_place(&after).ok_or(Refused(Code::BadFrame))).transpose()?;
    let items_max = page_items(query.limit);
    let mut bans = shared.store.bans(user.as_ref(), after.as_ref(), items_max + 1).await?;
    let has_more = bans.len() > items_max;
    bans.truncate(items_max);
    let next = if has_more { bans.last().map(|last| place(&last.key)) } else { None };
    Ok(Json(Bans { bans: bans.into_iter().map(shown).collect(), next }))
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
