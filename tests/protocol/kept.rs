//! The files in `schemas/protocol` are what the program serves. `CHASQUI_WRITE_SAMPLES=1` writes them.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, ensure};
use chasqui_tests::schemas::document;
use chasqui_wire::protocol;

const BEGIN: &str = "<!-- codes:begin -->\n";
const END: &str = "<!-- codes:end -->\n";

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../schemas/protocol").join(name)
}

fn kept(name: &str, expected: &str) -> Result<()> {
    let path = path(name);
    let is_kept = fs::read_to_string(&path).is_ok_and(|file| file == expected);
    if !is_kept && std::env::var_os("CHASQUI_WRITE_SAMPLES").is_some() {
        fs::write(&path, expected)?;
    }
    let file = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    ensure!(file == expected, "{name} is not what the program serves; CHASQUI_WRITE_SAMPLES=1 writes it");
    Ok(())
}

#[test]
fn the_documents_are_those_of_the_program() -> Result<()> {
    kept("openapi.json", chasqui::protocol::openapi())?;
    kept("asyncapi.json", chasqui::protocol::asyncapi())?;
    kept("codes.json", chasqui::protocol::codes())
}

#[test]
fn every_reference_leads_somewhere() -> Result<()> {
    for name in ["openapi.json", "asyncapi.json"] {
        let document = document(name)?;
        let text = document.to_string();
        let references: Vec<_> = text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        ensure!(!references.is_empty());
        for reference in references {
            ensure!(document.pointer(reference).is_some(), "{name}: {reference}");
        }
    }
    Ok(())
}

#[test]
fn the_page_has_the_codes_of_the_program() -> Result<()> {
    let page = fs::read_to_string(path("PROTOCOL.md"))?;
    let (before, rest) = page.split_once(BEGIN).context("no begin of the codes")?;
    let (_, behind) = rest.split_once(END).context("no end of the codes")?;
    kept("PROTOCOL.md", &format!("{before}{BEGIN}{}{END}{behind}", protocol::codes_table()))
}
