//! A late former owner changes nothing, and no clock has a say: what is written carries the number that decides.

use bytes::Bytes;
use chasqui_cluster_tests::keyspace::Keyspace;
use chasqui_domain::{DeviceId, LogId, Offset, Position, Seq, Term, TimeMs};
use chasqui_store::{
    Ban, BanKey, BanReason, ChatUpdate, Checkpoint, DEVICES_OF_USER_MAX, DeviceRow, MemberState, Store, Stream,
};
use scylla::{deserialize::row::DeserializeRow, statement::Statement, value::CqlValue};

use crate::rows::{
    LOG, chat, chat_row, device, entry, erasing, event, group, member_row, member_update, message_row, of, snapshot,
    state, update, user,
};

/// The only row of a query, past the store; `{}` is the keyspace.
async fn only<R>(keyspace: &Keyspace, cql: &str) -> R
where
    R: for<'r> DeserializeRow<'r, 'r>,
{
    let cql = cql.replacen("{}", keyspace.name(), 1);
    let answer = keyspace.session().query_unpaged(cql, ()).await.unwrap();
    answer.into_rows_result().unwrap().single_row().unwrap()
}

#[tokio::test]
async fn what_is_shown_of_a_chat_carries_the_version() {
    let keyspace = Keyspace::empty().await;
    let (owner, former) = (keyspace.open().await, keyspace.open().await);
    let chat = chat("bob");
    owner.write_events(of(0), vec![], vec![update(chat, 6, &["me", "bob"])]).await.unwrap();
    former.write_events(of(0), vec![], vec![update(chat, 3, &["me"])]).await.unwrap();
    let stays = member_update(chat, 4, &[("me", MemberState::Stays(state("me", 4)))]);
    former.write_events(of(0), vec![], vec![ChatUpdate { summary: Some(Bytes::new()), ..stays }]).await.unwrap();
    let described = ChatUpdate { members: vec![], ..update(chat, 5, &[]) };
    former.write_events(of(0), vec![], vec![described]).await.unwrap();

    let times: (i64, i64) = only(
        &keyspace,
        "SELECT writetime(summary), writetime(state) FROM {}.members WHERE user = 'me' ALLOW FILTERING",
    )
    .await;
    assert_eq!(times, (6, 6));
    let found = owner.chats(&[chat], &user("me")).await.unwrap();
    assert_eq!(found, [Some(chat_row(chat, 6, &[("bob", 6), ("me", 6)]))]);
    for name in ["me", "bob"] {
        assert_eq!(owner.chats_of(&user(name), None, 9).await.unwrap(), [chat], "{name}");
    }
}

/// Somebody who left isn't brought back by an owner that never saw them leave, nor is somebody who stayed taken away.
#[tokio::test]
async fn members_who_left_stay_away_whoever_writes_late() {
    let keyspace = Keyspace::empty().await;
    let (owner, former) = (keyspace.open().await, keyspace.open().await);
    let chat = group(1);
    let finds = async |name: &str| {
        let listed = owner.chats_of(&user(name), None, 9).await.unwrap() == [chat];
        let found = owner.chats(&[chat], &user(name)).await.unwrap()[0].is_some();
        assert_eq!(listed, found, "{name}");
        found
    };
    let gone = |version, name| member_update(chat, version, &[(name, MemberState::Gone)]);
    owner.write_events(of(0), vec![], vec![update(chat, 1, &["me", "bob", "carol"])]).await.unwrap();
    owner.write_events(of(0), vec![], vec![gone(4, "carol")]).await.unwrap();
    // All that a former owner can say is of versions before.
    former.write_events(of(0), vec![], vec![update(chat, 3, &["me", "carol"])]).await.unwrap();
    let stays = member_update(chat, 2, &[("carol", MemberState::Stays(state("carol", 2)))]);
    former.write_events(of(0), vec![], vec![stays]).await.unwrap();
    assert!(finds("me").await && finds("bob").await && !finds("carol").await);
    // And of who left and came again.
    owner.write_events(of(0), vec![], vec![update(chat, 6, &["carol"])]).await.unwrap();
    former.write_events(of(0), vec![], vec![gone(4, "carol")]).await.unwrap();
    assert!(finds("me").await && finds("bob").await && finds("carol").await);
    let members = owner.members(chat, None, 9).await.unwrap();
    assert_eq!(members, [member_row("bob", 1), member_row("carol", 6), member_row("me", 3)]);
}

#[tokio::test]
async fn events_carry_the_version_and_writing_them_again_leaves_no_trace() {
    let keyspace = Keyspace::empty().await;
    let chat = chat("bob");
    for _ in 0..2 {
        let store = keyspace.open().await;
        store.write_events(of(0), vec![event(chat, Stream::Content, 5)], vec![]).await.unwrap();
    }
    let times: (i64, i64, i64) =
        only(&keyspace, "SELECT writetime(source), writetime(envelope), writetime(body) FROM {}.events").await;
    assert_eq!(times, (5, 5, 5));
}

/// What has become of a message, and that its body is gone, stands against an owner that never saw it.
#[tokio::test]
async fn messages_and_erasures_carry_the_version() {
    let keyspace = Keyspace::empty().await;
    let (owner, former) = (keyspace.open().await, keyspace.open().await);
    let chat = chat("bob");
    let said = vec![event(chat, Stream::Content, 4)];
    let gone = erasing(chat, 6, 1, &[(Stream::Content, 4)]);
    owner.write_events(of(0), said.clone(), vec![gone]).await.unwrap();
    former.write_events(of(0), said, vec![erasing(chat, 5, 1, &[])]).await.unwrap();
    let times: (Option<i64>, i64) = only(&keyspace, "SELECT writetime(body), writetime(envelope) FROM {}.events").await;
    assert_eq!(times, (None, 4));
    assert_eq!(only::<(i64,)>(&keyspace, "SELECT writetime(state) FROM {}.messages").await, (6,));
    assert_eq!(owner.messages(chat, Seq(0)..Seq(9)).await.unwrap(), [message_row(1, 6)]);
}

#[tokio::test]
async fn offsets_and_snapshots_carry_their_numbers() {
    let keyspace = Keyspace::empty().await;
    let (owner, former) = (keyspace.open().await, keyspace.open().await);
    let chat = chat("bob");
    owner.commit(of(0), Offset(9), vec![snapshot(chat, 8)]).await.unwrap();
    former.commit(of(0), Offset(5), vec![snapshot(chat, 4)]).await.unwrap();
    let offset: (i64, i64) = only(&keyspace, "SELECT next, writetime(next) FROM {}.offsets").await;
    assert_eq!(offset, (9, 9));
    let snapshot: (i64, i64) = only(&keyspace, "SELECT version, writetime(state) FROM {}.snapshots").await;
    assert_eq!(snapshot, (8, 8));
}

/// The first offset of all is a number like any other.
#[tokio::test]
async fn the_offset_0_is_a_timestamp() {
    let keyspace = Keyspace::empty().await;
    let store = keyspace.open().await;
    store.commit(of(0), Offset(0), vec![]).await.unwrap();
    assert_eq!(only::<(i64, i64)>(&keyspace, "SELECT next, writetime(next) FROM {}.offsets").await, (0, 0));
    store.commit(of(0), Offset(1), vec![]).await.unwrap();
    assert_eq!(store.committed(of(0)).await.unwrap(), Some(Offset(1)));
}

fn checkpoint(term: u64, inbox: u64, state: &'static [u8]) -> Checkpoint {
    Checkpoint { term: Term(term), inbox: Offset(inbox), presence: Offset(0), state: Bytes::from_static(state) }
}

/// Of two processes, the one of the later term counts, however often and however far the other saves.
#[tokio::test]
async fn a_checkpoint_of_a_later_term_stands_against_another_process() {
    let keyspace = Keyspace::empty().await;
    let (owner, former) = (keyspace.open().await, keyspace.open().await);
    for n in 0..3 {
        former.save_checkpoint(of(0), checkpoint(3, 100 + n, b"former")).await.unwrap();
    }
    owner.save_checkpoint(of(0), checkpoint(4, 100, b"own")).await.unwrap();
    former.save_checkpoint(of(0), checkpoint(3, 999, b"late")).await.unwrap();
    assert_eq!(owner.checkpoint(of(0)).await.unwrap(), Some(checkpoint(4, 100, b"own")));

    // What is late doesn't stay either: it was removed before it came.
    let (term, time): (i64, i64) = only(&keyspace, "SELECT term, writetime(cell) FROM {}.checkpoints").await;
    assert_eq!((term, time), (4, 100));
}

/// The servers keep the greater value of two with one timestamp, so it has to be the later save, whatever it says.
#[tokio::test]
async fn of_saves_at_one_offset_the_last_one_stands() {
    let keyspace = Keyspace::empty().await;
    let store = keyspace.open().await;
    for n in 0..300u32 {
        let state = Bytes::from((300 - n).to_be_bytes().to_vec());
        let checkpoint = Checkpoint { state, ..checkpoint(3, 7, b"") };
        store.save_checkpoint(of(0), checkpoint.clone()).await.unwrap();
        if n % 100 == 99 {
            assert_eq!(store.checkpoint(of(0)).await.unwrap(), Some(checkpoint));
        }
    }
}

#[tokio::test]
async fn devices_carry_the_record_that_told() {
    let keyspace = Keyspace::empty().await;
    let (owner, former) = (keyspace.open().await, keyspace.open().await);
    let left = |row: DeviceRow| DeviceRow { disconnected: Some(TimeMs(row.told.offset.0)), ..row };
    owner.write_devices(of(0), vec![left(device("alice", "phone", LOG, 9))]).await.unwrap();
    // As it would be written by one who read before that was there.
    former.write_devices(of(0), vec![device("alice", "phone", LOG, 8)]).await.unwrap();
    let (state, time): (CqlValue, i64) = only(&keyspace, "SELECT state, writetime(state) FROM {}.devices").await;
    assert_eq!(time, 19);
    for late in [16, 18] {
        let cql = format!(
            "INSERT INTO {}.devices (user, log, slot, state) VALUES ('alice', ?, 0, 0xff) USING TIMESTAMP {late}",
            keyspace.name()
        );
        keyspace.session().query_unpaged(cql, (LOG.0,)).await.unwrap();
    }
    assert_eq!(only::<(CqlValue,)>(&keyspace, "SELECT state FROM {}.devices").await, (state,));
}

/// Rows of a former life go when the device is heard of in this one, so they don't gather.
#[tokio::test]
async fn a_device_has_one_row_whatever_lives_there_were() {
    let keyspace = Keyspace::empty().await;
    let store = keyspace.open().await;
    for life in 1..=3 {
        let rows = vec![device("alice", "phone", LogId([life; 16]), 1000 - u64::from(life))];
        store.write_devices(of(0), rows.clone()).await.unwrap();
        assert_eq!(store.devices_of(&user("alice"), None, 9).await.unwrap(), rows);
    }
    only::<(i8,)>(&keyspace, "SELECT slot FROM {}.devices").await;
}

/// Where several are there all the same, the latest time counts.
#[tokio::test]
async fn of_rows_of_several_lives_the_latest_counts() {
    let keyspace = Keyspace::empty().await;
    let store = keyspace.open().await;
    let (old, new) = (device("alice", "phone", LogId([9; 16]), 5), device("alice", "phone", LogId([2; 16]), 7));
    for row in [&old, &new] {
        // What a row says of the device is the same for every user.
        store.write_devices(of(0), vec![DeviceRow { user: user("bob"), ..row.clone() }]).await.unwrap();
        let state: (CqlValue,) = only(&keyspace, "SELECT state FROM {}.devices WHERE user = 'bob'").await;
        let cql = format!(
            "INSERT INTO {}.devices (user, log, slot, state) VALUES ('alice', ?, 0, ?) USING TIMESTAMP {}",
            keyspace.name(),
            row.told.offset.0 * 2
        );
        keyspace.session().query_unpaged(cql, (row.told.log.0, state.0)).await.unwrap();
    }
    assert_eq!(store.devices_of(&user("alice"), None, 9).await.unwrap(), std::slice::from_ref(&new));
    let next = device("alice", "phone", LogId([2; 16]), 8);
    store.write_devices(of(0), vec![next.clone()]).await.unwrap();
    assert_eq!(store.devices_of(&user("alice"), Some(&DeviceId::new("p").unwrap()), 9).await.unwrap(), [next]);
    only::<(i8,)>(&keyspace, "SELECT slot FROM {}.devices WHERE user = 'alice'").await;
}

/// Else a client that makes up an id each time would leave a tombstone for each, until its user can't be read any more.
#[tokio::test]
async fn devices_that_give_way_leave_no_tombstones() {
    let keyspace = Keyspace::empty().await;
    let store = keyspace.open().await;
    for n in 0..200 {
        let came = device("alice", &format!("made-up-{n}"), LOG, 2 * n);
        let told = Position { offset: Offset(2 * n + 1), ..came.told };
        store.write_devices(of(0), vec![came.clone()]).await.unwrap();
        store.write_devices(of(0), vec![DeviceRow { disconnected: Some(came.connected), told, ..came }]).await.unwrap();
    }
    assert_eq!(store.devices_of(&user("alice"), None, 999).await.unwrap().len(), DEVICES_OF_USER_MAX);
    let mut asked = Statement::new(format!("SELECT * FROM {}.devices WHERE user = 'alice'", keyspace.name()));
    asked.set_tracing(true);
    let answer = keyspace.session().query_unpaged(asked, ()).await.unwrap();
    let trace = keyspace.session().get_tracing_info(&answer.tracing_id().unwrap()).await.unwrap();
    let read: Vec<_> = trace.events.iter().filter_map(|event| event.activity.as_deref()).collect();
    let expected = format!("Read {DEVICES_OF_USER_MAX} live rows and 0 tombstone cells");
    assert!(read.contains(&expected.as_str()), "{read:#?}");
}

/// Nobody may believe that somebody is kept out, or let in again, who isn't.
#[tokio::test]
async fn a_ban_that_clocks_undo_is_no_success() {
    let keyspace = Keyspace::empty().await;
    let store = keyspace.open().await;
    let ban = Ban { key: BanKey { user: user("bob"), device: None }, since: TimeMs(5), reason: None };
    store.ban(ban.clone()).await.unwrap();
    let (bucket, time): (i8, i64) = only(&keyspace, "SELECT bucket, writetime(since) FROM {}.bans").await;
    // As it is when a server took them whose clock is ahead.
    let later = async |cql: &str, by: i64| {
        let cql = cql.replace("{}", keyspace.name());
        keyspace.session().query_unpaged(cql, (time + by, bucket)).await.unwrap();
    };
    let hour = 3_600_000_000;
    later("DELETE FROM {}.bans USING TIMESTAMP ? WHERE bucket = ? AND user = 'bob' AND device = ''", hour).await;
    let error = store.ban(ban.clone()).await.unwrap_err();
    assert!(error.is_retryable() && error.to_string().contains("clocks"), "{error}");
    later("UPDATE {}.bans USING TIMESTAMP ? SET since = 5 WHERE bucket = ? AND user = 'bob' AND device = ''", 2 * hour)
        .await;
    let error = store.unban(&ban.key).await.unwrap_err();
    assert!(error.is_retryable() && error.to_string().contains("clocks"), "{error}");
    later(
        "UPDATE {}.bans USING TIMESTAMP ? SET reason = 'spam' WHERE bucket = ? AND user = 'bob' AND device = ''",
        3 * hour,
    )
    .await;
    let error = store.ban(ban.clone()).await.unwrap_err();
    assert!(error.is_retryable() && error.to_string().contains("clocks"), "{error}");
    let ban = Ban { reason: Some(BanReason::new("spam").unwrap()), ..ban };
    assert_eq!(store.bans_of(&ban.key.user, None).await.unwrap(), [ban]);
}

/// Inbox rows go by themselves a day after they are promised to be there, and carry the servers' time.
#[tokio::test]
async fn inbox_rows_go_by_themselves() {
    let keyspace = Keyspace::empty().await;
    let store = keyspace.open().await;
    store.write_inbox(vec![entry("alice", 3)]).await.unwrap();
    let (ttl, time): (i32, i64) = only(&keyspace, "SELECT ttl(entry), writetime(entry) FROM {}.inbox").await;
    let promised = i32::try_from(keyspace.options().inbox_retention_days).unwrap() * 24 * 60 * 60;
    assert!((promised + 23 * 60 * 60..=promised + 24 * 60 * 60).contains(&ttl), "{ttl}");
    assert!(time > 1_000_000_000_000_000, "{time} is no time");
}
