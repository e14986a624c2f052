//! Things prepared for when something happens (SRD 5.1 "Ready"; SRD 5.2.1 "Ready").
//!
//! What happens is taken from the facts told and from steps made; who waited for it is asked after
//! it, and acts then as in a turn of its own of which nothing but that is left.

use super::{Flow, Halt, Resolver, casting};
use crate::combat::{
    Answer, Awaited, Combatant, CombatantId, Command, Economy, EndReason, Fact, Happening, Life,
    Question, Readied, Refusal,
};
use crate::effect::ModifierKind;
use crate::space::{Space, distance_ft};

impl Resolver<'_> {
    /// Prepares something, as an action.
    pub(super) fn ready(
        &mut self,
        who: CombatantId,
        trigger: &Awaited,
        action: &Command,
    ) -> Flow<()> {
        self.on_its_turn(who)?;
        if readied_by(action) != Some(who) {
            return Err(Refusal::CannotReady.into());
        }
        for awaited in &trigger.who {
            self.combatant(*awaited)?;
        }
        if let Some((_, spell, asked, by)) = casting(action) {
            if by.ritual || by.item.is_some() {
                return Err(Refusal::CannotReady.into());
            }
            self.hold_spell(who, spell, asked)?;
        } else {
            self.spend_action(who)?;
        }
        let readied = Readied { trigger: trigger.clone(), action: action.clone() };
        self.tell(Fact::ReadiedSet { who, readied: Some(Box::new(readied)) });
        Ok(())
    }

    /// What only people see happens: it is done at once, as a reaction.
    pub(super) fn happens(&mut self, who: CombatantId) -> Flow<()> {
        let readied = self.combatant(who)?.readied.as_ref();
        if readied.is_none_or(|it| it.trigger.on != Happening::Custom) {
            return Err(Refusal::CannotReady.into());
        }
        if !self.may_react(who) {
            let condition = self.view().kept_by(who, ModifierKind::CannotReact);
            return Err(Refusal::CannotAct { condition }.into());
        }
        self.do_readied(who)
    }

    /// Whether somebody has a reaction left and can take it.
    pub(super) fn may_react(&self, who: CombatantId) -> bool {
        self.combat.combatant(who).is_some_and(|it| {
            it.life == Life::Alive
                && it.economy.reaction
                && !self.view().is(who, ModifierKind::CannotReact)
        })
    }

    /// Keeps in mind what somebody may wait for.
    pub(super) fn notice(&mut self, fact: &Fact) {
        let happened = match fact {
            Fact::AttackMade { attacker, .. } | Fact::GuessMissed { attacker, .. } => {
                Some((Happening::Attacks, *attacker))
            }
            Fact::Damaged { target, parts, .. } if parts.iter().any(|part| part.applied > 0) => {
                Some((Happening::IsDamaged, *target))
            }
            Fact::SpellCast { who, .. } => Some((Happening::Casts, *who)),
            Fact::TurnStarted { who, .. } => Some((Happening::TurnStart, *who)),
            Fact::TurnEnded { who } => Some((Happening::TurnEnd, *who)),
            _ => None,
        };
        let waits = |it: &std::sync::Arc<Combatant>| it.readied.is_some();
        if happened.is_some() && self.combat.combatants.values().any(waits) {
            self.happened.extend(happened);
        }
    }

    /// Keeps in mind whose reach a step entered or left.
    pub(super) fn notice_step(&mut self, who: CombatantId, was: Option<Space>) {
        let is = self.combat.combatant(who).and_then(Combatant::space);
        let (Some(was), Some(is)) = (was, is) else { return };
        let diagonals = self.view().diagonals();
        let mut passed = Vec::new();
        for other in self.combat.combatants.values().filter(|other| other.readied.is_some()) {
            let space = self.view().space_for(other).filter(|_| other.id != who);
            let Some(space) = space else { continue };
            let reach_ft = self.grip_ft(other.id);
            let within = |of| distance_ft(of, space, diagonals) <= reach_ft;
            match (within(was), within(is)) {
                (false, true) => passed.push((Happening::EntersReach, who)),
                (true, false) => passed.push((Happening::LeavesReach, who)),
                _ => {}
            }
        }
        passed.dedup();
        self.happened.extend(passed);
    }

    /// Asks those who waited for what happened.
    pub(super) fn answer_readied(&mut self) -> Flow<()> {
        while let Some((on, target)) = self.happened.pop_front() {
            let all: Vec<CombatantId> = self.combat.combatants.keys().copied().collect();
            for who in all {
                if who == target || !self.may_react(who) || !self.waits_for(who, on, target) {
                    continue;
                }
                let question = Question::Readied { target, on };
                if let Answer::React { .. } = self.ask(who, question)? {
                    self.do_readied(who)?;
                }
            }
        }
        Ok(())
    }

    fn waits_for(&self, who: CombatantId, on: Happening, target: CombatantId) -> bool {
        let combatant = self.combat.combatant(who);
        let Some(readied) = combatant.and_then(|it| it.readied.as_ref()) else { return false };
        let trigger = &readied.trigger;
        let near = |feet| self.view().distance_ft(who, target) <= feet;
        let reach = matches!(on, Happening::EntersReach | Happening::LeavesReach);
        trigger.on == on
            && self.view().sees(who, target)
            && (trigger.who.is_empty() || trigger.who.contains(&target))
            && trigger.within_ft.is_none_or(near)
            && (!reach || (on == Happening::EntersReach) == near(self.grip_ft(who)))
    }

    /// Does what was prepared. What turns out to be impossible takes no reaction.
    fn do_readied(&mut self, who: CombatantId) -> Flow<()> {
        let combatant = self.combatant(who)?;
        let (before, readied) = (combatant.economy.clone(), combatant.readied.clone());
        let Some(prepared) = readied.clone() else { return Ok(()) };
        let held = match &prepared.action {
            Command::Cast { spell, .. } => match self.held_spell(who, spell) {
                Some(held) => Some(held),
                // Its concentration was broken: the spell is lost.
                None => {
                    self.tell(Fact::ReadiedSet { who, readied: None });
                    return Ok(());
                }
            },
            _ => None,
        };
        let acting = Economy { action: true, ..Economy::nothing() };
        self.tell(Fact::ReadiedSet { who, readied: None });
        self.tell(Fact::EconomySet { who, economy: acting });
        let outer = self.reacting.replace(who);
        let done = self.obey(&prepared.action);
        self.reacting = outer;
        match done {
            Err(Halt::Refuse(_)) => {
                self.tell(Fact::EconomySet { who, economy: before });
                self.tell(Fact::ReadiedSet { who, readied });
            }
            Err(ask @ Halt::Ask(_)) => return Err(ask),
            Ok(()) => {
                if let Some(held) = held {
                    self.end(held, EndReason::Over);
                }
                let economy = Economy { reaction: false, ..before };
                self.tell(Fact::EconomySet { who, economy });
            }
        }
        Ok(())
    }
}

/// Who does this, if it can be prepared.
fn readied_by(action: &Command) -> Option<CombatantId> {
    match action {
        Command::Attack { who, .. }
        | Command::AttackAt { who, .. }
        | Command::Cast { who, .. }
        | Command::UseAction { who, .. }
        | Command::Dash { who, .. }
        | Command::Disengage { who }
        | Command::Dodge { who }
        | Command::Help { who, .. }
        | Command::Hide { who }
        | Command::TrySkill { who, .. }
        | Command::UseObject { who, .. }
        | Command::Grapple { who, .. }
        | Command::Shove { who, .. }
        | Command::Interact { who, .. }
        | Command::Stabilize { who, .. }
        | Command::Move { who, .. }
        | Command::Jump { who, .. }
        | Command::Escape { who, .. }
        | Command::UseEffect { who, .. }
        | Command::StandUp { who } => Some(*who),
        _ => None,
    }
}
