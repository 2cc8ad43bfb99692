//! The keys that a TOML file sets, and the lines they stand in.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use crate::Error;

/// A key of a file, levels joined by dots.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) key: String,
    /// From 1.
    pub(crate) line: usize,
}

/// All keys of the file that hold a value. A table that is empty and no section counts as a key.
pub(crate) fn keys(path: &Path, text: &str, is_section: impl Fn(&str) -> bool) -> Result<Vec<Key>, Error> {
    let table = DeTable::parse(text).map_err(|error| Error::Syntax {
        path: path.to_owned(),
        line: line(text, error.span().map_or(0, |span| span.start)),
        message: error.message().to_owned(),
    })?;
    let mut keys = Vec::new();
    collect("", table.get_ref(), text, &is_section, &mut keys);
    Ok(keys)
}

fn collect(prefix: &str, table: &DeTable<'_>, text: &str, is_section: &impl Fn(&str) -> bool, keys: &mut Vec<Key>) {
    for (name, value) in table {
        let key = format!("{prefix}{}", name.get_ref());
        match value.get_ref() {
            DeValue::Table(table) if !table.is_empty() || is_section(&key) => {
                collect(&format!("{key}."), table, text, is_section, keys);
            }
            _ => keys.push(Key { key, line: line(text, name.span().start) }),
        }
    }
}

fn line(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|&&byte| byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Key>, Error> {
        keys(Path::new("a.toml"), text, |key| key == "log")
    }

    fn key(key: &str, line: usize) -> Key {
        Key { key: key.to_owned(), line }
    }

    #[test]
    fn keys_come_with_their_lines() {
        let found = read("listen = 'x'\n\n[log]\nsegment_bytes = 1\n[lgo]\n").unwrap();
        assert_eq!(found, [key("lgo", 5), key("listen", 1), key("log.segment_bytes", 4)]);
        assert_eq!(read("[log]\n").unwrap(), []);
    }

    #[test]
    fn a_line_that_is_not_toml_is_named_but_not_repeated() {
        let error = read("listen = 'x'\nsecret = \"hush\n").unwrap_err();
        assert!(matches!(error, Error::Syntax { line: 2, .. }), "{error}");
        assert!(!format!("{error} {error:?}").contains("hush"));
    }
}
