//! A way to a server that comes and goes.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    select,
    sync::watch,
    task::JoinHandle,
};

/// A socket with an address that stays, before a server that comes and goes with an address of its own. While there is
/// none, connections are closed at once.
#[derive(Debug)]
pub struct Gate {
    address: SocketAddr,
    behind: Arc<watch::Sender<Option<SocketAddr>>>,
    serving: JoinHandle<()>,
}

impl Gate {
    /// Opens it, leading nowhere.
    ///
    /// # Errors
    /// When there is no socket for it.
    pub async fn open() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("a socket for the gate")?;
        let address = listener.local_addr()?;
        let behind = Arc::new(watch::Sender::default());
        let serving = tokio::spawn(serve(listener, behind.clone()));
        Ok(Self { address, behind, serving })
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Leads to a server from now on, or nowhere; what was open is cut.
    pub fn lead_to(&self, server: Option<SocketAddr>) {
        self.behind.send_replace(server);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.serving.abort();
        self.lead_to(None);
    }
}

async fn serve(listener: TcpListener, behind: Arc<watch::Sender<Option<SocketAddr>>>) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(pass(client, behind.subscribe()));
    }
}

async fn pass(mut client: TcpStream, mut behind: watch::Receiver<Option<SocketAddr>>) {
    let Some(server) = *behind.borrow_and_update() else { return };
    let pass = async {
        let mut server = TcpStream::connect(server).await?;
        for socket in [&client, &server] {
            socket.set_nodelay(true)?;
        }
        copy_bidirectional(&mut client, &mut server).await
    };
    // How a connection ends is for its two ends to judge.
    select! {
        _ = pass => {}
        _ = behind.changed() => {}
    }
}
