//! Texts that are no frames are errors, never a panic.

use chasqui_wire::frames::{ClientFrame, Messages, ServerFrame, parse, parse_client};
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::people::chat;

fn read(text: &str) {
    // Some of them are frames indeed.
    assert_eq!(parse_client(text), parse::<ClientFrame>(text), "{text}");
    let _ = parse::<ServerFrame>(text);
    let _ = parse::<Messages>(text);
}

fn frames() -> Vec<String> {
    let chat = chat();
    vec![
        r#"{"type":"hello","token":"a.b.c","device":"phone","cursor":"AWEgbGlmZSBvZiB0b3BpY3MAAAAAAAAAZBoBFrA"}"#.into(),
        r#"{"type":"send","id":"5","to":"bob","text":"¿Qué tal?","reply_to":2,"mentions":["bob"],"meta":{"a":[1,null]}}"#
            .into(),
        r#"{"type":"send","id":"9223372036854775807","to":"bob","content_type":"image/png","body":"AAEC/w=="}"#.into(),
        r#"{"type":"change","id":"6","to":"bob","change":{"type":"edit","seq":3,"text":"¿Qué tal?","meta":{"a":[1]}}}"#
            .into(),
        format!(r#"{{"type":"change","id":"7","chat":"{chat}","change":{{"type":"react","seq":3,"reaction":"👍"}}}}"#),
        format!(r#"{{"type":"ack","cursor":"x","delivered":{{"{chat}":3}}}}"#),
        format!(r#"{{"type":"read","chat":"{chat}","seq":9007199254740993}}"#),
        format!(r#"{{"type":"receipts","chats":["{chat}","{chat}"]}}"#),
        format!(r#"{{"type":"sent","cursor":"x","chat":"{chat}","id":"1","seq":1,"time":1,"repeated":false}}"#),
        r#"{"type":"error","code":"bad_frame","message":"no"}"#.into(),
    ]
}

proptest! {
    #[test]
    fn any_text(text in any::<String>(), json in r#"[\[\]{}":,a-e0-9.\\ue+\-ntrfs]{0,80}"#) {
        read(&text);
        read(&json);
    }

    #[test]
    fn any_value_in_any_field(
        name in "type|id|to|text|chat|seq|chats|delivered|cursor|token|device|mentions|meta|body|content_type",
        value in r#"(-?[0-9]{1,25}(\.[0-9]{1,5})?(e[0-9]{1,4})?|"[^"\\]{0,20}"|null|true|\[\]|\{\}|\["x"\]|\{"x":1\})"#,
    ) {
        for frame in frames() {
            // The last of two fields of one name, and the only one.
            read(&frame.replacen('{', &format!(r#"{{"{name}":{value},"#), 1));
            read(&frame.replacen(&format!(r#""{name}":"#), &format!(r#""{name}":{value},"was":"#), 1));
        }
    }

    #[test]
    fn frames_with_other_characters(changes in vec((any::<Index>(), any::<char>()), 1..4), cut in any::<Index>()) {
        for frame in frames() {
            let mut changed: Vec<char> = frame.chars().collect();
            for (at, character) in &changes {
                let at = at.index(changed.len());
                changed[at] = *character;
            }
            read(&changed.iter().collect::<String>());
            read(&changed[..cut.index(changed.len())].iter().collect::<String>());
        }
    }
}

#[test]
fn what_is_nested_thousands_deep_is_no_frame() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        for depth in [1_000, 100_000] {
            let nested = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            for frame in [
                nested.clone(),
                format!(r#"{{"type":"send","id":"1","to":"bob","text":"x","meta":{nested}}}"#),
                format!(r#"{{"type":"change","id":"1","to":"bob","change":{nested}}}"#),
                format!(
                    r#"{{"type":"change","id":"1","to":"bob","change":{{"type":"edit","seq":1,"meta":{nested}}}}}"#
                ),
                format!(r#"{{"type":"receipts","chats":{nested}}}"#),
                format!(r#"{{"unknown":{nested},"type":"receipts","chats":[]}}"#),
                format!(r#"{{"type":"receipts","chats":[],"unknown":{nested}}}"#),
                open.repeat(depth),
            ] {
                assert!(parse::<ClientFrame>(&frame).is_err(), "{depth} deep");
                assert!(parse_client(&frame).is_err(), "{depth} deep");
            }
        }
    }
}

/// What serde's own reading says of frames of every shape, [`parse_client`] says as well.
#[test]
fn frames_of_any_shape_are_read_as_serde_reads_them() {
    let chat = chat();
    let fields = format!(r#""chat":"{chat}","seq":3"#);
    for (frame, is_one) in [
        (format!(r#"{{"type":"read",{fields}}}"#), true),
        (format!(" {{ \"type\" : \"read\" ,\n{fields} }}\t"), true),
        (format!(r#"{{{fields},"type":"read"}}"#), true),
        (format!(r#"{{"ty\u0070e":"re\u0061d",{fields}}}"#), true),
        (format!(r#"["read","{chat}",3]"#), true),
        (format!(r#"{{"type":"read",{fields},"later":{{"of":[1.5,null]}}}}"#), true),
        (format!(r#"{{"type":"read",{fields},"later":1e999}}"#), false),
        (format!(r#"{{"type":"read",{fields},"later":"\ud800"}}"#), false),
        (format!(r#"{{"type":"read",{fields},"seq":4}}"#), false),
        (format!(r#"{{"type":"read",{fields},"type":"read"}}"#), false),
        (format!(r#"{{"type":"read","type":"read",{fields}}}"#), false),
        (format!(r#"{{"type":"Read",{fields}}}"#), false),
        (format!(r#"{{"type":3,{fields}}}"#), false),
        (format!(r#"{{"type":null,{fields}}}"#), false),
        (format!(r#"{{"type":"read",{fields}}}{{}}"#), false),
        (format!(r#"{{"type":"read",{fields}"#), false),
        (format!(r#"{{"type":"read",{fields},}}"#), false),
        (r#"{"type":"read"}"#.to_owned(), false),
        (r#"{"type":"send","id":"5","to":"bob","text":null,"body":null,"meta":null}"#.to_owned(), true),
        (r#"{"type":"send","id":"5","to":"bob","mentions":null}"#.to_owned(), false),
        (format!(r#"{{"type":"send","id":"5","to":"bob","meta":{}1{}}}"#, "[".repeat(126), "]".repeat(126)), true),
        (format!(r#"{{"type":"send","id":"5","to":"bob","meta":{}1{}}}"#, "[".repeat(127), "]".repeat(127)), false),
    ] {
        let (quick, whole) = (parse_client(&frame), parse::<ClientFrame>(&frame));
        assert_eq!(quick, whole, "{frame}");
        assert_eq!(quick.is_ok(), is_one, "{frame}: {quick:?}");
    }
}
