//! Members of a request body, taken one by one, so that a refusal names the member at fault.
//!
//! Closed bodies end with [`Fields::close`], which refuses what was not taken; ICD bodies are open
//! and just drop the rest.

use gss_shared::error_code::{ClientError, ErrorCode};
use serde_json::{Map, Value};

/// What is left of an object.
#[derive(Debug)]
pub(crate) struct Fields(Map<String, Value>);

/// A refusal of one member.
pub(crate) fn invalid(member: &str, expected: &str) -> ClientError {
    ClientError::new(ErrorCode::InvalidArgument, format!("`{member}` must be {expected}."))
        .with("member", member)
}

impl Fields {
    /// Of a body that was parsed; it must be an object.
    pub(crate) fn of(body: Value) -> Result<Self, ClientError> {
        match body {
            Value::Object(map) => Ok(Self(map)),
            _ => {
                Err(ClientError::new(ErrorCode::InvalidArgument, "The body must be a JSON object."))
            }
        }
    }

    /// Any value, if the member is there.
    pub(crate) fn take(&mut self, member: &str) -> Option<Value> {
        self.0.remove(member)
    }

    /// A string.
    pub(crate) fn text(&mut self, member: &str) -> Result<Option<String>, ClientError> {
        match self.take(member) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(invalid(member, "a string")),
        }
    }

    /// A UUID in its hyphenated form.
    pub(crate) fn id<T: From<uuid::Uuid>>(
        &mut self,
        member: &str,
    ) -> Result<Option<T>, ClientError> {
        let Some(text) = self.text(member)? else { return Ok(None) };
        super::uuid(&text).map(|id| Some(id.into())).ok_or_else(|| invalid(member, "a UUID"))
    }

    /// An object.
    pub(crate) fn object(
        &mut self,
        member: &str,
    ) -> Result<Option<Map<String, Value>>, ClientError> {
        match self.take(member) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(map)),
            Some(_) => Err(invalid(member, "an object")),
        }
    }

    /// true or false.
    pub(crate) fn flag(&mut self, member: &str) -> Result<Option<bool>, ClientError> {
        match self.take(member) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(invalid(member, "true or false")),
        }
    }

    /// A whole number in a range.
    pub(crate) fn number(
        &mut self,
        member: &str,
        range: std::ops::RangeInclusive<u32>,
    ) -> Result<Option<u32>, ClientError> {
        let Some(value) = self.take(member) else { return Ok(None) };
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        match number.filter(|number| range.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => {
                let expected = format!("a whole number from {} to {}", range.start(), range.end());
                Err(invalid(member, &expected))
            }
        }
    }

    /// Different UUIDs.
    pub(crate) fn ids<T: From<uuid::Uuid> + Ord>(
        &mut self,
        member: &str,
    ) -> Result<Option<Vec<T>>, ClientError> {
        let bad = || invalid(member, "a list of different UUIDs");
        match self.take(member) {
            None => Ok(None),
            Some(Value::Array(values)) => {
                let mut ids = Vec::with_capacity(values.len());
                for value in &values {
                    let id = value.as_str().and_then(super::uuid).ok_or_else(bad)?;
                    ids.push(T::from(id));
                }
                let mut unique = ids.iter().collect::<Vec<_>>();
                unique.sort_unstable();
                unique.dedup();
                if unique.len() == ids.len() { Ok(Some(ids)) } else { Err(bad()) }
            }
            Some(_) => Err(bad()),
        }
    }

    /// Refuses members that nothing took.
    pub(crate) fn close(self) -> Result<(), ClientError> {
        match self.0.into_iter().next() {
            None => Ok(()),
            Some((member, _)) => Err(ClientError::new(
                ErrorCode::InvalidArgument,
                format!("The body has no member `{member}`."),
            )
            .with("member", member)),
        }
    }

    /// Refuses a closed body without any member.
    pub(crate) fn not_empty(&self) -> Result<(), ClientError> {
        if self.0.is_empty() {
            return Err(ClientError::new(
                ErrorCode::InvalidArgument,
                "The body must have at least one member.",
            ));
        }
        Ok(())
    }
}

/// The member, or a refusal that says it is missing.
pub(crate) fn required<T>(value: Option<T>, member: &str) -> Result<T, ClientError> {
    value.ok_or_else(|| {
        ClientError::new(ErrorCode::InvalidArgument, format!("`{member}` is required."))
            .with("member", member)
    })
}

#[cfg(test)]
mod tests {
    use gss_shared::ids::CharacterId;
    use serde_json::json;

    use super::*;

    fn fields(body: Value) -> Fields {
        Fields::of(body).expect("object")
    }

    fn member(error: &ClientError) -> Option<&str> {
        error.details.get("member").and_then(Value::as_str)
    }

    #[test]
    fn refusals_name_the_member() {
        let error = fields(json!({"name": 7})).text("name").expect_err("no string");
        assert_eq!(error.to_string(), "invalid_argument: `name` must be a string.");
        assert_eq!(member(&error), Some("name"));
        let error = fields(json!({"uses": 0})).number("uses", 1..=1000).expect_err("range");
        assert_eq!(error.message, "`uses` must be a whole number from 1 to 1000.");
        for value in
            [json!("x"), json!(null), json!(1.5), json!("47eaa0992cb6416d86dc283cf0480ff9")]
        {
            let error = fields(json!({"id": value})).id::<CharacterId>("id").expect_err("no id");
            assert_eq!(member(&error), Some("id"));
        }
        let twice = json!({"ids": ["47eaa099-2cb6-416d-86dc-283cf0480ff9", "47EAA099-2cb6-416d-86dc-283cf0480ff9"]});
        let error = fields(twice).ids::<CharacterId>("ids").expect_err("twice the same");
        assert_eq!(error.message, "`ids` must be a list of different UUIDs.");
    }

    #[test]
    fn a_closed_body_refuses_what_it_does_not_know() {
        let mut body = fields(json!({"reason": "Dinner", "until": 3}));
        assert_eq!(body.text("reason"), Ok(Some("Dinner".to_owned())));
        let error = body.close().expect_err("unknown member");
        assert_eq!(error.to_string(), "invalid_argument: The body has no member `until`.");
        assert_eq!(member(&error), Some("until"));
    }

    #[test]
    fn only_objects_are_bodies() {
        for body in [json!([]), json!(null), json!("x")] {
            let error = Fields::of(body).expect_err("no object");
            assert_eq!(error.to_string(), "invalid_argument: The body must be a JSON object.");
        }
    }
}
