//! The ways in which a file is damaged.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
};

/// Something that happens to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Damage {
    Halved,
    /// Cut by one byte.
    Shortened,
    Zeroed,
    /// A byte flipped, at so many percent of the file.
    Flipped(usize),
    Removed,
    /// Other bytes, as many.
    Garbage,
    /// Nobody may read it.
    Locked,
}

pub(crate) const ALL: &[Damage] = &[
    Damage::Halved,
    Damage::Shortened,
    Damage::Zeroed,
    Damage::Flipped(0),
    Damage::Flipped(1),
    Damage::Flipped(30),
    Damage::Flipped(60),
    Damage::Flipped(100),
    Damage::Removed,
    Damage::Garbage,
    Damage::Locked,
];

impl Damage {
    /// Does it. False where it would change nothing, so that there is nothing to see.
    pub(crate) fn apply(self, path: &Path) -> anyhow::Result<bool> {
        let before = fs::read(path)?;
        let mut bytes = before.clone();
        match self {
            Self::Halved => bytes.truncate(bytes.len() / 2),
            Self::Shortened => bytes.truncate(bytes.len().saturating_sub(1)),
            Self::Zeroed => bytes.fill(0),
            Self::Flipped(percent) => {
                let last = bytes.len().saturating_sub(1);
                bytes.iter_mut().skip(last * percent / 100).take(1).for_each(|byte| *byte ^= 0x40);
            }
            Self::Garbage => bytes.iter_mut().zip(0u64..).for_each(|(byte, at)| *byte = garbage(at)),
            Self::Removed => {
                fs::remove_file(path)?;
                return Ok(true);
            }
            Self::Locked => {
                fs::set_permissions(path, Permissions::from_mode(0o000))?;
                // To root every file is open.
                return Ok(fs::File::open(path).is_err());
            }
        }
        let changes = bytes != before;
        fs::write(path, bytes)?;
        Ok(changes)
    }
}

fn garbage(at: u64) -> u8 {
    (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u8
}
