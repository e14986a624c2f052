//! The issuer's key set: where it comes from and when it is read again.
//!
//! A file is looked at once a second, so that a key taken out stops counting; a URL is fetched again
//! after ten minutes, and at most once a minute for a key it does not have. What was read stays in
//! use while reading fails.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use jsonwebtoken::{Algorithm, DecodingKey};
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

use super::JwtError;
use super::jwks::{self, Key};

/// Error of a fetch or a read.
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Gets the body of a URL, of at most [`SET_BYTES`]. Given by processes that have an HTTP client.
pub type Fetch = Arc<dyn Fn(String) -> BoxFuture<'static, Result<String, BoxError>> + Send + Sync>;

/// Largest key set, bytes.
const SET_BYTES: usize = 1 << 20;
/// Longest fetch.
const FETCH: Duration = Duration::from_secs(5);
/// Between two reads for a key that is not there, from a URL.
const REFETCH: Duration = Duration::from_secs(60);
/// Age at which what a URL said is fetched again.
const URL_AGE: Duration = Duration::from_secs(600);
/// Age at which a file is looked at again.
const FILE_AGE: Duration = Duration::from_secs(1);

enum Source {
    File(PathBuf),
    Url(String, Fetch),
}

/// A cached key set.
pub(super) struct KeySet {
    source: Source,
    /// None: never read.
    keys: watch::Sender<Option<Arc<[Key]>>>,
    reading: Mutex<Reading>,
}

/// When the source was asked. Whoever holds it asks.
#[derive(Default)]
struct Reading {
    asked: Option<Instant>,
    asked_for_missing: Option<Instant>,
}

impl KeySet {
    pub(super) fn from_file(path: &str) -> Self {
        Self::new(Source::File(PathBuf::from(path)))
    }

    pub(super) fn from_url(url: &str, fetch: Fetch) -> Self {
        Self::new(Source::Url(url.to_owned(), fetch))
    }

    fn new(source: Source) -> Self {
        Self { source, keys: watch::Sender::new(None), reading: Mutex::default() }
    }

    /// Keys for this algorithm and key id; all of the algorithm when the token names none.
    pub(super) async fn find(
        &self,
        alg: Algorithm,
        kid: Option<&str>,
    ) -> Result<Vec<DecodingKey>, JwtError> {
        self.refresh().await;
        let found = self.among_known(alg, kid);
        if found.as_ref().is_some_and(|found| !found.is_empty()) || kid.is_none() {
            return found.ok_or(JwtError::KeysUnavailable);
        }
        self.look_again().await;
        self.among_known(alg, kid).ok_or(JwtError::KeysUnavailable)
    }

    fn among_known(&self, alg: Algorithm, kid: Option<&str>) -> Option<Vec<DecodingKey>> {
        let keys = self.keys.borrow().clone()?;
        let fits = |key: &&Key| key.alg == alg && (kid.is_none() || key.kid.as_deref() == kid);
        Some(keys.iter().filter(fits).map(|key| key.key.clone()).collect())
    }

    /// Reads when what is known is too old. While another does, the old is used if there is any.
    async fn refresh(&self) {
        let known = self.keys.borrow().is_some();
        let mut reading = match self.reading.try_lock() {
            Ok(reading) => reading,
            Err(_) if known => return,
            Err(_) => self.reading.lock().await,
        };
        let age = match self.source {
            Source::File(_) => FILE_AGE,
            Source::Url(..) if known => URL_AGE,
            Source::Url(..) => FETCH,
        };
        if reading.asked.is_none_or(|asked| asked.elapsed() >= age) {
            self.read(&mut reading).await;
        }
    }

    /// Reads for a key that is not known, if that was not done lately.
    async fn look_again(&self) {
        let Source::Url(..) = self.source else {
            return;
        };
        let mut reading = self.reading.lock().await;
        if reading.asked_for_missing.is_none_or(|asked| asked.elapsed() >= REFETCH) {
            reading.asked_for_missing = Some(Instant::now());
            self.read(&mut reading).await;
        }
    }

    async fn read(&self, reading: &mut Reading) {
        reading.asked = Some(Instant::now());
        let parsed = match self.text().await {
            Ok(text) => jwks::parse(&text).map_err(BoxError::from),
            Err(error) => Err(error),
        };
        match parsed {
            Ok(keys) => {
                self.keys.send_replace(Some(keys.into()));
            }
            Err(error) => tracing::warn!(%error, "keys of the issuer cannot be read"),
        }
    }

    async fn text(&self) -> Result<String, BoxError> {
        let text = match &self.source {
            Source::File(path) => tokio::fs::read_to_string(path).await?,
            Source::Url(url, fetch) => tokio::time::timeout(FETCH, fetch(url.clone())).await??,
        };
        if text.len() > SET_BYTES {
            return Err("the key set is over 1 MiB".into());
        }
        Ok(text)
    }
}
