//! Fetches the Auth Service's key set over HTTPS.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use gss_shared::jwt::Fetch;
use gss_shared::tls;

/// Time for one fetch.
const FETCH_TIME: Duration = Duration::from_secs(5);
/// Bytes of a key set.
const KEY_SET_BYTES: usize = 1 << 20;

/// The key set is larger than a key set can be.
#[derive(Debug, thiserror::Error)]
#[error("a key set may have {KEY_SET_BYTES} bytes")]
struct TooLarge;

/// A fetch with the system's certificate authorities; redirects are not followed.
///
/// # Errors
/// When TLS cannot be set up.
pub(crate) fn fetch() -> Result<Fetch, Box<dyn std::error::Error + Send + Sync>> {
    let config = tls::public_client(None)?;
    let client = reqwest::Client::builder()
        .use_preconfigured_tls((*config).clone())
        .redirect(reqwest::redirect::Policy::none())
        .timeout(FETCH_TIME)
        .build()?;
    Ok(Arc::new(move |url| {
        let client = client.clone();
        async move {
            let mut response = client.get(url).send().await?.error_for_status()?;
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await? {
                if body.len() + chunk.len() > KEY_SET_BYTES {
                    return Err(TooLarge.into());
                }
                body.extend_from_slice(&chunk);
            }
            Ok(String::from_utf8(body)?)
        }
        .boxed()
    }))
}
