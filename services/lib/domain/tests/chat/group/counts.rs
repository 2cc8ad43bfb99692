//! What authors are told of how many have their messages.

use chasqui_domain::{AuthorCounts, Change, Decision, Effect, Entry, Role, UserId, Version};

use super::fixtures::{Group, add, creates, has, opens, remove, users};

/// An author, how many others there are, up to where all have and have read, and of each message how many have it and have
/// read it.
type Told = (String, u32, u64, u64, Vec<(u64, u32, u32)>);

fn counts(decision: &Decision) -> Option<(&Vec<UserId>, Version, &Vec<AuthorCounts>)> {
    let mut counts = decision.effects.iter().filter_map(|Effect::Place { recipients, entry }| match entry {
        Entry::Counts(counts) => Some((recipients, counts.version, &counts.authors)),
        _ => None,
    });
    let first = counts.next();
    assert!(counts.next().is_none(), "{decision:?}");
    first
}

fn told(decision: &Decision) -> Vec<Told> {
    let of = |it: &AuthorCounts| {
        let messages = it.messages.iter().map(|message| (message.seq.0, message.delivered, message.read)).collect();
        (it.author.to_string(), it.others, it.delivered.0, it.read.0, messages)
    };
    counts(decision).map_or_else(Vec::new, |(_, _, authors)| authors.iter().map(of).collect())
}

fn of(author: &str, others: u32, delivered: u64, read: u64, messages: &[(u64, u32, u32)]) -> Told {
    (author.to_owned(), others, delivered, read, messages.to_vec())
}

/// Alice, bob, carol; alice wrote 1, 2 and 4, bob 3.
fn four_messages() -> Group {
    let mut group = Group::of(&[("bob", Role::Member), ("carol", Role::Member)]);
    for sender in ["alice", "alice", "bob", "alice"] {
        group.writes(sender);
    }
    group
}

#[test]
fn authors_are_told_of_what_changed_and_the_reader_of_their_own_watermarks() {
    let mut group = four_messages();
    let decision = group.tell(&has("carol", 2));
    assert_eq!(told(&decision), [of("alice", 2, 0, 0, &[(1, 1, 0), (2, 1, 0)])], "bob has written nothing of it");
    let (recipients, version, _) = counts(&decision).unwrap();
    assert_eq!((recipients, version), (&users(&["alice"]), group.chat.version));
    let decision = group.tell(&has("bob", 4));
    assert_eq!(told(&decision), [of("alice", 2, 2, 0, &[(1, 2, 0), (2, 2, 0), (4, 1, 0)])]);
    let decision = group.tell(&opens("carol", 3));
    assert_eq!(told(&decision), [of("alice", 2, 3, 0, &[(1, 2, 1), (2, 2, 1)]), of("bob", 2, 0, 0, &[(3, 1, 1)])]);
    let decision = group.tell(&opens("alice", 4));
    assert_eq!(told(&decision), [of("bob", 2, 3, 3, &[(3, 2, 2)])]);
}

/// That she has the fourth was told before.
#[test]
fn of_what_a_reader_only_has_and_had_before_nothing_is_told() {
    let mut group = four_messages();
    group.tell(&has("carol", 4));
    assert_eq!(told(&group.tell(&opens("carol", 1))), [of("alice", 2, 0, 0, &[(1, 1, 1)])]);
    assert_eq!(told(&group.tell(&opens("carol", 3)))[0], of("alice", 2, 0, 0, &[(2, 1, 1)]));
    for _ in 0..8 {
        group.writes("alice");
    }
    group.tell(&has("carol", 12));
    let decision = group.tell(&opens("carol", 4));
    assert_eq!(told(&decision), [of("alice", 2, 0, 0, &[(4, 1, 1)])], "newer ones don't take its place");
}

#[test]
fn who_reads_only_their_own_tells_nobody() {
    let mut group = Group::of(&[("bob", Role::Member)]);
    group.writes("bob");
    let decision = group.tell(&opens("bob", 1));
    assert_eq!((decision.effects.len(), told(&decision)), (1, vec![]));
}

#[test]
fn the_newest_six_of_an_author() {
    let mut group = Group::of(&[("bob", Role::Member), ("carol", Role::Member)]);
    for _ in 0..9 {
        group.writes("alice");
    }
    group.tell(&has("bob", 5));
    let decision = group.tell(&has("carol", 8));
    let expected = [(3, 2, 0), (4, 2, 0), (5, 2, 0), (6, 1, 0), (7, 1, 0), (8, 1, 0)];
    assert_eq!(told(&decision), [of("alice", 2, 5, 0, &expected)]);
    let decision = group.tell(&opens("carol", 9));
    let expected = [(4, 2, 1), (5, 2, 1), (6, 1, 1), (7, 1, 1), (8, 1, 1), (9, 1, 1)];
    assert_eq!(told(&decision), [of("alice", 2, 5, 0, &expected)]);
}

/// A group whose members wrote so many each, in turns, and how many of their messages each author is told when zoe, who
/// wrote nothing, reads all.
fn told_of_each(authors: usize, each: usize) -> Vec<usize> {
    let names: Vec<_> = (0..authors).map(|number| format!("user-{number:02}")).collect();
    let mut group = Group::new();
    group.tell(&creates(&names.iter().map(String::as_str).chain(["zoe"]).collect::<Vec<_>>()));
    for _ in 0..each {
        names.iter().for_each(|name| assert_eq!(group.writes(name).events.len(), 1));
    }
    let decision = group.tell(&opens("zoe", (authors * each) as u64));
    assert_eq!(
        counts(&decision).unwrap().0.len(),
        authors,
        "whoever is told nothing of a message is told what all have"
    );
    told(&decision).iter().map(|(.., messages)| messages.len()).collect()
}

#[test]
fn the_newest_sixty_four_of_all_authors() {
    assert_eq!(told_of_each(10, 6), [6; 10]);
    assert_eq!(told_of_each(10, 7), [6; 10]);
    // Sixty-six; the two oldest are those of the first two.
    let mut all_but_two = [6; 11];
    all_but_two[..2].fill(5);
    assert_eq!(told_of_each(11, 6), all_but_two);
    // One each: the first have none of theirs.
    let mut the_last = [1; 70];
    the_last[..6].fill(0);
    assert_eq!(told_of_each(70, 1), the_last);
}

#[test]
fn ticks_turn_for_those_who_are_there_when_others_go() {
    let mut group = four_messages();
    group.tell(&opens("bob", 4));
    assert_eq!(told(&group.tell(&has("carol", 2)))[0], of("alice", 2, 2, 0, &[(1, 2, 1), (2, 2, 1)]));
    // Only carol had not read: once she goes, all others have.
    let decision = group.changes("carol", Change::Leave);
    let alices = of("alice", 1, 4, 4, &[(1, 1, 1), (2, 1, 1), (4, 1, 1)]);
    assert_eq!(told(&decision), [alices, of("bob", 1, 0, 0, &[(3, 0, 0)])]);
    assert_eq!(counts(&decision).unwrap().0, &users(&["alice", "bob"]), "not who went");
}

#[test]
fn ticks_turn_for_those_who_are_there_when_others_are_removed() {
    let mut group = four_messages();
    group.tell(&opens("bob", 4));
    group.tell(&opens("carol", 1));
    let decision = group.changes("alice", remove("carol"));
    let alices = of("alice", 1, 4, 4, &[(2, 1, 1), (4, 1, 1)]);
    assert_eq!(told(&decision), [alices, of("bob", 1, 0, 0, &[(3, 0, 0)])]);
    // And of hers nobody is told any more.
    let mut group = four_messages();
    group.writes("carol");
    group.changes("alice", remove("carol"));
    let decision = group.tell(&opens("bob", 5));
    assert_eq!(told(&decision), [of("alice", 1, 5, 5, &[(1, 1, 1), (2, 1, 1), (4, 1, 1)])]);
}

#[test]
fn ticks_wait_for_nobody_who_comes_later() {
    let mut group = four_messages();
    group.tell(&opens("bob", 4));
    group.changes("alice", add(&["dave"]));
    let decision = group.tell(&opens("carol", 4));
    let alices = of("alice", 3, 4, 4, &[(1, 3, 3), (2, 3, 3), (4, 3, 3)]);
    assert_eq!(told(&decision), [alices, of("bob", 3, 0, 0, &[(3, 2, 2)])]);
    // For what is written from now on they do.
    group.writes("alice");
    group.tell(&opens("bob", 5));
    assert_eq!(told(&group.tell(&opens("carol", 5))), [of("alice", 3, 4, 4, &[(5, 2, 2)])]);
    assert_eq!(told(&group.tell(&opens("dave", 5))), [of("alice", 3, 5, 5, &[(5, 3, 3)])]);
}

#[test]
fn who_is_left_alone_has_nobody_to_wait_for() {
    let mut group = Group::of(&[("bob", Role::Member)]);
    group.writes("alice");
    let decision = group.changes("bob", Change::Leave);
    assert_eq!(told(&decision), [of("alice", 0, 1, 1, &[(1, 0, 0)])]);
    group.writes("alice");
    assert_eq!(told(&group.tell(&opens("alice", 2))), []);
}

#[test]
fn the_last_to_go_tells_nobody() {
    let mut group = Group::of(&[]);
    group.writes("alice");
    let decision = group.changes("alice", Change::Leave);
    assert_eq!((decision.effects.len(), told(&decision)), (1, vec![]));
}

#[test]
fn what_is_counted_when_the_last_owner_goes_is_of_the_event_by_which_they_do() {
    let mut group = Group::of(&[("bob", Role::Member)]);
    group.writes("bob");
    let decision = group.changes("alice", Change::Leave);
    assert_eq!(decision.events.len(), 2);
    assert_eq!(counts(&decision).unwrap().1, group.chat.version);
    assert_eq!(told(&decision), [of("bob", 0, 1, 1, &[(1, 0, 0)])]);
}
