//! Answers of REST calls: JSON bodies, the error body, and the headers that go with them.

use bytes::Bytes;
use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::Version;
use http_body_util::Full;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;

/// An answer before the headers common to all were added.
#[derive(Debug, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
    pub(crate) version: Option<Version>,
}

impl Reply {
    /// JSON that was encoded elsewhere.
    pub(crate) fn json(status: StatusCode, body: String) -> Self {
        Self { status, body: body.into(), version: None }
    }

    /// A value as JSON.
    pub(crate) fn value(status: StatusCode, value: &impl Serialize) -> Result<Self, ClientError> {
        serde_json::to_vec(value)
            .map(|body| Self { status, body: body.into(), version: None })
            .map_err(|error| {
                tracing::error!(%error, "cannot encode an answer");
                ClientError::new(ErrorCode::Internal, "The answer could not be made.")
            })
    }

    /// Done, nothing to say.
    pub(crate) fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: Bytes::new(), version: None }
    }

    /// The client has this version already.
    pub(crate) fn not_modified(version: Version) -> Self {
        Self { status: StatusCode::NOT_MODIFIED, body: Bytes::new(), version: Some(version) }
    }

    /// With an `ETag` of this version.
    pub(crate) fn tagged(mut self, version: Version) -> Self {
        self.version = Some(version);
        self
    }

    /// The response.
    pub(crate) fn into_response(self) -> Response<Full<Bytes>> {
        let json = !self.body.is_empty();
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if json {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(version) = self.version {
            insert_text(headers, header::ETAG, &format!("\"{version}\""));
        }
        response
    }
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: &'a ClientError,
    request_id: &'a str,
}

/// The response to a refused call.
pub(crate) fn refusal(error: &ClientError, request_id: &str) -> Response<Full<Bytes>> {
    let body = serde_json::to_vec(&ErrorBody { error, request_id })
        .expect("strings and JSON values always encode");
    let status = StatusCode::from_u16(error.code.status())
        .expect("the table of error codes holds HTTP statuses");
    let mut response = Reply { status, body: body.into(), version: None }.into_response();
    let headers = response.headers_mut();
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    let retry = error.details.get("retry_after_ms").and_then(serde_json::Value::as_u64);
    if let Some(retry_ms) = retry {
        insert_text(headers, header::RETRY_AFTER, &retry_ms.div_ceil(1_000).to_string());
    }
    response
}

/// Sets a header whose text the service made itself.
pub(crate) fn insert_text(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    let value = HeaderValue::from_str(text).expect("the service's own header text is ASCII");
    headers.insert(name, value);
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    async fn text(response: Response<Full<Bytes>>) -> String {
        let body = response.into_body().collect().await.expect("body").to_bytes();
        String::from_utf8(body.to_vec()).expect("text")
    }

    #[tokio::test]
    async fn a_refusal_has_the_error_body_and_its_status() {
        let error =
            ClientError::new(ErrorCode::RateLimited, "Too many.").with("retry_after_ms", 1_500);
        let response = refusal(&error, "r1");
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()["content-type"], "application/json");
        assert_eq!(response.headers()["retry-after"], "2");
        assert_eq!(
            text(response).await,
            r#"{"error":{"code":"rate_limited","message":"Too many.","details":{"retry_after_ms":1500}},"request_id":"r1"}"#
        );
    }

    #[tokio::test]
    async fn unauthorized_names_the_scheme() {
        let error = ClientError::new(ErrorCode::TokenExpired, "Over.");
        let response = refusal(&error, "r2");
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
    }

    #[test]
    fn a_version_becomes_the_etag() {
        let response = Reply::not_modified(Version(428)).into_response();
        assert_eq!(response.status(), 304);
        assert_eq!(response.headers()["etag"], "\"428\"");
        assert!(!response.headers().contains_key("content-type"));
    }
}
