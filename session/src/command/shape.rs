//! Members of the frames that clients send: one table.

use crate::permission::Permission;

/// Members of one type's `data`.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) name: &'static str,
    /// Unknown members are ignored (the ICD's messages), else refused.
    pub(super) open: bool,
    pub(super) required: &'static [&'static str],
    pub(super) optional: &'static [&'static str],
    pub(super) family: Family,
}

/// Which reader a type has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Family {
    StateChange,
    Chat,
    Roll,
    Rollback,
    Pause,
    Resume,
    End,
    Combat(Permission),
    Service(&'static str),
}

const fn closed(
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
    family: Family,
) -> Shape {
    Shape { name, open: false, required, optional, family }
}

const fn open(
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
    family: Family,
) -> Shape {
    Shape { name, open: true, required, optional, family }
}

use Family::{Chat, Combat, End, Pause, Resume, Roll, Rollback, Service, StateChange};
use Permission::{Direct, Participate};

/// Every command a client can send. `action_id` of a `state_change` is checked by its reader.
const SHAPES: &[Shape] = &[
    closed("state_change", &["changes"], &["action_id", "ephemeral"], StateChange),
    closed("chat", &["action_id", "text", "to"], &[], Chat),
    closed("roll", &["action_id", "expression", "to"], &["reason"], Roll),
    closed("combat_start", &["action_id", "combatants"], &["grid", "options"], Combat(Direct)),
    closed("combatant_add", &["action_id", "combatant"], &[], Combat(Direct)),
    closed("combatant_remove", &["action_id", "character_id"], &["reason"], Combat(Direct)),
    closed(
        "combatant_update",
        &["action_id", "character_id", "fields"],
        &["reason"],
        Combat(Direct),
    ),
    open("initiative_roll", &["character_id"], &[], Combat(Participate)),
    closed("initiative_order", &["action_id", "order"], &[], Combat(Direct)),
    open(
        "action_declare",
        &["action_id", "character_id", "action_type", "targets", "details"],
        &[],
        Combat(Participate),
    ),
    closed(
        "reaction",
        &["action_id", "prompt_id", "accept"],
        &["option", "details"],
        Combat(Participate),
    ),
    closed("choice", &["action_id", "prompt_id", "choice"], &[], Combat(Participate)),
    closed("dice", &["action_id", "prompt_id", "faces"], &[], Combat(Participate)),
    closed("turn_end", &["action_id", "character_id"], &[], Combat(Participate)),
    closed("turn_rewind", &["action_id", "to_version"], &[], Combat(Direct)),
    closed("effect_apply", &["action_id", "effect", "target_ids"], &[], Combat(Direct)),
    closed("effect_remove", &["action_id", "effect_id"], &["target_ids", "reason"], Combat(Direct)),
    closed("combat_end", &["action_id"], &["reason"], Combat(Direct)),
    closed("rollback", &["action_id", "to_version"], &[], Rollback),
    closed("session_pause", &["action_id"], &["reason"], Pause),
    closed("session_resume", &["action_id"], &["reason"], Resume),
    closed("session_end", &["action_id"], &["reason"], End),
    closed("narration_request", &["action_id", "prompt"], &["to"], Service("llm")),
    closed("map_request", &["action_id", "kind"], &["prompt", "width", "height"], Service("image")),
];

/// The shape of a type.
pub(super) fn of(name: &str) -> Option<&'static Shape> {
    SHAPES.iter().find(|shape| shape.name == name)
}
