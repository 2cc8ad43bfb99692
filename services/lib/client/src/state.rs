//! The state as it is kept: one JSON document.

use std::collections::BTreeMap;

use chasqui_domain::{ChatId, DeviceId, IdError, Seq, UserId};
use chasqui_runtime::Runtime;
use serde::{Deserialize, Serialize};

use crate::{
    asked::{Asked, Count},
    core::{Mark, Marks, Outbox, State},
};

/// The form of the document that this build reads and writes.
const FORMAT: u32 = 2;

#[derive(Serialize, Deserialize)]
struct Document {
    format: u32,
    user: Option<String>,
    device: String,
    cursor: Option<String>,
    floor: u64,
    /// By peer.
    counters: BTreeMap<String, u64>,
    /// By group.
    group_counters: BTreeMap<String, u64>,
    /// How many groups were asked for; none when none was.
    groups: Option<u64>,
    unsent: Vec<Asked>,
    marks: BTreeMap<String, MarkDocument>,
}

#[derive(Serialize, Deserialize)]
struct MarkDocument {
    delivered: u64,
    read: u64,
    sent: u64,
}

impl From<&State> for Document {
    fn from(state: &State) -> Self {
        let (floor, counters) = state.outbox.counters();
        let of = |key: fn(&Count) -> Option<String>| {
            counters.iter().filter_map(|(count, last)| Some((key(count)?, *last))).collect()
        };
        let mark = |mark: Mark| MarkDocument { delivered: mark.delivered.0, read: mark.read.0, sent: mark.sent.0 };
        Self {
            format: FORMAT,
            user: state.user.as_ref().map(UserId::to_string),
            device: state.device.to_string(),
            cursor: state.cursor.clone(),
            floor,
            counters: of(|count| match count {
                Count::User(user) => Some(user.to_string()),
                Count::Group(_) | Count::Groups => None,
            }),
            group_counters: of(|count| match count {
                Count::Group(chat) => Some(chat.to_string()),
                Count::User(_) | Count::Groups => None,
            }),
            groups: counters.get(&Count::Groups).copied(),
            unsent: state.outbox.unsent().cloned().collect(),
            marks: state.marks.iter().map(|(chat, of)| (chat.to_string(), mark(of))).collect(),
        }
    }
}

impl TryFrom<Document> for State {
    type Error = IdError;

    fn try_from(document: Document) -> Result<Self, IdError> {
        let peer = |(peer, last)| Ok((Count::User(UserId::new(peer)?), last));
        let group = |(chat, last): (String, u64)| Ok((Count::Group(ChatId::parse(&chat)?), last));
        let counters = document.counters.into_iter().map(peer);
        let counters = counters.chain(document.group_counters.into_iter().map(group));
        let mut counters = counters.collect::<Result<BTreeMap<_, _>, IdError>>()?;
        counters.extend(document.groups.map(|last| (Count::Groups, last)));
        let mark = |(chat, of): (String, MarkDocument)| {
            let mark = Mark { delivered: Seq(of.delivered), read: Seq(of.read), sent: Seq(of.sent) };
            Ok((ChatId::parse(&chat)?, mark))
        };
        let marks = document.marks.into_iter().map(mark).collect::<Result<Marks, IdError>>()?;
        Ok(Self {
            user: document.user.map(UserId::new).transpose()?,
            device: DeviceId::new(document.device)?,
            cursor: document.cursor,
            outbox: Outbox::new(document.floor, counters, document.unsent),
            marks,
        })
    }
}

/// The state of a device that has none.
///
/// A device that was named may have written before, with a state that is lost: its ids then go on from the clock, since
/// an id that was used makes the server take a new message for an old one.
pub(crate) fn fresh(device: Option<DeviceId>, runtime: &Runtime) -> Result<State, IdError> {
    let (device, floor) = match device {
        Some(device) => (device, runtime.now().0),
        None => (DeviceId::new(format!("{:032x}", u128::from_be_bytes(runtime.random())))?, 0),
    };
    let outbox = Outbox::new(floor, BTreeMap::new(), Vec::new());
    Ok(State { user: None, device, cursor: None, outbox, marks: Marks::default() })
}

/// The document.
pub(crate) fn to_bytes(state: &State) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Document::from(state))
}

pub(crate) fn parse(bytes: &[u8]) -> Result<State, String> {
    let document: Document = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if document.format != FORMAT {
        return Err(format!("its format is {}, and {FORMAT} is known here", document.format));
    }
    State::try_from(document).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use chasqui_domain::Counter;
    use chasqui_wire::frames::ChangeAsked;

    use super::*;
    use crate::{
        asked::Wish,
        update::{Draft, Group},
    };

    fn user(name: &str) -> UserId {
        UserId::new(name).unwrap()
    }

    #[test]
    fn what_is_saved_is_read() {
        let mut state = fresh(None, &Runtime::real()).unwrap();
        state.user = Some(user("alice"));
        state.cursor = Some("c7".to_owned());
        state.outbox.add(Wish::Send(Draft::text(user("bob"), "hi")), None).unwrap();
        let group = ChatId::group(&user("alice"), &state.device, Counter(1));
        state.outbox.add(Wish::Change(group.into(), ChangeAsked::Leave {}), None).unwrap();
        let wanted = Group { members: vec![user("bob")], title: "t".to_owned(), picture: None };
        state.outbox.add(Wish::Create(wanted), None).unwrap();
        let chat = ChatId::direct(&user("alice"), &user("bob"));
        state.marks.raise(chat, Mark { delivered: Seq(3), read: Seq(2), sent: Seq(1) });
        assert_eq!(parse(&to_bytes(&state).unwrap()), Ok(state));
    }

    #[test]
    fn another_format_is_refused() {
        assert!(parse(b"{\"format\":1}").is_err());
    }

    #[test]
    fn a_named_device_without_a_state_gives_no_id_that_it_may_have_given() {
        let device = DeviceId::new("phone").unwrap();
        let mut named = fresh(Some(device), &Runtime::real()).unwrap();
        assert!(named.outbox.add(Wish::Send(Draft::text(user("bob"), "hi")), None).unwrap().0 > 1_600_000_000_000);
        let mut new = fresh(None, &Runtime::real()).unwrap();
        assert_eq!(new.outbox.add(Wish::Send(Draft::text(user("bob"), "hi")), None).unwrap().0, 1);
    }
}
