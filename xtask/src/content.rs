//! `cargo xtask content`: the rules' data files from their sources.
//!
//! Owns everything in `rules/content` but the overlay, the digests that tests hold it against, and
//! the cases that prove the engine on it.
//! Facts only: names, numbers, dice, words of the game; no description is written anywhere.

mod attack;
mod block;
mod cases;
mod digest;
mod fetch;
mod gear;
mod items;
mod layout;
mod makes;
mod outcome;
mod overlay;
mod raw;
mod report;
mod riders;
mod source51;
mod source52;
mod special;
mod spellcasting;
mod spells;
mod text;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use gss_rules::content::Monster;

use crate::cargo;
use block::Compiled;

#[derive(Args)]
pub(crate) struct Options {
    /// Write nothing; fail if a file would change.
    #[arg(long)]
    check: bool,
    /// Also list entries that are not understood as a whole: their text is printed, not written.
    #[arg(long)]
    unresolved: bool,
}

/// Makes all files and prints what is in them.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut sources = fetch::sources()?;
    let mut files: Vec<(PathBuf, String)> = Vec::new();
    let mut counts = report::Counts::default();
    for edition in ["5.1", "5.2"] {
        let corrected = overlay::apply(edition, &mut sources)?;
        let spells = spells::spells(edition, &sources)?;
        let riders = riders::Riders::read(edition)?;
        let keys: BTreeMap<String, String> =
            spells.iter().map(|it| (it.id.to_string(), it.name.clone())).collect();
        let raw = match edition {
            "5.1" => source51::monsters(&sources)?,
            _ => source52::monsters(&sources)?,
        };
        if options.unresolved {
            report::unresolved(&raw, &keys, &riders)?;
        }
        let mut compiled = Vec::new();
        let mut errors = Vec::new();
        for it in raw {
            let id = it.id.clone();
            match block::compile(it, &keys, &riders).with_context(|| id.to_string()) {
                Ok(it) => compiled.push(it),
                Err(error) => errors.push(format!("{error:#}")),
            }
        }
        if !errors.is_empty() {
            bail!("{edition}: {}", errors.join("\n"));
        }
        compiled.sort_by(|a, b| a.monster.id.cmp(&b.monster.id));
        let weapons = gear::weapons(edition, &sources)?;
        let armor = gear::armor(edition, &sources)?;
        counts.add(edition, &compiled, spells.len(), weapons.len(), armor.len(), corrected);
        let data = PathBuf::from("rules/content").join(edition);
        let monsters: Vec<&Monster> = compiled.iter().map(|it| &it.monster).collect();
        files.extend(cases::files(edition, &monsters, &spells)?);
        files.push((data.join("monsters.json"), layout::text(&monsters)?));
        files.push((data.join("spells.json"), layout::text(&spells)?));
        files.push((data.join("weapons.json"), layout::text(&weapons)?));
        files.push((data.join("armor.json"), layout::text(&armor)?));
        files.push((data.join("gear.json"), layout::text(&items::gear(edition, &sources)?)?));
        files.push((data.join("names.json"), layout::text(&report::names(&compiled))?));
        let digests: BTreeMap<_, _> =
            compiled.iter().map(|Compiled { monster, digest }| (&monster.id, digest)).collect();
        let digest = PathBuf::from("rules/tests/content").join(format!("digest-{edition}.json"));
        files.push((digest, layout::text(&digests)?));
    }
    files.push((PathBuf::from("rules/tests/content/counts.json"), layout::text(&counts)?));
    counts.print();
    if options.check { check(&files) } else { write(&files) }
}

fn write(files: &[(PathBuf, String)]) -> Result<()> {
    for (file, text) in files {
        let path = cargo::root().join(file);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&path, text).with_context(|| file.display().to_string())?;
    }
    Ok(())
}

fn check(files: &[(PathBuf, String)]) -> Result<()> {
    let stale = |(file, text): &&(PathBuf, String)| {
        std::fs::read_to_string(cargo::root().join(file)).ok().as_deref() != Some(text.as_str())
    };
    match files.iter().find(stale) {
        Some((file, _)) => bail!("{} is not what its sources say", file.display()),
        None => Ok(()),
    }
}
