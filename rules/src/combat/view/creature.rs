//! What a creature is like now, effects included.

use super::View;
use crate::DamageType;
use crate::combat::{CombatantId, Guard};
use crate::content::Defense;
use crate::effect::{ModifierKind, Quality};

impl View<'_> {
    /// Maximum hit points now.
    pub fn max_hp(self, who: CombatantId) -> i32 {
        let Some(combatant) = self.combat.combatant(who) else { return 0 };
        let mut most = combatant.hp.max;
        let mut halved = false;
        for active in self.modifiers(who) {
            match active.modifier.kind {
                ModifierKind::MaxHp => most += active.modifier.value(active.level),
                ModifierKind::MaxHpHalved => halved = true,
                _ => {}
            }
        }
        if halved { most / 2 } else { most }
    }

    /// Walking speed now, in feet.
    pub fn speed_ft(self, who: CombatantId) -> i32 {
        let Some(combatant) = self.combat.combatant(who) else { return 0 };
        let mut speed = combatant.block.speeds.walk;
        let mut halved = false;
        let mut least = None;
        for active in self.modifiers(who) {
            let modifier = active.modifier;
            match modifier.kind {
                ModifierKind::Speed if modifier.set => {
                    least = Some(modifier.value(active.level).min(least.unwrap_or(i32::MAX)));
                }
                ModifierKind::Speed => speed += modifier.value(active.level),
                ModifierKind::SpeedHalved => halved = true,
                ModifierKind::CannotMove => least = Some(0),
                _ => {}
            }
        }
        let speed = if halved { speed / 2 } else { speed };
        least.unwrap_or(speed).max(0)
    }

    /// How a type of damage meets a creature.
    pub fn guard(self, who: CombatantId, kind: DamageType, qualities: &[Quality]) -> Guard {
        let Some(combatant) = self.combat.combatant(who) else { return Guard::default() };
        let pierced = |unless: &[Quality]| unless.iter().any(|quality| qualities.contains(quality));
        let meets = |rules: &[Defense]| {
            rules.iter().any(|rule| rule.types.contains(&kind) && !pierced(&rule.unless))
        };
        let block = &combatant.block;
        let mut guard = Guard {
            adjustment: 0,
            resistant: meets(&block.resistances),
            vulnerable: meets(&block.vulnerabilities),
            immune: meets(&block.immunities),
        };
        for active in self.modifiers(who) {
            let modifier = active.modifier;
            let all = modifier.types.is_empty();
            if !(all || modifier.types.contains(&kind)) || pierced(&modifier.unless) {
                continue;
            }
            match modifier.kind {
                ModifierKind::Resistance => guard.resistant = true,
                ModifierKind::Vulnerability => guard.vulnerable = true,
                ModifierKind::Immunity => guard.immune = true,
                ModifierKind::Reduce => guard.adjustment -= modifier.value(active.level),
                _ => {}
            }
        }
        guard
    }
}
