//! Today's documents only add to those of every release.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use chasqui_tests::schemas::document;
use serde_json::Value;

use crate::stability;

#[test]
fn nothing_that_was_released_is_broken() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/protocol/released");
    let mut broken = Vec::new();
    for release in fs::read_dir(&folder).context("schemas/protocol/released")? {
        let release = release?.path();
        if !release.is_dir() {
            continue;
        }
        let of = |name: &str| -> Result<Value> {
            let path = release.join(name);
            let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            Ok(serde_json::from_str(&text)?)
        };
        let found = [
            stability::codes(&of("codes.json")?, &document("codes.json")?),
            stability::asyncapi(&of("asyncapi.json")?, &document("asyncapi.json")?),
            stability::openapi(&of("openapi.json")?, &document("openapi.json")?),
        ];
        broken.extend(found.into_iter().flatten().map(|what| format!("{}: {what}", release.display())));
    }
    ensure!(broken.is_empty(), "clients of a release would break:\n  {}", broken.join("\n  "));
    Ok(())
}
