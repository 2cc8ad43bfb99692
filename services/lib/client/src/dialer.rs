//! Makes connections, and pauses before.

use std::{sync::Arc, time::Duration};

use chasqui_runtime::Runtime;
use futures::future::BoxFuture;
use tokio::sync::watch;

use crate::{
    options::Observer,
    socket::{self, Socket},
    transport::Connector,
};

/// An attempt to connect.
pub(crate) type Dialing = BoxFuture<'static, Result<Socket, socket::Error>>;

/// Makes connections.
#[derive(Clone)]
pub(crate) struct Dialer {
    pub(crate) runtime: Runtime,
    pub(crate) connector: Arc<dyn Connector>,
    pub(crate) observer: Option<Observer>,
    /// When it dials again, by the runtime's monotonic clock.
    pub(crate) again_at: watch::Sender<Option<Duration>>,
}

impl Dialer {
    pub(crate) fn dial(&self, pause: Duration) -> Dialing {
        let Self { runtime, connector, observer, again_at } = self.clone();
        Box::pin(async move {
            if !pause.is_zero() {
                again_at.send_replace(Some(runtime.monotonic().saturating_add(pause)));
                runtime.sleep(pause).await;
                again_at.send_replace(None);
            }
            Socket::connect(connector.as_ref(), runtime, observer).await
        })
    }
}
