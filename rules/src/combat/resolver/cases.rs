//! Whether something is so of a creature or a casting, as programs ask.

use super::Resolver;
use super::ops::Act;
use crate::combat::{Combatant, CombatantId, Life};
use crate::effect::{Case, Casting, Choice};
use crate::space::Square;
use crate::{Ability, Condition, Key};

/// The level of the spell that a casting reacts to.
pub(super) fn against(casting: &Casting) -> Option<u8> {
    match casting.choices.get("against")? {
        Choice::Number(level) => u8::try_from(*level).ok(),
        _ => None,
    }
}

impl Resolver<'_> {
    /// Whether a case holds of a creature while words are carried out.
    pub(super) fn is_so(&self, act: &Act, who: CombatantId, case: &Case) -> bool {
        match case {
            Case::Critical => act.critical,
            Case::IsSource => {
                let effect = act.effect.and_then(|id| self.combat.effects.get(&id));
                effect.is_some_and(|effect| effect.source == Some(who))
            }
            Case::Counted { of, least } => {
                let effect = act.effect.and_then(|id| self.combat.effects.get(&id));
                effect.is_some_and(|effect| effect.counts.get(of).is_some_and(|it| it >= least))
            }
            Case::Not(case) => !self.is_so(act, who, case),
            Case::DamagedBy(types) => types.iter().any(|kind| self.suffered.contains(kind)),
            Case::Any(cases) => cases.iter().any(|case| self.is_so(act, who, case)),
            Case::All(cases) => cases.iter().all(|case| self.is_so(act, who, case)),
            case => self.holds(act.caster, &act.casting, who, case),
        }
    }

    /// Whether a case holds of a creature at a casting.
    pub(super) fn holds(
        &self,
        caster: CombatantId,
        casting: &Casting,
        who: CombatantId,
        case: &Case,
    ) -> bool {
        let Some(creature) = self.combat.combatant(who) else { return false };
        let kind = creature.block.creature_type;
        match case {
            Case::Types(types) => kind.is_some_and(|kind| types.contains(&kind)),
            Case::NotTypes(types) => !kind.is_some_and(|kind| types.contains(&kind)),
            Case::Tag(tag) => creature.block.tags.contains(tag),
            Case::MaxSize(size) => creature.block.size <= *size,
            Case::HpAtMost(hp) => creature.hp.current <= *hp,
            Case::Has(condition) => self.view().has(who, *condition),
            Case::HasNot(condition) => !self.view().has(who, *condition),
            Case::CanHave(condition) => !self.is_immune_to(creature, *condition),
            Case::Hostile => self.hostile(caster, who),
            Case::Friendly => self.allied(caster, who),
            Case::IsCaster => caster == who,
            Case::AtZero => creature.hp.current == 0,
            Case::Dead => creature.life == Life::Dead,
            Case::Hears => !self.view().has(who, Condition::Deafened),
            Case::Sees => !self.view().has(who, Condition::Blinded),
            Case::SeesCaster => self.view().sees(who, caster),
            Case::Wounded => creature.hp.current < self.view().max_hp(who),
            Case::Chosen { of, is } => casting.word(of.as_str()) == Some(is),
            Case::Slot(level) => casting.slot >= *level,
            Case::IntAtLeast(score) => creature.block.abilities.score(Ability::Int) >= *score,
            Case::Edition(edition) => self.combat.rules.edition == *edition,
            Case::Under(key) => {
                let mut effects = self.combat.effects_on(who);
                effects.any(|effect| effect.template.key.as_ref() == Some(key))
            }
            Case::WithinFt(feet) => self.view().distance_ft(caster, who) <= *feet,
            Case::BeyondFt(feet) => self.view().distance_ft(caster, who) > *feet,
            Case::Not(case) => !self.holds(caster, casting, who, case),
            Case::Any(cases) => cases.iter().any(|case| self.holds(caster, casting, who, case)),
            Case::All(cases) => cases.iter().all(|case| self.holds(caster, casting, who, case)),
            Case::Airborne => creature.elevation_ft > 0,
            Case::NobodyUnder(key) => self.bearers(caster, key).is_empty(),
            Case::Within(key) => self.is_within(caster, who, key),
            Case::PlaceNamed => casting.at.is_some(),
            Case::SlotCovers => against(casting).is_some_and(|level| casting.slot >= level),
            Case::Concentrates => creature.concentration.is_some(),
            Case::PlaceTaken => casting.at.is_some_and(|at| self.is_taken(who, at)),
            Case::HasFrom(condition) => self.combat.effects_on(who).any(|effect| {
                effect.source == Some(caster) && effect.template.conditions.contains(condition)
            }),
            Case::InSpace => {
                let own = self.view().space_of(caster);
                own.zip(self.view().space_for(creature))
                    .is_some_and(|(one, other)| one.overlaps(other))
            }
            Case::Spent { of, least } => creature.spent.get(of).is_some_and(|spent| spent >= least),
            Case::Caster(case) => self.holds(caster, casting, caster, case),
            Case::Underwater => self.combat.grid.underwater,
            Case::Bloodied => self.view().is_bloodied(who),
            Case::Holds { key, least } => self.running_of(who, key) >= *least,
            Case::Unlit => self.is_unlit(creature),
            Case::Grapples => {
                self.combat.combatants.keys().any(|other| self.view().grapples(who, *other))
            }
            Case::InSunlight => self.combat.grid.sunlight,
            Case::OnGround(kind) => self.view().is_on(who, std::slice::from_ref(kind)),
            Case::InsideObject => {
                let terrain = self.view().terrain();
                let space = creature.space();
                space.is_some_and(|space| terrain.filled(space.footprint()).is_some())
            }
            Case::Critical | Case::IsSource | Case::Counted { .. } | Case::DamagedBy(_) => false,
        }
    }

    /// Whether a creature is in the area of an effect of this key of somebody's.
    fn is_within(&self, source: CombatantId, who: CombatantId, key: &Key) -> bool {
        let mut areas = self.combat.effects.zones().iter().filter(|effect| {
            effect.template.key.as_ref() == Some(key) && effect.source == Some(source)
        });
        areas.any(|effect| self.view().touches(effect, who))
    }

    /// How many effects of this key run by a creature's doing.
    fn running_of(&self, source: CombatantId, key: &Key) -> usize {
        let effects = self.combat.effects.values();
        let own = effects.filter(|effect| {
            effect.source == Some(source) && effect.template.key.as_ref() == Some(key)
        });
        own.count()
    }

    /// Whether somebody else is on a square.
    fn is_taken(&self, who: CombatantId, at: Square) -> bool {
        let others = self.combat.combatants.values();
        let mut others = others.filter(|it| it.id != who && it.life != Life::Dead);
        others.any(|it| it.space().is_some_and(|it| it.footprint().contains(at)))
    }

    /// Whether some of a creature's space is in dim light or darkness.
    fn is_unlit(&self, creature: &Combatant) -> bool {
        let (printed, made) = (&self.combat.grid.obscured, &self.combat.ground.obscured);
        let dark = self.combat.grid.dark && !self.view().is_brightly_lit(creature.id);
        dark || self.view().space_for(creature).is_some_and(|space| {
            space.footprint().squares().any(|at| {
                printed.lightly.contains(&at) || printed.heavily.contains(&at) || made.contains(&at)
            }) || self.view().is_obscured_afar(space, false)
        })
    }

    /// Whether a creature cannot have a condition.
    pub(super) fn is_immune_to(&self, creature: &Combatant, condition: Condition) -> bool {
        creature.block.condition_immunities.contains(&condition)
            || self.view().is_spared(creature.id, condition, (None, None))
    }
}
