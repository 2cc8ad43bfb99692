//! Holds what goes over the wire to the kept documents of the protocol, and to nothing beside them: a field that the
//! documents don't name is a mistake here, although clients pass over it.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::Context;
use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

/// The schemas of all frames and answers.
pub struct Schemas {
    client: BTreeMap<String, Validator>,
    server: BTreeMap<String, Validator>,
    answers: Vec<Route>,
}

/// What a request may be answered.
struct Route {
    method: String,
    /// The segments of its path; those in braces stand for any.
    path: Vec<String>,
    by_status: BTreeMap<u16, BTreeMap<String, Option<Validator>>>,
}

/// A document of `schemas/protocol`.
///
/// # Errors
/// When it isn't there, or no JSON.
pub fn document(name: &str) -> anyhow::Result<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/protocol").join(name);
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

impl Schemas {
    /// Those of `schemas/protocol`.
    ///
    /// # Errors
    /// When a document isn't there or makes no sense.
    pub fn load() -> anyhow::Result<Self> {
        Self::of(document("asyncapi.json")?, document("openapi.json")?)
    }

    /// Those of two documents.
    ///
    /// # Errors
    /// When a document makes no sense.
    pub fn of(mut asyncapi: Value, mut openapi: Value) -> anyhow::Result<Self> {
        close(&mut asyncapi);
        close(&mut openapi);
        Ok(Self {
            client: frames(&asyncapi, "fromClient")?,
            server: frames(&asyncapi, "toClient")?,
            answers: routes(&openapi)?,
        })
    }

    /// The types of frames that clients send.
    pub fn client_types(&self) -> impl Iterator<Item = &str> {
        self.client.keys().map(String::as_str)
    }

    /// The types of frames that the server sends.
    pub fn server_types(&self) -> impl Iterator<Item = &str> {
        self.server.keys().map(String::as_str)
    }

    /// Whether a text is a frame that a client may send.
    ///
    /// # Errors
    /// With what is wrong, and the frame.
    pub fn client_frame(&self, text: &str) -> Result<(), String> {
        frame(&self.client, text)
    }

    /// Whether a text is a frame that the server may send.
    ///
    /// # Errors
    /// With what is wrong, and the frame.
    pub fn server_frame(&self, text: &str) -> Result<(), String> {
        frame(&self.server, text)
    }

    /// Whether a request may be answered so. The path is that of the request, or its template.
    ///
    /// # Errors
    /// With what is wrong, and the answer.
    pub fn answer(
        &self,
        method: &str,
        path: &str,
        status: u16,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Result<(), String> {
        let shown = || format!("{method} {path}: {status}, {content_type:?}, {}", String::from_utf8_lossy(body));
        let route = self.answers.iter().find(|route| route.is(method, path));
        let route = route.ok_or_else(|| format!("an undocumented request: {}", shown()))?;
        let by_media = route.by_status.get(&status).ok_or_else(|| format!("an undocumented status: {}", shown()))?;
        let media = content_type.and_then(|text| text.split(';').next()).map(str::trim).filter(|_| !body.is_empty());
        let Some(media) = media else {
            return if by_media.is_empty() { Ok(()) } else { Err(format!("there should be a body: {}", shown())) };
        };
        let schema = by_media.get(media).ok_or_else(|| format!("an undocumented media type: {}", shown()))?;
        let Some(schema) = schema else { return Ok(()) };
        let body = serde_json::from_slice(body).map_err(|error| format!("no JSON, {error}: {}", shown()))?;
        explained(schema, &body).map_err(|why| format!("{why}: {}", shown()))
    }
}

impl Route {
    fn is(&self, method: &str, path: &str) -> bool {
        let path = path.split('?').next().unwrap_or_default();
        let is_same = |(own, asked): (&String, &str)| own == asked || (own.starts_with('{') && !asked.is_empty());
        self.method.eq_ignore_ascii_case(method)
            && path.split('/').count() == self.path.len()
            && self.path.iter().zip(path.split('/')).all(is_same)
    }
}

fn frame(schemas: &BTreeMap<String, Validator>, text: &str) -> Result<(), String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("no JSON, {error}: {text}"))?;
    let tag = value["type"].as_str().ok_or_else(|| format!("a frame without a type: {text}"))?;
    let schema = schemas.get(tag).ok_or_else(|| format!("an undocumented type of frame: {text}"))?;
    explained(schema, &value).map_err(|why| format!("{why}: {text}"))
}

fn explained(schema: &Validator, value: &Value) -> Result<(), String> {
    let mut wrong = schema.iter_errors(value).map(|error| format!("{} ({})", error, error.instance_path()));
    match wrong.next() {
        Some(first) => Err(wrong.fold(first, |all, next| all + ", " + &next)),
        None => Ok(()),
    }
}

fn frames(asyncapi: &Value, operation: &str) -> anyhow::Result<BTreeMap<String, Validator>> {
    let messages = asyncapi["operations"][operation]["messages"].as_array().context("no operation")?;
    let mut schemas = BTreeMap::new();
    for message in messages {
        let message = followed(asyncapi, message)?;
        let name = message["name"].as_str().context("a message without a name")?;
        schemas.insert(name.to_owned(), validator(asyncapi, &message["payload"])?);
    }
    Ok(schemas)
}

fn routes(openapi: &Value) -> anyhow::Result<Vec<Route>> {
    let mut routes = Vec::new();
    for (path, methods) in openapi["paths"].as_object().context("no paths")? {
        for (method, operation) in methods.as_object().context("no methods")? {
            let mut by_status = BTreeMap::new();
            for (status, response) in operation["responses"].as_object().context("no responses")? {
                let mut by_media = BTreeMap::new();
                for (media, content) in response["content"].as_object().into_iter().flatten() {
                    let is_json = media.ends_with("json");
                    let schema = is_json.then(|| validator(openapi, &content["schema"])).transpose()?;
                    by_media.insert(media.clone(), schema);
                }
                by_status.insert(status.parse()?, by_media);
            }
            let path = path.split('/').map(str::to_owned).collect();
            routes.push(Route { method: method.clone(), path, by_status });
        }
    }
    // Those with fewer braces first: they are asked for when both fit.
    routes.sort_by_key(|route| route.path.iter().filter(|segment| segment.starts_with('{')).count());
    Ok(routes)
}

/// A schema that may refer to others of its document.
fn validator(document: &Value, schema: &Value) -> anyhow::Result<Validator> {
    let whole = json!({"allOf": [schema], "components": document["components"]});
    jsonschema::options().with_draft(Draft::Draft202012).build(&whole).map_err(|error| anyhow::anyhow!("{error}"))
}

/// What a reference leads to.
fn followed<'a>(document: &'a Value, value: &'a Value) -> anyhow::Result<&'a Value> {
    match value["$ref"].as_str() {
        Some(reference) => {
            let target = document.pointer(reference.trim_start_matches('#'));
            followed(document, target.with_context(|| reference.to_owned())?)
        }
        None => Ok(value),
    }
}

/// Lets objects hold no more than what is named, and texts of which later versions know more only what this one knows.
fn close(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            close_schema(fields);
            fields.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

fn close_schema(schema: &mut Map<String, Value>) {
    if schema.get("type").is_some_and(|it| it == "object") && schema.contains_key("properties") {
        schema.entry("additionalProperties").or_insert(Value::Bool(false));
    }
    if let Some(known) = schema.get("x-extensible-enum").cloned() {
        schema.insert("enum".to_owned(), known);
    }
}
