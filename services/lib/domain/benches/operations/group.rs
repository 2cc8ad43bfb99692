//! The same with the largest group, in which many write and not all have read.

use chasqui_domain::{
    Action, Change, Chat, ChatId, Command, Counter, Create, Epoch, Event, Message, Reaction, ReactionTag, Role, Rules,
    Send, Seq, Target, decide,
};

use super::{NOW, Operation, applying, deciding, deciding_of, decisions, decisions_of, device, sealed, user};

const MEMBERS: usize = 1024;
/// How many of them write.
const AUTHORS: usize = 100;
const MESSAGES: u64 = 1000;

pub(super) fn all() -> Vec<Operation> {
    let mut chat = Chat::new(ChatId::group(&user(&name(0)), &device(), Counter(1)));
    tell(&mut chat, &create());
    for message in 1..=MESSAGES {
        tell(&mut chat, &send(message as usize % AUTHORS, message));
    }
    // Half of them have read all; those who read now are of the others.
    (MEMBERS / 2..MEMBERS - 1).for_each(|member| drop(tell(&mut chat, &read(member, MESSAGES))));
    let change = |change| command(0, Action::Change { counter: Counter(MESSAGES + 1), allowed: true, change });
    let set_role = change(Change::SetRole { user: user(&name(1)), role: Role::Admin });
    let commands = [
        ("group send, decide", "group send, apply", send(0, MESSAGES + 1)),
        ("group delivered, decide", "group delivered, apply", delivered(1, MESSAGES)),
        ("group read, decide", "group read, apply", read(1, MESSAGES)),
        ("group read of one, decide", "group read of one, apply", read(1, 1)),
        ("group role, decide", "group role, apply", set_role),
        ("group remove, decide", "group remove, apply", change(Change::Remove { user: user(&name(1)) })),
    ];
    let operations = |(decide, apply, command)| {
        let events = decisions(&chat, &command);
        [deciding(decide, &chat, command), applying(apply, &chat, events)]
    };
    commands.into_iter().flat_map(operations).chain(actions(&chat)).collect()
}

/// What is done to the last message, to which each member reacts.
fn actions(chat: &Chat) -> Vec<Operation> {
    let mut chat = chat.clone();
    let written = tell(&mut chat, &send(0, MESSAGES + 1)).remove(0);
    let mut message = Message::written(&written).unwrap();
    for member in 1..MEMBERS {
        for event in decisions_of(Some(&message), &chat, &reacts(member, message.target, MESSAGES + 2)) {
            chat.apply(&event).unwrap();
            message.apply(&event).unwrap();
        }
    }
    let delete = Change::Delete { message: message.target };
    let delete = command(0, Action::Change { counter: Counter(MESSAGES + 2), allowed: true, change: delete });
    let commands = [
        ("group react, decide", "group react, apply", reacts(0, message.target, MESSAGES + 2)),
        ("group delete, decide", "group delete, apply", delete),
    ];
    let operations = |(decide, apply, command)| {
        let events = decisions_of(Some(&message), &chat, &command);
        [deciding_of(Some(message.clone()), decide, &chat, command), applying(apply, &chat, events)]
    };
    commands.into_iter().flat_map(operations).collect()
}

fn tell(chat: &mut Chat, command: &Command) -> Vec<Event> {
    let events = decide(chat, None, command, NOW).unwrap().events;
    assert!(!events.is_empty());
    events.iter().for_each(|event| chat.apply(event).unwrap());
    events
}

fn reacts(member: usize, message: Target, counter: u64) -> Command {
    let tag = ReactionTag([(member % 20) as u8; 16]);
    let reaction = Some(Reaction { tag, kind: sealed(Epoch::FIRST, 60) });
    let (counter, change) = (Counter(counter), Change::React { message, reaction });
    command(member, Action::Change { counter, allowed: true, change })
}

fn create() -> Command {
    let members = (1..MEMBERS).map(|member| user(&name(member))).collect();
    let title = sealed(Epoch::PROFILE, 60);
    command(0, Action::Create(Create { counter: Counter(1), members, allowed: true, title, picture: None }))
}

fn send(member: usize, counter: u64) -> Command {
    let body = sealed(Epoch::FIRST, 150);
    command(member, Action::Send(Send { peer: None, counter: Counter(counter), allowed: true, body }))
}

fn delivered(member: usize, seq: u64) -> Command {
    command(member, Action::Delivered { seq: Seq(seq) })
}

fn read(member: usize, seq: u64) -> Command {
    command(member, Action::Read { seq: Seq(seq) })
}

fn command(member: usize, action: Action) -> Command {
    let chat = ChatId::group(&user(&name(0)), &device(), Counter(1));
    Command { chat, sender: user(&name(member)), device: device(), rules: Rules::default(), action }
}

fn name(member: usize) -> String {
    format!("member-{member:04}")
}
