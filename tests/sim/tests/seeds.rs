//! New seeds each time, seeds that failed once, and faults that must be found.

use std::process::{Command, Output};

use gss_tests::length::Length;
use rand::Rng as _;

/// The simulation; `arguments` as its own help says.
fn simulation(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gss-sim"));
    command.args(arguments).output().expect("the simulation can be started")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs a seed twice, with everything it logs: the same run, and a good one.
fn replay(seed: u64) {
    let run = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gss-sim"));
        command.arg(seed.to_string()).env("GSS_SIM_LOG", "info,gss_node=debug,gss_router=debug");
        command.output().expect("the simulation can be started")
    };
    let (once, again) = (run(), run());
    println!("{}{}", text(&once.stderr), text(&once.stdout));
    assert_eq!(text(&once.stdout), text(&again.stdout), "two runs of {seed}");
    assert!(once.status.success(), "seed {seed}");
    assert!(text(&once.stdout).starts_with(&format!("seed {seed} hash ")));
}

#[test]
fn new_seeds_keep_every_promise() {
    let seconds = Length::of_this_run().pick("30", "1200");
    let output = simulation(&["--seconds", seconds]);
    println!("{}", text(&output.stdout));
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn a_new_seed_is_the_same_run_twice() {
    replay(rand::rng().random_range(0..1 << 40));
}

/// That the checks say this of one of some seeds.
#[track_caller]
fn is_found(plant: &str, says: &str) {
    let mut said = String::new();
    for seed in 0..40_u64 {
        let output = simulation(&["--plant", plant, &seed.to_string()]);
        said += &text(&output.stdout);
        if !output.status.success() && said.contains(says) {
            return;
        }
    }
    panic!("nobody said {says:?} of {plant}:\n{said}");
}

#[test]
fn a_journal_without_a_fence_is_found() {
    is_found("open-fence", " write");
}

#[test]
fn an_unknown_outcome_called_refused_is_found() {
    is_found("unknown-is-refused", "and took effect");
}

#[test]
fn a_broker_that_forgets_is_found() {
    is_found("forgetful-broker", "is missing");
}

#[test]
fn a_client_that_skips_is_found() {
    is_found("deaf-client", "was next");
}

#[test]
fn a_client_that_repeats_is_found() {
    is_found("stuttering-client", "came again");
}
