//! Open questions as clients get them.

use gss_rules::Key;
use gss_rules::combat::{
    Choice, CombatantId, EffectId, LEGENDARY_RESISTANCE, Prompt, Question, READY,
};
use gss_rules::effect::Reacts;
use gss_shared::ids::PlayerId;
use serde_json::{Map, Value, json};

use super::Fight;
use super::narrate::Name;
use super::show::Eye;
use crate::tell::object;

/// Kind of a question in `reaction_resolved`.
pub(super) fn kind(question: &Question) -> &'static str {
    match question {
        Question::Dice { .. } => "dice",
        Question::Choice { .. } | Question::EffectOrder { .. } => "choice",
        _ => "reaction",
    }
}

/// The message that asks it.
pub(super) fn name(question: &Question) -> Name {
    match question {
        Question::Dice { .. } => Name::DicePrompt,
        Question::Choice { .. } | Question::EffectOrder { .. } => Name::ChoicePrompt,
        _ => Name::ReactionPrompt,
    }
}

/// What a question to react offers; none: it is no such question.
pub(crate) fn options(question: &Question) -> Vec<Key> {
    match question {
        Question::OpportunityAttack { options, .. }
        | Question::LegendaryAction { options, .. }
        | Question::LairAction { options }
        | Question::Parry { options, .. }
        | Question::CastInReaction { options, .. }
        | Question::Falls { options, .. } => options.clone(),
        Question::LegendaryResistance { .. } => {
            Key::parse(LEGENDARY_RESISTANCE).into_iter().collect()
        }
        Question::Readied { .. } => Key::parse(READY).into_iter().collect(),
        Question::Dice { .. } | Question::Choice { .. } | Question::EffectOrder { .. } => {
            Vec::new()
        }
    }
}

/// What somebody reacts to, what that costs, and whose doing it is.
fn trigger(question: &Question) -> (&'static str, &'static str, Option<CombatantId>) {
    match question {
        Question::OpportunityAttack { target, .. } => ("leaves_reach", "reaction", Some(*target)),
        Question::Parry { attacker, .. } => ("is_hit", "reaction", Some(*attacker)),
        Question::CastInReaction {
            target, to: to @ (Reacts::Hits | Reacts::HitsInMelee), ..
        } => (reacts(*to), "free", Some(*target)),
        Question::CastInReaction { target, to, .. } => (reacts(*to), "reaction", Some(*target)),
        Question::Falls { of, .. } => ("falls", "reaction", Some(*of)),
        Question::Readied { target, .. } => ("readied", "reaction", Some(*target)),
        Question::LegendaryAction { .. } => ("legendary_action", "legendary", None),
        Question::LegendaryResistance { .. } => ("legendary_resistance", "free", None),
        Question::LairAction { .. } => ("other", "free", None),
        Question::Dice { .. } | Question::Choice { .. } | Question::EffectOrder { .. } => {
            ("other", "free", None)
        }
    }
}

const fn reacts(to: Reacts) -> &'static str {
    match to {
        Reacts::Hit => "is_hit",
        Reacts::Damaged => "is_damaged",
        Reacts::Casting => "casts",
        Reacts::Falling => "falls",
        Reacts::Hits | Reacts::HitsInMelee => "other",
    }
}

/// The question's data, without what every journaled message has.
pub(super) fn data(fight: &Fight, prompt: &Prompt) -> Map<String, Value> {
    let mut data = object(json!({
        "prompt_id": fight.prompt_id(prompt.id),
        "combat_id": fight.id,
        "character_id": prompt.who,
        "deadline": fight.deadline,
    }));
    let asked = match &prompt.question {
        Question::Dice { sides, purpose } => {
            let expression: Vec<String> = sides.iter().map(|sides| format!("1d{sides}")).collect();
            json!({
                "purpose": purpose_name(&serde_json::to_value(purpose).unwrap_or_default()),
                "expression": expression.join("+"),
                "sides": sides,
                "mode": "normal",
            })
        }
        Question::Choice { choice, options, default, about } => {
            let options = options.iter().map(
                |option| json!({"choice": option, "label": option.as_str().replace('_', " ")}),
            );
            let mut asked = json!({
                "kind": choice_kind(*choice),
                "options": options.collect::<Vec<Value>>(),
                "min": 1,
                "max": 1,
                "default": default,
            });
            if let Some(about) = about.filter(|about| knows(fight, prompt, *about)) {
                asked["target_id"] = json!(about);
            }
            asked
        }
        Question::EffectOrder { effects } => effect_order(fight, prompt, effects),
        reacting => {
            let (kind, cost, source) = trigger(reacting);
            let options = options(reacting).into_iter().map(|option| {
                let label = label(fight, prompt, option.as_str());
                json!({"option": option, "label": label, "cost": cost})
            });
            let mut trigger = json!({"kind": kind});
            if let Some(source) = source.filter(|source| knows(fight, prompt, *source)) {
                trigger["source_id"] = json!(source);
            }
            if let Question::LairAction { .. } = reacting {
                trigger["text"] = "Lair action".into();
            }
            json!({"trigger": trigger, "options": options.collect::<Vec<Value>>()})
        }
    };
    data.extend(object(asked));
    data
}

/// An effect to put in order, as clients get it.
pub(crate) struct Ordered {
    /// What names it: its `effect_id` as it is shown, of one that is not shown a number.
    pub(crate) choice: String,
    label: String,
    /// What it stands for: all parts of what is shown as one effect.
    pub(crate) effects: Vec<EffectId>,
}

/// Effects by the names that they have on the wire; of one that the asked is not shown no more is
/// said than that it is there.
pub(crate) fn ordered(fight: &Fight, prompt: &Prompt, effects: &[EffectId]) -> Vec<Ordered> {
    let (scene, eye) = (fight.scene(false), eye(fight, prompt));
    let mut all: Vec<Ordered> = Vec::new();
    let mut unseen = 0;
    for id in effects {
        let shown = fight.combat.effects.get(id).filter(|_| scene.shows(eye, *id));
        let (choice, label) = match shown {
            Some(effect) => {
                let root = fight.effect_id(effect.parent.unwrap_or(*id));
                (root.to_string(), effect.template.name.clone())
            }
            None => {
                unseen += 1;
                (format!("unseen-{unseen}"), "Something unseen".to_owned())
            }
        };
        match all.iter_mut().find(|known| known.choice == choice) {
            Some(known) => known.effects.push(*id),
            None => all.push(Ordered { choice, label, effects: vec![*id] }),
        }
    }
    all
}

fn effect_order(fight: &Fight, prompt: &Prompt, effects: &[EffectId]) -> Value {
    let all = ordered(fight, prompt, effects);
    let options = all.iter().map(|it| json!({"choice": it.choice, "label": it.label}));
    json!({
        "kind": "effect_order",
        "options": options.collect::<Vec<Value>>(),
        "min": all.len(),
        "max": all.len(),
        "default": all.iter().map(|it| &it.choice).collect::<Vec<&String>>(),
    })
}

/// `kind` of a choice: the protocol has no name for some.
fn choice_kind(choice: Choice) -> Value {
    match choice {
        Choice::MountOrRider => "other".into(),
        named => json!(named),
    }
}

/// Whether who is asked may know of somebody.
fn knows(fight: &Fight, prompt: &Prompt, other: CombatantId) -> bool {
    fight.scene(false).knows(eye(fight, prompt), other)
}

/// Whose eyes read a question.
fn eye(fight: &Fight, prompt: &Prompt) -> Eye {
    fight.combat.owner(prompt.who).map_or(Eye::Gm, |owner| Eye::Owner(PlayerId(owner)))
}

/// The printed name of an attack or a use.
fn label(fight: &Fight, prompt: &Prompt, option: &str) -> String {
    let block = fight.combat.combatant(prompt.who).map(|asked| &asked.block);
    let attacks = block.into_iter().flat_map(|block| &block.attacks);
    let attacks = attacks.map(|attack| (attack.attack_id.as_str(), &attack.name));
    let uses = block.into_iter().flat_map(|block| &block.uses);
    let uses = uses.map(|action| (action.use_id.as_str(), &action.name));
    let named = attacks.chain(uses).find(|(id, _)| *id == option);
    named.map_or_else(|| option.replace('-', " "), |(_, name)| name.clone())
}

/// `purpose` of a dice prompt.
fn purpose_name(purpose: &Value) -> &str {
    match purpose["for"].as_str() {
        Some("attack_at") => "attack",
        Some(
            name @ ("initiative" | "attack" | "damage" | "healing" | "recharge" | "save" | "check"
            | "concentration" | "death_save"),
        ) => name,
        _ => "other",
    }
}
