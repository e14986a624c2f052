//! What routers ask of a session, waiting for its turn; and what a shard asks of the outside.

use std::sync::Arc;
use std::time::Duration;

use gss_session::{Characters, Session};
use gss_shared::error_code::ClientError;
use gss_shared::ids::{ActionId, CharacterId, Epoch, PlayerId, Position, SessionId, Version};
use gss_shared::link::frame::{AttachFrame, CommandFrame, ReadFrame};
use gss_shared::message::{Message, Viewer};
use gss_shared::ports::journal::{Committed, FoundAction, Part, PartRefusal};
use gss_shared::time::Timestamp;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::answer::{Admitted, Answer, Durable, ReplyTo, Unseen};
use crate::peer::Peer;

/// A read is given up this much before the budget, so that its reader is told in time: late ones are
/// looked for once a second.
const READ_MARGIN: Duration = Duration::from_millis(2_000);

/// A request and where its answer goes.
#[derive(Debug)]
pub struct Work {
    /// Where the answer goes.
    pub to: ReplyTo,
    /// What is asked.
    pub ask: Ask,
}

/// A request. Kept until its answer is released: it may have to be decided again.
#[derive(Debug)]
pub struct Ask {
    /// What is asked.
    pub what: What,
    /// When it came.
    pub arrived: Instant,
    /// Its answer is settled whatever the session says: its decision panicked or its events were
    /// refused for their content (SAFETY S14).
    pub given: Option<ClientError>,
    /// The question to the character service that it asked last.
    pub asked: Option<u64>,
    /// What the service said to it.
    pub characters: Characters,
}

/// What is asked.
#[derive(Debug)]
pub enum What {
    /// Decide a command.
    Command(Box<CommandFrame>, Arc<Peer>),
    /// Admit a connection.
    Attach(Box<AttachFrame>, Arc<Peer>),
    /// Show something; its epoch check is done. `stale`: the journal did not answer it.
    Read {
        /// What to show.
        frame: Box<ReadFrame>,
        /// Shown from memory within the lease.
        stale: bool,
    },
}

impl Work {
    /// Says that the session was not asked, and why.
    pub fn refuse_unseen(self, why: &Unseen) {
        let answer = match &self.ask.what {
            What::Command(frame, _) => Answer::unseen_command(self.to, frame, why),
            What::Attach(frame, _) => Answer::unseen_attach(self.to, frame, why),
            What::Read { frame, .. } => Answer::unseen_read(self.to, frame, why),
        };
        answer.send();
    }
}

impl Ask {
    /// A request that came just now.
    pub fn new(what: What, arrived: Instant) -> Self {
        Self { what, arrived, given: None, asked: None, characters: Characters::default() }
    }

    /// Whether its router has given it up, by the budget it came with or by the beat it is stamped
    /// with (SAFETY S10). `budget` is the operator's for commands.
    pub fn is_late(&self, now: Instant, budget: Duration) -> bool {
        let waited = now.saturating_duration_since(self.arrived);
        match &self.what {
            What::Command(frame, peer) => {
                waited > Duration::from_millis(frame.budget_ms.into())
                    || peer.beat_age(frame.beat_seen, now) > budget
            }
            What::Attach(frame, peer) => {
                waited > budget || peer.beat_age(frame.beat_seen, now) > budget
            }
            What::Read { .. } => waited > budget.saturating_sub(READ_MARGIN),
        }
    }
}

/// A session as it was loaded.
#[derive(Debug)]
pub struct Loaded {
    /// None: it has no events.
    pub session: Option<Session>,
    /// Events after the last snapshot.
    pub tail_events: u64,
    /// Their bytes.
    pub tail_bytes: usize,
    /// Saves by the GM among them: their rows are still to be stored.
    pub saves: Vec<Candidate>,
}

impl Loaded {
    /// Where it stands, read out of the journal.
    pub fn durable(&self) -> Durable {
        Durable::read(self.session.as_ref().map_or(Position::START, Session::position))
    }
}

/// Why a session was not loaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LoadError {
    /// The journal does not answer: ask again later.
    #[error("journal is unavailable")]
    Unavailable,
    /// It cannot be read, or too many activations died: an operator has to look at it.
    #[error("session is quarantined")]
    Quarantined,
}

/// Verdict of the writer on consecutive submissions of one session.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The session.
    pub session: SessionId,
    /// How many submissions it is about.
    pub covered: usize,
    /// The epoch they were decided under.
    pub under: Epoch,
    /// The shard's epoch as the writer knows it: it raises epochs to settle unknown outcomes.
    pub epoch: Epoch,
    /// What became of them.
    pub outcome: Result<Arc<Committed>, PartRefusal>,
}

/// State to save.
#[derive(Debug)]
pub struct Candidate {
    /// As of `position`, which is committed when it is saved.
    pub session: Session,
    /// Its last event.
    pub position: Position,
    /// When that was decided.
    pub at: Timestamp,
    /// Of a save by the GM.
    pub saved: Option<(String, PlayerId)>,
}

/// What became of a snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stored {
    /// It is stored.
    Done,
    /// It is not: the epoch was another, or the journal did not answer.
    Not,
    /// It never will be: it cannot be encoded, or the database refuses it.
    Refused,
}

/// Messages that a resuming connection missed.
#[derive(Debug)]
pub enum Missed {
    /// All of them.
    Messages(Vec<Message>),
    /// The position is not in this history, or too far back.
    Gone,
    /// The journal does not answer.
    Unavailable,
}

/// What waits for a session's load. Those that no command waits for hear it when one comes.
#[derive(Debug)]
pub enum Urgency {
    /// Commands or attaches.
    Commands,
    /// Reads alone, until then.
    Reads(oneshot::Receiver<()>),
    /// Nothing yet: requests are expected.
    Nothing(oneshot::Receiver<()>),
}

/// What a shard asks of the outside.
#[derive(Debug)]
pub enum Effect {
    /// Append these events. A [`Verdict`] follows.
    Submit(Box<Part>),
    /// Load a session. [`LoadError`] or [`Loaded`] follows.
    Load {
        /// Which.
        session: SessionId,
        /// What waits for it.
        urgency: Urgency,
    },
    /// Load a session as of a version.
    History {
        /// Which.
        session: SessionId,
        /// As of.
        version: Version,
    },
    /// Ask the character service.
    Characters {
        /// For which session.
        session: SessionId,
        /// The question's number.
        question: u64,
        /// Of these.
        ids: Vec<CharacterId>,
    },
    /// Look for accepted actions.
    Find {
        /// In which session.
        session: SessionId,
        /// These.
        actions: Vec<ActionId>,
    },
    /// Load what a resuming connection missed.
    Missed {
        /// Where the answer goes.
        to: ReplyTo,
        /// The connection.
        admitted: Box<Admitted>,
        /// From here, exclusive.
        from: Position,
    },
    /// Save a snapshot.
    Save {
        /// Of which session.
        session: SessionId,
        /// The state.
        candidate: Arc<Candidate>,
    },
    /// Read the trail or the saved states, and answer.
    Trail {
        /// Where the answer goes.
        to: ReplyTo,
        /// What was asked.
        frame: Box<ReadFrame>,
        /// For whom.
        viewer: Viewer,
        /// Where the session stands.
        at: Position,
    },
    /// Read committed messages after a position, and answer.
    Fetch {
        /// Where the answer goes.
        to: ReplyTo,
        /// The request's number.
        request: u64,
        /// Of which session.
        session: SessionId,
        /// After which.
        after: Position,
    },
    /// Read where sessions stand, and answer.
    Heads {
        /// Where the answer goes.
        to: ReplyTo,
        /// Which.
        sessions: Vec<SessionId>,
    },
    /// Check the shard's epoch.
    Check,
    /// The journal has another epoch: end service.
    Fenced,
    /// Nothing is in flight any more: the stop is complete.
    Drained,
    /// The session's hot keys changed.
    Hot(SessionId),
    /// Its connections gave a sign of life.
    Seen(SessionId),
    /// It was read.
    Shown(SessionId),
}

/// What comes back.
#[derive(Debug)]
pub enum Fact {
    /// After [`Effect::Load`].
    Loaded(SessionId, Result<Box<Loaded>, LoadError>),
    /// After [`Effect::History`].
    History(SessionId, Version, Result<Option<Box<Session>>, LoadError>),
    /// After [`Effect::Characters`], to this question.
    Characters(SessionId, u64, Characters),
    /// After [`Effect::Find`].
    Found(SessionId, Vec<ActionId>, Result<Vec<FoundAction>, LoadError>),
    /// After [`Effect::Missed`].
    Missed(ReplyTo, Box<Admitted>, Missed),
    /// After [`Effect::Save`] of the state at this position.
    Saved(SessionId, Position, Stored),
    /// Fan-out failed for these messages.
    NotPublished(Arc<Committed>),
}
