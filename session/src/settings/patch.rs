//! Changes of settings: at creation (open at the top) and by PATCH (closed).

use gss_shared::error_code::ClientError;
use gss_shared::limits;
use serde_json::{Map, Value};

use super::{Join, Limits, Settings};
use crate::document::pointer::{Pointer, within};
use crate::refusal;
use crate::visibility::Rule;

/// What becomes of members of settings that nobody knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unknown {
    /// Left out, as in the ICD's create request.
    Ignored,
    /// Refused.
    Refused,
}

const EDITIONS: &[&str] = &["5.1", "5.2"];

/// Rule switches whose value names the edition whose rule holds.
const SWITCHES: &[&str] = &[
    "edition",
    "surprise",
    "initiative_conditions",
    "grappled_attack",
    "grapple_shove",
    "drag_cost",
    "exhaustion",
    "stunned_movement",
    "incapacitated_concentration",
    "petrified_immunities",
    "invisible_seen",
    "hide",
    "concentration_cap",
    "spell_limit",
    "knock_out",
    "stabilize",
    "pass_through",
    "forced_share",
    "squeeze",
    "heavy_weapon",
    "two_weapon",
    "equip_per_attack",
    "potion",
    "help_proficiency",
    "opportunity_attack",
    "lair_actions",
    "nonmagical_resistance",
    "grid",
    "fall_into_water",
    "underwater_weapons",
    "monster_death",
    "condition_ends_prone",
    "flying_fall",
    "action_names",
];

/// Other rule switches: name and what they may be; none: true or false.
const CHOICES: &[(&str, &[&str])] = &[
    ("initiative_ties", &["gm_order", "dex_then_seeded_roll", "roll_off"]),
    ("diagonals", &["equal", "alternate"]),
    ("area_squares", &["half_covered", "center_in", "any_overlap"]),
    ("monster_damage", &["roll", "average"]),
    ("underwater_combat", &[]),
    ("mounted_combat", &[]),
];

impl Settings {
    /// These settings with the patch's members in their place.
    ///
    /// # Errors
    /// `invalid_frame` or `invalid_argument` naming the member.
    pub(crate) fn patched(
        &self,
        patch: &Map<String, Value>,
        unknown: Unknown,
    ) -> Result<Self, ClientError> {
        let mut next = self.clone();
        for (name, value) in patch {
            match name.as_str() {
                "max_players" => next.max_players = integer(name, value, 1, 100)?,
                "join" => next.join = join(value)?,
                "spectators" => next.spectators = boolean(name, value)?,
                "physical_dice" => next.physical_dice = boolean(name, value)?,
                "reaction_seconds" => next.reaction_seconds = integer(name, value, 0, 120)?,
                "turn_seconds" => next.turn_seconds = integer(name, value, 0, 600)?,
                "rules" => next.set_rules(object(name, value)?)?,
                "visibility" => next.visibility = visibility(value)?,
                "limits" => next.limits.set(object(name, value)?)?,
                _ if unknown == Unknown::Ignored => {}
                _ => return Err(refusal::shape(name, "is no setting")),
            }
        }
        Ok(next)
    }

    fn set_rules(&mut self, patch: &Map<String, Value>) -> Result<(), ClientError> {
        let mut rules = self.rules();
        for (name, value) in patch {
            check_rule(name, value)?;
            rules.insert(name.clone(), value.clone());
        }
        self.rules = (!rules.is_empty()).then(|| Value::Object(rules).to_string().into());
        Ok(())
    }
}

impl Limits {
    fn set(&mut self, patch: &Map<String, Value>) -> Result<(), ClientError> {
        for (name, value) in patch {
            let place = match name.as_str() {
                "messages_per_minute" => &mut self.messages_per_minute,
                "combat_actions_per_minute" => &mut self.combat_actions_per_minute,
                "state_saves_per_minute" => &mut self.state_saves_per_minute,
                "joins_per_minute" => &mut self.joins_per_minute,
                _ => return Err(refusal::shape(name, "is no limit")),
            };
            *place = Some(integer(name, value, 1, Self::CAP)?);
        }
        Ok(())
    }
}

fn check_rule(name: &str, value: &Value) -> Result<(), ClientError> {
    let allowed = if SWITCHES.contains(&name) {
        EDITIONS
    } else {
        let choice = CHOICES.iter().find(|(choice, _)| *choice == name);
        choice.map(|(_, allowed)| *allowed).ok_or_else(|| refusal::shape(name, "is no rule"))?
    };
    if allowed.is_empty() {
        return boolean(name, value).map(|_| ());
    }
    let text = value.as_str().ok_or_else(|| refusal::shape(name, "is a string"))?;
    if allowed.contains(&text) {
        return Ok(());
    }
    Err(refusal::argument(name, "is not one of those allowed").with("allowed", allowed.to_vec()))
}

fn boolean(name: &str, value: &Value) -> Result<bool, ClientError> {
    value.as_bool().ok_or_else(|| refusal::shape(name, "is true or false"))
}

fn object<'a>(name: &str, value: &'a Value) -> Result<&'a Map<String, Value>, ClientError> {
    value.as_object().ok_or_else(|| refusal::shape(name, "is an object"))
}

fn integer(name: &str, value: &Value, least: u32, most: u32) -> Result<u32, ClientError> {
    if !value.is_number() {
        return Err(refusal::shape(name, "is a number"));
    }
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
    number.filter(|number| (least..=most).contains(number)).ok_or_else(|| {
        let refusal = refusal::argument(name, &format!("is an integer from {least} to {most}"));
        refusal.with("min", least).with("max", most)
    })
}

fn join(value: &Value) -> Result<Join, ClientError> {
    match value.as_str() {
        Some("open") => Ok(Join::Open),
        Some("invite") => Ok(Join::Invite),
        Some("closed") => Ok(Join::Closed),
        Some(_) => Err(refusal::argument("join", "is open, invite or closed")),
        None => Err(refusal::shape("join", "is a string")),
    }
}

fn visibility(value: &Value) -> Result<Vec<Rule>, ClientError> {
    let entries = value.as_array().ok_or_else(|| refusal::shape("visibility", "is a list"))?;
    if entries.len() > limits::VISIBILITY_ENTRIES {
        let refusal = refusal::argument("visibility", "has too many entries");
        return Err(refusal.with("limit", limits::VISIBILITY_ENTRIES));
    }
    entries.iter().map(rule).collect()
}

fn rule(entry: &Value) -> Result<Rule, ClientError> {
    let entry = object("visibility", entry)?;
    if let Some(name) = entry.keys().find(|name| !matches!(name.as_str(), "prefix" | "audience")) {
        return Err(refusal::shape(name, "is unknown"));
    }
    let text = |name: &str| {
        let text = entry.get(name).and_then(Value::as_str);
        text.ok_or_else(|| refusal::shape(name, "is a string that must be given"))
    };
    let prefix = text("prefix")?;
    let pointer = Pointer::parse(prefix)
        .map_err(|_| refusal::path(prefix, "is no JSON Pointer").with("member", "prefix"))?;
    if pointer.tokens().is_empty() || within(prefix, "/combat") {
        let fact = "cannot have an audience of its own";
        return Err(refusal::path(prefix, fact).with("member", "prefix"));
    }
    let audience = text("audience")?;
    let audience = audience
        .parse()
        .map_err(|()| refusal::argument("audience", "is all, gm or player: and a player's id"))?;
    Ok(Rule { prefix: prefix.into(), audience })
}
