//! What effects do as a turn starts and as it ends, and in which order: those that happen at the
//! same time are put in order by whoever's turn it is (SRD 5.2.1 "Simultaneous Effects").

use std::collections::BTreeSet;

use super::cast::may_harm;
use super::harm::Blow;
use super::{Flow, Resolver};
use crate::Key;
use crate::combat::{Answer, CombatantId, Effect, EffectId, EndReason, Purpose, Question};
use crate::effect::{Edge, Hook, Quality, Trigger};
use crate::space::Cover;

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
        for (id, thing) in self.in_order(who, things)? {
            match thing {
                Thing::Save => self.save_to_end(who, id)?,
                Thing::Damage => self.damage_of(who, id)?,
                Thing::Trigger(trigger) => self.pull_trigger(id, &trigger, who, None, false)?,
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
            effect.template.damage.as_ref().is_some_and(|damage| damage.edge == edge)
        };
        let saves = running().filter(ends).map(|effect| (effect.id, Thing::Save));
        let damage = running().filter(harms).map(|effect| (effect.id, Thing::Damage));
        let triggers = self.waiting(who, on).into_iter();
        saves.chain(damage).chain(triggers.map(|(id, it)| (id, Thing::Trigger(it)))).collect()
    }

    /// In the order that is chosen, effect by effect; asked only where it may matter. Not answered in
    /// time: as they come.
    fn in_order(
        &mut self,
        who: CombatantId,
        mut things: Vec<(EffectId, Thing)>,
    ) -> Flow<Vec<(EffectId, Thing)>> {
        let mut effects: Vec<EffectId> = Vec::new();
        for (id, _) in &things {
            if !effects.contains(id) {
                effects.push(*id);
            }
        }
        let matter = things.iter().filter(|(_, thing)| thing.matters());
        let matter: BTreeSet<_> = matter.map(|(id, _)| self.doing_of(*id)).collect();
        if matter.len() > 1 && effects.len() <= ORDERED {
            let question = Question::EffectOrder { effects: effects.clone() };
            if let Answer::Order { effects: chosen } = self.ask(who, question)? {
                effects = chosen;
            }
        }
        things.sort_by_key(|(id, _)| effects.iter().position(|other| other == id));
        Ok(things)
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
        self.harm(Blow {
            source: effect.source,
            target: who,
            parts,
            portion,
            qualities: &[Quality::Magical],
            critical: false,
            knock_out: false,
        })?;
        Ok(())
    }
}
