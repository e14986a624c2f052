//! Ways over open ground: straight from one waypoint to the next, foot by foot (SRD 5.1 "Movement
//! and Position"; SRD 5.2.1 same).

use super::path::{PathRefusal, STEPS};
use super::place::Place;
use super::scale::{FINE, Scale, diagonal_ft, length};
use super::square::Square;

/// A foot of a way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Leg {
    /// Where it leads: to a square foot next to the last.
    pub to: Place,
    /// Feet that it adds to the length of the whole way, rounded up: 1, along slanting lines now and
    /// then 2, along steep ones none.
    pub feet: i32,
}

/// The way over these waypoints, the last of them at a height, those before as high as it starts.
/// Empty: it leads nowhere.
///
/// # Errors
/// [`PathRefusal::Steps`]
pub fn line(from: Place, waypoints: &[Square], elevation_ft: i32) -> Result<Vec<Leg>, PathRefusal> {
    let mut legs: Vec<Leg> = Vec::new();
    let (mut at, mut gone, mut told) = (from, 0, 0);
    for (index, square) in waypoints.iter().enumerate() {
        let height = if index + 1 == waypoints.len() { elevation_ft } else { from.elevation_ft };
        let to = Place { square: *square, elevation_ft: height };
        let edges = edges(at, to);
        let steps = edges.iter().fold(0, |most, edge| most.max(edge.abs()));
        if usize::try_from(steps).is_ok_and(|steps| legs.len() + steps > STEPS) {
            return Err(PathRefusal::Steps);
        }
        let long = length(edges, FINE);
        for step in 1..=steps {
            let far = gone + long * step / steps;
            let feet = (far + (1 << FINE) - 1) >> FINE;
            // Rounded to the nearest, half away from where it started.
            let part = |start: i32, edge: i64| {
                let rounded = (2 * step * edge.abs() + steps) / (2 * steps) * edge.signum();
                start.saturating_add(i32::try_from(rounded).unwrap_or(0))
            };
            let square = Square { x: part(at.square.x, edges[0]), y: part(at.square.y, edges[1]) };
            let to = Place { square, elevation_ft: part(at.elevation_ft, edges[2]) };
            legs.push(Leg { to, feet: i32::try_from(feet - told).unwrap_or(i32::MAX) });
            told = feet;
        }
        (at, gone) = (to, gone + long);
    }
    Ok(legs)
}

/// Feet from one square to another, as far as somebody goes that is moved from there to here: on
/// squares as many as are on the longer way, on open ground a straight line, rounded up.
pub fn offset_ft(from: Square, to: Square, scale: Scale) -> i32 {
    let [dx, dy, _] = edges(Place::ground(from), Place::ground(to));
    match scale {
        Scale::Squares => i32::try_from(dx.abs().max(dy.abs()))
            .unwrap_or(i32::MAX)
            .saturating_mul(scale.cell_ft()),
        Scale::Feet => diagonal_ft([dx, dy, 0]),
    }
}

fn edges(from: Place, to: Place) -> [i64; 3] {
    let edge = |from: i32, to: i32| i64::from(to) - i64::from(from);
    [
        edge(from.square.x, to.square.x),
        edge(from.square.y, to.square.y),
        edge(from.elevation_ft, to.elevation_ft),
    ]
}
