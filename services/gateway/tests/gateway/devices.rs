//! The user's devices over REST.

use std::sync::Arc;

use axum::http::StatusCode;
use chasqui_domain::{DeviceId, GatewayId, Incarnation, Offset, Partition, Position, SessionId, TimeMs};
use chasqui_store::{DeviceRow, LogPartition, Store};
use chasqui_wire::frames::{DeviceItem, Devices};

use crate::{
    bench::{Bench, LOG, user},
    rest::get,
};

fn row(name: &str, gateway: &str, incarnation: Incarnation, disconnected: Option<u64>) -> DeviceRow {
    DeviceRow {
        user: user("alice"),
        device: DeviceId::new(name).unwrap(),
        told: Position { log: LOG, offset: Offset(1) },
        connected: TimeMs(5),
        disconnected: disconnected.map(TimeMs),
        gateway: GatewayId::new(gateway).unwrap(),
        incarnation,
        session: SessionId(7),
    }
}

async fn devices(bench: &Bench, name: &str, query: &str) -> Devices {
    let (status, body) = get(bench, Some(name), &format!("/v1/devices{query}")).await;
    assert_eq!(status, StatusCode::OK);
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test]
async fn a_user_sees_their_devices_and_nobody_elses() {
    let mut bench = Bench::new().await;
    // A life behind which another began; this one's sessions are gone, though the router hasn't noticed yet.
    bench.gateway.drain().await;
    let now = crate::bench::start(bench.log.clone(), bench.store.clone(), crate::bench::options()).await;
    let rows = vec![
        row("former", "gateway-0", bench.gateway.incarnation(), None),
        row("here", "gateway-0", now.incarnation(), None),
        row("left", "gateway-0", now.incarnation(), Some(9)),
        row("there", "gateway-1", Incarnation(0), None),
    ];
    let of = LogPartition { log: LOG, partition: Partition(0) };
    bench.store.write_devices(of, rows).await.unwrap();
    bench.gateway = Arc::new(now);

    let page = devices(&bench, "alice", "").await;
    let connected: Vec<_> = page.devices.iter().map(|item| (item.device.as_str(), item.connected)).collect();
    assert_eq!(connected, [("former", false), ("here", true), ("left", false), ("there", true)]);
    let left = DeviceItem {
        device: DeviceId::new("left").unwrap(),
        connected: false,
        since: TimeMs(5),
        disconnected: Some(TimeMs(9)),
        gateway: GatewayId::new("gateway-0").unwrap(),
        session: SessionId(7),
    };
    assert_eq!(page.devices[2], left);
    assert_eq!(page.next, None);

    let page = devices(&bench, "alice", "?limit=2&after=former").await;
    assert_eq!(page.devices.iter().map(|item| item.device.as_str()).collect::<Vec<_>>(), ["here", "left"]);
    assert_eq!(page.next.map(|next| next.to_string()).as_deref(), Some("left"));
    assert!(devices(&bench, "bob", "").await.devices.is_empty());
    for (name, path, status) in [
        (None, "/v1/devices", StatusCode::UNAUTHORIZED),
        (Some("bob"), "/v1/devices?after=%20", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(get(&bench, name, path).await.0, status, "{path}");
    }
}
