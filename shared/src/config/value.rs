//! Types of values that have rules of their own, and how each type reads from an environment
//! variable or a flag.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use figment::value::{Empty, Value};
use serde::{Deserialize, Serialize};

use crate::ids::ProcessId;

/// A value that is never shown: [`fmt::Debug`] hides it.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The value, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

/// How log lines look.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// A range of addresses, `10.0.0.0/8` or a single address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cidr {
    base: IpAddr,
    bits: u8,
}

impl Cidr {
    /// Whether the address lies in the range. An IPv4 address written as IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(self.bits);
                base.to_bits().checked_shr(shift) == address.to_bits().checked_shr(shift)
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let shift = 128 - u32::from(self.bits);
                base.to_bits().checked_shr(shift) == address.to_bits().checked_shr(shift)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// The text is no range of addresses.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no address range such as 10.0.0.0/8")]
pub struct BadCidr(String);

impl TryFrom<String> for Cidr {
    type Error = BadCidr;

    fn try_from(text: String) -> Result<Self, BadCidr> {
        text.parse()
    }
}

impl FromStr for Cidr {
    type Err = BadCidr;

    fn from_str(text: &str) -> Result<Self, BadCidr> {
        let bad = || BadCidr(text.to_owned());
        let (base, bits) = match text.split_once('/') {
            Some((base, bits)) => (base, Some(bits.parse::<u8>().map_err(|_| bad())?)),
            None => (text, None),
        };
        let base: IpAddr = base.parse().map_err(|_| bad())?;
        let most = if base.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        if bits > most {
            return Err(bad());
        }
        Ok(Self { base, bits })
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.bits)
    }
}

impl From<Cidr> for String {
    fn from(range: Cidr) -> Self {
        range.to_string()
    }
}

/// How a key's type reads from text without TOML's quotes. Text that does not fit stays text, so
/// that the error says what type was expected.
pub(super) trait Setting {
    /// The value that the text stands for.
    fn read(text: &str) -> Value;
}

macro_rules! text_settings {
    ($($kind:ty),*) => {$(
        impl Setting for $kind {
            fn read(text: &str) -> Value {
                Value::from(text)
            }
        }
    )*};
}

macro_rules! parsed_settings {
    ($($kind:ty),*) => {$(
        impl Setting for $kind {
            fn read(text: &str) -> Value {
                text.trim().parse::<$kind>().map_or_else(|_| Value::from(text), Value::from)
            }
        }
    )*};
}

text_settings!(String, Secret, LogFormat, Cidr, ProcessId, SocketAddr, PathBuf);
parsed_settings!(bool, u16, u32, u64);

impl<T: Setting> Setting for Option<T> {
    fn read(text: &str) -> Value {
        if text.is_empty() { Value::from(Empty::None) } else { T::read(text) }
    }
}

impl<T: Setting> Setting for Vec<T> {
    fn read(text: &str) -> Value {
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        Value::from(items.map(T::read).collect::<Vec<_>>())
    }
}
