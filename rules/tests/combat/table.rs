//! A table to play at: builds combatants, feeds faces, folds every step and checks that the folded
//! state is what a copy folded from the encoded step is.

use std::sync::Arc;

use gss_rules::combat::{
    Actor, Answer, Combat, Combatant, CombatantId, CombatantKind, Command, Fact, Input, Life,
    Manner, Refusal, Rulebook, Step, decide,
};
use gss_rules::conditions::{BUILT_IN, Conditions};
use gss_rules::content::StatBlock;
use gss_rules::effect::EffectTemplate;
use gss_rules::space::Grid;
use gss_rules::{Condition, Dice, Edition, Key, RuleSet};
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) const HERO: CombatantId = CombatantId(Uuid::from_u128(1));
pub(crate) const GOBLIN: CombatantId = CombatantId(Uuid::from_u128(2));
pub(crate) const OGRE: CombatantId = CombatantId(Uuid::from_u128(3));

struct Script {
    faces: std::vec::IntoIter<(u32, u32)>,
}

impl Dice for Script {
    fn roll(&mut self, sides: u32) -> u32 {
        let (expected, face) = self.faces.next().expect("a die more than scripted");
        assert_eq!(sides, expected, "sides");
        face
    }
}

pub(crate) struct Table {
    pub(crate) combat: Combat,
    book: Rulebook,
}

/// A fighter's numbers, changed by `changes`.
pub(crate) fn block(changes: Value) -> Arc<StatBlock> {
    let mut block = json!({
        "size": "medium",
        "abilities": {"str": 16, "dex": 14, "con": 14, "int": 10, "wis": 10, "cha": 10},
        "proficiency_bonus": 2,
        "ac": 15,
        "hp": {"current": 20, "max": 20, "temp": 0},
        "speeds": {"walk": 30},
        "attacks": [
            {"attack_id": "longsword", "name": "Longsword", "kind": "melee", "bonus": 5,
             "damage": [{"dice": "1d8+3", "type": "slashing"}]},
            {"attack_id": "shortbow", "name": "Shortbow", "kind": "ranged", "bonus": 4,
             "range_ft": {"normal": 80, "long": 320},
             "damage": [{"dice": "1d6+2", "type": "piercing"}]}
        ]
    });
    for (name, value) in changes.as_object().expect("changes") {
        block[name] = value.clone();
    }
    Arc::new(serde_json::from_value(block).expect("a stat block"))
}

pub(crate) fn combatant(
    id: CombatantId,
    kind: CombatantKind,
    side: &str,
    at: [i32; 2],
    block: Arc<StatBlock>,
) -> Combatant {
    Combatant { position: Some(at.into()), ..Combatant::new(id, side, kind, side, block) }
}

impl Table {
    pub(crate) fn new(edition: Edition) -> Self {
        let conditions = Conditions::parse(BUILT_IN).expect("the conditions");
        Self {
            combat: Combat::new(RuleSet::of(edition), Grid::open(100, 100)),
            book: Rulebook { conditions, content: Arc::default() },
        }
    }

    /// A table with the content of its edition.
    pub(crate) fn with_content(edition: Edition) -> Self {
        let book = Rulebook::built_in(edition).expect("the rulebook");
        Self { book, ..Self::new(edition) }
    }

    /// The hero at [0, 0] and the goblin at `at`; the hero goes first.
    pub(crate) fn duel(edition: Edition, at: [i32; 2]) -> Self {
        let mut table = Self::new(edition);
        let hero = combatant(HERO, CombatantKind::Character, "party", [0, 0], block(json!({})));
        let goblin = combatant(GOBLIN, CombatantKind::Monster, "foes", at, block(json!({})));
        for combatant in [hero, goblin] {
            table.play(Command::AddCombatant { combatant: Box::new(combatant) }, "");
        }
        table.play(Command::Begin, "20:15 20:10");
        table
    }

    /// Plays a command as the game master; `faces` as `sides:face`.
    pub(crate) fn play(&mut self, command: Command, faces: &str) -> Vec<Fact> {
        self.input(Input::Command { by: Actor::Gm, command }, faces).expect("it is done")
    }

    pub(crate) fn refused(&mut self, command: Command) -> Refusal {
        self.input(Input::Command { by: Actor::Gm, command }, "").expect_err("it is refused")
    }

    pub(crate) fn answer(&mut self, answer: Answer, faces: &str) -> Vec<Fact> {
        let prompt = self.combat.prompt().expect("a question").id;
        self.input(Input::Answer { by: Actor::Gm, prompt, answer }, faces).expect("it fits")
    }

    pub(crate) fn input(&mut self, input: Input, faces: &str) -> Result<Vec<Fact>, Refusal> {
        let faces: Vec<(u32, u32)> = faces
            .split_whitespace()
            .map(|die| die.split_once(':').expect("sides:face"))
            .map(|(sides, face)| (sides.parse().expect("sides"), face.parse().expect("face")))
            .collect();
        let mut script = Script { faces: faces.into_iter() };
        // What is decided on a state that went through its encoding is what is decided on it.
        let stored: Combat =
            serde_json::from_str(&serde_json::to_string(&self.combat).expect("encoded"))
                .expect("decoded");
        assert_eq!(stored, self.combat);
        let step = decide(&stored, input, &self.book, &mut script)?;
        assert_eq!(script.faces.len(), 0, "dice left over");
        let encoded = serde_json::to_string(&step).expect("encoded");
        let read: Step = serde_json::from_str(&encoded).expect("decoded");
        assert_eq!(read, step);
        self.combat.apply(&read);
        Ok(step.facts)
    }

    pub(crate) fn afflict(&mut self, who: CombatantId, condition: Condition) {
        let effect: EffectTemplate = serde_json::from_value(json!({
            "name": "test", "duration": {"kind": "permanent"}, "conditions": [condition]
        }))
        .expect("an effect");
        let effect = Box::new(effect);
        self.play(Command::ApplyEffect { effect, source: None, targets: vec![who] }, "");
    }

    /// From now on there is the content that is built in.
    pub(crate) fn stock(&mut self, edition: Edition) {
        self.book = Rulebook::built_in(edition).expect("the content");
    }

    /// From now on a condition does this too.
    pub(crate) fn rule(&mut self, condition: Condition, modifier: &str) {
        let mut all: Value = serde_json::from_str(BUILT_IN).expect("the conditions");
        let modifier: Value = serde_json::from_str(modifier).expect("a modifier");
        let modifiers = all[condition.name()]["modifiers"].as_array_mut().expect("modifiers");
        modifiers.push(modifier);
        self.book.conditions = Conditions::parse(&all.to_string()).expect("conditions");
    }

    pub(crate) fn hp(&self, who: CombatantId) -> i32 {
        self.combat.combatant(who).expect("there").hp.current
    }

    pub(crate) fn life(&self, who: CombatantId) -> Life {
        self.combat.combatant(who).expect("there").life
    }
}

pub(crate) fn attack(who: CombatantId, target: CombatantId, with: &str) -> Command {
    let attack = Key::parse(with).expect("a key");
    Command::Attack {
        who,
        target,
        attack,
        knock_out: false,
        how: Manner::default(),
        ammunition: None,
    }
}
