//! The suite of opportunity attacks, whose cases tell in words what happens.

use anyhow::Result;
use gss_rules::conditions::{BUILT_IN, Conditions};
use gss_rules::effect::ModifierKind;
use gss_rules::space::{Departure, MoveCause, Place, Space, Square, Watcher};
use gss_rules::{Condition, Size, Switch};
use serde::Deserialize;
use serde_json::{Value, json};

use super::play::Play;
use super::suites::Suite;

pub(super) const SUITES: &[Suite] = &[("opportunity_attack", provokes)];

/// Words of a case and by what its creature moves; its own movement where none is found.
const CAUSES: [(&str, MoveCause); 13] = [
    ("bonus action", MoveCause::BonusAction),
    ("reaction to move", MoveCause::Reaction),
    ("its action", MoveCause::Action),
    ("teleport", MoveCause::Teleport),
    ("misty step", MoveCause::Teleport),
    ("falls", MoveCause::Moved),
    ("pushed", MoveCause::Moved),
    ("pulled", MoveCause::Moved),
    ("shoved", MoveCause::Moved),
    ("thrown", MoveCause::Moved),
    ("hurled", MoveCause::Moved),
    ("carried", MoveCause::Moved),
    ("moved by", MoveCause::Moved),
];

#[derive(Deserialize)]
struct Inputs {
    case: String,
    mover_from: Option<Square>,
    mover_to: Option<Square>,
    reactor_at: Option<Square>,
    reach_ft: Option<i32>,
    #[serde(default)]
    disengaging_this_turn: bool,
}

/// Where a case says no squares, one steps from beside the other to two squares away.
fn provokes(play: &mut Play<'_>) -> Result<Value> {
    let inputs: Inputs = play.inputs()?;
    let text = inputs.case.to_lowercase();
    let says = |words: &str| text.contains(words);
    let space = |square: Option<Square>, x: i32| {
        Space::of(Size::Medium, Place::ground(square.unwrap_or(Square { x, y: 0 })))
    };
    let cause = CAUSES.iter().find(|(words, _)| says(words));
    let departure = Departure {
        from: space(inputs.mover_from, 1),
        to: space(inputs.mover_to, 2),
        cause: cause.map_or(MoveCause::Movement, |(_, cause)| *cause),
        disengaged: inputs.disengaging_this_turn || says("disengage"),
    };
    let reach_ft = inputs.reach_ft.unwrap_or(if says("10-ft reach") { 10 } else { 5 });
    let has = |condition: &Condition| says(&format!("reactor {}", condition.name()));
    let conditions = Conditions::parse(BUILT_IN)?;
    let mut held = Condition::ALL.into_iter().filter(has);
    let helpless = held.any(|condition| takes_reactions(&conditions, condition));
    let reactor = Watcher {
        space: space(inputs.reactor_at, 0),
        reach_ft,
        hostile: true,
        sees: !has(&Condition::Blinded) && !says("cannot see") && !says("can't see"),
        reaction: !says("reaction already used") && !helpless,
        may_attack: !says("reactor charmed by the mover"),
    };
    let rule = play.rules.edition(Switch::OpportunityAttack);
    Ok(json!({ "provokes": departure.provokes(&reactor, rule, play.rules.diagonals) }))
}

/// Whether a condition, or one that comes with it, takes reactions away.
fn takes_reactions(conditions: &Conditions, condition: Condition) -> bool {
    let effect = conditions.of(condition);
    let own = effect.modifiers.iter().any(|modifier| modifier.kind == ModifierKind::CannotReact);
    own || effect.implies.iter().any(|implied| takes_reactions(conditions, *implied))
}
