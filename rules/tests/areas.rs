//! Areas, cover, lines of sight and distances on small maps.

use gss_rules::content::{self, Shape};
use gss_rules::space::{
    Area, Bounds, Cover, Direction, Footprint, Grid, Obstacle, Place, PlacementError, Point, Rise,
    Scale, Space, Square, Template, Terrain, cover, distance_ft, line_of_sight, near_side,
    point_cover,
};
use gss_rules::{AreaSquares, Diagonals, Size};
use proptest::prelude::*;

const POLICIES: [AreaSquares; 3] =
    [AreaSquares::CenterIn, AreaSquares::HalfCovered, AreaSquares::AnyOverlap];

fn at(x: i32, y: i32) -> Square {
    Square { x, y }
}

fn filled(squares: &[(i32, i32)]) -> Grid {
    let mut grid = Grid::open(30, 30);
    grid.blocking = squares.iter().map(|(x, y)| at(*x, *y)).collect();
    grid
}

#[test]
fn distances_count_the_nearest_squares() {
    let space =
        |size, x, y, elevation_ft| Space::of(size, Place { square: at(x, y), elevation_ft });
    let here = space(Size::Medium, 0, 0, 0);
    for (there, equal, alternate) in [
        (here, 0, 0),
        (space(Size::Medium, 3, 3, 0), 15, 20),
        (space(Size::Medium, 1, 1, 5), 5, 5),
        (space(Size::Medium, 4, 4, 20), 20, 35),
        (space(Size::Medium, 0, 0, 9), 5, 5),
        (space(Size::Medium, 0, 0, 10), 10, 10),
        (space(Size::Gargantuan, 1, -3, -15), 5, 5),
        (space(Size::Huge, -4, 0, -10), 10, 10),
    ] {
        assert_eq!(distance_ft(here, there, Diagonals::Equal), equal, "{there:?}");
        assert_eq!(distance_ft(there, here, Diagonals::Equal), equal, "{there:?}");
        assert_eq!(distance_ft(here, there, Diagonals::Alternate), alternate, "{there:?}");
    }
}

#[test]
fn filled_squares_give_cover() {
    let single = |x, y| Footprint::single(at(x, y));
    let covered = |walls: &[(i32, i32)], a, b| cover(&Terrain::of(&filled(walls)), &[], a, b);
    let (a, b) = (single(0, 0), single(4, 0));
    assert_eq!(covered(&[], a, b), Cover::None);
    assert_eq!(covered(&[(2, 0)], a, b), Cover::Total);
    assert_eq!(covered(&[(2, 1)], a, b), Cover::None);
    // Around a corner, past a pillar.
    assert_eq!(covered(&[(1, 1)], a, single(2, 2)), Cover::ThreeQuarters);
    assert_eq!(covered(&[(1, 1)], a, single(2, 1)), Cover::Half);
    assert_eq!(covered(&[(1, 0), (0, 1)], a, single(1, 1)), Cover::Total);
    assert_eq!(covered(&[(1, 0), (0, 1)], a, single(4, 4)), Cover::Total);
    // Of a large target the attacker picks the square that it sees best.
    let large = Footprint::of(Size::Large, at(4, 0));
    assert_eq!(covered(&[(2, 0)], a, large), Cover::Half);
    let wall: Vec<(i32, i32)> = (0..30).map(|y| (2, y)).collect();
    assert_eq!(covered(&wall, a, large), Cover::Total);
    assert!(!line_of_sight(&Terrain::of(&filled(&wall)), a, large));
    assert!(line_of_sight(&Terrain::of(&filled(&[(1, 1)])), a, single(2, 2)));
}

#[test]
fn creatures_and_objects_give_what_they_are_good_for() {
    let (a, b) = (Footprint::single(at(0, 0)), Footprint::single(at(4, 0)));
    let grid = Grid::open(30, 30);
    let behind = |obstacles: &[(i32, i32, Cover)]| {
        let obstacle =
            |(x, y, most): &(i32, i32, Cover)| Obstacle { square: at(*x, *y), most: *most };
        let obstacles: Vec<Obstacle> = obstacles.iter().map(obstacle).collect();
        cover(&Terrain::of(&grid), &obstacles, a, b)
    };
    assert_eq!(behind(&[(2, 0, Cover::Half)]), Cover::Half);
    assert_eq!(behind(&[(2, 0, Cover::Half), (3, 0, Cover::Half)]), Cover::Half);
    assert_eq!(behind(&[(2, 0, Cover::Half), (3, 0, Cover::ThreeQuarters)]), Cover::ThreeQuarters);
    assert_eq!(behind(&[(2, 1, Cover::ThreeQuarters)]), Cover::None);
    assert_eq!(behind(&[(2, 0, Cover::None)]), Cover::None);
    assert_eq!(Cover::ThreeQuarters.bonus(), Some(5));
    assert_eq!(Cover::Total.bonus(), None);
}

/// Squares of an area from a creature at `[10, 10]`, as offsets from there.
fn offsets(template: Template, policy: AreaSquares) -> Vec<(i32, i32)> {
    let squares = template.squares(policy, Grid::open(30, 30).bounds());
    squares.into_iter().map(|square| (square.x - 10, square.y - 10)).collect()
}

#[test]
fn areas_start_at_the_edge_of_a_creature() {
    let caster = Footprint::single(at(10, 10));
    let half = AreaSquares::HalfCovered;
    let east = at(15, 10);
    let cone = Template::cone(caster, east, 15).expect("a direction");
    assert_eq!(offsets(cone, half), [(1, 0), (2, 0), (3, -1), (3, 0), (3, 1)]);
    let cone = Template::cone(caster, at(6, 6), 15).expect("a direction");
    assert_eq!(offsets(cone, half).len(), 6);
    let line = Template::line(caster, at(10, 2), 20, 5).expect("a direction");
    assert_eq!(offsets(line, half), [(0, -4), (0, -3), (0, -2), (0, -1)]);
    let cube = |x, y, edge| offsets(Template::cube(caster, at(x, y), edge).expect("one"), half);
    assert_eq!(cube(12, 10, 5), [(1, 0)]);
    assert_eq!(cube(12, 12, 5), [(1, 1)]);
    assert_eq!(cube(9, 10, 15).len(), 9);
    assert_eq!(cube(9, 10, 15)[0], (-3, -1));
    assert_eq!(cube(10, 13, 10), [(-1, 1), (-1, 2), (0, 1), (0, 2)]);
    assert_eq!(cube(11, 15, 10), [(0, 1), (0, 2), (1, 1), (1, 2)]);
    assert_eq!(Template::cone(caster, at(10, 10), 15), None);
    let large =
        Template::Emanation { from: Footprint::of(Size::Large, at(10, 10)), distance_ft: 10 };
    // Two columns and rows on each side but the outermost corners, which are covered by less.
    assert_eq!(offsets(large, half).len(), 28);
    assert!(!large.covers(at(10, 11), AreaSquares::AnyOverlap));
}

#[test]
fn content_says_what_and_somebody_where() {
    let caster = Footprint::single(at(10, 10));
    let place = Place { square: at(10, 10), elevation_ft: 15 };
    let creator = Space::single(place, Scale::Squares);
    let placed = |shape, size_ft, at: Option<[i32; 2]>, direction: Option<[i32; 2]>| {
        Area::placed(
            &content::Area { at, direction, ..content::Area::new(shape, size_ft) },
            creator,
        )
    };
    let east = Some([15, 10]);
    let disc = placed(Shape::Sphere, 20, Some([3, 4]), None).expect("placed");
    let center = Point { x: 35, y: 45 };
    assert_eq!(disc.template, Template::Disc { center, radius_ft: 20 });
    assert_eq!((disc.origin, disc.left_out, disc.base_ft), (center, None, 15));
    let own = placed(Shape::Cylinder, 10, None, None).expect("placed");
    assert_eq!((own.origin, own.left_out), (Point { x: 105, y: 105 }, None));
    let aura = placed(Shape::Emanation, 10, None, None).expect("placed");
    assert_eq!((aura.origin, aura.left_out), (Point { x: 105, y: 105 }, Some(caster)));
    let cone = placed(Shape::Cone, 15, None, east).expect("placed");
    assert_eq!((cone.origin, cone.left_out), (Point { x: 110, y: 105 }, Some(caster)));
    let line = placed(Shape::Line, 30, None, Some([10, 0])).expect("placed");
    let toward = Direction::new(0, -1).expect("a direction");
    let from = Point { x: 105, y: 100 };
    let template = Template::Line { from, toward, length_ft: 30, width_ft: 5 };
    assert_eq!(line.template, template);
    let cube = placed(Shape::Cube, 15, None, east).expect("placed");
    let least = Point { x: 110, y: 90 };
    assert_eq!(cube.template, Template::Cube { least, edge_ft: 15 });
    for (edge_ft, least) in [(5, 40), (10, 40), (15, 30), (20, 30)] {
        let cube = placed(Shape::Cube, edge_ft, Some([4, 4]), east).expect("placed");
        let least = Point { x: least, y: least };
        assert_eq!(cube.template, Template::Cube { least, edge_ft });
        assert_eq!(cube.left_out, None);
    }
    assert_eq!(placed(Shape::Cone, 15, None, None), Err(PlacementError::Direction));
    assert_eq!(placed(Shape::Line, 15, None, Some([10, 10])), Err(PlacementError::Direction));
    assert_eq!(placed(Shape::Cube, 15, None, None), Err(PlacementError::Place));
}

#[test]
fn total_cover_from_the_origin_saves() {
    let mut grid = Grid::open(30, 30);
    grid.blocking = (8..13).map(|y| at(12, y)).collect();
    let terrain = Terrain::of(&grid);
    let center = Point::center(at(10, 10));
    let template = Template::Disc { center, radius_ft: 20 };
    let area = Area::new(template, center, None);
    let squares = area.squares(&terrain, AreaSquares::HalfCovered);
    assert!(squares.contains(&at(10, 10)) && squares.contains(&at(11, 12)));
    assert!(!squares.contains(&at(12, 10)), "filled");
    assert!(!squares.contains(&at(13, 10)) && !squares.contains(&at(14, 10)), "behind the wall");
    assert!(squares.contains(&at(12, 13)), "past its end");
    assert_eq!(point_cover(&terrain, &[], center, at(13, 10)), Cover::Total);
    let left_out = Some(Footprint::single(at(10, 10)));
    let without = Area { left_out, ..area }.squares(&terrain, AreaSquares::HalfCovered);
    assert_eq!(without.len() + 1, squares.len());
    let caster = Footprint::single(at(5, 10));
    assert_eq!(near_side(&terrain, caster, at(20, 10)), at(11, 10));
    assert_eq!(near_side(&terrain, caster, at(8, 20)), at(8, 20));
}

#[test]
fn heights_count() {
    let grid = Grid::open(30, 30);
    let terrain = Terrain::of(&grid);
    let affected = |area: &Area, x: i32, size: Size, elevation_ft: i32| {
        let space = Space::of(size, Place { square: at(x, 10), elevation_ft });
        area.affects(&terrain, AreaSquares::HalfCovered, space)
    };
    let heights = |area: &Area, x: i32, size: Size| {
        let heights = (-60..60).step_by(5).filter(|feet| affected(area, x, size, *feet));
        (heights.clone().min(), heights.max())
    };
    let center = Point::center(at(10, 10));
    let mut sphere = Area::new(Template::Disc { center, radius_ft: 20 }, center, None);
    assert_eq!(heights(&sphere, 10, Size::Medium), (Some(-20), Some(15)));
    // Beside the middle less of a sphere is left.
    assert_eq!(heights(&sphere, 12, Size::Medium), (Some(-20), Some(15)));
    assert_eq!(heights(&sphere, 13, Size::Medium), (Some(-15), Some(10)));
    assert_eq!(heights(&sphere, 14, Size::Medium), (None, None));
    assert_eq!(heights(&sphere, 13, Size::Huge), (Some(-25), Some(10)));
    sphere.base_ft = 30;
    assert_eq!(heights(&sphere, 10, Size::Medium), (Some(10), Some(45)));
    let cylinder = Area { rise: Rise::Up { feet: 40 }, base_ft: 0, ..sphere };
    assert_eq!(heights(&cylinder, 13, Size::Medium), (Some(0), Some(35)));
    let from = Footprint::of(Size::Large, at(8, 10));
    let aura = Template::Emanation { from, distance_ft: 10 };
    let aura = Area::new(aura, Point::middle(from), Some(from));
    assert_eq!(heights(&aura, 10, Size::Medium), (Some(-10), Some(15)));
    assert_eq!(heights(&aura, 11, Size::Medium), (Some(-10), Some(15)));
    assert_eq!(heights(&aura, 12, Size::Medium), (None, None));
    let line = Template::line(Footprint::single(at(5, 10)), at(9, 10), 30, 5).expect("a direction");
    let line = Area::new(line, center, None);
    assert_eq!(heights(&line, 9, Size::Medium), (Some(-5), Some(0)));
}

fn bounds() -> Bounds {
    Bounds { least: at(-100, -100), most: at(100, 100) }
}

/// A quarter turn around the intersection at `[0, 0]`.
fn turned(squares: Vec<Square>) -> Vec<Square> {
    let mut turned: Vec<Square> =
        squares.into_iter().map(|square| at(-square.y - 1, square.x)).collect();
    turned.sort();
    turned
}

proptest! {
    /// Areas turn with their direction, grow with their size, and policies only take more in.
    #[test]
    fn areas_are_the_same_to_every_side(
        (x, y) in (-40..40, -40..40), (dx, dy) in (-30..30, -30..30),
        feet in (1..14).prop_map(|squares| squares * 5), line in any::<bool>(),
    ) {
        let Some(toward) = Direction::new(dx, dy) else { return Ok(()) };
        let quarter = Direction::new(-dy, dx).expect("a direction");
        let shape = |from, toward, length_ft| if line {
            Template::Line { from, toward, length_ft, width_ft: 5 }
        } else {
            Template::Cone { from, toward, length_ft }
        };
        let template = shape(Point { x, y }, toward, feet);
        let aside = shape(Point { x: -y, y: x }, quarter, feet);
        for policy in POLICIES {
            let squares = template.squares(policy, bounds());
            prop_assert_eq!(turned(squares.clone()), aside.squares(policy, bounds()));
            let longer = shape(Point { x, y }, toward, feet + 5).squares(policy, bounds());
            prop_assert!(squares.iter().all(|square| longer.contains(square)));
        }
        let [_, half, any] = POLICIES.map(|policy| template.squares(policy, bounds()));
        prop_assert!(half.iter().all(|square| any.contains(square)));
    }

    /// The whole of a shape is in the squares that it overlaps, and those half covered are not more
    /// than twice of it.
    #[test]
    fn areas_have_their_size(
        (x, y) in (-40..40, -40..40), (dx, dy) in (-30..30, -30..30),
        feet in (1..14).prop_map(|squares| squares * 5),
    ) {
        let Some(toward) = Direction::new(dx, dy) else { return Ok(()) };
        let from = Point { x, y };
        let shapes = [
            (Template::Cone { from, toward, length_ft: feet }, feet * feet),
            (Template::Line { from, toward, length_ft: feet, width_ft: 10 }, 2 * feet * 10),
            (Template::Disc { center: from, radius_ft: feet }, feet * feet * 44 / 7),
            (Template::Cube { least: from, edge_ft: feet }, 2 * feet * feet),
        ];
        for (template, twice) in shapes {
            let [_, half, any] = POLICIES.map(|policy| {
                i32::try_from(template.squares(policy, bounds()).len()).expect("a count") * 25
            });
            prop_assert!(2 * (any + 1) >= twice * 999 / 1_000, "{template:?}: {any}");
            prop_assert!(half <= twice, "{template:?}: {half}");
        }
    }

    /// Who has cover from whom may differ, but not whether there is a line of sight.
    #[test]
    fn sight_is_mutual(
        walls in prop::collection::btree_set((0..8, 0..8), 0..20),
        (ax, ay) in (0..8, 0..8), (bx, by) in (0..8, 0..8),
    ) {
        let mut grid = Grid::open(8, 8);
        grid.blocking = walls.into_iter().map(|(x, y)| at(x, y)).collect();
        let (a, b) = (at(ax, ay), at(bx, by));
        grid.blocking.remove(&a);
        grid.blocking.remove(&b);
        let terrain = Terrain::of(&grid);
        let (a, b) = (Footprint::single(a), Footprint::single(b));
        prop_assert_eq!(line_of_sight(&terrain, a, b), line_of_sight(&terrain, b, a));
    }
}
