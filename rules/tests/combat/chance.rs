//! Chance for play at random, and recorded faces for the same play again.

use gss_rules::Dice;

/// SplitMix64: good enough to wander.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).expect("small")
    }

    pub(crate) fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    pub(crate) fn of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len()))
    }
}

impl Dice for Chance {
    fn roll(&mut self, sides: u32) -> u32 {
        u32::try_from(self.below(sides as usize)).expect("small") + 1
    }
}

/// The faces of a step, again.
pub(crate) struct Again<'a>(pub(crate) std::slice::Iter<'a, u32>);

impl Dice for Again<'_> {
    fn roll(&mut self, _: u32) -> u32 {
        *self.0.next().expect("a die more than recorded")
    }
}
