//! What spells that run say to attacks, sight and places.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::{About, View};
use crate::combat::view::Strike;
use crate::combat::{Combatant, CombatantId, Covered, Effect, EffectId};
use crate::content::{Attack, AttackProperty, Component, Detail, EntryClass, UNARMED, plus};
use crate::dice::RollMode;
use crate::effect::{DamageDice, ModifierKind, Whom};
use crate::space::{Footprint, Relation, Space, Square, Terrain, line_of_sight};
use crate::{Ability, Condition, CreatureType, DamageType, Key};

/// Dice that an effect adds to a hit.
pub(in crate::combat) struct Extra {
    pub(in crate::combat) part: DamageDice,
    /// One of these, as the attacker chooses; none: the type is that of `part`.
    pub(in crate::combat) types: Vec<DamageType>,
    /// Where they are taken off: what is left at least.
    pub(in crate::combat) least: i32,
    /// The effect that adds them once a turn.
    pub(in crate::combat) once: Option<EffectId>,
}

impl<'a> View<'a> {
    /// Whether an effect on the map concerns a creature where it is.
    pub(in crate::combat) fn covers(self, effect: &Effect, who: CombatantId) -> bool {
        let (Some(zone), Some(covers)) = (&effect.template.zone, &effect.covers) else {
            return false;
        };
        let Some(creature) = self.combat.combatant(who) else { return false };
        if !self.space_of(who).is_some_and(|space| covers.touches(space)) {
            return false;
        }
        let source = effect.source.and_then(|source| self.combat.combatant(source));
        let relation = source.map_or(Relation::Enemy, |source| source.relation(creature));
        match zone.whom {
            Whom::All => true,
            Whom::Enemies => relation == Relation::Enemy,
            Whom::Allies => relation == Relation::Ally,
            Whom::Others => effect.source != Some(who),
        }
    }

    /// Whether a creature has part in the area of an effect, whomever that concerns.
    pub(in crate::combat) fn touches(self, effect: &Effect, who: CombatantId) -> bool {
        let space = self.space_of(who);
        effect.covers.as_ref().zip(space).is_some_and(|(covers, space)| covers.touches(space))
    }

    /// Whether what nothing gets through encloses one of two spaces and not the other.
    pub(in crate::combat) fn is_sealed_off(self, one: Space, other: Space) -> bool {
        self.sealed().any(|covers| covers.touches(one) != covers.touches(other))
    }

    /// Whether what nothing gets through is between a space and where an area starts.
    pub(in crate::combat) fn is_sealed_from(self, space: Space, origin: Square) -> bool {
        self.sealed().any(|covers| covers.touches(space) != covers.contains(origin))
    }

    fn sealed(self) -> impl Iterator<Item = &'a Covered> {
        let zones = self
            .combat
            .effects
            .zones()
            .iter()
            .filter(|effect| effect.template.zone.as_ref().is_some_and(|zone| zone.sealed));
        zones.filter_map(|effect| effect.covers.as_ref())
    }

    /// Whether what is not seen through is around or between two spaces.
    pub(in crate::combat) fn is_screened(self, one: Footprint, other: Footprint) -> bool {
        let opaque = &self.combat.ground.opaque;
        let within = |it: Footprint| it.squares().any(|square| opaque.contains(&square));
        if opaque.is_empty() || one == other {
            return false;
        }
        let terrain = Terrain { blocking: opaque, ..self.terrain() };
        within(one) || within(other) || !line_of_sight(&terrain, one, other)
    }

    /// Whether a wind between two creatures carries off what one shoots at the other (SRD 5.1 "Wind
    /// Wall"; SRD 5.2.1 "Wind Wall"): not what giants throw.
    pub(in crate::combat) fn is_deflected(self, strike: Strike<'_>) -> bool {
        let shooter = self.combat.combatant(strike.attacker);
        let giant = shooter.and_then(|it| it.block.creature_type) == Some(CreatureType::Giant);
        if !strike.ranged || strike.attack.spell || giant {
            return false;
        }
        let winds = self
            .combat
            .effects
            .zones()
            .iter()
            .filter(|effect| effect.template.zone.as_ref().is_some_and(|zone| zone.deflects));
        let squares: BTreeSet<Square> = winds
            .filter_map(|effect| effect.covers.as_ref())
            .flat_map(|covers| covers.squares.iter().copied())
            .collect();
        let spaces = (self.space_of(strike.attacker), self.space_of(strike.target));
        let (Some(from), Some(to)) = spaces else {
            return false;
        };
        let terrain = Terrain { blocking: &squares, ..self.terrain() };
        !squares.is_empty() && !line_of_sight(&terrain, from.footprint(), to.footprint())
    }

    /// Effects on the map that concern a creature, the oldest first.
    pub(in crate::combat) fn zones_on(
        self,
        who: CombatantId,
    ) -> impl Iterator<Item = &'a Effect> + use<'a> {
        let effects = self.combat.effects.zones().iter().map(AsRef::as_ref);
        effects.filter(move |effect| self.covers(effect, who))
    }

    /// Effects on the map that concern a creature, less those in whose place another of their key
    /// counts: the more potent, the later of equals (SRD 5.1 "Combining Magical Effects"; SRD 5.2.1
    /// same).
    pub(in crate::combat) fn zones_counted_on(
        self,
        who: CombatantId,
    ) -> impl Iterator<Item = &'a Effect> + use<'a> {
        self.zones_on(who).filter(move |effect| !self.is_outdone(effect, who))
    }

    /// Whether another effect on the map of the same key counts for a creature in place of this one.
    pub(in crate::combat) fn is_outdone(self, effect: &Effect, who: CombatantId) -> bool {
        let rank = |effect: &Effect| {
            let template = &effect.template;
            let casting = template.casting.as_deref().map(|it| (it.slot, it.dc));
            (template.potency(), casting, effect.id)
        };
        let Some(key) = &effect.template.key else { return false };
        let zones = self.combat.effects.zones().iter();
        let mut same = zones.filter(|other| other.template.key.as_ref() == Some(key));
        same.any(|other| rank(other) > rank(effect) && self.covers(other, who))
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

    /// Whether obscured ground keeps one creature from seeing another: around either of them, or
    /// darkness without light around the one seen.
    pub(in crate::combat) fn is_hidden_by_ground(
        self,
        one: CombatantId,
        other: CombatantId,
    ) -> bool {
        self.hides(one, other, true)
    }

    /// The same where what is around the viewer alone does not count: the one seen is heavily
    /// obscured, or behind what is.
    pub(in crate::combat) fn is_obscured_to(self, one: CombatantId, other: CombatantId) -> bool {
        self.hides(one, other, false)
    }

    fn hides(self, one: CombatantId, other: CombatantId, blind: bool) -> bool {
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
        let pierces = self.pierces_darkness(one, distance);
        let obscured = self.obscured_to(pierces);
        let dark = |creature: &crate::combat::Combatant| {
            self.space_for(creature).is_some_and(|space| {
                let mut squares = space.footprint().squares();
                squares.any(|at| obscured.contains(&at) || printed.contains(&at))
                    || self.is_obscured_afar(space, pierces)
            })
        };
        if dark(viewer) {
            blind || dark(seen)
        } else {
            dark(seen) || self.is_behind(&obscured, viewer, seen)
        }
    }

    /// Whether squares that are not seen through are between two creatures.
    fn is_behind(self, squares: &BTreeSet<Square>, viewer: &Combatant, seen: &Combatant) -> bool {
        let spaces = (self.space_for(viewer), self.space_for(seen));
        let (Some(from), Some(to)) = spaces else { return false };
        let terrain = Terrain { blocking: squares, ..self.terrain() };
        !squares.is_empty() && !line_of_sight(&terrain, from.footprint(), to.footprint())
    }

    /// Dice that effects add to a hit's damage; `mode` is that of its attack roll.
    pub(in crate::combat) fn extra_damage(self, strike: Strike<'_>, mode: RollMode) -> Vec<Extra> {
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
            Some(Extra {
                part: DamageDice { dice: active.modifier.dice.clone()?, kind },
                types: active.modifier.types.clone(),
                least: active.modifier.value(active.level),
                once: active.modifier.once_a_turn.then_some(active.effect.id),
            })
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
        if attack.attack_id.as_str() == UNARMED {
            self.grow_weapon(who, attack.to_mut());
        }
        if self.is(who, ModifierKind::MagicalWeapon) && !attack.spell {
            attack.to_mut().properties.push(AttackProperty::Magical);
        }
        attack
    }

    /// An unarmed strike with what an effect lets its bearer grow (SRD 5.1 "Alter Self"; SRD 5.2.1
    /// "Alter Self").
    fn grow_weapon(self, who: CombatantId, attack: &mut Attack) {
        let found = self
            .of_kind(who, ModifierKind::NaturalWeapon)
            .find_map(|active| Some((active.modifier, active.modifier.dice.as_ref()?)));
        let Some((modifier, dice)) = found else { return };
        let strength =
            self.combat.combatant(who).map_or(0, |it| it.block.abilities.modifier(Ability::Str));
        let own = if modifier.set { 0 } else { strength };
        let added = own.saturating_add(modifier.value.unwrap_or(0));
        attack.bonus = attack.bonus.saturating_sub(strength).saturating_add(added);
        if !modifier.set {
            attack.properties.push(AttackProperty::Magical);
        }
        if let Some(part) = attack.damage.first_mut() {
            part.dice = plus(dice, added);
            part.kind = modifier.types.first().copied().unwrap_or(part.kind);
        }
    }

    /// Whether a creature has a bonus action left: where an effect leaves it one of both, the action
    /// not taken.
    pub(in crate::combat) fn bonus_action_left(self, who: CombatantId) -> bool {
        self.combat.combatant(who).is_some_and(|it| {
            let either = self.is(who, ModifierKind::ActionOrBonus);
            let kept = self.is(who, ModifierKind::NoBonusAction);
            it.economy.bonus_action && (it.economy.action || !either) && !kept
        })
    }
}
