//! `state_change`: changes of the document by path, all or none.

use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::limits;
use gss_shared::message::Viewer;
use serde_json::Value;

use super::not_paused;
use crate::canonical::depth;
use crate::command::{AskedChange, Op};
use crate::document::pointer::within;
use crate::document::{Document, DocumentError, Done, Pointer, Undo};
use crate::event::{Event, StateUpdate};
use crate::permission::Permission;
use crate::refusal;
use crate::state::Session;
use crate::view::{Change, views};
use crate::visibility::{Visibility, owner};

pub(super) fn decide(
    session: &mut Session,
    viewer: Viewer,
    asked: &[AskedChange],
) -> Result<Event, ClientError> {
    may_change(session, viewer, asked)?;
    // Later changes see earlier ones: they are tried on the document itself and taken back.
    let mut document = std::mem::take(&mut session.document);
    let mut undos = Vec::with_capacity(asked.len());
    let event = attempt(&mut document, session.settings.visibility(), asked, &mut undos);
    for undo in undos.into_iter().rev() {
        document.undo(undo);
    }
    session.document = document;
    event.map(Event::StateUpdate)
}

fn attempt(
    document: &mut Document,
    visibility: Visibility<'_>,
    asked: &[AskedChange],
    undos: &mut Vec<Undo>,
) -> Result<StateUpdate, ClientError> {
    let mut changes = Vec::with_capacity(asked.len());
    for asked in asked {
        expect(document, asked)?;
        changes.push(one(document, visibility, asked, undos)?);
    }
    check_size(document)?;
    let views = views(visibility, document, &changes);
    Ok(StateUpdate { changes, views })
}

/// Whether the viewer may make these changes, now.
///
/// # Errors
/// `forbidden` with `details.path`, or `session_paused`.
pub(crate) fn may_change(
    session: &Session,
    viewer: Viewer,
    asked: &[AskedChange],
) -> Result<(), ClientError> {
    Permission::Participate.demand(viewer.role)?;
    let mut only_own = true;
    for asked in asked {
        let path = asked.path.as_str();
        let in_own = owner(path) == Some(viewer.player);
        only_own &= in_own;
        let may = if within(path, "/combat") {
            false
        } else {
            viewer.role.is_gm()
                || ((in_own || within(path, "/shared"))
                    && !session.settings.visibility().hides(path, viewer))
        };
        if !may {
            return Err(refusal::forbidden("This path is not yours to write.").with("path", path));
        }
    }
    if viewer.role.is_gm() || only_own { Ok(()) } else { not_paused(session) }
}

/// Compares what is there with what the sender expects.
///
/// # Errors
/// `conflict` with `details.current`, or `invalid_argument`.
pub(crate) fn expect(document: &Document, asked: &AskedChange) -> Result<(), ClientError> {
    let path = asked.path.as_str();
    let Some(expected) = &asked.previous else { return Ok(()) };
    let present = document.look(&asked.path).map_err(|error| refuse(path, error))?;
    let present = present.unwrap_or(&Value::Null);
    if present == expected {
        return Ok(());
    }
    let error = ClientError::new(ErrorCode::Conflict, "The present value is another.");
    Err(error.with("path", path).with("current", present.clone()))
}

fn one(
    document: &mut Document,
    visibility: Visibility<'_>,
    asked: &AskedChange,
    undos: &mut Vec<Undo>,
) -> Result<Change, ClientError> {
    let path = asked.path.as_str();
    let array = array_to_tell(document, visibility, &asked.path);
    let before = array.as_ref().and_then(|array| document.get(array.tokens()).cloned());
    let value = match &asked.op {
        Op::Set(value) => Some(value.clone()),
        Op::Remove => None,
        Op::Increment(by) => {
            Some(document.sum(&asked.path, by).map_err(|error| refuse(path, error))?)
        }
    };
    if let Some(value) = &value {
        check_depth(asked.path.tokens().len() + depth(value))?;
    }
    let done = match value.clone() {
        Some(value) => document.put(&asked.path, value),
        None => document.take(&asked.path),
    };
    let Done { path, previous, undo } = done.map_err(|error| refuse(path, error))?;
    undos.push(undo);
    Ok(match array {
        None => Change { path: path.as_str().to_owned(), value, previous },
        Some(array) => Change {
            path: array.as_str().to_owned(),
            value: document.get(array.tokens()).cloned(),
            previous: before,
        },
    })
}

/// The outermost array on the way whose elements have readers of their own: indexes may move, so
/// the change is told as one of the whole array.
fn array_to_tell(
    document: &Document,
    visibility: Visibility<'_>,
    path: &Pointer,
) -> Option<Pointer> {
    let tokens = path.tokens();
    (1..tokens.len()).find_map(|length| {
        let above = &tokens[..length];
        document.get(above).filter(|value| value.is_array())?;
        let above = Pointer::of(above.to_vec());
        visibility.varies_beneath(above.as_str()).then_some(above)
    })
}

/// Refuses a document that is too large.
pub(super) fn check_size(document: &Document) -> Result<(), ClientError> {
    if document.bytes() <= limits::STATE_BYTES {
        return Ok(());
    }
    let error = ClientError::new(ErrorCode::StateTooLarge, "The document would be too large.");
    Err(error.with("bytes", document.bytes()).with("limit_bytes", limits::STATE_BYTES))
}

/// Refuses a document that is too deep.
pub(super) fn check_depth(depth: usize) -> Result<(), ClientError> {
    if depth <= limits::STATE_DEPTH {
        return Ok(());
    }
    let error = ClientError::new(ErrorCode::StateTooLarge, "The document would be too deep.");
    Err(error.with("depth", depth).with("limit_depth", limits::STATE_DEPTH))
}

fn refuse(path: &str, error: DocumentError) -> ClientError {
    match error {
        DocumentError::NoSuchPlace => refusal::path(path, "leads to no place in the document"),
        DocumentError::Overflow => refusal::path(path, "would hold a number out of range"),
        DocumentError::NotANumber(current) => {
            let error = ClientError::new(ErrorCode::Conflict, "The present value is no number.");
            error.with("path", path).with("current", current)
        }
    }
}
