//! What the surroundings are to a creature: the ground it stands on, light and darkness, what it is
//! taken for (SRD 5.1 "The Environment", "Surprise"; SRD 5.2.1 "Exploration").

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::View;
use crate::combat::{Combatant, CombatantId, Covered, Effect, Life, Refusal};
use crate::effect::{Inside, Light, ModifierKind, RollKind};
use crate::space::{Relation, Space, Square, squeezing_hampers};
use crate::{Key, Skill, Switch};

impl<'a> View<'a> {
    /// What a creature notices without looking.
    pub(in crate::combat) fn passive_perception(self, who: CombatantId) -> i32 {
        self.combat.combatant(who).map_or(0, |who| {
            let notices = 10 + who.block.skill_bonus(Skill::Perception);
            who.block.senses.passive_perception.unwrap_or(notices)
        })
    }

    /// The space of a creature; a rider's is that of whom it rides.
    pub(in crate::combat) fn space_of(self, who: CombatantId) -> Option<Space> {
        self.combat.combatant(self.mount(who).unwrap_or(who))?.space()
    }

    /// As [`View::space_of`], for who is at hand.
    pub(in crate::combat) fn space_for(self, who: &Combatant) -> Option<Space> {
        match self.mount(who.id) {
            Some(mount) => self.combat.combatant(mount)?.space(),
            None => who.space(),
        }
    }

    /// Whether a creature squeezes, and the rules hamper it for that.
    pub(super) fn is_hampered_by_squeezing(self, who: CombatantId) -> bool {
        self.combat.combatant(who).is_some_and(|who| who.squeezed)
            && squeezing_hampers(self.combat.rules.edition(Switch::Squeeze))
    }

    /// Whom a creature rides.
    pub fn mount(self, who: CombatantId) -> Option<CombatantId> {
        let mut effects = self.combat.effects_on(who);
        effects.find(|effect| effect.template.inside == Some(Inside::Ridden))?.source
    }

    /// Who rides a creature.
    pub(in crate::combat) fn rider(self, who: CombatantId) -> Option<CombatantId> {
        // A key is a word that game masters write, too: only who rides is a rider.
        let rides = |rider: &CombatantId| self.mount(*rider) == Some(who);
        let mut effects = self.combat.effects_on(who).filter(|effect| is_ridden(effect));
        effects.find_map(|effect| effect.source.filter(rides))
    }

    /// Who rides a creature and controls it: that acts in its rider's turn.
    pub fn controlled_by(self, who: CombatantId) -> Option<CombatantId> {
        self.rider(who).filter(|_| self.is(who, ModifierKind::ObeysSource))
    }

    /// That a creature can fall to a height: below its own, unless it is dead or in another's saddle
    /// or belly.
    ///
    /// # Errors
    /// Why not.
    pub fn may_fall(self, who: CombatantId, to_ft: i32) -> Result<(), Refusal> {
        let creature = self.known(who)?;
        if creature.life == Life::Dead || self.is_inside(who) {
            return Err(Refusal::InvalidTarget);
        }
        if creature.position.is_none() || creature.elevation_ft <= to_ft {
            return Err(Refusal::NothingToDo);
        }
        Ok(())
    }

    /// The mount that a creature controls.
    pub(in crate::combat) fn controlled(self, who: CombatantId) -> Option<CombatantId> {
        self.mount(who).filter(|mount| self.controlled_by(*mount) == Some(who))
    }

    /// Whether a square is ground of one of these kinds: of the map, or of an effect of such a key.
    pub(in crate::combat) fn is_ground(self, square: Square, kinds: &[Key]) -> bool {
        let printed = kinds.iter().filter_map(|kind| self.combat.grid.surfaces.get(kind));
        printed.into_iter().any(|squares| squares.contains(&square))
            || self.combat.effects.zones().iter().any(|effect| {
                let named = effect.template.key.as_ref().is_some_and(|key| kinds.contains(key));
                named && effect.covers.as_ref().is_some_and(|it| it.contains(square))
            })
    }

    /// Whether part of a creature's space is ground of one of these kinds.
    pub(in crate::combat) fn is_on(self, who: CombatantId, kinds: &[Key]) -> bool {
        let space = self.space_of(who);
        space.is_some_and(|it| it.footprint().squares().any(|at| self.is_ground(at, kinds)))
    }

    /// Whether all of a creature's space is ground of these kinds.
    pub(in crate::combat) fn is_wholly_on(self, who: CombatantId, kinds: &[Key]) -> bool {
        let space = self.space_of(who);
        space.is_some_and(|it| it.footprint().squares().all(|at| self.is_ground(at, kinds)))
    }

    /// Whether a creature feels another on the ground that both are on: on some kind of it, or within
    /// its tremorsense (SRD 5.1 "Tremorsense"; SRD 5.2.1 same). It does not see it by that.
    pub(in crate::combat) fn feels(self, who: CombatantId, other: CombatantId) -> bool {
        let both = self.combat.combatant(who).zip(self.combat.combatant(other));
        let trembles = both.is_some_and(|(who, other)| {
            let reach_ft = who.block.senses.tremorsense_ft;
            let grounded = |it: &Combatant| it.position.is_some() && it.elevation_ft <= 0;
            reach_ft.is_some_and(|feet| self.apart_ft(who, other) <= feet)
                && grounded(who)
                && grounded(other)
        });
        trembles
            || self.of_kind(who, ModifierKind::FeelsOn).any(|active| {
                let of = &active.modifier.of;
                self.is_on(who, of) && self.is_on(other, of)
            })
    }

    /// Whether a creature ignores difficult terrain of a key.
    pub(in crate::combat) fn ignores_ground(self, who: CombatantId, key: Option<&Key>) -> bool {
        self.of_kind(who, ModifierKind::FreeMovement).any(|active| {
            let of = &active.modifier.of;
            of.is_empty() || key.is_some_and(|key| of.contains(key))
        })
    }

    /// Difficult terrain that hinders a creature: what it ignores is left out.
    pub(in crate::combat) fn hindering(self, who: CombatantId) -> BTreeSet<Square> {
        let free: Vec<&[Key]> = self
            .of_kind(who, ModifierKind::FreeMovement)
            .map(|active| active.modifier.of.as_slice())
            .collect();
        if free.iter().any(|of| of.is_empty()) {
            return BTreeSet::new();
        }
        let printed = self.combat.grid.difficult.iter();
        let all = printed.chain(&self.combat.ground.difficult).copied();
        if free.is_empty() {
            return all.collect();
        }
        let kinds: Vec<Key> = free.concat();
        let others: BTreeSet<Square> = self
            .combat
            .effects
            .zones()
            .iter()
            .filter(|effect| effect.template.zone.as_ref().is_some_and(|zone| zone.difficult))
            .filter(|effect| !effect.template.key.as_ref().is_some_and(|it| kinds.contains(it)))
            .filter_map(|effect| effect.covers.as_ref())
            .flat_map(|covers| covers.squares.iter().copied())
            .collect();
        all.filter(|at| others.contains(at) || !self.is_ground(*at, &kinds)).collect()
    }

    /// Whether a creature is lit by something that shines, brightly or at all.
    pub(in crate::combat) fn is_lit(self, who: CombatantId, brightly: bool) -> bool {
        let Some(space) = self.space_of(who) else { return true };
        self.combat.effects.zones().iter().any(|effect| {
            let (Some(zone), Some(covers)) = (&effect.template.zone, &effect.covers) else {
                return false;
            };
            let inside = covers.touches(space);
            let dim = || {
                let reach = effect.template.area.map_or(0, |area| area.size_ft);
                let dim_ft = zone.dim_ft.map(|feet| feet.saturating_add(reach));
                !covers.squares.is_empty()
                    && dim_ft.is_some_and(|feet| self.distance_ft(effect.target, who) <= feet)
            };
            match zone.light {
                Some(Light::Bright) => inside || (!brightly && dim()),
                Some(Light::Dim) => inside && !brightly,
                Some(Light::Dark) | None => false,
            }
        })
    }

    /// Whether a creature is in bright light: the sun's, or of something that shines.
    pub(in crate::combat) fn is_brightly_lit(self, who: CombatantId) -> bool {
        self.combat.grid.sunlight || self.is_lit(who, true)
    }

    /// Whether a creature is in dim light or darkness.
    pub(in crate::combat) fn is_dimly_lit(self, who: CombatantId) -> bool {
        let obscured = &self.combat.grid.obscured;
        let dim = |at: Square| obscured.lightly.contains(&at) || obscured.heavily.contains(&at);
        let printed = self.space_of(who).is_some_and(|it| it.footprint().squares().any(dim));
        (self.combat.grid.dark || printed) && !self.is_brightly_lit(who)
    }

    /// What corrosion takes of an attack: of its roll, and of its damage.
    pub(in crate::combat) fn corrosion(self, who: CombatantId, attack: &Key) -> (i32, i32) {
        if !self.may_have(who, ModifierKind::Corroded) {
            return (0, 0);
        }
        let lost = |kind: RollKind| {
            self.of_kind(who, ModifierKind::Corroded)
                .map(|active| active.modifier)
                .filter(|it| it.of.contains(attack) && it.on.contains(&kind))
                .map(|it| it.value.unwrap_or(0))
                .fold(0, i32::saturating_add)
        };
        (lost(RollKind::Attack), lost(RollKind::Damage))
    }

    /// Whether magical darkness does not hinder a creature so many feet away.
    pub(super) fn pierces_darkness(self, viewer: CombatantId, distance: i32) -> bool {
        let darkvision = self.combat.combatant(viewer).and_then(|it| it.block.senses.darkvision_ft);
        darkvision.is_some_and(|feet| distance <= feet)
            && self.is(viewer, ModifierKind::SeesInMagicalDarkness)
    }

    /// Squares that effects make hard to see in, to one whom magical darkness does not hinder.
    pub(super) fn obscured_to(self, pierces: bool) -> Cow<'a, BTreeSet<Square>> {
        if !pierces {
            return Cow::Borrowed(&self.combat.ground.obscured);
        }
        let squares = self.obscuring(pierces).flat_map(|covers| covers.squares.iter().copied());
        Cow::Owned(squares.collect())
    }

    /// Whether a space has part in what effects make hard to see in, so far from its middle that the
    /// squares are not listed.
    pub(in crate::combat) fn is_obscured_afar(self, space: Space, pierces: bool) -> bool {
        let mut far = self.obscuring(pierces).filter(|covers| covers.far.is_some());
        far.any(|covers| covers.touches(space))
    }

    /// Where effects are that make it hard to see: magical darkness left out where that is pierced.
    fn obscuring(self, pierces: bool) -> impl Iterator<Item = &'a Covered> {
        let zones = self.combat.effects.zones().iter();
        let obscuring = zones.filter(move |effect| {
            let zone = effect.template.zone.as_ref();
            zone.is_some_and(|it| it.obscured && !(pierces && it.light == Some(Light::Dark)))
        });
        obscuring.filter_map(|effect| effect.covers.as_ref())
    }

    /// Whether darkness keeps one creature from seeing another: that is not lit, and out of the
    /// reach of darkvision.
    pub(super) fn is_dark_between(self, viewer: CombatantId, seen: CombatantId) -> bool {
        let distance = self.distance_ft(viewer, seen);
        self.combat.grid.dark
            && !self.is_lit(seen, false)
            && self.darkvision_ft(viewer).is_none_or(|feet| distance > feet)
    }

    /// Whether one creature makes out another badly, or what is where that is: it is lightly obscured
    /// (SRD 5.1 "Vision and Light"; SRD 5.2.1 "Obscured Areas"). Who sees in the dark sees what is in
    /// dim light as in bright, and what is in darkness as in dim.
    pub(in crate::combat) fn is_dim_to(self, viewer: CombatantId, seen: CombatantId) -> bool {
        let Some(who) = self.combat.combatant(viewer) else { return false };
        let senses = &who.block.senses;
        let distance = self.distance_ft(viewer, seen);
        let within = |sense: Option<i32>| sense.is_some_and(|feet| distance <= feet);
        let dark = self.combat.grid.dark && !self.is_lit(seen, false);
        !within(senses.blindsight_ft)
            && !within(senses.truesight_ft)
            && self.is_dimly_lit(seen)
            && (dark || self.darkvision_ft(viewer).is_none_or(|feet| distance > feet))
    }

    /// How far a creature sees in the dark, by itself or by an effect.
    fn darkvision_ft(self, who: CombatantId) -> Option<i32> {
        let own = self.combat.combatant(who).and_then(|it| it.block.senses.darkvision_ft);
        let lent = self.of_kind(who, ModifierKind::Sense);
        own.max(lent.map(|active| active.modifier.value(active.level)).max())
    }

    /// Whether one creature does not know another for one.
    pub(in crate::combat) fn is_mistaken(self, viewer: CombatantId, other: CombatantId) -> bool {
        let passive = self.passive_perception(viewer);
        self.of_kind(other, ModifierKind::Unrecognized)
            .any(|active| active.modifier.value.is_none_or(|dc| passive < dc))
    }

    /// Whether a creature notices no threat as the combat begins: there are foes, and it takes none
    /// of them for one (SRD 5.1 "Surprise").
    pub(in crate::combat) fn notices_nobody(self, who: CombatantId) -> bool {
        let Some(me) = self.combat.combatant(who) else { return false };
        let mut foes = self
            .combat
            .combatants
            .values()
            .filter(|it| me.relation(it) == Relation::Enemy)
            .filter(|it| it.position.is_some() && it.life != Life::Dead)
            .peekable();
        foes.peek().is_some() && foes.all(|foe| self.is_mistaken(who, foe.id))
    }
}

/// The key of the effect on whoever is ridden; its source is the rider.
pub(in crate::combat) const RIDDEN: &str = "ridden";

fn is_ridden(effect: &Effect) -> bool {
    effect.template.key.as_ref().is_some_and(|key| key.as_str() == RIDDEN)
}
