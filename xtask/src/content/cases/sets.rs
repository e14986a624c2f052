//! Entries that consist of others: Multiattack, attacks made with a legendary action.

use gss_rules::Key;
use gss_rules::content::{Attack, AttackKind, Cost, Deeds, SpecialAction};
use serde_json::{Value, json};

use super::castings::Book;
use super::parts::{self, Made};
use super::stage::{AT, HP, Subject};

/// Every allowed set, each of its attacks missing; then no action is left. Sets with a use that has a
/// deed are shown where the deed is.
pub(super) fn cases(of: &Subject<'_>, book: &Book<'_>, deeds: &Deeds) -> Option<Vec<Value>> {
    let sets = &of.monster.block.multiattack;
    if sets.is_empty() {
        return None;
    }
    let shown = |set: &Vec<Key>| set.iter().all(|key| deeds.get(&of.monster.id, key).is_none());
    let one = |(number, set): (usize, &Vec<Key>)| one(of, book, number + 1, set);
    sets.iter().enumerate().filter(|(_, set)| shown(set)).map(one).collect()
}

fn one(of: &Subject<'_>, book: &Book<'_>, number: usize, set: &[Key]) -> Option<Value> {
    let block = &of.monster.block;
    let attack = |key: &Key| block.attacks.iter().find(|it| it.attack_id == *key);
    let mut who = who(of);
    // An aura that burns as its turn starts is another case.
    let burns = ["fire-aura", "barbed-hide"];
    if block.traits.iter().any(|it| burns.contains(&it.as_str())) {
        who["a"]["block"] = json!({"traits": []});
    }
    parts::others(of, set, &mut who);
    let mut made = Made::default();
    // A spell first: whom it finds able to act has a say in what follows.
    let casts = |key: &&Key| attack(key).is_none();
    let (first, rest): (Vec<&Key>, Vec<&Key>) = set.iter().partition(casts);
    for key in first.into_iter().chain(rest) {
        made.make(of, book, key, &mut who)?;
    }
    let Made { mut steps, damage, .. } = made;
    let longest = block.multiattack.iter().map(Vec::len).max();
    let last = set.iter().rev().find(|it| attack(it).is_some());
    if let Some(last) = last.filter(|_| Some(set.len()) == longest) {
        let again = json!({"who": "a", "target": target(attack(last)?), "attack": last});
        steps.push(json!({"attack": again, "refused": "no_action_left"}));
    }
    Some(of.case(&format!("set-{number}"), who, steps, json!({"b": {"hp": HP - damage}})))
}

/// Somebody beside the creature, and somebody twelve squares away for what is shot.
fn who(of: &Subject<'_>) -> Value {
    let swarm = of.monster.block.attacks.iter().any(|it| it.reach_ft == Some(0));
    let hp = json!({"current": HP, "max": HP});
    let near = if swarm { AT } else { AT + of.side() };
    json!({
        "a": of.beast(),
        "b": {"block": {"hp": hp}, "at": [near, AT]},
        "c": {"block": {"hp": hp}, "at": [AT + of.side() + 2, AT], "side": "b"}
    })
}

pub(super) const fn target(attack: &Attack) -> &'static str {
    match attack.kind {
        AttackKind::Ranged => "c",
        AttackKind::Melee | AttackKind::MeleeOrRanged => "b",
    }
}

/// Attacks that are made with a legendary action or in another way than with an action.
pub(super) fn makes(of: &Subject<'_>, book: &Book<'_>, deeds: &Deeds) -> Option<Vec<Value>> {
    let action = of.monster.block.uses.iter().find(|it| it.use_id == of.entry.id)?;
    let detail = of.detail();
    let mut cases = Vec::new();
    if detail.check.is_some() {
        return checks(of, action.cost);
    }
    if let Some(adds) = detail.parry {
        return Some(vec![parry(of, adds)]);
    }
    if detail.makes.is_empty() {
        return moves(of);
    }
    // How a deed is aimed is its own to say.
    if detail.makes.iter().flatten().any(|key| deeds.get(&of.monster.id, key).is_some()) {
        return None;
    }
    for (number, set) in detail.makes.iter().enumerate() {
        let name = format!("set-{}", number + 1);
        cases.push(made(of, book, action, (&name, set))?);
    }
    Some(cases).filter(|cases| !cases.is_empty())
}

/// One of the sets that an entry consists of, its attacks missing.
fn made(
    of: &Subject<'_>,
    book: &Book<'_>,
    action: &SpecialAction,
    (name, set): (&str, &[Key]),
) -> Option<Value> {
    let detail = of.detail();
    let mut who = who(of);
    parts::others(of, set, &mut who);
    let mut made = Made::default();
    let (mut faces, mut targets) = (Vec::new(), Vec::new());
    for key in set {
        made.make(of, book, key, &mut who)?;
        let step = made.steps.last()?;
        faces.extend(step["faces"].as_array()?.clone());
        match (step["attack"]["target"].as_str(), &step["use_action"]["targets"]) {
            (Some(target), _) => targets.push(json!(target)),
            (None, Value::Array(all)) => targets.extend(all.clone()),
            (None, _) => {}
        }
    }
    if made.steps.len() > set.len() {
        return None;
    }
    let mut what = json!({"id": action.use_id, "targets": targets});
    if detail.teleports {
        what["at"] = json!([AT, AT + 1]);
    }
    if detail.makes.len() > 1 {
        what["option"] = json!(set.first()?);
    }
    let faces: Vec<&str> = faces.iter().filter_map(Value::as_str).collect();
    let mut case = legendary(of, action.cost, name, what, &faces)?;
    for other in ["b", "c"] {
        for member in ["block", "conditions"] {
            if !who[other][member].is_null() {
                case["who"][other][member] = who[other][member].clone();
            }
        }
    }
    case["then"]["b"]["hp"] = json!(HP - made.damage);
    Some(case)
}

/// A blow that comes to the Armor Class is turned by what the parry adds.
fn parry(of: &Subject<'_>, adds: i32) -> Value {
    let ac = of.monster.block.ac;
    let mut who = who(of);
    who["b"]["initiative"] = json!(200);
    // An 11 comes to the Armor Class with all that is added to it, less one.
    who["b"]["block"]["attacks"] = json!([{
        "attack_id": "blow", "name": "Blow", "kind": "melee", "bonus": ac + adds - 12,
        "damage": [{"dice": "10", "type": "force"}]
    }]);
    let strike = json!({"who": "b", "target": "a", "attack": "blow"});
    let steps = vec![
        json!({"attack": strike, "faces": ["20:11"], "asks": "a"}),
        json!({"answer": {"kind": "react", "option": of.entry.id}}),
    ];
    let hp = of.monster.block.hp.max;
    let then = json!({"a": {"hp": hp, "economy": {"reaction": false}}});
    of.case("turned", who, steps, then)
}

/// Movement, teleports and usual actions without an attack.
fn moves(of: &Subject<'_>) -> Option<Vec<Value>> {
    let action = of.monster.block.uses.iter().find(|it| it.use_id == of.entry.id)?;
    let (detail, speeds) = (of.detail(), of.monster.block.speeds);
    let mut what = json!({"id": action.use_id});
    let mut then = json!({});
    if !detail.takes.is_empty() {
        let others = [speeds.fly, speeds.swim, speeds.climb, speeds.burrow];
        let best = others.into_iter().flatten().fold(speeds.walk, i32::max);
        let mut cases = Vec::new();
        for option in &detail.takes {
            let then = match option.as_str() {
                "dash" => json!({"economy": {"dashed_ft": best, "bonus_action": false}}),
                "disengage" => json!({"economy": {"disengaged": true, "bonus_action": false}}),
                "hide" => json!({"economy": {"bonus_action": false}}),
                _ => return None,
            };
            what["option"] = json!(option);
            let hides = option.as_str() == "hide";
            let mut case = alone(of, action.cost, option.as_str(), what.clone(), then)?;
            if hides {
                // Behind a wall; an 18 with the creature's bonus is enough.
                let wall: Vec<_> = (0..30).map(|y| [5, y]).collect();
                case["grid"] = json!({"width": 30, "height": 30, "blocking": wall});
                let last = case["do"].as_array().map_or(0, |steps| steps.len() - 1);
                case["do"][last]["faces"] = json!(["20:18"]);
                case["then"]["a"]["effects"] = json!(["hidden"]);
            }
            cases.push(case);
        }
        return Some(cases);
    }
    if detail.teleports || detail.leaps_ft.is_some() {
        let squares = detail.leaps_ft.or(action.range_ft)? / 5;
        let squares = squares.min(15);
        what["at"] = json!([AT, AT + squares]);
        then["position"] = json!([AT, AT + squares]);
        let name = if detail.teleports { "teleports" } else { "leaps" };
        return Some(vec![alone(of, action.cost, name, what, then)?]);
    }
    let percent = i32::from(detail.moves_percent?);
    let speed = if detail.flies { speeds.fly } else { Some(speeds.walk) };
    let speed = speed.filter(|feet| *feet > 0).or(speeds.swim).or(speeds.fly)?;
    let squares = (speed * percent / 100 / 5).min(15);
    let path: Vec<_> = (1..=squares).map(|step| [AT, AT + step]).collect();
    what["path"] = json!(path);
    then["position"] = json!([AT, AT + squares]);
    then["economy"] = json!({"moved_ft": 0});
    Some(vec![alone(of, action.cost, "moves", what, then)?])
}

/// With nobody beside it.
fn alone(of: &Subject<'_>, cost: Cost, name: &str, what: Value, then: Value) -> Option<Value> {
    let mut case = legendary(of, cost, name, what, &[])?;
    let mut state = case["then"]["a"].clone();
    if state.is_null() {
        state = json!({});
    }
    for (member, value) in then.as_object()? {
        state[member] = value.clone();
    }
    case["then"] = json!({"a": state});
    case["who"]["b"]["at"] = json!([0, 0]);
    case["who"]["c"]["at"] = json!([2, 0]);
    Some(case)
}

fn checks(of: &Subject<'_>, cost: Cost) -> Option<Vec<Value>> {
    let what = json!({"id": of.entry.id});
    Some(vec![legendary(of, cost, "check", what, &["20:10"])?])
}

fn legendary(
    of: &Subject<'_>,
    cost: Cost,
    name: &str,
    mut what: Value,
    faces: &[&str],
) -> Option<Value> {
    let action = of.monster.block.uses.iter().find(|it| it.use_id == of.entry.id)?;
    let mut who = who(of);
    let mut then = json!({"b": {"hp": HP}});
    let steps = match cost {
        Cost::Legendary => {
            what["kind"] = json!("use");
            then["a"] = json!({"spent": {"legendary-actions": action.legendary_cost.unwrap_or(1)}});
            // The other is out of the way of the order.
            who["c"]["initiative"] = json!(200);
            who["b"]["initiative"] = json!(150);
            vec![
                json!({"end_turn": {"who": "c"}, "asks": "a"}),
                json!({"answer": what, "faces": faces}),
            ]
        }
        Cost::Action | Cost::BonusAction => {
            what["who"] = json!("a");
            vec![json!({"use_action": what, "faces": faces})]
        }
        Cost::Reaction | Cost::Lair | Cost::Free => return None,
    };
    Some(of.case(name, who, steps, then))
}
