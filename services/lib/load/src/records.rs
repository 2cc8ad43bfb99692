//! How many records a load comes to in the log, and how many rows in the store.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde::Serialize;
use tokio::time::sleep;

use crate::Options;

/// How often the server is asked whether its roles have done all that there is, and how long that is waited for: what they
/// still have to do would be missing here.
const ASK_EVERY: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(3);

/// The names of what is read.
const RECORDS: &str = "chasqui_log_records_total{topic=\"";
const ROWS: &str = "chasqui_store_rows_total{table=\"";
const STATEMENTS: &str = "chasqui_store_statements_total{statement=\"";
const LAG: &str = "chasqui_role_lag{role=\"";

/// What was appended to the log and given to the store for a message, on average over all messages of a run with everything that
/// followed from them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Records {
    /// To `commands`: the message itself, and what is said of it.
    pub commands_per_message: f64,
    /// To `events`: what came of those.
    pub events_per_message: f64,
    /// To `inbox`: one for each partition that recipients are in, and each thing that they are told.
    pub inbox_per_message: f64,
    /// To the topics of all gateways: what sessions are told.
    pub gateway_per_message: f64,
    /// To `presence`: sessions that come and go, which are few while messages are written.
    pub presence_per_message: f64,
    /// Rows of all tables that the store was given to write or to remove.
    pub rows_per_message: f64,
    /// The same by table, where there were any.
    pub rows_by_table: BTreeMap<String, f64>,
    /// Statements that were sent to the store, reads among them; none where it has no statements, as the embedded one.
    pub statements_per_message: Option<f64>,
    /// The same by the names of the statements, where there were any.
    pub statements_by_name: BTreeMap<String, f64>,
}

/// What the server has counted so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    records: BTreeMap<String, u64>,
    rows: BTreeMap<String, u64>,
    statements: BTreeMap<String, u64>,
}

impl Counts {
    /// When the roles have done all that there is. None where the server doesn't tell, or those who were asked are not the
    /// processes of its sequencers and routers.
    pub(crate) async fn take(options: &Options) -> Option<Self> {
        let began = Instant::now();
        let mut before = None;
        loop {
            let text = (options.metrics)().await?;
            let now = Self::in_metrics(&text)?;
            // Twice the same, since what one role does makes work for the other, and they are not looked at in one moment.
            let is_done = !is_behind(&text);
            if (is_done && before.as_ref() == Some(&now)) || began.elapsed() > PATIENCE {
                return Some(now);
            }
            before = is_done.then_some(now);
            sleep(ASK_EVERY).await;
        }
    }

    fn in_metrics(text: &str) -> Option<Self> {
        let has = |role: &str| text.lines().any(|line| line.strip_prefix(LAG).is_some_and(|it| it.starts_with(role)));
        if !has("sequencer") || !has("router") {
            return None;
        }
        let mut records = sums(text, RECORDS)?;
        // They come however much is written.
        records.remove("heartbeats");
        Some(Self { records, rows: sums(text, ROWS)?, statements: sums(text, STATEMENTS)? })
    }

    /// What was counted since then, for so many messages.
    pub(crate) fn since(&self, earlier: &Self, messages: u64) -> Option<Records> {
        if messages == 0 {
            return None;
        }
        let each = |now: &BTreeMap<String, u64>, then: &BTreeMap<String, u64>| -> BTreeMap<String, f64> {
            let more = now.iter().map(|(name, now)| (name, now.saturating_sub(then.get(name).copied().unwrap_or(0))));
            more.filter(|(_, more)| *more > 0)
                .map(|(name, more)| (name.clone(), more as f64 / messages as f64))
                .collect()
        };
        let records = each(&self.records, &earlier.records);
        let topic = |name| records.get(name).copied().unwrap_or(0.0);
        let rows_by_table = each(&self.rows, &earlier.rows);
        let statements_by_name = each(&self.statements, &earlier.statements);
        Some(Records {
            commands_per_message: topic("commands"),
            events_per_message: topic("events"),
            inbox_per_message: topic("inbox"),
            gateway_per_message: topic("gateway"),
            presence_per_message: topic("presence"),
            rows_per_message: rows_by_table.values().sum(),
            rows_by_table,
            statements_per_message: (!self.statements.is_empty()).then(|| statements_by_name.values().sum()),
            statements_by_name,
        })
    }
}

/// Whether a role has not done all that there is.
fn is_behind(metrics: &str) -> bool {
    metrics.lines().any(|line| line.starts_with(LAG) && !line.ends_with(" 0"))
}

/// What is counted under a name, by its label, over all processes; none where that can't be read.
fn sums(metrics: &str, name: &str) -> Option<BTreeMap<String, u64>> {
    let mut sums = BTreeMap::new();
    for line in metrics.lines().filter_map(|line| line.strip_prefix(name)) {
        let (label, value) = line.split_once("\"} ")?;
        *sums.entry(label.to_owned()).or_default() += value.parse::<u64>().ok()?;
    }
    Some(sums)
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use futures::FutureExt;

    use super::*;

    const METRICS: &str = "\
# TYPE chasqui_log_records counter
chasqui_log_records_total{topic=\"commands\"} 10
chasqui_log_records_total{topic=\"heartbeats\"} 99
chasqui_store_rows_total{table=\"events\"} 7
chasqui_store_rows_total{table=\"bans\"} 1
chasqui_role_lag{role=\"sequencer\",partition=\"0\"} 0
chasqui_role_lag{role=\"router\",partition=\"0\"} 0
chasqui_role_lag{role=\"router\",partition=\"1\"} 0
chasqui_sessions 3
# EOF
";

    fn counts(pairs: &[(&str, u64)]) -> BTreeMap<String, u64> {
        pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    /// A server that gives these texts, one after another, and the last one for ever.
    fn options(texts: Vec<String>) -> (Options, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let metrics = move || {
            let at = count.fetch_add(1, Ordering::Relaxed).min(texts.len() - 1);
            std::future::ready(Some(texts[at].clone())).boxed()
        };
        let options = Options {
            sockets: Vec::new(),
            token: Arc::new(|_| Err("nobody".to_owned())),
            metrics: Arc::new(metrics),
            servers: Vec::new(),
            run: String::new(),
            progress: Arc::default(),
        };
        (options, asked)
    }

    #[test]
    fn what_several_processes_count_is_added() {
        let one = Counts::in_metrics(METRICS).unwrap();
        assert_eq!((&one.records, &one.rows), (&counts(&[("commands", 10)]), &counts(&[("events", 7), ("bans", 1)])));
        let two = [METRICS, METRICS, "chasqui_store_statements_total{statement=\"put_event\"} 4\n"].concat();
        let two = Counts::in_metrics(&two).unwrap();
        assert_eq!((two.records["commands"], two.rows["events"]), (20, 14));
        assert_eq!(two.statements, counts(&[("put_event", 4)]));
    }

    #[test]
    fn without_the_processes_of_both_roles_nothing_is_known() {
        assert_eq!(Counts::in_metrics("chasqui_log_records_total{topic=\"commands\"} 10\n"), None, "a gateway alone");
        assert_eq!(Counts::in_metrics(&METRICS.replace("{role=\"router", "{role=\"other")), None);
        assert_eq!(Counts::in_metrics(&METRICS.replace("} 10", "} ten")), None);
    }

    #[test]
    fn records_and_rows_are_shared_among_the_messages() {
        let then = Counts {
            records: counts(&[("commands", 10), ("inbox", 5)]),
            rows: counts(&[("events", 1), ("bans", 3)]),
            statements: counts(&[]),
        };
        let now = Counts {
            records: counts(&[("commands", 14), ("events", 4), ("gateway", 2), ("inbox", 15)]),
            rows: counts(&[("events", 5), ("bans", 3), ("inbox", 40)]),
            statements: counts(&[]),
        };
        let records = now.since(&then, 4).unwrap();
        let by_topic = [
            (records.commands_per_message, 1.0),
            (records.events_per_message, 1.0),
            (records.inbox_per_message, 2.5),
            (records.gateway_per_message, 0.5),
            (records.presence_per_message, 0.0),
            (records.rows_per_message, 11.0),
        ];
        assert!(by_topic.iter().all(|(found, expected)| (found - expected).abs() < 1e-9), "{records:?}");
        assert_eq!(records.rows_by_table.keys().collect::<Vec<_>>(), ["events", "inbox"], "no ban was written");
        assert_eq!(records.statements_per_message, None, "it has none");
        assert_eq!(now.since(&then, 0), None);
        let on_cql = Counts { statements: counts(&[("put_event", 6), ("put_offset", 2)]), ..now };
        assert_eq!(on_cql.since(&then, 4).unwrap().statements_per_message, Some(2.0));
    }

    #[tokio::test]
    async fn what_roles_still_have_to_do_is_waited_for() {
        let behind = METRICS.replace("partition=\"1\"} 0", "partition=\"1\"} 2");
        let done = METRICS.replace("{table=\"events\"} 7", "{table=\"events\"} 8");
        let (options, asked) = options(vec![behind.clone(), behind, METRICS.to_owned(), done]);
        assert_eq!(Counts::take(&options).await.unwrap().rows["events"], 8);
        assert_eq!(asked.load(Ordering::Relaxed), 5, "and no longer");
    }
}
