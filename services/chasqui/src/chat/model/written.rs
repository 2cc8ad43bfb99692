//! What becomes of the line.

use std::time::Duration;

use super::{
    super::{
        answers::Question,
        command::{self, Written},
        limits::TEXT_BYTES_MAX,
    },
    Effect, Link, Model, Outgoing,
};

impl Model {
    pub(super) fn send(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        if self.line.text().trim().is_empty() {
            return;
        }
        let over = match &self.link {
            Link::Over(why) => Some(why.as_str()),
            _ => self.over(),
        };
        if let Some(why) = over {
            let notice = format!("not sent: {why}. What you typed is kept");
            return self.notify(notice, now);
        }
        // Texts that were given back are joined to what is being typed.
        if self.line.text().len() > TEXT_BYTES_MAX {
            let notice = format!("not sent: a message has at most {TEXT_BYTES_MAX} bytes; send it in parts");
            return self.notify(notice, now);
        }
        let written = match &self.group {
            Some(_) => command::read(self.line.text()),
            None => Ok(Written::Text(self.line.text().to_owned())),
        };
        let outgoing = match written {
            Ok(Written::Text(text)) => self.outgoing.add(text),
            Ok(Written::Change(change)) => self.outgoing.add_change(change),
            Ok(Written::Members) => return self.ask(Some(Question::Members), now, effects),
            Ok(Written::Who(seq)) => {
                let seq = seq.or_else(|| self.last_own());
                return self.ask(seq.map(Question::Who), now, effects);
            }
            Ok(Written::Help) => {
                self.written(now);
                self.answer = Some(command::help());
                return;
            }
            Err(why) => return self.notify(why, now),
        };
        match outgoing {
            Some(effect) => {
                effects.push(effect);
                self.written(now);
            }
            None => self.notify("not sent: too many messages wait for the server".to_owned(), now),
        }
    }

    /// The line is taken.
    fn written(&mut self, now: Duration) {
        self.line.take();
        self.edited(now);
        (self.divider, self.answer) = (None, None);
        self.follow();
    }

    fn ask(&mut self, question: Option<Question>, now: Duration, effects: &mut Vec<Effect>) {
        let Some(question) = question else {
            return self.notify("there is no message of yours here: /who N asks for the message #N".to_owned(), now);
        };
        if self.is_asking {
            return self.notify("wait for the answer to what you asked before".to_owned(), now);
        }
        self.is_asking = true;
        self.written(now);
        effects.push(Effect::Ask(question));
    }

    pub(super) fn answered(&mut self, answer: Result<Vec<String>, String>, now: Duration) {
        self.is_asking = false;
        match answer {
            Ok(lines) => self.answer = Some(lines),
            Err(why) => self.notify(format!("no answer: {why}"), now),
        }
    }

    /// The last message of the user that is here.
    fn last_own(&self) -> Option<chasqui_domain::Seq> {
        self.timeline.items().rev().find(|item| item.from == self.me).map(|item| item.seq)
    }

    /// What was typed to send this.
    pub(super) fn as_typed(&self, outgoing: &Outgoing) -> String {
        if self.group.is_some() && outgoing.change.is_none() {
            command::escaped(&outgoing.text)
        } else {
            outgoing.text.clone()
        }
    }
}
