//! How the players' bots fight.

use uuid::Uuid;

use super::board::{Board, Fighter};
use super::choice::{Act, Choices, Turn};
use super::shown::Shown;

/// Feet of a reach.
const REACH_FT: i32 = 5;
/// Feet that the shortest of the wizard's and the cleric's spells reach.
const NEAR_FT: i32 = 60;
/// Feet of Bless, and of Hideous Laughter.
const SHORT_FT: i32 = 30;
/// Feet of a thrown axe without disadvantage, and of a bow.
const THROWN_FT: i32 = 20;
const BOW_FT: i32 = 80;

/// What a hero does next.
pub(super) fn next(
    class: &str,
    board: &Board,
    me: &Fighter,
    turn: &Turn,
    shown: &Shown,
) -> Option<Act> {
    let mut choices = Choices::new(board, me, turn);
    if me.can_act() {
        choices.stand_up();
        match class {
            "fighter" => fighter(&mut choices),
            "cleric" => cleric(&mut choices, shown),
            "wizard" => wizard(&mut choices, shown),
            _ => rogue(&mut choices),
        }
    }
    choices.best()
}

/// The nearest enemy.
fn nearest<'b>(board: &'b Board, me: &'b Fighter) -> Option<&'b Fighter> {
    board.enemies(me).min_by_key(|enemy| me.feet_to(enemy))
}

/// The enemy that looks worst within so many feet, else the nearest.
fn weakest<'b>(board: &'b Board, me: &'b Fighter, within_ft: i32) -> Option<&'b Fighter> {
    let looks = |enemy: &Fighter| match enemy.health.as_str() {
        "bloodied" => 0,
        "hurt" => 1,
        _ => 2,
    };
    let near = board.enemies(me).filter(|enemy| me.feet_to(enemy) <= within_ft);
    near.min_by_key(|enemy| (looks(enemy), me.feet_to(enemy))).or_else(|| nearest(board, me))
}

fn bloodied(hero: &Fighter) -> bool {
    hero.hp.is_some_and(|(current, max)| current * 2 <= max)
}

fn fighter(choices: &mut Choices<'_>) {
    let (board, me) = (choices.board, choices.me);
    if bloodied(me) && me.bonus_action && me.spent("second-wind") < 3 {
        choices.add("use_action", &[], serde_json::json!({"use_id": "second-wind"}));
    }
    let Some(enemy) = nearest(board, me) else { return };
    choices.approach(enemy, REACH_FT);
    if me.feet_to(enemy) <= REACH_FT {
        choices.attack(2, enemy, "battleaxe", &["mastery"]);
    } else if me.feet_to(enemy) <= THROWN_FT * 3 {
        choices.attack(2, enemy, "handaxe", &[]);
    }
    if me.action {
        choices.add("dodge", &[], serde_json::json!({}));
    }
}

fn rogue(choices: &mut Choices<'_>) {
    let (board, me) = (choices.board, choices.me);
    // Nobody turns their back on who stands beside them.
    let engaged = board.enemies(me).any(|enemy| me.feet_to(enemy) <= REACH_FT);
    let within_ft = if engaged { REACH_FT } else { me.left_ft + REACH_FT };
    let Some(enemy) = weakest(board, me, within_ft) else { return };
    if choices.turn.attacks == 0 && me.feet_to(enemy) <= me.left_ft + REACH_FT {
        choices.approach(enemy, REACH_FT);
    }
    if me.feet_to(enemy) <= REACH_FT {
        choices.attack(1, enemy, "shortsword", &["mastery"]);
        choices.off_hand(enemy, "shortsword", "dagger");
    } else {
        choices.approach(enemy, BOW_FT);
        choices.attack(1, enemy, "shortbow", &[]);
    }
}

fn cleric(choices: &mut Choices<'_>, shown: &Shown) {
    let (board, me) = (choices.board, choices.me);
    let near = |friend: &&Fighter| me.feet_to(friend) <= NEAR_FT;
    if !me.concentrates && shown.concentration_checks == 0 {
        bless(choices);
    }
    // Nobody is helped up before it was seen how one fights for life.
    let dying = board.friends(me).filter(near).find(|friend| friend.health == "dying");
    if let Some(friend) = dying.filter(|_| shown.death_saves > 0) {
        healing_word(choices, friend);
    }
    if !me.concentrates {
        bless(choices);
    }
    let hurt = board.friends(me).filter(near).find(|friend| friend.is_up() && bloodied(friend));
    if let Some(friend) = hurt.filter(|_| shown.death_saves > 0) {
        healing_word(choices, friend);
    }
    let Some(enemy) = weakest(board, me, NEAR_FT) else { return };
    choices.approach(enemy, NEAR_FT);
    if me.feet_to(enemy) > REACH_FT && me.slots(1) > 1 {
        choices.cast("guiding-bolt", 1, &[enemy.id], false);
    }
    if me.feet_to(enemy) <= NEAR_FT {
        choices.cast("sacred-flame", 0, &[enemy.id], false);
    }
}

fn bless(choices: &mut Choices<'_>) {
    let (board, me) = (choices.board, choices.me);
    let near = |friend: &&Fighter| friend.is_up() && me.feet_to(friend) <= SHORT_FT;
    let mut blessed: Vec<&Fighter> = board.friends(me).filter(near).collect();
    blessed.sort_by_key(|friend| friend.id != me.id);
    let blessed: Vec<Uuid> = blessed.iter().take(3).map(|friend| friend.id).collect();
    for level in 1..=3 {
        choices.cast("bless", level, &blessed, false);
    }
}

fn healing_word(choices: &mut Choices<'_>, friend: &Fighter) {
    for level in 1..=3 {
        choices.cast("healing-word", level, &[friend.id], true);
    }
}

/// Spells that were not seen yet come first.
fn wizard(choices: &mut Choices<'_>, shown: &Shown) {
    let (board, me) = (choices.board, choices.me);
    let Some(near) = nearest(board, me) else { return };
    let pressed = me.feet_to(near) <= REACH_FT;
    if pressed && me.action && choices.turn.attacks == 0 {
        choices.withdraw(SHORT_FT);
    }
    let Some(enemy) = weakest(board, me, NEAR_FT) else { return };
    choices.approach(enemy, NEAR_FT);
    let strong = board.enemies(me).find(|enemy| {
        enemy.name.contains("gre") && enemy.health != "bloodied" && me.feet_to(enemy) <= SHORT_FT
    });
    if let Some(strong) = strong.filter(|_| !me.concentrates) {
        choices.cast("hideous-laughter", 1, &[strong.id], false);
    }
    let spells: [(&str, u8, usize); 4] = [
        ("scorching-ray", 2, 3),
        ("ray-of-sickness", 1, 1),
        ("magic-missile", 1, 3),
        ("scorching-ray", 3, 4),
    ];
    let known = |spell: &str| shown.spells.contains_key(spell);
    let fresh = spells.iter().filter(|(spell, ..)| !known(spell));
    let again = spells.iter().filter(|(spell, ..)| known(spell));
    for (spell, level, darts) in fresh.chain(again) {
        choices.cast(spell, *level, &vec![enemy.id; *darts], false);
    }
    choices.cast("fire-bolt", 0, &[enemy.id], false);
}
