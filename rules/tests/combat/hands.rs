//! What hands hold, and what they are not free for.

use std::collections::BTreeMap;

use gss_rules::combat::{
    Actor, Awaited, CombatantId, CombatantKind, Command, Extra, Fact, Happening, Input,
    Interaction, Manner, Question, Refusal,
};
use gss_rules::{Condition, Edition, Key, MovementMode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::table::{GOBLIN, HERO, OGRE, Table, block, combatant};

fn key(text: &str) -> Key {
    Key::parse(text).expect("a key")
}

fn arms() -> Value {
    let weapon = |id: &str, properties: &[&str]| {
        json!({
            "attack_id": id, "name": id, "kind": "melee", "bonus": 5, "reach_ft": 5,
            "damage": [{"dice": "1d6", "type": "slashing"}], "properties": properties
        })
    };
    let mut versatile = weapon("longsword", &["versatile"]);
    versatile["two_handed_damage"] = json!([{"dice": "1d10", "type": "slashing"}]);
    let mut thrown = weapon("handaxe", &["light", "thrown"]);
    thrown["range_ft"] = json!({"normal": 20, "long": 60});
    let mut javelin = weapon("javelin", &["thrown"]);
    javelin["kind"] = json!("melee_or_ranged");
    javelin["range_ft"] = json!({"normal": 30, "long": 120});
    let mut longbow = weapon("longbow-1", &["two_handed", "ammunition"]);
    longbow["kind"] = json!("ranged");
    longbow["range_ft"] = json!({"normal": 150, "long": 600});
    json!({
        "attacks": [versatile, thrown, weapon("shortsword", &["light"]),
                    weapon("greatsword", &["two_handed"]), javelin, longbow],
        "multiattack": [["longsword", "longsword"]],
        "spellcasting": {"ability": "int", "dc": 13, "attack_bonus": 5, "slots": {"1": 4, "3": 4},
                         "spells": ["true-strike", "fire-bolt", "fireball", "healing-word", "cure-wounds"]}
    })
}

/// The hero between the goblin and the ogre, all with 60 hit points.
fn table(edition: Edition) -> Table {
    let mut table = Table::with_content(edition);
    let tough = json!({"hp": {"current": 60, "max": 60, "temp": 0}});
    for (id, side, at, changes) in [
        (HERO, "party", [1, 0], arms()),
        (GOBLIN, "foes", [2, 0], tough.clone()),
        (OGRE, "party", [0, 0], tough),
    ] {
        let combatant = combatant(id, CombatantKind::Character, side, at, block(changes));
        table.play(Command::AddCombatant { combatant: Box::new(combatant) }, "");
    }
    table.play(Command::Begin, "20:15 20:10 20:5");
    table
}

fn act(interaction: Interaction, item: &str, target: Option<CombatantId>) -> Command {
    Command::Interact { who: HERO, interaction, item: Some(key(item)), target }
}

/// The same, its free interaction given back first.
fn handles(table: &mut Table, interaction: Interaction, item: &str) {
    free(table);
    table.play(act(interaction, item, None), "");
}

fn free(table: &mut Table) {
    let changes = json!({"economy": {"interaction": true, "action": true, "bonus_action": true}});
    let changes = Box::new(serde_json::from_value(changes).expect("changes"));
    table.play(Command::Update { id: HERO, changes }, "");
}

fn held(table: &Table, who: CombatantId) -> Vec<&str> {
    table.combat.combatant(who).expect("there").held.iter().map(Key::as_str).collect()
}

fn strike(weapon: &str, how: Manner) -> Command {
    let attack = key(weapon);
    Command::Attack { who: HERO, target: GOBLIN, attack, knock_out: false, how, ammunition: None }
}

fn cast(spell: &str, slot_level: u8, target: CombatantId) -> Command {
    Command::Cast {
        who: HERO,
        spell: key(spell),
        slot_level,
        targets: vec![target],
        at: None,
        direction: None,
        choices: BTreeMap::new(),
        ritual: false,
        item: None,
    }
}

#[test]
fn hands_hold_what_was_drawn_picked_up_and_given() {
    let mut table = table(Edition::E52);
    table.play(act(Interaction::Draw, "longsword", None), "");
    handles(&mut table, Interaction::PickUp, "shield");
    assert_eq!(held(&table, HERO), ["longsword", "shield"]);
    free(&mut table);
    let full = act(Interaction::Draw, "shortsword", None);
    assert_eq!(table.refused(full), Refusal::NoFreeHand);
    table.play(act(Interaction::Give, "shield", Some(OGRE)), "");
    assert_eq!((held(&table, HERO), held(&table, OGRE)), (vec!["longsword"], vec!["shield"]));
    handles(&mut table, Interaction::Stow, "longsword");
    assert_eq!(held(&table, HERO), Vec::<&str>::new());
    // What it has at its belt it drops too.
    handles(&mut table, Interaction::Drop, "rope");
    assert_eq!(held(&table, HERO), Vec::<&str>::new());
    // Who has both hands full is given nothing.
    for item in ["torch", "dagger"] {
        free(&mut table);
        if item == "dagger" {
            assert_eq!(held(&table, OGRE), ["shield", "torch"]);
            let more = act(Interaction::Give, item, Some(OGRE));
            assert_eq!(table.refused(more), Refusal::NoFreeHand);
        } else {
            table.play(act(Interaction::Give, item, Some(OGRE)), "");
        }
    }
}

#[test]
fn players_give_to_the_willing_alone() {
    let player = Uuid::from_u128(77);
    let mut table = table(Edition::E52);
    let own = Box::new(serde_json::from_value(json!({"owner_id": player})).expect("changes"));
    table.play(Command::Update { id: HERO, changes: own }, "");
    let asks = |table: &mut Table, command: Command| {
        table.input(Input::Command { by: Actor::Player(player), command }, "")
    };
    let give = |item: &str, to: CombatantId| act(Interaction::Give, item, Some(to));
    assert_eq!(asks(&mut table, give("pebble", GOBLIN)), Err(Refusal::InvalidTarget));
    let on = Happening::Custom;
    let trigger = Awaited { on, who: Vec::new(), within_ft: None, text: Some("now".to_owned()) };
    let action = Box::new(give("pebble", GOBLIN));
    let later = Command::Ready { who: HERO, trigger, action };
    assert_eq!(asks(&mut table, later), Err(Refusal::InvalidTarget));
    assert_eq!(held(&table, GOBLIN), Vec::<&str>::new());
    asks(&mut table, give("pebble", OGRE)).expect("an ally takes it");
    assert_eq!(held(&table, OGRE), ["pebble"]);
    // What it does not hold it gives to nobody, once it holds something.
    handles(&mut table, Interaction::Draw, "longsword");
    free(&mut table);
    assert_eq!(asks(&mut table, give("shield", OGRE)), Err(Refusal::NoSuchItem));
    // A game master says who takes what; who lies there takes nothing.
    table.play(give("longsword", GOBLIN), "");
    assert_eq!(held(&table, GOBLIN), ["longsword"]);
    table.afflict(OGRE, Condition::Unconscious);
    free(&mut table);
    assert_eq!(table.refused(give("torch", OGRE)), Refusal::InvalidTarget);
}

#[test]
fn a_free_hand_seizes_and_a_full_one_does_not() {
    for (edition, faces) in [(Edition::E51, "20:15 20:5"), (Edition::E52, "20:5")] {
        let mut table = table(edition);
        let seize = Command::Grapple { who: HERO, target: GOBLIN };
        table.play(act(Interaction::Draw, "longsword", None), "");
        handles(&mut table, Interaction::Draw, "shield");
        assert_eq!(table.refused(seize.clone()), Refusal::NoFreeHand);
        table.play(act(Interaction::Drop, "shield", None), "");
        table.play(seize, "");
        let option = key(if edition == Edition::E51 { "athletics" } else { "str" });
        table.answer(gss_rules::combat::Answer::Choose { option }, faces);
        assert!(
            table
                .combat
                .effects_on(GOBLIN)
                .any(|it| { it.template.conditions == [Condition::Grappled] })
        );
        // The hand that holds somebody holds nothing else.
        free(&mut table);
        let more = act(Interaction::Draw, "shield", None);
        assert_eq!(table.refused(more), Refusal::NoFreeHand);
    }
}

#[test]
fn two_hands_are_for_one_weapon() {
    let two = Manner { two_handed: true, ..Manner::default() };
    let mut table = table(Edition::E52);
    // Of what is not known nothing is refused.
    table.play(strike("greatsword", Manner::default()), "20:2");
    handles(&mut table, Interaction::Draw, "longsword");
    table.play(strike("longsword", two), "20:2");
    handles(&mut table, Interaction::Draw, "shield");
    assert_eq!(table.refused(strike("longsword", two)), Refusal::NoFreeHand);
    assert_eq!(table.refused(strike("greatsword", Manner::default())), Refusal::NoFreeHand);
    table.play(strike("longsword", Manner::default()), "20:2");
}

#[test]
fn spells_guide_no_weapon_that_there_are_no_hands_for() {
    let guided = |weapon: &str| {
        let word = serde_json::from_value(json!(weapon)).expect("a choice");
        let Command::Cast { who, spell, targets, .. } = cast("true-strike", 0, GOBLIN) else {
            panic!("a spell");
        };
        let choices = BTreeMap::from([(key("attack"), word)]);
        Command::Cast {
            who,
            spell,
            slot_level: 0,
            targets,
            at: None,
            direction: None,
            choices,
            ritual: false,
            item: None,
        }
    };
    let mut table = table(Edition::E52);
    handles(&mut table, Interaction::Draw, "longsword");
    assert_eq!(table.refused(guided("greatsword")), Refusal::NoFreeHand);
    table.play(guided("longsword"), "20:2");
    // What is thrown so is held no more either.
    let mut table = self::table(Edition::E52);
    handles(&mut table, Interaction::Draw, "javelin");
    let away = Box::new(serde_json::from_value(json!({"position": [5, 0]})).expect("changes"));
    table.play(Command::Update { id: GOBLIN, changes: away }, "");
    table.play(guided("javelin"), "20:2");
    assert_eq!(held(&table, HERO), Vec::<&str>::new());
}

#[test]
fn a_weapon_is_drawn_by_another_name() {
    let mut table = table(Edition::E52);
    let shot = || strike("longbow-1", Manner::default());
    handles(&mut table, Interaction::Draw, "longbow");
    table.play(shot(), "20:2 20:2");
    handles(&mut table, Interaction::Draw, "arrow");
    table.play(shot(), "20:2 20:2");
    handles(&mut table, Interaction::Drop, "arrow");
    handles(&mut table, Interaction::Draw, "shield");
    assert_eq!(table.refused(shot()), Refusal::NoFreeHand);
}

#[test]
fn who_leaves_is_struck_with_what_there_are_hands_for() {
    let mut table = table(Edition::E52);
    handles(&mut table, Interaction::Draw, "longsword");
    table.play(Command::EndTurn { who: HERO }, "");
    let walks = |to: i32| Command::Move {
        who: GOBLIN,
        mode: MovementMode::Walk,
        path: vec![gss_rules::space::Square { x: to, y: 0 }],
        drag: Vec::new(),
        elevation_ft: None,
    };
    table.play(walks(3), "");
    let asked = table.combat.prompt().expect("a question").question.clone();
    let Question::OpportunityAttack { target: GOBLIN, options } = asked else {
        panic!("{asked:?}");
    };
    assert_eq!(options[..3], ["longsword", "handaxe", "shortsword"].map(key));
    assert!(!options.contains(&key("greatsword")), "{options:?}");
}

#[test]
fn gestures_need_a_hand() {
    let mut table = table(Edition::E52);
    handles(&mut table, Interaction::Draw, "longsword");
    table.play(cast("fire-bolt", 0, GOBLIN), "20:2 20:2");
    handles(&mut table, Interaction::Draw, "shield");
    assert_eq!(table.refused(cast("fire-bolt", 0, GOBLIN)), Refusal::NoFreeHand);
    // Words alone need none.
    table.play(cast("healing-word", 1, OGRE), "4:1 4:1");
    // With a focus in it the hand makes the gestures of a spell that has materials, of no other.
    handles(&mut table, Interaction::Drop, "shield");
    handles(&mut table, Interaction::Draw, "orb");
    assert_eq!(table.refused(cast("fire-bolt", 0, GOBLIN)), Refusal::NoFreeHand);
    let fireball = Command::Cast {
        who: HERO,
        spell: key("fireball"),
        slot_level: 3,
        targets: Vec::new(),
        at: Some(gss_rules::space::Square { x: 20, y: 0 }),
        direction: None,
        choices: BTreeMap::new(),
        ritual: false,
        item: None,
    };
    table.play(Command::EndTurn { who: HERO }, "");
    for who in [GOBLIN, OGRE] {
        table.play(Command::EndTurn { who }, "");
    }
    table.play(fireball, "");
}

#[test]
fn of_two_alike_the_other_one_strikes_too() {
    for edition in [Edition::E51, Edition::E52] {
        let off_hand = Manner { extra: Extra::OffHand, ..Manner::default() };
        let mut table = table(edition);
        handles(&mut table, Interaction::Draw, "shortsword");
        table.play(strike("shortsword", Manner::default()), "20:2");
        assert_eq!(table.refused(strike("shortsword", off_hand)), Refusal::WrongManner);
        let mut table = self::table(edition);
        handles(&mut table, Interaction::Draw, "shortsword");
        handles(&mut table, Interaction::Draw, "shortsword");
        table.play(strike("shortsword", Manner::default()), "20:2");
        table.play(strike("shortsword", off_hand), "20:2");
    }
}

#[test]
fn of_two_alike_one_is_thrown_and_the_other_strikes() {
    let off_hand = Manner { extra: Extra::OffHand, ..Manner::default() };
    let thrown = Manner { thrown: true, ..Manner::default() };
    for edition in [Edition::E51, Edition::E52] {
        let mut table = table(edition);
        handles(&mut table, Interaction::Draw, "handaxe");
        handles(&mut table, Interaction::Draw, "handaxe");
        table.play(strike("handaxe", thrown), "20:2 20:2");
        table.play(strike("handaxe", off_hand), "20:2");
        assert_eq!(held(&table, HERO), ["handaxe"]);
    }
    // The other is drawn as part of the attack.
    let mut table = table(Edition::E52);
    table.play(act(Interaction::Draw, "handaxe", None), "");
    table.play(strike("handaxe", thrown), "20:2 20:2");
    assert_eq!(table.refused(strike("handaxe", off_hand)), Refusal::WrongManner);
    table.play(act(Interaction::Draw, "handaxe", None), "");
    table.play(strike("handaxe", off_hand), "20:2");
}

#[test]
fn what_is_thrown_is_held_no_more() {
    let mut table = table(Edition::E52);
    handles(&mut table, Interaction::Draw, "handaxe");
    table.play(strike("handaxe", Manner::default()), "20:2");
    assert_eq!(held(&table, HERO), ["handaxe"]);
    free(&mut table);
    let thrown = Manner { thrown: true, ..Manner::default() };
    table.play(strike("handaxe", thrown), "20:2 20:2");
    assert_eq!(held(&table, HERO), Vec::<&str>::new());
}

#[test]
fn who_falls_unconscious_drops_what_it_holds() {
    for edition in [Edition::E51, Edition::E52] {
        let mut table = table(edition);
        handles(&mut table, Interaction::Draw, "longsword");
        handles(&mut table, Interaction::Draw, "shield");
        let down = json!({"hp": {"current": 0}});
        let changes = Box::new(serde_json::from_value(down).expect("changes"));
        let facts = table.play(Command::Update { id: HERO, changes }, "");
        let dropped = |fact: &Fact| match fact {
            Fact::ObjectUsed { who, interaction: Some(Interaction::Drop), item, .. } => {
                Some((*who, item.as_ref().map(|item| item.as_str().to_owned())))
            }
            _ => None,
        };
        let dropped: Vec<_> = facts.iter().filter_map(dropped).collect();
        let both = ["longsword", "shield"].map(|item| (HERO, Some(item.to_owned())));
        assert_eq!(dropped, both);
        assert_eq!(held(&table, HERO), Vec::<&str>::new());
    }
}
