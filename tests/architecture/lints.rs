//! Every crate is under the workspace's lints, and these forbid unsafe code.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::workspace::{Workspace, root};

#[test]
fn every_crate_inherits_the_workspace_lints() -> Result<()> {
    let mut without = Vec::new();
    for package in Workspace::load()?.crates() {
        if !inherits_lints(&manifest(package.manifest_path.as_std_path())?) {
            without.push(package.name.to_string());
        }
    }
    ensure!(without.is_empty(), "`[lints] workspace = true` is missing in {}", without.join(", "));
    Ok(())
}

#[test]
fn unsafe_code_is_forbidden() -> Result<()> {
    let manifest = manifest(&root().join("Cargo.toml"))?;
    let rust = manifest.get("workspace").and_then(|workspace| workspace.get("lints")?.get("rust"));
    let level = rust.and_then(|rust| rust.get("unsafe_code")).and_then(toml::Value::as_str);
    ensure!(level == Some("forbid"), "[workspace.lints.rust] unsafe_code is {level:?}; it must be \"forbid\"");
    Ok(())
}

fn inherits_lints(manifest: &toml::Table) -> bool {
    let workspace = manifest.get("lints").and_then(|lints| lints.get("workspace"));
    workspace.and_then(toml::Value::as_bool) == Some(true)
}

fn manifest(path: &Path) -> Result<toml::Table> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    text.parse().with_context(|| path.display().to_string())
}
