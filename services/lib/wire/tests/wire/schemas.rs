//! The schema files keep to the rules that let them grow.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use chasqui_wire::schemas::{FILES, on_topics, text};
use serde_json::{Map, Value};

use crate::samples;

fn records() -> Vec<(&'static str, Map<String, Value>)> {
    let object = |text: &str| match serde_json::from_str(text).unwrap() {
        Value::Object(object) => object,
        other => panic!("not a record: {other}"),
    };
    let all = FILES.iter().map(|(file, text)| (*file, object(text)));
    all.filter(|(_, schema)| schema["type"] == "record").collect()
}

fn snake_case(name: &str) -> String {
    let words = name.char_indices().map(|(at, letter)| match letter {
        'A'..='Z' if at > 0 => format!("_{}", letter.to_ascii_lowercase()),
        _ => letter.to_ascii_lowercase().to_string(),
    });
    words.collect()
}

#[test]
fn every_file_is_known() {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../schemas/avro");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut found: BTreeSet<String> = fs::read_dir(folder).unwrap().map(name).collect();
    assert!(found.remove("released"), "the schemas of releases stand beside today's");
    let known: BTreeSet<String> = FILES.iter().map(|(file, _)| (*file).to_owned()).collect();
    assert_eq!(found, known);
}

#[test]
fn a_file_holds_one_record_and_has_its_name() {
    for (file, record) in records() {
        assert_eq!(record["type"], "record", "{file}");
        assert_eq!(record["namespace"], "chasqui", "{file}");
        let name = record["name"].as_str().unwrap();
        assert_eq!(file, format!("{}.avsc", snake_case(name)));
        let fields = record["fields"].to_string();
        assert!(!fields.contains(r#""type":"record""#), "{file} has a record within the record");
        assert!(text(name).unwrap().contains(name));
    }
}

/// What several records share has a file of its own.
#[test]
fn what_is_no_record_is_an_enum_and_has_its_name() {
    let records: BTreeSet<_> = records().into_iter().map(|(file, _)| file).collect();
    for (file, text) in FILES.iter().filter(|(file, _)| !records.contains(file)) {
        let schema: Value = serde_json::from_str(text).unwrap();
        assert_eq!((&schema["type"], &schema["namespace"]), (&Value::from("enum"), &Value::from("chasqui")), "{file}");
        assert_eq!(*file, format!("{}.avsc", snake_case(schema["name"].as_str().unwrap())));
        assert!(schema["doc"].as_str().is_some_and(|doc| doc.ends_with('.')), "{file}");
    }
}

#[test]
fn every_record_and_field_is_documented() {
    let is_sentence = |value: &Value| value.as_str().is_some_and(|doc| doc.len() > 4 && doc.ends_with('.'));
    for (file, record) in records() {
        assert!(record.get("doc").is_some_and(is_sentence), "{file}");
        for field in record["fields"].as_array().unwrap() {
            assert!(field.get("doc").is_some_and(is_sentence), "{file}: {}", field["name"]);
        }
    }
}

#[test]
fn a_union_is_only_a_value_that_may_be_missing() {
    for (file, record) in records() {
        for field in record["fields"].as_array().unwrap() {
            if let Value::Array(union) = &field["type"] {
                assert_eq!((union.len(), &union[0]), (2, &Value::from("null")), "{file}: {}", field["name"]);
                assert_eq!(field.get("default"), Some(&Value::Null), "{file}: {}", field["name"]);
            } else {
                assert_eq!(field.get("default"), None, "{file}: {}", field["name"]);
            }
        }
    }
}

#[test]
fn a_record_that_is_not_there_is_an_error() {
    assert!(text("Nothing").is_err());
    let event = text("Event").unwrap();
    for nested in ["Source", "EventMessage", "Sealed"] {
        assert!(event.contains(&format!(r#""name":"{nested}""#)), "{event}");
    }
}

#[test]
fn the_records_of_topics_have_the_fingerprints_that_stand_in_front_of_them() {
    let published = on_topics().unwrap();
    let with_them: BTreeSet<_> =
        published.iter().map(|schema| [&[0xC3, 0x01], &schema.fingerprint[..]].concat()).collect();
    assert_eq!(with_them.len(), published.len());
    for samples::Sample { name, bytes, .. } in samples::all() {
        let is_on_a_topic = ["command", "event", "inbox", "presence", "heartbeat", "revocation", "gateway"]
            .iter()
            .any(|topic| name.starts_with(topic));
        assert_eq!(with_them.contains(&bytes[..10]), is_on_a_topic, "{name}");
    }
    for schema in published {
        assert!(schema.name.starts_with("chasqui.") && schema.text.contains(r#""namespace":"chasqui""#), "{schema:?}");
    }
}

/// As Python's fastavro computes them from the registered texts.
#[test]
fn fingerprints_are_those_that_others_compute() {
    let computed = [
        ("chasqui.Command", "a7dabc3999c5dadd"),
        ("chasqui.Event", "f33d05c6598dae9d"),
        ("chasqui.InboxRecord", "9cedda9dd7bec4c8"),
        ("chasqui.Presence", "01a7515d64d9cbd9"),
        ("chasqui.Heartbeat", "86a96dd31a2d76aa"),
        ("chasqui.Revocation", "6c56828744153cda"),
        ("chasqui.GatewayRecord", "eda6a7a7f9bbcad1"),
    ];
    let hex = |bytes: [u8; 8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let ours: Vec<_> = on_topics().unwrap().into_iter().map(|schema| (schema.name, hex(schema.fingerprint))).collect();
    assert_eq!(ours, computed.map(|(name, digits)| (name.to_owned(), digits.to_owned())));
}
