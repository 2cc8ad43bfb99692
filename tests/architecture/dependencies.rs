//! Who may depend on whom. The tables name the crates; each test is one rule over them and says whom it caught, and
//! by which way.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use cargo_metadata::{Dependency, DependencyKind, Package};

use crate::workspace::{Reached, Workspace};

const DOMAIN: &str = "chasqui-domain";
const WIRE: &str = "chasqui-wire";
const CLIENT: &str = "chasqui-client";
const AUTH: &str = "chasqui-auth";
const RUNTIME: &str = "chasqui-runtime";
const ORACLE: &str = "chasqui-oracle";

/// They see traits; the binary hands them the providers.
const ROLES: &[&str] = &["chasqui-gateway", "chasqui-router", "chasqui-sequencer"];

/// Each implements the traits of the log or of the store.
const PROVIDERS: &[&str] =
    &["chasqui-log-embedded", "chasqui-log-kafka", "chasqui-store-cql", "chasqui-store-embedded"];

/// Those that only some builds have: whoever tries Chasqui needn't wait for the clients of Kafka and CQL.
const PROVIDERS_OF_CLUSTERS: &[&str] = &["chasqui-log-kafka", "chasqui-store-cql"];

/// Where roles meet providers.
const MEETING_PLACES: &[&str] = &["chasqui", CLUSTER_TESTS, "chasqui-tests", FUZZ];

/// They look at topics and tables past the providers.
const CLUSTER_TESTS: &str = "chasqui-cluster-tests";

/// Its programs are tests.
const FUZZ: &str = "chasqui-fuzz";

/// Those that may be built with the testkit: nothing of them is for anything but tests, their libraries included.
const BUILT_FOR_TESTS: &[&str] = &["chasqui-sim", "chasqui-tests", FUZZ];

/// All that the oracle needs: to be read and written, and an error.
const KNOWN_BY_THE_ORACLE: &[&str] = &["serde", "thiserror"];

/// A library behind a provider, and the crates of ours that know it.
const KNOWN_ONLY_BY: &[(&str, &[&str])] = &[
    ("rdkafka", &[CLUSTER_TESTS, "chasqui-log-kafka"]),
    ("redb", &["chasqui-store-embedded"]),
    ("scylla", &[CLUSTER_TESTS, "chasqui-store-cql"]),
];

/// What would let the domain wait or log, wherever it came in. A trailing `*` stands for any ending.
const RUNTIMES: &[&str] =
    &["async-*", "futures", "futures-*", "log", "mio", "smol", "tokio", "tokio-*", "tracing", "tracing-*"];

/// Clocks and randomness. Our other crates switch them on inside libraries that the domain shares, such as the
/// hashes', where the domain can't call them; so it only may not name them.
const CLOCKS_AND_CHANCE: &[&str] = &["chrono", "fastrand", "getrandom", "jiff", "rand", "rand_*", "time", "uuid"];

#[test]
fn the_domain_depends_on_no_crate_of_ours() -> Result<()> {
    reaches_of_ours_only(DOMAIN, &[])
}

#[test]
fn the_domain_depends_on_no_runtime() -> Result<()> {
    let is_runtime = |reached: &Reached| listed(RUNTIMES, &reached.name);
    refuse(DOMAIN, is_runtime, "the domain doesn't await or log")
}

#[test]
fn the_domain_reads_no_clocks_or_chance() -> Result<()> {
    let is_named = |reached: &Reached| reached.is_direct && listed(CLOCKS_AND_CHANCE, &reached.name);
    refuse(DOMAIN, is_named, "the domain reads no clocks or randomness; callers pass them")
}

#[test]
fn wire_depends_on_the_domain_only() -> Result<()> {
    reaches_of_ours_only(WIRE, &[DOMAIN])
}

#[test]
fn the_client_depends_on_wire_the_domain_and_the_runtime_only() -> Result<()> {
    reaches_of_ours_only(CLIENT, &[WIRE, DOMAIN, RUNTIME])
}

#[test]
fn auth_depends_on_the_domain_and_the_runtime_only() -> Result<()> {
    reaches_of_ours_only(AUTH, &[DOMAIN, RUNTIME])
}

#[test]
fn the_oracle_shares_no_code_with_the_system() -> Result<()> {
    reaches_of_ours_only(ORACLE, &[])?;
    let is_other = |reached: &Reached| reached.is_direct && !KNOWN_BY_THE_ORACLE.contains(&reached.name.as_str());
    refuse(ORACLE, is_other, "the oracle knows texts and numbers, and awaits nothing")
}

#[test]
fn roles_never_depend_on_providers() -> Result<()> {
    for role in ROLES {
        let is_provider = |reached: &Reached| PROVIDERS.contains(&reached.name.as_str());
        refuse(role, is_provider, "a role sees the traits of log and store, never who provides them")?;
    }
    Ok(())
}

#[test]
fn roles_never_depend_on_each_other() -> Result<()> {
    for role in ROLES {
        let is_other_role = |reached: &Reached| ROLES.contains(&reached.name.as_str());
        refuse(role, is_other_role, "roles meet through topics and the store")?;
    }
    Ok(())
}

#[test]
fn only_the_binary_and_the_tests_depend_on_providers() -> Result<()> {
    let workspace = Workspace::load()?;
    for provider in PROVIDERS {
        workspace.named(provider)?;
    }
    let mut broken = Vec::new();
    for package in workspace.crates() {
        let name = package.name.as_str();
        let is_known = |dep: &&Dependency| PROVIDERS.contains(&dep.name.as_str());
        let built_with = package.dependencies.iter().filter(|dep| dep.kind != DependencyKind::Development);
        if !MEETING_PLACES.contains(&name) {
            broken.extend(built_with.filter(is_known).map(|dep| format!("{name} → {}", dep.name)));
        }
    }
    ensure!(broken.is_empty(), "only {MEETING_PLACES:?} may depend on a provider, but: {}", broken.join(", "));
    Ok(())
}

#[test]
fn the_testkit_is_built_into_nothing() -> Result<()> {
    let workspace = Workspace::load()?;
    let testkit = workspace.named("chasqui-testkit")?.name.as_str();
    let has_it = |package: &&Package| {
        !BUILT_FOR_TESTS.contains(&package.name.as_str())
            && package.dependencies.iter().any(|dep| dep.name == testkit && dep.kind != DependencyKind::Development)
    };
    let broken: Vec<_> = workspace.crates().into_iter().filter(has_it).map(|package| package.name.as_str()).collect();
    ensure!(broken.is_empty(), "{testkit} is for dev-dependencies, but {broken:?} build with it");
    Ok(())
}

#[test]
fn a_providers_library_is_known_to_it_alone() -> Result<()> {
    let workspace = Workspace::load()?;
    for (library, knowers) in KNOWN_ONLY_BY {
        let knows = |package: &&Package| package.dependencies.iter().any(|dep| dep.name == *library);
        let knowing: BTreeSet<_> =
            workspace.crates().into_iter().filter(knows).map(|package| package.name.as_str()).collect();
        let wanted = knowers.iter().copied().collect();
        ensure!(knowing == wanted, "{library} is known by {knowing:?}; it should be by {knowers:?} alone");
    }
    Ok(())
}

#[test]
fn the_clients_of_clusters_are_built_only_when_asked_for() -> Result<()> {
    let workspace = Workspace::load()?;
    let binary = workspace.named("chasqui")?;
    for provider in PROVIDERS_OF_CLUSTERS {
        let known = binary.dependencies.iter().find(|dep| dep.name == *provider);
        ensure!(known.is_some_and(|dep| dep.optional), "{provider} is to be optional in {}", binary.name);
    }
    ensure!(!binary.features.contains_key("default"), "{} is to have no features by default", binary.name);
    Ok(())
}

#[test]
fn a_pattern_matches_its_name_or_any_ending() {
    let patterns = ["tokio", "async-*"];
    assert!(listed(&patterns, "tokio"));
    assert!(!listed(&patterns, "tokio-util"));
    assert!(listed(&patterns, "async-trait"));
    assert!(!listed(&patterns, "async"));
}

/// Of our crates, `from` reaches those in `allowed` and no other.
fn reaches_of_ours_only(from: &str, allowed: &[&str]) -> Result<()> {
    let is_other = |reached: &Reached| reached.is_ours && !allowed.contains(&reached.name.as_str());
    refuse(from, is_other, &format!("of our crates it may reach {allowed:?}"))
}

/// Fails when `from` reaches a crate that is `forbidden`, with the ways there and the reason.
fn refuse(from: &str, forbidden: impl Fn(&Reached) -> bool, why: &str) -> Result<()> {
    let reached = Workspace::load()?.reached(from)?;
    let ways: Vec<_> =
        reached.iter().filter(|reached| forbidden(reached)).map(|reached| reached.way.as_str()).collect();
    ensure!(ways.is_empty(), "{from}: {why}, but:\n  {}", ways.join("\n  "));
    Ok(())
}

fn listed(patterns: &[&str], name: &str) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == *pattern,
    })
}
