//! A scenario: which load, which faults, and what players may notice of them. A file of TOML.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::arena::Means;
use crate::direction::Direction;
use crate::fault::Fault;
use crate::progress::Progress;

/// Where the project's scenarios are.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// What is played, what strikes, what is allowed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// The file's name.
    #[serde(skip)]
    pub(crate) name: String,
    /// The claim in a sentence.
    pub(crate) about: String,
    /// What is played.
    pub(crate) load: Load,
    /// Seconds of a round in which faults strike.
    pub(crate) seconds: u64,
    /// Seconds without a fault before each strike: between these two.
    #[serde(default = "calm")]
    pub(crate) calm_seconds: [f64; 2],
    /// Of which one strikes at a time.
    pub(crate) strikes: Vec<Strike>,
    /// What players may notice.
    #[serde(default)]
    pub(crate) allowed: Allowed,
}

fn calm() -> [f64; 2] {
    [2.0, 4.0]
}

/// What is played.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Load {
    /// Tables.
    pub(crate) tables: usize,
    /// Clients of each.
    pub(crate) players: usize,
    /// Commands per second over all tables.
    pub(crate) rate: f64,
    /// Further tables, whose clients write, compare and set, and read registers in closed loops.
    #[serde(default)]
    pub(crate) registers: usize,
    /// What happens at the tables beside their commands.
    #[serde(default)]
    pub(crate) direction: Direction,
}

/// Faults that strike together and end together.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Strike {
    /// All of them.
    pub(crate) faults: Vec<Fault>,
    /// Seconds until they are healed: between these two.
    pub(crate) lasts_seconds: [f64; 2],
}

impl fmt::Display for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: Vec<String> = self.faults.iter().map(ToString::to_string).collect();
        write!(f, "{}", faults.join(" + "))
    }
}

/// What players may notice. Nothing that was acknowledged is ever lost or doubled, and nobody sees
/// what it may not see: no scenario can allow that.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Allowed {
    /// Sockets may be closed; clients resume.
    #[serde(default)]
    pub(crate) closes: bool,
    /// Codes of errors that clients get over or that refuse a command.
    #[serde(default)]
    pub(crate) errors: Vec<String>,
    /// Texts of lines that processes may log as errors.
    #[serde(default)]
    pub(crate) log_errors: Vec<String>,
}

impl Scenario {
    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let mut scenario: Self =
            toml::from_str(&text).with_context(|| path.display().to_string())?;
        let name = path.file_stem().context("a file name")?;
        scenario.name = name.to_string_lossy().into_owned();
        scenario.check().with_context(|| path.display().to_string())?;
        Ok(scenario)
    }

    fn check(&self) -> Result<()> {
        ensure!(!self.strikes.is_empty(), "no strikes");
        ensure!(self.load.tables > 0 && self.load.players > 2, "3 players at a table, at least");
        ensure!(self.load.rate > 0.0, "load.rate is not above 0");
        // Its server comes back as a standby only.
        let both = self.faults().any(|fault| fault == Fault::Promote)
            && self.faults().any(Fault::ends_postgres);
        ensure!(!both, "promote, and PostgreSQL ends in another way");
        let spans = self.strikes.iter().map(|strike| strike.lasts_seconds);
        for [from, to] in spans.chain([self.calm_seconds]) {
            ensure!(0.0 <= from && from <= to, "[{from}, {to}] is no span of seconds");
        }
        Ok(())
    }

    /// Every fault of every strike.
    pub(crate) fn faults(&self) -> impl Iterator<Item = Fault> {
        self.strikes.iter().flat_map(|strike| &strike.faults).copied()
    }

    /// What of it can strike here; None: nothing.
    pub(crate) fn within(&self, means: &Means, progress: &Progress) -> Option<Self> {
        let mut scenario = self.clone();
        scenario.strikes.retain(|strike| {
            let missing = strike.faults.iter().find_map(|fault| means.miss(*fault));
            if let Some(missing) = missing {
                progress.say(&format!("{}: left out, since {missing}: {strike}", self.name));
            }
            missing.is_none()
        });
        (!scenario.strikes.is_empty()).then_some(scenario)
    }

    /// Those of these names, or all that the project has.
    pub(crate) fn named(names: &[String]) -> Result<Vec<Self>> {
        if !names.is_empty() {
            let path = |name: &String| {
                if name.ends_with(".toml") {
                    PathBuf::from(name)
                } else {
                    folder().join(format!("{name}.toml"))
                }
            };
            return names.iter().map(|name| Self::read(&path(name))).collect();
        }
        let mut paths: Vec<PathBuf> =
            std::fs::read_dir(folder())?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        paths.retain(|path| path.extension().is_some_and(|it| it == "toml"));
        paths.sort();
        paths.iter().map(|path| Self::read(path)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scenarios_of_the_project_can_be_read() {
        let scenarios = Scenario::named(&[]).expect("scenarios");
        assert!(scenarios.iter().any(|scenario| scenario.name == "owner-killed"));
    }

    #[test]
    fn what_cannot_strike_here_is_left_out() {
        let left = |name: &str, means: &Means| {
            let scenarios = Scenario::named(&[name.to_owned()]).expect("a scenario");
            let within = scenarios[0].within(means, &Progress::start());
            within.map(|scenario| (scenario.strikes.len(), scenarios[0].strikes.len()))
        };
        let bare = Means { network: false, older: None };
        let root = |older| Means { network: true, older };
        assert_eq!(left("partitions", &bare), None);
        assert!(left("weather", &bare).is_some_and(|(left, of)| 0 < left && left < of));
        assert!(left("weather", &root(None)).is_some_and(|(left, of)| left == of));
        assert_eq!(left("versions", &root(None)), None);
        assert!(left("versions", &root(Some(PathBuf::new()))).is_some());
    }

    #[test]
    fn a_scenario_that_makes_no_sense_is_refused_by_its_file() {
        let folder = std::env::temp_dir().join(format!("gss-scenario-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("odd.toml");
        let refusal = |text: &str| {
            std::fs::write(&file, text).expect("a file");
            format!("{:#}", Scenario::read(&file).expect_err("refused"))
        };
        let load = "[load]\ntables = 1\nplayers = 3\nrate = 5.0\n";
        let strike = "[[strikes]]\nfaults = [{ kill = \"node\" }]\nlasts_seconds = [3, 2]\n";
        let span = refusal(&format!("about = \"\"\nseconds = 1\n{load}{strike}"));
        assert!(span.ends_with("odd.toml: [3, 2] is no span of seconds"), "{span}");
        let unknown = refusal(&format!("about = \"\"\nsecond = 1\n{load}{strike}"));
        assert!(unknown.contains("unknown field `second`"), "{unknown}");
        let none = refusal(&format!("about = \"\"\nseconds = 1\nstrikes = []\n{load}"));
        assert!(none.ends_with("odd.toml: no strikes"), "{none}");
        let both = "[[strikes]]\nfaults = [\"promote\", { kill = \"postgres\" }]\n\
                    lasts_seconds = [2, 3]\n";
        let both = refusal(&format!("about = \"\"\nseconds = 1\n{load}{both}"));
        assert!(both.ends_with("promote, and PostgreSQL ends in another way"), "{both}");
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
