//! `gssctl token`: a JWT for a user of the dev server or a local cluster.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use gss_shared::clock::Clock;
use gss_shared::ids::PlayerId;
use gss_shared::jwt::{Claims, Issuer};
use uuid::Uuid;

use crate::endpoints::Endpoints;
use crate::keys::{self, AUDIENCE, ISSUER, Keys};

#[derive(Args)]
pub(crate) struct Options {
    /// The user: a UUID, or a name that stands for always the same UUID.
    #[arg(long)]
    user: String,
    /// What the token permits beside joining: sessions:create operator service.
    #[arg(long, default_value = "sessions:create")]
    scope: String,
    /// How long it is good: 90s, 15m, 1h, 7d.
    #[arg(long, default_value = "1h", value_parser = seconds)]
    ttl: i64,
    /// Private Ed25519 key (PEM) of the issuer.
    #[arg(long, conflicts_with = "endpoints")]
    key: Option<PathBuf>,
    /// Name of that key.
    #[arg(long, default_value = "local-1")]
    kid: String,
    /// Issuer, with --key.
    #[arg(long, default_value = ISSUER)]
    issuer: String,
    /// Audience, with --key.
    #[arg(long, default_value = AUDIENCE)]
    audience: String,
    /// endpoints.json of a running cluster.
    #[arg(long)]
    endpoints: Option<PathBuf>,
    /// Data directory of the dev server.
    #[arg(long, default_value = "data")]
    data: PathBuf,
}

/// Prints the token; on standard error who it is for.
pub(crate) fn run(options: &Options) -> Result<()> {
    let user = user(&options.user);
    let token = sign(&issuer(options)?, user, &options.scope, options.ttl)?;
    eprintln!("user {user}");
    println!("{token}");
    Ok(())
}

/// A token that is good from now on.
pub(crate) fn sign(issuer: &Issuer, user: PlayerId, scope: &str, ttl: i64) -> Result<String> {
    let now = Clock::system().now();
    let claims = Claims {
        sub: user,
        exp: now.plus_ms(ttl * 1_000),
        iat: Some(now),
        jti: Some(Uuid::new_v4().to_string()),
        scope: scope.split_whitespace().map(str::to_owned).collect(),
    };
    issuer.issue(&claims).context("sign the token")
}

/// The user's id: the text itself when it is a UUID, else one made from it.
pub(crate) fn user(text: &str) -> PlayerId {
    text.parse().unwrap_or_else(|_| {
        let hash = xxhash_rust::xxh3::xxh3_128(format!("user:{text}").as_bytes());
        uuid::Builder::from_random_bytes(hash.to_be_bytes()).into_uuid().into()
    })
}

fn issuer(options: &Options) -> Result<Issuer> {
    if let Some(file) = &options.endpoints {
        let jwt = Endpoints::read(file)?.jwt;
        return keys::issuer(&jwt.private_key_pem_path, &jwt.kid, &jwt.issuer, &jwt.audience);
    }
    if let Some(pem) = &options.key {
        return keys::issuer(pem, &options.kid, &options.issuer, &options.audience);
    }
    let dir = options.data.join("keys");
    if !Path::new(&dir).is_dir() {
        bail!("{} is not there: start `gssctl dev`, or give --endpoints or --key", dir.display());
    }
    Keys::in_dir(&dir)?.issuer()
}

/// Reads `90s`, `15m`, `1h`, `7d`.
fn seconds(text: &str) -> Result<i64, String> {
    let units = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400)];
    let unit = units.iter().find(|(unit, _)| text.ends_with(*unit));
    let read = unit.and_then(|(letter, unit)| {
        let number: u32 = text.trim_end_matches(*letter).parse().ok()?;
        Some(i64::from(number) * unit)
    });
    read.filter(|seconds| *seconds > 0).ok_or_else(|| "as in 90s, 15m, 1h or 7d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(seconds("90s"), Ok(90));
        assert_eq!(seconds("2h"), Ok(7_200));
        assert_eq!(seconds("7d"), Ok(604_800));
        for wrong in ["", "h", "90", "0s", "-1h", "1.5h", "1w"] {
            assert_eq!(seconds(wrong), Err("as in 90s, 15m, 1h or 7d".to_owned()), "{wrong}");
        }
    }

    #[test]
    fn a_name_always_stands_for_the_same_user() {
        assert_eq!(user("mira").to_string(), user("mira").to_string());
        assert_ne!(user("mira"), user("toma"));
        let id = "47eaa099-2cb6-416d-86dc-283cf0480ff9";
        assert_eq!(user(id).to_string(), id);
        assert_eq!(user("mira").0.get_version_num(), 4);
    }
}
