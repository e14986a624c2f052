//! Hit points, and what happens at none of them.
//!
//! Pure: values in, values out. Hit points stay between 0 and their maximum; temporary ones are
//! spent first (SRD 5.1 "Damage and Healing"; SRD 5.2.1 "Damage and Healing").

use serde::{Deserialize, Serialize};

/// Hit points.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HitPoints {
    /// 0 to `max`.
    pub current: i32,
    /// 0 or more.
    pub max: i32,
    /// Spent before the others, never healed; 0 or more.
    pub temp: i32,
}

/// Between life and death.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Life {
    /// With hit points, or not one of those who die by saves.
    #[default]
    Alive,
    /// At 0 hit points, making death saves.
    Dying {
        /// Of three.
        successes: u8,
        /// Of three.
        failures: u8,
    },
    /// At 0 hit points, out of danger.
    Stable,
    /// Beyond healing.
    Dead,
}

/// What becomes of a creature that has no hit points left.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AtZero {
    /// Falls unconscious and makes death saves, as characters do.
    Saves,
    /// Dies, as monsters do.
    Dies,
}

impl AtZero {
    /// What it is then.
    pub const fn life(self) -> Life {
        match self {
            Self::Saves => Life::Dying { successes: 0, failures: 0 },
            Self::Dies => Life::Dead,
        }
    }
}

/// What an instance of damage did: all types of one source together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Harm {
    /// Hit points after it.
    pub hp: HitPoints,
    /// Taken from temporary hit points.
    pub temp_absorbed: i32,
    /// What was left when it had no hit points.
    pub overkill: i32,
    /// Its life after it.
    pub life: Life,
    /// Whether it came down to 0 hit points by it.
    pub dropped: bool,
    /// Whether what was left came up to its maximum: death at once for who else would make saves.
    pub massive: bool,
}

/// How a death save ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeathSave {
    /// 10 or more.
    Success,
    /// Below 10.
    Failure,
    /// A 1: two failures.
    TwoFailures,
    /// A 20: one hit point.
    Recovery,
}

/// Applies damage.
///
/// `damage` is what came through the defenses, 0 or more; at 0 hit points a critical hit is two
/// failures.
pub fn damage(hp: HitPoints, life: Life, at_zero: AtZero, damage: i32, critical: bool) -> Harm {
    let temp_absorbed = damage.min(hp.temp);
    let through = damage - temp_absorbed;
    let lost = through.min(hp.current);
    let overkill = through - lost;
    let hp = HitPoints { current: hp.current - lost, temp: hp.temp - temp_absorbed, ..hp };
    let dropped = lost > 0 && hp.current == 0;
    let before = life;
    let life = match (life, at_zero) {
        (Life::Dead, _) => Life::Dead,
        (Life::Alive, _) if hp.current > 0 => Life::Alive,
        (Life::Alive, AtZero::Dies) if dropped => Life::Dead,
        (Life::Alive, AtZero::Saves) if dropped && overkill >= hp.max => Life::Dead,
        (Life::Alive, AtZero::Saves) if dropped => Life::Dying { successes: 0, failures: 0 },
        (life, _) if through == 0 => life,
        (_, AtZero::Dies) => Life::Dead,
        (_, AtZero::Saves) if through >= hp.max => Life::Dead,
        (life, AtZero::Saves) => hurt(life, if critical { 2 } else { 1 }),
    };
    let saves = at_zero == AtZero::Saves;
    let massive = saves && life == Life::Dead && before != Life::Dead && overkill >= hp.max;
    Harm { hp, temp_absorbed, overkill, life, dropped, massive }
}

/// Failures at 0 hit points; a stable creature is stable no more.
fn hurt(life: Life, by: u8) -> Life {
    let (successes, failures) = match life {
        Life::Dying { successes, failures } => (successes, failures),
        Life::Alive | Life::Stable | Life::Dead => (0, 0),
    };
    match failures + by {
        3.. => Life::Dead,
        failures => Life::Dying { successes, failures },
    }
}

/// Which temporary hit points a creature may have after it was given `gained`: those it has or the
/// new ones, as it chooses, never both (SRD 5.1 and SRD 5.2.1 "Temporary Hit Points"). The first is
/// what it keeps, the second what it gets; one where there is nothing to choose.
pub fn temp_hp_options(hp: HitPoints, gained: i32) -> Vec<i32> {
    match (hp.temp, gained.max(0)) {
        (kept, 0) => vec![kept],
        (0, gained) => vec![gained],
        (kept, gained) if kept == gained => vec![kept],
        (kept, gained) => vec![kept, gained],
    }
}

/// Heals; the dead stay dead. Any healing wakes who was at 0 hit points.
pub fn heal(hp: HitPoints, life: Life, healing: i32) -> (HitPoints, Life) {
    if life == Life::Dead || healing <= 0 {
        return (hp, life);
    }
    let current = hp.current.saturating_add(healing).min(hp.max);
    let life = if current > 0 { Life::Alive } else { life };
    (HitPoints { current, ..hp }, life)
}

/// A death save with this total and natural face.
pub fn death_save(natural: u32, total: i64) -> DeathSave {
    match natural {
        1 => DeathSave::TwoFailures,
        20 => DeathSave::Recovery,
        _ if total >= 10 => DeathSave::Success,
        _ => DeathSave::Failure,
    }
}

/// What a death save makes of a dying creature.
pub fn after_death_save(hp: HitPoints, life: Life, save: DeathSave) -> (HitPoints, Life) {
    let Life::Dying { successes, failures } = life else { return (hp, life) };
    match save {
        DeathSave::Recovery => heal(hp, life, 1),
        DeathSave::Success if successes >= 2 => (hp, Life::Stable),
        DeathSave::Success => (hp, Life::Dying { successes: successes + 1, failures }),
        DeathSave::Failure => (hp, hurt(life, 1)),
        DeathSave::TwoFailures => (hp, hurt(life, 2)),
    }
}

/// DC to keep concentrating after so much damage: half of it, at least 10, at most `cap`.
pub fn concentration_dc(damage: i32, cap: Option<i32>) -> i32 {
    (damage / 2).max(10).min(cap.unwrap_or(i32::MAX))
}
