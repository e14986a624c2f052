//! How the game master's bot plays the monsters.

use serde::Deserialize;
use serde_json::json;

use super::board::{Board, Fighter, Square};
use super::choice::{Act, Choices, Turn};
use super::shown::Shown;

/// Feet of a reach.
const REACH_FT: i32 = 5;
/// Feet that a skirmisher likes to have between itself and others.
const APART_FT: i32 = 20;

/// What the game master knows of a monster.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Monster {
    pub(super) name: String,
    pub(super) stat_block: String,
    pub(super) position: Square,
    /// Attacks of its action.
    attacks: usize,
    /// `attack_id` of its melee attack, and of its ranged one.
    melee: String,
    ranged: Option<String>,
    #[serde(default)]
    range_ft: i32,
    /// Shoots where it can, and slips away from whoever comes near.
    #[serde(default)]
    skirmisher: bool,
}

/// What a monster does next.
pub(super) fn next(
    monster: &Monster,
    board: &Board,
    me: &Fighter,
    turn: &Turn,
    shown: &Shown,
) -> Option<Act> {
    let mut choices = Choices::new(board, me, turn);
    if !me.can_act() {
        return None;
    }
    choices.stand_up();
    let threatened = board.enemies(me).any(|enemy| me.feet_to(enemy) <= REACH_FT);
    if threatened && monster.skirmisher && turn.attacks == 0 {
        slip_away(&mut choices, shown);
    }
    let Some(prey) = prey(board, me, monster, shown) else { return choices.best() };
    let shoots = monster.ranged.as_deref().filter(|_| me.feet_to(prey) <= monster.range_ft);
    let stays_away = monster.skirmisher && !threatened && shoots.is_some();
    if !stays_away && turn.attacks == 0 {
        choices.approach(prey, REACH_FT);
    }
    if me.feet_to(prey) <= REACH_FT {
        choices.attack(monster.attacks, prey, &monster.melee, &[]);
    } else if let Some(ranged) = shoots {
        choices.attack(monster.attacks, prey, ranged, &[]);
    } else if me.action && turn.attacks == 0 {
        choices.add("dash", &[], json!({}));
    }
    if !me.action && turn.attacks == 0 && me.feet_to(prey) > REACH_FT {
        choices.walk(2, |at| me.feet_from(at, prey).max(REACH_FT));
    }
    choices.best()
}

/// Gets out of reach: carelessly until somebody struck at one who did, then as goblins do.
fn slip_away(choices: &mut Choices<'_>, shown: &Shown) {
    if shown.opportunity_attacks > 0 && choices.me.bonus_action && choices.turn.moves == 0 {
        let details = json!({"use_id": "nimble-escape", "choices": {"option": "disengage"}});
        choices.add("use_action", &[], details);
    }
    choices.withdraw(APART_FT);
}

/// Whom it goes for: who concentrates, until somebody had to fight for that; then one of those
/// beside it, once it was seen what comes of walking away; then who is weakest of those it can get
/// at.
fn prey<'b>(
    board: &'b Board,
    me: &'b Fighter,
    monster: &Monster,
    shown: &Shown,
) -> Option<&'b Fighter> {
    let within = (me.left_ft + REACH_FT).max(monster.range_ft);
    let open = shown.concentration_checks == 0;
    let wary = shown.opportunity_attacks > 0;
    board.enemies(me).min_by_key(|hero| {
        let far = me.feet_to(hero) > within;
        let (hp, _) = hero.hp.unwrap_or((i64::MAX, i64::MAX));
        let beside = wary && me.feet_to(hero) <= REACH_FT;
        (far, !(open && hero.concentrates), !beside, hp, me.feet_to(hero))
    })
}
