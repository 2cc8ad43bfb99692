//! Log lines.

use std::{
    env,
    io::{self, IsTerminal},
};

use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter,
    filter::ParseError,
    fmt::{MakeWriter, Subscriber as Lines},
    util::{SubscriberInitExt, TryInitError},
};

/// The environment variable that says what is logged, in the syntax of `tracing-subscriber`'s `EnvFilter`, such as
/// `info,chasqui_router=debug`. When it is set to something it wins over the filter given to [`init`].
pub const FILTER_VARIABLE: &str = "CHASQUI_LOG";

/// What is logged when nobody says otherwise.
pub const FILTER_DEFAULT: &str = "info";

/// How a log line looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// For people: a line of text, with colours on a terminal.
    #[default]
    Pretty,
    /// For machines: a JSON object a line.
    Json,
}

/// Why logging didn't start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter can't be read.
    #[error("not a log filter: {filter:?}; write it like info,chasqui_router=debug")]
    Filter {
        /// The filter.
        filter: String,
        /// What is wrong with it.
        #[source]
        source: ParseError,
    },
    /// Something else in this process collects log lines already.
    #[error("logging was started before")]
    Started(#[source] TryInitError),
}

/// Starts writing log lines to standard error, for the whole process, until it ends. [`FILTER_VARIABLE`] says which;
/// when it is not set or empty, `filter` does; when that is empty too, [`FILTER_DEFAULT`].
///
/// # Errors
/// When the filter can't be read, or logging was started before.
pub fn init(format: Format, filter: &str) -> Result<(), Error> {
    let filter = parse(choose(env::var(FILTER_VARIABLE).ok().as_deref(), filter))?;
    let ansi = io::stderr().is_terminal();
    subscriber(format, filter, ansi, io::stderr).try_init().map_err(Error::Started)
}

fn choose<'a>(variable: Option<&'a str>, given: &'a str) -> &'a str {
    [variable.unwrap_or_default(), given].into_iter().find(|filter| !filter.trim().is_empty()).unwrap_or(FILTER_DEFAULT)
}

fn parse(filter: &str) -> Result<EnvFilter, Error> {
    EnvFilter::builder().parse(filter).map_err(|source| Error::Filter { filter: filter.to_owned(), source })
}

fn subscriber<W>(format: Format, filter: EnvFilter, ansi: bool, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    // A line that can't be written must not be told on the same closed standard error: that panics.
    let lines = Lines::builder().with_env_filter(filter).with_writer(writer).log_internal_errors(false);
    match format {
        Format::Pretty => Box::new(lines.with_ansi(ansi).finish()),
        Format::Json => Box::new(lines.json().flatten_event(true).finish()),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(format: Format, filter: &str) -> String {
        let page = Page::default();
        let writer = page.clone();
        let subscriber = subscriber(format, parse(filter).unwrap(), false, move || writer.clone());
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(sessions = 3, "drained");
            tracing::debug!("detail");
        });
        let bytes = page.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_line_of_json_has_the_fields_at_the_top() {
        let text = written(Format::Json, FILTER_DEFAULT);
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&line["level"], &line["message"], &line["sessions"]),
            (&"INFO".into(), &"drained".into(), &3.into())
        );
    }

    #[test]
    fn a_line_for_people_is_plain_text_away_from_a_terminal() {
        let text = written(Format::Pretty, FILTER_DEFAULT);
        assert!(text.ends_with("drained sessions=3\n"), "{text:?}");
        assert!(!text.contains('\x1b'), "{text:?}");
    }

    #[test]
    fn the_filter_decides_what_is_written() {
        assert!(!written(Format::Pretty, FILTER_DEFAULT).contains("detail"));
        assert!(written(Format::Pretty, "warn,chasqui_telemetry=debug").contains("detail"));
        assert_eq!(written(Format::Pretty, "warn"), "");
    }

    #[test]
    fn the_variable_wins_and_info_is_the_default() {
        assert_eq!(choose(Some("debug"), "warn"), "debug");
        assert_eq!(choose(Some(" "), "warn"), "warn");
        assert_eq!(choose(None, "warn"), "warn");
        assert_eq!(choose(None, ""), FILTER_DEFAULT);
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_named() {
        let error = parse("chasqui=loud").unwrap_err();
        assert!(error.to_string().contains("chasqui=loud"), "{error}");
    }
}
