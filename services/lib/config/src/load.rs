//! The layers, put over each other.

use std::{
    collections::HashMap,
    fmt, fs,
    path::{Path, PathBuf},
};

use config::{Config, Environment, File, FileFormat};

use crate::{Entry, Error, Options, TABLE, environment, toml_keys};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// A configuration file.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
    /// A flag of the command line.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Environment(variable) => write!(f, "environment {variable}"),
            Self::Flag => f.write_str("flag"),
        }
    }
}

/// An option's value, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The option.
    pub key: &'static str,
    /// The value as it may be shown: of a secret only whether it is set.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

/// What [`load`] gives. Its `Display` is a line for each option, with its value and origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The options, not yet validated.
    pub options: Options,
    /// All of them, in the order of the table.
    pub sources: Vec<Setting>,
}

impl Loaded {
    /// [`Options::dev`]; what it fills in counts as set by a flag.
    #[must_use]
    pub fn dev(self) -> Self {
        let options = self.options.dev();
        let refresh = |setting: (&Entry, Setting)| {
            let (entry, old) = setting;
            let value = (entry.shown)(&options);
            if value == old.value { old } else { Setting { value, origin: Origin::Flag, ..old } }
        };
        let sources = TABLE.iter().zip(self.sources).map(refresh).collect();
        Self { options, sources }
    }
}

/// Puts the layers over each other: the defaults, `file`, `environment` (names and values; what means no option is
/// ignored, so the whole environment may be given) and `flags` (keys and values, the last of a key wins).
///
/// # Errors
/// When the file can't be read, a key is unknown, or a value is not what its option holds.
pub fn load(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
    flags: &[(String, String)],
) -> Result<Loaded, Error> {
    let mut origins = HashMap::new();
    let mut builder = Config::builder();

    if let Some(path) = file {
        let text = fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        for found in toml_keys::keys(path, &text, is_section)? {
            let origin = Origin::File(path.to_owned());
            origins.insert(known(&found.key, &origin, Some(found.line))?, origin);
        }
        builder = builder.add_source(File::from_str(&text, FileFormat::Toml));
    }

    let mut variables = HashMap::new();
    for (name, value) in environment {
        if let Some(key) = environment::key(&name, &value) {
            let origin = Origin::Environment(name.clone());
            origins.insert(known(&key, &origin, None)?, origin);
            variables.insert(name, value);
        }
    }
    let prefix = environment::PREFIX.trim_end_matches('_');
    let layer = Environment::with_prefix(prefix).prefix_separator("_").separator("__").source(Some(variables));
    builder = builder.add_source(layer);

    for (key, value) in flags {
        let key = known(key, &Origin::Flag, None)?;
        origins.insert(key, Origin::Flag);
        builder = builder.set_override(key, value.as_str()).map_err(Error::Layers)?;
    }

    let config = builder.build().map_err(Error::Layers)?;
    for entry in TABLE {
        check(entry, &config, origins.get(entry.key))?;
    }
    let options: Options = config.try_deserialize().map_err(Error::Layers)?;
    let setting = |entry: &Entry| Setting {
        key: entry.key,
        value: (entry.shown)(&options),
        origin: origins.remove(entry.key).unwrap_or(Origin::Default),
    };
    Ok(Loaded { sources: TABLE.iter().map(setting).collect(), options })
}

fn check(entry: &Entry, config: &Config, origin: Option<&Origin>) -> Result<(), Error> {
    let Some(origin) = origin else { return Ok(()) };
    let value: config::Value = config.get(entry.key).map_err(Error::Layers)?;
    if (entry.takes)(&value.kind) {
        return Ok(());
    }
    Err(Error::Value { key: entry.key, origin: origin.clone(), expected: entry.expected })
}

fn is_section(key: &str) -> bool {
    TABLE.iter().any(|entry| entry.key.split_once('.').is_some_and(|(section, _)| section == key))
}

fn known(key: &str, origin: &Origin, line: Option<usize>) -> Result<&'static str, Error> {
    if let Some(entry) = TABLE.iter().find(|entry| entry.key == key) {
        return Ok(entry.key);
    }
    let nearest = TABLE.iter().map(|entry| entry.key).min_by_key(|known| distance(key, known)).unwrap_or_default();
    Err(Error::UnknownKey { key: key.to_owned(), origin: origin.clone(), line, nearest })
}

/// How many letters differ. A right name in a wrong section counts as near.
fn distance(one: &str, other: &str) -> usize {
    let name = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    strsim::damerau_levenshtein(one, other).min(strsim::damerau_levenshtein(&name(one), &name(other)) + 1)
}
