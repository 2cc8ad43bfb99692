use axum::{
    Router,
    http::{StatusCode, header::LOCATION},
    routing::get,
};
use chasqui_auth::{Address, AddressError, CallError, Outbound, SourceError, file, url};

use crate::server::{plain, tls};

const SET: &str = r#"{"keys":[]}"#;

fn serving() -> Router {
    Router::new()
        .route("/keys", get(async || SET))
        .route("/elsewhere", get(async || (StatusCode::FOUND, [(LOCATION, "/keys")], SET)))
        .route("/away", get(async || (StatusCode::SERVICE_UNAVAILABLE, SET)))
        .route("/empty", get(async || (StatusCode::NO_CONTENT, SET)))
        .route("/most", get(async || "x".repeat(512 * 1024)))
        .route("/too_long", get(async || "x".repeat(512 * 1024 + 1)))
}

async fn read(path: &str) -> Result<usize, SourceError> {
    let address = plain(serving(), path).await;
    let source = url(&Outbound::default(), address).unwrap();
    source.read().await.map(|bytes| bytes.len())
}

#[tokio::test]
async fn a_set_is_read_whole_or_not_at_all() {
    assert_eq!(read("/keys").await.unwrap(), SET.len());
    assert_eq!(read("/most").await.unwrap(), 512 * 1024);
    assert!(matches!(read("/too_long").await, Err(SourceError::Call(CallError::TooLarge))));
}

#[tokio::test]
async fn only_a_plain_answer_counts_and_no_redirect_is_followed() {
    for (path, status) in [("/elsewhere", 302), ("/away", 503), ("/empty", 204), ("/nowhere", 404)] {
        let Err(SourceError::Call(CallError::Status(found))) = read(path).await else { panic!("{path}") };
        assert_eq!(found.as_u16(), status);
    }
}

#[tokio::test]
async fn a_certificate_counts_only_when_it_is_trusted() {
    let (address, trusting) = tls(serving(), "/keys").await;
    assert_eq!(url(&trusting, address.clone()).unwrap().read().await.unwrap(), SET);
    let error = url(&Outbound::default(), address).unwrap().read().await.unwrap_err();
    assert!(matches!(&error, SourceError::Call(CallError::Http(_))), "{error:?}");
    assert!(Outbound::trusting(b"no certificate").is_err());
}

#[tokio::test]
async fn a_file_is_read_anew_every_time_and_not_beyond_its_bound() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let source = file(path.clone());
    assert!(matches!(source.read().await, Err(SourceError::File(_))));
    std::fs::write(&path, SET).unwrap();
    assert_eq!(source.read().await.unwrap(), SET);
    std::fs::write(&path, "x".repeat(512 * 1024)).unwrap();
    assert_eq!(source.read().await.unwrap().len(), 512 * 1024);
    std::fs::write(&path, "x".repeat(512 * 1024 + 1)).unwrap();
    assert!(matches!(source.read().await, Err(SourceError::TooLarge)));
}

#[test]
fn plain_http_is_for_this_machine_alone() {
    for good in [
        "https://id.example.com/keys",
        "https://10.0.0.1/",
        "http://127.0.0.1:8080/keys",
        "http://127.9.9.9/",
        "http://[::1]:80/",
        "http://localhost/",
        "HTTP://LOCALHOST/",
    ] {
        assert!(Address::parse(good).is_ok(), "{good}");
    }
    for plain in [
        "http://id.example.com/",
        "http://10.0.0.1/",
        "http://0.0.0.0/",
        "http://localhost.example.com/",
        "http://127.0.0.1.example.com/",
        "http://localhost@example.com/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
    ] {
        assert_eq!(Address::parse(plain), Err(AddressError::Plain), "{plain}");
    }
    assert_eq!(Address::parse("id.example.com"), Err(AddressError::Unreadable));
}

#[tokio::test]
async fn an_address_keeps_its_password() {
    let address = Address::parse("https://user:hush@localhost:1/hush?hush").unwrap();
    let error = url(&Outbound::default(), address.clone()).unwrap().read().await.unwrap_err();
    assert!(!format!("{address:?} {error} {error:?}").contains("hush"));
}
