//! Digest of the numbers that an entry's text has, found by what stands around them.
//!
//! It knows nothing of attacks, saves or their order: what reads the structure is held against it.

use anyhow::{Result, bail};
use gss_rules::content::Facts;
use gss_rules::effect::{DamageDice, SaveSpec};
use serde::Serialize;

use super::attack::ability;
use super::raw::RawEntry;
use super::text::{formula, re, word};

/// Numbers of a text, each kind in the order of printing.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize)]
pub(super) struct Digest {
    /// Bonuses to attack rolls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) hit: Vec<i32>,
    /// Feet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) reach: Vec<i32>,
    /// Feet: normal, and long where there is one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) range: Vec<Vec<i32>>,
    /// Average, dice, type.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) damage: Vec<(i64, String, String)>,
    /// Dice without a damage type.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) dice: Vec<String>,
    /// Ability and DC.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) saves: Vec<(String, i32)>,
    /// DCs that are not a save's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) dcs: Vec<i32>,
    /// All distances but reach and range.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) feet: Vec<i32>,
    /// Hit points.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) hit_points: Vec<i32>,
    /// Signed numbers that are no attack's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) bonuses: Vec<i32>,
}

/// Scans a text.
pub(super) fn scan(entry: &RawEntry) -> Digest {
    let text = &entry.lower;
    let mut digest = Digest::default();
    let int = |text: &str| text.parse::<i32>().ok();
    for found in re!(r"attack(?: roll)?: \+(\d+)").captures_iter(text) {
        digest.hit.extend(int(&found[1]));
    }
    for found in re!(r"\breach (\d+)").captures_iter(text) {
        digest.reach.extend(int(&found[1]));
    }
    for found in re!(r"\brange (\d+)(?:/(\d+))?").captures_iter(text) {
        let parts = [found.get(1), found.get(2)].into_iter().flatten();
        digest.range.push(parts.filter_map(|it| int(it.as_str())).collect());
    }
    damages(text, &mut digest);
    saves(text, &mut digest);
    for found in re!(r"(reach |range (?:\d+/)?)?(\d+)[ -](?:feet|foot)").captures_iter(text) {
        if found.get(1).is_none() {
            digest.feet.extend(int(&found[2]));
        }
    }
    let hit_points = re!(r"(d\d+ [+-] )?\b(\d+)\+? (?:temporary )?hit points");
    for found in hit_points.captures_iter(text).filter(|it| it.get(1).is_none()) {
        digest.hit_points.extend(int(&found[2]));
    }
    for found in re!(r"(roll: |attack: |d\d+ )?[+]? ?\+(\d+)").captures_iter(text) {
        if found.get(1).is_none() {
            digest.bonuses.extend(int(&found[2]));
        }
    }
    digest
}

fn damages(text: &str, digest: &mut Digest) {
    let pattern = re!(
        r"\b(\d+)(?: \((\d+d\d+(?: ?[+-] ?\d+)?)\))?(?: extra)? (?:([a-z]+)(?: or ([a-z]+))? damage\b)?"
    );
    for found in pattern.captures_iter(text) {
        let kind = found.get(3).map(|it| it.as_str());
        let kind = kind.filter(|it| word::<gss_rules::DamageType>(it).is_some());
        let other = found.get(4).map(|it| it.as_str().to_owned());
        let dice = found.get(2).map(|it| it.as_str().replace(' ', ""));
        match (dice, kind) {
            (Some(dice), Some(kind)) => {
                let average = found[1].parse().unwrap_or_default();
                digest.damage.push((average, dice.clone(), kind.to_owned()));
                digest.damage.extend(other.map(|other| (average, dice, other)));
            }
            (None, Some(kind)) => {
                let average = found[1].parse().unwrap_or_default();
                digest.damage.push((average, found[1].to_owned(), kind.to_owned()));
            }
            (Some(dice), None) => digest.dice.push(dice),
            (None, None) => {}
        }
    }
    let bare = re!(r"(\()?\b(\d+d\d+(?: [+-] \d+)?)(?: (?:extra )?([a-z]+) damage)?");
    for found in bare.captures_iter(text).filter(|it| it.get(1).is_none()) {
        let dice = found[2].replace(' ', "");
        let kind = found.get(3).map(|it| it.as_str());
        let kind = kind.filter(|it| word::<gss_rules::DamageType>(it).is_some());
        match (kind, formula(&dice).and_then(|it| it.average())) {
            (Some(kind), Some(average)) => digest.damage.push((average, dice, kind.to_owned())),
            _ => digest.dice.push(dice),
        }
    }
}

fn saves(text: &str, digest: &mut Digest) {
    let pattern = re!(
        r"(?:(strength|dexterity|constitution|intelligence|wisdom|charisma) saving throw: dc (\d+)|dc (\d+)(?: (strength|dexterity|constitution|intelligence|wisdom|charisma) (?:saving throw|save))?)"
    );
    for found in pattern.captures_iter(text) {
        let dc = found.get(2).or_else(|| found.get(3)).and_then(|it| it.as_str().parse().ok());
        let Some(dc) = dc else { continue };
        let name = found.get(1).or_else(|| found.get(4));
        match name.and_then(|it| ability(it.as_str())) {
            Some(it) => {
                let short = serde_json::to_value(it).ok();
                let short = short.as_ref().and_then(|it| it.as_str()).unwrap_or_default();
                digest.saves.push((short.to_owned(), dc));
            }
            None => digest.dcs.push(dc),
        }
    }
}

impl Digest {
    /// That the text has the structure's damage.
    pub(super) fn confirms(&self, structure: &[DamageDice]) -> Result<()> {
        for part in structure {
            let same = |it: &&(i64, String, String)| {
                it.1 == part.dice.as_str() && word(&it.2) == Some(part.kind)
            };
            if !self.damage.iter().any(|it| same(&it)) {
                bail!("{} {:?} is not in the text", part.dice.as_str(), part.kind);
            }
        }
        Ok(())
    }

    /// As the record of an entry that is not understood as a whole.
    pub(super) fn facts(&self) -> Option<Facts> {
        let damage = |(_, dice, kind): &(i64, String, String)| {
            Some(DamageDice { dice: formula(dice)?, kind: word(kind)? })
        };
        let save = |(name, dc): &(String, i32)| {
            Some(SaveSpec { ability: word(name)?, dc: *dc, half: false })
        };
        let facts = Facts {
            damage: self.damage.iter().filter_map(damage).collect(),
            dice: self.dice.iter().filter_map(|it| formula(it)).collect(),
            saves: self.saves.iter().filter_map(save).collect(),
            dcs: self.dcs.clone(),
            feet: self.feet.clone(),
            hit_points: self.hit_points.clone(),
            bonuses: self.bonuses.clone(),
        };
        (facts != Facts::default()).then_some(facts)
    }
}
