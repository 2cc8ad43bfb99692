//! What people do to messages, and looking at what has become of them.

use std::{collections::BTreeMap, sync::atomic::Ordering};

use chasqui_client::To;
use chasqui_domain::{ChatId, Seq};
use chasqui_oracle::{InGroup, Line};
use chasqui_wire::frames::{ChangeAsked, Edit};

use super::Device;
use crate::{
    evidence::served,
    network::Network,
    plan::{Aim, Deed},
};

/// How people react to messages.
const REACTIONS: [&str; 3] = ["yes", "no", "perhaps"];

impl Device {
    /// Does something to a message. `text` is what an edited one says.
    pub(crate) fn do_to(&self, to: &To, aim: Aim, deed: Deed, text: String) {
        let (view, chat, to) = (self.view(), to.chat(&self.user), to.clone());
        let of = |seqs: &BTreeMap<String, u64>| seqs.get(&chat.to_string()).copied().unwrap_or_default();
        let seq = Seq(match aim {
            Aim::Own if of(&view.own) > 0 => of(&view.own),
            Aim::Own => of(&view.seen),
            Aim::Back(count) => (of(&view.seen) + 1).saturating_sub(count),
        });
        let Some((process, app, client)) = self.client_in(chat) else { return };
        let (journal, index) = (self.journal.clone(), self.index);
        process.run(async move {
            let chat = chat.to_string();
            let (change, says) = asked(seq, deed, text);
            if let (ChangeAsked::Edit(_), Some(text)) = (&change, says.clone()) {
                journal.note(index, Line::Group(InGroup::Writing { chat: chat.clone(), text }));
            }
            let what = format!("{change:?}");
            if let Ok(id) = client.change(to, change).await {
                journal.note(index, Line::Group(InGroup::Asked { chat, id: id.0, what, says }));
            }
            app.calls.fetch_sub(1, Ordering::Relaxed);
        });
    }

    /// Asks for the history of a chat. Whoever gets no answer asks no more.
    pub(crate) fn look(&self, chat: ChatId, look: u64, network: Network) {
        let Some((process, app, _)) = self.client() else { return };
        let (journal, index, user) = (self.journal.clone(), self.index, self.user.clone());
        let listeners = network.listeners();
        process.clone().run(async move {
            let chosen = listeners.get(process.roll(|dice| dice.below(listeners.len().max(1))));
            if let Some(listener) = chosen {
                let of = chat.to_string();
                journal.note(index, Line::Group(InGroup::Looks { chat: of.clone(), look }));
                if let Ok(messages) = served::messages(listener, &user, chat).await {
                    journal.note(index, Line::Group(InGroup::Shown { chat: of, look, messages }));
                }
            }
            app.calls.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

/// What is asked to do something to a message, and what that one is to say or how it is reacted to.
fn asked(seq: Seq, deed: Deed, text: String) -> (ChangeAsked, Option<String>) {
    match deed {
        Deed::Edit => {
            let edit = Edit {
                seq,
                text: Some(text.clone()),
                content_type: None,
                body: None,
                reply_to: None,
                mentions: Vec::new(),
                meta: None,
            };
            (ChangeAsked::Edit(Box::new(edit)), Some(text))
        }
        Deed::Delete => (ChangeAsked::Delete { seq }, None),
        Deed::React(kind) => {
            let reaction = Some(REACTIONS[kind % REACTIONS.len()].to_owned());
            (ChangeAsked::React { seq, reaction: reaction.clone() }, reaction)
        }
        Deed::TakeBack => (ChangeAsked::React { seq, reaction: None }, None),
        Deed::Pin => (ChangeAsked::Pin { seq }, None),
        Deed::Unpin => (ChangeAsked::Unpin { seq }, None),
    }
}
