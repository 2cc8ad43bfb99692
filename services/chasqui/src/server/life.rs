//! One life: from opening the files to closing them.

use std::sync::Arc;

use chasqui_domain::GatewayId;
use chasqui_gateway::{AdminToken, Gateway, Rates};
use futures::FutureExt;
use tokio::{select, sync::watch};

use super::{
    Error, Foundation, error,
    files::Files,
    housekeeping,
    roles::{Gauges, Roles},
    status::Phase,
};

/// How a life ended.
pub(super) enum End {
    /// The server was told to stop; with what came of the last flush.
    Stopped(Result<(), Error>),
    /// Something failed.
    Failed { error: Error, has_served: bool },
}

/// Lives once.
pub(super) async fn live(foundation: &Foundation, mut stop: watch::Receiver<bool>) -> End {
    let status = &foundation.status;
    status.watch(Gauges::default());
    status.set(Phase::Starting);
    foundation.metrics.server.lives.inc();
    // Not dropped half-way: what blocks would go on opening the files.
    let files = match Files::open(foundation).await {
        Ok(files) => files,
        Err(error) => return End::Failed { error, has_served: false },
    };
    let mut stop = Box::pin(async move { drop(stop.wait_for(|stop| *stop).await) }.fuse());
    let mut roles = Roles::start(foundation, &files);
    let housekeeping = housekeeping::run(foundation, &files, roles.gauges());
    roles.spawn(&foundation.runtime, "housekeeping", housekeeping.map(|never| match never {}).boxed());

    let started = select! {
        started = start_gateway(foundation, &files, roles.gauges()) => started,
        error = roles.stopped() => Err(error),
        error = files.store.failed() => Err(error.into()),
        () = &mut stop => {
            roles.end().await;
            return End::Stopped(files.close().await);
        }
    };
    let (failure, has_served) = match started {
        Err(error) => (Some(error), false),
        Ok(gateway) => {
            status.serve(gateway.clone());
            let failure = select! {
                error = roles.stopped() => Some(error),
                error = files.store.failed() => Some(error.into()),
                error = gateway.stopped() => Some(error.into()),
                () = &mut stop => None,
            };
            status.set(failure.as_ref().map_or(Phase::Draining, |error| Phase::Waiting(error::chain(error))));
            gateway.drain().await;
            (failure, true)
        }
    };
    roles.end().await;
    let closed = files.close().await;
    match failure {
        None => End::Stopped(closed),
        // What the store says at its end is the failure that is known already, or follows from it.
        Some(error) => End::Failed { error, has_served },
    }
}

/// Sessions are taken only once everything is placed that was accepted before.
async fn start_gateway(foundation: &Foundation, files: &Files, gauges: Gauges) -> Result<Arc<Gateway>, Error> {
    gauges.catch_up(&*files.log, |gauges| foundation.status.watch(gauges)).await?;
    let deps = chasqui_gateway::Deps {
        log: files.log.clone(),
        store: files.store.clone(),
        keys: files.store.clone(),
        master: Arc::clone(&foundation.master),
        verifier: Arc::clone(&foundation.verifier),
        policy: Arc::clone(&foundation.policy),
        runtime: foundation.runtime.clone(),
        metrics: foundation.metrics.gateway.clone(),
    };
    Ok(Arc::new(Gateway::start(deps, gateway_options(&foundation.options)?).await?))
}

fn gateway_options(options: &chasqui_config::Options) -> Result<chasqui_gateway::Options, Error> {
    let gateway = &options.gateway;
    let bad_id = |_| chasqui_gateway::Error::Options { why: "gateway.id is none" };
    let id = GatewayId::new(&gateway.id).map_err(bad_id)?;
    let chasqui_config::Limits {
        body_bytes_max,
        frames_per_second,
        sends_per_second,
        requests_per_second,
        chats_opened_per_hour,
    } = options.limits;
    Ok(chasqui_gateway::Options {
        sessions_max: gateway.sessions_max,
        sessions_per_user_max: gateway.sessions_per_user_max,
        frame_bytes_max: gateway.frame_bytes_max,
        queue_frames_max: gateway.queue_frames_max,
        unacked_max: gateway.unacked_max,
        outstanding_max: gateway.outstanding_max,
        idle_ms: gateway.idle_ms,
        ping_ms: gateway.ping_ms,
        hello_ms: gateway.hello_ms,
        drain_ms: gateway.drain_ms,
        reconnect_ms: gateway.reconnect_ms,
        inbox_retention_days: options.store.inbox_retention_days,
        rates: Rates { frames_per_second, sends_per_second, requests_per_second, chats_opened_per_hour },
        body_bytes_max,
        heartbeat_ms: options.heartbeat_ms,
        admin: options.admin.token.as_ref().map(|token| AdminToken::new(token.expose())),
        ..chasqui_gateway::Options::new(id)
    })
}
