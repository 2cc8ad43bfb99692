//! What becomes of a line of the input.

use chasqui_client::{ChangeAsked, Draft, Error};
use chasqui_domain::{Counter, Seq};

use super::{
    super::{
        answers::{self, Question},
        command::{self, Written},
        opening::patiently,
        text::clean_line,
    },
    Run, print, say,
};

/// What a line asks the client for.
enum Wish {
    Send(Box<Draft>),
    Change(ChangeAsked),
}

impl Run {
    pub(super) async fn line(&mut self, line: String) -> anyhow::Result<()> {
        let kind = self.script.kind();
        let written = match command::read(&line, kind) {
            Ok(written) => written,
            Err(why) => {
                self.refuse(&why);
                return Ok(());
            }
        };
        if written.needs_outcomes() && self.script.unsent() > 0 {
            self.held = Some(line);
            return Ok(());
        }
        match written {
            Written::Members => self.ask(Some(Question::Members)).await?,
            Written::Who(seq) => self.ask(seq.or(self.script.last_own()).map(Question::Who)).await?,
            Written::Pinned => self.ask(Some(Question::Pinned)).await?,
            Written::Reactions(seq) => self.ask(Some(Question::Reactions(seq))).await?,
            Written::Help => command::help(kind).iter().try_for_each(|line| print(line))?,
            Written::Text(text) => self.wish(self.said(text, None), line).await,
            Written::Reply(seq, text) => self.wish(self.said(text, Some(seq)), line).await,
            Written::Change(change) => self.wish(Wish::Change(change), line).await,
            Written::Delete(seq) => match seq.or(self.script.last_own()) {
                Some(seq) => self.wish(Wish::Change(ChangeAsked::Delete { seq }), line).await,
                None => self.refuse(&none_of("delete")),
            },
            Written::Edit(seq, text) => match self.edit(seq, text).await {
                Ok(edit) => self.wish(Wish::Change(edit), line).await,
                Err(why) => self.refuse(&why),
            },
        }
        Ok(())
    }

    fn said(&self, text: String, reply_to: Option<Seq>) -> Wish {
        let mentions = self.script.mentions(&text);
        Wish::Send(Box::new(Draft { reply_to, mentions, ..Draft::text(self.script.to().clone(), text) }))
    }

    /// Another text for a message. The server is asked what that replies to, as it would be gone otherwise.
    async fn edit(&self, seq: Option<Seq>, text: String) -> Result<ChangeAsked, String> {
        let seq = seq.or(self.script.last_own()).ok_or_else(|| none_of("edit"))?;
        let (rest, chat) = (self.session.rest(), self.script.chat());
        let message = patiently(|| answers::message(rest, chat, seq)).await;
        let message = message.map_err(|error| format!("#{seq} can't be read: {:#}", anyhow::Error::new(error)))?;
        let message = message.ok_or_else(|| format!("#{seq}: there is no such message that you may see"))?;
        let mentions = self.script.mentions(&text);
        Ok(command::edit(seq, text, message.reply_to, mentions))
    }

    async fn wish(&mut self, wish: Wish, line: String) {
        let leaves = matches!(wish, Wish::Change(ChangeAsked::Leave {}));
        let client = self.session.client();
        let taken = match wish {
            Wish::Send(draft) => client.send(*draft).await,
            Wish::Change(change) => client.change(self.script.to().clone(), change).await,
        };
        self.taken(taken, line, leaves);
    }

    fn taken(&mut self, taken: Result<Counter, Error>, line: String, leaves: bool) {
        match taken {
            Ok(id) if leaves => self.script.leaves(id),
            Ok(id) => self.script.queued(id),
            // There is room again after an outcome.
            Err(Error::Full) => self.held = Some(line),
            // Why comes next.
            Err(Error::Closed) => (self.held, self.is_cut) = (Some(line), true),
            Err(error) => self.refuse(&error.to_string()),
        }
    }

    fn refuse(&mut self, why: &str) {
        self.script.refuse();
        say(format_args!("not sent: {}", clean_line(why)));
    }

    async fn ask(&mut self, question: Option<Question>) -> anyhow::Result<()> {
        let Some(question) = question else {
            self.refuse("there is no message of yours in this run: /who N asks for the message #N");
            return Ok(());
        };
        let chat = self.script.chat();
        match patiently(|| answers::ask(self.session.rest().clone(), chat, question)).await {
            Ok(lines) => lines.iter().try_for_each(|line| print(line))?,
            Err(error) => self.refuse(&format!("no answer: {:#}", anyhow::Error::new(error))),
        }
        Ok(())
    }
}

fn none_of(command: &str) -> String {
    format!("there is no message of yours in this run: name one with /{command} #N")
}
