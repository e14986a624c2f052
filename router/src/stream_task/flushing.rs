//! What piled up for connections is handed to them: one batch each, however many frames.

use std::time::Duration;

use gss_shared::ids::{ConnectionId, PlayerId, SessionId};
use tokio::time::Instant;

use super::Worker;
use super::upkeep::SLOW_WITHIN;
use crate::connection::queue::NotQueued;

impl Worker {
    /// Hands on what is due.
    pub(crate) fn flush(&mut self, now: Instant) {
        let mut frames = 0;
        let all_at_once = self.gathering.wait() == Duration::ZERO;
        while let Some((due, id)) = self.dirty.front().copied() {
            if due > now && !all_at_once {
                break;
            }
            self.dirty.pop_front();
            frames += self.flush_session(id, now);
        }
        if frames > 0 {
            self.reach.metrics.deliveries.inc_by(frames);
        }
        self.gathering.count(frames, now);
    }

    fn flush_session(&mut self, id: SessionId, now: Instant) -> u64 {
        let Some(session) = self.sessions.get_mut(&id) else { return 0 };
        session.dirty = false;
        let mut frames = 0;
        let mut leave: Vec<(ConnectionId, PlayerId, bool)> = Vec::new();
        for client in &mut session.clients {
            if !client.cursor.is_dirty() {
                continue;
            }
            let batch = client.cursor.take();
            frames += batch.frames.len() as u64;
            let closes = batch.close;
            match client.outbox.push(batch) {
                Ok(()) => {
                    if let Some(code) = closes {
                        let reason =
                            if code.reason().is_empty() { "normal" } else { code.reason() };
                        self.reach.metrics.closed.with_label_values(&[reason]).inc();
                        leave.push((client.id, client.player, false));
                    }
                }
                Err(NotQueued::Slow) => {
                    self.reach.metrics.closed.with_label_values(&["slow_consumer"]).inc();
                    leave.push((client.id, client.player, true));
                }
                Err(NotQueued::Gone) => leave.push((client.id, client.player, false)),
            }
        }
        for (connection, player, slow) in &leave {
            if *slow {
                self.count_slow(id, *player, now);
            }
            self.remove(id, *connection);
        }
        if !leave.is_empty() {
            self.note(id, now);
        }
        frames
    }

    /// A client was closed for reading too slowly.
    pub(super) fn count_slow(&mut self, session: SessionId, player: PlayerId, now: Instant) {
        let entry = self.slow.entry((session, player)).or_insert((now, 0));
        let again = now.saturating_duration_since(entry.0) < SLOW_WITHIN;
        *entry = (now, if again { entry.1 + 1 } else { 1 });
    }
}
