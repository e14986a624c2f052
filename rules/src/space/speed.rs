//! Speed and the movement it gives (SRD 5.1 "Speed", "Using Different Speeds", "Being Prone",
//! "Mounting and Dismounting", "Dash"; SRD 5.2.1 "Speed", "Special Speeds", "Prone", "Dash"). Halves are rounded down; no
//! speed is below 0.

/// What changes a speed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Change {
    /// Feet more, or less if negative.
    Add(i32),
    /// Twice as much.
    Double,
    /// Half as much.
    Halve,
    /// None at all, whatever else there is.
    Zero,
}

/// A speed in feet after all that changes it: first what is added, then doubled, then halved.
pub fn speed_ft(base_ft: i32, changes: &[Change]) -> i32 {
    let mut speed = base_ft;
    let (mut doubled, mut halved) = (0, 0);
    for change in changes {
        match change {
            Change::Add(feet) => speed = speed.saturating_add(*feet),
            Change::Double => doubled += 1,
            Change::Halve => halved += 1,
            Change::Zero => return 0,
        }
    }
    speed = speed.max(0);
    speed = (0..doubled).fold(speed, |speed, _| speed.saturating_mul(2));
    (0..halved).fold(speed, |speed, _| speed / 2)
}

/// Feet a creature may move in its turn: its speed, and its speed again for every Dash.
pub fn movement_ft(speed_ft: i32, dashes: u32) -> i32 {
    let times = i32::try_from(dashes).unwrap_or(i32::MAX).saturating_add(1);
    speed_ft.max(0).saturating_mul(times)
}

/// Feet left of one of its speeds, and of what Dash added, after it has moved this far, by
/// whichever of them.
pub fn movement_left_ft(speed_ft: i32, dashed_ft: i32, moved_ft: i32) -> i32 {
    speed_ft.max(0).saturating_add(dashed_ft).saturating_sub(moved_ft).max(0)
}

/// Feet of movement left after what costs half the speed: standing up, mounting, dismounting. None:
/// the speed is 0, or less movement than that is left.
pub fn pay_half_speed(speed_ft: i32, left_ft: i32) -> Option<i32> {
    let left = left_ft.checked_sub(speed_ft / 2)?;
    (speed_ft > 0 && left >= 0).then_some(left)
}
