//! The largest fight there may be: 200 creatures that cast. What anybody is told at once fits what a
//! connection may have waiting, so that nobody is closed as slow for it.

use gss_session::{Characters, Context, Parsed, Verdict, parse_frame};
use gss_shared::error_code::ErrorCode;
use gss_shared::ids::PlayerId;
use gss_shared::limits::{
    CLIENT_QUEUE_BYTES, CLIENT_QUEUE_FRAMES, LINK_FRAME_BYTES, MESSAGE_BYTES,
};
use serde_json::{Value, json};

use crate::fights::{ARIA, Fight, GM, PLAYERS, cleric};
use crate::support::{Faces, id};

const MOST: u128 = 200;

/// Every third is Aria's.
fn crowd(count: u128) -> Value {
    let one = |number: u128| {
        let mut one = json!({
            "character_id": id(1_000 + number), "kind": "monster", "stat_block": "lich",
            "side": if number.is_multiple_of(2) { "one" } else { "other" },
            "position": [number % 20 * 4, number / 20 * 4],
        });
        if number.is_multiple_of(3) {
            one["owner_id"] = json!(id(ARIA));
        }
        one
    };
    json!((0..count).map(one).collect::<Vec<_>>())
}

#[test]
fn the_largest_fight_fits_into_what_a_connection_may_have_waiting() {
    let mut fight = Fight::new(json!({}));
    let grid = json!({"width": 80, "height": 40});
    let refused = fight
        .frame(GM, "combat_start", json!({"combatants": crowd(MOST + 1), "grid": grid}))
        .expect_err("too many");
    assert_eq!(refused.details["limit"], json!(MOST));

    let start = json!({"combatants": crowd(MOST), "grid": grid});
    fight.frame(GM, "combat_start", start).expect("starts");
    for who in PLAYERS {
        let told = fight.got(who);
        let bytes: usize = told.iter().map(|frame| frame.to_string().len()).sum();
        assert!(told.len() < CLIENT_QUEUE_FRAMES, "{who} is told {} frames", told.len());
        assert!(bytes < CLIENT_QUEUE_BYTES, "{who} is told {bytes} bytes");
        let document = fight.combat(who).to_string().len();
        assert!(document < CLIENT_QUEUE_BYTES, "{who} holds {document} bytes");
    }
    let events = fight.table.journal.iter().map(|event| event.data.len());
    assert!(events.max().expect("events") < MESSAGE_BYTES);

    let mut one_more = crowd(MOST + 1)[MOST as usize].clone();
    one_more["position"] = json!([79, 39]);
    let add = json!({"combatant": one_more});
    let refused = fight.frame(GM, "combatant_add", add.clone()).expect_err("too many");
    assert_eq!(
        (refused.code, &refused.details["limit"]),
        (ErrorCode::InvalidArgument, &json!(MOST))
    );
    let leaves = json!({"character_id": id(1_000)});
    fight.frame(GM, "combatant_remove", leaves).expect("removes");
    fight.frame(GM, "combatant_add", add).expect("one left");

    let active = fight.combat(GM)["active_character"].clone();
    fight.frame(GM, "turn_end", json!({"character_id": active})).expect("ends");
    let last = fight.table.journal.last().expect("an event").data.len();
    assert!(last < 64 << 10, "{last} bytes for one turn");
}

/// The most combatants, on open ground, and one spell that strikes all the others.
#[test]
fn what_strikes_everybody_at_once_is_told_in_messages_that_fit() {
    let mut all = crowd(MOST);
    let each = all.as_array_mut().expect("combatants");
    for (number, one) in (0..MOST).zip(each.iter_mut()) {
        one["stat_block"] = json!("goblin-warrior");
        one["position"] = json!([number % 20 * 5, number / 20 * 5]);
        one["initiative"] = json!(10);
    }
    let mut caster = cleric();
    caster["spellcasting"]["spells"] = json!(["meteor-swarm"]);
    caster["spellcasting"]["slots"] = json!({"9": 1});
    each[0] = json!({
        "character_id": id(1_000), "name": "Star", "kind": "npc", "side": "two", "custom": caster,
        "position": [500, 0], "initiative": 20,
    });
    let mut fight = Fight::new(json!({}));
    let start = json!({"combatants": all, "options": {"initiative": "all"}});
    fight.frame(GM, "combat_start", start).expect("starts");
    let told = |fight: &Fight| {
        for who in PLAYERS {
            let frames = fight.got(who).into_iter().map(|frame| frame.to_string().len());
            let frames: Vec<usize> = frames.collect();
            assert!(frames.len() < CLIENT_QUEUE_FRAMES, "{who} is told {} frames", frames.len());
            let bytes: usize = frames.iter().sum();
            assert!(bytes < CLIENT_QUEUE_BYTES, "{who} is told {bytes} bytes");
        }
        let events = fight.table.journal.iter().map(|event| event.data.len());
        let most = events.max().expect("events");
        assert!(most < MESSAGE_BYTES.min(LINK_FRAME_BYTES), "{most} bytes");
    };
    told(&fight);
    let points = json!({"points": [25, 25, 75, 25]});
    let details = json!({"spell": "meteor-swarm", "slot_level": 9, "choices": points});
    fight.declare(GM, 1_000, "cast", &[], details).expect("casts");
    told(&fight);
    let resolved = fight.got(GM).into_iter().filter(|frame| frame["type"] == "action_resolve");
    let struck = resolved.filter_map(|frame| frame["data"]["outcomes"].as_array().map(Vec::len));
    assert_eq!(struck.max(), Some(199));
}

/// Each of them is told almost what others are.
#[test]
fn the_start_of_a_fight_of_a_hundred_owners_is_stored_about_once() {
    const OWNERS: u128 = 98;
    let mut fight = Fight::new(json!({"max_players": 100}));
    for owner in 0..OWNERS {
        let player = PlayerId(id(2_000 + owner));
        fight.table.rest(player, 60_000 + owner, &json!({"kind": "join"})).expect("joins");
    }
    let mut combatants = crowd(MOST);
    for (owner, combatant) in (0..).zip(combatants.as_array_mut().expect("combatants")) {
        combatant["owner_id"] = json!(id(2_000 + owner % OWNERS));
    }
    let mut session = fight.table.session().clone();
    let start = json!({
        "action_id": id(70_000), "combatants": combatants, "grid": {"width": 80, "height": 40},
    });
    let start = json!({"type": "combat_start", "data": start}).to_string();
    let Ok(Parsed::Command(start)) = parse_frame(&start, PlayerId(id(GM))) else { panic!() };
    let mut dice = Faces((1..=64).collect());
    let (now, event_seed, characters) = (fight.table.now, 7 << 64, &Characters::Unserved);
    let mut context = Context { now, event_seed, dice: &mut dice, history: None, characters };
    let Ok(Verdict::Accepted(decision)) = session.execute(&start, &mut context) else { panic!() };
    let stored: usize = decision.events.iter().map(|event| event.data.len()).sum();
    assert!(stored < 3 << 19, "{stored} bytes");
}
