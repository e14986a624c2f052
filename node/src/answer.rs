//! Answers, and the proof that they may leave (SAFETY S5, invariant 1).
//!
//! An [`Answer<Pending>`] carries the version its decision saw. Only [`Answer::release`], with a
//! [`Durable`] at that version or later, makes an [`Answer<Released>`], and only that can be sent.
//! A [`Durable`] is made from a commit or from what was read out of the journal.

use std::sync::Arc;

use gss_shared::error_code::{ClientError, CloseCode, ErrorCode};
use gss_shared::ids::{ActionId, ConnectionId, Epoch, NodeId, Position, Version};
use gss_shared::link::frame::{
    AnswerFrame, AttachFrame, AttachOutcome, CommandFrame, FetchOutcome, Outcome, ReadAnswer,
    ReadFrame, Refused, ToRouter,
};
use gss_shared::message::{Audience, Role, Viewer};
use gss_shared::ports::journal::Committed;
use tokio::sync::OwnedSemaphorePermit;

use crate::peer::{Link, Peer};

/// Where an answer goes.
#[derive(Debug)]
pub enum ReplyTo {
    /// The commands lane that the router has now.
    Commands(Arc<Peer>),
    /// This bulk lane; the permit bounds its unanswered requests.
    Bulk(Arc<Link>, OwnedSemaphorePermit),
}

impl ReplyTo {
    /// The lane that was to carry the answer is closed: the router asks again. Answers to commands
    /// take whatever lane there is.
    pub fn is_closed(&self) -> bool {
        match self {
            Self::Commands(_) => false,
            Self::Bulk(link, _) => link.closed().is_cancelled(),
        }
    }

    fn send(&self, frame: ToRouter) {
        match self {
            Self::Commands(peer) => peer.send(frame),
            Self::Bulk(link, _) => link.send(frame),
        }
    }
}

/// How far a session is in the journal for certain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Durable(Position);

impl Durable {
    /// A commit was confirmed.
    pub fn committed(committed: &Committed) -> Self {
        Self(committed.position())
    }

    /// The event at this position was read out of the journal (START: there was none).
    pub fn read(position: Position) -> Self {
        Self(position)
    }

    /// The last committed position.
    pub fn position(self) -> Position {
        self.0
    }
}

/// The decision is not known to be in the journal.
#[derive(Debug)]
pub struct Pending {
    saw: Version,
}

/// What the decision saw is in the journal.
#[derive(Debug)]
pub struct Released(());

/// What is answered.
#[derive(Debug)]
pub enum Payload {
    /// This frame.
    Frame(Box<ToRouter>),
    /// An ephemeral change for routers with clients of the session.
    Ephemeral {
        /// Who gets what.
        frames: Vec<(Audience, String)>,
        /// The command, to be answered with [`Outcome::Nothing`].
        done: Box<ToRouter>,
        /// The sender's connection.
        except: Option<ConnectionId>,
    },
    /// A connection was admitted: it gets a snapshot or what it missed.
    Attach(Box<Admitted>),
    /// The trail or the saved states, to be read in the journal for this viewer.
    Trail(Box<TrailRead>),
}

/// A reader that was admitted to the journal.
#[derive(Debug)]
pub struct TrailRead {
    /// What was asked.
    pub frame: Box<ReadFrame>,
    /// For whom.
    pub viewer: Viewer,
    /// Where the session stands.
    pub at: Position,
}

/// A connection that was admitted.
#[derive(Debug)]
pub struct Admitted {
    /// The request.
    pub frame: AttachFrame,
    /// Who asked.
    pub peer: Arc<Peer>,
    /// The member's role.
    pub role: Role,
    /// The session's setting.
    pub messages_per_minute: u32,
    /// The version at which the stream goes on.
    pub at: Position,
    /// Resume from here; None: the snapshot is sent.
    pub resume: Option<Position>,
    /// `data` of a `sync_response` at `at`.
    pub sync: Option<String>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer<S> {
    to: ReplyTo,
    payload: Payload,
    state: S,
}

/// What can be said without having seen the session.
#[derive(Clone, PartialEq, Debug)]
pub enum Unseen {
    /// Another node serves the shard.
    NotOwner {
        /// Highest epoch this node knows.
        epoch: Epoch,
        /// Who has it, if known.
        owner: Option<NodeId>,
    },
    /// Storage or memory is not there, or the session cannot be loaded.
    Unavailable,
    /// The command is older than its budget (SAFETY S10).
    Late,
}

/// A refusal as a link carries it.
pub fn refused(error: &ClientError) -> Refused {
    let details = serde_json::Value::Object(error.details.clone()).to_string();
    Refused { code: error.code, message: error.message.clone(), details }
}

impl Unseen {
    fn error(&self) -> ClientError {
        let (code, message) = match self {
            Self::NotOwner { .. } => (ErrorCode::OwnerUnreachable, "the session is moving"),
            Self::Unavailable => (ErrorCode::Unavailable, "the session is not available now"),
            Self::Late => (ErrorCode::OwnerUnreachable, "the command came too late"),
        };
        ClientError::new(code, message).with("effect", "unknown").with("retry_after_ms", 1_000)
    }

    /// The frame that says so to a command.
    pub fn command(&self, frame: &CommandFrame) -> ToRouter {
        let outcome = match self {
            Self::NotOwner { epoch, owner } => {
                Outcome::NotOwner { epoch: *epoch, owner: owner.clone() }
            }
            Self::Unavailable | Self::Late => {
                Outcome::Refused { refused: refused(&self.error()), saw: Position::START }
            }
        };
        answer_frame(frame, None, outcome)
    }

    /// The frame that says so to an attach.
    pub fn attach(&self, frame: &AttachFrame) -> ToRouter {
        let outcome = match self {
            Self::NotOwner { epoch, owner } => {
                AttachOutcome::NotOwner { epoch: *epoch, owner: owner.clone() }
            }
            Self::Unavailable | Self::Late => {
                let close = CloseCode::Restart.number();
                AttachOutcome::Refused { refused: refused(&self.error()), close }
            }
        };
        ToRouter::Attached { request: frame.request, outcome }
    }

    /// The frame that says so to a read.
    pub fn read(&self, frame: &ReadFrame) -> ToRouter {
        ToRouter::ReadDone { request: frame.request, outcome: Err(refused(&self.error())) }
    }

    /// The frame that says so to a fetch.
    pub fn fetch(&self, request: u64) -> ToRouter {
        let outcome = match self {
            Self::NotOwner { epoch, owner } => {
                FetchOutcome::NotOwner { epoch: *epoch, owner: owner.clone() }
            }
            Self::Unavailable | Self::Late => FetchOutcome::Unavailable,
        };
        ToRouter::Fetched { request, outcome }
    }
}

/// The answer to a command.
pub fn answer_frame(frame: &CommandFrame, action: Option<ActionId>, outcome: Outcome) -> ToRouter {
    ToRouter::Answer(AnswerFrame {
        session: frame.session,
        connection: frame.connection,
        seq: frame.seq,
        route: frame.route,
        action,
        outcome,
    })
}

/// The answer to a read.
pub fn read_frame(request: u64, outcome: Result<ReadAnswer, ClientError>) -> ToRouter {
    ToRouter::ReadDone { request, outcome: outcome.map_err(|error| refused(&error)) }
}

impl<S> Answer<S> {
    /// The router that gets it on its commands lane.
    pub fn peer(&self) -> Option<&Arc<Peer>> {
        match &self.to {
            ReplyTo::Commands(peer) => Some(peer),
            ReplyTo::Bulk(..) => None,
        }
    }
}

impl Answer<Pending> {
    /// An answer whose decision saw the session at this version.
    pub fn new(to: ReplyTo, payload: Payload, saw: Version) -> Self {
        Self { to, payload, state: Pending { saw } }
    }

    /// The answer may leave if what it saw is durable; else it comes back.
    ///
    /// # Errors
    /// The answer, unchanged.
    pub fn release(self, durable: Durable) -> Result<Answer<Released>, Self> {
        if self.state.saw <= durable.0.version {
            Ok(Answer { to: self.to, payload: self.payload, state: Released(()) })
        } else {
            Err(self)
        }
    }

    /// Whether it admits a connection.
    pub fn admits(&self) -> bool {
        matches!(self.payload, Payload::Attach(_))
    }

    /// The version that has to be durable first.
    pub fn saw(&self) -> Version {
        self.state.saw
    }

    /// Withdraws the answer: the command is decided again.
    pub fn withdraw(self) -> ReplyTo {
        self.to
    }
}

/// What is left to do for a released answer.
#[derive(Debug)]
pub enum Sent {
    /// It was sent.
    Done,
    /// These go to the routers first; then the sender gets the answer.
    Ephemeral {
        /// Who gets what.
        frames: Vec<(Audience, String)>,
        /// The sender's connection.
        except: Option<ConnectionId>,
        /// The answer.
        answer: Answer<Released>,
    },
    /// The connection is to be told where it stands.
    Attach(ReplyTo, Box<Admitted>),
    /// The journal is to be read.
    Trail(ReplyTo, Box<TrailRead>),
}

impl Answer<Released> {
    /// Another node serves the session, or none can: says so to a command.
    pub fn unseen_command(to: ReplyTo, frame: &CommandFrame, why: &Unseen) -> Self {
        Self::unseen(to, why.command(frame))
    }

    /// The same to an attach.
    pub fn unseen_attach(to: ReplyTo, frame: &AttachFrame, why: &Unseen) -> Self {
        Self::unseen(to, why.attach(frame))
    }

    /// The same to a read.
    pub fn unseen_read(to: ReplyTo, frame: &ReadFrame, why: &Unseen) -> Self {
        Self::unseen(to, why.read(frame))
    }

    /// The same to a fetch.
    pub fn unseen_fetch(to: ReplyTo, request: u64, why: &Unseen) -> Self {
        Self::unseen(to, why.fetch(request))
    }

    fn unseen(to: ReplyTo, frame: ToRouter) -> Self {
        Self { to, payload: Payload::Frame(Box::new(frame)), state: Released(()) }
    }

    /// What was read out of the journal, as a frame.
    pub fn from_journal(to: ReplyTo, frame: ToRouter) -> Self {
        Self::unseen(to, frame)
    }

    /// Sends it, as far as it is a frame.
    pub fn send(self) -> Sent {
        let Self { to, payload, state } = self;
        match payload {
            Payload::Frame(frame) => {
                to.send(*frame);
                Sent::Done
            }
            Payload::Ephemeral { frames, done, except } => {
                let answer = Self { to, payload: Payload::Frame(done), state };
                Sent::Ephemeral { frames, except, answer }
            }
            Payload::Attach(admitted) => Sent::Attach(to, admitted),
            Payload::Trail(read) => Sent::Trail(to, read),
        }
    }
}
