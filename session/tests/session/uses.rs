//! What a message can say of an action beside whom it is about: where it goes, which of several
//! things it is to be, by which sense, as a bonus action.

use gss_shared::error_code::ErrorCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::fights::{ARIA, CLERIC, Fight, GM, GOBLIN, HERO, combatants};
use crate::support::id;

/// Aria's hero, who acts first, then the monster of this block, then Bren's.
fn against(edition: &str, block: &str, at: [i32; 2], more: &Value) -> Fight {
    let mut fight = Fight::new(json!({"rules": {"edition": edition}}));
    let mut all = combatants();
    let all = all.as_array_mut().expect("a list");
    all.truncate(3);
    for (name, value) in more.as_object().into_iter().flatten() {
        all[0]["custom"][name] = value.clone();
    }
    let place = [json!([2, 2]), json!([2, 28]), json!(at)];
    for ((one, place), initiative) in all.iter_mut().zip(place).zip([30, 10, 20]) {
        one["position"] = place;
        one["initiative"] = json!(initiative);
    }
    all[2]["stat_block"] = json!(block);
    let start = json!({
        "combatants": all, "grid": {"width": 30, "height": 30}, "options": {"initiative": "all"},
    });
    fight.frame(GM, "combat_start", start).expect("starts");
    fight.pass_to(HERO);
    fight
}

impl Fight {
    fn shown(&self, who: u128) -> Value {
        self.combat(GM)["combatants"][id(who).to_string()].clone()
    }

    /// What is left of its turn: the action, the bonus action.
    fn left(&self, who: u128) -> [bool; 2] {
        let economy = &self.shown(who)["economy"];
        [economy["action"] == json!(true), economy["bonus_action"] == json!(true)]
    }

    fn fields(&mut self, who: u128, fields: &Value) {
        let update = json!({"character_id": id(who), "fields": fields});
        self.frame(GM, "combatant_update", update).expect("updates");
    }

    /// What the game master was told that this one's check was.
    fn check(&self, who: u128) -> Value {
        let told = self.got(GM).into_iter().find(|frame| frame["type"] == "action_resolve");
        let outcomes = told.expect("told")["data"]["outcomes"].clone();
        let all = outcomes.as_array().expect("a list").clone();
        let own = all.into_iter().find(|it| it["target_id"] == json!(id(who)));
        own.expect("its own")["check"].clone()
    }
}

#[test]
fn a_legendary_action_goes_where_its_path_says_and_is_what_its_option_says() {
    let mut fight = against("5.2", "tarrasque", [8, 8], &json!({}));
    fight.frame(ARIA, "turn_end", json!({"character_id": id(HERO)})).expect("ends");
    let prompt = fight.got(GM).last().expect("asked")["data"]["prompt_id"].clone();
    let answer = |path: Value| {
        json!({"prompt_id": prompt, "accept": true, "option": "onslaught", "details": {
            "targets": [id(HERO)], "choices": {"option": "tail", "path": path},
        }})
    };
    for none in [json!([7]), json!([]), json!("7,8"), json!(["7", "8"]), json!([7, 8, 6])] {
        let error = fight.frame(GM, "reaction", answer(none.clone())).expect_err("no path");
        assert_eq!(error.code, ErrorCode::InvalidArgument, "{none}");
    }
    let far = fight.frame(GM, "reaction", answer(json!([5, 8]))).expect_err("no step");
    assert_eq!(far.details["rule"], json!("invalid_path"));
    fight.frame(GM, "reaction", answer(json!([7, 8, 6, 7]))).expect("acts");
    assert_eq!(fight.shown(GOBLIN)["position"], json!([6, 7]));
    assert_eq!(fight.got(GM)[0]["data"]["option"], json!("onslaught"));
    let told = serde_json::to_string(&fight.got(GM)).expect("text");
    assert!(told.contains("\"source\":\"tail\""), "{told}");
    assert!(!told.contains("\"source\":\"claw\""), "{told}");
}

#[test]
fn a_charge_takes_the_steps_that_it_is_told() {
    let mut fight = against("5.2", "troll", [10, 2], &json!({}));
    fight.pass_to(GOBLIN);
    let charge = |path: Value| json!({"use_id": "charge", "choices": {"path": path}});
    let away = fight.declare(GM, GOBLIN, "use_action", &[], charge(json!([11, 2])));
    assert_eq!(away.expect_err("not at anybody").details["rule"], json!("invalid_path"));
    fight.declare(GM, GOBLIN, "use_action", &[], charge(json!([9, 2, 8, 2]))).expect("charges");
    assert_eq!(fight.shown(GOBLIN)["position"], json!([8, 2]));
    assert_eq!(fight.left(GOBLIN), [true, false]);
    assert_eq!(fight.shown(GOBLIN)["economy"]["movement_left_ft"], json!(30));
}

#[test]
fn who_neither_sees_nor_hears_finds_nothing() {
    let search = |conditions: &[&str]| {
        let mut fight = against("5.2", "ogre", [10, 2], &json!({}));
        let all: Vec<Value> =
            conditions.iter().map(|condition| json!({"condition": condition})).collect();
        if !all.is_empty() {
            fight.fields(HERO, &json!({"conditions_add": all}));
        }
        fight.declare(ARIA, HERO, "search", &[], json!({})).expect("searches");
        fight.check(HERO).get("roll").is_some()
    };
    assert!(search(&[]) && search(&["blinded"]) && search(&["deafened"]), "a sense is left");
    assert!(!search(&["blinded", "deafened"]), "fails without a roll");
}

#[test]
fn an_action_is_a_bonus_action_where_something_grants_it() {
    let quick = || json!({"cost": "bonus_action"});
    // A trait that grants it, and a use that can be it.
    for (edition, block) in [("5.1", "goblin"), ("5.2", "goblin-warrior")] {
        let mut fight = against(edition, block, [10, 2], &json!({}));
        fight.pass_to(GOBLIN);
        let dodge = fight.declare(GM, GOBLIN, "dodge", &[], quick()).expect_err("not granted");
        assert_eq!(dodge.code, ErrorCode::NoActionLeft);
        assert_eq!(dodge.details["rule"], json!("not_as_bonus_action"));
        fight.declare(GM, GOBLIN, "disengage", &[], quick()).expect("slips away");
        assert_eq!(fight.left(GOBLIN), [true, false], "{edition}");
        let again = fight.declare(GM, GOBLIN, "disengage", &[], quick()).expect_err("taken");
        assert_eq!(again.details["rule"], json!("no_action_left"));
    }
}

#[test]
fn a_use_of_that_name_makes_an_action_a_bonus_action() {
    let quick = || json!({"cost": "bonus_action"});
    let named = |id: &str| json!({"use_id": id, "name": id, "cost": "bonus_action", "per_day": 1});
    let uses = json!({"uses": [named("dash"), named("attack"), named("help")]});
    let mut fight = against("5.2", "ogre", [3, 2], &uses);
    fight.declare(ARIA, HERO, "dash", &[], quick()).expect("dashes");
    assert_eq!(fight.left(HERO), [true, false]);
    assert_eq!(fight.shown(HERO)["economy"]["movement_left_ft"], json!(60));
    let taken = fight.declare(ARIA, HERO, "dash", &[], quick()).expect_err("once a day");
    assert_eq!(taken.details["rule"], json!("spent"));
    let second = json!({"attack_id": "longsword", "cost": "bonus_action"});
    let taken = fight.declare(ARIA, HERO, "attack", &[GOBLIN], second.clone());
    assert_eq!(taken.expect_err("one a turn").details["rule"], json!("no_action_left"));
    fight.fields(HERO, &json!({"economy": {"bonus_action": true}}));
    let first = json!({"attack_id": "longsword"});
    fight.declare(ARIA, HERO, "attack", &[GOBLIN], first.clone()).expect("attacks");
    assert_eq!(fight.left(HERO), [false, true]);
    fight.declare(ARIA, HERO, "attack", &[GOBLIN], second).expect("attacks again");
    assert_eq!(fight.left(HERO), [false, false]);
    let third = fight.declare(ARIA, HERO, "attack", &[GOBLIN], first).expect_err("no more");
    assert_eq!(third.details["rule"], json!("no_action_left"));
    let hides = fight.declare(ARIA, HERO, "hide", &[], quick()).expect_err("not granted");
    assert_eq!(hides.details["rule"], json!("not_as_bonus_action"));
}

#[test]
fn who_charged_bites_as_a_bonus_action() {
    let mut fight = against("5.1", "panther", [8, 2], &json!({"ac": 1}));
    fight.fields(HERO, &json!({"conditions_add": [{"condition": "prone"}]}));
    fight.pass_to(GOBLIN);
    let bite = || json!({"attack_id": "bite", "cost": "bonus_action"});
    let early = fight.declare(GM, GOBLIN, "attack", &[HERO], bite()).expect_err("no charge");
    assert_eq!(early.details["rule"], json!("not_as_bonus_action"));
    let path = json!({"path": [[7, 2], [6, 2], [5, 2], [4, 2], [3, 2]]});
    fight.declare(GM, GOBLIN, "move", &[], path).expect("charges");
    fight.declare(GM, GOBLIN, "attack", &[HERO], json!({"attack_id": "claw"})).expect("claws");
    fight.declare(GM, GOBLIN, "attack", &[HERO], bite()).expect("bites");
    assert_eq!(fight.left(GOBLIN), [false, false]);
}

#[test]
fn breaking_free_of_an_effect_can_be_prepared() {
    let mut fight = against("5.2", "ogre", [3, 2], &json!({}));
    let held = json!({"name": "Held", "source_id": id(GOBLIN), "duration": {"kind": "permanent"}, "conditions": ["grappled"]});
    let apply = json!({"effect": held, "target_ids": [id(HERO)]});
    fight.frame(GM, "effect_apply", apply).expect("holds");
    let effect = fight.shown(HERO)["conditions"][0]["effect_id"].clone();
    assert!(effect.is_string(), "{}", fight.shown(HERO));
    let ready = |details: Value| {
        let action = json!({"action_type": "escape", "targets": [], "details": details});
        json!({"trigger": {"on": "custom", "text": "The horn sounds"}, "action": action})
    };
    let other = ready(json!({"effect_id": Uuid::from_u128(1)}));
    let other = fight.declare(ARIA, HERO, "ready", &[], other).expect_err("no such effect");
    assert_eq!(other.code, ErrorCode::NotFound);
    let own = ready(json!({"effect_id": effect, "skill": "athletics"}));
    fight.declare(ARIA, HERO, "ready", &[], own).expect("waits");
    assert_eq!(fight.left(HERO), [false, true]);
    fight.declare(ARIA, HERO, "use_action", &[], json!({"use_id": "ready"})).expect("now");
    assert_eq!(fight.shown(HERO)["economy"]["reaction"], json!(false));
    let told = serde_json::to_string(&fight.got(GM)).expect("text");
    assert!(told.contains("\"skill\":\"athletics\""), "{told}");
}

#[test]
fn a_healers_kit_keeps_from_dying_without_a_check() {
    let kit = json!({"resources": {"healers-kit": {"current": 2, "max": 10}}});
    let mut fight = against("5.2", "ogre", [20, 20], &kit);
    fight.fields(CLERIC, &json!({"position": [2, 3], "hp": {"current": 0}}));
    let with = |item: &str| json!({"item_id": item});
    let none = fight.declare(ARIA, HERO, "stabilize", &[CLERIC], with("rope"));
    assert_eq!(none.expect_err("none").details["rule"], json!("no_such_item"));
    fight.declare(ARIA, HERO, "stabilize", &[CLERIC], with("healers-kit")).expect("helps");
    assert_eq!(fight.shown(CLERIC)["health"], json!("stable"), "{}", fight.shown(CLERIC));
    assert_eq!(fight.left(HERO), [false, true]);
}

#[test]
fn an_attack_brings_the_features_that_are_its_makers() {
    let sword = json!([{"attack_id": "longsword", "name": "Longsword", "kind": "melee",
                        "bonus": 100, "damage": [{"dice": "1d8+3", "type": "slashing"}]}]);
    let mut uses = json!([{"use_id": "divine-smite", "name": "Divine Smite", "cost": "free",
                        "per_day": 1, "damage": [{"dice": "2d8", "type": "radiant"}]}]);
    // It could be said of every hit.
    let mut endless = uses[0].clone();
    endless["use_id"] = json!("death-throes");
    endless.as_object_mut().expect("members").remove("per_day");
    uses.as_array_mut().expect("a list").push(endless);
    let own = json!({"attacks": sword, "uses": uses});
    let mut fight = against("5.2", "ogre", [3, 2], &own);
    let details = |feature: &str| json!({"attack_id": "longsword", "features": [feature]});
    let endless = fight.declare(ARIA, HERO, "attack", &[GOBLIN], details("death-throes"));
    assert_eq!(endless.expect_err("has no limit").details["rule"], json!("not_an_action"));
    let stranger = fight.declare(ARIA, HERO, "attack", &[GOBLIN], details("sneak-attack"));
    assert_eq!(stranger.expect_err("is not its own").code, ErrorCode::InvalidArgument);
    let mut square = details("divine-smite");
    square["at"] = json!([3, 2]);
    let refused = fight.declare(ARIA, HERO, "attack", &[], square).expect_err("at nobody");
    assert_eq!(
        (refused.code, &refused.details["rule"]),
        (ErrorCode::RuleViolation, &json!("wrong_manner"))
    );
    fight.declare(ARIA, HERO, "attack", &[GOBLIN], details("divine-smite")).expect("strikes");
    let resolved = fight.got(GM).into_iter().find(|frame| frame["type"] == "action_resolve");
    let damage = resolved.expect("told")["data"]["outcomes"][0]["damage"].clone();
    let types: Vec<&Value> =
        damage["parts"].as_array().expect("parts").iter().map(|it| &it["type"]).collect();
    assert_eq!(types, ["slashing", "radiant"], "{damage}");
    assert_eq!(fight.shown(HERO)["spent"], json!({"divine-smite": 1}));
}

#[test]
fn a_push_goes_to_a_square_that_is_away_and_to_no_other() {
    // Too strong for a goblin.
    let strong =
        json!({"abilities": {"str": 30, "dex": 10, "con": 10, "int": 10, "wis": 10, "cha": 10}});
    let mut fight = against("5.2", "goblin-warrior", [3, 2], &strong);
    for (effect, to) in [("push", [4, 4]), ("push", [3, 3]), ("prone", [4, 3])] {
        let details = json!({"effect": effect, "to": to});
        let refused = fight.declare(ARIA, HERO, "shove", &[GOBLIN], details);
        let refused = refused.expect_err("is not away");
        assert_eq!(refused.code, ErrorCode::RuleViolation);
        assert_eq!(refused.details["rule"], "invalid_path");
    }
    let details = json!({"effect": "push", "to": [4, 3]});
    fight.declare(ARIA, HERO, "shove", &[GOBLIN], details).expect("shoves");
    let prompt = fight.got(GM).last().expect("asked")["data"]["prompt_id"].clone();
    fight.frame(GM, "choice", json!({"prompt_id": prompt, "choice": "str"})).expect("chooses");
    assert_eq!(fight.shown(GOBLIN)["position"], json!([4, 3]));
}

#[test]
fn an_opportunity_is_a_weapon_a_fist_or_what_a_fist_does_instead() {
    let mut fight = against("5.2", "goblin-warrior", [3, 2], &json!({}));
    fight.declare(ARIA, HERO, "move", &[], json!({"path": [[1, 2]]})).expect("leaves");
    let prompt = fight.got(GM).last().expect("asked")["data"].clone();
    let option =
        |option: &str, label: &str| json!({"option": option, "label": label, "cost": "reaction"});
    assert_eq!(
        prompt["options"],
        json!([
            option("scimitar", "Scimitar"),
            option("unarmed", "unarmed"),
            option("grapple", "grapple"),
            option("shove-prone", "shove prone"),
            option("shove-push", "shove push"),
        ])
    );
    let answer = json!({"prompt_id": prompt["prompt_id"], "accept": true, "option": "shove-prone"});
    fight.frame(GM, "reaction", answer).expect("shoves");
    let asked = fight.got(ARIA).last().expect("asked")["data"].clone();
    assert_eq!(
        (&asked["character_id"], &asked["kind"]),
        (&json!(id(HERO)), &json!("save_ability"))
    );
    let choice = json!({"prompt_id": asked["prompt_id"], "choice": "dex"});
    fight.frame(ARIA, "choice", choice).expect("chooses");
    let (hero, lies) =
        (fight.shown(HERO), json!([{"condition": "prone", "source_id": id(GOBLIN)}]));
    let stays = hero["position"] == json!([2, 2]) && hero["conditions"] == lies;
    let goes = hero["position"] == json!([1, 2]) && hero["conditions"] == json!([]);
    assert!(stays || goes, "{hero}");
    assert_eq!(fight.shown(GOBLIN)["economy"]["reaction"], false);
}
