//! What a creature is like now, effects included.

use super::{Active, View};
use crate::combat::{CombatantId, CombatantKind, Guard, Life};
use crate::content::Defense;
use crate::effect::{ModifierKind, Quality};
use crate::space::{Change, Relation, speed_ft};
use crate::{Condition, DamageType, MovementMode};

impl View<'_> {
    /// Levels of exhaustion, 0 to 6.
    pub fn exhaustion(self, who: CombatantId) -> u8 {
        let effects = self.combat.effects_on(who);
        effects.filter_map(|effect| effect.template.exhaustion).max().unwrap_or(0)
    }

    /// Maximum hit points now.
    pub fn max_hp(self, who: CombatantId) -> i32 {
        self.combat.combatant(who).map_or(0, |combatant| self.max_hp_of(who, combatant.hp.max))
    }

    /// Maximum hit points now, if they were `own` without effects.
    pub(in crate::combat) fn max_hp_of(self, who: CombatantId, own: i32) -> i32 {
        let mut most = own;
        let mut halved = false;
        for active in self.modifiers(who) {
            match active.modifier.kind {
                ModifierKind::MaxHp => {
                    most = most.saturating_add(active.modifier.value(active.level))
                }
                ModifierKind::MaxHpHalved => halved = true,
                _ => {}
            }
        }
        // Half of one hit point is none, but nobody has none at most by that.
        let least = own.min(1);
        if halved { (most / 2).max(least) } else { most.max(least) }
    }

    /// Damage of one source that is less than this does nothing to it.
    pub(in crate::combat) fn damage_threshold(self, who: CombatantId) -> i32 {
        let thresholds = self.of_kind(who, ModifierKind::DamageThreshold);
        thresholds.map(|active| active.modifier.value(active.level)).max().unwrap_or(0)
    }

    /// Whether effects leave nothing of a creature's maximum of hit points.
    pub(in crate::combat) fn is_drained(self, who: CombatantId) -> bool {
        let Some(combatant) = self.combat.combatant(who) else { return false };
        let changes = self.modifiers(who).filter(|it| it.modifier.kind == ModifierKind::MaxHp);
        let all = changes.map(|active| active.modifier.value(active.level));
        all.fold(combatant.hp.max, i32::saturating_add) <= 0
    }

    /// Whether a creature sees one of its side within so many feet, senses beyond the usual left out:
    /// conditions depend on it.
    pub(in crate::combat) fn sees_ally(self, who: CombatantId, feet: i32) -> bool {
        let Some(me) = self.combat.combatant(who) else { return false };
        self.combat.combatants.values().any(|ally| {
            ally.id != who
                && me.relation(ally) == Relation::Ally
                && ally.position.is_some()
                && ally.life == Life::Alive
                && self.distance_ft(who, ally.id) <= feet
                && self.in_line(who, ally.id)
                && !self.has(who, Condition::Blinded)
                && !self.has(ally.id, Condition::Invisible)
                && !self.is_hidden_by_ground(who, ally.id)
        })
    }

    /// Whether of all that a creature sees none is nearer than this one.
    pub(in crate::combat) fn is_nearest(self, who: CombatantId, target: CombatantId) -> bool {
        let apart = self.distance_ft(who, target);
        !self.combat.combatants.values().any(|other| {
            other.id != who
                && other.position.is_some()
                && other.life != Life::Dead
                && self.distance_ft(who, other.id) < apart
                && self.sees(who, other.id)
        })
    }

    /// Whether a creature was surprised as the combat began, and that is the first round.
    pub(in crate::combat) fn was_surprised(self, who: CombatantId) -> bool {
        self.combat.round <= 1 && self.combat.combatant(who).is_some_and(|who| who.surprised)
    }

    /// Whether a creature has had no turn yet in this combat.
    pub(in crate::combat) fn is_yet_to_act(self, who: CombatantId) -> bool {
        let place = self.combat.order.iter().position(|id| *id == who);
        self.combat.round <= 1 && place.is_some_and(|place| Some(place) >= self.combat.turn)
    }

    /// Speed of one kind now, in feet; none: it has none of its own.
    pub fn speed_ft(self, who: CombatantId, mode: MovementMode) -> Option<i32> {
        let speeds = self.combat.combatant(who)?.block.speeds;
        let gained = self
            .of_kind(who, ModifierKind::GainsSpeed)
            .filter(|active| active.modifier.modes.contains(&mode))
            .map(|active| active.modifier.value.unwrap_or(speeds.walk))
            .max();
        let own = speeds.of(mode);
        let base = own.max(gained)?;
        let doubled = self.is(who, ModifierKind::SpeedDoubled);
        let base = if doubled { base.saturating_mul(2) } else { base };
        let free = self.is(who, ModifierKind::FreeMovement);
        let hinders = |active: &Active<'_>| {
            let magic = active.effect.template.casting.as_ref().is_some_and(|it| it.is_magical());
            let less = match active.modifier.kind {
                ModifierKind::Speed => {
                    active.modifier.set || active.modifier.value(active.level) < 0
                }
                ModifierKind::SpeedHalved => true,
                _ => false,
            };
            magic && less
        };
        let changes: Vec<Change> = self
            .modifiers(who)
            .filter(|active| !(free && hinders(active)))
            .filter(|active| {
                active.modifier.modes.is_empty() || active.modifier.modes.contains(&mode)
            })
            .filter_map(|active| match active.modifier.kind {
                ModifierKind::Speed if active.modifier.set => Some(Change::Zero),
                ModifierKind::Speed => Some(Change::Add(active.modifier.value(active.level))),
                ModifierKind::SpeedHalved => Some(Change::Halve),
                ModifierKind::CannotMove => Some(Change::Zero),
                _ => None,
            })
            .collect();
        Some(speed_ft(base, &changes))
    }

    /// The greatest of its speeds now, in feet.
    pub fn best_speed_ft(self, who: CombatantId) -> i32 {
        let modes = [
            MovementMode::Walk,
            MovementMode::Fly,
            MovementMode::Swim,
            MovementMode::Climb,
            MovementMode::Burrow,
        ];
        modes.into_iter().filter_map(|mode| self.speed_ft(who, mode)).max().unwrap_or(0)
    }

    /// Walking speed now, in feet.
    pub fn walk_ft(self, who: CombatantId) -> i32 {
        self.speed_ft(who, MovementMode::Walk).unwrap_or(0)
    }

    /// How a type of damage meets a creature.
    pub fn guard(self, who: CombatantId, kind: DamageType, qualities: &[Quality]) -> Guard {
        let Some(combatant) = self.combat.combatant(who) else { return Guard::default() };
        let pierced = |unless: &[Quality]| unless.iter().any(|quality| qualities.contains(quality));
        let meets = |rules: &[Defense]| {
            rules.iter().any(|rule| rule.types.contains(&kind) && !pierced(&rule.unless))
        };
        let block = &combatant.block;
        // SRD 5.1 "Objects"; SRD 5.2.1 "Breaking Objects".
        let unfeeling = combatant.kind == CombatantKind::Object
            && matches!(kind, DamageType::Poison | DamageType::Psychic);
        let mut guard = Guard {
            adjustment: 0,
            resistant: meets(&block.resistances),
            vulnerable: meets(&block.vulnerabilities),
            immune: meets(&block.immunities) || unfeeling,
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
