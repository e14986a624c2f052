//! Appending parts, and finding out what became of parts whose append had no answer.

use std::ops::Range;

use super::columns::{Columns, Sought};
use super::failure::Failure;
use super::lane::Lane;
use super::pool::Reads;
use super::row::get;
use crate::ports::journal::verdict::{judge, refuse_malformed};
use crate::ports::journal::{AppendError, Appended, BoxError, JournalError, Part, PartRefusal};

const SETTLE: &str = include_str!("../sql/postgres/settle.sql");

/// How a call on the lane ended for good.
enum Outcome {
    Content(BoxError),
    Unavailable(BoxError),
    Unknown(BoxError),
}

/// Appends all parts; one whose content the database refuses is found by halving.
pub(super) async fn append(lane: &Lane, parts: Vec<Part>) -> Result<Vec<Appended>, AppendError> {
    let mut refused = refuse_malformed(&parts);
    let mut written = false;
    let whole = 0..parts.len();
    let mut open = vec![whole];
    while let Some(range) = open.pop() {
        match append_range(lane, &parts, range.clone(), &mut refused).await {
            Ok(()) => written = true,
            Err(Outcome::Content(error)) if range.len() > 1 => {
                tracing::debug!(%error, parts = range.len(), "append repeated in halves");
                let middle = range.start + range.len() / 2;
                open.extend([middle..range.end, range.start..middle]);
            }
            Err(Outcome::Content(error)) => {
                let session = parts[range.start].session;
                tracing::warn!(%session, %error, "the database refuses the content of events");
                refused[range.start] = Some(PartRefusal::Poison);
            }
            // Some halves may be in the journal already: then only settling tells.
            Err(Outcome::Unavailable(error)) if !written => {
                return Err(AppendError::Unavailable(parts, error));
            }
            Err(Outcome::Unavailable(error) | Outcome::Unknown(error)) => {
                return Err(AppendError::Unknown(parts, error));
            }
        }
    }
    Ok(judge(parts, &refused))
}

/// What became of parts, after their shards' epochs were raised.
pub(super) async fn settle(reads: &Reads, parts: Vec<Part>) -> Result<Vec<Appended>, JournalError> {
    let rows = reads.rows(SETTLE, &Sought::of(&parts).parameters()).await?;
    let mut refused = vec![Some(PartRefusal::Fenced); parts.len()];
    for row in rows {
        let (index, found) = (get::<i32>(&row, 0)?, get::<i64>(&row, 1)?);
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let Some(part) = parts.get(index) else { continue };
        match usize::try_from(found) {
            Ok(0) => {}
            Ok(found) if found == part.events.len() => refused[index] = None,
            _ => {
                let session = part.session;
                let text = format!("{found} events of a part of session {session}");
                return Err(JournalError::Corrupt(text));
            }
        }
    }
    Ok(judge(parts, &refused))
}

/// The failure of a call that may simply be made again.
pub(super) fn unavailable(failure: Failure) -> JournalError {
    match failure {
        Failure::Content(error)
        | Failure::Retry(error)
        | Failure::Unavailable(error)
        | Failure::Unknown(error) => JournalError::Unavailable(error),
    }
}

async fn append_range(
    lane: &Lane,
    parts: &[Part],
    range: Range<usize>,
    refused: &mut [Option<PartRefusal>],
) -> Result<(), Outcome> {
    let columns = Columns::of(parts, range, refused);
    if columns.is_empty() {
        return Ok(());
    }
    let rows = match lane.run_patiently(columns.script(), &columns.parameters()).await {
        Ok(rows) => rows,
        Err(Failure::Content(error)) => return Err(Outcome::Content(error)),
        Err(Failure::Retry(error) | Failure::Unavailable(error)) => {
            return Err(Outcome::Unavailable(error));
        }
        Err(Failure::Unknown(error)) => return Err(Outcome::Unknown(error)),
    };
    for row in rows {
        let verdict = get::<i32>(&row, 0).and_then(|part| Ok((part, get::<&str>(&row, 1)?)));
        let (part, refusal) = verdict.map_err(|error| Outcome::Unknown(error.into()))?;
        let refusal = match refusal {
            "fenced" => PartRefusal::Fenced,
            "duplicate" => PartRefusal::Duplicate,
            "diverged" => PartRefusal::Diverged,
            other => return Err(Outcome::Unknown(format!("refusal {other:?}").into())),
        };
        if let Some(slot) = usize::try_from(part).ok().and_then(|part| refused.get_mut(part)) {
            *slot = Some(refusal);
        }
    }
    Ok(())
}
