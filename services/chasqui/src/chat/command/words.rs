//! What lines are made of.

use std::collections::BTreeSet;

use chasqui_domain::{Seq, UserId};

/// Words between blanks; in quotes, a blank is part of the word, and two quotes are one. None when a quote has no end.
pub(super) fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character.is_whitespace() {
            continue;
        }
        let mut word = String::new();
        if character == '"' {
            loop {
                match characters.next()? {
                    '"' if characters.next_if_eq(&'"').is_none() => break,
                    character => word.push(character),
                }
            }
        } else {
            word.push(character);
        }
        while let Some(character) = characters.next_if(|character| !character.is_whitespace()) {
            word.push(character);
        }
        words.push(word);
    }
    Some(words)
}

pub(super) fn quoted(user: &UserId) -> String {
    let user = user.as_str();
    if user.starts_with('"') || user.contains(char::is_whitespace) {
        format!("\"{}\"", user.replace('"', "\"\""))
    } else {
        user.to_owned()
    }
}

/// A title that somebody has put in quotes without need.
pub(super) fn unquoted(text: &str) -> &str {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inner.filter(|inner| !inner.contains('"')).unwrap_or(text)
}

/// The number of a message, with `#` or without.
pub(super) fn number(word: &str) -> Option<Seq> {
    let number = word.strip_prefix('#').unwrap_or(word).parse().ok();
    // Numbers of the protocol end where those of its records do.
    number.filter(|number| (1..=i64::MAX as u64).contains(number)).map(Seq)
}

/// The first word, and what follows it.
pub(super) fn first(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim())
}

/// Whom a text names with `@`, of those who are known. What follows a name, such as a comma, is no part of it.
pub(in super::super) fn mentions(text: &str, is_known: impl Fn(&UserId) -> bool) -> Vec<UserId> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices('@') {
        let is_inside = text[..at].chars().next_back().is_some_and(char::is_alphanumeric);
        if is_inside {
            continue;
        }
        let mut name = text[at + 1..].split(char::is_whitespace).next().unwrap_or_default();
        while !name.is_empty() {
            if let Some(user) = UserId::new(name).ok().filter(&is_known) {
                found.insert(user);
                break;
            }
            match name.strip_suffix(|last: char| !last.is_alphanumeric()) {
                Some(shorter) => name = shorter,
                None => break,
            }
        }
    }
    found.into_iter().collect()
}
