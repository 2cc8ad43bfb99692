//! `chasqui protocol`: the documents that clients are written from. The server serves the same ones.

mod page;

use std::{io::Write, sync::LazyLock};

use anyhow::Context;
use serde_json::Value;

pub use page::page;

/// What `chasqui protocol` is told.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  chasqui protocol page > protocol.html
  chasqui protocol openapi | jq '.paths | keys'
  chasqui protocol asyncapi > asyncapi.json
  chasqui protocol codes | jq '.codes[] | select(.retry) | .code'

A running server serves them as /docs, /openapi.json, /asyncapi.json and /codes.json.")]
pub struct Args {
    /// Which one.
    document: Document,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Document {
    /// What is asked over HTTP: OpenAPI 3.1, in JSON.
    Openapi,
    /// The frames of the WebSocket: AsyncAPI 3.0, in JSON.
    Asyncapi,
    /// The codes of errors and closes, in JSON.
    Codes,
    /// The page that explains all of it, in HTML.
    Page,
}

/// Prints a document on standard output.
///
/// # Errors
/// When the output can't be written.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let text = match args.document {
        Document::Openapi => openapi(),
        Document::Asyncapi => asyncapi(),
        Document::Codes => codes(),
        Document::Page => page(),
    };
    std::io::stdout().write_all(text.as_bytes()).context("the output could not be written")
}

/// `openapi.json`.
#[must_use]
pub fn openapi() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        // It holds nothing that JSON doesn't.
        let mut document = serde_json::to_value(crate::server::openapi()).unwrap_or_default();
        chasqui_wire::protocol::merge_variants(&mut document);
        pretty(&document)
    });
    &TEXT
}

/// `asyncapi.json`.
#[must_use]
pub fn asyncapi() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| pretty(&chasqui_wire::protocol::asyncapi()));
    &TEXT
}

/// `codes.json`.
#[must_use]
pub fn codes() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| pretty(&chasqui_wire::protocol::codes()));
    &TEXT
}

fn pretty(document: &Value) -> String {
    format!("{document:#}\n")
}
