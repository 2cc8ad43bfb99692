//! What is asked of a group in a line that begins with `/`.

use chasqui_client::ChangeAsked;
use chasqui_domain::{Role, Seq, UserId};
use chasqui_wire::frames::TITLE_BYTES_MAX;

/// How each is written, and what it does.
const COMMANDS: &[(&str, &str)] = &[
    ("/add USER…", "add users; names with blanks stand in quotes"),
    ("/remove USER", "remove a member"),
    ("/leave", "leave the group"),
    ("/promote USER [owner]", "make somebody an admin, or an owner"),
    ("/demote USER [admin]", "make somebody a member again, or an admin"),
    ("/rename TITLE", "give the group another title"),
    ("/members", "who is in it, and what they may do"),
    ("/who [N]", "who has the message #N, or your last one"),
    ("/help", "this"),
    ("//TEXT", "send a text that begins with /"),
];

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Written {
    Text(String),
    Change(ChangeAsked),
    /// Who is in the group.
    Members,
    /// Who has a message; none for the last own one.
    Who(Option<Seq>),
    Help,
}

/// Reads a line that was written in a group.
///
/// # Errors
/// How it would be right.
pub(super) fn read(line: &str) -> Result<Written, String> {
    let Some(command) = line.strip_prefix('/') else { return Ok(Written::Text(line.to_owned())) };
    if command.starts_with('/') {
        return Ok(Written::Text(command.to_owned()));
    }
    let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    let rest = rest.trim();
    if name == "rename" {
        let title = Some(title(unquoted(rest)).map_err(|why| format!("{why}; {}", usage(name)))?);
        return Ok(Written::Change(ChangeAsked::Describe { title, picture: None }));
    }
    let words = words(rest).ok_or_else(|| format!("a quote has no end; {}", usage(name)))?;
    let user = |word: &String| UserId::new(word).map_err(|error| format!("{error}; {}", usage(name)));
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
        ("who", [word]) => {
            let number = word.strip_prefix('#').unwrap_or(word).parse().ok();
            // Numbers of the protocol end where those of its records do.
            let number = number.filter(|number| (1..=i64::MAX as u64).contains(number));
            number.map(|number| Written::Who(Some(Seq(number)))).ok_or_else(|| usage(name))
        }
        ("help", []) => Ok(Written::Help),
        _ => Err(usage(name)),
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

/// A text as it is written where a line may be a command.
pub(super) fn escaped(text: &str) -> String {
    if text.starts_with('/') { format!("/{text}") } else { text.to_owned() }
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
    }
}

/// How commands are written.
pub(super) fn help() -> Vec<String> {
    COMMANDS.iter().map(|(usage, what)| format!("{usage:<22} {what}")).collect()
}

fn usage(name: &str) -> String {
    let is_it = |usage: &str| usage.split(' ').next().and_then(|word| word.strip_prefix('/')) == Some(name);
    match COMMANDS.iter().find(|(usage, _)| is_it(usage)) {
        Some((usage, what)) => format!("{usage} — {what}"),
        None => format!("there is no /{name}: /help says what there is, and // sends a text that begins with /"),
    }
}

/// Words between blanks; in quotes, a blank is part of the word, and two quotes are one. None when a quote has no end.
fn words(text: &str) -> Option<Vec<String>> {
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

fn quoted(user: &UserId) -> String {
    let user = user.as_str();
    if user.starts_with('"') || user.contains(char::is_whitespace) {
        format!("\"{}\"", user.replace('"', "\"\""))
    } else {
        user.to_owned()
    }
}

/// A title that somebody has put in quotes without need.
fn unquoted(text: &str) -> &str {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inner.filter(|inner| !inner.contains('"')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::{super::testing::user, *};

    fn change(line: &str) -> ChangeAsked {
        match read(line) {
            Ok(Written::Change(change)) => change,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn a_line_is_a_text_unless_it_begins_with_one_stroke() {
        for (line, text) in [("hi", "hi"), ("//etc", "/etc"), ("///", "//"), (" /add bob", " /add bob"), ("", "")] {
            assert_eq!(read(line), Ok(Written::Text(text.to_owned())), "{line}");
        }
        for text in ["hi", "/etc", "//"] {
            assert_eq!(read(&escaped(text)), Ok(Written::Text(text.to_owned())));
        }
    }

    #[test]
    fn changes_are_read_as_they_are_written() {
        let users = vec![user("bob"), user("jane doe"), user("a\"b c")];
        for (line, asked) in [
            ("/add bob \"jane doe\" \"a\"\"b c\"", ChangeAsked::Add { users }),
            ("/remove bob", ChangeAsked::Remove { user: user("bob") }),
            ("/leave", ChangeAsked::Leave {}),
            ("/promote bob", ChangeAsked::Role { user: user("bob"), role: Role::Admin }),
            ("/promote bob owner", ChangeAsked::Role { user: user("bob"), role: Role::Owner }),
            ("/demote bob", ChangeAsked::Role { user: user("bob"), role: Role::Member }),
            ("/rename The \"upper\" bridge", renamed("The \"upper\" bridge")),
        ] {
            assert_eq!(change(line), asked);
            assert_eq!(super::line(&asked), line);
        }
        assert_eq!(change("/rename  \"The bridge\" "), renamed("The bridge"));
        assert_eq!(change("/demote bob admin"), change("/promote bob admin"));
    }

    fn renamed(title: &str) -> ChangeAsked {
        ChangeAsked::Describe { title: Some(title.to_owned()), picture: None }
    }

    #[test]
    fn questions_name_a_message_or_the_last_one() {
        for (line, number) in [("/who", None), ("/who 7", Some(Seq(7))), ("/who #7", Some(Seq(7)))] {
            assert_eq!(read(line), Ok(Written::Who(number)));
        }
        assert_eq!((read("/members"), read("/help")), (Ok(Written::Members), Ok(Written::Help)));
    }

    #[test]
    fn what_is_wrong_says_what_is_right() {
        for (line, right) in [
            ("/add", "/add USER… — "),
            ("/remove", "/remove USER — "),
            ("/remove bob carol", "/remove USER — "),
            ("/leave now", "/leave — "),
            ("/promote bob king", "/promote USER [owner] — "),
            ("/demote bob owner", "/demote USER [admin] — "),
            ("/who 0", "/who [N] — "),
            ("/who 9223372036854775808", "/who [N] — "),
            ("/add \"bob", "a quote has no end; /add USER… — "),
            ("/add \"\"", "between 1 and 128 bytes, this one has 0; /add USER… — "),
            ("/rename", "between 1 and 256 bytes, on one line; /rename TITLE — "),
            ("/rename a\nb", "on one line"),
            ("/etc/passwd", "there is no /etc/passwd: /help says"),
            ("/", "there is no /: "),
        ] {
            let why = read(line).unwrap_err();
            assert!(why.contains(right), "{line}: {why}");
        }
        assert!(help().iter().any(|line| line.starts_with("/who [N]               who has")));
    }
}
