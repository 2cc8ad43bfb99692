use bytes::Bytes;
use chasqui_domain::{
    Action, Chat, Command, ContentType, Counter, Create, DeviceId, Effect, Entry, Epoch, Rules, Sealed, Send, Seq,
    TimeMs, decide,
};
use chasqui_wire::frames::{self, Counts, OthersReceipt, ServerFrame};

use super::*;

const BYTES_MAX: usize = 1024;

fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

fn device() -> DeviceId {
    DeviceId::new("phone").unwrap()
}

/// A group of so many members, of whom alice is one.
struct Group {
    chat: Chat,
    members: Vec<UserId>,
}

impl Group {
    fn new(number: u64, members: usize) -> Self {
        let id = ChatId::group(&user("alice"), &device(), Counter(number));
        let mut group = Self { chat: Chat::new(id), members: (1..members).map(|n| user(&format!("m{n}"))).collect() };
        let (members, title) = (group.members.clone(), sealed(Epoch::PROFILE));
        let create = Create { counter: Counter(number), members, allowed: true, title, picture: None };
        group.tell(&user("alice"), Action::Create(create));
        group
    }

    fn write(&mut self, counter: u64) {
        let send = Send { peer: None, counter: Counter(counter), allowed: true, body: sealed(Epoch::FIRST) };
        self.tell(&user("alice"), Action::Send(send));
    }

    /// The counts that follow.
    fn tell(&mut self, sender: &UserId, action: Action) -> Vec<GroupCounts> {
        let command =
            Command { chat: self.chat.id, sender: sender.clone(), device: device(), rules: Rules::default(), action };
        let decision = decide(&self.chat, None, &command, TimeMs(1)).unwrap();
        decision.events.iter().for_each(|event| self.chat.apply(event).unwrap());
        let effects = decision.effects.into_iter();
        effects
            .filter_map(|effect| match effect {
                Effect::Place { entry: Entry::Counts(counts), .. } => Some(counts),
                Effect::Place { .. } => None,
            })
            .collect()
    }
}

fn sealed(epoch: Epoch) -> Sealed {
    Sealed { epoch, content_type: ContentType::new("text/plain").unwrap(), bytes: Bytes::from_static(b"sealed") }
}

/// What an author gets of it on the socket.
fn frame(counts: &GroupCounts) -> String {
    let of = &counts.authors[0];
    let count = |it: &MessageCount| frames::MessageCount { seq: it.seq, delivered: it.delivered, read: it.read };
    let frame = ServerFrame::Counts(Counts {
        chat: counts.chat,
        others: OthersReceipt { count: of.others, delivered: of.delivered, read: of.read },
        messages: of.messages.iter().map(count).collect(),
    });
    frames::to_text(&frame).unwrap()
}

/// Who writes to three groups of 1,024, all of whose members read one after the other, is told at most 1 KiB in a window, and in
/// the end how many have each of the newest messages.
#[test]
fn an_author_is_told_at_most_a_kibibyte_in_a_window() {
    let mut groups: Vec<Group> = (1..=3).map(|number| Group::new(number, 1_024)).collect();
    for group in &mut groups {
        (1..=20).for_each(|counter| group.write(counter));
    }
    let (mut gathered, mut now) = (Gathered::default(), Duration::ZERO);
    let mut told: BTreeMap<ChatId, BTreeMap<Seq, (u32, u32)>> = BTreeMap::new();
    let (mut windows, mut frames) = (0, 0);
    let mut take = |gathered: &mut Gathered, now: Duration| {
        let taken = gathered.take(now);
        let bytes: usize = taken.iter().map(|counts| frame(counts).len()).sum();
        assert!(bytes <= BYTES_MAX, "{bytes} bytes in one window");
        (windows, frames) = (windows + 1, frames + taken.len());
        for GroupCounts { chat, authors, .. } in taken {
            for count in authors.iter().flat_map(|of| &of.messages) {
                told.entry(chat).or_default().insert(count.seq, (count.delivered, count.read));
            }
        }
    };
    for seq in [10, 20] {
        for at in 0..1_023 {
            for group in &mut groups {
                let told = group.tell(&group.members[at].clone(), Action::Read { seq: Seq(seq) });
                told.into_iter().for_each(|counts| gathered.add(counts, now));
            }
            // A thousand receipts a second.
            now += Duration::from_millis(3);
            if gathered.due().is_some_and(|due| due <= now) {
                take(&mut gathered, now);
            }
        }
    }
    while let Some(due) = gathered.due() {
        now = due;
        take(&mut gathered, now);
    }
    assert!(frames <= 2 * windows);
    for group in groups {
        let newest: Vec<_> = told[&group.chat.id].iter().rev().take(MESSAGES_MAX).rev().collect();
        let all: Vec<_> = (15..=20).map(|seq| (Seq(seq), (1_023, 1_023))).collect();
        assert_eq!(newest, all.iter().map(|(seq, counts)| (seq, counts)).collect::<Vec<_>>());
    }
}

/// The widest numbers that there are.
#[test]
fn no_numbers_are_too_wide_for_it() {
    let last = i64::MAX as u64;
    let messages = (0..9).map(|n| MessageCount { seq: Seq(last - n), delivered: 1_023, read: 1_023 });
    let mut messages: Vec<_> = messages.collect();
    messages.reverse();
    let counts = AuthorCounts {
        author: user("alice"),
        others: 1_023,
        delivered: Seq(last),
        read: Seq(last),
        messages: messages.clone(),
    };
    let of = |number: u64, counts: &AuthorCounts| GroupCounts {
        chat: ChatId::group(&user("alice"), &device(), Counter(number)),
        version: Version(last),
        authors: vec![counts.clone()],
    };
    let mut gathered = Gathered::default();
    for _ in 0..2 {
        (1..=5).for_each(|number| gathered.add(of(number, &counts), Duration::ZERO));
    }
    for chats in [2, 2, 1] {
        let taken = gathered.take(WINDOW);
        assert_eq!(taken.len(), chats);
        assert!(taken.iter().all(|counts| counts.authors[0].messages == messages[3..]));
        assert!(taken.iter().map(|counts| frame(counts).len()).sum::<usize>() <= BYTES_MAX);
    }
    assert_eq!((gathered.take(WINDOW), gathered.due()), (vec![], None));
}

#[test]
fn the_newer_counts_stand_whichever_comes_last() {
    let chat = ChatId::group(&user("alice"), &device(), Counter(1));
    let counts = |version: u64, read: u32| {
        let messages = vec![MessageCount { seq: Seq(1), delivered: 9, read }];
        let of = AuthorCounts { author: user("alice"), others: 9, delivered: Seq(1), read: Seq(0), messages };
        GroupCounts { chat, version: Version(version), authors: vec![of] }
    };
    for order in [[counts(3, 1), counts(4, 2)], [counts(4, 2), counts(3, 1)]] {
        let mut gathered = Gathered::default();
        order.into_iter().for_each(|counts| gathered.add(counts, Duration::ZERO));
        assert_eq!(gathered.waiting(), [counts(4, 2)]);
        assert_eq!(gathered.take(WINDOW), [counts(4, 2)]);
    }
}

#[test]
fn what_waits_is_told_once_a_window_has_gone_by_from_the_first() {
    let group = |number: u64| {
        let of = AuthorCounts { author: user("alice"), others: 1, delivered: Seq(1), read: Seq(1), messages: vec![] };
        let chat = ChatId::group(&user("alice"), &device(), Counter(number));
        GroupCounts { chat, version: Version(1), authors: vec![of] }
    };
    let mut gathered = Gathered::default();
    assert_eq!(gathered.due(), None);
    gathered.add(group(1), Duration::from_secs(1));
    gathered.add(group(2), Duration::from_secs(2));
    gathered.add(group(3), Duration::from_secs(2));
    assert_eq!(gathered.due(), Some(Duration::from_secs(1) + WINDOW));
    assert_eq!(gathered.take(Duration::from_secs(3)).len(), 2);
    assert_eq!(gathered.due(), Some(Duration::from_secs(3) + WINDOW));
    // A successor goes on with the rest.
    let mut successor = Gathered::new(gathered.waiting(), Duration::from_secs(9));
    assert_eq!(successor.due(), Some(Duration::from_secs(9) + WINDOW));
    assert_eq!(successor.take(Duration::from_secs(10)), gathered.take(Duration::from_secs(10)));
}
