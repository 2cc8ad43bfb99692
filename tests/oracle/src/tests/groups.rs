//! A group that is known from inside: ana makes it with ben, they write, cleo comes and ben goes.

use super::*;

const GROUP: &str = "club";

fn chat() -> String {
    GROUP.to_owned()
}

fn group(line: InGroup) -> Line {
    Line::Group(line)
}

fn device_of(user: &str) -> String {
    format!("{}1", &user[..1])
}

fn changed(after: u64, by: &str, id: u64, change: Change) -> Happened {
    Happened::Changed { by: by.to_owned(), device: device_of(by), id, after, change }
}

fn written(seq: u64, from: &str, id: u64) -> Happened {
    Happened::Message { seq, from: from.to_owned(), device: device_of(from), id }
}

fn created() -> Change {
    Change::Created { users: vec!["ana".to_owned(), "ben".to_owned()] }
}

fn added() -> Change {
    Change::Added { users: vec!["cleo".to_owned()] }
}

fn removed() -> Change {
    Change::Removed { user: "ben".to_owned() }
}

fn stored() -> Vec<StoredEvent> {
    let member = |user: &str| user.to_owned();
    let all = vec![
        changed(0, "ana", 1, created()),
        written(1, "ana", 2),
        Happened::Delivered { member: member("ben"), seq: 1 },
        written(2, "ben", 1),
        Happened::Read { member: member("ana"), seq: 2 },
        changed(2, "ana", 3, added()),
        written(3, "ana", 4),
        Happened::Delivered { member: member("cleo"), seq: 3 },
        Happened::Delivered { member: member("ben"), seq: 3 },
        changed(3, "ana", 5, removed()),
    ];
    all.into_iter().zip(1..).map(|(what, version)| StoredEvent { version, time: 10 * version, what }).collect()
}

fn text(seq: u64, from: &str, id: u64) -> Message {
    let time = [20, 40, 70][seq as usize - 1];
    let (from, device, text) = (from.to_owned(), device_of(from), format!("text {seq}"));
    Message { chat: chat(), seq, from, device, id, text, time, became: Became::default() }
}

fn told(after: u64, id: u64, time: u64, change: Change) -> Changed {
    Changed { chat: chat(), time, after, by: "ana".to_owned(), device: "a1".to_owned(), id, change, says: None }
}

fn asked(id: u64) -> Line {
    group(InGroup::Asked { chat: chat(), id, what: "something".to_owned(), says: None })
}

fn done(id: u64, time: u64) -> [Line; 2] {
    [asked(id), group(InGroup::Done { chat: chat(), id, time, repeated: false })]
}

fn sent(seq: u64, from: &str, id: u64) -> [Line; 3] {
    let Message { text, time, .. } = text(seq, from, id);
    let sent = InGroup::Sent { chat: chat(), id, seq, time, repeated: false };
    [group(InGroup::Writing { chat: chat(), text }), asked(id), group(sent)]
}

fn arrived(seq: u64, from: &str, id: u64) -> Line {
    group(InGroup::Message(text(seq, from, id)))
}

fn counts(others: Others, seq: u64, delivered: u64) -> Line {
    group(InGroup::Counts { chat: chat(), others, messages: vec![Count { seq, delivered, read: 0 }] })
}

/// All others have everything up to a message, and have read what was there before cleo.
fn have(count: u64, delivered: u64) -> Others {
    Others { count, delivered, read: 2 }
}

fn seen_by_ana() -> Vec<Line> {
    [
        done(1, 10).to_vec(),
        sent(1, "ana", 2).to_vec(),
        vec![arrived(2, "ben", 1), group(InGroup::Reading { chat: chat(), seq: 2 })],
        done(3, 60).to_vec(),
        sent(3, "ana", 4).to_vec(),
        done(5, 100).to_vec(),
    ]
    .concat()
}

fn seen_by_ben() -> Vec<Line> {
    let mut lines = vec![group(InGroup::Changed(told(0, 1, 10, created()))), arrived(1, "ana", 2)];
    lines.extend(sent(2, "ben", 1));
    lines.extend([group(InGroup::Changed(told(2, 3, 60, added()))), arrived(3, "ana", 4)]);
    lines.push(group(InGroup::Changed(told(3, 5, 100, removed()))));
    lines
}

fn seen_by_cleo() -> Vec<Line> {
    let own = Some(watermarks("cleo", 3, 2));
    vec![
        group(InGroup::Changed(told(2, 3, 60, added()))),
        arrived(3, "ana", 4),
        group(InGroup::Receipts { chat: chat(), last_seq: 3, unread: 1, own, others: Others::default() }),
        group(InGroup::Changed(told(3, 5, 100, removed()))),
    ]
}

fn served(user: &str, joined: u64, own: Watermarks, role: Role, others: Others) -> Served {
    let all = [text(1, "ana", 2), text(2, "ben", 1), text(3, "ana", 4)];
    let changes = [told(0, 1, 10, created()), told(2, 3, 60, added()), told(3, 5, 100, removed())];
    let member = |user: &str, role, joined| ServedMember { user: user.to_owned(), role, joined };
    let served = ServedGroup {
        chat: chat(),
        last_seq: 3,
        last_time: 100,
        unread: if user == "cleo" { 1 } else { 0 },
        own: vec![own],
        role,
        joined,
        members_count: 2,
        members: vec![member("ana", Role::Owner, 10), member("cleo", Role::Member, 60)],
        others: Some(others),
        last_message: all.last().cloned(),
        messages: all.into_iter().filter(|message| message.time >= joined).collect(),
        changes: changes.into_iter().filter(|changed| changed.time >= joined).collect(),
        pinned: Vec::new(),
        unread_in_receipts: None,
    };
    Served { user: user.to_owned(), chats: Vec::new(), groups: vec![served] }
}

pub(super) const ANA: usize = 0;
pub(super) const BEN: usize = 1;
pub(super) const CLEO: usize = 2;

/// Nothing is wrong.
pub(super) fn club() -> Evidence {
    let mut ana = seen_by_ana();
    let (ben, cleo) = (seen_by_ben(), seen_by_cleo());
    let before = ana.len();
    ana.extend([counts(have(1, 3), 3, 1)]);
    let transcripts = vec![transcript("ana", "a1", ana), transcript("ben", "b1", ben), transcript("cleo", "c1", cleo)];
    // Only that of the counts matters: they come last.
    let begun = 3;
    let mut order = vec![ANA; begun + before];
    order.extend(vec![BEN; transcripts[BEN].lines.len()]);
    order.extend(vec![CLEO; transcripts[CLEO].lines.len()]);
    order.push(ANA);
    Evidence {
        transcripts,
        order,
        chats: vec![StoredChat { chat: chat(), events: stored(), bodies: Vec::new() }],
        served: vec![
            served("ana", 10, watermarks("ana", 2, 2), Role::Owner, Others { count: 1, delivered: 3, read: 2 }),
            served("ben", 0, watermarks("ben", 0, 0), Role::Member, Others::default()),
            served("cleo", 60, watermarks("cleo", 3, 2), Role::Member, Others { count: 1, delivered: 2, read: 2 }),
        ],
        ..Evidence::default()
    }
    .without_gone()
}

impl Evidence {
    fn without_gone(mut self) -> Self {
        self.served[BEN].groups.clear();
        self
    }
}

pub(super) fn events(evidence: &mut Evidence) -> &mut Vec<StoredEvent> {
    &mut evidence.chats[0].events
}

fn of_group(evidence: &mut Evidence, user: usize) -> &mut ServedGroup {
    &mut evidence.served[user].groups[0]
}

/// A line more of a device, in the order of all as the last.
fn more(evidence: &mut Evidence, device: usize, line: Line) {
    lines(evidence, device).push(line);
    evidence.order.push(device);
}

fn failed(id: u64) -> Line {
    group(InGroup::Failed { chat: chat(), id: Some(id), code: "not_permitted".to_owned(), retry: false })
}

pub(super) const BREAKS: &[(&str, &str, Break)] = &[
    ("a time that goes back", "groups follow their events", |it| {
        events(it)[7].time = 1;
    }),
    ("a plain member changes roles", "roles are kept", |it| {
        let change = Change::Role { user: "ana".to_owned(), role: Role::Admin };
        let what = changed(3, "cleo", 1, change);
        events(it).push(StoredEvent { version: 11, time: 110, what });
        it.served.clear();
        let Some(StoredEvent { what: Happened::Changed { change, .. }, .. }) = events(it).last().cloned() else {
            return;
        };
        let seen = Changed { by: "cleo".to_owned(), device: "c1".to_owned(), ..told(3, 1, 110, change) };
        more(it, ANA, group(InGroup::Changed(seen)));
        more(it, CLEO, group(InGroup::Done { chat: chat(), id: 1, time: 110, repeated: false }));
    }),
    ("another text", "all agree on a group", |it| of_group(it, ANA).messages[1].text = "buy".to_owned()),
    ("a message of nobody", "all agree on a group", |it| {
        more(it, ANA, group(InGroup::Message(Message { id: 77, ..text(2, "ben", 1) })));
    }),
    ("who has gone is still told", "nobody sees a group from outside", |it| {
        let what = changed(3, "ana", 6, Change::Described);
        events(it).push(StoredEvent { version: 11, time: 110, what });
        it.served.clear();
        let seen = told(3, 6, 110, Change::Described);
        for device in [BEN, CLEO] {
            more(it, device, group(InGroup::Changed(seen.clone())));
        }
        done(6, 110).into_iter().for_each(|line| more(it, ANA, line));
    }),
    ("a change twice", "devices see a group in order", |it| {
        more(it, CLEO, group(InGroup::Changed(told(3, 5, 100, removed()))));
    }),
    ("a hole", "devices see a group in order", |it| {
        lines(it, BEN).retain(|line| *line != group(InGroup::Changed(told(2, 3, 60, added()))));
        it.order.retain(|device| *device != BEN);
        let count = it.transcripts[BEN].lines.len();
        it.order.splice(0..0, vec![BEN; count]);
    }),
    ("a device that is behind", "members have all of a group", |it| {
        lines(it, CLEO).pop();
        it.order.remove(it.order.len() - 2);
    }),
    ("no outcome", "what is asked of a group has an outcome", |it| more(it, CLEO, asked(1))),
    ("refused and done", "nothing of a group has two outcomes", |it| {
        more(it, CLEO, failed(5));
        more(it, ANA, failed(5));
    }),
    ("told twice", "nothing of a group has two outcomes", |it| {
        for line in [asked(9), failed(9), failed(9)] {
            more(it, CLEO, line);
        }
    }),
    ("a member that is not served", "members are served their groups", |it| drop(of_group(it, ANA).members.pop())),
    ("a history without its beginning", "members are served their groups", |it| {
        drop(of_group(it, ANA).changes.remove(0));
    }),
    ("delivered without a device", "receipts of a group are exact", |it| {
        it.served.clear();
        let read = Happened::Delivered { member: "ana".to_owned(), seq: 3 };
        events(it).push(StoredEvent { version: 11, time: 110, what: read });
    }),
    ("unread counts who has gone", "unread of a group is exact", |it| of_group(it, ANA).unread = 1),
    ("unread that is told wrongly", "unread of a group is exact", |it| {
        let own = Some(watermarks("cleo", 3, 2));
        let receipts = InGroup::Receipts { chat: chat(), last_seq: 3, unread: 2, own, others: Others::default() };
        more(it, CLEO, group(receipts));
    }),
    ("more than have it", "counts are never ahead", |it| more(it, ANA, counts(have(1, 3), 3, 3))),
    ("counts of another's message", "counts are never ahead", |it| more(it, CLEO, counts(have(1, 3), 3, 0))),
    ("counts that are lost", "authors know in the end", |it| {
        lines(it, ANA).pop();
        it.order.pop();
    }),
];

#[test]
fn what_is_right_in_a_group_breaks_nothing() {
    assert_eq!(judge(&club()), Ok(()));
}

#[test]
fn every_promise_that_is_broken_in_a_group_is_named_and_no_other() {
    for (name, promise, breaks) in BREAKS {
        let mut evidence = club();
        breaks(&mut evidence);
        let judged = judge(&evidence);
        assert_eq!(named(&judged), [*promise].into(), "{name}: {judged:#?}");
    }
}

/// Ana leaves, and cleo is made the owner before.
#[test]
fn who_hands_a_group_on_is_told_of_leaving_alone() {
    let mut evidence = club();
    let change = Change::Role { user: "cleo".to_owned(), role: Role::Owner };
    for (version, change) in [(11, change.clone()), (12, Change::Left)] {
        events(&mut evidence).push(StoredEvent { version, time: 110, what: changed(3, "ana", 6, change.clone()) });
        more(&mut evidence, CLEO, group(InGroup::Changed(told(3, 6, 110, change))));
    }
    evidence.served.clear();
    done(6, 110).into_iter().for_each(|line| more(&mut evidence, ANA, line));
    assert_eq!(judge(&evidence), Ok(()));
    events(&mut evidence).remove(10);
    assert!(named(&judge(&evidence)).contains("roles are kept"));
}

/// Who is killed may see once more what came last, and who asks again may be refused before.
#[test]
fn what_a_kill_allows_in_a_group_breaks_nothing() {
    let mut evidence = club();
    for line in AGAIN.into_iter().chain([group(InGroup::Changed(told(3, 5, 100, removed())))]) {
        more(&mut evidence, CLEO, line);
    }
    more(&mut evidence, ANA, failed(5));
    assert!(judge(&evidence).is_err());
    let (user, device) = ("ana".to_owned(), "a1".to_owned());
    evidence.asked_again.push(InLog { user, device, chat: chat(), id: 5, times: 2 });
    assert_eq!(judge(&evidence), Ok(()));
}
