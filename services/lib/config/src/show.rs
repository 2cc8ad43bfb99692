//! Options for people to read.

use std::fmt;

use crate::{Loaded, TABLE};

impl fmt::Display for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |of: fn(&crate::Setting) -> &str| self.sources.iter().map(|it| of(it).len()).max().unwrap_or(0);
        let (keys, values) = (width(|it| it.key), width(|it| &it.value));
        for setting in &self.sources {
            writeln!(f, "{:keys$}  {:values$}  {}", setting.key, setting.value, setting.origin)?;
        }
        Ok(())
    }
}

/// The documentation of all options, as a Markdown table.
#[must_use]
pub fn reference() -> String {
    let mut text = String::from("| option | variable | default | what it is |\n|---|---|---|---|\n");
    for entry in TABLE {
        let default = entry.default.map_or_else(|| String::from("not set"), |default| format!("`{default}`"));
        text += &format!("| `{}` | `{}` | {default} | {} |\n", entry.key, entry.variable(), entry.doc.trim());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_has_every_option_with_its_default() {
        let text = reference();
        assert_eq!(text.lines().count(), TABLE.len() + 2);
        assert!(text.contains(
            "\n| `store.flush_interval_ms` | `CHASQUI_STORE__FLUSH_INTERVAL_MS` | `1_000` | How often it is flushed to \
             disk, in milliseconds. |\n"
        ));
        assert!(text.contains("| `seal.master_key` | `CHASQUI_SEAL__MASTER_KEY` | not set | The key"), "{text}");
    }
}
