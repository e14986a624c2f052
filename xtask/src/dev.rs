//! `cargo xtask dev`: builds gssctl and hands over to `gssctl dev`.

use std::process::Command;

use anyhow::Result;

use crate::cargo::{self, Profile};

/// Runs until the server ends.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let gssctl = cargo::build(Profile::Dev, &["gssctl"])?.join("gssctl");
    cargo::must("gssctl dev", Command::new(gssctl).arg("dev").args(args))
}
