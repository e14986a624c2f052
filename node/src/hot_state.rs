//! What the hot keys in Redis say of a session (PROTOCOL section 9), made of its committed state.

use std::collections::BTreeMap;
use std::sync::Arc;

use gss_session::Status;
use gss_shared::hot_keys::{HotKeys, HotState};
use gss_shared::ids::{Epoch, SessionId};
use gss_shared::link::frame::ReadKind;

use crate::session_slot::Slot;

/// Hands the committed state to the writer. False: decisions are under way, try again.
pub fn write(hot: &HotKeys, session: SessionId, epoch: Epoch, slot: &Slot) -> bool {
    let Some(state) = slot.committed() else { return !slot.is_live() };
    let head = state.head();
    if state.status() == Status::Ended {
        hot.end(session, epoch);
        return true;
    }
    let whole = state.read(&ReadKind::State, head.gm, &BTreeMap::new());
    let Ok(whole) = whole else {
        // A GM that was deleted: nothing is shown any more.
        return true;
    };
    let meta = [
        ("name", head.name.clone()),
        ("campaign_id", head.campaign.to_string()),
        ("status", head.status.clone()),
        ("created_at", head.created_at.to_string()),
        ("updated_at", head.updated_at.to_string()),
    ];
    let meta = meta.into_iter().map(|(name, text)| (name.to_owned(), text)).collect();
    hot.write(
        session,
        epoch,
        HotState {
            meta,
            players: head.members,
            connections: slot.connections(),
            combat: state.combat_fields(),
            state: (state.position().version, state.last_at(), Arc::from(whole)),
            queue: Vec::new(),
        },
    );
    true
}
