//! Commands about a fight, read from a frame's data (`schema/client.json`, `schema/actions.json`).

use std::collections::BTreeMap;

use gss_rules::Key;
use gss_rules::combat::{Changes, CombatantId, RolledFor};
use gss_rules::effect::{self, EffectTemplate};
use gss_rules::space::{Grid, Square};
use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::Version;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::action::{self, Action};
use super::choices::Chosen;
use super::plain;
use super::spec::CombatantSpec;
use crate::command::Parse;
use crate::refusal;

/// Most who take part.
pub(crate) const COMBATANTS: usize = 200;
/// Edge of a map at most, in squares.
const GRID_EDGE: i32 = 1_000;
/// Squares listed of one kind at most.
const GRID_LISTED: usize = 10_000;
/// Targets of an action at most.
const TARGETS: usize = 100;

/// What is asked of a fight.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum AskedFight {
    Start(Box<Start>),
    Add(Box<CombatantSpec>),
    Remove {
        id: CombatantId,
        reason: Option<String>,
    },
    Update {
        id: CombatantId,
        fields: Box<Changes>,
        reason: Option<String>,
    },
    Roll {
        id: CombatantId,
        face: Option<u32>,
    },
    Order(Vec<CombatantId>),
    Declare(Box<Declare>),
    React {
        prompt: Uuid,
        accept: bool,
        option: Option<String>,
        with: ReactWith,
    },
    Choose {
        prompt: Uuid,
        choice: Value,
    },
    Dice {
        prompt: Uuid,
        faces: Vec<u32>,
    },
    EndTurn {
        id: CombatantId,
    },
    Rewind {
        to_version: Version,
    },
    Apply {
        effect: Box<EffectTemplate>,
        source: Option<CombatantId>,
        targets: Vec<CombatantId>,
    },
    RemoveEffect {
        effect: Uuid,
        targets: Option<Vec<CombatantId>>,
        reason: Option<String>,
    },
    End {
        reason: Option<String>,
    },
    /// The service: a deadline passed, or the turn of somebody absent took too long.
    TimeOut {
        absent: bool,
    },
}

/// `combat_start`.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Start {
    pub(crate) combatants: Vec<CombatantSpec>,
    pub(crate) grid: Option<Grid>,
    #[serde(default)]
    pub(crate) options: Options,
}

/// Options of `combat_start`.
#[derive(Clone, PartialEq, Default, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) initiative: RolledFor,
    #[serde(default)]
    pub(crate) monster_initiative: MonsterInitiative,
}

/// How monsters come to their count.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MonsterInitiative {
    #[default]
    Roll,
    Fixed,
}

/// `action_declare`.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Declare {
    pub(crate) who: CombatantId,
    pub(crate) kind: Box<str>,
    pub(crate) targets: Vec<CombatantId>,
    /// As they were sent.
    pub(crate) details: Value,
    pub(crate) action: Action,
}

/// Reads a frame's data.
///
/// # Errors
/// `invalid_frame` naming the member, or `invalid_argument`.
pub(crate) fn read(name: &str, mut data: Map<String, Value>) -> Parse<AskedFight> {
    data.remove("action_id");
    match name {
        "combat_start" => start(data),
        "combatant_add" => {
            let Add { combatant } = typed(data)?;
            combatant.check()?;
            Ok(AskedFight::Add(Box::new(combatant)))
        }
        "combatant_remove" => {
            let Of { character_id, reason } = typed(data)?;
            crate::text::reason(reason.as_deref())?;
            Ok(AskedFight::Remove { id: CombatantId(character_id), reason })
        }
        "combatant_update" => update(data),
        "initiative_roll" => initiative(&data),
        "initiative_order" => {
            let Order { order } = typed(data)?;
            let order: Vec<CombatantId> = order.into_iter().map(CombatantId).collect();
            if order.is_empty() || order.len() > COMBATANTS {
                return Err(refusal::argument("order", "names every combatant once"));
            }
            Ok(AskedFight::Order(order))
        }
        "action_declare" => declare(data),
        "reaction" => {
            let React { prompt_id: prompt, accept, option, details } = typed(data)?;
            let ReactDetails { attack_id, targets, at, direction, choices } = details;
            let chosen = Chosen::read(choices)?;
            let option = attack_id.or(option);
            let with = ReactWith { targets, at, direction, chosen };
            Ok(AskedFight::React { prompt, accept, option, with })
        }
        "choice" => {
            let Choice { prompt_id, choice } = typed(data)?;
            Ok(AskedFight::Choose { prompt: prompt_id, choice })
        }
        "dice" => {
            let Dice { prompt_id, faces } = typed(data)?;
            if faces.len() > 1_000 {
                return Err(refusal::argument("faces", "are at most 1,000"));
            }
            Ok(AskedFight::Dice { prompt: prompt_id, faces })
        }
        "turn_end" => {
            let Of { character_id, .. } = typed(data)?;
            Ok(AskedFight::EndTurn { id: CombatantId(character_id) })
        }
        "turn_rewind" => {
            let to_version = crate::command::version(&mut data, "to_version")?;
            Ok(AskedFight::Rewind { to_version })
        }
        "effect_apply" => apply(data),
        "effect_remove" => {
            let RemoveEffect { effect_id, target_ids, reason } = typed(data)?;
            crate::text::reason(reason.as_deref())?;
            let targets = target_ids.map(|ids| ids.into_iter().map(CombatantId).collect());
            Ok(AskedFight::RemoveEffect { effect: effect_id, targets, reason })
        }
        "combat_end" => {
            let End { reason } = typed(data)?;
            crate::text::reason(reason.as_deref())?;
            Ok(AskedFight::End { reason })
        }
        _ => Err(refusal::internal()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Add {
    combatant: CombatantSpec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Of {
    character_id: Uuid,
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Update {
    character_id: Uuid,
    fields: Changes,
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    order: Vec<Uuid>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct React {
    prompt_id: Uuid,
    accept: bool,
    option: Option<String>,
    #[serde(default)]
    details: ReactDetails,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ReactDetails {
    /// The option, where it is one of several attacks.
    attack_id: Option<String>,
    targets: Vec<Uuid>,
    at: Option<Square>,
    direction: Option<Square>,
    choices: BTreeMap<Key, effect::Choice>,
}

/// How what is reacted with is used.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct ReactWith {
    pub(crate) targets: Vec<Uuid>,
    pub(crate) at: Option<Square>,
    pub(crate) direction: Option<Square>,
    pub(crate) chosen: Chosen,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice {
    prompt_id: Uuid,
    choice: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dice {
    prompt_id: Uuid,
    faces: Vec<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RemoveEffect {
    effect_id: Uuid,
    target_ids: Option<Vec<Uuid>>,
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    reason: Option<String>,
}

/// Data of a shape.
///
/// # Errors
/// `invalid_frame` naming the member that is wrong.
pub(super) fn typed<T: DeserializeOwned>(data: Map<String, Value>) -> Parse<T> {
    serde_path_to_error::deserialize(Value::Object(data)).map_err(|error| {
        let path = error.path().to_string();
        let member = if path == "." { "data".to_owned() } else { path };
        // What serde says of a shape names its words, never the sender's text at length.
        let fact: String = error.inner().to_string().chars().take(200).collect();
        let message = format!("{member}: {fact}.");
        ClientError::new(ErrorCode::InvalidFrame, message).with("member", member)
    })
}

fn start(data: Map<String, Value>) -> Parse<AskedFight> {
    let start: Start = typed(data)?;
    if !(1..=COMBATANTS).contains(&start.combatants.len()) {
        let fact = format!("are 1 to {COMBATANTS}");
        return Err(refusal::argument("combatants", &fact).with("limit", COMBATANTS));
    }
    start.combatants.iter().try_for_each(CombatantSpec::check)?;
    if let Some(name) = &start.options.name {
        crate::text::check("name", name, 1, 100)?;
    }
    if let Some(grid) = &start.grid {
        check_grid(grid)?;
    }
    Ok(AskedFight::Start(Box::new(start)))
}

fn check_grid(grid: &Grid) -> Parse<()> {
    let edges = 1..=GRID_EDGE;
    if !edges.contains(&grid.width) || !edges.contains(&grid.height) || grid.cell_ft != 5 {
        return Err(refusal::argument("grid", "has 1 to 1000 columns and rows of 5 feet"));
    }
    let lists = [&grid.difficult, &grid.blocking, &grid.obscured.lightly, &grid.obscured.heavily];
    for list in lists {
        if list.len() > GRID_LISTED {
            return Err(refusal::argument("grid", "lists at most 10,000 squares of a kind"));
        }
        if list.iter().any(|square| !grid.bounds().contains(*square)) {
            return Err(refusal::argument("grid", "lists a square that is not on it"));
        }
    }
    Ok(())
}

fn update(data: Map<String, Value>) -> Parse<AskedFight> {
    let empty = data.get("fields").and_then(Value::as_object).is_some_and(Map::is_empty);
    if empty {
        return Err(refusal::shape("fields", "must name at least one"));
    }
    let Update { character_id, fields, reason } = typed(data)?;
    crate::text::reason(reason.as_deref())?;
    if let Some(name) = &fields.name {
        crate::text::check("name", name, 1, 100)?;
    }
    if let Some(side) = &fields.side {
        crate::text::check("side", side, 1, 50)?;
    }
    plain::changes(&fields)?;
    Ok(AskedFight::Update { id: CombatantId(character_id), fields: Box::new(fields), reason })
}

/// The ICD's: open, so read member by member.
fn initiative(data: &Map<String, Value>) -> Parse<AskedFight> {
    let id = data.get("character_id").and_then(Value::as_str);
    let id = id.ok_or_else(|| refusal::shape("character_id", "is a string"))?;
    let id = crate::visibility::player_id(id)
        .ok_or_else(|| refusal::argument("character_id", "is no UUID"))?;
    let face = match data.get("roll") {
        None => None,
        Some(Value::Number(face)) => {
            let face = face.as_u64().and_then(|face| u32::try_from(face).ok());
            let face = face.filter(|face| (1..=20).contains(face));
            Some(face.ok_or_else(|| refusal::argument("roll", "is a face of a d20"))?)
        }
        Some(_) => return Err(refusal::shape("roll", "is a number")),
    };
    if data.get("modifiers").is_some_and(|modifiers| !modifiers.is_object()) {
        return Err(refusal::shape("modifiers", "is an object"));
    }
    Ok(AskedFight::Roll { id: CombatantId(id.0), face })
}

fn apply(mut data: Map<String, Value>) -> Parse<AskedFight> {
    let Some(Value::Object(effect)) = data.get_mut("effect") else {
        return Err(refusal::shape("effect", "is an object"));
    };
    let source = match effect.remove("source_id") {
        None => None,
        Some(source) => {
            let source = source.as_str().and_then(crate::visibility::player_id);
            Some(source.ok_or_else(|| refusal::argument("source_id", "is no UUID"))?)
        }
    };
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Apply {
        effect: EffectTemplate,
        target_ids: Vec<Uuid>,
    }
    let Apply { effect, target_ids } = typed(data)?;
    plain::effect(&effect)?;
    if target_ids.len() > TARGETS {
        return Err(refusal::argument("target_ids", "are at most 100").with("limit", TARGETS));
    }
    Ok(AskedFight::Apply {
        effect: Box::new(effect),
        source: source.map(|source| CombatantId(source.0)),
        targets: target_ids.into_iter().map(CombatantId).collect(),
    })
}

fn declare(mut data: Map<String, Value>) -> Parse<AskedFight> {
    #[derive(Deserialize)]
    struct Declared {
        character_id: Uuid,
        action_type: String,
        targets: Vec<Uuid>,
        details: Map<String, Value>,
    }
    data.retain(|name, _| {
        matches!(name.as_str(), "character_id" | "action_type" | "targets" | "details")
    });
    let Declared { character_id, action_type, targets, details } = typed(data)?;
    if targets.len() > TARGETS {
        return Err(refusal::argument("targets", "are at most 100").with("limit", TARGETS));
    }
    let who = CombatantId(character_id);
    let targets: Vec<CombatantId> = targets.into_iter().map(CombatantId).collect();
    let action = action::read(who, &action_type, &targets, &details)?;
    Ok(AskedFight::Declare(Box::new(Declare {
        who,
        kind: action_type.into(),
        targets,
        details: Value::Object(details),
        action,
    })))
}
