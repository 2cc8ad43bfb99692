//! Answers over HTTP as they are read, one behind the other.

use anyhow::{Context, anyhow};
use chasqui_tests::documented;
use serde_json::{Value, json};

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In lower case, as the server writes them.
    pub(crate) head: String,
    body: String,
}

impl Answer {
    /// The value of a header.
    fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(": "));
        headers.find(|(it, _)| *it == name).map(|(_, value)| value)
    }

    /// What is in it; its text where that is no JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| json!(self.body))
    }

    /// That a question may be answered so.
    pub(crate) fn is_documented(&self, method: &str, path: &str) -> anyhow::Result<()> {
        let media = self.header("content-type");
        documented::answer(method, path, self.status, media, self.body.as_bytes()).map_err(|why| anyhow!(why))
    }
}

/// All that were read.
pub(crate) fn answers_in(mut read: &str) -> anyhow::Result<Vec<Answer>> {
    let mut answers = Vec::new();
    while !read.is_empty() {
        let (head, rest) = read.split_once("\r\n\r\n").with_context(|| format!("half a head: {read}"))?;
        let status = head.strip_prefix("HTTP/1.1 ").and_then(|head| head.get(..3)).map(str::parse);
        let status = status.with_context(|| format!("no answer: {head}"))??;
        let mut answer = Answer { status, head: format!("{head}\r\n"), body: String::new() };
        let bytes = answer.header("content-length").map(str::parse).transpose()?.unwrap_or_default();
        let (body, next) = rest.split_at_checked(bytes).with_context(|| format!("half a body: {rest}"))?;
        body.clone_into(&mut answer.body);
        answers.push(answer);
        read = next;
    }
    Ok(answers)
}

/// The same, which are all as the documents say of this question.
pub(crate) fn answers_to(method: &str, path: &str, read: &str) -> anyhow::Result<Vec<Answer>> {
    let answers = answers_in(read)?;
    answers.iter().try_for_each(|answer| answer.is_documented(method, path))?;
    Ok(answers)
}
