//! What a load on groups is told.

use std::str::FromStr;

use chasqui_config::Options;
use chasqui_load::{Group, Pace, Receipts};

use super::{Span, Target, judge, table};

/// What a load on groups is told.
#[derive(Debug, clap::Args)]
pub struct OfGroup {
    #[command(flatten)]
    target: Target,
    /// Members of a group, at most 1,024. One of them writes, the author.
    #[arg(long, default_value_t = 10)]
    members: usize,
    /// How many groups, each with members of its own.
    #[arg(long, default_value_t = 1)]
    groups: usize,
    /// Which members of a group are online beside its author: all, none, or so many. The others never were.
    #[arg(long, value_name = "all|none|COUNT", default_value = "all", value_parser = Online::from_str)]
    online: Online,
    /// What members say of what they get.
    #[arg(long, value_enum, default_value_t = Say::Delivered)]
    receipts: Say,
    /// Messages that each author has under way: the next is sent when all who are online have one.
    #[arg(long, value_name = "MESSAGES", default_value_t = 1, conflicts_with = "per_second")]
    window: usize,
    /// Messages in a second, over all groups, however long they take. Times count from when a message should have been sent.
    #[arg(long, value_name = "MESSAGES")]
    per_second: Option<f64>,
    #[command(flatten)]
    span: Span,
}

/// Which members are online.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Online {
    All,
    Some(usize),
}

impl FromStr for Online {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(Self::All),
            "none" => Ok(Self::Some(0)),
            count => count.parse().map(Self::Some).map_err(|_| format!("{count:?} is not all, none, or a number")),
        }
    }
}

impl Online {
    /// How many that are of a group, beside its author.
    fn of(self, members: usize) -> usize {
        match self {
            Self::All => members.saturating_sub(1),
            Self::Some(count) => count,
        }
    }
}

/// What members say.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Say {
    /// Nothing; they only make room for more.
    None,
    /// That they have it.
    Delivered,
    /// That they have it, and have read it.
    Read,
}

impl OfGroup {
    pub(super) fn run(self, options: &Options) -> anyhow::Result<()> {
        let Self { target, members, groups, online, receipts, window, per_second, span } = self;
        let asked = target.options(options, |progress| format!("{} messages", progress.done()))?;
        let group = Group {
            groups,
            members,
            online: online.of(members),
            receipts: match receipts {
                Say::None => Receipts::None,
                Say::Delivered => Receipts::Delivered,
                Say::Read => Receipts::Read,
            },
            pace: per_second.map_or(Pace::Window(window), Pace::PerSecond),
            text_bytes: span.text_bytes,
            warm_up: span.warm_up,
            time: span.time,
            patience: span.patience,
        };
        let report = chasqui_load::group(&asked, &group)?;
        target.print(&report, || table::of_group(&report))?;
        judge(report.faults.any())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_online_is_said_in_a_word_or_a_number() {
        let online = |text| Online::from_str(text).map(|online| online.of(10));
        assert_eq!((online("all"), online("none"), online("4")), (Ok(9), Ok(0), Ok(4)));
        assert!(online("some").is_err() && online("-1").is_err());
        assert_eq!(Online::All.of(0), 0);
    }
}
