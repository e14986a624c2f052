//! Characters that the character service knows: whose they are, and how they fight.

use gss_session::{Character, CharacterAnswer, Verdict, judge};
use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::CharacterId;
use serde_json::{Value, json};

use crate::fights::{ARIA, BREN, Fight, GM, WATCHER};
use crate::support::id;

const WIZARD: u128 = 301;
const ROGUE: u128 = 302;
const SILENT: u128 = 303;

/// `data` of an answer to `character.get`.
fn wizard() -> Value {
    json!({
        "character_id": id(WIZARD),
        "owner_id": id(ARIA),
        "name": "Aria",
        "level": 5,
        "version": "81",
        "stat_block": {
            "size": "medium",
            "abilities": {"str": 8, "dex": 14, "con": 10, "int": 16, "wis": 8, "cha": 8},
            "proficiency_bonus": 3,
            "ac": 12,
            "hp": {"current": 20, "max": 28, "temp": 2},
            "speeds": {"walk": 30},
            "senses": {"darkvision_ft": 60, "passive_perception": 9},
            "spellcasting": {"ability": "int", "dc": 14, "attack_bonus": 6,
                             "spells": ["magic-missile", "shield"]},
            "resources": {"arcane-recovery": {"current": 0, "max": 1, "recover": "long_rest"}},
        },
        "conditions": ["poisoned", "prone", "poisoned"],
        "spell_slots": {"1": {"current": 3, "max": 4}, "2": {"current": 0, "max": 3}},
        "items": [{"item_id": "potion-of-healing", "quantity": 2}],
        "of_a_later_release": {"is": "passed over"},
    })
}

fn rogue() -> Value {
    let mut rogue = wizard();
    rogue["character_id"] = json!(id(ROGUE));
    rogue["owner_id"] = json!(id(777));
    rogue["name"] = json!("Somebody else's");
    for member in ["conditions", "spell_slots", "items", "level", "version"] {
        rogue.as_object_mut().expect("object").remove(member);
    }
    rogue
}

fn read(data: Value) -> Result<Character, String> {
    let id = data["character_id"].as_str().expect("an id").parse().expect("an id");
    Character::read(id, data)
}

/// The journal's fights, decided again.
fn judged(fight: &Fight) -> usize {
    judge(fight.table.id, &fight.table.journal).expect("the rules come to the same again").fights
}

/// A table with a character service.
fn served() -> Fight {
    let mut fight = Fight::new(json!({}));
    let is = |data| CharacterAnswer::Is(Box::new(read(data).expect("reads")));
    let answers = [(WIZARD, is(wizard())), (ROGUE, is(rogue())), (SILENT, CharacterAnswer::Failed)];
    let by_id = answers.into_iter().map(|(number, answer)| (CharacterId(id(number)), answer));
    fight.table.characters = Some(by_id.collect());
    fight
}

fn join(fight: &mut Fight, who: u128, character: u128) -> Result<Verdict, ClientError> {
    fight.rest(who, json!({"kind": "join", "character_id": id(character)}))
}

fn of(character: u128) -> Value {
    json!({"character_id": id(character), "kind": "character", "side": "party",
           "position": [2, 2]})
}

fn start(fight: &mut Fight, combatants: &[Value]) -> Result<Verdict, ClientError> {
    let goblin = json!({"kind": "monster", "side": "enemies", "stat_block": "goblin-warrior",
                        "position": [6, 6]});
    let combatants: Vec<Value> = combatants.iter().cloned().chain([goblin]).collect();
    let grid = json!({"width": 12, "height": 12});
    fight.frame(GM, "combat_start", json!({"combatants": combatants, "grid": grid}))
}

#[test]
fn players_join_with_their_own_characters_only() {
    let mut fight = served();
    join(&mut fight, ARIA, WIZARD).expect("her own");
    for (who, character, code) in [
        (BREN, WIZARD, ErrorCode::NotYourCharacter),
        (BREN, ROGUE, ErrorCode::NotYourCharacter),
        (BREN, 999, ErrorCode::CharacterNotFound),
        (BREN, SILENT, ErrorCode::ServiceFailed),
        (WATCHER, ROGUE, ErrorCode::InvalidArgument),
    ] {
        let refused = join(&mut fight, who, character).expect_err("not hers");
        assert_eq!(refused.code, code, "{who} {character}: {refused:?}");
        if code != ErrorCode::InvalidArgument {
            assert_eq!(refused.details["character_id"], json!(id(character)), "{refused:?}");
        }
    }
    // Nobody is asked for what a member has, and game masters bring whom they like.
    fight.table.characters = Some([].into());
    join(&mut fight, ARIA, WIZARD).expect("once more");
    join(&mut fight, GM, 999).expect("the game master's");
}

#[test]
fn without_a_service_it_is_the_game_masters_affair() {
    let mut fight = Fight::new(json!({}));
    join(&mut fight, BREN, ROGUE).expect("nobody says otherwise");
    let refused = start(&mut fight, &[of(ROGUE)]).expect_err("no numbers");
    assert_eq!(refused.code, ErrorCode::ServiceFailed);
    assert_eq!(
        refused.message,
        "No character service is configured: send the character's custom block."
    );
    assert_eq!(refused.details["service"], "character");
}

#[test]
fn characters_fight_with_the_numbers_of_their_service() {
    let mut fight = served();
    join(&mut fight, ARIA, WIZARD).expect("joins");
    start(&mut fight, &[of(WIZARD)]).expect("starts");
    let shown = fight.combat(ARIA)["combatants"][id(WIZARD).to_string()].clone();
    assert_eq!(shown["name"], "Aria");
    assert_eq!(shown["owner_id"], json!(id(ARIA)));
    assert_eq!(shown["hp"], json!({"current": 20, "max": 28, "temp": 2}));
    assert_eq!(shown["ac"], 12);
    assert_eq!(
        shown["spell_slots"],
        json!({"1": {"current": 3, "max": 4},
                                            "2": {"current": 0, "max": 3}})
    );
    assert_eq!(shown["resources"]["arcane-recovery"]["current"], 0);
    let conditions = shown["conditions"].as_array().expect("conditions");
    let names: Vec<&str> =
        conditions.iter().filter_map(|held| held["condition"].as_str()).collect();
    assert_eq!(names, ["poisoned", "prone"]);
    assert_eq!(judged(&fight), 1);
}

#[test]
fn what_the_message_says_goes_before_the_service() {
    let mut fight = served();
    let mut combatant = of(WIZARD);
    combatant["name"] = json!("Aria the Bold");
    combatant["owner_id"] = json!(id(BREN));
    combatant["hp"] = json!({"current": 5, "max": 28, "temp": 0});
    start(&mut fight, &[combatant]).expect("starts");
    let wizard = &fight.combat(GM)["combatants"][id(WIZARD).to_string()];
    assert_eq!(wizard["name"], "Aria the Bold");
    assert_eq!(wizard["owner_id"], json!(id(BREN)));
    assert_eq!(wizard["hp"]["current"], 5);
}

#[test]
fn nobody_reads_a_strangers_character_by_fighting_it() {
    let mut fight = served();
    let refused = start(&mut fight, &[of(ROGUE)]).expect_err("whose owner is not here");
    assert_eq!(refused.code, ErrorCode::NotYourCharacter);
    assert_eq!(refused.details["character_id"], json!(id(ROGUE)));
    start(&mut fight, &[of(WIZARD)]).expect("starts");
    let mut rogue = of(ROGUE);
    rogue["owner_id"] = json!(id(GM));
    let refused = fight.frame(GM, "combatant_add", json!({"combatant": rogue}));
    assert_eq!(refused.expect_err("nor later").code, ErrorCode::NotYourCharacter);
}

#[test]
fn who_comes_later_brings_its_conditions() {
    let mut fight = served();
    start(&mut fight, &[]).expect("starts");
    fight.frame(GM, "combatant_add", json!({"combatant": of(WIZARD)})).expect("comes");
    let shown = fight.combat(ARIA)["combatants"][id(WIZARD).to_string()].clone();
    assert_eq!(shown["owner_id"], json!(id(ARIA)), "the service says whose it is");
    assert_eq!(shown["conditions"].as_array().map(Vec::len), Some(2));
    assert_eq!(judged(&fight), 1);
}

#[test]
fn a_fight_does_not_begin_without_the_numbers() {
    let mut fight = served();
    for (character, code) in
        [(999, ErrorCode::CharacterNotFound), (SILENT, ErrorCode::ServiceFailed)]
    {
        let refused = start(&mut fight, &[of(WIZARD), of(character)]).expect_err("no numbers");
        assert_eq!(refused.code, code, "{refused:?}");
        assert_eq!(refused.details["character_id"], json!(id(character)));
        assert_eq!(fight.combat(GM), Value::Null);
    }
    let refused = fight.frame(BREN, "combat_start", json!({"combatants": [of(WIZARD)]}));
    assert_eq!(refused.expect_err("no game master").code, ErrorCode::Forbidden);
}

#[test]
fn the_service_is_asked_for_nothing_that_is_refused_all_the_same() {
    let with = |member: &str, value: Value| {
        let mut combatant = of(WIZARD);
        combatant[member] = value;
        combatant
    };
    let mut unknown = json!({"kind": "monster", "side": "enemies", "stat_block": "jabberwock"});
    unknown["position"] = json!([9, 9]);
    // There is no service: who asks it is told so.
    let mut fight = Fight::new(json!({}));
    let asked = start(&mut fight, &[of(WIZARD)]).expect_err("nobody answers");
    assert_eq!(asked.code, ErrorCode::ServiceFailed);
    for (combatants, code) in [
        (vec![with("position", json!([12, 2]))], ErrorCode::RuleViolation),
        (vec![with("owner_id", json!(id(777)))], ErrorCode::InvalidArgument),
        (vec![with("hp", json!({"current": 5, "max": 4, "temp": 0}))], ErrorCode::InvalidArgument),
        (vec![of(WIZARD), of(WIZARD)], ErrorCode::Conflict),
        (vec![of(WIZARD), unknown], ErrorCode::NotFound),
    ] {
        let refused = start(&mut fight, &combatants).expect_err("is wrong");
        assert_eq!(refused.code, code, "{refused:?}");
    }
    let far = json!({"combatants": [with("position", json!([100_001, 0]))]});
    let refused = fight.frame(GM, "combat_start", far).expect_err("off the open ground");
    assert_eq!(refused.code, ErrorCode::RuleViolation);
    start(&mut fight, &[]).expect("starts");
    for (combatant, code) in [
        (with("position", json!([2, 12])), ErrorCode::RuleViolation),
        (with("owner_id", json!(id(777))), ErrorCode::InvalidArgument),
        (of(WIZARD), ErrorCode::ServiceFailed),
    ] {
        let refused = fight.frame(GM, "combatant_add", json!({"combatant": combatant}));
        assert_eq!(refused.expect_err("is wrong").code, code);
    }
}

/// An attack of about 400 bytes.
fn attack() -> Value {
    let damage = json!({"dice": "1d8+3", "type": "slashing"});
    json!({"attack_id": "longsword", "name": "n".repeat(100), "kind": "melee", "bonus": 5,
           "reach_ft": 5, "damage": vec![damage; 8]})
}

#[test]
fn answers_that_clients_could_not_send_are_of_no_use() {
    let broken = |change: fn(&mut Value)| {
        let mut data = wizard();
        change(&mut data);
        read(data).expect_err("of no use")
    };
    let rows = [
        (broken(|data| data["stat_block"]["ac"] = json!(51)), "ac"),
        (broken(|data| data["stat_block"]["programs"] = json!([])), "programs"),
        (broken(|data| data["name"] = json!("")), "name"),
        (broken(|data| data["stat_block"]["tags"] = json!(vec!["demon"; 51])), "tags"),
        (broken(|data| data["stat_block"]["attacks"] = json!(vec![attack(); 50])), "16384"),
        (broken(|data| data["owner_id"] = json!("Aria")), "UUID"),
        (broken(|data| data["spell_slots"]["10"] = json!({"current": 0, "max": 1})), "10"),
        (broken(|data| data["spell_slots"]["1"]["current"] = json!(5)), "spell_slots.1"),
        (broken(|data| data["spell_slots"]["1"]["max"] = json!(300)), "spell_slots.1"),
        (broken(|data| data["conditions"] = json!(["bored"])), "bored"),
    ];
    for (error, named) in rows {
        assert!(error.contains(named), "{named}: {error}");
    }
    let other = Character::read(CharacterId(id(ROGUE)), wizard()).expect_err("another");
    assert_eq!(other, "it is another character");
}
