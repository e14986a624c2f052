//! `gssctl rules coverage`: how much of the content the engine plays by itself.
//!
//! Counted by running the cases that are built in: what has cases counts when all of them come to
//! what they state.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Result;
use clap::Args;
use gss_rules::Edition;
use gss_rules::cases::{Coverage, coverage};
use gss_rules::combat::Rulebook;

use crate::output;

#[derive(Args)]
pub(super) struct Options {
    /// Print one JSON object instead of lines.
    #[arg(long)]
    json: bool,
}

/// Counts and prints.
pub(super) fn run(options: &Options) -> Result<()> {
    let mut counts = BTreeMap::new();
    for edition in [Edition::E51, Edition::E52] {
        counts.insert(edition, coverage(edition, &Rulebook::built_in(edition)?)?);
    }
    output::print(&if options.json {
        format!("{}\n", serde_json::to_string(&counts)?)
    } else {
        text(&counts)
    })
}

fn text(counts: &BTreeMap<Edition, Coverage>) -> String {
    let mut text = String::new();
    for (edition, counts) in counts {
        let edition = match edition {
            Edition::E51 => "5.1",
            Edition::E52 => "5.2",
        };
        let Coverage { spells, monster_entries: entries, blocks } = counts;
        let _ = writeln!(
            text,
            "{edition} spells           {:>5} automated {:>5} assisted {:>5} tracked",
            spells.automated, spells.assisted, spells.tracked
        );
        let _ = writeln!(
            text,
            "{edition} monster entries  {:>5} automated of {}",
            entries.automated, entries.total
        );
        let _ = writeln!(
            text,
            "{edition} blocks           {:>5} complete  of {}",
            blocks.complete, blocks.total
        );
    }
    text
}
