//! What becomes of the line.

use std::time::Duration;

use super::{
    super::{
        answers::Question,
        command::{self, Written},
        limits::TEXT_BYTES_MAX,
    },
    Effect, Link, Model, Outgoing, Wish,
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
        let wish = match command::read(self.line.text(), self.kind()) {
            Ok(Written::Help) => {
                let help = command::help(self.kind());
                self.written(now);
                self.answer = Some(help);
                return;
            }
            Ok(written) => match self.question(&written) {
                Some(question) => return self.ask(question, now, effects),
                None => self.wish(written),
            },
            Err(why) => Err(why),
        };
        match wish.map(|wish| self.outgoing.add(wish)) {
            Ok(Some(effect)) => {
                effects.push(effect);
                self.written(now);
            }
            Ok(None) => self.notify("not sent: too many messages wait for the server".to_owned(), now),
            Err(why) => self.notify(why, now),
        }
    }

    /// What is asked, or why it can't be; none when something is to be sent.
    fn question(&self, written: &Written) -> Option<Result<Question, String>> {
        let none = || "there is no message of yours here: /who N asks for the message #N".to_owned();
        Some(match written {
            Written::Members => Ok(Question::Members),
            Written::Who(seq) => seq.or_else(|| self.last_own()).map(Question::Who).ok_or_else(none),
            Written::Pinned => Ok(Question::Pinned),
            Written::Reactions(seq) => Ok(Question::Reactions(*seq)),
            _ => return None,
        })
    }

    /// What is to be sent.
    fn wish(&self, written: Written) -> Result<Wish, String> {
        let said = |text: String, reply_to| {
            let mentions = self.mentions(&text);
            Wish::text(text, reply_to, mentions)
        };
        match written {
            Written::Text(text) => Ok(said(text, None)),
            Written::Reply(seq, text) => Ok(said(text, Some(seq))),
            Written::Edit(seq, text) => {
                let seq = seq.map_or_else(|| self.last_own_for("edit"), Ok)?;
                let item = self.timeline.get(seq).ok_or_else(|| {
                    format!("#{seq} is not here: scroll up to it, as what it replies to must be known to edit it")
                })?;
                let mentions = self.mentions(&text);
                Ok(command::edit(seq, text, item.reply_to, mentions).into())
            }
            Written::Delete(seq) => {
                let seq = seq.map_or_else(|| self.last_own_for("delete"), Ok)?;
                Ok(chasqui_client::ChangeAsked::Delete { seq }.into())
            }
            Written::Change(change) => Ok(change.into()),
            Written::Members | Written::Who(_) | Written::Pinned | Written::Reactions(_) | Written::Help => {
                Err("this is a question".to_owned())
            }
        }
    }

    /// The line is taken.
    fn written(&mut self, now: Duration) {
        self.line.take();
        self.edited(now);
        (self.divider, self.answer) = (None, None);
        self.follow();
    }

    fn ask(&mut self, question: Result<Question, String>, now: Duration, effects: &mut Vec<Effect>) {
        let question = match question {
            Ok(question) => question,
            Err(why) => return self.notify(why, now),
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

    /// What was typed to send this.
    pub(super) fn as_typed(outgoing: &Outgoing) -> String {
        let Wish { text, reply_to, change, .. } = &outgoing.wish;
        if change.is_none() { command::typed(*reply_to, text) } else { text.clone() }
    }
}
