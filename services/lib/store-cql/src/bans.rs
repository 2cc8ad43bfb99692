//! Bans: few, so that all can be listed, and asked for by every session that begins.
//!
//! They have no fenced writer, so they count by the time of the server that takes them. One whose clock is behind that of the
//! server that took what stands would change nothing, so what is written is read back: nobody is told that it was done when
//! it wasn't.

use chasqui_domain::{DeviceId, TimeMs, UserId};
use chasqui_store::{Ban, BanKey, BanReason, Error, READ_ROWS_MAX};
use xxhash_rust::xxh3::xxh3_64;

use crate::{CqlStore, codec, error::damaged, limits::BAN_BUCKETS, numbers::limit};

type BanRow = (String, String, i64, Option<String>);

impl CqlStore {
    /// What stands keeps its time, so it is read first.
    pub(crate) async fn put_ban(&self, ban: Ban) -> Result<(), Error> {
        let stands = self.bans_among(&ban.key.user, &[column(ban.key.device.as_ref())]).await?;
        let since = stands.first().map_or(ban.since, |stands| stands.since);
        let (user, device) = (ban.key.user.as_str(), column(ban.key.device.as_ref()));
        let reason = ban.reason.as_ref().map(BanReason::as_str);
        let values = (bucket(&ban.key.user), user, device, since.0.cast_signed(), reason);
        self.cluster.write(&self.statements.put_ban, values).await?;
        let reason = ban.reason;
        self.took_effect(&ban.key, |stands| stands.is_some_and(|stands| stands.reason == reason)).await
    }

    /// Whether what stands now is as it was to be.
    async fn took_effect(&self, key: &BanKey, is_so: impl FnOnce(Option<&Ban>) -> bool) -> Result<(), Error> {
        let stands = self.bans_among(&key.user, &[column(key.device.as_ref())]).await?;
        if is_so(stands.first()) {
            return Ok(());
        }
        let why =
            "somebody else changed this ban at the same time, or the clocks of the servers differ: it is as it was";
        Err(Error::Unavailable { why: why.to_owned() })
    }

    pub(crate) async fn remove_ban(&self, key: &BanKey) -> Result<(), Error> {
        let values = (bucket(&key.user), key.user.as_str(), column(key.device.as_ref()));
        self.cluster.write(&self.statements.remove_ban, values).await?;
        self.took_effect(key, |stands| stands.is_none()).await
    }

    pub(crate) async fn read_bans_of(&self, user: &UserId, device: Option<&DeviceId>) -> Result<Vec<Ban>, Error> {
        let mut devices = vec![column(None)];
        devices.extend(device.map(DeviceId::as_str));
        self.bans_among(user, &devices).await
    }

    /// Those that there are of these, in order.
    async fn bans_among(&self, user: &UserId, devices: &[&str]) -> Result<Vec<Ban>, Error> {
        let values = (bucket(user), user.as_str(), devices);
        let rows: Vec<BanRow> = self.cluster.rows("bans", &self.statements.bans_among, values).await?;
        rows.into_iter().map(read).collect()
    }

    pub(crate) async fn read_bans(
        &self,
        user: Option<&UserId>,
        after: Option<&BanKey>,
        rows_max: usize,
    ) -> Result<Vec<Ban>, Error> {
        let rows_max = rows_max.min(READ_ROWS_MAX);
        match user {
            _ if rows_max == 0 => Ok(Vec::new()),
            Some(user) => self.bans_of_user(user, after, rows_max).await,
            None => self.all_bans(after, rows_max).await,
        }
    }

    async fn bans_of_user(&self, user: &UserId, after: Option<&BanKey>, rows_max: usize) -> Result<Vec<Ban>, Error> {
        if after.is_some_and(|after| after.user > *user) {
            return Ok(Vec::new());
        }
        let of_user = after.filter(|after| after.user == *user);
        let from = column(of_user.and_then(|after| after.device.as_ref()));
        // One more, since the one that it goes on from may be there.
        let values = (bucket(user), user.as_str(), from, limit(rows_max + 1));
        let rows: Vec<BanRow> = self.cluster.rows("bans", &self.statements.bans_of_user, values).await?;
        let bans = rows.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let behind = bans.into_iter().filter(|ban| of_user.is_none_or(|after| ban.key > *after));
        Ok(behind.take(rows_max).collect())
    }

    /// Each bucket is in order; the first of them all are among the first of each.
    async fn all_bans(&self, after: Option<&BanKey>, rows_max: usize) -> Result<Vec<Ban>, Error> {
        // Every user sorts behind no text.
        let user = after.map_or("", |after| after.user.as_str());
        let device = column(after.and_then(|after| after.device.as_ref()));
        let read_bucket = async |bucket: i8| -> Result<Vec<BanRow>, Error> {
            self.cluster.rows("bans", &self.statements.bans, (bucket, user, device, limit(rows_max))).await
        };
        let rows = self.cluster.all((0..BAN_BUCKETS).map(read_bucket)).await?;
        let mut bans = rows.into_iter().flatten().map(read).collect::<Result<Vec<_>, _>>()?;
        bans.sort_by(|one, other| one.key.cmp(&other.key));
        bans.truncate(rows_max);
        Ok(bans)
    }
}

/// The partition of a user's bans. A hash that never changes.
fn bucket(user: &UserId) -> i8 {
    let hash = xxh3_64(user.as_str().as_bytes()) % u64::from(BAN_BUCKETS.unsigned_abs());
    i8::try_from(hash).unwrap_or_default()
}

/// The device as a column. No id of a device is empty, and what is empty sorts first.
fn column(device: Option<&DeviceId>) -> &str {
    device.map_or("", DeviceId::as_str)
}

fn read((user, device, since, reason): BanRow) -> Result<Ban, Error> {
    let device = match device.as_str() {
        "" => None,
        device => Some(DeviceId::new(device).map_err(|error| damaged("bans", error))?),
    };
    let reason = reason.map(BanReason::new).transpose().map_err(|error| damaged("bans", error))?;
    let key = BanKey { user: codec::read_user("bans", &user)?, device };
    Ok(Ban { key, since: TimeMs(since.cast_unsigned()), reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_of_a_user_never_changes() {
        let bucket = |name: &str| bucket(&UserId::new(name).unwrap());
        assert_eq!(["alice", "bob", "carol", "é"].map(bucket), [0, 5, 4, 3]);
    }

    #[test]
    fn a_row_reads_back_and_what_was_never_written_does_not() {
        let row = |user: &str, device: &str| (user.to_owned(), device.to_owned(), -1, None);
        let ban = read(row("bob", "phone")).unwrap();
        assert_eq!((ban.since, ban.key.device.unwrap().as_str()), (TimeMs(u64::MAX), "phone"));
        assert_eq!(read(row("bob", "")).unwrap().key.device, None);
        assert!(read(row("", "phone")).is_err());
        assert!(read(row("bob", "my phone")).is_err());
    }
}
