use chasqui_domain::{Role, Seq, TimeMs};
use chasqui_wire::frames::GroupItem;

use super::{super::testing::group, *};

fn item(number: u8, title: Option<&str>) -> ChatItem {
    let mut id = *group().as_bytes();
    id[23] = number;
    let (title, picture, role) = (title.map(str::to_owned), None, Role::Member);
    let of = GroupItem { title, picture, members_count: 3, role, joined: TimeMs(0) };
    ChatItem {
        chat: ChatId::from_bytes(&id).unwrap(),
        with: None,
        group: Some(Box::new(of)),
        last_seq: Seq(0),
        last_time: TimeMs(0),
        unread: 0,
        members: Vec::new(),
        last_message: None,
        pinned: Vec::new(),
    }
}

#[test]
fn a_group_is_found_by_its_title() {
    let groups = [item(1, Some("The bridge")), item(2, Some("the bridge")), item(3, Some("Tambo")), item(4, None)];
    let found = |name| named(&groups, name).map(|chat| chat.as_bytes()[23]).map_err(|error| error.to_string());
    assert_eq!((found("The bridge"), found(" the bridge "), found("tambo")), (Ok(1), Ok(2), Ok(3)));
    let why = found("THE BRIDGE").unwrap_err();
    assert!(why.contains("several groups are called \"THE BRIDGE\", give the id of one:\n  "), "{why}");
    let second = format!("\n  {}  the bridge, 3 members", groups[1].chat);
    assert!(why.ends_with(&second) && why.lines().count() == 3, "{why}");
    let why = found("bridge").unwrap_err();
    assert!(why.contains("no group that is called \"bridge\"; you are in:\n  ") && why.contains("(no title)"), "{why}");
}

#[test]
fn what_is_listed_is_bounded_and_clean() {
    assert!(named(&[], "x").unwrap_err().to_string().contains("--new-group"));
    let many: Vec<ChatItem> = (0..100).map(|number| item(number, Some("a\x1b[2J\u{202e}\n"))).collect();
    let why = named(&many, "x").unwrap_err().to_string();
    assert!(why.contains("a␛[2J\u{fffd}⏎, 3 members") && why.ends_with("… and 70 more"), "{why}");
    assert!(named(&many[..1], "a␛[2J\u{fffd}⏎").is_ok(), "as it is shown");
}
