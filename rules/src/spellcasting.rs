//! Arithmetic of spellcasting: slots by class and level, DC, attack bonus, cantrips (SRD 5.1 and
//! 5.2.1 "Spellcasting" of the classes, "Multiclassing", "Saving Throws", "Attack Rolls").

use serde::{Deserialize, Serialize};

use crate::rule_set::Edition;

/// Slots of a caster by level of the slot, first level first.
pub type Slots = [u8; 9];

/// Highest level of a character.
pub const MAX_LEVEL: u8 = 20;

/// How fast a class gains spell slots.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progression {
    /// Bard, cleric, druid, sorcerer, wizard.
    Full,
    /// Paladin, ranger.
    Half,
    /// Subclasses of classes that do not cast otherwise.
    Third,
    /// Warlock: few slots, all of the highest level it has.
    Pact,
}

impl Progression {
    /// Of a class by its key; none: it has no slots of its own.
    pub fn of(class: &str) -> Option<Self> {
        match class {
            "bard" | "cleric" | "druid" | "sorcerer" | "wizard" => Some(Self::Full),
            "paladin" | "ranger" => Some(Self::Half),
            "warlock" => Some(Self::Pact),
            _ => None,
        }
    }

    /// Slots of a character of one casting class. Levels beyond [`MAX_LEVEL`] give no more.
    pub fn slots(self, level: u8, rule: Edition) -> Slots {
        let level = level.min(MAX_LEVEL);
        match self {
            Self::Full => of_caster(level),
            // SRD 5.1 gives half casters nothing at first level, SRD 5.2.1 does.
            Self::Half if rule == Edition::E51 && level < 2 => [0; 9],
            Self::Half => of_caster(level.div_ceil(2)),
            Self::Third if level < 3 => [0; 9],
            Self::Third => of_caster(level.div_ceil(3)),
            Self::Pact => pact(level),
        }
    }
}

/// Slots of a character of several casting classes, without those of pact magic, which are apart:
/// levels are added up, of half casters half, rounded down in SRD 5.1 and up in SRD 5.2.1, of third
/// casters a third, rounded down.
pub fn multiclass_slots(classes: &[(Progression, u8)], rule: Edition) -> Slots {
    let level = classes.iter().map(|(progression, level)| match progression {
        Progression::Full => *level,
        Progression::Half if rule == Edition::E51 => level / 2,
        Progression::Half => level.div_ceil(2),
        Progression::Third => level / 3,
        Progression::Pact => 0,
    });
    of_caster(level.fold(0, u8::saturating_add).min(MAX_LEVEL))
}

/// The table of full casters: a level of slots every second level; how many depends on how long it
/// has been there.
fn of_caster(level: u8) -> Slots {
    let mut slots = [0; 9];
    for (slot_level, slots) in (1_u8..).zip(&mut slots) {
        let Some(since) = level.checked_sub(2 * slot_level - 1) else { break };
        *slots = match slot_level {
            1 => 2 + since.min(2),
            2 => 2 + since.min(1),
            3 => 2 + since.min(1),
            4 => 1 + since.min(2),
            5 => 1 + u8::from(since >= 1) + u8::from(level >= 18),
            6 => 1 + u8::from(level >= 19),
            7 => 1 + u8::from(level >= 20),
            _ => 1,
        };
    }
    slots
}

fn pact(level: u8) -> Slots {
    let mut slots = [0; 9];
    let count = match level {
        0 => return slots,
        1 => 1,
        2..=10 => 2,
        11..=16 => 3,
        _ => 4,
    };
    let slot_level = usize::from(level.div_ceil(2).min(5));
    if let Some(slots) = slots.get_mut(slot_level - 1) {
        *slots = count;
    }
    slots
}

/// Proficiency bonus of a character's level: 2 to 6.
pub fn proficiency_bonus(level: u8) -> i32 {
    2 + i32::from(level.clamp(1, MAX_LEVEL) - 1) / 4
}

/// What those that a spell targets save against.
pub const fn save_dc(ability_modifier: i32, proficiency_bonus: i32) -> i32 {
    8 + ability_modifier + proficiency_bonus
}

/// What a spell attack adds to its d20.
pub const fn attack_bonus(ability_modifier: i32, proficiency_bonus: i32) -> i32 {
    ability_modifier + proficiency_bonus
}

/// How many times a cantrip rolls its dice: once, and once more from levels 5, 11 and 17 on.
pub fn cantrip_dice(level: u8) -> u32 {
    [5, 11, 17].into_iter().filter(|from| level >= *from).fold(1, |dice, _| dice + 1)
}
