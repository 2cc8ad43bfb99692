//! The workspace as cargo sees it.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Node, Package, PackageId};

/// The folder that holds the workspace's `Cargo.toml`.
pub(crate) fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_path_buf()
}

/// Where Chasqui runs. Elsewhere, as in a browser, libraries need others for the same.
const PLATFORMS: [&str; 4] =
    ["aarch64-apple-darwin", "aarch64-unknown-linux-gnu", "x86_64-apple-darwin", "x86_64-unknown-linux-gnu"];

/// Our crates and everything that the lock file resolves for them where they run.
pub(crate) struct Workspace {
    metadata: Metadata,
}

/// A crate that another one reaches, and the way there.
pub(crate) struct Reached {
    pub(crate) name: String,
    pub(crate) is_ours: bool,
    pub(crate) is_direct: bool,
    /// Crate names joined by arrows, both ends included.
    pub(crate) way: String,
}

impl Workspace {
    pub(crate) fn load() -> Result<Self> {
        let platforms = PLATFORMS.map(|platform| format!("--filter-platform={platform}"));
        let options = platforms.into_iter().chain(["--locked".to_owned()]).collect::<Vec<_>>();
        let metadata = MetadataCommand::new()
            .manifest_path(root().join("Cargo.toml"))
            .other_options(options)
            .exec()
            .context("cargo metadata")?;
        Ok(Self { metadata })
    }

    /// Our crates.
    pub(crate) fn crates(&self) -> Vec<&Package> {
        self.metadata.workspace_packages()
    }

    /// One of our crates. An unknown name is an error, so that a rule about a renamed crate fails and isn't lost.
    pub(crate) fn named(&self, name: &str) -> Result<&Package> {
        let found = self.crates().into_iter().find(|package| package.name.as_str() == name);
        found.with_context(|| format!("the workspace has no crate {name}"))
    }

    /// Every crate that `from` is built with: its normal and build dependencies, and theirs. Dev-dependencies don't
    /// reach a user of the crate and are left out.
    pub(crate) fn reached(&self, from: &str) -> Result<Vec<Reached>> {
        let start = &self.named(from)?.id;
        let nodes = self.nodes()?;
        let mut came_from: BTreeMap<&PackageId, &PackageId> = BTreeMap::new();
        let mut waiting = VecDeque::from([start]);
        while let Some(at) = waiting.pop_front() {
            let node = nodes.get(at).with_context(|| format!("{at} is not resolved"))?;
            for next in built_with(node) {
                if next != start && !came_from.contains_key(next) {
                    came_from.insert(next, at);
                    waiting.push_back(next);
                }
            }
        }
        Ok(came_from.keys().map(|&id| self.describe(id, &came_from)).collect())
    }

    fn describe(&self, id: &PackageId, came_from: &BTreeMap<&PackageId, &PackageId>) -> Reached {
        let mut way = vec![self.name(id)];
        let mut at = id;
        while let Some(&before) = came_from.get(at) {
            way.push(self.name(before));
            at = before;
        }
        way.reverse();
        let is_direct = way.len() == 2;
        Reached {
            name: self.name(id).to_owned(),
            is_ours: self.metadata.workspace_members.contains(id),
            is_direct,
            way: way.join(" → "),
        }
    }

    fn name(&self, id: &PackageId) -> &str {
        self.metadata[id].name.as_str()
    }

    fn nodes(&self) -> Result<BTreeMap<&PackageId, &Node>> {
        let resolve = self.metadata.resolve.as_ref().context("cargo metadata resolved nothing")?;
        Ok(resolve.nodes.iter().map(|node| (&node.id, node)).collect())
    }
}

fn built_with(node: &Node) -> impl Iterator<Item = &PackageId> {
    let wanted = |kind: DependencyKind| kind != DependencyKind::Development;
    node.deps.iter().filter(move |dep| dep.dep_kinds.iter().any(|info| wanted(info.kind))).map(|dep| &dep.pkg)
}
