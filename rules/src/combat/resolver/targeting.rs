//! Whom a spell is about: named, within range and in line, or in an area (SRD 5.1 "Range",
//! "Targets", "Areas of Effect"; SRD 5.2.1 "Range", "Effects").

use std::collections::BTreeSet;

use super::Resolver;
use super::cast::harms;
use crate::Edition;
use crate::combat::{CombatantId, Life, Refusal};
use crate::content::{Area as Spec, Shape, Spell, SpellRange, SpellRules};
use crate::effect::{Casting, Choice, ModifierKind, Pick, Program, Targets, Whom};
use crate::space::{
    Area, Cover, Place, Relation, Space, Square, distance_ft, near_side, point_cover, within_ft,
};

/// What a caster who wishes to be part of its area chooses.
const INCLUDE: &str = "include";

/// How far a touch reaches.
const TOUCH_FT: i32 = 5;

/// Whether a creature wishes to be part of an area that it creates and that leaves it out else: the
/// choice `include` is true or names it (SRD 5.1 "Areas of Effect"; SRD 5.2.1 "Area of Effect").
fn wishes_in(who: CombatantId, casting: &Casting) -> bool {
    match casting.choices.get(INCLUDE) {
        Some(Choice::Flag(wishes)) => *wishes,
        _ => casting.words(INCLUDE).iter().any(|id| id.parse() == Ok(who.0)),
    }
}

impl Resolver<'_> {
    /// The targets of a casting.
    pub(super) fn spell_targets(
        &self,
        who: CombatantId,
        program: &Program,
        rules: &SpellRules,
        casting: &Casting,
        named: &[CombatantId],
    ) -> Result<Vec<(CombatantId, Cover)>, Refusal> {
        let mut spec = program.targets.clone().unwrap_or_else(|| Targets::of(&rules.record));
        if self.wastes(&spec) {
            spec.when = Vec::new();
        }
        let range_ft = self.spell_range_ft(&rules.record, &spec);
        self.targets(who, &spec, casting, named, (range_ft, harms(program)))
    }

    /// Whether naming somebody whom a spell does nothing to wastes it, instead of being refused (SRD
    /// 5.2.1 "Invalid Targets").
    fn wastes(&self, spec: &Targets) -> bool {
        self.combat.rules.edition == Edition::E52
            && matches!(spec.pick, Pick::Named | Pick::NamedOrPlace | Pick::NamedInArea)
    }

    /// Those who were named in vain: of whom not all holds that a spell asks of its targets.
    pub(super) fn named_in_vain(
        &self,
        who: CombatantId,
        rules: &SpellRules,
        casting: &Casting,
        targets: &[(CombatantId, Cover)],
    ) -> Vec<CombatantId> {
        let spec = rules.program.as_ref().and_then(|program| program.targets.as_ref());
        let spec = spec.filter(|spec| self.wastes(spec));
        let when = spec.map(|spec| spec.when.as_slice()).unwrap_or_default();
        let fits = |target| when.iter().all(|case| self.holds(who, casting, target, case));
        targets.iter().map(|(target, _)| *target).filter(|target| !fits(*target)).collect()
    }

    /// Feet that a spell reaches; none: no bound.
    pub(super) fn spell_range_ft(&self, record: &Spell, spec: &Targets) -> Option<i32> {
        let printed = match record.range {
            SpellRange::Caster => Some(0),
            SpellRange::Touch => Some(TOUCH_FT),
            SpellRange::Feet { feet } => Some(i32::try_from(feet).unwrap_or(i32::MAX)),
            SpellRange::Sight | SpellRange::Unlimited | SpellRange::Special => None,
        };
        spec.range_ft.or(printed)
    }

    /// Targets as words for them say; `range` is how far they may be, and whether they are harmed.
    pub(super) fn targets(
        &self,
        who: CombatantId,
        spec: &Targets,
        casting: &Casting,
        named: &[CombatantId],
        (range_ft, harmful): (Option<i32>, bool),
    ) -> Result<Vec<(CombatantId, Cover)>, Refusal> {
        if spec.from_area {
            return self.beside(who, spec, casting, named, (range_ft, harmful));
        }
        match spec.pick {
            Pick::Caster => Ok(vec![(who, Cover::None)]),
            Pick::Other => self.named(who, spec, casting, named, (range_ft, harmful)),
            Pick::Place => {
                let at = self.place(who, casting.at, range_ft)?;
                if spec.seen && Some(at) != casting.at {
                    return Err(Refusal::NoLineOfEffect);
                }
                // 5.2: who teleports into another appears beside it (SRD 5.2.1 "Teleportation").
                let free = spec.free && self.combat.rules.edition == Edition::E51;
                if free && !self.has_known_room(self.combatant(who)?, at) {
                    return Err(Refusal::InvalidPath { at: Some(at) });
                }
                Ok(vec![(who, Cover::None)])
            }
            Pick::NamedOrPlace if named.is_empty() => {
                self.place(who, casting.at, range_ft)?;
                Ok(vec![(who, Cover::None)])
            }
            Pick::Named if spec.and_caster => {
                let others: Vec<CombatantId> =
                    named.iter().copied().filter(|target| *target != who).collect();
                let mut found = vec![(who, Cover::None)];
                if !others.is_empty() {
                    found.extend(self.named(who, spec, casting, &others, (range_ft, harmful))?);
                }
                Ok(found)
            }
            Pick::Named | Pick::NamedOrPlace => {
                self.named(who, spec, casting, named, (range_ft, harmful))
            }
            Pick::Area => self.in_areas(who, spec, casting, range_ft),
            Pick::Everyone => Ok(self.everyone(who, spec, casting, range_ft)),
            Pick::NamedInArea => {
                let inside = self.in_areas(who, spec, casting, range_ft)?;
                self.may_name(spec, casting, named)?;
                named
                    .iter()
                    .map(|target| {
                        let found = inside.iter().find(|(id, _)| id == target);
                        found.copied().ok_or(Refusal::InvalidTarget)
                    })
                    .collect()
            }
        }
    }

    /// Everybody on the board whom it concerns and of whom it holds what must hold.
    fn everyone(
        &self,
        who: CombatantId,
        spec: &Targets,
        casting: &Casting,
        range_ft: Option<i32>,
    ) -> Vec<(CombatantId, Cover)> {
        let present = |id| !self.view().is_elsewhere(who, id);
        let on_board = self.combat.combatants.values().filter(|it| it.position.is_some());
        let living = on_board.filter(|it| present(it.id));
        living
            .filter(|it| (it.life == Life::Dead) == spec.dead)
            .filter(|it| self.concerns(who, it.id, spec.whom))
            .filter(|it| range_ft.is_none_or(|feet| self.view().distance_ft(who, it.id) <= feet))
            .filter(|it| spec.when.iter().all(|case| self.holds(who, casting, it.id, case)))
            .map(|it| (it.id, Cover::None))
            .collect()
    }

    /// A casting that goes where it can: before what is in the way (SRD 5.1 "A Clear Path to the
    /// Target"; SRD 5.2.1 same).
    pub(super) fn aimed(
        &self,
        who: CombatantId,
        rules: &SpellRules,
        casting: Casting,
    ) -> Result<Casting, Refusal> {
        let program = rules.program.as_ref();
        let Some(spec) = program.and_then(|program| program.targets.as_ref()) else {
            return Ok(casting);
        };
        if spec.pick != Pick::Place || spec.through || spec.seen {
            return Ok(casting);
        }
        let range_ft = self.spell_range_ft(&rules.record, spec);
        let at = self.place(who, casting.at, range_ft)?;
        Ok(Casting { at: Some(at), ..casting })
    }

    /// Targets near the square that the casting names; of the casting itself that is within its range.
    fn beside(
        &self,
        who: CombatantId,
        spec: &Targets,
        casting: &Casting,
        named: &[CombatantId],
        (_, harmful): (Option<i32>, bool),
    ) -> Result<Vec<(CombatantId, Cover)>, Refusal> {
        let rules = self.book.content.spellbook.get(&casting.spell);
        let record = &rules.ok_or(Refusal::UnknownSpell)?.record;
        let range_ft = self.spell_range_ft(record, &Targets::default());
        let at = self.place(who, casting.at, range_ft)?;
        let found = self.named(who, spec, casting, named, (None, harmful))?;
        let there = Space::single(Place::ground(at), self.combat.grid.scale());
        for (target, _) in &found {
            let space = self.view().space_of(*target).ok_or(Refusal::InvalidTarget)?;
            let distance_ft = distance_ft(there, space, self.view().diagonals());
            let range_ft = spec.range_ft.unwrap_or(TOUCH_FT);
            if distance_ft > range_ft {
                return Err(Refusal::OutOfRange { distance_ft, range_ft });
            }
        }
        Ok(found)
    }

    /// How many targets a casting has at most.
    fn most(spec: &Targets, casting: &Casting) -> usize {
        let at_level = spec.at_level.range(..=casting.caster_level).next_back();
        let base = at_level.map_or(spec.count.unwrap_or(1), |(_, count)| *count);
        let above = casting.slot.saturating_sub(casting.level);
        let more = spec.per_slot.unwrap_or(0).saturating_mul(above);
        usize::from(base.saturating_add(more))
    }

    fn may_name(
        &self,
        spec: &Targets,
        casting: &Casting,
        named: &[CombatantId],
    ) -> Result<(), Refusal> {
        let most = Self::most(spec, casting);
        let different: BTreeSet<&CombatantId> = named.iter().collect();
        let wrong = if spec.repeat {
            named.len() != most
        } else {
            named.is_empty() || named.len() > most || different.len() < named.len()
        };
        if wrong { Err(Refusal::TargetCount { most }) } else { Ok(()) }
    }

    fn named(
        &self,
        who: CombatantId,
        spec: &Targets,
        casting: &Casting,
        named: &[CombatantId],
        (range_ft, harmful): (Option<i32>, bool),
    ) -> Result<Vec<(CombatantId, Cover)>, Refusal> {
        self.may_name(spec, casting, named)?;
        let mut reached: Vec<(CombatantId, Cover)> = Vec::with_capacity(named.len());
        for target in named {
            let creature = self.combatant(*target)?;
            let willing = !spec.willing || !self.hostile(who, *target);
            let fits = spec.when.iter().all(|case| self.holds(who, casting, *target, case));
            if (creature.life == Life::Dead) != spec.dead || !willing || !fits {
                return Err(Refusal::InvalidTarget);
            }
            if harmful && self.view().is_charmed_by(who, *target) {
                return Err(Refusal::CharmedByTarget);
            }
            if spec.seen && *target != who && !self.view().sees(who, *target) {
                return Err(Refusal::InvalidTarget);
            }
            reached.push(self.reaches(who, *target, range_ft)?);
            if let (Some(apart_ft), Some((first, _))) = (spec.apart_ft, reached.first()) {
                let distance_ft = self.view().distance_ft(*first, *target);
                if distance_ft > apart_ft {
                    return Err(Refusal::OutOfRange { distance_ft, range_ft: apart_ft });
                }
            }
        }
        Ok(reached)
    }

    /// That a creature is within reach of a spell and in line, and how well it is covered.
    pub(super) fn reaches(
        &self,
        who: CombatantId,
        target: CombatantId,
        range_ft: Option<i32>,
    ) -> Result<(CombatantId, Cover), Refusal> {
        if target == who {
            return Ok((target, Cover::None));
        }
        if self.combatant(target)?.position.is_none() || self.combatant(who)?.position.is_none() {
            return Err(Refusal::InvalidTarget);
        }
        let distance_ft = self.view().distance_ft(who, target);
        if let Some(range_ft) = range_ft.filter(|range_ft| distance_ft > *range_ft) {
            return Err(Refusal::OutOfRange { distance_ft, range_ft });
        }
        let cover = self.view().cover(who, target);
        if cover == Cover::Total { Err(Refusal::NoLineOfEffect) } else { Ok((target, cover)) }
    }

    /// The square that a spell is aimed at: in range; before what is in the way.
    pub(super) fn place(
        &self,
        who: CombatantId,
        at: Option<Square>,
        range_ft: Option<i32>,
    ) -> Result<Square, Refusal> {
        let caster = self.view().space_of(who).ok_or(Refusal::InvalidArea)?;
        let at = at.ok_or(Refusal::InvalidArea)?;
        if !self.combat.grid.bounds().contains(at) {
            return Err(Refusal::InvalidArea);
        }
        let there = caster.square(at);
        let distance_ft = distance_ft(caster, there, self.view().diagonals());
        if let Some(range_ft) = range_ft.filter(|range_ft| distance_ft > *range_ft) {
            return Err(Refusal::OutOfRange { distance_ft, range_ft });
        }
        Ok(near_side(&self.view().terrain(), caster.footprint(), at))
    }

    /// Everybody in an area, or in one of several, once; the dead only where they are meant.
    fn in_areas(
        &self,
        who: CombatantId,
        spec: &Targets,
        casting: &Casting,
        range_ft: Option<i32>,
    ) -> Result<Vec<(CombatantId, Cover)>, Refusal> {
        let mut area = spec.area.ok_or(Refusal::InvalidArea)?;
        let above = i32::from(casting.slot.saturating_sub(casting.level));
        let more = spec.area_per_slot_ft.unwrap_or(0).saturating_mul(above);
        area.size_ft = area.size_ft.saturating_add(more);
        let places = match spec.areas {
            Some(most) => {
                let points = casting.squares("points");
                if points.is_empty() || points.len() > usize::from(most) {
                    return Err(Refusal::InvalidArea);
                }
                points.into_iter().map(Some).collect()
            }
            None => vec![casting.at],
        };
        let mut found: Vec<(CombatantId, Cover)> = Vec::new();
        let mut leaves_out = false;
        for at in places {
            let placed = self.placed(who, &area, at, casting.direction, range_ft)?;
            leaves_out |= placed.left_out.is_some();
            for (id, cover) in self.inside(&placed) {
                match found.iter_mut().find(|(known, _)| *known == id) {
                    Some((_, known)) => *known = (*known).min(cover),
                    None => found.push((id, cover)),
                }
            }
        }
        if leaves_out && wishes_in(who, casting) && !found.iter().any(|(id, _)| *id == who) {
            found.push((who, Cover::None));
        }
        found.retain(|(id, _)| {
            let dead = self.combat.combatant(*id).is_some_and(|it| it.life == Life::Dead);
            let fits = spec.when.iter().all(|case| self.holds(who, casting, *id, case));
            let open = !self.view().is_shut_off(who, *id);
            dead == spec.dead && open && self.concerns(who, *id, spec.whom) && fits
        });
        Ok(found)
    }

    /// An area of somebody's in its place.
    pub(super) fn placed(
        &self,
        who: CombatantId,
        area: &Spec,
        at: Option<Square>,
        direction: Option<Square>,
        range_ft: Option<i32>,
    ) -> Result<Area, Refusal> {
        let creator = self.view().space_of(who).ok_or(Refusal::InvalidArea)?;
        let own = matches!(area.shape, Shape::Cone | Shape::Line | Shape::Emanation)
            || range_ft == Some(0);
        let at = if own { None } else { at };
        let at = match (at, area.shape) {
            (None, Shape::Sphere | Shape::Cylinder) if range_ft != Some(0) => {
                return Err(Refusal::InvalidArea);
            }
            (None, _) => None,
            (at, _) => Some(self.place(who, at, range_ft)?),
        };
        let spec = Spec {
            at: at.map(Into::into).or(area.at),
            direction: direction.map(Into::into).or(area.direction),
            ..*area
        };
        Area::placed(&spec, creator).map_err(|_| Refusal::InvalidArea)
    }

    /// Who is in an area, each with its cover against the point that it starts at.
    pub(super) fn inside(&self, area: &Area) -> Vec<(CombatantId, Cover)> {
        let (terrain, policy) = (self.view().terrain(), self.combat.rules.area_squares);
        let mut found = Vec::new();
        for combatant in self.combat.combatants.values() {
            let Some(space) = self.view().space_of(combatant.id) else { continue };
            if self.view().is_sealed_from(space, area.origin.square()) {
                continue;
            }
            if area.affects(&terrain, policy, space) {
                let squares = space.footprint().squares();
                let cover = squares.map(|at| point_cover(&terrain, &[], area.origin, at)).min();
                found.push((combatant.id, cover.unwrap_or_default()));
            }
        }
        found
    }

    /// Whether a creature is one of those meant, as seen from somebody.
    pub(super) fn concerns(&self, who: CombatantId, other: CombatantId, whom: Whom) -> bool {
        match whom {
            Whom::All => true,
            Whom::Enemies => self.hostile(who, other),
            Whom::Allies => self.allied(who, other),
            Whom::Others => who != other,
        }
    }

    /// Whether two creatures are foes.
    pub(super) fn hostile(&self, one: CombatantId, other: CombatantId) -> bool {
        self.view().relation(one, other) == Relation::Enemy
    }

    /// Whether two creatures are of one side, or are the same.
    pub(super) fn allied(&self, one: CombatantId, other: CombatantId) -> bool {
        self.view().relation(one, other) == Relation::Ally
    }

    /// Whoever is within so many feet of a creature, itself left out.
    pub(super) fn around(&self, center: CombatantId, feet: i32) -> Vec<(CombatantId, Cover)> {
        let Some(space) = self.view().space_of(center) else { return Vec::new() };
        let diagonals = self.view().diagonals();
        self.combat
            .combatants
            .values()
            .filter(|other| other.id != center && other.life != Life::Dead)
            .filter(|other| {
                let its = self.view().space_for(other);
                its.is_some_and(|it| within_ft(space, it, feet, diagonals))
            })
            .map(|other| (other.id, self.view().cover(center, other.id)))
            .filter(|(_, cover)| *cover < Cover::Total)
            .collect()
    }

    /// Whether a spell of this level of somebody else passes by a creature.
    pub(super) fn is_out_of_reach(&self, act: &super::ops::Act, target: CombatantId) -> bool {
        // 5.1: whatever slot it is cast from (SRD 5.1 "Globe of Invulnerability").
        let level = match self.combat.rules.edition {
            Edition::E51 => act.casting.level,
            Edition::E52 => act.casting.slot,
        };
        target != act.caster
            && act.casting.is_spell()
            && self.view().of_kind(target, ModifierKind::SpellsStopped).any(|active| {
                i32::from(level) <= active.modifier.value(active.level)
                    && !self.shares_zone(active.effect.id, act.caster)
            })
    }
}
