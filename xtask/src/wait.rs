//! Waiting on conditions, with a limit and an eye on Ctrl-C.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::interrupt;

/// How often a condition is asked.
const POLL: Duration = Duration::from_millis(20);

/// Now; the tool has no runtime whose clock it could use.
#[expect(clippy::disallowed_methods, reason = "no runtime here; never used by the product")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Waits until `condition` holds.
///
/// # Errors
/// That of the condition, the limit, or an interruption.
pub(crate) fn until(
    what: &str,
    limit: Duration,
    mut condition: impl FnMut() -> Result<bool>,
) -> Result<()> {
    let start = now();
    while !condition()? {
        interrupt::check()?;
        if start.elapsed() > limit {
            bail!("{what}: not within {} s", limit.as_secs());
        }
        std::thread::sleep(POLL);
    }
    Ok(())
}
