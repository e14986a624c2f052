//! `cargo xtask plant`: known bugs, put one at a time into a copy of the tree; a harness must find
//! each.
//!
//! A plant is a patch in `tests/plants` that says which promise it breaks and what catches it. It has
//! to apply and to build: only a test that fails, or a run that says what is wrong, is a finding. The
//! tree itself is never touched.

mod harness;
pub(crate) mod patch;
mod tree;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Serialize;

use crate::{cargo, wait};
use harness::{Finding, Harness};
use patch::Patch;
use tree::Tree;

/// Characters of what a harness said that the table shows; `plants.json` has all.
const SHOWN: usize = 160;

#[derive(Args)]
pub(crate) struct Options {
    /// Only these. Default: all in tests/plants.
    names: Vec<String>,
    /// Where the patched trees are built; kept, so that only changed crates are built again.
    /// Default: `plants/target` in the target folder.
    #[arg(long)]
    target_dir: Option<PathBuf>,
    /// Seconds that a harness may take.
    #[arg(long, default_value_t = 600)]
    limit: u64,
    /// Instead of those that the patches name; may be repeated.
    #[arg(long = "with", value_name = "HARNESS")]
    with: Vec<Harness>,
    /// Say what there is and stop.
    #[arg(long)]
    list: bool,
}

/// One harness's try at one plant.
#[derive(Debug, Serialize)]
struct Try {
    harness: String,
    build_seconds: f32,
    /// Until it found something, or gave up.
    seconds: f32,
    /// None: it found nothing.
    finding: Option<Finding>,
    log: PathBuf,
}

/// What became of one plant.
#[derive(Debug, Serialize)]
struct Line {
    plant: String,
    claim: String,
    caught: bool,
    tries: Vec<Try>,
}

/// Plants, builds and hunts; prints a table and writes `plants.json` in the target folder.
pub(crate) fn run(options: &Options) -> Result<()> {
    let patches = chosen(options)?;
    if options.list {
        for Patch { name, claim, .. } in &patches {
            println!("{name:<36} {claim}");
        }
        return Ok(());
    }
    let folder = cargo::target_dir()?.join("plants");
    let target = options.target_dir.clone().unwrap_or_else(|| folder.join("target"));
    let tree = Tree::at(folder.join("tree"), std::path::absolute(target)?)?;
    let mut lines = Vec::new();
    for patch in &patches {
        println!("plant: {}", patch.name);
        let harnesses = if options.with.is_empty() { &patch.caught_by } else { &options.with };
        let line = hunt(&tree, patch, harnesses, Duration::from_secs(options.limit))?;
        print(&line);
        lines.push(line);
    }
    println!();
    lines.iter().for_each(print);
    let file = cargo::target_dir()?.join("plants.json");
    std::fs::write(&file, serde_json::to_string_pretty(&lines)?)?;
    let missed: Vec<&str> =
        lines.iter().filter(|line| !line.caught).map(|line| line.plant.as_str()).collect();
    if !missed.is_empty() {
        bail!("not caught: {}; see {}", missed.join(", "), file.display());
    }
    println!("{} plants caught", lines.len());
    Ok(())
}

fn chosen(options: &Options) -> Result<Vec<Patch>> {
    let all = patch::all(&cargo::root())?;
    if options.names.is_empty() {
        return Ok(all);
    }
    let one = |name: &String| {
        let found = all.iter().find(|patch| patch.name == *name).cloned();
        found.with_context(|| format!("there is no {}/{name}.patch", patch::FOLDER))
    };
    options.names.iter().map(one).collect()
}

/// Lets the harnesses try, the preferred one first, until one finds something.
fn hunt(tree: &Tree, patch: &Patch, harnesses: &[Harness], limit: Duration) -> Result<Line> {
    tree.plant(&patch.file).with_context(|| format!("plant {}", patch.name))?;
    let mut tries: Vec<Try> = Vec::new();
    for harness in harnesses {
        let log = tree.log(&patch.name, tries.len())?;
        let began = wait::now();
        harness.build(tree, &log).with_context(|| format!("build {}", patch.name))?;
        let built = wait::now();
        println!("  {harness}");
        let finding = harness.run(tree, &log, limit)?;
        tries.push(Try {
            harness: harness.to_string(),
            build_seconds: (built - began).as_secs_f32(),
            seconds: built.elapsed().as_secs_f32(),
            finding,
            log,
        });
        if tries.last().is_some_and(|last| last.finding.is_some()) {
            break;
        }
    }
    let caught = tries.last().is_some_and(|last| last.finding.is_some());
    Ok(Line { plant: patch.name.clone(), claim: patch.claim.clone(), caught, tries })
}

fn print(line: &Line) {
    for Try { harness, seconds, finding, log, .. } in &line.tries {
        match finding {
            Some(Finding { at, said }) => {
                let said: String = said.chars().take(SHOWN).collect();
                println!("{:<36} {seconds:>6.1} s  {harness}: {at}: {said}", line.plant);
            }
            None => {
                println!(
                    "{:<36} {seconds:>6.1} s  {harness}: NOTHING ({})",
                    line.plant,
                    log.display()
                );
            }
        }
    }
}
