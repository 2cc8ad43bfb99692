//! The documents that describe the protocol to those who write clients, as this build speaks it. The files in
//! `schemas/protocol` are kept copies of them.

mod asyncapi;
mod examples;
mod variants;

use std::ops::RangeInclusive;

use serde_json::{Value, json};

pub use asyncapi::asyncapi;
pub use variants::merge_variants;

use crate::{
    Code,
    codes::{CLOSE_CONNECT_AGAIN, CLOSE_STAY_AWAY, RETIRED},
};

/// The version of the protocol; the `v1` of all addresses.
pub const VERSION: &str = "1";

/// Every code: `codes.json`.
#[must_use]
pub fn codes() -> Value {
    let code = |code: &Code| {
        json!({
            "code": code.as_str(), "status": code.status(), "close": code.close(), "retry": code.retry(),
            "meaning": code.meaning(),
        })
    };
    json!({
        "close_ranges": close_ranges(),
        "codes": Code::ALL.iter().map(code).collect::<Vec<_>>(),
        "retired": RETIRED,
    })
}

/// Every code as rows of a table in Markdown; each has a place of its own that links can lead to.
#[must_use]
pub fn codes_table() -> String {
    let mut table = "| code | HTTP | close | retry | meaning |\n|---|---|---|---|---|\n".to_owned();
    for code in Code::ALL {
        let (name, status, meaning) = (code.as_str(), code.status(), code.meaning());
        let close = code.close().map_or(String::new(), |number| number.to_string());
        let retry = if code.retry() { "yes" } else { "no" };
        table += &format!("| <a id=\"{name}\"></a>`{name}` | {status} | {close} | {retry} | {meaning} |\n");
    }
    table
}

fn close_ranges() -> Value {
    let range = |range: &RangeInclusive<u16>| json!([range.start(), range.end()]);
    json!({"connect_again": range(&CLOSE_CONNECT_AGAIN), "stay_away": range(&CLOSE_STAY_AWAY)})
}
