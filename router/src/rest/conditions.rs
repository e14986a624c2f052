//! `If-Match` and `If-None-Match` by version (RFC 9110 section 13).

use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::Version;
use hyper::HeaderMap;
use hyper::header;

/// The version that `If-Match` asks for; None: any.
pub(crate) fn if_match(headers: &HeaderMap) -> Result<Option<Version>, ClientError> {
    let refused = || {
        ClientError::new(
            ErrorCode::InvalidArgument,
            "`If-Match` must be one entity tag as `ETag` gave it, or *.",
        )
        .with("member", "If-Match")
    };
    let mut values = headers.get_all(header::IF_MATCH).iter();
    let (Some(value), more) = (values.next(), values.next()) else { return Ok(None) };
    let text = value.to_str().map_err(|_| refused())?.trim();
    if more.is_some() {
        return Err(refused());
    }
    if text == "*" {
        return Ok(None);
    }
    version(text).map(Some).ok_or_else(refused)
}

/// Whether the caller has this version already.
pub(crate) fn has(headers: &HeaderMap, present: Version) -> bool {
    let tags = headers.get_all(header::IF_NONE_MATCH).iter();
    tags.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).any(|tag| {
        let tag = tag.trim();
        tag == "*" || version(tag.strip_prefix("W/").unwrap_or(tag)) == Some(present)
    })
}

fn version(tag: &str) -> Option<Version> {
    super::version(tag.strip_prefix('"')?.strip_suffix('"')?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, value.parse().expect("value"));
        }
        headers
    }

    #[test]
    fn if_match_is_one_strong_tag() {
        let read = |values: &[&str]| if_match(&headers("if-match", values)).map_err(|e| e.code);
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["*"]), Ok(None));
        assert_eq!(read(&["\"428\""]), Ok(Some(Version(428))));
        for values in [&["428"][..], &["W/\"428\""], &["\"x\""], &["\"1\"", "\"2\""], &["\"01\""]] {
            assert_eq!(read(values), Err(ErrorCode::InvalidArgument), "{values:?}");
        }
    }

    #[test]
    fn if_none_match_is_a_list() {
        let has = |value: &str| has(&headers("if-none-match", &[value]), Version(428));
        assert!(has("\"428\"") && has("\"1\", W/\"428\"") && has("*"));
        assert!(!has("\"427\"") && !has("428"));
    }
}
