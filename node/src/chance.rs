//! Randomness of a shard: dice and event ids. Handed into decisions, so that tests can fix it.

use std::fmt;

use gss_rules::Dice;
use rand::rngs::StdRng;
use rand::{Rng as _, RngCore, SeedableRng as _};

/// A source of faces and event ids.
pub struct Chance(Box<dyn RngCore + Send>);

impl Chance {
    /// Seeded by the operating system. Not to be predicted from faces seen.
    pub fn from_os() -> Self {
        Self::from_rng(StdRng::from_os_rng())
    }

    /// Drawn from this.
    pub fn from_rng(rng: impl RngCore + Send + 'static) -> Self {
        Self(Box::new(rng))
    }

    /// The id of a decision's first event; the others count on from it.
    pub fn event_seed(&mut self) -> u128 {
        self.0.random()
    }
}

impl Dice for Chance {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0.random_range(1..=sides)
    }
}

impl fmt::Debug for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chance")
    }
}
