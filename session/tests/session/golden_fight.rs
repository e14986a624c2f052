//! Golden files of a fight: what was stored of it stays readable, and is told as it was.
//!
//! `fight-0.jsonl` and `fight-1.jsonl` are one fight. In the first each player's version of a message
//! is stored whole, in the second as far as it is not that of others. `fight-0.json` is its state.

use gss_session::{Session, message};
use gss_shared::ids::{Position, SessionId};
use gss_shared::message::Message;
use serde_json::{Value, json};

use crate::fights::{ALL, ARIA, Fight, GM, GOBLIN, HERO, OGRE};
use crate::golden::{events, golden, line, path};
use crate::support::id;

/// A question, an answer, an attack, effects, a rewind, and nobody is told of the lurker.
fn played() -> Fight {
    let mut fight = Fight::started(json!({"reaction_seconds": 10}));
    let order: Vec<Value> = ALL.iter().map(|who| json!(id(*who))).collect();
    fight.frame(GM, "initiative_order", json!({"order": order})).expect("ordered");
    while fight.combat(GM)["active_character"] != json!(id(HERO)) {
        let active = fight.combat(GM)["active_character"].clone();
        fight.frame(GM, "turn_end", json!({"character_id": active})).expect("ends");
    }
    let then = fight.table.position().version.to_string();
    let bow = json!({"attack_id": "longbow"});
    fight.declare(ARIA, HERO, "attack", &[OGRE], bow).expect("shoots");
    let slowed = json!({
        "name": "Slowed", "key": "slowed", "duration": {"kind": "rounds", "rounds": 2},
        "modifiers": [{"kind": "speed", "value": -10}],
    });
    let apply = json!({"effect": slowed, "target_ids": [id(GOBLIN), id(OGRE)]});
    fight.frame(GM, "effect_apply", apply).expect("applies");
    fight.frame(GM, "turn_rewind", json!({"to_version": then})).expect("rewinds");
    for _ in 0..2 {
        let active = fight.combat(GM)["active_character"].clone();
        fight.frame(GM, "turn_end", json!({"character_id": active})).expect("ends");
    }
    let path = json!({"path": [[3, 2], [3, 1], [4, 0]]});
    fight.declare(GM, GOBLIN, "move", &[], path).expect("moves");
    let prompt = fight.combat(ARIA)["prompts"].as_object().expect("prompts").keys().next().cloned();
    let answer = json!({"prompt_id": prompt, "accept": true, "option": "longsword"});
    fight.frame(ARIA, "reaction", answer).expect("reacts");
    let hurt = json!({"character_id": id(GOBLIN), "fields": {"hp": {"current": 3}}});
    fight.frame(GM, "combatant_update", hurt).expect("updates");
    fight
}

fn told(name: &str) -> Vec<Message> {
    let mut after = Position::START;
    let messages = events(name).into_iter().map(|event| {
        let told = message(&event, after).expect("a message");
        after = told.position;
        told
    });
    messages.collect()
}

#[test]
fn a_fight_of_every_shape_comes_to_the_same_and_is_told_alike() {
    if std::env::var_os("GSS_REWRITE_FIGHT").is_some() {
        let fight = played();
        let lines: String = fight.table.journal.iter().map(|event| line(event) + "\n").collect();
        std::fs::write(path("fight-1.jsonl"), lines).expect("written");
    }
    let table = SessionId(id(0));
    let restored = Session::restore(table, &golden("fight-0.json")).expect("restore");
    for stored in ["fight-0.jsonl", "fight-1.jsonl"] {
        let replayed = Session::replay(table, None, &events(stored)).expect("replay");
        assert_eq!(replayed.as_ref(), Some(&restored), "{stored}");
    }
    assert_eq!(told("fight-0.jsonl"), told("fight-1.jsonl"));
    assert!(
        golden("fight-1.jsonl").contains("\"apart\":")
            && !golden("fight-0.jsonl").contains("\"apart\":")
    );
}
