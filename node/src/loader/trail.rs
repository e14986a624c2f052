//! The audit trail and the saved states of a session, as one viewer may see them.

use gss_session::audit_item;
use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::{SessionId, Version};
use gss_shared::link::frame::ReadKind;
use gss_shared::message::Viewer;
use gss_shared::ports::journal::{JournalError, Snapshot};
use serde_json::{Value, json};

use super::Loader;
use crate::limits::PAGE_EVENTS;

/// Items of a page at most.
const ITEMS: usize = 1_000;

impl Loader {
    /// JSON of an `event_list` or `saved_state_list`.
    ///
    /// # Errors
    /// What the client is told.
    pub async fn trail(
        &self,
        session: SessionId,
        kind: &ReadKind,
        viewer: Viewer,
    ) -> Result<String, ClientError> {
        let _place = self.reads.acquire().await;
        let page = match kind {
            ReadKind::Events { after, limit, types } => {
                self.events(session, *after, page_size(*limit), types, viewer).await
            }
            ReadKind::SavedStates { limit, cursor } => {
                let before = match cursor.as_deref().map(str::parse) {
                    None => None,
                    Some(Ok(version)) => Some(Version(version)),
                    Some(Err(_)) => {
                        let text = "the cursor is not one of ours";
                        return Err(ClientError::new(ErrorCode::InvalidArgument, text));
                    }
                };
                self.saved_states(session, before, page_size(*limit)).await
            }
            ReadKind::Sync { .. }
            | ReadKind::Session
            | ReadKind::State
            | ReadKind::Players { .. }
            | ReadKind::Player(_)
            | ReadKind::Admission
            | ReadKind::Invite
            | ReadKind::Saved
            | ReadKind::Limits => {
                return Err(ClientError::new(ErrorCode::Internal, "not kept in the journal"));
            }
        };
        page.map(|page| page.to_string()).map_err(|error| {
            tracing::warn!(%session, %error, "trail cannot be read");
            match error {
                JournalError::Unavailable(_) => {
                    ClientError::new(ErrorCode::Unavailable, "storage does not answer")
                }
                JournalError::Corrupt(_) => {
                    ClientError::new(ErrorCode::Internal, "the trail cannot be read")
                }
            }
        })
    }

    async fn events(
        &self,
        session: SessionId,
        after: Version,
        limit: usize,
        types: &[String],
        viewer: Viewer,
    ) -> Result<Value, JournalError> {
        let (mut items, mut at) = (Vec::new(), after);
        loop {
            let events = self.journal.events(session, at, PAGE_EVENTS).await?;
            for event in &events {
                at = event.version;
                let item = audit_item(event, viewer)
                    .map_err(|error| JournalError::Corrupt(error.to_string()))?;
                let Some(item) = item else { continue };
                let kind = item.get("type").and_then(Value::as_str).unwrap_or_default();
                if types.is_empty() || types.iter().any(|wanted| wanted == kind) {
                    items.push(item);
                }
                if items.len() == limit {
                    return Ok(json!({ "items": items, "next_cursor": at.to_string() }));
                }
            }
            if events.len() < PAGE_EVENTS {
                return Ok(json!({ "items": items, "next_cursor": null }));
            }
        }
    }

    async fn saved_states(
        &self,
        session: SessionId,
        before: Option<Version>,
        limit: usize,
    ) -> Result<Value, JournalError> {
        let saved = self.journal.saved_states(session, before, limit).await?;
        let next = (saved.len() == limit).then(|| saved.last()).flatten();
        let next = next.map(|last| last.position.version.to_string());
        let items = saved.iter().map(item).collect::<Result<Vec<_>, _>>()?;
        Ok(json!({ "items": items, "next_cursor": next }))
    }
}

fn page_size(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(ITEMS).clamp(1, ITEMS)
}

fn item(snapshot: &Snapshot) -> Result<Value, JournalError> {
    let metadata = snapshot.metadata.as_deref().unwrap_or("{}");
    let metadata: Value = serde_json::from_str(metadata)
        .map_err(|error| JournalError::Corrupt(format!("metadata of a saved state: {error}")))?;
    Ok(json!({
        "version": snapshot.position.version.to_string(),
        "timestamp": snapshot.at,
        "saved_by": snapshot.saved_by,
        "metadata": metadata,
        "size_bytes": snapshot.state.len(),
    }))
}
