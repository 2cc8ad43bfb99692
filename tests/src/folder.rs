//! A folder of a test: its own, and kept when the test fails.

use std::path::{Path, PathBuf};

use anyhow::Context;

/// A folder that stays unless it is removed, so that what a failed test leaves can be looked at.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// A new one, with the test's name in its own.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn new(test: &str) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix(&format!("chasqui-{test}-")).tempdir();
        Ok(Self(folder.context("a folder for the test")?.keep()))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The test has succeeded.
    ///
    /// # Errors
    /// When it can't be removed.
    pub fn remove(self) -> anyhow::Result<()> {
        std::fs::remove_dir_all(&self.0).with_context(|| format!("removing {}", self.0.display()))
    }
}
