//! What a foot of movement costs (SRD 5.1 "Difficult Terrain", "Climbing, Swimming, and Crawling",
//! "Squeezing into a Smaller Space", "Moving a Grappled Creature"; SRD 5.2.1 "Difficult Terrain",
//! "Climbing", "Swimming", "Crawling", "Grappled"). Every reason adds one foot, none twice.

use crate::creature::{MovementMode, Size};
use crate::rule_set::{Edition, RuleSet, Switch};

/// How a creature moves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gait {
    /// The way.
    pub mode: MovementMode,
    /// Whether it has a speed of that kind.
    pub own_speed: bool,
    /// Prone.
    pub crawling: bool,
    /// Through an opening for a creature one size smaller.
    pub squeezing: bool,
    /// Takes along a grappled creature that burdens it: [`drag_burdens`].
    pub dragging: bool,
}

impl Gait {
    /// On foot, upright.
    pub const WALK: Self = Self {
        mode: MovementMode::Walk,
        own_speed: true,
        crawling: false,
        squeezing: false,
        dragging: false,
    };
}

/// Feet of movement that one foot costs: 1 to 5.
pub fn cost_per_foot(gait: Gait, difficult: bool, rules: &RuleSet) -> i32 {
    let unused = match gait.mode {
        MovementMode::Climb | MovementMode::Swim => !gait.own_speed,
        MovementMode::Walk | MovementMode::Fly | MovementMode::Burrow => false,
    };
    let (squeeze, difficult) = match rules.edition(Switch::Squeeze) {
        Edition::E51 => (gait.squeezing, difficult),
        Edition::E52 => (false, difficult || gait.squeezing),
    };
    let drag = gait.dragging && rules.is_52(Switch::DragCost);
    let reasons = [difficult, unused, gait.crawling, squeeze, drag];
    1 + reasons.into_iter().map(i32::from).sum::<i32>()
}

/// Whether one that squeezes has disadvantage on attacks and Dexterity saving throws, and attackers
/// advantage against it; in SRD 5.2.1 a narrow space is difficult terrain and nothing else.
pub fn squeezing_hampers(rule: Edition) -> bool {
    rule == Edition::E51
}

/// Whether a grappled creature taken along slows the one that drags it: by half its speed in SRD
/// 5.1, by a foot for every foot in SRD 5.2.1.
pub fn drag_burdens(rule: Edition, mover: Size, dragged: Size) -> bool {
    let light = mover.steps_above(dragged) >= 2;
    match rule {
        Edition::E51 => !light,
        Edition::E52 => !light && dragged != Size::Tiny,
    }
}
