//! The fights of a session's journal, decided by the rules a second time.

use gss_session::{Judged, Misjudged, judge};
use gss_shared::ids::SessionId;
use gss_shared::ports::journal::JournalEvent;

use super::Violation;

/// What the judge of fights ([`gss_session::judge`]) finds wrong first: a step that comes to
/// something else, a face that is not of the seed, a fight that came back another.
pub fn check_fights(session: SessionId, journal: &[JournalEvent]) -> Vec<Violation> {
    let (version, what) = match judge(session, journal) {
        Ok(_) => return Vec::new(),
        Err(Misjudged::Corrupt(corrupt)) => (None, format!("a journal does not fold: {corrupt}")),
        Err(Misjudged::Disagreement { version, what, journal, judge }) => {
            let what = format!("fights: {what}: the journal says {journal}, the judge {judge}");
            (Some(version), what)
        }
    };
    vec![Violation { session, version, player: None, what }]
}

/// How much of fights there was to judge in these journals, those at fault left out.
pub fn judged<'a>(
    journals: impl IntoIterator<Item = (&'a SessionId, &'a Vec<JournalEvent>)>,
) -> Judged {
    let mut all = Judged::default();
    for (session, journal) in journals {
        if let Ok(judged) = judge(*session, journal) {
            all.fights += judged.fights;
            all.ended += judged.ended;
            all.returns += judged.returns;
            all.steps += judged.steps;
            all.faces += judged.faces;
        }
    }
    all
}
