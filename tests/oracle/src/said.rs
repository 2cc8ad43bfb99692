//! What edits say and what reactions are.

use std::collections::BTreeMap;

use crate::{Evidence, InGroup, Line};

/// What was asked: by chat, user, device and id.
type Asked<'a> = (&'a str, &'a str, &'a str, u64);

impl Evidence {
    /// What those have asked who edit and react, as far as it was written down, and otherwise what devices were told.
    pub(crate) fn said(&self) -> BTreeMap<Asked<'_>, &str> {
        let mut said = BTreeMap::new();
        for (transcript, line) in self.lines() {
            if let Line::Group(InGroup::Asked { chat, id, says: Some(says), .. }) = line {
                let asked = (chat.as_str(), transcript.user.as_str(), transcript.device.as_str(), *id);
                said.insert(asked, says.as_str());
            }
        }
        for (_, line) in self.lines() {
            if let Line::Group(InGroup::Changed(changed)) = line
                && let Some(says) = &changed.says
            {
                let asked = (changed.chat.as_str(), changed.by.as_str(), changed.device.as_str(), changed.id);
                said.entry(asked).or_insert(says);
            }
        }
        said
    }
}
