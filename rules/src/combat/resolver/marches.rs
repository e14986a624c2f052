//! Movement that somebody is made to make in its own turn, in one direction (SRD 5.1 "Compulsion",
//! "Confusion"; SRD 5.2.1 same).

use std::sync::Arc;

use super::ops::Act;
use super::{Flow, Resolver};
use crate::combat::{Combatant, CombatantId, Life};
use crate::content::{AttackKind, UNARMED};
use crate::effect::{March, Op};
use crate::space::{Cover, Place, SQUARE_FT, Square, distance_ft};
use crate::{Key, MovementMode};

/// The directions, clockwise: columns to the right and rows down of a step.
const COMPASS: [(&str, i32, i32); 8] = [
    ("north", 0, -1),
    ("northeast", 1, -1),
    ("east", 1, 0),
    ("southeast", 1, 1),
    ("south", 0, 1),
    ("southwest", -1, 1),
    ("west", -1, 0),
    ("northwest", -1, -1),
];

impl Resolver<'_> {
    /// Moves somebody whose turn it is as far as it can go in a direction; it provokes as it leaves.
    pub(super) fn march_op(&mut self, act: &Act, march: &March, who: CombatantId) -> Flow<()> {
        let way = match march {
            March::ToCaster => return self.approach(act.caster, who),
            March::Chosen(of) => {
                let word = act.casting.word(of.as_str());
                COMPASS.iter().find(|(name, _, _)| Some(*name) == word)
            }
            March::Thrown(sides) => {
                let face = usize::try_from(self.face(who, *sides, &act.casting.spell)?);
                let each = COMPASS.len() / usize::try_from(*sides).unwrap_or(1).max(1);
                COMPASS.get(face.unwrap_or(1).saturating_sub(1).saturating_mul(each))
            }
        };
        let Some((_, dx, dy)) = way else { return Ok(()) };
        self.march(who, |at| Some(at.shifted(*dx, *dy)))
    }

    /// Walks straight toward another, until it is beside it.
    fn approach(&mut self, to: CombatantId, who: CombatantId) -> Flow<()> {
        let space = |id| self.combat.combatant(id).and_then(Combatant::space);
        let (Some(goal), Some(own)) = (space(to), space(who)) else { return Ok(()) };
        let diagonals = self.view().diagonals();
        self.march(who, |at| {
            let now = own.at(Place { square: at, ..own.place });
            let there = goal.place.square;
            let step = at.shifted((there.x - at.x).signum(), (there.y - at.y).signum());
            (distance_ft(now, goal, diagonals) > SQUARE_FT).then_some(step)
        })
    }

    /// Walks step by step as far as it can. Who rides does not walk.
    fn march(&mut self, who: CombatantId, next: impl Fn(Square) -> Option<Square>) -> Flow<()> {
        if self.view().mount(who).is_some() {
            return Ok(());
        }
        let path = self.course(who, next);
        if path.is_empty() {
            Ok(())
        } else {
            self.walk(who, MovementMode::Walk, (&path, None), &[])
        }
    }

    /// The squares that a creature can still step through this turn. What keeps it from a path keeps
    /// it from every longer one, but for the spaces of others: it may not stop there.
    fn course(&self, who: CombatantId, next: impl Fn(Square) -> Option<Square>) -> Vec<Square> {
        let Some(mover) = self.combat.combatant(who) else { return Vec::new() };
        let able = mover.life == Life::Alive && self.in_its_turn(who).is_ok();
        let (Some(mut at), true) = (mover.position, able) else { return Vec::new() };
        let left_ft = self.left_ft(who, MovementMode::Walk, false).unwrap_or(0);
        // No step costs less than its length.
        let most = usize::try_from(left_ft / mover.scale.cell_ft()).unwrap_or(0);
        let path: Vec<Square> = std::iter::from_fn(|| {
            at = next(at)?;
            Some(at)
        })
        .take(most)
        .collect();
        let cost = |steps: usize| {
            let path = path.get(..steps).unwrap_or(&path);
            let cost = self.cost_of(mover, MovementMode::Walk, path).ok()?;
            let fits = cost.is_none_or(|cost| cost <= left_ft) && self.dares(who, path).is_ok();
            fits.then_some(cost)
        };
        let (mut can, mut cannot) = (0, path.len() + 1);
        while can + 1 < cannot {
            let steps = can.midpoint(cannot);
            *if cost(steps).is_some() { &mut can } else { &mut cannot } = steps;
        }
        let far = (1..=can).rev().find(|steps| matches!(cost(*steps), Some(Some(_))));
        path.into_iter().take(far.unwrap_or(0)).collect()
    }

    /// One melee attack on somebody within reach, whom a die says, with the action of the turn.
    pub(super) fn lash_op(&mut self, act: &Act, otherwise: &[Op], who: CombatantId) -> Flow<()> {
        let Some(creature) = self.combat.combatant(who) else { return Ok(()) };
        let block = Arc::clone(&creature.block);
        let own = block.attacks.iter().find(|attack| attack.kind != AttackKind::Ranged);
        let id = own.map(|attack| attack.attack_id.clone()).or_else(|| Key::parse(UNARMED).ok());
        let Some(attack) = id.and_then(|id| block.any_attack(&id)) else { return Ok(()) };
        let attack = self.view().enchanted(who, attack);
        let reach_ft = self.view().reach_ft(who, &attack);
        let near: Vec<CombatantId> = self
            .combat
            .combatants
            .keys()
            .copied()
            .filter(|other| self.view().distance_ft(who, *other) <= reach_ft)
            .filter(|other| self.view().aim(who, *other, &attack, false).is_ok())
            .collect();
        let face = match u32::try_from(near.len()).unwrap_or(0) {
            0 => return self.carry_out(act, otherwise, &[(who, Cover::None)]),
            1 => 1,
            sides => self.face(who, sides, &act.casting.spell)?,
        };
        let target = usize::try_from(face).ok().and_then(|face| near.get(face.saturating_sub(1)));
        self.lose_action(who)?;
        match target.map(|target| self.view().aim(who, *target, &attack, false)) {
            Some(Ok(strike)) => self.strike(strike),
            Some(Err(_)) | None => Ok(()),
        }
    }
}
