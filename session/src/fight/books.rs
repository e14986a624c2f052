//! Built-in content, read once per process.

use std::sync::LazyLock;

use gss_rules::Edition;
use gss_rules::combat::Rulebook;

static E51: LazyLock<Rulebook> = LazyLock::new(|| read(Edition::E51));
static E52: LazyLock<Rulebook> = LazyLock::new(|| read(Edition::E52));

/// # Panics
/// When what is built in cannot be read: the rules' own tests read it.
fn read(edition: Edition) -> Rulebook {
    match Rulebook::built_in(edition) {
        Ok(book) => book,
        Err(error) => unreachable!("what is built in is read: {error}"),
    }
}

/// What the rules are played with.
pub(crate) fn book(edition: Edition) -> &'static Rulebook {
    match edition {
        Edition::E51 => &E51,
        Edition::E52 => &E52,
    }
}

/// Reads everything that is built in, so that no session waits for it.
pub fn read_all() {
    for edition in [Edition::E51, Edition::E52] {
        book(edition);
    }
}
