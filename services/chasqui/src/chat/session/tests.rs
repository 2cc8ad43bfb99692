use std::path::PathBuf;

use chasqui_config::Secret;
use chasqui_runtime::Runtime;
use chasqui_testkit::CrashDisk;
use tokio::time::timeout;

use super::{super::testing::user, *};
use crate::server::{Phase, Server};

/// Ends a test that hangs.
const PATIENCE: Duration = Duration::from_secs(60);
/// The seconds that a token lives which is to end: enough to connect with it where others keep the machine busy.
const LIFE_S: u64 = 6;

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

/// Waits for something; an error when the chat is over instead.
async fn until(session: &mut Session, is_wanted: impl Fn(&Happened) -> bool) -> Result<Happened, String> {
    let search = async {
        loop {
            match session.next().await {
                happened if is_wanted(&happened) => return Ok(happened),
                Happened::Over(why) => return Err(why),
                Happened::Update(_) => {}
            }
        }
    };
    timeout(PATIENCE, search).await.unwrap_or_else(|_| Err("it doesn't happen in time".to_owned()))
}

fn is_connected(happened: &Happened) -> bool {
    matches!(happened, Happened::Update(update) if matches!(**update, Update::Connected { .. }))
}

fn is_asked(happened: &Happened) -> bool {
    matches!(happened, Happened::Update(update) if matches!(**update, Update::TokenExpires { .. }))
}

fn is_renewed(happened: &Happened) -> bool {
    matches!(happened, Happened::Update(update) if matches!(**update, Update::Renewed { .. }))
}

#[tokio::test]
async fn a_token_that_has_ended_is_followed_by_another() {
    let folder = tempfile::tempdir().unwrap();
    let (server, url, options) = server().await;
    let mut session =
        Session::open(url, folder.path().join("state"), user("alice"), minted(options, LIFE_S)).await.unwrap();
    until(&mut session, is_connected).await.unwrap();
    until(&mut session, is_asked).await.unwrap();
    // On the open session; or with the next one, where the machine was too busy.
    until(&mut session, |happened| is_renewed(happened) || is_connected(happened)).await.unwrap();
    session.close(PATIENCE).await.unwrap();
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_given_token_that_has_ended_is_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let (server, url, options) = server().await;
    let token = token::mint(&options, &user("alice"), Duration::from_secs(LIFE_S), WriteTo::Everybody).unwrap();
    let given = Tokens::Given(Token(token));
    let mut session = Session::open(url, folder.path().join("state"), user("alice"), given).await.unwrap();
    until(&mut session, is_connected).await.unwrap();
    let Happened::Over(why) = until(&mut session, |it| matches!(it, Happened::Over(_))).await.unwrap() else {
        panic!("it goes on")
    };
    assert_eq!(why, "your token has ended: start again with another");
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
    let never_connected = until(&mut session, is_connected).await;
    assert!(matches!(never_connected, Err(why) if why.contains("another secret")));
    server.stop().await.unwrap();
}
