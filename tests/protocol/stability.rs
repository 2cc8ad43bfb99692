//! What would break a client that was written from an earlier document.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

#[cfg(test)]
mod tests;

/// Who writes what a schema describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Client,
    Server,
}

/// What of the codes is gone or has another meaning.
pub(crate) fn codes(old: &Value, new: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    for code in list(&old["codes"]) {
        let name = code["code"].as_str().unwrap_or_default();
        let same = list(&new["codes"]).iter().find(|other| other["code"] == code["code"]);
        let retired = list(&new["retired"]).iter().find(|other| other["code"] == code["code"]);
        match (same, retired) {
            (Some(same), _) => broken.extend(
                ["status", "close", "retry"]
                    .into_iter()
                    .filter(|field| same[field] != code[field])
                    .map(|field| format!("the {field} of the code {name} has changed")),
            ),
            (None, Some(retired)) if retired["close"] == code["close"] => {}
            (None, Some(_)) => broken.push(format!("the close number of the code {name} has changed")),
            (None, None) => broken.push(format!("the code {name} is gone, and isn't retired")),
        }
    }
    for retired in list(&old["retired"]) {
        if !list(&new["retired"]).contains(retired) {
            broken.push(format!("the code {} is no longer retired", retired["code"]));
        }
    }
    if old["close_ranges"] != new["close_ranges"] {
        broken.push("the ranges of close numbers have changed".to_owned());
    }
    broken
}

/// What of the frames is gone or has another form.
pub(crate) fn asyncapi(old: &Value, new: &Value) -> Vec<String> {
    let mut compared = Compared::new(old, new);
    for (operation, from) in [("fromClient", From::Client), ("toClient", From::Server)] {
        let messages = |document: &Value| -> Vec<(String, Value)> {
            let references = list(&document["operations"][operation]["messages"]).iter();
            let message = |reference| Some(target(document, reference)).filter(|it| it["name"].is_string());
            let named =
                |message: &Value| (message["name"].as_str().unwrap_or_default().to_owned(), message["payload"].clone());
            references.filter_map(message).map(named).collect()
        };
        let later = messages(new);
        for (name, payload) in messages(old) {
            match later.iter().find(|(other, _)| *other == name) {
                Some((_, other)) => compared.schema(from, &format!("{operation} {name}"), &payload, other),
                None => compared.broken.push(format!("{operation}: the frame {name} is gone")),
            }
        }
    }
    compared.broken
}

/// What of the API is gone or has another form.
pub(crate) fn openapi(old: &Value, new: &Value) -> Vec<String> {
    let mut compared = Compared::new(old, new);
    for (path, methods) in fields(&old["paths"]) {
        for (method, operation) in fields(methods) {
            let name = format!("{} {path}", method.to_uppercase());
            let later = &new["paths"][path][method];
            if later.is_object() {
                compared.operation(&name, operation, later);
            } else {
                compared.broken.push(format!("{name} is gone"));
            }
        }
    }
    compared.broken
}

struct Compared<'a> {
    old: &'a Value,
    new: &'a Value,
    broken: Vec<String>,
    /// Pairs of schemas that are compared, or were: they may contain themselves.
    seen: BTreeSet<(bool, String, String)>,
}

impl<'a> Compared<'a> {
    fn new(old: &'a Value, new: &'a Value) -> Self {
        Self { old, new, broken: Vec::new(), seen: BTreeSet::new() }
    }

    fn say(&mut self, at: &str, what: impl AsRef<str>) {
        self.broken.push(format!("{at}: {}", what.as_ref()));
    }

    fn operation(&mut self, name: &str, old: &Value, new: &Value) {
        let is_same = |one: &Value, other: &Value| one["name"] == other["name"] && one["in"] == other["in"];
        for parameter in list(&old["parameters"]) {
            let at = format!("{name} {}", parameter["name"]);
            match list(&new["parameters"]).iter().find(|other| is_same(parameter, other)) {
                Some(other) => {
                    if other["required"] == true && parameter["required"] != true {
                        self.say(&at, "it is required now");
                    }
                    self.schema(From::Client, &at, &parameter["schema"], &other["schema"]);
                }
                None => self.say(&at, "the parameter is gone"),
            }
        }
        for parameter in list(&new["parameters"]) {
            if parameter["required"] == true && !list(&old["parameters"]).iter().any(|other| is_same(parameter, other))
            {
                self.say(name, format!("the new parameter {} is required", parameter["name"]));
            }
        }
        self.body(From::Client, &format!("{name} request"), &old["requestBody"], &new["requestBody"]);
        let is_new_body_required = new["requestBody"]["required"] == true && old["requestBody"]["required"] != true;
        if is_new_body_required {
            self.say(name, "a body is required now");
        }
        // Other failures may come; what succeeds and what each failure looks like stays.
        for (status, response) in fields(&old["responses"]) {
            let later = &new["responses"][status];
            if later.is_object() {
                self.body(From::Server, &format!("{name} {status}"), response, later);
            } else if status.starts_with('2') {
                self.say(name, format!("the answer {status} is gone"));
            }
        }
        for status in fields(&new["responses"]).map(|(status, _)| status) {
            if status.starts_with('2') && old["responses"].get(status).is_none() {
                self.say(name, format!("it is answered by {status} now, too"));
            }
        }
    }

    fn body(&mut self, from: From, at: &str, old: &Value, new: &Value) {
        for (media, content) in fields(&old["content"]) {
            match new["content"].get(media) {
                Some(other) => self.schema(from, at, &content["schema"], &other["schema"]),
                None => self.say(at, format!("{media} is gone")),
            }
        }
    }

    fn schema(&mut self, from: From, at: &str, old: &Value, new: &Value) {
        let is_client = from == From::Client;
        if let (Some(one), Some(other)) = (old["$ref"].as_str(), new["$ref"].as_str())
            && !self.seen.insert((is_client, one.to_owned(), other.to_owned()))
        {
            return;
        }
        let (old, new) = (target(self.old, old).clone(), target(self.new, new).clone());
        for keyword in ["type", "const", "enum", "pattern", "format", "contentEncoding", "oneOf", "anyOf", "allOf"] {
            // Whoever compares these must look by hand; nothing of them is in use with parts that may grow.
            if old[keyword] != new[keyword] {
                self.say(at, format!("{keyword} was {} and is {}", old[keyword], new[keyword]));
            }
        }
        for (keyword, is_upper) in [
            ("minimum", false),
            ("minLength", false),
            ("minItems", false),
            ("maximum", true),
            ("maxLength", true),
            ("maxItems", true),
        ] {
            self.bound(from, at, keyword, is_upper, &old, &new);
        }
        if old["items"].is_object() {
            self.schema(from, &format!("{at}[]"), &old["items"], &new["items"]);
        }
        for keyword in ["additionalProperties", "propertyNames"] {
            if old[keyword].is_object() {
                self.schema(from, &format!("{at}.*"), &old[keyword], &new[keyword]);
            }
        }
        self.properties(from, at, &old, &new);
    }

    fn properties(&mut self, from: From, at: &str, old: &Value, new: &Value) {
        for (name, property) in fields(&old["properties"]) {
            let at = format!("{at}.{name}");
            match new["properties"].get(name) {
                Some(other) => self.schema(from, &at, property, other),
                None => self.say(&at, "the field is gone"),
            }
        }
        let (was, is) = (list(&old["required"]), list(&new["required"]));
        match from {
            From::Client => {
                for name in is.iter().filter(|name| !was.contains(name)) {
                    self.say(at, format!("{name} is required now"));
                }
            }
            From::Server => {
                for name in was.iter().filter(|name| !is.contains(name)) {
                    self.say(at, format!("{name} may be missing now"));
                }
            }
        }
    }

    /// What clients write may have wider bounds, and what the server writes narrower ones.
    fn bound(&mut self, from: From, at: &str, keyword: &str, is_upper: bool, old: &Value, new: &Value) {
        let number = |schema: &Value| schema[keyword].as_f64();
        let is_within = |inner: Option<f64>, outer: Option<f64>| match (inner, outer) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(inner), Some(outer)) => {
                if is_upper {
                    inner <= outer
                } else {
                    inner >= outer
                }
            }
        };
        let holds = match from {
            From::Client => is_within(number(old), number(new)),
            From::Server => is_within(number(new), number(old)),
        };
        if !holds {
            self.say(at, format!("{keyword} was {} and is {}", old[keyword], new[keyword]));
        }
    }
}

fn target<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str().and_then(|reference| document.pointer(reference.trim_start_matches('#'))) {
        Some(next) => target(document, next),
        None => value,
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().map(Map::iter).into_iter().flatten()
}
