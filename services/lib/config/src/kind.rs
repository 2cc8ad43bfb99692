//! What a value of an option can be, how it is read, and how it is shown.

use std::{fmt, path::PathBuf};

use config::ValueKind;
use serde::Deserialize;

/// A text that is never shown. `Debug` hides it too.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for whoever uses it. It must not be logged or printed.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SET)
    }
}

const SET: &str = "(set)";
pub(crate) const NOT_SET: &str = "(not set)";

/// The type of an option. The check is stricter than the reading that follows it, which would take `yes` for 1 and
/// round 1.5.
pub(crate) trait Kind {
    /// What a value must be, to complete "must be ...".
    const EXPECTED: &'static str;

    /// Whether it can hold this value.
    fn takes(value: &ValueKind) -> bool;

    /// The value, as it may be shown to anyone.
    fn shown(&self) -> String;
}

macro_rules! whole_number {
    ($($number:ty),*) => {$(
        impl Kind for $number {
            const EXPECTED: &'static str = "a whole number, not below 0 and not too big";

            fn takes(value: &ValueKind) -> bool {
                match value {
                    ValueKind::I64(number) => Self::try_from(*number).is_ok(),
                    ValueKind::U64(number) => Self::try_from(*number).is_ok(),
                    ValueKind::String(text) => text.parse::<Self>().is_ok(),
                    _ => false,
                }
            }

            fn shown(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

whole_number!(u32, u64, usize);

impl Kind for String {
    const EXPECTED: &'static str = "a text";

    fn takes(value: &ValueKind) -> bool {
        matches!(value, ValueKind::String(_))
    }

    fn shown(&self) -> String {
        self.clone()
    }
}

impl Kind for PathBuf {
    const EXPECTED: &'static str = "the path of a folder, as text";

    fn takes(value: &ValueKind) -> bool {
        String::takes(value)
    }

    fn shown(&self) -> String {
        self.display().to_string()
    }
}

impl Kind for Secret {
    const EXPECTED: &'static str = "a text";

    fn takes(value: &ValueKind) -> bool {
        String::takes(value)
    }

    fn shown(&self) -> String {
        SET.to_owned()
    }
}

impl<T: Kind> Kind for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;

    fn takes(value: &ValueKind) -> bool {
        T::takes(value)
    }

    fn shown(&self) -> String {
        self.as_ref().map_or_else(|| NOT_SET.to_owned(), T::shown)
    }
}
