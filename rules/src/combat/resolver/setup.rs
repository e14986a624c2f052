//! Who takes part, and in which order (SRD 5.1 "Initiative"; SRD 5.2.1 "Initiative").

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Flow, Resolver};
use crate::combat::view::About;
use crate::combat::{
    Combatant, CombatantId, Effect, EndReason, Fact, Life, Phase, Point, Purpose, Refusal, Test,
};
use crate::dice::RollMode;
use crate::effect::{
    Duration, Edge, EffectTemplate, Modifier, ModifierKind, RollKind, Which, Whose,
};
use crate::{Ability, Switch};

/// More hit points than any creature has.
pub(super) const MOST_HIT_POINTS: i32 = 100_000;

impl Resolver<'_> {
    pub(super) fn add(&mut self, combatant: &Combatant) -> Flow<()> {
        let id = combatant.id;
        if self.combat.combatants.contains_key(&id) {
            return Err(Refusal::KnownCombatant { id }.into());
        }
        self.fits(combatant)?;
        self.tell(Fact::CombatantSet { combatant: Arc::new(combatant.clone()) });
        if self.combat.phase == Phase::Running {
            self.roll_initiative(id)?;
            self.put_in_order(id);
            let active = self.combat.active().and_then(|active| self.combat.combatant(active));
            if active.is_none_or(|active| active.life == Life::Dead) {
                return self.next_turn();
            }
        }
        Ok(())
    }

    /// That somebody can be as it is said to be: hit points within bounds, concentrating on nothing
    /// yet, on the map, in nobody's space (swarms excepted: SRD 5.1 and SRD 5.2.1 "Swarm").
    fn fits(&self, combatant: &Combatant) -> Result<(), Refusal> {
        let hp = combatant.hp;
        let bounds = 0..=MOST_HIT_POINTS;
        let sound = bounds.contains(&hp.max) && bounds.contains(&hp.temp);
        if !sound || !(0..=hp.max).contains(&hp.current) || combatant.concentration.is_some() {
            return Err(Refusal::InvalidCombatant);
        }
        let Some(space) = combatant.space() else { return Ok(()) };
        let at = Some(space.place.square);
        let terrain = self.view().terrain();
        let footprint = space.footprint();
        let swarm = combatant.is_swarm();
        let taken = self.combat.combatants.values().any(|other| {
            other.life != Life::Dead
                && !(swarm || other.is_swarm())
                && other.space().is_some_and(|other| other.overlaps(space))
        });
        if taken || terrain.outside(footprint).is_some() || terrain.filled(footprint).is_some() {
            return Err(Refusal::InvalidPath { at });
        }
        Ok(())
    }

    /// Who comes late takes its place after all with the same count; who comes back, its old one.
    fn put_in_order(&mut self, id: CombatantId) {
        if self.combat.order.contains(&id) {
            return;
        }
        let count = |id: &CombatantId| self.combat.combatant(*id).and_then(|who| who.initiative);
        let mine = count(&id);
        let mut order = self.combat.order.clone();
        let after = |other: &CombatantId| count(other).is_some_and(|count| Some(count) < mine);
        let at = order.iter().position(after).unwrap_or(order.len());
        order.insert(at, id);
        let active = self.combat.active();
        self.tell(Fact::OrderSet { order });
        self.keep_turn(active);
    }

    /// The turn stays with whom it was, wherever the order put it.
    pub(super) fn keep_turn(&mut self, active: Option<CombatantId>) {
        let place = self.combat.order.iter().position(|id| Some(*id) == active);
        if let (Some(turn), true) = (place, place != self.combat.turn) {
            self.tell(Fact::TurnMoved { turn });
        }
    }

    pub(super) fn remove(&mut self, id: CombatantId) -> Flow<()> {
        self.combatant(id)?;
        self.lose_concentration(id);
        let on: Vec<_> = self.combat.effects_on(id).map(|effect| effect.id).collect();
        for effect in on {
            self.end(effect, EndReason::Over);
        }
        if self.combat.active() == Some(id) {
            self.expire(id, Point::Within);
            self.expire(id, Point::End);
            self.tell(Fact::CombatantRemoved { id });
            self.next_turn()?;
        } else {
            self.tell(Fact::CombatantRemoved { id });
        }
        self.give_up_place(id);
        Ok(())
    }

    /// The place in the order of who left, unless effects count on it.
    fn give_up_place(&mut self, id: CombatantId) {
        let active = self.combat.active();
        let needed = |effect: &Arc<Effect>| effect.ends.is_some_and(|ends| ends.of == id);
        if active == Some(id) || self.combat.effects.values().any(needed) {
            return;
        }
        let order = self.combat.order.iter().copied().filter(|other| *other != id).collect();
        self.tell(Fact::OrderSet { order });
        self.keep_turn(active);
    }

    /// Everybody rolls, and the first turn begins.
    pub(super) fn begin(&mut self) -> Flow<()> {
        if !matches!(self.combat.phase, Phase::Setup | Phase::RollingInitiative) {
            return Err(Refusal::WrongPhase.into());
        }
        if self.combat.combatants.is_empty() {
            return Err(Refusal::NothingToDo.into());
        }
        let all: Vec<CombatantId> = self.combat.combatants.keys().copied().collect();
        let mut shared = BTreeMap::new();
        for id in &all {
            let combatant = self.combatant(*id)?;
            if combatant.initiative.is_some() {
                continue;
            }
            let group = combatant.group.clone();
            match group.as_ref().and_then(|group| shared.get(group)).copied() {
                Some(initiative) => self.tell(Fact::InitiativeSet { who: *id, initiative }),
                None => {
                    let initiative = self.roll_initiative(*id)?;
                    shared.extend(group.map(|group| (group, initiative)));
                }
            }
        }
        let order = self.ordered(all);
        self.tell(Fact::OrderSet { order });
        self.tell(Fact::PhaseChanged { phase: Phase::Running });
        self.surprise();
        self.next_turn()
    }

    /// 5.1: the surprised do nothing in their first turn, and do not react until it ends (SRD 5.1
    /// "Surprise"). In 5.2 surprise is told by the roll of initiative alone.
    fn surprise(&mut self) {
        if self.combat.rules.is_52(Switch::Surprise) {
            return;
        }
        let surprised = self.combat.combatants.values().filter(|who| who.surprised);
        let surprised: Vec<CombatantId> = surprised.map(|who| who.id).collect();
        let until = Duration::Until { edge: Edge::End, whose: Whose::Target, which: Which::Next };
        let kinds = [ModifierKind::CannotAct, ModifierKind::CannotReact, ModifierKind::CannotMove];
        let template = Arc::new(EffectTemplate {
            modifiers: kinds.into_iter().map(Modifier::of).collect(),
            ..EffectTemplate::named("Surprised", until)
        });
        for who in surprised {
            self.put(&template, None, who, None);
        }
    }

    fn roll_initiative(&mut self, who: CombatantId) -> Flow<i32> {
        let combatant = self.combatant(who)?;
        if let Some(initiative) = combatant.initiative {
            return Ok(initiative);
        }
        let mut test = Test::new(combatant.block.initiative(), Ability::Dex.name());
        if combatant.surprised && self.combat.rules.is_52(Switch::Surprise) {
            test.reason(RollMode::Disadvantage, "surprised", None);
        }
        let about = About {
            kinds: &[RollKind::Check, RollKind::Initiative],
            ability: Some(Ability::Dex),
            ..About::default()
        };
        self.view().consult(&mut test, who, about);
        let tested = self.test(who, Purpose::Initiative, test)?;
        let initiative = i32::try_from(tested.roll.total).unwrap_or(i32::MAX);
        self.tell(Fact::InitiativeSet { who, initiative });
        Ok(initiative)
    }

    /// Highest first; of equal counts the higher Dexterity, then a throw of dice.
    fn ordered(&mut self, all: Vec<CombatantId>) -> Vec<CombatantId> {
        let count = |id: CombatantId, combat: &crate::combat::Combat| {
            let who = combat.combatant(id);
            let dexterity = who.map_or(0, |who| who.block.abilities.dex);
            (who.and_then(|who| who.initiative).unwrap_or(0), dexterity)
        };
        let counts: Vec<_> = all.iter().map(|id| count(*id, &self.combat)).collect();
        let tied = |mine: &(i32, u8)| counts.iter().filter(|other| *other == mine).count() > 1;
        let mut keyed = Vec::with_capacity(all.len());
        for (id, mine) in all.into_iter().zip(&counts) {
            let luck = if tied(mine) { self.throw(|dice| dice.roll(20)) } else { 0 };
            keyed.push((Reverse((*mine, luck)), id));
        }
        keyed.sort();
        keyed.into_iter().map(|(_, id)| id).collect()
    }
}
