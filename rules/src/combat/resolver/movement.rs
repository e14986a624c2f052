//! Movement of one's own will, and what it provokes (SRD 5.1 "Movement and Position", "Opportunity
//! Attacks"; SRD 5.2.1 same).

use super::{Flow, Resolver};
use crate::Key;
use crate::combat::{Answer, CombatantId, Economy, Fact, Life, Question, Refusal, Square};
use crate::content::{Attack, AttackKind};
use crate::effect::ModifierKind;

impl Resolver<'_> {
    /// Walking speed now, in feet.
    pub(super) fn speed_ft(&self, who: CombatantId) -> i32 {
        let Some(combatant) = self.combat.combatant(who) else { return 0 };
        let mut speed = combatant.block.speeds.walk;
        let mut halved = false;
        let mut least = None;
        for active in self.modifiers(who) {
            let modifier = active.modifier;
            match modifier.kind {
                ModifierKind::Speed if modifier.set => {
                    least = Some(modifier.value(active.level).min(least.unwrap_or(i32::MAX)));
                }
                ModifierKind::Speed => speed += modifier.value(active.level),
                ModifierKind::SpeedHalved => halved = true,
                ModifierKind::CannotMove => least = Some(0),
                _ => {}
            }
        }
        let speed = if halved { speed / 2 } else { speed };
        least.unwrap_or(speed).max(0)
    }

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
        let crawls = self.is(who, ModifierKind::Crawls);
        let step_ft = if crawls { 10 } else { 5 };
        let cost_ft = step_ft * i32::try_from(path.len()).unwrap_or(i32::MAX / step_ft);
        let left_ft = self.speed_ft(who) + economy.dashed_ft - economy.moved_ft;
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
            if !self.sees(reactor, who) || self.is(reactor, ModifierKind::CannotReact) {
                continue;
            }
            let options = self.attacks_left_behind(reactor, who, to);
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

    /// Melee attacks that reach a creature now, and not after its next step.
    fn attacks_left_behind(
        &self,
        reactor: CombatantId,
        mover: CombatantId,
        to: Square,
    ) -> Vec<Key> {
        let Some(combatant) = self.combat.combatant(reactor) else { return Vec::new() };
        let now = self.distance_ft(reactor, mover);
        let then = self.distance_to_ft(reactor, mover, to);
        let reaches = |attack: &&Attack| {
            let reach = self.reach_ft(reactor, attack);
            attack.kind != AttackKind::Ranged && now <= reach && then > reach
        };
        combatant
            .block
            .attacks
            .iter()
            .filter(reaches)
            .map(|attack| attack.attack_id.clone())
            .collect()
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
        let Ok(strike) = self.aim(who, target, attack, false) else { return Ok(()) };
        self.tell(Fact::EconomySet { who, economy });
        self.strike(strike)
    }
}
