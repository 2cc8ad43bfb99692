//! How many of a group have an author's messages.

use std::collections::BTreeMap;

use super::{Chat, Member};
use crate::{
    event::{AuthorCounts, Effect, Entry, GroupCounts, MessageCount},
    ids::{ChatId, Seq, UserId, Version},
};

/// An author is told the counts of at most so many messages at a time, the newest; of the others only what all have.
const MESSAGES_OF_AUTHOR_MAX: usize = 6;
/// All authors together are told the counts of at most so many, the newest.
const MESSAGES_MAX: usize = 64;

/// The members of a chat as they will be, for counting.
pub(super) struct Crowd<'a> {
    chat: ChatId,
    last_seq: Seq,
    members: Vec<Counted<'a>>,
}

/// A member, with the watermarks that they will have.
struct Counted<'a> {
    member: &'a Member,
    delivered: Seq,
    read: Seq,
}

impl<'a> Crowd<'a> {
    pub(super) fn of(chat: &'a Chat) -> Self {
        let counted = |member: &'a Member| Counted { member, delivered: member.delivered, read: member.read };
        Self { chat: chat.id, last_seq: chat.last_seq, members: chat.members.iter().map(counted).collect() }
    }

    /// A member's watermarks rise.
    pub(super) fn raise(&mut self, user: &UserId, delivered: Seq, read: Seq) {
        if let Some(at) = self.position(user) {
            (self.members[at].delivered, self.members[at].read) = (delivered, read);
        }
    }

    /// A member goes.
    pub(super) fn remove(&mut self, user: &UserId) {
        self.members.retain(|counted| counted.member.user != *user);
    }

    /// Tells the authors of the messages above `above` and up to `up_to` how many have them, but for `of` who is told
    /// otherwise. None when there are none.
    pub(super) fn told(&self, version: Version, of: &UserId, above: Seq, up_to: Seq) -> Option<Effect> {
        let authors = self.authors(of, above, up_to);
        if authors.is_empty() {
            return None;
        }
        let recipients = authors.iter().map(|counts| counts.author.clone()).collect();
        Some(Effect::Place { recipients, entry: Entry::Counts(GroupCounts { chat: self.chat, version, authors }) })
    }

    fn authors(&self, of: &UserId, above: Seq, up_to: Seq) -> Vec<AuthorCounts> {
        let chosen = self.newest_messages(of, above, up_to);
        if chosen.is_empty() {
            return Vec::new();
        }
        let mut all: Vec<Seq> = chosen.values().flatten().copied().collect();
        all.sort_unstable();
        let (delivered, read) =
            (Tally::of(&self.members, &all, |it| it.delivered), Tally::of(&self.members, &all, |it| it.read));
        let author = |(author, seqs): (&UserId, Vec<Seq>)| {
            let own = self.position(author).map_or((Seq(0), Seq(0)), |at| {
                let Counted { delivered, read, .. } = self.members[at];
                (delivered, read)
            });
            let count = |seq| MessageCount { seq, delivered: delivered.have(seq, own.0), read: read.have(seq, own.1) };
            AuthorCounts {
                author: author.clone(),
                others: u32::try_from(self.members.len().saturating_sub(1)).unwrap_or(u32::MAX),
                delivered: delivered.least_but(author).unwrap_or(self.last_seq),
                read: read.least_but(author).unwrap_or(self.last_seq),
                messages: seqs.into_iter().map(count).collect(),
            }
        };
        chosen.into_iter().map(author).collect()
    }

    /// Where a member is: they are in ascending order of user.
    fn position(&self, user: &UserId) -> Option<usize> {
        self.members.binary_search_by(|counted| counted.member.user.cmp(user)).ok()
    }

    /// By author, their messages in the range, of which the newest are chosen.
    fn newest_messages(&self, but: &UserId, above: Seq, up_to: Seq) -> BTreeMap<&'a UserId, Vec<Seq>> {
        let mut newest: Vec<(Seq, &UserId)> = Vec::new();
        let mut chosen: BTreeMap<&UserId, Vec<Seq>> = BTreeMap::new();
        for Counted { member, .. } in self.members.iter().filter(|counted| counted.member.user != *but) {
            let runs = member.own.iter().rev().take_while(|(_, last)| *last > above);
            let inside = runs.map(|(first, last)| (first.max(above.next()), last.min(up_to)));
            let seqs = inside.flat_map(|(first, last)| (first.0..=last.0).rev().map(Seq));
            let seqs: Vec<_> = seqs.take(MESSAGES_OF_AUTHOR_MAX).map(|seq| (seq, &member.user)).collect();
            if !seqs.is_empty() {
                chosen.insert(&member.user, Vec::new());
                newest.extend(seqs);
            }
        }
        newest.sort_unstable_by(|a, b| b.cmp(a));
        newest.truncate(MESSAGES_MAX);
        for (seq, author) in newest.into_iter().rev() {
            chosen.entry(author).or_default().push(seq);
        }
        chosen
    }
}

/// One of the two watermarks of all members, counted in one pass over them.
struct Tally<'a> {
    /// How many watermarks have come to each of some messages.
    have: Vec<(Seq, u32)>,
    /// The lowest watermark with whose it is, and the lowest of the others.
    least: [Option<(Seq, &'a UserId)>; 2],
}

impl<'a> Tally<'a> {
    /// Of these messages, in ascending order.
    fn of(members: &[Counted<'a>], seqs: &[Seq], watermark: impl Fn(&Counted<'a>) -> Seq) -> Self {
        // How many watermarks have come to so many of the messages and no further.
        let mut reached = vec![0_u32; seqs.len() + 1];
        let mut least: [Option<(Seq, &UserId)>; 2] = [None; 2];
        for counted in members {
            let (seq, user) = (watermark(counted), &counted.member.user);
            reached[seqs.partition_point(|other| *other <= seq)] += 1;
            if least[0].is_none_or(|first| (seq, user) < first) {
                least = [Some((seq, user)), least[0]];
            } else if least[1].is_none_or(|second| (seq, user) < second) {
                least[1] = Some((seq, user));
            }
        }
        let mut sum = 0;
        let summed = seqs.iter().zip(reached.iter().skip(1)).rev().map(|(seq, count)| {
            sum += count;
            (*seq, sum)
        });
        let mut have: Vec<_> = summed.collect();
        have.reverse();
        Self { have, least }
    }

    /// How many others than its author, who is at `own`, have come to a message.
    fn have(&self, seq: Seq, own: Seq) -> u32 {
        let all = self.have.binary_search_by_key(&seq, |(seq, _)| *seq).map_or(0, |at| self.have[at].1);
        all - u32::from(own >= seq)
    }

    /// How far all others than the author have come; none when there are no others.
    fn least_but(&self, author: &UserId) -> Option<Seq> {
        self.least.iter().flatten().find(|(_, user)| *user != author).map(|(seq, _)| *seq)
    }
}
