//! Refusals of the engine as the protocol's codes, with data.

use gss_rules::combat::{CombatantId, Refusal};
use gss_shared::error_code::{ClientError, ErrorCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::show::{Eye, Scene};

/// What a client is told of a refusal: its code, a sentence, and the refusal's numbers. Ids that
/// this viewer may not know are left out.
pub(crate) fn of(refusal: &Refusal, scene: Scene<'_>, eye: Eye) -> ClientError {
    let mut message = refusal.to_string();
    if let Some(first) = message.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let mut error = ClientError::new(code(refusal), format!("{message}."));
    let Value::Object(members) = json!(refusal) else { return error };
    for (name, value) in members {
        let id = value.as_str().and_then(|text| Uuid::parse_str(text).ok());
        // Who is unknown was named by the sender.
        let named = matches!(refusal, Refusal::UnknownCombatant { .. });
        let known = named || id.is_none_or(|id| scene.knows(eye, CombatantId(id)));
        if !known || value.is_null() {
            continue;
        }
        let name = match name.as_str() {
            "refusal" => "rule",
            "active" => "active_character",
            "id" => "character_id",
            other => other,
        };
        error = error.with(name, value);
    }
    error
}

fn code(refusal: &Refusal) -> ErrorCode {
    match refusal {
        Refusal::NotGameMaster => ErrorCode::Forbidden,
        Refusal::NotYours => ErrorCode::NotYourCharacter,
        Refusal::UnknownCombatant { .. } => ErrorCode::CharacterNotFound,
        Refusal::UnknownEffect => ErrorCode::NotFound,
        Refusal::KnownCombatant { .. } | Refusal::NotAsked => ErrorCode::Conflict,
        Refusal::UnknownAttack
        | Refusal::UnknownUse
        | Refusal::WrongAnswer
        | Refusal::InvalidArea
        | Refusal::TargetCount { .. }
        | Refusal::InvalidCombatant
        | Refusal::IncompleteOrder => ErrorCode::InvalidArgument,
        Refusal::WrongPhase | Refusal::AwaitingDecision => ErrorCode::InvalidTransition,
        Refusal::NotItsTurn { .. } => ErrorCode::NotYourTurn,
        Refusal::NoActionLeft | Refusal::NotAsBonusAction | Refusal::Spent => {
            ErrorCode::NoActionLeft
        }
        Refusal::InvalidTarget | Refusal::CharmedByTarget => ErrorCode::InvalidTarget,
        Refusal::OutOfReach { .. } => ErrorCode::OutOfReach,
        Refusal::OutOfRange { .. } => ErrorCode::OutOfRange,
        Refusal::NoLineOfEffect => ErrorCode::NoLineOfSight,
        Refusal::NotEnoughMovement { .. } => ErrorCode::NotEnoughMovement,
        _ => ErrorCode::RuleViolation,
    }
}
