//! What legendary creatures do between turns and against failed saves; parrying (SRD 5.1
//! "Legendary Creatures", "Reactions"; SRD 5.2.1 "Monsters", "Legendary Actions", "Parry").

use std::sync::Arc;

use super::special::{Aim, Prepared};
use super::{Flow, Resolver};
use crate::combat::view::Strike;
use crate::combat::{Answer, Combatant, CombatantId, Economy, Fact, Life, Question, Refusal};
use crate::content::{Cost, Legendary, SpecialAction, StatBlock};
use crate::effect::ModifierKind;
use crate::{Ability, Key};

/// What legendary actions are counted under.
const LEGENDARY_ACTIONS: &str = "legendary-actions";

/// What saves turned into successes are counted under, and the answer that turns one.
pub const LEGENDARY_RESISTANCE: &str = "legendary-resistance";

impl Resolver<'_> {
    /// As a turn is over, each legendary creature is asked for one legendary action, in the order of
    /// names.
    pub(super) fn legends(&mut self, ended: CombatantId) -> Flow<()> {
        let all: Vec<CombatantId> = self.combat.combatants.keys().copied().collect();
        for who in all {
            if who != ended {
                self.legendary_action(who)?;
            }
        }
        Ok(())
    }

    fn legendary_action(&mut self, who: CombatantId) -> Flow<()> {
        let combatant = self.combatant(who)?;
        let block = Arc::clone(&combatant.block);
        let most = block.legendary.and_then(|it| it.actions).unwrap_or(0);
        let spent = spent(combatant, LEGENDARY_ACTIONS);
        let left = most.saturating_sub(spent);
        if left == 0 || !self.may_be_legendary(who) {
            return Ok(());
        }
        let can = |action: &&SpecialAction| {
            action.cost == Cost::Legendary
                && action.legendary_cost.unwrap_or(1) <= left
                && self.view().is_left(who, action).is_ok()
        };
        let options: Vec<Key> =
            block.uses.iter().filter(can).map(|action| action.use_id.clone()).collect();
        if options.is_empty() {
            return Ok(());
        }
        let answer = self.ask(who, Question::LegendaryAction { options, left })?;
        let Some((action, prepared)) = self.answered_use(who, &block, &answer)? else {
            return Ok(());
        };
        let cost = action.legendary_cost.unwrap_or(1);
        self.count(who, LEGENDARY_ACTIONS, spent.saturating_add(cost));
        self.put_to_work(who, action, prepared)
    }

    /// The use that a creature answers with, all it needs checked; none: it uses nothing.
    pub(super) fn answered_use<'b>(
        &self,
        who: CombatantId,
        block: &'b StatBlock,
        answer: &Answer,
    ) -> Flow<Option<(&'b SpecialAction, Prepared)>> {
        let Answer::Use { id, targets, at, direction, option, path, choices } = answer else {
            return Ok(None);
        };
        let action = block.uses.iter().find(|action| action.use_id == *id);
        let action = action.ok_or(Refusal::UnknownUse)?;
        let (at, direction, option) = (*at, *direction, option.as_ref());
        let aim = Aim { targets, at, direction, option, path, choices };
        Ok(Some((action, self.prepare(who, action, aim)?)))
    }

    /// It is there, awake and able: who is surprised is not, until its first turn ends (SRD 5.1
    /// "Legendary Actions", "Lair Actions").
    pub(super) fn may_be_legendary(&self, who: CombatantId) -> bool {
        let alive = self.combat.combatant(who).is_some_and(|it| it.life == Life::Alive);
        alive && !self.view().is(who, ModifierKind::CannotAct)
    }

    /// Legendary actions come back as its turn starts.
    pub(super) fn restore_legendary(&mut self, who: CombatantId) {
        if self.combat.combatant(who).is_some_and(|who| spent(who, LEGENDARY_ACTIONS) > 0) {
            self.count(who, LEGENDARY_ACTIONS, 0);
        }
    }

    /// Whether a creature turns a save that it failed into a success.
    pub(super) fn resists(&mut self, who: CombatantId, ability: Ability, dc: i32) -> Flow<bool> {
        let Some(combatant) = self.combat.combatant(who) else { return Ok(false) };
        let Some(Legendary { resistances: Some(most), .. }) = combatant.block.legendary else {
            return Ok(false);
        };
        let spent = spent(combatant, LEGENDARY_RESISTANCE);
        let left = most.saturating_sub(spent);
        if left == 0 || combatant.life != Life::Alive {
            return Ok(false);
        }
        let question = Question::LegendaryResistance { ability, dc, left };
        let Answer::React { .. } = self.ask(who, question)? else { return Ok(false) };
        self.count(who, LEGENDARY_RESISTANCE, spent.saturating_add(1));
        Ok(true)
    }

    fn count(&mut self, who: CombatantId, what: &str, spent: u8) {
        if let Ok(id) = Key::parse(what) {
            self.tell(Fact::UsesSet { who, id, spent });
        }
    }

    /// A melee attack that would hit may be parried by who sees it coming: the Armor Class then, and
    /// whether it still hits. Who could not turn it is not asked.
    pub(super) fn parried(&mut self, strike: Strike<'_>, total: i64, ac: i32) -> Flow<(i32, bool)> {
        let Strike { attacker, target, ranged, .. } = strike;
        let Some(combatant) = self.combat.combatant(target) else { return Ok((ac, true)) };
        let able = combatant.life == Life::Alive
            && combatant.economy.reaction
            && !ranged
            && !self.view().is(target, ModifierKind::CannotReact)
            && self.view().sees(target, attacker);
        let adds = |action: &SpecialAction| {
            let adds = self.view().detail(target, &action.use_id)?.parry?;
            let turns = total < i64::from(ac.saturating_add(adds));
            (able && turns && action.cost == Cost::Reaction).then_some(adds)
        };
        let options: Vec<(Key, i32)> = combatant
            .block
            .uses
            .iter()
            .filter_map(|action| Some((action.use_id.clone(), adds(action)?)))
            .collect();
        if options.is_empty() {
            return Ok((ac, true));
        }
        let keys = options.iter().map(|(key, _)| key.clone()).collect();
        let question = Question::Parry { attacker, total, options: keys };
        let Answer::React { option } = self.ask(target, question)? else {
            return Ok((ac, true));
        };
        let added = options.iter().find(|(key, _)| *key == option).map_or(0, |(_, adds)| *adds);
        self.react(target)?;
        self.tell(Fact::ActionUsed { who: target, id: option, targets: vec![attacker] });
        let ac = ac.saturating_add(added);
        Ok((ac, total >= i64::from(ac)))
    }

    /// Takes a creature's reaction.
    pub(super) fn react(&mut self, who: CombatantId) -> Flow<()> {
        let economy = Economy { reaction: false, ..self.combatant(who)?.economy.clone() };
        self.tell(Fact::EconomySet { who, economy });
        Ok(())
    }
}

fn spent(combatant: &Combatant, what: &str) -> u8 {
    combatant.spent.get(what).copied().unwrap_or(0)
}
