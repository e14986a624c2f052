//! Reading a combat by the rules: what effects say to a roll, how far things are, who sees whom.
//!
//! Nothing here changes anything. [`super::resolver`] decides by it, and whoever shows a combat may
//! ask it too.

mod attack;
mod chances;
mod creature;
mod manner;
mod requirement;
mod spells;
mod surroundings;
mod tests_made;
mod underwater;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::resolver::is_hiding;
use super::{
    CheckSense, Combat, Combatant, CombatantId, CombatantKind, Effect, Life, Refusal, Rulebook,
    Test,
};
use crate::dice::RollMode;
use crate::effect::{Inside, Modifier, ModifierKind, RollKind, When};
use crate::space::{
    Cover, Obstacle, Relation, Square, Terrain, cover, distance_ft, lane, line_of_sight,
};
use crate::{Ability, Condition, Diagonals, Key, Skill};

pub(super) use attack::Strike;
pub(super) use chances::{GRAPPLE, HANDS, SHOVE_PRONE, SHOVE_PUSH};
pub(super) use requirement::IMMUNE;
pub(super) use spells::Extra;
pub(super) use surroundings::RIDDEN;

/// A combat, read by the rules.
#[derive(Clone, Copy)]
pub struct View<'a> {
    combat: &'a Combat,
    book: &'a Rulebook,
}

/// A modifier that holds, and where it comes from.
#[derive(Clone, Copy)]
pub(in crate::combat) struct Active<'s> {
    pub(in crate::combat) modifier: &'s Modifier,
    pub(in crate::combat) effect: &'s Effect,
    /// Condition or effect, as players know it.
    pub(in crate::combat) why: &'s str,
    /// Levels of exhaustion it counts.
    pub(in crate::combat) level: u8,
}

/// What a roll is, as far as modifiers ask.
#[derive(Clone, Copy, Default)]
pub(in crate::combat) struct About<'r> {
    pub(in crate::combat) kinds: &'r [RollKind],
    pub(in crate::combat) ability: Option<Ability>,
    pub(in crate::combat) skill: Option<Skill>,
    /// The attacker, or the one attacked.
    pub(in crate::combat) other: Option<CombatantId>,
    /// Between the two.
    pub(in crate::combat) distance_ft: i32,
    /// Conditions that a save is to avoid or end.
    pub(in crate::combat) against: &'r [Condition],
    /// What a check relies on.
    pub(in crate::combat) sense: Option<CheckSense>,
    /// A save is against magic.
    pub(in crate::combat) magical: bool,
    /// How an attack was rolled.
    pub(in crate::combat) mode: Option<RollMode>,
}

impl<'a> View<'a> {
    /// Of a combat, with this content.
    pub const fn of(combat: &'a Combat, book: &'a Rulebook) -> Self {
        Self { combat, book }
    }

    fn known(self, id: CombatantId) -> Result<&'a Combatant, Refusal> {
        self.combat.combatant(id).ok_or(Refusal::UnknownCombatant { id })
    }

    /// Every modifier that holds for a creature by its effects, the oldest effect's first.
    pub(in crate::combat) fn modifiers(
        self,
        bearer: CombatantId,
    ) -> impl Iterator<Item = Active<'a>> + use<'a> {
        self.modifiers_of(bearer, self.combat.effects.counted_on(bearer))
    }

    /// The modifiers that these on a creature have, and what is on the map and concerns it.
    fn modifiers_of(
        self,
        bearer: CombatantId,
        counted: &'a [Arc<Effect>],
    ) -> impl Iterator<Item = Active<'a>> + use<'a> {
        let rules = &*self.combat.rules;
        let on_it = counted.iter().map(|effect| (&**effect, false));
        let on_map = self.zones_counted_on(bearer).map(|effect| (effect, true));
        on_it.chain(on_map).flat_map(move |(effect, inside)| {
            let template = &*effect.template;
            let level = template.exhaustion.unwrap_or(0);
            let why = template.key.as_ref().map_or(template.name.as_str(), |key| key.as_str());
            let (modifiers, conditions): (&[Modifier], &[Condition]) = match &template.zone {
                Some(zone) if inside => (&zone.modifiers, &zone.conditions),
                _ => (&template.modifiers, &template.conditions),
            };
            let own = modifiers.iter().map(move |modifier| (modifier, why));
            let source = effect.source;
            let felt = move |condition: &Condition| {
                !self.is_spared(bearer, *condition, (source, template.key.as_ref()))
            };
            let felt = conditions.iter().copied().filter(felt);
            let held = felt.flat_map(move |it| self.implied_by(it)).flat_map(|condition| {
                let modifiers = &self.book.conditions.of(condition).modifiers;
                modifiers.iter().map(move |modifier| (modifier, condition.name()))
            });
            own.chain(held)
                .filter(move |(modifier, _)| modifier.holds(rules, level))
                .map(move |(modifier, why)| Active { modifier, effect, why, level })
        })
    }

    /// As [`View::modifiers`], those of one kind.
    pub(in crate::combat) fn of_kind(
        self,
        bearer: CombatantId,
        kind: ModifierKind,
    ) -> impl Iterator<Item = Active<'a>> + use<'a> {
        // Where there may be none, nothing is on the map either.
        let counted: &[_] =
            if self.may_have(bearer, kind) { self.combat.effects.counted_on(bearer) } else { &[] };
        let all = self.modifiers_of(bearer, counted);
        all.filter(move |active| active.modifier.kind == kind)
    }

    /// Whether a modifier of this kind may hold for a creature; no: none does.
    pub(super) fn may_have(self, bearer: CombatantId, kind: ModifierKind) -> bool {
        let effects = &self.combat.effects;
        !effects.zones().is_empty() || effects.may_have(bearer, kind, &self.book.conditions)
    }

    /// Whether another effect of the same key on the same creature counts in its place.
    pub(in crate::combat) fn is_overshadowed(self, effect: &Effect) -> bool {
        let counted = self.combat.effects.counted_on(effect.target);
        !counted.iter().any(|other| other.id == effect.id)
    }

    /// A condition and those that come with it.
    fn implied_by(self, condition: Condition) -> impl Iterator<Item = Condition> + use<'a> {
        let implied = self.book.conditions.of(condition).implies.iter();
        std::iter::once(condition).chain(implied.copied())
    }

    /// Whether an effect keeps a creature from a condition that comes from somebody, by an effect of
    /// this key.
    pub(in crate::combat) fn is_spared(
        self,
        bearer: CombatantId,
        condition: Condition,
        (source, key): (Option<CombatantId>, Option<&Key>),
    ) -> bool {
        if !self.may_have(bearer, ModifierKind::ConditionImmunity) {
            return false;
        }
        let own = self
            .combat
            .effects_on(bearer)
            .flat_map(|effect| effect.template.modifiers.iter().map(move |it| (it, effect)));
        let zones = self.zones_on(bearer).flat_map(|effect| {
            let zone = effect.template.zone.iter();
            zone.flat_map(|zone| &zone.modifiers).map(move |it| (it, effect))
        });
        own.chain(zones).any(|(modifier, effect)| {
            let active = Active { modifier, effect, why: "", level: 0 };
            modifier.kind == ModifierKind::ConditionImmunity
                && modifier.conditions.contains(&condition)
                && (modifier.of.is_empty() || key.is_some_and(|key| modifier.of.contains(key)))
                && self.fits_other(modifier, source)
                && self.cases_hold(bearer, &active, About { other: source, ..About::default() })
        })
    }

    /// Whether a creature has a condition, implied or not.
    pub fn has(self, bearer: CombatantId, condition: Condition) -> bool {
        let on_it = self.combat.effects_on(bearer).flat_map(|effect| {
            let from = (effect.source, effect.template.key.as_ref());
            effect.template.conditions.iter().map(move |condition| (*condition, from))
        });
        let inside = self.zones_on(bearer).flat_map(|effect| {
            let zone = effect.template.zone.iter();
            let from = (effect.source, effect.template.key.as_ref());
            zone.flat_map(|zone| &zone.conditions).map(move |condition| (*condition, from))
        });
        on_it
            .chain(inside)
            .filter(|(held, _)| self.implied_by(*held).any(|held| held == condition))
            .any(|(held, from)| !self.is_spared(bearer, held, from))
    }

    /// Whether anything on a creature does this to it.
    pub(in crate::combat) fn is(self, bearer: CombatantId, kind: ModifierKind) -> bool {
        self.of_kind(bearer, kind).next().is_some()
    }

    /// What keeps a creature from doing something.
    pub(in crate::combat) fn kept_by(
        self,
        bearer: CombatantId,
        kind: ModifierKind,
    ) -> Option<Condition> {
        let by = self.of_kind(bearer, kind).next()?;
        by.effect.template.conditions.first().copied()
    }

    /// Whether a modifier concerns this roll.
    pub(in crate::combat) fn concerns(
        self,
        bearer: CombatantId,
        active: &Active<'_>,
        about: About<'_>,
    ) -> bool {
        let modifier = active.modifier;
        let among = |all: bool, is: bool| all || is;
        modifier.on.iter().any(|kind| about.kinds.contains(kind))
            && among(
                modifier.abilities.is_empty(),
                about.ability.is_some_and(|ability| modifier.abilities.contains(&ability)),
            )
            && among(
                modifier.skills.is_empty(),
                about.skill.is_some_and(|skill| modifier.skills.contains(&skill)),
            )
            && among(
                modifier.conditions.is_empty(),
                about.against.iter().any(|condition| modifier.conditions.contains(condition)),
            )
            && self.fits_other(modifier, about.other)
            && self.cases_hold(bearer, active, about)
    }

    fn fits_other(self, modifier: &Modifier, other: Option<CombatantId>) -> bool {
        modifier.other_types.is_empty()
            || other.and_then(|other| self.combat.combatant(other)).is_some_and(|other| {
                other.block.creature_type.is_some_and(|kind| modifier.other_types.contains(&kind))
            })
    }

    /// Whether all the cases hold that a modifier asks for.
    pub(in crate::combat) fn cases_hold(
        self,
        bearer: CombatantId,
        active: &Active<'_>,
        about: About<'_>,
    ) -> bool {
        active.modifier.when.iter().all(|when| match when {
            When::Within5Ft => about.distance_ft <= 5,
            When::Beyond5Ft => about.distance_ft > 5,
            When::OtherIsNotSource => about.other != active.effect.source,
            When::SourceInSight => {
                active.effect.source.is_some_and(|source| self.sees(bearer, source))
            }
            When::UnseenByOther => about.other.is_some_and(|other| !self.sees(other, bearer)),
            When::SeenByBearer => about.other.is_some_and(|other| self.sees(bearer, other)),
            When::BearerCanDodge => {
                !self.is(bearer, ModifierKind::CannotAct) && self.best_speed_ft(bearer) > 0
            }
            When::NeedsSight => about.sense == Some(CheckSense::Sight),
            When::NeedsHearing => about.sense == Some(CheckSense::Hearing),
            When::NeedsSmell => about.sense == Some(CheckSense::Smell),
            When::AgainstMagic => about.magical,
            When::AgainstConditions => {
                active.modifier.conditions.iter().any(|it| about.against.contains(it))
            }
            When::AllyNearOther => about.other.is_some_and(|other| self.flanks(bearer, other)),
            When::OtherWounded => about.other.is_some_and(|other| {
                let other = self.combat.combatant(other);
                other.is_some_and(|other| other.hp.current < other.hp.max)
            }),
            When::OtherGrappled => about.other.is_some_and(|other| self.grapples(bearer, other)),
            When::InSunlight => self.combat.grid.sunlight,
            When::BearerBloodied => self.is_bloodied(bearer),
            When::OtherIsSubject => about.other.is_some() && about.other == active.effect.about,
            When::OtherIsSource => about.other == active.effect.source,
            When::OtherSees => about.other.is_some_and(|other| self.sees(other, bearer)),
            When::BearerHears => !self.has(bearer, Condition::Deafened),
            When::BearerIsNotSource => active.effect.source != Some(bearer),
            When::OtherInArea => {
                about.other.is_some_and(|other| self.touches(active.effect, other))
            }
            When::SeenBySource => {
                active.effect.source.is_some_and(|source| self.sees(source, bearer))
            }
            When::OutOfSunlight => !self.combat.grid.sunlight,
            When::SourceCanAct => {
                active.effect.source.is_some_and(|source| !self.is(source, ModifierKind::CannotAct))
            }
            When::AllySeenWithin30Ft => self.sees_ally(bearer, 30),
            When::OtherSurprised => about.other.is_some_and(|other| self.was_surprised(other)),
            When::OtherYetToAct => about.other.is_some_and(|other| self.is_yet_to_act(other)),
            When::InOwnFirstTurn => self.combat.round <= 1 && self.combat.active() == Some(bearer),
            When::OnGround => self.is_wholly_on(bearer, &active.modifier.of),
            When::OffGround => !self.is_on(bearer, &active.modifier.of),
            When::Underwater => self.combat.grid.underwater,
            When::InBrightLight => self.is_brightly_lit(bearer),
            When::InDimLight => self.is_dimly_lit(bearer),
            When::Sneaks => match about.mode {
                Some(RollMode::Advantage) => true,
                Some(RollMode::Normal) => {
                    about.other.is_some_and(|other| self.flanks(bearer, other))
                }
                Some(RollMode::Disadvantage) | None => false,
            },
        })
    }

    /// Adds to a test what a creature's own effects say to it.
    pub(in crate::combat) fn consult(self, test: &mut Test, bearer: CombatantId, about: About<'_>) {
        for active in self.modifiers(bearer) {
            if !self.concerns(bearer, &active, about) {
                continue;
            }
            match active.modifier.kind {
                ModifierKind::Advantage => give(test, RollMode::Advantage, "", &active),
                ModifierKind::Disadvantage => give(test, RollMode::Disadvantage, "", &active),
                ModifierKind::Bonus => test.add(active.modifier.value(active.level), active.why),
                ModifierKind::Die => {
                    if let Some(dice) = &active.modifier.dice {
                        test.add_dice(dice, active.why);
                    }
                }
                ModifierKind::AutoFail => test.fail(),
                ModifierKind::LeastDie => test.at_least(active.modifier.value.unwrap_or(0)),
                ModifierKind::Reroll => {
                    test.reroll(active.modifier.value.unwrap_or(0), active.why);
                }
                _ => {}
            }
        }
    }

    /// Adds to an attack's test what the target's effects say to it.
    pub(in crate::combat) fn consult_target(
        self,
        test: &mut Test,
        target: CombatantId,
        about: About<'_>,
    ) {
        for active in self.modifiers(target) {
            if !self.concerns(target, &active, about) {
                continue;
            }
            match active.modifier.kind {
                ModifierKind::AdvantageToAttackers => {
                    give(test, RollMode::Advantage, "target_", &active);
                }
                ModifierKind::DisadvantageToAttackers => {
                    give(test, RollMode::Disadvantage, "target_", &active);
                }
                _ => {}
            }
        }
    }

    /// What one is to another; who left was a foe.
    pub(in crate::combat) fn relation(self, one: CombatantId, other: CombatantId) -> Relation {
        let both = self.combat.combatant(one).zip(self.combat.combatant(other));
        match both {
            Some((one, other)) => one.relation(other),
            None if one == other => Relation::Ally,
            None => Relation::Enemy,
        }
    }

    /// What a diagonal step costs on this map.
    pub fn diagonals(self) -> Diagonals {
        self.combat.grid.diagonals.unwrap_or(self.combat.rules.diagonals)
    }

    /// Feet between two creatures' spaces; 0 where either is off the board.
    pub fn distance_ft(self, one: CombatantId, other: CombatantId) -> i32 {
        let both = self.combat.combatant(one).zip(self.combat.combatant(other));
        both.map_or(0, |(one, other)| self.apart_ft(one, other))
    }

    /// As [`View::distance_ft`], for who is at hand.
    pub(in crate::combat) fn apart_ft(self, one: &Combatant, other: &Combatant) -> i32 {
        let both = self.space_for(one).zip(self.space_for(other));
        both.map_or(0, |(one, other)| distance_ft(one, other, self.diagonals()))
    }

    /// Whether two cannot get at each other: one is off the board and the other on it, or something
    /// took one of them elsewhere.
    pub(in crate::combat) fn is_elsewhere(self, one: CombatantId, other: CombatantId) -> bool {
        let on_board = |id| self.combat.combatant(id).is_some_and(|it| it.position.is_some());
        let away = |id| self.combat.effects_on(id).any(|effect| effect.template.away);
        one != other && (on_board(one) != on_board(other) || away(one) || away(other))
    }

    /// The map, for everything that asks where things are.
    pub(in crate::combat) fn terrain(self) -> Terrain<'a> {
        let ground = &*self.combat.ground;
        Terrain {
            difficult: &ground.difficult,
            blocking: &ground.solid,
            opened: &ground.opened,
            overgrown: &ground.overgrown,
            ..Terrain::of(&self.combat.grid)
        }
    }

    /// Cover of one creature against another: of walls, and of the creatures in between.
    pub fn cover(self, attacker: CombatantId, target: CombatantId) -> Cover {
        if self.is_shut_off(attacker, target) {
            return Cover::Total;
        }
        let both = self.combat.combatant(attacker).zip(self.combat.combatant(target));
        let Some((near, far)) = both else { return Cover::None };
        let (from, to) = (self.space_for(near), self.space_for(far));
        let (Some(from), Some(to)) = (from, to) else { return Cover::None };
        let ridden = [self.mount(attacker), self.mount(target)];
        if self.is_sealed_off(from, to) {
            return Cover::Total;
        }
        let lane = lane(from.footprint(), to.footprint());
        let mut obstacles: Vec<Obstacle> = self
            .combat
            .combatants
            .values()
            .filter(|other| other.id != attacker && other.id != target && other.life != Life::Dead)
            .filter_map(|other| Some((other.id, other.space()?)))
            .filter(|(_, other)| lane.meets(other.footprint()))
            .filter(|(_, other)| other.levels(from) == 0 || other.levels(to) == 0)
            .filter(|(id, _)| !self.is_inside(*id) && !ridden.contains(&Some(*id)))
            .flat_map(|(_, other)| other.footprint().squares())
            .map(|square| Obstacle { square, most: Cover::Half })
            .collect();
        let own =
            |square: Square| from.footprint().contains(square) || to.footprint().contains(square);
        for effect in self.combat.effects.zones() {
            let most = effect.template.zone.as_ref().and_then(|zone| zone.cover);
            let (Some(most), Some(covers)) = (most, &effect.covers) else { continue };
            let squares = covers.squares.iter().copied().filter(|square| !own(*square));
            obstacles.extend(squares.map(|square| Obstacle { square, most }));
        }
        let bared = self.bared(far);
        let terrain = self.terrain();
        let terrain = match &bared {
            Some(blocking) => Terrain { blocking, ..terrain },
            None => terrain,
        };
        cover(&terrain, &obstacles, from.footprint(), to.footprint())
    }

    /// What effects fill besides the place of an object that is part of it, and can be struck, and
    /// what is right beside that.
    fn bared(self, object: &Combatant) -> Option<BTreeSet<Square>> {
        let at = object.space().filter(|_| object.kind == CombatantKind::Object)?.footprint();
        let mut solid = self.combat.ground.solid.clone();
        let near = |square: &Square| {
            at.squares().any(|own| own.x.abs_diff(square.x).max(own.y.abs_diff(square.y)) <= 1)
        };
        solid.retain(|square| !near(square));
        Some(solid)
    }

    /// Whether a creature is in another.
    pub(in crate::combat) fn is_inside(self, who: CombatantId) -> bool {
        self.combat.effects_on(who).any(|effect| effect.template.inside.is_some())
    }

    /// In whom a creature is, with total cover against what is outside.
    fn covered_by(self, who: CombatantId) -> Option<CombatantId> {
        let covers = |effect: &&Effect| effect.template.inside == Some(Inside::Covered);
        self.combat.effects_on(who).find(covers)?.source
    }

    /// Whether one of two is in a creature that the other neither is nor is in.
    pub(in crate::combat) fn is_shut_off(self, one: CombatantId, other: CombatantId) -> bool {
        let (around_one, around_other) = (self.covered_by(one), self.covered_by(other));
        around_one != around_other && around_one != Some(other) && around_other != Some(one)
    }

    /// Whether nothing solid is between two creatures.
    pub(super) fn in_line(self, one: CombatantId, other: CombatantId) -> bool {
        let both = self.combat.combatant(one).zip(self.combat.combatant(other));
        both.is_none_or(|(one, other)| self.is_open_between(one, other))
    }

    fn is_open_between(self, one: &Combatant, other: &Combatant) -> bool {
        let bared = self.bared(other).or_else(|| self.bared(one));
        let (one, other) = (self.space_for(one), self.space_for(other));
        let (Some(one), Some(other)) = (one, other) else { return true };
        let (one, other) = (one.footprint(), other.footprint());
        let terrain = self.terrain();
        let terrain = match &bared {
            Some(blocking) => Terrain { blocking, ..terrain },
            None => terrain,
        };
        line_of_sight(&terrain, one, other) && !self.is_screened(one, other)
    }

    /// Whether one creature hid so well that another does not notice it (SRD 5.1 "Hiding"): its
    /// check exceeded the other's passive Perception, or equals it.
    fn is_hidden_from(self, viewer: CombatantId, hidden: CombatantId) -> bool {
        let best = self
            .combat
            .effects_on(hidden)
            .filter(|effect| is_hiding(effect) && effect.template.conditions.is_empty())
            .filter_map(|effect| effect.template.dc)
            .max();
        best.is_some_and(|dc| dc >= self.passive_perception(viewer)) && !self.feels(viewer, hidden)
    }

    /// Whether one creature sees another.
    pub(in crate::combat) fn sees(self, one: CombatantId, other: CombatantId) -> bool {
        let Some(viewer) = self.combat.combatant(one) else { return false };
        let seen = self.combat.combatant(other);
        // Of whom only the game masters and its owner know, no foe sees.
        if seen.is_some_and(|seen| seen.hidden && viewer.relation(seen) != Relation::Ally) {
            return false;
        }
        let distance = seen.map_or(0, |seen| self.apart_ft(viewer, seen));
        let within = |sense: Option<i32>| sense.is_some_and(|feet| distance <= feet);
        if !seen.is_none_or(|seen| self.is_open_between(viewer, seen)) {
            return false;
        }
        let senses = &viewer.block.senses;
        let deaf =
            || self.has(one, Condition::Deafened) && self.is(one, ModifierKind::SeesByHearing);
        if within(senses.blindsight_ft) && !deaf() {
            return true;
        }
        let sees_invisible = || {
            self.of_kind(one, ModifierKind::SeesInvisible)
                .any(|active| distance <= active.modifier.value.unwrap_or(i32::MAX))
        };
        !self.is_hidden_from(one, other)
            && !self.has(one, Condition::Blinded)
            && !self.is_hidden_by_ground(one, other)
            && (within(senses.truesight_ft)
                || !self.has(other, Condition::Invisible)
                || self.is(other, ModifierKind::CannotHide)
                || sees_invisible())
    }
}

fn give(test: &mut Test, mode: RollMode, prefix: &str, active: &Active<'_>) {
    let source = active.effect.source.map(|source| source.0.to_string());
    test.reason(mode, [prefix, active.why].concat(), source);
}
