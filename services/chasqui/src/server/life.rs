//! One life: from opening log and store to closing them.

use std::sync::Arc;

use chasqui_domain::GatewayId;
use chasqui_gateway::{AdminToken, Gateway, Rates};
use futures::FutureExt;
use tokio::{select, sync::watch};

use super::{
    Error, Foundation, Part,
    backend::Backend,
    error, housekeeping,
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
    let backend = match Backend::open(foundation).await {
        Ok(backend) => backend,
        Err(error) => return End::Failed { error, has_served: false },
    };
    let mut stop = Box::pin(async move { drop(stop.wait_for(|stop| *stop).await) }.fuse());
    let mut roles = Roles::new(foundation, &backend);
    status.watch(roles.gauges());
    let served = match foundation.part {
        Part::All => {
            roles.own_all();
            let housekeeping = housekeeping::run(foundation, &backend, roles.gauges());
            roles.spawn("housekeeping", housekeeping.map(|never| match never {}).boxed());
            take_sessions(foundation, &backend, &mut roles, &mut stop).await
        }
        #[cfg(feature = "cluster")]
        Part::Gateway => {
            super::cluster::watch_over(foundation, &backend, &mut roles);
            take_sessions(foundation, &backend, &mut roles, &mut stop).await
        }
        #[cfg(feature = "cluster")]
        Part::Sequencer | Part::Router => {
            super::cluster::watch_over(foundation, &backend, &mut roles);
            let housekeeping = housekeeping::run(foundation, &backend, roles.gauges());
            roles.spawn("housekeeping", housekeeping.map(|never| match never {}).boxed());
            super::cluster::own_a_share(foundation, &backend, &mut roles, &mut stop).await
        }
        #[cfg(not(feature = "cluster"))]
        _ => Served { failure: Some(Error::NoCluster), has_served: false },
    };
    roles.end().await;
    let closed = backend.close().await;
    match served {
        Served { failure: None, .. } => End::Stopped(closed),
        // What the store says at its end is the failure that is known already, or follows from it.
        Served { failure: Some(error), has_served } => End::Failed { error, has_served },
    }
}

/// How the work of a life ended.
pub(super) struct Served {
    /// None when it was told to stop.
    pub(super) failure: Option<Error>,
    pub(super) has_served: bool,
}

/// Takes sessions, once everything is placed that this process had accepted before, until something fails or the
/// server is told to stop.
async fn take_sessions(
    foundation: &Foundation,
    backend: &Backend,
    roles: &mut Roles,
    stop: &mut (impl Future<Output = ()> + Unpin),
) -> Served {
    let status = &foundation.status;
    let started = select! {
        started = start_gateway(foundation, backend, roles.gauges()) => started,
        stopped = roles.stopped() => Err(stopped.error),
        error = backend.failed() => Err(error),
        () = &mut *stop => return Served { failure: None, has_served: false },
    };
    let gateway = match started {
        Err(error) => return Served { failure: Some(error), has_served: false },
        Ok(gateway) => gateway,
    };
    status.serve(Some(gateway.clone()));
    let failure = select! {
        stopped = roles.stopped() => Some(stopped.error),
        error = backend.failed() => Some(error),
        error = gateway.stopped() => Some(error.into()),
        () = stop => None,
    };
    status.set(failure.as_ref().map_or(Phase::Draining, |error| Phase::Waiting(error::chain(error))));
    gateway.drain().await;
    Served { failure, has_served: true }
}

async fn start_gateway(foundation: &Foundation, backend: &Backend, gauges: Gauges) -> Result<Arc<Gateway>, Error> {
    gauges.catch_up().await?;
    let judges = foundation.judges.as_ref().ok_or(Error::NoJudges)?;
    let deps = chasqui_gateway::Deps {
        log: backend.log.clone(),
        store: backend.settled.clone(),
        keys: backend.keys.clone(),
        master: Arc::clone(&judges.master),
        verifier: Arc::clone(&judges.verifier),
        policy: Arc::clone(&judges.policy),
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
        group_members_max,
        edit_within_s,
        delete_within_s,
        frames_per_second,
        sends_per_second,
        requests_per_second,
        chats_opened_per_hour,
        logins_per_second,
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
        rates: Rates {
            frames_per_second,
            sends_per_second,
            requests_per_second,
            chats_opened_per_hour,
            logins_per_second,
        },
        body_bytes_max,
        group_members_max,
        edit_within_s,
        delete_within_s,
        heartbeat_ms: options.heartbeat_ms,
        admin: options.admin.token.as_ref().map(|token| AdminToken::new(token.expose())),
        ..chasqui_gateway::Options::new(id)
    })
}
