//! A fight's messages as lines for a reader, colored on a terminal.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;

use gss_client::Message;
use serde_json::{Map, Value};

/// Kinds of text.
#[derive(Clone, Copy)]
enum Ink {
    Bold,
    Faint,
    Red,
    Green,
    Yellow,
    Cyan,
}

/// Writes what the game master is told.
pub(super) struct Log {
    color: bool,
    names: BTreeMap<String, String>,
    round: u64,
}

impl Log {
    /// Colors only where somebody looks, and not where `NO_COLOR` is set.
    pub(super) fn new() -> Self {
        let color = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { color, names: BTreeMap::new(), round: 0 }
    }

    fn paint(&self, ink: Ink, text: &str) -> String {
        if !self.color {
            return text.to_owned();
        }
        let code = match ink {
            Ink::Bold => "1",
            Ink::Faint => "2",
            Ink::Red => "31",
            Ink::Green => "32",
            Ink::Yellow => "33",
            Ink::Cyan => "36",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// Something that a bot says of itself.
    pub(super) fn aside(&self, text: &str) {
        println!("  {}", self.paint(Ink::Faint, text));
    }

    /// A message, if it is about a fight.
    pub(super) fn write(&mut self, message: &Message) {
        for line in self.lines(message) {
            println!("{line}");
        }
    }

    fn name(&self, id: &Value) -> String {
        let id = id.as_str().unwrap_or_default();
        self.names.get(id).cloned().unwrap_or_else(|| "somebody".to_owned())
    }

    fn learn(&mut self, combatants: &Value) {
        for (id, shown) in combatants.as_object().into_iter().flatten() {
            if let Some(name) = shown["name"].as_str() {
                self.names.insert(id.clone(), name.to_owned());
            }
        }
    }

    fn lines(&mut self, message: &Message) -> Vec<String> {
        let data = Value::Object(message.data.clone());
        match message.kind.as_str() {
            "combat_started" => {
                self.learn(&data["combat"]["combatants"]);
                let name = data["name"].as_str().unwrap_or("A fight");
                vec![self.paint(Ink::Bold, &format!("\n══ {name} ══"))]
            }
            "initiative_roll" => {
                let who = self.name(&data["character_id"]);
                vec![format!("  {who} has initiative {}", data["total"])]
            }
            "turn_change" => self.turn(&data),
            "action_declare" => vec![self.declared(&data)],
            "action_resolve" => self.resolved(&data),
            "reaction_prompt" | "choice_prompt" | "dice_prompt" => vec![self.asked(&data)],
            "reaction_resolved" => {
                let (who, result) = (self.name(&data["character_id"]), &data["result"]);
                let option = data["option"].as_str().map(|option| format!(" ({option})"));
                let said = format!(
                    "  ‹ {who}: {}{}",
                    result.as_str().unwrap_or_default(),
                    option.unwrap_or_default()
                );
                vec![self.paint(Ink::Yellow, &said)]
            }
            "concentration_check" => vec![self.concentration(&data)],
            "death_save" => vec![self.death_save(&data)],
            "effect_applied" => vec![self.applied(&data["effect"])],
            "effect_ended" => {
                let on = self.list(&data["target_ids"]);
                let (name, reason) = (&data["name"], &data["reason"]);
                vec![format!("  {} on {on} ends ({})", text(name), text(reason))]
            }
            "combatant_changed" => vec![self.changed(&data)],
            "combat_ended" => vec![self.paint(
                Ink::Bold,
                &format!(
                    "══ over after {} rounds and {} turns: {} ══",
                    data["rounds"],
                    data["turns"],
                    data["text"].as_str().unwrap_or_else(|| text(&data["reason"]))
                ),
            )],
            _ => Vec::new(),
        }
    }

    fn turn(&mut self, data: &Value) -> Vec<String> {
        let mut lines = Vec::new();
        let round = data["round"].as_u64().unwrap_or(0);
        if round != self.round {
            self.round = round;
            lines.push(self.paint(Ink::Bold, &format!("── round {round} ──")));
        }
        lines.push(self.paint(Ink::Bold, &self.name(&data["active_character"])));
        lines
    }

    fn declared(&self, data: &Value) -> String {
        let (who, details) = (self.name(&data["character_id"]), &data["details"]);
        let kind = text(&data["action_type"]);
        let on = self.list(&data["targets"]);
        let on = if on.is_empty() { on } else { format!(" → {on}") };
        match kind {
            "attack" => {
                let options = details["options"].as_array().into_iter().flatten();
                let options: String =
                    options.map(|option| format!(", {}", text(option).replace('_', " "))).collect();
                format!("  {who} attacks{on} ({}{options})", text(&details["attack_id"]))
            }
            "cast" => {
                let level = details["slot_level"].as_u64().unwrap_or(0);
                let slot = if level > 0 {
                    format!(" from a slot of level {level}")
                } else {
                    String::new()
                };
                let spell = self.paint(Ink::Cyan, text(&details["spell"]));
                format!("  {who} casts {spell}{slot}{on}")
            }
            "use_action" => format!("  {who} uses {}{on}", text(&details["use_id"])),
            "move" => format!("  {who} moves"),
            other => format!("  {who}: {}{on}", other.replace('_', " ")),
        }
    }

    fn resolved(&self, data: &Value) -> Vec<String> {
        let mut lines = Vec::new();
        let mut told: Vec<&Value> = Vec::new();
        match data["cause"]["kind"].as_str() {
            Some("reaction") => {
                lines.push(format!("  {} reacts", self.name(&data["character_id"])));
            }
            Some("rule") => lines.push("  as the turn goes on:".to_owned()),
            _ => {}
        }
        for outcome in data["outcomes"].as_array().into_iter().flatten() {
            told.extend(["attack", "save", "check"].map(|kind| &outcome[kind]["roll"]));
            let parts = self.outcome(outcome);
            if !parts.is_empty() {
                lines.push(format!(
                    "    {}: {}",
                    self.name(&outcome["target_id"]),
                    parts.join("; ")
                ));
            }
        }
        let rolls = data["rolls"].as_array().into_iter().flatten();
        let others: Vec<String> = rolls.filter(|roll| !told.contains(roll)).map(rolled).collect();
        // A rule that only changed what nobody is told of by name.
        if lines == ["  as the turn goes on:"] && others.is_empty() {
            return Vec::new();
        }
        if !others.is_empty() {
            lines.push(self.paint(Ink::Faint, &format!("    dice: {}", others.join("; "))));
        }
        if let Some(ruled) = data["ruling_needed"].as_array() {
            let ruled: Vec<&str> = ruled.iter().map(text).collect();
            lines.push(format!("    the game master rules on {}", ruled.join(", ")));
        }
        lines
    }

    fn outcome(&self, outcome: &Value) -> Vec<String> {
        let mut parts = Vec::new();
        if let Some(attack) = outcome["attack"].as_object() {
            parts.push(against(attack, "AC", "target_ac"));
        }
        if let Some(save) = outcome["save"].as_object() {
            let ability = save.get("ability").map(text).unwrap_or_default();
            parts.push(format!("{ability} save {}", against(save, "DC", "dc")));
        }
        if let Some(check) = outcome["check"].as_object() {
            parts.push(against(check, "DC", "dc"));
        }
        if let Some(moved) = outcome["moved"].as_object() {
            let to = moved.get("to").unwrap_or(&Value::Null);
            parts.push(format!("now at {to}"));
        }
        let effects = outcome["effects"].as_array().into_iter().flatten().filter_map(Value::as_str);
        parts.extend(effects.filter_map(|effect| self.effect(effect)));
        parts.extend(self.harm(outcome));
        parts
    }

    /// What a word of `effects` says, where the numbers do not.
    fn effect(&self, effect: &str) -> Option<String> {
        let (word, of) = effect.split_once(':').unwrap_or((effect, ""));
        let of = of.replace('-', " ");
        let said = match word {
            "moved" | "damaged" | "healed" | "save_succeeded" | "save_failed" => return None,
            "hit" | "miss" | "critical_hit" | "automatic_miss" => self.paint(
                if word.ends_with("hit") { Ink::Bold } else { Ink::Faint },
                &word.replace('_', " "),
            ),
            "condition_gained" => self.paint(Ink::Yellow, &format!("is {of}")),
            "condition_ended" => format!("no longer {of}"),
            "effect_started" => format!("under {}", if of.is_empty() { "an effect" } else { &of }),
            "effect_ended" => format!("no longer under {of}"),
            "died" | "dropped_to_0" | "bloodied" => self.paint(Ink::Red, &word.replace('_', " ")),
            "revived" => self.paint(Ink::Green, "up again"),
            other => other.replace('_', " "),
        };
        Some(said)
    }

    /// Damage and healing, and what is left.
    fn harm(&self, outcome: &Value) -> Vec<String> {
        let mut parts = Vec::new();
        let damage = &outcome["damage"];
        let taken = damage["parts"].as_array().into_iter().flatten();
        let taken: Vec<String> =
            taken.map(|part| format!("{} {}", part["applied"], text(&part["type"]))).collect();
        if !taken.is_empty() {
            parts.push(self.paint(Ink::Red, &format!("{} damage", taken.join(" + "))));
        }
        let healed = outcome["healing"]["total"].as_i64();
        if let Some(healed) = healed {
            parts.push(self.paint(Ink::Green, &format!("regains {healed}")));
        }
        let hp = if healed.is_some() { &outcome["healing"]["hp"] } else { &damage["hp"] };
        if hp.is_object() && !(taken.is_empty() && healed.is_none()) {
            parts.push(format!("{} of {} hp", hp["current"], hp["max"]));
        }
        parts
    }

    fn asked(&self, data: &Value) -> String {
        let who = self.name(&data["character_id"]);
        let why = match data["trigger"]["kind"].as_str() {
            Some(kind) => {
                let source = &data["trigger"]["source_id"];
                let whom = if source.is_null() { String::new() } else { self.name(source) };
                format!("{whom} {}", kind.replace('_', " "))
            }
            None => text(&data["kind"]).replace('_', " "),
        };
        let options = data["options"].as_array().into_iter().flatten();
        let options: Vec<&str> = options.map(|option| text(&option["label"])).collect();
        self.paint(Ink::Yellow, &format!("  › {who}: {}? {}", why.trim(), options.join(", ")))
    }

    fn concentration(&self, data: &Value) -> String {
        let who = self.name(&data["character_id"]);
        let held = if data["success"] == true { "holds" } else { "is lost" };
        let ink = if data["success"] == true { Ink::Green } else { Ink::Red };
        let roll = rolled(&data["roll"]);
        let said = format!(
            "  {who}'s concentration {held}: {roll} against DC {} after {} damage",
            data["dc"], data["damage"]
        );
        self.paint(ink, &said)
    }

    fn death_save(&self, data: &Value) -> String {
        let (who, roll) = (self.name(&data["character_id"]), rolled(&data["roll"]));
        let said = format!(
            "  {who} saves against death: {roll}, {} ({} successes, {} failures)",
            text(&data["result"]).replace('_', " "),
            data["successes"],
            data["failures"]
        );
        self.paint(Ink::Red, &said)
    }

    fn applied(&self, effect: &Value) -> String {
        let (name, on) = (text(&effect["name"]), self.list(&effect["target_ids"]));
        let conditions = effect["conditions"].as_array().into_iter().flatten();
        let conditions: String =
            conditions.map(|condition| format!(", {}", text(condition))).collect();
        let said = format!("  the game master puts {name} on {on}{conditions}");
        self.paint(Ink::Yellow, &said)
    }

    fn changed(&mut self, data: &Value) -> String {
        let combatant = &data["combatant"];
        if let (Some(id), Some(name)) = (data["character_id"].as_str(), combatant["name"].as_str())
        {
            self.names.insert(id.to_owned(), name.to_owned());
        }
        let who = self.name(&data["character_id"]);
        let hp = &combatant["hp"];
        let hp = if hp.is_object() {
            format!(", {} of {} hp", hp["current"], hp["max"])
        } else {
            String::new()
        };
        let reason = data["reason"].as_str().map(|reason| format!(": {reason}"));
        let change = text(&data["change"]);
        let said =
            format!("  by the game master {who} is {change}{hp}{}", reason.unwrap_or_default());
        self.paint(Ink::Yellow, &said)
    }

    /// Names, one after another.
    fn list(&self, ids: &Value) -> String {
        let ids = ids.as_array().into_iter().flatten();
        let mut names: Vec<(String, usize)> = Vec::new();
        for name in ids.map(|id| self.name(id)) {
            match names.last_mut().filter(|(last, _)| *last == name) {
                Some((_, count)) => *count += 1,
                None => names.push((name, 1)),
            }
        }
        let names = names.into_iter().map(|(name, count)| match count {
            1 => name,
            count => format!("{name} × {count}"),
        });
        names.collect::<Vec<String>>().join(", ")
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A roll and what it had to reach.
fn against(made: &Map<String, Value>, number: &str, member: &str) -> String {
    let roll = made.get("roll").map(rolled).unwrap_or_default();
    let number = made.get(member).map(|value| format!(" against {number} {value}"));
    let success = made.get("success").and_then(Value::as_bool);
    let success = success.map(|success| if success { ": succeeds" } else { ": fails" });
    format!("{roll}{}{}", number.unwrap_or_default(), success.unwrap_or_default())
}

/// A roll: what was thrown, why so, what came of it.
fn rolled(roll: &Value) -> String {
    let reasons = roll["reasons"].as_array().into_iter().flatten();
    let reasons: Vec<String> = reasons
        .map(|reason| format!("{} by {}", text(&reason["gives"]), text(&reason["why"])))
        .collect();
    let reasons =
        if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
    let expression = text(&roll["expression"]);
    // Of a d20 the expression is the die alone.
    let modifiers = roll["modifiers"].as_array().into_iter().flatten();
    let added: i64 = modifiers.filter_map(|modifier| modifier["value"].as_i64()).sum();
    let added =
        if expression == "1d20" && added != 0 { format!("{added:+}") } else { String::new() };
    format!("{expression}{added}{reasons} {} = {}", roll["faces"], roll["total"])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_attack_reads_as_a_sentence() {
        let mut log = Log { color: false, names: BTreeMap::new(), round: 0 };
        log.learn(&json!({"a": {"name": "Aria"}, "b": {"name": "Ogre"}}));
        let mut lines = |kind: &str, data: Value| {
            let data = data.as_object().expect("object").clone();
            log.lines(&Message { kind: kind.to_owned(), data, version: Some(1) })
        };
        let turn = lines("turn_change", json!({"active_character": "a", "round": 2}));
        assert_eq!(turn, ["── round 2 ──", "Aria"]);
        let details = json!({"attack_id": "battleaxe", "options": ["mastery"]});
        let declared = json!({"character_id": "a", "action_type": "attack", "targets": ["b"],
            "details": details});
        assert_eq!(
            lines("action_declare", declared),
            ["  Aria attacks → Ogre (battleaxe, mastery)"]
        );
        let roll = json!({"expression": "1d20", "faces": [14, 6], "total": 21,
            "modifiers": [{"source": "attack", "value": 7}],
            "reasons": [{"gives": "advantage", "why": "prone"}]});
        let dice = json!({"expression": "1d8+4", "faces": [5], "total": 9, "reasons": []});
        let outcome = json!({
            "target_id": "b", "attack": {"roll": roll, "target_ac": 11},
            "effects": ["hit", "damaged", "condition_gained:prone"],
            "damage": {"parts": [{"applied": 9, "type": "slashing"}],
                "hp": {"current": 59, "max": 68}},
        });
        let resolved = json!({"cause": {"kind": "action"}, "outcomes": [outcome],
            "rolls": [roll, dice]});
        assert_eq!(
            lines("action_resolve", resolved),
            [
                "    Ogre: 1d20+7 (advantage by prone) [14,6] = 21 against AC 11; hit; is prone; \
                 9 slashing damage; 59 of 68 hp",
                "    dice: 1d8+4 [5] = 9",
            ]
        );
    }
}
