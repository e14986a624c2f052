//! Times as PostgreSQL's `timestamp` in UTC.

use std::error::Error;

use bytes::{BufMut as _, BytesMut};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};

use crate::time::Timestamp;

/// Milliseconds from 1970 to 2000, from which PostgreSQL counts microseconds.
const EPOCH_MS: i64 = 946_684_800_000;

/// A time as a parameter or column of type `timestamp`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Utc(pub(super) Timestamp);

impl ToSql for Utc {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_i64(self.0.0.saturating_sub(EPOCH_MS).saturating_mul(1_000));
        Ok(IsNull::No)
    }

    accepts!(TIMESTAMP);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Utc {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let micros = i64::from_be_bytes(raw.try_into()?);
        Ok(Self(Timestamp(micros.div_euclid(1_000).saturating_add(EPOCH_MS))))
    }

    accepts!(TIMESTAMP);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_survive() {
        for ms in [0, 1, 946_684_799_999, 1_795_287_731_480, -1] {
            let mut raw = BytesMut::new();
            Utc(Timestamp(ms)).to_sql(&Type::TIMESTAMP, &mut raw).expect("encodes");
            let back = Utc::from_sql(&Type::TIMESTAMP, &raw).expect("decodes");
            assert_eq!(back, Utc(Timestamp(ms)));
        }
    }
}
