//! Random actions. Which message one is about is said relative to those that are there, so that most mean something.

use chasqui_domain::{Change, Epoch, Reaction, ReactionTag, Sealed, Seq, Target, UserId, Version};
use proptest::{option, prelude::*, sample::Index};

use crate::{fixtures::sealed, kept::Kept, steps::BODY_BYTES_MAX};

const REACTION_BYTES_MAX: usize = 128;

/// Something to be done to a message.
#[derive(Debug, Clone)]
pub(crate) struct Acting {
    aim: Aim,
    deed: Deed,
}

#[derive(Debug, Clone)]
enum Aim {
    /// So many before the last.
    Back(usize),
    Any(Index),
    /// One of who asks.
    Own(Index),
    /// One to which something was done.
    Acted(Index),
    Pinned(Index),
    /// Beside one.
    Off(Index, i64, i64),
}

#[derive(Debug, Clone)]
enum Deed {
    Edit(Content),
    Delete,
    React(Option<(u8, Content)>),
    Pin,
    Unpin,
}

#[derive(Debug, Clone)]
struct Content {
    epoch: u32,
    bytes: usize,
}

impl Acting {
    /// What is asked after all that happened to these messages.
    pub(crate) fn change(&self, by: &UserId, all: &[&Kept]) -> Change {
        let message = self.aim.target(by, all);
        match &self.deed {
            Deed::Edit(content) => Change::Edit { message, body: content.sealed() },
            Deed::Delete => Change::Delete { message },
            Deed::React(reaction) => {
                let reaction = reaction.as_ref().map(|(tag, content)| {
                    let (tag, kind) = (ReactionTag([*tag; 16]), content.sealed());
                    Reaction { tag, kind }
                });
                Change::React { message, reaction }
            }
            Deed::Pin => Change::Pin { message },
            Deed::Unpin => Change::Unpin { message },
        }
    }
}

impl Aim {
    fn target(&self, by: &UserId, all: &[&Kept]) -> Target {
        let (index, some): (_, Vec<_>) = match self {
            Self::Back(back) => {
                let at = all.len().saturating_sub(1 + back);
                return all.get(at).map_or_else(nowhere, |kept| kept.target);
            }
            Self::Any(index) | Self::Off(index, ..) => (index, all.to_vec()),
            Self::Own(index) => (index, all.iter().filter(|kept| kept.author == *by).copied().collect()),
            Self::Acted(index) => (index, all.iter().filter(|kept| kept.is_acted()).copied().collect()),
            Self::Pinned(index) => (index, all.iter().filter(|kept| kept.pinned().is_some()).copied().collect()),
        };
        let some = if some.is_empty() { all.to_vec() } else { some };
        if some.is_empty() {
            return nowhere();
        }
        let Target { seq, version } = index.get(&some).target;
        match self {
            Self::Off(_, seqs, versions) => Target {
                seq: Seq(seq.0.saturating_add_signed(*seqs)),
                version: Version(version.0.saturating_add_signed(*versions)),
            },
            _ => Target { seq, version },
        }
    }
}

/// Where the first message would be.
fn nowhere() -> Target {
    Target { seq: Seq(1), version: Version(2) }
}

impl Content {
    fn sealed(&self) -> Sealed {
        Sealed { epoch: Epoch(self.epoch), ..sealed(self.bytes) }
    }
}

/// Boxed, as are its parts: the type of all of it would take long to compile.
pub(crate) fn acting() -> BoxedStrategy<Acting> {
    let reaction = (0..5_u8, content(REACTION_BYTES_MAX));
    let act = |aim, deed| Acting { aim, deed };
    prop_oneof![
        5 => (own_mostly(), content(BODY_BYTES_MAX).prop_map(Deed::Edit)).prop_map(move |(aim, deed)| act(aim, deed)),
        4 => own_mostly().prop_map(move |aim| act(aim, Deed::Delete)),
        8 => (anywhere(), option::weighted(0.8, reaction)).prop_map(move |(aim, how)| act(aim, Deed::React(how))),
        4 => anywhere().prop_map(move |aim| act(aim, Deed::Pin)),
        3 => anywhere().prop_map(move |aim| act(aim, Deed::Unpin)),
    ]
    .boxed()
}

/// For how long a message can be changed: often less than the steps take.
pub(crate) fn within() -> impl Strategy<Value = u32> {
    prop_oneof![1 => Just(0), 2 => 1..300_u32, 5 => Just(u32::MAX)]
}

fn own_mostly() -> BoxedStrategy<Aim> {
    prop_oneof![3 => any::<Index>().prop_map(Aim::Own), 1 => anywhere()].boxed()
}

fn anywhere() -> BoxedStrategy<Aim> {
    let off = (any::<Index>(), -2..3_i64, -2..3_i64);
    prop_oneof![
        6 => (0..3_usize).prop_map(Aim::Back),
        3 => any::<Index>().prop_map(Aim::Any),
        2 => any::<Index>().prop_map(Aim::Own),
        4 => any::<Index>().prop_map(Aim::Acted),
        2 => any::<Index>().prop_map(Aim::Pinned),
        1 => off.prop_map(|(index, seqs, versions)| Aim::Off(index, seqs, versions)),
    ]
    .boxed()
}

fn content(bytes_max: usize) -> BoxedStrategy<Content> {
    let epoch = prop_oneof![18 => Just(1), 1 => Just(0), 1 => Just(2)];
    let bytes = prop_oneof![9 => 0..5_usize, 1 => bytes_max - 1..bytes_max + 2];
    (epoch, bytes).prop_map(|(epoch, bytes)| Content { epoch, bytes }).boxed()
}
