//! What became of appends, and what follows from it.

use std::sync::Arc;

use gss_session::{Characters, Session};
use gss_shared::ids::{ActionId, Position, Version};
use gss_shared::limits::DECISIONS_AHEAD;
use gss_shared::link::frame::ToRouter;
use gss_shared::ports::journal::{Committed, FoundAction, PartRefusal};

use super::decide::internal;
use super::live::{Phase, Why};
use super::{Decided, Slot, State, Turn, tell, unversioned_order};
use crate::answer::{Durable, Sent, TrailRead, Unseen};
use crate::peer::Peer;
use crate::work::{Effect, LoadError, Stored, Urgency, Verdict};

impl Slot {
    /// The writer's verdict on the oldest submissions in flight.
    pub fn verdict(&mut self, verdict: Verdict, turn: &mut Turn<'_>) {
        let State::Live(live) = &mut self.state else { return };
        live.in_flight = live.in_flight.saturating_sub(verdict.covered);
        match verdict.outcome {
            Ok(committed) => self.committed_now(&committed, turn),
            Err(refusal) => self.refused(refusal, verdict.covered),
        }
        self.settle(turn);
    }

    fn committed_now(&mut self, committed: &Arc<Committed>, turn: &mut Turn<'_>) {
        let State::Live(live) = &mut self.state else { return };
        live.durable = Durable::committed(committed);
        let position = live.durable.position();
        if self.clients.is_empty() {
            live.recent.clear();
        } else {
            live.recent.extend(committed.messages());
        }
        self.save_next(turn);
        for peer in self.clients.peers() {
            peer.moved(self.id, position);
        }
        for peer in self.senders(position.version, turn) {
            send_live(&peer, committed);
        }
        turn.out.push(Effect::Hot(self.id));
        self.release(turn);
    }

    /// Routers that get the committed messages on the link: those whose commands they answer, and
    /// those that asked for it.
    fn senders(&self, to: Version, turn: &Turn<'_>) -> Vec<Arc<Peer>> {
        let mut peers: Vec<Arc<Peer>> = Vec::new();
        let mut add = |peer: &Arc<Peer>| {
            if !peers.iter().any(|known| Arc::ptr_eq(known, peer)) {
                peers.push(Arc::clone(peer));
            }
        };
        for decided in self.decided.iter().take_while(|decided| decided.answer.saw() <= to) {
            if let (true, Some(peer)) = (decided.of.appends, decided.answer.peer()) {
                add(peer);
            }
        }
        let wants = turn.common.want_live.iter().filter(|(_, until)| *until > turn.at);
        wants.for_each(|(peer, _)| add(peer));
        peers
    }

    /// Fan-out failed: every router with clients here gets the messages on its link.
    pub fn not_published(&self, committed: &Committed) {
        for peer in self.clients.peers() {
            send_live(peer, committed);
        }
    }

    /// Answers whose version is durable leave, in decision order.
    pub(super) fn release(&mut self, turn: &mut Turn<'_>) {
        while let State::Live(live) = &self.state {
            let Some(decided) = self.decided.pop_front() else { return };
            let Decided { ask, answer, of } = decided;
            match answer.release(live.durable) {
                Err(answer) => {
                    self.decided.push_front(Decided { ask, answer, of });
                    return;
                }
                Ok(answer) => match answer.send() {
                    Sent::Done => {}
                    Sent::Ephemeral { frames, except, answer } => {
                        for (audience, frame) in &frames {
                            let order = unversioned_order(turn.common);
                            tell(&self.clients, self.id, order, (audience, frame), except);
                        }
                        answer.send();
                    }
                    Sent::Attach(to, admitted) => self.admit(to, admitted, turn),
                    Sent::Trail(to, read) => {
                        let TrailRead { frame, viewer, at } = *read;
                        turn.out.push(Effect::Trail { to, frame, viewer, at });
                    }
                },
            }
            if let Some(refusal) = of.refusal {
                self.refusals.answer(refusal);
            }
            self.tell_members(&of.members, turn);
        }
    }

    fn refused(&mut self, refusal: PartRefusal, covered: usize) {
        let State::Live(live) = &mut self.state else { return };
        if matches!(live.phase, Phase::Draining(Why::Reload | Why::Find)) {
            return;
        }
        tracing::info!(session = %self.id, ?refusal, "append refused, deciding again");
        let why = match refusal {
            PartRefusal::Fenced | PartRefusal::Diverged => Why::Reload,
            PartRefusal::Duplicate => Why::Find,
            PartRefusal::Poison if covered > 1 => {
                self.solo = true;
                Why::Reload
            }
            PartRefusal::Poison => {
                if let Some(decided) = self.decided.iter_mut().find(|decided| decided.of.appends) {
                    decided.ask.given = Some(internal());
                }
                self.solo = false;
                Why::Reload
            }
        };
        live.phase = Phase::Draining(why);
    }

    /// Goes on when nothing is in flight any more.
    pub(super) fn settle(&mut self, turn: &mut Turn<'_>) {
        let State::Live(live) = &mut self.state else { return };
        let Phase::Draining(why) = live.phase else { return };
        if live.in_flight > 0 {
            return;
        }
        match why {
            Why::History(version) => {
                live.phase = Phase::Waiting;
                turn.out.push(Effect::History { session: self.id, version });
            }
            Why::Reload => {
                self.withdraw();
                self.load(|_| Urgency::Commands, turn);
            }
            Why::Find => {
                live.phase = Phase::Waiting;
                live.broken = true;
                let actions = self.decided.iter().filter_map(|decided| decided.of.action).collect();
                self.withdraw();
                turn.out.push(Effect::Find { session: self.id, actions });
            }
        }
    }

    /// The journal's answer to a search for actions.
    pub fn found(
        &mut self,
        actions: &[ActionId],
        outcome: Result<Vec<FoundAction>, LoadError>,
        turn: &mut Turn<'_>,
    ) {
        let State::Live(live) = &mut self.state else { return };
        if live.phase != Phase::Waiting {
            return;
        }
        match outcome {
            Ok(found) => {
                self.absent = None;
                if let ([looked], true) = (actions, found.is_empty()) {
                    self.absent = Some(*looked);
                }
                if self.known.len() > DECISIONS_AHEAD {
                    self.known.clear();
                }
                self.known.extend(found.into_iter().map(|found| (found.action, found)));
                if live.broken {
                    self.load(|_| Urgency::Commands, turn);
                } else {
                    live.phase = Phase::Ready;
                }
            }
            Err(error) if live.broken => self.loaded(Err(error), turn),
            Err(_) => {
                live.phase = Phase::Ready;
                if let Some(work) = self.waiting.pop_front() {
                    work.refuse_unseen(&Unseen::Unavailable);
                }
            }
        }
    }

    /// The session as of a version, for the rollback that waits first.
    pub fn history(
        &mut self,
        version: Version,
        outcome: Result<Option<Box<Session>>, LoadError>,
        turn: &mut Turn<'_>,
    ) {
        let State::Live(live) = &mut self.state else { return };
        if live.phase != Phase::Waiting {
            return;
        }
        live.phase = Phase::Ready;
        match outcome {
            Ok(session) => live.history = Some((version, session)),
            Err(error) => {
                tracing::warn!(session = %self.id, %version, %error, "history cannot be loaded");
                if let Some(work) = self.waiting.pop_front() {
                    work.refuse_unseen(&Unseen::Unavailable);
                }
            }
        }
        self.settle(turn);
    }

    /// What the character service said to a question, for the command that asked it.
    pub fn characters(&mut self, question: u64, known: Characters) {
        if let Some(place) = self.aside.iter().position(|work| work.ask.asked == Some(question)) {
            let mut work = self.aside.swap_remove(place);
            work.ask.characters = known;
            self.waiting.push_front(work);
            return;
        }
        let mut waiting = self.waiting.iter_mut();
        if let Some(work) = waiting.find(|work| work.ask.asked == Some(question)) {
            work.ask.characters = known;
        }
        // The command may have been given up meanwhile: the others go on all the same.
        if let State::Live(live) = &mut self.state
            && live.phase == Phase::Asking(question)
        {
            live.phase = Phase::Ready;
        }
    }

    /// The state at a position was stored, or not: then it is tried again with the next tick.
    pub fn saved(&mut self, position: Position, stored: Stored, turn: &mut Turn<'_>) {
        if let State::Live(live) = &mut self.state {
            live.saved(position, stored);
        }
        if stored != Stored::Not {
            self.save_next(turn);
        }
    }
}

fn send_live(peer: &Peer, committed: &Committed) {
    let (session, messages) = (committed.part().session, committed.messages().to_vec());
    peer.send(ToRouter::Live { session, messages });
}
