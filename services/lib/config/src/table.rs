//! The one table of options: structs, defaults, documentation and the list of keys come out of it.

use config::ValueKind;

use crate::{Options, environment};

/// One option, as the documentation and the `config` command speak of it.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Its key, such as `log.segment_bytes`.
    pub key: &'static str,
    /// Its default, written as TOML; none when it is not set by default.
    pub default: Option<&'static str>,
    /// What it is, in Markdown.
    pub doc: &'static str,
    pub(crate) expected: &'static str,
    pub(crate) takes: fn(&ValueKind) -> bool,
    pub(crate) shown: fn(&Options) -> String,
}

impl Entry {
    /// The environment variable that sets it, such as `CHASQUI_LOG__SEGMENT_BYTES`.
    #[must_use]
    pub fn variable(&self) -> String {
        environment::variable(self.key)
    }
}

/// Writes the structs of all sections, those of the root last, and `TABLE`.
macro_rules! options {
    (
        $(#[doc = $root_doc:literal])+
        $root:ident {
            $(
                $(#[doc = $field_doc:literal])+
                $field:ident: $type:ident $(<$inner:ident>)? = $default:tt,
            )*
        }
        $(
            $(#[doc = $section_doc:literal])+
            $section_field:ident: $section:ident {
                $(
                    $(#[doc = $option_doc:literal])+
                    $option:ident: $option_type:ident $(<$option_inner:ident>)? = $option_default:tt,
                )*
            }
        )*
    ) => {
        $(
            $(#[doc = $section_doc])+
            #[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
            #[serde(deny_unknown_fields, default)]
            pub struct $section {
                $(
                    $(#[doc = $option_doc])+
                    #[doc = ""]
                    #[doc = concat!("Default: `", stringify!($option_default), "`.")]
                    pub $option: $option_type $(<$option_inner>)?,
                )*
            }

            impl Default for $section {
                fn default() -> Self {
                    Self { $($option: $crate::table::default_value!($option_type, $option_default),)* }
                }
            }
        )*

        $(#[doc = $root_doc])+
        #[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $root {
            $(
                $(#[doc = $field_doc])+
                #[doc = ""]
                #[doc = concat!("Default: `", stringify!($default), "`.")]
                pub $field: $type $(<$inner>)?,
            )*
            $(
                $(#[doc = $section_doc])+
                pub $section_field: $section,
            )*
        }

        impl Default for $root {
            fn default() -> Self {
                Self {
                    $($field: $crate::table::default_value!($type, $default),)*
                    $($section_field: $section::default(),)*
                }
            }
        }

        /// All options, those without a section first.
        pub const TABLE: &[$crate::Entry] = &[
            $(
                $crate::Entry {
                    key: stringify!($field),
                    default: $crate::table::default_text!($default),
                    doc: concat!($($field_doc),+),
                    expected: <$type $(<$inner>)? as $crate::kind::Kind>::EXPECTED,
                    takes: <$type $(<$inner>)? as $crate::kind::Kind>::takes,
                    shown: |options| $crate::kind::Kind::shown(&options.$field),
                },
            )*
            $($(
                $crate::Entry {
                    key: concat!(stringify!($section_field), ".", stringify!($option)),
                    default: $crate::table::default_text!($option_default),
                    doc: concat!($($option_doc),+),
                    expected: <$option_type $(<$option_inner>)? as $crate::kind::Kind>::EXPECTED,
                    takes: <$option_type $(<$option_inner>)? as $crate::kind::Kind>::takes,
                    shown: |options| $crate::kind::Kind::shown(&options.$section_field.$option),
                },
            )*)*
        ];
    };
}

macro_rules! default_value {
    (String, $text:literal) => {
        String::from($text)
    };
    (PathBuf, $text:literal) => {
        PathBuf::from($text)
    };
    ($type:ident, $value:tt) => {
        $value
    };
}

macro_rules! default_text {
    (None) => {
        None
    };
    ($value:tt) => {
        Some(stringify!($value))
    };
}

pub(crate) use {default_text, default_value, options};
