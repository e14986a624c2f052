//! The judge of one session's stream at one router (SAFETY S4): whatever comes, by whatever road,
//! in whatever order and however often, what is delivered is the journal from where the stream
//! started, in order, once.
//!
//! A message is delivered only onto the position it names as its predecessor. What is ahead is
//! held, bounded, and fetched unless the missing comes by itself within a moment. A message that
//! stands where another was delivered means that history changed: the stream stops until it is
//! started anew from a snapshot. Knows neither viewers nor roads.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use gss_shared::ids::{Position, Version};
use gss_shared::link::frame::FetchOutcome;
use gss_shared::message::Message;
use tokio::time::Instant;

pub(crate) mod cursor;
pub(crate) mod gathering;
pub(crate) mod rendered;

/// Time in which a missing predecessor usually comes by the slower road: links overtake pub/sub.
const GAP_GRACE: Duration = Duration::from_millis(8);
/// Wait before the next fetch when one brought nothing, doubled each time up to 64 of it.
const RETRY: Duration = Duration::from_millis(20);
/// Fetches that may bring nothing while something is held; then what is held is of no history.
const FRUITLESS: u32 = 8;
/// Messages held ahead of a gap: beyond, the newest are dropped and fetched later.
const HELD_MESSAGES: usize = 1_024;
/// Bytes held ahead of a gap.
const HELD_BYTES: usize = 1 << 20;

/// What the shell must do, in order.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Step {
    /// Give it to the viewers.
    Deliver(Arc<Message>),
    /// Ask the owner for what follows this position.
    Fetch {
        /// What was delivered last.
        after: Position,
    },
    /// Another history: every viewer needs a snapshot, then [`Stream::start`].
    Diverged,
}

/// How soon a told head must be reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Urgency {
    /// It may be on its way.
    Soon,
    /// It will not come by itself.
    Now,
}

/// The judge.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// What was delivered last. None: not started; everything is held.
    last: Option<Position>,
    held: BTreeMap<Version, Arc<Message>>,
    held_bytes: usize,
    /// The highest version somebody named since the last fetch was sent.
    head: Version,
    fetching: bool,
    fruitless: u32,
    due: Option<Instant>,
}

impl Stream {
    /// What was delivered last, once started.
    pub(crate) fn last(&self) -> Option<Position> {
        self.last
    }

    /// When [`Stream::tick`] must be called, if nothing comes before.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Goes on from this position: that of a snapshot, or of a resume.
    pub(crate) fn start(&mut self, at: Position, now: Instant, out: &mut Vec<Step>) {
        self.last = Some(at);
        self.fruitless = 0;
        self.drop_held_up_to(at.version);
        self.deliver_held(out);
        self.settle(now, GAP_GRACE);
    }

    /// Judges a message.
    pub(crate) fn offer(&mut self, message: Arc<Message>, now: Instant, out: &mut Vec<Step>) {
        let Some(last) = self.last else { return self.hold(message) };
        match message.version().cmp(&last.version) {
            Ordering::Less => {}
            Ordering::Equal if message.position == last => {}
            Ordering::Equal => self.diverge_at(message, out),
            Ordering::Greater if message.after == last => {
                self.deliver(message, out);
                self.deliver_held(out);
                self.settle(now, GAP_GRACE);
            }
            Ordering::Greater if message.version() == last.version.next() => {
                self.diverge_at(message, out);
            }
            Ordering::Greater => {
                self.hold(message);
                self.settle(now, GAP_GRACE);
            }
        }
    }

    /// Somebody who knows says that the session stands there: a beat, an attach, a publish without
    /// its body.
    pub(crate) fn told(
        &mut self,
        head: Position,
        urgency: Urgency,
        now: Instant,
        out: &mut Vec<Step>,
    ) {
        match self.last {
            Some(last) if head.version == last.version && head != last => self.diverge(out),
            Some(last) if head.version <= last.version => {}
            Some(_) | None => {
                self.head = self.head.max(head.version);
                let grace = if urgency == Urgency::Now { Duration::ZERO } else { GAP_GRACE };
                self.settle(now, grace);
                self.tick(now, out);
            }
        }
    }

    /// A new owner says where its journal ends. Anything but what was delivered last is asked for:
    /// an end below it may be a history that lost its tail (SAFETY S3), which the fetch will tell.
    pub(crate) fn taken_over(&mut self, head: Position, now: Instant, out: &mut Vec<Step>) {
        match self.last {
            Some(last) if head != last => {
                self.head = self.head.max(head.version);
                self.fetch(last, out);
                self.settle(now, RETRY);
            }
            Some(_) | None => {}
        }
    }

    /// The answer to a fetch.
    pub(crate) fn fetched(&mut self, outcome: FetchOutcome, now: Instant, out: &mut Vec<Step>) {
        self.fetching = false;
        let Some(last) = self.last else { return };
        match outcome {
            FetchOutcome::Gone { .. } => self.diverge(out),
            FetchOutcome::Tail { messages, more } => {
                for message in messages {
                    self.offer(Arc::new(message), now, out);
                }
                match self.last {
                    Some(reached) if more && reached != last => self.fetch(reached, out),
                    Some(reached) if reached != last => {
                        self.fruitless = 0;
                        self.settle(now, GAP_GRACE);
                    }
                    Some(_) => self.came_to_nothing(now),
                    None => {}
                }
            }
            FetchOutcome::NotOwner { .. } | FetchOutcome::Unavailable => {
                self.head = self.head.max(last.version.next());
                self.settle(now, self.pause());
                self.fruitless = (self.fruitless + 1).min(FRUITLESS - 1);
            }
        }
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, now: Instant, out: &mut Vec<Step>) {
        match (self.due, self.last) {
            (Some(due), Some(last)) if due <= now && !self.fetching => self.fetch(last, out),
            _ => {}
        }
    }

    fn came_to_nothing(&mut self, now: Instant) {
        self.fruitless += 1;
        if self.fruitless >= FRUITLESS {
            self.held.clear();
            self.held_bytes = 0;
            self.fruitless = 0;
        }
        self.due = None;
        self.settle(now, self.pause());
    }

    fn pause(&self) -> Duration {
        RETRY * (1 << self.fruitless.min(6))
    }

    fn fetch(&mut self, after: Position, out: &mut Vec<Step>) {
        // What is named while the answer is under way counts again; the answer covers the rest.
        self.head = Version::ZERO;
        self.due = None;
        if !self.fetching {
            self.fetching = true;
            out.push(Step::Fetch { after });
        }
    }

    fn deliver(&mut self, message: Arc<Message>, out: &mut Vec<Step>) {
        self.last = Some(message.position);
        out.push(Step::Deliver(message));
    }

    fn deliver_held(&mut self, out: &mut Vec<Step>) {
        while let (Some(last), Some(first)) = (self.last, self.held.first_entry()) {
            if *first.key() > last.version.next() {
                return;
            }
            let message = first.remove();
            self.held_bytes -= message.size();
            match message.after == last {
                true => self.deliver(message, out),
                // It came before its predecessor was known and is of another history than it. The
                // fetch decides which of the two the journal holds.
                false => self.head = self.head.max(message.version()),
            }
        }
    }

    fn drop_held_up_to(&mut self, version: Version) {
        self.held = self.held.split_off(&version.next());
        self.held_bytes = self.held.values().map(|message| message.size()).sum();
    }

    /// Sets or clears the moment of the next fetch.
    fn settle(&mut self, now: Instant, grace: Duration) {
        let behind = match self.last {
            Some(last) => !self.held.is_empty() || self.head > last.version,
            None => false,
        };
        self.due = match (behind, self.due) {
            (false, _) => None,
            (true, Some(due)) => Some(due.min(now + grace)),
            (true, None) => Some(now + grace),
        };
    }

    fn hold(&mut self, message: Arc<Message>) {
        self.head = self.head.max(message.version());
        self.held_bytes += message.size();
        if let Some(known) = self.held.insert(message.version(), message) {
            self.held_bytes -= known.size();
        }
        while self.held.len() > HELD_MESSAGES || self.held_bytes > HELD_BYTES {
            let Some((_, newest)) = self.held.pop_last() else { return };
            self.held_bytes -= newest.size();
        }
    }

    /// The message that showed it is of the other history: it may be the snapshot's successor.
    fn diverge_at(&mut self, message: Arc<Message>, out: &mut Vec<Step>) {
        self.diverge(out);
        self.hold(message);
    }

    fn diverge(&mut self, out: &mut Vec<Step>) {
        *self = Self::default();
        out.push(Step::Diverged);
    }
}

#[cfg(test)]
pub(crate) mod tests;
