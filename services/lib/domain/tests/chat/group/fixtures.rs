//! Alice's group, and what is asked of it. Zoe is never in it unless a test says so.

use chasqui_domain::{
    Action, Change, Chat, ChatId, Command, Counter, Create, Decision, Entry, Epoch, Event, Message, Refusal, Role,
    Rules, Sealed, Send, Seq, Target, TimeMs, UserId,
};

use super::{model::Model, run};
use crate::{
    fixtures::{device, only_tells, refuses, sealed, user},
    messages::Messages,
};

pub(crate) fn group_id() -> ChatId {
    ChatId::group(&user("alice"), &device("phone"), Counter(1))
}

pub(crate) fn new_model() -> Model {
    Model::new(group_id(), user("alice"), device("phone"))
}

pub(crate) fn users(names: &[&str]) -> Vec<UserId> {
    names.iter().map(|name| user(name)).collect()
}

/// A title or a picture.
pub(crate) fn part(bytes: usize) -> Sealed {
    Sealed { epoch: Epoch(0), ..sealed(bytes) }
}

pub(crate) fn add(names: &[&str]) -> Change {
    Change::Add { users: users(names) }
}

pub(crate) fn remove(name: &str) -> Change {
    Change::Remove { user: user(name) }
}

pub(crate) fn set_role(name: &str, role: Role) -> Change {
    Change::SetRole { user: user(name), role }
}

pub(crate) fn retitle(bytes: usize) -> Change {
    Change::Describe { title: Some(part(bytes)), picture: None }
}

pub(crate) fn command(sender: &str, action: Action) -> Command {
    Command { chat: group_id(), sender: user(sender), device: device("phone"), rules: Rules::default(), action }
}

pub(crate) fn creates(names: &[&str]) -> Command {
    let (counter, members) = (Counter(1), users(names));
    command("alice", Action::Create(Create { counter, members, allowed: true, title: part(5), picture: None }))
}

/// The group of a command, to spoil it.
pub(crate) fn group_of(command: &mut Command) -> &mut Create {
    match &mut command.action {
        Action::Create(create) => create,
        other => panic!("not a group: {other:?}"),
    }
}

pub(crate) fn asks(sender: &str, counter: u64, change: Change) -> Command {
    command(sender, Action::Change { counter: Counter(counter), allowed: true, change })
}

pub(crate) fn writes(sender: &str, counter: u64) -> Command {
    command(sender, Action::Send(Send { peer: None, counter: Counter(counter), allowed: true, body: sealed(3) }))
}

pub(crate) fn has(member: &str, seq: u64) -> Command {
    command(member, Action::Delivered { seq: Seq(seq) })
}

pub(crate) fn opens(member: &str, seq: u64) -> Command {
    command(member, Action::Read { seq: Seq(seq) })
}

/// The decision that tells a device again of the group's first message.
pub(crate) fn sent_again(sender: &str, counter: u64, of: &Event) -> Decision {
    let (chat, device, counter) = (group_id(), device("phone"), Counter(counter));
    only_tells(&user(sender), Entry::Repeated { chat, device, counter, seq: Seq(1), time: of.time })
}

/// A group with its model: whatever they are told, they must agree.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) chat: Chat,
    pub(crate) messages: Messages,
    pub(crate) model: Model,
    /// Counts all commands, and is their time.
    asked: u64,
}

impl Group {
    pub(crate) fn new() -> Self {
        Self { chat: Chat::new(group_id()), messages: Messages::default(), model: new_model(), asked: 0 }
    }

    /// Alice's, with others who have roles.
    pub(crate) fn of(others: &[(&str, Role)]) -> Self {
        let mut group = Self::new();
        let names: Vec<_> = others.iter().map(|(name, _)| *name).collect();
        assert_eq!(group.tell(&creates(&names)).events.len(), 1);
        for (name, role) in others.iter().filter(|(_, role)| *role != Role::Member) {
            assert_eq!(group.changes("alice", set_role(name, *role)).events.len(), 1);
        }
        group
    }

    pub(crate) fn tell(&mut self, command: &Command) -> Decision {
        self.asked += 1;
        run::tell_both(&mut self.chat, &mut self.messages, &mut self.model, command, TimeMs(self.asked))
    }

    pub(crate) fn changes(&mut self, sender: &str, change: Change) -> Decision {
        self.tell(&asks(sender, self.asked + 1, change))
    }

    pub(crate) fn writes(&mut self, sender: &str) -> Decision {
        self.tell(&writes(sender, self.asked + 1))
    }

    /// The message of this seq.
    pub(crate) fn target(&self, seq: u64) -> Target {
        self.model.kept()[seq as usize - 1].target
    }

    pub(crate) fn message(&self, seq: u64) -> &Message {
        self.messages.get(self.target(seq)).unwrap()
    }

    /// How many commands there were, and the time of the last.
    pub(crate) fn asked(&self) -> u64 {
        self.asked
    }

    /// Says that a change is refused, and that it is for this.
    pub(crate) fn refuses_change(&mut self, sender: &str, change: Change, refusal: Refusal) {
        self.refuses(&asks(sender, self.asked + 1, change), refusal);
    }

    pub(crate) fn refuses(&mut self, command: &Command, refusal: Refusal) {
        assert_eq!(self.tell(command), refuses(command, refusal), "{command:?}");
    }

    pub(crate) fn role(&self, name: &str) -> Option<Role> {
        self.chat.member(&user(name)).map(|member| member.role)
    }

    pub(crate) fn unread(&self, name: &str) -> u64 {
        self.chat.unread(self.chat.member(&user(name)).unwrap())
    }
}
