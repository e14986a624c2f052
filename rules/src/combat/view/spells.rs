//! What spells that run say to attacks, sight and places.

use std::borrow::Cow;

use super::{About, View};
use crate::combat::view::Strike;
use crate::combat::{CombatantId, Effect, EffectId};
use crate::content::{Attack, AttackProperty, Component, Detail, EntryClass, plus};
use crate::dice::RollMode;
use crate::effect::{DamageDice, ModifierKind, Whom};
use crate::{Condition, Key};

impl<'a> View<'a> {
    /// Whether an effect on the map concerns a creature where it is.
    pub(in crate::combat) fn covers(self, effect: &Effect, who: CombatantId) -> bool {
        let (Some(zone), Some(covers)) = (&effect.template.zone, &effect.covers) else {
            return false;
        };
        let Some(creature) = self.combat.combatant(who) else { return false };
        if !creature.space().is_some_and(|space| covers.touches(space)) {
            return false;
        }
        let source = effect.source.and_then(|source| self.combat.combatant(source));
        let hostile = source.is_none_or(|source| source.side != creature.side);
        match zone.whom {
            Whom::All => true,
            Whom::Enemies => hostile,
            Whom::Allies => !hostile,
            Whom::Others => effect.source != Some(who),
        }
    }

    /// Effects on the map that concern a creature, the oldest first.
    pub(in crate::combat) fn zones_on(
        self,
        who: CombatantId,
    ) -> impl Iterator<Item = &'a Effect> + use<'a> {
        let effects = self.combat.effects.zones().iter().map(AsRef::as_ref);
        effects.filter(move |effect| self.covers(effect, who))
    }

    /// What the bestiary says of a creature's list of spells.
    fn list(self, who: CombatantId) -> Option<&'a Detail> {
        let monster = self.combat.combatant(who)?.monster.as_ref()?;
        let monster = self.book.content.monsters.get(monster)?;
        let entry = monster.entries.iter().find(|it| it.class == EntryClass::Spellcasting)?;
        monster.details.get(&entry.id)
    }

    /// The name of a creature's list of spells where a spell of it is part of Multiattack.
    pub(in crate::combat) fn set_member(self, who: CombatantId) -> Option<&'a Key> {
        let combatant = self.combat.combatant(who)?;
        let monster = self.book.content.monsters.get(combatant.monster.as_ref()?)?;
        let entry = monster.entries.iter().find(|it| it.class == EntryClass::Spellcasting)?;
        let in_set = combatant.block.multiattack.iter().any(|set| set.contains(&entry.id));
        in_set.then_some(&entry.id)
    }

    /// The level that a creature's list has a spell at, where that is another than the spell's own.
    pub(in crate::combat) fn listed_level(self, who: CombatantId, spell: &Key) -> Option<u8> {
        self.list(who)?.casts.iter().find(|it| it.spell == *spell)?.level
    }

    /// Whether the spells of a creature's list do without a component.
    pub(in crate::combat) fn casts_without(self, who: CombatantId, component: Component) -> bool {
        self.list(who).is_some_and(|list| list.without.contains(&component))
    }

    /// Whether a creature with slots casts this spell without one.
    pub(in crate::combat) fn casts_at_will(self, who: CombatantId, spell: &Key) -> bool {
        self.list(who).is_some_and(|list| list.at_will.contains(spell))
    }

    /// Whether obscured ground keeps one creature from seeing another.
    pub(in crate::combat) fn is_hidden_by_ground(
        self,
        one: CombatantId,
        other: CombatantId,
    ) -> bool {
        if self.combat.ground.obscured.is_empty()
            && self.combat.grid.obscured.heavily.is_empty()
            && !self.combat.grid.dark
        {
            return false;
        }
        let printed = &self.combat.grid.obscured.heavily;
        let (Some(viewer), Some(seen)) = (self.combat.combatant(one), self.combat.combatant(other))
        else {
            return false;
        };
        let senses = &viewer.block.senses;
        let distance = self.distance_ft(one, other);
        let within = |sense: Option<i32>| sense.is_some_and(|feet| distance <= feet);
        let deaf = self.has(one, Condition::Deafened) && self.is(one, ModifierKind::SeesByHearing);
        if (within(senses.blindsight_ft) && !deaf) || within(senses.truesight_ft) {
            return false;
        }
        if self.is_dark_between(one, other) {
            return true;
        }
        let obscured = self.obscured_for(one, distance);
        let dark = |creature: &crate::combat::Combatant| {
            creature.space().is_some_and(|space| {
                let mut squares = space.footprint().squares();
                squares.any(|at| obscured.contains(&at) || printed.contains(&at))
            })
        };
        dark(viewer) || dark(seen)
    }

    /// Dice that effects add to a hit's damage; `mode` is that of its attack roll. With each the
    /// effect that adds it once a turn.
    pub(in crate::combat) fn extra_damage(
        self,
        strike: Strike<'_>,
        mode: RollMode,
    ) -> Vec<(DamageDice, Option<EffectId>)> {
        let kinds = super::attack::attack_kinds(strike.attack, strike.ranged);
        let about = |other| About {
            kinds: &kinds,
            other: Some(other),
            distance_ft: strike.distance_ft,
            mode: Some(mode),
            ..About::default()
        };
        let own = self.of_kind(strike.attacker, ModifierKind::ExtraDamage).filter(|active| {
            let done = active.effect.touched.contains(&strike.attacker);
            !(active.modifier.once_a_turn && done)
                && self.concerns(strike.attacker, active, about(strike.target))
        });
        let marked =
            self.of_kind(strike.target, ModifierKind::ExtraDamageFromSource).filter(|active| {
                active.effect.source == Some(strike.attacker)
                    && self.concerns(strike.target, active, about(strike.attacker))
            });
        let dice = |active: super::Active<'_>| {
            let kind = active.modifier.types.first().copied();
            let kind = kind.or(strike.attack.damage.first().map(|part| part.kind))?;
            let once = active.modifier.once_a_turn.then_some(active.effect.id);
            Some((DamageDice { dice: active.modifier.dice.clone()?, kind }, once))
        };
        own.chain(marked).filter_map(dice).collect()
    }

    /// Whether an attack's damage is halved by what is on the attacker.
    pub(in crate::combat) fn deals_half(self, strike: Strike<'_>) -> bool {
        let kinds = super::attack::attack_kinds(strike.attack, strike.ranged);
        let about = About { kinds: &kinds, other: Some(strike.target), ..About::default() };
        !strike.attack.spell
            && self
                .of_kind(strike.attacker, ModifierKind::DealsHalf)
                .any(|active| self.concerns(strike.attacker, &active, about))
    }

    /// Images around a creature that an attacker may take for it: the effect and how many are left.
    pub(in crate::combat) fn images(
        self,
        who: CombatantId,
        attacker: CombatantId,
    ) -> Option<(EffectId, u32)> {
        let any = self.may_have(who, ModifierKind::Images);
        if !any || !self.sees(attacker, who) || self.has(attacker, Condition::Blinded) {
            return None;
        }
        let senses = &self.combat.combatant(attacker)?.block.senses;
        let distance = self.distance_ft(attacker, who);
        let within = |sense: Option<i32>| sense.is_some_and(|feet| distance <= feet);
        if within(senses.blindsight_ft) || within(senses.truesight_ft) {
            return None;
        }
        let left = Key::parse("left").ok()?;
        self.of_kind(who, ModifierKind::Images).find_map(|active| {
            let left = active.effect.counts.get(&left).copied().filter(|left| *left > 0)?;
            Some((active.effect.id, left))
        })
    }

    /// Whether a creature took the bonus action where an effect leaves it one of both.
    pub(in crate::combat) fn has_chosen_bonus_action(self, who: CombatantId) -> bool {
        self.is(who, ModifierKind::ActionOrBonus)
            && self.combat.combatant(who).is_some_and(|it| !it.economy.bonus_action)
    }

    /// An attack as effects on who makes it have changed it (SRD 5.1 "Shillelagh"; SRD 5.2.1
    /// "Shillelagh").
    pub(in crate::combat) fn enchanted<'s>(
        self,
        who: CombatantId,
        mut attack: Cow<'s, Attack>,
    ) -> Cow<'s, Attack> {
        let held = ["club", "quarterstaff"].contains(&attack.attack_id.as_str());
        let found = self.of_kind(who, ModifierKind::Shillelagh).find_map(|active| {
            let casting = active.effect.template.casting.as_deref().filter(|_| held)?;
            Some((active.modifier.dice.clone()?, casting))
        });
        if let Some((dice, casting)) = found
            && let attack = attack.to_mut()
            && let Some(part) = attack.damage.first_mut()
        {
            attack.bonus = attack.bonus.max(casting.attack_bonus);
            part.dice = plus(&dice, casting.modifier);
            attack.properties.push(AttackProperty::Magical);
        }
        if self.is(who, ModifierKind::MagicalWeapon) && !attack.spell {
            attack.to_mut().properties.push(AttackProperty::Magical);
        }
        attack
    }

    /// Whether a creature has a bonus action left: where an effect leaves it one of both, the action
    /// not taken.
    pub(in crate::combat) fn bonus_action_left(self, who: CombatantId) -> bool {
        self.combat.combatant(who).is_some_and(|it| {
            let either = self.is(who, ModifierKind::ActionOrBonus);
            it.economy.bonus_action && (it.economy.action || !either)
        })
    }
}
