//! A way to the CQL servers that can be cut: after so many statements nothing goes through any more, as if the process behind
//! it had ended there.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use chasqui_store_cql::STATEMENTS;
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
const RESULT: u8 = 0x08;
const PREPARE: u8 = 0x09;
const EXECUTE: u8 = 0x0A;
const REGISTER: u8 = 0x0B;
const BATCH: u8 = 0x0D;

/// A way to the first of the servers. It ends when it is dropped.
pub struct Way {
    address: String,
    gate: Arc<Gate>,
    _connections: JoinSet<()>,
}

struct Gate {
    /// How many statements came.
    count: AtomicU64,
    /// How many are not answered yet, and the most that were so at once.
    under_way: Mutex<(u64, u64)>,
    /// How many were answered, by the names of the statements.
    by_statement: Mutex<BTreeMap<String, u64>>,
    /// The names of what was prepared, by the id that the server gave.
    prepared: Mutex<HashMap<Vec<u8>, String>>,
    /// How many still go through.
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
        let gate = Arc::new(Gate {
            left: AtomicI64::new(i64::MAX),
            count: AtomicU64::new(0),
            under_way: Mutex::default(),
            by_statement: Mutex::default(),
            prepared: Mutex::default(),
            is_cut: watch::Sender::new(false),
        });
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

    /// How many statements came so far.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.gate.count.load(Ordering::SeqCst)
    }

    /// The most statements that were asked and not answered at once.
    ///
    /// # Panics
    /// When a connection has panicked.
    #[must_use]
    pub fn most_under_way(&self) -> u64 {
        self.gate.under_way.lock().unwrap().1
    }

    /// How often each statement was answered so far, by its name in [`STATEMENTS`]; a batch counts once.
    ///
    /// # Panics
    /// When a connection has panicked.
    #[must_use]
    pub fn by_statement(&self) -> BTreeMap<String, u64> {
        self.gate.by_statement.lock().unwrap().clone()
    }

    /// Whether it was cut.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        *self.gate.is_cut.borrow()
    }
}

impl Gate {
    fn asked(&self) {
        let mut under_way = self.under_way.lock().unwrap();
        under_way.0 += 1;
        under_way.1 = under_way.1.max(under_way.0);
    }

    fn answered(&self, name: String) {
        self.under_way.lock().unwrap().0 -= 1;
        *self.by_statement.lock().unwrap().entry(name).or_default() += 1;
    }
}

async fn accept(listener: TcpListener, gate: Arc<Gate>) {
    let server = infra::cql_contact_points().remove(0);
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let Ok(server) = TcpStream::connect(&server).await else { continue };
        let mut cut = gate.is_cut.subscribe();
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
        let (gate, asked) = (gate.clone(), Asked::default());
        connections.spawn(async move {
            tokio::select! {
                _ = forward(from_client, to_server, &gate, &asked) => {}
                _ = answer(from_server, to_client, &gate, &asked) => {}
                _ = cut.wait_for(|is_cut| *is_cut) => {}
            }
        });
    }
}

/// What a connection has asked and not been answered, by the number of the question.
type Asked = Mutex<HashMap<[u8; 2], Question>>;

/// The name of a statement that is to be prepared, or run.
enum Question {
    Prepare(String),
    Run(String),
}

/// A frame: its opcode, the number of the question, and all of its bytes.
struct Frame {
    opcode: u8,
    stream: [u8; 2],
    bytes: Vec<u8>,
}

impl Frame {
    async fn read(from: &mut (impl AsyncReadExt + Unpin)) -> std::io::Result<Self> {
        let mut bytes = vec![0; HEADER_BYTES];
        from.read_exact(&mut bytes).await?;
        let length = u32::from_be_bytes([bytes[5], bytes[6], bytes[7], bytes[8]]);
        bytes.resize(HEADER_BYTES + length as usize, 0);
        from.read_exact(&mut bytes[HEADER_BYTES..]).await?;
        Ok(Self { opcode: bytes[4], stream: [bytes[2], bytes[3]], bytes })
    }

    fn body(&self) -> &[u8] {
        &self.bytes[HEADER_BYTES..]
    }

    /// The id of the statement, or of the first of a batch.
    fn statement(&self) -> Option<&[u8]> {
        match self.opcode {
            EXECUTE => short_bytes(self.body()),
            // Its type, how many there are, and what the first one is.
            BATCH => short_bytes(self.body().get(4..)?),
            _ => None,
        }
    }

    /// The id of what was prepared.
    fn prepared(&self) -> Option<&[u8]> {
        let kind = self.body().first_chunk::<4>().map(|kind| u32::from_be_bytes(*kind));
        if self.opcode == RESULT && kind == Some(PREPARED) { short_bytes(&self.body()[4..]) } else { None }
    }
}

/// The kind of an answer that has the id of a statement.
const PREPARED: u32 = 4;

fn short_bytes(from: &[u8]) -> Option<&[u8]> {
    let (length, rest) = from.split_first_chunk::<2>()?;
    rest.get(..usize::from(u16::from_be_bytes(*length)))
}

/// The name of a statement; its text where it has none.
fn name(cql: &str) -> String {
    let is_it = |(_, text): &&(&str, &str)| {
        text.split_once("{}").is_some_and(|(before, after)| cql.starts_with(before) && cql.ends_with(after))
    };
    STATEMENTS.iter().find(is_it).map_or_else(|| cql.to_owned(), |(name, _)| (*name).to_owned())
}

async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, gate: &Gate, asked: &Asked) -> std::io::Result<()> {
    // A driver asks about the cluster itself on a connection of its own, on which it is told of changes.
    let mut is_about_the_cluster = false;
    loop {
        let frame = Frame::read(&mut from).await?;
        is_about_the_cluster |= frame.opcode == REGISTER;
        if frame.opcode == PREPARE
            && let Some(cql) = frame.body().get(4..)
        {
            let question = Question::Prepare(name(&String::from_utf8_lossy(cql)));
            asked.lock().unwrap().insert(frame.stream, question);
        }
        if !is_about_the_cluster && matches!(frame.opcode, EXECUTE | BATCH) {
            gate.count.fetch_add(1, Ordering::SeqCst);
            gate.asked();
            let known = frame.statement().and_then(|id| gate.prepared.lock().unwrap().get(id).cloned());
            asked.lock().unwrap().insert(frame.stream, Question::Run(known.unwrap_or_default()));
            if gate.left.fetch_sub(1, Ordering::SeqCst) <= 0 {
                gate.is_cut.send_replace(true);
                return Ok(());
            }
        }
        to.write_all(&frame.bytes).await?;
    }
}

async fn answer(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, gate: &Gate, asked: &Asked) -> std::io::Result<()> {
    loop {
        let frame = Frame::read(&mut from).await?;
        let question = asked.lock().unwrap().remove(&frame.stream);
        match question {
            Some(Question::Prepare(name)) => {
                if let Some(id) = frame.prepared() {
                    gate.prepared.lock().unwrap().insert(id.to_vec(), name);
                }
            }
            Some(Question::Run(name)) => gate.answered(name),
            None => {}
        }
        to.write_all(&frame.bytes).await?;
    }
}
