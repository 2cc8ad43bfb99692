//! Reports for people.

use std::{collections::BTreeMap, fmt::Write};

use chasqui_load::{
    ChatReport, CountsReport, Faults, GroupReport, IdleReport, Latency, Rate, Receipts, Records, Resident, StormFaults,
    StormReport, Usage,
};

/// The report of an exchange.
pub(super) fn of_chat(report: &ChatReport) -> String {
    let mut text = String::new();
    let pace = pace(report.window, report.per_second);
    let ChatReport { pairs, text_bytes, seconds, .. } = report;
    // Writing to a text doesn't fail.
    let _ = writeln!(text, "{pairs} pairs, {pace}, texts of {text_bytes} bytes, {seconds:.1} s\n");
    rate(&mut text, "receipted", Some(report.receipted));
    rate(&mut text, "read", report.read);
    latency_head(&mut text);
    latency(&mut text, "send to sent", report.sent_after);
    latency(&mut text, "send to received", report.received_after);
    latency(&mut text, "send to delivered", report.delivered_after);
    latency(&mut text, "send to read", report.read_after);
    if let Some(usage) = &report.processors {
        let per_1000 = |seconds: f64| {
            format!("{:.4} s per 1,000 messages", seconds * 1_000.0 / report.receipted.count.max(1) as f64)
        };
        processors(&mut text, usage, per_1000);
    }
    faults(&mut text, of_exchange(&report.faults));
    text
}

/// The report of messages in groups.
pub(super) fn of_group(report: &GroupReport) -> String {
    let mut text = String::new();
    let GroupReport { groups, members, online, text_bytes, seconds, created_seconds, .. } = report;
    let pace = pace(report.window, report.per_second);
    let _ = writeln!(
        text,
        "{groups} groups of {members} members, made in {created_seconds:.2} s, {online} online beside the author, \
         receipts {}, {pace}, texts of {text_bytes} bytes, {seconds:.1} s\n",
        match report.receipts {
            Receipts::None => "none",
            Receipts::Delivered => "delivered",
            Receipts::Read => "read",
        }
    );
    rate(&mut text, "sent", Some(report.messages));
    rate(&mut text, "received", Some(report.deliveries));
    latency_head(&mut text);
    latency(&mut text, "send to sent", report.sent_after);
    latency(&mut text, "send to received", report.received_after);
    latency(&mut text, "received by all", report.received_by_all_after);
    let CountsReport { frames_per_author, bytes_per_author_and_second, frame_bytes_max, bytes_in_250_ms_max } =
        report.counts;
    let _ = writeln!(
        text,
        "\ncounts            {frames_per_author:.1} frames per author, {bytes_per_author_and_second:.0} bytes a second, \
         {frame_bytes_max} bytes at most, {bytes_in_250_ms_max} within 250 ms"
    );
    records(&mut text, report.records.as_ref());
    if let Some(usage) = &report.processors {
        let per_1000 = |seconds: f64, count: u64| seconds * 1_000.0 / count.max(1) as f64;
        let share = |seconds: f64| {
            let of_messages = format!("{:.4} s per 1,000 messages", per_1000(seconds, report.messages.count));
            match report.deliveries.count {
                0 => of_messages,
                count => format!("{:.4} s per 1,000 deliveries, {of_messages}", per_1000(seconds, count)),
            }
        };
        processors(&mut text, usage, share);
    }
    let own = [("too many counts in 250 ms", report.faults.too_many_counts)];
    faults(&mut text, own.into_iter().chain(of_exchange(&report.faults.exchange)));
    text
}

/// The report of sessions that come back at once.
pub(super) fn of_storm(report: &StormReport) -> String {
    let mut text = String::new();
    let StormReport { sessions, writers, messages, per_second, text_bytes, log_in_seconds, .. } = report;
    let _ = writeln!(
        text,
        "{sessions} sessions, logged in after {log_in_seconds:.1} s, each missed {messages} messages of {text_bytes} bytes; \
         {writers} writers, {per_second} messages a second\n"
    );
    rate(&mut text, "missed", Some(report.written_while_away));
    let Rate { count, per_second } = report.admitted;
    let _ = writeln!(text, "{:<18}{per_second:>10.0} a second  ({count} log-ins)", "admitted");
    let told: u64 = report.told_to_come_back.values().sum();
    let codes: Vec<String> = report.told_to_come_back.iter().map(|(code, count)| format!("{code} {count}")).collect();
    let codes = if codes.is_empty() { String::new() } else { format!(": {}", codes.join(", ")) };
    let _ = writeln!(text, "told to come back {told:>10} times, one {} times{codes}", report.told_most);
    let _ = writeln!(text, "cut without a word{:>10} times", report.cut_without_a_word);
    latency_head(&mut text);
    latency(&mut text, "caught up after", report.caught_up_after);
    latency(&mut text, "sent, in calm", report.sent_after_in_calm);
    latency(&mut text, "sent, in storm", report.sent_after_in_storm);
    if let Some(Resident { before, peak, after }) = report.resident_kib {
        let [before, peak, after] = [before, peak, after].map(|kib| kib / 1024);
        let _ = writeln!(text, "\nresident memory   {before} MiB before, {peak} MiB at most, {after} MiB after");
    }
    if let Some(usage) = &report.processors {
        let each = |seconds: f64| format!("{:.3} ms per session", seconds * 1_000.0 / (*sessions).max(1) as f64);
        processors(&mut text, usage, each);
    }
    let StormFaults { exchange, not_resumed, caught_up_too_early, not_caught_up } = &report.faults;
    let own = [
        ("had not caught up in time", *not_caught_up),
        ("caught up too early", *caught_up_too_early),
        ("did not go on at their cursor", *not_resumed),
    ];
    faults(&mut text, own.into_iter().chain(of_exchange(exchange)));
    if report.writers_repaired > 0 {
        let _ = writeln!(text, "writers fell behind {} times and were brought up to date", report.writers_repaired);
    }
    text
}

/// The report of sessions that do nothing.
pub(super) fn of_idle(report: &IdleReport) -> String {
    let mut text = String::new();
    let IdleReport { sessions, log_in_seconds, told_to_come_back, .. } = report;
    let _ = writeln!(
        text,
        "{sessions} sessions, logged in after {log_in_seconds:.2} s; told to come back {told_to_come_back} times\n"
    );
    let mut line = |what: &str, value: Option<f64>, unit: &str| {
        let value = value.map_or_else(|| "not known".to_owned(), |value| format!("{value:.3} {unit}"));
        let _ = writeln!(text, "{what:<36}{value:>20}");
    };
    line("resident memory per session", report.resident_kib_per_session, "KiB");
    line("processor time per log-in", report.cpu_ms_per_log_in, "ms");
    line("processor time a second when idle", report.idle_cpu_ms_per_second, "ms");
    if let Some(usage) = &report.processors {
        processors(&mut text, usage, |_| String::new());
    }
    text
}

fn pace(window: Option<usize>, per_second: Option<f64>) -> String {
    match (window, per_second) {
        (Some(window), _) => format!("window {window}"),
        (_, Some(per_second)) => format!("{per_second} messages a second"),
        _ => String::new(),
    }
}

fn rate(text: &mut String, name: &str, rate: Option<Rate>) {
    if let Some(Rate { count, per_second }) = rate {
        let _ = writeln!(text, "{name:<18}{per_second:>10.0} a second  ({count} messages)");
    }
}

fn latency_head(text: &mut String) {
    let _ = writeln!(text, "\n{:<18}{:>10}{:>10}{:>10}{:>10}{:>10}  ms", "", "p50", "p95", "p99", "p99.9", "max");
}

fn latency(text: &mut String, name: &str, latency: Option<Latency>) {
    if let Some(it) = latency {
        let Latency { p50_ms, p95_ms, p99_ms, p99_9_ms, max_ms, .. } = it;
        let _ = writeln!(text, "{name:<18}{p50_ms:>10.2}{p95_ms:>10.2}{p99_ms:>10.2}{p99_9_ms:>10.2}{max_ms:>10.2}");
    }
}

fn records(text: &mut String, records: Option<&Records>) {
    let Some(it) = records else {
        let _ = writeln!(text, "records a message not known");
        return;
    };
    let topics = [
        ("commands", it.commands_per_message),
        ("events", it.events_per_message),
        ("inbox", it.inbox_per_message),
        ("gateways", it.gateway_per_message),
        ("presence", it.presence_per_message),
    ];
    let _ = writeln!(text, "records a message {}", shares(topics.into_iter()));
    // What would round to nothing is in the JSON.
    let by_name = |shares: &BTreeMap<String, f64>| {
        let all = shares.iter().map(|(name, count)| (name.as_str(), *count));
        self::shares(all.filter(|(_, count)| *count >= 0.005))
    };
    let _ = writeln!(text, "rows a message    {:.2}: {}", it.rows_per_message, by_name(&it.rows_by_table));
    if let Some(statements) = it.statements_per_message {
        let _ = writeln!(text, "statements        {statements:.2} a message: {}", by_name(&it.statements_by_name));
    }
}

fn shares<'a>(all: impl Iterator<Item = (&'a str, f64)>) -> String {
    all.map(|(name, count)| format!("{count:.2} in {name}")).collect::<Vec<_>>().join(", ")
}

fn processors(text: &mut String, usage: &Usage, share: impl Fn(f64) -> String) {
    let _ = writeln!(text, "\nprocessor seconds, of {} processors", usage.cores);
    for process in &usage.servers {
        let name = format!("{} ({})", process.name, process.pid);
        let of_kernel = 100.0 * process.system_seconds / process.cpu_seconds.max(f64::EPSILON);
        let (seconds, mib) = (process.cpu_seconds, process.resident_kib / 1024);
        let share = share(seconds);
        let _ =
            writeln!(text, "  {name:<26}{seconds:>8.2}  {share}, {of_kernel:.0} % in the kernel, {mib} MiB resident");
    }
    for (name, seconds) in
        [("this load", usage.load_seconds), ("everything else", usage.others_seconds), ("idle", usage.idle_seconds)]
    {
        let _ = writeln!(text, "  {name:<26}{seconds:>8.2}");
    }
}

fn of_exchange(faults: &Faults) -> impl Iterator<Item = (&'static str, u64)> + use<> {
    let all = [
        ("lost", faults.lost),
        ("without an outcome in time", faults.without_outcome),
        ("without a receipt in time", faults.without_receipt),
        ("repeated", faults.repeated),
        ("out of order", faults.out_of_order),
        ("altered", faults.altered),
        ("receipts that are not true", faults.untrue_receipts),
    ];
    all.into_iter()
}

fn faults(text: &mut String, all: impl Iterator<Item = (&'static str, u64)>) {
    let mut wrong = all.filter(|(_, count)| *count > 0).peekable();
    if wrong.peek().is_none() {
        let _ = writeln!(text, "\nnothing was lost, repeated, altered or out of order");
        return;
    }
    let _ = writeln!(text, "\nWRONG:");
    for (name, count) in wrong {
        let _ = writeln!(text, "  {name:<30}{count:>10}");
    }
}
