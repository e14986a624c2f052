//! Steps of a path: which are legal and what they cost (SRD 5.2.1 "Playing on a Grid", "Moving
//! around Other Creatures"; SRD 5.1 "Movement and Position" gives the costs, and has no grid).
//!
//! A step leads to a square next to the last, up to 5 ft higher or lower. No step enters a filled
//! square or cuts its corner, and no path ends in the space of another creature.

use super::gait::{Gait, cost_per_foot};
use super::grid::Terrain;
use super::line::Leg;
use super::passage::{Occupant, passage};
use super::place::{Place, Space};
use super::scale::Scale;
use super::square::{Footprint, SQUARE_FT, Square};
use crate::creature::{MovementMode, Size};
use crate::rule_set::{Diagonals, RuleSet, Switch};

/// Feet that a foot of overgrown ground costs more than one of clear ground (SRD 5.1 "Plant Growth";
/// SRD 5.2.1 same).
const OVERGROWN: i32 = 3;

/// Steps of one path.
pub(super) const STEPS: usize = 2_000;

/// Who moves, and how.
#[derive(Clone, Copy, Debug)]
pub struct Mover<'a> {
    /// Its size.
    pub size: Size,
    /// How it moves.
    pub gait: Gait,
    /// The table's rules.
    pub rules: &'a RuleSet,
}

impl Mover<'_> {
    /// Squares along an edge of its space, 5 ft less while it squeezes.
    pub const fn side(&self, scale: Scale) -> i32 {
        if self.gait.squeezing { scale.squeezed_side(self.size) } else { scale.side(self.size) }
    }

    fn space_of(&self, place: Place, passing: Passing, scale: Scale) -> Space {
        Space { place, side: if passing.narrow { 1 } else { self.side(scale) }, scale }
    }
}

/// What lets a creature go where others do not.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Passing {
    /// It shares others' spaces, as swarms do (SRD 5.1 and SRD 5.2.1 "Swarm").
    pub shares: bool,
    /// Creatures and what is filled are difficult terrain to it (SRD 5.1 and SRD 5.2.1 "Incorporeal
    /// Movement").
    pub incorporeal: bool,
    /// It goes through any gap: one free square is room enough (SRD 5.1 and SRD 5.2.1 "Amorphous").
    pub narrow: bool,
    /// Where walls leave no room for its space it goes on with that of one size smaller (SRD 5.1
    /// "Squeezing into a Smaller Space"; SRD 5.2.1 "Difficult Terrain").
    pub squeezes: bool,
}

/// A step, and what it costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// Where it leads.
    pub to: Place,
    /// Feet of movement.
    pub cost_ft: i32,
    /// Whether it goes along more than one axis.
    pub diagonal: bool,
    /// Whether there is only room for the space of one size smaller where it leads.
    pub squeezed: bool,
}

/// Why a step cannot be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StepRefusal {
    /// It leads to no square next to the last, or more than 5 ft up or down.
    #[error("the step is longer than one square")]
    TooLong,
    /// It leads off the map.
    #[error("[{}, {}] is not on the map", at.x, at.y)]
    OffTheMap {
        /// Where.
        at: Square,
    },
    /// It leads into a filled square.
    #[error("[{}, {}] is filled", at.x, at.y)]
    Filled {
        /// Where.
        at: Square,
    },
    /// It cuts the corner of a filled square.
    #[error("the corner of [{}, {}] is in the way", at.x, at.y)]
    Corner {
        /// Which.
        at: Square,
    },
    /// The space of a creature there cannot be moved through.
    #[error("the creature at [{}, {}] is in the way", at.x, at.y)]
    Occupied {
        /// Its square with the least column and row.
        at: Square,
    },
}

/// Why a path cannot be taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PathRefusal {
    /// A step of it cannot be made.
    #[error("step {index}: {why}")]
    Step {
        /// Counted from 0.
        index: usize,
        /// Why.
        why: StepRefusal,
    },
    /// It ends in the space of another creature.
    #[error("the path ends in the space of the creature at [{}, {}]", at.x, at.y)]
    End {
        /// That creature's square with the least column and row.
        at: Square,
    },
    /// More than 2,000 steps.
    #[error("the path has more than {STEPS} steps")]
    Steps,
}

/// One step. `diagonals` are those made in this turn before it; they count where every other one
/// costs double.
///
/// # Errors
/// [`StepRefusal`] says what is in the way.
pub fn step(
    mover: &Mover<'_>,
    terrain: &Terrain<'_>,
    occupants: &[Occupant],
    (from, to): (Place, Place),
    diagonals: u32,
) -> Result<Step, StepRefusal> {
    let how = How { diagonals, passing: Passing::default(), feet: None };
    step_among(Among { mover: *mover, terrain: *terrain, occupants }, (from, to), how)
}

/// What a step depends on besides where it leads.
#[derive(Clone, Copy)]
struct How {
    /// Those made in this turn before it.
    diagonals: u32,
    passing: Passing,
    /// Its length; none: as squares have it.
    feet: Option<i32>,
}

/// Who steps, and what is around it.
#[derive(Clone, Copy)]
struct Among<'a> {
    mover: Mover<'a>,
    terrain: Terrain<'a>,
    occupants: &'a [Occupant],
}

fn step_among(
    Among { mover, terrain, occupants }: Among<'_>,
    (from, to): (Place, Place),
    How { diagonals, passing, feet }: How,
) -> Result<Step, StepRefusal> {
    let scale = terrain.scale();
    let (dx, dy) = (offset(from.square.x, to.square.x)?, offset(from.square.y, to.square.y)?);
    let rise = from.elevation_ft.abs_diff(to.elevation_ft);
    let axes = i32::from(dx != 0) + i32::from(dy != 0) + i32::from(rise != 0);
    let rise = i32::try_from(rise).ok().filter(|rise| *rise <= scale.cell_ft() && axes > 0);
    let rise = rise.ok_or(StepRefusal::TooLong)?;
    let space = mover.space_of(to, passing, scale);
    open(&terrain, mover.space_of(from, passing, scale).footprint(), (dx, dy), passing)?;
    let entered = occupants.iter().filter(|occupant| occupant.space.overlaps(space));
    let rule = mover.rules.edition(Switch::PassThrough);
    let mut difficult = hinders(&mover, to)
        && space.footprint().squares().any(|square| terrain.is_difficult(square));
    difficult |= passing.incorporeal && terrain.filled(space.footprint()).is_some();
    for occupant in entered {
        let passage = passage(rule, mover.size, occupant);
        if !passage.may_pass && !passing.shares && !passing.incorporeal {
            return Err(StepRefusal::Occupied { at: occupant.space.place.square });
        }
        difficult |= passage.difficult || passing.incorporeal;
    }
    let grid = terrain.grid.diagonals.unwrap_or(mover.rules.diagonals);
    let diagonal = axes > 1 && scale == Scale::Squares;
    let double = diagonal && grid == Diagonals::Alternate && diagonals % 2 == 1;
    let whole = if dx == 0 && dy == 0 { rise } else { scale.cell_ft() };
    let feet = feet.unwrap_or(if double { 2 * whole } else { whole });
    let overgrown = hinders(&mover, to)
        && space.footprint().squares().any(|square| terrain.overgrown.contains(&square));
    let per_foot = cost_per_foot(mover.gait, difficult && !overgrown, mover.rules);
    let per_foot = if overgrown { per_foot + OVERGROWN } else { per_foot };
    Ok(Step { to, cost_ft: feet * per_foot, diagonal, squeezed: false })
}

/// One step of one that squeezes where it has to: into what is too narrow, and out of it.
fn step_squeezing(among: Among<'_>, way: (Place, Place), how: How) -> Result<Step, StepRefusal> {
    let Among { mover, terrain, .. } = among;
    let (from, to) = way;
    let step = step_among(among, way, how);
    let space = |place| Space::of_scale(mover.size, place, terrain.scale());
    let fits = |place| terrain.has_room(space(place).footprint());
    let walled = |why: &StepRefusal| match why {
        StepRefusal::OffTheMap { .. } | StepRefusal::Filled { .. } | StepRefusal::Corner { .. } => {
            how.passing.squeezes && !(fits(from) && fits(to))
        }
        StepRefusal::TooLong | StepRefusal::Occupied { .. } => false,
    };
    if !step.as_ref().is_err_and(walled) {
        return step;
    }
    let gait = Gait { squeezing: true, ..mover.gait };
    let mover = Mover { gait, ..mover };
    let step = step_among(Among { mover, ..among }, way, how)?;
    Ok(Step { squeezed: !fits(to), ..step })
}

fn offset(from: i32, to: i32) -> Result<i32, StepRefusal> {
    let offset = to.checked_sub(from).filter(|offset| (-1..=1).contains(offset));
    offset.ok_or(StepRefusal::TooLong)
}

/// Ground does not hinder those that fly above it.
fn hinders(mover: &Mover<'_>, to: Place) -> bool {
    mover.gait.mode != MovementMode::Fly || to.elevation_ft <= 0
}

/// Nothing filled where it goes, nor beside a diagonal step: a corner is cut when going around it,
/// column first or row first, would not do.
fn open(
    terrain: &Terrain<'_>,
    from: Footprint,
    (dx, dy): (i32, i32),
    passing: Passing,
) -> Result<(), StepRefusal> {
    let moved = |dx, dy| from.at(from.corner.shifted(dx, dy));
    let there = moved(dx, dy);
    if let Some(at) = terrain.outside(there) {
        return Err(StepRefusal::OffTheMap { at });
    }
    if passing.incorporeal {
        return Ok(());
    }
    if let Some(at) = terrain.filled(there) {
        return Err(StepRefusal::Filled { at });
    }
    let around = [moved(dx, 0), moved(0, dy)];
    if dx == 0 || dy == 0 {
        return Ok(());
    }
    match around.into_iter().find_map(|around| terrain.filled(around)) {
        Some(at) => Err(StepRefusal::Corner { at }),
        None => Ok(()),
    }
}

/// All steps of a path, in order.
///
/// # Errors
/// [`PathRefusal`]: the first step that cannot be made, or an end in another creature's space.
pub fn path(
    mover: &Mover<'_>,
    terrain: &Terrain<'_>,
    occupants: &[Occupant],
    from: Place,
    places: &[Place],
    diagonals: u32,
) -> Result<Vec<Step>, PathRefusal> {
    path_among(mover, terrain, occupants, (from, places), diagonals, Passing::default())
}

/// All steps of a path of one that goes where others do not.
///
/// # Errors
/// [`PathRefusal`]: the first step that cannot be made, or an end where it cannot be.
pub fn path_among(
    mover: &Mover<'_>,
    terrain: &Terrain<'_>,
    occupants: &[Occupant],
    (from, places): (Place, &[Place]),
    diagonals: u32,
    passing: Passing,
) -> Result<Vec<Step>, PathRefusal> {
    let steps = places.iter().map(|to| (*to, None));
    let among = Among { mover: *mover, terrain: *terrain, occupants };
    all_steps(among, (from, steps), How { diagonals, passing, feet: None })
}

/// All steps of a way over open ground, as [`path_among`] finds them on squares.
///
/// # Errors
/// [`PathRefusal`]: the first step that cannot be made, or an end where it cannot be.
pub fn way_among(
    mover: &Mover<'_>,
    terrain: &Terrain<'_>,
    occupants: &[Occupant],
    (from, legs): (Place, &[Leg]),
    passing: Passing,
) -> Result<Vec<Step>, PathRefusal> {
    let steps = legs.iter().map(|leg| (leg.to, Some(leg.feet)));
    let among = Among { mover: *mover, terrain: *terrain, occupants };
    all_steps(among, (from, steps), How { diagonals: 0, passing, feet: None })
}

fn all_steps(
    among: Among<'_>,
    (from, ways): (Place, impl ExactSizeIterator<Item = (Place, Option<i32>)>),
    how: How,
) -> Result<Vec<Step>, PathRefusal> {
    let How { mut diagonals, passing, .. } = how;
    let Among { mover, terrain, occupants } = among;
    let (mut at, scale) = (from, terrain.scale());
    let mut steps = Vec::with_capacity(ways.len());
    for (index, (to, feet)) in ways.enumerate() {
        let how = How { diagonals, passing, feet };
        let step =
            step_squeezing(among, (at, to), how).map_err(|why| PathRefusal::Step { index, why })?;
        diagonals = diagonals.wrapping_add(u32::from(step.diagonal));
        at = to;
        steps.push(step);
    }
    let squeezed = steps.last().is_some_and(|step| step.squeezed);
    let space = if squeezed { Space::squeezed } else { Space::of_scale };
    let end = space(mover.size, at, scale);
    match occupants.iter().find(|occupant| occupant.space.overlaps(end)) {
        Some(occupant) if !steps.is_empty() && !passing.shares => {
            Err(PathRefusal::End { at: occupant.space.place.square })
        }
        Some(_) | None => Ok(steps),
    }
}

/// The places of a path over these squares that ends at a height: every step rises or sinks up to 5
/// ft, and what is left is gone straight up or down at the end.
///
/// # Errors
/// [`PathRefusal::Steps`]
pub fn waypoints(
    from: Place,
    squares: &[Square],
    elevation_ft: i32,
) -> Result<Vec<Place>, PathRefusal> {
    let mut at = from;
    let mut places = Vec::with_capacity(squares.len());
    let last = squares.last().copied().unwrap_or(from.square);
    let mut squares = squares.iter().copied();
    loop {
        let square = match squares.next() {
            Some(square) => square,
            None if at.elevation_ft == elevation_ft => return Ok(places),
            None => last,
        };
        let rise = elevation_ft.saturating_sub(at.elevation_ft).clamp(-SQUARE_FT, SQUARE_FT);
        at = Place { square, elevation_ft: at.elevation_ft + rise };
        if places.len() == STEPS {
            return Err(PathRefusal::Steps);
        }
        places.push(at);
    }
}
