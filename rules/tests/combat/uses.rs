//! Special actions: areas, saves, what is used up and comes back, sets of attacks.

use gss_rules::combat::{Actor, CombatantKind, Command, Fact, Input, Refusal};
use gss_rules::space::Square;
use gss_rules::{Condition, Edition, Key};
use serde_json::{Value, json};

use crate::table::{GOBLIN, HERO, OGRE, Table, attack, block, combatant};

fn dragon() -> Value {
    json!({
        "multiattack": [["longsword", "longsword"], ["longsword", "gust"]],
        "uses": [
            {"use_id": "fire-breath", "name": "Fire Breath", "cost": "action", "recharge": 5,
             "area": {"shape": "cone", "size_ft": 15}, "damage": [{"dice": "2d6", "type": "fire"}],
             "save": {"ability": "dex", "dc": 13, "half": true}},
            {"use_id": "gust", "name": "Gust", "cost": "action", "targets": 1, "range_ft": 30,
             "save": {"ability": "str", "dc": 12},
             "fail": {"push_ft": 10, "conditions": ["prone"]}},
            {"use_id": "lash", "name": "Lash", "cost": "reaction", "targets": 1, "range_ft": 10,
             "damage": [{"dice": "1d6", "type": "piercing"}]},
            {"use_id": "mend", "name": "Mend", "cost": "bonus_action", "per_day": 1,
             "healing": "1d8+2"}
        ]
    })
}

/// The dragon at [5, 5], its turn; foes at [6, 5] and [8, 6].
fn lair() -> Table {
    let mut table = Table::new(Edition::E52);
    for (id, side, at, block) in [
        (HERO, "dragons", [5, 5], block(dragon())),
        (GOBLIN, "foes", [6, 5], block(json!({}))),
        (OGRE, "foes", [8, 6], block(json!({}))),
    ] {
        let combatant = combatant(id, CombatantKind::Monster, side, at, block);
        table.play(Command::AddCombatant { combatant: Box::new(combatant) }, "");
    }
    table.play(Command::Begin, "20:15 20:10 20:5");
    table
}

fn using(id: &str, targets: &[gss_rules::combat::CombatantId], to: Option<[i32; 2]>) -> Command {
    let id = Key::parse(id).expect("a key");
    let direction = to.map(Square::from);
    Command::UseAction {
        who: HERO,
        id,
        targets: targets.to_vec(),
        at: None,
        direction,
        option: None,
        path: Vec::new(),
        choices: std::collections::BTreeMap::new(),
    }
}

#[test]
fn a_breath_is_rolled_once_and_saved_against_by_each() {
    let mut table = lair();
    let breath = using("fire-breath", &[], Some([8, 5]));
    let facts = table.play(breath.clone(), "6:4 6:5 20:11 20:10");
    assert_eq!((table.hp(GOBLIN), table.hp(OGRE)), (16, 11));
    let used = facts.iter().find_map(|fact| match fact {
        Fact::ActionUsed { targets, .. } => Some(targets.clone()),
        _ => None,
    });
    assert_eq!(used, Some(vec![GOBLIN, OGRE]));
    assert_eq!(table.refused(breath.clone()), Refusal::Spent);
    table.play(Command::EndTurn { who: HERO }, "");
    table.play(Command::EndTurn { who: GOBLIN }, "");
    table.play(Command::EndTurn { who: OGRE }, "6:4");
    assert_eq!(table.refused(breath.clone()), Refusal::Spent);
    table.play(Command::EndTurn { who: HERO }, "");
    table.play(Command::EndTurn { who: GOBLIN }, "");
    table.play(Command::EndTurn { who: OGRE }, "6:5");
    table.play(breath, "6:1 6:1 20:1 20:1");
}

#[test]
fn an_area_needs_a_place_and_targets_a_range() {
    let mut table = lair();
    assert_eq!(table.refused(using("fire-breath", &[], None)), Refusal::InvalidArea);
    assert_eq!(table.refused(using("gust", &[], None)), Refusal::TargetCount { most: 1 });
    assert_eq!(table.refused(using("bite", &[], None)), Refusal::UnknownUse);
    table.play(Command::AddCombatant { combatant: far() }, "20:1");
    let far = Refusal::OutOfRange { distance_ft: 100, range_ft: 30 };
    assert_eq!(table.refused(using("gust", &[FAR], None)), far);
}

const FAR: gss_rules::combat::CombatantId =
    gss_rules::combat::CombatantId(uuid::Uuid::from_u128(9));

fn far() -> Box<gss_rules::combat::Combatant> {
    Box::new(combatant(FAR, CombatantKind::Monster, "foes", [25, 5], block(json!({}))))
}

#[test]
fn only_allowed_sets_follow_each_other() {
    let mut table = lair();
    table.play(attack(HERO, GOBLIN, "longsword"), "20:1");
    table.play(using("gust", &[GOBLIN], None), "20:5");
    let goblin = table.combat.combatant(GOBLIN).expect("there");
    assert_eq!(goblin.position, Some(Square { x: 8, y: 5 }));
    assert_eq!(table.refused(attack(HERO, OGRE, "longsword")), Refusal::NoActionLeft);
    assert_eq!(table.refused(using("gust", &[GOBLIN], None)), Refusal::NoActionLeft);
    let mut table = lair();
    table.play(using("fire-breath", &[], Some([8, 5])), "6:1 6:1 20:20 20:20");
    assert_eq!(table.refused(attack(HERO, GOBLIN, "longsword")), Refusal::NoActionLeft);
}

/// A monk, whose strikes and steps spend from one pool; surges come back each turn.
fn monk() -> Table {
    let spending = |id: &str, cost: &str, pool: &str| {
        json!({"use_id": id, "name": id, "cost": cost, "targets": 1, "range_ft": 30,
               "resource": pool, "healing": "1"})
    };
    let mut twice = spending("focus", "bonus_action", "focus");
    twice["per_day"] = json!(1);
    let mut free = spending("second-breath", "free", "focus");
    free["targets"] = json!(0);
    let monk = json!({
        "resources": {"ki": {"current": 2, "max": 3, "recover": "short_rest"},
                      "surge": {"current": 1, "max": 1, "recover": "turn"},
                      "focus": {"current": 2, "max": 2}},
        "uses": [spending("flurry", "bonus_action", "ki"), spending("stun", "action", "ki"),
                 spending("surge", "action", "surge"), twice, free,
                 {"use_id": "for-nothing", "name": "For Nothing", "cost": "free"},
                 spending("nothing", "action", "no-such-pool")]
    });
    let mut table = Table::new(Edition::E52);
    for (id, side, at, block) in
        [(HERO, "party", [5, 5], block(monk)), (GOBLIN, "foes", [6, 5], block(json!({})))]
    {
        let combatant = combatant(id, CombatantKind::Monster, side, at, block);
        table.play(Command::AddCombatant { combatant: Box::new(combatant) }, "");
    }
    table.play(Command::Begin, "20:15 20:10");
    table
}

#[test]
fn uses_spend_from_their_pools() {
    let mut table = monk();
    let round = |table: &mut Table| {
        table.play(Command::EndTurn { who: HERO }, "");
        table.play(Command::EndTurn { who: GOBLIN }, "");
    };
    assert_eq!(table.refused(using("nothing", &[GOBLIN], None)), Refusal::Spent);
    table.play(using("flurry", &[GOBLIN], None), "");
    table.play(using("surge", &[GOBLIN], None), "");
    round(&mut table);
    // The surge is back.
    table.play(using("surge", &[GOBLIN], None), "");
    table.play(using("flurry", &[GOBLIN], None), "");
    round(&mut table);
    assert_eq!(table.refused(using("flurry", &[GOBLIN], None)), Refusal::Spent);
    assert_eq!(table.refused(using("stun", &[GOBLIN], None)), Refusal::Spent);
    // Its own limit and a pool of the same name are spent once, and both hold.
    table.play(using("focus", &[GOBLIN], None), "");
    round(&mut table);
    assert_eq!(table.refused(using("focus", &[GOBLIN], None)), Refusal::Spent);
    // What is free is at no cost but its pool's, and not without end.
    table.play(using("second-breath", &[], None), "");
    assert_eq!(table.refused(using("second-breath", &[], None)), Refusal::Spent);
    assert_eq!(table.refused(using("for-nothing", &[], None)), Refusal::NotAnAction);
    table.play(using("surge", &[GOBLIN], None), "");
    let spent = &table.combat.combatant(HERO).expect("there").spent;
    let spent: Vec<(&str, u8)> = spent.iter().map(|(id, spent)| (id.as_str(), *spent)).collect();
    assert_eq!(spent, [("focus", 2), ("ki", 2), ("surge", 1)]);
}

#[test]
fn healing_stops_at_the_maximum_and_a_day_has_so_many_uses() {
    let mut table = lair();
    table.play(using("mend", &[], None), "8:8");
    assert_eq!(table.hp(HERO), 20);
    assert_eq!(table.refused(using("mend", &[], None)), Refusal::Spent);
}

#[test]
fn a_reaction_is_taken_at_its_moment_by_the_game_masters_word() {
    let mut table = lair();
    table.play(Command::EndTurn { who: HERO }, "");
    let owner = uuid::Uuid::from_u128(77);
    let given = serde_json::from_value(json!({"owner_id": owner})).expect("changes");
    table.play(Command::Update { id: HERO, changes: Box::new(given) }, "");
    let lash = using("lash", &[GOBLIN], None);
    for (by, refusal) in [
        (Actor::Player(owner), Refusal::NotGameMaster),
        (Actor::Player(uuid::Uuid::from_u128(78)), Refusal::NotYours),
    ] {
        let input = Input::Command { by, command: lash.clone() };
        assert_eq!(table.input(input, ""), Err(refusal));
    }
    let far = Refusal::OutOfRange { distance_ft: 15, range_ft: 10 };
    assert_eq!(table.refused(using("lash", &[OGRE], None)), far);
    table.play(lash.clone(), "6:4");
    assert_eq!((table.hp(GOBLIN), table.combat.active()), (16, Some(GOBLIN)));
    assert!(!table.combat.combatant(HERO).expect("there").economy.reaction);
    assert_eq!(table.refused(lash.clone()), Refusal::NoActionLeft);
    table.play(Command::EndTurn { who: GOBLIN }, "");
    table.play(Command::EndTurn { who: OGRE }, "");
    table.play(lash.clone(), "6:1");
    let hero = table.combat.combatant(HERO).expect("there");
    assert_eq!((hero.economy.reaction, hero.economy.action), (false, true));
    let mut table = lair();
    table.afflict(HERO, Condition::Stunned);
    let condition = Some(Condition::Stunned);
    assert_eq!(table.refused(lash), Refusal::CannotAct { condition });
}
