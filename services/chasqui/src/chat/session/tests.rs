use std::path::PathBuf;

use chasqui_config::Secret;
use chasqui_runtime::Runtime;
use chasqui_testkit::CrashDisk;
use tokio::time::timeout;

use super::{super::testing::user, *};
use crate::server::{Phase, Server};

/// Ends a test that hangs.
const PATIENCE: Duration = Duration::from_secs(60);

async fn server() -> (Server, String, chasqui_config::Options) {
    let mut options = chasqui_config::Options::default().dev();
    options.listen = "127.0.0.1:0".to_owned();
    options.data = PathBuf::from("/data");
    options.auth.leeway_ms = 0;
    let server = Server::start(CrashDisk::new().mount(), options.clone(), Runtime::real()).await.unwrap();
    let mut phases = server.phase();
    timeout(PATIENCE, phases.wait_for(|phase| *phase == Phase::Serving)).await.unwrap().unwrap();
    let url = format!("http://{}", server.address());
    (server, url, options)
}

fn minted(options: chasqui_config::Options, seconds: u64) -> Tokens {
    Tokens::Minted { options: Box::new(options), user: user("alice"), life: Duration::from_secs(seconds) }
}

async fn until(session: &mut Session, is_wanted: impl Fn(&Happened) -> bool) -> Happened {
    loop {
        let happened = timeout(PATIENCE, session.next()).await.unwrap();
        if is_wanted(&happened) {
            return happened;
        }
    }
}

fn is_connected(happened: &Happened) -> bool {
    matches!(happened, Happened::Update(update) if matches!(**update, Update::Connected { .. }))
}

#[tokio::test]
async fn a_token_that_has_ended_is_followed_by_another() {
    let folder = tempfile::tempdir().unwrap();
    let (server, url, options) = server().await;
    let mut session = Session::open(url, folder.path().join("state"), user("alice"), minted(options, 2)).await.unwrap();
    until(&mut session, is_connected).await;
    until(&mut session, |happened| matches!(happened, Happened::Expired)).await;
    session.renew().await.unwrap();
    until(&mut session, is_connected).await;
    session.close(PATIENCE).await.unwrap();
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_token_that_was_never_taken_is_not_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let (server, url, mut options) = server().await;
    options.auth.secret = Some(Secret::new("another secret of 32 bytes or so"));
    let mut session =
        Session::open(url, folder.path().join("state"), user("alice"), minted(options, 60)).await.unwrap();
    let over = until(&mut session, |happened| !matches!(happened, Happened::Update(_))).await;
    assert!(matches!(over, Happened::Over(why) if why.contains("another secret")));
    server.stop().await.unwrap();
}
