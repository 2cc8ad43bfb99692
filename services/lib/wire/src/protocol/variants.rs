//! Variants in the documents. A variant that has a struct of its own is derived as the struct's fields beside an object with
//! nothing but the `type`. In the documents they are one object: what it may hold then stands in one place, and the tests see
//! when that changes.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// A variant as one object, behind its `type`; none when it is one already.
pub(super) fn whole(variant: &Value, schemas: &Map<String, Value>) -> Option<(String, Value)> {
    let parts = variant["allOf"].as_array()?;
    let mut fields = Vec::new();
    references(variant, &mut fields);
    let tag = parts.iter().find_map(|part| part["properties"]["type"]["enum"][0].as_str())?;
    let mut object = schemas.get(fields.first()?)?.clone();
    object["properties"]["type"] = json!({"const": tag, "type": "string"});
    let mut required = vec![json!("type")];
    required.extend(object["required"].as_array().cloned().unwrap_or_default());
    object["required"] = Value::Array(required);
    if let Some(description) = variant.get("description") {
        object["description"] = description.clone();
    }
    Some((tag.to_owned(), object))
}

/// Makes one object of every variant of these schemas.
pub(super) fn merge(schemas: &mut Map<String, Value>) {
    let derived = schemas.clone();
    let variants = schemas.values_mut().filter_map(|schema| schema.get_mut("oneOf")?.as_array_mut());
    for variant in variants.flatten() {
        if let Some((_, object)) = whole(variant, &derived) {
            *variant = object;
        }
    }
}

/// Makes one object of every variant of an OpenAPI document, and leaves out the structs that nothing refers to then.
pub fn merge_variants(openapi: &mut Value) {
    let mut before = Vec::new();
    references(openapi, &mut before);
    let Some(schemas) = openapi.pointer_mut("/components/schemas").and_then(Value::as_object_mut) else { return };
    merge(schemas);
    let mut after = Vec::new();
    references(openapi, &mut after);
    let after: BTreeSet<String> = after.into_iter().collect();
    let Some(schemas) = openapi.pointer_mut("/components/schemas").and_then(Value::as_object_mut) else { return };
    for name in before.iter().filter(|name| !after.contains(*name)) {
        schemas.remove(name);
    }
}

/// The names of the schemas that `value` refers to.
pub(super) fn references(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            let reference = fields.get("$ref").and_then(Value::as_str);
            names.extend(reference.and_then(|reference| reference.rsplit('/').next()).map(str::to_owned));
            fields.values().for_each(|value| references(value, names));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, names)),
        _ => {}
    }
}
