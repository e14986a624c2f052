//! Special actions of a stat block (SRD 5.1 "Monsters", "Actions", "Limited Usage"; SRD 5.2.1
//! "Monsters", "Actions", "Limited Usage").

use std::collections::BTreeSet;
use std::sync::Arc;

use super::harm::Follows;
use super::special::Aim;
use super::{Flow, Resolver};
use crate::Key;
use crate::combat::{CombatantId, Economy, Fact, Life, Phase, Purpose, Refusal};
use crate::content::{Area as Spec, Cost, Recover, SpecialAction};
use crate::effect::ModifierKind;
use crate::recharge::recharges;
use crate::space::{Area, Cover, Square, distance_ft, point_cover};

/// How far what has no range reaches.
const REACH_FT: i32 = 5;

impl Resolver<'_> {
    /// A special action: in its own turn, unless it is a reaction.
    pub(super) fn use_action(&mut self, who: CombatantId, id: &Key, aim: Aim<'_>) -> Flow<()> {
        if self.reacting.is_none() && self.combatant(who)?.is_reaction(id) {
            return self.use_reaction(who, id, aim);
        }
        self.on_its_turn(who)?;
        let combatant = self.combatant(who)?;
        let block = Arc::clone(&combatant.block);
        let action = block.uses.iter().find(|action| action.use_id == *id);
        let action = action.ok_or(Refusal::UnknownUse)?;
        self.view().is_left(who, action)?;
        let economy = match action.cost {
            Cost::Action if self.view().has_chosen_bonus_action(who) => None,
            Cost::Action => combatant.after_making(id),
            Cost::BonusAction if self.view().bonus_action_left(who) => {
                Some(Economy { bonus_action: false, ..combatant.economy.clone() })
            }
            Cost::BonusAction => None,
            // What has no limit happens by itself: bursts of the dying.
            Cost::Free if action.is_limited() => Some(combatant.economy.clone()),
            Cost::Free | Cost::Reaction | Cost::Legendary | Cost::Lair => {
                return Err(Refusal::NotAnAction.into());
            }
        };
        let economy = economy.ok_or(Refusal::NoActionLeft)?;
        let prepared = self.prepare(who, action, aim)?;
        self.tell(Fact::EconomySet { who, economy });
        self.put_to_work(who, action, prepared)
    }

    /// A reaction whose moment only people see (SRD 5.1 "Reactions"; SRD 5.2.1 same). What the rules
    /// ask about by themselves, parries and spells cast in reaction, is answered there.
    fn use_reaction(&mut self, who: CombatantId, id: &Key, aim: Aim<'_>) -> Flow<()> {
        if self.combat.phase != Phase::Running {
            return Err(Refusal::WrongPhase.into());
        }
        let combatant = self.combatant(who)?;
        let block = Arc::clone(&combatant.block);
        let action = block.uses.iter().find(|action| action.use_id == *id);
        let action = action.ok_or(Refusal::UnknownUse)?;
        let detail = self.view().detail(who, id);
        if detail.is_some_and(|it| it.parry.is_some() || !it.casts.is_empty()) {
            return Err(Refusal::NotAnAction.into());
        }
        if !self.may_react(who) {
            let kept = self.view().is(who, ModifierKind::CannotReact);
            if combatant.life == Life::Alive && !kept {
                return Err(Refusal::NoActionLeft.into());
            }
            let condition = self.view().kept_by(who, ModifierKind::CannotReact);
            return Err(Refusal::CannotAct { condition }.into());
        }
        self.view().is_left(who, action)?;
        let prepared = self.prepare(who, action, aim)?;
        self.react(who)?;
        self.put_to_work(who, action, prepared)
    }

    /// Damage is rolled once for all; each makes its own save.
    pub(super) fn work(
        &mut self,
        who: CombatantId,
        action: &SpecialAction,
        targets: &[(CombatantId, Cover)],
    ) -> Flow<()> {
        let parts = self.damage_rolled(who, &action.damage, false)?;
        let healing = match &action.healing {
            Some(healing) => {
                let roll = self.roll(who, Purpose::Healing, |dice| healing.roll(dice))?;
                i32::try_from(roll.total.max(0)).unwrap_or(i32::MAX)
            }
            None => 0,
        };
        let mut follows = Follows {
            cover: Cover::None,
            by: &action.use_id,
            save: action.save,
            fail: action.fail.as_ref(),
            success: action.success.as_ref(),
            always: action.always.as_ref(),
        };
        for (target, cover) in targets {
            follows.cover = *cover;
            if healing > 0 {
                let most = self.view().is(*target, ModifierKind::HealsMost);
                let greatest = action.healing.as_ref().filter(|_| most).and_then(|it| it.maximum());
                let greatest = greatest.and_then(|it| i32::try_from(it).ok());
                self.heal(*target, greatest.unwrap_or(healing));
            }
            self.afflict(who, *target, &parts, follows)?;
        }
        Ok(())
    }

    /// Whom an area affects: everybody in it, the dead excepted.
    pub(super) fn in_area(
        &self,
        who: CombatantId,
        action: &SpecialAction,
        spec: &Spec,
        (at, direction): (Option<Square>, Option<Square>),
    ) -> Result<Vec<(CombatantId, Cover)>, Refusal> {
        let creator = self.view().space_of(who).ok_or(Refusal::InvalidArea)?;
        if let (Some(at), Some(range_ft)) = (at, action.range_ft) {
            let there = creator.square(at);
            let distance_ft = distance_ft(creator, there, self.view().diagonals());
            if distance_ft > range_ft {
                return Err(Refusal::OutOfRange { distance_ft, range_ft });
            }
        }
        let spec = Spec {
            at: at.map(Into::into).or(spec.at),
            direction: direction.map(Into::into).or(spec.direction),
            ..*spec
        };
        let area = Area::placed(&spec, creator).map_err(|_| Refusal::InvalidArea)?;
        let (terrain, policy) = (self.view().terrain(), self.combat.rules.area_squares);
        let mut affected = Vec::new();
        for combatant in self.combat.combatants.values() {
            let Some(space) = self.view().space_for(combatant) else { continue };
            let reached = area.affects(&terrain, policy, space)
                && !self.view().is_shut_off(who, combatant.id);
            if combatant.life != Life::Dead && reached {
                let squares = space.footprint().squares();
                let cover = squares.map(|at| point_cover(&terrain, &[], area.origin, at)).min();
                affected.push((combatant.id, cover.unwrap_or_default()));
            }
        }
        Ok(affected)
    }

    /// The creatures chosen, each within range and in line; itself where nobody is to be chosen.
    pub(super) fn chosen(
        &self,
        who: CombatantId,
        action: &SpecialAction,
        targets: &[CombatantId],
    ) -> Result<Vec<(CombatantId, Cover)>, Refusal> {
        let harms = !action.damage.is_empty() || action.save.is_some();
        let most = match action.targets {
            Some(most) => usize::from(most),
            None => usize::from(harms),
        };
        if most == 0 && targets.is_empty() {
            return Ok(vec![(who, Cover::None)]);
        }
        let different: BTreeSet<&CombatantId> = targets.iter().collect();
        if targets.is_empty() || targets.len() > most || different.len() < targets.len() {
            return Err(Refusal::TargetCount { most });
        }
        let mut reached = Vec::with_capacity(targets.len());
        for target in targets {
            if self.combatant(*target)?.life == Life::Dead || self.view().is_elsewhere(who, *target)
            {
                return Err(Refusal::InvalidTarget);
            }
            let distance_ft = self.view().distance_ft(who, *target);
            let range_ft = action.range_ft.unwrap_or(REACH_FT);
            if distance_ft > range_ft {
                return Err(Refusal::OutOfRange { distance_ft, range_ft });
            }
            let detail = self.view().detail(who, &action.use_id);
            let required = detail.and_then(|it| it.targets.as_ref());
            let meets = required.is_none_or(|it| self.view().meets(it, who, *target));
            if !meets || self.view().is_immune_to(who, *target, &action.use_id) {
                return Err(Refusal::InvalidTarget);
            }
            if harms && self.view().is_charmed_by(who, *target) {
                return Err(Refusal::CharmedByTarget);
            }
            let cover = self.view().cover(who, *target);
            if cover == Cover::Total {
                return Err(Refusal::NoLineOfEffect);
            }
            reached.push((*target, cover));
        }
        Ok(reached)
    }

    /// Pools that fill each turn, and a d6 for each spent use that may come back, as its user's turn
    /// starts.
    pub(super) fn recharge(&mut self, who: CombatantId) -> Flow<()> {
        let combatant = self.combatant(who)?;
        let (block, spent) = (Arc::clone(&combatant.block), combatant.spent.clone());
        for (id, pool) in &block.resources {
            let some_spent = spent.get(id).is_some_and(|spent| *spent > 0);
            if pool.recover == Some(Recover::Turn) && some_spent {
                self.tell(Fact::UsesSet { who, id: id.clone(), spent: 0 });
            }
        }
        let mut thrown = BTreeSet::new();
        for action in &block.uses {
            let (id, _) = self.view().limit(who, action);
            if spent.get(&id).is_none_or(|spent| *spent == 0) {
                continue;
            }
            if self.view().detail(who, &action.use_id).is_some_and(|it| it.once_per_round) {
                self.tell(Fact::UsesSet { who, id: id.clone(), spent: 0 });
            }
            // What is spent together comes back together.
            let Some(least) = action.recharge.filter(|_| thrown.insert(id.clone())) else {
                continue;
            };
            let purpose = Purpose::Recharge { id: id.clone() };
            let roll = self.roll(who, purpose, |dice| crate::dice::Roll::plain(6, dice))?;
            if recharges(least, roll.natural) {
                self.tell(Fact::UsesSet { who, id: id.clone(), spent: 0 });
            }
        }
        Ok(())
    }

    /// What a creature does as it dies: it bursts, and whoever is near saves against it (SRD 5.1
    /// and SRD 5.2.1 "Mephits").
    pub(super) fn burst(&mut self, who: CombatantId) -> Flow<()> {
        let block = Arc::clone(&self.combatant(who)?.block);
        for action in block.uses.iter().filter(|action| action.cost == Cost::Free) {
            if let Some(area) = &action.area {
                self.burst_with(who, action, area)?;
            }
        }
        Ok(())
    }

    /// One burst: whoever else is in its area.
    pub(super) fn burst_with(
        &mut self,
        who: CombatantId,
        action: &SpecialAction,
        area: &Spec,
    ) -> Flow<()> {
        let Ok(mut targets) = self.in_area(who, action, area, (None, None)) else { return Ok(()) };
        targets.retain(|(target, _)| *target != who);
        let affected = targets.iter().map(|(target, _)| *target).collect();
        let id = action.use_id.clone();
        self.tell(Fact::ActionUsed { who, id, targets: affected });
        self.work(who, action, &targets)
    }
}
