//! Where the history stands. The place is told by a message, not by rows, which change with the width of the screen.

use chasqui_domain::Seq;
use ratatui::text::Line;

use super::{
    history::{Body, Entry, entries, rows},
    layout,
    model::{Model, Ticket},
};

/// What is at the lower end of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scroll {
    /// The end, whatever comes.
    Following,
    /// This entry, with so many of its rows below the screen.
    At { anchor: Anchor, hidden: usize },
}

/// An entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Message(Seq),
    /// By its number.
    Change(u64),
    Outgoing(Ticket),
    Answer,
}

/// What the screen shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    /// The last message that can be read to its end, with all before it.
    pub(super) last: Option<Seq>,
    /// Less than a screen is above.
    pub(super) is_near_top: bool,
    /// Less than a screen is below.
    pub(super) is_near_end: bool,
}

/// The history in rows, of which only those that are needed are made.
struct Rows<'a> {
    model: &'a Model,
    entries: Vec<Entry<'a>>,
    columns: usize,
    height: usize,
}

/// An entry at the lower end of the screen.
#[derive(Debug, Clone, Copy)]
struct Place {
    at: usize,
    hidden: usize,
}

impl<'a> Rows<'a> {
    fn new(model: &'a Model) -> Self {
        let (columns, height) = layout::history(model);
        Self { model, entries: entries(model), columns, height }
    }

    fn of(&self, at: usize) -> Vec<Line<'static>> {
        self.entries.get(at).map_or_else(Vec::new, |entry| rows(self.model, entry, self.columns))
    }

    fn height_of(&self, at: usize) -> usize {
        self.of(at).len()
    }

    /// The lower end, such that the screen is full where there is enough.
    fn place(&self, scroll: Scroll) -> Option<Place> {
        let last = self.entries.len().checked_sub(1)?;
        let Scroll::At { anchor, hidden } = scroll else { return Some(Place { at: last, hidden: 0 }) };
        let is_it = |entry: &Entry<'_>| match (entry.body, anchor) {
            // The last that is not behind it: it may be gone.
            (Body::Message(item), Anchor::Message(seq)) => item.seq <= seq,
            (Body::Change(change), Anchor::Change(number)) => change.number == number,
            (Body::Outgoing(outgoing), Anchor::Outgoing(ticket)) => outgoing.ticket == ticket,
            (Body::Answer(_), Anchor::Answer) => true,
            _ => false,
        };
        let gone = if matches!(anchor, Anchor::Message(_)) { 0 } else { last };
        let at = self.entries.iter().rposition(is_it).unwrap_or(gone);
        let hidden = hidden.min(self.height_of(at).saturating_sub(1));
        let place = Place { at, hidden };
        let above = self.above(place, self.height);
        Some(self.lower(place, self.height.saturating_sub(above)))
    }

    /// How many rows the history has above the lower end, counted up to `most`.
    fn above(&self, place: Place, most: usize) -> usize {
        let mut counted = self.height_of(place.at).saturating_sub(place.hidden);
        let mut at = place.at;
        while counted < most && at > 0 {
            at -= 1;
            counted += self.height_of(at);
        }
        counted.min(most)
    }

    fn below(&self, place: Place, most: usize) -> usize {
        let mut counted = place.hidden;
        let mut at = place.at + 1;
        while counted < most && at < self.entries.len() {
            counted += self.height_of(at);
            at += 1;
        }
        counted.min(most)
    }

    fn lower(&self, mut place: Place, mut count: usize) -> Place {
        while count > 0 {
            if place.hidden >= count {
                place.hidden -= count;
                break;
            }
            count -= place.hidden;
            place.hidden = 0;
            if place.at + 1 >= self.entries.len() {
                break;
            }
            place.at += 1;
            place.hidden = self.height_of(place.at);
        }
        place
    }

    fn higher(&self, mut place: Place, count: usize) -> Place {
        place.hidden += count;
        loop {
            let height = self.height_of(place.at);
            if place.hidden < height {
                return place;
            }
            if place.at == 0 {
                place.hidden = height.saturating_sub(1);
                return place;
            }
            place.hidden -= height;
            place.at -= 1;
        }
    }

    fn scroll(&self, place: Place) -> Scroll {
        if place.hidden == 0 && place.at + 1 >= self.entries.len() {
            return Scroll::Following;
        }
        let anchor = match self.entries.get(place.at).map(|entry| entry.body) {
            Some(Body::Message(item)) => Anchor::Message(item.seq),
            Some(Body::Change(change)) => Anchor::Change(change.number),
            Some(Body::Outgoing(outgoing)) => Anchor::Outgoing(outgoing.ticket),
            Some(Body::Answer(_)) => Anchor::Answer,
            None => return Scroll::Following,
        };
        Scroll::At { anchor, hidden: place.hidden }
    }
}

/// Goes up by so many rows.
pub(super) fn up(model: &mut Model, count: usize) {
    let rows = Rows::new(model);
    let Some(place) = rows.place(model.scroll) else { return };
    // At the top, the lower end stays where the screen is full.
    let room = rows.above(place, rows.height + count).saturating_sub(rows.height);
    model.scroll = rows.scroll(rows.higher(place, count.min(room)));
}

/// Goes down by so many rows.
pub(super) fn down(model: &mut Model, count: usize) {
    let rows = Rows::new(model);
    let Some(place) = rows.place(model.scroll) else { return };
    model.scroll = rows.scroll(rows.lower(place, count));
}

/// The rows of a page, of which one stays in sight.
pub(super) fn page(model: &Model) -> usize {
    layout::history(model).1.saturating_sub(1).max(1)
}

/// What the screen shows.
pub(super) fn seen(model: &Model) -> Seen {
    let rows = Rows::new(model);
    let Some(place) = rows.place(model.scroll).filter(|_| rows.height > 0) else {
        return Seen { last: None, is_near_top: true, is_near_end: true };
    };
    let last = rows.entries[..place.at].iter().chain(rows.entries.get(place.at).filter(|_| place.hidden == 0));
    let last = last.rev().find_map(|entry| match entry.body {
        Body::Message(item) => Some(item.seq),
        Body::Change(_) | Body::Outgoing(_) | Body::Answer(_) => None,
    });
    Seen {
        last: last.min(model.timeline.last()),
        is_near_top: rows.above(place, 2 * rows.height) < 2 * rows.height,
        is_near_end: rows.below(place, rows.height) < rows.height,
    }
}

/// The rows on the screen, from the top, and how many messages of the other user are below them.
pub(super) fn shown(model: &Model) -> (Vec<Line<'static>>, usize) {
    let rows = Rows::new(model);
    let Some(mut place) = rows.place(model.scroll) else { return (Vec::new(), 0) };
    let is_theirs = |entry: &&Entry<'_>| matches!(entry.body, Body::Message(item) if item.from != model.me);
    let below = rows.entries[place.at + 1..].iter().filter(is_theirs).count();
    let mut shown = Vec::new();
    while shown.len() < rows.height {
        let mut of = rows.of(place.at);
        of.truncate(of.len().saturating_sub(place.hidden));
        shown.extend(of.into_iter().rev().take(rows.height - shown.len()));
        if place.at == 0 {
            break;
        }
        place = Place { at: place.at - 1, hidden: 0 };
    }
    shown.reverse();
    (shown, below)
}
