//! The operator's server, which is asked over TLS who may write to whom.

use std::{
    collections::BTreeSet,
    io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};

use anyhow::{Context, Result};
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    response::{IntoResponse, Response},
    routing::post,
    serve::Listener,
};
use chasqui_tests::wait::within;
use futures::future;
use parking_lot::Mutex;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivateKeyDer},
    server::TlsStream,
};

const TOKEN: &str = "the hook is asked with this";

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Answers,
    /// Nobody listens.
    Away,
    Fails,
    /// Takes questions and never answers.
    Hangs,
}

#[derive(Clone, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct Question {
    from: String,
    to: String,
}

/// What it answers from.
struct Desk {
    mood: Mutex<Mood>,
    /// Those who may not be written to.
    closed: Mutex<BTreeSet<&'static str>>,
    answered: Mutex<Vec<Question>>,
}

pub(crate) struct Operator {
    address: SocketAddr,
    acceptor: TlsAcceptor,
    desk: Arc<Desk>,
    serving: Option<(oneshot::Sender<()>, JoinHandle<io::Result<()>>)>,
    ca_file: PathBuf,
    /// Keeps the port its own while nobody listens there.
    _port: TcpSocket,
    _folder: TempDir,
}

impl Operator {
    pub(crate) fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (ca, config) = certificates()?;
        let ca_file = folder.path().join("ca.pem");
        std::fs::write(&ca_file, ca)?;
        let port = socket((Ipv4Addr::LOCALHOST, 0).into())?;
        let desk = Desk { mood: Mutex::new(Mood::Answers), closed: Mutex::default(), answered: Mutex::default() };
        let mut operator = Self {
            address: port.local_addr()?,
            acceptor: TlsAcceptor::from(Arc::new(config)),
            desk: Arc::new(desk),
            serving: None,
            ca_file,
            _port: port,
            _folder: folder,
        };
        operator.listen()?;
        Ok(operator)
    }

    /// What a server is told.
    pub(crate) fn options(&self) -> Vec<String> {
        vec![
            "policy.mode=hook".to_owned(),
            format!("policy.hook_url=https://{}/may_write", self.address),
            format!("policy.hook_token={TOKEN}"),
            format!("outbound.ca_file={}", self.ca_file.display()),
        ]
    }

    /// From now on nobody may write to this user.
    pub(crate) fn close_to(&self, user: &'static str) {
        self.desk.closed.lock().insert(user);
    }

    pub(crate) async fn turn(&mut self, mood: Mood) -> Result<()> {
        *self.desk.mood.lock() = mood;
        match (mood, self.serving.take()) {
            (Mood::Away, Some((stop, served))) => {
                drop(stop);
                // With it the connections end that were kept for further questions.
                within("the operator's server stops", served).await???;
            }
            (Mood::Away, None) => {}
            (_, None) => self.listen()?,
            (_, serving) => self.serving = serving,
        }
        Ok(())
    }

    /// How often it has answered whether one may write to the other.
    pub(crate) fn answered(&self, from: &str, to: &str) -> usize {
        self.desk.answered.lock().iter().filter(|question| question.from == from && question.to == to).count()
    }

    fn listen(&mut self) -> Result<()> {
        let listener = Tls { tcp: socket(self.address)?.listen(64)?, acceptor: self.acceptor.clone() };
        let routes = Router::new().route("/may_write", post(answer)).with_state(self.desk.clone());
        let (stop, stopped) = oneshot::channel();
        let served = axum::serve(listener, routes).with_graceful_shutdown(async move { drop(stopped.await) });
        self.serving = Some((stop, tokio::spawn(async move { served.await })));
        Ok(())
    }
}

async fn answer(State(desk): State<Arc<Desk>>, headers: HeaderMap, Json(question): Json<Question>) -> Response {
    if headers.get(AUTHORIZATION).is_none_or(|bearer| bearer != &format!("Bearer {TOKEN}")) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let mood = *desk.mood.lock();
    match mood {
        Mood::Answers | Mood::Away => {
            let allowed = !desk.closed.lock().contains(question.to.as_str());
            desk.answered.lock().push(question);
            Json(json!({ "allowed": allowed })).into_response()
        }
        Mood::Fails => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Mood::Hangs => future::pending().await,
    }
}

/// A socket at an address, which other sockets of this test may have as well.
fn socket(address: SocketAddr) -> Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// The certificate of an authority that nobody knows, and what a server has that it vouches for.
fn certificates() -> Result<(String, ServerConfig)> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "The operator");
    let (authority_key, key) = (KeyPair::generate()?, KeyPair::generate()?);
    let pem = authority.self_signed(&authority_key)?.pem();
    let issuer = Issuer::new(authority, authority_key);
    let certificate = CertificateParams::new([Ipv4Addr::LOCALHOST.to_string()])?.signed_by(&key, &issuer)?;
    let key = PrivateKeyDer::try_from(key.serialize_der()).ok().context("no private key")?;
    let config = ServerConfig::builder().with_no_client_auth();
    Ok((pem, config.with_single_cert(vec![certificate.der().clone()], key)?))
}

struct Tls {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (socket, peer) = Listener::accept(&mut self.tcp).await;
            // A client that doesn't trust the certificate goes away.
            if let Ok(stream) = self.acceptor.accept(socket).await {
                return (stream, peer);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}
