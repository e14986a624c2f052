//! Keys and certificates of a local cluster, in one directory.
//!
//! What exists is kept: a dev server that starts again honors the tokens it gave out before.

use std::fs::{OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use gss_shared::jwt::{Issuer, SigningKey};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

/// `iss` of tokens signed by these keys.
pub(crate) const ISSUER: &str = "gss-local";
/// `aud` of tokens signed by these keys.
pub(crate) const AUDIENCE: &str = "game-session";
/// Names under which local clients reach a router.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// Name of the signing key in the key set.
const KEY_ID: &str = "local-1";

#[derive(Args)]
pub(crate) struct Options {
    /// Where they go.
    #[arg(long)]
    dir: PathBuf,
    /// Also a certificate authority and a certificate for routers on loopback.
    #[arg(long)]
    tls: bool,
    /// Another host or address in the routers' certificate; may be repeated.
    #[arg(long = "name", value_name = "HOST")]
    names: Vec<String>,
    /// Also an authority and certificates for links off loopback: link-router, link-node.
    #[arg(long)]
    links: bool,
}

/// Makes what is missing and prints the paths.
pub(crate) fn run(options: &Options) -> Result<()> {
    let keys = Keys::in_dir(&options.dir)?;
    if options.tls {
        keys.make_tls(&options.names)?;
    }
    if options.links {
        keys.make_links()?;
    }
    println!("{}", options.dir.display());
    Ok(())
}

/// A directory with keys.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    dir: PathBuf,
}

impl Keys {
    /// Makes what is missing.
    pub(crate) fn in_dir(dir: &Path) -> Result<Self> {
        std::fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))?;
        std::fs::set_permissions(dir, Permissions::from_mode(0o700))?;
        let keys = Self { dir: dir.to_owned() };
        if !keys.jwks().exists() {
            let key = SigningKey::generate(KEY_ID);
            write(&keys.file("jwt.pem"), &key.private_pem)?;
            write(&keys.file("jwt.kid"), &key.kid)?;
            write(&keys.jwks(), &key.jwks)?;
        }
        for file in [keys.session_token_key(), keys.link_key()] {
            if !file.exists() {
                write(&file, &random_text())?;
            }
        }
        Ok(keys)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Public key set of the token issuer.
    pub(crate) fn jwks(&self) -> PathBuf {
        self.file("jwks.json")
    }

    /// Signs session tokens.
    pub(crate) fn session_token_key(&self) -> PathBuf {
        self.file("session_token.key")
    }

    /// Opens links.
    pub(crate) fn link_key(&self) -> PathBuf {
        self.file("link.key")
    }

    /// Signs tokens of users.
    pub(crate) fn issuer(&self) -> Result<Issuer> {
        issuer(&self.file("jwt.pem"), KEY_ID, ISSUER, AUDIENCE)
    }

    /// Certificate authority, and certificate and key of routers, unless they exist.
    fn make_tls(&self, more: &[String]) -> Result<()> {
        if self.file("tls.pem").exists() {
            return Ok(());
        }
        let authority = authority("Local game session authority")?;
        let names = NAMES.map(str::to_owned).into_iter().chain(more.iter().cloned());
        let mut router = CertificateParams::new(names.collect::<Vec<_>>())?;
        router.distinguished_name.push(DnType::CommonName, "Local game session router");
        router.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        write(&self.file("ca.pem"), &authority.pem())?;
        self.sign("tls", router, &authority)
    }

    /// Certificate authority of the links, which signs nothing else, and a certificate for each
    /// role, unless they exist.
    fn make_links(&self) -> Result<()> {
        if self.file("link-ca.pem").exists() {
            return Ok(());
        }
        let authority = authority("Local game session links")?;
        for role in ["router", "node"] {
            let mut process = CertificateParams::new([format!("{role}.role.gss")])?;
            process.distinguished_name.push(DnType::CommonName, format!("Local {role}"));
            process.extended_key_usages =
                vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
            self.sign(&format!("link-{role}"), process, &authority)?;
        }
        write(&self.file("link-ca.pem"), &authority.pem())
    }

    /// Writes a new key and its certificate.
    fn sign(&self, name: &str, mut subject: CertificateParams, by: &Authority) -> Result<()> {
        subject.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = subject.signed_by(&key, by)?;
        write(&self.file(&format!("{name}.key")), &key.serialize_pem())?;
        write(&self.file(&format!("{name}.pem")), &certificate.pem())
    }
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Result<Authority> {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    authority.distinguished_name.push(DnType::CommonName, name);
    Ok(CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?)
}

/// An issuer of tokens with a private key from a file.
pub(crate) fn issuer(pem: &Path, kid: &str, issuer: &str, audience: &str) -> Result<Issuer> {
    let text = std::fs::read_to_string(pem).with_context(|| format!("read {}", pem.display()))?;
    Issuer::ed25519(kid, &text, issuer, audience)
        .with_context(|| format!("{} holds no Ed25519 key", pem.display()))
}

/// 64 random characters.
fn random_text() -> String {
    let bytes: [u8; 32] = rand::random();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// For this user only.
fn write(file: &Path, text: &str) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let outcome = options.open(file).and_then(|mut open| open.write_all(text.as_bytes()));
    outcome.with_context(|| format!("write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use gss_shared::config::AuthSection;
    use gss_shared::jwt::{Claims, Verifier};
    use gss_shared::time::Timestamp;

    use super::*;

    #[tokio::test]
    async fn tokens_pass_the_verifier_and_keys_are_kept() {
        let dir = tempfile::tempdir().expect("directory");
        let first = Keys::in_dir(dir.path()).expect("keys");
        first.make_tls(&[]).expect("certificates");
        let authority = std::fs::read(first.file("ca.pem")).expect("certificate");
        let claims = Claims {
            sub: uuid::Uuid::from_u128(7).into(),
            exp: Timestamp(2_000_000),
            iat: None,
            jti: None,
            scope: ["operator".to_owned()].into(),
        };
        let token = first.issuer().expect("issuer").issue(&claims).expect("token");

        let again = Keys::in_dir(dir.path()).expect("the same keys");
        again.make_tls(&[]).expect("the same certificates");
        assert_eq!(std::fs::read(again.file("ca.pem")).expect("certificate"), authority);
        let auth = AuthSection {
            issuer: ISSUER.to_owned(),
            audience: AUDIENCE.to_owned(),
            jwks: Some(again.jwks().display().to_string()),
            ..AuthSection::default()
        };
        let verifier = Verifier::from_config(&auth, None).expect("verifier");
        assert_eq!(verifier.verify(&token, Timestamp(1_000_000)).await.expect("claims"), claims);
    }

    #[test]
    fn certificates_are_a_pair_of_that_authority() {
        let dir = tempfile::tempdir().expect("directory");
        let keys = Keys::in_dir(dir.path()).expect("keys");
        keys.make_tls(&["10.0.0.7".to_owned()]).expect("certificates");
        gss_shared::tls::install();
        let identity =
            gss_shared::tls::Identity::load(&keys.file("tls.pem"), &keys.file("tls.key"));
        gss_shared::tls::public_server(identity.expect("a pair")).expect("a server");
        gss_shared::tls::authorities(&keys.file("ca.pem")).expect("an authority");
        let mode = std::fs::metadata(keys.file("tls.key")).expect("file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[tokio::test]
    async fn links_open_between_the_roles_of_these_certificates() {
        use gss_shared::config::LinkSection;
        use gss_shared::ids::{Incarnation, ShardCount};
        use gss_shared::link::frame::{Lane, PeerRole};
        use gss_shared::link::transport::{self, Acceptor as _, LinkSecurity};

        let dir = tempfile::tempdir().expect("directory");
        let keys = Keys::in_dir(dir.path()).expect("keys");
        keys.make_links().expect("certificates");
        let security = |role: &str| {
            let section = LinkSection {
                cert: Some(keys.file(&format!("link-{role}.pem"))),
                key: Some(keys.file(&format!("link-{role}.key"))),
                ca: Some(keys.file("link-ca.pem")),
                ..LinkSection::default()
            };
            LinkSecurity::from_config(&section).expect("certificates").expect("security")
        };
        let identity = transport::Identity {
            cluster: "local".parse().expect("name"),
            shards: ShardCount::DEFAULT,
            process: "node-1".parse().expect("name"),
            incarnation: Incarnation(7),
        };
        let any = "127.0.0.1:0".parse().expect("address");
        let bound = transport::LinkListener::bind(any, security("node"), identity.clone()).await;
        let mut listener = bound.expect("listener");
        let address = listener.local_addr().expect("address").to_string();
        for (name, role) in [("router", PeerRole::Router), ("node", PeerRole::Node)] {
            let (hello, security) = (identity.hello(role, Lane::Commands), security(name));
            let link = transport::connect(&address, &security, hello);
            let (near, far) = tokio::join!(link, listener.accept());
            assert!(near.is_ok() && far.is_ok(), "{name}");
        }
    }
}
