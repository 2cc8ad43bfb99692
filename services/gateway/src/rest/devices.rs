//! The user's devices.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::HeaderMap,
};
use chasqui_store::DeviceRow;
use chasqui_wire::{
    Code,
    frames::{DeviceItem, Devices, DevicesQuery},
};

use super::{Refused, page_items, user};
use crate::shared::Shared;

pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    query: Result<Query<DevicesQuery>, QueryRejection>,
) -> Result<Json<Devices>, Refused> {
    let user = user(&shared, &headers).await?;
    let Query(query) = query.map_err(|_| Refused(Code::BadFrame))?;
    let items_max = page_items(query.limit);
    let mut rows = shared.store.devices_of(&user, query.after.as_ref(), items_max + 1).await?;
    let has_more = rows.len() > items_max;
    rows.truncate(items_max);
    let next = if has_more { rows.last().map(|row| row.device.clone()) } else { None };
    Ok(Json(Devices { devices: rows.into_iter().map(|row| item(&shared, row)).collect(), next }))
}

fn item(shared: &Shared, row: DeviceRow) -> DeviceItem {
    // The router forgets the sessions of a former life only after a while.
    let is_of_former_life = row.gateway == shared.options.id && row.incarnation < shared.incarnation;
    DeviceItem {
        device: row.device,
        connected: row.disconnected.is_none() && !is_of_former_life,
        since: row.connected,
        disconnected: row.disconnected,
        gateway: row.gateway,
        session: row.session,
    }
}
