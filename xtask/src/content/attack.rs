//! Attacks from their printed text, held against the source's structure.

use anyhow::{Context, Result, bail};
use gss_rules::Condition;
use gss_rules::content::{
    Attack, AttackKind, Detail, EntryClass, Favored, RangeFt, Requirement, Rider, Variant, When,
};
use gss_rules::effect::{DamageDice, SaveSpec};
use regex::Captures;

use super::outcome::Outcome;
use super::raw::RawEntry;
use super::text::{Reader, formula, re, word};

/// Whether the entry is an attack.
pub(super) fn is_attack(entry: &RawEntry) -> bool {
    re!(r"(?:attack|attack roll): \+\d").is_match(&entry.lower)
}

/// Reads an attack: its numbers always, what follows a hit if all of it is understood.
pub(super) fn attack(entry: &RawEntry) -> Result<(Attack, Detail, EntryClass)> {
    let mut reader = Reader::new(&entry.lower);
    let (mut attack, targets, favored) = head(entry, &mut reader)?;
    if entry.bonus.is_some_and(|bonus| bonus != attack.bonus) {
        bail!("bonus {} in the text, {:?} in the structure", attack.bonus, entry.bonus);
    }
    attack.damage = reader.damages();
    let mut detail = Detail { forms: entry.forms.clone(), favored, ..Detail::default() };
    detail.targets = targets.clone().filter(|it| *it != Requirement::default());
    choice(&mut reader, &mut attack, &mut detail);
    variants(&mut reader, &mut attack, &mut detail);
    let plain = detail.clone();
    let mut rider = Rider::default();
    let understood = follow(&mut reader, &mut rider, &mut detail);
    let class = match (targets, understood && reader.is_done()) {
        (Some(_), true) if rider == Rider::default() => EntryClass::Attack,
        (Some(_), true) => {
            attack.on_hit = Some(Box::new(rider));
            EntryClass::AttackRider
        }
        _ => {
            detail = plain;
            EntryClass::AttackPart
        }
    };
    Ok((attack, detail, class))
}

/// An attack, whom it is for where that is understood, and when its rolls have advantage.
type Head = (Attack, Option<Requirement>, Option<Favored>);

fn head(entry: &RawEntry, reader: &mut Reader<'_>) -> Result<Head> {
    let old = re!(
        r"^(melee|ranged|melee or ranged) (weapon|spell) attack: \+(\d+) to hit(?: \([^)]*\))?, (?:reach (\d+) feet)?(?:,? or )?(?:range (\d+)(?:/(\d+))? feet)?,? ([^.]*?)\. hit: "
    );
    let new = re!(
        r"^(melee|ranged|melee or ranged) (attack) roll: \+(\d+)( \([^)]*\))?, (?:reach (\d+) feet)?(?: or )?(?:range (\d+)(?:/(\d+))? feet)?\. hit: "
    );
    let number = |found: &Captures<'_>, group: usize| -> Option<i32> {
        found.get(group).and_then(|it| it.as_str().parse().ok())
    };
    let mut favored = None;
    let (found, first, targets) = if let Some(found) = reader.take(old) {
        let targets = requirement_of_targets(&found[7]);
        (found, 4, targets)
    } else {
        let found = reader.take(new).context("no attack's head")?;
        favored = found.get(4).and_then(|it| favor(it.as_str()));
        let understood = found.get(4).is_none() || favored.is_some();
        let plain = understood.then(Requirement::default);
        (found, 5, plain)
    };
    let (reach_ft, normal) = (number(&found, first), number(&found, first + 1));
    let kind = match &found[1] {
        "melee" => AttackKind::Melee,
        "ranged" => AttackKind::Ranged,
        _ => AttackKind::MeleeOrRanged,
    };
    let long = number(&found, first + 2);
    let attack = Attack {
        attack_id: entry.id.clone(),
        name: entry.name.clone(),
        kind,
        spell: &found[2] == "spell",
        bonus: number(&found, 3).context("bonus")?,
        reach_ft,
        range_ft: normal.map(|normal| RangeFt { normal, long }),
        damage: Vec::new(),
        two_handed_damage: Vec::new(),
        properties: Vec::new(),
        mastery: None,
        on_hit: None,
    };
    let fits = match kind {
        AttackKind::Melee => reach_ft.is_some() && normal.is_none(),
        AttackKind::Ranged => reach_ft.is_none() && normal.is_some(),
        AttackKind::MeleeOrRanged => reach_ft.is_some() && normal.is_some(),
    };
    if fits { Ok((attack, targets, favored)) } else { bail!("reach and range do not fit {kind:?}") }
}

/// What gives the rolls of an attack advantage.
fn favor(text: &str) -> Option<Favored> {
    match text.trim() {
        "(with advantage if the target doesn't have all its hit points)" => {
            Some(Favored::TargetWounded)
        }
        "(with advantage if the target is grappled by @)" => Some(Favored::TargetGrappled),
        "(with advantage during the first round of each combat)" => Some(Favored::FirstRound),
        _ => None,
    }
}

/// `one target`, `one prone creature` … None: not understood.
fn requirement_of_targets(text: &str) -> Option<Requirement> {
    let any = Requirement::default();
    Some(match text {
        "one target" | "one creature" => any,
        "one prone creature" => Requirement { condition: Some(Condition::Prone), ..any },
        "one target in @'s space" | "one creature in @'s space" => {
            Requirement { in_space: true, ..any }
        }
        _ => {
            let size = re!(r"^one ([a-z]+) or smaller creature$").captures(text)?;
            Requirement { max_size: Some(word(&size[1])?), ..any }
        }
    })
}

/// `plus 3 (1d6) lightning or thunder damage (djinni's choice)`.
fn choice(reader: &mut Reader<'_>, attack: &mut Attack, detail: &mut Detail) {
    let mut ahead = reader.clone();
    let found = ahead.take(re!(
        r"^ plus \d+ \((\d+d\d+(?: [+-] \d+)?)\) ([a-z]+) or ([a-z]+) damage \([a-z]+'s choice\)"
    ));
    let Some(found) = found else { return };
    let part = |kind: &str| {
        let dice = formula(&found[1])?;
        Some(DamageDice { dice, kind: word(kind)? })
    };
    let (Some(first), Some(second)) = (part(&found[2]), part(&found[3])) else { return };
    let damage = attack.damage.iter().cloned().chain([second]).collect();
    let variant = Variant { when: When::Chosen, charge_ft: None, extra: false, damage };
    attack.damage.push(first);
    detail.variants.push(variant);
    *reader = ahead;
}

/// Other damage at times: two hands, half of the hit points, a charge …
fn variants(reader: &mut Reader<'_>, attack: &mut Attack, detail: &mut Detail) {
    let mut ahead = reader.clone();
    let Some(found) = ahead.take(re!(r"^(?:(?:,|--)? ?or |, plus )")) else { return };
    let extra = found[0].contains("plus");
    let mut damage = ahead.damages();
    let Some((when, charge_ft)) = when(&mut ahead) else { return };
    if damage.is_empty() {
        return;
    }
    ahead.take(re!(r"^--"));
    // Damage that follows belongs to both.
    let mut after = ahead.clone();
    let mut both: Vec<DamageDice> = Vec::new();
    if after.take(re!(r"^,? ?plus ")).is_some() {
        both = after.damages();
        if !both.is_empty() {
            ahead = after;
        }
    }
    attack.damage.extend(both.clone());
    damage.extend(both);
    match when {
        None => attack.two_handed_damage = damage,
        Some(when) => detail.variants.push(Variant { when, charge_ft, extra, damage }),
    }
    *reader = ahead;
}

/// None in it: with two hands.
fn when(reader: &mut Reader<'_>) -> Option<(Option<When>, Option<i32>)> {
    let two_hands = re!(r"^ if used with two hands(?: to make a melee attack)?");
    if reader.take(two_hands).is_some() {
        return Some((None, None));
    }
    let charge =
        re!(r"^ if @ moved (\d+)\+ feet straight toward the target immediately before the hit");
    if let Some(found) = reader.take(charge) {
        return Some((Some(When::Charge), Some(found[1].parse().ok()?)));
    }
    let when = if reader
        .take(re!(r"^ if @ (?:has half of its hit points or fewer|is bloodied)"))
        .is_some()
    {
        When::Bloodied
    } else if reader.take(re!(r"^ if the target is bloodied")).is_some() {
        When::TargetBloodied
    } else if reader.take(re!(r"^ if the target is grappled by @")).is_some() {
        When::TargetGrappled
    } else if reader
        .take(re!(r"^ if (?:the attack roll had advantage|@ had advantage on the attack roll)"))
        .is_some()
    {
        When::Advantage
    } else if reader.take(re!(r"^ while enlarged")).is_some() {
        When::Enlarged
    } else if reader.take(re!(r"^ in small or medium form")).is_some() {
        When::SmallForm
    } else if reader.take(re!(r"^ with shillelagh")).is_some() {
        When::Shillelagh
    } else {
        reader.take(re!(r"^ at range"))?;
        When::AtRange
    };
    Some((Some(when), None))
}

/// What follows a hit. False: some of it is not understood.
fn follow(reader: &mut Reader<'_>, rider: &mut Rider, detail: &mut Detail) -> bool {
    let mut always = Outcome { detail: detail.clone(), ..Outcome::default() };
    let mut first = true;
    // What is thrown is never out of a creature's hand.
    let returns = re!(r"\.? ?hit or miss: the [a-z]+ magically returns to @'s hand[a-z0-9@ ]*\.?$");
    if let Some(found) = returns.find(reader.rest) {
        *reader = Reader::new(&reader.rest[..found.start()]);
    }
    while !reader.is_done() {
        let joined = reader.take(re!(r"^(?:, and |\. | and |, )")).is_some();
        if !first && !joined {
            return false;
        }
        first = false;
        if let Some(found) = reader.take(re!(r"^if (?:the )?target is ([^,]+), ")) {
            let fresh =
                always.effect().is_none() && always.damage.is_empty() && rider.save.is_none();
            let Some(requirement) = requirement(&found[1]) else { return false };
            if !fresh {
                return false;
            }
            always.detail.rider = Some(requirement).filter(|it| *it != Requirement::default());
        }
        if rider.save.is_none()
            && let Some((save, fail)) = saving_throw(reader, &mut always.detail)
        {
            rider.save = Some(save);
            rider.fail = fail.effect();
            rider.damage = fail.damage;
            continue;
        }
        if rider.save.is_some() || !always.clauses(reader) {
            return false;
        }
    }
    let mut spec = always.spec.clone();
    spec.damage.extend(always.damage);
    rider.always = (spec != Default::default()).then_some(spec);
    *detail = always.detail;
    true
}

/// Whom the rest of the sentence is about.
fn requirement(text: &str) -> Option<Requirement> {
    let mut reader = Reader::new(text);
    let mut it = Requirement::default();
    let size = re!(r"^(?:an? )?(tiny|small|medium|large|huge|gargantuan) or smaller(?: creature)?");
    if let Some(found) = reader.take(size) {
        it.max_size = word(&found[1]);
    } else if reader.take(re!(r"^a non-undead creature")).is_some() {
        it.not_types = vec![word("undead")?];
    } else if let Some(found) = reader.take(re!(
        r"^a creature (?:other than|that isn't) ((?:an? )?[a-z]+(?: or (?:an? )?[a-z]+)?)$"
    )) {
        for name in found[1].split(" or ") {
            let name = name.trim_start_matches("an ").trim_start_matches("a ");
            match word(name) {
                Some(kind) => it.not_types.push(kind),
                None => it.not_tags.push(name.to_owned().try_into().ok()?),
            }
        }
    } else if reader.take(re!(r"^a creature")).is_none() {
        let found = reader.take(re!(r"^an? ([a-z]+)"))?;
        it.types = vec![word(&found[1])?];
    }
    let charge = re!(
        r"^ and (?:@|the [a-z]+) moved (\d+)\+ feet straight toward it immediately before the hit"
    );
    if let Some(found) = reader.take(charge) {
        it.charge_ft = found[1].parse().ok();
    }
    reader.rest.is_empty().then_some(it)
}

/// A save and what a failure brings, in either edition's words.
pub(super) fn saving_throw(
    reader: &mut Reader<'_>,
    detail: &mut Detail,
) -> Option<(SaveSpec, Outcome)> {
    let mut ahead = reader.clone();
    let mut fail = Outcome::default();
    let old = re!(
        r"^(?:(?:the target|it|the creature) )?must (?:succeed on|make)(?: on)? a dc (\d+) ([a-z]+) saving throw( against this magic)?"
    );
    let new = re!(
        r"^(?:it|the target) is subjected to the following effect\. ([a-z]+) saving throw: dc (\d+)\. failure: "
    );
    let save = if let Some(found) = ahead.take(old) {
        let mut save =
            SaveSpec { ability: ability(&found[2])?, dc: found[1].parse().ok()?, half: false };
        if ahead.take(re!(r"^, taking ")).is_some() {
            fail.damage = ahead.damages();
            ahead.take(re!(r"^ on a failed save, or half as much damage on a successful one"))?;
            save.half = true;
        } else {
            ahead.take(re!(r"^(?: or |\. on a failed save, )"))?;
            if !fail.clauses(&mut ahead) {
                return None;
            }
        }
        save
    } else {
        let found = ahead.take(new)?;
        let save =
            SaveSpec { ability: ability(&found[1])?, dc: found[2].parse().ok()?, half: false };
        if !fail.clauses(&mut ahead) {
            return None;
        }
        save
    };
    // Sentences about the save that follow it.
    let mut after = ahead.clone();
    if after.take(re!(r"^\. ")).is_some() && fail.clauses(&mut after) {
        ahead = after;
    }
    detail.magical |= reader.rest.contains("against this magic");
    merge(detail, &fail.detail);
    *reader = ahead;
    Some((save, fail))
}

/// Adds what clauses said beside the outcome.
pub(super) fn merge(detail: &mut Detail, other: &Detail) {
    detail.escape_dc = detail.escape_dc.or(other.escape_dc);
    detail.grapples = detail.grapples.or(other.grapples);
    detail.while_grappled.extend(other.while_grappled.iter().copied());
    detail.only_on_grappled |= other.only_on_grappled;
    detail.immune_seconds = detail.immune_seconds.or(other.immune_seconds);
    detail.moves_percent = detail.moves_percent.or(other.moves_percent);
    detail.flies |= other.flies;
    detail.once_per_round |= other.once_per_round;
    detail.hits_held |= other.hits_held;
    detail.favored = detail.favored.or(other.favored);
}

/// An ability by its full name.
pub(super) fn ability(name: &str) -> Option<gss_rules::Ability> {
    gss_rules::Ability::ALL.into_iter().find(|it| it.name() == name)
}
