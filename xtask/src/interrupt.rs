//! Ctrl-C and SIGTERM as a flag that every wait looks at, so that guards run on the way out.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;

static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// The user wants it to end.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub(crate) struct Interrupted;

/// From now on SIGINT, SIGTERM and SIGHUP set the flag instead of ending the process.
pub(crate) fn watch() -> Result<()> {
    let flag = FLAG.get_or_init(Arc::default);
    for signal in [nix::libc::SIGINT, nix::libc::SIGTERM, nix::libc::SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(flag))?;
    }
    Ok(())
}

/// Whether one of them came.
pub(crate) fn requested() -> bool {
    FLAG.get().is_some_and(|flag| flag.load(Ordering::Relaxed))
}

/// [`Interrupted`] once one of them came.
pub(crate) fn check() -> Result<()> {
    if requested() { Err(Interrupted.into()) } else { Ok(()) }
}
