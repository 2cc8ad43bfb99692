//! Servers to ask.

use std::{io, net::SocketAddr, sync::Arc};

use axum::{Router, serve::Listener};
use chasqui_auth::{Address, Outbound};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivateKeyDer},
    server::TlsStream,
};

/// Serves plain HTTP; gives the address of a path.
pub(crate) async fn plain(router: Router, path: &str) -> Address {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Address::parse(&format!("http://{address}{path}")).unwrap()
}

struct Tls(TcpListener, TlsAcceptor);

impl Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = self.0.accept().await.unwrap();
            // A client that doesn't trust the certificate goes away.
            if let Ok(stream) = self.1.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// Serves HTTPS with a certificate that nobody knows; gives the address of a path, and who trusts it.
pub(crate) async fn tls(router: Router, path: &str) -> (Address, Outbound) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![cert.der().clone()], key);
    let listener = TcpListener::bind("localhost:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let listener = Tls(listener, TlsAcceptor::from(Arc::new(config.unwrap())));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let address = Address::parse(&format!("https://localhost:{port}{path}")).unwrap();
    (address, Outbound::trusting(cert.pem().as_bytes()).unwrap())
}
