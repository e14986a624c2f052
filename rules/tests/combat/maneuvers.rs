//! Grapples, shoves, escapes, and taking somebody along.

use gss_rules::combat::{Answer, Choice, CombatantKind, Command, Fact, Question, Refusal, Shove};
use gss_rules::space::Square;
use gss_rules::{Condition, Edition, Key, MovementMode, Skill};
use serde_json::json;

use crate::table::{GOBLIN, HERO, Table, attack, block, combatant};

const SEIZE: Command = Command::Grapple { who: HERO, target: GOBLIN };

fn choose(word: &str) -> Answer {
    Answer::Choose { option: Key::parse(word).expect("a key") }
}

fn grappled(table: &Table) -> bool {
    let holds = |effect: &gss_rules::combat::Effect| {
        effect.template.conditions == [Condition::Grappled] && effect.source == Some(HERO)
    };
    table.combat.effects_on(GOBLIN).any(holds)
}

/// The check that was told: total, what it was against, whether it succeeded.
fn check(facts: &[Fact]) -> Option<(i64, Option<i64>, Option<bool>)> {
    facts.iter().find_map(|fact| match fact {
        Fact::CheckMade { total, against, success, .. } => Some((*total, *against, *success)),
        _ => None,
    })
}

#[test]
fn the_new_rules_ask_for_a_save_of_the_targets_choice() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    table.play(SEIZE, "");
    let key = |word| Key::parse(word).expect("a key");
    let (options, default) = (vec![key("str"), key("dex")], key("str"));
    let question = Question::Choice { choice: Choice::SaveAbility, options, default, about: None };
    let prompt = table.combat.prompt().expect("a question").clone();
    assert_eq!((prompt.who, prompt.question), (GOBLIN, question));
    // DC 8 + 3 + 2 = 13; Dexterity 14 gives 2.
    table.answer(choose("dex"), "20:11");
    assert!(!grappled(&table));
    assert!(!table.combat.combatant(HERO).expect("there").economy.action);
    let mut table = Table::duel(Edition::E52, [1, 0]);
    table.play(SEIZE, "");
    table.answer(choose("dex"), "20:10");
    assert!(grappled(&table));
    assert_eq!(table.refused(SEIZE), Refusal::NothingToDo);
}

#[test]
fn the_old_rules_have_a_contest_and_a_tie_changes_nothing() {
    // Athletics 3 against Acrobatics 2.
    for (own, other, held) in [(10, 11, false), (10, 10, true), (11, 13, false)] {
        let mut table = Table::duel(Edition::E51, [1, 0]);
        table.play(SEIZE, "");
        let facts = table.answer(choose("acrobatics"), &format!("20:{own} 20:{other}"));
        let (total, against) = (own + 3, other + 2);
        assert_eq!(check(&facts), Some((total, Some(against), Some(held))));
        assert_eq!(grappled(&table), held);
    }
}

#[test]
fn unasked_the_target_resists_with_what_it_is_better_at() {
    let mut table = Table::duel(Edition::E51, [1, 0]);
    table.play(SEIZE, "");
    // Athletics 3 is better than Acrobatics 2.
    let facts = table.answer(Answer::Decline, "20:12 20:10");
    assert_eq!(check(&facts), Some((15, Some(13), Some(true))));
}

#[test]
fn who_cannot_be_seized() {
    let mut table = Table::duel(Edition::E52, [2, 0]);
    assert_eq!(table.refused(SEIZE), Refusal::OutOfReach { distance_ft: 10, reach_ft: 5 });
    let far = Command::Grapple { who: HERO, target: HERO };
    assert_eq!(table.refused(far), Refusal::InvalidTarget);
    let mut table = Table::new(Edition::E52);
    for (id, side, at, size) in
        [(HERO, "party", [0, 0], "small"), (GOBLIN, "foes", [1, 0], "large")]
    {
        let combatant =
            combatant(id, CombatantKind::Monster, side, at, block(json!({"size": size})));
        table.play(Command::AddCombatant { combatant: Box::new(combatant) }, "");
    }
    table.play(Command::Begin, "20:15 20:10");
    assert_eq!(table.refused(SEIZE), Refusal::TooLarge);
    table.play(Command::Dodge { who: HERO }, "");
    let shove = Command::Shove { who: HERO, target: GOBLIN, effect: Shove::Prone, to: None };
    assert_eq!(table.refused(shove), Refusal::TooLarge);
}

#[test]
fn a_shove_pushes_or_knocks_down() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    table.play(Command::Shove { who: HERO, target: GOBLIN, effect: Shove::Push, to: None }, "");
    // Strength 3: 12 is one short of 13.
    table.answer(choose("str"), "20:9");
    let goblin = table.combat.combatant(GOBLIN).expect("there");
    assert_eq!(goblin.position, Some(Square { x: 2, y: 0 }));
    let mut table = Table::duel(Edition::E51, [1, 0]);
    table.play(Command::Shove { who: HERO, target: GOBLIN, effect: Shove::Prone, to: None }, "");
    table.answer(choose("athletics"), "20:12 20:11");
    let lies =
        |effect: &gss_rules::combat::Effect| effect.template.conditions == [Condition::Prone];
    assert!(table.combat.effects_on(GOBLIN).any(lies));
    table.play(Command::EndTurn { who: HERO }, "");
    table.play(Command::StandUp { who: GOBLIN }, "");
}

#[test]
fn a_grapple_takes_the_place_of_one_of_several_attacks_of_a_character() {
    let mut table = Table::new(Edition::E52);
    let twice = json!({"multiattack": [["longsword", "longsword"]]});
    for (id, kind, side, at) in [
        (HERO, CombatantKind::Character, "party", [0, 0]),
        (GOBLIN, CombatantKind::Monster, "foes", [1, 0]),
    ] {
        let combatant = combatant(id, kind, side, at, block(twice.clone()));
        table.play(Command::AddCombatant { combatant: Box::new(combatant) }, "");
    }
    table.play(Command::Begin, "20:15 20:10");
    table.play(attack(HERO, GOBLIN, "longsword"), "20:1");
    table.play(SEIZE, "");
    table.answer(choose("str"), "20:20");
    assert_eq!(table.refused(attack(HERO, GOBLIN, "longsword")), Refusal::NoActionLeft);
    table.play(Command::EndTurn { who: HERO }, "");
    // Multiattack is not the Attack action.
    table.play(attack(GOBLIN, HERO, "longsword"), "20:1");
    let back = Command::Grapple { who: GOBLIN, target: HERO };
    assert_eq!(table.refused(back), Refusal::NoActionLeft);
}

fn seized(edition: Edition) -> Table {
    let mut table = Table::duel(edition, [1, 0]);
    table.play(SEIZE, "");
    let faces = if edition == Edition::E52 { "20:1" } else { "20:20 20:1" };
    table.answer(Answer::Decline, faces);
    assert!(grappled(&table));
    table
}

const fn escape(skill: Option<Skill>) -> Command {
    Command::Escape { who: GOBLIN, effect: None, skill }
}

#[test]
fn the_grappled_breaks_free_with_its_action() {
    let mut table = seized(Edition::E52);
    let steps = vec![Square { x: 2, y: 0 }];
    table.play(Command::EndTurn { who: HERO }, "");
    let walk = |path| Command::Move {
        who: GOBLIN,
        mode: MovementMode::Walk,
        path,
        drag: Vec::new(),
        elevation_ft: None,
    };
    let stuck = Refusal::NotEnoughMovement { cost_ft: 5, left_ft: 0 };
    assert_eq!(table.refused(walk(steps.clone())), stuck);
    assert_eq!(table.refused(escape(Some(Skill::Stealth))), Refusal::WrongSkill);
    let facts = table.play(escape(Some(Skill::Acrobatics)), "20:10");
    assert_eq!(check(&facts), Some((12, Some(13), Some(false))));
    table.play(Command::EndTurn { who: GOBLIN }, "");
    table.play(Command::EndTurn { who: HERO }, "");
    let facts = table.play(escape(Some(Skill::Acrobatics)), "20:11");
    assert_eq!(check(&facts), Some((13, Some(13), Some(true))));
    assert!(!grappled(&table));
    let mut table = seized(Edition::E51);
    table.play(Command::EndTurn { who: HERO }, "");
    let facts = table.play(escape(None), "20:10 20:10");
    assert_eq!(check(&facts), Some((13, Some(13), Some(false))));
    assert!(grappled(&table));
    assert_eq!(table.refused(escape(None)), Refusal::NoActionLeft);
}

#[test]
fn a_hold_ends_with_who_holds_and_with_the_distance() {
    let mut table = seized(Edition::E52);
    table.afflict(HERO, Condition::Stunned);
    assert!(!grappled(&table));
    let mut table = seized(Edition::E52);
    let release = Command::Release { who: HERO, target: GOBLIN };
    table.play(release.clone(), "");
    assert!(!grappled(&table));
    assert_eq!(table.refused(release), Refusal::NothingToDo);
    // Walking away without taking it along lets go.
    let mut table = seized(Edition::E52);
    let path = vec![Square { x: 0, y: 1 }, Square { x: 0, y: 2 }];
    let (mode, drag) = (MovementMode::Walk, Vec::new());
    table.play(Command::Move { who: HERO, mode, path, drag, elevation_ft: None }, "");
    let option = Key::parse("longsword").expect("a key");
    table.answer(Answer::React { option }, "20:1");
    assert!(!grappled(&table));
}

#[test]
fn who_is_taken_along_slows() {
    for (edition, spent) in [(Edition::E52, 20), (Edition::E51, 10)] {
        let mut table = seized(edition);
        let walk = |squares: i32| Command::Move {
            who: HERO,
            mode: MovementMode::Walk,
            path: (1..=squares).map(|y| Square { x: 0, y }).collect(),
            drag: vec![GOBLIN],
            elevation_ft: None,
        };
        let (cost_ft, left_ft) = if edition == Edition::E52 { (40, 30) } else { (20, 15) };
        let refusal = Refusal::NotEnoughMovement { cost_ft, left_ft };
        assert_eq!(table.refused(walk(4)), refusal);
        table.play(walk(2), "");
        let at = |table: &Table, id| table.combat.combatant(id).expect("there").position;
        assert_eq!(at(&table, HERO), Some(Square { x: 0, y: 2 }));
        assert_eq!(at(&table, GOBLIN), Some(Square { x: 1, y: 2 }));
        assert!(grappled(&table));
        assert_eq!(table.combat.combatant(HERO).expect("there").economy.moved_ft, spent);
    }
    let mut table = Table::duel(Edition::E52, [1, 0]);
    let path = vec![Square { x: 0, y: 1 }];
    let (mode, drag) = (MovementMode::Walk, vec![GOBLIN]);
    let walk = Command::Move { who: HERO, mode, path, drag, elevation_ft: None };
    assert_eq!(table.refused(walk), Refusal::InvalidTarget);
}

fn leap(squares: i32) -> Command {
    let path = (1..=squares).map(|y| Square { x: 0, y }).collect();
    Command::Jump { who: HERO, path, elevation_ft: None }
}

#[test]
fn a_run_up_doubles_a_jump() {
    // Strength 16: 16 feet, and 8 from where it stands.
    let mut table = Table::duel(Edition::E52, [9, 9]);
    let too_far = |distance_ft, most_ft| Refusal::TooFarToJump { distance_ft, most_ft };
    assert_eq!(table.refused(leap(2)), too_far(10, 8));
    let up = Command::Jump { who: HERO, path: vec![Square { x: 0, y: 0 }], elevation_ft: Some(5) };
    assert_eq!(table.refused(up), too_far(5, 3));
    table.play(leap(1), "");
    let run = Command::Move {
        who: HERO,
        mode: MovementMode::Walk,
        path: vec![Square { x: 0, y: 2 }, Square { x: 0, y: 3 }],
        drag: Vec::new(),
        elevation_ft: None,
    };
    table.play(run, "");
    let on = |from: i32, squares: i32| Command::Jump {
        who: HERO,
        path: (1..=squares).map(|step| Square { x: 0, y: from + step }).collect(),
        elevation_ft: None,
    };
    assert_eq!(table.refused(on(3, 4)), too_far(20, 16));
    table.play(on(3, 3), "");
    let hero = table.combat.combatant(HERO).expect("there");
    assert_eq!((hero.position, hero.economy.moved_ft), (Some(Square { x: 0, y: 6 }), 30));
    let left = Refusal::NotEnoughMovement { cost_ft: 5, left_ft: 0 };
    assert_eq!(table.refused(on(6, 1)), left);
    let apart = Command::Jump { who: HERO, path: vec![Square { x: 0, y: 9 }], elevation_ft: None };
    let at = Some(Square { x: 0, y: 9 });
    assert_eq!(table.refused(apart), Refusal::InvalidPath { at });
}

#[test]
fn who_lands_on_rough_ground_may_fall() {
    for (face, falls) in [(8, false), (7, true)] {
        let mut table = Table::duel(Edition::E52, [9, 9]);
        let difficult = [Square { x: 0, y: 1 }].into();
        let grid = gss_rules::space::Grid { difficult, ..gss_rules::space::Grid::open(50, 50) };
        table.combat.grid = std::sync::Arc::new(grid);
        // Acrobatics 2 against 10.
        table.play(leap(1), &format!("20:{face}"));
        let lies = |it: &gss_rules::combat::Effect| it.template.conditions == [Condition::Prone];
        assert_eq!(table.combat.effects_on(HERO).any(lies), falls);
    }
}
