//! Records in full, and texts that are refused.

use gss_rules::Edition;
use gss_rules::content::{Content, ContentError, Texts};
use serde_json::{Value, json};

fn monster(edition: Edition, id: &str) -> Value {
    let content = Content::parse(Texts::of(edition)).expect("content");
    serde_json::to_value(content.monsters.get(id).expect(id)).expect("JSON")
}

fn part(value: &Value, list: &str, name: &str, id: &str) -> Value {
    let parts = value["block"][list].as_array().expect(list);
    parts.iter().find(|it| it[name] == id).expect(id).clone()
}

#[test]
fn a_goblin_is_all_that_is_printed() {
    let expected = json!({
        "id": "goblin", "name": "Goblin", "challenge": "1/4", "xp": 50,
        "block": {
            "size": "small", "creature_type": "humanoid", "tags": ["goblinoid"],
            "abilities": {"str": 8, "dex": 14, "con": 10, "int": 10, "wis": 8, "cha": 8},
            "proficiency_bonus": 2, "ac": 15,
            "hp": {"current": 7, "max": 7, "temp": 0}, "hp_dice": "2d6",
            "speeds": {"walk": 30},
            "senses": {"darkvision_ft": 60, "passive_perception": 9},
            "skills": {"stealth": 6},
            "attacks": [
                {
                    "attack_id": "scimitar", "name": "Scimitar", "kind": "melee", "bonus": 4,
                    "reach_ft": 5, "damage": [{"dice": "1d6+2", "type": "slashing"}],
                },
                {
                    "attack_id": "shortbow", "name": "Shortbow", "kind": "ranged", "bonus": 4,
                    "range_ft": {"normal": 80, "long": 320},
                    "damage": [{"dice": "1d6+2", "type": "piercing"}],
                },
            ],
            "traits": ["nimble-escape"],
        },
        "entries": [
            {"id": "nimble-escape", "section": "trait", "class": "trait"},
            {"id": "scimitar", "section": "action", "class": "attack"},
            {"id": "shortbow", "section": "action", "class": "attack"},
        ],
    });
    assert_eq!(monster(Edition::E51, "goblin"), expected);
}

#[test]
fn breath_riders_and_sets_are_read() {
    let dragon = monster(Edition::E52, "adult-red-dragon");
    assert_eq!(
        part(&dragon, "uses", "use_id", "fire-breath"),
        json!({
            "use_id": "fire-breath", "name": "Fire Breath", "cost": "action", "recharge": 5,
            "area": {"shape": "cone", "size_ft": 60},
            "damage": [{"dice": "17d6", "type": "fire"}],
            "save": {"ability": "dex", "dc": 21, "half": true},
        })
    );
    assert_eq!(
        dragon["block"]["multiattack"],
        json!([["rend", "rend", "rend"], ["cast-scorching-ray", "rend", "rend"]])
    );
    let wolf = monster(Edition::E51, "wolf");
    assert_eq!(
        part(&wolf, "attacks", "attack_id", "bite")["on_hit"],
        json!({"save": {"ability": "str", "dc": 11}, "fail": {"conditions": ["prone"]}})
    );
    let frog = monster(Edition::E51, "giant-frog");
    assert_eq!(
        part(&frog, "attacks", "attack_id", "bite")["on_hit"],
        json!({"always": {"conditions": ["grappled"]}})
    );
    assert_eq!(
        frog["details"]["bite"],
        json!({"escape_dc": 11, "while_grappled": ["restrained"], "only_on_grappled": true})
    );
}

#[test]
fn corrections_are_in() {
    let of = |edition, id, pointer: &str| monster(edition, id).pointer(pointer).cloned();
    assert_eq!(of(Edition::E51, "basilisk", "/block/ac"), Some(json!(15)));
    assert_eq!(
        of(Edition::E51, "giant-wasp", "/block/speeds"),
        Some(json!({"walk": 10, "fly": 50}))
    );
    assert_eq!(of(Edition::E51, "azer", "/block/ac"), Some(json!(17)));
    assert_eq!(
        of(Edition::E51, "azer", "/ac_when"),
        Some(json!([{"ac": 15, "without": "shield"}]))
    );
    assert_eq!(of(Edition::E51, "lizardfolk", "/block/ac"), Some(json!(15)));
    assert_eq!(of(Edition::E51, "chain-devil", "/challenge"), Some(json!("8")));
    assert_eq!(of(Edition::E52, "young-blue-dragon", "/block/attacks/0/bonus"), Some(json!(9)));
    assert_eq!(of(Edition::E52, "goblin-boss", "/block/attacks/0/bonus"), Some(json!(4)));
    assert_eq!(of(Edition::E52, "elk", "/block/ac"), Some(json!(10)));
}

#[test]
fn spells_are_those_of_the_documents() {
    for (edition, count) in [(Edition::E51, 319), (Edition::E52, 339)] {
        let content = Content::parse(Texts::of(edition)).expect("content");
        assert_eq!(content.spells.len(), count);
        assert!(!content.spells.contains_key("arcane-vigor"));
        assert!(content.spells.values().all(|it| it.level <= 9));
    }
    let content = Content::parse(Texts::of(Edition::E52)).expect("content");
    let spell = |id: &str| serde_json::to_value(content.spells.get(id).expect(id)).expect("JSON");
    assert_eq!(
        spell("fireball"),
        json!({
            "id": "fireball", "name": "Fireball", "level": 3, "school": "evocation",
            "classes": ["sorcerer", "wizard"], "casting_time": {"kind": "action"},
            "range": {"kind": "feet", "feet": 150},
            "components": ["verbal", "somatic", "material"],
            "duration": {"kind": "instant"}, "area": {"shape": "sphere", "size_ft": 20},
            "save": {"ability": "dex", "half": true},
            "damage": [{"dice": "8d6", "types": ["fire"], "scaling": {"per_slot": "1d6"}}],
        })
    );
    assert_eq!(spell("hypnotic-pattern")["concentration"], json!(true));
    assert_eq!(spell("revivify")["material_gp"], json!(300));
    assert_eq!(spell("revivify")["consumed"], json!(true));
}

fn refused(monsters: &str) -> ContentError {
    let texts = Texts {
        monsters,
        spells: "[]",
        weapons: "[]",
        armor: "[]",
        gear: "[]",
        programs: &[],
        traits: "[]",
        deeds: &[],
    };
    Content::parse(texts).expect_err("refused")
}

#[test]
fn what_is_wrong_is_named() {
    let goblin = monster(Edition::E51, "goblin");
    let with = |pointer: &str, value: Value| {
        let mut changed = goblin.clone();
        *changed.pointer_mut(pointer).expect(pointer) = value;
        match refused(&json!([changed]).to_string()) {
            ContentError::Record { kind, record, field, source } => {
                format!("{kind} {record} {field}: {source}")
            }
            other => other.to_string(),
        }
    };
    let got = with("/block/attacks/0/damage/0/type", json!("sonic"));
    assert!(
        got.starts_with(
            "monsters goblin block.attacks[0].damage[0].type: unknown variant `sonic`, expected one of `acid`"
        ),
        "{got}"
    );
    assert_eq!(
        with("/block/attacks/0/damage/0/dice", json!("2d6 fire")),
        "monsters goblin block.attacks[0].damage[0].dice: unexpected character at 4"
    );
    assert_eq!(
        with("/block/senses", json!({"sonar_ft": 60})),
        "monsters goblin block.senses.sonar_ft: unknown field `sonar_ft`, expected one of \
         `darkvision_ft`, `blindsight_ft`, `tremorsense_ft`, `truesight_ft`, `passive_perception`"
    );
    let twice = json!([goblin, goblin]).to_string();
    assert_eq!(refused(&twice).to_string(), "monsters: record goblin is there twice");
    assert_eq!(refused("{}").to_string(), "monsters: no list of records");
}

#[test]
fn weapons_and_armor_are_those_of_the_tables() {
    let of = |edition| Content::parse(Texts::of(edition)).expect("content");
    let (old, new) = (of(Edition::E51), of(Edition::E52));
    assert_eq!((old.weapons.len(), old.armor.len()), (37, 13));
    assert_eq!((new.weapons.len(), new.armor.len()), (38, 13));
    let weapon = |content: &Content, id: &str| {
        serde_json::to_value(content.weapons.get(id).expect(id)).expect("JSON")
    };
    assert_eq!(
        weapon(&old, "crossbow-heavy"),
        json!({
            "id": "crossbow-heavy", "name": "Crossbow, heavy", "category": "martial",
            "kind": "ranged", "damage": {"dice": "1d10", "type": "piercing"},
            "range_ft": {"normal": 100, "long": 400},
            "properties": ["ammunition", "heavy", "loading", "two_handed"],
            "ammunition": "crossbow-bolt",
        })
    );
    assert_eq!(
        weapon(&new, "trident"),
        json!({
            "id": "trident", "name": "Trident", "category": "martial", "kind": "melee",
            "damage": {"dice": "1d8", "type": "piercing"}, "versatile": "1d10",
            "range_ft": {"normal": 20, "long": 60}, "properties": ["thrown", "versatile"],
            "mastery": "topple",
        })
    );
    let gear = |content: &Content, id: &str| {
        serde_json::to_value(content.gear.get(id).expect(id)).expect("JSON")
    };
    assert_eq!(
        gear(&new, "acid"),
        json!({
            "id": "acid", "name": "Acid",
            "facts": {"damage": [{"dice": "2d6", "type": "acid"}], "dcs": [8], "feet": [20]},
        })
    );
    assert_eq!(
        gear(&old, "potion-of-greater-healing"),
        json!({
            "id": "potion-of-greater-healing", "name": "Potion of Greater Healing",
            "facts": {"dice": ["4d4+4"]},
        })
    );
    for content in [&old, &new] {
        for weapon in content.weapons.values() {
            let shot = weapon.ammunition.as_ref().map(|it| content.gear.get(it).expect("gear"));
            assert!(shot.is_none_or(|it| it.ammunition), "{}", weapon.id);
        }
    }
    let armor = serde_json::to_value(new.armor.get("half-plate-armor").expect("armor"));
    assert_eq!(
        armor.expect("JSON"),
        json!({
            "id": "half-plate-armor", "name": "Half Plate Armor", "category": "medium", "ac": 15,
            "dex_max": 2, "stealth_disadvantage": true,
        })
    );
}

/// A stat block as a client sends it: it is read, and written again as it was.
#[test]
fn a_clients_stat_block_is_read() {
    let sent = json!({
        "size": "small", "creature_type": "humanoid",
        "abilities": {"str": 8, "dex": 14, "con": 10, "int": 10, "wis": 8, "cha": 8},
        "proficiency_bonus": 2, "ac": 15, "hp": {"current": 9, "max": 9, "temp": 0},
        "speeds": {"walk": 30}, "senses": {"darkvision_ft": 60, "passive_perception": 9},
        "skills": {"stealth": 6},
        "resistances": [{"types": ["bludgeoning"], "unless": ["magical", "silvered"]}],
        "attacks": [{
            "attack_id": "scimitar", "name": "Scimitar", "kind": "melee", "bonus": 4, "reach_ft": 5,
            "damage": [{"dice": "1d6+2", "type": "slashing"}], "properties": ["finesse", "light"],
            "on_hit": {
                "save": {"ability": "con", "dc": 11},
                "fail": {"conditions": ["poisoned"], "duration": {"kind": "rounds", "rounds": 1}},
            },
        }],
        "uses": [{
            "use_id": "chill", "name": "Chill", "cost": "bonus_action", "per_day": 1,
            "area": {"shape": "line", "size_ft": 30, "width_ft": 5},
            "always": {"effect": {
                "name": "Chilled", "key": "chill",
                "duration": {"kind": "until", "edge": "end", "whose": "source", "which": "next"},
                "modifiers": [{"kind": "speed", "value": -10}, {"kind": "die", "on": ["attack", "save"], "dice": "-1d4"}],
                "save_ends": {"ability": "con", "dc": 11, "edge": "end"},
            }},
        }],
        "spellcasting": {
            "ability": "int", "dc": 12, "attack_bonus": 4, "slots": {"1": 2},
            "spells": ["magic-missile"], "per_day": {"shield": 1},
        },
        "legendary": {"actions": 3, "resistances": 1},
        "resources": {"luck": {"current": 1, "max": 3, "recover": "long_rest"}},
        "traits": ["nimble-escape"],
    });
    let block: gss_rules::content::StatBlock =
        serde_json::from_value(sent.clone()).expect("a block");
    assert_eq!(serde_json::to_value(&block).expect("JSON"), sent);
}
