//! How long tests play.

/// Short in continuous integration, long on demand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Length {
    /// Minutes in all.
    Short,
    /// As long as the claims are stated for.
    Long,
}

impl Length {
    /// `GSS_TEST_LONG=1`: long.
    #[expect(clippy::disallowed_methods, reason = "the length of a test run is no configuration")]
    pub fn of_this_run() -> Self {
        if std::env::var("GSS_TEST_LONG").is_ok_and(|value| value == "1") {
            Self::Long
        } else {
            Self::Short
        }
    }

    /// One of two values.
    pub fn pick<T>(self, short: T, long: T) -> T {
        match self {
            Self::Short => short,
            Self::Long => long,
        }
    }

    /// How often to repeat; `GSS_TEST_ROUNDS` overrides it.
    ///
    /// # Panics
    /// When that is no number.
    #[expect(clippy::disallowed_methods, reason = "the length of a test run is no configuration")]
    pub fn rounds(self, short: usize, long: usize) -> usize {
        match std::env::var("GSS_TEST_ROUNDS") {
            Ok(rounds) => rounds.parse().expect("GSS_TEST_ROUNDS is a number"),
            Err(_) => self.pick(short, long),
        }
    }
}
