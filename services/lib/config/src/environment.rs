//! The environment as a layer of options.

use std::env;

use crate::Error;

/// What the variables of Chasqui begin with.
pub const PREFIX: &str = "CHASQUI_";

/// The variable that says what is logged. It is not an option.
const FILTER_VARIABLE: &str = "CHASQUI_LOG";

/// The variable that names the configuration file. It is not an option.
pub const FILE_VARIABLE: &str = "CHASQUI_CONFIG";

/// The variable that holds the token of a client. It is not an option.
pub const TOKEN_VARIABLE: &str = "CHASQUI_TOKEN";

/// The variable that sets the option of this key.
#[must_use]
pub fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_uppercase().replace('.', "__"))
}

/// Those variables of this process that begin with [`PREFIX`], as [`load`](crate::load) takes them.
///
/// # Errors
/// When one of them doesn't hold text.
pub fn environment() -> Result<Vec<(String, String)>, Error> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        let name = name.into_string().ok().filter(|name| name.starts_with(PREFIX))?;
        Some(match value.into_string() {
            Ok(value) => Ok((name, value)),
            Err(_) => Err(Error::NotText { variable: name }),
        })
    };
    env::vars_os().filter_map(text).collect()
}

/// The key that a variable means, whether or not there is such an option; none when it means no option.
pub(crate) fn key(name: &str, value: &str) -> Option<String> {
    let rest = name.strip_prefix(PREFIX)?;
    let is_other = [FILTER_VARIABLE, FILE_VARIABLE, TOKEN_VARIABLE].contains(&name);
    let skip = value.is_empty() || is_other || is_service_link(rest, value);
    (!skip).then(|| rest.to_lowercase().replace("__", "."))
}

/// Kubernetes describes every service of a namespace in the environment of every pod. A service that is called
/// `chasqui` or `chasqui-...` gives names that look like ours.
fn is_service_link(rest: &str, value: &str) -> bool {
    let segments: Vec<&str> = rest.split('_').collect();
    let service = segments.windows(2).any(|pair| matches!(pair, ["SERVICE", "HOST" | "PORT"]));
    let address = ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme));
    let protocol = segments.iter().any(|segment| matches!(*segment, "TCP" | "UDP" | "SCTP"));
    service || segments.contains(&"PORT") && (address || protocol)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_means_the_key_with_its_levels() {
        assert_eq!(variable("gateway.frame_bytes_max"), "CHASQUI_GATEWAY__FRAME_BYTES_MAX");
        assert_eq!(key("CHASQUI_GATEWAY__FRAME_BYTES_MAX", "1").as_deref(), Some("gateway.frame_bytes_max"));
        assert_eq!(key("CHASQUI_LEASE_MS", "1").as_deref(), Some("lease_ms"));
    }

    #[test]
    fn what_is_no_option_is_left_alone() {
        for (name, value) in [
            ("PATH", "/bin"),
            ("CHASQUI_LOG", "debug"),
            ("CHASQUI_CONFIG", "chasqui.toml"),
            ("CHASQUI_TOKEN", "eyJhbGciOiJIUzI1NiJ9"),
            ("CHASQUI_AUTH__SECRET", ""),
            ("CHASQUI_SERVICE_HOST", "10.0.0.7"),
            ("CHASQUI_SERVICE_PORT_HTTP", "7600"),
            ("CHASQUI_GATEWAY_PORT", "tcp://10.0.0.7:7600"),
            ("CHASQUI_PORT_7600_TCP_PROTO", "tcp"),
        ] {
            assert_eq!(key(name, value), None, "{name}");
        }
        assert!(key("CHASQUI_PORT", "7600").is_some());
    }
}
