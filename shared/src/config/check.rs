//! Rules of values and relations between them, checked before anything starts.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::{Config, ConfigError, Secret};
use crate::limits;

/// Services that are called.
const SERVICES: [&str; 1] = ["character"];

/// For which process a configuration is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Process {
    /// Serves sessions.
    Node,
    /// Serves players.
    Router,
    /// Both in one process, on embedded stores if none are configured.
    Embedded,
}

fn rule<T>(
    key: &'static str,
    value: impl ToString,
    rule: impl Into<String>,
) -> Result<T, ConfigError> {
    Err(ConfigError::Rule { key, value: value.to_string(), rule: rule.into() })
}

fn within(key: &'static str, value: u64, low: u64, high: u64) -> Result<(), ConfigError> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    rule(key, value, format!("must be {low} to {high}"))
}

fn both_or_none(
    key: &'static str,
    one: Option<&PathBuf>,
    other: Option<&PathBuf>,
    needs: &str,
) -> Result<(), ConfigError> {
    match (one, other) {
        (Some(path), None) => rule(key, path.display(), format!("needs {needs}")),
        (Some(_), Some(_)) | (None, _) => Ok(()),
    }
}

impl Config {
    /// Checks what must hold whatever the process is.
    ///
    /// # Errors
    /// [`ConfigError::Rule`] with the first rule broken.
    pub fn check(&self) -> Result<(), ConfigError> {
        within("cluster.shards", self.cluster.shards.into(), 1, 16_384)?;
        self.check_stores()?;
        self.check_auth()?;
        self.check_link()?;
        self.check_times()?;
        self.check_limits()?;
        self.check_router_listen()?;
        self.check_log()
    }

    /// Checks what this process cannot do without. After [`Config::check`].
    ///
    /// # Errors
    /// [`ConfigError::Rule`] with the first rule broken.
    pub fn check_for(&self, process: Process) -> Result<(), ConfigError> {
        if process == Process::Embedded {
            return Ok(());
        }
        let why = "only the embedded server runs without it";
        if self.journal.url.expose().starts_with("sqlite:") {
            return rule("journal.url", "sqlite:…", format!("must be postgres://…; {why}"));
        }
        if self.redis.nodes.is_empty() {
            return rule("redis.nodes", "[]", format!("must not be empty; {why}"));
        }
        if self.link.shared_key_file.is_none() && self.link.cert.is_none() {
            return rule("link.cert", "none", "must be given, or link.shared_key_file on loopback");
        }
        match process {
            Process::Router => self.check_router(),
            Process::Node => self.check_node(),
            Process::Embedded => Ok(()),
        }
    }

    fn check_router(&self) -> Result<(), ConfigError> {
        if self.auth.jwks.is_none() && self.auth.hs256_secret_file.is_none() {
            return rule("auth.jwks", "none", "must be given, or auth.hs256_secret_file");
        }
        if self.auth.session_token_key_file.is_none() {
            return rule("auth.session_token_key_file", "none", "must be given");
        }
        Ok(())
    }

    fn check_node(&self) -> Result<(), ConfigError> {
        let unspecified = |listen: SocketAddr| listen.ip().is_unspecified();
        if unspecified(self.node.link_listen) && self.node.link_advertise.is_none() {
            return rule(
                "node.link_advertise",
                "none",
                "must be given: link_listen is no address to reach",
            );
        }
        if unspecified(self.node.admin_listen) && self.node.admin_advertise.is_none() {
            return rule(
                "node.admin_advertise",
                "none",
                "must be given: admin_listen is no address to reach",
            );
        }
        Ok(())
    }

    fn check_stores(&self) -> Result<(), ConfigError> {
        let schemes = ["postgres://", "postgresql://", "sqlite:"];
        check_scheme("journal.url", &self.journal.url, &schemes)?;
        if let Some(url) = &self.hub.url {
            check_scheme("hub.url", url, &["amqp://", "amqps://"])?;
        }
        for service in &self.hub.services {
            if !SERVICES.contains(&service.as_str()) {
                let known = format!("must be of {}", SERVICES.join(", "));
                return rule("hub.services", service, known);
            }
            if self.hub.url.is_none() {
                return rule("hub.services", service, "needs hub.url");
            }
        }
        within("journal.pool", self.journal.pool.into(), 1, 50)?;
        for node in &self.redis.nodes {
            check_host_port("redis.nodes", node)?;
        }
        let namespace = &self.redis.namespace;
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if namespace.len() > 32 || !namespace.chars().all(fits) {
            return rule("redis.namespace", namespace, "must be at most 32 of A-Z a-z 0-9 . _ -");
        }
        Ok(())
    }

    fn check_auth(&self) -> Result<(), ConfigError> {
        for (key, value) in
            [("auth.issuer", &self.auth.issuer), ("auth.audience", &self.auth.audience)]
        {
            if value.is_empty() {
                return rule(key, "", "must not be empty");
            }
        }
        match &self.auth.jwks {
            Some(url) if url.starts_with("http://") && !is_loopback_url(url) => {
                rule("auth.jwks", url, "must be https off loopback")
            }
            Some(_) | None => within("auth.leeway_seconds", self.auth.leeway_seconds, 0, 300),
        }
    }

    fn check_link(&self) -> Result<(), ConfigError> {
        let link = &self.link;
        both_or_none("link.cert", link.cert.as_ref(), link.key.as_ref(), "link.key")?;
        both_or_none("link.cert", link.cert.as_ref(), link.ca.as_ref(), "link.ca")?;
        both_or_none("link.key", link.key.as_ref(), link.cert.as_ref(), "link.cert")?;
        both_or_none("link.ca", link.ca.as_ref(), link.cert.as_ref(), "link.cert")?;
        if let (Some(path), Some(_)) = (&link.shared_key_file, &link.cert) {
            return rule("link.shared_key_file", path.display(), "excludes link.cert");
        }
        if !self.node.link_listen.ip().is_loopback() && link.cert.is_none() {
            return rule("node.link_listen", self.node.link_listen, "off loopback needs link.cert");
        }
        for (key, value) in [
            ("node.link_advertise", &self.node.link_advertise),
            ("node.admin_advertise", &self.node.admin_advertise),
        ] {
            value.as_ref().map_or(Ok(()), |value| check_host_port(key, value))?;
        }
        Ok(())
    }

    fn check_times(&self) -> Result<(), ConfigError> {
        let (lease, budget) = (&self.lease, self.limits.command_budget_ms);
        within("lease.round_ms", lease.round_ms, 50, 5_000)?;
        within("lease.ttl_ms", lease.ttl_ms, 500, 60_000)?;
        if lease.ttl_ms <= 3 * lease.round_ms {
            let text = format!("must be more than 3 × lease.round_ms ({})", lease.round_ms);
            return rule("lease.ttl_ms", lease.ttl_ms, text);
        }
        within("limits.command_budget_ms", budget, 1_000, 120_000)?;
        if budget <= lease.ttl_ms + 1_000 {
            let text = format!("must be more than lease.ttl_ms ({}) and one second", lease.ttl_ms);
            return rule("limits.command_budget_ms", budget, text);
        }
        let append = self.journal.append_timeout_ms;
        within("journal.append_timeout_ms", append, 100, 60_000)?;
        if append >= budget {
            let text = format!("must be below limits.command_budget_ms ({budget})");
            return rule("journal.append_timeout_ms", append, text);
        }
        if limits::BEAT_MS * 4 > budget {
            return rule(
                "limits.command_budget_ms",
                budget,
                "must be at least four beats of a link",
            );
        }
        within("node.drain_seconds", self.node.drain_seconds, 1, 3_600)?;
        within("router.drain_seconds", self.router.drain_seconds, 1, 3_600)
    }

    fn check_limits(&self) -> Result<(), ConfigError> {
        let limits = &self.limits;
        let cap = u64::from(limits.settings_cap_per_minute);
        within("limits.settings_cap_per_minute", cap, 1, 10_000_000)?;
        for (key, value) in [
            ("limits.messages_per_minute", limits.messages_per_minute),
            ("limits.combat_actions_per_minute", limits.combat_actions_per_minute),
            ("limits.state_saves_per_minute", limits.state_saves_per_minute),
            ("limits.joins_per_minute", limits.joins_per_minute),
        ] {
            if value == 0 || u64::from(value) > cap {
                return rule(
                    key,
                    value,
                    format!("must be 1 to limits.settings_cap_per_minute ({cap})"),
                );
            }
        }
        for (key, value) in [
            ("limits.connection_attempts_per_minute", limits.connection_attempts_per_minute),
            ("limits.session_creations_per_hour", limits.session_creations_per_hour),
        ] {
            within(key, value.into(), 1, u64::from(u32::MAX))?;
        }
        Ok(())
    }

    fn check_router_listen(&self) -> Result<(), ConfigError> {
        let router = &self.router;
        both_or_none(
            "router.tls_cert",
            router.tls_cert.as_ref(),
            router.tls_key.as_ref(),
            "router.tls_key",
        )?;
        both_or_none(
            "router.tls_key",
            router.tls_key.as_ref(),
            router.tls_cert.as_ref(),
            "router.tls_cert",
        )?;
        if router.tls_cert.is_none() && !router.plaintext && !router.listen.ip().is_loopback() {
            let text = "off loopback needs router.tls_cert, or router.plaintext = true";
            return rule("router.listen", router.listen, text);
        }
        let url = &router.public_url;
        let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
        match rest {
            Some(host) if !host.is_empty() && !host.contains(['/', '?', '#', '@']) => Ok(()),
            Some(_) | None => {
                rule("router.public_url", url, "must be http(s)://host[:port] without a path")
            }
        }
    }

    fn check_log(&self) -> Result<(), ConfigError> {
        match self.log.filter.parse::<tracing_subscriber::filter::Targets>() {
            Ok(_) => Ok(()),
            Err(error) => rule("log.filter", &self.log.filter, error.to_string()),
        }
    }

    /// The bytes of a key file that `key` names, without a line end.
    ///
    /// # Errors
    /// [`ConfigError::File`] when it cannot be read or has less than 32 bytes.
    pub fn read_key(key: &'static str, path: &Path) -> Result<Vec<u8>, ConfigError> {
        let wrong = |reason: String| ConfigError::File { key, path: path.to_owned(), reason };
        let mut bytes = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
        while bytes.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            bytes.pop();
        }
        if bytes.len() < 32 {
            return Err(wrong(format!("holds {} bytes, needs at least 32", bytes.len())));
        }
        Ok(bytes)
    }
}

fn check_scheme(key: &'static str, url: &Secret, schemes: &[&str]) -> Result<(), ConfigError> {
    if schemes.iter().any(|scheme| url.expose().starts_with(scheme)) {
        return Ok(());
    }
    rule(key, "[hidden]", format!("must begin with {}", schemes.join(" or ")))
}

fn check_host_port(key: &'static str, value: &str) -> Result<(), ConfigError> {
    let port = value.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    match port.and_then(|(_, port)| port.parse::<u16>().ok()) {
        Some(port) if port > 0 => Ok(()),
        Some(_) | None => rule(key, value, "must be host:port"),
    }
}

fn is_loopback_url(url: &str) -> bool {
    let host = url.trim_start_matches("http://");
    let host = host.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}
