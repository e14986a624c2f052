//! Applying facts: the only place where the state of a combat changes.

use std::sync::Arc;

use super::{Combat, Combatant, CombatantId, Economy, Fact, LairCount};
use crate::space::Square;

impl Combat {
    /// Applies one fact. A fact about somebody who is not there changes nothing.
    pub(super) fn apply_fact(&mut self, fact: &Fact) {
        match fact {
            Fact::PhaseChanged { phase } => self.phase = *phase,
            Fact::CombatantSet { combatant } => {
                self.combatants.insert(combatant.id, Arc::clone(combatant));
            }
            Fact::CombatantRemoved { id } => drop(self.combatants.remove(id)),
            Fact::InitiativeSet { who, initiative } => {
                self.change(*who, |combatant| combatant.initiative = Some(*initiative));
            }
            Fact::OrderSet { order } => self.order.clone_from(order),
            Fact::TurnStarted { who, round, turn } => {
                self.round = *round;
                self.turn = Some(*turn);
                self.forget_touched();
                self.change(*who, |combatant| {
                    combatant.economy = Economy::turn();
                    combatant.readied = None;
                });
            }
            Fact::TurnMoved { turn } => self.turn = Some(*turn),
            Fact::EconomySet { who, economy } => {
                self.change(*who, |combatant| combatant.economy.clone_from(economy));
            }
            Fact::Moved { who, path, cost_ft, diagonals, forced } => {
                self.apply_move(*who, path, (*cost_ft, *diagonals), *forced);
            }
            Fact::Damaged { target: who, hp, life, .. }
            | Fact::Healed { target: who, hp, life, .. }
            | Fact::DeathSaveMade { who, hp, life, .. } => self.change(*who, |combatant| {
                combatant.hp = *hp;
                combatant.life = *life;
            }),
            Fact::LifeSet { who, life } => self.change(*who, |combatant| combatant.life = *life),
            Fact::TempHpSet { who, hp } => self.change(*who, |combatant| combatant.hp = *hp),
            Fact::ReadiedSet { who, readied } => {
                self.change(*who, |combatant| combatant.readied.clone_from(readied));
            }
            Fact::PhysicalDiceSet { players } => self.physical_dice.clone_from(players),
            Fact::EffectStarted { .. }
            | Fact::EffectChanged { .. }
            | Fact::EffectEnded { .. }
            | Fact::EffectMoved { .. }
            | Fact::EffectShifted { .. }
            | Fact::GroundSet { .. }
            | Fact::GroundChanged { .. }
            | Fact::Touched { .. }
            | Fact::Counted { .. } => self.apply_to_effects(fact),
            Fact::ActionUsed { who, .. }
            | Fact::AttackMade { attacker: who, .. }
            | Fact::GuessMissed { attacker: who, .. } => {
                self.change(*who, |combatant| combatant.economy.run.clear());
            }
            Fact::UsesSet { .. }
            | Fact::SlotsSet { .. }
            | Fact::Displaced { .. }
            | Fact::HeightSet { .. }
            | Fact::SqueezedSet { .. }
            | Fact::LairActed { .. }
            | Fact::HeldSet { .. }
            | Fact::ConcentrationSet { .. } => self.apply_to_casters(fact),
            Fact::SpellCast { .. }
            | Fact::RulingNeeded { .. }
            | Fact::SpellFailed { .. }
            | Fact::TurnEnded { .. }
            | Fact::Rolled { .. }
            | Fact::SaveMade { .. }
            | Fact::CheckMade { .. }
            | Fact::ObjectUsed { .. }
            | Fact::Abandoned => {}
        }
    }

    /// Applies a fact about effects, or what they make of the map.
    fn apply_to_effects(&mut self, fact: &Fact) {
        match fact {
            Fact::EffectStarted { effect } | Fact::EffectChanged { effect } => {
                self.next_effect = self.next_effect.max(effect.id.0 + 1);
                self.effects.put(Arc::clone(effect));
            }
            Fact::EffectEnded { id, .. } => self.effects.take(*id),
            Fact::EffectMoved { id, covers } => {
                self.effects.alter(*id, |effect| effect.covers = Some(covers.clone()));
            }
            Fact::EffectShifted { id, by, up_ft } => self.effects.alter(*id, |effect| {
                effect.covers = effect.covers.as_ref().map(|covers| covers.shifted(*by, *up_ft));
            }),
            Fact::GroundSet { ground } => self.ground = Arc::clone(ground),
            Fact::GroundChanged { more, less } => {
                Arc::make_mut(&mut self.ground).change(more, less)
            }
            Fact::Touched { id, who } => {
                self.effects.alter(*id, |effect| effect.touched.push(*who))
            }
            Fact::Counted { id, of, count } => self.effects.alter(*id, |effect| {
                effect.counts.insert(of.clone(), *count);
            }),
            _ => {}
        }
    }

    /// Applies a fact about what spells and uses cost, and where they put somebody.
    fn apply_to_casters(&mut self, fact: &Fact) {
        match fact {
            Fact::SlotsSet { who, level, spent } => self.change(*who, |combatant| {
                combatant.slots_spent.insert(*level, *spent);
            }),
            Fact::Displaced { who, to, elevation_ft } => self.change(*who, |combatant| {
                // Who is put elsewhere as high up is still in the air by its jump.
                if to.is_none() || combatant.elevation_ft != *elevation_ft {
                    combatant.economy.leap = None;
                }
                combatant.position = *to;
                combatant.elevation_ft = *elevation_ft;
            }),
            Fact::HeightSet { who, elevation_ft } => {
                self.change(*who, |combatant| combatant.elevation_ft = *elevation_ft);
            }
            Fact::SqueezedSet { who, squeezed } => {
                self.change(*who, |combatant| combatant.squeezed = *squeezed);
            }
            Fact::ConcentrationSet { who, on } => {
                self.change(*who, |combatant| combatant.concentration = *on);
            }
            Fact::UsesSet { who, id, spent } => self.change(*who, |combatant| {
                combatant.spent.insert(id.clone(), *spent);
            }),
            Fact::HeldSet { who, held } => {
                self.change(*who, |combatant| combatant.held.clone_from(held));
            }
            Fact::LairActed { who, round, id } => self.change(*who, |combatant| {
                combatant.lair = Some(LairCount { round: *round, id: id.clone() });
            }),
            _ => {}
        }
    }

    /// In a new turn effects may do again what they do once a turn.
    fn forget_touched(&mut self) {
        let touched = self.effects.values().filter(|effect| !effect.touched.is_empty());
        for id in touched.map(|effect| effect.id).collect::<Vec<_>>() {
            self.effects.alter(id, |effect| effect.touched.clear());
        }
    }

    /// Applies some of a step's facts: what the combat was in the middle of it, to be shown.
    pub fn apply_facts(&mut self, facts: &[Fact]) {
        for fact in facts {
            self.apply_fact(fact);
        }
    }

    fn apply_move(&mut self, who: CombatantId, path: &[Square], paid: (i32, u32), forced: bool) {
        self.change(who, |combatant| {
            if forced {
                combatant.economy.run.clear();
            } else {
                let steps = combatant.position.iter().chain(path).copied();
                combatant.economy.run.extend(steps.take(path.len()));
            }
            combatant.position = path.last().copied().or(combatant.position);
            combatant.economy.moved_ft += paid.0;
            combatant.economy.diagonals += paid.1;
        });
    }

    fn change(&mut self, who: CombatantId, change: impl FnOnce(&mut Combatant)) {
        if let Some(combatant) = self.combatants.get_mut(&who) {
            change(Arc::make_mut(combatant));
        }
    }
}
