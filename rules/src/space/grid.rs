//! The map: what squares there are, which are hard to cross, filled or obscured.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::direction::Point;
use super::scale::Scale;
use super::square::{Footprint, Square};
use crate::Key;
use crate::rule_set::{AreaSquares, Diagonals};

/// Columns and rows that open ground goes to every side of `[0, 0]`: feet.
const OPEN_FT: i32 = 100_000;

/// How far to every side the squares of an area on open ground are listed.
const LISTED_FT: i32 = 100;

/// A map of squares of 5 ft, or open ground measured in feet; what is not listed is open and clear.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grid {
    /// Columns.
    pub width: i32,
    /// Rows.
    pub height: i32,
    /// Feet along an edge of a square: 5, or 1 on open ground without columns and rows.
    #[serde(default = "five")]
    pub cell_ft: i32,
    /// What a diagonal step costs here; absent: as the table's rules say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagonals: Option<Diagonals>,
    /// Difficult terrain.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub difficult: BTreeSet<Square>,
    /// Filled: no entry, no line of sight, total cover.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub blocking: BTreeSet<Square>,
    /// Hard or impossible to see in.
    #[serde(default, skip_serializing_if = "Obscured::is_clear")]
    pub obscured: Obscured,
    /// Under water: who does not breathe it holds its breath.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub underwater: bool,
    /// The sun shines on it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sunlight: bool,
    /// Ground of some kind, by kind: `rock`, `ice`, `snow`, `web`, `water` … What it is like to cross
    /// is said by `difficult` and `blocking`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub surfaces: BTreeMap<Key, BTreeSet<Square>>,
    /// Where it lies: `abyss`, `nine-hells` …; absent: among mortals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plane: Option<Key>,
    /// Without light of its own: who is not lit is seen with darkvision.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dark: bool,
}

const fn five() -> i32 {
    super::square::SQUARE_FT
}

/// Squares that are hard or impossible to see in.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Obscured {
    /// Dim light, patchy fog.
    #[serde(default)]
    pub lightly: BTreeSet<Square>,
    /// Darkness, dense fog.
    #[serde(default)]
    pub heavily: BTreeSet<Square>,
}

impl Obscured {
    fn is_clear(&self) -> bool {
        self.lightly.is_empty() && self.heavily.is_empty()
    }
}

/// The squares there are: those from `least` to `most`, both included.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// Least column and row.
    pub least: Square,
    /// Greatest column and row.
    pub most: Square,
}

impl Bounds {
    /// Whether the square is there.
    pub const fn contains(self, square: Square) -> bool {
        self.least.x <= square.x
            && square.x <= self.most.x
            && self.least.y <= square.y
            && square.y <= self.most.y
    }

    /// Whether a space has part in them.
    pub(crate) const fn meets(self, space: Footprint) -> bool {
        let (least, last) = (space.corner, space.corner.shifted(space.side - 1, space.side - 1));
        self.least.x <= last.x
            && least.x <= self.most.x
            && self.least.y <= last.y
            && least.y <= self.most.y
    }

    /// The squares of both; the other's first if they have none in common.
    pub(super) fn common(self, other: Self) -> Self {
        let (a, b) = (self.least, other.least);
        let least = Square { x: a.x.max(b.x), y: a.y.max(b.y) };
        let (a, b) = (self.most, other.most);
        Self { least, most: Square { x: a.x.min(b.x), y: a.y.min(b.y) } }
    }

    /// Column by column; none where the least is beyond the most.
    pub(super) fn squares(self) -> impl Iterator<Item = Square> {
        let columns = self.least.x..=self.most.x;
        columns.flat_map(move |x| (self.least.y..=self.most.y).map(move |y| Square { x, y }))
    }
}

impl Grid {
    /// Open ground of so many columns and rows.
    pub const fn open(width: i32, height: i32) -> Self {
        Self {
            width,
            height,
            cell_ft: five(),
            diagonals: None,
            difficult: BTreeSet::new(),
            blocking: BTreeSet::new(),
            obscured: Obscured { lightly: BTreeSet::new(), heavily: BTreeSet::new() },
            underwater: false,
            sunlight: false,
            surfaces: BTreeMap::new(),
            plane: None,
            dark: false,
        }
    }

    /// Ground without a grid.
    pub fn without_squares() -> Self {
        Self { cell_ft: Scale::Feet.cell_ft(), ..Self::open(0, 0) }
    }

    /// What its columns and rows count.
    pub const fn scale(&self) -> Scale {
        if self.cell_ft == Scale::Feet.cell_ft() { Scale::Feet } else { Scale::Squares }
    }

    /// Its squares.
    pub const fn bounds(&self) -> Bounds {
        if let Scale::Feet = self.scale() {
            let least = Square { x: -OPEN_FT, y: -OPEN_FT };
            return Bounds { least, most: Square { x: OPEN_FT, y: OPEN_FT } };
        }
        let most = Square { x: self.width - 1, y: self.height - 1 };
        Bounds { least: Square { x: 0, y: 0 }, most }
    }
}

static NONE: BTreeSet<Square> = BTreeSet::new();

/// The map with what effects make of it for now.
#[derive(Clone, Copy, Debug)]
pub struct Terrain<'a> {
    /// The map.
    pub grid: &'a Grid,
    /// Squares that effects make difficult.
    pub difficult: &'a BTreeSet<Square>,
    /// Squares that effects fill.
    pub blocking: &'a BTreeSet<Square>,
    /// Squares that the map fills and tunnels open.
    pub opened: &'a BTreeSet<Square>,
    /// Squares of which a foot costs four.
    pub overgrown: &'a BTreeSet<Square>,
}

impl<'a> Terrain<'a> {
    /// The map as it is.
    pub fn of(grid: &'a Grid) -> Self {
        Self { grid, difficult: &NONE, blocking: &NONE, opened: &NONE, overgrown: &NONE }
    }

    /// What its columns and rows count.
    pub const fn scale(&self) -> Scale {
        self.grid.scale()
    }

    /// Which squares of an area count: on open ground all that have part in it.
    pub(super) const fn policy(&self, table: AreaSquares) -> AreaSquares {
        match self.scale() {
            Scale::Squares => table,
            Scale::Feet => AreaSquares::AnyOverlap,
        }
    }

    /// Where the squares are listed of an area that starts here: on open ground at most 40,401.
    pub(super) fn around(&self, origin: Point) -> Bounds {
        let bounds = self.grid.bounds();
        match self.scale() {
            Scale::Squares => bounds,
            Scale::Feet => {
                let middle = origin.square();
                let least = middle.shifted(-LISTED_FT, -LISTED_FT);
                let most = middle.shifted(LISTED_FT, LISTED_FT);
                bounds.common(Bounds { least, most })
            }
        }
    }

    /// Whether it is difficult; however many sources make it so, it is so once.
    pub fn is_difficult(&self, square: Square) -> bool {
        self.grid.difficult.contains(&square) || self.difficult.contains(&square)
    }

    /// Whether it is filled.
    pub fn is_filled(&self, square: Square) -> bool {
        let printed = self.grid.blocking.contains(&square) && !self.opened.contains(&square);
        printed || self.blocking.contains(&square)
    }

    /// Whether nothing on it is filled.
    pub(super) fn is_open(&self) -> bool {
        self.grid.blocking.is_empty() && self.blocking.is_empty()
    }

    /// The first square of a footprint that is off the map.
    pub(crate) fn outside(&self, footprint: Footprint) -> Option<Square> {
        let bounds = self.grid.bounds();
        let far = footprint.corner.shifted(footprint.side - 1, footprint.side - 1);
        if bounds.contains(footprint.corner) && bounds.contains(far) {
            return None;
        }
        footprint.squares().find(|square| !bounds.contains(*square))
    }

    /// The first square of a footprint that is filled.
    pub(crate) fn filled(&self, footprint: Footprint) -> Option<Square> {
        if self.is_open() {
            return None;
        }
        footprint.squares().find(|square| self.is_filled(*square))
    }

    /// Whether a footprint is on the map and nothing of it filled.
    pub(crate) fn has_room(&self, footprint: Footprint) -> bool {
        self.outside(footprint).is_none() && self.filled(footprint).is_none()
    }

    /// Filled squares within these bounds, no order.
    pub(super) fn filled_within(&self, bounds: Bounds) -> Vec<Square> {
        let columns = bounds.least.x..=bounds.most.x;
        let rows = |x| Square { x, y: bounds.least.y }..=Square { x, y: bounds.most.y };
        let mut found = Vec::new();
        for set in [&self.grid.blocking, self.blocking] {
            // A few squares are looked through faster than many columns.
            if set.len() < columns.clone().count() * 4 {
                found.extend(set.iter().filter(|square| bounds.contains(**square)));
            } else {
                found.extend(columns.clone().flat_map(|x| set.range(rows(x))));
            }
        }
        found.retain(|square| self.is_filled(*square));
        found
    }
}
