//! Arguments of the scripts that write hot keys.

use std::collections::BTreeSet;

use super::{HotState, Touch};
use crate::ids::Epoch;

/// Milliseconds that keys outlive the end of their session.
const AFTER_END_MS: &str = "60000";
/// 24 hours, for meta and state.
const DAY_MS: &str = "86400000";
/// 5 minutes, for connections.
const FIVE_MINUTES_MS: &str = "300000";

/// Arguments of `hot_write.lua`.
pub(super) fn write(epoch: Epoch, state: &HotState) -> Vec<Vec<u8>> {
    let mut all = vec![epoch.to_string().into_bytes()];
    let mut part = |arguments: Vec<String>| {
        all.push(arguments.len().to_string().into_bytes());
        all.extend(arguments.into_iter().map(String::into_bytes));
    };
    let pairs = |of: &std::collections::BTreeMap<String, String>| -> Vec<String> {
        of.iter().flat_map(|(field, value)| [field.clone(), value.clone()]).collect()
    };
    part(pairs(&state.meta));
    part(state.players.iter().map(ToString::to_string).collect());
    let of_connection = |(id, player): (&_, &_)| [format!("{id}"), format!("{player}")];
    part(state.connections.iter().flat_map(of_connection).collect());
    part(pairs(&state.combat));
    let (version, at, data) = &state.state;
    let state_fields = [("version", version.to_string()), ("timestamp", at.to_string())];
    let state_fields = state_fields.into_iter().chain([("data", data.to_string())]);
    part(state_fields.flat_map(|(field, value)| [field.to_owned(), value]).collect());
    part(state.queue.iter().map(ToString::to_string).collect());
    all
}

/// Arguments of `hot_expire.lua`.
pub(super) fn expire(epoch: Epoch, ended: bool, touches: &BTreeSet<Touch>) -> Vec<Vec<u8>> {
    let access = if touches.contains(&Touch::Access) { DAY_MS } else { "" };
    let heartbeat = if touches.contains(&Touch::Heartbeat) { FIVE_MINUTES_MS } else { "" };
    let (word, ttls) = if ended {
        ("ended", [AFTER_END_MS; 6])
    } else {
        ("", [access, "", heartbeat, "", access, ""])
    };
    let epoch = epoch.to_string();
    [epoch.as_str(), word].into_iter().chain(ttls).map(|text| text.as_bytes().to_vec()).collect()
}
