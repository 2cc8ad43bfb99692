//! What an operator can set.

use std::time::Duration;

use chasqui_domain::{GatewayId, Rules, RulesNumber};

use crate::{AdminToken, Error, Rates, limits};

/// The gateway's options: those of `gateway.*`, and the limit on bodies.
#[derive(Debug, Clone)]
pub struct Options {
    /// The gateway's id: stable over restarts, and its own.
    pub id: GatewayId,
    /// The most sessions at a time.
    pub sessions_max: usize,
    /// The most devices of one user that have sessions.
    pub sessions_per_user_max: usize,
    /// The longest frame that a client may send, in bytes.
    pub frame_bytes_max: usize,
    /// The most frames that wait for a slow session; beyond it the session is repaired from its inbox.
    pub queue_frames_max: usize,
    /// The most entries that a session may leave unacknowledged.
    pub unacked_max: usize,
    /// The most messages of a session that may wait for their outcome.
    pub outstanding_max: usize,
    /// How long a session may be silent before it is closed, in milliseconds.
    pub idle_ms: u64,
    /// How often a silent session is pinged, in milliseconds; less than `idle_ms`.
    pub ping_ms: u64,
    /// How long a new connection may take to say who it is, in milliseconds.
    pub hello_ms: u64,
    /// How long sessions may take to go when the gateway stops, in milliseconds.
    pub drain_ms: u64,
    /// Within how many milliseconds clients that are sent away come back, each after a time of its own; below 2^32.
    pub reconnect_ms: u64,
    /// How many days inbox rows are kept: a cursor that is older can't be taken up.
    pub inbox_retention_days: u32,
    /// What may be done in a time.
    pub rates: Rates,
    /// The longest content of a message, in bytes: its text or data, mentions and meta together; at most 262,144.
    pub body_bytes_max: usize,
    /// The most members that a group may have; at most 1,024.
    pub group_members_max: usize,
    /// For how many seconds a message can be edited by who wrote it; at most 2,592,000.
    pub edit_within_s: u32,
    /// For how many seconds a message can be deleted for everybody by who wrote it; at most 2,592,000.
    pub delete_within_s: u32,
    /// How often the gateway says that it is alive, in milliseconds.
    pub heartbeat_ms: u64,
    /// What operators prove themselves with; without it the admin API is off.
    pub admin: Option<AdminToken>,
}

impl Options {
    /// The defaults, for a gateway of this id.
    #[must_use]
    pub fn new(id: GatewayId) -> Self {
        Self {
            id,
            sessions_max: 50_000,
            sessions_per_user_max: 20,
            frame_bytes_max: 131_072,
            queue_frames_max: 256,
            unacked_max: 1_024,
            outstanding_max: 64,
            idle_ms: 60_000,
            ping_ms: 25_000,
            hello_ms: 10_000,
            drain_ms: 5_000,
            reconnect_ms: 2_000,
            inbox_retention_days: 30,
            rates: Rates::default(),
            body_bytes_max: 65_536,
            group_members_max: limits::GROUP_MEMBERS_LIMIT,
            edit_within_s: 900,
            delete_within_s: 172_800,
            heartbeat_ms: 1_000,
            admin: None,
        }
    }

    /// Whether the options fit together.
    ///
    /// # Errors
    /// [`Error::Options`], with what is wrong.
    pub(crate) fn validate(&self) -> Result<(), Error> {
        let fits_u32 = |number: usize| u32::try_from(number).is_ok();
        let rules = [
            (self.sessions_max > 0 && fits_u32(self.sessions_max), "gateway.sessions_max must be between 1 and 2^32-1"),
            (self.sessions_per_user_max > 0, "gateway.sessions_per_user_max must be at least 1"),
            (self.frame_bytes_max >= 1024, "gateway.frame_bytes_max must be at least 1024, so that a hello fits"),
            (self.queue_frames_max > 0, "gateway.queue_frames_max must be at least 1"),
            (self.unacked_max > 0 && fits_u32(self.unacked_max), "gateway.unacked_max must be between 1 and 2^32-1"),
            (
                self.outstanding_max > 0 && fits_u32(self.outstanding_max),
                "gateway.outstanding_max must be between 1 and 2^32-1",
            ),
            (self.ping_ms > 0 && self.ping_ms < self.idle_ms, "gateway.ping_ms must be less than gateway.idle_ms"),
            (u32::try_from(self.idle_ms).is_ok(), "gateway.idle_ms must be less than 2^32"),
            (u32::try_from(self.reconnect_ms).is_ok(), "gateway.reconnect_ms must be less than 2^32"),
            (self.hello_ms > 0, "gateway.hello_ms must be at least 1"),
            (self.heartbeat_ms > 0, "gateway.heartbeat_ms must be at least 1"),
            (
                (1..=limits::BODY_BYTES_LIMIT).contains(&self.body_bytes_max),
                "limits.body_bytes_max must be between 1 and 262,144",
            ),
            (
                (2..=limits::GROUP_MEMBERS_LIMIT).contains(&self.group_members_max),
                "limits.group_members_max must be between 2 and 1,024",
            ),
            (
                self.edit_within_s.max(self.delete_within_s) <= limits::ACT_WITHIN_S_LIMIT,
                "limits.edit_within_s and limits.delete_within_s must be at most 2,592,000",
            ),
        ];
        match rules.into_iter().find(|(holds, _)| !holds) {
            Some((_, why)) => Err(Error::Options { why }),
            None => Ok(()),
        }
    }

    /// What is stamped into commands.
    pub(crate) fn rules(&self) -> Rules {
        let stamped = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Rules {
            number: RulesNumber::NEWEST,
            body_bytes_max: stamped(limits::stamped_body_bytes_max(self.body_bytes_max)),
            members_max: stamped(self.group_members_max),
            edit_within_ms: self.edit_within_s.saturating_mul(1_000),
            delete_within_ms: self.delete_within_s.saturating_mul(1_000),
        }
    }

    pub(crate) fn idle(&self) -> Duration {
        Duration::from_millis(self.idle_ms)
    }

    pub(crate) fn ping(&self) -> Duration {
        Duration::from_millis(self.ping_ms)
    }

    pub(crate) fn hello(&self) -> Duration {
        Duration::from_millis(self.hello_ms)
    }

    pub(crate) fn drain(&self) -> Duration {
        Duration::from_millis(self.drain_ms)
    }

    pub(crate) fn heartbeat(&self) -> Duration {
        Duration::from_millis(self.heartbeat_ms)
    }
}
