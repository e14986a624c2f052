//! Faults in fights: a journal that the rules do not come to again, hidden combatants shown.

use gss_shared::ids::Version;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::names;
use super::table::{ARIA, BREN, GM, SESSION, Table, at};
use crate::fight::Seated;
use crate::history::hidden::Hidden;
use crate::history::{Reading, Seen, Violation, check_audience, check_fights, judged};

/// A table that plays a fight.
fn fighting() -> Table {
    let mut table = Table::new();
    let mut random = StdRng::seed_from_u64(3);
    let version = table.version();
    let seated =
        Seated { state: &Value::Null, me: GM, gm: true, owners: [ARIA, BREN], seen: version };
    let start = seated.next(&mut random).expect("a start");
    table.frame(GM, start);
    for _ in 0..4 {
        let state = table.document(GM);
        let active = state["combat"]["active_character"].clone();
        table.frame(GM, json!({"type": "turn_end", "data": {"character_id": active}}));
    }
    table
}

#[test]
fn a_right_fight_is_found_right() {
    let mut table = fighting();
    table.is_right();
    let back = table.version();
    for effect in ["first", "second"] {
        let effect = json!({"name": effect, "duration": {"kind": "rounds", "rounds": 2}});
        let data = json!({"effect": effect, "target_ids": [ARIA]});
        table.frame(GM, json!({"type": "effect_apply", "data": data}));
    }
    table.rewind(back);
    table.frame(GM, json!({"type": "combat_end", "data": {}}));
    table.is_right();
    let judged = judged([(&SESSION, &table.journal)]);
    assert_eq!((judged.fights, judged.ended, judged.returns), (1, 1, 1), "{judged:?}");
    assert!(judged.steps > 5 && judged.faces > 4, "{judged:?}");
}

/// What is found when the first step that draws a face is changed, and where it is.
fn tampered(tamper: impl Fn(&mut Value)) -> (String, Vec<Violation>) {
    let mut table = fighting();
    for event in &mut table.journal {
        let mut data: Value = serde_json::from_str(&event.data).expect("JSON");
        let step = &mut data["change"]["step"]["step"];
        if step["faces"].is_array() {
            tamper(step);
            event.data = data.to_string();
            let at = format!("session {SESSION}, version {}: fights: ", event.version);
            return (at, check_fights(SESSION, &table.journal));
        }
    }
    panic!("no step draws a face");
}

#[test]
fn a_face_and_a_fact_that_are_others() {
    let (at, found) = tampered(|step| step["faces"][0] = json!(21));
    names(&found, &at, "a face is not of the seed: the journal says \"21 as number 0\"");
    let (at, found) = tampered(|step| {
        let facts = step["facts"].as_array_mut().expect("facts");
        let mut set = facts.iter_mut().filter_map(|fact| fact.get_mut("initiative_set"));
        set.next().expect("initiative")["initiative"] = json!(99);
    });
    names(&found, &at, "a fact: the journal says");
}

#[test]
fn a_hidden_combatant_shown_to_a_player() {
    let mut table = fighting();
    let started = table.last(GM, "combat_started").clone();
    table.history(ARIA).seen.push(Seen::Frame(started.clone()));
    let version = started["data"]["version"].as_str().and_then(|text| text.parse().ok());
    let version = Version(version.expect("a version"));
    let found = check_audience(&table.histories[&ARIA], &Reading::of(&table.journal));
    names(&found, &at(version, ARIA), ", which is hidden, shown to Some(Player) in");
    assert!(check_audience(&table.histories[&BREN], &Reading::of(&table.journal)).is_empty());
}

#[test]
fn who_is_set_without_the_word_is_hidden_no_longer() {
    let mut table = fighting();
    table.journal.retain(|event| event.event_type == "combat_started");
    let mut event = table.journal[0].clone();
    let started = event.version;
    let hidden = |journal: &[_], at| {
        Hidden::of(journal).from(ARIA, at).map(str::to_owned).collect::<Vec<_>>()
    };
    let lurking = hidden(&table.journal, started);
    let set = json!([{"combatant_set": {"combatant": {"id": lurking[0]}}}]);
    event.event_type = "action_resolved".to_owned();
    event.version = Version(started.0 + 1);
    event.data = json!({"change": {"step": {"step": {"facts": set}}}}).to_string();
    table.journal.push(event);
    assert_eq!(hidden(&table.journal, started), lurking);
    assert_eq!(hidden(&table.journal, Version(started.0 + 1)), lurking[1..]);
}
