//! Declared actions, read by the table of `schema/actions.json`.

use std::collections::BTreeMap;

use gss_rules::combat::{
    Awaited, CombatantId, Command, Extra, HelpWith, Manner, READY, Shove as ShoveTo, SkillAction,
};
use gss_rules::effect::Choice;
use gss_rules::space::Square;
use gss_rules::{Ability, Key, MovementMode, Skill};
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::asked::typed;
use super::choices::{Chosen, PATH};
use crate::command::Parse;
use crate::refusal;

/// Features of an attack at most.
const FEATURES: usize = 50;

/// A declared action.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Action {
    /// The engine's.
    Command(Command),
    /// The engine's, about the effect of this `effect_id`.
    OfEffect { command: Command, effect: Uuid },
    /// The engine does it by itself, or leaves it to the GM; why.
    Left(&'static str),
}

/// What an action takes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Cost {
    #[default]
    Action,
    BonusAction,
}

impl Cost {
    /// The command that takes an action at this cost.
    fn of(self, who: CombatantId, command: Command) -> Command {
        match self {
            Self::Action => command,
            Self::BonusAction => Command::AsBonus { who, action: Box::new(command) },
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Costs {
    #[serde(default)]
    cost: Cost,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dash {
    #[serde(default)]
    cost: Cost,
    mode: Option<MovementMode>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AttackOption {
    TwoHanded,
    Thrown,
    OffHand,
    KnockOut,
    Mastery,
    Cleave,
    Nick,
    Other,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attack {
    attack_id: Key,
    #[serde(default)]
    options: Vec<AttackOption>,
    ability: Option<Ability>,
    ammunition: Option<Key>,
    /// What its hit brings besides.
    #[serde(default)]
    features: Vec<Key>,
    /// In place of a target.
    at: Option<Square>,
    #[serde(default)]
    cost: Cost,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UseAction {
    use_id: Key,
    at: Option<Square>,
    direction: Option<Square>,
    /// The effect that grants it.
    effect_id: Option<Uuid>,
    #[serde(default)]
    choices: BTreeMap<Key, Choice>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cast {
    spell: Key,
    slot_level: u8,
    at: Option<Square>,
    direction: Option<Square>,
    #[serde(default)]
    choices: BTreeMap<Key, Choice>,
    #[serde(default)]
    features: Vec<Key>,
    #[serde(default)]
    ritual: bool,
    /// Cast from this.
    item_id: Option<Key>,
    /// The spell says what casting it takes.
    #[serde(default, rename = "cost")]
    _cost: Cost,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    path: Vec<Square>,
    #[serde(default)]
    mode: Way,
    #[serde(default)]
    drag: Vec<Uuid>,
    #[serde(default)]
    elevation_ft: Option<i32>,
}

/// A way of moving, or jumping.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Way {
    #[default]
    Walk,
    Fly,
    Swim,
    Climb,
    Burrow,
    Jump,
}

impl Way {
    fn mode(self) -> Option<MovementMode> {
        match self {
            Self::Walk => Some(MovementMode::Walk),
            Self::Fly => Some(MovementMode::Fly),
            Self::Swim => Some(MovementMode::Swim),
            Self::Climb => Some(MovementMode::Climb),
            Self::Burrow => Some(MovementMode::Burrow),
            Self::Jump => None,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum HelpKind {
    Check,
    Attack,
    Stabilize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Help {
    kind: HelpKind,
    skill: Option<Skill>,
    enemy_id: Option<Uuid>,
    #[serde(default)]
    cost: Cost,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ShoveEffect {
    Prone,
    Push,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shove {
    effect: ShoveEffect,
    /// Where it pushes to.
    to: Option<Square>,
    #[serde(default)]
    cost: Cost,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Escape {
    skill: Option<Skill>,
    effect_id: Option<Uuid>,
    #[serde(default)]
    cost: Cost,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stabilize {
    item_id: Option<Key>,
    #[serde(default)]
    cost: Cost,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Try {
    skill: Option<Skill>,
    text: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UseObject {
    item_id: Option<Key>,
    #[serde(default, rename = "at")]
    _at: Option<Square>,
    text: Option<String>,
    /// The table's rules say what using a thing takes.
    #[serde(default, rename = "cost")]
    _cost: Cost,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ready {
    trigger: Awaited,
    action: Readied,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Readied {
    action_type: String,
    targets: Vec<Uuid>,
    details: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Interact {
    kind: String,
    item_id: Option<Key>,
    #[serde(default, rename = "at")]
    _at: Option<Square>,
    text: Option<String>,
}

/// Who says where a mount goes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Control {
    #[default]
    Controlled,
    Independent,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mount {
    #[serde(default)]
    control: Control,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dismount {
    to: Square,
}

/// Reads an action.
///
/// # Errors
/// `invalid_frame` or `invalid_argument`.
pub(super) fn read(
    who: CombatantId,
    action_type: &str,
    targets: &[CombatantId],
    details: &Map<String, Value>,
) -> Parse<Action> {
    let details = details.clone();
    let command = match action_type {
        "attack" => attack(who, targets, details)?,
        "use_action" => return use_action(who, targets, details),
        "cast" => return cast(who, targets, details),
        "move" => movement(who, targets, details)?,
        "dash" => {
            none(targets)?;
            let Dash { cost, mode } = typed(details)?;
            cost.of(who, Command::Dash { who, mode })
        }
        "disengage" => plain(who, targets, details, Command::Disengage { who })?,
        "dodge" => plain(who, targets, details, Command::Dodge { who })?,
        "hide" => plain(who, targets, details, Command::Hide { who })?,
        "stand_up" => free(targets, details, Command::StandUp { who })?,
        "drop_prone" => free(targets, details, Command::DropProne { who })?,
        "end_concentration" => free(targets, details, Command::EndConcentration { who })?,
        "stabilize" => stabilize(who, targets, details)?,
        "grapple" => aimed(who, details, Command::Grapple { who, target: one(targets)? })?,
        "shove" => shove(who, targets, details)?,
        "escape" => {
            let Escape { skill, effect_id, cost } = typed(details)?;
            let command = cost.of(who, Command::Escape { who, effect: None, skill });
            if let Some(effect) = effect_id {
                return Ok(Action::OfEffect { command, effect });
            }
            command
        }
        "help" => help(who, targets, details)?,
        "search" => attempt(who, SkillAction::Search, targets, details)?,
        "influence" => attempt(who, SkillAction::Influence, targets, details)?,
        "study" => attempt(who, SkillAction::Study, targets, details)?,
        "interact" => interact(who, targets, details)?,
        "use_object" => {
            let UseObject { item_id: item, text, .. } = typed(details)?;
            said(text.as_deref())?;
            Command::UseObject { who, item, target: at_most_one(targets)? }
        }
        "ready" => return ready(who, targets, details),
        "death_save" => {
            return Ok(Action::Left("The server makes death saves as the turn starts."));
        }
        "mount" => {
            let Mount { control } = typed(details)?;
            let independent = control == Control::Independent;
            Command::Mount { who, target: one(targets)?, independent }
        }
        "dismount" => {
            none(targets)?;
            let Dismount { to } = typed(details)?;
            Command::Dismount { who, to }
        }
        _ => {
            let shown: String = action_type.chars().take(64).collect();
            let refusal = refusal::argument("action_type", "is none of the protocol's");
            return Err(refusal.with("action_type", shown));
        }
    };
    Ok(Action::Command(command))
}

fn movement(
    who: CombatantId,
    targets: &[CombatantId],
    details: Map<String, Value>,
) -> Parse<Command> {
    none(targets)?;
    let Move { path, mode, drag, elevation_ft } = typed(details)?;
    if path.len() > PATH {
        return Err(refusal::argument("path", "is at most 1,000 squares"));
    }
    Ok(match mode.mode() {
        Some(mode) => {
            let drag = drag.into_iter().map(CombatantId).collect();
            Command::Move { who, mode, path, drag, elevation_ft }
        }
        None => Command::Jump { who, path, elevation_ft },
    })
}

fn attack(
    who: CombatantId,
    targets: &[CombatantId],
    details: Map<String, Value>,
) -> Parse<Command> {
    let Attack { attack_id: attack, options, ability, ammunition, features, at, cost } =
        typed(details)?;
    let has = |option| options.contains(&option);
    let extra = match (has(AttackOption::OffHand), has(AttackOption::Nick)) {
        (_, true) => Extra::Nick,
        (true, false) => Extra::OffHand,
        (false, false) if has(AttackOption::Cleave) => Extra::Cleave,
        (false, false) => Extra::None,
    };
    // A second weapon is a bonus action by itself.
    let cost = if extra == Extra::OffHand { Cost::Action } else { cost };
    let how = Manner {
        extra,
        two_handed: has(AttackOption::TwoHanded),
        thrown: has(AttackOption::Thrown),
        mastery: has(AttackOption::Mastery),
        ability,
        other: has(AttackOption::Other),
    };
    let knock_out = has(AttackOption::KnockOut);
    let command = match at {
        Some(at) => {
            none(targets)?;
            Command::AttackAt { who, at, attack, knock_out, how, ammunition }
        }
        None => {
            let target = one(targets)?;
            Command::Attack { who, target, attack, knock_out, how, ammunition }
        }
    };
    let attack = Box::new(cost.of(who, command));
    Ok(match features.len() {
        0 => *attack,
        1..=FEATURES => Command::AttackWith { who, with: features, attack },
        _ => return Err(refusal::argument("features", "are at most 50")),
    })
}

fn use_action(
    who: CombatantId,
    targets: &[CombatantId],
    details: Map<String, Value>,
) -> Parse<Action> {
    let UseAction { use_id: id, at, direction, effect_id, choices } = typed(details)?;
    let targets = targets.to_vec();
    if let Some(effect) = effect_id {
        let command = Command::UseEffect { who, effect: None, id, targets, at, direction, choices };
        return Ok(Action::OfEffect { command, effect });
    }
    // Its owner or the GM says that what it waits for happens.
    if id.as_str() == READY {
        return Ok(Action::Command(Command::Happens { who }));
    }
    let Chosen { option, path, choices } = Chosen::read(choices)?;
    let command = Command::UseAction { who, id, targets, at, direction, option, path, choices };
    Ok(Action::Command(command))
}

fn cast(who: CombatantId, targets: &[CombatantId], details: Map<String, Value>) -> Parse<Action> {
    let Cast { spell, slot_level, at, direction, choices, features, ritual, item_id: item, .. } =
        typed(details)?;
    if slot_level > 9 {
        return Err(refusal::argument("slot_level", "is 0 to 9"));
    }
    if !features.is_empty() {
        return Ok(Action::Left("The engine leaves features of spells to the GM."));
    }
    let targets = targets.to_vec();
    let command =
        Command::Cast { who, spell, slot_level, targets, at, direction, choices, ritual, item };
    Ok(Action::Command(command))
}

fn help(who: CombatantId, targets: &[CombatantId], details: Map<String, Value>) -> Parse<Command> {
    let Help { kind, skill, enemy_id, cost } = typed(details)?;
    let with = match (kind, enemy_id) {
        (HelpKind::Check, _) => HelpWith::Check { skill },
        (HelpKind::Attack, Some(enemy)) => HelpWith::Attack { enemy: CombatantId(enemy) },
        (HelpKind::Attack, None) => return Err(refusal::shape("enemy_id", "must be given")),
        (HelpKind::Stabilize, _) => HelpWith::Stabilize,
    };
    Ok(cost.of(who, Command::Help { who, target: one(targets)?, with }))
}

/// First aid, or what a healer's kit or another thing does for it.
fn stabilize(
    who: CombatantId,
    targets: &[CombatantId],
    details: Map<String, Value>,
) -> Parse<Command> {
    let Stabilize { item_id: item, cost } = typed(details)?;
    let target = one(targets)?;
    let command = match item {
        Some(_) => Command::UseObject { who, item, target: Some(target) },
        None => Command::Stabilize { who, target },
    };
    Ok(cost.of(who, command))
}

fn shove(who: CombatantId, targets: &[CombatantId], details: Map<String, Value>) -> Parse<Command> {
    let Shove { effect, to, cost } = typed(details)?;
    let effect = match effect {
        ShoveEffect::Prone => ShoveTo::Prone,
        ShoveEffect::Push => ShoveTo::Push,
    };
    Ok(cost.of(who, Command::Shove { who, target: one(targets)?, effect, to }))
}

fn attempt(
    who: CombatantId,
    action: SkillAction,
    targets: &[CombatantId],
    details: Map<String, Value>,
) -> Parse<Command> {
    let Try { skill, text } = typed(details)?;
    said(text.as_deref())?;
    let target = at_most_one(targets)?;
    Ok(Command::TrySkill { who, action, skill, target, sense: None })
}

fn interact(
    who: CombatantId,
    targets: &[CombatantId],
    details: Map<String, Value>,
) -> Parse<Command> {
    let Interact { kind, item_id: item, text, .. } = typed(details)?;
    said(text.as_deref())?;
    if kind == "release_grapple" {
        return Ok(Command::Release { who, target: one(targets)? });
    }
    let interaction = serde_json::from_value(Value::String(kind))
        .map_err(|_| refusal::argument("kind", "is none of the protocol's"))?;
    Ok(Command::Interact { who, interaction, item, target: at_most_one(targets)? })
}

fn ready(who: CombatantId, targets: &[CombatantId], details: Map<String, Value>) -> Parse<Action> {
    none(targets)?;
    let Ready { trigger, action } = typed(details)?;
    said(trigger.text.as_deref())?;
    if trigger.who.len() > 100 {
        return Err(refusal::argument("who", "are at most 100"));
    }
    // Nothing is prepared to prepare something.
    if action.action_type == "ready" {
        return Err(refusal::argument("action_type", "cannot be readied"));
    }
    let targets: Vec<CombatantId> = action.targets.into_iter().map(CombatantId).collect();
    Ok(match read(who, &action.action_type, &targets, &action.details)? {
        Action::Command(command) => {
            Action::Command(Command::Ready { who, trigger, action: Box::new(command) })
        }
        Action::OfEffect { command, effect } => {
            let command = Command::Ready { who, trigger, action: Box::new(command) };
            Action::OfEffect { command, effect }
        }
        left @ Action::Left(_) => left,
    })
}

fn said(text: Option<&str>) -> Parse<()> {
    text.map_or(Ok(()), |text| crate::text::check("text", text, 1, 500))
}

fn plain(
    who: CombatantId,
    targets: &[CombatantId],
    details: Map<String, Value>,
    command: Command,
) -> Parse<Command> {
    none(targets)?;
    aimed(who, details, command)
}

fn aimed(who: CombatantId, details: Map<String, Value>, command: Command) -> Parse<Command> {
    let Costs { cost } = typed(details)?;
    Ok(cost.of(who, command))
}

fn free(targets: &[CombatantId], details: Map<String, Value>, command: Command) -> Parse<Command> {
    none(targets)?;
    let Nothing {} = typed(details)?;
    Ok(command)
}

fn at_most_one(targets: &[CombatantId]) -> Parse<Option<CombatantId>> {
    match targets {
        [] => Ok(None),
        targets => one(targets).map(Some),
    }
}

fn one(targets: &[CombatantId]) -> Parse<CombatantId> {
    match targets {
        [target] => Ok(*target),
        _ => Err(refusal::argument("targets", "is one combatant")),
    }
}

fn none(targets: &[CombatantId]) -> Parse<()> {
    if targets.is_empty() {
        Ok(())
    } else {
        Err(refusal::argument("targets", "is empty for this action"))
    }
}
