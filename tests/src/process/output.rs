//! What a server writes: that it is ready, and its log.

use std::{
    collections::VecDeque,
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::Child,
    sync::Arc,
    thread,
};

use anyhow::Context;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::watch;

/// So much of the log is shown when a test fails.
const TAIL_LINES: usize = 60;

#[derive(Debug, Clone, Default)]
struct Said {
    /// The address, once it takes sessions.
    ready: Option<String>,
    /// How many of the two streams have ended.
    over: u8,
}

#[derive(Debug, Default)]
struct Lines {
    tail: VecDeque<String>,
    complaints: Vec<String>,
}

/// Follows a server's output on two threads, which end with it.
#[derive(Debug)]
pub(super) struct Output {
    said: watch::Receiver<Said>,
    lines: Arc<Mutex<Lines>>,
}

impl Output {
    pub(super) fn follow(child: &mut Child, log: &Path) -> anyhow::Result<Self> {
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (stdout, stderr) = (stdout.context("no standard output")?, stderr.context("no standard error")?);
        let file = OpenOptions::new().create(true).append(true).open(log)?;
        let (sender, said) = watch::channel(Said::default());
        let lines = Arc::new(Mutex::new(Lines::default()));
        let (at_stdout, at_stderr, kept) = (sender.clone(), sender, lines.clone());
        thread::spawn(move || {
            read(stdout, |line| {
                if let Some(url) = line.strip_prefix("ready on http://") {
                    at_stdout.send_modify(|said| said.ready = Some(url.trim().to_owned()));
                }
            });
            at_stdout.send_modify(|said| said.over += 1);
        });
        thread::spawn(move || {
            read(stderr, |line| keep(&kept, &file, line));
            at_stderr.send_modify(|said| said.over += 1);
        });
        Ok(Self { said, lines })
    }

    /// Waits until it is ready, or over.
    pub(super) async fn ready(&mut self) -> Option<String> {
        // An error would say that both threads are gone, and they say that it is over before.
        let said = self.said.wait_for(|said| said.ready.is_some() || said.over == 2).await;
        said.ok().and_then(|said| said.ready.clone())
    }

    pub(super) async fn over(&mut self) {
        drop(self.said.wait_for(|said| said.over == 2).await);
    }

    pub(super) fn was_ready(&self) -> bool {
        self.said.borrow().ready.is_some()
    }

    pub(super) fn is_over(&self) -> bool {
        self.said.borrow().over == 2
    }

    pub(super) fn complaints(&self) -> Vec<String> {
        self.lines.lock().complaints.clone()
    }

    pub(super) fn tail(&self) -> String {
        let lines = self.lines.lock();
        let tail: Vec<&str> = lines.tail.iter().map(String::as_str).collect();
        format!("the server's last lines:\n  {}", tail.join("\n  "))
    }
}

fn read(from: impl Read, mut line: impl FnMut(&str)) {
    let mut lines = BufReader::new(from);
    let mut text = Vec::new();
    // A stream that can't be read is one that has ended.
    while lines.read_until(b'\n', &mut text).is_ok_and(|bytes| bytes > 0) {
        line(String::from_utf8_lossy(&text).trim_end());
        text.clear();
    }
}

fn keep(lines: &Mutex<Lines>, mut file: &File, line: &str) {
    // The file is for people; a full disk shows elsewhere.
    let _ = writeln!(file, "{line}");
    let mut lines = lines.lock();
    if is_complaint(line) {
        lines.complaints.push(line.to_owned());
    }
    if lines.tail.len() == TAIL_LINES {
        lines.tail.pop_front();
    }
    lines.tail.push_back(line.to_owned());
}

/// A line of the log that is a warning or worse, or no line of the log at all, such as a panic.
fn is_complaint(line: &str) -> bool {
    let parsed: Option<Value> = serde_json::from_str(line).ok();
    let level = parsed.as_ref().and_then(|line| line.get("level")).and_then(Value::as_str);
    !matches!(level, Some("INFO" | "DEBUG" | "TRACE"))
}

#[cfg(test)]
mod tests {
    use super::is_complaint;

    #[test]
    fn whatever_is_not_a_quiet_line_is_a_complaint() {
        assert!(!is_complaint(r#"{"level":"INFO","fields":{"message":"ready"}}"#));
        for line in [r#"{"level":"WARN"}"#, r#"{"level":"ERROR"}"#, "thread 'main' panicked", "{}", ""] {
            assert!(is_complaint(line), "{line}");
        }
    }
}
