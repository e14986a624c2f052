//! Sources without types: environment variables and flags. A value is read as its key's type says,
//! so that a numeric name stays a name.

use figment::error::Kind;
use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};

use super::ConfigError;
use super::keys::Key;
use super::sections::SECTIONS;

/// Values with the place they came from.
pub(super) struct Untyped {
    origin: &'static str,
    sections: Dict,
}

impl Provider for Untyped {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.sections.clone())]))
    }
}

/// Variables of the process that are Unicode; others are not ours.
pub(super) fn environment() -> Vec<(String, String)> {
    let unicode = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(unicode).collect()
}

/// `GSS_SECTION__KEY`; variables without `__` (such as a tool's own) are not keys.
pub(super) fn from_environment(
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Untyped, ConfigError> {
    let mut sections = Dict::new();
    for (name, value) in variables {
        let Some((section, key)) = name.strip_prefix("GSS_").and_then(|name| name.split_once("__"))
        else {
            continue;
        };
        let (section, key) = (section.to_lowercase(), key.to_lowercase());
        put(&mut sections, &name, &section, &key, &value)?;
    }
    Ok(Untyped { origin: "the environment", sections })
}

/// `("section.key", value)`.
pub(super) fn from_overrides(overrides: &[(String, String)]) -> Result<Untyped, ConfigError> {
    let mut sections = Dict::new();
    for (name, value) in overrides {
        let (section, key) = name.split_once('.').unwrap_or((name, ""));
        put(&mut sections, name, section, key, value)?;
    }
    Ok(Untyped { origin: "the command line", sections })
}

fn put(
    sections: &mut Dict,
    place: &str,
    section: &str,
    key: &str,
    value: &str,
) -> Result<(), ConfigError> {
    let value = (find(place, section, key)?.read)(value);
    let table = sections.entry(section.to_owned()).or_insert_with(|| Value::from(Dict::new()));
    if let Value::Dict(_, table) = table {
        table.insert(key.to_owned(), value);
    }
    Ok(())
}

fn find(place: &str, section: &str, key: &str) -> Result<&'static Key, ConfigError> {
    let unknown = |known: Vec<&str>| ConfigError::Unknown {
        place: place.to_owned(),
        key: format!("{section}.{key}"),
        known: known.join(", "),
    };
    let Some(found) = SECTIONS.iter().find(|known| known.name == section) else {
        return Err(unknown(SECTIONS.iter().map(|known| known.name).collect()));
    };
    let by_name = found.keys.iter().find(|known| known.name == key);
    by_name.ok_or_else(|| unknown(found.keys.iter().map(|known| known.name).collect()))
}

/// Figment's error as `key: what is wrong (where)`.
pub(super) fn describe(error: &figment::Error) -> String {
    let origin = error.metadata.as_ref().map(|metadata| {
        let source = metadata.source.as_ref();
        source.map_or_else(|| metadata.name.to_string(), ToString::to_string)
    });
    let what = match &error.kind {
        Kind::UnknownField(_, known) => {
            format!("there is no such key; known are: {}", known.join(", "))
        }
        kind => kind.to_string(),
    };
    let key = error.path.join(".");
    match (key.is_empty(), origin) {
        (true, None) => what,
        (true, Some(origin)) => format!("{what} (in {origin})"),
        (false, None) => format!("{key}: {what}"),
        (false, Some(origin)) => format!("{key}: {what} (in {origin})"),
    }
}
