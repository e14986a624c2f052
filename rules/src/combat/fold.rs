//! Applying facts: the only place where the state of a combat changes.

use std::sync::Arc;

use super::{Combat, Combatant, CombatantId, Economy, EffectId, Fact};

impl Combat {
    /// Applies one fact. A fact about somebody who is not there changes nothing.
    pub(super) fn apply_fact(&mut self, fact: &Fact) {
        match fact {
            Fact::PhaseChanged { phase } => self.phase = *phase,
            Fact::CombatantSet { combatant } => {
                self.combatants.insert(combatant.id, Arc::clone(combatant));
            }
            Fact::CombatantRemoved { id } => {
                self.combatants.remove(id);
            }
            Fact::InitiativeSet { who, initiative } => {
                self.change(*who, |combatant| combatant.initiative = Some(*initiative));
            }
            Fact::OrderSet { order } => self.order.clone_from(order),
            Fact::TurnStarted { who, round, turn } => {
                self.round = *round;
                self.turn = Some(*turn);
                self.change(*who, |combatant| combatant.economy = Economy::turn());
            }
            Fact::TurnMoved { turn } => self.turn = Some(*turn),
            Fact::EconomySet { who, economy } => {
                self.change(*who, |combatant| combatant.economy.clone_from(economy));
            }
            Fact::UsesSet { who, id, spent } => self.change(*who, |combatant| {
                combatant.spent.insert(id.clone(), *spent);
            }),
            Fact::Moved { who, path, cost_ft, diagonals, forced } => {
                self.change(*who, |combatant| {
                    if *forced {
                        combatant.economy.run.clear();
                    } else {
                        let steps = combatant.position.iter().chain(path).copied();
                        combatant.economy.run.extend(steps.take(path.len()));
                    }
                    combatant.position = path.last().copied().or(combatant.position);
                    combatant.economy.moved_ft += cost_ft;
                    combatant.economy.diagonals += diagonals;
                })
            }
            Fact::Damaged { target: who, hp, life, .. }
            | Fact::Healed { target: who, hp, life, .. }
            | Fact::DeathSaveMade { who, hp, life, .. } => self.change(*who, |combatant| {
                combatant.hp = *hp;
                combatant.life = *life;
            }),
            Fact::LifeSet { who, life } => self.change(*who, |combatant| combatant.life = *life),
            Fact::TempHpSet { who, hp } => self.change(*who, |combatant| combatant.hp = *hp),
            Fact::PhysicalDiceSet { players } => self.physical_dice.clone_from(players),
            Fact::EffectStarted { effect } | Fact::EffectChanged { effect } => {
                self.next_effect = self.next_effect.max(effect.id.0 + 1);
                self.effects.insert(effect.id, Arc::clone(effect));
            }
            Fact::EffectEnded { id, .. } => self.end_effect(*id),
            Fact::ConcentrationSet { who, on } => {
                self.change(*who, |combatant| combatant.concentration = *on);
            }
            Fact::ActionUsed { who, .. } | Fact::AttackMade { attacker: who, .. } => {
                self.change(*who, |combatant| combatant.economy.run.clear());
            }
            Fact::TurnEnded { .. }
            | Fact::Rolled { .. }
            | Fact::SaveMade { .. }
            | Fact::CheckMade { .. }
            | Fact::Abandoned => {}
        }
    }

    fn end_effect(&mut self, id: EffectId) {
        self.effects.remove(&id);
    }

    fn change(&mut self, who: CombatantId, change: impl FnOnce(&mut Combatant)) {
        if let Some(combatant) = self.combatants.get_mut(&who) {
            change(Arc::make_mut(combatant));
        }
    }
}
