//! The dice of a fight: face k is drawn from the k-th stream of ChaCha20 under a secret seed.
//!
//! Before the fight its players get the seed's SHA-256, after it the seed: whoever kept the faces
//! can check that they were fixed from the start. From faces seen none to come can be told.

use std::fmt;

use gss_rules::Dice;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

const BYTES: usize = 32;

/// A secret seed. Its text form is 64 hexadecimal digits.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Seed([u8; BYTES]);

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed")
    }
}

/// Text that is no seed.
#[derive(Debug, thiserror::Error)]
#[error("a seed is 64 hexadecimal digits")]
pub(crate) struct NoSeed;

impl Seed {
    /// A fresh one.
    pub(crate) fn draw(dice: &mut dyn Dice) -> Self {
        let mut bytes = [0; BYTES];
        bytes.fill_with(|| u8::try_from(dice.roll(256) - 1).unwrap_or_default());
        Self(bytes)
    }

    /// As it is revealed.
    pub(crate) fn reveal(&self) -> String {
        hex(&self.0)
    }

    /// What is told of it before: the SHA-256 of its 32 bytes.
    pub(crate) fn commitment(&self) -> String {
        hex(&Sha256::digest(self.0))
    }

    /// A number that tells nothing of the next.
    pub(crate) fn number(&self, of: u128) -> u128 {
        let digest = Sha256::new().chain_update(self.0).chain_update(of.to_be_bytes()).finalize();
        digest.iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte))
    }

    /// Faces from this one on.
    pub(crate) fn faces(&self, next: u64) -> Faces<'_> {
        Faces { seed: self, next }
    }
}

impl TryFrom<String> for Seed {
    type Error = NoSeed;

    fn try_from(text: String) -> Result<Self, NoSeed> {
        let mut bytes = [0; BYTES];
        if text.len() != 2 * BYTES || !text.is_ascii() {
            return Err(NoSeed);
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            let digits = text.get(2 * index..2 * index + 2).ok_or(NoSeed)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| NoSeed)?;
        }
        Ok(Self(bytes))
    }
}

impl From<Seed> for String {
    fn from(seed: Seed) -> Self {
        seed.reveal()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Faces under a seed.
pub(crate) struct Faces<'a> {
    seed: &'a Seed,
    next: u64,
}

impl Dice for Faces<'_> {
    fn roll(&mut self, sides: u32) -> u32 {
        let mut stream = ChaCha20Rng::from_seed(self.seed.0);
        stream.set_stream(self.next);
        self.next += 1;
        let sides = sides.max(1);
        // Words at the end that would favor the first faces are drawn again.
        let fair = u32::MAX - u32::MAX % sides;
        loop {
            let word = stream.next_u32();
            if word < fair {
                return word % sides + 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(byte: u8) -> Seed {
        Seed([byte; BYTES])
    }

    #[test]
    fn a_seed_is_its_text_and_its_commitment_the_sha_256_of_its_bytes() {
        let seed = seed(0);
        assert_eq!(String::from(seed.clone()), "0".repeat(64));
        let of_zeros = "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925";
        assert_eq!(seed.commitment(), of_zeros);
        assert_eq!(Seed::try_from(seed.reveal()).ok(), Some(seed));
        for text in ["", "0", &"g".repeat(64), &"0".repeat(65), &"é".repeat(32)] {
            assert!(Seed::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn the_same_place_of_a_seed_shows_the_same_face_and_all_faces_come() {
        let seed = seed(7);
        let draw = |from: u64, count: usize| {
            let mut faces = seed.faces(from);
            (0..count).map(|_| faces.roll(20)).collect::<Vec<u32>>()
        };
        let all = draw(0, 2_000);
        assert_eq!(draw(500, 100), all[500..600]);
        for face in 1..=20 {
            let count = all.iter().filter(|drawn| **drawn == face).count();
            assert!((60..150).contains(&count), "{face}: {count} of 2,000");
        }
    }
}
