//! Fighting under water (SRD 5.1 "Underwater Combat"; SRD 5.2.1 "Underwater Combat").

use super::{Strike, View};
use crate::combat::CombatantId;
use crate::effect::ModifierKind;
use crate::{DamageType, MovementMode, Switch};

/// SRD 5.1: weapons that strike under water as elsewhere.
const THRUST: [&str; 5] = ["dagger", "javelin", "shortsword", "spear", "trident"];
/// SRD 5.1: weapons that fly under water as elsewhere within their normal range: crossbows, nets and
/// what is thrown like a javelin.
const FLY: [&str; 11] = [
    "crossbow-light",
    "crossbow-heavy",
    "crossbow-hand",
    "light-crossbow",
    "heavy-crossbow",
    "hand-crossbow",
    "net",
    "javelin",
    "spear",
    "trident",
    "dart",
];

impl View<'_> {
    /// Whether a creature is under water.
    pub(in crate::combat) fn is_submerged(self, who: CombatantId) -> bool {
        self.combat.grid.underwater || self.is(who, ModifierKind::Submerged)
    }

    /// Whether water keeps fire from a creature.
    pub(in crate::combat) fn is_doused(self, who: CombatantId) -> bool {
        self.combat.rules.underwater_combat && self.is_submerged(who)
    }

    /// Whether water hinders a weapon's attack.
    pub(in crate::combat) fn is_hampered_by_water(self, strike: Strike<'_>) -> bool {
        if !self.weighs_on(strike) {
            return false;
        }
        let id = strike.attack.attack_id.as_str();
        let new = self.combat.rules.is_52(Switch::UnderwaterWeapons);
        if strike.ranged {
            return new || !FLY.contains(&id);
        }
        let pierces =
            strike.attack.damage.first().is_some_and(|it| it.kind == DamageType::Piercing);
        let thrusts = if new { pierces } else { THRUST.contains(&id) };
        !thrusts && self.speed_ft(strike.attacker, MovementMode::Swim).is_none()
    }

    /// Whether a shot goes farther than such a weapon does under water: it misses.
    pub(in crate::combat) fn is_lost_in_water(self, strike: Strike<'_>) -> bool {
        let normal = strike.attack.range_ft.map(|range| range.normal);
        let far = normal.is_some_and(|normal| strike.distance_ft > normal);
        strike.ranged && far && self.weighs_on(strike)
    }

    fn weighs_on(self, strike: Strike<'_>) -> bool {
        let played = self.combat.rules.underwater_combat && !strike.attack.spell;
        played && self.is_submerged(strike.attacker)
    }
}
