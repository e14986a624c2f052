//! Carrying out what a shard asks of the outside.

use gss_shared::hot_keys::Touch;
use gss_shared::ids::{Epoch, SessionId};
use gss_shared::link::frame::{ReadAnswer, ToRouter};
use tokio::sync::mpsc::error::SendError;
use tokio::sync::{mpsc, oneshot};

use super::{Ended, ShardTask};
use crate::answer::{Answer, Unseen, read_frame};
use crate::epoch_check::Check;
use crate::hot_state;
use crate::work::{Effect, Fact};

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

    /// Work that waits for the journal. What only service needs ends with it; what answers a router
    /// goes on, since what is committed stays true.
    fn beside(&self, effect: Effect) {
        let (loader, facts) = (self.tools.loader.clone(), self.sender.facts.clone());
        let (shard, epoch) = (self.shard.id(), self.shard.epoch());
        let answers = matches!(
            effect,
            Effect::Missed { .. }
                | Effect::Trail { .. }
                | Effect::Fetch { .. }
                | Effect::Heads { .. }
        );
        let end = if answers { self.tools.stop.clone() } else { self.jobs_end.clone() };
        let work = async move {
            let fact = match effect {
                Effect::Load { session, for_commands } => {
                    Fact::Loaded(session, loader.activate(session, for_commands).await)
                }
                Effect::History { session, version } => {
                    Fact::History(session, version, loader.history(session, version).await)
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
                    Fact::Saved(session, loader.save(shard, epoch, session, *candidate).await)
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
        self.shard.abandon(None);
        self.end(true);
    }

    fn end(&mut self, fenced: bool) {
        if self.ended {
            return;
        }
        self.ended = true;
        let (shard, epoch): (_, Epoch) = (self.shard.id(), self.shard.epoch());
        let ended = self.tools.ended.clone();
        self.tools.jobs.spawn(async move {
            if ended.send(Ended { shard, epoch, fenced }).await.is_err() {
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
            !hot_state::write(&hot, *session, epoch, slot)
        };
        self.hot.retain(not_written);
    }
}
