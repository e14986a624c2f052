//! What cases have in common: the creature, somebody it does something to, and what comes of it.

use gss_rules::content::{Detail, Entry, Monster, OutcomeSpec, Requirement};
use gss_rules::effect::SaveSpec;
use gss_rules::{Condition, DamageType, Key};
use serde_json::{Map, Value, json};

use super::dice::Thrown;

/// Where the creature stands.
pub(super) const AT: i32 = 10;
/// The victim's hit points.
pub(super) const HP: i32 = 1000;

/// Traits that have a say in each attack of a creature or on it.
const EVERYWHERE: [&str; 6] = [
    "assassinate",
    "aura-of-authority",
    "blurred-form",
    "false-appearance",
    "invisibility",
    "transparent",
];

/// An entry that is to be proved.
pub(super) struct Subject<'a> {
    pub(super) edition: &'a str,
    pub(super) monster: &'a Monster,
    pub(super) entry: &'a Entry,
}

/// What happened to the victim.
#[derive(Clone, Default)]
pub(super) struct Fate {
    pub(super) damage: i32,
    pub(super) conditions: Vec<Condition>,
    pub(super) effects: Vec<String>,
    /// Squares away from the creature.
    pub(super) slid: i32,
    /// Damage of a hit by its parts.
    pub(super) taken: Vec<(DamageType, i32)>,
    /// The maximum of hit points is less by so much.
    pub(super) sapped: i32,
    /// Hit points of the attacker, who had 1.
    pub(super) attacker_hp: Option<i32>,
    /// Of its life, where that is not as before.
    pub(super) life: Option<&'static str>,
    /// A score of its is less.
    pub(super) weakened: bool,
}

impl Subject<'_> {
    /// Squares along an edge of the creature.
    pub(super) fn side(&self) -> i32 {
        self.monster.block.size.squares()
    }

    pub(super) fn detail(&self) -> Detail {
        self.monster.details.get(&self.entry.id).cloned().unwrap_or_default()
    }

    /// A case. `what` tells it from the others of the entry.
    pub(super) fn case(&self, what: &str, mut who: Value, steps: Vec<Value>, then: Value) -> Value {
        let (monster, entry) = (&self.monster.id, &self.entry.id);
        self.set_aside(&mut who);
        let mut case = json!({
            "id": format!("{monster}/{entry}/{what}"),
            "edition": self.edition,
            "proves": {"entry": [monster, entry]},
            "who": who,
            "do": steps,
            "then": then,
        });
        if let Some(width) = self.width(&case["who"]) {
            case["grid"] = json!([width, 30]);
        }
        case
    }

    /// What traits add to everything that a creature does is left out of cases that are not theirs.
    fn set_aside(&self, who: &mut Value) {
        let traits = &self.monster.block.traits;
        let own = |it: &&Key| **it == self.entry.id || !EVERYWHERE.contains(&it.as_str());
        let left: Vec<&Key> = traits.iter().filter(own).collect();
        if left.len() < traits.len() {
            who["a"]["block"]["traits"] = json!(left);
        }
    }

    /// Columns, where thirty are too few.
    fn width(&self, who: &Value) -> Option<i64> {
        let who = who.as_object()?;
        let most = who.values().filter_map(|it| it["at"][0].as_i64()).max()? + 4;
        (most > 30).then_some(most)
    }

    /// The creature.
    pub(super) fn beast(&self) -> Value {
        json!({"monster": self.monster.id, "at": [AT, AT]})
    }

    /// Somebody so many squares beside the creature who is what a target must be. It is large where
    /// only so its middle is in line with the creature's.
    pub(super) fn victim(&self, gap: i32, wanted: &Requirement, slides: bool) -> Value {
        let side = self.side();
        let fits = |size: &str| {
            let size: gss_rules::Size = serde_json::from_value(json!(size)).ok()?;
            wanted.max_size.is_none_or(|most| size <= most).then_some(size)
        };
        let even = slides && side % 2 == 0;
        let size = if even { fits("large") } else { fits("medium") }.or(wanted.max_size);
        let broad = size.map_or(1, gss_rules::Size::squares);
        let mut block = Map::from_iter([
            ("size".to_owned(), json!(size)),
            ("hp".to_owned(), json!({"current": HP, "max": HP})),
        ]);
        if let Some(kind) = wanted.types.first() {
            block.insert("creature_type".to_owned(), json!(kind));
        } else if !wanted.not_types.is_empty() {
            block.insert("creature_type".to_owned(), json!("humanoid"));
        }
        let mut conditions: Vec<Condition> = wanted.condition.into_iter().collect();
        conditions.sort_unstable();
        let (x, y) = if wanted.in_space {
            (AT, AT)
        } else {
            (AT + side + gap, AT + if slides { (side - broad) / 2 } else { 0 })
        };
        json!({"block": block, "at": [x, y], "conditions": conditions})
    }

    /// A grapple of the creature on the victim, from before.
    pub(super) fn held(&self) -> Value {
        let effect = json!({
            "name": "held", "duration": {"kind": "permanent"}, "conditions": ["grappled"]
        });
        json!({"apply_effect": {"effect": effect, "source": "a", "targets": ["b"]}})
    }
}

impl Fate {
    /// What an outcome brings: its damage is thrown.
    pub(super) fn befall(
        &mut self,
        thrown: &mut Thrown,
        outcome: &OutcomeSpec,
        detail: &Detail,
    ) -> Option<()> {
        self.damage += thrown.damage(&outcome.damage)?;
        self.conditions.extend(&outcome.conditions);
        if outcome.conditions.contains(&Condition::Grappled) {
            self.conditions.extend(&detail.while_grappled);
        }
        if let Some(effect) = &outcome.effect {
            self.effects.push(effect.name.clone());
            self.conditions.extend(&effect.conditions);
        }
        if self.conditions.contains(&Condition::Unconscious)
            && !self.conditions.contains(&Condition::Prone)
        {
            self.conditions.push(Condition::Prone);
        }
        if let Some(sap) = &outcome.saps {
            let meant = |kind: &DamageType| sap.types.is_empty() || sap.types.contains(kind);
            let all = self.taken.iter().filter(|(kind, _)| meant(kind));
            self.sapped += all.map(|(_, amount)| amount).sum::<i32>();
            self.attacker_hp = sap.heals.then_some(1 + self.sapped);
        }
        if let Some(weakens) = &outcome.weakens {
            thrown.throw(&weakens.dice)?;
            self.weakened = true;
        }
        if outcome.stable {
            // The hours until it comes to itself.
            thrown.face(4, 2);
            self.life = Some("stable");
        }
        if outcome.dies {
            self.life = Some("dead");
        }
        self.slid += (outcome.push_ft.unwrap_or(0) - outcome.pull_ft.unwrap_or(0)) / 5;
        Some(())
    }

    /// Who has a score of 1 and loses one dies of it.
    pub(super) fn falls(&mut self, weak: bool) {
        if weak && self.weakened {
            self.life = Some("dead");
        }
    }

    /// The victim's state; `victim` is how it began.
    pub(super) fn then(&self, victim: &Value) -> Value {
        if self.life == Some("dead") {
            return json!({"hp": 0, "life": "dead"});
        }
        let hp = victim["hp"].as_i64().unwrap_or_else(|| i64::from(HP));
        let mut then = json!({"hp": hp - i64::from(self.damage)});
        let before = victim["conditions"].as_array().into_iter().flatten().cloned();
        let mut all: Vec<Value> = self.conditions.iter().map(|it| json!(it)).collect();
        all.extend(before);
        all.sort_by_key(Value::to_string);
        all.dedup();
        then["conditions"] = Value::Array(all);
        if self.sapped > 0 {
            then["max_hp"] = json!(HP - self.sapped);
        }
        if let Some(life) = self.life {
            then["life"] = json!(life);
        }
        if !self.effects.is_empty() {
            then["effects"] = json!(self.effects);
        }
        if let (true, Some(x), Some(y)) =
            (self.slid != 0, victim["at"][0].as_i64(), victim["at"][1].as_i64())
        {
            then["position"] = json!([x + i64::from(self.slid), y]);
        }
        then
    }
}

/// The victim's bonus against a save, so that an 11 makes it and a 10 does not.
pub(super) fn save_bonus(victim: &mut Value, save: SaveSpec) {
    let name = json!(save.ability);
    victim["block"]["saves"] = json!({name.as_str().unwrap_or_default(): save.dc - 11});
}
