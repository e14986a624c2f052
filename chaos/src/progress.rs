//! The live line of a run. On a terminal it is written over; elsewhere only changes are lines.

use std::cell::RefCell;
use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use gss_tests::workload::Running;
use tokio::time::Instant;

use crate::fault::Struck;
use crate::scenario::Scenario;

/// Between two lines on a terminal.
const TICK: Duration = Duration::from_secs(1);

/// Says on stderr what goes on.
#[derive(Debug)]
pub(crate) struct Progress {
    terminal: bool,
    began: Instant,
    struck: RefCell<String>,
}

impl Progress {
    /// From now on.
    pub(crate) fn start() -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { terminal, began: Instant::now(), struck: RefCell::default() }
    }

    fn clock(&self) -> String {
        let seconds = self.began.elapsed().as_secs();
        format!("{:>3}:{:02}", seconds / 60, seconds % 60)
    }

    /// A line that stays.
    #[expect(clippy::print_stderr, reason = "progress of a command")]
    pub(crate) fn say(&self, what: &str) {
        let clear = if self.terminal { "\r\x1b[2K" } else { "" };
        eprintln!("{clear}{} {what}", self.clock());
    }

    /// What is struck now; nothing: all is healed.
    pub(crate) fn strikes(&self, struck: &[Struck]) {
        let what = struck.iter().map(ToString::to_string).collect::<Vec<_>>().join(" + ");
        if !what.is_empty() {
            self.say(&what);
        }
        *self.struck.borrow_mut() = what;
    }

    /// Shows the throughput until `attack` ends.
    pub(crate) async fn along<T>(
        &self,
        scenario: &Scenario,
        seed: u64,
        running: &Running,
        attack: impl Future<Output = T>,
    ) -> T {
        let mut attack = std::pin::pin!(attack);
        let mut tick = tokio::time::interval(TICK);
        let mut before = running.acknowledged();
        loop {
            tokio::select! {
                done = &mut attack => return done,
                _ = tick.tick() => {
                    let now = running.acknowledged();
                    self.line(&format!(
                        "{} seed {seed}: {:>5}/s  {}",
                        scenario.name,
                        now - before,
                        self.struck.borrow()
                    ));
                    before = now;
                }
            }
        }
    }

    fn line(&self, what: &str) {
        if self.terminal {
            let mut out = std::io::stderr();
            // A terminal that is gone sees no progress.
            let _gone = write!(out, "\r\x1b[2K{} {what}", self.clock());
            let _gone = out.flush();
        }
    }
}
