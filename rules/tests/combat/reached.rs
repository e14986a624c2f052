//! What random play came to: every command, question, fact and condition has to come up in it.

use std::collections::BTreeMap;

use gss_rules::Condition;
use gss_rules::combat::{Combat, Input, Step, View};
use serde::Serialize;
use serde_json::Value;

/// Commands that somebody may give in a combat, but for its end.
const COMMANDS: [&str; 40] = [
    "add_combatant",
    "apply_effect",
    "attack",
    "attack_at",
    "begin",
    "call_initiative",
    "cast",
    "dash",
    "disengage",
    "dismount",
    "dodge",
    "drop_prone",
    "end_concentration",
    "end_turn",
    "escape",
    "fall",
    "give_temp_hp",
    "grapple",
    "happens",
    "help",
    "hide",
    "interact",
    "jump",
    "mount",
    "move",
    "physical_dice",
    "ready",
    "release",
    "remove_combatant",
    "remove_effect",
    "roll_initiative",
    "set_order",
    "shove",
    "stabilize",
    "stand_up",
    "try_skill",
    "update",
    "use_action",
    "use_effect",
    "use_object",
];
const QUESTIONS: [&str; 11] = [
    "cast_in_reaction",
    "choice",
    "dice",
    "effect_order",
    "falls",
    "lair_action",
    "legendary_action",
    "legendary_resistance",
    "opportunity_attack",
    "parry",
    "readied",
];
const FACTS: [&str; 25] = [
    "action_used",
    "attack_made",
    "check_made",
    "concentration_set",
    "damaged",
    "death_save_made",
    "economy_set",
    "effect_changed",
    "effect_ended",
    "effect_started",
    "guess_missed",
    "height_set",
    "held_set",
    "lair_acted",
    "life_set",
    "moved",
    "object_used",
    "readied_set",
    "rolled",
    "save_made",
    "slots_set",
    "spell_cast",
    "squeezed_set",
    "turn_started",
    "uses_set",
];

/// How often each thing came up.
#[derive(Default)]
pub(crate) struct Reached {
    /// Commands and answers that were given.
    pub(crate) tried: usize,
    /// Those that were done.
    pub(crate) done: usize,
    commands: BTreeMap<String, usize>,
    questions: BTreeMap<String, usize>,
    facts: BTreeMap<String, usize>,
    conditions: BTreeMap<&'static str, usize>,
}

impl Reached {
    /// What a step did, and what is asked and felt after it.
    pub(crate) fn note(&mut self, step: &Step, after: &Combat, view: View<'_>) {
        if let Input::Command { command, .. } = &step.input {
            count(&mut self.commands, word(command));
        }
        if let Some(prompt) = after.prompt() {
            let question = serde_json::to_value(&prompt.question).expect("encoded");
            count(&mut self.questions, question["kind"].as_str().expect("a kind").to_owned());
        }
        for fact in &step.facts {
            count(&mut self.facts, word(fact));
        }
        for condition in Condition::ALL {
            if after.combatants.keys().any(|id| view.has(*id, condition)) {
                *self.conditions.entry(condition.name()).or_default() += 1;
            }
        }
    }

    /// Takes another's counts.
    pub(crate) fn add(&mut self, other: Self) {
        self.tried += other.tried;
        self.done += other.done;
        let pairs = [
            (&mut self.commands, other.commands),
            (&mut self.questions, other.questions),
            (&mut self.facts, other.facts),
        ];
        for (own, others) in pairs {
            others.into_iter().for_each(|(kind, more)| *own.entry(kind).or_default() += more);
        }
        for (condition, more) in other.conditions {
            *self.conditions.entry(condition).or_default() += more;
        }
    }

    /// Everything came up, and at least half of what was tried was done.
    pub(crate) fn is_enough(&self) {
        println!("{} of {} done", self.done, self.tried);
        println!("commands {:?}\nquestions {:?}", self.commands, self.questions);
        println!("facts {:?}\nconditions {:?}", self.facts, self.conditions);
        let never = |all: &[&str], came: &BTreeMap<String, usize>| {
            all.iter()
                .filter(|kind| !came.contains_key(**kind))
                .map(|kind| (*kind).to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(never(&COMMANDS, &self.commands), Vec::<String>::new(), "never done");
        assert_eq!(never(&QUESTIONS, &self.questions), Vec::<String>::new(), "never asked");
        assert_eq!(never(&FACTS, &self.facts), Vec::<String>::new(), "never happened");
        assert_eq!(self.conditions.len(), Condition::ALL.len(), "conditions that nobody had");
        assert!(self.done * 2 >= self.tried, "{} of {} were done", self.done, self.tried);
    }
}

fn count(counts: &mut BTreeMap<String, usize>, kind: String) {
    *counts.entry(kind).or_default() += 1;
}

/// What a value of an enumeration is called; one without members is a word.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value).expect("encoded") {
        Value::String(word) => word,
        value => value.as_object().and_then(|it| it.keys().next()).expect("a name").clone(),
    }
}
