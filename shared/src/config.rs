//! One configuration for all processes: a TOML file, over it `GSS_SECTION__KEY` of the environment,
//! over it what the caller gives (flags).
//!
//! Unknown keys are refused, values are checked with their relations before anything starts, and
//! every error names key, value and rule. Keys, their documentation and their defaults stand once,
//! in [`sections`]; [`example`] prints them as a file. Paths are relative to the working directory.

mod adapters;
mod check;
mod example;
mod keys;
mod sections;
mod source;
mod value;

use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Format as _, Toml};

pub use check::Process;
pub use example::example;
pub use sections::{
    AuthSection, ClusterSection, Config, HubSection, JournalSection, LeaseSection, LimitsSection,
    LinkSection, LogSection, NodeSection, RedisSection, RouterSection,
};
pub use value::{Cidr, LogFormat, Secret};

/// Why a configuration was refused. The process must not start.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file does not parse, or a key is unknown or of the wrong type.
    #[error("{0}")]
    Shape(String),
    /// A variable or flag names no key.
    #[error("{place}: there is no key {key}; known are: {known}")]
    Unknown {
        /// The variable or flag.
        place: String,
        /// What it seems to mean, `section.key`.
        key: String,
        /// Keys of the section, or the sections.
        known: String,
    },
    /// A value breaks a rule.
    #[error("{key} = {value}: {rule}")]
    Rule {
        /// `section.key`.
        key: &'static str,
        /// As given; never a secret.
        value: String,
        /// What must hold.
        rule: String,
    },
    /// A file that a key names cannot be used.
    #[error("{key} = {}: {reason}", path.display())]
    File {
        /// `section.key`.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl Config {
    /// Reads `file` (if any), the environment and `overrides` (`("section.key", "value")`, later
    /// ones win), and checks values and relations. [`Config::check_for`] checks what one process
    /// needs beside.
    ///
    /// # Errors
    /// [`ConfigError`] with the first key at fault.
    pub fn load(file: Option<&Path>, overrides: &[(String, String)]) -> Result<Self, ConfigError> {
        Self::load_from(file, source::environment(), overrides)
    }

    /// As [`Config::load`], with the given environment.
    ///
    /// # Errors
    /// As there.
    pub fn load_from(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        overrides: &[(String, String)],
    ) -> Result<Self, ConfigError> {
        let mut figment = Figment::new();
        if let Some(file) = file {
            figment = figment.merge(Toml::file_exact(file));
        }
        let config: Self = figment
            .merge(source::from_environment(environment)?)
            .merge(source::from_overrides(overrides)?)
            .extract()
            .map_err(|error| ConfigError::Shape(source::describe(&error)))?;
        config.check()?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests;
