//! Things prepared, and objects.

use gss_rules::combat::{
    Answer, Awaited, CombatantKind, Command, Happening, Interaction, Life, Manner, Question,
    Refusal,
};
use gss_rules::space::Square;
use gss_rules::{Edition, Key, MovementMode};
use serde_json::json;

use crate::table::{GOBLIN, HERO, OGRE, Table, attack, block, combatant};

const fn awaited(on: Happening) -> Awaited {
    Awaited { on, who: Vec::new(), within_ft: None, text: None }
}

fn ready(trigger: Awaited, action: Command) -> Command {
    Command::Ready { who: HERO, trigger, action: Box::new(action) }
}

fn react() -> Answer {
    Answer::React { option: Key::parse("ready").expect("a key") }
}

fn walk(who: gss_rules::combat::CombatantId, path: &[[i32; 2]]) -> Command {
    let path = path.iter().copied().map(Square::from).collect();
    Command::Move { who, mode: MovementMode::Walk, path, drag: Vec::new(), elevation_ft: None }
}

#[test]
fn a_blow_is_held_back_until_somebody_comes_within_reach() {
    let mut table = Table::duel(Edition::E52, [3, 0]);
    let blow = attack(HERO, GOBLIN, "longsword");
    table.play(ready(awaited(Happening::EntersReach), blow), "");
    table.play(Command::EndTurn { who: HERO }, "");
    table.play(walk(GOBLIN, &[[2, 0], [1, 0], [1, 1]]), "");
    let prompt = table.combat.prompt().expect("a question").clone();
    let question = Question::Readied { target: GOBLIN, on: Happening::EntersReach };
    assert_eq!((prompt.who, prompt.question), (HERO, question));
    let goblin = table.combat.combatant(GOBLIN).expect("there");
    assert_eq!(goblin.position, Some(Square { x: 1, y: 0 }), "after the step");
    table.answer(react(), "20:15 8:4");
    assert_eq!(table.hp(GOBLIN), 13);
    let hero = table.combat.combatant(HERO).expect("there");
    assert!(!hero.economy.reaction && !hero.economy.action && hero.readied.is_none());
    // It goes on, and nothing is prepared any more.
    let goblin = table.combat.combatant(GOBLIN).expect("there");
    assert_eq!(goblin.position, Some(Square { x: 1, y: 1 }));
    assert!(table.combat.prompt().is_none());
}

#[test]
fn what_is_not_done_before_the_next_turn_is_lost() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    let blow = attack(HERO, GOBLIN, "longsword");
    table.play(ready(awaited(Happening::Attacks), blow), "");
    assert_eq!(table.refused(attack(HERO, GOBLIN, "longsword")), Refusal::NoActionLeft);
    table.play(Command::EndTurn { who: HERO }, "");
    table.play(attack(GOBLIN, HERO, "longsword"), "20:1");
    // The trigger may be let pass.
    table.answer(Answer::Decline, "");
    assert!(table.combat.combatant(HERO).expect("there").readied.is_some());
    table.play(Command::EndTurn { who: GOBLIN }, "");
    assert!(table.combat.combatant(HERO).expect("there").readied.is_none());
    assert_eq!(table.refused(Command::Happens { who: HERO }), Refusal::CannotReady);
}

#[test]
fn one_may_prepare_to_move_and_others_say_when() {
    let mut table = Table::duel(Edition::E51, [1, 0]);
    let flee = walk(HERO, &[[0, 1], [0, 2]]);
    let trigger = Awaited { text: Some("the door opens".to_owned()), ..awaited(Happening::Custom) };
    table.play(ready(trigger, flee), "");
    table.play(Command::EndTurn { who: HERO }, "");
    table.play(Command::Happens { who: HERO }, "");
    // It leaves the goblin's reach.
    table.answer(Answer::Decline, "");
    let hero = table.combat.combatant(HERO).expect("there");
    assert_eq!(hero.position, Some(Square { x: 0, y: 2 }));
    assert!(!hero.economy.reaction);
    assert_eq!(table.combat.active(), Some(GOBLIN));
}

#[test]
fn what_turns_out_impossible_takes_no_reaction() {
    let mut table = Table::duel(Edition::E52, [9, 0]);
    let blow = attack(HERO, GOBLIN, "longsword");
    let trigger = Awaited { who: vec![GOBLIN], ..awaited(Happening::Moves) };
    table.play(ready(trigger, blow), "");
    table.play(Command::EndTurn { who: HERO }, "");
    table.play(walk(GOBLIN, &[[8, 0]]), "");
    table.answer(react(), "");
    let hero = table.combat.combatant(HERO).expect("there");
    assert!(hero.economy.reaction && hero.readied.is_some());
    // Too far for the next trigger to count.
    let mut table = Table::duel(Edition::E52, [9, 0]);
    let trigger = Awaited { within_ft: Some(10), ..awaited(Happening::Moves) };
    table.play(ready(trigger, attack(HERO, GOBLIN, "shortbow")), "");
    table.play(Command::EndTurn { who: HERO }, "");
    table.play(walk(GOBLIN, &[[8, 0]]), "");
    assert!(table.combat.prompt().is_none());
}

#[test]
fn not_everything_can_be_prepared() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    let on = || awaited(Happening::TurnEnd);
    for action in [
        Command::EndTurn { who: HERO },
        attack(GOBLIN, HERO, "longsword"),
        ready(on(), Command::Dodge { who: HERO }),
        Command::End,
    ] {
        assert_eq!(table.refused(ready(on(), action)), Refusal::CannotReady);
    }
    table.play(ready(on(), Command::Dodge { who: HERO }), "");
    table.play(Command::EndTurn { who: HERO }, "");
    table.play(Command::EndTurn { who: GOBLIN }, "");
    // After the goblin's turn, before the hero's.
    assert_eq!(table.combat.active(), Some(GOBLIN));
    table.answer(react(), "");
    assert_eq!((table.combat.active(), table.combat.effects.len()), (Some(HERO), 0));
}

fn equipped(edition: Edition) -> Table {
    let mut table = Table::new(edition);
    table.stock(edition);
    let pools = json!({
        "resources": {
            "potion-of-healing": {"current": 1, "max": 1}, "healers-kit": {"current": 10, "max": 10}
        },
        "hp": {"current": 5, "max": 20, "temp": 0}
    });
    for (id, side, at, changes) in [
        (HERO, "party", [0, 0], pools),
        (OGRE, "party", [0, 1], json!({})),
        (GOBLIN, "foes", [1, 0], json!({})),
    ] {
        let combatant = combatant(id, CombatantKind::Character, side, at, block(changes));
        table.play(Command::AddCombatant { combatant: Box::new(combatant) }, "");
    }
    table.play(Command::Begin, "20:15 20:10 20:5");
    table
}

fn uses(item: &str, target: Option<gss_rules::combat::CombatantId>) -> Command {
    let item = Some(Key::parse(item).expect("a key"));
    Command::UseObject { who: HERO, item, target }
}

#[test]
fn a_potion_heals_and_is_gone() {
    for (edition, action_left) in [(Edition::E51, false), (Edition::E52, true)] {
        let mut table = equipped(edition);
        table.play(uses("potion-of-healing", None), "4:3 4:4");
        assert_eq!(table.hp(HERO), 14);
        assert_eq!(table.combat.combatant(HERO).expect("there").economy.action, action_left);
        let again = uses("potion-of-healing", None);
        assert_eq!(table.refused(again), Refusal::NoSuchItem);
        assert_eq!(table.refused(uses("acid", None)), Refusal::NoSuchItem);
    }
}

#[test]
fn a_healers_kit_keeps_from_dying() {
    let mut table = equipped(Edition::E51);
    assert_eq!(table.refused(uses("healers-kit", Some(OGRE))), Refusal::InvalidTarget);
    table.play(Command::EndTurn { who: HERO }, "");
    table.play(Command::EndTurn { who: GOBLIN }, "");
    let fell = json!({"hp": {"current": 0}});
    let changes = Box::new(serde_json::from_value(fell).expect("changes"));
    table.play(Command::Update { id: OGRE, changes }, "");
    assert_eq!(table.life(OGRE), Life::Dying { successes: 0, failures: 0 });
    table.play(Command::EndTurn { who: OGRE }, "");
    table.play(uses("healers-kit", Some(OGRE)), "4:2");
    assert_eq!(table.life(OGRE), Life::Stable);
}

#[test]
fn one_object_is_handled_for_nothing() {
    let act = |interaction| Command::Interact { who: HERO, interaction, item: None, target: None };
    for (edition, second) in [(Edition::E51, false), (Edition::E52, true)] {
        let mut table = equipped(edition);
        table.play(act(Interaction::Open), "");
        table.play(act(Interaction::Drop), "");
        assert_eq!(table.refused(act(Interaction::Draw)), Refusal::NoInteractionLeft);
        let plain = Manner::default();
        let attack = Key::parse("longsword").expect("a key");
        let target = GOBLIN;
        let blow = Command::Attack {
            who: HERO,
            target,
            attack,
            knock_out: false,
            how: plain,
            ammunition: None,
        };
        table.play(blow, "20:1");
        if second {
            table.play(act(Interaction::Draw), "");
        }
        assert_eq!(table.refused(act(Interaction::Draw)), Refusal::NoInteractionLeft);
        let far = Command::Interact {
            who: HERO,
            interaction: Interaction::Give,
            item: None,
            target: Some(GOBLIN),
        };
        assert_eq!(table.refused(far), Refusal::NoInteractionLeft);
    }
}

/// The hero, who knows a cantrip and a spell of one slot, and the goblin beside.
fn magician() -> Table {
    let mut table = Table::new(Edition::E52);
    table.stock(Edition::E52);
    let casting = json!({"spellcasting": {
        "ability": "int", "dc": 13, "attack_bonus": 5, "slots": {"1": 1, "3": 1},
        "spells": ["fire-bolt", "fireball", "healing-word"]
    }});
    for (id, side, at, changes) in
        [(HERO, "party", [0, 0], casting), (GOBLIN, "foes", [9, 0], json!({}))]
    {
        let combatant = combatant(id, CombatantKind::Character, side, at, block(changes));
        table.play(Command::AddCombatant { combatant: Box::new(combatant) }, "");
    }
    table.play(Command::Begin, "20:15 20:10");
    table
}

fn cast(spell: &str, slot_level: u8, targets: Vec<gss_rules::combat::CombatantId>) -> Command {
    let at = targets.is_empty().then_some(Square { x: 9, y: 0 });
    Command::Cast {
        who: HERO,
        spell: Key::parse(spell).expect("a key"),
        slot_level,
        targets,
        at,
        direction: None,
        choices: std::collections::BTreeMap::new(),
        ritual: false,
        item: None,
    }
}

#[test]
fn a_spell_is_paid_for_when_prepared_and_held_by_concentration() {
    let mut table = magician();
    let quick = ready(awaited(Happening::Custom), cast("healing-word", 1, vec![HERO]));
    assert_eq!(table.refused(quick), Refusal::CannotReady);
    table.play(ready(awaited(Happening::Moves), cast("fireball", 3, Vec::new())), "");
    let hero = table.combat.combatant(HERO).expect("there");
    assert!(hero.concentration.is_some() && !hero.economy.action);
    assert_eq!(hero.slots_spent.get(&3), Some(&1));
    table.play(Command::EndTurn { who: HERO }, "");
    table.play(walk(GOBLIN, &[[8, 0]]), "");
    table.answer(react(), "6:1 6:1 6:1 6:1 6:1 6:1 6:1 6:1 20:1");
    assert_eq!(table.hp(GOBLIN), 12);
    let hero = table.combat.combatant(HERO).expect("there");
    assert!(hero.concentration.is_none() && !hero.economy.reaction);
    assert_eq!(hero.slots_spent.get(&3), Some(&1), "paid for once");
}

#[test]
fn a_held_spell_is_lost_with_the_concentration() {
    let mut table = magician();
    let on = awaited(Happening::Custom);
    table.play(ready(on, cast("fire-bolt", 0, vec![GOBLIN])), "");
    table.play(Command::EndTurn { who: HERO }, "");
    table.play(Command::EndConcentration { who: HERO }, "");
    table.play(Command::Happens { who: HERO }, "");
    assert_eq!(table.hp(GOBLIN), 20);
    assert!(table.combat.combatant(HERO).expect("there").readied.is_none());
}
