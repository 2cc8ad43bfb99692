//! Groups, line by line.

use crate::process::{Place, Process, nowhere};

/// Makes a group of these users; gives who made it, and its id. Their ids in it go on behind that of the group, which is 1
/// when it is their first.
fn make(place: &Place, url: &str, title: &str, with: &[&str]) -> (Process, String) {
    let which = [&["--new-group", title, "--with"], with].concat();
    let alice = Process::start(&mut place.chat_as(url, "alice", &which));
    let made = alice.until("✓ group ");
    let mut words = made.trim_start_matches("✓ group ").splitn(2, ' ');
    let id = words.next().unwrap().to_owned();
    assert_eq!((id.len(), words.next()), (32, Some(title)), "{made}");
    (alice, id)
}

fn open(place: &Place, url: &str, me: &str, group: &str) -> Process {
    let process = Process::start(&mut place.chat_as(url, me, &["--group", group]));
    process.until_complaint("connected as");
    process
}

/// Runs a chat with this input to its end, which is a good one; gives what it printed.
fn run(place: &Place, url: &str, me: &str, group: &str, input: &[&str]) -> Vec<String> {
    let mut process = Process::start(&mut place.chat_as(url, me, &["--group", group]));
    input.iter().for_each(|line| process.write(line));
    let (status, lines, complaints) = process.finish();
    assert!(status.success(), "{lines:?} {complaints}");
    lines
}

#[test]
fn a_group_from_its_beginning_to_the_end_of_a_membership() {
    let place = Place::new();
    let (_server, url) = place.serve("127.0.0.1:0");
    let (mut alice, id) = make(&place, &url, "The bridge", &["bob", "eve"]);
    let mut bob = open(&place, &url, "bob", "the BRIDGE");

    alice.write("The bridge is down.");
    alice.until("✓ 2 #1");
    assert!(bob.until("#1").ends_with(" #1 alice: The bridge is down."));
    alice.until("✓ 2 read 1/2");
    run(&place, &url, "eve", &id, &[]);
    alice.until("✓✓ 2 read");

    alice.write("/add carol");
    alice.until("✓ 3");
    assert!(bob.until("*").ends_with(" * alice added carol"));
    let carol = open(&place, &url, "carol", &id);
    bob.write("Since when?");
    bob.until("✓ 1 #2");
    assert!(carol.until("#").ends_with(" #2 bob: Since when?"), "what was before she came is not hers");
    bob.write("/rename The upper road");
    let why = bob.until("✗ 2 ");
    assert!(why.starts_with("✗ 2 not_permitted: "), "{why}");
    alice.write("/promote bob");
    alice.until("✓ 4");
    assert!(bob.until("admin").ends_with(" * alice made bob an admin"));
    bob.write("/rename The upper road");
    bob.until("✓ 3");
    assert!(alice.until("renamed").ends_with(" * bob renamed the group to “The upper road”"));

    bob.until("✓ 1 read 2/3");
    alice.write("/who 2");
    assert_eq!(alice.until("#2 by"), "#2 by bob: delivered to 2 of 3, read by 2");
    for line in ["  alice: read", "  carol: read", "  eve: not yet"] {
        assert_eq!(alice.until("  "), line);
    }
    alice.write("/who 1");
    assert_eq!(alice.until("#1 by"), "#1 by alice: delivered to 2 of 2, read by 2");
    alice.write("/who 9");
    assert_eq!(alice.until("#9"), "#9: there is no such message that you may see");

    alice.write("/remove carol");
    alice.until("✓ 5");
    assert!(carol.until("removed").ends_with(" * alice removed carol"));
    let (status, lines, complaints) = carol.finish();
    assert!(!status.success() && lines.is_empty(), "{lines:?}");
    assert!(complaints.ends_with("error: alice removed you from this group"), "{complaints}");
    let (status, _, complaints) = Process::start(&mut place.chat_as(&url, "carol", &["--group", &id])).finish();
    assert!(!status.success() && complaints.contains("you are in no group"), "{complaints}");

    bob.write("/leave\ntoo late");
    bob.until("✓ 4");
    assert!(alice.until("left").ends_with(" * bob left"));
    let (status, lines, complaints) = bob.finish();
    assert!(!status.success() && lines.is_empty(), "{lines:?} {complaints}");
    assert!(complaints.contains("you left this group") && complaints.contains("not kept: 1 lines"), "{complaints}");

    alice.write("/members");
    assert_eq!(alice.until("members"), "2 members");
    assert_eq!([alice.until("  "), alice.until("  ")], ["  alice (owner)", "  eve"]);
    alice.write("/leave");
    let (status, lines, complaints) = alice.finish();
    assert!(status.success() && lines == ["✓ 6"], "{lines:?} {complaints}");
}

#[test]
fn what_was_missed_is_printed_with_what_was_changed_between() {
    let place = Place::new();
    let (_server, url) = place.serve("127.0.0.1:0");
    let (mut alice, id) = make(&place, &url, "The bridge", &["bob"]);
    for line in ["one", "/add carol", "/add carol", "//two", "/remove carol", "/members"] {
        alice.write(line);
    }
    let (status, lines, complaints) = alice.finish();
    assert!(status.success(), "{complaints}");
    let answered = ["2 members", "  alice (owner)", "  bob"];
    assert_eq!(lines, [&["✓ 2 #1", "✓ 3", "✓ 4", "✓ 5 #2", "✓ 6"], &answered[..]].concat(), "after all before it");

    let without_times = |lines: Vec<String>| lines.iter().map(|line| line[6..].to_owned()).collect::<Vec<_>>();
    let all = [
        "* alice created the group “The bridge” with bob",
        "#1 alice: one",
        "* alice added carol",
        "#2 alice: /two",
        "* alice removed carol",
    ];
    assert_eq!(without_times(run(&place, &url, "bob", &id, &[])), all);
    assert_eq!(run(&place, &url, "bob", &id, &[]), [""; 0], "it was read");
    assert_eq!(run(&place, &url, "alice", &id, &["three", "/rename A bridge"]), ["✓ 7 #3", "✓ 8"]);
    assert_eq!(
        without_times(run(&place, &url, "bob", "a bridge", &[])),
        ["#3 alice: three", "* alice renamed the group to “A bridge”"]
    );
}

#[test]
fn a_group_is_made_once_however_often_it_is_asked_for_without_a_server() {
    let place = Place::new();
    let address = nowhere();
    let url = format!("http://{address}");
    let which = ["--new-group", "The bridge", "--with", "bob", "alice", "bob", "--wait", "300ms"];
    let asked = || Process::start(&mut place.chat_as(&url, "alice", &which)).finish();
    let (status, lines, complaints) = asked();
    assert!(!status.success() && lines.is_empty(), "{lines:?}");
    let (_, id) = complaints.split_once("--group ").unwrap();
    let (_, _, again) = asked();
    assert!(again.contains(id), "{complaints} {again}");
    let (_, _, untitled) =
        Process::start(&mut place.chat_as(&url, "bob", &["--group", "The bridge", "--wait", "300ms"])).finish();
    assert!(untitled.contains("the server can't be reached") && untitled.contains("give the id"), "{untitled}");

    let (_server, _) = place.serve(&address);
    assert_eq!(
        run(&place, &url, "alice", id, &["/members"]).split_first().unwrap().0,
        &format!("✓ group {id} The bridge")
    );
    let kept = ["--group", id, "--wait", "300ms"];
    let nowhere = format!("http://{}", nowhere());
    let mut later = Process::start(place.chat_as(&nowhere, "bob", &kept).args(["--state"]).arg(place.path("bob")));
    later.write("/rename x");
    later.write("written without a server");
    assert!(later.finish().2.contains("not sent yet: 2; kept in "));
    let mut later = place.chat_as(&url, "bob", &kept);
    let (status, lines, complaints) = Process::start(later.args(["--state"]).arg(place.path("bob"))).finish();
    assert!(!status.success() && complaints.contains("refused: 1"), "{complaints}");
    assert!(lines[1].starts_with("✗ 1 not_permitted") && lines[2] == "✓ 2 #1", "{lines:?}");
}

#[test]
fn what_cannot_be_opened_says_what_can() {
    let place = Place::new();
    let (_server, url) = place.serve("127.0.0.1:0");
    let refused = |me: &str, which: &[&str]| {
        let (status, lines, complaints) = Process::start(&mut place.chat_as(&url, me, which)).finish();
        assert!(!status.success() && lines.is_empty(), "{lines:?}");
        complaints
    };
    let none = refused("alice", &["--group", "The bridge"]);
    assert!(none.contains("you are in no group; make one with --new-group TITLE --with USER…"), "{none}");
    let ids = ["The bridge", "The bridge", "Tambo"].map(|title| {
        let (alice, id) = make(&place, &url, title, &["bob"]);
        assert!(alice.finish().0.success());
        id
    });
    let several = refused("alice", &["--group", "The bridge"]);
    assert!(several.contains(&ids[0]) && several.contains(&ids[1]) && !several.contains(&ids[2]), "{several}");
    for name in ["Cusco", "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        let unknown = refused("bob", &["--group", name]);
        assert!(unknown.contains(&format!("{}  Tambo, 2 members", ids[2])), "{unknown}");
    }
    for (which, why) in [
        (&["--with", "bob", "carol"][..], "give it a title with --new-group"),
        (&["--group", "a", "--with", "bob"], "cannot be used with"),
        (&["--group", "a", "--new-group", "b"], "cannot be used with"),
        (&["--new-group", " ", "--with", "bob"], "a title has between 1 and 256 bytes"),
        (&[], "--with <USER>..."),
    ] {
        let complaints = refused("alice", which);
        assert!(complaints.contains(why), "{which:?}: {complaints}");
    }
    let mut wrong = Process::start(&mut place.chat_as(&url, "alice", &["--group", "Tambo"]));
    ["/add", "/nothing", "/who"].iter().for_each(|line| wrong.write(line));
    let (status, lines, complaints) = wrong.finish();
    assert!(!status.success() && lines.is_empty() && complaints.contains("refused: 3"), "{lines:?} {complaints}");
    for right in ["not sent: /add USER… — ", "there is no /nothing: /help", "/who N asks for the message #N"] {
        assert!(complaints.contains(right), "{complaints}");
    }
}
