//! Fights at a table. [`Table`] checks after every command that replay, snapshots and stored messages
//! agree with the live session, that every message fits its schema, and that what each viewer was
//! told comes to what it would be sent anew. Here: nobody is told of whom it may not know.

use gss_session::{Verdict, service_time_out};
use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::{ActionId, PlayerId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Table, id};

pub(crate) const GM: u128 = 1;
pub(crate) const ARIA: u128 = 2;
pub(crate) const BREN: u128 = 3;
pub(crate) const WATCHER: u128 = 4;
pub(crate) const PLAYERS: [u128; 4] = [GM, ARIA, BREN, WATCHER];

/// Aria's, Bren's, two monsters, and one that only the GM knows of.
pub(crate) const HERO: u128 = 101;
pub(crate) const CLERIC: u128 = 102;
pub(crate) const GOBLIN: u128 = 103;
pub(crate) const OGRE: u128 = 104;
pub(crate) const LURKER: u128 = 105;
pub(crate) const ALL: [u128; 5] = [HERO, CLERIC, GOBLIN, OGRE, LURKER];

pub(crate) struct Fight {
    pub(crate) table: Table,
    pub(crate) actions: u128,
    pub(crate) chance: u64,
}

fn hero() -> Value {
    json!({
        "size": "medium",
        "abilities": {"str": 16, "dex": 14, "con": 14, "int": 10, "wis": 12, "cha": 8},
        "proficiency_bonus": 2,
        "ac": 15,
        "hp": {"current": 22, "max": 22, "temp": 3},
        "speeds": {"walk": 30},
        "attacks": [
            {"attack_id": "longsword", "name": "Longsword", "kind": "melee", "bonus": 5,
             "damage": [{"dice": "1d8+3", "type": "slashing"}], "reach_ft": 5},
            {"attack_id": "longbow", "name": "Longbow", "kind": "ranged", "bonus": 4,
             "damage": [{"dice": "1d8+2", "type": "piercing"}],
             "range_ft": {"normal": 150, "long": 600}},
        ],
        "uses": [
            {"use_id": "second-wind", "name": "Second Wind", "cost": "bonus_action",
             "per_day": 1, "healing": "1d10+2"},
        ],
    })
}

/// One that casts too.
pub(crate) fn cleric() -> Value {
    let mut cleric = hero();
    cleric["spellcasting"] = json!({
        "ability": "wis", "dc": 14, "attack_bonus": 6, "level": 9,
        "slots": {"1": 4, "2": 3, "3": 3, "4": 2},
        "spells": SPELLS,
    });
    cleric
}

/// Aimed at creatures, at places, at nobody; of all casting times.
pub(crate) const SPELLS: &[&str] = &[
    "bless",
    "command",
    "counterspell",
    "cure-wounds",
    "dispel-magic",
    "fireball",
    "guiding-bolt",
    "hold-person",
    "invisibility",
    "misty-step",
    "sacred-flame",
    "shield",
    "spirit-guardians",
    "spiritual-weapon",
    "thunderwave",
    "web",
];

pub(crate) fn combatants() -> Value {
    json!([
        {"character_id": id(HERO), "name": "Aria", "kind": "character", "side": "party",
         "owner_id": id(ARIA), "custom": hero(), "position": [2, 2]},
        {"character_id": id(CLERIC), "name": "Bren", "kind": "character", "side": "party",
         "owner_id": id(BREN), "custom": cleric(), "position": [2, 4]},
        {"character_id": id(GOBLIN), "kind": "monster", "side": "enemies",
         "stat_block": "goblin-warrior", "position": [4, 2], "group": "goblins"},
        {"character_id": id(OGRE), "kind": "monster", "side": "enemies",
         "stat_block": "srd:5.2:ogre", "position": [5, 5]},
        {"character_id": id(LURKER), "name": "Secret lurker", "kind": "monster",
         "side": "enemies", "stat_block": "goblin-warrior", "position": [3, 5], "hidden": true},
    ])
}

impl Fight {
    pub(crate) fn new(settings: Value) -> Self {
        let mut fight = Self { table: Table::new(), actions: 0, chance: 7 };
        let create = json!({
            "kind": "create", "campaign_id": id(200), "name": "Table", "settings": settings,
        });
        fight.rest(GM, create).expect("create");
        fight.rest(ARIA, json!({"kind": "join"})).expect("join");
        fight.rest(BREN, json!({"kind": "join"})).expect("join");
        fight.rest(WATCHER, json!({"kind": "join", "role": "spectator"})).expect("join");
        fight
    }

    pub(crate) fn started(settings: Value) -> Self {
        let mut fight = Self::new(settings);
        let start = json!({
            "combatants": combatants(),
            "grid": {"width": 12, "height": 12, "blocking": [[8, 8]]},
            "options": {"name": "Ford", "initiative": "all"},
        });
        fight.frame(GM, "combat_start", start).expect("starts");
        fight
    }

    pub(crate) fn rest(&mut self, who: u128, command: Value) -> Result<Verdict, ClientError> {
        self.actions += 1;
        self.throw();
        self.table.rest(PlayerId(id(who)), 50_000 + self.actions, &command)
    }

    pub(crate) fn frame(
        &mut self,
        who: u128,
        kind: &str,
        mut data: Value,
    ) -> Result<Verdict, ClientError> {
        self.actions += 1;
        data["action_id"] = json!(id(50_000 + self.actions));
        self.throw();
        let verdict =
            self.table.frame(PlayerId(id(who)), &json!({"type": kind, "data": data}).to_string());
        if verdict.is_ok() {
            self.check_sight();
        }
        verdict
    }

    pub(crate) fn declare(
        &mut self,
        by: u128,
        who: u128,
        kind: &str,
        targets: &[u128],
        details: Value,
    ) -> Result<Verdict, ClientError> {
        let targets: Vec<Uuid> = targets.iter().map(|target| id(*target)).collect();
        let data = json!({
            "character_id": id(who), "action_type": kind, "targets": targets, "details": details,
        });
        self.frame(by, "action_declare", data)
    }

    /// Initiative is as in [`ALL`], whatever was rolled.
    pub(crate) fn in_order(&mut self) {
        let order: Vec<Uuid> = ALL.iter().map(|who| id(*who)).collect();
        self.frame(GM, "initiative_order", json!({"order": order})).expect("ordered");
    }

    /// Turns end until it is this one's.
    pub(crate) fn pass_to(&mut self, who: u128) {
        while self.combat(GM)["active_character"] != json!(id(who)) {
            let active = self.combat(GM)["active_character"].clone();
            self.frame(GM, "turn_end", json!({"character_id": active})).expect("ends");
        }
    }

    /// In the order of [`ALL`], turns end until it is this one's.
    pub(crate) fn at_turn_of(&mut self, who: u128) {
        self.in_order();
        self.pass_to(who);
    }

    /// Faces for seeds.
    fn throw(&mut self) {
        self.table.faces.0.clear();
        for _ in 0..264 {
            self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let face = u32::try_from(self.chance >> 40).expect("24 bits") % 256 + 1;
            self.table.faces.0.push_back(face);
        }
    }

    pub(crate) fn combat(&self, who: u128) -> Value {
        self.table.sync(PlayerId(id(who)))["combat"].clone()
    }

    pub(crate) fn got(&self, who: u128) -> Vec<&Value> {
        let frames = self.table.got.iter().filter(|(player, _)| *player == PlayerId(id(who)));
        frames.map(|(_, frame)| frame).collect()
    }

    pub(crate) fn types(&self, who: u128) -> Vec<&str> {
        self.got(who).iter().map(|frame| frame["type"].as_str().expect("type")).collect()
    }

    fn is_hidden(&self, who: u128) -> bool {
        self.combat(GM)["combatants"][id(who).to_string()]["hidden"] == true
    }

    /// Nobody but GMs is told anything of the lurker while it is hidden.
    pub(crate) fn check_sight(&self) {
        if self.combat(GM).is_null() || !self.is_hidden(LURKER) {
            return;
        }
        let name = id(LURKER).to_string();
        for who in [ARIA, BREN, WATCHER] {
            let shown = self.table.sync(PlayerId(id(who))).to_string();
            assert!(!shown.contains(&name) && !shown.contains("lurker"), "{who}: {shown}");
            for frame in self.got(who) {
                let mut frame = frame.clone();
                // What is shown no longer, it was told of while that was not hidden.
                if let Some(changes) = frame["data"]["changes"].as_array_mut() {
                    changes.retain(|change| change.get("value").is_some());
                    let members = changes.iter_mut().filter_map(Value::as_object_mut);
                    members.for_each(|members| drop(members.remove("previous")));
                }
                let text = frame.to_string();
                assert!(!text.contains(&name) && !text.contains("lurker"), "{who}: {text}");
                let monsters = frame["data"]["combat"]["combatants"].to_string();
                assert!(!monsters.contains("\"ac\":12"), "{who}: {monsters}");
            }
        }
    }
}

#[test]
fn a_fight_starts_and_everybody_sees_what_it_may() {
    let fight = Fight::started(json!({}));
    assert_eq!(
        fight.types(ARIA),
        [
            "session_status",
            "combat_started",
            "initiative_roll",
            "initiative_roll",
            "initiative_roll",
            "initiative_roll",
            "turn_change"
        ]
    );
    assert_eq!(fight.types(GM).len(), 8, "the lurker rolls too");
    let seen = fight.combat(WATCHER);
    assert_eq!(seen["phase"], "running");
    assert_eq!(seen["order"].as_array().expect("order").len(), 4);
    let goblin = &seen["combatants"][id(GOBLIN).to_string()];
    assert_eq!(goblin["health"], "unhurt");
    assert!(goblin.get("hp").is_none() && goblin.get("ac").is_none());
    let hero = &seen["combatants"][id(HERO).to_string()];
    assert_eq!(hero["hp"], json!({"current": 22, "max": 22, "temp": 3}));
    assert!(hero.get("ac").is_none());
    let own = fight.combat(ARIA);
    assert_eq!(own["combatants"][id(HERO).to_string()]["ac"], 15);
    assert_eq!(
        own["combatants"][id(HERO).to_string()]["options"],
        json!({"attacks": ["longsword", "longbow"], "uses": ["second-wind"], "spells": []})
    );
    assert_eq!(fight.combat(GM)["combatants"][id(LURKER).to_string()]["hidden"], true);
}

#[test]
fn the_seed_was_committed_to_and_is_revealed_at_the_end() {
    let mut fight = Fight::started(json!({}));
    let commitment = fight.combat(ARIA)["seed_commitment"].clone();
    fight.frame(GM, "combat_end", json!({"reason": "They flee"})).expect("ends");
    let [ended] = fight.got(ARIA)[..] else { panic!("{:?}", fight.types(ARIA)) };
    assert_eq!(ended["type"], "combat_ended");
    assert_eq!(ended["data"]["reason"], "ended_by_gm");
    assert_eq!(ended["data"]["text"], "They flee");
    let seed = ended["data"]["seed"].as_str().expect("seed");
    assert_eq!(commitment.as_str().map(str::len), Some(64));
    assert_eq!(seed.len(), 64);
    assert!(fight.combat(GM).is_null());
    let again = fight.frame(GM, "combat_end", json!({})).expect_err("over");
    assert_eq!(
        (again.code, &again.details["phase"]),
        (ErrorCode::InvalidTransition, &json!("lobby"))
    );
}

#[test]
fn refusals_say_what_keeps_it_and_nothing_that_is_hidden() {
    let mut fight = Fight::started(json!({}));
    // In this order whatever was rolled.
    fight.at_turn_of(HERO);
    type Row = (u128, u128, &'static str, &'static [u128], Value, ErrorCode);
    let table: &[Row] = &[
        (BREN, HERO, "dodge", &[], json!({}), ErrorCode::NotYourCharacter),
        (BREN, CLERIC, "dodge", &[], json!({}), ErrorCode::NotYourTurn),
        (WATCHER, HERO, "dodge", &[], json!({}), ErrorCode::Forbidden),
        (ARIA, HERO, "attack", &[GOBLIN], json!({"attack_id": "longsword"}), ErrorCode::OutOfReach),
        (
            ARIA,
            HERO,
            "attack",
            &[LURKER],
            json!({"attack_id": "longbow"}),
            ErrorCode::CharacterNotFound,
        ),
        (
            ARIA,
            HERO,
            "attack",
            &[999],
            json!({"attack_id": "longbow"}),
            ErrorCode::CharacterNotFound,
        ),
        (ARIA, HERO, "attack", &[GOBLIN], json!({"attack_id": "whip"}), ErrorCode::InvalidArgument),
        (ARIA, HERO, "attack", &[], json!({"attack_id": "longbow"}), ErrorCode::InvalidArgument),
        (ARIA, HERO, "attack", &[GOBLIN], json!({}), ErrorCode::InvalidFrame),
        (
            ARIA,
            HERO,
            "attack",
            &[GOBLIN],
            json!({"attack_id": "longbow", "x": 1}),
            ErrorCode::InvalidFrame,
        ),
        (ARIA, HERO, "fly_away", &[], json!({}), ErrorCode::InvalidArgument),
        (ARIA, HERO, "dash", &[], json!({"cost": "bonus_action"}), ErrorCode::NoActionLeft),
        (ARIA, HERO, "move", &[], json!({"path": [[3, 2], [4, 2]]}), ErrorCode::RuleViolation),
        (
            ARIA,
            HERO,
            "move",
            &[],
            json!({"path": [[3, 2], [2, 2], [3, 2], [2, 2], [3, 2], [2, 2], [3, 2]]}),
            ErrorCode::NotEnoughMovement,
        ),
        (ARIA, HERO, "stand_up", &[], json!({}), ErrorCode::RuleViolation),
        (ARIA, GOBLIN, "dodge", &[], json!({}), ErrorCode::NotYourCharacter),
    ];
    for (by, who, kind, targets, details, code) in table {
        let error = fight.declare(*by, *who, kind, targets, details.clone()).expect_err(kind);
        assert_eq!(error.code, *code, "{kind} {details}: {error:?}");
        assert_eq!(error.details["effect"], "none", "{kind} {details}");
    }
    let reach = fight.declare(ARIA, HERO, "attack", &[GOBLIN], json!({"attack_id": "longsword"}));
    let reach = reach.expect_err("far");
    assert_eq!(
        (&reach.details["distance_ft"], &reach.details["reach_ft"]),
        (&json!(10), &json!(5))
    );
}

#[test]
fn a_reaction_is_asked_for_and_the_deadline_answers() {
    for answered in [false, true] {
        let mut fight = Fight::started(json!({"reaction_seconds": 10}));
        fight.at_turn_of(GOBLIN);
        let path = json!({"path": [[3, 2], [3, 1], [4, 0], [5, 0]]});
        fight.declare(GM, GOBLIN, "move", &[], path).expect("moves");
        assert_eq!(fight.types(ARIA), ["action_declare", "action_resolve", "reaction_prompt"]);
        assert_eq!(fight.types(BREN), ["action_declare", "action_resolve"]);
        let prompt = fight.got(ARIA)[2]["data"].clone();
        assert_eq!(prompt["deadline"], "2026-11-21T19:00:10.000Z");
        assert_eq!(prompt["trigger"], json!({"kind": "leaves_reach", "source_id": id(GOBLIN)}));
        assert_eq!(fight.combat(BREN)["step"], "awaiting_decision");
        assert_eq!(fight.combat(BREN)["prompts"], json!({}));
        let error = fight.frame(GM, "turn_end", json!({"character_id": id(GOBLIN)}));
        assert_eq!(error.expect_err("waits").code, ErrorCode::InvalidTransition);
        let early = fight.table.run(&service_time_out(ActionId(id(7_000)), false));
        assert_eq!(early.expect_err("early").code, ErrorCode::InvalidTransition);
        let of_bren = json!({"prompt_id": prompt["prompt_id"], "accept": false});
        let error = fight.frame(BREN, "reaction", of_bren).expect_err("not asked");
        assert_eq!(error.code, ErrorCode::NotYourCharacter);
        if answered {
            let accept = json!({
                "prompt_id": prompt["prompt_id"], "accept": true, "option": "longsword",
            });
            fight.frame(ARIA, "reaction", accept).expect("reacts");
            let types = fight.types(WATCHER);
            assert_eq!(types[..2], ["reaction_resolved", "action_resolve"], "{types:?}");
            let strike = &fight.got(WATCHER)[1]["data"];
            assert_eq!(strike["cause"]["kind"], "reaction");
            assert_eq!(strike["character_id"], json!(id(HERO)));
            let economy = &fight.combat(ARIA)["combatants"][id(HERO).to_string()]["economy"];
            assert_eq!(economy["reaction"], false);
        } else {
            fight.table.now = fight.table.now.plus_ms(10_000);
            let command = service_time_out(ActionId(id(7_001)), false);
            fight.table.run(&command).expect("in time");
            let resolved = fight.got(ARIA)[0]["data"].clone();
            assert_eq!(
                (&resolved["result"], &resolved["actor"]),
                (&json!("timed_out"), &json!(null))
            );
            let goblin = &fight.combat(WATCHER)["combatants"][id(GOBLIN).to_string()];
            assert_eq!(goblin["position"], json!([5, 0]));
        }
        let late = json!({"prompt_id": prompt["prompt_id"], "accept": false});
        let error = fight.frame(ARIA, "reaction", late).expect_err("closed");
        assert_eq!(error.code, ErrorCode::Conflict);
    }
}

/// The ICD's form of the message has no key: nothing remembers it.
#[test]
fn initiative_without_a_key_is_journaled_and_decided_each_time() {
    let mut fight = Fight::new(json!({}));
    let start = json!({"combatants": combatants(), "grid": {"width": 12, "height": 12}});
    fight.frame(GM, "combat_start", start).expect("starts");
    let roll = |who: u128| json!({"type": "initiative_roll", "data": {"character_id": id(who), "modifiers": {}}});
    let aria = PlayerId(id(ARIA));
    fight.table.frame(aria, &roll(HERO).to_string()).expect("rolls");
    let event = fight.table.journal.last().expect("an event");
    assert_eq!((event.event_type.as_str(), event.action), ("initiative_roll", None));
    let told = fight.got(WATCHER)[0]["data"].clone();
    assert_eq!((&told["character_id"], &told["action_id"]), (&json!(id(HERO)), &json!(null)));
    let again = fight.table.frame(aria, &roll(HERO).to_string()).expect_err("rolled already");
    assert_eq!((again.code, again.details.get("action_id")), (ErrorCode::RuleViolation, None));
    // Another's command without a key is not taken for this one.
    fight.table.frame(PlayerId(id(BREN)), &roll(CLERIC).to_string()).expect("rolls");
    assert_eq!(fight.combat(ARIA)["phase"], "running");
}

#[test]
fn a_pause_stops_the_clock_of_a_question() {
    let mut fight = Fight::started(json!({"reaction_seconds": 10}));
    fight.at_turn_of(GOBLIN);
    let path = json!({"path": [[3, 2], [3, 1], [4, 0]]});
    fight.declare(GM, GOBLIN, "move", &[], path).expect("moves");
    fight.frame(GM, "session_pause", json!({})).expect("pauses");
    assert_eq!(fight.combat(ARIA)["phase"], "paused");
    let nobody = |_| true;
    assert_eq!(fight.table.session().acts_at(nobody), None);
    fight.table.now = fight.table.now.plus_ms(60_000);
    fight.frame(GM, "session_resume", json!({})).expect("goes on");
    assert_eq!(fight.types(ARIA), ["session_status", "reaction_prompt"]);
    let asked = fight.table.now.plus_ms(10_000);
    assert_eq!(fight.table.session().acts_at(nobody), Some(asked));
}

#[test]
fn the_turn_of_somebody_absent_ends_by_itself() {
    let mut fight = Fight::started(json!({"turn_seconds": 30}));
    fight.at_turn_of(HERO);
    let due = fight.table.now.plus_ms(30_000);
    assert_eq!(fight.table.session().acts_at(|player| player != PlayerId(id(ARIA))), None);
    assert_eq!(fight.table.session().acts_at(|player| player == PlayerId(id(ARIA))), Some(due));
    fight.table.now = due;
    fight.table.run(&service_time_out(ActionId(id(7_000)), true)).expect("in time");
    assert_eq!(fight.combat(ARIA)["active_character"], json!(id(CLERIC)));
}

#[test]
fn a_rewound_fight_stands_where_it_stood_and_rolls_other_faces() {
    let mut fight = Fight::started(json!({}));
    fight.in_order();
    let slowed = json!({
        "name": "Slowed", "key": "slowed", "duration": {"kind": "rounds", "rounds": 2},
        "concentration": true, "source_id": id(CLERIC),
        "modifiers": [{"kind": "speed", "value": -10}],
    });
    let apply = json!({"effect": slowed, "target_ids": [id(GOBLIN), id(OGRE)]});
    fight.frame(GM, "effect_apply", apply).expect("applies");
    let then = fight.table.position().version;
    let (was, seen) = (fight.combat(GM), fight.combat(ARIA));
    for _ in 0..7 {
        let active = fight.combat(GM)["active_character"].clone();
        fight.frame(GM, "turn_end", json!({"character_id": active})).expect("ends");
    }
    fight.frame(GM, "combatant_remove", json!({"character_id": id(OGRE)})).expect("removes");
    assert_ne!(fight.combat(GM), was);
    fight.frame(GM, "turn_rewind", json!({"to_version": then.to_string()})).expect("rewinds");
    assert_eq!(fight.types(ARIA), ["rolled_back", "turn_change"]);
    assert_eq!(fight.combat(GM), was);
    assert_eq!(fight.combat(ARIA), seen);
    let error = fight.frame(GM, "turn_rewind", json!({"to_version": "3"})).expect_err("before");
    assert_eq!(error.code, ErrorCode::InvalidArgument);
}

#[test]
fn an_effect_that_a_game_master_ends_with_an_update_leaves_nothing_that_nobody_is_told() {
    let mut fight = Fight::started(json!({}));
    let update = |fields: Value| json!({"character_id": id(GOBLIN), "fields": fields});
    let poison = update(json!({"conditions_add": [{"condition": "poisoned"}]}));
    fight.frame(GM, "combatant_update", poison).expect("updates");
    let cure = update(json!({"conditions_remove": ["poisoned"]}));
    fight.frame(GM, "combatant_update", cure).expect("updates");
    let last = fight.table.position().version.0.to_string();
    for who in [GM, ARIA] {
        assert_eq!(fight.types(who), ["combatant_changed"]);
        assert_eq!(fight.got(who)[0]["data"]["version"], json!(last));
    }
}
