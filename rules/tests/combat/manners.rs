//! Ways of making an attack: second weapons, two hands, throws, masteries, the bare body.

use gss_rules::combat::{CombatantKind, Command, Extra, Fact, Manner, Refusal};
use gss_rules::dice::RollMode;
use gss_rules::space::Square;
use gss_rules::{Ability, Condition, Edition, Key, MonsterDamage};
use serde_json::{Value, json};

use crate::table::{GOBLIN, HERO, OGRE, Table, attack, block, combatant};

fn with(weapon: &str, how: Manner) -> Command {
    let attack = Key::parse(weapon).expect("a key");
    Command::Attack { who: HERO, target: GOBLIN, attack, knock_out: false, how, ammunition: None }
}

fn arms() -> Value {
    let weapon = |id: &str, bonus: i32, dice: &str, properties: &[&str], mastery: Option<&str>| {
        json!({
            "attack_id": id, "name": id, "kind": "melee", "bonus": bonus,
            "damage": [{"dice": dice, "type": "slashing"}], "properties": properties,
            "mastery": mastery
        })
    };
    let mut versatile = weapon("warhammer", 5, "1d8+3", &["versatile"], Some("push"));
    versatile["two_handed_damage"] = json!([{"dice": "1d10+3", "type": "bludgeoning"}]);
    let mut thrown = weapon("handaxe", 5, "1d6+3", &["light", "thrown"], Some("vex"));
    thrown["range_ft"] = json!({"normal": 20, "long": 60});
    let mut crossbow = weapon("crossbow", 4, "1d8+2", &["loading"], Some("slow"));
    crossbow["kind"] = json!("ranged");
    crossbow["range_ft"] = json!({"normal": 80, "long": 320});
    json!({
        "multiattack": [["crossbow", "crossbow"], ["scimitar", "scimitar"]],
        "attacks": [
            versatile, thrown, crossbow,
            weapon("scimitar", 5, "1d6+3", &["light", "finesse"], Some("nick")),
            weapon("shortsword", 5, "1d6+3", &["light", "finesse"], Some("vex")),
            weapon("greataxe", 5, "1d12+3", &["heavy", "two_handed"], Some("cleave")),
            weapon("mace", 5, "1d6+3", &[], Some("sap")),
            weapon("maul", 5, "2d6+3", &["heavy", "two_handed"], Some("topple")),
            weapon("glaive", 5, "1d10+3", &["heavy", "two_handed"], Some("graze"))
        ]
    })
}

/// The armed hero and the goblin, with 60 hit points, at `at`.
fn armed(edition: Edition, at: [i32; 2]) -> Table {
    let mut table = Table::new(edition);
    let tough = json!({"hp": {"current": 60, "max": 60, "temp": 0}});
    let foes = [
        (HERO, "party", [0, 0], arms()),
        (GOBLIN, "foes", at, tough.clone()),
        (OGRE, "foes", [1, 1], tough),
    ];
    for (id, side, at, changes) in foes {
        let combatant = combatant(id, CombatantKind::Character, side, at, block(changes));
        table.play(Command::AddCombatant { combatant: Box::new(combatant) }, "");
    }
    table.play(Command::Begin, "20:15 20:10 20:5");
    table
}

fn mode(facts: &[Fact]) -> Option<RollMode> {
    facts.iter().find_map(|fact| match fact {
        Fact::Rolled { roll, .. } => Some(roll.mode),
        _ => None,
    })
}

const MASTERY: Manner = Manner {
    extra: Extra::None,
    two_handed: false,
    thrown: false,
    mastery: true,
    ability: None,
    other: false,
};

fn extra(extra: Extra) -> Manner {
    Manner { extra, ..Manner::default() }
}

#[test]
fn everybody_has_a_body_and_something_at_hand() {
    let mut table = armed(Edition::E52, [1, 0]);
    // Strength 3 and proficiency 2 to hit; 1 + 3.
    table.play(with("unarmed", Manner::default()), "20:10");
    assert_eq!(table.hp(GOBLIN), 56);
    let mut table = armed(Edition::E52, [1, 0]);
    // Without proficiency 12 + 3 hits 15.
    table.play(with("improvised", Manner::default()), "20:12 4:4");
    assert_eq!(table.hp(GOBLIN), 53);
    let mut table = armed(Edition::E52, [9, 0]);
    let far = Refusal::OutOfReach { distance_ft: 45, reach_ft: 5 };
    assert_eq!(table.refused(with("unarmed", Manner::default())), far);
    // Thrown as far as 60 feet, beyond 20 with disadvantage; the ogre beside hinders too.
    let facts = table.play(with("improvised", Manner::default()), "20:12 20:11");
    assert_eq!(mode(&facts), Some(RollMode::Disadvantage));
    let fist = with("fist", Manner::default());
    assert_eq!(table.refused(fist), Refusal::UnknownAttack);
}

#[test]
fn a_second_light_weapon_strikes_with_the_bonus_action() {
    for edition in [Edition::E51, Edition::E52] {
        let mut table = armed(edition, [1, 0]);
        let second = with("shortsword", extra(Extra::OffHand));
        assert_eq!(table.refused(second.clone()), Refusal::WrongManner);
        table.play(with("scimitar", Manner::default()), "20:10 6:1");
        assert_eq!(table.hp(GOBLIN), 56);
        let same = with("scimitar", extra(Extra::OffHand));
        assert_eq!(table.refused(same), Refusal::WrongManner);
        // Without the ability modifier.
        table.play(second.clone(), "20:10 6:5");
        assert_eq!(table.hp(GOBLIN), 51);
        assert!(!table.combat.combatant(HERO).expect("there").economy.bonus_action);
        assert_eq!(table.refused(second), Refusal::NoActionLeft);
    }
}

#[test]
fn nick_leaves_the_bonus_action() {
    let mut table = armed(Edition::E52, [1, 0]);
    table.play(with("shortsword", Manner::default()), "20:1");
    table.play(with("scimitar", extra(Extra::Nick)), "20:10 6:5");
    assert_eq!(table.hp(GOBLIN), 55);
    let economy = table.combat.combatant(HERO).expect("there").economy.clone();
    assert!(economy.bonus_action && economy.off_hand);
    let again = with("scimitar", extra(Extra::OffHand));
    assert_eq!(table.refused(again), Refusal::NoActionLeft);
    let mut table = armed(Edition::E51, [1, 0]);
    table.play(with("shortsword", Manner::default()), "20:1");
    let nick = with("scimitar", extra(Extra::Nick));
    assert_eq!(table.refused(nick), Refusal::WrongManner);
}

#[test]
fn two_hands_a_throw_and_another_ability() {
    let mut table = armed(Edition::E52, [1, 0]);
    let both = Manner { two_handed: true, ..Manner::default() };
    assert_eq!(table.refused(with("mace", both)), Refusal::WrongManner);
    table.play(with("warhammer", both), "20:10 10:9");
    assert_eq!(table.hp(GOBLIN), 48);
    let mut table = armed(Edition::E52, [1, 0]);
    let thrown = Manner { thrown: true, ..Manner::default() };
    assert_eq!(table.refused(with("mace", thrown)), Refusal::WrongManner);
    // A throw with an enemy beside.
    let facts = table.play(with("handaxe", thrown), "20:10 20:11 6:1");
    assert_eq!(mode(&facts), Some(RollMode::Disadvantage));
    let mut table = armed(Edition::E52, [1, 0]);
    let nimbly = Manner { ability: Some(Ability::Dex), ..Manner::default() };
    assert_eq!(table.refused(with("mace", nimbly)), Refusal::WrongManner);
    // Dexterity 2 instead of Strength 3: 10 + 4 misses 15, 11 + 4 hits.
    table.play(with("scimitar", nimbly), "20:11 6:1");
    assert_eq!(table.hp(GOBLIN), 57);
}

#[test]
fn a_crossbow_is_loaded_for_one_shot() {
    let mut table = armed(Edition::E52, [9, 0]);
    table.play(with("crossbow", Manner::default()), "20:1 20:1");
    assert_eq!(table.refused(with("crossbow", Manner::default())), Refusal::MustReload);
}

#[test]
fn heavy_weapons_are_not_for_the_weak_or_small() {
    for (edition, changes, expected) in [
        (Edition::E52, json!({"str": 12}), RollMode::Disadvantage),
        (Edition::E52, json!({"str": 13}), RollMode::Normal),
        (Edition::E51, json!({"str": 12}), RollMode::Normal),
    ] {
        let mut table = Table::new(edition);
        let mut said = arms();
        said["abilities"] = json!({
            "str": changes["str"], "dex": 14, "con": 14, "int": 10, "wis": 10, "cha": 10
        });
        for (id, side, at, said) in
            [(HERO, "party", [0, 0], said), (GOBLIN, "foes", [1, 0], json!({}))]
        {
            let combatant = combatant(id, CombatantKind::Character, side, at, block(said));
            table.play(Command::AddCombatant { combatant: Box::new(combatant) }, "");
        }
        table.play(Command::Begin, "20:15 20:10");
        let dice = if expected == RollMode::Normal { "20:1" } else { "20:1 20:1" };
        let facts = table.play(with("maul", Manner::default()), dice);
        assert_eq!(mode(&facts), Some(expected));
    }
}

#[test]
fn masteries_do_what_they_say() {
    let fresh = || armed(Edition::E52, [1, 0]);
    let mut table = armed(Edition::E51, [1, 0]);
    assert_eq!(table.refused(with("mace", MASTERY)), Refusal::WrongManner);
    // Graze: a miss deals 3.
    let mut table = fresh();
    table.play(with("glaive", MASTERY), "20:2");
    assert_eq!(table.hp(GOBLIN), 57);
    // Push 10 feet.
    let mut table = fresh();
    table.play(with("warhammer", MASTERY), "20:10 8:1");
    let goblin = table.combat.combatant(GOBLIN).expect("there");
    assert_eq!(goblin.position, Some(Square { x: 3, y: 0 }));
    // Topple: DC 8 + 3 + 2 against Constitution 2.
    for (face, prone) in [(10, true), (11, false)] {
        let mut table = fresh();
        table.play(with("maul", MASTERY), &format!("20:10 6:1 6:1 20:{face}"));
        let lies =
            |effect: &gss_rules::combat::Effect| effect.template.conditions == [Condition::Prone];
        assert_eq!(table.combat.effects_on(GOBLIN).any(lies), prone);
    }
    // Sap: the next attack roll, and no other.
    let mut table = fresh();
    table.play(with("mace", MASTERY), "20:10 6:1");
    table.play(Command::EndTurn { who: HERO }, "");
    let facts = table.play(attack(GOBLIN, HERO, "longsword"), "20:1 20:1");
    assert_eq!(mode(&facts), Some(RollMode::Disadvantage));
    assert!(table.combat.effects.is_empty());
    // Slow: 10 feet less until the next turn starts.
    let mut table = armed(Edition::E52, [9, 0]);
    table.play(with("crossbow", MASTERY), "20:15 20:15 8:1");
    table.play(Command::EndTurn { who: HERO }, "");
    table.play(Command::EndTurn { who: GOBLIN }, "");
    assert_eq!(table.combat.effects.len(), 1);
    table.play(Command::EndTurn { who: OGRE }, "");
    assert!(table.combat.effects.is_empty());
}

#[test]
fn vex_favors_the_next_attack_on_the_same_target() {
    let mut table = armed(Edition::E52, [1, 0]);
    table.play(with("shortsword", MASTERY), "20:10 6:1");
    let other = Command::Attack {
        who: HERO,
        target: OGRE,
        attack: Key::parse("scimitar").expect("a key"),
        knock_out: false,
        how: extra(Extra::OffHand),
        ammunition: None,
    };
    assert_eq!(mode(&table.play(other, "20:1")), Some(RollMode::Normal));
    for who in [HERO, GOBLIN, OGRE] {
        table.play(Command::EndTurn { who }, "");
    }
    let facts = table.play(with("mace", Manner::default()), "20:1 20:1");
    assert_eq!(mode(&facts), Some(RollMode::Advantage));
    assert!(table.combat.effects.is_empty());
}

#[test]
fn cleave_strikes_a_second_one_beside_the_first() {
    let mut table = armed(Edition::E52, [1, 0]);
    let second = |target| Command::Attack {
        who: HERO,
        target,
        attack: Key::parse("greataxe").expect("a key"),
        knock_out: false,
        how: extra(Extra::Cleave),
        ammunition: None,
    };
    assert_eq!(table.refused(second(OGRE)), Refusal::WrongManner);
    table.play(with("greataxe", MASTERY), "20:10 12:1");
    assert_eq!(table.refused(second(GOBLIN)), Refusal::WrongManner);
    table.play(second(OGRE), "20:14 12:5");
    assert_eq!((table.hp(GOBLIN), table.hp(OGRE)), (56, 55));
    assert_eq!(table.refused(second(OGRE)), Refusal::WrongManner);
}

#[test]
fn monsters_may_deal_their_average() {
    let mut table = Table::duel(Edition::E52, [1, 0]);
    let mut rules = (*table.combat.rules).clone();
    rules.monster_damage = MonsterDamage::Average;
    table.combat.rules = std::sync::Arc::new(rules);
    table.play(attack(HERO, GOBLIN, "longsword"), "20:10 8:1");
    table.play(Command::EndTurn { who: HERO }, "");
    // 1d8+3 is 7; a critical hit 2d8+3, which is 12.
    table.play(attack(GOBLIN, HERO, "longsword"), "20:10");
    assert_eq!(table.hp(HERO), 13);
    for who in [GOBLIN, HERO] {
        table.play(Command::EndTurn { who }, "");
    }
    table.play(attack(GOBLIN, HERO, "longsword"), "20:20");
    assert_eq!(table.hp(HERO), 1);
}
