//! Where the state of a user at a server is kept.

use std::{
    fs::DirBuilder,
    path::{Path, PathBuf},
};

use anyhow::Context;
use chasqui_domain::UserId;
use etcetera::BaseStrategy;
use sha2::{Digest, Sha256};

/// So much of the user and of the server is legible in the name of the file.
const LEGIBLE_CHARACTERS: usize = 40;
/// The bytes of the digest in the name of the file.
const DIGEST_BYTES: usize = 10;

/// The state file of a user at a server, in the user's state folder. Creates the folder.
pub(super) fn of(url: &str, user: &UserId) -> anyhow::Result<PathBuf> {
    let strategy = etcetera::choose_base_strategy().context("there is no home folder; name a file with --state")?;
    let folder = strategy.state_dir().unwrap_or_else(|| strategy.data_dir()).join("chasqui");
    create(&folder)
        .with_context(|| format!("the folder {} can't be created; name a file with --state", folder.display()))?;
    Ok(folder.join(file_name(url, user)))
}

/// Legible, and unique by the digest behind: other users and servers give other names, also where a file system
/// doesn't tell capitals apart, and any user id gives one that every file system takes.
fn file_name(url: &str, user: &UserId) -> String {
    let server = url.trim_end_matches('/').to_lowercase();
    let digest = Sha256::new_with_prefix(&server).chain_update([0]).chain_update(user.as_str()).finalize();
    let digest: String = digest.iter().take(DIGEST_BYTES).map(|byte| format!("{byte:02x}")).collect();
    let host = server.split_once("://").map_or(&*server, |(_, host)| host);
    format!("{}-{}-{digest}.json", legible(user.as_str()), legible(host))
}

fn legible(text: &str) -> String {
    let replace =
        |character: char| if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '_' };
    text.chars().take(LEGIBLE_CHARACTERS).map(replace).collect()
}

/// For the user alone: it holds what people wrote.
fn create(folder: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::{
            fs::Permissions,
            os::unix::fs::{DirBuilderExt, PermissionsExt},
        };
        builder.mode(0o700).create(folder)?;
        std::fs::set_permissions(folder, Permissions::from_mode(0o700))
    }
    #[cfg(not(unix))]
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::{super::testing::user, *};

    #[test]
    fn every_user_at_every_server_has_a_file_of_their_own() {
        let of = |url: &str, name: &str| file_name(url, &user(name));
        let mine = of("http://127.0.0.1:7600", "alice");
        assert!(mine.starts_with("alice-127_0_0_1_7600-") && mine.ends_with(".json"), "{mine}");
        assert_eq!(of("http://127.0.0.1:7600/", "alice"), mine);
        for other in [of("http://127.0.0.1:7601", "alice"), of("http://127.0.0.1:7600", "bob")] {
            assert_ne!(other, mine);
        }
        assert_ne!(of("http://a", "Alice").to_lowercase(), of("http://a", "alice").to_lowercase());
    }

    #[test]
    fn any_user_id_gives_a_name_that_stays_in_the_folder() {
        for name in ["..", "../../etc/passwd", "/", "a b\u{202e}", &"日".repeat(42), &"x".repeat(128)] {
            let name = file_name("http://a/../b", &user(name));
            assert!(
                name.len() <= 255 && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)),
                "{name}"
            );
            assert!(!name.contains(".."));
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_folder_is_for_the_user_alone() {
        use std::{fs::Permissions, os::unix::fs::PermissionsExt};
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("new/chasqui");
        let mode = || folder.metadata().unwrap().permissions().mode() & 0o777;
        create(&folder).unwrap();
        assert_eq!(mode(), 0o700);
        std::fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        create(&folder).unwrap();
        assert_eq!(mode(), 0o700);
    }
}
