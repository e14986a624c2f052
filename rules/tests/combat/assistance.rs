//! Help, hiding, searching and the other actions that are a check.

use std::sync::Arc;

use gss_rules::combat::{CombatantKind, Command, Fact, HelpWith, Life, Refusal, SkillAction};
use gss_rules::dice::RollMode;
use gss_rules::space::{Grid, Obscured, Square};
use gss_rules::{Condition, Edition, Skill};
use serde_json::json;

use crate::table::{GOBLIN, HERO, OGRE, Table, attack, block, combatant};

/// The hero and, of its side, the ogre, both beside the goblin; order: hero, ogre, goblin.
fn party(edition: Edition) -> Table {
    let mut table = Table::new(edition);
    let skilled = json!({"skills": {"medicine": 4, "athletics": 5}});
    for (id, side, at) in
        [(HERO, "party", [0, 0]), (OGRE, "party", [1, 1]), (GOBLIN, "foes", [1, 0])]
    {
        let combatant = combatant(id, CombatantKind::Character, side, at, block(skilled.clone()));
        table.play(Command::AddCombatant { combatant: Box::new(combatant) }, "");
    }
    table.play(Command::Begin, "20:15 20:5 20:10");
    table
}

fn modes(facts: &[Fact]) -> Vec<RollMode> {
    let mode = |fact: &Fact| match fact {
        Fact::Rolled { roll, .. } => Some(roll.mode),
        _ => None,
    };
    facts.iter().filter_map(mode).collect()
}

const fn help(with: HelpWith) -> Command {
    Command::Help { who: HERO, target: OGRE, with }
}

#[test]
fn help_gives_the_next_attack_on_that_enemy_advantage() {
    let mut table = party(Edition::E52);
    table.play(help(HelpWith::Attack { enemy: GOBLIN }), "");
    assert_eq!(table.refused(help(HelpWith::Attack { enemy: GOBLIN })), Refusal::NoActionLeft);
    table.play(Command::EndTurn { who: HERO }, "");
    let facts = table.play(attack(OGRE, GOBLIN, "longsword"), "20:3 20:2");
    assert_eq!(modes(&facts), [RollMode::Advantage]);
    assert!(table.combat.effects.is_empty(), "used up");
}

#[test]
fn help_is_over_as_the_helpers_next_turn_starts() {
    let mut table = party(Edition::E51);
    table.play(help(HelpWith::Attack { enemy: GOBLIN }), "");
    for who in [HERO, OGRE, GOBLIN] {
        assert_eq!(table.combat.effects.len(), 1);
        table.play(Command::EndTurn { who }, "");
    }
    assert!(table.combat.effects.is_empty());
}

#[test]
fn help_with_a_check_takes_proficiency_in_the_new_rules() {
    let with = |skill| HelpWith::Check { skill };
    let mut table = party(Edition::E52);
    assert_eq!(table.refused(help(with(None))), Refusal::NotProficient);
    assert_eq!(table.refused(help(with(Some(Skill::Perception)))), Refusal::NotProficient);
    let mut table = party(Edition::E51);
    table.play(help(with(Some(Skill::Perception))), "");
    table.play(Command::EndTurn { who: HERO }, "");
    let search = |skill| Command::TrySkill {
        who: OGRE,
        action: SkillAction::Search,
        skill,
        target: None,
        sense: None,
    };
    let facts = table.play(search(None), "20:4 20:9");
    assert_eq!(modes(&facts), [RollMode::Advantage]);
    let made = facts.iter().find_map(|fact| match fact {
        Fact::CheckMade { skill, total, against, success, .. } => {
            Some((*skill, *total, *against, *success))
        }
        _ => None,
    });
    assert_eq!(made, Some((Skill::Perception, 9, None, None)));
}

#[test]
fn the_dying_are_helped() {
    for (edition, done) in [(Edition::E52, true), (Edition::E51, false)] {
        let mut table = party(edition);
        table.play(Command::EndTurn { who: HERO }, "");
        table.play(Command::EndTurn { who: OGRE }, "");
        table.play(attack(GOBLIN, OGRE, "longsword"), "20:20 8:8 8:8");
        // 19 of 20; one more blow fells it.
        table.play(Command::EndTurn { who: GOBLIN }, "");
        for who in [HERO, OGRE] {
            table.play(Command::EndTurn { who }, "");
        }
        table.play(attack(GOBLIN, OGRE, "longsword"), "20:15 8:1");
        table.play(Command::EndTurn { who: GOBLIN }, "");
        assert_eq!(table.life(OGRE), Life::Dying { successes: 0, failures: 0 });
        if done {
            table.play(help(HelpWith::Stabilize), "20:6 4:2");
            assert_eq!(table.life(OGRE), Life::Stable);
        } else {
            assert_eq!(table.refused(help(HelpWith::Stabilize)), Refusal::NotInTheseRules);
        }
    }
}

#[test]
fn nobody_hides_in_plain_sight() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    assert_eq!(table.refused(Command::Hide { who: HERO }), Refusal::Seen { by: GOBLIN });
}

#[test]
fn who_hides_is_found_by_a_search_and_seen_when_it_attacks() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    table.afflict(GOBLIN, Condition::Blinded);
    let fog = Obscured { heavily: [Square { x: 0, y: 0 }].into(), ..Obscured::default() };
    let clear = table.combat.grid.clone();
    table.combat.grid = Arc::new(Grid { obscured: fog, ..Grid::clone(&clear) });
    // Stealth 2: 14 is no 15.
    let facts = table.play(Command::Hide { who: HERO }, "20:12");
    assert!(facts.iter().any(|fact| matches!(
        fact,
        Fact::CheckMade { total: 14, against: Some(15), success: Some(false), .. }
    )));
    table.play(Command::EndTurn { who: HERO }, "");
    table.play(Command::EndTurn { who: GOBLIN }, "");
    table.play(Command::Hide { who: HERO }, "20:13");
    table.combat.grid = clear;
    let blind = table.combat.effects_on(GOBLIN).next().expect("one").id;
    table.play(Command::RemoveEffect { id: blind }, "");
    table.play(Command::EndTurn { who: HERO }, "");
    let search = Command::TrySkill {
        who: GOBLIN,
        action: SkillAction::Search,
        skill: Some(Skill::Perception),
        target: Some(HERO),
        sense: None,
    };
    table.play(search.clone(), "20:14");
    assert_eq!(table.combat.effects.len(), 1, "14 does not find 15");
    table.play(Command::EndTurn { who: GOBLIN }, "");
    let facts = table.play(attack(HERO, GOBLIN, "longsword"), "20:2 20:3");
    assert_eq!(modes(&facts), [RollMode::Advantage]);
    assert!(table.combat.effects.is_empty(), "who attacks is seen");
}

#[test]
fn the_old_rules_hide_from_those_who_do_not_notice() {
    for (face, mode) in [(8, RollMode::Advantage), (7, RollMode::Normal)] {
        let mut table = Table::duel(Edition::E51, [1, 0]);
        table.afflict(GOBLIN, Condition::Blinded);
        // Stealth 2 against a passive Perception of 10.
        table.play(Command::Hide { who: HERO }, &format!("20:{face}"));
        let blind = table.combat.effects_on(GOBLIN).next().expect("one").id;
        table.play(Command::RemoveEffect { id: blind }, "");
        for who in [HERO, GOBLIN] {
            table.play(Command::EndTurn { who }, "");
        }
        let faces = if mode == RollMode::Advantage { "20:2 20:1" } else { "20:2" };
        let facts = table.play(attack(HERO, GOBLIN, "longsword"), faces);
        assert_eq!(modes(&facts), [mode]);
    }
}

#[test]
fn study_is_of_the_new_rules_and_a_dc_to_influence_too() {
    let urge = |skill, target| Command::TrySkill {
        who: HERO,
        action: SkillAction::Influence,
        skill,
        target,
        sense: None,
    };
    let mut table = Table::duel(Edition::E51, [1, 0]);
    let study = Command::TrySkill {
        who: HERO,
        action: SkillAction::Study,
        skill: None,
        target: None,
        sense: None,
    };
    assert_eq!(table.refused(study), Refusal::NotInTheseRules);
    let charmed = serde_json::from_value(json!({
        "name": "charm", "duration": {"kind": "permanent"}, "conditions": ["charmed"]
    }))
    .expect("an effect");
    let (source, targets) = (Some(HERO), vec![GOBLIN]);
    table.play(Command::ApplyEffect { effect: charmed, source, targets }, "");
    // The charmer has advantage; what comes of it is for the game master.
    let facts = table.play(urge(None, Some(GOBLIN)), "20:4 20:15");
    assert!(facts.iter().any(|fact| matches!(
        fact,
        Fact::CheckMade { total: 15, against: None, success: None, .. }
    )));
    let mut table = Table::duel(Edition::E52, [1, 0]);
    assert_eq!(table.refused(urge(None, None)), Refusal::InvalidTarget);
    assert_eq!(table.refused(urge(Some(Skill::Arcana), Some(GOBLIN))), Refusal::WrongSkill);
    let facts = table.play(urge(None, Some(GOBLIN)), "20:15");
    assert!(facts.iter().any(|fact| matches!(
        fact,
        Fact::CheckMade { total: 15, against: Some(15), success: Some(true), .. }
    )));
}
