//! The layers over each other, as the binary loads them.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use std::path::PathBuf;

use chasqui_config::{Error, Loaded, Origin, Setting, load};

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Loads from a file with this text; the path is that of the file, which is gone by then.
fn with_file(text: &str, variables: &[(&str, &str)], flags: &[(&str, &str)]) -> (PathBuf, Result<Loaded, Error>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chasqui.toml");
    std::fs::write(&path, text).unwrap();
    let loaded = load(Some(&path), pairs(variables), &pairs(flags));
    (path, loaded)
}

fn without_file(variables: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Loaded, Error> {
    load(None, pairs(variables), &pairs(flags))
}

fn setting<'a>(loaded: &'a Loaded, key: &str) -> &'a Setting {
    loaded.sources.iter().find(|setting| setting.key == key).unwrap()
}

#[test]
fn each_layer_wins_over_those_before_it_and_is_remembered() {
    let file = "lease_ms = 1\nheartbeat_ms = 1\n[log]\nsegment_bytes = 1_000\n[gateway]\nid = 'file'\n";
    let variables = [("CHASQUI_HEARTBEAT_MS", "2"), ("CHASQUI_GATEWAY__ID", "environment"), ("PATH", "/bin")];
    let (path, loaded) = with_file(file, &variables, &[("gateway.id", "first"), ("gateway.id", "flag")]);
    let loaded = loaded.unwrap();
    let options = &loaded.options;
    assert_eq!((options.lease_ms, options.heartbeat_ms, options.log.segment_bytes), (1, 2, 1_000));
    assert_eq!((options.gateway.id.as_str(), options.gateway.sessions_max), ("flag", 50_000));
    for (key, value, origin) in [
        ("lease_ms", "1", Origin::File(path.clone())),
        ("log.segment_bytes", "1000", Origin::File(path)),
        ("heartbeat_ms", "2", Origin::Environment("CHASQUI_HEARTBEAT_MS".into())),
        ("gateway.id", "flag", Origin::Flag),
        ("gateway.sessions_max", "50000", Origin::Default),
        ("log.bytes_max", "(not set)", Origin::Default),
    ] {
        let expected = Setting { key: setting(&loaded, key).key, value: value.into(), origin };
        assert_eq!(setting(&loaded, key), &expected);
    }
    assert!(loaded.to_string().contains("  environment CHASQUI_HEARTBEAT_MS\n"), "{loaded}");
}

#[test]
fn the_environment_is_text_and_becomes_what_the_option_holds() {
    let variables = [
        ("CHASQUI_LOG__BYTES_MAX", "134217728"),
        ("CHASQUI_LOG__PARTITIONS_USERS", "16"),
        ("CHASQUI_DATA", "/var/lib/chasqui"),
        ("CHASQUI_AUTH__SECRET", "007"),
        ("CHASQUI_AUTH__ISSUER", "true"),
        ("CHASQUI_LISTEN", ""),
        ("CHASQUI_LOG", "debug"),
    ];
    let options = without_file(&variables, &[("gateway.id", "12")]).unwrap().options;
    assert_eq!(options.log.bytes_max, Some(134_217_728));
    assert_eq!(options.log.partitions_users, Some(16));
    assert_eq!(options.data, PathBuf::from("/var/lib/chasqui"));
    assert_eq!(options.auth.secret.unwrap().expose(), "007");
    assert_eq!(options.auth.issuer.as_deref(), Some("true"));
    assert_eq!(options.listen, "127.0.0.1:7600");
    assert_eq!(options.gateway.id, "12");
}

#[test]
fn an_unknown_key_is_named_with_its_place_and_the_nearest_known_one() {
    let (path, loaded) = with_file("[log]\n\nsegment_byte = 1\n", &[], &[]);
    let expected =
        format!("unknown key log.segment_byte (file {}, line 3); did you mean log.segment_bytes?", path.display());
    assert_eq!(loaded.unwrap_err().to_string(), expected);

    let error = without_file(&[("CHASQUI_GATEWAY__SESSION_MAX", "1")], &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown key gateway.session_max (environment CHASQUI_GATEWAY__SESSION_MAX); did you mean \
         CHASQUI_GATEWAY__SESSIONS_MAX?"
    );

    for (key, expected) in [
        ("lsiten", "listen"),
        ("segment_bytes", "log.segment_bytes"),
        ("gateway.body_bytes_max", "limits.body_bytes_max"),
        ("seal.masterkey", "seal.master_key"),
    ] {
        let error = without_file(&[], &[(key, "1")]).unwrap_err();
        let Error::UnknownKey { origin: Origin::Flag, line: None, nearest, .. } = &error else { panic!("{error}") };
        assert_eq!(*nearest, expected, "{key}");
    }
    for text in ["[lgo]\n", "log = 1\n", "listen = { port = 1 }\n", "[gateway.extra]\n"] {
        assert!(matches!(with_file(text, &[], &[]).1, Err(Error::UnknownKey { .. })), "{text}");
    }
}

#[test]
fn a_value_of_the_wrong_sort_is_refused_with_its_place() {
    let error = without_file(&[("CHASQUI_LEASE_MS", "10s")], &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "lease_ms must be a whole number, not below 0 and not too big (environment CHASQUI_LEASE_MS)"
    );
    for value in ["-1", "1.5", "true", "'x'", "[1]"] {
        let loaded = with_file(&format!("lease_ms = {value}\n"), &[], &[]).1;
        assert!(matches!(loaded, Err(Error::Value { key: "lease_ms", .. })), "{value}");
    }
    for (key, value) in [("lease_ms", "yes"), ("log.partitions_chats", "4294967296"), ("log.bytes_max", "")] {
        assert!(matches!(without_file(&[], &[(key, value)]), Err(Error::Value { .. })), "{key}");
    }
    assert!(matches!(with_file("listen = 7600\n", &[], &[]).1, Err(Error::Value { key: "listen", .. })));
    assert!(matches!(load(Some("no/such/file".as_ref()), [], &[]), Err(Error::Read { .. })));
}

#[test]
fn secrets_are_never_shown() {
    let secret = "hush".repeat(8);
    let file = format!("[auth]\nsecret = '{secret}'\n");
    let (_, loaded) = with_file(&file, &[("CHASQUI_SEAL__MASTER_KEY", &secret)], &[]);
    let loaded = loaded.unwrap();
    assert_eq!(loaded.options.auth.secret.as_ref().unwrap().expose(), secret);
    assert_eq!(setting(&loaded, "auth.secret").value, "(set)");
    assert_eq!(setting(&loaded, "seal.master_key").value, "(set)");
    assert!(!format!("{loaded} {loaded:?}").contains("hush"));

    for wrong in ["secret = ['hush']", "secret = { hush = 'hush' }", "secret = 'hush", "secret = hush"] {
        let error = with_file(&format!("[auth]\n{wrong}\n"), &[], &[]).1.unwrap_err();
        let text = format!("{error} {error:?}").replace("secret.hush", "");
        assert!(!text.contains("hush"), "{wrong}: {text}");
    }
}

#[test]
fn dev_counts_as_a_flag_where_it_fills_something_in() {
    let loaded = without_file(&[("CHASQUI_AUTH__SECRET", &"mine".repeat(8))], &[]).unwrap().dev();
    assert_eq!(setting(&loaded, "auth.secret").origin, Origin::Environment("CHASQUI_AUTH__SECRET".into()));
    assert_eq!(setting(&loaded, "seal.master_key").origin, Origin::Flag);
    assert_eq!(setting(&loaded, "listen").origin, Origin::Default);
    assert_eq!(loaded.options.validate(), Ok(()));
}
