//! Planted faults: each checker is silent on a right history and names the fault of a wrong one.

mod commands;
mod fights;
mod hub;
mod journal;
mod linear;
mod ownership;
mod stream;
mod table;
mod viewers;

use super::Violation;

/// What was found, as it is printed.
fn texts(violations: &[Violation]) -> Vec<String> {
    violations.iter().map(ToString::to_string).collect()
}

/// That exactly these were found.
#[track_caller]
fn found(violations: &[Violation], expected: &[String]) {
    assert_eq!(texts(violations), expected);
}

/// That something was found, and the first reads so and names session, version and player.
#[track_caller]
fn names(violations: &[Violation], start: &str, within: &str) {
    let first = violations.first().map(ToString::to_string).unwrap_or_default();
    assert!(first.starts_with(start), "{first}\ndoes not start with\n{start}");
    assert!(first.contains(within), "{first}\ndoes not contain\n{within}");
}
