//! Comparing somebody's state with what a case states of it.

use serde_json::{Map, Value, json};

use crate::combat::{Combat, Combatant, CombatantId, Life, View};
use crate::space::Cover;
use crate::{Condition, MovementMode};

/// What is not as stated: one line each.
///
/// `hp`, `temp`, `max_hp`, `ac` are numbers; `conditions` are all that effects bring, those implied
/// by others left out; `effects` and `without` are keys or names that run on it, or do not; `life`
/// is a word; `speed` has feet by mode; `castings` are, by spell, the numbers that spells which run
/// on it were cast with; `gone` says that it takes part no more. Any other member is
/// one of [`Combatant`]: of objects the members stated are compared, and a member left out counts
/// as null.
pub(super) fn different(
    view: View<'_>,
    combat: &Combat,
    id: CombatantId,
    members: &Map<String, Value>,
) -> Vec<String> {
    let combatant = combat.combatant(id);
    let mut wrong = Vec::new();
    for (name, stated) in members {
        let Some(combatant) = combatant else {
            if name != "gone" || *stated != json!(true) {
                wrong.push(format!("{name}: it is gone"));
            }
            continue;
        };
        let is = match name.as_str() {
            "gone" => json!(false),
            "hp" => json!(combatant.hp.current),
            "temp" => json!(combatant.hp.temp),
            "max_hp" => json!(view.max_hp(id)),
            "ac" => json!(view.armor_class(id, Cover::None)),
            "life" => json!(life(combatant)),
            "conditions" => json!(conditions(combat, id)),
            "position" => json!(combatant.position.map(|at| [at.x, at.y])),
            "effects" | "without" => {
                wrong.extend(running(combat, id, name == "effects", stated));
                continue;
            }
            "speed" => speeds(view, id, stated),
            "castings" => castings(combat, id),
            other => {
                let all = serde_json::to_value(combatant).unwrap_or_default();
                all.get(other).cloned().unwrap_or_default()
            }
        };
        let stated = if name == "conditions" { sorted(stated) } else { stated.clone() };
        if !covers(&is, &stated) {
            wrong.push(format!("{name} is {is}, not {stated}"));
        }
    }
    wrong
}

const fn life(combatant: &Combatant) -> &'static str {
    match combatant.life {
        Life::Alive => "alive",
        Life::Dying { .. } => "dying",
        Life::Stable => "stable",
        Life::Dead => "dead",
    }
}

fn conditions(combat: &Combat, id: CombatantId) -> Vec<&'static str> {
    let held = combat.effects_on(id).flat_map(|effect| effect.template.conditions.iter());
    let mut names: Vec<_> = held.copied().map(Condition::name).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn sorted(stated: &Value) -> Value {
    let Some(all) = stated.as_array() else { return stated.clone() };
    let mut names: Vec<&str> = all.iter().filter_map(Value::as_str).collect();
    names.sort_unstable();
    json!(names)
}

/// Effects that should run and do not, or the other way round.
fn running(combat: &Combat, id: CombatantId, wanted: bool, stated: &Value) -> Vec<String> {
    let names = stated.as_array().into_iter().flatten().filter_map(Value::as_str);
    names
        .filter(|name| {
            let is = |effect: &&crate::combat::Effect| {
                let template = &effect.template;
                template.name == *name
                    || template.key.as_ref().is_some_and(|key| key.as_str() == *name)
            };
            combat.effects_on(id).any(|effect| is(&effect)) != wanted
        })
        .map(|name| format!("effect {name} {}", if wanted { "is missing" } else { "is there" }))
        .collect()
}

/// The castings of effects on it by spell, the newest of several.
fn castings(combat: &Combat, id: CombatantId) -> Value {
    let all = combat.effects_on(id).filter_map(|effect| effect.template.casting.as_deref());
    Value::Object(all.map(|casting| (casting.spell.to_string(), json!(casting))).collect())
}

fn speeds(view: View<'_>, id: CombatantId, stated: &Value) -> Value {
    let modes = stated.as_object().into_iter().flat_map(Map::keys);
    let feet = modes.map(|name| {
        let mode: Option<MovementMode> = serde_json::from_value(json!(name)).ok();
        (name.clone(), json!(mode.and_then(|mode| view.speed_ft(id, mode))))
    });
    Value::Object(feet.collect())
}

/// Whether everything stated is so.
pub(super) fn covers(is: &Value, stated: &Value) -> bool {
    match (is, stated) {
        (is, Value::Object(members)) => members
            .iter()
            .all(|(name, stated)| covers(is.get(name).unwrap_or(&Value::Null), stated)),
        (is, stated) => is == stated,
    }
}
