//! Why options can't be read.

use std::{io, path::PathBuf};

use crate::{Origin, environment};

/// Why options can't be read. None of it shows a secret; trying again doesn't help.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file can't be read.
    #[error("can't read the configuration file {}", path.display())]
    Read {
        /// Where it should be.
        path: PathBuf,
        /// What went wrong.
        #[source]
        source: io::Error,
    },
    /// The file is not TOML. The line itself is not repeated, it may hold a secret.
    #[error("{}:{line}: not TOML: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A key that no option has.
    #[error("unknown key {key} ({origin}{}); did you mean {}?", at(*line), spelled(nearest, origin))]
    UnknownKey {
        /// The key.
        key: String,
        /// Where it stands.
        origin: Origin,
        /// The line in the file, from 1.
        line: Option<usize>,
        /// The known key that is most like it.
        nearest: &'static str,
    },
    /// A value that the option can't hold.
    #[error("{key} must be {expected} ({origin})")]
    Value {
        /// The option.
        key: &'static str,
        /// Where the value stands.
        origin: Origin,
        /// What it must be.
        expected: &'static str,
    },
    /// A variable that doesn't hold text.
    #[error("the environment variable {variable} doesn't hold text")]
    NotText {
        /// Its name.
        variable: String,
    },
    /// The layers don't make options, for a reason that none of the others says.
    #[error("can't put the options together")]
    Layers(#[source] config::ConfigError),
}

fn at(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(", line {line}"))
}

/// The key as whoever wrote there would write it.
fn spelled(key: &str, origin: &Origin) -> String {
    match origin {
        Origin::Environment(_) => environment::variable(key),
        _ => key.to_owned(),
    }
}
