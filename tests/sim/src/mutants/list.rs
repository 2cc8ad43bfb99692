//! The list of breaks.

use std::{fs, path::Path};

use anyhow::{Context, ensure};
use serde::Deserialize;

/// A break at one place.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mutant {
    /// What it is called.
    pub(super) name: String,
    /// What it takes away, in a sentence.
    pub(super) why: String,
    /// The file, from the root of the repository.
    pub(super) file: String,
    /// What is there once.
    old: String,
    /// What is put there.
    new: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    mutant: Vec<Mutant>,
}

impl Mutant {
    /// The text of its file with the break in it, and the number of the line that is broken.
    ///
    /// # Errors
    /// When what is to be broken is not there exactly once.
    pub(super) fn applied(&self, text: &str) -> anyhow::Result<(String, usize)> {
        let found = text.matches(&self.old).count();
        ensure!(found == 1, "its text is {found} times in {}, not once", self.file);
        let same = self.old.lines().zip(self.new.lines()).take_while(|(old, new)| old == new).count();
        let before = text.split(&self.old).next().unwrap_or_default().lines().count();
        let starts_a_line = text.split(&self.old).next().is_some_and(|before| before.ends_with('\n'));
        Ok((text.replacen(&self.old, &self.new, 1), before + same + usize::from(starts_a_line)))
    }
}

/// Reads the list.
///
/// # Errors
/// When it can't be read, or two breaks have one name.
pub(super) fn read(file: &Path) -> anyhow::Result<Vec<Mutant>> {
    let text = fs::read_to_string(file).with_context(|| format!("{} is read", file.display()))?;
    let List { mutant } = toml::from_str(&text).with_context(|| format!("{}", file.display()))?;
    let mut names: Vec<_> = mutant.iter().map(|mutant| &mutant.name).collect();
    names.sort();
    let twice = names.windows(2).find(|pair| pair[0] == pair[1]);
    ensure!(twice.is_none(), "two breaks are called {twice:?}");
    Ok(mutant)
}
