use super::{super::testing::user, *};

fn change(line: &str) -> ChangeAsked {
    match read(line, Kind::Group) {
        Ok(Written::Change(change)) => change,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn a_line_is_a_text_unless_it_begins_with_one_stroke() {
    for (line, text) in [("hi", "hi"), ("//etc", "/etc"), ("///", "//"), (" /add bob", " /add bob"), ("", "")] {
        assert_eq!(read(line, Kind::Group), Ok(Written::Text(text.to_owned())), "{line}");
    }
    for text in ["hi", "/etc", "//"] {
        assert_eq!(read(&escaped(text), Kind::Group), Ok(Written::Text(text.to_owned())));
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
        assert_eq!(read(line, Kind::Group), Ok(Written::Who(number)));
    }
    assert_eq!((read("/members", Kind::Group), read("/help", Kind::Group)), (Ok(Written::Members), Ok(Written::Help)));
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
        let why = read(line, Kind::Group).unwrap_err();
        assert!(why.contains(right), "{line}: {why}");
    }
    assert!(help(Kind::Group).iter().any(|line| line.starts_with("/who [N]               who has")));
}

fn asked(line: &str) -> Result<Written, String> {
    let written = read(line, Kind::Direct);
    assert_eq!(written, read(line, Kind::Group), "{line}");
    written
}

#[test]
fn what_is_done_to_messages_is_read_in_every_chat_as_it_is_written() {
    let seq = Seq(7);
    let react = |reaction: Option<&str>| ChangeAsked::React { seq, reaction: reaction.map(str::to_owned) };
    for (line, change) in [
        ("/delete #7", None),
        ("/react #7 👍", Some(react(Some("👍")))),
        ("/react #7 well done", Some(react(Some("well done")))),
        ("/react #7", Some(react(None))),
        ("/pin #7", Some(ChangeAsked::Pin { seq })),
        ("/unpin #7", Some(ChangeAsked::Unpin { seq })),
    ] {
        let written = asked(line).unwrap();
        assert_eq!(asked(&line.replacen('#', "", 1)).as_ref(), Ok(&written), "a number is one without #");
        match change {
            Some(change) => {
                assert_eq!(super::line(&change), line);
                assert_eq!(written, Written::Change(change));
            }
            None => assert_eq!((written, line), (Written::Delete(Some(seq)), "/delete #7")),
        }
    }
    assert_eq!(super::line(&edit(seq, "a b".to_owned(), None, vec![])), "/edit #7 a b");
    for (line, written) in [
        ("/reply #7 /a  b\nc", Written::Reply(seq, "/a  b\nc".to_owned())),
        ("/reply 7 a", Written::Reply(seq, "a".to_owned())),
        ("/edit #7 a b", Written::Edit(Some(seq), "a b".to_owned())),
        ("/edit 7 a b", Written::Edit(None, "7 a b".to_owned())),
        ("/edit #hash a", Written::Edit(None, "#hash a".to_owned())),
        ("/delete", Written::Delete(None)),
        ("/pinned", Written::Pinned),
        ("/reactions 7", Written::Reactions(seq)),
        ("/help", Written::Help),
    ] {
        assert_eq!(asked(line), Ok(written));
    }
    assert_eq!(typed(Some(seq), "/a"), "/reply #7 /a");
    assert_eq!(typed(None, "/a"), "//a");
}

#[test]
fn what_is_wrong_about_a_message_says_what_is_right() {
    let long = format!("/react #7 {}", "x".repeat(65));
    for (line, right) in [
        ("/reply", "/reply #N TEXT — "),
        ("/reply #7", "/reply #N TEXT — "),
        ("/reply hi there", "/reply #N TEXT — "),
        ("/edit", "/edit [#N] TEXT — "),
        ("/edit #7", "/edit [#N] TEXT — "),
        ("/delete it", "/delete [#N] — "),
        ("/delete #7 #8", "/delete [#N] — "),
        ("/react 👍", "/react #N [REACTION] — "),
        ("/pin", "/pin #N — "),
        ("/unpin #0", "/unpin #N — "),
        ("/pinned #7", "/pinned — "),
        ("/reactions", "/reactions #N — "),
        (&long, "a reaction has at most 64 bytes, on one line; /react #N"),
        ("/etc/passwd", "there is no /etc/passwd: /help says"),
        ("/", "there is no /: "),
    ] {
        let why = asked(line).unwrap_err();
        assert!(why.contains(right), "{line}: {why}");
    }
}

#[test]
fn what_is_of_a_group_makes_no_sense_elsewhere() {
    for line in ["/add bob", "/leave", "/members", "/who", "/rename x"] {
        let why = read(line, Kind::Direct).unwrap_err();
        assert!(why.starts_with("there is no /") && why.contains(" in a chat of two: /help"), "{why}");
    }
    let help = help(Kind::Direct).join("\n");
    assert!(help.contains("/reply #N TEXT") && help.contains("//TEXT") && !help.contains("/add"), "{help}");
}

#[test]
fn who_is_known_is_mentioned() {
    let known = [user("bob"), user("d.ave"), user("eve")];
    let in_text = |text: &str| -> Vec<String> {
        mentions(text, |user| known.contains(user)).iter().map(ToString::to_string).collect()
    };
    assert_eq!(in_text("@bob, (@eve) and @d.ave."), ["bob", "d.ave", "eve"]);
    assert_eq!(in_text("@eve @eve's"), ["eve"]);
    assert_eq!(in_text("me@bob @carol @ @bobby bob"), [""; 0]);
}
