//! What a run of cases came to, as lines or as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Result;
use gss_rules::Edition;
use serde::Serialize;
use serde_json::Value;

use super::case::Case;
use super::play::Failure;

#[derive(Default, Serialize)]
pub(super) struct Report {
    suites: BTreeMap<String, Count>,
    failures: Vec<Failed>,
}

#[derive(Clone, Copy, Default, Serialize)]
struct Count {
    passed: usize,
    failed: usize,
}

#[derive(Serialize)]
struct Failed {
    id: String,
    suite: String,
    #[serde(flatten)]
    failure: Failure,
}

impl Report {
    /// Counts a case; it passed when nothing failed.
    pub(super) fn add(&mut self, case: &Case, failures: Vec<Failure>) {
        let count = self.suites.entry(case.suite.clone()).or_default();
        if failures.is_empty() {
            count.passed += 1;
        } else {
            count.failed += 1;
        }
        self.failures.extend(failures.into_iter().map(|failure| Failed {
            id: case.id.clone(),
            suite: case.suite.clone(),
            failure,
        }));
    }

    fn total(&self) -> Count {
        self.suites.values().fold(Count::default(), |sum, count| Count {
            passed: sum.passed + count.passed,
            failed: sum.failed + count.failed,
        })
    }

    /// Cases that failed.
    pub(super) fn failed(&self) -> usize {
        self.total().failed
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for failed in &self.failures {
            failed.describe(&mut text);
        }
        let total = ("all", self.total());
        let suites = self.suites.iter().map(|(suite, count)| (suite.as_str(), *count));
        let _ = writeln!(text, "{:<20} {:>7} {:>7}", "suite", "passed", "failed");
        for (suite, count) in suites.chain([total]) {
            let _ = writeln!(text, "{suite:<20} {:>7} {:>7}", count.passed, count.failed);
        }
        text
    }

    pub(super) fn json(&self) -> Result<String> {
        #[derive(Serialize)]
        struct Whole<'a> {
            #[serde(flatten)]
            total: Count,
            #[serde(flatten)]
            report: &'a Report,
        }
        let whole = Whole { total: self.total(), report: self };
        Ok(format!("{}\n", serde_json::to_string(&whole)?))
    }
}

impl Failed {
    fn describe(&self, text: &mut String) {
        let edition = match self.failure.edition {
            None => "",
            Some(Edition::E51) => " (5.1)",
            Some(Edition::E52) => " (5.2)",
        };
        let got = self.failure.got.as_ref().map_or_else(|| "nothing".to_owned(), Value::to_string);
        let _ = writeln!(text, "{}{edition}", self.id);
        let _ = writeln!(text, "  expected {}", self.failure.expected);
        let _ = writeln!(text, "  got      {got}");
        if let Some(error) = &self.failure.error {
            let _ = writeln!(text, "  because  {error}");
        }
    }
}
