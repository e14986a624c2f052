//! Spells: what is printed above and in their descriptions, as far as it is numbers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Area, Expression, Key};
use crate::effect::Casting;
use crate::{Ability, DamageType};

/// A spell (SRD 5.1 "Spellcasting"; SRD 5.2.1 "Spells"). What it does is an effect program's to
/// say; its dice, save and area are here, so that they are checked against the source.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spell {
    /// Its key.
    pub id: Key,
    /// As it is printed.
    pub name: String,
    /// 0 is a cantrip.
    pub level: u8,
    /// School of magic.
    pub school: School,
    /// Classes that have it.
    pub classes: Vec<Key>,
    /// How long casting takes.
    pub casting_time: CastingTime,
    /// May be cast as a ritual.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ritual: bool,
    /// How far it reaches.
    pub range: SpellRange,
    /// What it needs.
    pub components: Vec<Component>,
    /// Costs printed for its material components, added up, in gold pieces; absent: none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub material_gp: Option<u32>,
    /// Some material with a cost is used up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub consumed: bool,
    /// How long it lasts.
    pub duration: SpellDuration,
    /// Whether the caster concentrates.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub concentration: bool,
    /// Area of effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<Area>,
    /// A spell attack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attack: Option<SpellAttack>,
    /// A save against it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub save: Option<SpellSave>,
    /// Damage of the first of its effects that has any, at its own level or a caster's first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damage: Vec<DamagePart>,
    /// Hit points regained, without the modifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healing: Option<Expression>,
    /// The spellcasting ability modifier is added to `healing`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub healing_modifier: bool,
    /// What `healing` becomes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healing_scaling: Option<Scaling>,
}

/// School of magic.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum School {
    Abjuration,
    Conjuration,
    Divination,
    Enchantment,
    Evocation,
    Illusion,
    Necromancy,
    Transmutation,
}

/// How long casting takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum CastingTime {
    /// An action.
    Action,
    /// A bonus action.
    BonusAction,
    /// A reaction, to what its program says.
    Reaction,
    /// Longer than a turn.
    Minutes {
        /// How long.
        minutes: u32,
    },
    /// An action, or longer for another effect.
    ActionOrMinutes {
        /// How long.
        minutes: u32,
    },
}

/// How far a spell reaches.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum SpellRange {
    /// The caster.
    #[serde(rename = "self")]
    Caster,
    /// What the caster touches.
    Touch,
    /// So far.
    Feet {
        /// How far.
        feet: u32,
    },
    /// As far as the caster sees.
    Sight,
    /// Anywhere.
    Unlimited,
    /// As its program says.
    Special,
}

/// What a spell needs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Component {
    Verbal,
    Somatic,
    Material,
}

/// How long a spell lasts, at most where the caster concentrates.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum SpellDuration {
    /// It is over at once.
    Instant,
    /// So many rounds.
    Rounds {
        /// How many.
        rounds: u32,
    },
    /// So long.
    Seconds {
        /// How long.
        seconds: u32,
    },
    /// Until it is dispelled.
    UntilDispelled,
    /// Until it is dispelled or goes off.
    UntilDispelledOrTriggered,
    /// As its program says.
    Special,
}

/// A spell attack.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum SpellAttack {
    Melee,
    Ranged,
}

/// A save against a spell; its DC is the caster's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpellSave {
    /// Of whoever saves.
    pub ability: Ability,
    /// Half damage on a success.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub half: bool,
}

/// Damage of a spell.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DamagePart {
    /// What is rolled.
    pub dice: Expression,
    /// What it is; several: one of them, as the spell says.
    pub types: Vec<DamageType>,
    /// What it becomes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaling: Option<Scaling>,
}

/// How dice grow.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Scaling {
    /// By these dice for each slot level above the spell's own.
    PerSlot(Expression),
    /// These dice in all, from the caster's level on.
    AtLevel(BTreeMap<u8, Expression>),
    /// These dice in all, by slot level.
    AtSlot(BTreeMap<u8, Expression>),
}

impl DamagePart {
    /// What is rolled by a casting from a slot of this level of a spell of that level, by a caster
    /// of some level.
    pub fn dice_of(&self, casting: &Casting) -> Expression {
        scaled(&self.dice, self.scaling.as_ref(), casting)
    }
}

/// Dice as they have grown: by slots above the spell's level, or in all from a level on.
pub(crate) fn scaled(
    dice: &Expression,
    scaling: Option<&Scaling>,
    casting: &Casting,
) -> Expression {
    let in_all = |levels: &BTreeMap<u8, Expression>, level: u8| {
        levels.range(..=level).next_back().map(|(_, dice)| dice.clone())
    };
    let grown = match scaling {
        Some(Scaling::PerSlot(more)) => {
            let above = usize::from(casting.slot.saturating_sub(casting.level));
            let text = format!("+{}", more.as_str()).repeat(above);
            Expression::parse(&format!("{}{text}", dice.as_str())).ok()
        }
        Some(Scaling::AtLevel(levels)) => in_all(levels, casting.caster_level),
        Some(Scaling::AtSlot(levels)) => in_all(levels, casting.slot),
        None => None,
    };
    grown.unwrap_or_else(|| dice.clone())
}

/// Dice with a number added.
pub(crate) fn plus(dice: &Expression, number: i32) -> Expression {
    let sum = Expression::parse(&format!("{}{number:+}", dice.as_str()));
    if number == 0 { dice.clone() } else { sum.unwrap_or_else(|_| dice.clone()) }
}
