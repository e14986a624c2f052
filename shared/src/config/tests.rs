use std::io::Write as _;

use super::*;

fn load(
    file: &str,
    environment: &[(&str, &str)],
    flags: &[(&str, &str)],
) -> Result<Config, String> {
    let own = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let mut toml = tempfile::NamedTempFile::new().expect("temporary file");
    toml.write_all(file.as_bytes()).expect("write");
    Config::load_from(Some(toml.path()), own(environment), &own(flags))
        .map_err(|error| error.to_string().replace(&toml.path().display().to_string(), "FILE"))
}

fn refusal(file: &str) -> String {
    load(file, &[], &[]).expect_err("refused")
}

#[test]
fn flags_win_over_environment_over_file_over_default() {
    let config = load(
        "[cluster]\nid = 'file'\nshards = 64\n[router]\nid = 'file'\n",
        &[("GSS_CLUSTER__ID", "7"), ("GSS_ROUTER__ID", "env"), ("GSS_CONFIG", "x"), ("PATH", "y")],
        &[("router.id", "flag"), ("redis.nodes", "a:1, b:2"), ("limits.joins_per_minute", "5")],
    )
    .expect("loads");
    assert_eq!(config.cluster.id.as_str(), "7");
    assert_eq!(config.cluster.shards, 64);
    assert_eq!(config.router.id.as_str(), "flag");
    assert_eq!(config.redis.nodes, ["a:1", "b:2"]);
    assert_eq!(config.limits.joins_per_minute, 5);
    assert_eq!(config.node, NodeSection::default());
}

#[test]
fn an_empty_variable_unsets_an_optional_key() {
    let config = load("[hub]\nurl = 'amqp://h/'\n", &[("GSS_HUB__URL", "")], &[]).expect("loads");
    assert_eq!(config.hub.url, None);
}

#[test]
fn unknown_keys_are_refused_by_name() {
    assert_eq!(
        refusal("[lease]\nttl = 5\n"),
        "lease.ttl: there is no such key; known are: ttl_ms, round_ms (in FILE)"
    );
    assert_eq!(
        load("", &[("GSS_LEASE__TTL", "5")], &[]).expect_err("refused"),
        "GSS_LEASE__TTL: there is no key lease.ttl; known are: ttl_ms, round_ms"
    );
    assert!(load("", &[], &[("leases.ttl_ms", "5")]).expect_err("refused").starts_with(
        "leases.ttl_ms: there is no key leases.ttl_ms; known are: cluster, node, router,"
    ));
}

#[test]
fn wrong_types_name_the_key_and_the_place() {
    assert_eq!(
        load("", &[("GSS_LEASE__TTL_MS", "3s")], &[]).expect_err("refused"),
        "lease.ttl_ms: invalid type: found string \"3s\", expected u64 (in the environment)"
    );
    assert!(refusal("[node]\nid = 'a b'\n").starts_with("node.id: a process id has 1 to 64"));
    assert!(
        refusal("[router]\ntrusted_proxies = ['10.0.0.0/40']\n").contains("is no address range")
    );
}

#[test]
fn a_missing_file_is_an_error() {
    let missing = Path::new("/nonexistent/gss.toml");
    let error = Config::load_from(Some(missing), [], &[]).expect_err("refused").to_string();
    assert!(error.contains("/nonexistent/gss.toml"), "{error}");
}

#[test]
fn rules_name_key_value_and_rule() {
    for (file, expected) in [
        ("[cluster]\nshards = 0\n", "cluster.shards = 0: must be 1 to 16384"),
        (
            "[lease]\nttl_ms = 750\n",
            "lease.ttl_ms = 750: must be more than 3 × lease.round_ms (250)",
        ),
        (
            "[lease]\nttl_ms = 9000\n",
            "limits.command_budget_ms = 10000: must be more than lease.ttl_ms (9000) and one second",
        ),
        (
            "[journal]\nappend_timeout_ms = 10000\n",
            "journal.append_timeout_ms = 10000: must be below limits.command_budget_ms (10000)",
        ),
        (
            "[journal]\nurl = 'mysql://root:secret@h/'\n",
            "journal.url = [hidden]: must begin with postgres:// or postgresql:// or sqlite:",
        ),
        (
            "[router]\nlisten = '0.0.0.0:8080'\n",
            "router.listen = 0.0.0.0:8080: off loopback needs router.tls_cert, or router.plaintext = true",
        ),
        ("[router]\ntls_cert = 'c.pem'\n", "router.tls_cert = c.pem: needs router.tls_key"),
        (
            "[node]\nlink_listen = '10.0.0.1:7801'\n",
            "node.link_listen = 10.0.0.1:7801: off loopback needs link.cert",
        ),
        (
            "[limits]\njoins_per_minute = 60001\n",
            "limits.joins_per_minute = 60001: must be 1 to limits.settings_cap_per_minute (60000)",
        ),
        (
            "[auth]\njwks = 'http://auth/jwks'\n",
            "auth.jwks = http://auth/jwks: must be https off loopback",
        ),
        ("[redis]\nnodes = ['redis']\n", "redis.nodes = redis: must be host:port"),
    ] {
        assert_eq!(refusal(file), expected);
    }
}

#[test]
fn a_process_on_its_own_needs_real_stores() {
    let config = Config::default();
    assert!(config.check_for(Process::Embedded).is_ok());
    let error = config.check_for(Process::Node).expect_err("refused").to_string();
    assert_eq!(
        error,
        "journal.url = sqlite:…: must be postgres://…; only the embedded server runs without it"
    );
    let file = "[journal]\nurl = 'postgres://h/d'\n[redis]\nnodes = ['h:1']\n[link]\nshared_key_file = 'k'\n";
    let config = load(file, &[], &[]).expect("loads");
    assert!(config.check_for(Process::Node).is_ok());
    let error = config.check_for(Process::Router).expect_err("refused").to_string();
    assert_eq!(error, "auth.jwks = none: must be given, or auth.hs256_secret_file");
}

#[test]
fn the_example_documents_every_key_and_is_the_default() {
    let text = example();
    let config = load(&text, &[], &[]).expect("the example loads");
    assert_eq!(config, Config::default());
    for section in sections::SECTIONS {
        assert!(!section.about.is_empty(), "{} is not documented", section.name);
        for key in section.keys {
            assert!(!key.about.is_empty(), "{}.{} is not documented", section.name, key.name);
            let line = |line: &str| line.starts_with(&format!("{} =", key.name));
            assert!(text.lines().any(|text| line(text.trim_start_matches('#'))), "{}", key.name);
        }
    }
    assert!(text.contains(
        "# Milliseconds between a node's rounds: renewals, members, leases of others.\nround_ms = 250\n"
    ));
    assert!(text.contains("\n#tls_cert =\n"), "{text}");
}

#[test]
fn ranges_of_addresses() {
    let range: Cidr = "10.1.0.0/16".parse().expect("range");
    assert!(range.contains("10.1.255.3".parse().expect("address")));
    assert!(range.contains("::ffff:10.1.0.1".parse().expect("address")));
    assert!(!range.contains("10.2.0.0".parse().expect("address")));
    let all: Cidr = "0.0.0.0/0".parse().expect("range");
    assert!(all.contains("255.1.2.3".parse().expect("address")));
    assert!(!all.contains("::1".parse().expect("address")));
    let one: Cidr = "::1".parse().expect("range");
    assert!(one.contains("::1".parse().expect("address")));
    assert!(!one.contains("::2".parse().expect("address")));
}

#[test]
fn secrets_are_not_shown() {
    let config = load("[journal]\nurl = 'postgres://u:hunter2@h/d'\n", &[], &[]).expect("loads");
    assert!(!format!("{config:?}").contains("hunter2"));
    assert!(config.journal.url.expose().contains("hunter2"));
}

#[test]
fn short_keys_are_refused() {
    let mut file = tempfile::NamedTempFile::new().expect("temporary file");
    file.write_all(b"0123456789abcdef0123456789abcde\n").expect("write");
    let error = Config::read_key("link.shared_key_file", file.path()).expect_err("refused");
    assert!(error.to_string().ends_with("holds 31 bytes, needs at least 32"), "{error}");
}

#[test]
fn adapters_are_told_what_the_sections_say() {
    let mut password = tempfile::NamedTempFile::new().expect("temporary file");
    password.write_all(b"hunter2\n").expect("write");
    let path = password.path().display();
    let file = format!(
        "[cluster]\nshards = 8\n[journal]\nurl = 'postgres://u@h/d'\npassword_file = '{path}'\n\
         append_timeout_ms = 700\npool = 2\nrequire_standby = true\n\
         [redis]\nnodes = ['a:1']\ntls = true\npassword_file = '{path}'\nnamespace = 'x'\n"
    );
    let config = load(&file, &[], &[]).expect("loads");
    let journal = config.journal_config().expect("journal");
    assert_eq!(journal.address.url, "postgres://u@h/d");
    assert_eq!(journal.address.password.as_deref(), Some("hunter2"));
    assert_eq!(journal.append_timeout, std::time::Duration::from_millis(700));
    assert_eq!((journal.shards.0, journal.pool, journal.require_standby), (8, 2, true));
    let redis = config.redis_config().expect("redis").expect("nodes");
    assert_eq!((redis.nodes, redis.namespace.as_str()), (vec!["a:1".to_owned()], "x"));
    assert_eq!(redis.tls, Some(crate::redis::RedisTls::default()));
    assert!(redis.password.is_some());
    assert_eq!(Config::default().redis_config().expect("none"), None);

    std::fs::write(password.path(), "\n").expect("write");
    let error = config.journal_config().expect_err("refused").to_string();
    assert!(
        error.starts_with("journal.password_file = ") && error.ends_with(": is empty"),
        "{error}"
    );
}
