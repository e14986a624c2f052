//! Lair actions, on count 20 of the initiative (SRD 5.1 "Lair Actions"). SRD 5.2.1 has none.

use std::sync::Arc;

use super::{Flow, Resolver};
use crate::combat::{CombatantId, Fact, Life, Question};
use crate::content::{Cost, SpecialAction};
use crate::{Key, Switch};

/// The count on which lairs act, after all who have it.
const COUNT: i32 = 20;

impl Resolver<'_> {
    /// The place in the order before which lairs act; its length: when all have had their turns.
    pub(super) fn lair_place(&self) -> usize {
        let order = &self.combat.order;
        let later = |id: &CombatantId| {
            let initiative = self.combat.combatant(*id).and_then(|it| it.initiative);
            initiative.is_some_and(|initiative| initiative < COUNT)
        };
        order.iter().position(later).unwrap_or(order.len())
    }

    /// On count 20 of a round each creature with a lair that was not yet is asked for one lair action,
    /// in the order of names.
    pub(super) fn lairs(&mut self, round: u32) -> Flow<()> {
        if self.combat.rules.is_52(Switch::LairActions) {
            return Ok(());
        }
        let all: Vec<CombatantId> = self.combat.combatants.keys().copied().collect();
        all.into_iter().try_for_each(|who| self.lair_action(who, round))
    }

    /// For who comes when count 20 of the round is over, it is: there is none for it before the next.
    pub(super) fn miss_lairs(&mut self, who: CombatantId) {
        let round = self.combat.round;
        let over = self.combat.turn.is_some_and(|turn| turn >= self.lair_place());
        if over && self.has_lair(who) {
            self.tell(Fact::LairActed { who, round, id: None });
        }
    }

    fn has_lair(&self, who: CombatantId) -> bool {
        let uses = self.combat.combatant(who).map(|it| it.block.uses.as_slice());
        let old = !self.combat.rules.is_52(Switch::LairActions);
        old && uses.unwrap_or_default().iter().any(|action| action.cost == Cost::Lair)
    }

    /// Not what it did the round before. Who cannot act then has let it pass.
    fn lair_action(&mut self, who: CombatantId, round: u32) -> Flow<()> {
        let owner = self.combat.combatant(who).filter(|it| it.life != Life::Dead);
        let Some(combatant) = owner.filter(|_| self.has_lair(who)) else { return Ok(()) };
        let last = combatant.lair.as_ref();
        if last.is_some_and(|last| last.round >= round) {
            return Ok(());
        }
        if !self.may_be_legendary(who) {
            self.tell(Fact::LairActed { who, round, id: None });
            return Ok(());
        }
        let again = last.filter(|last| last.round + 1 == round).and_then(|last| last.id.as_ref());
        let block = Arc::clone(&combatant.block);
        let can = |action: &&SpecialAction| {
            action.cost == Cost::Lair
                && again != Some(&action.use_id)
                && self.view().is_left(who, action).is_ok()
        };
        let options: Vec<Key> =
            block.uses.iter().filter(can).map(|action| action.use_id.clone()).collect();
        if options.is_empty() {
            self.tell(Fact::LairActed { who, round, id: None });
            return Ok(());
        }
        let answer = self.ask(who, Question::LairAction { options })?;
        let used = self.answered_use(who, &block, &answer)?;
        let id = used.as_ref().map(|(action, _)| action.use_id.clone());
        self.tell(Fact::LairActed { who, round, id });
        match used {
            Some((action, prepared)) => self.put_to_work(who, action, prepared),
            None => Ok(()),
        }
    }
}
