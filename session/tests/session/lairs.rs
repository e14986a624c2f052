//! A lair at a table: its owner is asked on count 20, and the others see only what comes of it.

use gss_session::service_time_out;
use gss_shared::ids::ActionId;
use serde_json::{Value, json};

use crate::fights::{ARIA, Fight, GM, HERO, WATCHER, combatants};
use crate::support::id;

const DRAGON: u128 = 107;

fn dragon() -> Value {
    json!({
        "character_id": id(DRAGON), "name": "Dragon", "kind": "monster", "side": "enemies",
        "position": [9, 2], "initiative": 1,
        "custom": {
            "size": "large",
            "abilities": {"str": 19, "dex": 10, "con": 17, "int": 12, "wis": 11, "cha": 15},
            "ac": 18, "hp": {"current": 90, "max": 90, "temp": 0}, "speeds": {"walk": 40},
            "uses": [
                {"use_id": "tremor", "name": "Tremor", "cost": "lair", "targets": 1,
                 "range_ft": 120, "damage": [{"dice": "2", "type": "bludgeoning"}]},
                {"use_id": "vents", "name": "Vents", "cost": "lair", "targets": 1,
                 "range_ft": 120, "damage": [{"dice": "1", "type": "fire"}]},
            ],
        },
    })
}

/// By the old rules; all have less than 20, so that the lair is asked before the first turn.
fn at_home() -> Fight {
    home_of(dragon())
}

fn home_of(owner: Value) -> Fight {
    let settings = json!({"rules": {"edition": "5.1"}, "reaction_seconds": 10});
    let mut fight = Fight::new(settings);
    let mut all = combatants();
    let all = all.as_array_mut().expect("a list");
    for (one, initiative) in all.iter_mut().zip([15, 12, 10, 8, 6]) {
        one["initiative"] = json!(initiative);
        if let Some(block) = one.get_mut("stat_block") {
            *block = json!("goblin");
        }
    }
    all.push(owner);
    let start = json!({
        "combatants": all, "grid": {"width": 12, "height": 12}, "options": {"initiative": "all"},
    });
    fight.frame(GM, "combat_start", start).expect("starts");
    fight
}

#[test]
fn the_lair_acts_before_the_first_turn() {
    let mut fight = at_home();
    let seen = fight.combat(ARIA);
    assert_eq!((&seen["step"], &seen["prompts"]), (&json!("awaiting_decision"), &json!({})));
    assert!(!fight.types(ARIA).contains(&"reaction_prompt"));
    let prompt = fight.got(GM).last().expect("asked")["data"].clone();
    assert_eq!(prompt["character_id"], json!(id(DRAGON)));
    assert_eq!(prompt["trigger"], json!({"kind": "other", "text": "Lair action"}));
    assert_eq!(
        prompt["options"],
        json!([{"option": "tremor", "label": "Tremor", "cost": "free"},
               {"option": "vents", "label": "Vents", "cost": "free"}])
    );
    let answer = json!({"prompt_id": prompt["prompt_id"], "accept": true, "option": "tremor",
                        "details": {"targets": [id(HERO)]}});
    fight.frame(ARIA, "reaction", answer.clone()).expect_err("not hers");
    fight.frame(GM, "reaction", answer).expect("acts");
    assert_eq!(
        fight.types(WATCHER),
        ["reaction_resolved", "action_resolve", "turn_change"],
        "{:?}",
        fight.got(WATCHER)
    );
    let told = fight.got(WATCHER)[1]["data"].clone();
    assert_eq!(
        (&told["character_id"], &told["cause"]["kind"]),
        (&json!(id(DRAGON)), &json!("reaction"))
    );
    let hero = &fight.combat(ARIA)["combatants"][id(HERO).to_string()];
    assert_eq!(hero["hp"], json!({"current": 22, "max": 22, "temp": 1}));
    assert_eq!(fight.combat(ARIA)["active_character"], json!(id(HERO)));
}

#[test]
fn time_runs_out_for_a_lair_and_its_round_comes_back_with_the_fight() {
    let mut fight = at_home();
    let before = fight.table.session().position().version;
    fight.table.now = fight.table.now.plus_ms(10_000);
    fight.table.run(&service_time_out(ActionId(id(7_001)), false)).expect("in time");
    assert_eq!(fight.got(GM)[0]["data"]["result"], "timed_out");
    assert_eq!(fight.combat(ARIA)["active_character"], json!(id(HERO)));
    let back = json!({"to_version": before.to_string()});
    fight.frame(GM, "turn_rewind", back).expect("taken back");
    assert_eq!(fight.combat(GM)["prompts"].as_object().map(serde_json::Map::len), Some(1));
    fight.table.now = fight.table.now.plus_ms(10_000);
    fight.table.run(&service_time_out(ActionId(id(7_002)), false)).expect("in time");
    for _ in 0..6 {
        let active = fight.combat(GM)["active_character"].clone();
        fight.frame(GM, "turn_end", json!({"character_id": active})).expect("ends");
    }
    let asked = fight.got(GM).last().expect("asked")["data"].clone();
    assert_eq!(
        (&fight.combat(GM)["round"], &asked["character_id"]),
        (&json!(1), &json!(id(DRAGON)))
    );
}

#[test]
fn of_a_hidden_owner_nobody_hears_that_it_is_asked() {
    let mut owner = dragon();
    owner["hidden"] = json!(true);
    let mut fight = home_of(owner);
    for who in [ARIA, WATCHER] {
        let seen = fight.combat(who);
        assert_eq!((&seen["step"], &seen["prompts"]), (&json!("acting"), &json!({})), "{who}");
    }
    let asked = fight.combat(GM);
    assert_eq!(asked["step"], "awaiting_decision");
    let prompts = asked["prompts"].as_object().expect("prompts");
    let prompt = prompts.keys().next().expect("one").clone();
    fight.frame(GM, "reaction", json!({"prompt_id": prompt, "accept": false})).expect("declines");
    for who in [ARIA, WATCHER] {
        assert!(!fight.types(who).contains(&"reaction_resolved"), "{who}");
        assert_eq!(fight.combat(who)["step"], "acting");
    }
}
