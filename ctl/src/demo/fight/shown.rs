//! What a fight has shown so far, counted from the game master's messages.

use std::collections::{BTreeMap, BTreeSet};

use gss_client::Message;
use serde_json::Value;

/// Counts.
#[derive(Clone, Default, Debug)]
pub(super) struct Shown {
    /// Castings by spell.
    pub(super) spells: BTreeMap<String, usize>,
    /// Times that somebody gained a condition.
    pub(super) conditions: BTreeMap<String, usize>,
    pub(super) concentration_checks: usize,
    pub(super) opportunity_attacks: usize,
    pub(super) death_saves: usize,
    /// Somebody was at 0 hit points.
    pub(super) fell: bool,
    /// Open questions to who could strike at somebody that leaves its reach.
    leaving: BTreeSet<String>,
}

impl Shown {
    /// Counts a message.
    pub(super) fn count(&mut self, message: &Message) {
        let data = &message.data;
        let text = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or_default();
        match message.kind.as_str() {
            "action_declare" if text("action_type") == "cast" => {
                let spell = data["details"]["spell"].as_str().unwrap_or_default();
                *self.spells.entry(spell.to_owned()).or_default() += 1;
            }
            "reaction_prompt" if data["trigger"]["kind"] == "leaves_reach" => {
                self.leaving.insert(text("prompt_id").to_owned());
            }
            "action_resolve" => self.resolved(data.get("cause"), data.get("outcomes")),
            "effect_applied" => {
                let effect = data.get("effect").unwrap_or(&Value::Null);
                self.conditions_of(&effect["conditions"]);
            }
            "concentration_check" => self.concentration_checks += 1,
            "death_save" => self.death_saves += 1,
            _ => {}
        }
    }

    fn resolved(&mut self, cause: Option<&Value>, outcomes: Option<&Value>) {
        let outcomes = outcomes.and_then(Value::as_array).into_iter().flatten();
        let mut attacked = false;
        for outcome in outcomes {
            attacked |= outcome.get("attack").is_some();
            self.conditions_of(&outcome["conditions"]);
            let effects = outcome["effects"].as_array().into_iter().flatten();
            self.fell |= effects.into_iter().any(|effect| effect == "dropped_to_0");
        }
        let prompt = cause.and_then(|cause| cause["prompt_id"].as_str());
        if attacked && prompt.is_some_and(|prompt| self.leaving.remove(prompt)) {
            self.opportunity_attacks += 1;
        }
    }

    fn conditions_of(&mut self, gained: &Value) {
        for condition in gained.as_array().into_iter().flatten().filter_map(Value::as_str) {
            *self.conditions.entry(condition.to_owned()).or_default() += 1;
        }
    }

    /// What has to be shown and was not.
    pub(super) fn missing(&self) -> Vec<&'static str> {
        let all = [
            ("a spell", self.spells.is_empty()),
            ("a condition", self.conditions.is_empty()),
            ("a concentration check", self.concentration_checks == 0),
            ("an opportunity attack", self.opportunity_attacks == 0),
            ("a death save", self.death_saves == 0),
        ];
        all.into_iter().filter(|(_, missing)| *missing).map(|(name, _)| name).collect()
    }

    /// As the last lines of the log say it.
    pub(super) fn lines(&self) -> [String; 5] {
        let counts = |counts: &BTreeMap<String, usize>| {
            let each: Vec<String> =
                counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
            each.join(", ")
        };
        [
            format!("spells cast: {}", counts(&self.spells)),
            format!("conditions: {}", counts(&self.conditions)),
            format!("concentration checks: {}", self.concentration_checks),
            format!("opportunity attacks: {}", self.opportunity_attacks),
            format!("death saves: {}", self.death_saves),
        ]
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_told_is_counted() {
        let message = |kind: &str, data: Value| Message {
            kind: kind.to_owned(),
            data: data.as_object().expect("object").clone(),
            version: Some(1),
        };
        let mut shown = Shown::default();
        assert_eq!(shown.missing().len(), 5);
        let strike = json!({
            "cause": {"kind": "reaction", "prompt_id": "p"},
            "outcomes": [{"attack": {}, "conditions": ["prone"], "effects": ["dropped_to_0"]}],
        });
        for message in [
            message(
                "action_declare",
                json!({"action_type": "cast", "details": {"spell": "bless"}}),
            ),
            message(
                "reaction_prompt",
                json!({"prompt_id": "p", "trigger": {"kind": "leaves_reach"}}),
            ),
            message("action_resolve", strike.clone()),
            message("action_resolve", strike),
            message("effect_applied", json!({"effect": {"conditions": ["poisoned"]}})),
            message("concentration_check", json!({})),
        ] {
            shown.count(&message);
        }
        assert_eq!(shown.missing(), ["a death save"]);
        assert!(shown.fell);
        let lines = shown.lines();
        assert_eq!(lines[0], "spells cast: bless 1");
        assert_eq!(lines[1], "conditions: poisoned 1, prone 2");
        assert_eq!(lines[3], "opportunity attacks: 1");
    }
}
