//! Parameters of a query, taken one by one; what is unknown or given twice is refused.

use std::str::FromStr;

use gss_shared::error_code::{ClientError, ErrorCode};

/// What is left of a query.
#[derive(Debug)]
pub(crate) struct Query(Vec<(String, String)>);

fn invalid(parameter: &str, expected: &str) -> ClientError {
    ClientError::new(
        ErrorCode::InvalidArgument,
        format!("Query parameter `{parameter}` must be {expected}."),
    )
    .with("member", parameter)
}

impl Query {
    /// Of a URL's query part, percent-decoded.
    pub(crate) fn of(query: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        Self(pairs.into_owned().collect())
    }

    /// All values of a parameter.
    pub(crate) fn all(&mut self, parameter: &str) -> Vec<String> {
        let mut values = Vec::new();
        self.0.retain_mut(|(name, value)| {
            let taken = name == parameter;
            if taken {
                values.push(std::mem::take(value));
            }
            !taken
        });
        values
    }

    /// The value of a parameter that may be given once.
    pub(crate) fn text(&mut self, parameter: &str) -> Result<Option<String>, ClientError> {
        let mut values = self.all(parameter);
        match values.len() {
            0 | 1 => Ok(values.pop()),
            _ => Err(invalid(parameter, "given once")),
        }
    }

    /// A value of a form.
    pub(crate) fn parsed<T: FromStr>(
        &mut self,
        parameter: &str,
        expected: &str,
    ) -> Result<Option<T>, ClientError> {
        let Some(text) = self.text(parameter)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| invalid(parameter, expected))
    }

    /// One of a closed set of words.
    pub(crate) fn word(
        &mut self,
        parameter: &str,
        words: &[&str],
    ) -> Result<Option<String>, ClientError> {
        let Some(text) = self.text(parameter)? else { return Ok(None) };
        if words.contains(&text.as_str()) {
            return Ok(Some(text));
        }
        Err(invalid(parameter, &format!("one of {}", words.join(", "))))
    }

    /// `limit`: 1 to `most`, or the default.
    pub(crate) fn limit(&mut self, default: u32, most: u32) -> Result<u32, ClientError> {
        let expected = format!("a whole number from 1 to {most}");
        match self.parsed::<u32>("limit", &expected)? {
            None => Ok(default),
            Some(limit) if (1..=most).contains(&limit) => Ok(limit),
            Some(_) => Err(invalid("limit", &expected)),
        }
    }

    /// `cursor`: the text of a page before.
    pub(crate) fn cursor(&mut self) -> Result<Option<String>, ClientError> {
        match self.text("cursor")? {
            Some(text) if text.is_empty() || text.len() > 512 => Err(bad_cursor()),
            cursor => Ok(cursor),
        }
    }

    /// Refuses parameters that nothing took.
    pub(crate) fn close(self) -> Result<(), ClientError> {
        match self.0.into_iter().next() {
            None => Ok(()),
            Some((name, _)) => Err(ClientError::new(
                ErrorCode::InvalidArgument,
                format!("There is no query parameter `{name}`."),
            )
            .with("member", name)),
        }
    }
}

/// Refusal of a cursor that no page gave.
pub(crate) fn bad_cursor() -> ClientError {
    invalid("cursor", "the `next_cursor` of a page with the same filters")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_and_taken() {
        let mut query = Query::of(Some("a=1&b=x%20y&a=2"));
        assert_eq!(query.all("a"), ["1", "2"]);
        assert_eq!(query.text("b"), Ok(Some("x y".to_owned())));
        assert_eq!(query.text("c"), Ok(None));
        assert_eq!(query.close(), Ok(()));
    }

    #[test]
    fn refusals_name_the_parameter() {
        let message = |error: ClientError| error.to_string();
        let error = Query::of(Some("limit=0")).limit(20, 100).expect_err("too low");
        assert_eq!(
            message(error),
            "invalid_argument: Query parameter `limit` must be a whole number from 1 to 100."
        );
        let error = Query::of(Some("status=x&status=y")).text("status").expect_err("twice");
        assert_eq!(
            message(error),
            "invalid_argument: Query parameter `status` must be given once."
        );
        let error = Query::of(Some("token=abc")).close().expect_err("unknown");
        assert_eq!(message(error), "invalid_argument: There is no query parameter `token`.");
    }
}
