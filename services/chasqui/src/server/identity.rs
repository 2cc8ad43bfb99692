//! Who is there and who may write to whom, as the options have it.

use std::time::Duration;

use chasqui_auth::{Address, Hook, HookOptions, Keys, Outbound, Policy, Refresh, Verifier, file, url};
use chasqui_config::{Options, Secret};
use chasqui_runtime::Runtime;

use super::Error;

/// What judges tokens, and what judges messages. The certificates to trust are read here, everything else when it is
/// first needed.
pub(super) async fn judges(options: &Options, runtime: &Runtime) -> Result<(Verifier, Policy), Error> {
    let outbound = outbound(options).await?;
    let verifier = chasqui_auth::Options {
        secret: options.auth.secret.as_ref().map(|secret| secret.expose().as_bytes().to_vec()),
        keys: keys(options, &outbound, runtime)?,
        issuer: options.auth.issuer.clone(),
        audience: options.auth.audience.clone(),
        leeway_ms: options.auth.leeway_ms,
        claim: (options.policy.mode.as_deref() == Some("token")).then(|| options.policy.claim.clone()),
    };
    Ok((Verifier::new(verifier, runtime.clone()), policy(options, &outbound, runtime)?))
}

/// Whom to trust, of those that are asked over HTTP.
pub(crate) async fn outbound(options: &Options) -> Result<Outbound, Error> {
    let Some(path) = &options.outbound.ca_file else { return Ok(Outbound::default()) };
    let pem = tokio::fs::read(path).await;
    let pem = pem.map_err(|source| Error::CaFile { file: path.display().to_string(), source })?;
    Ok(Outbound::trusting(&pem)?)
}

fn keys(options: &Options, outbound: &Outbound, runtime: &Runtime) -> Result<Option<Keys>, Error> {
    let auth = &options.auth;
    let source = match (&auth.jwks_file, &auth.jwks_url) {
        (Some(path), _) => file(path.clone()),
        (None, Some(text)) => url(outbound, address("auth.jwks_url", text)?)?,
        (None, None) => return Ok(None),
    };
    let refresh = Refresh {
        every: Duration::from_millis(auth.jwks_refresh_ms),
        least: Duration::from_millis(auth.jwks_refresh_least_ms),
    };
    Ok(Some(Keys::new(source, refresh, runtime.clone())))
}

fn policy(options: &Options, outbound: &Outbound, runtime: &Runtime) -> Result<Policy, Error> {
    let policy = &options.policy;
    match policy.mode.as_deref() {
        Some("open") => Ok(Policy::Open),
        Some("hook") => {
            let hook = HookOptions {
                address: address("policy.hook_url", policy.hook_url.as_deref().unwrap_or_default())?,
                token: policy.hook_token.as_ref().map(Secret::expose).map(str::to_owned),
                timeout: Duration::from_millis(policy.hook_timeout_ms),
                answers_count: Duration::from_millis(policy.hook_cache_ms),
            };
            Ok(Policy::Hook(Box::new(Hook::new(outbound, hook, runtime.clone())?)))
        }
        // Other modes were refused before.
        _ => Ok(Policy::Token),
    }
}

fn address(key: &'static str, text: &str) -> Result<Address, Error> {
    Address::parse(text).map_err(|source| Error::Address { key, source })
}
