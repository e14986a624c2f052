//! What a game master makes happen, and what a player is asked as a blow lands.

use gss_session::service_time_out;
use gss_shared::error_code::ErrorCode;
use gss_shared::ids::ActionId;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::fights::{ALL, ARIA, BREN, CLERIC, Fight, GM, GOBLIN, HERO, LURKER, OGRE, WATCHER};
use crate::schema;
use crate::support::id;

/// Aria's turn; the goblin is beside her hero.
fn fight(edition: &str) -> Fight {
    fight_with(edition, json!({}))
}

fn fight_with(edition: &str, mut settings: Value) -> Fight {
    let mut all = crate::fights::combatants();
    for one in all.as_array_mut().expect("a list") {
        if edition == "5.1" && one.get("stat_block").is_some() {
            one["stat_block"] = json!("goblin");
        }
    }
    all[2]["position"] = json!([3, 2]);
    settings["rules"] = json!({"edition": edition});
    let mut fight = Fight::new(settings);
    let start = json!({"combatants": all, "grid": {"width": 12, "height": 12},
                       "options": {"name": "Ford", "initiative": "all"}});
    fight.frame(GM, "combat_start", start).expect("starts");
    let order: Vec<Uuid> = ALL.iter().map(|who| id(*who)).collect();
    fight.frame(GM, "initiative_order", json!({"order": order})).expect("ordered");
    while fight.combat(GM)["active_character"] != json!(id(HERO)) {
        let active = fight.combat(GM)["active_character"].clone();
        fight.frame(GM, "turn_end", json!({"character_id": active})).expect("ends");
    }
    fight
}

fn shown(fight: &Fight, to: u128, who: u128) -> Value {
    fight.combat(to)["combatants"][id(who).to_string()].clone()
}

fn at_once(effect: &Value, targets: &[u128]) -> Value {
    let mut whole = json!({"name": "Rockfall", "duration": {"kind": "instant"}});
    for (name, value) in effect.as_object().expect("members") {
        whole[name] = value.clone();
    }
    let targets: Vec<Uuid> = targets.iter().map(|target| id(*target)).collect();
    json!({"effect": whole, "target_ids": targets})
}

/// The one `action_resolve` of the last command that somebody got.
fn resolved(fight: &Fight, to: u128) -> Value {
    let told: Vec<&Value> =
        fight.got(to).into_iter().filter(|frame| frame["type"] == "action_resolve").collect();
    assert_eq!(told.len(), 1, "{:?}", fight.got(to));
    told[0]["data"].clone()
}

#[test]
fn a_game_master_deals_damage_and_asks_for_saves() {
    let mut fight = fight("5.2");
    let damage = json!({"damage": {"dice": [{"dice": "6", "type": "fire"}], "edge": "start"}});
    fight.frame(GM, "effect_apply", at_once(&damage, &[HERO, LURKER])).expect("burns");
    let told = resolved(&fight, ARIA);
    assert_eq!(told["cause"], json!({"kind": "override"}));
    // The hidden one is no player's to hear of.
    let outcomes = told["outcomes"].as_array().expect("outcomes");
    assert_eq!(outcomes.len(), 1);
    assert_eq!(outcomes[0]["target_id"], json!(id(HERO)));
    assert_eq!(
        outcomes[0]["damage"],
        json!({
            "total": 6, "parts": [{"type": "fire", "rolled": 6, "applied": 6}],
            "temp_absorbed": 3, "hp": {"current": 19, "max": 22, "temp": 0}
        })
    );
    assert_eq!(resolved(&fight, GM)["outcomes"].as_array().map(Vec::len), Some(2));
    let save =
        json!({"damage": {"dice": [], "edge": "start", "save": {"ability": "wis", "dc": 1}}});
    fight.frame(GM, "effect_apply", at_once(&save, &[CLERIC])).expect("asks");
    let told = resolved(&fight, BREN);
    assert_eq!(told["outcomes"][0]["save"]["success"], json!(true));
    assert_eq!(told["outcomes"][0]["save"]["dc"], json!(1));
    assert_eq!(resolved(&fight, WATCHER)["outcomes"][0]["save"].get("dc"), None);
    let nothing = at_once(&json!({"conditions": ["prone"]}), &[HERO]);
    let refused = fight.frame(GM, "effect_apply", nothing).expect_err("nothing");
    assert_eq!(refused.details["rule"], json!("nothing_to_do"));
    let dc = json!({"damage": {"dice": [], "edge": "start", "save": {"ability": "wis", "dc": 51}}});
    let refused = fight.frame(GM, "effect_apply", at_once(&dc, &[HERO])).expect_err("too high");
    assert_eq!(refused.code, ErrorCode::InvalidArgument);
}

#[test]
fn a_game_master_calls_for_concentration() {
    let mut fight = fight("5.2");
    let bless = json!({"name": "Bless", "source_id": id(CLERIC), "concentration": true,
                       "duration": {"kind": "seconds", "seconds": 60}});
    let bless = json!({"effect": bless, "target_ids": [id(HERO)]});
    fight.frame(GM, "effect_apply", bless).expect("blesses");
    assert!(shown(&fight, BREN, CLERIC)["concentration"].is_string());
    let call = |dc: i32| {
        json!({"concentration": true, "damage": {
            "dice": [], "edge": "start", "save": {"ability": "con", "dc": dc}
        }})
    };
    fight.frame(GM, "effect_apply", at_once(&call(0), &[CLERIC])).expect("keeps");
    assert!(fight.types(BREN).contains(&"concentration_check"));
    assert!(shown(&fight, BREN, CLERIC)["concentration"].is_string());
    fight.frame(GM, "effect_apply", at_once(&call(50), &[CLERIC])).expect("loses");
    assert!(shown(&fight, BREN, CLERIC)["concentration"].is_null());
    assert_eq!(fight.combat(GM)["effects"], json!({}));
}

#[test]
fn who_is_put_lower_falls_for_that_reason_alone() {
    let mut fight = fight("5.2");
    let mut update = |fields: Value, reason: &str| {
        let data = json!({"character_id": id(HERO), "fields": fields, "reason": reason});
        fight.frame(GM, "combatant_update", data).expect("updates");
        let (types, hero) = (fight.types(ARIA).join(" "), shown(&fight, ARIA, HERO));
        (types, hero, fight.got(ARIA).last().expect("told")["data"].clone())
    };
    update(json!({"elevation_ft": 25}), "a ledge");
    let (types, hero, _) = update(json!({"elevation_ft": 20}), "climbs down");
    assert_eq!((types.as_str(), &hero["hp"]["current"]), ("combatant_changed", &json!(22)));
    let (types, hero, told) = update(json!({"elevation_ft": 0, "position": [2, 3]}), "fall");
    assert_eq!(types, "combatant_changed action_resolve");
    assert_eq!((&hero["elevation_ft"], &hero["position"]), (&json!(0), &json!([2, 3])));
    assert_eq!(told["cause"], json!({"kind": "override"}));
    let outcome = &told["outcomes"][0];
    let effects: Vec<&str> =
        outcome["effects"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert!(effects.contains(&"fell") && effects.contains(&"condition_gained:prone"), "{outcome}");
    let dealt = outcome["damage"]["total"].as_i64().expect("damage");
    assert!((2..=12).contains(&dealt), "{outcome}");
    // A pit.
    let (types, hero, _) = update(json!({"elevation_ft": -5}), "fall");
    assert_eq!((types.as_str(), &hero["elevation_ft"]), ("action_resolve", &json!(-5)));
    // No harm is done by a few feet, and they are told.
    let (types, ..) = update(json!({"elevation_ft": -8, "ac": 16}), "fall");
    assert_eq!(types, "combatant_changed action_resolve");
    // Nobody falls upward.
    let (types, ..) = update(json!({"elevation_ft": 5}), "fall");
    assert_eq!(types, "combatant_changed");
}

#[test]
fn what_else_brings_it_down_leaves_no_fall() {
    let mut fight = fight("5.2");
    let mut update = |who: u128, fields: Value| {
        let data = json!({"character_id": id(who), "fields": fields, "reason": "fall"});
        fight.frame(GM, "combatant_update", data).expect("updates");
        (fight.types(GM).join(" "), shown(&fight, GM, who))
    };
    let flies = json!({"speeds": {"walk": 30, "fly": 30}, "elevation_ft": 30});
    update(HERO, flies);
    // Who has no wings any more falls for that.
    let (_, hero) = update(HERO, json!({"speeds": {"walk": 30}, "elevation_ft": 0}));
    assert_eq!(hero["elevation_ft"], json!(0));
    // Who is killed is laid where it is said to be.
    update(GOBLIN, json!({"elevation_ft": 20}));
    let (_, goblin) = update(GOBLIN, json!({"hp": {"current": 0}, "elevation_ft": 0}));
    assert_eq!((&goblin["elevation_ft"], &goblin["health"]), (&json!(0), &json!("dead")));
    let (types, goblin) = update(GOBLIN, json!({"elevation_ft": -10}));
    assert_eq!((types.as_str(), &goblin["elevation_ft"]), ("combatant_changed", &json!(-10)));
}

#[test]
fn what_a_change_asks_comes_before_the_fall() {
    let mut fight = fight("5.2");
    let own = json!({"kind": "update", "settings": {"physical_dice": true}});
    fight.rest(GM, own).expect("set");
    let mut update = |fields: Value| {
        let data = json!({"character_id": id(HERO), "fields": fields, "reason": "fall"});
        fight.frame(GM, "combatant_update", data).expect("updates");
    };
    update(json!({"elevation_ft": 20}));
    let stable = json!({"successes": 0, "failures": 0, "stable": true});
    update(json!({"hp": {"current": 0, "temp": 0}, "death_saves": stable, "elevation_ft": 0}));
    assert_eq!(fight.types(ARIA), ["combatant_changed", "dice_prompt"]);
    assert_eq!(shown(&fight, ARIA, HERO)["elevation_ft"], json!(20));
    for faces in [vec![3], vec![1, 2]] {
        let asked = fight.got(ARIA).last().expect("asked")["data"]["prompt_id"].clone();
        fight.frame(ARIA, "dice", json!({"prompt_id": asked, "faces": faces})).expect("thrown");
    }
    let hero = shown(&fight, ARIA, HERO);
    assert_eq!((&hero["elevation_ft"], &hero["health"]), (&json!(0), &json!("dying")));
    assert_eq!(hero["death_saves"]["failures"], json!(1));
}

/// The hero strikes until the goblin would fall.
fn brings_down(fight: &mut Fight) {
    let weak = json!({"character_id": id(GOBLIN), "fields": {"hp": {"current": 1}, "ac": 0}});
    fight.frame(GM, "combatant_update", weak).expect("weakens");
    let blow = json!({"attack_id": "longsword"});
    while !fight.types(ARIA).contains(&"choice_prompt") {
        // A 1 misses whatever it is against.
        let action = json!({"character_id": id(HERO), "fields": {"economy": {"action": true}}});
        fight.frame(GM, "combatant_update", action).expect("again");
        fight.declare(ARIA, HERO, "attack", &[GOBLIN], blow.clone()).expect("strikes");
    }
}

#[test]
fn whether_a_blow_kills_is_asked_as_all_else_is() {
    // Without a deadline it waits, for the player or the game master.
    let mut fight = fight_with("5.2", json!({"reaction_seconds": 0}));
    brings_down(&mut fight);
    assert_eq!(fight.table.session().acts_at(|_| true), None);
    let early = fight.table.run(&service_time_out(ActionId(id(7_000)), true));
    assert!(early.is_err(), "{early:?}");
    let prompts = fight.combat(GM)["prompts"].clone();
    assert_eq!(prompts, fight.combat(ARIA)["prompts"]);
    let prompt = prompts.as_object().and_then(|it| it.values().next()).expect("a question");
    assert_eq!((&prompt["kind"], &prompt["deadline"]), (&json!("knock_out"), &json!(null)));
    let answer = json!({"prompt_id": prompt["prompt_id"], "choice": "knock_out"});
    fight.frame(GM, "choice", answer).expect("spares");
    assert_eq!(shown(&fight, ARIA, GOBLIN)["health"], json!("bloodied"));
    // With one it strikes down then, whoever is absent.
    let mut fight = self::fight("5.2");
    brings_down(&mut fight);
    let deadline = fight.table.now.plus_ms(15_000);
    assert_eq!(fight.table.session().acts_at(|_| true), Some(deadline));
    let early = fight.table.run(&service_time_out(ActionId(id(7_001)), true));
    assert!(early.is_err(), "{early:?}");
    fight.table.now = deadline;
    fight.table.run(&service_time_out(ActionId(id(7_002)), false)).expect("in time");
    assert_eq!(shown(&fight, ARIA, GOBLIN)["health"], json!("dead"));
}

#[test]
fn a_player_is_asked_whether_its_blow_kills() {
    for (edition, health) in [("5.1", "stable"), ("5.2", "bloodied")] {
        let mut fight = fight(edition);
        brings_down(&mut fight);
        let prompt = fight.got(ARIA).last().expect("asked")["data"].clone();
        assert_eq!(prompt["kind"], json!("knock_out"));
        assert_eq!(prompt["target_id"], json!(id(GOBLIN)));
        assert_eq!(
            prompt["options"],
            json!([{"choice": "strike_down", "label": "strike down"},
                   {"choice": "knock_out", "label": "knock out"}])
        );
        assert_eq!(prompt["default"], json!("strike_down"));
        assert!(!fight.types(BREN).contains(&"choice_prompt"));
        let answer = json!({"prompt_id": prompt["prompt_id"], "choice": "knock_out"});
        let other = fight.frame(BREN, "choice", answer.clone()).expect_err("not his");
        assert_eq!(other.code, ErrorCode::NotYourCharacter);
        fight.frame(ARIA, "choice", answer).expect("spares");
        assert_eq!(shown(&fight, BREN, GOBLIN)["health"], json!(health));
        assert_ne!(shown(&fight, BREN, OGRE)["health"], json!(health));
    }
}

#[test]
fn what_is_held_is_seen_and_keeps_the_hands() {
    let mut fight = fight("5.2");
    let draw = |item: &str| json!({"kind": "draw", "item_id": item});
    fight.declare(ARIA, HERO, "interact", &[], draw("longsword")).expect("draws");
    let seen = shown(&fight, WATCHER, HERO);
    assert_eq!(seen["held"], json!(["longsword"]));
    let known = &schema::definition("common.json", "combatant_view")["properties"];
    let unknown: Vec<&String> = seen.as_object().expect("members").keys().collect();
    let unknown: Vec<_> = unknown.into_iter().filter(|it| known[it.as_str()].is_null()).collect();
    assert_eq!(unknown, Vec::<&String>::new());
    let again = json!({"character_id": id(HERO), "fields": {"economy": {"interaction": true}}});
    fight.frame(GM, "combatant_update", again).expect("again");
    fight.declare(ARIA, HERO, "interact", &[], draw("shield")).expect("draws");
    let full = fight.declare(ARIA, HERO, "grapple", &[GOBLIN], json!({})).expect_err("full");
    assert_eq!(full.details["rule"], json!("no_free_hand"));
    let down = json!({"character_id": id(HERO), "fields": {"hp": {"current": 0}}});
    fight.frame(GM, "combatant_update", down).expect("falls");
    assert_eq!(shown(&fight, WATCHER, HERO).get("held"), None);
}

#[test]
fn a_rest_is_a_game_masters_updates() {
    let mut fight = fight("5.2");
    let mut update = |fields: Value| {
        let data = json!({"character_id": id(HERO), "fields": fields, "reason": "A long rest"});
        fight.frame(GM, "combatant_update", data).expect("updates");
        shown(&fight, ARIA, HERO)
    };
    let level = |hero: &Value| {
        let conditions = hero["conditions"].as_array().expect("a list");
        let all: Vec<&Value> =
            conditions.iter().filter(|it| it["condition"] == "exhaustion").collect();
        assert!(all.len() < 2, "{conditions:?}");
        all.first().map(|it| it["level"].clone())
    };
    let exhausted = |level: u8| json!([{"condition": "exhaustion", "level": level}]);
    let hero = update(json!({"conditions_add": exhausted(3)}));
    assert_eq!(level(&hero), Some(json!(3)));
    // A level less: all of them off, and so many on.
    let hero = update(json!({
        "conditions_remove": ["exhaustion"], "conditions_add": exhausted(2),
    }));
    assert_eq!(level(&hero), Some(json!(2)));
    let hero = update(json!({"conditions_remove": ["exhaustion"]}));
    assert_eq!(level(&hero), None);
    // A use of once a day comes back by its pool.
    let wind = json!({"use_id": "second-wind"});
    fight.declare(ARIA, HERO, "use_action", &[], wind.clone()).expect("a breath");
    let again = json!({"character_id": id(HERO), "fields": {"economy": {"bonus_action": true}}});
    fight.frame(GM, "combatant_update", again.clone()).expect("again");
    let spent = fight.declare(ARIA, HERO, "use_action", &[], wind.clone()).expect_err("spent");
    assert_eq!(spent.details["rule"], json!("spent"));
    let pool = json!({"resources": {"second-wind": {"current": 1, "max": 1}}});
    let rested = json!({"character_id": id(HERO), "fields": pool, "reason": "A long rest"});
    fight.frame(GM, "combatant_update", rested).expect("rests");
    fight.declare(ARIA, HERO, "use_action", &[], wind).expect("another breath");
}

#[test]
fn what_a_rest_recharges_comes_back_by_its_pool() {
    const DUERGAR: u128 = 106;
    let mut fight = fight("5.1");
    let duergar = json!({"character_id": id(DUERGAR), "kind": "monster", "side": "enemies",
                         "stat_block": "duergar", "position": [9, 9], "initiative": -9});
    fight.frame(GM, "combatant_add", json!({"combatant": duergar})).expect("joins");
    fight.pass_to(DUERGAR);
    let mut enlarges = |update: Value| {
        let data = json!({"character_id": id(DUERGAR), "fields": update, "reason": "A short rest"});
        fight.frame(GM, "combatant_update", data).expect("updates");
        let done = fight.declare(GM, DUERGAR, "use_action", &[], json!({"use_id": "enlarge"}));
        let spent = shown(&fight, GM, DUERGAR)["spent"].clone();
        (done.map(|_| ()).map_err(|error| error.details["rule"].clone()), spent)
    };
    let spent = json!({"enlarge": 1});
    let again = json!({"economy": {"action": true}});
    assert_eq!(enlarges(again.clone()), (Ok(()), spent.clone()));
    assert_eq!(enlarges(again), (Err(json!("spent")), spent.clone()));
    let rested = json!({"economy": {"action": true},
                        "resources": {"enlarge": {"current": 1, "max": 1}}});
    assert_eq!(enlarges(rested), (Ok(()), spent));
}
