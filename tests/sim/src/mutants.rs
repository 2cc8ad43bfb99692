//! Shows what the simulation is worth: breaks the product on purpose, one place at a time, and looks whether a seed
//! notices.

mod list;
mod scratch;

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, bail, ensure};

use list::Mutant;
use scratch::{Found, Scratch};

/// What to run.
#[derive(Debug, clap::Args)]
pub struct Mutants {
    /// Only these breaks.
    #[arg(long)]
    only: Vec<String>,
    /// So many seeds the unbroken source must pass, and within so many each break must be found.
    #[arg(long, env = "MUTANTS_SEEDS", default_value_t = 5_000)]
    seeds: u64,
    /// How many threads run seeds.
    #[arg(long, default_value_t = 2)]
    jobs: u64,
}

/// A break that was found.
struct Row<'a> {
    mutant: &'a Mutant,
    line: usize,
    found: Found,
}

/// Breaks the source of this build, one break after the other. `say` gets what came out, and `note` how it goes.
/// Gives whether a seed has found every break.
///
/// # Errors
/// When the list can't be read, the files can't be copied, or the unbroken source fails.
pub fn run(options: &Mutants, say: impl Fn(&str), note: impl Fn(&str)) -> anyhow::Result<bool> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let (mutants, folder) = (list::read(&root.join("tests/sim/mutants.toml"))?, root.join("target/mutants"));
    let unknown = options.only.iter().find(|name| mutants.iter().all(|mutant| mutant.name != **name));
    if let Some(name) = unknown {
        bail!("no break is called {name:?}; tests/sim/mutants.toml names them");
    }
    let is_wanted = |mutant: &&Mutant| options.only.is_empty() || options.only.contains(&mutant.name);
    let scratch = Scratch::of(&root, &folder)?;
    let all_began = Instant::now();
    note("unbroken …");
    scratch.build()?;
    let found = scratch.search(options)?;
    ensure!(found.is_none(), "the unbroken source fails: {found:?}");
    note(&format!("unbroken: {} seeds hold, {:.0?}", options.seeds, all_began.elapsed()));
    let (mut rows, mut faults) = (Vec::new(), Vec::new());
    for mutant in mutants.iter().filter(is_wanted) {
        let began = Instant::now();
        match find(mutant, &root, &scratch, options) {
            Ok(row) => {
                let Found { seed, promise } = &row.found;
                note(&format!("{}: seed {seed}, {promise}, {:.0?}", mutant.name, began.elapsed()));
                rows.push(row);
            }
            Err(fault) => {
                note(&format!("{}: {fault:#}", mutant.name));
                faults.push(format!("{} ({}): {fault:#}", mutant.name, mutant.why));
            }
        }
    }
    let table = table(&rows);
    say(&table);
    write(&folder.join("table.md"), &table)?;
    faults.iter().for_each(|fault| say(fault));
    let (found, all) = (rows.len(), rows.len() + faults.len());
    say(&format!("{found} of {all} breaks are found, {:.0?}", all_began.elapsed()));
    Ok(faults.is_empty())
}

/// Applies a break, looks for it, and takes it back.
fn find<'a>(mutant: &'a Mutant, root: &Path, scratch: &Scratch, options: &Mutants) -> anyhow::Result<Row<'a>> {
    let text = fs::read_to_string(root.join(&mutant.file)).with_context(|| format!("{} is read", mutant.file))?;
    let (broken, line) = mutant.applied(&text)?;
    scratch.write(&mutant.file, broken.as_bytes())?;
    let found = scratch.build().and_then(|()| scratch.search(options));
    scratch.write(&mutant.file, text.as_bytes())?;
    let found = found?.with_context(|| format!("none of {} seeds finds it", options.seeds))?;
    Ok(Row { mutant, line, found })
}

fn table(rows: &[Row<'_>]) -> String {
    let mut table = "| break | where | seeds | broken first | seed |\n|---|---|--:|---|--:|\n".to_owned();
    for Row { mutant: Mutant { name, file, .. }, line, found: Found { seed, promise } } in rows {
        // Writing to a string doesn't fail.
        let _ = writeln!(table, "| {name} | `{file}:{line}` | {} | {promise} | {seed} |", seed + 1);
    }
    table
}

fn write(file: &PathBuf, text: &str) -> anyhow::Result<()> {
    fs::write(file, text).with_context(|| format!("{} is written", file.display()))
}
