//! How an Avro schema is written: one record, or shared enum, a file, named as the file is, everything in it documented.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::workspace::root;

#[test]
fn every_schema_is_one_record_or_enum_named_as_its_file() -> Result<()> {
    for path in schema_files()? {
        let name = camel_case(path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default());
        let schema = read(&path)?;
        let is_one = schema["type"] == "record" || schema["type"] == "enum";
        ensure!(is_one, "{}: it should hold one record, or an enum that several share", path.display());
        ensure!(schema["name"] == *name, "{}: it should be named {name}", path.display());
    }
    Ok(())
}

#[test]
fn every_record_enum_and_field_is_documented() -> Result<()> {
    let mut missing = Vec::new();
    for path in schema_files()? {
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        missing.extend(undocumented(&read(&path)?).into_iter().map(|what| format!("{file}: {what}")));
    }
    ensure!(missing.is_empty(), "without a doc:\n  {}", missing.join("\n  "));
    Ok(())
}

#[test]
fn what_lacks_a_doc_is_found_at_any_depth() {
    let kind = json!({ "type": "enum", "name": "Kind", "symbols": ["A"] });
    let inner =
        json!({ "type": "record", "name": "Inner", "doc": "In.", "fields": [{ "name": "leaf", "type": kind }] });
    let schema = json!({ "type": "record", "name": "Outer", "doc": " ", "fields": [
        { "name": "many", "doc": "Many.", "type": ["null", { "type": "array", "items": inner }] },
        { "name": "map", "type": { "type": "map", "values": "bytes" } },
        { "name": "again", "doc": "By name.", "type": "Inner" },
    ]});
    assert_eq!(undocumented(&schema), ["Outer", "Inner.leaf", "Kind", "Outer.map"]);
}

#[test]
fn a_file_name_becomes_a_record_name() {
    assert_eq!(camel_case("chat_event"), "ChatEvent");
    assert_eq!(camel_case("inbox_entry_v2"), "InboxEntryV2");
}

/// Sorted, so that failures come in the same order everywhere.
fn schema_files() -> Result<Vec<PathBuf>> {
    let folder = root().join("schemas/avro");
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "avsc") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

/// The records, enums and `Record.field`s that have no doc, in the order in which they are declared.
fn undocumented(schema: &Value) -> Vec<String> {
    let mut missing = Vec::new();
    visit(schema, &mut missing);
    missing
}

fn visit(schema: &Value, missing: &mut Vec<String>) {
    match schema {
        Value::Array(branches) => branches.iter().for_each(|branch| visit(branch, missing)),
        Value::Object(_) => visit_type(schema, missing),
        // A primitive, or a type declared elsewhere.
        _ => {}
    }
}

fn visit_type(schema: &Value, missing: &mut Vec<String>) {
    let name = schema["name"].as_str().unwrap_or("a nameless type");
    match schema["type"].as_str() {
        Some("record") => {
            note(schema, name, missing);
            for field in schema["fields"].as_array().into_iter().flatten() {
                note(field, &format!("{name}.{}", field["name"].as_str().unwrap_or("?")), missing);
                visit(&field["type"], missing);
            }
        }
        Some("enum") => note(schema, name, missing),
        Some("array") => visit(&schema["items"], missing),
        Some("map") => visit(&schema["values"], missing),
        Some(_) => {}
        // `{"type": {…}}`: the type is spelled one level down.
        None => visit(&schema["type"], missing),
    }
}

fn note(documented: &Value, what: &str, missing: &mut Vec<String>) {
    let doc = documented["doc"].as_str().unwrap_or_default();
    if doc.trim().is_empty() {
        missing.push(what.to_owned());
    }
}

fn camel_case(snake: &str) -> String {
    let capitalized = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
    };
    snake.split('_').map(capitalized).collect()
}
