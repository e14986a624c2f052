//! Bytes that a fight takes in memory, about.

use gss_rules::combat::{Combat, Combatant, Effect};
use gss_rules::content::{Attack, OutcomeSpec, Rider, SpecialAction, StatBlock};
use gss_rules::effect::{EffectTemplate, Modifier};
use gss_rules::space::Square;

use super::Fight;

/// A short text, or an entry of a list or map of them, with what the allocator adds.
const ENTRY: usize = 64;
/// Damage of one type with its dice.
const DAMAGE: usize = 128;

impl Fight {
    /// Bytes beside the struct itself. Each combatant counts with a stat block of its own: those of one
    /// kind do not share it.
    pub(crate) fn heap_bytes(&self) -> usize {
        let Combat { grid, combatants, effects, .. } = &self.combat;
        let waiting = if self.combat.prompt().is_some() { 2 } else { 1 };
        let squares = grid.difficult.len() + grid.blocking.len();
        let listed = squares + grid.obscured.lightly.len() + grid.obscured.heavily.len();
        let combatants: usize =
            combatants.values().map(|combatant| self::combatant(combatant)).sum();
        let effects: usize = effects.values().map(|effect| self::effect(effect)).sum();
        (combatants + effects) * waiting + listed * size_of::<Square>() * 2
    }
}

fn combatant(combatant: &Combatant) -> usize {
    let more = combatant.slots_spent.len() + combatant.spent.len() + combatant.economy.made.len();
    size_of::<Combatant>() + (more + 8) * ENTRY + block(&combatant.block)
}

fn block(block: &StatBlock) -> usize {
    let spells = block
        .spellcasting
        .as_ref()
        .map_or(0, |casting| casting.spells.len() + casting.per_day.len() + casting.slots.len());
    let sets = block.multiattack.iter().map(|set| set.len() + 1).sum::<usize>();
    let defenses = [&block.resistances, &block.immunities, &block.vulnerabilities];
    let listed = block.tags.len()
        + block.saves.len()
        + block.skills.len()
        + block.traits.len()
        + block.resources.len()
        + defenses.map(Vec::len).into_iter().sum::<usize>()
        + spells
        + sets;
    let attacks = block.attacks.iter().map(attack).sum::<usize>();
    let uses = block.uses.iter().map(action).sum::<usize>();
    size_of::<StatBlock>() + listed * ENTRY + attacks + uses
}

fn attack(attack: &Attack) -> usize {
    let damage = attack.damage.len() + attack.two_handed_damage.len();
    let follows = attack.on_hit.as_deref().map_or(0, rider);
    size_of::<Attack>() + 3 * ENTRY + damage * DAMAGE + follows
}

fn rider(rider: &Rider) -> usize {
    let outcomes = [&rider.fail, &rider.success, &rider.always, &rider.fail_badly];
    let follows = outcomes.into_iter().flatten().map(outcome).sum::<usize>();
    size_of::<Rider>() + rider.damage.len() * DAMAGE + follows
}

fn action(action: &SpecialAction) -> usize {
    let outcomes = [&action.fail, &action.success, &action.always];
    let follows = outcomes.into_iter().flatten().map(outcome).sum::<usize>();
    size_of::<SpecialAction>() + 3 * ENTRY + action.damage.len() * DAMAGE + follows
}

fn outcome(outcome: &OutcomeSpec) -> usize {
    let apart = |effect| size_of::<EffectTemplate>() + template(effect);
    let effect = outcome.effect.as_deref().map_or(0, apart);
    (outcome.damage.len() * DAMAGE) + outcome.conditions.len() * ENTRY + effect
}

fn effect(effect: &Effect) -> usize {
    let listed = effect.touched.len() + effect.counts.len();
    let covered = effect.covers.as_ref().map_or(0, |covers| covers.squares.len());
    let listed = listed * ENTRY + covered * size_of::<Square>() * 2;
    size_of::<Effect>()
        + 2 * ENTRY
        + listed
        + size_of::<EffectTemplate>()
        + template(&effect.template)
}

/// Beside the struct itself.
fn template(template: &EffectTemplate) -> usize {
    let modifiers = template.modifiers.iter().map(|modifier| {
        let listed = modifier.on.len() + modifier.abilities.len() + modifier.skills.len();
        size_of::<Modifier>() + listed * 8 + ENTRY
    });
    let listed = template.conditions.len() + template.ends_on.len() + template.grants.len();
    let damage = template.damage.as_ref().map_or(0, |damage| damage.dice.len() * DAMAGE);
    // What a trigger does is a program of some words.
    let triggers = template.triggers.len() * 8 * ENTRY;
    modifiers.sum::<usize>() + listed * ENTRY + damage + triggers + 2 * ENTRY
}
