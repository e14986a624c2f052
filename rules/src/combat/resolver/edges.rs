//! What effects do as a turn starts and as it ends, and in which order: those that happen at the
//! same time are put in order by whoever's turn it is (SRD 5.2.1 "Simultaneous Effects").

use std::collections::BTreeSet;

use super::cast::may_harm;
use super::harm::Blow;
use super::{Flow, Resolver};
use crate::combat::{Answer, CombatantId, Effect, EffectId, EndReason, Life, Purpose, Question};
use crate::effect::{Edge, Hook, Trigger};
use crate::space::Cover;
use crate::{Edition, Key};

/// Effects that somebody is asked to put in order at most.
const ORDERED: usize = 100;

/// Something that an effect does at an edge of a turn.
enum Thing {
    /// The save that ends it.
    Save,
    /// Its damage.
    Damage,
    /// What it waited for.
    Trigger(Trigger),
}

impl Thing {
    /// Whether it may matter what went before: dice are thrown for it.
    fn matters(&self) -> bool {
        match self {
            Self::Save | Self::Damage => true,
            Self::Trigger(trigger) => trigger.does.iter().any(may_harm),
        }
    }
}

impl Resolver<'_> {
    /// What effects on a creature do at one edge of its turn, then what those of its own do to
    /// others.
    pub(super) fn edge(&mut self, who: CombatantId, edge: Edge) -> Flow<()> {
        let (on, of_source) = match edge {
            Edge::Start => (Hook::TurnStart, Hook::SourceTurnStart),
            Edge::End => (Hook::TurnEnd, Hook::SourceTurnEnd),
        };
        let things = self.at_edge(who, edge, on);
        match self.chosen_order(who, &things)? {
            Some(order) => self.do_in_order(who, on, things, &order)?,
            None => {
                for (id, thing) in things {
                    match thing {
                        Thing::Save => self.save_to_end(who, id)?,
                        Thing::Damage => self.damage_of(who, id)?,
                        Thing::Trigger(_) => {}
                    }
                }
                self.fire(who, on, None, false)?;
            }
        }
        self.fire_of_source(who, of_source)
    }

    /// Saves that end effects, then damage, then the rest, of each the oldest effect's first.
    fn at_edge(&self, who: CombatantId, edge: Edge, on: Hook) -> Vec<(EffectId, Thing)> {
        let running = || self.combat.effects_on(who);
        let ends =
            |effect: &&Effect| effect.template.save_ends.is_some_and(|ends| ends.edge == edge);
        let harms = |effect: &&Effect| {
            let now = effect.template.damage.as_ref().is_some_and(|damage| damage.edge == edge);
            now && !self.view().is_overshadowed(effect)
        };
        let saves = running().filter(ends).map(|effect| (effect.id, Thing::Save));
        let damage = running().filter(harms).map(|effect| (effect.id, Thing::Damage));
        let triggers = self.waiting(who, on).into_iter();
        saves.chain(damage).chain(triggers.map(|(id, it)| (id, Thing::Trigger(it)))).collect()
    }

    /// The order that is chosen, effect by effect; asked only where it may matter, by the rules of
    /// SRD 5.2.1. None: saves, then damage, then the rest.
    fn chosen_order(
        &mut self,
        who: CombatantId,
        things: &[(EffectId, Thing)],
    ) -> Flow<Option<Vec<EffectId>>> {
        let mut effects: Vec<EffectId> = Vec::new();
        for (id, _) in things {
            if !effects.contains(id) {
                effects.push(*id);
            }
        }
        let matter = things.iter().filter(|(_, thing)| thing.matters());
        let matter: BTreeSet<_> = matter.map(|(id, _)| self.doing_of(*id)).collect();
        let edition = self.combat.rules.edition;
        if edition == Edition::E51 || matter.len() < 2 || effects.len() > ORDERED {
            return Ok(None);
        }
        match self.ask(who, Question::EffectOrder { effects })? {
            Answer::Order { effects } => Ok(Some(effects)),
            _ => Ok(None),
        }
    }

    /// All that the effects do, each only if it is still so when its time comes: what went before
    /// may have ended it, or moved or killed whom it is about.
    fn do_in_order(
        &mut self,
        who: CombatantId,
        on: Hook,
        mut things: Vec<(EffectId, Thing)>,
        order: &[EffectId],
    ) -> Flow<()> {
        things.sort_by_key(|(id, _)| order.iter().position(|other| other == id));
        for (id, thing) in things {
            let lives = self.combat.combatant(who).is_some_and(|it| it.life != Life::Dead);
            match thing {
                Thing::Save if lives => self.save_to_end(who, id)?,
                Thing::Damage if lives => self.damage_of(who, id)?,
                Thing::Save | Thing::Damage => {}
                Thing::Trigger(trigger) => {
                    let mut waiting = self.waiting(who, on).into_iter();
                    if waiting.any(|(it, same)| it == id && same == trigger) {
                        self.pull_trigger(id, &trigger, who, None, false)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Whose spell an effect is of, else the effect itself: the words of one spell have an order of
    /// their own.
    fn doing_of(&self, id: EffectId) -> (Option<CombatantId>, Option<Key>, Option<EffectId>) {
        let effect = self.combat.effects.get(&id);
        let casting = effect.and_then(|effect| effect.template.casting.as_deref());
        match (casting, effect.and_then(|effect| effect.source)) {
            (Some(casting), Some(source)) => (Some(source), Some(casting.spell.clone()), None),
            _ => (None, None, Some(id)),
        }
    }

    fn save_to_end(&mut self, who: CombatantId, id: EffectId) -> Flow<()> {
        let Some(effect) = self.combat.effects.get(&id) else { return Ok(()) };
        let Some(ends) = effect.template.save_ends else { return Ok(()) };
        let (source, ability) = (effect.source, ends.ability);
        let magical = effect.template.casting.as_ref().is_some_and(|it| it.is_magical());
        let against = (source, &effect.template.conditions[..], magical);
        let test = self.view().save_test_against(who, ability, against, Cover::None);
        if self.make_save(who, ability, ends.dc, test, Purpose::Save { ability })? {
            self.overcome(id);
        }
        Ok(())
    }

    /// Ends an effect that was saved against. Who is free of what makes immune to it is immune.
    fn overcome(&mut self, id: EffectId) {
        let Some(effect) = self.combat.effects.get(&id).cloned() else { return };
        self.end(id, EndReason::Saved);
        if let (Some(source), Some(key)) = (effect.source, &effect.template.key) {
            self.make_immune(source, effect.target, key);
        }
    }

    fn damage_of(&mut self, who: CombatantId, id: EffectId) -> Flow<()> {
        let Some(effect) = self.combat.effects.get(&id).cloned() else { return Ok(()) };
        let Some(damage) = &effect.template.damage else { return Ok(()) };
        let saved = match damage.save {
            Some(save) => self.save(who, save.ability, save.dc)?,
            None => false,
        };
        let portion = self.portion(who, damage.save, saved);
        let parts = self.damage_rolled(who, &damage.dice, false)?;
        self.harm(Blow { portion, ..Blow::of(effect.source, who, parts) })?;
        Ok(())
    }
}
