//! Movement of one's own will, and what it provokes (SRD 5.1 "Movement and Position", "Opportunity
//! Attacks"; SRD 5.2.1 same).

use super::{Flow, Resolver};
use crate::Key;
use crate::combat::{Answer, CombatantId, Economy, Fact, Life, Question, Refusal, Square};
use crate::effect::ModifierKind;

impl Resolver<'_> {
    /// Steps along a path, square by square.
    pub(super) fn walk(&mut self, who: CombatantId, path: &[Square]) -> Flow<()> {
        self.in_its_turn(who)?;
        let combatant = self.combatant(who)?;
        if combatant.life != Life::Alive {
            return Err(Refusal::CannotAct { condition: None }.into());
        }
        let economy = combatant.economy;
        let from = combatant.position.ok_or(Refusal::InvalidPath)?;
        let starts = std::iter::once(&from).chain(path);
        let next_to = |(one, other): (&Square, &Square)| {
            one != other && (0..2).all(|axis| one[axis].abs_diff(other[axis]) <= 1)
        };
        if path.is_empty() || !starts.zip(path).all(next_to) {
            return Err(Refusal::InvalidPath.into());
        }
        let crawls = self.view().is(who, ModifierKind::Crawls);
        let step_ft = if crawls { 10 } else { 5 };
        let cost_ft = step_ft * i32::try_from(path.len()).unwrap_or(i32::MAX / step_ft);
        let left_ft = self.view().speed_ft(who) + economy.dashed_ft - economy.moved_ft;
        if cost_ft > left_ft {
            return Err(Refusal::NotEnoughMovement { cost_ft, left_ft }.into());
        }
        for square in path {
            self.provoke(who, *square)?;
            if self.combatant(who)?.life != Life::Alive {
                break;
            }
            let path = vec![*square];
            self.tell(Fact::Moved { who, path, cost_ft: step_ft, forced: false });
        }
        Ok(())
    }

    /// Those whose reach a step leaves are asked, right before it.
    fn provoke(&mut self, who: CombatantId, to: Square) -> Flow<()> {
        let Some(mover) = self.combat.combatant(who) else { return Ok(()) };
        let (side, from) = (mover.side.clone(), mover.position);
        let hostile: Vec<CombatantId> = self
            .combat
            .combatants
            .values()
            .filter(|other| other.side != side && other.position.is_some() && other.is_conscious())
            .filter(|other| other.economy.reaction)
            .map(|other| other.id)
            .collect();
        for reactor in hostile {
            if !self.view().sees(reactor, who) || self.view().is(reactor, ModifierKind::CannotReact)
            {
                continue;
            }
            let options = self.view().attacks_left_behind(reactor, who, to);
            if options.is_empty() || from.is_none() {
                continue;
            }
            let question = Question::OpportunityAttack { target: who, options };
            if let Answer::React { option } = self.ask(reactor, question)? {
                self.opportunity_attack(reactor, who, &option)?;
            }
        }
        Ok(())
    }

    fn opportunity_attack(
        &mut self,
        who: CombatantId,
        target: CombatantId,
        attack: &Key,
    ) -> Flow<()> {
        let combatant = self.combatant(who)?;
        let economy = Economy { reaction: false, ..combatant.economy };
        let block = std::sync::Arc::clone(&combatant.block);
        let Some(attack) = block.attack(attack) else { return Ok(()) };
        let Ok(strike) = self.view().aim(who, target, attack, false) else { return Ok(()) };
        self.tell(Fact::EconomySet { who, economy });
        self.strike(strike)
    }
}
