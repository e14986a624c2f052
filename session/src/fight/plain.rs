//! What clients may write of effects and numbers. The engine's own words say more than the protocol's
//! (`effect_spec`, `stat_block` of `schema/common.json`): programs of spells, triggers, areas of the
//! map that do something. Those are the content's alone, so that no message makes the engine work
//! without end.

use gss_rules::combat::Changes;
use gss_rules::content::{Area, OutcomeSpec, Pool, Rider, SpecialAction, Spellcasting, StatBlock};
use gss_rules::effect::EffectTemplate;
use gss_rules::{Ability, Senses, Speeds};
use serde_json::Value;

use crate::command::Parse;
use crate::refusal;

const EFFECT: [&str; 10] = [
    "area",
    "concentration",
    "conditions",
    "damage",
    "duration",
    "exhaustion",
    "key",
    "modifiers",
    "name",
    "save_ends",
];
const MODIFIER: [&str; 9] =
    ["abilities", "dice", "kind", "on", "set", "skills", "types", "unless", "value"];
const KINDS: [&str; 20] = [
    "ac",
    "advantage",
    "advantage_to_attackers",
    "auto_critical",
    "auto_fail",
    "bonus",
    "cannot_act",
    "cannot_react",
    "die",
    "disadvantage",
    "disadvantage_to_attackers",
    "immunity",
    "max_hp",
    "reach",
    "reduce",
    "resistance",
    "sense",
    "size",
    "speed",
    "vulnerability",
];
/// Entries of a list.
const LISTED: usize = 50;
/// Pools of resources.
const POOLS: usize = 100;
/// The largest edge of an area and the farthest range or movement, feet: the largest map's edge.
const FEET: i32 = 5_000;
/// The largest bonus, DC, or count of initiative, either sign.
const BONUS: i32 = 1_000;
/// Spell slots of a level, times a day, legendary actions: at most.
const COUNT: i32 = 20;
/// Spells of one creature at most: more than there are.
const SPELLS: usize = 500;
/// The largest pool.
const POOL: u32 = 100_000;
/// The highest and lowest that anybody is, feet.
const HEIGHT: i32 = 100_000;

/// An effect, as a client may write it.
///
/// # Errors
/// `invalid_frame` naming a member that is none of the protocol's, `invalid_argument` a number that is
/// out of bounds.
pub(super) fn effect(effect: &EffectTemplate) -> Parse<()> {
    crate::text::check("name", &effect.name, 1, 100)?;
    let Ok(Value::Object(members)) = serde_json::to_value(effect) else {
        return Err(refusal::internal());
    };
    if let Some(member) = members.keys().find(|member| !EFFECT.contains(&member.as_str())) {
        return Err(refusal::shape(&format!("effect.{member}"), "is none of the protocol's"));
    }
    let modifiers = members.get("modifiers").and_then(Value::as_array);
    let modifiers = modifiers.map(Vec::as_slice).unwrap_or_default();
    if modifiers.len() > LISTED {
        return Err(refusal::argument("modifiers", "are at most 50"));
    }
    for modifier in modifiers.iter().filter_map(Value::as_object) {
        let kind = modifier.get("kind").and_then(Value::as_str).unwrap_or_default();
        let stranger = modifier.keys().find(|member| !MODIFIER.contains(&member.as_str()));
        if let Some(member) = stranger {
            let member = format!("effect.modifiers.{member}");
            return Err(refusal::shape(&member, "is none of the protocol's"));
        }
        if !KINDS.contains(&kind) {
            return Err(refusal::shape("effect.modifiers.kind", "is none of the protocol's"));
        }
    }
    within("conditions", effect.conditions.len(), 15)?;
    if let Some(damage) = &effect.damage {
        within("damage.dice", damage.dice.len(), LISTED)?;
        number("damage.save.dc", damage.save.map_or(0, |save| save.dc), 0..=50)?;
    }
    if effect.save_ends.is_some_and(|save| !(0..=50).contains(&save.dc)) {
        return Err(refusal::argument("save_ends", "has a dc of 0 to 50"));
    }
    effect.area.as_ref().map_or(Ok(()), area)
}

/// Numbers of a combatant, as a client may write them.
///
/// # Errors
/// As [`effect`].
pub(crate) fn block(block: &StatBlock) -> Parse<()> {
    number("ac", block.ac, 0..=50)?;
    number("proficiency_bonus", block.proficiency_bonus.unwrap_or(0), 0..=9)?;
    number("initiative_bonus", block.initiative_bonus.unwrap_or(0), -BONUS..=BONUS)?;
    for ability in Ability::ALL {
        number("abilities", i32::from(block.abilities.score(ability)), 1..=30)?;
    }
    speeds(&block.speeds)?;
    senses(&block.senses)?;
    for bonus in block.saves.values().chain(block.skills.values()) {
        number("saves", *bonus, -BONUS..=BONUS)?;
    }
    within("tags", block.tags.len(), LISTED)?;
    for defenses in [&block.resistances, &block.immunities, &block.vulnerabilities] {
        within("resistances", defenses.len(), LISTED)?;
        for defense in defenses {
            within("resistances", defense.types.len() + defense.unless.len(), LISTED)?;
        }
    }
    within("condition_immunities", block.condition_immunities.len(), 15)?;
    block.spellcasting.as_ref().map_or(Ok(()), spellcasting)?;
    let legendary = block.legendary.unwrap_or_default();
    for count in [legendary.actions, legendary.resistances].into_iter().flatten() {
        number("legendary", count, 0..=COUNT)?;
    }
    pools("resources", block.resources.values())?;
    within("attacks", block.attacks.len(), LISTED)?;
    within("uses", block.uses.len(), LISTED)?;
    within("traits", block.traits.len(), LISTED)?;
    within("resources", block.resources.len(), POOLS)?;
    within("multiattack", block.multiattack.len(), LISTED)?;
    for set in &block.multiattack {
        within("multiattack", set.len(), LISTED)?;
    }
    for attack in &block.attacks {
        crate::text::check("attacks.name", &attack.name, 1, 100)?;
        number("attacks.bonus", attack.bonus, -BONUS..=BONUS)?;
        number("attacks.reach_ft", attack.reach_ft.unwrap_or(5), 0..=FEET)?;
        let range = attack.range_ft.map_or((0, 0), |range| (range.normal, range.long.unwrap_or(0)));
        number("attacks.range_ft", range.0, 0..=FEET)?;
        number("attacks.range_ft", range.1, 0..=FEET)?;
        within("attacks.damage", attack.damage.len(), LISTED)?;
        within("attacks.damage", attack.two_handed_damage.len(), LISTED)?;
        within("attacks.properties", attack.properties.len(), LISTED)?;
        attack.on_hit.as_deref().map_or(Ok(()), rider)?;
    }
    block.uses.iter().try_for_each(action)
}

/// What a game master changes of a combatant.
///
/// # Errors
/// As [`effect`].
pub(super) fn changes(changes: &Changes) -> Parse<()> {
    number("ac", changes.ac.unwrap_or(0), 0..=50)?;
    number("elevation_ft", changes.elevation_ft.unwrap_or(0), -HEIGHT..=HEIGHT)?;
    number("initiative", changes.initiative.unwrap_or(0), -BONUS..=BONUS)?;
    within("conditions_add", changes.conditions_add.len(), 15)?;
    within("conditions_remove", changes.conditions_remove.len(), 15)?;
    within("resources", changes.resources.len(), POOLS)?;
    pools("resources", changes.resources.values())?;
    changes.speeds.as_ref().map_or(Ok(()), speeds)
}

/// Numbers and counts of spells.
fn spellcasting(casting: &Spellcasting) -> Parse<()> {
    number("spellcasting.dc", casting.dc, 0..=50)?;
    number("spellcasting.attack_bonus", casting.attack_bonus, -BONUS..=BONUS)?;
    number("spellcasting.level", casting.level.unwrap_or(1), 1..=20)?;
    for (level, count) in &casting.slots {
        number("spellcasting.slots", *level, 1..=9)?;
        number("spellcasting.slots", *count, 0..=COUNT)?;
    }
    within("spellcasting.spells", casting.spells.len(), SPELLS)?;
    within("spellcasting.per_day", casting.per_day.len(), SPELLS)?;
    let mut times = casting.per_day.values();
    times.try_for_each(|times| number("spellcasting.per_day", *times, 1..=COUNT))
}

fn pools<'a>(member: &str, mut pools: impl Iterator<Item = &'a Pool>) -> Parse<()> {
    pools.try_for_each(|pool| {
        let bounds = 0..=i64::from(POOL);
        number(member, pool.max, bounds)?;
        number(member, pool.current, 0..=i64::from(pool.max))
    })
}

fn senses(senses: &Senses) -> Parse<()> {
    let ranges =
        [senses.darkvision_ft, senses.blindsight_ft, senses.tremorsense_ft, senses.truesight_ft];
    for feet in ranges.into_iter().flatten() {
        number("senses", feet, 0..=FEET)?;
    }
    number("senses", senses.passive_perception.unwrap_or(0), 0..=BONUS)
}

/// Where a combatant begins.
///
/// # Errors
/// As [`effect`].
pub(super) fn beginning(elevation_ft: i32, initiative: Option<i32>) -> Parse<()> {
    number("elevation_ft", elevation_ft, -HEIGHT..=HEIGHT)?;
    number("initiative", initiative.unwrap_or(0), -BONUS..=BONUS)
}

fn action(action: &SpecialAction) -> Parse<()> {
    crate::text::check("uses.name", &action.name, 1, 100)?;
    action.area.as_ref().map_or(Ok(()), area)?;
    within("uses.damage", action.damage.len(), LISTED)?;
    number("uses.legendary_cost", action.legendary_cost.unwrap_or(1), 1..=3)?;
    number("uses.recharge", action.recharge.unwrap_or(2), 2..=6)?;
    number("uses.range_ft", action.range_ft.unwrap_or(0), 0..=FEET)?;
    number("uses.targets", action.targets.unwrap_or(0), 0..=100)?;
    number("uses.save", action.save.map_or(0, |save| save.dc), 0..=50)?;
    let outcomes = [&action.fail, &action.success, &action.always];
    outcomes.into_iter().flatten().try_for_each(outcome)
}

fn rider(rider: &Rider) -> Parse<()> {
    within("on_hit.damage", rider.damage.len(), LISTED)?;
    number("on_hit.save", rider.save.map_or(0, |save| save.dc), 0..=50)?;
    let strange = [
        ("on_hit.fail_badly", rider.fail_badly.is_some()),
        ("on_hit.at_zero", rider.at_zero.is_some()),
        ("on_hit.chosen", rider.chosen),
    ];
    strangers(&strange)?;
    let outcomes = [&rider.fail, &rider.success, &rider.always];
    outcomes.into_iter().flatten().try_for_each(outcome)
}

fn outcome(outcome: &OutcomeSpec) -> Parse<()> {
    within("damage", outcome.damage.len(), LISTED)?;
    within("conditions", outcome.conditions.len(), 15)?;
    number("push_ft", outcome.push_ft.unwrap_or(5), 0..=FEET)?;
    number("pull_ft", outcome.pull_ft.unwrap_or(5), 0..=FEET)?;
    let strange = [
        ("saps", outcome.saps.is_some()),
        ("weakens", outcome.weakens.is_some()),
        ("stable", outcome.stable),
        ("dies", outcome.dies),
        ("own", outcome.own.is_some()),
    ];
    strangers(&strange)?;
    outcome.effect.as_deref().map_or(Ok(()), effect)
}

/// Members that the engine knows and the protocol does not, each with whether it is there.
fn strangers(members: &[(&str, bool)]) -> Parse<()> {
    match members.iter().find(|(_, there)| *there) {
        Some((member, _)) => Err(refusal::shape(member, "is none of the protocol's")),
        None => Ok(()),
    }
}

fn area(area: &Area) -> Parse<()> {
    for feet in [Some(area.size_ft), area.width_ft, area.height_ft].into_iter().flatten() {
        number("area", feet, 0..=FEET)?;
    }
    Ok(())
}

fn speeds(speeds: &Speeds) -> Parse<()> {
    let others = [speeds.fly, speeds.swim, speeds.climb, speeds.burrow];
    let mut all = std::iter::once(speeds.walk).chain(others.into_iter().flatten());
    all.try_for_each(|feet| number("speeds", feet, 0..=FEET))
}

fn number(
    member: &str,
    number: impl Into<i64>,
    bounds: std::ops::RangeInclusive<impl Into<i64> + Copy>,
) -> Parse<()> {
    let bounds = (*bounds.start()).into()..=(*bounds.end()).into();
    if bounds.contains(&number.into()) {
        return Ok(());
    }
    let fact = format!("is {} to {}", bounds.start(), bounds.end());
    Err(refusal::argument(member, &fact))
}

fn within(member: &str, count: usize, most: usize) -> Parse<()> {
    if count <= most {
        return Ok(());
    }
    Err(refusal::argument(member, &format!("are at most {most}")).with("limit", most))
}

#[cfg(test)]
mod tests {
    use gss_shared::error_code::ClientError;
    use serde_json::json;

    use super::*;

    fn told(written: Value) -> Result<(), ClientError> {
        effect(&serde_json::from_value(written).expect("an effect of the engine"))
    }

    #[test]
    fn what_follows_a_hit_is_no_more_than_the_protocol_says() {
        let told = |written: Value| rider(&serde_json::from_value(written).expect("a rider"));
        let asleep = json!({"name": "Asleep", "duration": {"kind": "permanent"}});
        assert_eq!(told(json!({"always": {"effect": asleep}})), Ok(()));
        for (member, written) in [
            ("on_hit.fail_badly", json!({"fail_badly": {"effect": asleep}})),
            ("on_hit.at_zero", json!({"at_zero": {"outcome": {"effect": asleep}}})),
            ("on_hit.chosen", json!({"chosen": true})),
            ("own", json!({"always": {"own": asleep}})),
            ("saps", json!({"fail": {"saps": {}}})),
            ("weakens", json!({"fail": {"weakens": {"ability": "str", "dice": "1d4"}}})),
            ("dies", json!({"success": {"dies": true}})),
            ("stable", json!({"always": {"stable": true}})),
        ] {
            let refused = told(written).expect_err(member);
            assert_eq!(refused.message, format!("{member} is none of the protocol's."));
        }
    }

    #[test]
    fn effects_of_the_protocol_pass_and_programs_do_not() {
        let plain = json!({
            "name": "Bless", "key": "bless", "duration": {"kind": "seconds", "seconds": 60},
            "concentration": true,
            "modifiers": [{"kind": "die", "on": ["attack", "save"], "dice": "1d4"}],
        });
        assert_eq!(told(plain.clone()), Ok(()));
        let more = [
            ("triggers", json!([{"on": "turn_end", "does": []}])),
            ("curse", json!(true)),
            ("away", json!(true)),
            ("dc", json!(10)),
        ];
        for (member, value) in more {
            let mut written = plain.clone();
            written[member] = value;
            let refused = told(written).expect_err(member);
            assert_eq!(refused.message, format!("effect.{member} is none of the protocol's."));
        }
        for modifier in [
            json!({"kind": "images"}),
            json!({"kind": "bonus", "on": ["attack"], "value": 1, "when": ["in_sunlight"]}),
        ] {
            let mut written = plain.clone();
            written["modifiers"] = json!([modifier]);
            assert!(told(written).is_err());
        }
    }
}
