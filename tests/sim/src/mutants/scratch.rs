//! A copy of the tracked files, in which things are broken, built and run.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use anyhow::{Context, ensure};

use super::Mutants;

/// The copy. It is kept between runs, as is what was built of it, so that only what differs is built again.
pub(super) struct Scratch {
    source: PathBuf,
    target: PathBuf,
}

/// A seed that fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) seed: u64,
    /// The first promise that it breaks.
    pub(super) promise: String,
}

impl Scratch {
    /// Makes the copy what the files of the repository at `root` are.
    ///
    /// # Errors
    /// When a file can't be copied.
    pub(super) fn of(root: &Path, folder: &Path) -> anyhow::Result<Self> {
        let own = Self { source: folder.join("source"), target: folder.join("target") };
        let listed = output(Command::new("git").arg("-C").arg(root).args(["ls-files", "-z"]))?;
        let listed = String::from_utf8(listed.stdout).context("names of files are text")?;
        let files: BTreeSet<&str> = listed.split('\0').filter(|file| root.join(file).is_file()).collect();
        for file in &files {
            own.write(file, &fs::read(root.join(file)).with_context(|| format!("{file} is read"))?)?;
        }
        own.forget_others(&own.source, &files)?;
        Ok(own)
    }

    /// Removes what is tracked no more: cargo takes tests and binaries for what lies in their folders.
    fn forget_others(&self, folder: &Path, files: &BTreeSet<&str>) -> anyhow::Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                self.forget_others(&path, files)?;
            } else if !path.strip_prefix(&self.source)?.to_str().is_some_and(|file| files.contains(file)) {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }

    /// Writes a file unless it is the same already: its time tells cargo what to build.
    pub(super) fn write(&self, file: &str, content: &[u8]) -> anyhow::Result<()> {
        let path = self.source.join(file);
        if fs::read(&path).is_ok_and(|there| there == content) {
            return Ok(());
        }
        fs::create_dir_all(path.parent().unwrap_or(&self.source))?;
        fs::write(&path, content).with_context(|| format!("{} is written", path.display()))
    }

    /// Builds the simulation.
    ///
    /// # Errors
    /// What the compiler says, when it doesn't build.
    pub(super) fn build(&self) -> anyhow::Result<()> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.args(["build", "--locked", "--quiet", "--package", "chasqui-sim"]);
        // Nobody looks for lines in it, and without them it is built sooner.
        build.envs([("CARGO_PROFILE_DEV_DEBUG", "0"), ("CARGO_INCREMENTAL", "1")]);
        build.env("CARGO_TARGET_DIR", &self.target);
        let built = build.current_dir(&self.source).output().context("cargo runs")?;
        ensure!(built.status.success(), "it doesn't compile:\n{}", String::from_utf8_lossy(&built.stderr));
        Ok(())
    }

    /// Runs what was built until a seed fails; none when all hold.
    ///
    /// # Errors
    /// When it ends otherwise.
    pub(super) fn search(&self, options: &Mutants) -> anyhow::Result<Option<Found>> {
        let mut search = Command::new(self.target.join("debug/chasqui-sim"));
        search.args(["search", "--seeds", &options.seeds.to_string(), "--jobs", &options.jobs.to_string()]);
        let ran = search.output().context("the simulation runs")?;
        let found = found(&String::from_utf8_lossy(&ran.stdout));
        ensure!(
            ran.status.success() == found.is_none(),
            "the simulation ends with {}:\n{}",
            ran.status,
            String::from_utf8_lossy(&ran.stderr)
        );
        Ok(found)
    }
}

/// The lowest seed that is said to fail: those below have passed, whichever ended first.
fn found(said: &str) -> Option<Found> {
    let mut lines = said.lines();
    let mut all = Vec::new();
    while let Some(line) = lines.next() {
        let seed = line.strip_prefix("seed ").and_then(|rest| rest.strip_suffix(" fails:"));
        if let Some(seed) = seed.and_then(|seed| seed.parse().ok()) {
            let promise = lines.next().unwrap_or_default().trim().split(':').next().unwrap_or_default().to_owned();
            all.push(Found { seed, promise });
        }
    }
    all.into_iter().min_by_key(|found| found.seed)
}

fn output(command: &mut Command) -> anyhow::Result<Output> {
    let output = command.output().with_context(|| format!("{command:?} runs"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_seed_counts() {
        let said =
            "seed 9 fails:\n  all is well: not\n  time stands: so\nseed 7 fails:\n  none lies: one does\n9 seeds\n";
        assert_eq!(found(said), Some(Found { seed: 7, promise: "none lies".to_owned() }));
        assert_eq!(found("10 seeds, 0 fail\n"), None);
    }
}
