//! Steps, paths, pushes and what leaving a reach provokes, on small maps.
//!
//! A map is drawn: `.` open, `~` difficult, `#` filled; capital letters are squares of creatures.

use gss_rules::space::{
    Change, Departure, Footprint, Gait, Grid, MoveCause, Mover, Occupant, PathRefusal, Place,
    Relation, Space, Square, Step, StepRefusal, Terrain, Watcher, cost_per_foot, drag_burdens,
    nearest_free, path, pay_half_speed, pull, push, reachable, speed_ft, step, waypoints,
};
use gss_rules::{Diagonals, Edition, MovementMode, RuleSet, Size, Switch};
use proptest::prelude::*;

fn map(rows: &str) -> Grid {
    let rows: Vec<&str> = rows.split_whitespace().collect();
    let mut grid = Grid::open(i32::try_from(rows[0].len()).expect("columns"), 0);
    for (y, row) in (0..).zip(rows) {
        grid.height = y + 1;
        for (x, what) in (0..).zip(row.chars()) {
            let set = match what {
                '~' => &mut grid.difficult,
                '#' => &mut grid.blocking,
                _ => continue,
            };
            set.insert(Square { x, y });
        }
    }
    grid
}

fn ground(x: i32, y: i32) -> Place {
    Place::ground(Square { x, y })
}

fn walker(size: Size, rules: &RuleSet) -> Mover<'_> {
    Mover { size, gait: Gait::WALK, rules }
}

fn creature(size: Size, x: i32, y: i32, relation: Relation) -> Occupant {
    Occupant { space: Space::of(size, ground(x, y)), size, relation, incapacitated: false }
}

fn walk(
    size: Size,
    rules: &RuleSet,
    rows: &str,
    occupants: &[Occupant],
    way: &[(i32, i32)],
) -> Result<i32, PathRefusal> {
    let places: Vec<Place> = way.iter().map(|(x, y)| ground(*x, *y)).collect();
    let grid = map(rows);
    let terrain = Terrain::of(&grid);
    let steps = path(&walker(size, rules), &terrain, occupants, places[0], &places[1..], 0)?;
    Ok(steps.iter().map(|step| step.cost_ft).sum())
}

fn refused(index: usize, why: StepRefusal) -> Result<i32, PathRefusal> {
    Err(PathRefusal::Step { index, why })
}

#[test]
fn paths_cost_what_they_cross() {
    let rules = RuleSet::of(Edition::E52);
    let go = |size, rows, way: &[(i32, i32)]| walk(size, &rules, rows, &[], way);
    let at = |x, y| Square { x, y };
    assert_eq!(go(Size::Medium, "....", &[(0, 0)]), Ok(0));
    assert_eq!(go(Size::Medium, "....", &[(0, 0), (1, 0), (2, 0), (1, 0)]), Ok(15));
    assert_eq!(go(Size::Medium, "~.~.", &[(0, 0), (1, 0), (2, 0), (3, 0)]), Ok(20));
    let off = StepRefusal::OffTheMap { at: at(0, -1) };
    assert_eq!(go(Size::Medium, "..", &[(0, 0), (0, -1)]), refused(0, off));
    assert_eq!(go(Size::Medium, "..", &[(0, 0), (0, 0)]), refused(0, StepRefusal::TooLong));
    assert_eq!(
        go(Size::Medium, "...", &[(0, 0), (1, 0), (3, 0)]),
        refused(1, StepRefusal::TooLong)
    );
    let corner = StepRefusal::Corner { at: at(1, 0) };
    assert_eq!(go(Size::Medium, ".# ..", &[(0, 0), (1, 1)]), refused(0, corner));
    assert_eq!(go(Size::Medium, ".# ..", &[(0, 0), (0, 1), (1, 1)]), Ok(10));
    // A Large creature needs two rows, and more of them where it turns a corner.
    let filled = StepRefusal::Filled { at: at(2, 1) };
    assert_eq!(go(Size::Large, "... ..#", &[(0, 0), (1, 0)]), refused(0, filled));
    let corner = StepRefusal::Corner { at: at(2, 0) };
    assert_eq!(go(Size::Large, "..# ... ...", &[(0, 0), (1, 1)]), refused(0, corner));
    assert_eq!(go(Size::Large, "... ... ..~", &[(0, 0), (1, 1)]), Ok(10));
    let off = StepRefusal::OffTheMap { at: at(2, 0) };
    assert_eq!(go(Size::Large, ".. ..", &[(0, 0), (1, 0)]), refused(0, off));
}

#[test]
fn creatures_are_in_the_way() {
    let (rows, way) = ("....", [(0, 0), (1, 0), (2, 0)]);
    let go = |edition, size, other: Occupant, way: &[(i32, i32)]| {
        walk(size, &RuleSet::of(edition), rows, &[other], way)
    };
    let ally = creature(Size::Medium, 1, 0, Relation::Ally);
    let neutral = creature(Size::Medium, 1, 0, Relation::Neutral);
    let enemy = creature(Size::Medium, 1, 0, Relation::Enemy);
    let occupied = StepRefusal::Occupied { at: Square { x: 1, y: 0 } };
    assert_eq!(go(Edition::E51, Size::Medium, ally, &way), Ok(15));
    assert_eq!(go(Edition::E52, Size::Medium, ally, &way), Ok(10));
    assert_eq!(go(Edition::E51, Size::Medium, neutral, &way), Ok(15));
    assert_eq!(go(Edition::E52, Size::Medium, neutral, &way), refused(0, occupied));
    assert_eq!(go(Edition::E51, Size::Medium, enemy, &way), refused(0, occupied));
    let downed = Occupant { incapacitated: true, ..enemy };
    assert_eq!(go(Edition::E51, Size::Medium, downed, &way), refused(0, occupied));
    assert_eq!(go(Edition::E52, Size::Medium, downed, &way), Ok(15));
    let end = PathRefusal::End { at: Square { x: 1, y: 0 } };
    assert_eq!(go(Edition::E52, Size::Medium, ally, &way[..2]), Err(end));
}

#[test]
fn those_that_fly_pass_above() {
    let rules = RuleSet::of(Edition::E52);
    let grid = map(".~..");
    let terrain = Terrain::of(&grid);
    let gait = Gait { mode: MovementMode::Fly, ..Gait::WALK };
    let mover = Mover { size: Size::Medium, gait, rules: &rules };
    let enemy = creature(Size::Medium, 1, 0, Relation::Enemy);
    let squares: Vec<Square> = (1..4).map(|x| Square { x, y: 0 }).collect();
    let places = waypoints(ground(0, 0), &squares, 20).expect("a path");
    let heights: Vec<i32> = places.iter().map(|place| place.elevation_ft).collect();
    assert_eq!(heights, [5, 10, 15, 20]);
    let steps = path(&mover, &terrain, &[enemy], ground(0, 0), &places, 0).expect("legal");
    let costs: Vec<(i32, bool)> = steps.iter().map(|step| (step.cost_ft, step.diagonal)).collect();
    assert_eq!(costs, [(5, true), (5, true), (5, true), (5, false)]);
    let leap = Place { elevation_ft: 6, ..ground(1, 0) };
    let long = step(&mover, &terrain, &[], (ground(0, 0), leap), 0);
    assert_eq!(long, Err(StepRefusal::TooLong));
    assert_eq!(waypoints(ground(0, 0), &[], i32::MAX), Err(PathRefusal::Steps));
}

#[test]
fn every_other_diagonal_costs_double_where_a_table_wants_it() {
    let mut rules = RuleSet::of(Edition::E52);
    rules.diagonals = Diagonals::Alternate;
    let rows = "..... ..... ..~.. ..... .....";
    let way = [(0, 0), (1, 1), (2, 1), (3, 2), (4, 3)];
    assert_eq!(walk(Size::Medium, &rules, rows, &[], &way), Ok(5 + 5 + 10 + 5));
    let way = [(0, 0), (1, 1), (2, 2)];
    assert_eq!(walk(Size::Medium, &rules, rows, &[], &way), Ok(5 + 20));
    let mut grid = map(rows);
    grid.diagonals = Some(Diagonals::Equal);
    let places = (ground(0, 0), ground(1, 1));
    let second = step(&walker(Size::Medium, &rules), &Terrain::of(&grid), &[], places, 1);
    assert_eq!(second, Ok(Step { to: ground(1, 1), cost_ft: 5, diagonal: true, squeezed: false }));
}

#[test]
fn reach_is_counted_around_what_is_in_the_way() {
    let rules = RuleSet::of(Edition::E52);
    let grid = map("..#.. ..#.. .....");
    let terrain = Terrain::of(&grid);
    let ally = creature(Size::Medium, 1, 0, Relation::Ally);
    let mover = walker(Size::Medium, &rules);
    let found = reachable(&mover, &terrain, &[ally], ground(0, 0), 0, 15);
    let found: Vec<(i32, i32, i32)> =
        found.into_iter().map(|(square, cost)| (square.x, square.y, cost)).collect();
    assert_eq!(found, [(0, 0, 0), (0, 1, 5), (0, 2, 10), (1, 1, 5), (1, 2, 10), (2, 2, 15)]);
}

#[test]
fn every_reason_costs_a_foot() {
    let rules = |edition| RuleSet::of(edition);
    let crawl = Gait { crawling: true, ..Gait::WALK };
    assert_eq!(cost_per_foot(crawl, true, &rules(Edition::E51)), 3);
    let squeeze = Gait { squeezing: true, ..Gait::WALK };
    assert_eq!(cost_per_foot(squeeze, true, &rules(Edition::E51)), 3);
    assert_eq!(cost_per_foot(squeeze, true, &rules(Edition::E52)), 2);
    let drag = Gait { dragging: true, ..Gait::WALK };
    assert_eq!(cost_per_foot(drag, false, &rules(Edition::E51)), 1);
    assert_eq!(cost_per_foot(drag, true, &rules(Edition::E52)), 3);
    assert!(drag_burdens(Edition::E51, Size::Small, Size::Tiny));
    assert!(!drag_burdens(Edition::E52, Size::Small, Size::Tiny));
    assert!(!drag_burdens(Edition::E51, Size::Large, Size::Small));
    let mut mixed = RuleSet::of(Edition::E52);
    mixed.switches.insert(Switch::Squeeze, Edition::E51);
    assert_eq!(cost_per_foot(squeeze, true, &mixed), 3);
}

#[test]
fn speeds_are_added_to_then_halved() {
    use Change::{Add, Double, Halve, Zero};
    assert_eq!(speed_ft(35, &[Halve]), 17);
    assert_eq!(speed_ft(30, &[Halve, Add(5)]), 17);
    assert_eq!(speed_ft(30, &[Add(-40)]), 0);
    assert_eq!(speed_ft(30, &[Double, Halve, Add(10)]), 40);
    assert_eq!(speed_ft(30, &[Add(10), Zero]), 0);
    assert_eq!(pay_half_speed(30, 14), None);
    assert_eq!(pay_half_speed(5, 2), Some(0));
}

fn squares(places: &[Place]) -> Vec<(i32, i32)> {
    places.iter().map(|place| (place.square.x, place.square.y)).collect()
}

#[test]
fn pushes_and_pulls_stop_at_obstacles() {
    let grid = map(".......# ........ ........ ........ ........");
    let terrain = Terrain::of(&grid);
    let single = |x, y| Footprint::single(Square { x, y });
    let other = [Space::of(Size::Medium, ground(5, 4))];
    let pushed = |x, y, from, feet| {
        squares(&push(&terrain, &other, (Size::Medium, ground(x, y), false), from, feet))
    };
    assert_eq!(pushed(2, 2, single(1, 2), 10), [(3, 2), (4, 2)]);
    assert_eq!(pushed(2, 2, single(1, 2), 9), [(3, 2)]);
    assert_eq!(pushed(5, 0, single(4, 0), 15), [(6, 0)]);
    assert_eq!(pushed(2, 1, single(1, 0), 10), [(3, 2), (4, 3)]);
    assert_eq!(pushed(2, 1, single(1, 0), 30), [(3, 2), (4, 3)]);
    assert_eq!(pushed(1, 1, single(2, 2), 30), [(0, 0)]);
    assert_eq!(pushed(1, 1, single(1, 1), 30), []);
    let large = Footprint::of(Size::Large, Square { x: 0, y: 0 });
    assert_eq!(pushed(2, 1, large, 15), [(3, 1), (4, 2), (5, 2)]);
    let pulled = |x, y, to, feet| {
        squares(&pull(&terrain, &other, (Size::Medium, ground(x, y), false), to, feet))
    };
    assert_eq!(pulled(6, 2, single(1, 2), 10), [(5, 2), (4, 2)]);
    assert_eq!(pulled(3, 2, single(1, 2), 30), [(2, 2)]);
    assert_eq!(pulled(2, 2, single(1, 2), 30), []);
    assert_eq!(pulled(7, 4, single(1, 4), 30), [(6, 4)]);
}

#[test]
fn those_that_appear_find_room() {
    let grid = map("#### #..# #..#");
    let terrain = Terrain::of(&grid);
    let taken = [Space::of(Size::Medium, ground(1, 1))];
    let found = |size, x, y| nearest_free(&terrain, &taken, size, ground(x, y));
    assert_eq!(found(Size::Medium, 2, 2), Some(ground(2, 2)));
    assert_eq!(found(Size::Medium, 1, 1), Some(ground(1, 2)));
    assert_eq!(found(Size::Medium, 0, 0), Some(ground(1, 2)));
    assert_eq!(found(Size::Large, 1, 1), None);
    let above = Place { elevation_ft: 5, ..ground(1, 1) };
    assert_eq!(nearest_free(&terrain, &taken, Size::Large, above), Some(above));
}

#[test]
fn opportunity_attacks_follow_a_creatures_own_doing() {
    let space = |x| Space::of(Size::Medium, ground(x, 0));
    let step =
        Departure { from: space(1), to: space(2), cause: MoveCause::Movement, disengaged: false };
    let watcher = Watcher {
        space: space(0),
        reach_ft: 5,
        hostile: true,
        sees: true,
        reaction: true,
        may_attack: true,
    };
    let provokes =
        |step: Departure, watcher: Watcher, rule| step.provokes(&watcher, rule, Diagonals::Equal);
    for rule in [Edition::E51, Edition::E52] {
        for (cause, expected) in [
            (MoveCause::Movement, true),
            (MoveCause::Action, true),
            (MoveCause::BonusAction, rule == Edition::E52),
            (MoveCause::Reaction, true),
            (MoveCause::Teleport, false),
            (MoveCause::Moved, false),
        ] {
            assert_eq!(provokes(Departure { cause, ..step }, watcher, rule), expected, "{cause:?}");
        }
        assert!(!provokes(Departure { disengaged: true, ..step }, watcher, rule));
        assert!(!provokes(Departure { to: space(1), ..step }, watcher, rule));
        for unable in [
            Watcher { hostile: false, ..watcher },
            Watcher { sees: false, ..watcher },
            Watcher { reaction: false, ..watcher },
            Watcher { may_attack: false, ..watcher },
            Watcher { reach_ft: 10, ..watcher },
        ] {
            assert!(!provokes(step, unable, rule));
        }
    }
}

fn side() -> impl Strategy<Value = Size> {
    prop_oneof![Just(Size::Medium), Just(Size::Large), Just(Size::Huge)]
}

proptest! {
    /// Whatever is in the way, nobody is pushed farther than told, into others or off the map.
    #[test]
    fn pushes_keep_to_what_is_free(
        filled in prop::collection::btree_set((0..12, 0..12), 0..20),
        size in side(), (x, y) in (0..10, 0..10), (fx, fy) in (0..12, 0..12), feet in 0..60,
        (ox, oy) in (0..12, 0..12),
    ) {
        let mut grid = Grid::open(12, 12);
        grid.blocking = filled.into_iter().map(|(x, y)| Square { x, y }).collect();
        let terrain = Terrain::of(&grid);
        let other = Space::of(Size::Medium, ground(ox, oy));
        let source = Footprint::single(Square { x: fx, y: fy });
        let way = push(&terrain, &[other], (size, ground(x, y), false), source, feet);
        prop_assert!(way.len() <= usize::try_from(feet / 5).expect("feet"));
        for place in way {
            let space = Space::of(size, place);
            prop_assert!(!space.overlaps(other));
            for square in space.footprint().squares() {
                prop_assert!(grid.bounds().contains(square) && !terrain.is_filled(square));
            }
        }
    }

    /// A shortest way costs what its steps cost, and every square next to a reached one that is
    /// left out would cost too much or cannot be entered.
    #[test]
    fn what_is_reachable_is_closed(
        hard in prop::collection::btree_set((0..9, 0..9), 0..25),
        filled in prop::collection::btree_set((0..9, 0..9), 0..15),
        budget in 0..45, alternate in any::<bool>(),
    ) {
        let mut grid = Grid::open(9, 9);
        grid.difficult = hard.into_iter().map(|(x, y)| Square { x, y }).collect();
        grid.blocking = filled.into_iter().map(|(x, y)| Square { x, y }).collect();
        let mut rules = RuleSet::of(Edition::E52);
        rules.diagonals = if alternate { Diagonals::Alternate } else { Diagonals::Equal };
        let terrain = Terrain::of(&grid);
        let mover = walker(Size::Medium, &rules);
        let found = reachable(&mover, &terrain, &[], ground(4, 4), 0, budget);
        prop_assert_eq!(found.get(&Square { x: 4, y: 4 }), Some(&0));
        for (square, cost) in &found {
            prop_assert!(*cost <= budget);
            for (dx, dy) in [(0, 1), (1, 0), (0, -1), (-1, 0)] {
                let places = (Place::ground(*square), Place::ground(square.shifted(dx, dy)));
                if let Ok(step) = step(&mover, &terrain, &[], places, 0) {
                    let known = found.get(&step.to.square);
                    let next = cost + step.cost_ft;
                    prop_assert!(next > budget || known.is_some_and(|known| *known <= next));
                }
            }
        }
    }
}
