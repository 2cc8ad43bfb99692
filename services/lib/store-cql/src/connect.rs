//! Making a session with the cluster.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use scylla::{
    client::{
        execution_profile::{ExecutionProfile, ExecutionProfileHandle},
        session::{Session, TlsContext},
        session_builder::SessionBuilder,
    },
    policies::load_balancing::DefaultPolicy,
    statement::{Consistency, SerialConsistency},
};

use tokio::time;

use crate::{
    OpenError, Options,
    limits::{CHANGE_TIMEOUT, KEEPALIVE},
    retry::ElsewhereOnce,
    tls,
};

/// A session, and the datacenter whose nodes it asks.
pub(crate) struct Connected {
    pub(crate) session: Session,
    pub(crate) datacenter: String,
}

/// Connects. A statement may take `timeout`.
pub(crate) async fn connect(options: &Options, timeout: Duration) -> Result<Connected, OpenError> {
    options.check()?;
    let mut handle = profile(timeout, None).into_handle();
    let session = session(options, handle.clone()).await?;
    let datacenter = datacenter(options, &session)?;
    remap(&mut handle, timeout, &datacenter);
    Ok(Connected { session, datacenter })
}

async fn session(options: &Options, handle: ExecutionProfileHandle) -> Result<Session, OpenError> {
    let tls = match &options.ca_file {
        Some(path) => Some(tls::trusting(path).await?),
        None => None,
    };
    let mut builder = SessionBuilder::new()
        .known_nodes(&options.contact_points)
        .connection_timeout(options.connect_timeout)
        .keepalive_interval(KEEPALIVE)
        .keepalive_timeout(KEEPALIVE)
        .tls_context(tls.map(TlsContext::from))
        .default_execution_profile_handle(handle)
        // Replicas are found by what the schema says of this keyspace.
        .keyspaces_to_fetch([&options.keyspace])
        .schema_agreement_timeout(CHANGE_TIMEOUT)
        .fetch_full_schema_metadata(false)
        .refresh_metadata_on_auto_schema_agreement(false);
    if let (Some(user), Some(password)) = (&options.user, &options.password) {
        builder = builder.user(user, password.expose());
    }
    // The driver waits for the first answer of whoever takes its connection until that counts as gone, for one contact point
    // after the other.
    let patience = (options.connect_timeout + KEEPALIVE) * options.contact_points.len().try_into().unwrap_or(u32::MAX);
    match time::timeout(patience, builder.build()).await {
        Ok(session) => Ok(session?),
        Err(_) => Err(OpenError::Unreachable { why: format!("no answer within {} s", patience.as_secs()) }),
    }
}

/// What holds for every statement. A quorum of the local datacenter's replicas answers, so that a read meets what was
/// written; a conditional write is agreed on by all datacenters.
fn profile(timeout: Duration, datacenter: Option<&str>) -> ExecutionProfile {
    let mut nodes = DefaultPolicy::builder().token_aware(true).permit_dc_failover(false);
    if let Some(datacenter) = datacenter {
        nodes = nodes.prefer_datacenter(datacenter.to_owned());
    }
    ExecutionProfile::builder()
        .consistency(Consistency::LocalQuorum)
        .serial_consistency(Some(SerialConsistency::Serial))
        .request_timeout(Some(timeout))
        .load_balancing_policy(nodes.build())
        .retry_policy(Arc::new(ElsewhereOnce))
        .speculative_execution_policy(None)
        .build()
}

/// Which datacenter is local is known only once the cluster was asked. A local quorum is one of whoever coordinates, so from
/// then on no node of another one does.
fn remap(handle: &mut ExecutionProfileHandle, timeout: Duration, datacenter: &str) {
    handle.map_to_another_profile(profile(timeout, Some(datacenter)));
}

fn datacenter(options: &Options, session: &Session) -> Result<String, OpenError> {
    let state = session.get_cluster_state();
    let found: BTreeSet<_> = state.get_nodes_info().iter().filter_map(|node| node.datacenter.clone()).collect();
    let found: Vec<_> = found.into_iter().collect();
    match &options.datacenter {
        Some(named) if found.contains(named) => Ok(named.clone()),
        Some(named) => Err(OpenError::Datacenter { named: named.clone(), found }),
        None => match <[String; 1]>::try_from(found) {
            Ok([only]) => Ok(only),
            Err(found) => Err(OpenError::Datacenters { found }),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Less than a quorum could miss what was written, and more could not be had when a node is away.
    #[test]
    fn a_quorum_of_the_local_datacenter_answers_and_nothing_is_asked_twice() {
        let profile = profile(Duration::from_secs(7), Some("here"));
        assert_eq!(profile.get_consistency(), Consistency::LocalQuorum);
        assert_eq!(profile.get_serial_consistency(), Some(SerialConsistency::Serial));
        assert_eq!(profile.get_request_timeout(), Some(Duration::from_secs(7)));
        assert!(profile.get_speculative_execution_policy().is_none());
        assert!(format!("{:?}", profile.get_retry_policy()).contains("ElsewhereOnce"));
    }
}
