//! Who dies in each round, and how, drawn from the seed.

use std::fmt;

use chasqui_tests::{
    dice::Dice,
    process::{KillAt, Role},
    servers::OF_EACH,
};

use crate::plan::Death;

/// The death of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Round {
    pub(crate) role: Role,
    /// Which of the role's.
    pub(crate) number: usize,
    pub(crate) death: Death,
}

/// Every failpoint of every role, and the highest count that a round draws: enough to be in the middle of the load, and
/// few enough for a process that owns a share of the partitions to get there within seconds.
const POINTS: &[(Role, &str, u64)] = &[
    (Role::Sequencer, "sequencer::after_read", 40),
    (Role::Sequencer, "sequencer::after_rows", 40),
    (Role::Sequencer, "sequencer::after_publish", 40),
    (Role::Sequencer, "sequencer::after_commit", 40),
    // Passed once for each partition that is taken over, and from then on when sessions come.
    (Role::Router, "router::after_answers", 1),
    (Role::Router, "router::after_rows", 40),
    (Role::Router, "router::after_push", 40),
    (Role::Router, "router::after_checkpoint", 40),
    (Role::Gateway, "gateway::after_append", 60),
];

const ROLES: [Role; 3] = [Role::Gateway, Role::Sequencer, Role::Router];

/// As many messages at most pass before a process is killed from outside, or stopped.
const MESSAGES_MAX: u64 = 200;

/// Fifteen rounds. Every role dies at each of its failpoints and from outside, and is stopped.
pub(crate) fn rounds(dice: &mut Dice) -> Vec<Round> {
    let mut deaths: Vec<(Role, Death)> = Vec::new();
    for &(role, point, count_max) in POINTS {
        let kill_at = KillAt { point, count: 1 + dice.below(count_max), pause_ms: 0 };
        deaths.push((role, Death::At(kill_at)));
    }
    for role in ROLES {
        deaths.push((role, Death::FromOutside { after: dice.below(MESSAGES_MAX) }));
        deaths.push((role, Death::Stopped { after: dice.below(MESSAGES_MAX) }));
    }
    dice.shuffle(&mut deaths);
    let round = |(role, death)| {
        let number = usize::try_from(dice.below(OF_EACH as u64)).unwrap_or_default();
        Round { role, number, death }
    };
    deaths.into_iter().map(round).collect()
}

/// What dies, and how: what rounds have in common.
impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = self.role.command();
        match self.death {
            Death::At(KillAt { point, .. }) | Death::Starting(point) => write!(f, "{role} dies at {point}"),
            Death::FromOutside { .. } => write!(f, "{role} is killed"),
            Death::Stopped { .. } => write!(f, "{role} is stopped"),
        }
    }
}
