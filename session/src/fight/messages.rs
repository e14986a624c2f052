//! Messages of what happens outside of declared actions, and of a fight as a whole.

use gss_rules::combat::{CombatantId, Fact, Purpose};
use gss_shared::ids::ActionId;
use serde_json::{Map, json};
use uuid::Uuid;

use super::narrate::{Because, Name, Telling, tell_all};
use super::show::Eye;
use super::{Fight, FightChange, outcome, prompts};
use crate::event::{CombatEvent, Told};
use crate::tell::object;

/// `initiative_roll`.
pub(super) fn initiative_roll<'d>(
    fight: &'d Fight,
    who: CombatantId,
    total: i32,
    facts: Option<&'d [Fact]>,
    because: &'d Because<'_>,
) -> (Name, Telling<'d>) {
    let roll = facts.and_then(<[Fact]>::last).and_then(|fact| match fact {
        Fact::Rolled { who: roller, purpose: Purpose::Initiative, roll } if *roller == who => {
            Some(roll)
        }
        _ => None,
    });
    let data: Telling<'d> = Box::new(move |eye, _, is| {
        is.knows(eye, who).then(|| {
            let modifiers = roll.map(|roll| {
                let each = roll.modifiers.iter();
                each.map(|part| (part.source.clone(), json!(part.value))).collect::<Map<_, _>>()
            });
            let face = roll.and_then(|roll| roll.kept.first()).copied();
            let mut data = object(json!({
                "combat_id": fight.id,
                "character_id": who,
                "action_id": Some(because.action).filter(|action| !action.0.is_nil()),
                "roll": face.map_or(i64::from(total), i64::from),
                "modifiers": modifiers.unwrap_or_default(),
                "total": total,
            }));
            if let Some(roll) = roll {
                data.insert("record".to_owned(), outcome::roll(roll, is, eye));
            }
            data
        })
    });
    (Name::InitiativeRoll, data)
}

/// `turn_change`.
pub(crate) fn turn_change(fight: &Fight) -> Telling<'_> {
    Box::new(move |eye, was, is| {
        let active = is.combat.active()?;
        let shown = if is.knows(eye, active) { active.0 } else { Uuid::nil() };
        let mut data = object(json!({
            "combat_id": fight.id,
            "active_character": shown,
            "round": is.combat.round,
            "turn_number": is.turn_number(eye),
        }));
        let order = is.order(eye);
        if order != was.order(eye) {
            data.insert("order".to_owned(), json!(order));
        }
        Some(data)
    })
}

/// `death_save`.
pub(super) fn death_save<'d>(
    fight: &'d Fight,
    fact: &'d Fact,
    before: Option<&'d [Fact]>,
) -> (Name, Telling<'d>) {
    let roll = before.and_then(<[Fact]>::last).and_then(|fact| match fact {
        Fact::Rolled { roll, .. } => Some(roll),
        _ => None,
    });
    let data: Telling<'d> = Box::new(move |eye, _, is| {
        let Fact::DeathSaveMade { who, save, life, .. } = fact else { return None };
        is.knows(eye, *who).then(|| {
            let mut data = outcome::death_save(*save, *life);
            data.insert("combat_id".to_owned(), json!(fight.id));
            data.insert("character_id".to_owned(), json!(who));
            if let Some(roll) = roll {
                data.insert("roll".to_owned(), outcome::roll(roll, is, eye));
            }
            data
        })
    });
    (Name::DeathSave, data)
}

/// `concentration_check`; None: another save.
pub(super) fn concentration<'d>(
    fight: &'d Fight,
    (who, dc, success): (CombatantId, i32, bool),
    before: Option<&'d [Fact]>,
) -> Option<(Name, Telling<'d>)> {
    let Some(Fact::Rolled { purpose: Purpose::Concentration, roll, .. }) = before?.last() else {
        return None;
    };
    let taken = before?.iter().rev().find_map(|fact| match fact {
        Fact::Damaged { target, parts, .. } if *target == who => {
            Some(parts.iter().map(|part| i64::from(part.applied)).sum::<i64>())
        }
        _ => None,
    });
    let on = fight.combat.combatant(who).and_then(|who| who.concentration);
    let data: Telling<'d> = Box::new(move |eye, _, is| {
        is.knows(eye, who).then(|| {
            object(json!({
                "combat_id": fight.id,
                "character_id": who,
                "effect_id": on.map_or(Uuid::nil(), |on| fight.effect_id(on)),
                "damage": taken.unwrap_or(0),
                "dc": dc,
                "roll": outcome::roll(roll, is, eye),
                "success": success,
            }))
        })
    });
    Some((Name::ConcentrationCheck, data))
}

/// `turn_change` of a fight that came to stand where it does otherwise than by a step.
pub(crate) fn turn_again(fight: &Fight) -> Option<CombatEvent> {
    let scene = fight.scene(false);
    fight.combat.active()?;
    let telling = turn_change(fight);
    let told = tell_all(&[scene], |eye| {
        let mut data = telling(eye, scene, scene)?;
        data.insert("order".to_owned(), json!(scene.order(eye)));
        Some(data)
    });
    Some(CombatEvent { name: Name::TurnChange, change: None, told })
}

/// A fight's first message.
pub(crate) fn started(fight: &Fight, action: ActionId, change: FightChange) -> CombatEvent {
    let scene = fight.scene(false);
    let told = tell_all(&[scene], |eye| {
        let mut data = object(json!({
            "combat_id": fight.id,
            "action_id": action,
            "combat": scene.document(eye),
        }));
        if let Some(name) = &fight.name {
            data.insert("name".to_owned(), json!(name));
        }
        Some(data)
    });
    CombatEvent { name: Name::CombatStarted, change: Some(change), told }
}

/// A fight's last message.
pub(crate) fn ended(
    fight: &Fight,
    action: Option<ActionId>,
    reason: &str,
    text: Option<&str>,
) -> CombatEvent {
    let mut data = object(json!({
        "combat_id": fight.id,
        "action_id": action,
        "reason": reason,
        "rounds": fight.combat.round,
        "turns": fight.turns,
        "seed": fight.seed.reveal(),
    }));
    if let Some(text) = text {
        data.insert("text".to_owned(), text.into());
    }
    let told = Told::new(Some(data.clone()), Vec::new(), Some(data));
    CombatEvent { name: Name::CombatEnded, change: Some(FightChange::Ended), told }
}

/// The open question, asked again with another deadline.
pub(crate) fn asked_again(fight: &Fight, change: FightChange) -> Option<CombatEvent> {
    let prompt = fight.combat.prompt()?;
    let data = prompts::data(fight, prompt);
    let now = fight.scene(false);
    let tell = |eye: Eye| now.decides(eye, prompt.who).then(|| data.clone());
    let told = tell_all(&[now], tell);
    let name = prompts::name(&prompt.question);
    Some(CombatEvent { name, change: Some(change), told })
}
