//! Who is hidden acts, waits and is looked for: foes notice nothing of it, in what they are told and
//! in what they are refused.

use gss_shared::error_code::ErrorCode;
use serde_json::{Value, json};

use crate::fights::{ARIA, BREN, Fight, GM, GOBLIN, HERO, LURKER, OGRE, WATCHER};
use crate::support::id;

/// The turn of somebody, in the order of [`ALL`].
fn turn_of(who: u128) -> Fight {
    let mut fight = Fight::started(json!({"reaction_seconds": 10}));
    fight.at_turn_of(who);
    fight
}

#[test]
fn what_waits_for_movement_does_not_notice_who_is_hidden() {
    let mut fight = turn_of(HERO);
    let bow = json!({"action_type": "attack", "targets": [id(OGRE)],
                     "details": {"attack_id": "longbow"}});
    let details = json!({"trigger": {"on": "moves"}, "action": bow});
    fight.declare(ARIA, HERO, "ready", &[], details).expect("waits");
    fight.pass_to(LURKER);
    let path = json!({"path": [[4, 6], [5, 7]]});
    fight.declare(GM, LURKER, "move", &[], path).expect("moves");
    assert_eq!(fight.combat(GM)["prompts"], json!({}));
    for who in [ARIA, BREN, WATCHER] {
        assert_eq!(fight.types(who), [""; 0], "{who}");
    }
    // Its turn comes round again, and it waits again: whom it sees, it notices.
    fight.pass_to(HERO);
    let bow = json!({"action_type": "attack", "targets": [id(OGRE)],
                     "details": {"attack_id": "longbow"}});
    let details = json!({"trigger": {"on": "moves"}, "action": bow});
    fight.declare(ARIA, HERO, "ready", &[], details).expect("waits");
    fight.pass_to(OGRE);
    fight.declare(GM, OGRE, "move", &[], json!({"path": [[6, 6]]})).expect("moves");
    assert_eq!(fight.types(ARIA).last(), Some(&"reaction_prompt"));
}

#[test]
fn nobody_is_kept_from_hiding_by_who_is_hidden_from_it() {
    let mut fight = turn_of(HERO);
    let seen = fight.declare(ARIA, HERO, "hide", &[], json!({})).expect_err("is seen");
    assert_eq!((seen.code, &seen.details["by"]), (ErrorCode::RuleViolation, &json!(id(GOBLIN))));
    for foe in [GOBLIN, OGRE] {
        fight.frame(GM, "combatant_remove", json!({"character_id": id(foe)})).expect("removes");
    }
    // The lurker looks at it.
    fight.declare(ARIA, HERO, "hide", &[], json!({})).expect("hides");
    let economy = &fight.combat(ARIA)["combatants"][id(HERO).to_string()]["economy"];
    assert_eq!(economy["action"], false);
}

#[test]
fn whose_reaction_it_is_is_told_to_nobody_who_may_not_know() {
    for accept in [false, true] {
        let mut fight = turn_of(HERO);
        // The lurker stands at [3, 5].
        fight
            .frame(
                GM,
                "combatant_update",
                json!({
                    "character_id": id(HERO), "fields": {"position": [2, 6]},
                }),
            )
            .expect("is put beside it");
        let path = json!({"path": [[1, 7], [0, 8]]});
        fight.declare(ARIA, HERO, "move", &[], path).expect("leaves");
        assert_eq!(fight.types(GM).last(), Some(&"reaction_prompt"));
        for who in [ARIA, BREN, WATCHER] {
            assert!(!fight.types(who).contains(&"reaction_prompt"), "{who}");
            assert_eq!(fight.combat(who)["step"], "awaiting_decision");
        }
        let prompts = fight.combat(GM)["prompts"].clone();
        let (prompt, asked) = prompts.as_object().expect("prompts").iter().next().expect("one");
        assert_eq!(asked["character_id"], json!(id(LURKER)));
        // Whoever guesses its name hears no more of it than of one that is none.
        let mut guesses = [json!(prompt), json!(id(999))].map(|prompt| {
            let guess = json!({"prompt_id": prompt, "accept": false});
            let mut guess = fight.frame(ARIA, "reaction", guess).expect_err("is not asked");
            guess.details.remove("action_id");
            guess
        });
        let [open, none] = &mut guesses;
        assert_eq!(open, none);
        let mut answer = json!({"prompt_id": prompt, "accept": accept});
        if accept {
            answer["option"] = asked["options"][0]["option"].clone();
        }
        fight.frame(GM, "reaction", answer).expect("is answered");
        let resolved = fight.got(GM)[0];
        assert_eq!(resolved["type"], "reaction_resolved");
        assert_eq!(resolved["data"]["character_id"], json!(id(LURKER)));
        for who in [ARIA, BREN, WATCHER] {
            assert!(!fight.types(who).contains(&"reaction_resolved"), "{who}");
        }
        assert_eq!(fight.combat(ARIA)["step"], "acting");
        let resolved =
            fight.got(ARIA).into_iter().filter(|frame| frame["type"] == "action_resolve");
        let acted: Vec<&Value> = resolved.map(|frame| &frame["data"]["character_id"]).collect();
        // Who strikes is hidden no longer.
        let struck = acted.iter().filter(|who| ***who == json!(id(LURKER))).count();
        assert_eq!(struck, usize::from(accept), "{acted:?}");
    }
}

#[test]
fn who_attacks_is_hidden_no_longer() {
    let mut fight = turn_of(LURKER);
    let shown = |fight: &Fight, who: u128| {
        fight.combat(who)["combatants"][id(LURKER).to_string()]["name"].clone()
    };
    assert_eq!(shown(&fight, ARIA), Value::Null);
    let bow = json!({"attack_id": "shortbow"});
    fight.declare(GM, LURKER, "attack", &[HERO], bow).expect("shoots");
    for who in [ARIA, BREN, WATCHER] {
        assert_eq!(shown(&fight, who), "Secret lurker", "{who}");
        // That it was about to attack is told to nobody who did not know of it.
        assert_eq!(fight.types(who), ["action_resolve"], "{who}");
        let resolved = &fight.got(who)[0]["data"];
        assert_eq!(resolved["character_id"], json!(id(LURKER)));
        assert_eq!(resolved["outcomes"][0]["target_id"], json!(id(HERO)));
    }
    assert_eq!(fight.combat(GM)["combatants"][id(LURKER).to_string()]["hidden"], false);
}
