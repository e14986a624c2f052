//! The order of turns, and what a turn allows.

use std::sync::Arc;

use gss_rules::combat::{
    Actor, Combatant, CombatantId, CombatantKind, Command, Input, Phase, Refusal, RolledFor,
};
use gss_rules::space::Square;
use gss_rules::{Condition, Edition, InitiativeTies, Key, MovementMode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::table::{GOBLIN, HERO, OGRE, Table, attack, block, combatant};

#[test]
fn highest_first_and_ties_by_dexterity_then_dice() {
    let mut table = Table::new(Edition::E52);
    for (x, (id, dex)) in (0..).zip([(HERO, 14), (GOBLIN, 14), (OGRE, 8)]) {
        let block = block(json!({
            "abilities": {"str": 10, "dex": dex, "con": 10, "int": 10, "wis": 10, "cha": 10}
        }));
        let combatant = combatant(id, CombatantKind::Monster, "foes", [x, 0], block);
        table.play(Command::AddCombatant { combatant: Box::new(combatant) }, "");
    }
    // 10 each: the ogre is slower; the others throw for it.
    table.play(Command::Begin, "20:8 20:8 20:11 20:3 20:17");
    assert_eq!(table.combat.order, [GOBLIN, HERO, OGRE]);
    assert_eq!((table.combat.phase, table.combat.round), (Phase::Running, 1));
}

/// A table where everybody is called to roll.
fn called(ties: InitiativeTies, roll: RolledFor, faces: &str) -> Table {
    let mut table = Table::new(Edition::E52);
    Arc::make_mut(&mut table.combat.rules).initiative_ties = ties;
    let dex = |dex: i32| {
        block(json!({
            "abilities": {"str": 10, "dex": dex, "con": 10, "int": 10, "wis": 10, "cha": 10}
        }))
    };
    let hero = combatant(HERO, CombatantKind::Character, "party", [0, 0], dex(14));
    let goblin = combatant(GOBLIN, CombatantKind::Monster, "foes", [1, 0], dex(10));
    for combatant in [hero, goblin] {
        table.play(Command::AddCombatant { combatant: Box::new(combatant) }, "");
    }
    table.play(Command::CallInitiative { roll, fixed: false }, faces);
    table
}

#[test]
fn the_last_to_roll_begins_the_first_turn() {
    let mut table = called(InitiativeTies::DexThenSeededRoll, RolledFor::Npcs, "20:12");
    assert_eq!(table.combat.phase, Phase::RollingInitiative);
    let again = table.refused(Command::RollInitiative { who: GOBLIN, face: None });
    assert_eq!(again, Refusal::NothingToDo);
    let none = table.refused(Command::RollInitiative { who: HERO, face: Some(21) });
    assert_eq!(none, Refusal::WrongAnswer);
    // 10 and 2 tie with 12; the hero is the quicker one.
    table.play(Command::RollInitiative { who: HERO, face: Some(10) }, "");
    assert_eq!(table.combat.order, [HERO, GOBLIN]);
    assert_eq!(table.combat.active(), Some(HERO));
    let late = table.refused(Command::RollInitiative { who: HERO, face: None });
    assert_eq!(late, Refusal::WrongPhase);
}

#[test]
fn a_one_of_ones_own_is_thrown_again() {
    let lucky = |modifiers: Value, face, faces| {
        let mut table = called(InitiativeTies::DexThenSeededRoll, RolledFor::Npcs, "20:12");
        let effect =
            json!({"name": "luck", "duration": {"kind": "permanent"}, "modifiers": modifiers});
        let effect = Box::new(serde_json::from_value(effect).expect("an effect"));
        table.play(Command::ApplyEffect { effect, source: None, targets: vec![HERO] }, "");
        table.play(Command::RollInitiative { who: HERO, face: Some(face) }, faces);
        table.combat.combatant(HERO).expect("there").initiative
    };
    let luck = json!({"kind": "reroll", "on": ["check"], "value": 1});
    let favor = json!({"kind": "advantage", "on": ["check"]});
    assert_eq!(lucky(json!([luck]), 1, "20:17"), Some(19));
    assert_eq!(lucky(json!([luck, favor]), 1, "20:17"), Some(19));
    assert_eq!(lucky(json!([luck, favor]), 2, ""), Some(4));
    let hindrance = json!({"kind": "disadvantage", "on": ["check"]});
    assert_eq!(lucky(json!([luck, hindrance]), 1, "20:17"), Some(19));
}

#[test]
fn ties_are_rolled_off_or_ordered_by_hand_where_the_table_says_so() {
    // 10 and 2, and 12: a d20 each, whatever the Dexterity.
    let table = called(InitiativeTies::RollOff, RolledFor::All, "20:10 20:12 20:3 20:9");
    assert_eq!(table.combat.order, [GOBLIN, HERO]);
    // Who throw alike throw again.
    let again = "20:10 20:12 20:9 20:9 20:3 20:3 20:4 20:5";
    let table = called(InitiativeTies::RollOff, RolledFor::All, again);
    assert_eq!(table.combat.order, [GOBLIN, HERO]);
    let mut table = called(InitiativeTies::GmOrder, RolledFor::All, "20:10 20:12");
    assert_eq!(table.combat.phase, Phase::RollingInitiative);
    let short = table.refused(Command::SetOrder { order: vec![GOBLIN] });
    assert_eq!(short, Refusal::IncompleteOrder);
    table.play(Command::SetOrder { order: vec![GOBLIN, HERO] }, "");
    assert_eq!(table.combat.active(), Some(GOBLIN));
    // A new order leaves the turn with whom it is.
    table.play(Command::SetOrder { order: vec![HERO, GOBLIN] }, "");
    assert_eq!((table.combat.active(), table.combat.turn), (Some(GOBLIN), Some(1)));
}

/// Who shares a roll of initiative shares what decides between equal counts, and acts together.
#[test]
fn those_who_roll_together_throw_once_for_equal_counts() {
    let alike = |hero: &mut Combatant, ogre: &mut Combatant| {
        for one in [hero, ogre] {
            one.monster = Key::parse("ogre").ok();
        }
    };
    let grouped = |hero: &mut Combatant, ogre: &mut Combatant| {
        for one in [hero, ogre] {
            one.group = Some("twins".to_owned());
        }
    };
    let order = |band: &dyn Fn(&mut Combatant, &mut Combatant), faces: &str| {
        let mut table = Table::new(Edition::E52);
        let monster = |id, at| combatant(id, CombatantKind::Monster, "foes", at, block(json!({})));
        let (mut hero, mut ogre) = (monster(HERO, [0, 0]), monster(OGRE, [4, 0]));
        band(&mut hero, &mut ogre);
        for combatant in [hero, monster(GOBLIN, [2, 0]), ogre] {
            table.play(Command::AddCombatant { combatant: Box::new(combatant) }, "");
        }
        table.play(Command::Begin, faces);
        table.combat.order.clone()
    };
    for band in [&alike as &dyn Fn(&mut Combatant, &mut Combatant), &grouped] {
        // A roll of both and one of the goblin; then as often as they are level, again.
        let last = order(band, "20:10 20:10 20:9 20:9 20:3 20:15");
        assert_eq!(last, [GOBLIN, HERO, OGRE]);
        let first = order(band, "20:10 20:10 20:15 20:3");
        assert_eq!(first, [HERO, OGRE, GOBLIN]);
    }
}

#[test]
fn surprise_is_a_disadvantage_in_the_new_rules_and_a_lost_turn_in_the_old() {
    let ambush = |edition, faces| {
        let mut table = Table::new(edition);
        let mut hero = combatant(HERO, CombatantKind::Character, "party", [0, 0], block(json!({})));
        hero.surprised = true;
        let goblin = combatant(GOBLIN, CombatantKind::Monster, "foes", [1, 0], block(json!({})));
        for combatant in [hero, goblin] {
            table.play(Command::AddCombatant { combatant: Box::new(combatant) }, "");
        }
        table.play(Command::Begin, faces);
        table
    };
    let mut new = ambush(Edition::E52, "20:18 20:17 20:3");
    new.play(Command::Dodge { who: HERO }, "");
    let mut old = ambush(Edition::E51, "20:18 20:3");
    let cannot = Refusal::CannotAct { condition: None };
    assert_eq!(old.refused(Command::Dodge { who: HERO }), cannot);
    let path = vec![Square { x: 0, y: 1 }];
    let none = Refusal::NotEnoughMovement { cost_ft: 5, left_ft: 0 };
    let walk = |who| Command::Move {
        who,
        mode: MovementMode::Walk,
        path: path.clone(),
        drag: Vec::new(),
        elevation_ft: None,
    };
    assert_eq!(old.refused(walk(HERO)), none);
    old.play(Command::EndTurn { who: HERO }, "");
    assert_eq!(old.combat.effects.len(), 0);
}

#[test]
fn who_comes_back_has_its_old_place_and_an_empty_table_goes_on() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    let goblin = table.combat.combatant(GOBLIN).expect("there").clone();
    let back = || Command::AddCombatant { combatant: Box::new(goblin.clone()) };
    table.play(Command::RemoveCombatant { id: GOBLIN }, "");
    assert_eq!(table.combat.order, [HERO]);
    table.play(back(), "");
    assert_eq!(table.combat.order, [HERO, GOBLIN]);
    assert_eq!(table.refused(back()), Refusal::KnownCombatant { id: GOBLIN });
    for id in [HERO, GOBLIN] {
        table.play(Command::RemoveCombatant { id }, "");
    }
    table.play(back(), "");
    assert_eq!(table.combat.active(), Some(GOBLIN));
    table.play(Command::EndTurn { who: GOBLIN }, "");
}

#[test]
fn who_cannot_be_as_it_is_said_to_be_is_refused() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    let goblin = table.combat.combatant(GOBLIN).expect("there").clone();
    let mut join = |change: &dyn Fn(&mut gss_rules::combat::Combatant)| {
        let mut ogre = gss_rules::combat::Combatant { id: OGRE, ..goblin.clone() };
        change(&mut ogre);
        table.refused(Command::AddCombatant { combatant: Box::new(ogre) })
    };
    let taken = Refusal::InvalidPath { at: Some(Square { x: 1, y: 0 }) };
    assert_eq!(join(&|_| {}), taken);
    let off = Square { x: -1, y: 0 };
    assert_eq!(join(&|ogre| ogre.position = Some(off)), Refusal::InvalidPath { at: Some(off) });
    let free = Some(Square { x: 5, y: 5 });
    let hurt = join(&|ogre| {
        ogre.position = free;
        ogre.hp.temp = -3;
    });
    assert_eq!(hurt, Refusal::InvalidCombatant);
}

#[test]
fn movement_is_paid_by_the_foot_and_twice_when_crawling() {
    let mut table = Table::duel(Edition::E52, [9, 9]);
    let path: Vec<[i32; 2]> = (1..=7).map(|x| [x, 0]).collect();
    let walk = |path: &[[i32; 2]]| {
        let path = path.iter().map(|square| Square::from(*square)).collect();
        Command::Move {
            who: HERO,
            mode: MovementMode::Walk,
            path,
            drag: Vec::new(),
            elevation_ft: None,
        }
    };
    let lacking = Refusal::NotEnoughMovement { cost_ft: 35, left_ft: 30 };
    assert_eq!(table.refused(walk(&path)), lacking);
    assert_eq!(
        table.refused(walk(&[[2, 0]])),
        Refusal::InvalidPath { at: Some(Square { x: 2, y: 0 }) }
    );
    table.play(walk(&path[..4]), "");
    table.play(Command::Dash { who: HERO, mode: None }, "");
    table.afflict(HERO, Condition::Prone);
    table.play(walk(&[[5, 1], [6, 1], [7, 1], [8, 1]]), "");
    let none = Refusal::NotEnoughMovement { cost_ft: 10, left_ft: 0 };
    assert_eq!(table.refused(walk(&[[8, 2]])), none);
}

#[test]
fn players_command_their_own() {
    let mut table = Table::new(Edition::E52);
    let (mine, other) = (Uuid::from_u128(70), Uuid::from_u128(71));
    let mut hero = combatant(HERO, CombatantKind::Character, "party", [0, 0], block(json!({})));
    hero.owner = Some(mine);
    table.play(Command::AddCombatant { combatant: Box::new(hero) }, "");
    table.play(Command::Begin, "20:1");
    let by = |player, command| Input::Command { by: Actor::Player(player), command };
    let dodge = Command::Dodge { who: HERO };
    assert_eq!(table.input(by(other, dodge.clone()), ""), Err(Refusal::NotYours));
    assert_eq!(table.input(by(mine, Command::Begin), ""), Err(Refusal::NotGameMaster));
    assert!(table.input(by(mine, dodge), "").is_ok());
}

#[test]
fn who_leaves_takes_the_turn_along() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    table.play(Command::RemoveCombatant { id: HERO }, "");
    assert_eq!(table.combat.active(), Some(GOBLIN));
    let gone = Refusal::UnknownCombatant { id: HERO };
    assert_eq!(table.refused(attack(HERO, GOBLIN, "longsword")), gone);
    table.play(Command::EndTurn { who: GOBLIN }, "");
    assert_eq!((table.combat.active(), table.combat.round), (Some(GOBLIN), 2));
}

#[test]
fn a_score_instead_of_a_roll_is_more_or_less_by_five() {
    let mut table = Table::new(Edition::E52);
    let ids = [1, 2, 3, 4].map(|id| CombatantId(Uuid::from_u128(id)));
    for (id, x) in ids.into_iter().zip(0..) {
        let one = combatant(id, CombatantKind::Monster, "foes", [x, 0], block(json!({})));
        let one = Combatant { surprised: id == ids[1], ..one };
        table.play(Command::AddCombatant { combatant: Box::new(one) }, "");
    }
    for (id, condition) in [(ids[2], "invisible"), (ids[3], "incapacitated")] {
        let effect = json!({
            "name": "test", "duration": {"kind": "permanent"}, "conditions": [condition]
        });
        let effect = serde_json::from_value(effect).expect("an effect");
        table.play(Command::ApplyEffect { effect, source: None, targets: vec![id] }, "");
    }
    let call = Command::CallInitiative { roll: RolledFor::None, fixed: true };
    table.play(call, "20:1 20:2");
    let counts = ids.map(|id| table.combat.combatant(id).expect("there").initiative);
    assert_eq!(counts, [Some(12), Some(7), Some(17), Some(7)]);
}

#[test]
fn monsters_of_one_kind_roll_once_where_no_group_is_named() {
    let mut table = Table::new(Edition::E51);
    let goblin = Key::parse("goblin").expect("a key");
    let ids = [1, 2, 3, 4, 5].map(|id| CombatantId(Uuid::from_u128(id)));
    for (id, x) in ids.into_iter().zip(0..) {
        let side = if id == ids[3] { "party" } else { "foes" };
        let one = combatant(id, CombatantKind::Monster, side, [x, 0], block(json!({})));
        let group = (id == ids[4]).then(|| "scouts".to_owned());
        let one = Combatant { monster: Some(goblin.clone()), group, ..one };
        table.play(Command::AddCombatant { combatant: Box::new(one) }, "");
    }
    // One roll of three, one of the other side's, one of the group's; the three throw one die to be
    // placed, the other with their count one more.
    table.play(Command::Begin, "20:10 20:10 20:4 20:6 20:9");
    let counts = ids.map(|id| table.combat.combatant(id).expect("there").initiative);
    assert_eq!(counts, [Some(12), Some(12), Some(12), Some(12), Some(6)]);
    assert_eq!(table.combat.order, [ids[3], ids[0], ids[1], ids[2], ids[4]]);
}

#[test]
fn who_comes_late_and_is_surprised_does_nothing_in_its_first_turn() {
    for edition in [Edition::E51, Edition::E52] {
        let mut table = Table::duel(edition, [1, 0]);
        let ogre = combatant(OGRE, CombatantKind::Monster, "foes", [0, 1], block(json!({})));
        let ogre = Combatant { surprised: true, ..ogre };
        let old = edition == Edition::E51;
        let faces = if old { "20:12" } else { "20:12 20:13" };
        table.play(Command::AddCombatant { combatant: Box::new(ogre) }, faces);
        table.play(Command::EndTurn { who: HERO }, "");
        assert_eq!(table.combat.active(), Some(OGRE));
        if old {
            let refused = table.refused(attack(OGRE, HERO, "longsword"));
            assert_eq!(refused, Refusal::CannotAct { condition: None });
        } else {
            table.play(attack(OGRE, HERO, "longsword"), "20:2");
        }
        table.play(Command::EndTurn { who: OGRE }, "");
        assert_eq!(table.combat.effects_on(OGRE).count(), 0);
    }
}

/// A hero of these speeds, alone, in its turn.
fn runner(edition: Edition, speeds: serde_json::Value) -> Table {
    let mut table = Table::new(edition);
    let hero = block(json!({"speeds": speeds}));
    let hero = combatant(HERO, CombatantKind::Character, "party", [0, 0], hero);
    table.play(Command::AddCombatant { combatant: Box::new(hero) }, "");
    table.play(Command::Begin, "20:1");
    table
}

#[test]
fn a_dash_is_as_far_as_the_speed_in_use() {
    let dashed = |table: &mut Table, mode| {
        table.play(Command::Dash { who: HERO, mode }, "");
        table.combat.combatant(HERO).expect("there").economy.dashed_ft
    };
    let step = |mode, elevation_ft| Command::Move {
        who: HERO,
        mode,
        path: vec![Square { x: 0, y: 1 }],
        drag: Vec::new(),
        elevation_ft,
    };
    for edition in [Edition::E51, Edition::E52] {
        let flier = || runner(edition, json!({"walk": 30, "fly": 60}));
        assert_eq!(dashed(&mut flier(), None), 30);
        let mut aloft = flier();
        aloft.play(step(MovementMode::Fly, Some(10)), "");
        assert_eq!(dashed(&mut aloft, None), 60);
        aloft.play(Command::EndTurn { who: HERO }, "");
        assert_eq!(dashed(&mut aloft, None), 60, "it is still up there");
        let mut swimmer = runner(edition, json!({"walk": 0, "swim": 40}));
        assert_eq!(dashed(&mut swimmer, None), 40);
        if edition == Edition::E52 {
            assert_eq!(dashed(&mut flier(), Some(MovementMode::Fly)), 60);
        } else {
            let named = Command::Dash { who: HERO, mode: Some(MovementMode::Fly) };
            assert_eq!(flier().refused(named), Refusal::NotInTheseRules);
        }
    }
}

#[test]
fn who_drags_dashes_half_as_far_in_the_old_rules() {
    for (edition, feet) in [(Edition::E51, 30), (Edition::E52, 60)] {
        let mut table = Table::duel(edition, [1, 0]);
        let held = json!({
            "name": "grappled", "duration": {"kind": "permanent"}, "conditions": ["grappled"]
        });
        let effect = serde_json::from_value(held).expect("an effect");
        let (source, targets) = (Some(HERO), vec![GOBLIN]);
        table.play(Command::ApplyEffect { effect, source, targets }, "");
        table.play(Command::Dash { who: HERO, mode: None }, "");
        let path = (1..=13).map(|y| Square { x: 0, y }).collect();
        let drag = vec![GOBLIN];
        let mode = MovementMode::Walk;
        let walk = Command::Move { who: HERO, mode, path, drag, elevation_ft: None };
        let cost_ft = if edition == Edition::E51 { 65 } else { 130 };
        let refused = table.refused(walk);
        assert_eq!(refused, Refusal::NotEnoughMovement { cost_ft, left_ft: feet });
    }
}

#[test]
fn first_aid_wakes_who_was_knocked_out() {
    let aid = Command::Stabilize { who: HERO, target: GOBLIN };
    for edition in [Edition::E51, Edition::E52] {
        let mut table = Table::duel(edition, [1, 0]);
        assert_eq!(table.refused(aid.clone()), Refusal::InvalidTarget);
        let held = json!({
            "name": "unconscious", "duration": {"kind": "permanent"}, "conditions": ["unconscious"]
        });
        let effect = serde_json::from_value(held).expect("an effect");
        let targets = vec![GOBLIN];
        table.play(Command::ApplyEffect { effect, source: None, targets }, "");
        if edition == Edition::E51 {
            assert_eq!(table.refused(aid.clone()), Refusal::InvalidTarget);
            continue;
        }
        let awake = |table: &Table| {
            let mut on = table.combat.effects_on(GOBLIN);
            !on.any(|effect| effect.template.conditions == [Condition::Unconscious])
        };
        table.play(aid.clone(), "20:9");
        assert!(!awake(&table));
        table.play(Command::EndTurn { who: HERO }, "");
        table.play(Command::EndTurn { who: GOBLIN }, "");
        table.play(aid.clone(), "20:10");
        assert!(awake(&table));
    }
}
