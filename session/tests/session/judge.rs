//! The judge of fights: silent on a right journal, and it names what is wrong with another.

use gss_session::{Judged, Misjudged, judge};
use gss_shared::ports::journal::JournalEvent;
use serde_json::{Value, json};

use crate::fights::{ALL, ARIA, Fight, GM};
use crate::support::id;

/// Started, played for two rounds, rewound, played on, rolled back to, ended.
fn played() -> Fight {
    let mut fight = Fight::started(json!({"reaction_seconds": 10}));
    fight.in_order();
    let began = fight.table.position().version;
    turns(&mut fight, 10);
    fight.frame(GM, "turn_rewind", json!({"to_version": began.to_string()})).expect("rewinds");
    turns(&mut fight, 5);
    fight.frame(GM, "combat_end", json!({})).expect("ends");
    let back = json!({"to_version": began.to_string()});
    fight.frame(GM, "rollback", back).expect("rolls back");
    turns(&mut fight, 3);
    fight.frame(GM, "combat_end", json!({})).expect("ends");
    fight
}

/// Everybody shoots or throws at Aria's, who shoots back.
fn turns(fight: &mut Fight, turns: usize) {
    for _ in 0..turns {
        let combat = fight.combat(GM);
        let active = combat["active_character"].clone();
        let own = active == json!(id(ALL[0]));
        let attacks = combat["combatants"][active.as_str().expect("an id")]["options"].clone();
        let attack = attacks["attacks"].as_array().and_then(|all| all.last()).cloned();
        let target = if own { ALL[2] } else { ALL[0] };
        let data = json!({
            "character_id": active, "action_type": "attack", "targets": [id(target)],
            "details": {"attack_id": attack},
        });
        let by = if own { ARIA } else { GM };
        // Out of reach: the next one.
        let _refused = fight.frame(by, "action_declare", data).err();
        let _ended = fight.frame(by, "turn_end", json!({"character_id": active})).err();
    }
}

fn judged(fight: &Fight, journal: &[JournalEvent]) -> Result<Judged, Misjudged> {
    judge(fight.table.id, journal)
}

/// What is found when a step's `member` is changed, in the last step that has a face.
fn found(fight: &Fight, tamper: impl Fn(&mut Value)) -> (u64, String) {
    let mut journal = fight.table.journal.clone();
    let drawn = |event: &&mut JournalEvent| {
        event.data.contains("\"faces\": [") && event.data.contains("attack_made")
    };
    let event = journal.iter_mut().rev().find(drawn).expect("an attack");
    let mut data: Value = serde_json::from_str(&event.data).expect("JSON");
    tamper(&mut data["change"]["step"]["step"]);
    event.data = data.to_string();
    let version = event.version.0;
    match judged(fight, &journal) {
        Err(Misjudged::Disagreement { version: at, what, .. }) if at.0 == version => {
            (version, what.to_owned())
        }
        other => panic!("at {version}: {other:?}"),
    }
}

#[test]
fn what_was_played_is_found_right() {
    let fight = played();
    let judged = judged(&fight, &fight.table.journal).expect("right");
    assert_eq!((judged.fights, judged.ended, judged.returns), (1, 2, 2));
    assert!(judged.steps > 20 && judged.faces > 20, "{judged:?}");
    let steps = fight.table.journal.iter().filter(|event| event.data.contains("\"step\": {"));
    assert_eq!(judged.steps, steps.count());
}

#[test]
fn a_changed_face_is_found() {
    let fight = played();
    let (_, what) = found(&fight, |step| {
        let face = step["faces"][0].as_u64().expect("a face");
        step["faces"][0] = json!(face % 20 + 1);
    });
    assert_eq!(what, "a face is not of the seed");
}

#[test]
fn a_face_too_many_or_too_few_is_found() {
    let fight = played();
    let (_, what) = found(&fight, |step| {
        step["faces"].as_array_mut().expect("faces").push(json!(1));
    });
    assert_eq!(what, "faces left over");
    let (_, what) = found(&fight, |step| {
        step["faces"].as_array_mut().expect("faces").pop();
    });
    assert_eq!(what, "faces missing");
}

#[test]
fn a_changed_fact_is_found() {
    let fight = played();
    let (_, what) = found(&fight, |step| {
        let facts = step["facts"].as_array_mut().expect("facts");
        let mut made = facts.iter_mut().filter_map(|fact| fact.get_mut("attack_made"));
        let made = made.next().expect("an attack");
        made["ac"] = json!(made["ac"].as_i64().expect("a number") + 1);
    });
    assert_eq!(what, "a fact");
    let (_, what) = found(&fight, |step| {
        step["facts"].as_array_mut().expect("facts").push(json!("abandoned"));
    });
    assert_eq!(what, "how many facts");
}

#[test]
fn another_seed_at_the_end_is_found() {
    let fight = played();
    let mut journal = fight.table.journal.clone();
    let ended = |event: &&mut JournalEvent| event.event_type == "combat_ended";
    let event = journal.iter_mut().find(ended).expect("an end");
    let mut data: Value = serde_json::from_str(&event.data).expect("JSON");
    data["all"]["seed"] = json!("0".repeat(64));
    event.data = data.to_string();
    let found = judged(&fight, &journal).expect_err("another seed").to_string();
    assert!(found.contains("the revealed seed"), "{found}");
}

#[test]
fn a_fight_that_came_back_another_is_found() {
    let fight = played();
    for (kind, what) in [("combat_rewound", "rewound"), ("rolled_back", "rolled back")] {
        let mut journal = fight.table.journal.clone();
        let event = journal.iter_mut().find(|event| event.event_type == kind).expect(what);
        let mut data: Value = serde_json::from_str(&event.data).expect("JSON");
        let hp = format!("/fight/combat/combatants/{}/hp/current", id(ALL[3]));
        *data.pointer_mut(&hp).expect("hit points") = json!(1);
        event.data = data.to_string();
        let found = judged(&fight, &journal).expect_err(what).to_string();
        assert!(found.contains("the combat that came back"), "{found}");
    }
}
