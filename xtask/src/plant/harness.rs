//! What hunts: the simulation, tests, tests on real servers.
//!
//! Building is a step of its own that must succeed. A finding is what the harness itself calls one;
//! a harness that ends otherwise has found nothing.

use std::fmt;
use std::path::Path;
use std::process::Command;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;

use super::tree::Tree;
use crate::cargo;

/// Something that finds bugs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Harness {
    kind: Kind,
    args: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// The simulation, new seeds until one fails.
    Simulation,
    /// Tests that need no servers, by package and filter.
    Tests,
    /// Tests on private servers, by package and filter.
    ServerTests,
}

const KINDS: [(&str, Kind); 3] = [
    ("gss-sim", Kind::Simulation),
    ("nextest", Kind::Tests),
    ("cargo xtask test", Kind::ServerTests),
];

/// What a harness found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Finding {
    /// A seed, or a test's name.
    pub(crate) at: String,
    /// The first thing it said.
    pub(crate) said: String,
}

impl FromStr for Harness {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let known = KINDS.iter().find_map(|(name, kind)| Some((text.strip_prefix(name)?, *kind)));
        let Some((rest, kind)) = known else {
            let names = KINDS.map(|(name, _)| name).join(", ");
            bail!("`{text}` does not begin with one of: {names}");
        };
        let args = rest.split_whitespace().map(str::to_owned).collect();
        Ok(Self { kind, args })
    }
}

impl fmt::Display for Harness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = KINDS.iter().find(|(_, kind)| *kind == self.kind).map_or("", |(name, _)| name);
        write!(f, "{name} {}", self.args.join(" "))
    }
}

impl Harness {
    /// Builds all that it needs.
    pub(super) fn build(&self, tree: &Tree, log: &Path) -> Result<()> {
        let mut built = match self.kind {
            Kind::Simulation => {
                let mut build = tree.cargo(log)?;
                build.args(["build", "--package", "gss-sim", "--bin", "gss-sim"]);
                vec![build]
            }
            Kind::Tests => vec![self.tests(tree, log, &["--no-run"])?],
            Kind::ServerTests => {
                let mut build = tree.cargo(log)?;
                build.args(["build", "--package", "xtask"]);
                vec![build, self.tests(tree, log, &["--no-run"])?]
            }
        };
        let what = format!("a build (see {})", log.display());
        built.iter_mut().try_for_each(|build| cargo::must(&what, build))
    }

    fn tests(&self, tree: &Tree, log: &Path, more: &[&str]) -> Result<Command> {
        ensure!(
            cargo::find_program(&["cargo-nextest"]).is_some(),
            "cargo-nextest is not installed (cargo install --locked cargo-nextest)"
        );
        let mut command = tree.cargo(log)?;
        command.args(["nextest", "run"]).args(more).args(&self.args);
        Ok(command)
    }

    /// Hunts; None: nothing was found in time.
    pub(super) fn run(&self, tree: &Tree, log: &Path, limit: Duration) -> Result<Option<Finding>> {
        let built = std::fs::metadata(log)?.len();
        let mut command = match self.kind {
            Kind::Simulation => {
                let mut simulation = tree.program("gss-sim", log)?;
                simulation.arg("--until-failed").args(&self.args);
                simulation
            }
            Kind::Tests => self.tests(tree, log, &[])?,
            Kind::ServerTests => {
                let mut xtask = tree.cargo(log)?;
                xtask.args(["xtask", "test"]).args(&self.args);
                xtask
            }
        };
        // In time or not, good or bad: what it said counts.
        cargo::run_within(&mut command, limit)?;
        let text = std::fs::read(log).with_context(|| format!("read {}", log.display()))?;
        let skipped = usize::try_from(built)?;
        let text = String::from_utf8_lossy(text.get(skipped..).unwrap_or_default());
        Ok(match self.kind {
            Kind::Simulation => wrong_seed(&text),
            Kind::Tests | Kind::ServerTests => failed_test(&text),
        })
    }
}

/// `seed N hash …: K WRONG`, then what is wrong, one a line.
fn wrong_seed(text: &str) -> Option<Finding> {
    let mut lines = text.lines().skip_while(|line| !line.ends_with(" WRONG"));
    let seed = lines.next()?.split_whitespace().nth(1)?;
    let said = lines.next().unwrap_or_default().trim();
    Some(Finding { at: format!("seed {seed}"), said: said.to_owned() })
}

/// nextest's `FAIL [time] (place) package test`, and what the test's panic said.
fn failed_test(text: &str) -> Option<Finding> {
    let fails = |line: &&str| line.trim_start().starts_with("FAIL [");
    let test = text.lines().find(fails)?.split_whitespace().last()?;
    let mut said = text.lines().skip_while(|line| !line.contains("panicked at")).skip(1);
    let first = said.next().unwrap_or_default().trim();
    let sides = said.take_while(|_| first.starts_with("assertion"));
    let sides =
        sides.map(str::trim).take_while(|it| it.starts_with("left:") || it.starts_with("right:"));
    let said = std::iter::once(first).chain(sides).collect::<Vec<_>>().join(" ");
    Some(Finding { at: test.to_owned(), said })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(at: &str, said: &str) -> Option<Finding> {
        Some(Finding { at: at.to_owned(), said: said.to_owned() })
    }

    #[test]
    fn a_seed_that_is_wrong_is_a_finding() {
        let good = "seed 7 hash 00ff 34 s, 900 commands: ok\n";
        let bad = "seed 8 hash 00fe 34 s, 900 commands: 2 WRONG\n  lost\n  found\n";
        assert_eq!(wrong_seed(good), None);
        assert_eq!(wrong_seed(&format!("{good}{bad}")), finding("seed 8", "lost"));
    }

    #[test]
    fn a_test_that_fails_is_a_finding_and_a_build_that_does_is_none() {
        let failed = "        PASS [   0.1s] (1/2) gss-node one\n\
                      \x20       FAIL [   0.2s] (2/2) gss-node fence::two\n\
                      \x20   thread 'fence::two' panicked at node/src/fence.rs:7:5:\n\
                      \x20   assertion `left == right` failed\n      left: 1\n     right: 2\n  stack\n";
        let said = "assertion `left == right` failed left: 1 right: 2";
        assert_eq!(failed_test(failed), finding("fence::two", said));
        assert_eq!(failed_test("error: could not compile `gss-node`"), None);
    }

    #[test]
    fn harnesses_are_named() {
        for text in ["gss-sim --seconds 60", "nextest -p gss-node a::b", "cargo xtask test -p x y"]
        {
            assert_eq!(text.parse::<Harness>().expect("a harness").to_string(), text);
        }
        assert!("cargo fmt".parse::<Harness>().is_err());
    }
}
