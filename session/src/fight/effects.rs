//! Effects that begin and end, as players are told of them.

use gss_rules::combat::{CombatantId, Effect, EffectId, EndReason};
use serde_json::json;

use super::Fight;
use super::narrate::{Because, Name, Telling};
use crate::tell::object;

/// `effect_applied`.
pub(super) fn applied<'d>(
    fight: &'d Fight,
    effect: &'d Effect,
    because: &'d Because<'_>,
) -> (Name, Telling<'d>) {
    let id = effect.parent.unwrap_or(effect.id);
    let data: Telling<'d> = Box::new(move |eye, _, is| {
        let root = is.combat.effects.get(&id)?;
        let shown = is.effect(root, eye)?;
        Some(object(json!({
            "combat_id": fight.id,
            "action_id": because.action,
            "actor": because.actor,
            "effect": shown,
        })))
    });
    (Name::EffectApplied, data)
}

/// `effect_ended`; None: what hangs on another ends with it.
pub(super) fn ended<'d>(
    fight: &'d Fight,
    id: EffectId,
    reason: EndReason,
    because: &'d Because<'_>,
) -> Option<(Name, Telling<'d>)> {
    if reason == EndReason::Parent {
        return None;
    }
    let text = because.reason.filter(|_| reason == EndReason::Removed);
    let reason = match reason {
        EndReason::Expired => "expired",
        EndReason::Saved => "saved",
        EndReason::Concentration => "concentration",
        EndReason::Replaced => "replaced",
        EndReason::Removed => "removed",
        EndReason::Over => "triggered",
        EndReason::Parent => "source_gone",
    };
    let data: Telling<'d> = Box::new(move |eye, was, _| {
        let ended = was.combat.effects.get(&id)?;
        let root = ended.parent.unwrap_or(id);
        let on: Vec<CombatantId> = was
            .combat
            .effects
            .values()
            .filter(|effect| effect.id == id || effect.parent == Some(id))
            .map(|effect| effect.target)
            .filter(|target| was.knows(eye, *target))
            .collect();
        if on.is_empty() {
            return None;
        }
        let mut data = object(json!({
            "combat_id": fight.id,
            "effect_id": fight.effect_id(root),
            "name": ended.template.name,
            "target_ids": on,
            "reason": reason,
            "action_id": because.actor.map(|_| because.action),
        }));
        if let Some(text) = text {
            data.insert("text".to_owned(), text.into());
        }
        Some(data)
    });
    Some((Name::EffectEnded, data))
}
