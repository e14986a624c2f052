//! The checker's runs.

use std::time::Duration;

use stateright::Expectation;
use tokio::time::Instant;

use super::properties::{FENCED, FRESH, GROWING, ONE_WRITER, REASSERTED, RECOVERS, SETTLED};
use super::*;

/// Longer than any space takes.
const EVER: Duration = Duration::from_secs(24 * 3_600);
/// For spaces that are too large to explore whole.
const LONG: Duration = Duration::from_secs(600);

/// Explores the whole space, or what can be reached in `time`; every property must come out right.
fn explore(protocol: Protocol, time: Duration) {
    let Protocol { nodes, shards, events, faults, .. } = protocol;
    let begun = Instant::now();
    let checker = protocol.checker().threads(2).timeout(time).spawn_bfs().join();
    println!(
        "{nodes} nodes, {shards} shards, {events} events, {faults} faults: {} states, depth {}, \
         {} states of the machine, {:?}",
        checker.unique_state_count(),
        checker.max_depth(),
        checker.model().machines().len(),
        begun.elapsed(),
    );
    for property in checker.model().properties() {
        match (checker.discovery(property.name), property.expectation) {
            (None, Expectation::Sometimes) if begun.elapsed() < time => {
                panic!("not reachable: {}", property.name)
            }
            (Some(path), Expectation::Always) => {
                panic!("not so: {}\n{}", property.name, told(&path.into_actions()))
            }
            _ => {}
        }
    }
}

fn told(actions: &[Action]) -> String {
    actions.iter().map(|action| format!("  {action:?}\n")).collect()
}

/// With one fault, the planted bug must be found by this property.
fn finds(broken: Broken, property: &'static str) {
    let protocol = Protocol { broken, ..Protocol::new(2, 1, 1) };
    let until = HasDiscoveries::AnyOf([property].into());
    let checker = protocol.checker().finish_when(until).spawn_bfs().join();
    let path = checker.discovery(property);
    let path = path.unwrap_or_else(|| panic!("{broken:?} does not break: {property}"));
    println!("{broken:?} breaks: {property}\n{}", told(&path.into_actions()));
}

#[test]
fn invariants_hold() {
    explore(Protocol::new(2, 1, 1), EVER);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the length of a test run is no configuration")]
fn invariants_hold_in_larger_spaces() {
    if std::env::var("GSS_TEST_LONG").is_ok_and(|value| value == "1") {
        explore(Protocol { events: 2, ..Protocol::new(2, 1, 1) }, EVER);
        explore(Protocol::new(2, 1, 2), LONG);
        explore(Protocol::new(3, 1, 1), LONG);
        explore(Protocol::new(3, 2, 1), LONG);
    }
}

#[test]
fn an_append_without_the_epoch_check_is_found() {
    finds(Broken::Unfenced, FENCED);
}

#[test]
fn a_raise_that_does_not_compare_is_found() {
    finds(Broken::BlindRaise, GROWING);
}

#[test]
fn an_acquisition_without_a_raise_is_found() {
    finds(Broken::UnraisedAcquisition, ONE_WRITER);
}

#[test]
fn a_lease_written_again_without_the_epoch_check_is_found() {
    finds(Broken::UncheckedReassertion, REASSERTED);
}

#[test]
fn a_settlement_without_a_raise_is_found() {
    finds(Broken::UnraisedSettlement, SETTLED);
}

#[test]
fn a_verification_without_an_end_is_found() {
    finds(Broken::LostVerification, RECOVERS);
}

#[test]
fn an_unchecked_read_is_found() {
    finds(Broken::UncheckedRead, FRESH);
}

#[test]
fn a_read_on_an_early_check_is_found() {
    finds(Broken::EarlyCheck, FRESH);
}
