//! The states of a chat's messages, held as the sequencer would.

use std::collections::BTreeMap;

use chasqui_domain::{Chat, Command, Decision, Event, Message, Target, TimeMs, Version, decide};

use crate::{fixtures::fold, kept::Kept};

/// By the version by which each is found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Messages(BTreeMap<Version, Message>);

impl Messages {
    pub(crate) fn of<'a>(events: impl Iterator<Item = &'a Event>) -> Self {
        let mut messages = Self::default();
        events.for_each(|event| messages.apply(event));
        messages
    }

    /// That which a command is about.
    pub(crate) fn about(&self, command: &Command) -> Option<&Message> {
        self.get(command.action.target()?)
    }

    pub(crate) fn get(&self, target: Target) -> Option<&Message> {
        self.0.get(&target.version)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Message> {
        self.0.values()
    }

    pub(crate) fn apply(&mut self, event: &Event) {
        if let Some(message) = Message::written(event) {
            self.0.insert(event.version, message);
        }
        if let Some(target) = event.kind.target() {
            self.0.get_mut(&target.version).unwrap().apply(event).unwrap();
        }
    }

    pub(crate) fn decide(&self, chat: &Chat, command: &Command, appended: TimeMs) -> Decision {
        decide(chat, self.about(command), command, appended).unwrap()
    }

    /// Applies what was decided to the chat and to them.
    pub(crate) fn fold(&mut self, chat: &mut Chat, decision: &Decision) {
        fold(chat, decision);
        decision.events.iter().for_each(|event| self.apply(event));
    }

    /// Those of which something was decided are as the model has them.
    pub(crate) fn agree(&self, decision: &Decision, kept: &[&Kept]) {
        for event in &decision.events {
            let version = event.kind.target().map_or(event.version, |target| target.version);
            let expected = kept.iter().find(|kept| kept.target.version == version).map(|kept| kept.state());
            assert_eq!(self.0.get(&version), expected.as_ref(), "after {event:?}");
        }
        assert_eq!(self.0.len(), kept.len());
    }
}
