//! Turns and rounds (SRD 5.1 "The Order of Combat"; SRD 5.2.1 same).
//!
//! Start of a turn: what lasts until it ends → actions and reaction come back → recharge → saves and damage
//! of the start → death save → counted rounds end. End: saves that end effects → damage → what
//! lasts until then ends.

use super::{Flow, Resolver};
use crate::Switch;
use crate::combat::{
    Combatant, CombatantId, CombatantKind, Economy, EndReason, Fact, Life, Phase, Point, Purpose,
    Refusal, after_death_save, death_save,
};
use crate::effect::{Edge, ModifierKind};
use crate::space::falls_for_room;

impl Resolver<'_> {
    /// That it is this creature's turn, and that it can act.
    pub(super) fn on_its_turn(&self, who: CombatantId) -> Result<(), Refusal> {
        self.in_its_turn(who)?;
        if self.combatant(who)?.life != Life::Alive || self.view().is(who, ModifierKind::CannotAct)
        {
            let condition = self.view().kept_by(who, ModifierKind::CannotAct);
            return Err(Refusal::CannotAct { condition });
        }
        Ok(())
    }

    /// That it is this creature's turn.
    pub(super) fn in_its_turn(&self, who: CombatantId) -> Result<(), Refusal> {
        if self.combat.phase != Phase::Running {
            return Err(Refusal::WrongPhase);
        }
        self.combatant(who)?;
        let active = self.combat.active();
        let its = self.reacting.map_or(active, Some);
        if its == Some(who) || (its.is_some() && its == self.view().controlled_by(who)) {
            Ok(())
        } else {
            Err(Refusal::NotItsTurn { active })
        }
    }

    pub(super) fn end_turn(&mut self, who: CombatantId) -> Flow<()> {
        self.in_its_turn(who)?;
        self.close_turn(who)?;
        // Who was called and is gone at the end of its turn has left it to the next.
        if self.combat.combatant(who).is_some() { self.next_turn() } else { Ok(()) }
    }

    fn close_turn(&mut self, who: CombatantId) -> Flow<()> {
        let all: Vec<CombatantId> = self.combat.combatants.keys().copied().collect();
        for other in all {
            self.come_down(other)?;
        }
        self.wind_up(who)?;
        if let Some(mount) = self.view().controlled(who) {
            self.rest_of_mount(mount)?;
        }
        self.tell(Fact::TurnEnded { who });
        self.expire(who, Point::End);
        self.settle()?;
        if self.combat.combatant(who).is_none() {
            return Ok(());
        }
        self.answer_readied()?;
        self.keep_reaction(who);
        self.legends(who)
    }

    /// What is done as a turn ends.
    pub(super) fn wind_up(&mut self, who: CombatantId) -> Flow<()> {
        self.come_down(who)?;
        self.edge(who, Edge::End)?;
        self.auras(who, Edge::End)?;
        self.breathe(who)?;
        self.lose_footing(who);
        Ok(())
    }

    /// Who ends its turn in the space of another that is not smaller falls (SRD 5.2.1 "Moving around
    /// Other Creatures"); who rides, or is in another, or shares spaces is where it belongs.
    fn lose_footing(&mut self, who: CombatantId) {
        let rule = self.combat.rules.edition(Switch::ForcedShare);
        let apart = |it: &Combatant| {
            it.life != Life::Dead && !self.view().is_inside(it.id) && !self.passing(it).shares
        };
        let Some(one) = self.combat.combatant(who).filter(|it| apart(it)) else { return };
        let Some(own) = one.space() else { return };
        let mut others = self.combat.combatants.values().filter(|other| other.id != who);
        let falls = others.any(|other| {
            other.kind != CombatantKind::Object
                && falls_for_room(rule, one.block.size, other.block.size)
                && other.space().is_some_and(|it| it.overlaps(own))
                && apart(other)
        });
        if falls {
            self.knock_prone(who);
        }
    }

    /// Between its turns nothing is left to a creature but its reaction.
    pub(super) fn keep_reaction(&mut self, who: CombatantId) {
        if let Some(combatant) = self.combat.combatant(who) {
            let economy = combatant.economy.rest();
            self.tell(Fact::EconomySet { who, economy });
        }
    }

    /// Goes on to the next who can take a turn. Who left or died is passed over, but what counts on
    /// its place in the order still ends there.
    pub(super) fn next_turn(&mut self) -> Flow<()> {
        let mut turn = self.combat.turn;
        let mut round = self.combat.round;
        for _ in 0..self.combat.order.len() {
            let at;
            (at, round) = self.next_place(turn, round)?;
            turn = Some(at);
            let Some(who) = self.combat.order.get(at).copied() else { break };
            let takes = self.combat.combatant(who).is_some_and(|who| who.life != Life::Dead);
            if self.view().controlled_by(who).is_some() {
                continue;
            }
            if takes {
                return self.open_turn(who, round, at);
            }
            self.pass_over(who, round);
        }
        Ok(())
    }

    /// The place in the order after another, and its round. On the way there lairs act.
    fn next_place(&mut self, turn: Option<usize>, round: u32) -> Flow<(usize, u32)> {
        let last = turn.and_then(|turn| self.combat.order.get(turn)).copied();
        let after = |order: &[CombatantId]| {
            let place = order.iter().position(|id| Some(*id) == last).or(turn);
            let next = place.map_or(0, |place| place + 1);
            if next < order.len() { (next, round.max(1)) } else { (0, round + 1) }
        };
        let (at, then) = after(&self.combat.order);
        // Whoever was asked in a round is not asked again, wherever the order was put meanwhile.
        if then > round && round > 0 {
            self.lairs(round)?;
        }
        if self.lair_place() <= at {
            self.lairs(then)?;
        }
        // Somebody may have joined.
        Ok(after(&self.combat.order))
    }

    fn pass_over(&mut self, who: CombatantId, round: u32) {
        for point in [Point::Start, Point::Within, Point::End] {
            self.expire_in(who, point, round);
        }
    }

    fn open_turn(&mut self, who: CombatantId, round: u32, turn: usize) -> Flow<()> {
        self.tell(Fact::TurnStarted { who, round, turn });
        self.refresh_reactions(who);
        // A mount's place is right before its rider's.
        if let Some(mount) = self.view().controlled(who) {
            let economy = Economy { led: Some(round), ..Economy::turn() };
            self.tell(Fact::EconomySet { who: mount, economy });
            self.set_out(mount)?;
        }
        self.set_out(who)
    }

    /// What is done as a turn starts.
    pub(super) fn set_out(&mut self, who: CombatantId) -> Flow<()> {
        self.expire(who, Point::Start);
        self.settle()?;
        if self.combat.combatant(who).is_none() {
            return Ok(());
        }
        self.recharge(who)?;
        self.restore_legendary(who);
        self.regenerate(who)?;
        self.auras(who, Edge::Start)?;
        self.edge(who, Edge::Start)?;
        self.save_from_death(who)?;
        self.expire(who, Point::Within);
        self.settle()
    }

    /// Who reacts in every turn has its reaction again (SRD 5.1 and SRD 5.2.1 "Reactive").
    fn refresh_reactions(&mut self, of: CombatantId) {
        let all: Vec<CombatantId> = self.combat.combatants.keys().copied().collect();
        for who in all.into_iter().filter(|who| *who != of) {
            let Some(combatant) = self.combat.combatant(who) else { continue };
            let spent = !combatant.economy.reaction && combatant.life != Life::Dead;
            if spent && self.view().is(who, ModifierKind::ReactsEveryTurn) {
                let economy = Economy { reaction: true, ..combatant.economy.clone() };
                self.tell(Fact::EconomySet { who, economy });
            }
        }
    }

    /// The save of who lies dying (SRD 5.1 "Death Saving Throws"; SRD 5.2.1 same).
    fn save_from_death(&mut self, who: CombatantId) -> Flow<()> {
        let combatant = self.combatant(who)?;
        if !matches!(combatant.life, Life::Dying { .. }) {
            return Ok(());
        }
        let test = self.view().death_save_test(who);
        let used = self.view().used_by_death_save(who);
        let tested = self.test(who, Purpose::DeathSave, test)?;
        for id in used {
            self.end(id, EndReason::Over);
        }
        let save = death_save(tested.natural, tested.total);
        let combatant = self.combatant(who)?;
        let (hp, life) = after_death_save(combatant.hp, combatant.life, save);
        self.tell(Fact::DeathSaveMade { who, save, hp, life });
        match life {
            Life::Alive => self.wake(who),
            Life::Dead => self.died(who, None)?,
            Life::Stable => self.recover_later(who)?,
            Life::Dying { .. } => {}
        }
        Ok(())
    }
}
