//! Carrying out what a shard asks of the outside.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use gss_shared::hot_keys::Touch;
use gss_shared::ids::{NodeId, SessionId};
use gss_shared::link::frame::{ReadAnswer, ToRouter};
use tokio::sync::mpsc::error::SendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Ended, ShardTask};
use crate::answer::{Answer, Unseen, read_frame};
use crate::epoch_check::Check;
use crate::hot_state;
use crate::work::{Effect, Fact, LoadError, Loaded};

/// The shard hears of a session as soon as it is loaded; what its activation does then goes on.
async fn tell_loaded(
    session: SessionId,
    loaded: oneshot::Receiver<Result<Box<Loaded>, LoadError>>,
    facts: &mpsc::Sender<Fact>,
) {
    if let Ok(loaded) = loaded.await
        && facts.send(Fact::Loaded(session, loaded)).await.is_err()
    {
        tracing::debug!(%session, "shard is gone");
    }
}

impl ShardTask {
    pub(super) fn carry_out(&mut self, effects: &mut Vec<Effect>) {
        for effect in effects.drain(..) {
            match effect {
                Effect::Submit(part) => self.backlog.push_back(*part),
                Effect::Check => self.check(),
                Effect::Fenced => self.fenced(),
                Effect::Drained => self.end(false),
                Effect::Hot(session) => {
                    if self.tools.hot.is_some() {
                        self.hot.insert(session);
                    }
                }
                Effect::Seen(session) => self.touch(session, Touch::Heartbeat),
                Effect::Shown(session) => self.touch(session, Touch::Access),
                effect => self.beside(effect),
            }
        }
    }

    fn touch(&self, session: SessionId, touch: Touch) {
        if let Some(hot) = &self.tools.hot {
            hot.touch(session, self.shard.epoch(), touch);
        }
    }

    /// What ends work: what only service needs ends with it; what answers a router goes on, since
    /// what is committed stays true.
    fn end_of(&self, effect: &Effect) -> CancellationToken {
        match effect {
            Effect::Missed { .. }
            | Effect::Trail { .. }
            | Effect::Fetch { .. }
            | Effect::Heads { .. } => self.tools.stop.clone(),
            // It ends with service by itself, since the journal is to know that it ended.
            Effect::Load { .. } => CancellationToken::new(),
            _ => self.jobs_end.clone(),
        }
    }

    /// Work that waits for the journal.
    fn beside(&self, effect: Effect) {
        let (loader, facts) = (self.tools.loader.clone(), self.sender.facts.clone());
        let (shard, epoch) = (self.shard.id(), self.shard.epoch());
        let characters = Arc::clone(&self.tools.characters);
        let (end, jobs_end) = (self.end_of(&effect), self.jobs_end.clone());
        let work = async move {
            let fact = match effect {
                Effect::Load { session, urgency } => {
                    let (to, loaded) = oneshot::channel();
                    let activate = loader.activate(session, urgency, &jobs_end, to);
                    tokio::join!(activate, tell_loaded(session, loaded, &facts));
                    return;
                }
                Effect::History { session, version } => {
                    Fact::History(session, version, loader.history(session, version).await)
                }
                Effect::Characters { session, question, ids } => {
                    Fact::Characters(session, question, characters.get(&ids).await)
                }
                Effect::Find { session, actions } => {
                    let found = loader.find(session, &actions).await;
                    Fact::Found(session, actions, found)
                }
                Effect::Missed { to, admitted, from } => {
                    let missed = loader.missed(admitted.frame.session, from, admitted.at).await;
                    Fact::Missed(to, admitted, missed)
                }
                Effect::Save { session, candidate } => {
                    let stored = loader.save(shard, epoch, session, &candidate).await;
                    Fact::Saved(session, candidate.position, stored)
                }
                Effect::Trail { to, frame, viewer, at } => {
                    let json = loader.trail(frame.session, &frame.kind, viewer).await;
                    let answer = json.map(|json| ReadAnswer { json, at, stale: false });
                    Answer::from_journal(to, read_frame(frame.request, answer)).send();
                    return;
                }
                Effect::Fetch { to, request, session, after } => {
                    let outcome = loader.fetch(session, after).await;
                    Answer::from_journal(to, ToRouter::Fetched { request, outcome }).send();
                    return;
                }
                Effect::Heads { to, sessions } => {
                    let heads = loader.heads(shard, &sessions).await;
                    Answer::from_journal(to, ToRouter::Heads { shard, heads }).send();
                    return;
                }
                Effect::Submit(_)
                | Effect::Check
                | Effect::Fenced
                | Effect::Drained
                | Effect::Hot(_)
                | Effect::Seen(_)
                | Effect::Shown(_) => return,
            };
            match facts.send(fact).await {
                Err(SendError(Fact::Missed(to, admitted, _))) => {
                    let why = Unseen::NotOwner { epoch, owner: None };
                    Answer::unseen_attach(to, &admitted.frame, &why).send();
                }
                Err(SendError(_)) => tracing::debug!(%shard, "shard is gone"),
                Ok(()) => {}
            }
        };
        self.tools.jobs.spawn(async move {
            end.run_until_cancelled(work).await;
        });
    }

    fn check(&mut self) {
        let (reply, answer) = oneshot::channel();
        let check = Check { shard: self.shard.id(), reply };
        // No room or no checker: dropping the sender answers "no answer".
        if let Err(mpsc::error::TrySendError::Full(_)) = self.tools.checks.try_send(check) {
            tracing::warn!(shard = %self.shard.id(), "too many epoch checks wait");
        }
        self.check = Some(answer);
    }

    fn fenced(&mut self) {
        tracing::info!(shard = %self.shard.id(), epoch = %self.shard.epoch(), "fenced");
        self.tools.metrics.fenced.inc();
        self.abandon(None);
        self.end(true);
    }

    /// The shard is another's. What was decided and not handed in is not appended any more.
    pub(super) fn abandon(&mut self, owner: Option<NodeId>) {
        self.shard.abandon(owner);
        self.backlog.clear();
    }

    fn end(&mut self, fenced: bool) {
        if self.ended {
            return;
        }
        self.ended = true;
        let (task, shard, epoch) = (self.number, self.shard.id(), self.shard.epoch());
        let playing = if fenced { Vec::new() } else { self.shard.playing(Instant::now()) };
        let ended = self.tools.ended.clone();
        self.tools.jobs.spawn(async move {
            let over = Ended { task, shard, epoch, fenced, playing };
            if ended.send(over).await.is_err() {
                tracing::debug!(%shard, "service has stopped");
            }
        });
    }

    pub(super) fn write_hot(&mut self) {
        let Some(hot) = self.tools.hot.clone() else { return };
        let epoch = self.shard.epoch();
        let shard = &self.shard;
        let not_written = |session: &SessionId| {
            let Some(slot) = shard.slot(*session) else { return false };
            let write = AssertUnwindSafe(|| hot_state::write(&hot, *session, epoch, slot));
            !catch_unwind(write).unwrap_or_else(|_| {
                tracing::error!(%session, "hot keys cannot be made of the session");
                true
            })
        };
        self.hot.retain(not_written);
    }
}
