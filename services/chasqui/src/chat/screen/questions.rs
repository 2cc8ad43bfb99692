//! What the REST API is asked for, each in a task of its own.

use chasqui_client::{Rest, rest};
use chasqui_domain::ChatId;
use chasqui_wire::frames::ChangesQuery;
use tokio::sync::mpsc;

use super::super::{
    answers,
    limits::PAGE_MESSAGES,
    model::{Effect, Event, Summary},
};

/// Asks for what an effect wants; the answer comes as an event. The model asks for one thing at a time to be shown, and
/// for one that the user wants to know.
pub(super) fn ask(rest: Rest, chat: ChatId, effect: Effect, answer: mpsc::Sender<Event>) {
    tokio::spawn(async move {
        let event = match effect {
            Effect::Ask(question) => {
                let answered = answers::ask(rest, chat, question).await;
                Event::Answered(answered.map_err(|error| format!("{:#}", anyhow::Error::new(error))))
            }
            effect => load(&rest, chat, effect).await.unwrap_or_else(|error| Event::NotLoaded {
                is_retryable: error.is_retryable(),
                why: format!("{:#}", anyhow::Error::new(error)),
            }),
        };
        // When the screen is gone, nobody needs it.
        let _ = answer.send(event).await;
    });
}

async fn load(rest: &Rest, chat: ChatId, effect: Effect) -> Result<Event, rest::Error> {
    match effect {
        Effect::Load(load) => Ok(Event::Loaded(load, rest.messages(chat, &load.query()).await?)),
        Effect::Changes(before) => {
            let query = ChangesQuery { limit: Some(PAGE_MESSAGES), before };
            Ok(Event::Changes(before, rest.changes(chat, &query).await?))
        }
        effect => {
            let Some(item) = rest.chat(chat).await? else { return Ok(Event::Summary(None)) };
            // It is a question for all members, and those who tell of receipts tell of what follows.
            let wants_others = item.group.is_some() && effect == Effect::Summary;
            let others = if wants_others { rest.watermarks(chat).await?.others } else { None };
            Ok(Event::Summary(Some(Box::new(Summary { item, others }))))
        }
    }
}
