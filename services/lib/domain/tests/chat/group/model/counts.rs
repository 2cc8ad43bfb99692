//! Who is told how many have their messages.

use std::collections::{BTreeMap, BTreeSet};

use chasqui_domain::{AuthorCounts, Effect, Entry, GroupCounts, MessageCount, Seq, UserId, Version};

use super::{Model, Stay};

const OF_AUTHOR_MAX: usize = 6;
const OF_ALL_MAX: usize = 64;

impl Model {
    /// Tells the authors of some messages how many have them, as things are now.
    pub(super) fn counts(&self, but: &UserId, concerned: &BTreeSet<u64>) -> Option<Effect> {
        let (mut chosen, mut all) = (BTreeMap::<&UserId, Vec<u64>>::new(), 0);
        let messages = self.messages().filter(|(seq, author)| concerned.contains(seq) && *author != but);
        for (seq, author) in messages.rev() {
            let of_author = chosen.entry(author).or_default();
            if of_author.len() < OF_AUTHOR_MAX && all < OF_ALL_MAX {
                of_author.insert(0, seq);
                all += 1;
            }
        }
        if chosen.is_empty() {
            return None;
        }
        let recipients = chosen.keys().map(|author| (*author).clone()).collect();
        let authors = chosen.into_iter().map(|(author, seqs)| self.author_counts(author, &seqs)).collect();
        let counts = GroupCounts { chat: self.chat, version: Version(self.version()), authors };
        Some(Effect::Place { recipients, entry: Entry::Counts(counts) })
    }

    fn author_counts(&self, author: &UserId, seqs: &[u64]) -> AuthorCounts {
        let others: Vec<_> = self.here().into_iter().filter(|stay| stay.user != *author).collect();
        let how_many = |seq, has: fn(&Stay, u64) -> bool| others.iter().filter(|stay| has(stay, seq)).count() as u32;
        let all_have = |has: fn(&Stay, u64) -> bool| {
            let up_to = (1..=self.last_seq()).take_while(|seq| others.iter().all(|stay| has(stay, *seq)));
            Seq(up_to.last().unwrap_or(0))
        };
        let message = |seq: &u64| MessageCount {
            seq: Seq(*seq),
            delivered: how_many(*seq, Stay::has),
            read: how_many(*seq, Stay::has_opened),
        };
        AuthorCounts {
            author: author.clone(),
            others: others.len() as u32,
            delivered: all_have(Stay::has),
            read: all_have(Stay::has_opened),
            messages: seqs.iter().map(message).collect(),
        }
    }
}
