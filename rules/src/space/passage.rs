//! Moving through the space of another creature (SRD 5.1 "Moving Around Other Creatures"; SRD
//! 5.2.1 "Moving around Other Creatures"). Nobody ends a move there willingly, in either edition.

use serde::{Deserialize, Serialize};

use super::place::{Place, Space};
use super::scale::Scale;
use crate::creature::Size;
use crate::rule_set::Edition;

/// What one creature is to another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// On its side.
    Ally,
    /// Neither.
    Neutral,
    /// Hostile.
    Enemy,
}

/// A creature whose space is in the way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Occupant {
    /// Its space.
    pub space: Space,
    /// Its size.
    pub size: Size,
    /// What it is to the one that moves.
    pub relation: Relation,
    /// Whether it is incapacitated.
    pub incapacitated: bool,
}

/// What moving into a creature's space is like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Passage {
    /// Whether one may move through at all.
    pub may_pass: bool,
    /// Whether its space is difficult terrain.
    pub difficult: bool,
    /// Whether one may stay there.
    pub may_end: bool,
}

/// Whether who ends a turn in the space of another falls prone: SRD 5.2.1 "Moving around Other
/// Creatures"; SRD 5.1 has no such rule.
pub fn falls_for_room(rule: Edition, own: Size, other: Size) -> bool {
    rule == Edition::E52 && own != Size::Tiny && own <= other
}

/// Tiny creatures that have room in 5 ft squared: each is 2½ ft wide.
const TINY_TOGETHER: usize = 4;

/// What somebody's space keeps a creature of size `own` out of; none: nothing. Tiny creatures leave
/// room to each other until four are in a square, as `tiny` counts those in this space; on open ground
/// they keep the foot in the middle of the 3 ft that their spaces take there.
pub fn kept_from(own: Size, other: Size, space: Space, tiny: impl Fn() -> usize) -> Option<Space> {
    match space.scale {
        _ if own != Size::Tiny || other != Size::Tiny => Some(space),
        Scale::Squares => (tiny() >= TINY_TOGETHER).then_some(space),
        Scale::Feet => {
            let Place { square, elevation_ft } = space.place;
            let place = Place { square: square.shifted(1, 1), elevation_ft: elevation_ft + 1 };
            Some(Space::single(place, space.scale))
        }
    }
}

/// What the space of `other` is to a creature of size `mover`, by the rule of one edition.
pub fn passage(rule: Edition, mover: Size, other: &Occupant) -> Passage {
    let two_sizes_apart = mover.steps_above(other.size).abs() >= 2;
    let ally = other.relation == Relation::Ally;
    let tiny = other.size == Size::Tiny;
    let (may_pass, difficult) = match rule {
        Edition::E51 => (other.relation != Relation::Enemy || two_sizes_apart, true),
        Edition::E52 => (ally || other.incapacitated || tiny || two_sizes_apart, !tiny && !ally),
    };
    Passage { may_pass, difficult, may_end: false }
}
