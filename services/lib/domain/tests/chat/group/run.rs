//! Gives the same commands to the aggregate and to the model, and compares them after each.

use chasqui_domain::{Chat, Command, Decision, Epoch, Event, Seq, TimeMs, Version};

use super::{
    fixtures::{group_id, new_model},
    model::{Model, Stay},
    steps::Step,
};
use crate::{
    messages::Messages,
    run::{Decided, numbers_are_dense},
};

/// Commands that the aggregate and the model agree about.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) decided: Vec<Decided>,
    pub(crate) chat: Chat,
    pub(crate) messages: Messages,
}

impl Run {
    pub(crate) fn events(&self) -> impl Iterator<Item = &Event> {
        self.decided.iter().flat_map(|decided| &decided.decision.events)
    }

    /// The state before each event with that event, and the last state.
    pub(crate) fn states(&self) -> (Vec<(Chat, &Event)>, &Chat) {
        let (mut chat, mut states) = (Chat::new(group_id()), vec![]);
        for event in self.events() {
            states.push((chat.clone(), event));
            chat.apply(event).unwrap();
        }
        (states, &self.chat)
    }
}

/// Decides and applies one step after the other; panics where the aggregate and the model part.
pub(crate) fn run(steps: &[Step]) -> Run {
    run_by(steps, tell_both)
}

/// The same, but nobody asks whether the model agrees: for what must hold by itself.
pub(crate) fn run_apart(steps: &[Step]) -> Run {
    run_by(steps, |chat, messages, model, command, appended| {
        model.decide(command, appended);
        let decision = messages.decide(chat, command, appended);
        messages.fold(chat, &decision);
        decision
    })
}

type Tell = fn(&mut Chat, &mut Messages, &mut Model, &Command, TimeMs) -> Decision;

fn run_by(steps: &[Step], tell: Tell) -> Run {
    let (mut chat, mut messages) = (Chat::new(group_id()), Messages::default());
    let (mut model, mut decided) = (new_model(), vec![]);
    for step in steps {
        let (command, appended) = step.command(&model);
        let before = chat.clone();
        let decision = tell(&mut chat, &mut messages, &mut model, &command, appended);
        watermarks_never_go_back(&before, &chat);
        decided.push(Decided { before, command, appended, decision });
    }
    Run { decided, chat, messages }
}

/// Decides a command and applies what happened; every state on the way is a valid one, the last the model's.
pub(crate) fn tell_both(
    chat: &mut Chat,
    messages: &mut Messages,
    model: &mut Model,
    command: &Command,
    appended: TimeMs,
) -> Decision {
    let before = chat.clone();
    let decision = messages.decide(chat, command, appended);
    assert_eq!(decision, model.decide(command, appended), "{command:?}");
    assert_eq!(*chat, before, "deciding changes nothing");
    numbers_are_dense(chat, &decision);
    messages.fold(chat, &decision);
    agree(chat, model);
    messages.agree(&decision, &model.kept());
    decision
}

/// As long as somebody stays; who comes again begins anew.
fn watermarks_never_go_back(before: &Chat, after: &Chat) {
    for earlier in &before.members {
        let Some(later) = after.member(&earlier.user).filter(|later| later.joined == earlier.joined) else { continue };
        assert!(later.delivered >= earlier.delivered && later.read >= earlier.read, "{earlier:?} {later:?}");
    }
}

fn agree(chat: &Chat, model: &Model) {
    assert_eq!(chat.version, Version(model.version()));
    assert_eq!((chat.last_seq, chat.last_message), (Seq(model.last_seq()), Version(model.last_message())));
    assert_eq!((chat.last_is_acted, &chat.pins), (model.last_is_acted(), &model.pins()));
    assert_eq!(chat.last_time, model.last_time());
    assert_eq!(chat.epoch, Epoch(1));
    assert_eq!((chat.profile.title.as_ref(), chat.profile.picture.as_ref()), (model.title(), model.picture()));
    let users: Vec<_> = chat.members.iter().map(|member| member.user.clone()).collect();
    assert_eq!(users, model.users());
    model.here().into_iter().for_each(|stay| agree_on_member(chat, model, stay));
    agree_on_devices(chat, model);
}

fn agree_on_member(chat: &Chat, model: &Model, stay: &Stay) {
    let member = chat.member(&stay.user).unwrap();
    assert_eq!(member.role, stay.role(), "role of {member:?}");
    assert_eq!((member.joined.version, member.joined.time), (Version(stay.since), model.time_of(stay.since)));
    assert_eq!((member.delivered, member.read), (Seq(stay.delivered()), Seq(stay.read())), "{member:?}");
    assert_eq!(chat.unread(member), model.unread(stay), "unread of {member:?}");
}

fn agree_on_devices(chat: &Chat, model: &Model) {
    let known = chat.devices.iter().map(|device| (&device.user, &device.id));
    assert!(known.eq(model.devices()), "{:?}", chat.devices);
    for device in &chat.devices {
        let accepted = device.accepted.iter().map(|it| (it.counter.0, it.seq.0, it.time, it.is_change));
        let recognised = model.recognised(&device.user, &device.id);
        let expected = recognised.iter().map(|it| (it.counter, it.seq, it.time, it.is_change));
        assert!(accepted.eq(expected), "{device:?} {recognised:?}");
    }
}
