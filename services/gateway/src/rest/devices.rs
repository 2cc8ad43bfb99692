//! The user's devices.

use std::sync::Arc;

use axum::{Json, extract::State};
use chasqui_store::DeviceRow;
use chasqui_wire::frames::{DeviceItem, Devices, DevicesQuery};

use super::{
    Refused,
    asked::{Asked, Caller},
    documents::Problems,
    page_items,
};
use crate::shared::Shared;

/// The user's devices, in pages.
#[utoipa::path(
    get, path = "/v1/devices", tag = "devices", operation_id = "listDevices", security(("user" = [])),
    params(DevicesQuery), responses((status = 200, description = "A page of devices.", body = Devices), Problems)
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    Caller(user): Caller,
    Asked(query): Asked<DevicesQuery>,
) -> Result<Json<Devices>, Refused> {
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
