//! Effects at the end of a turn: its player is asked which comes first.

use gss_session::service_time_out;
use gss_shared::error_code::ErrorCode;
use gss_shared::ids::ActionId;
use serde_json::{Value, json};

use crate::fights::{
    ARIA, BREN, CLERIC, Fight, GM, GOBLIN, HERO, LURKER, WATCHER, cleric, combatants,
};
use crate::support::id;

/// A fight of these, in their order.
fn started(combatants: Value) -> Fight {
    let mut fight = Fight::new(json!({"reaction_seconds": 10}));
    let start = json!({"combatants": combatants, "grid": {"width": 12, "height": 12},
                       "options": {"name": "Ford", "initiative": "all"}});
    fight.frame(GM, "combat_start", start).expect("starts");
    fight.in_order();
    fight
}

fn daze(fight: &mut Fight) {
    let dazed = json!({"name": "Dazed", "duration": {"kind": "permanent"},
                       "save_ends": {"ability": "wis", "dc": 1}});
    let apply = json!({"effect": dazed, "target_ids": [id(HERO)]});
    fight.frame(GM, "effect_apply", apply).expect("applies");
}

/// Aria's turn; two effects on her let her save as it ends.
fn afflicted() -> Fight {
    let mut fight = started(combatants());
    fight.pass_to(HERO);
    for (name, by) in [("Dazed", GOBLIN), ("Chilled", LURKER)] {
        let effect = json!({"name": name, "source_id": id(by), "duration": {"kind": "permanent"},
                            "save_ends": {"ability": "wis", "dc": 1}});
        let apply = json!({"effect": effect, "target_ids": [id(HERO)]});
        fight.frame(GM, "effect_apply", apply).expect("applies");
    }
    fight
}

fn effects(fight: &Fight) -> Vec<String> {
    let all = fight.combat(ARIA)["effects"].as_object().cloned().unwrap_or_default();
    all.values().filter_map(|it| it["name"].as_str().map(str::to_owned)).collect()
}

#[test]
fn the_player_whose_turn_it_is_orders_what_happens_at_its_end() {
    let mut fight = afflicted();
    fight.frame(ARIA, "turn_end", json!({"character_id": id(HERO)})).expect("ends");
    assert_eq!(fight.types(ARIA).last(), Some(&"choice_prompt"));
    assert!(!fight.types(BREN).contains(&"choice_prompt"));
    let prompt = fight.got(ARIA).last().expect("asked")["data"].clone();
    let running = fight.combat(ARIA)["effects"].as_object().cloned().unwrap_or_default();
    let options = prompt["options"].as_array().cloned().unwrap_or_default();
    let labels: Vec<&Value> = options.iter().map(|option| &option["label"]).collect();
    assert_eq!(labels, ["Dazed", "Chilled"]);
    let names: Vec<&str> = options.iter().filter_map(|it| it["choice"].as_str()).collect();
    assert!(names.iter().all(|name| running.contains_key(*name)), "as they are shown");
    assert_eq!(
        (&prompt["kind"], &prompt["min"], &prompt["max"], &prompt["default"]),
        (&json!("effect_order"), &json!(2), &json!(2), &json!(names))
    );
    let [dazed, chilled] = names[..] else { panic!("{names:?}") };
    for wrong in [json!(dazed), json!([dazed]), json!([dazed, dazed]), json!([dazed, id(HERO)])] {
        let choice = json!({"prompt_id": prompt["prompt_id"], "choice": wrong});
        let error = fight.frame(ARIA, "choice", choice).expect_err("all of them once");
        assert_eq!(error.code, ErrorCode::InvalidArgument);
    }
    let choice = json!({"prompt_id": prompt["prompt_id"], "choice": [chilled, dazed]});
    let other = fight.frame(BREN, "choice", choice.clone()).expect_err("not asked");
    assert_eq!(other.code, ErrorCode::NotYourCharacter);
    fight.frame(ARIA, "choice", choice).expect("ordered");
    let ended = fight.got(WATCHER).into_iter().filter(|it| it["type"] == "effect_ended");
    let ended: Vec<&Value> = ended.map(|it| &it["data"]["effect_id"]).collect();
    assert_eq!(ended, [&json!(chilled), &json!(dazed)]);
    assert_eq!(effects(&fight), Vec::<String>::new());
}

#[test]
fn when_time_runs_out_the_oldest_comes_first() {
    let mut fight = afflicted();
    fight.frame(ARIA, "turn_end", json!({"character_id": id(HERO)})).expect("ends");
    let default = fight.got(ARIA).last().expect("asked")["data"]["default"].clone();
    fight.table.now = fight.table.now.plus_ms(10_000);
    fight.table.run(&service_time_out(ActionId(id(7_001)), false)).expect("in time");
    let ended = fight.got(WATCHER).into_iter().filter(|it| it["type"] == "effect_ended");
    let ended: Vec<Value> = ended.map(|it| it["data"]["effect_id"].clone()).collect();
    assert_eq!(json!(ended), default);
}

/// Who is hidden has a zone around it: no more is said of it than that there is something.
#[test]
fn of_what_is_unseen_no_name_is_told() {
    let mut all = combatants();
    all[4]["custom"] = cleric();
    all[4].as_object_mut().expect("a combatant").remove("stat_block");
    let mut fight = started(all);
    fight.pass_to(LURKER);
    let guardians = json!({"spell": "spirit-guardians", "slot_level": 3});
    fight.declare(GM, LURKER, "cast", &[], guardians).expect("casts");
    let hides = json!({"character_id": id(LURKER), "fields": {"hidden": true}});
    fight.frame(GM, "combatant_update", hides).expect("hides");
    daze(&mut fight);
    fight.pass_to(HERO);
    fight.frame(ARIA, "turn_end", json!({"character_id": id(HERO)})).expect("ends");
    let prompt = fight.got(ARIA).last().expect("asked")["data"].clone();
    let running = fight.combat(ARIA)["effects"].as_object().cloned().unwrap_or_default();
    let dazed = running.keys().next().expect("dazed").clone();
    assert_eq!(
        prompt["options"],
        json!([{"choice": dazed, "label": "Dazed"},
               {"choice": "unseen-1", "label": "Something unseen"}])
    );
    let choice = json!({"prompt_id": prompt["prompt_id"], "choice": ["unseen-1", dazed]});
    fight.frame(ARIA, "choice", choice).expect("ordered");
    assert_eq!(effects(&fight), Vec::<String>::new());
}

/// A part of a spell that is concentrated on has the name of the effect that is shown.
#[test]
fn what_is_part_of_another_has_the_name_that_is_shown() {
    let mut all = combatants();
    all[0]["custom"]["creature_type"] = json!("humanoid");
    all[1]["custom"]["spellcasting"]["dc"] = json!(30);
    let mut fight = started(all);
    fight.pass_to(CLERIC);
    let hold = json!({"spell": "hold-person", "slot_level": 2});
    fight.declare(BREN, CLERIC, "cast", &[HERO], hold).expect("casts");
    daze(&mut fight);
    fight.pass_to(HERO);
    fight.frame(ARIA, "turn_end", json!({"character_id": id(HERO)})).expect("ends");
    let asked = fight.got(ARIA).last().expect("asked")["data"].clone();
    let running = fight.combat(ARIA)["effects"].as_object().cloned().unwrap_or_default();
    let options = asked["options"].as_array().cloned().unwrap_or_default();
    assert_eq!(options.len(), 2, "{asked}");
    for option in options {
        let choice = option["choice"].as_str().unwrap_or_default();
        assert_eq!(running[choice]["name"], option["label"]);
    }
}
