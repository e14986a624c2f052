//! How a worker reaches owners: the links that are open, who owns what, and the questions under
//! way. Sending never waits: what finds no room stays where it is and is tried again.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gss_shared::clock::Clock;
use gss_shared::config::LimitsSection;
use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::{NodeId, Shard};
use gss_shared::limits;
use gss_shared::link::frame::{AttachFrame, Lane, ReadFrame, ReadKind, ToNode};
use gss_shared::link::transport::LinkSink;
use gss_shared::ports::fanout::Fanout;
use gss_shared::token::SessionTokens;
use tokio::time::Instant;

use super::requests::{Ask, Request, Requests};
use super::session::Session;
use crate::links::NodeLink;
use crate::metrics::Metrics;
use crate::routes::route::{GivenUp, Pending, To};
use crate::routes::{Owner, Owners};

/// Small frames that wait for room on a link; beyond, the link is opened anew and told all again.
const BACKLOG: usize = limits::LINK_QUEUE;

/// An open link and what waits for room on it.
pub(crate) struct Link {
    pub link: NodeLink,
    /// The node told what it serves: before, nothing is sent.
    pub told: bool,
    backlog: VecDeque<(Lane, ToNode)>,
}

/// See the module.
pub(crate) struct Reach {
    pub owners: Owners,
    pub links: HashMap<NodeId, Link>,
    pub requests: Requests,
    pub fanout: Arc<dyn Fanout>,
    pub tokens: SessionTokens,
    pub clock: Clock,
    pub limits: LimitsSection,
    pub metrics: Arc<Metrics>,
}

/// What a session's owner cannot or must not get any more.
#[derive(Default)]
pub(crate) struct Refused {
    pub commands: Vec<(Pending, GivenUp)>,
    pub requests: Vec<u64>,
}

impl Reach {
    /// Time until an asker is told that nobody answered.
    pub(crate) fn budget(&self) -> Duration {
        Duration::from_millis(self.limits.command_budget_ms)
    }

    /// Messages per minute of a connection whose session's own setting is this; 0: none.
    pub(crate) fn messages_per_minute(&self, own: u32) -> u32 {
        match own {
            0 => self.limits.messages_per_minute,
            own => own.min(self.limits.settings_cap_per_minute),
        }
    }

    /// A link opened; an older opening of it is forgotten.
    pub(crate) fn opened(&mut self, link: NodeLink) {
        let node = link.node.clone();
        self.links.insert(node, Link { link, told: false, backlog: VecDeque::new() });
    }

    /// The owner of the shard and an open link to it.
    fn way(&self, shard: Shard) -> Option<(&Owner, &Link)> {
        let owner = self.owners.of(shard)?;
        let link = self.links.get(owner.node.as_ref()?).filter(|link| link.told)?;
        Some((owner, link))
    }

    /// Whether the shard's owner is known and its link open.
    pub(crate) fn can_reach(&self, shard: Shard) -> bool {
        self.way(shard).is_some()
    }

    /// Sends what of the session waits and may be sent: requests first, they are needed to go on.
    pub(crate) fn pump(&mut self, session: &mut Session, now: Instant) -> Refused {
        let mut refused = Refused::default();
        let Some((owner, link)) = self.way(session.shard) else { return refused };
        let to = To {
            epoch: owner.epoch,
            announced: owner.announced,
            beat_seen: link.link.beat.load(Ordering::Relaxed),
        };
        let (commands, bulk) = (link.link.commands.clone(), link.link.bulk.clone());
        let has_backlog = !link.backlog.is_empty();
        refused.requests = self.ask(session, to, &bulk, now);
        if session.route.has_unsent() && !has_backlog {
            let pumped = session.route.pump(session.id, to, now, |frame| {
                commands.try_send(ToNode::Command(frame)).is_ok()
            });
            self.metrics.resends.inc_by(pumped.resent);
            refused.commands = pumped.given_up;
        }
        refused
    }

    fn ask(
        &mut self,
        session: &Session,
        to: To,
        bulk: &LinkSink<ToNode>,
        now: Instant,
    ) -> Vec<u64> {
        let mut refused = Vec::new();
        for number in &session.requests {
            let Some(request) = self.requests.get(*number) else { continue };
            if request.sent || request.paused_until.is_some_and(|until| until > now) {
                continue;
            }
            if let Some(former) = request.orphaned.take()
                && former < to.epoch
            {
                request.outlived += 1;
                if request.outlived >= limits::OWNERS_OUTLIVED {
                    refused.push(*number);
                    continue;
                }
            }
            let Some(frame) = frame(*number, request, session, to) else {
                refused.push(*number);
                continue;
            };
            if bulk.try_send(frame).is_err() {
                break;
            }
            request.sent = true;
            request.paused_until = None;
            if let Ask::Fetch(_) = request.ask {
                self.metrics.fetches.inc();
            }
        }
        refused
    }

    /// Sends a small frame that needs no answer to the shard's owner, if it can be reached: who
    /// cannot is told all when its link opens.
    pub(crate) fn tell(&mut self, shard: Shard, lane: Lane, frame: ToNode) {
        let Some(node) = self.owners.of(shard).and_then(|owner| owner.node.clone()) else { return };
        let Some(link) = self.links.get_mut(&node) else { return };
        link.backlog.push_back((lane, frame));
        link.send_backlog();
        if link.backlog.len() > BACKLOG {
            tracing::warn!(%node, "link takes no frames; it is opened anew");
            link.link.reset.cancel();
        }
    }

    /// Tries again what found no room. True: some still waits.
    pub(crate) fn send_backlogs(&mut self) -> bool {
        let mut waits = false;
        for link in self.links.values_mut() {
            link.send_backlog();
            waits |= !link.backlog.is_empty();
        }
        waits
    }
}

impl Link {
    fn send_backlog(&mut self) {
        while let Some((lane, frame)) = self.backlog.pop_front() {
            let sink = match lane {
                Lane::Commands => &self.link.commands,
                Lane::Bulk => &self.link.bulk,
            };
            match sink.try_send(frame) {
                Ok(()) => {}
                Err(tokio::sync::mpsc::error::TrySendError::Full(frame)) => {
                    self.backlog.push_front((lane, frame));
                    return;
                }
                // The link's end is told in its turn, and everything is said anew then.
                Err(tokio::sync::mpsc::error::TrySendError::Closed(_)) => {
                    self.backlog.clear();
                    return;
                }
            }
        }
    }
}

/// The frame of a question; None: whoever asked is gone.
fn frame(number: u64, request: &Request, session: &Session, to: To) -> Option<ToNode> {
    let client = |id| session.clients.iter().find(|client| client.id == id);
    let read = |player, kind| {
        ToNode::Read(ReadFrame { request: number, session: session.id, player, kind })
    };
    Some(match &request.ask {
        Ask::Attach(id) => {
            let client = client(*id)?;
            ToNode::Attach(AttachFrame {
                request: number,
                session: session.id,
                connection: client.id,
                player: client.player,
                token: client.token,
                position: client.position.map(|from| from.position),
                beat_seen: to.beat_seen,
                outlived: request.outlived,
            })
        }
        Ask::Sync(id, ask) => {
            read(client(*id)?.player, ReadKind::Sync { paths: ask.paths.clone() })
        }
        Ask::Fetch(after) => ToNode::Fetch { request: number, session: session.id, after: *after },
        Ask::Read(player, kind, _) => read(*player, kind.clone()),
    })
}

/// The error of a command or question that nobody answered.
pub(crate) fn nobody_answered(reason: GivenUp) -> ClientError {
    let (code, message) = match reason {
        GivenUp::Deadline => {
            (ErrorCode::OwnerUnreachable, "The session's owner did not answer in time.")
        }
        GivenUp::Outlived | GivenUp::Ephemeral => {
            (ErrorCode::Unavailable, "The session's owner died before it answered.")
        }
    };
    ClientError::new(code, message).with("effect", "unknown")
}
