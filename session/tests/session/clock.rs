//! The time that players have: for a question, for a turn; none of it runs while the session is paused.

use std::collections::BTreeSet;

use gss_session::service_time_out;
use gss_shared::ids::{ActionId, PlayerId};
use serde_json::{Value, json};

use crate::fights::{ARIA, Fight, GM, GOBLIN, HERO};
use crate::support::id;

fn turn_of(who: u128, settings: Value) -> Fight {
    let mut fight = Fight::started(settings);
    fight.at_turn_of(who);
    fight
}

fn pass(fight: &mut Fight, seconds: i64) {
    fight.table.now = fight.table.now.plus_ms(seconds * 1_000);
}

/// Seconds until something happens by itself while Aria is absent.
fn left(fight: &Fight) -> Option<i64> {
    let at = fight.table.session().acts_at(|player| player == PlayerId(id(ARIA)))?;
    Some(at.since_ms(fight.table.now) / 1_000)
}

#[test]
fn a_turn_has_the_time_after_a_pause_that_it_had_before() {
    let mut fight = turn_of(HERO, json!({"turn_seconds": 30}));
    pass(&mut fight, 10);
    for _ in 0..2 {
        assert_eq!(left(&fight), Some(20));
        fight.frame(GM, "session_pause", json!({})).expect("pauses");
        assert_eq!(left(&fight), None);
        pass(&mut fight, 300);
        fight.frame(GM, "session_resume", json!({})).expect("goes on");
    }
    let early = fight.table.run(&service_time_out(ActionId(id(7_000)), true));
    assert!(early.is_err(), "{early:?}");
    pass(&mut fight, 20);
    fight.table.run(&service_time_out(ActionId(id(7_001)), true)).expect("in time");
}

#[test]
fn a_turn_that_was_taken_back_during_a_pause_has_all_its_time() {
    let mut fight = turn_of(HERO, json!({"turn_seconds": 30}));
    let then = fight.table.position().version.to_string();
    pass(&mut fight, 10);
    fight.frame(GM, "session_pause", json!({})).expect("pauses");
    pass(&mut fight, 40);
    fight.frame(GM, "rollback", json!({"to_version": then})).expect("rolls back");
    pass(&mut fight, 50);
    fight.frame(GM, "session_resume", json!({})).expect("goes on");
    assert_eq!(left(&fight), Some(30));
}

#[test]
fn a_question_without_a_deadline_waits_through_a_pause_too() {
    let mut fight = turn_of(GOBLIN, json!({"reaction_seconds": 0}));
    let path = json!({"path": [[3, 2], [3, 1], [4, 0]]});
    fight.declare(GM, GOBLIN, "move", &[], path).expect("moves");
    assert_eq!(fight.got(ARIA).last().expect("asked")["data"]["deadline"], json!(null));
    let asked = fight.combat(ARIA)["prompts"].clone();
    fight.frame(GM, "session_pause", json!({})).expect("pauses");
    pass(&mut fight, 3_600);
    fight.frame(GM, "session_resume", json!({})).expect("goes on");
    assert_eq!(fight.types(ARIA), ["session_status"]);
    assert_eq!((left(&fight), &fight.combat(ARIA)["prompts"]), (None, &asked));
    let never = fight.table.run(&service_time_out(ActionId(id(7_000)), true));
    assert!(never.is_err(), "{never:?}");
}

#[test]
fn a_question_has_no_deadline_any_more_when_the_table_gave_them_up_meanwhile() {
    let mut fight = turn_of(GOBLIN, json!({"reaction_seconds": 10}));
    let path = json!({"path": [[3, 2], [3, 1], [4, 0]]});
    fight.declare(GM, GOBLIN, "move", &[], path).expect("moves");
    fight.frame(GM, "session_pause", json!({})).expect("pauses");
    let update = json!({"kind": "update", "settings": {"reaction_seconds": 0}});
    fight.table.rest(PlayerId(id(GM)), 8_000, &update).expect("updates");
    fight.frame(GM, "session_resume", json!({})).expect("goes on");
    assert_eq!(fight.types(ARIA), ["session_status", "reaction_prompt"]);
    assert_eq!(fight.got(ARIA)[1]["data"]["deadline"], json!(null));
    assert_eq!(left(&fight), None);
}

#[test]
fn a_question_has_another_name_whenever_its_fight_came_back() {
    let mut fight = turn_of(GOBLIN, json!({}));
    let then = json!({"to_version": fight.table.position().version.to_string()});
    let mut names = BTreeSet::new();
    for back in [Some("turn_rewind"), Some("rollback"), None, Some("rollback"), None] {
        let path = json!({"path": [[3, 2], [3, 1], [4, 0]]});
        fight.declare(GM, GOBLIN, "move", &[], path).expect("moves");
        let prompts = fight.combat(ARIA)["prompts"].clone();
        let name = prompts.as_object().expect("prompts").keys().next().expect("asked").clone();
        assert!(names.insert(name), "{names:?}");
        match back {
            Some(kind) => fight.frame(GM, kind, then.clone()).expect("back"),
            None => {
                fight.frame(GM, "combat_end", json!({})).expect("ends");
                fight.frame(GM, "rollback", then.clone()).expect("back")
            }
        };
    }
}
