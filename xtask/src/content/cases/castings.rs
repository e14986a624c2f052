//! How a casting is shown: at whom it is aimed and what comes of it.
//!
//! That is `rules/content/overlay/castings.json`. The numbers are the creature's: a save that comes
//! to its DC and one that is one less, an attack roll that comes to the Armor Class and one that
//! does not.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use gss_rules::content::{Casting, CastingTime, DamagePart, Scaling, Spell, Spellcasting};
use gss_rules::{Ability, Edition, Expression, Key};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::dice::Thrown;
use super::stage::{AT, HP, Subject};
use crate::cargo;

/// Where the castings are.
const CASTINGS: &str = "rules/content/overlay/castings.json";

/// Squares between the caster and whom it aims at, where the casting does not say.
const GAP: i32 = 2;

/// How the casting of a spell is shown.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shown {
    spells: Vec<Key>,
    /// Absent: both.
    edition: Option<Edition>,
    /// Absent: nothing is rolled against anything.
    roll: Option<Roll>,
    gap: Option<i32>,
    /// The other stands before the middle of the caster's edge.
    #[serde(default)]
    middle: bool,
    #[serde(default)]
    aim: Map<String, Value>,
    /// Members of the other.
    #[serde(default)]
    victim: Map<String, Value>,
    /// Absent: the record's.
    damage: Option<Vec<Expression>>,
    /// The spellcasting ability's modifier is added to the damage.
    #[serde(default)]
    modifier: bool,
    /// Half damage on a success or a miss; absent: as the record says.
    half: Option<bool>,
    /// Attacks; one more for each level above the spell's.
    rays: Option<u8>,
    /// After the attack everybody near saves or takes this.
    burst: Option<Burst>,
    /// What else is so of the other after a failed save or a hit.
    #[serde(default)]
    worse: Map<String, Value>,
    /// And after a success or a miss.
    #[serde(default)]
    better: Map<String, Value>,
    /// Dice that fall where nothing is rolled against anything.
    #[serde(default)]
    faces: Vec<String>,
    /// What is so of the caster then.
    #[serde(default)]
    caster: Map<String, Value>,
    /// And of the other.
    #[serde(default)]
    other: Map<String, Value>,
    /// On whom an effect stays that knows the numbers it was cast with.
    on: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Burst {
    dice: Expression,
    per_slot: Expression,
    ability: Ability,
}

/// What is rolled against a spell.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Roll {
    Save,
    Attack,
}

/// All that castings need.
pub(super) struct Book<'a> {
    edition: Edition,
    spells: BTreeMap<&'a Key, &'a Spell>,
    shown: Vec<Shown>,
}

/// The numbers of a casting.
struct Numbers {
    dc: i32,
    attack_bonus: i32,
    modifier: i32,
    /// Of the caster, by which cantrips grow.
    level: u8,
    slot: u8,
}

/// A casting that is set up: who is there, how it is aimed, what falls and what comes of it.
pub(super) struct Set {
    pub(super) victim: Value,
    pub(super) aim: Map<String, Value>,
    pub(super) faces: Vec<String>,
    /// Of the caster.
    pub(super) caster: Map<String, Value>,
    /// Of the other.
    pub(super) other: Map<String, Value>,
}

impl<'a> Book<'a> {
    pub(super) fn read(edition: &str, spells: &'a [Spell]) -> Result<Self> {
        let spells = spells.iter().map(|it| (&it.id, it)).collect();
        let text = std::fs::read_to_string(cargo::root().join(CASTINGS)).context(CASTINGS)?;
        let shown = serde_json::from_str(&text).context(CASTINGS)?;
        Ok(Self { edition: serde_json::from_value(json!(edition))?, spells, shown })
    }

    /// The record of a spell.
    pub(super) fn spell(&self, key: &Key) -> Option<&Spell> {
        self.spells.get(key).copied()
    }

    /// Whether it is known how a spell is shown.
    pub(super) fn shows(&self, key: &Key) -> bool {
        self.shown(key).is_some()
    }

    /// What is rolled against a spell that is shown.
    pub(super) fn roll(&self, key: &Key) -> Option<Roll> {
        self.shown(key)?.0.roll
    }

    fn shown(&self, spell: &Key) -> Option<(&Shown, &Spell)> {
        let fits = |it: &&Shown| {
            it.spells.contains(spell) && it.edition.is_none_or(|edition| edition == self.edition)
        };
        self.shown.iter().find(fits).zip(self.spell(spell))
    }

    /// The first spell of a creature's list that is shown and takes an action.
    pub(super) fn listed(&self, of: &Subject<'_>) -> Option<Casting> {
        let list = of.monster.block.spellcasting.as_ref()?;
        let action = |key: &&Key| {
            self.spell(key).is_some_and(|it| it.casting_time == CastingTime::Action)
                && self.shows(key)
        };
        let spell = list.spells.iter().find(action)?.clone();
        let detail = of.monster.details.get("spellcasting").cloned().unwrap_or_default();
        let level = detail.casts.iter().find(|it| it.spell == spell).and_then(|it| it.level);
        Some(Casting { spell, level })
    }

    /// A casting by an entry. None: it is not known how it is shown.
    pub(super) fn set(&self, of: &Subject<'_>, cast: &Casting, worse: bool) -> Option<Set> {
        let (shown, record) = self.shown(&cast.spell)?;
        let numbers = numbers(of, record, cast.level)?;
        shown.set(of, record, &numbers, worse)
    }
}

/// The numbers of an entry's casting: its own or the block's.
fn numbers(of: &Subject<'_>, record: &Spell, level: Option<u8>) -> Option<Numbers> {
    let (block, detail) = (&of.monster.block, of.detail());
    let slot = level.unwrap_or(record.level);
    if let Some(ability) = detail.cast_ability {
        let modifier = block.abilities.modifier(ability);
        let bonus = modifier + block.proficiency_bonus?;
        let dc = detail.cast_dc.unwrap_or(8 + bonus);
        return Some(Numbers { dc, attack_bonus: dc - 8, modifier, level: 1, slot });
    }
    let list = block.spellcasting.as_ref()?;
    let modifier = block.abilities.modifier(list.ability);
    let level = list.level.unwrap_or_else(|| least_level(list));
    Some(Numbers { dc: list.dc, attack_bonus: list.attack_bonus, modifier, level, slot })
}

/// The least level of a full caster that has such slots (SRD 5.1 "Wizard").
fn least_level(list: &Spellcasting) -> u8 {
    let Some((level, count)) = list.slots.iter().next_back() else { return 1 };
    match (level, count) {
        (1, count) => count.saturating_sub(1).clamp(1, 2),
        (2 | 3, count) => level * 2 - 1 + u8::from(*count > 2),
        (4, count) => 6 + count.min(&3),
        (5, count) => 8 + count.min(&2),
        (level, _) => level * 2 - 1,
    }
}

/// Dice of a record at a slot's level or a caster's.
fn grown(part: &DamagePart, record: &Spell, numbers: &Numbers) -> Expression {
    let in_all = |levels: &BTreeMap<u8, Expression>, level: u8| {
        levels.range(..=level).next_back().map(|(_, dice)| dice.clone())
    };
    let dice = match &part.scaling {
        Some(Scaling::PerSlot(more)) => {
            repeated(&part.dice, more, numbers.slot.saturating_sub(record.level))
        }
        Some(Scaling::AtSlot(levels)) => in_all(levels, numbers.slot),
        Some(Scaling::AtLevel(levels)) => in_all(levels, numbers.level),
        None => None,
    };
    dice.unwrap_or_else(|| part.dice.clone())
}

fn repeated(dice: &Expression, more: &Expression, times: u8) -> Option<Expression> {
    let more = format!("+{}", more.as_str()).repeat(usize::from(times));
    Expression::try_from(format!("{}{more}", dice.as_str())).ok()
}

impl Shown {
    fn set(&self, of: &Subject<'_>, record: &Spell, numbers: &Numbers, worse: bool) -> Option<Set> {
        let x = AT + of.side() + self.gap.unwrap_or(GAP);
        let y = AT + if self.middle { of.side() / 2 } else { 0 };
        let mut victim = json!({"at": [x, y], "block": {"hp": {"current": HP, "max": HP}}});
        merge(&mut victim, &Value::Object(self.victim.clone()));
        let words = BTreeMap::from([
            ("$there", json!([x, y])),
            ("$beside", json!([AT + of.side(), AT])),
            ("$across", json!([AT + of.side(), AT + of.side()])),
            ("$spell", json!(record.id)),
        ]);
        let fill = |members: &Map<String, Value>| filled(members, &words);
        let mut aim = fill(&self.aim);
        let mut set = Set {
            caster: fill(&self.caster),
            other: fill(&self.other),
            faces: self.faces.clone(),
            aim: Map::new(),
            victim,
        };
        if let Some(roll) = self.roll {
            let rays = self.rays.map(|rays| rays + numbers.slot.saturating_sub(record.level));
            if let Some(rays) = rays {
                aim.insert("targets".to_owned(), json!(vec!["b"; usize::from(rays)]));
            }
            let (faces, damage) = match roll {
                Roll::Save => self.saved(record, numbers, worse, &mut set.victim)?,
                Roll::Attack => self.attacked(record, numbers, worse, (&mut set.victim, rays))?,
            };
            set.faces = faces;
            set.other = fill(if worse { &self.worse } else { &self.better });
            if !set.other.contains_key("position") {
                set.other.insert("hp".to_owned(), json!(HP - damage));
            }
        }
        if let Some(on) = &self.on {
            let cast = json!({
                "dc": numbers.dc, "attack_bonus": numbers.attack_bonus, "slot": numbers.slot
            });
            let members = if on == "a" { &mut set.caster } else { &mut set.other };
            members.insert("castings".to_owned(), json!({record.id.as_str(): cast}));
        }
        set.aim = aim;
        Some(set)
    }

    fn dice(&self, record: &Spell, numbers: &Numbers) -> Vec<Expression> {
        match &self.damage {
            Some(damage) => damage.clone(),
            None => record.damage.iter().map(|part| grown(part, record, numbers)).collect(),
        }
    }

    /// Damage is thrown once, then the save is made: by an 11 where it comes to the DC.
    fn saved(
        &self,
        record: &Spell,
        numbers: &Numbers,
        worse: bool,
        victim: &mut Value,
    ) -> Option<(Vec<String>, i32)> {
        let save = record.save?;
        let half = self.half.unwrap_or(save.half);
        victim["block"]["saves"] = bonus(save.ability, numbers.dc - 11);
        let mut thrown = Thrown::default();
        let mut damage = 0;
        for dice in self.dice(record, numbers) {
            let rolled = thrown.throw(&dice)?;
            damage += match (worse, half) {
                (true, _) => rolled,
                (false, true) => rolled / 2,
                (false, false) => 0,
            };
        }
        thrown.face(20, if worse { 10 } else { 11 });
        Some((thrown.faces, damage))
    }

    /// An 11 comes to the Armor Class.
    fn attacked(
        &self,
        record: &Spell,
        numbers: &Numbers,
        worse: bool,
        (victim, rays): (&mut Value, Option<u8>),
    ) -> Option<(Vec<String>, i32)> {
        victim["block"]["ac"] = json!(numbers.attack_bonus + 11);
        let half = self.half.unwrap_or(false);
        let mut thrown = Thrown::default();
        let mut damage = 0;
        for _ in 0..rays.unwrap_or(1) {
            thrown.face(20, if worse { 11 } else { 10 });
            if !worse && !half {
                continue;
            }
            let added = if self.modifier { numbers.modifier } else { 0 };
            for dice in self.dice(record, numbers) {
                let rolled = thrown.throw(&dice)? + added;
                damage += if worse { rolled } else { rolled / 2 };
            }
        }
        if let Some(burst) = &self.burst {
            let above = numbers.slot.saturating_sub(record.level);
            let rolled = thrown.throw(&repeated(&burst.dice, &burst.per_slot, above)?)?;
            victim["block"]["saves"] = bonus(burst.ability, numbers.dc - 11);
            thrown.face(20, if worse { 10 } else { 11 });
            damage += if worse { rolled } else { 0 };
        }
        Some((thrown.faces, damage))
    }
}

/// A save bonus.
fn bonus(ability: Ability, bonus: i32) -> Value {
    let name = json!(ability);
    json!({name.as_str().unwrap_or_default(): bonus})
}

fn filled(members: &Map<String, Value>, words: &BTreeMap<&str, Value>) -> Map<String, Value> {
    fn fill(value: &Value, words: &BTreeMap<&str, Value>) -> Value {
        match value {
            Value::String(word) => words.get(word.as_str()).unwrap_or(value).clone(),
            Value::Array(all) => all.iter().map(|it| fill(it, words)).collect(),
            Value::Object(members) => Value::Object(
                members.iter().map(|(key, it)| (key.clone(), fill(it, words))).collect(),
            ),
            plain => plain.clone(),
        }
    }
    members.iter().map(|(key, it)| (key.clone(), fill(it, words))).collect()
}

/// Sets members; of a member that is an object on both sides, those stated.
pub(super) fn merge(value: &mut Value, changes: &Value) {
    let Value::Object(changes) = changes else { return };
    for (name, change) in changes {
        match &mut value[name] {
            old @ Value::Object(_) if change.is_object() => merge(old, change),
            old => *old = change.clone(),
        }
    }
}
