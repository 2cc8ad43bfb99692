//! Events, snapshots, what is shown of chats, chats of users.

use chasqui_domain::{ChatId, Offset, Source, Version};

use super::{
    FORMER_LOG, Factory, LOG, chat, content, of, row,
    rows::{chat_row, group, member_row, member_update, state},
    snapshot, update, user, versions,
};
use crate::{ChatLog, EventQuery, MemberState, READ_ROWS_MAX, Stream};

fn query(chat: ChatId, versions: std::ops::Range<u64>) -> EventQuery {
    EventQuery {
        chat,
        stream: Stream::Content,
        versions: Version(versions.start)..Version(versions.end),
        descending: false,
        rows_max: READ_ROWS_MAX,
    }
}

/// Every field of a row comes back, in ascending and in descending order, of its own stream alone.
pub async fn rows_are_read_back_in_order_both_ways(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let (one, other) = (chat("bob"), chat("carol"));
    let written: Vec<_> = [1, 2, 300, 4, 70_000].into_iter().map(|version| content(one, version)).collect();
    store.write_events(of(0), written.clone(), vec![]).await.unwrap();
    let beside = vec![row(one, Stream::Receipts, 3), row(one, Stream::Changes, 5), content(other, 1)];
    store.write_events(of(0), beside, vec![]).await.unwrap();

    let mut expected = written;
    expected.sort_by_key(|row| row.version);
    assert_eq!(store.events(&query(one, 0..u64::MAX)).await.unwrap(), expected);
    expected.reverse();
    let descending = EventQuery { descending: true, ..query(one, 0..u64::MAX) };
    assert_eq!(store.events(&descending).await.unwrap(), expected);
    let receipts = EventQuery { stream: Stream::Receipts, ..query(one, 0..u64::MAX) };
    assert_eq!(store.events(&receipts).await.unwrap(), [row(one, Stream::Receipts, 3)]);
    let changes = EventQuery { stream: Stream::Changes, ..query(one, 0..u64::MAX) };
    assert_eq!(store.events(&changes).await.unwrap(), [row(one, Stream::Changes, 5)]);
    assert_eq!(versions(&store.events(&query(other, 0..u64::MAX)).await.unwrap()), [1]);
}

/// The end is excluded, the limit counts from the side that is read from, and odd ranges are empty.
pub async fn a_read_of_events_takes_the_range_and_the_limit(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let chat = chat("bob");
    store.write_events(of(0), (1..=10).map(|version| content(chat, version)).collect(), vec![]).await.unwrap();

    let read = async |query: EventQuery| versions(&store.events(&query).await.unwrap());
    assert_eq!(read(query(chat, 3..6)).await, [3, 4, 5]);
    assert_eq!(read(EventQuery { rows_max: 2, ..query(chat, 3..8) }).await, [3, 4]);
    assert_eq!(read(EventQuery { rows_max: 2, descending: true, ..query(chat, 3..8) }).await, [7, 6]);
    assert!(read(EventQuery { rows_max: 0, ..query(chat, 3..8) }).await.is_empty());
    assert!(read(query(chat, 5..5)).await.is_empty());
    assert!(read(query(chat, 8..3)).await.is_empty());
    assert!(read(query(chat, 11..u64::MAX)).await.is_empty());
}

/// A read that asks for more gets [`READ_ROWS_MAX`], and goes on from there.
pub async fn no_read_gives_more_than_the_most_rows(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let chat = chat("bob");
    let count = READ_ROWS_MAX as u64 + 5;
    store.write_events(of(0), (1..=count).map(|version| content(chat, version)).collect(), vec![]).await.unwrap();

    let first = store.events(&EventQuery { rows_max: usize::MAX, ..query(chat, 0..u64::MAX) }).await.unwrap();
    assert_eq!(first.len(), READ_ROWS_MAX);
    let next = first.last().unwrap().version.next().0;
    assert_eq!(store.events(&query(chat, next..u64::MAX)).await.unwrap().len(), 5);

    let rows = (0..count).map(|offset| super::entry("alice", LOG, offset, 0)).collect();
    store.write_inbox(rows).await.unwrap();
    let rows = store.inbox(&user("alice"), LOG, Offset(0)..Offset(u64::MAX), usize::MAX).await.unwrap();
    assert_eq!(rows.len(), READ_ROWS_MAX);

    let loaded = store.load_chats(&[chat], LOG, Offset(u64::MAX)).await.unwrap();
    assert_eq!(loaded[0].rows.len() as u64, count, "a chat is loaded whole");
}

/// Only what was caused before the offset counts.
pub async fn loading_gives_the_rows_caused_before_an_offset(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let chat = chat("bob");
    store.write_events(of(0), (1..=6).map(|version| content(chat, version)).collect(), vec![]).await.unwrap();

    let load = async |before| store.load_chats(&[chat], LOG, Offset(before)).await.unwrap().remove(0);
    assert_eq!(versions(&load(40).await.rows), [1, 2, 3], "the command at the offset itself is not before it");
    assert_eq!(versions(&load(41).await.rows), [1, 2, 3, 4]);
    assert_eq!(load(0).await, ChatLog::default());
    assert_eq!(load(1000).await.rows[4], content(chat, 5));
}

/// Rows up to the snapshot's version are not given, even when they are still there.
pub async fn loading_gives_the_newest_snapshot_and_the_rows_above_it(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let chat = chat("bob");
    store.write_events(of(0), (1..=6).map(|version| content(chat, version)).collect(), vec![]).await.unwrap();
    store.commit(of(0), Offset(30), vec![snapshot(chat, 2)]).await.unwrap();
    store.commit(of(0), Offset(50), vec![snapshot(chat, 4)]).await.unwrap();

    let loaded = store.load_chats(&[chat], LOG, Offset(60)).await.unwrap().remove(0);
    assert_eq!(loaded.snapshot, Some(snapshot(chat, 4)));
    assert_eq!(versions(&loaded.rows), [5]);
}

/// All streams share the chat's versions.
pub async fn loading_merges_all_streams_by_version(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let chat = chat("bob");
    let stream = |version| match version {
        2 | 3 | 6 | 300 => Stream::Receipts,
        1 | 5 | 7 => Stream::Changes,
        _ => Stream::Content,
    };
    let rows: Vec<_> = (1..=301).map(|version| row(chat, stream(version), version)).collect();
    store.write_events(of(0), rows.clone(), vec![]).await.unwrap();

    let loaded = store.load_chats(&[chat], LOG, Offset(u64::MAX)).await.unwrap().remove(0);
    assert_eq!(loaded.rows, rows);
}

/// A row of an earlier life of the topics counts as before, whatever its offset.
pub async fn loading_counts_rows_of_other_lives_as_before(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let chat = chat("bob");
    let mut former = content(chat, 1);
    former.source = Source { log: FORMER_LOG, offset: Offset(1_000_000), ..former.source };
    store.write_events(of(0), vec![former.clone(), content(chat, 2), content(chat, 3)], vec![]).await.unwrap();

    let loaded = store.load_chats(&[chat], LOG, Offset(30)).await.unwrap().remove(0);
    assert_eq!(loaded.rows, [former, content(chat, 2)]);
}

/// One answer for each chat asked for, a chat asked for twice and an unknown one included.
pub async fn loading_answers_in_the_order_asked(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let (one, other) = (chat("bob"), chat("carol"));
    store.write_events(of(0), vec![content(one, 1), content(other, 1)], vec![update(one, 1, &["me"])]).await.unwrap();

    let asked = [other, chat("nobody"), one, other];
    let loaded = store.load_chats(&asked, LOG, Offset(u64::MAX)).await.unwrap();
    let found: Vec<_> = loaded.iter().map(|log| log.rows.first().map(|row| row.chat)).collect();
    assert_eq!(found, [Some(other), None, Some(one), Some(other)]);
    let chats = store.chats(&asked, &user("me")).await.unwrap();
    assert_eq!(chats, [None, None, Some(chat_row(one, 1, &[("me", 1)])), None]);
    assert!(store.load_chats(&[], LOG, Offset(0)).await.unwrap().is_empty());
}

/// A late former owner, or a writer that repeats after an error, changes nothing.
pub async fn writing_the_same_again_changes_nothing(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let chat = chat("bob");
    let rows: Vec<_> = (1..=5).map(|version| content(chat, version)).collect();
    let entries: Vec<_> = (0..5).map(|offset| super::entry("alice", LOG, offset, 0)).collect();
    for _ in 0..3 {
        store.write_events(of(0), rows.clone(), vec![update(chat, 5, &["me", "bob"])]).await.unwrap();
        store.write_inbox(entries.clone()).await.unwrap();
        store.write_events(of(0), rows[..2].to_vec(), vec![update(chat, 2, &["me"])]).await.unwrap();
        store.commit(of(0), Offset(51), vec![snapshot(chat, 3)]).await.unwrap();
    }
    assert_eq!(store.events(&query(chat, 0..u64::MAX)).await.unwrap(), rows);
    let inbox = store.inbox(&user("alice"), LOG, Offset(0)..Offset(9), 9).await.unwrap();
    assert_eq!(inbox, entries);
    assert_eq!(store.chats_of(&user("bob"), None, 9).await.unwrap(), [chat]);
    let loaded = store.load_chats(&[chat], LOG, Offset(u64::MAX)).await.unwrap().remove(0);
    assert_eq!((loaded.snapshot, versions(&loaded.rows)), (Some(snapshot(chat, 3)), vec![4, 5]));
}

/// Also within one batch.
pub async fn what_is_newer_of_a_chat_replaces_what_is_older_and_never_the_reverse(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let chat = chat("bob");
    for (given_versions, expected) in [(vec![3, 4, 2], 4), (vec![3], 4), (vec![256], 256), (vec![255, 1], 256)] {
        let updates = given_versions.iter().map(|&version| update(chat, version, &["me", "bob"])).collect();
        store.write_events(of(0), vec![], updates).await.unwrap();
        let found = store.chats(&[chat], &user("me")).await.unwrap();
        assert_eq!(found, [Some(chat_row(chat, expected, &[("bob", expected), ("me", expected)]))]);
    }
}

/// Both of a direct chat see each other, of a group everybody sees themselves, and nobody else sees anything.
pub async fn a_chat_is_found_by_its_members_alone(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let (direct, group) = (chat("bob"), group(1));
    let updates = vec![update(direct, 1, &["me", "bob"]), update(group, 2, &["me", "bob", "carol"])];
    store.write_events(of(0), vec![], updates).await.unwrap();
    let found = async |name: &str| store.chats(&[direct, group], &user(name)).await.unwrap();
    let pair = || Some(chat_row(direct, 1, &[("bob", 1), ("me", 1)]));
    assert_eq!(found("me").await, [pair(), Some(chat_row(group, 2, &[("me", 2)]))]);
    assert_eq!(found("bob").await, [pair(), Some(chat_row(group, 2, &[("bob", 2)]))]);
    assert_eq!(found("carol").await, [None, Some(chat_row(group, 2, &[("carol", 2)]))]);
    assert_eq!(found("dave").await, [None, None]);
}

/// Without a summary the one that there is stays, and so do the other members.
pub async fn what_changes_of_one_member_leaves_the_rest_as_it_is(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let group = group(1);
    store.write_events(of(0), vec![], vec![update(group, 1, &["me", "bob"])]).await.unwrap();
    let stays = |version| member_update(group, version, &[("bob", MemberState::Stays(state("bob", version)))]);
    for version in [3, 2] {
        store.write_events(of(0), vec![], vec![stays(version)]).await.unwrap();
        let found = store.chats(&[group], &user("bob")).await.unwrap();
        assert_eq!(found, [Some(chat_row(group, 1, &[("bob", 3)]))]);
        let members = store.members(group, None, 9).await.unwrap();
        assert_eq!(members, [member_row("bob", 3), member_row("me", 1)]);
    }
}

/// Who has left doesn't find the chat any more, and what is older doesn't bring anyone back.
pub async fn chats_of_a_user_are_those_that_they_are_in(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let chat = group(1);
    let write = async |updates| store.write_events(of(0), vec![], updates).await.unwrap();
    let finds = async |name: &str| {
        let listed = !store.chats_of(&user(name), None, 9).await.unwrap().is_empty();
        let found = store.chats(&[chat], &user(name)).await.unwrap()[0].is_some();
        let is_member = store.members(chat, None, 9).await.unwrap().iter().any(|row| row.user == user(name));
        assert!(listed == found && found == is_member, "{name}: {listed}, {found}, {is_member}");
        listed
    };
    write(vec![update(chat, 1, &["me", "bob"])]).await;
    assert!(finds("me").await && finds("bob").await && !finds("carol").await);
    let mut third = update(chat, 3, &["carol"]);
    third.members.extend(member_update(chat, 3, &[("bob", MemberState::Gone)]).members);
    write(vec![third]).await;
    assert!(finds("me").await && !finds("bob").await && finds("carol").await);
    let receipt = member_update(chat, 2, &[("bob", MemberState::Stays(state("bob", 2)))]);
    write(vec![update(chat, 1, &["me", "bob"]), receipt, update(chat, 2, &["bob"])]).await;
    assert!(finds("me").await && !finds("bob").await && finds("carol").await);
    write(vec![update(chat, 5, &["bob"])]).await;
    assert!(finds("bob").await, "who is added again is back");
    assert!(!finds("m").await && !finds("mee").await, "a user whose id begins alike has other chats");
}

/// In ascending order, each page from behind the last of the one before.
pub async fn members_are_read_in_pages(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let mut all: Vec<_> = (0..25).map(|n| format!("friend {n}")).collect();
    let names: Vec<_> = all.iter().map(String::as_str).collect();
    store
        .write_events(of(0), vec![], vec![update(group(1), 1, &names), update(group(2), 1, &["a", "z"])])
        .await
        .unwrap();
    all.sort();

    let mut read: Vec<crate::MemberRow> = Vec::new();
    loop {
        let page = store.members(group(1), read.last().map(|row| &row.user), 10).await.unwrap();
        assert!(page.len() <= 10);
        if page.is_empty() {
            break;
        }
        read.extend(page);
    }
    assert_eq!(read, all.iter().map(|name| member_row(name, 1)).collect::<Vec<_>>());
    assert!(store.members(group(1), None, 0).await.unwrap().is_empty());
    assert!(store.members(group(3), None, 9).await.unwrap().is_empty());
}

/// In ascending order, each page from behind the last of the one before.
pub async fn chats_of_a_user_are_read_in_pages(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let mut all: Vec<_> = (0..25).map(|n| chat(&format!("friend {n}"))).collect();
    let updates = all.iter().map(|&chat| update(chat, 1, &["me"])).collect();
    store.write_events(of(0), vec![], updates).await.unwrap();
    all.sort_unstable();

    let mut read = Vec::new();
    loop {
        let page = store.chats_of(&user("me"), read.last().copied(), 10).await.unwrap();
        assert!(page.len() <= 10);
        if page.is_empty() {
            break;
        }
        read.extend(page);
    }
    assert_eq!(read, all);
    assert!(store.chats_of(&user("me"), None, 0).await.unwrap().is_empty());
}
