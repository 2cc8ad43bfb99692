use super::{super::testing::changed, *};

/// The `number`th change of a chat, behind so many messages.
fn added(number: u64, after: u64) -> Changed {
    let users = vec![UserId::new(format!("user{number}")).unwrap()];
    changed(number, after, "bob", ChangeMade::Add { users })
}

fn page(numbers: impl DoubleEndedIterator<Item = u64>, next: Option<u64>) -> frames::Changes {
    let changes = numbers.rev().map(|number| added(number, number)).collect();
    frames::Changes { changes, next: next.map(Version) }
}

fn shown(changes: &Changes) -> Vec<String> {
    changes.iter().map(|change| change.text.trim_start_matches("bob added user").to_owned()).collect()
}

fn numbers(range: impl Iterator<Item = u64>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

#[test]
fn pages_and_live_changes_overlap_without_repeats() {
    let mut changes = Changes::default();
    changes.came(&added(9, 9));
    changes.came(&added(9, 9));
    changes.loaded(None, page(5..=8, Some(5)));
    assert_eq!(shown(&changes), numbers(5..=9), "the page was made before the change");
    assert_eq!(changes.older(Seq(5), false), Some(Version(5)));
    changes.loaded(Some(Version(5)), page(3..=4, Some(3)));
    assert_eq!((shown(&changes), changes.older(Seq(4), false)), (numbers(3..=9), None));
    assert_eq!(changes.older(Seq(4), true), Some(Version(3)), "above the first message there may be more");
    changes.loaded(Some(Version(4)), page(1..=2, None));
    assert_eq!(changes.older(Seq(1), true), Some(Version(3)), "nobody has asked for that");
    changes.loaded(Some(Version(3)), page(1..=2, None));
    assert_eq!((shown(&changes), changes.older(Seq(1), true)), (numbers(1..=9), None));
}

#[test]
fn own_changes_take_their_place_by_the_page_that_has_them() {
    let mut changes = Changes::default();
    changes.loaded(None, page(1..=2, None));
    changes.came(&added(4, 4));
    changes.loaded(None, page(1..=4, Some(1)));
    assert_eq!((shown(&changes), changes.older(Seq(1), true)), (numbers(1..=4), None));
    changes.loaded(None, page(8..=9, Some(8)));
    assert_eq!((shown(&changes), changes.older(Seq(8), false)), (numbers(8..=9), Some(Version(8))), "there is a hole");
}

#[test]
fn changes_of_one_moment_keep_their_order() {
    let role = ChangeMade::Role { user: UserId::new("carol").unwrap(), role: Role::Owner };
    let (given, mut left) = (changed(7, 2, "bob", role), changed(7, 2, "bob", ChangeMade::Leave {}));
    left.time = given.time;
    let mut changes = Changes::default();
    changes.loaded(None, frames::Changes { changes: vec![left, given], next: None });
    assert_eq!(shown(&changes), ["bob made carol an owner", "bob left"]);
}

#[test]
fn memory_is_bounded() {
    let most = CHANGES_MAX as u64;
    let mut changes = Changes::default();
    changes.loaded(None, page(1..=1, Some(1)));
    (2..=most + 5).for_each(|number| changes.came(&added(number, number)));
    assert_eq!((shown(&changes), changes.older(Seq(1), true)), (numbers(6..=most + 5), None));
    changes.missed();
    assert_eq!(changes.iter().count(), 0);
    changes.loaded(None, page(1..=most, Some(1)));
    assert_eq!(changes.older(Seq(1), true), None, "there is no room");
}

#[test]
fn changes_are_told_as_people_would() {
    let users = |count: u64| (0..count).map(|number| UserId::new(format!("u{number}")).unwrap()).collect::<Vec<_>>();
    let created =
        |users, title: Option<&str>| ChangeMade::Created { users, title: title.map(str::to_owned), picture: None };
    let described = |title: Option<&str>, picture: Option<&str>| ChangeMade::Describe {
        title: title.map(str::to_owned),
        picture: picture.map(str::to_owned),
    };
    let dave = UserId::new("d\u{202e}ave").unwrap();
    for (change, text) in [
        (created(users(2), Some("The\x1b[2J\nbridge")), "u0 created the group “The␛[2J⏎bridge” with u1"),
        (created(users(1), None), "u0 created the group"),
        (ChangeMade::Add { users: users(3) }, "u0 added u0, u1, u2"),
        (ChangeMade::Add { users: users(12) }, "u0 added u0, u1, u2, u3, u4, u5, u6, u7, u8, u9 and 2 more"),
        (ChangeMade::Remove { user: dave.clone() }, "u0 removed d\u{fffd}ave"),
        (ChangeMade::Leave {}, "u0 left"),
        (ChangeMade::Role { user: dave, role: Role::Admin }, "u0 made d\u{fffd}ave an admin"),
        (described(Some("New"), None), "u0 renamed the group to “New”"),
        (described(None, Some("")), "u0 removed the picture"),
        (described(Some("New"), Some("p")), "u0 renamed the group to “New” and changed the picture"),
        (described(None, None), "u0 changed what the group is called"),
    ] {
        assert_eq!(told(&changed(1, 0, "u0", change)), text);
    }
}

#[test]
fn who_goes_is_told_why() {
    let (me, bob) = (UserId::new("alice").unwrap(), UserId::new("bob").unwrap());
    let removed = |user: &UserId| changed(1, 0, "bob", ChangeMade::Remove { user: user.clone() });
    assert_eq!(parting(&removed(&me), &me).unwrap(), "bob removed you from this group");
    assert_eq!(parting(&removed(&bob), &me), None);
    let left = |by: &str| changed(1, 0, by, ChangeMade::Leave {});
    assert_eq!((parting(&left("alice"), &me).as_deref(), parting(&left("bob"), &me)), (Some(LEFT), None));
    assert!(is_added(&changed(1, 0, "bob", ChangeMade::Add { users: vec![bob, me.clone()] }), &me));
}
