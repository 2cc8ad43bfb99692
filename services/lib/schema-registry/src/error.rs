//! What can go wrong.

use reqwest::StatusCode;

/// Why a schema is not registered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address is none.
    #[error("{url:?} is no address of a schema registry: write one like http://localhost:8081")]
    Address {
        /// What was given.
        url: String,
    },
    /// There was no whole answer.
    #[error("the schema registry at {url} can't be asked: is registry.url right?")]
    Away {
        /// Where it was asked.
        url: String,
        /// What happened.
        source: reqwest::Error,
    },
    /// It wants to know who asks, or lets somebody else do this.
    #[error(
        "the schema registry at {url} refuses with {status}: set registry.user and registry.password, or ask for the right"
    )]
    Forbidden {
        /// Where it was asked.
        url: String,
        /// How it refused.
        status: StatusCode,
    },
    /// What answers speaks otherwise.
    #[error(
        "what answers at {url} with {status} is no schema registry: registry.url must be the address above /subjects, like \
         http://localhost:8081, or http://localhost:8080/apis/ccompat/v7 with Apicurio"
    )]
    NoRegistry {
        /// Where it was asked.
        url: String,
        /// How it answered.
        status: StatusCode,
    },
    /// The schema can't read what an earlier one wrote.
    #[error(
        "{subject} was refused, since it can't read what an earlier version of it wrote: {why}. Give new fields a default \
         and let names and types stay. If nobody has such records any more, delete the version from the registry"
    )]
    Incompatible {
        /// The subject.
        subject: String,
        /// What the registry says.
        why: String,
    },
    /// It refuses for another reason.
    #[error("the schema registry refuses {subject} with {status}: {why}")]
    Refused {
        /// The subject.
        subject: String,
        /// How it refused.
        status: StatusCode,
        /// What it says.
        why: String,
    },
}
