//! Gives the same commands to the aggregate and to the model, and compares them after each.

use chasqui_domain::{Chat, Command, Decision, Event, EventKind, Seq, TimeMs, UserId, Version};

use crate::{fixtures::chat_id, messages::Messages, model::Model, steps::Step};

/// A command, what it was decided to, and the state that it met.
#[derive(Debug)]
pub(crate) struct Decided {
    pub(crate) before: Chat,
    pub(crate) command: Command,
    pub(crate) appended: TimeMs,
    pub(crate) decision: Decision,
}

/// Commands that the aggregate and the model agree about.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) decided: Vec<Decided>,
    pub(crate) chat: Chat,
    pub(crate) messages: Messages,
    pub(crate) model: Model,
}

impl Run {
    pub(crate) fn events(&self) -> impl Iterator<Item = &Event> {
        self.decided.iter().flat_map(|decided| &decided.decision.events)
    }
}

/// Decides and applies one step after the other; panics where the aggregate and the model part.
pub(crate) fn run(steps: &[Step]) -> Run {
    let (mut chat, mut messages) = (Chat::new(chat_id()), Messages::default());
    let (mut model, mut decided) = (Model::new(), vec![]);
    for step in steps {
        let (command, appended) = step.command(&model);
        let before = chat.clone();
        let decision = messages.decide(&chat, &command, appended);
        assert_eq!(decision, model.decide(&command, appended), "{command:?}");
        assert_eq!(chat, before, "deciding changes nothing");
        numbers_are_dense(&chat, &decision);
        messages.fold(&mut chat, &decision);
        agree(&chat, &model);
        messages.agree(&decision, &model.messages());
        receipts_never_go_back(&before, &chat);
        decided.push(Decided { before, command, appended, decision });
    }
    Run { decided, chat, messages, model }
}

pub(crate) fn numbers_are_dense(chat: &Chat, decision: &Decision) {
    let (mut version, mut last_seq) = (chat.version.0, chat.last_seq.0);
    for event in &decision.events {
        version += 1;
        assert_eq!(event.version, Version(version));
        if let EventKind::Message { seq, .. } = event.kind {
            last_seq += 1;
            assert_eq!(seq, Seq(last_seq));
        }
    }
}

fn receipts_never_go_back(before: &Chat, after: &Chat) {
    for earlier in &before.members {
        let later = after.member(&earlier.user).unwrap();
        assert!(later.delivered >= earlier.delivered && later.read >= earlier.read, "{earlier:?} {later:?}");
    }
}

fn agree(chat: &Chat, model: &Model) {
    assert_eq!(chat.version, Version(model.version()));
    assert_eq!((chat.last_seq, chat.last_message), (Seq(model.last_seq()), model.last_message()));
    assert_eq!((chat.last_is_acted, &chat.pins), (model.last_is_acted(), &model.pins()));
    assert_eq!(chat.last_time, model.last_time());
    let members: Vec<&UserId> = chat.members.iter().map(|member| &member.user).collect();
    assert_eq!(members, model.members().iter().collect::<Vec<_>>());
    for member in &chat.members {
        assert_eq!(member.delivered, Seq(model.delivered(&member.user)));
        assert_eq!(member.read, Seq(model.read(&member.user)));
        assert_eq!(chat.unread(member), model.unread(&member.user), "unread of {member:?}");
        agree_on_devices(chat, model, &member.user);
    }
}

fn agree_on_devices(chat: &Chat, model: &Model, user: &UserId) {
    let mut known = model.known_devices(user).into_iter();
    for device in chat.devices.iter().filter(|device| device.user == *user) {
        assert_eq!(Some(&device.id), known.next());
        let accepted = device.accepted.iter().map(|it| (it.counter.0, it.seq.0, it.time, it.is_change));
        let recognised = model.recognised(user, &device.id);
        let expected = recognised.iter().map(|it| (it.counter, it.seq, it.time, it.is_change));
        assert!(accepted.eq(expected), "{device:?}");
    }
    assert_eq!(known.next(), None, "the chat has forgotten a device of {user}");
}
