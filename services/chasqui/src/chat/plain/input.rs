//! The lines of the input.

use std::{
    io::{self, BufRead, BufReader, Read as _},
    thread,
};

use tokio::sync::mpsc;

use super::super::{
    limits::{SCRIPT_LINES_MAX, TEXT_BYTES_MAX},
    text::typed,
};

/// What was read.
#[derive(Debug)]
pub(super) enum Read {
    Line(String),
    /// The line of this number, from 1, is none that can be sent.
    TooLong {
        line: u64,
        bytes_max: usize,
    },
    Failed(io::Error),
}

/// Reads lines in a thread of its own. It may wait for ever, which must not keep the process from ending, so it is none
/// of the runtime's.
pub(super) fn lines<R: io::Read>(open: impl FnOnce() -> R + Send + 'static) -> io::Result<mpsc::Receiver<Read>> {
    let (sender, lines) = mpsc::channel(SCRIPT_LINES_MAX);
    thread::Builder::new().name("input".to_owned()).spawn(move || {
        let mut input = BufReader::new(open());
        for number in 1.. {
            let read = match line(&mut input) {
                Ok(None) => return,
                Ok(Some(Some(text))) if text.trim().is_empty() => continue,
                Ok(Some(Some(text))) => Read::Line(text),
                Ok(Some(None)) => Read::TooLong { line: number, bytes_max: TEXT_BYTES_MAX },
                Err(error) => Read::Failed(error),
            };
            let is_end = matches!(read, Read::Failed(_));
            if sender.blocking_send(read).is_err() || is_end {
                return;
            }
        }
    })?;
    Ok(lines)
}

/// The next line; none at the end, and none within for one that is too long.
fn line(input: &mut impl BufRead) -> io::Result<Option<Option<String>>> {
    let mut bytes = Vec::new();
    // Room for the line's end, which may have two bytes.
    let most = TEXT_BYTES_MAX as u64 + 2;
    if input.by_ref().take(most).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    let has_end = bytes.ends_with(b"\n");
    let is_whole = has_end || (bytes.len() as u64) < most;
    while bytes.last().is_some_and(|byte| b"\r\n".contains(byte)) {
        bytes.pop();
    }
    if !is_whole || bytes.len() > TEXT_BYTES_MAX {
        if !has_end {
            skip_line(input)?;
        }
        return Ok(Some(None));
    }
    Ok(Some(Some(typed(&String::from_utf8_lossy(&bytes)))))
}

fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let bytes = input.fill_buf()?;
        let (count, is_end) = match bytes.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (bytes.len(), bytes.is_empty()),
        };
        input.consume(count);
        if is_end {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(input: Vec<u8>) -> Vec<String> {
        let mut lines = lines(move || io::Cursor::new(input)).unwrap();
        let mut read = Vec::new();
        while let Some(it) = lines.recv().await {
            read.push(match it {
                Read::Line(text) if text.len() > 100 => format!("{} bytes", text.len()),
                Read::Line(text) => text,
                Read::TooLong { line, .. } => format!("too long: {line}"),
                Read::Failed(error) => error.to_string(),
            });
        }
        read
    }

    #[tokio::test]
    async fn lines_are_read_until_the_end() {
        assert_eq!(read(b"one\r\n\n  \ntwo\x1b[2J\xff\nlast".to_vec()).await, ["one", "two[2J\u{fffd}", "last"]);
        assert_eq!(read(Vec::new()).await, [""; 0]);
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_is_passed_over_as_a_whole() {
        let mut input = vec![b'x'; TEXT_BYTES_MAX];
        input.extend(b"\r\n");
        input.extend(vec![b'y'; TEXT_BYTES_MAX + 1]);
        input.extend(b"\n");
        input.extend(vec![b'y'; 3 * TEXT_BYTES_MAX]);
        input.extend(b"\nnext\n");
        let whole = format!("{TEXT_BYTES_MAX} bytes");
        assert_eq!(read(input).await, [whole.as_str(), "too long: 2", "too long: 3", "next"]);
    }
}
