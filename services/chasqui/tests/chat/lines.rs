//! Line by line.

use crate::process::{Place, Process, chasqui, nowhere, proxy_without};

#[test]
fn two_users_talk_and_see_what_became_of_their_messages() {
    let place = Place::new();
    let (_server, url) = place.serve("127.0.0.1:0");
    let mut alice = Process::start(&mut place.chat(&url, "alice", "bob"));
    let mut bob = Process::start(&mut place.chat(&url, "bob", "alice"));
    bob.until_complaint("connected as bob");
    alice.write("hello \x1b[31mbob");
    assert!(bob.until("alice: ").ends_with(" #1 alice: hello [31mbob"));
    alice.until("✓ 1 #1");
    alice.until("✓✓ 1 read");
    bob.write("hi");
    assert!(alice.until("bob: ").ends_with(" bob: hi"));
    for process in [alice, bob] {
        let (status, _, complaints) = process.finish();
        assert!(status.success(), "{complaints}");
    }
}

#[test]
fn two_users_work_on_what_they_wrote() {
    let place = Place::new();
    let (_server, url) = place.serve("127.0.0.1:0");
    let mut alice = Process::start(&mut place.chat(&url, "alice", "bob"));
    let mut bob = Process::start(&mut place.chat(&url, "bob", "alice"));
    bob.until_complaint("connected as bob");
    let tells = |process: &Process, wanted: &str| {
        let line = process.until(wanted);
        assert!(line.ends_with(wanted), "{line}");
    };
    alice.write("Is the bridge dwon?");
    tells(&bob, " #1 alice: Is the bridge dwon?");
    bob.write("/reply #1 Yes, @alice.");
    tells(&alice, " #2 ↳ #1 bob: Yes, @alice.");
    alice.write("/edit Is the bridge down?");
    alice.until("✓ 2");
    tells(&bob, " * alice edited #1: Is the bridge down?");
    bob.write("/edit Yes.");
    tells(&alice, " * bob edited #2: Yes.");
    alice.write("/react #2 👍");
    tells(&bob, " * alice reacted 👍 to #2");
    bob.write("/reactions #2");
    assert_eq!([bob.until("#2: "), bob.until("  ")], ["#2: 1 reaction", "  alice: 👍"]);
    bob.write("/pin 1");
    tells(&alice, " * bob pinned #1");
    alice.write("/pinned");
    let pinned = ["1 message is pinned", "  #1 alice: Is the bridge down?"];
    assert_eq!([alice.until("pinned"), alice.until("  #")], pinned);
    bob.write("/edit #1 No.");
    bob.until("✗ 4 not_permitted: ");

    // What is read later is as it is by then.
    assert!(alice.finish().0.success());
    bob.write("//etc");
    bob.until("✓ 5 #3");
    bob.write("/delete");
    bob.until("✓ 6");
    bob.write("/reply 1 Bring rope.");
    bob.write("/edit Bring a rope.");
    bob.until("✓ 8");
    bob.write("/reply");
    let (status, _, complaints) = bob.finish();
    assert!(!status.success() && complaints.contains("not sent: /reply #N TEXT — "), "{complaints}");
    let (status, lines, complaints) = Process::start(&mut place.chat(&url, "alice", "bob")).finish();
    assert!(status.success(), "{complaints}");
    let without_times: Vec<_> = lines.iter().map(|line| &line[6..]).collect();
    assert_eq!(without_times, ["#3 (deleted) bob", "#4 ↳ #1 (edited) bob: Bring a rope."]);
    let (_, lines, _) = Process::start(&mut place.chat(&url, "alice", "bob")).finish();
    assert_eq!(lines, [""; 0], "it was read");
}

#[test]
fn what_was_written_without_a_server_arrives_exactly_once() {
    let place = Place::new();
    let address = nowhere();
    let url = format!("http://{address}");
    let mut alice = Process::start(&mut place.chat(&url, "alice", "bob"));
    alice.write("written too early");
    place.until_kept("written too early");
    alice.kill();

    let (server, _) = place.serve(&address);
    let (status, lines, complaints) = Process::start(&mut place.chat(&url, "alice", "bob")).finish();
    assert!(status.success() && lines == ["✓ 1 #1"], "{lines:?} {complaints}");
    let (status, lines, complaints) = Process::start(&mut place.chat(&url, "alice", "bob")).finish();
    assert!(status.success() && lines.is_empty(), "{lines:?} {complaints}");

    let (status, lines, complaints) = Process::start(&mut place.chat(&url, "bob", "alice")).finish();
    assert!(status.success() && lines.len() == 1, "{lines:?} {complaints}");
    assert!(lines[0].ends_with(" alice: written too early"), "{lines:?}");
    let (_, lines, _) = Process::start(&mut place.chat(&url, "bob", "alice")).finish();
    assert_eq!(lines, [""; 0], "it was read");
    drop(server);
}

#[test]
fn a_script_without_a_server_fails_and_says_what_is_kept() {
    let place = Place::new();
    let url = format!("http://{}", nowhere());
    let mut script = Process::start(place.chat(&url, "alice", "bob").args(["--wait", "300ms"]));
    script.write("to be kept");
    let (status, lines, complaints) = script.finish();
    assert!(!status.success() && lines.is_empty(), "{lines:?}");
    assert!(complaints.contains("nothing came from the server for 300ms"), "{complaints}");
    assert!(complaints.contains("not sent yet: 1; kept in "), "{complaints}");
}

#[test]
fn a_second_chat_on_one_state_says_what_to_do() {
    let place = Place::new();
    let url = format!("http://{}", nowhere());
    let mut first = Process::start(&mut place.chat(&url, "alice", "bob"));
    first.write("x");
    place.until_kept("\"x\"");
    let (status, _, complaints) = Process::start(&mut place.chat(&url, "alice", "carol")).finish();
    assert!(!status.success() && complaints.contains("--state FILE"), "{complaints}");
    let own = place.path("own");
    let (_, _, complaints) =
        Process::start(place.chat(&url, "alice", "carol").args(["--wait", "1ms", "--state"]).arg(own)).finish();
    assert!(complaints.contains("nothing came from the server"), "{complaints}");
}

#[test]
fn what_cannot_be_begun_says_why() {
    let place = Place::new();
    for (url, me, peer, why) in [
        ("http://127.0.0.1:1", "alice", "alice", "must differ"),
        ("127.0.0.1:1", "alice", "bob", "no URL of a server"),
        ("http://127.0.0.1:1", "", "bob", "a user id"),
    ] {
        let (status, _, complaints) = Process::start(&mut place.chat(url, me, peer)).finish();
        assert!(!status.success() && complaints.contains(why), "{complaints}");
    }
}

#[test]
fn a_token_of_somebody_else_is_not_taken() {
    let place = Place::new();
    let (_server, url) = place.serve("127.0.0.1:0");
    let (status, _, complaints) =
        Process::start(place.chat(&url, "alice", "bob").env("CHASQUI_TOKEN", "nonsense")).finish();
    assert!(!status.success() && complaints.contains("start again with another"), "{complaints}");
    let secret = "x".repeat(32);
    let (status, _, complaints) =
        Process::start(place.chat(&url, "alice", "bob").env("CHASQUI_AUTH__SECRET", secret)).finish();
    assert!(!status.success() && complaints.contains("it has another secret"), "{complaints}");
}

#[test]
fn the_token_of_one_user_does_not_speak_as_another() {
    let place = Place::new();
    let (_server, url) = place.serve("127.0.0.1:0");
    let output = chasqui().args(["token", "--dev", "--user", "carol"]).output().unwrap();
    let token = String::from_utf8(output.stdout).unwrap();
    let mut alice = Process::start(place.chat(&url, "alice", "bob").env("CHASQUI_TOKEN", token.trim()));
    alice.write("I am alice");
    let (status, lines, complaints) = alice.finish();
    assert!(!status.success() && lines.is_empty(), "{lines:?} {complaints}");
    assert!(complaints.contains("the token is that of carol, and not of alice"), "{complaints}");
    let (status, lines, complaints) = Process::start(&mut place.chat(&url, "bob", "carol")).finish();
    assert!(status.success() && lines.is_empty(), "{lines:?} {complaints}");
}

#[test]
fn all_that_was_missed_is_printed_in_its_order() {
    const COUNT: usize = 1100;
    let place = Place::new();
    let (_server, url) = place.serve("127.0.0.1:0");
    let mut alice = Process::start(&mut place.chat(&url, "alice", "bob"));
    (1..=COUNT).for_each(|number| alice.write(&format!("line {number}")));
    let (status, _, complaints) = alice.finish();
    assert!(status.success(), "{complaints}");
    let (status, lines, complaints) = Process::start(&mut place.chat(&url, "bob", "alice")).finish();
    assert!(status.success(), "{complaints}");
    assert_eq!(lines.len(), COUNT);
    for (line, number) in lines.iter().zip(1..) {
        assert!(line.ends_with(&format!(" alice: line {number}")), "{line}");
    }
}

/// The state is that of all chats of a user, and so one of them takes up what is for another.
#[test]
fn what_another_chat_took_up_is_printed_before_it_counts_as_read() {
    let place = Place::new();
    let (_server, url) = place.serve("127.0.0.1:0");
    let chat = |me, peer, text: &str| {
        let mut process = Process::start(&mut place.chat(&url, me, peer));
        if !text.is_empty() {
            process.write(text);
        }
        let (status, lines, complaints) = process.finish();
        assert!(status.success(), "{complaints}");
        lines
    };
    // From here on alice's device resumes.
    chat("alice", "bob", "hi bob");
    chat("bob", "alice", "for alice");
    chat("alice", "carol", "hi carol");
    let lines = chat("alice", "bob", "");
    assert!(lines.len() == 1 && lines[0].ends_with(" bob: for alice"), "{lines:?}");
    assert_eq!(chat("alice", "bob", ""), [""; 0], "it was read");
}

#[test]
fn a_password_in_a_url_is_refused_and_not_shown() {
    let place = Place::new();
    let mut command = place.chat("http://me:sekret@127.0.0.1:1", "alice", "bob");
    let (status, _, complaints) = Process::start(&mut command).finish();
    assert!(!status.success() && complaints.contains("token") && !complaints.contains("sekret"), "{complaints}");
}

#[test]
fn what_was_missed_and_cannot_be_got_is_not_read() {
    let place = Place::new();
    let (_server, url) = place.serve("127.0.0.1:0");
    let mut alice = Process::start(&mut place.chat(&url, "alice", "bob"));
    alice.write("missed");
    assert!(alice.finish().0.success());
    let deaf = format!("http://{}", proxy_without(b"/messages?", url.trim_start_matches("http://")));
    let (status, lines, complaints) = Process::start(&mut place.chat(&deaf, "bob", "alice")).finish();
    assert!(!status.success() && lines.is_empty(), "{lines:?} {complaints}");
    assert!(complaints.contains("older messages can't be read: the server can't be reached"), "{complaints}");
    let (status, lines, complaints) = Process::start(&mut place.chat(&url, "bob", "alice")).finish();
    assert!(status.success() && lines.len() == 1, "{lines:?} {complaints}");
}

#[test]
fn the_help_shows_no_token_where_others_can_see_it() {
    let help = String::from_utf8(chasqui().args(["chat", "--help"]).output().unwrap().stdout).unwrap();
    let (_, examples) = help.split_once("Examples:").unwrap();
    assert!(examples.contains("CHASQUI_TOKEN=") && !examples.contains("--token"), "{examples}");
}
