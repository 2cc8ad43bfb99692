//! What is asked in a line that begins with `/`: of messages in every chat, of a group in a group.

mod words;

use chasqui_client::ChangeAsked;
use chasqui_domain::{Role, Seq, UserId};
use chasqui_wire::frames::{Edit, REACTION_BYTES_MAX, TITLE_BYTES_MAX};

pub(super) use words::mentions;
use words::{first, number, quoted, unquoted, words};

/// What a chat is. Some of what can be asked makes sense in a group alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Direct,
    Group,
}

/// Where a command makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum In {
    Groups,
    All,
}

/// How each is written, and what it does.
const COMMANDS: &[(In, &str, &str)] = &[
    (In::All, "/reply #N TEXT", "reply to the message #N"),
    (In::All, "/edit [#N] TEXT", "have your message #N, or your last one, say something else"),
    (In::All, "/delete [#N]", "delete your message #N, or your last one, for everybody"),
    (In::All, "/react #N [REACTION]", "react to the message #N; without REACTION, take that back"),
    (In::All, "/reactions #N", "who reacts to the message #N, and how"),
    (In::All, "/pin #N", "pin the message #N; in a group admins and owners may"),
    (In::All, "/unpin #N", "pin it no more"),
    (In::All, "/pinned", "which messages are pinned"),
    (In::Groups, "/add USER…", "add users; names with blanks stand in quotes"),
    (In::Groups, "/remove USER", "remove a member"),
    (In::Groups, "/leave", "leave the group"),
    (In::Groups, "/promote USER [owner]", "make somebody an admin, or an owner"),
    (In::Groups, "/demote USER [admin]", "make somebody a member again, or an admin"),
    (In::Groups, "/rename TITLE", "give the group another title"),
    (In::Groups, "/members", "who is in it, and what they may do"),
    (In::Groups, "/who [N]", "who has the message #N, or your last one"),
    (In::All, "/help", "this"),
    (In::All, "//TEXT", "send a text that begins with /"),
];

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Written {
    Text(String),
    Reply(Seq, String),
    /// Another text for a message; none for the last own one.
    Edit(Option<Seq>, String),
    /// None for the last own one.
    Delete(Option<Seq>),
    Change(ChangeAsked),
    /// Who is in the group.
    Members,
    /// Who has a message; none for the last own one.
    Who(Option<Seq>),
    Pinned,
    Reactions(Seq),
    Help,
}

impl Written {
    /// Whether what it means, or its answer, depends on what was written before.
    pub(super) fn needs_outcomes(&self) -> bool {
        match self {
            Self::Edit(..) | Self::Delete(None) | Self::Members | Self::Who(_) | Self::Pinned | Self::Reactions(_) => {
                true
            }
            Self::Text(_) | Self::Reply(..) | Self::Delete(Some(_)) | Self::Change(_) | Self::Help => false,
        }
    }
}

/// Reads a line that was written in a chat.
///
/// # Errors
/// How it would be right.
pub(super) fn read(line: &str, kind: Kind) -> Result<Written, String> {
    let Some(command) = line.strip_prefix('/') else { return Ok(Written::Text(line.to_owned())) };
    if command.starts_with('/') {
        return Ok(Written::Text(command.to_owned()));
    }
    let (name, rest) = first(command);
    match (of_message(name, rest), kind) {
        (Some(read), _) => read,
        (None, Kind::Group) => of_group(name, rest),
        (None, Kind::Direct) => Err(usage(name, kind)),
    }
}

/// Reads what can be asked everywhere; none when it is something else.
fn of_message(name: &str, rest: &str) -> Option<Result<Written, String>> {
    let (word, text) = first(rest);
    let seq = number(word);
    let written = match (name, seq) {
        ("reply", Some(seq)) if !text.is_empty() => Written::Reply(seq, text.to_owned()),
        // A text may begin with a number.
        ("edit", Some(seq)) if word.starts_with('#') => {
            if text.is_empty() {
                return Some(Err(usage(name, Kind::Direct)));
            }
            Written::Edit(Some(seq), text.to_owned())
        }
        ("edit", _) if !rest.is_empty() => Written::Edit(None, rest.to_owned()),
        ("delete", None) if rest.is_empty() => Written::Delete(None),
        ("delete", Some(seq)) if text.is_empty() => Written::Delete(Some(seq)),
        ("react", Some(seq)) => match reaction(text) {
            Ok(reaction) => Written::Change(ChangeAsked::React { seq, reaction }),
            Err(why) => return Some(Err(format!("{why}; {}", usage(name, Kind::Direct)))),
        },
        ("reactions", Some(seq)) if text.is_empty() => Written::Reactions(seq),
        ("pin", Some(seq)) if text.is_empty() => Written::Change(ChangeAsked::Pin { seq }),
        ("unpin", Some(seq)) if text.is_empty() => Written::Change(ChangeAsked::Unpin { seq }),
        ("pinned", _) if rest.is_empty() => Written::Pinned,
        ("help", _) if rest.is_empty() => Written::Help,
        ("reply" | "edit" | "delete" | "react" | "reactions" | "pin" | "unpin" | "pinned" | "help", _) => {
            return Some(Err(usage(name, Kind::Direct)));
        }
        _ => return None,
    };
    Some(Ok(written))
}

/// Reads what can be asked of a group.
fn of_group(name: &str, rest: &str) -> Result<Written, String> {
    let usage = || usage(name, Kind::Group);
    if name == "rename" {
        let title = Some(title(unquoted(rest)).map_err(|why| format!("{why}; {}", usage()))?);
        return Ok(Written::Change(ChangeAsked::Describe { title, picture: None }));
    }
    let words = words(rest).ok_or_else(|| format!("a quote has no end; {}", usage()))?;
    let user = |word: &String| UserId::new(word).map_err(|error| format!("{error}; {}", usage()));
    let role = |word, role| Ok(Written::Change(ChangeAsked::Role { user: user(word)?, role }));
    match (name, &words[..]) {
        ("add", [_, ..]) => {
            let users = words.iter().map(user).collect::<Result<_, _>>()?;
            Ok(Written::Change(ChangeAsked::Add { users }))
        }
        ("remove", [word]) => Ok(Written::Change(ChangeAsked::Remove { user: user(word)? })),
        ("leave", []) => Ok(Written::Change(ChangeAsked::Leave {})),
        ("promote", [word]) => role(word, Role::Admin),
        ("promote", [word, to]) if to == "admin" => role(word, Role::Admin),
        ("promote", [word, to]) if to == "owner" => role(word, Role::Owner),
        ("demote", [word]) => role(word, Role::Member),
        ("demote", [word, to]) if to == "member" => role(word, Role::Member),
        ("demote", [word, to]) if to == "admin" => role(word, Role::Admin),
        ("members", []) => Ok(Written::Members),
        ("who", []) => Ok(Written::Who(None)),
        ("who", [word]) => number(word).map(|seq| Written::Who(Some(seq))).ok_or_else(usage),
        _ => Err(usage()),
    }
}

/// Takes a title for a group.
///
/// # Errors
/// Why it is none.
pub(super) fn title(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.len() > TITLE_BYTES_MAX || text.contains(char::is_control) {
        return Err(format!("a title has between 1 and {TITLE_BYTES_MAX} bytes, on one line"));
    }
    Ok(text.to_owned())
}

/// Takes a reaction; none takes one back.
fn reaction(text: &str) -> Result<Option<String>, String> {
    if text.len() > REACTION_BYTES_MAX || text.contains(char::is_control) {
        return Err(format!("a reaction has at most {REACTION_BYTES_MAX} bytes, on one line"));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// A text as it is written where a line may be a command.
pub(super) fn escaped(text: &str) -> String {
    if text.starts_with('/') { format!("/{text}") } else { text.to_owned() }
}

/// The line that sends a text.
pub(super) fn typed(reply_to: Option<Seq>, text: &str) -> String {
    reply_to.map_or_else(|| escaped(text), |seq| format!("/reply #{seq} {text}"))
}

/// Has a message say something else. What it replies to would be gone if it were not said again.
pub(super) fn edit(seq: Seq, text: String, reply_to: Option<Seq>, mentions: Vec<UserId>) -> ChangeAsked {
    let text = Some(text);
    ChangeAsked::Edit(Box::new(Edit { seq, text, content_type: None, body: None, reply_to, mentions, meta: None }))
}

/// The line that asks for a change.
pub(super) fn line(change: &ChangeAsked) -> String {
    match change {
        ChangeAsked::Add { users } => {
            let users: Vec<String> = users.iter().map(quoted).collect();
            format!("/add {}", users.join(" "))
        }
        ChangeAsked::Remove { user } => format!("/remove {}", quoted(user)),
        ChangeAsked::Leave {} => "/leave".to_owned(),
        ChangeAsked::Role { user, role: Role::Owner } => format!("/promote {} owner", quoted(user)),
        ChangeAsked::Role { user, role: Role::Admin } => format!("/promote {}", quoted(user)),
        ChangeAsked::Role { user, role: Role::Member } => format!("/demote {}", quoted(user)),
        ChangeAsked::Describe { title: Some(title), .. } => format!("/rename {title}"),
        // Of another client on this state.
        ChangeAsked::Describe { title: None, .. } => "another picture".to_owned(),
        ChangeAsked::Edit(edit) => format!("/edit #{} {}", edit.seq, edit.text.as_deref().unwrap_or_default()),
        ChangeAsked::Delete { seq } => format!("/delete #{seq}"),
        ChangeAsked::React { seq, reaction: Some(reaction) } => format!("/react #{seq} {reaction}"),
        ChangeAsked::React { seq, reaction: None } => format!("/react #{seq}"),
        ChangeAsked::Pin { seq } => format!("/pin #{seq}"),
        ChangeAsked::Unpin { seq } => format!("/unpin #{seq}"),
    }
}

/// How commands are written.
pub(super) fn help(kind: Kind) -> Vec<String> {
    let here = COMMANDS.iter().filter(|(place, ..)| is_in(*place, kind));
    here.map(|(_, usage, what)| format!("{usage:<22} {what}")).collect()
}

fn is_in(place: In, kind: Kind) -> bool {
    place == In::All || kind == Kind::Group
}

fn usage(name: &str, kind: Kind) -> String {
    let is_it = |usage: &str| usage.split(' ').next().and_then(|word| word.strip_prefix('/')) == Some(name);
    match COMMANDS.iter().find(|(_, usage, _)| is_it(usage)) {
        Some((place, usage, what)) if is_in(*place, kind) => format!("{usage} — {what}"),
        found => {
            let here = if found.is_some() { " in a chat of two" } else { "" };
            format!("there is no /{name}{here}: /help says what there is, and // sends a text that begins with /")
        }
    }
}

#[cfg(test)]
mod tests;
