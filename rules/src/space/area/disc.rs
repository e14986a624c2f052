//! Squares of a disc.
//!
//! How much of a square a disc covers is no rational number: it is bounded from both sides by
//! strips, ever thinner until half the square is not between the bounds. That ends, for the area
//! is never exactly half: where an arc crosses the square, its sector has an area of r²θ/2 with
//! algebraic sin θ, so that θ is transcendental while all other parts are algebraic; where none
//! does, the square is covered wholly or not at all, or holds the whole disc, πr².

use super::super::direction::{Point, SQUARE};
use super::super::square::Square;
use crate::rule_set::AreaSquares;

/// Bits of a half foot that heights of strips are found to.
const FINE: u32 = 12;
/// Strips per half foot: the first time, and the most.
const STRIPS: (i64, i64) = (16, 4_096);

/// Whether a disc covers as much of the square as the policy asks; `radius` is squared, in half
/// feet, for slices of spheres have roots for radii.
pub(super) fn covers(center: Point, radius: i64, square: Square, policy: AreaSquares) -> bool {
    let corner = Point::corner(square);
    let x = i64::from(corner.x) - i64::from(center.x);
    let y = i64::from(corner.y) - i64::from(center.y);
    let side = i64::from(SQUARE);
    match policy {
        AreaSquares::CenterIn => {
            let middle = (x + side / 2, y + side / 2);
            middle.0.pow(2) + middle.1.pow(2) <= radius
        }
        AreaSquares::AnyOverlap => {
            let nearest = |start: i64| start.max(-start - side).max(0);
            nearest(x).pow(2) + nearest(y).pow(2) < radius
        }
        AreaSquares::HalfCovered => radius > 0 && half(x, y, radius),
    }
}

fn half(x: i64, y: i64, radius: i64) -> bool {
    let side = i64::from(SQUARE);
    let farthest = |start: i64| start.abs().max((start + side).abs());
    let nearest = |start: i64| start.max(-start - side).max(0);
    if farthest(x).pow(2) + farthest(y).pow(2) <= radius {
        return true;
    }
    if nearest(x).pow(2) + nearest(y).pow(2) >= radius {
        return false;
    }
    let (mut strips, most) = STRIPS;
    loop {
        let half = side * side * strips * (1 << FINE) / 2;
        let (low, high) = bounds(x, y, radius, strips);
        if low >= half {
            return true;
        }
        if high < half || strips >= most {
            return false;
        }
        strips *= 4;
    }
}

/// What is covered lies between these, in half feet over strips and fine parts.
fn bounds(x: i64, y: i64, radius: i64, strips: i64) -> (i64, i64) {
    let mut sum = (0, 0);
    for (x0, x1) in quadrants(x) {
        for (y0, y1) in quadrants(y) {
            // Heights only fall, so that a strip lies between those at its two ends.
            let mut last = height(x0 * strips, radius, strips, y0, y1);
            for strip in x0 * strips + 1..=x1 * strips {
                let next = height(strip, radius, strips, y0, y1);
                // The true height is less than the next fine part.
                sum.0 += next;
                sum.1 += (last + 1).min((y1 - y0) << FINE);
                last = next;
            }
        }
    }
    sum
}

/// A side of the square as parts left and right of the center, both counted away from it.
fn quadrants(start: i64) -> impl Iterator<Item = (i64, i64)> {
    let end = start + i64::from(SQUARE);
    let parts = [(start.max(0), end.max(0)), ((-end).max(0), (-start).max(0))];
    parts.into_iter().filter(|(from, to)| from < to)
}

/// Fine parts of `y0` to `y1` that the disc covers at this strip, rounded down.
fn height(strip: i64, radius: i64, strips: i64, y0: i64, y1: i64) -> i64 {
    let square = radius * strips.pow(2) - strip.pow(2);
    let height = u128::try_from(square).unwrap_or(0) << (2 * FINE);
    let height = i64::try_from(height.isqrt()).unwrap_or(i64::MAX) / strips;
    (height - (y0 << FINE)).clamp(0, (y1 - y0) << FINE)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No square of any disc in use is so near to half covered that the thinnest strips leave it
    /// open.
    #[test]
    fn half_is_always_decided() {
        let (_, most) = STRIPS;
        let whole = i64::from(SQUARE).pow(2) * most * (1 << FINE);
        for feet in (5..=120).step_by(5).chain([150, 200, 300]) {
            let radius: i64 = (feet * 2_i64).pow(2);
            for (cx, cy) in [(0, 0), (5, 5), (0, 5_i64)] {
                let reach = feet / 5 + 1;
                for (column, row) in (0..=reach).flat_map(|x| (0..=reach).map(move |y| (x, y))) {
                    let (x, y) = (column * 10 - cx, row * 10 - cy);
                    let far = (x + 10).pow(2) + (y + 10).pow(2);
                    let near = x.max(0).pow(2) + y.max(0).pow(2);
                    if near >= radius || far <= radius {
                        continue;
                    }
                    let (low, high) = bounds(x, y, radius, 256);
                    let open = 2 * low < whole / 16 && 2 * high >= whole / 16;
                    let (low, high) = if open { bounds(x, y, radius, most) } else { continue };
                    assert!(2 * low >= whole || 2 * high < whole, "{feet} ft at {column}, {row}");
                }
            }
        }
    }
}
