//! Attacks at a square: who guessed learns of a hit, and nothing else of who is there.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::fights::{ARIA, BREN, Fight, GM, GOBLIN, HERO, LURKER, WATCHER, combatants};
use crate::support::id;

/// Where the lurker is.
const THERE: [i32; 2] = [3, 5];
/// Where nobody is.
const NOBODY: [i32; 2] = [6, 1];

/// The turn of somebody in a fight with the lurker's numbers changed; other faces for every chance.
fn turn_of(who: u128, chance: u64, settings: Value, lurker: &Value) -> Fight {
    let mut fight = Fight::new(settings);
    fight.chance = chance;
    let mut combatants = combatants();
    for (member, value) in lurker.as_object().expect("members") {
        combatants[4][member] = value.clone();
    }
    let (grid, options) = (json!({"width": 12, "height": 12}), json!({"initiative": "all"}));
    let start = json!({"combatants": combatants, "grid": grid, "options": options});
    fight.frame(GM, "combat_start", start).expect("starts");
    fight.at_turn_of(who);
    fight
}

fn shoots(fight: &mut Fight, at: [i32; 2]) {
    let details = json!({"attack_id": "longbow", "at": at});
    fight.declare(ARIA, HERO, "attack", &[], details).expect("shoots");
}

/// What somebody was just told, without places in the journal and the square.
fn told(fight: &Fight, viewer: u128) -> Vec<Value> {
    let frames = fight.got(viewer).into_iter().map(|frame| {
        let mut told = json!([frame["type"], frame["data"]]);
        let data = told[1].as_object_mut().expect("data");
        for place in ["position", "prev", "version"] {
            data.remove(place);
        }
        if let Some(details) = data.get_mut("details").and_then(Value::as_object_mut) {
            details.remove("at");
        }
        told
    });
    frames.collect()
}

/// Aria shoots at a square; what she and the game master are told comes of it.
fn shot(at: [i32; 2], chance: u64) -> [Value; 2] {
    let mut fight = turn_of(HERO, chance, json!({}), &json!({}));
    shoots(&mut fight, at);
    let [declared, spent, came] = &told(&fight, ARIA)[..] else { panic!("{:?}", fight.got(ARIA)) };
    assert_eq!(declared[0], "action_declare");
    assert_eq!(
        (&spent[1]["spent"], &spent[1]["outcomes"]),
        (&json!({"cost": "action"}), &json!([]))
    );
    let gm = told(&fight, GM).last().expect("told")[1].clone();
    [came[1].clone(), gm]
}

#[test]
fn a_miss_does_not_say_whether_anybody_was_there() {
    let (mut hits, mut misses) = (0, 0);
    for chance in 0..24 {
        let ([aria, gm], [wrong, gm_of_wrong]) = (shot(THERE, chance), shot(NOBODY, chance));
        assert_eq!(gm_of_wrong["outcomes"][0]["effects"], json!(["automatic_miss"]));
        let outcome = &wrong["outcomes"][0];
        assert_eq!(outcome["target_id"], json!(Uuid::nil()));
        assert_eq!(outcome["effects"], json!(["miss"]));
        assert_eq!(wrong["rolls"], json!([]), "a 20 that misses would tell");
        if aria["outcomes"][0]["effects"] == json!(["miss"]) {
            misses += 1;
            assert_eq!(gm["outcomes"][0]["target_id"], json!(id(LURKER)));
            assert_eq!(aria, wrong);
        } else {
            hits += 1;
            let hit = &aria["outcomes"][0];
            assert_eq!(hit["target_id"], json!(Uuid::nil()));
            assert!(["hit", "critical_hit"].contains(&hit["effects"][0].as_str().expect("one")));
            assert_eq!(aria["outcomes"].as_array().map(Vec::len), Some(1));
            assert!(gm["outcomes"].to_string().contains(&id(LURKER).to_string()));
        }
    }
    assert!(hits > 0 && misses > 0, "{hits} hits, {misses} misses");
}

/// Numbers of one that casts Shield.
fn shielded() -> Value {
    let spellcasting = json!({
        "ability": "int", "dc": 14, "attack_bonus": 6, "slots": {"1": 2}, "spells": ["shield"],
    });
    json!({
        "stat_block": null,
        "custom": {
            "size": "small", "ac": 12, "hp": {"current": 40, "max": 40, "temp": 0},
            "abilities": {"str": 8, "dex": 14, "con": 10, "int": 16, "wis": 8, "cha": 8},
            "speeds": {"walk": 30}, "spellcasting": spellcasting,
        },
    })
}

/// What players are told of a shot from its declaration to its end, and whether somebody was asked
/// something meanwhile.
fn shot_at_a_mage(at: [i32; 2], chance: u64, accept: bool) -> ([Vec<Value>; 3], bool) {
    let players = [ARIA, BREN, WATCHER];
    let mut fight = turn_of(HERO, chance, json!({"reaction_seconds": 0}), &shielded());
    shoots(&mut fight, at);
    let mut all = players.map(|viewer| told(&fight, viewer));
    let prompts = fight.combat(GM)["prompts"].clone();
    let Some((prompt, asked)) = prompts.as_object().expect("prompts").iter().next() else {
        return (all, false);
    };
    assert_eq!(asked["character_id"], json!(id(LURKER)));
    for viewer in players {
        assert_eq!(fight.combat(viewer)["step"], "acting", "{viewer}");
        assert_eq!(fight.combat(viewer)["prompts"], json!({}), "{viewer}");
    }
    assert_eq!(fight.combat(GM)["step"], "awaiting_decision");
    let mut answer = json!({"prompt_id": prompt, "accept": accept});
    if accept {
        answer["option"] = json!("shield");
    }
    fight.frame(GM, "reaction", answer).expect("is answered");
    for (all, viewer) in all.iter_mut().zip(players) {
        all.extend(told(&fight, viewer));
    }
    (all, true)
}

#[test]
fn who_is_asked_on_a_square_is_told_to_nobody() {
    let (mut asked, mut shields) = (0, 0);
    for chance in 0..24 {
        let (nobody, _) = shot_at_a_mage(NOBODY, chance, false);
        for accept in [false, true] {
            let (mut told, waited) = shot_at_a_mage(THERE, chance, accept);
            let outcome = told[0].last().expect("told")[1]["outcomes"][0].clone();
            assert_eq!(outcome["target_id"], json!(Uuid::nil()), "{told:?}");
            if outcome["effects"] == json!(["miss"]) {
                shields += usize::from(waited);
                assert_eq!(told, nobody, "{chance} {accept}");
                continue;
            }
            asked += usize::from(waited);
            assert!(outcome["effects"].to_string().contains("hit"), "{outcome}");
            // Before the result all is the same.
            for (told, nobody) in told.iter_mut().zip(&nobody) {
                assert_eq!(told.len(), nobody.len());
                told.pop();
                assert_eq!(told[..], nobody[..nobody.len() - 1]);
            }
        }
    }
    assert!(asked > 0 && shields > 0, "{asked} hits, {shields} shields");
}

#[test]
fn dice_of_ones_own_are_not_asked_for_where_they_would_tell() {
    let mut hits = 0;
    for chance in 0..24 {
        let asked = |at| {
            let mut fight = turn_of(HERO, chance, json!({"reaction_seconds": 0}), &json!({}));
            let settings = json!({"physical_dice": true});
            fight.rest(GM, json!({"kind": "update", "settings": settings})).expect("set");
            shoots(&mut fight, at);
            let asked = fight.combat(ARIA)["prompts"].clone();
            let asked = asked.as_object().expect("prompts").values().next().cloned();
            (asked.map(|asked| asked["purpose"].clone()), told(&fight, ARIA))
        };
        let (none, nobody) = asked(NOBODY);
        assert_eq!(none, None);
        match asked(THERE) {
            (None, told) => assert_eq!(told, nobody, "a miss"),
            (Some(purpose), _) => {
                hits += 1;
                assert_eq!(purpose, "damage", "a hit is told");
            }
        }
    }
    assert!(hits > 0);
}

#[test]
fn what_hidden_ones_do_to_each_other_is_told_to_nobody() {
    let mut hits = 0;
    for chance in 0..16 {
        let mut fight = turn_of(LURKER, chance, json!({}), &json!({}));
        let hidden = json!({"hidden": true, "position": [3, 6]});
        fight
            .frame(GM, "combatant_update", json!({"character_id": id(GOBLIN), "fields": hidden}))
            .expect("hides");
        let details = json!({"attack_id": "scimitar", "at": [3, 6]});
        fight.declare(GM, LURKER, "attack", &[], details).expect("strikes");
        hits +=
            usize::from(told(&fight, GM).iter().any(|told| told.to_string().contains("\"hit\"")));
        for viewer in [ARIA, BREN, WATCHER] {
            assert_eq!(told(&fight, viewer), Vec::<Value>::new(), "{viewer}");
        }
    }
    assert!(hits > 0);
}
