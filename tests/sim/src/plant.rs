//! Faults in the stores and clients that no cluster can make up for: the checks must find them.

use clap::ValueEnum;

/// What is wrong on purpose.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Plant {
    /// The journal takes appends of any epoch.
    OpenFence,
    /// An append without an answer is said to be refused; it may be in the journal.
    UnknownIsRefused,
    /// The broker confirms messages and loses some.
    ForgetfulBroker,
    /// A client misses a message now and then.
    DeafClient,
    /// A client takes a message for two now and then.
    StutteringClient,
}

/// One in so many, where a plant acts on messages.
pub(crate) const ONE_IN: u64 = 200;
