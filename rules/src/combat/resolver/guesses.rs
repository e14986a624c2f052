//! Attacks at a square where somebody unseen is thought to be (SRD 5.1 "Unseen Attackers and
//! Targets"; SRD 5.2.1 same), and what is shot (SRD 5.1 and SRD 5.2.1 "Ammunition").

use super::Resolver;
use crate::Key;
use crate::combat::view::Strike;
use crate::combat::{CombatantId, Extra, Fact, Life, Manner, Refusal};
use crate::content::{Attack, AttackProperty};
use crate::space::{Cover, Square, distance_ft, line_of_sight};

impl Resolver<'_> {
    /// An attack at a square: on who is there, or on nobody that it could hit. What is told of the two
    /// is the same, and so is what is refused.
    pub(super) fn aim_at<'s>(
        &self,
        who: CombatantId,
        at: Square,
        attack: &'s Attack,
        (knock_out, how): (bool, Manner),
    ) -> Result<Strike<'s>, Refusal> {
        if matches!(how.extra, Extra::Cleave | Extra::Pounce) {
            return Err(Refusal::WrongManner);
        }
        let void = self.reaches_square(who, at, attack, (knock_out, how))?;
        let aim = |target| self.view().aim_with(who, target, attack, knock_out, how).ok();
        let strike = self.unseen_at(who, at).and_then(aim).unwrap_or(void);
        Ok(Strike { at: Some(at), ..strike })
    }

    /// That an attack could be made on somebody on a square; the one on nobody there.
    fn reaches_square<'s>(
        &self,
        who: CombatantId,
        at: Square,
        attack: &'s Attack,
        (knock_out, how): (bool, Manner),
    ) -> Result<Strike<'s>, Refusal> {
        let view = self.view();
        let own = view.space_of(who).ok_or(Refusal::InvalidTarget)?;
        let there = own.square(at);
        if view.terrain().outside(there.footprint()).is_some() || own.overlaps(there) {
            return Err(Refusal::InvalidTarget);
        }
        view.may_strike_with(who, attack, how)?;
        let distance_ft = distance_ft(own, there, view.diagonals());
        let ranged = view.is_ranged(who, attack, (knock_out, how), distance_ft)?;
        let filled = view.terrain().filled(there.footprint()).is_some();
        if filled || !line_of_sight(&view.terrain(), own.footprint(), there.footprint()) {
            return Err(Refusal::NoLineOfEffect);
        }
        Ok(Strike {
            attacker: who,
            target: who,
            attack,
            ranged,
            distance_ft,
            cover: Cover::None,
            knock_out,
            how,
            favored: false,
            at: Some(at),
        })
    }

    /// Who is on a square, first of those whom the attacker does not see.
    fn unseen_at(&self, who: CombatantId, at: Square) -> Option<CombatantId> {
        let there = |id: &CombatantId| {
            let space = self.view().space_of(*id);
            let alive = self.combat.combatant(*id).is_some_and(|it| it.life != Life::Dead);
            *id != who && alive && space.is_some_and(|it| it.footprint().contains(at))
        };
        let mut all: Vec<CombatantId> =
            self.combat.combatants.keys().copied().filter(there).collect();
        all.sort_by_key(|id| self.view().sees(who, *id));
        all.first().copied()
    }

    /// What a shot takes of what the shooter has been said to have; none: nothing is counted.
    pub(super) fn ammunition(
        &self,
        who: CombatantId,
        attack: &Attack,
        named: Option<&Key>,
    ) -> Result<Option<Key>, Refusal> {
        if !attack.has(AttackProperty::Ammunition) {
            return if named.is_some() { Err(Refusal::NoSuchItem) } else { Ok(None) };
        }
        let combatant = self.combatant(who)?;
        let usual = self.book.content.weapons.get(&attack.attack_id);
        let usual = usual.and_then(|weapon| weapon.ammunition.as_ref());
        // Kinds of it are named after it: silver-arrow.
        let kind_of = |named: &Key, usual: &Key| {
            let before = named.as_str().strip_suffix(usual.as_str());
            before.is_some_and(|before| before.is_empty() || before.ends_with('-'))
        };
        if named.zip(usual).is_some_and(|(named, usual)| !kind_of(named, usual)) {
            return Err(Refusal::NoSuchItem);
        }
        let Some(pool) =
            named.or(usual).and_then(|key| combatant.block.resources.get_key_value(key))
        else {
            return if named.is_some() { Err(Refusal::NoSuchItem) } else { Ok(None) };
        };
        let spent = combatant.spent.get(pool.0).copied().unwrap_or(0);
        if u32::from(spent) >= pool.1.current || spent == u8::MAX {
            return Err(Refusal::NoSuchItem);
        }
        Ok(Some(pool.0.clone()))
    }

    /// One is gone.
    pub(super) fn shoot(&mut self, who: CombatantId, shot: Option<Key>) {
        let (Some(id), Some(shooter)) = (shot, self.combat.combatant(who)) else { return };
        let spent = shooter.spent.get(&id).copied().unwrap_or(0).saturating_add(1);
        self.tell(Fact::UsesSet { who, id, spent });
    }
}
