//! What a client took is accepted or refused.

use crate::{Evidence, sends::outcomes};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let (accepted, refused) = outcomes(evidence);
    let texts = evidence.texts();
    let open = texts.into_iter().filter(|(send, _)| !accepted.contains(send) && !refused.contains(send));
    open.map(|((user, device, chat, id), text)| format!("{text:?} of {user} on {device} in {chat} with id {id}"))
        .collect()
}
