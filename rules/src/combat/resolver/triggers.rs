//! What effects wait for: each hook is called where it happens.

use super::ops::{Act, nameless};
use super::{Flow, Resolver};
use crate::Key;
use crate::combat::{CombatantId, Effect, EffectId, EndReason, Fact};
use crate::effect::{Casting, Hook, Party, Trigger};
use crate::space::Cover;

impl Resolver<'_> {
    /// Something happened to a creature: its effects that wait for it do what they do.
    pub(super) fn fire(
        &mut self,
        bearer: CombatantId,
        on: Hook,
        other: Option<CombatantId>,
        critical: bool,
    ) -> Flow<()> {
        for (id, trigger) in self.waiting(bearer, on) {
            self.pull_trigger(id, &trigger, bearer, other, critical)?;
        }
        Ok(())
    }

    /// What waits for this of a creature: effects on it, and on the map around it.
    pub(super) fn waiting(&self, bearer: CombatantId, on: Hook) -> Vec<(EffectId, Trigger)> {
        let waits =
            |effect: &&Effect| effect.template.triggers.iter().any(|trigger| trigger.on == on);
        let on_it = self
            .combat
            .effects_on(bearer)
            .filter(waits)
            .filter(|effect| effect.covers.is_none() && !self.is_shadowed(effect));
        let all = on_it.chain(self.view().zones_counted_on(bearer));
        all.flat_map(|effect| waiting_for(effect, on)).collect()
    }

    /// The same for those effects whose source a creature is.
    pub(super) fn fire_of_source(&mut self, source: CombatantId, on: Hook) -> Flow<()> {
        let waiting: Vec<(EffectId, CombatantId, Trigger)> = self
            .combat
            .effects
            .values()
            .filter(|effect| effect.source == Some(source))
            .flat_map(|effect| {
                let of = effect.target;
                waiting_for(effect, on).map(move |(id, trigger)| (id, of, trigger))
            })
            .collect();
        for (id, bearer, trigger) in waiting {
            self.pull_trigger(id, &trigger, bearer, None, false)?;
        }
        Ok(())
    }

    fn is_shadowed(&self, effect: &Effect) -> bool {
        self.view().is_overshadowed(effect)
    }

    /// Does what an effect does when what it waits for has happened.
    pub(super) fn pull_trigger(
        &mut self,
        id: EffectId,
        trigger: &Trigger,
        bearer: CombatantId,
        other: Option<CombatantId>,
        critical: bool,
    ) -> Flow<()> {
        let Some(effect) = self.combat.effects.get(&id).cloned() else { return Ok(()) };
        let of_its_side = || {
            let both = other.zip(effect.source);
            both.is_some_and(|(other, source)| self.allied(other, source))
        };
        if trigger.on == Hook::DamagedBySource && !of_its_side() {
            return Ok(());
        }
        let met = other.filter(|_| trigger.on == Hook::Overruns).unwrap_or(bearer);
        if trigger.once_a_turn && effect.touched.contains(&met) {
            return Ok(());
        }
        let Some(act) = act_of(&effect, bearer, critical) else { return Ok(()) };
        let about = match trigger.whom {
            Party::Bearer => Some(bearer),
            Party::Other => other,
            Party::Source => effect.source,
        };
        let Some(about) = about.filter(|about| self.combat.combatants.contains_key(about)) else {
            return Ok(());
        };
        if !trigger.when.iter().all(|case| self.is_so(&act, about, case)) {
            return Ok(());
        }
        let by_the_way = matches!(trigger.on, Hook::Moves | Hook::Crosses) && !trigger.ends;
        if by_the_way && !self.has_gone_on(&effect, trigger, bearer) {
            return Ok(());
        }
        if trigger.once_a_turn {
            self.tell(Fact::Touched { id, who: met });
        }
        if trigger.ends {
            self.end(id, EndReason::Over);
        }
        self.carry_out(&act, &trigger.does, &[(about, Cover::None)])
    }

    /// Whether a creature has gone 5 feet more on which an effect does this: every square, on open
    /// ground every fifth foot.
    fn has_gone_on(&mut self, effect: &Effect, trigger: &Trigger, who: CombatantId) -> bool {
        let every = self.combat.grid.scale().block().unsigned_abs();
        let which = effect.template.triggers.iter().position(|own| own == trigger).unwrap_or(0);
        let of = Key::parse(&format!("gone-{}-{which}", who.0)).ok();
        let Some(of) = of.filter(|_| every > 1) else { return true };
        let count = (effect.counts.get(&of).copied().unwrap_or(0) + 1) % every;
        self.tell(Fact::Counted { id: effect.id, of, count });
        count == 0
    }

    /// Does what an effect does to several at the same time: damage is rolled once for all of them
    /// (SRD 5.1 "Damage Rolls"; SRD 5.2.1 same).
    pub(super) fn pull_trigger_for_all(
        &mut self,
        id: EffectId,
        trigger: &Trigger,
        all: &[CombatantId],
    ) -> Flow<()> {
        let Some(effect) = self.combat.effects.get(&id).cloned() else { return Ok(()) };
        if trigger.whom != Party::Bearer || trigger.ends {
            return all
                .iter()
                .try_for_each(|who| self.pull_trigger(id, trigger, *who, None, false));
        }
        let Some(act) = act_of(&effect, effect.target, false) else { return Ok(()) };
        let met = |who: &&CombatantId| {
            !(trigger.once_a_turn && effect.touched.contains(who))
                && trigger.when.iter().all(|case| self.is_so(&act, **who, case))
        };
        let about: Vec<(CombatantId, Cover)> =
            all.iter().filter(met).map(|who| (*who, Cover::None)).collect();
        if trigger.once_a_turn {
            for (who, _) in &about {
                self.tell(Fact::Touched { id, who: *who });
            }
        }
        if about.is_empty() { Ok(()) } else { self.carry_out(&act, &trigger.does, &about) }
    }

    /// Does what effects do that have ended since.
    pub(super) fn settle(&mut self) -> Flow<()> {
        self.catch_up()?;
        self.unseat()?;
        while let Some(who) = self.checked.pop_front() {
            self.fire(who, Hook::Checks, None, false)?;
        }
        // What they do may end others; each of them ends once.
        while let Some((effect, reason)) = self.ended.pop_front() {
            let hooks = match reason {
                EndReason::Expired => [Some(Hook::Expires), Some(Hook::Ends)],
                _ => [None, Some(Hook::Ends)],
            };
            let Some(act) = act_of(&effect, effect.target, false) else { continue };
            let mut act = Act { anchor: None, effect: None, ..act };
            // What was in one square does it there, wherever it was put at first.
            let one = usize::try_from(self.combat.grid.scale().block().pow(2)).unwrap_or(1);
            let covers = effect.covers.iter().filter(|covers| covers.squares.len() == one);
            if let Some(at) = covers.flat_map(|covers| &covers.squares).next() {
                act.casting.at = Some(*at);
            }
            for trigger in hooks.into_iter().flatten().flat_map(|on| waiting_for(&effect, on)) {
                let about = [(effect.target, Cover::None)];
                if trigger.1.when.iter().all(|case| self.is_so(&act, effect.target, case)) {
                    self.carry_out(&act, &trigger.1.does, &about)?;
                }
            }
            self.dismiss(&effect)?;
        }
        self.catch_up()
    }
}

/// Whose doing what an effect does is.
pub(super) fn act_of(effect: &Effect, bearer: CombatantId, critical: bool) -> Option<Act> {
    let casting = match effect.template.casting.as_deref() {
        Some(casting) => casting.clone(),
        None => plain(effect)?,
    };
    let concentrated = effect.parent.or(Some(effect.id).filter(|_| effect.template.concentration));
    Some(Act {
        anchor: concentrated.or(effect.covers.as_ref().map(|_| effect.id)),
        effect: Some(effect.id),
        critical,
        counts: effect.counts.clone(),
        ..Act::of(effect.source.unwrap_or(bearer), casting)
    })
}

/// The numbers of an effect that comes of no casting.
fn plain(effect: &Effect) -> Option<Casting> {
    Some(Casting {
        spell: effect.template.key.clone().or_else(nameless)?,
        name: effect.template.name.clone(),
        level: 0,
        slot: 0,
        caster_level: 1,
        dc: 0,
        attack_bonus: 0,
        modifier: 0,
        choices: std::collections::BTreeMap::new(),
        at: None,
        direction: None,
        use_magic: None,
    })
}

fn waiting_for(effect: &Effect, on: Hook) -> impl Iterator<Item = (EffectId, Trigger)> {
    let triggers = effect.template.triggers.iter().filter(move |trigger| trigger.on == on);
    let id = effect.id;
    triggers.map(move |trigger| (id, trigger.clone()))
}
