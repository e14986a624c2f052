//! Standard output of commands that print once.

use std::io::{ErrorKind, Write as _};

use anyhow::{Context as _, Result};

/// Prints it. A reader that has seen enough (`| head`) is no error.
pub(crate) fn print(text: &str) -> Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("print"),
        Ok(()) | Err(_) => Ok(()),
    }
}
