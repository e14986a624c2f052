//! What a message can say of a casting: as a ritual, over several turns, from a thing.

use gss_shared::error_code::ErrorCode;
use gss_shared::ids::PlayerId;
use serde_json::{Value, json};

use crate::fights::{ARIA, BREN, CLERIC, Fight, GM, GOBLIN, HERO, WATCHER, combatants};
use crate::support::id;

/// Bren's turn: of who casts these, and has a wand and a staff.
fn casting(spells: &[&str]) -> Fight {
    casting_at(spells, 14)
}

/// As [`casting`], with a DC of saves against its spells.
fn casting_at(spells: &[&str], dc: u8) -> Fight {
    let mut fight = Fight::new(json!({"rules": {"edition": "5.2"}}));
    let mut all = combatants();
    let all = all.as_array_mut().expect("a list");
    all.truncate(3);
    for (one, initiative) in all.iter_mut().zip([10, 30, 20]) {
        one["initiative"] = json!(initiative);
    }
    let custom = &mut all[1]["custom"];
    custom["spellcasting"]["spells"] = json!(spells);
    custom["spellcasting"]["dc"] = json!(dc);
    custom["spellcasting"]["slots"]["8"] = json!(1);
    custom["resources"] = json!({
        "wand-of-magic-missiles": {"current": 7, "max": 7},
        "staff-of-fire": {"current": 2, "max": 10},
    });
    let start = json!({
        "combatants": all, "grid": {"width": 30, "height": 30}, "options": {"initiative": "all"},
    });
    fight.frame(GM, "combat_start", start).expect("starts");
    fight
}

impl Fight {
    fn casts(&mut self, targets: &[u128], details: Value) -> Result<(), Value> {
        let done = self.declare(BREN, CLERIC, "cast", targets, details);
        done.map(|_| ()).map_err(|error| json!([error.code, error.details]))
    }

    fn caster(&self) -> Value {
        self.combat(BREN)["combatants"][id(CLERIC).to_string()].clone()
    }

    /// Keys of effects as somebody sees them.
    fn keys(&self, who: u128) -> Vec<Value> {
        let effects = self.combat(who)["effects"].as_object().cloned().unwrap_or_default();
        effects.values().map(|effect| effect["key"].clone()).collect()
    }

    fn all_end(&mut self) {
        for _ in 0..3 {
            let active = self.combat(GM)["active_character"].clone();
            self.frame(GM, "turn_end", json!({"character_id": active})).expect("ends");
        }
    }
}

#[test]
fn a_ritual_is_begun_and_gone_on_with_without_a_slot() {
    let mut fight = casting(&["detect-magic", "bless"]);
    let ritual = json!({"spell": "detect-magic", "slot_level": 0, "ritual": true});
    let slots = fight.caster()["spell_slots"].clone();
    for _ in 0..3 {
        fight.casts(&[], ritual.clone()).expect("casts");
        assert_eq!(fight.keys(WATCHER), [json!("ritual")]);
        assert_eq!(fight.caster()["economy"]["action"], json!(false));
        fight.all_end();
    }
    assert_eq!(fight.caster()["spell_slots"], slots);
    assert!(fight.caster()["concentration"].is_string());
    let plain = fight.casts(&[CLERIC], json!({"spell": "bless", "slot_level": 0, "ritual": true}));
    assert_eq!(plain.expect_err("no ritual")[1]["rule"], json!("not_a_ritual"));
    // A turn without it ends it.
    fight.all_end();
    assert_eq!(fight.keys(GM), [] as [Value; 0]);
    assert!(fight.caster()["concentration"].is_null());
}

#[test]
fn a_thing_casts_for_its_charges() {
    let mut fight = casting(&["bless"]);
    let cast = |spell: &str, slot_level: u8, item: &str| json!({"spell": spell, "slot_level": slot_level, "item_id": item});
    let slots = fight.caster()["spell_slots"].clone();
    for (details, rule) in [
        (cast("magic-missile", 1, "wand-of-fireballs"), "no_such_item"),
        (cast("fireball", 3, "wand-of-magic-missiles"), "unknown_spell"),
        (cast("fireball", 3, "staff-of-fire"), "no_such_item"),
        (cast("magic-missile", 8, "wand-of-magic-missiles"), "no_slot"),
    ] {
        let refused = fight.casts(&[GOBLIN], details.clone()).expect_err("refused");
        assert_eq!(refused[1]["rule"], json!(rule), "{details}");
    }
    let four = [GOBLIN; 4];
    fight.casts(&four, cast("magic-missile", 2, "wand-of-magic-missiles")).expect("casts");
    let caster = fight.caster();
    assert_eq!(caster["resources"]["wand-of-magic-missiles"]["current"], json!(5));
    assert_eq!(caster["spell_slots"], slots);
}

#[test]
fn a_feature_that_changes_a_spell_is_left_to_the_game_master() {
    let mut fight = casting(&["bless"]);
    let details = json!({"spell": "bless", "slot_level": 1, "features": ["twinned-spell"]});
    let refused = fight.casts(&[CLERIC], details).expect_err("refused");
    assert_eq!(refused[0], json!(ErrorCode::RuleViolation));
    assert_eq!(refused[1]["action_type"], json!("cast"));
    assert_eq!(fight.caster()["economy"]["action"], json!(true));
}

/// 5.2: a goblin is a fey, and nobody is told so, by a refusal or by that it made no save.
#[test]
fn a_spell_on_the_wrong_kind_seems_to_have_been_saved_against() {
    let mut fight = casting(&["hold-person"]);
    let details = json!({"spell": "hold-person", "slot_level": 2});
    fight.casts(&[GOBLIN], details).expect("casts");
    let caster = fight.caster();
    assert_eq!(caster["spell_slots"]["2"]["current"], json!(2));
    assert!(caster["concentration"].is_null());
    assert_eq!(fight.keys(GM), [] as [Value; 0]);
    for who in [BREN, WATCHER] {
        let frames = fight.got(who);
        let told = frames.iter().find(|frame| frame["type"] == "action_resolve");
        let told = &told.expect("what came of it")["data"];
        let roll = told["rolls"][0].clone();
        assert!(roll["total"].as_i64().is_some_and(|total| total >= 14), "{roll}");
        let (target, nothing) = (id(GOBLIN), json!({"total": 0, "parts": [], "temp_absorbed": 0}));
        let save = json!({"ability": "wis", "success": true, "roll": roll});
        let outcome = json!({"target_id": target, "effects": ["save_succeeded"], "save": save,
                             "damage": nothing, "conditions": []});
        // Before it, that the caster concentrates.
        assert_eq!(told["outcomes"][1], outcome);
        assert_eq!(told["rolls"].as_array().map(Vec::len), Some(1));
    }
}

#[test]
fn who_commands_a_creature_is_asked_what_it_is_asked() {
    let mut fight = casting_at(&["dominate-monster"], 50);
    let settings = json!({"turn_seconds": 60});
    fight.rest(GM, json!({"kind": "update", "settings": settings})).expect("set");
    fight.casts(&[GOBLIN], json!({"spell": "dominate-monster", "slot_level": 8})).expect("casts");
    fight.pass_to(GOBLIN);
    // Who commands it is who may be absent.
    let ends = |fight: &Fight, absent: u128| {
        fight.table.session().acts_at(|player| player == PlayerId(id(absent)))
    };
    assert_eq!(ends(&fight, BREN), Some(fight.table.now.plus_ms(60_000)));
    assert_eq!(ends(&fight, ARIA), None);
    let weak = json!({"hp": {"current": 1, "temp": 0}, "ac": 0});
    for (who, fields) in [(HERO, weak), (GOBLIN, json!({"position": [3, 2]}))] {
        let data = json!({"character_id": id(who), "fields": fields});
        fight.frame(GM, "combatant_update", data).expect("updates");
    }
    while fight.combat(GM)["prompts"] == json!({}) {
        // A 1 misses whatever it is against.
        let again = json!({"character_id": id(GOBLIN), "fields": {"economy": {"action": true}}});
        fight.frame(GM, "combatant_update", again).expect("again");
        let scimitar = json!({"attack_id": "scimitar"});
        fight.declare(BREN, GOBLIN, "attack", &[HERO], scimitar).expect("strikes");
    }
    for (who, asked) in [(GM, true), (BREN, true), (ARIA, false), (WATCHER, false)] {
        assert_eq!(fight.types(who).contains(&"choice_prompt"), asked, "{who}");
        assert_eq!(fight.combat(who)["prompts"] != json!({}), asked, "{who}");
    }
    // A pause, and it is asked again: of the same.
    fight.rest(GM, json!({"kind": "pause"})).expect("pauses");
    fight.rest(GM, json!({"kind": "resume"})).expect("goes on");
    for (who, asked) in [(GM, true), (BREN, true), (ARIA, false), (WATCHER, false)] {
        assert_eq!(fight.types(who).contains(&"choice_prompt"), asked, "{who}");
    }
    let prompt = fight.got(BREN).last().expect("asked")["data"].clone();
    assert_eq!(prompt["target_id"], json!(id(HERO)));
    let answer = json!({"prompt_id": prompt["prompt_id"], "choice": "knock_out"});
    let other = fight.frame(ARIA, "choice", answer.clone()).expect_err("not hers");
    assert_eq!(other.code, ErrorCode::NotYourCharacter);
    fight.frame(BREN, "choice", answer).expect("spares");
    for (who, option) in [(BREN, json!("knock_out")), (ARIA, json!(null))] {
        assert_eq!(fight.got(who)[0]["data"]["option"], option, "{who}");
    }
    assert_eq!(fight.combat(GM)["combatants"][id(HERO).to_string()]["hp"]["current"], json!(1));
}
