//! Room among others: who is in the way, and where somebody has a place (SRD 5.1 "Creature Size",
//! "Moving Around Other Creatures"; SRD 5.2.1 "Creature Size and Space", "Moving around Other
//! Creatures").

use super::Resolver;
use crate::Size;
use crate::combat::{Combatant, CombatantId, Life};
use crate::effect::ModifierKind;
use crate::space::{Occupant, Place, Relation, Space, Square, kept_from};

impl Resolver<'_> {
    /// Whether somebody whom it does not know of stands where it steps: it gets no further.
    pub(super) fn bumps_into_the_unknown(&self, who: CombatantId, to: Space) -> bool {
        let Some(mover) = self.combat.combatant(who) else { return false };
        let there = |space: Option<Space>| space.is_some_and(|space| space.overlaps(to));
        let mut all = self.combat.combatants.values();
        // Each step of each walk asks this, and somebody like that is hardly ever there.
        if !all.any(|other| is_unknown(mover, other) && there(other.space())) {
            return false;
        }
        let mut kept = self.kept_from(mover, |_| true).into_iter();
        kept.any(|(other, space)| is_unknown(mover, other) && space.overlaps(to))
    }

    /// Whether a creature could stand there.
    pub(super) fn has_room(&self, who: &Combatant, square: Square) -> bool {
        self.is_room(who, who.room_at(square), |_| true)
    }

    /// Whether a creature could stand there as far as it knows.
    pub(super) fn has_known_room(&self, who: &Combatant, square: Square) -> bool {
        self.has_known_room_in(who, who.room_at(square))
    }

    /// As [`Resolver::has_known_room`], in a space.
    pub(super) fn has_known_room_in(&self, who: &Combatant, space: Space) -> bool {
        self.is_room(who, space, |other| !is_unknown(who, other))
    }

    fn is_room(&self, who: &Combatant, space: Space, counts: impl Fn(&Combatant) -> bool) -> bool {
        let mut kept = self.kept_from(who, counts).into_iter();
        !kept.any(|(_, other)| other.overlaps(space))
            && self.view().terrain().has_room(space.footprint())
    }

    /// Who stopped where only a part of it had room, or within another, goes to the nearest free place.
    pub(super) fn make_room(&mut self, who: CombatantId) {
        let passing = self.passing_of(who);
        if passing.narrow || passing.incorporeal {
            self.stand_apart(who);
        }
    }

    /// Who is within another and does not share spaces, or within what is filled and cannot be, goes
    /// to the nearest free place.
    pub(super) fn stand_apart(&mut self, who: CombatantId) {
        let Some(mover) = self.combat.combatant(who).filter(|it| it.life == Life::Alive) else {
            return;
        };
        let (passing, Some(own)) = (self.passing(mover), mover.space()) else { return };
        let shared = self.others(who).iter().any(|other| other.overlaps(own));
        let (terrain, footprint) = (self.view().terrain(), own.footprint());
        let outside = terrain.outside(footprint).is_some();
        let filled = terrain.filled(footprint).is_some() && !passing.incorporeal;
        if (shared && !passing.shares) || outside || filled {
            self.set_down(who, own.place.square);
        }
    }

    /// Whether a step was the last of a walk: something took who moves elsewhere, or keeps it here. In
    /// the space of another it goes to the nearest free one.
    pub(super) fn is_stopped(&mut self, who: CombatantId, at: Place) -> bool {
        let Some(mover) = self.combat.combatant(who) else { return true };
        if mover.position != Some(at.square) || mover.life != Life::Alive {
            return true;
        }
        let moved_ft = mover.economy.moved_ft;
        let reach = self.view().best_speed_ft(who).saturating_add(mover.economy.dashed_ft);
        let lifted = mover.elevation_ft != at.elevation_ft;
        let stopped = lifted || self.view().best_speed_ft(who) == 0 || reach <= moved_ft;
        if !stopped {
            return false;
        }
        let own = mover.space();
        let shares = own.is_some_and(|own| self.others(who).iter().any(|it| it.overlaps(own)));
        if shares && !self.passing_of(who).shares {
            self.set_down(who, at.square);
        }
        true
    }

    /// Everybody else on the board, as somebody meets them.
    pub(super) fn occupants(&self, mover: &Combatant, drag: &[CombatantId]) -> Vec<Occupant> {
        let met = |other: &Combatant| !drag.contains(&other.id) && !is_unknown(mover, other);
        let occupant = |(other, space): (&Combatant, Space)| Occupant {
            space,
            size: other.block.size,
            relation: mover.relation(other),
            incapacitated: self.view().is(other.id, ModifierKind::CannotAct),
        };
        self.kept_from(mover, met).into_iter().map(occupant).collect()
    }

    /// The spaces of everybody else on the board, as far as they keep somebody out.
    pub(super) fn others(&self, who: CombatantId) -> Vec<Space> {
        match self.combat.combatant(who) {
            Some(who) => self.others_for(who),
            None => Vec::new(),
        }
    }

    /// As [`Resolver::others`], for who may be about to come.
    pub(super) fn others_for(&self, who: &Combatant) -> Vec<Space> {
        self.kept_from(who, |_| true).into_iter().map(|(_, space)| space).collect()
    }

    /// Those of the others that count, with what each of them keeps a creature out of.
    pub(super) fn kept_from<'c>(
        &'c self,
        who: &Combatant,
        counts: impl Fn(&Combatant) -> bool,
    ) -> Vec<(&'c Combatant, Space)> {
        let others: Vec<(&Combatant, Space)> = self
            .combat
            .combatants
            .values()
            .filter(|other| other.id != who.id && other.life != Life::Dead && counts(other))
            .filter(|other| !self.view().is_inside(other.id))
            .filter_map(|other| Some((other.as_ref(), other.space()?)))
            .collect();
        let tiny = |at: Space| {
            let tiny = others.iter().filter(|(it, _)| it.block.size == Size::Tiny);
            tiny.filter(|(_, space)| space.overlaps(at)).count()
        };
        let size = who.block.size;
        let kept = |(other, space): &(&'c Combatant, Space)| {
            Some((*other, kept_from(size, other.block.size, *space, || tiny(*space))?))
        };
        others.iter().filter_map(kept).collect()
    }
}

/// Whether only the game masters and its owner know of the other: no refusal may tell of it. Who is of
/// the same side knows of it, unless another player commands it.
pub(super) fn is_unknown(mover: &Combatant, other: &Combatant) -> bool {
    let players = mover.owner.is_some() && mover.owner != other.owner;
    other.hidden && (mover.relation(other) != Relation::Ally || players)
}
