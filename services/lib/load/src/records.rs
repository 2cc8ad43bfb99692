//! How many records a load comes to in the log.

use serde::Serialize;

use crate::Options;

/// Records that were appended for a message, on average over all messages of a run with everything that followed from
/// them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Records {
    /// To `commands`: the message itself, and what is said of it.
    pub commands_per_message: f64,
    /// To `inbox`: one for each partition that recipients are in, and each thing that they are told.
    pub inbox_per_message: f64,
}

/// Where the topics end that roles read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ends {
    commands: u64,
    inbox: u64,
}

impl Ends {
    /// None where the server doesn't tell, or is not the process of its sequencers and routers.
    pub(crate) async fn take(options: &Options) -> Option<Self> {
        Self::in_metrics(&(options.metrics)().await?)
    }

    fn in_metrics(text: &str) -> Option<Self> {
        Some(Self { commands: end(text, "sequencer")?, inbox: end(text, "router")? })
    }

    /// What was appended since then, for so many messages.
    pub(crate) fn since(self, earlier: Self, messages: u64) -> Option<Records> {
        let each = |now: u64, then: u64| now.saturating_sub(then) as f64 / messages as f64;
        (messages > 0).then(|| Records {
            commands_per_message: each(self.commands, earlier.commands),
            inbox_per_message: each(self.inbox, earlier.inbox),
        })
    }
}

/// The ends of a role's partitions together: what it has done, and what it has not.
fn end(metrics: &str, role: &str) -> Option<u64> {
    let parts = ["done", "lag"].map(|part| format!("chasqui_role_{part}{{role=\"{role}\","));
    let is_part = |line: &&str| parts.iter().any(|part| line.starts_with(part));
    let values = metrics.lines().filter(is_part).map(|line| line.rsplit(' ').next()?.parse().ok());
    let values: Vec<u64> = values.collect::<Option<_>>()?;
    (!values.is_empty()).then(|| values.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRICS: &str = "\
# TYPE chasqui_role_done gauge
chasqui_role_done{role=\"sequencer\",partition=\"0\"} 10
chasqui_role_done{role=\"router\",partition=\"0\"} 7
chasqui_role_done{role=\"router\",partition=\"1\"} 5
chasqui_role_lag{role=\"sequencer\",partition=\"0\"} 2
chasqui_role_lag{role=\"router\",partition=\"0\"} 0
chasqui_role_lag{role=\"router\",partition=\"1\"} 1
chasqui_sessions 3
# EOF
";

    #[test]
    fn a_partition_ends_behind_what_is_done_and_what_is_not() {
        assert_eq!(Ends::in_metrics(METRICS), Some(Ends { commands: 12, inbox: 13 }));
        assert_eq!(Ends::in_metrics("chasqui_sessions 3\n"), None, "a gateway alone");
        assert_eq!(Ends::in_metrics(&METRICS.replace("} 10", "} ten")), None);
    }

    #[test]
    fn records_are_shared_among_the_messages() {
        let (then, now) = (Ends { commands: 12, inbox: 13 }, Ends { commands: 16, inbox: 23 });
        let records = now.since(then, 4).unwrap();
        assert!((records.commands_per_message - 1.0).abs() < 1e-9 && (records.inbox_per_message - 2.5).abs() < 1e-9);
        assert_eq!(now.since(then, 0), None);
    }
}
