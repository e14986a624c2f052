//! Effects that programs put on creatures and on the map, and what those let their bearers do.

use std::sync::Arc;

use super::cast::Asked;
use super::choices::chosen_anew;
use super::ops::Act;
use super::triggers::act_of;
use super::{Flow, Resolver};
use crate::combat::{
    Combatant, CombatantId, CombatantKind, Economy, Effect, EffectId, EndReason, Fact, Refusal,
};
use crate::content::{Area as Spec, Cost, Shape};
use crate::effect::{Casting, Choice, EffectSpec, Grant, Hook, ModifierKind, Op, Pick};
use crate::space::{Place, Scale, Space, distance_ft, offset_ft};
use crate::{Condition, Key};

/// Feet within which anybody can use what an effect offers.
const REACH_FT: i32 = 5;

impl Resolver<'_> {
    /// Puts an effect on a creature, or on the map where it has an area.
    pub(super) fn effect_op(
        &mut self,
        act: &Act,
        spec: &EffectSpec,
        target: CombatantId,
    ) -> Flow<()> {
        let keeps = spec.alters_form && self.view().is(target, ModifierKind::KeepsForm);
        if keeps || self.is_out_of_reach(act, target) {
            return Ok(());
        }
        let first = spec.conditions.first().filter(|_| spec.whole);
        let immune = |who: &Combatant, condition: Condition| {
            who.block.condition_immunities.contains(&condition)
                || self.view().is_spared(target, condition, (Some(act.caster), None))
        };
        if first.zip(self.combat.combatant(target)).is_some_and(|(it, who)| immune(who, *it)) {
            return Ok(());
        }
        let mut template = spec.template(&act.casting);
        if let (Some(zone), Some(area)) = (&template.zone, &mut template.area)
            && !zone.follows
        {
            let own = matches!(area.shape, Shape::Cone | Shape::Emanation);
            let at = act.casting.at.filter(|_| !own);
            area.at = at.map(Into::into).or(area.at);
            area.direction = act.casting.direction.map(Into::into).or(area.direction);
        }
        let on_map = template.zone.is_some();
        let solid = template.zone.as_ref().is_some_and(|zone| zone.solid);
        let parent = act.anchor.filter(|_| !spec.apart);
        let source = Some(act.caster);
        let Some(id) = self.put(&Arc::new(template), source, target, parent) else {
            return Ok(());
        };
        if let (Some(left), Ok(of)) = (spec.left, Key::parse("left")) {
            self.tell(Fact::Counted { id, of, count: left });
        }
        let section =
            self.combat.combatant(target).is_some_and(|it| it.kind == CombatantKind::Object);
        if solid && !section {
            // Of a wall in sections all are there first.
            let covers = self.combat.effects.get(&id).and_then(|effect| effect.covers.clone());
            let squares: Vec<_> = covers.into_iter().flat_map(|it| it.squares).collect();
            self.push_aside(&self.standing(&squares))?;
        }
        if on_map { self.reach_all(id, None, Hook::Appears) } else { Ok(()) }
    }

    /// Whether nothing hangs on what a creature concentrates on.
    pub(super) fn is_bare(&self, anchor: EffectId) -> bool {
        !self.combat.effects.values().any(|effect| effect.parent == Some(anchor))
    }

    /// What a running effect lets its bearer do.
    pub(super) fn use_effect(
        &mut self,
        who: CombatantId,
        effect: Option<EffectId>,
        id: &Key,
        asked: Asked<'_>,
    ) -> Flow<()> {
        self.on_its_turn(who)?;
        let found = self.combat.effects.values().find_map(|running| {
            let meant = effect.is_none_or(|meant| running.is_of(meant));
            let grants = running.template.grants.iter();
            let fits =
                |grant: &&Grant| grant.id == *id && meant && self.is_granted(who, running, grant);
            Some((Effect::clone(running), grants.into_iter().find(fits)?.clone()))
        });
        let (effect, grant) = found.ok_or(Refusal::UnknownUse)?;
        let economy = self.grant_economy(who, &effect, &grant)?;
        let act = act_of(&effect, who, false).ok_or(Refusal::UnknownUse)?;
        let mut choices = chosen_anew(&act.casting.choices, asked.choices, &grant.does);
        let named = grant.does.contains(&Op::Strike).then(|| Key::parse("attack").ok()).flatten();
        if let Some(attack) = named
            .filter(|_| self.combat.combatant(who).is_some_and(|it| it.block.attack(id).is_some()))
        {
            choices.insert(attack, Choice::Word(id.to_string()));
        }
        let casting = Casting {
            at: asked.at,
            direction: asked.direction.or(act.casting.direction),
            choices,
            ..act.casting.clone()
        };
        let range_ft = grant.targets.range_ft;
        if let Some(feet) = grant.moves_area_ft {
            self.may_move_area(effect.id, feet, &casting)?;
        }
        let range = (range_ft, false);
        self.may_choose(&grant.does, &casting)?;
        let about = self.targets(who, &grant.targets, &casting, asked.targets, range)?;
        self.may_do(who, &grant, &casting, &about)?;
        self.tell(Fact::EconomySet { who, economy });
        if grant.once_a_turn {
            self.tell(Fact::Touched { id: effect.id, who });
        }
        if let Some(uses) = grant.uses {
            let used = effect.counts.get(id).copied().unwrap_or(0).saturating_add(1);
            self.tell(Fact::Counted { id: effect.id, of: id.clone(), count: used });
            let targets = about.iter().map(|(target, _)| *target).collect();
            self.tell(Fact::ActionUsed { who, id: id.clone(), targets });
            if used >= u32::from(uses) && grant.does.is_empty() {
                self.end(effect.id, EndReason::Over);
            }
        } else {
            let targets = about.iter().map(|(target, _)| *target).collect();
            self.tell(Fact::ActionUsed { who, id: id.clone(), targets });
        }
        if let (Some(_), Some(at)) = (grant.moves_area_ft, casting.at) {
            self.move_area(effect.id, at)?;
        }
        let act = Act { casting, ..act };
        self.carry_out(&act, &grant.does, &about)
    }

    /// Whether an effect lets a creature do something: its bearer, and of some things who is near it
    /// or its area, or whose doing the effect is.
    pub(super) fn is_granted(&self, who: CombatantId, effect: &Effect, grant: &Grant) -> bool {
        if grant.by_source {
            return effect.source == Some(who);
        }
        if grant.anybody {
            return self.is_at(who, effect);
        }
        let near = |feet| {
            !self.view().is_elsewhere(who, effect.target)
                && self.view().distance_ft(who, effect.target) <= feet
        };
        effect.target == who || grant.others_within_ft.is_some_and(near)
    }

    /// That what a grant does can be done.
    fn may_do(
        &self,
        who: CombatantId,
        grant: &Grant,
        casting: &Casting,
        about: super::ops::About<'_>,
    ) -> Result<(), Refusal> {
        let fits = |case: &crate::effect::Case| self.holds(who, casting, who, case);
        if grant.targets.pick == Pick::Caster && !grant.targets.when.iter().all(fits) {
            return Err(Refusal::InvalidTarget);
        }
        if grant.does.contains(&Op::Hide) {
            self.unseen(who)?;
        }
        if grant.does.contains(&Op::TakeForm) {
            self.chosen_form(who, casting)?;
        }
        self.may_strike(who, &grant.does, casting, about)?;
        if grant.does.contains(&Op::Strike) {
            let attack = self.granted_attack(who, casting).ok_or(Refusal::UnknownAttack)?;
            for (target, _) in about {
                self.view().aim(who, *target, &attack, false)?;
            }
        }
        Ok(())
    }

    /// Whether a creature is within reach of an effect's area.
    fn is_at(&self, who: CombatantId, effect: &Effect) -> bool {
        let Some(space) = self.view().space_of(who) else { return false };
        let diagonals = self.view().diagonals();
        let Some(covers) = &effect.covers else { return false };
        let mut near = space.footprint().grown(space.scale.cells(REACH_FT) + 1).squares();
        near.any(|at| {
            let there = Space::single(Place::ground(at), space.scale);
            covers.contains(at) && distance_ft(space, there, diagonals) <= REACH_FT
        })
    }

    /// Moves an effect's area to the square named, if that is not too far.
    pub(super) fn move_area_op(&mut self, act: &Act, feet: i32) -> Flow<()> {
        let (Some(id), Some(at)) = (act.effect, act.casting.at) else { return Ok(()) };
        match self.may_move_area(id, feet, &act.casting) {
            Ok(()) => self.move_area(id, at),
            Err(_) => Ok(()),
        }
    }

    fn grant_economy(
        &self,
        who: CombatantId,
        effect: &Effect,
        grant: &Grant,
    ) -> Result<Economy, Refusal> {
        let economy = self.combatant(who)?.economy.clone();
        let used = effect.counts.get(&grant.id).copied().unwrap_or(0);
        let late = grant.at_start && economy != Economy::turn();
        let again = (grant.once_a_turn && effect.touched.contains(&who)) || late;
        if again || grant.uses.is_some_and(|uses| used >= u32::from(uses)) {
            return Err(Refusal::Spent);
        }
        match grant.cost {
            Cost::Action if economy.action && !self.view().has_chosen_bonus_action(who) => {
                Ok(Economy { action: false, made: Vec::new(), ..economy })
            }
            Cost::BonusAction if self.view().bonus_action_left(who) => {
                Ok(Economy { bonus_action: false, ..economy })
            }
            Cost::Free => Ok(economy),
            Cost::Action | Cost::BonusAction => Err(Refusal::NoActionLeft),
            Cost::Reaction | Cost::Legendary | Cost::Lair => Err(Refusal::NotAnAction),
        }
    }

    /// That an effect's area can be moved to the square named.
    fn may_move_area(&self, id: EffectId, feet: i32, casting: &Casting) -> Result<(), Refusal> {
        let at = casting.at.ok_or(Refusal::InvalidArea)?;
        let effect = self.combat.effects.get(&id).ok_or(Refusal::UnknownEffect)?;
        let covers = effect.covers.as_ref().ok_or(Refusal::InvalidArea)?;
        let Some(spec) = effect.template.area else { return Err(Refusal::InvalidArea) };
        let placed = Spec { at: Some(at.into()), ..spec };
        let creator = self.view().space_of(effect.target).ok_or(Refusal::InvalidArea)?;
        let there = crate::space::Area::placed(&placed, creator);
        let there = self.covered(&there.map_err(|_| Refusal::InvalidArea)?);
        // As far as the corner of the one is from the corner of the other.
        let (Some(from), Some(to)) = (covers.squares.first(), there.squares.first()) else {
            return Err(Refusal::InvalidArea);
        };
        let distance_ft = match creator.scale {
            Scale::Feet => offset_ft(*from, *to, creator.scale),
            Scale::Squares => {
                let space = |square| Space::single(Place::ground(square), creator.scale);
                distance_ft(space(*from), space(*to), self.view().diagonals())
            }
        };
        if distance_ft > feet {
            return Err(Refusal::OutOfRange { distance_ft, range_ft: feet });
        }
        Ok(())
    }

    /// One level of exhaustion less.
    pub(super) fn rest_a_level(&mut self, who: CombatantId) {
        let running = self
            .combat
            .effects_on(who)
            .find(|effect| effect.template.conditions.contains(&Condition::Exhaustion));
        let Some(effect) = running.cloned() else { return };
        let level = effect.template.exhaustion.unwrap_or(1).saturating_sub(1);
        self.end(effect.id, EndReason::Removed);
        if level > 0 {
            let mut template = effect.template;
            Arc::make_mut(&mut template).exhaustion = Some(level);
            self.put(&template, effect.source, who, effect.parent);
        }
    }
}
