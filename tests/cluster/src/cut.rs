//! A way to the CQL servers that can be cut: after so many statements nothing goes through any more, as if the process behind
//! it had ended there.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinSet,
};

use crate::infra;

/// What a frame of the protocol begins with: version, flags, stream, opcode, length.
const HEADER_BYTES: usize = 9;
const EXECUTE: u8 = 0x0A;
const BATCH: u8 = 0x0D;

/// A way to the first of the servers. It ends when it is dropped.
pub struct Way {
    address: String,
    gate: Arc<Gate>,
    _connections: JoinSet<()>,
}

struct Gate {
    /// How many statements still go through.
    left: AtomicI64,
    is_cut: watch::Sender<bool>,
}

impl Way {
    /// One through which everything goes.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let gate = Arc::new(Gate { left: AtomicI64::new(i64::MAX), is_cut: watch::Sender::new(false) });
        let mut connections = JoinSet::new();
        connections.spawn(accept(listener, gate.clone()));
        Self { address, gate, _connections: connections }
    }

    /// Where it begins, as `host:port`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Lets so many statements through from now on.
    pub fn cut_after(&self, statements: u32) {
        self.gate.left.store(i64::from(statements), Ordering::SeqCst);
    }

    /// Whether it was cut.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        *self.gate.is_cut.borrow()
    }
}

async fn accept(listener: TcpListener, gate: Arc<Gate>) {
    let server = infra::cql_contact_points().remove(0);
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let Ok(server) = TcpStream::connect(&server).await else { continue };
        let mut cut = gate.is_cut.subscribe();
        let ((from_client, mut to_client), (mut from_server, to_server)) = (client.into_split(), server.into_split());
        let gate = gate.clone();
        connections.spawn(async move {
            tokio::select! {
                _ = forward(from_client, to_server, &gate) => {}
                _ = tokio::io::copy(&mut from_server, &mut to_client) => {}
                _ = cut.wait_for(|is_cut| *is_cut) => {}
            }
        });
    }
}

async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, gate: &Gate) -> std::io::Result<()> {
    loop {
        let mut frame = vec![0; HEADER_BYTES];
        from.read_exact(&mut frame).await?;
        let length = u32::from_be_bytes([frame[5], frame[6], frame[7], frame[8]]);
        frame.resize(HEADER_BYTES + length as usize, 0);
        from.read_exact(&mut frame[HEADER_BYTES..]).await?;
        if matches!(frame[4], EXECUTE | BATCH) && gate.left.fetch_sub(1, Ordering::SeqCst) <= 0 {
            gate.is_cut.send_replace(true);
            return Ok(());
        }
        to.write_all(&frame).await?;
    }
}
