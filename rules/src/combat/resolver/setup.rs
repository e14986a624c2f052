//! Who takes part, and in which order (SRD 5.1 "Initiative"; SRD 5.2.1 "Initiative").

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Flow, Resolver};
use crate::combat::view::About;
use crate::combat::{Combatant, CombatantId, EndReason, Fact, Phase, Purpose, Refusal, Test};
use crate::dice::RollMode;
use crate::effect::RollKind;
use crate::{Ability, Switch};

impl Resolver<'_> {
    pub(super) fn add(&mut self, combatant: &Combatant) -> Flow<()> {
        if self.combat.phase == Phase::Ended {
            return Err(Refusal::WrongPhase.into());
        }
        let id = combatant.id;
        if self.combat.combatants.contains_key(&id) {
            return Err(Refusal::KnownCombatant { id }.into());
        }
        self.tell(Fact::CombatantSet { combatant: Arc::new(combatant.clone()) });
        if self.combat.phase == Phase::Running {
            self.roll_initiative(id)?;
            self.put_in_order(id);
        }
        Ok(())
    }

    /// Who comes late takes its place after all with the same count.
    fn put_in_order(&mut self, id: CombatantId) {
        let count = |id: &CombatantId| self.combat.combatant(*id).and_then(|who| who.initiative);
        let mine = count(&id);
        let mut order = self.combat.order.clone();
        let at = order.iter().position(|other| count(other) < mine).unwrap_or(order.len());
        order.insert(at, id);
        let active = self.combat.active();
        self.tell(Fact::OrderSet { order });
        self.keep_turn(active);
    }

    /// The turn stays with whom it was, wherever the order put it.
    fn keep_turn(&mut self, active: Option<CombatantId>) {
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
        let active = self.combat.active() == Some(id);
        self.tell(Fact::CombatantRemoved { id });
        if active { self.next_turn() } else { Ok(()) }
    }

    /// Everybody rolls, and the first turn begins.
    pub(super) fn begin(&mut self) -> Flow<()> {
        if !matches!(self.combat.phase, Phase::Setup | Phase::RollingInitiative) {
            return Err(Refusal::WrongPhase.into());
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
        self.next_turn()
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
        let tested = self.throw(|dice| test.roll(dice));
        let initiative = i32::try_from(tested.roll.total).unwrap_or(i32::MAX);
        self.rolled(who, Purpose::Initiative, tested.roll);
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
