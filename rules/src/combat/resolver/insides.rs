//! Creatures in others: swallowed, engulfed (SRD 5.1 "Behir", "Swallow"; SRD 5.2.1 same).

use super::ops::Act;
use super::{Flow, Resolver};
use crate::Condition;
use crate::combat::{Combatant, CombatantId, Effect, EffectId, EndReason, Fact};
use crate::effect::{BlockAttack, Count, Inside};
use crate::space::Space;

impl Resolver<'_> {
    /// Into the space of the effect's source.
    pub(super) fn take_in(&mut self, effect: &Effect) {
        let source = effect.source.and_then(|source| self.combat.combatant(source));
        let Some(source) = source.filter(|_| effect.template.inside.is_some()) else { return };
        let (to, elevation_ft) = (source.position, source.elevation_ft);
        let now = self.combat.combatant(effect.target).map(|it| (it.position, it.elevation_ft));
        if now != Some((to, elevation_ft)) {
            self.tell(Fact::Displaced { who: effect.target, to, elevation_ft });
        }
    }

    /// Out again, to the nearest free place; a rider who is off its mount stays where it is.
    pub(super) fn let_out(&mut self, effect: &Effect) {
        let inside = effect.template.inside.is_some() && !self.view().is_inside(effect.target);
        let out = self.combat.combatant(effect.target);
        let rode = effect.template.inside == Some(Inside::Ridden);
        let apart = |space: &Space| {
            rode && !self.others(effect.target).iter().any(|other| other.overlaps(*space))
        };
        let at = out.and_then(Combatant::space).filter(|space| !apart(space));
        let at = at.map(|space| space.place.square);
        if let Some(at) = at.filter(|_| inside) {
            self.set_down(effect.target, at);
        }
    }

    /// Who is taken out of a creature that it is in is no longer in it.
    pub(super) fn free_from_within(&mut self, who: CombatantId) {
        let around = self.combat.effects_on(who).filter(|it| it.template.inside.is_some());
        let around: Vec<EffectId> = around.map(|effect| effect.id).collect();
        for id in around {
            self.end(id, EndReason::Over);
        }
    }

    /// Those inside a creature go where it went.
    pub(super) fn carry(&mut self, who: CombatantId) {
        let inside = self
            .combat
            .effects
            .values()
            .filter(|effect| effect.source == Some(who) && effect.template.inside.is_some());
        let inside: Vec<Effect> = inside.map(|effect| Effect::clone(effect)).collect();
        for effect in inside {
            self.take_in(&effect);
        }
    }

    /// One attack of the caster's block, and what else its hit does.
    pub(super) fn block_attack(
        &mut self,
        act: &Act,
        attack: &BlockAttack,
        target: CombatantId,
    ) -> Flow<()> {
        let block = std::sync::Arc::clone(&self.combatant(act.caster)?.block);
        let Some(weapon) = block.any_attack(&attack.attack) else { return Ok(()) };
        let Ok(strike) = self.view().aim(act.caster, target, &weapon, false) else { return Ok(()) };
        if self.hit_with(strike)?.is_none() {
            return Ok(());
        }
        self.carry_out(act, &attack.hit, &[(target, strike.cover)])
    }

    /// Ends a creature's grapple of another.
    pub(super) fn let_go(&mut self, who: CombatantId, held: CombatantId) {
        let holds = |effect: &&Effect| {
            effect.source == Some(who) && effect.template.conditions.contains(&Condition::Grappled)
        };
        let holds: Vec<EffectId> =
            self.combat.effects_on(held).filter(holds).map(|effect| effect.id).collect();
        for id in holds {
            self.end(id, EndReason::Over);
        }
    }

    /// How far a counter goes on.
    pub(super) fn step_of(&self, count: &Count) -> u32 {
        let step = count.by.unwrap_or(1);
        if count.by_damage { u32::try_from(self.dealt).unwrap_or(0) } else { step }
    }
}
