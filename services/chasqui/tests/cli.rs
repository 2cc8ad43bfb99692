//! The commands that print and end.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Output, Stdio},
};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

/// A command without options from the environment.
fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CHASQUI_")) {
        command.env_remove(name);
    }
    command
}

fn chasqui(arguments: &[&str]) -> Result<Output> {
    Ok(command(env!("CARGO_BIN_EXE_chasqui")).args(arguments).output()?)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn every_command_has_help_with_examples() -> Result<()> {
    for command in ["serve", "token", "config", "chat", "ban", "unban", "bans"] {
        let output = chasqui(&[command, "--help"])?;
        ensure!(output.status.success() && text(&output.stdout).contains("Examples:\n  "), "{command}: {output:?}");
    }
    Ok(())
}

#[test]
fn protocol_prints_the_documents_that_are_kept() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/protocol");
    let kept = |name: &str| fs::read_to_string(folder.join(name)).with_context(|| name.to_owned());
    for document in ["openapi", "asyncapi", "codes"] {
        let output = chasqui(&["protocol", document])?;
        ensure!(output.status.success() && text(&output.stdout) == kept(&format!("{document}.json"))?, "{document}");
    }
    // The same in HTML.
    let output = chasqui(&["protocol", "page"])?;
    let page = text(&output.stdout);
    ensure!(output.status.success() && page.starts_with("<!doctype html>") && page.ends_with("</html>\n"), "{page}");
    ensure!(page == chasqui::protocol::page());
    let headings = kept("PROTOCOL.md")?.lines().filter(|line| line.starts_with('#')).count();
    ensure!(headings > 10 && page.matches("</h").count() - 2 == headings, "the page has other headings");
    Ok(())
}

#[test]
fn config_as_json_has_every_option_and_no_secret() -> Result<()> {
    let output = chasqui(&["config", "--dev", "--json", "--set", "listen=127.0.0.1:1"])?;
    let settings: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout)?;
    let of = |key: &str| settings.iter().find(|setting| setting["key"] == key);
    ensure!(of("listen").is_some_and(|it| it["value"].to_string().contains("127.0.0.1:1") && it["origin"] == "flag"));
    ensure!(of("gateway.idle_ms").is_some_and(|it| it["origin"] == "default"));
    ensure!(settings.len() == chasqui_config::TABLE.len());
    let all = text(&output.stdout);
    ensure!(!all.contains(chasqui_config::DEV_AUTH_SECRET) && !all.contains(chasqui_config::DEV_SEAL_MASTER_KEY));
    Ok(())
}

#[test]
fn without_keys_nothing_starts_and_the_error_says_what_to_set() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let output = chasqui(&["serve", "--set", &format!("data={}", data.display())])?;
    let error = text(&output.stderr);
    ensure!(!output.status.success() && error.contains("auth.secret") && error.contains("seal.master_key"), "{error}");
    ensure!(!data.exists(), "a data folder was made");
    let output = chasqui(&["token", "--user", "alice"])?;
    ensure!(!output.status.success() && text(&output.stderr).contains("--dev"), "{output:?}");
    Ok(())
}

#[test]
fn a_token_carries_what_the_options_ask_for_and_ends() -> Result<()> {
    let issuer = ["--set", "auth.issuer=https://id.example", "--set", "auth.audience=chat"];
    let output = chasqui(&[&["token", "--dev", "--user", "alice", "--ttl", "90s"], &issuer[..]].concat())?;
    let key = jsonwebtoken::DecodingKey::from_secret(chasqui_config::DEV_AUTH_SECRET.as_bytes());
    let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::HS256);
    rules.set_issuer(&["https://id.example"]);
    rules.set_audience(&["chat"]);
    let token = jsonwebtoken::decode::<serde_json::Value>(text(&output.stdout).trim(), &key, &rules)?;
    ensure!(token.claims["sub"] == "alice");
    let life = token.claims["exp"].as_u64().zip(token.claims["iat"].as_u64()).map(|(exp, iat)| exp - iat);
    ensure!(life == Some(90), "{:?}", token.claims);
    Ok(())
}

#[test]
fn a_closed_standard_error_does_not_keep_it_from_a_clean_end() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = format!("data={}", folder.path().join("data").display());
    let mut server = command(env!("CARGO_BIN_EXE_chasqui"))
        .args(["serve", "--dev", "--set", "listen=127.0.0.1:0", "--set", &data])
        .env("CHASQUI_LOG", "debug")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut ready = String::new();
    BufReader::new(server.stdout.as_mut().context("no output")?).read_line(&mut ready)?;
    ensure!(ready.starts_with("ready on http://"), "{ready}");
    drop(server.stderr.take());
    kill_process(Pid::from_child(&server), Signal::TERM)?;
    let status = server.wait()?;
    ensure!(status.success(), "{status}");
    Ok(())
}

#[test]
fn too_few_open_files_are_an_error_that_says_what_to_raise() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let serve = "ulimit -n 100; exec \"$0\" serve --dev --set listen=127.0.0.1:0 --set data=\"$1\"";
    let output =
        command("sh").args(["-c", serve, env!("CARGO_BIN_EXE_chasqui")]).arg(folder.path().join("data")).output()?;
    ensure!(!output.status.success() && text(&output.stderr).contains("ulimit -n"), "{output:?}");
    Ok(())
}
