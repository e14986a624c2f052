//! What a game master changes of a combatant by its word.

use std::sync::Arc;

use super::setup::MOST_HIT_POINTS;
use super::{Flow, Resolver};
use crate::combat::{
    AtZero, Changes, Combatant, CombatantId, ConditionAdded, DeathSaves, Economy, EconomyChange,
    Fact, Life, Refusal,
};
use crate::effect::{Duration, EffectTemplate};
use crate::{Condition, Size};

/// Death saves that decide.
const SAVES: u8 = 3;
/// The highest level of a spell.
const SPELL_LEVELS: u8 = 9;
/// Pools of resources of one combatant.
const POOLS: usize = 100;
/// The highest level of exhaustion.
const MOST_EXHAUSTED: u8 = 6;

impl Resolver<'_> {
    /// Changes a combatant. What follows from it follows: who has no hit points left falls, who has
    /// some again wakes, a count moves it in the order.
    pub(super) fn update(&mut self, id: CombatantId, changes: &Changes) -> Flow<()> {
        let before = self.combatant(id)?.clone();
        for added in &changes.conditions_add {
            if let Some(source) = added.source_id {
                self.combatant(source)?;
            }
            if added.level.is_some_and(|level| !(1..=MOST_EXHAUSTED).contains(&level)) {
                return Err(Refusal::InvalidCombatant.into());
            }
        }
        let most = super::effects::EFFECTS_PER_CREATURE;
        let added = changes.conditions_add.len();
        if added > 0 && self.combat.effects_on(id).count() + added > most {
            return Err(Refusal::TooManyEffects { most }.into());
        }
        let after = self.changed(&before, changes)?;
        let life = after.life;
        let levels = changes.spell_slots.keys();
        if levels.clone().any(|level| !(1..=SPELL_LEVELS).contains(level))
            || (levels.len() > 0 && before.block.spellcasting.is_none())
        {
            return Err(Refusal::InvalidCombatant.into());
        }
        if after != before {
            self.tell(Fact::CombatantSet { combatant: Arc::new(after) });
        }
        let placed = self.combatant(id)?.position;
        if placed != before.position {
            self.free_from_within(id);
        }
        if self.combatant(id)?.space() != before.space() {
            self.take_along(id)?;
            self.carry(id);
        }
        self.fit_areas(id);
        if changes.initiative.is_some_and(|count| before.initiative != Some(count)) {
            self.move_in_order(id);
        }
        for condition in &changes.conditions_remove {
            self.take_off(id, *condition);
        }
        for added in &changes.conditions_add {
            self.add_condition(id, added);
        }
        match (before.life, life) {
            (before, after) if before == after => {}
            (_, Life::Dead) => self.lose_concentration(id),
            (Life::Alive, Life::Dying { .. } | Life::Stable) => {
                self.fall_unconscious(id, Duration::Permanent);
            }
            (Life::Dying { .. } | Life::Stable | Life::Dead, Life::Alive) => self.wake(id),
            _ => {}
        }
        if life == Life::Stable && before.life != life {
            self.recover_later(id)?;
        }
        self.start_if_rolling()
    }

    /// The combatant as it is afterwards, if it can be so.
    fn changed(&self, before: &Combatant, changes: &Changes) -> Result<Combatant, Refusal> {
        let mut after = before.clone();
        let Changes { name, owner_id, side, position, elevation_ft, .. } = changes.clone();
        after.name = name.unwrap_or(after.name);
        after.owner = owner_id.unwrap_or(after.owner);
        after.side = side.unwrap_or(after.side);
        after.position = position.unwrap_or(after.position);
        after.elevation_ft = elevation_ft.unwrap_or(after.elevation_ft);
        after.hidden = changes.hidden.unwrap_or(after.hidden);
        after.surprised = changes.surprised.unwrap_or(after.surprised);
        after.initiative = changes.initiative.or(after.initiative);
        let block = Arc::make_mut(&mut after.block);
        block.ac = changes.ac.unwrap_or(block.ac);
        block.speeds = changes.speeds.unwrap_or(block.speeds);
        block.size = changes.size.unwrap_or(block.size);
        after.squeezed &= after.position == before.position && changes.size.is_none();
        for (key, pool) in &changes.resources {
            if pool.current > pool.max {
                return Err(Refusal::InvalidCombatant);
            }
            block.resources.insert(key.clone(), *pool);
            after.spent.remove(key);
        }
        if block.resources.len() > POOLS {
            return Err(Refusal::InvalidCombatant);
        }
        if let Some(casting) = block.spellcasting.as_mut() {
            for (level, pool) in &changes.spell_slots {
                let number = |count: u32| u8::try_from(count).ok();
                let spent = pool.max.checked_sub(pool.current).and_then(number);
                let (Some(max), Some(spent)) = (number(pool.max), spent) else {
                    return Err(Refusal::InvalidCombatant);
                };
                casting.slots.insert(*level, max);
                after.slots_spent.insert(*level, spent);
            }
        }
        let hp = changes.hp.unwrap_or_default();
        after.hp.max = hp.max.unwrap_or(after.hp.max);
        after.hp.temp = hp.temp.unwrap_or(after.hp.temp);
        let most = self.view().max_hp_of(after.id, after.hp.max);
        after.hp.current = hp.current.unwrap_or(after.hp.current.min(most));
        after.life = lives(&after, changes);
        if after.life == Life::Alive && after.hp.current == 0 {
            after.hp.current = 1;
        } else if after.life != Life::Alive {
            after.hp.current = 0;
        }
        if let Some(economy) = changes.economy {
            after.economy = self.economy(before, economy)?;
        }
        self.is_possible(&after, before)?;
        Ok(after)
    }

    /// That hit points are within bounds and that there is room where it stands.
    fn is_possible(&self, after: &Combatant, before: &Combatant) -> Result<(), Refusal> {
        let hp = after.hp;
        let sound = (1..=MOST_HIT_POINTS).contains(&hp.max)
            && (0..=self.view().max_hp_of(after.id, hp.max)).contains(&hp.current)
            && (0..=MOST_HIT_POINTS).contains(&hp.temp)
            && after.block.ac >= 0;
        if !sound || after.name.is_empty() || after.side.is_empty() {
            return Err(Refusal::InvalidCombatant);
        }
        // Who was Tiny may have shared its square with others of its size, and the dead are in
        // nobody's way.
        let grown = before.block.size == Size::Tiny && after.block.size != Size::Tiny;
        let comes = (grown || before.life == Life::Dead) && !self.view().is_inside(after.id);
        let moved = comes || after.space() != before.space();
        match after.position {
            Some(at) if moved && after.life != Life::Dead => {
                let room = after.is_swarm() || self.has_room(after, at);
                if room { Ok(()) } else { Err(Refusal::InvalidPath { at: Some(at) }) }
            }
            _ => Ok(()),
        }
    }

    fn economy(&self, who: &Combatant, change: EconomyChange) -> Result<Economy, Refusal> {
        let mut economy = who.economy.clone();
        economy.action = change.action.unwrap_or(economy.action);
        economy.bonus_action = change.bonus_action.unwrap_or(economy.bonus_action);
        economy.reaction = change.reaction.unwrap_or(economy.reaction);
        economy.interaction = change.interaction.unwrap_or(economy.interaction);
        if let Some(left_ft) = change.movement_left_ft {
            let all = self.view().walk_ft(who.id).saturating_add(economy.dashed_ft);
            if !(0..=MOST_HIT_POINTS).contains(&left_ft) {
                return Err(Refusal::InvalidCombatant);
            }
            economy.moved_ft = all.saturating_sub(left_ft);
        }
        Ok(economy)
    }

    fn add_condition(&mut self, id: CombatantId, added: &ConditionAdded) {
        let duration = added.duration.unwrap_or(Duration::Permanent);
        let exhaustion =
            (added.condition == Condition::Exhaustion).then_some(added.level.unwrap_or(1));
        let template =
            EffectTemplate { exhaustion, ..EffectTemplate::condition(added.condition, duration) };
        self.put(&Arc::new(template), added.source_id, id, None);
    }

    /// Its place follows its count: after all with the same or more.
    fn move_in_order(&mut self, id: CombatantId) {
        if !self.combat.order.contains(&id) {
            return;
        }
        let count = |id: &CombatantId| self.combat.combatant(*id).and_then(|who| who.initiative);
        let mine = count(&id);
        let active = self.combat.active();
        let mut order: Vec<CombatantId> =
            self.combat.order.iter().copied().filter(|other| *other != id).collect();
        let after = |other: &CombatantId| count(other).is_some_and(|count| Some(count) < mine);
        let at = order.iter().position(after).unwrap_or(order.len());
        order.insert(at, id);
        self.tell(Fact::OrderSet { order });
        self.keep_turn(active);
    }
}

/// Between life and death, after what was changed.
fn lives(who: &Combatant, changes: &Changes) -> Life {
    let down = who.hp.current <= 0;
    let at_zero = match (who.at_zero(), who.life) {
        (_, life @ (Life::Dying { .. } | Life::Stable)) => life,
        (AtZero::Saves, _) => Life::Dying { successes: 0, failures: 0 },
        (AtZero::Dies, _) => Life::Dead,
    };
    let saved = |saves: DeathSaves| match saves {
        DeathSaves { failures: SAVES.., .. } => Life::Dead,
        DeathSaves { stable: true, .. } | DeathSaves { successes: SAVES.., .. } => Life::Stable,
        DeathSaves { successes, failures, .. } => Life::Dying { successes, failures },
    };
    match (changes.alive, changes.death_saves) {
        (Some(false), _) => Life::Dead,
        (Some(true), _) if who.life == Life::Dead || !down => Life::Alive,
        (_, Some(saves)) if down && who.life != Life::Dead => saved(saves),
        _ if who.life == Life::Dead => Life::Dead,
        _ if down => at_zero,
        _ => Life::Alive,
    }
}
