//! Suites of grappling, second weapons and actions that recharge.

use anyhow::{Context as _, Result};
use gss_rules::grapple::{contest_won, grapple_dc, may_grapple};
use gss_rules::recharge::{RECHARGE_SIDES, recharges};
use gss_rules::two_weapon::second_hand_modifier;
use gss_rules::{Dice as _, Expression, Size, modifier};
use serde::Deserialize;
use serde_json::{Value, json};

use super::play::Play;
use super::suites::Suite;

pub(super) const SUITES: &[Suite] =
    &[("grapple_shove", grapple), ("recharge", recharge), ("two_weapon", two_weapon)];

#[derive(Deserialize)]
#[serde(untagged)]
enum Grapple {
    Dc { str: u8, pb: i32 },
    Contest { athletics_total: i64, target_athletics_or_acrobatics_total: i64 },
    Sizes { attacker_size: Size, target_size: Size },
}

fn grapple(play: &mut Play<'_>) -> Result<Value> {
    Ok(match play.inputs()? {
        Grapple::Dc { str, pb } => json!({ "dc": grapple_dc(modifier(str), pb) }),
        Grapple::Contest { athletics_total, target_athletics_or_acrobatics_total: against } => {
            json!({ "success": contest_won(athletics_total, against) })
        }
        Grapple::Sizes { attacker_size, target_size } => {
            json!({ "allowed": may_grapple(attacker_size, target_size) })
        }
    })
}

#[derive(Deserialize)]
struct Recharge {
    recharge: String,
    spent: bool,
}

fn recharge(play: &mut Play<'_>) -> Result<Value> {
    let case: Recharge = play.inputs()?;
    let least = case.recharge.split(['-', '–']).next().unwrap_or_default().trim();
    let least = least.parse().context("the least face")?;
    let recharged = case.spent && recharges(least, play.dice.roll(RECHARGE_SIDES));
    Ok(json!({ "recharged": recharged }))
}

#[derive(Deserialize)]
struct SecondWeapon {
    ability_mod: i32,
    weapon: String,
}

fn two_weapon(play: &mut Play<'_>) -> Result<Value> {
    let case: SecondWeapon = play.inputs()?;
    let rolled = Expression::parse(&case.weapon)?.roll(&mut play.dice).total;
    let damage = (rolled + i64::from(second_hand_modifier(case.ability_mod))).max(0);
    Ok(json!({ "damage": damage }))
}
