//! Suites of dice expressions.

use anyhow::Result;
use gss_rules::Expression;
use serde::Deserialize;
use serde_json::{Value, json};

use super::play::Play;
use super::suites::Suite;

pub(super) const SUITES: &[Suite] = &[("dice_expr", roll), ("dice_expr_error", refuse)];

#[derive(Deserialize)]
struct Inputs {
    expr: String,
}

fn roll(play: &mut Play<'_>) -> Result<Value> {
    let expression = Expression::parse(&play.inputs::<Inputs>()?.expr)?;
    let total = expression.roll(&mut play.dice).total;
    Ok(json!({ "min": expression.minimum(), "max": expression.maximum(), "total": total }))
}

fn refuse(play: &mut Play<'_>) -> Result<Value> {
    let error = Expression::parse(&play.inputs::<Inputs>()?.expr).is_err();
    Ok(json!({ "error": error }))
}
