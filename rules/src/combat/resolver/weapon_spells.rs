//! Attacks with a weapon that a spell guides (SRD 5.2.1 "True Strike").

use super::ops::Act;
use super::{Flow, Resolver};
use crate::combat::{CombatantId, Refusal};
use crate::content::{Attack, plus};
use crate::effect::{Casting, DamageDice, Op, WeaponOp};
use crate::space::Cover;

impl Resolver<'_> {
    /// That the attacks can be made which words make.
    pub(super) fn may_strike(
        &self,
        who: CombatantId,
        ops: &[Op],
        casting: &Casting,
        about: &[(CombatantId, Cover)],
    ) -> Result<(), Refusal> {
        for op in ops {
            let Op::Weapon(op) = op else { continue };
            let attack = self.guided(who, casting, op).ok_or(Refusal::UnknownAttack)?;
            for (target, _) in about {
                self.view().aim(who, *target, &attack, false)?;
            }
        }
        Ok(())
    }

    /// One attack of the caster's block as the spell changes it.
    pub(super) fn weapon_op(&mut self, act: &Act, op: &WeaponOp, target: CombatantId) -> Flow<()> {
        let Some(attack) = self.guided(act.caster, &act.casting, op) else { return Ok(()) };
        match self.view().aim(act.caster, target, &attack, false) {
            Ok(strike) => self.strike(strike),
            Err(_) => Ok(()),
        }
    }

    /// The attack chosen, or the first, as the spell changes it.
    fn guided(&self, who: CombatantId, casting: &Casting, op: &WeaponOp) -> Option<Attack> {
        let mut attack = self.granted_attack(who, casting)?;
        if op.spell_ability {
            let change = casting.modifier - self.view().usual_modifier(who, &attack);
            attack.bonus = attack.bonus.saturating_add(change);
            for damage in [&mut attack.damage, &mut attack.two_handed_damage] {
                if let Some(part) = damage.first_mut() {
                    part.dice = plus(&part.dice, change);
                }
            }
        }
        if let Some(kind) = op.may_deal.filter(|kind| casting.damage_type() == Some(*kind)) {
            attack.damage.iter_mut().for_each(|part| part.kind = kind);
        }
        if let Some(extra) = &op.extra {
            let dice = extra.dice_of(casting);
            let kind = extra.types.first().copied()?;
            if dice.maximum().unwrap_or(0) > 0 {
                attack.damage.push(DamageDice { dice, kind });
            }
        }
        Some(attack)
    }
}
