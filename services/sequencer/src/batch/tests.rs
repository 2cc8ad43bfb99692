use std::num::NonZeroU32;

use bytes::Bytes;
use chasqui_domain::{
    Action, ContentType, Counter, Create, DeviceId, Epoch, LogId, Partition, Rules, Sealed, Send, Seq, TimeMs, UserId,
};
use chasqui_store::{MemberState, Stream};

use super::*;
use crate::touched::Touched;

const LOG: LogId = LogId([7; 16]);

/// A group of so many, in which the first has written.
struct Group {
    place: Place,
    chats: BTreeMap<ChatId, Cached>,
    chat: ChatId,
    offset: u64,
}

fn member(n: usize) -> UserId {
    UserId::new(format!("member-{n:04}")).unwrap()
}

fn device() -> DeviceId {
    DeviceId::new("phone").unwrap()
}

fn sealed(epoch: Epoch) -> Sealed {
    Sealed { epoch, content_type: ContentType::new("text/plain").unwrap(), bytes: Bytes::from_static(b"sealed") }
}

impl Group {
    fn of(members: usize) -> Self {
        let partitions = Partitions { chats: NonZeroU32::MIN, users: NonZeroU32::MIN };
        let place = Place { of: LogPartition { log: LOG, partition: Partition(0) }, partitions };
        let chat = ChatId::group(&member(0), &device(), Counter(1));
        let mut group = Self { place, chats: BTreeMap::new(), chat, offset: 0 };
        let (members, title) = ((1..members).map(member).collect(), sealed(Epoch::PROFILE));
        group.tell(0, Action::Create(Create { counter: Counter(1), members, allowed: true, title, picture: None }));
        let send = Send { peer: None, counter: Counter(2), allowed: true, body: sealed(Epoch::FIRST) };
        group.tell(0, Action::Send(send));
        group
    }

    /// What a command is written as, with what is new of what is shown, as by a batch of its own.
    fn tell(&mut self, by: usize, action: Action) -> (Outputs, ChatUpdate) {
        let command =
            Command { chat: self.chat, sender: member(by), device: device(), rules: Rules::default(), action };
        self.offset += 1;
        let record = Record {
            offset: Offset(self.offset),
            time: TimeMs(1_700_000_000_000),
            key: Bytes::new(),
            value: Bytes::new(),
            headers: Vec::new(),
        };
        let outputs = self.place.run(&record, &Task::Decide(command), &mut self.chats).unwrap();
        let cached = self.chats.get_mut(&self.chat).unwrap();
        let update = cached.update().unwrap();
        cached.touched = Touched::default();
        (outputs, update)
    }
}

/// The bytes of the rows, of what is published, and of what is shown.
fn bytes_of((outputs, update): &(Outputs, ChatUpdate)) -> [usize; 3] {
    let rows = outputs.rows.iter().map(|row| row.envelope.len() + row.body.as_ref().map_or(0, Bytes::len));
    let shown = update.members.iter().map(|member| match &member.state {
        MemberState::Joined(state) | MemberState::Stays(state) => state.len(),
        MemberState::Gone => 0,
    });
    [
        rows.sum(),
        outputs.appends.iter().map(|append| append.value.len()).sum(),
        shown.sum::<usize>() + update.summary.as_ref().map_or(0, Bytes::len),
    ]
}

/// A receipt in a group of 1,024 is written as in one of 16: but for the few bytes more that larger numbers take.
#[test]
fn a_receipt_writes_no_more_in_a_large_group() {
    let mut all = Vec::new();
    for members in [16, 1_024] {
        let mut group = Group::of(members);
        let told = group.tell(1, Action::Read { seq: Seq(1) });
        assert_eq!(told.0.rows.iter().map(|row| row.stream).collect::<Vec<_>>(), [Stream::Receipts]);
        assert_eq!((told.1.members.len(), told.1.summary.is_some()), (1, false));
        all.push(bytes_of(&told));
    }
    for (small, large) in all[0].into_iter().zip(all[1]) {
        assert!(large <= small + 4, "{all:?}");
    }
}
