//! Today's Avro schemas read what every release wrote: the rule `BACKWARD_TRANSITIVE`, which the schema registry has as well,
//! held before anything is registered.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use apache_avro::{
    Schema,
    reader::datum::GenericDatumReader,
    schema_compatibility::{Compatibility, SchemaCompatibility},
};
use chasqui_wire::schemas::{fingerprint, on_topics};

use crate::workspace::root;

/// What a record begins with; the fingerprint of its schema follows.
const SINGLE_OBJECT: [u8; 2] = [0xC3, 0x01];

/// Schemas that are complete in themselves, by the full names of their records.
type Schemas = BTreeMap<String, Schema>;

#[test]
fn todays_schemas_read_those_of_every_release() -> Result<()> {
    let today = schemas(&root().join("schemas/avro"))?;
    let mut broken = Vec::new();
    for release in releases()? {
        broken.extend(unreadable(&schemas(&release)?, &today).into_iter().map(|what| shown(&release, &what)));
    }
    ensure!(broken.is_empty(), "records of a release could not be read:\n  {}", broken.join("\n  "));
    Ok(())
}

#[test]
fn todays_schemas_read_the_samples_of_every_release() -> Result<()> {
    let today = schemas(&root().join("schemas/avro"))?;
    for release in releases()? {
        let writers = schemas(&release)?;
        let samples = files(&release.join("samples"), "hex")?;
        ensure!(!samples.is_empty(), "{} has no samples", release.display());
        for sample in samples {
            read(&bytes(&sample)?, &writers, &today).with_context(|| sample.display().to_string())?;
        }
    }
    Ok(())
}

#[test]
fn what_a_later_version_cant_read_is_found() -> Result<()> {
    let event = |fields: &str| -> Result<Schemas> {
        let text = format!(r#"{{"type":"record","name":"chasqui.Event","fields":[{fields}]}}"#);
        Ok([("chasqui.Event".to_owned(), Schema::parse_str(&text)?)].into())
    };
    let old = event(r#"{"name":"seq","type":"long"}"#)?;
    let added = event(r#"{"name":"seq","type":"long"},{"name":"mood","type":["null","string"],"default":null}"#)?;
    ensure!(unreadable(&old, &added).is_empty() && unreadable(&added, &old).is_empty());
    for wrong in [
        r#"{"name":"seq","type":"long"},{"name":"mood","type":"string"}"#,
        r#"{"name":"seq","type":"string"}"#,
        r#"{"name":"number","type":"long"}"#,
    ] {
        ensure!(unreadable(&old, &event(wrong)?).len() == 1, "{wrong}");
    }
    ensure!(unreadable(&old, &Schemas::new()).len() == 1, "what is in a topic stays");
    Ok(())
}

fn shown(release: &Path, what: &str) -> String {
    format!("{}: {what}", release.file_name().unwrap_or_default().to_string_lossy())
}

/// The folders of releases, at least one.
fn releases() -> Result<Vec<PathBuf>> {
    let folder = root().join("schemas/avro/released");
    let mut releases = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            releases.push(path);
        }
    }
    ensure!(!releases.is_empty(), "{} has no release", folder.display());
    releases.sort();
    Ok(releases)
}

fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn schemas(folder: &Path) -> Result<Schemas> {
    let texts: Vec<String> = files(folder, "avsc")?.iter().map(fs::read_to_string).collect::<Result<_, _>>()?;
    let all = Schema::parse_list(&texts).with_context(|| folder.display().to_string())?;
    let mut whole = Schemas::new();
    for schema in &all {
        let name = schema.name().context("a schema without a name")?.fullname(None);
        let mut schema = schema.clone();
        schema.denormalize(&all)?;
        whole.insert(name, schema);
    }
    Ok(whole)
}

/// The records that today's schemas can't read, and why. One that is gone matters if topics hold it: any other stands
/// within one that is looked at.
fn unreadable(old: &Schemas, today: &Schemas) -> Vec<String> {
    let on_topics = on_topics().map(|all| all.into_iter().map(|schema| schema.name).collect::<Vec<_>>());
    let on_topics = on_topics.unwrap_or_default();
    let mut broken = Vec::new();
    for (name, writer) in old {
        match today.get(name).map(|reader| SchemaCompatibility::can_read(writer, reader)) {
            Some(Ok(Compatibility::Full)) => {}
            Some(Ok(Compatibility::Partial)) => broken.push(format!("{name}: not every record could be read")),
            Some(Err(error)) => broken.push(format!("{name}: {error}")),
            None if on_topics.contains(name) => broken.push(format!("{name} is gone")),
            None => {}
        }
    }
    broken
}

/// Reads a record as one does who has today's schema and gets the one that it was written with from a registry.
fn read(record: &[u8], writers: &Schemas, today: &Schemas) -> Result<()> {
    for (name, writer) in writers {
        let header = [&SINGLE_OBJECT, &fingerprint(&serde_json::to_string(writer)?)?[..]].concat();
        let Some(mut body) = record.strip_prefix(header.as_slice()) else { continue };
        let Some(reader) = today.get(name) else { return Ok(()) };
        GenericDatumReader::builder(writer).reader_schema(reader).build()?.read_value(&mut body)?;
        ensure!(body.is_empty(), "{} bytes are left", body.len());
        return Ok(());
    }
    bail!("no schema of the release has this fingerprint")
}

fn bytes(file: &Path) -> Result<Vec<u8>> {
    let digits: String = fs::read_to_string(file)?.split_whitespace().collect();
    let byte = |at: usize| Ok(u8::from_str_radix(digits.get(at..at + 2).context("half a byte")?, 16)?);
    (0..digits.len()).step_by(2).map(byte).collect()
}
