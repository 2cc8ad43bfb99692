//! Every metric: its name, what it counts, and the handles that parts of the server count with. Labels have few values;
//! users and chats are never among them.

use std::{fmt, time::Duration};

pub use prometheus_client::metrics::{counter::Counter, gauge::Gauge};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{family::Family, histogram::Histogram},
    registry::{Registry, Unit},
};

/// Put before every name.
const PREFIX: &str = "chasqui";

/// Seconds, from what memory answers to what a client gives up on.
const SECONDS: [f64; 12] = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// A type of frame.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FrameLabels {
    r#type: &'static str,
}

/// A code, or `sent`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    code: &'static str,
}

/// A request over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RoleLabels {
    role: &'static str,
    partition: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TopicLabels {
    topic: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TableLabels {
    table: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StatementLabels {
    statement: &'static str,
}

/// What a session counts.
#[derive(Debug, Clone, Default)]
pub struct SessionMetrics {
    /// It was told to read its inbox again, because it may have missed something.
    pub repairs: Counter,
    /// It had to wait for its client's acknowledgements.
    pub stuck: Counter,
}

/// What a gateway counts. Cheap to clone; all clones count together.
#[derive(Debug, Clone)]
pub struct GatewayMetrics {
    /// The connections that are open.
    pub connections: Gauge,
    /// The sessions that are open.
    pub sessions: Gauge,
    /// Log-ins that were told to come back later.
    pub logins_refused: Counter,
    /// What single sessions count.
    pub session: SessionMetrics,
    frames_in: Family<FrameLabels, Counter>,
    frames_out: Family<FrameLabels, Counter>,
    outcomes: Family<OutcomeLabels, Counter>,
    closes: Family<OutcomeLabels, Counter>,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<RouteLabels, Histogram>,
    append_seconds: Histogram,
    inbox_read_seconds: Histogram,
}

/// Counts as one as long as it is there.
#[derive(Debug)]
pub struct One(Gauge);

impl One {
    /// One more.
    #[must_use = "it counts until it is dropped"]
    pub fn more(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for One {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl GatewayMetrics {
    /// A frame of a client was read.
    pub fn frame_in(&self, r#type: &'static str) {
        self.frames_in.get_or_create(&FrameLabels { r#type }).inc();
    }

    /// A frame was written.
    pub fn frame_out(&self, r#type: &'static str) {
        self.frames_out.get_or_create(&FrameLabels { r#type }).inc();
    }

    /// A sender was told what became of a command: `sent`, or a code.
    pub fn outcome(&self, code: &'static str) {
        self.outcomes.get_or_create(&OutcomeLabels { code }).inc();
    }

    /// A connection was closed with a code.
    pub fn closed(&self, code: &'static str) {
        self.closes.get_or_create(&OutcomeLabels { code }).inc();
    }

    /// A request was answered. `route` is its template.
    pub fn request(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        self.requests.get_or_create(&RequestLabels { method, route: route.to_owned(), status }).inc();
        self.request_seconds.get_or_create(&RouteLabels { route: route.to_owned() }).observe(took.as_secs_f64());
    }

    /// A message is durable, so long after it got its place in the log's queue.
    pub fn appended(&self, took: Duration) {
        self.append_seconds.observe(took.as_secs_f64());
    }

    /// A page of an inbox was read.
    pub fn inbox_read(&self, took: Duration) {
        self.inbox_read_seconds.observe(took.as_secs_f64());
    }
}

/// What the joined process counts. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ServerMetrics {
    /// Lives that began.
    pub lives: Counter,
    /// Flushes of the store that failed.
    pub flush_failures: Counter,
    ready: Gauge,
    flush_seconds: Histogram,
    done: Family<RoleLabels, Gauge>,
    lag: Family<RoleLabels, Gauge>,
}

impl ServerMetrics {
    /// Whether sessions are taken.
    pub fn set_ready(&self, ready: bool) {
        self.ready.set(ready.into());
    }

    /// The store was flushed.
    pub fn flushed(&self, took: Duration) {
        self.flush_seconds.observe(took.as_secs_f64());
    }

    /// A role has done everything below `done`, and its partition ends at `end`.
    pub fn progress(&self, role: &'static str, partition: u32, done: u64, end: u64) {
        let labels = RoleLabels { role, partition };
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.done.get_or_create(&labels).set(number(done));
        self.lag.get_or_create(&labels).set(number(end.saturating_sub(done)));
    }
}

/// What a process gives to the log. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct LogMetrics {
    records: Family<TopicLabels, Counter>,
}

impl LogMetrics {
    /// Records that were appended to a topic. To be kept: it is looked up once.
    #[must_use]
    pub fn records(&self, topic: &'static str) -> Counter {
        self.records.get_or_create_owned(&TopicLabels { topic })
    }
}

/// What a process asks of the store. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct StoreMetrics {
    rows: Family<TableLabels, Counter>,
    statements: Family<StatementLabels, Counter>,
}

impl StoreMetrics {
    /// Rows of a table that the store was given to write or to remove. To be kept: it is looked up once.
    #[must_use]
    pub fn rows(&self, table: &'static str) -> Counter {
        self.rows.get_or_create_owned(&TableLabels { table })
    }

    /// How often a statement was sent, where the store has statements. To be kept: it is looked up once.
    #[must_use]
    pub fn statements(&self, statement: &'static str) -> Counter {
        self.statements.get_or_create_owned(&StatementLabels { statement })
    }
}

/// All metrics of a process.
pub struct Metrics {
    registry: Registry,
    /// Those of the gateway, over all its lives.
    pub gateway: GatewayMetrics,
    /// Those of the process.
    pub server: ServerMetrics,
    /// What it gives to the log.
    pub log: LogMetrics,
    /// What it asks of the store.
    pub store: StoreMetrics,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// The media type of [`Metrics::text`].
    pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// All of them, at zero.
    #[must_use]
    pub fn new() -> Self {
        let gateway = GatewayMetrics {
            connections: Gauge::default(),
            sessions: Gauge::default(),
            logins_refused: Counter::default(),
            session: SessionMetrics::default(),
            frames_in: Family::default(),
            frames_out: Family::default(),
            outcomes: Family::default(),
            closes: Family::default(),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(seconds),
            append_seconds: seconds(),
            inbox_read_seconds: seconds(),
        };
        let server = ServerMetrics {
            lives: Counter::default(),
            flush_failures: Counter::default(),
            ready: Gauge::default(),
            flush_seconds: seconds(),
            done: Family::default(),
            lag: Family::default(),
        };
        let (log, store) = (LogMetrics::default(), StoreMetrics::default());
        Self { registry: registry(&gateway, &server, &log, &store), gateway, server, log, store }
    }

    /// All of them in the format OpenMetrics 1.0.
    ///
    /// # Errors
    /// Never, but for a defect of the library.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}

/// Names them. The suffixes `_total` and of units come by themselves.
fn registry(gateway: &GatewayMetrics, server: &ServerMetrics, log: &LogMetrics, store: &StoreMetrics) -> Registry {
    let mut all = Registry::with_prefix(PREFIX);
    let g = gateway.clone();
    all.register("connections", "Open connections", g.connections);
    all.register("sessions", "Open sessions", g.sessions);
    all.register("logins_refused", "Log-ins that were too many and told to come back later", g.logins_refused);
    all.register(
        "repairs",
        "Sessions that read their inbox again because they may have missed something",
        g.session.repairs,
    );
    all.register("sessions_stuck", "Sessions that had to wait for acknowledgements of their client", g.session.stuck);
    all.register("frames_in", "Frames of clients, by type", g.frames_in);
    all.register("frames_out", "Frames to clients, by type", g.frames_out);
    all.register("outcomes", "What senders were told of their commands: sent, or a code", g.outcomes);
    all.register("closes", "Connections that were closed, by code", g.closes);
    all.register("http_requests", "Requests over HTTP", g.requests);
    let unit = || Unit::Seconds;
    all.register_with_unit("http_request_duration", "How long answers took, by route", unit(), g.request_seconds);
    all.register_with_unit(
        "append_duration",
        "From a message's place in the queue of the log until it was durable",
        unit(),
        g.append_seconds,
    );
    all.register_with_unit("inbox_read_duration", "Reading a page of an inbox", unit(), g.inbox_read_seconds);
    let s = server.clone();
    all.register("lives", "Lives of the server that began", s.lives);
    all.register("ready", "1 while sessions are taken", s.ready);
    all.register_with_unit("store_flush_duration", "Flushing the store", unit(), s.flush_seconds);
    all.register("store_flush_failures", "Flushes of the store that failed", s.flush_failures);
    all.register("role_done", "Below which offset a role has done everything, by role and partition", s.done);
    all.register("role_lag", "How many records a role has not done, by role and partition", s.lag);
    all.register("log_records", "Records that were appended to the log, by topic", log.records.clone());
    all.register("store_rows", "Rows that the store was given to write or to remove, by table", store.rows.clone());
    all.register(
        "store_statements",
        "Statements that were sent to the CQL store, by name; a batch is one, and so is each page of a read",
        store.statements.clone(),
    );
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_names_what_was_counted() {
        let metrics = Metrics::new();
        metrics.gateway.frame_in("send");
        metrics.gateway.frame_in("send");
        metrics.gateway.request("GET", "/v1/chats/{chat}", 200, Duration::from_millis(3));
        metrics.server.progress("sequencer", 2, 7, 10);
        metrics.log.records("commands").inc_by(3);
        metrics.store.rows("events").inc();
        metrics.store.rows("events").inc();
        metrics.store.statements("put_event").inc();
        let text = metrics.text().unwrap();
        for line in [
            "chasqui_frames_in_total{type=\"send\"} 2",
            "chasqui_http_requests_total{method=\"GET\",route=\"/v1/chats/{chat}\",status=\"200\"} 1",
            "chasqui_http_request_duration_seconds_bucket{le=\"0.005\",route=\"/v1/chats/{chat}\"} 1",
            "chasqui_role_lag{role=\"sequencer\",partition=\"2\"} 3",
            "chasqui_sessions 0",
            "chasqui_log_records_total{topic=\"commands\"} 3",
            "chasqui_store_rows_total{table=\"events\"} 2",
            "chasqui_store_statements_total{statement=\"put_event\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\nis not in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"), "{text}");
    }
}
