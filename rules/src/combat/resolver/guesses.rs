//! Attacks at a square where somebody unseen is thought to be (SRD 5.1 "Unseen Attackers and
//! Targets"; SRD 5.2.1 same), and what is shot (SRD 5.1 and SRD 5.2.1 "Ammunition").

use super::{Flow, Resolver};
use crate::Key;
use crate::combat::view::{About, Strike};
use crate::combat::{CombatantId, Extra, Fact, Life, Manner, Purpose, Refusal, Test};
use crate::content::{Attack, AttackProperty};
use crate::dice::RollMode;
use crate::effect::{ModifierKind, RollKind};
use crate::space::{Place, Space, Square, distance_ft, line_of_sight};

impl Resolver<'_> {
    /// An attack of a creature's own turn at a square: on who is there, and a miss where nobody is that
    /// it could hit. What is told of the two is the same, and so is what is refused.
    pub(super) fn attack_at(
        &mut self,
        who: CombatantId,
        at: Square,
        (attack, ammunition): (&Key, Option<&Key>),
        (knock_out, how): (bool, Manner),
    ) -> Flow<()> {
        let block = self.may_attack(who)?;
        let attack = block.any_attack(attack).ok_or(Refusal::UnknownAttack)?;
        let attack = self.view().enchanted(who, attack);
        self.view().may_be_made(who, &attack, how)?;
        if self.view().is(who, ModifierKind::AttacksNearest) {
            return Err(Refusal::InvalidTarget.into());
        }
        if matches!(how.extra, Extra::Cleave | Extra::Pounce) {
            return Err(Refusal::WrongManner.into());
        }
        let shot = self.ammunition(who, &attack, ammunition)?;
        let economy = self.after_attacking(who, who, &attack, how)?;
        let ranged = self.reaches_square(who, at, &attack, (knock_out, how))?;
        let target = self.unseen_at(who, at);
        let strike = target.and_then(|target| {
            let strike = self.view().aim_with(who, target, &attack, knock_out, how);
            strike.ok().map(|strike| Strike { at: Some(at), ..strike })
        });
        self.tell(Fact::EconomySet { who, economy });
        self.shoot(who, shot);
        match strike {
            Some(strike) => self.strike(strike),
            None => self.strike_nobody(who, at, &attack, ranged),
        }
    }

    /// That an attack could be made on somebody on a square; whether it is one at a distance.
    fn reaches_square(
        &self,
        who: CombatantId,
        at: Square,
        attack: &Attack,
        how: (bool, Manner),
    ) -> Result<bool, Refusal> {
        let view = self.view();
        let own = view.space_of(who).ok_or(Refusal::InvalidTarget)?;
        let there = Space { place: Place { square: at, ..own.place }, side: 1 };
        if view.terrain().outside(there.footprint()).is_some() || own.overlaps(there) {
            return Err(Refusal::InvalidTarget);
        }
        if view.is_disarmed(who, None) {
            return Err(Refusal::CannotAct { condition: None });
        }
        let distance_ft = distance_ft(own, there, view.diagonals());
        let ranged = view.is_ranged(who, attack, how, distance_ft)?;
        let filled = view.terrain().filled(there.footprint()).is_some();
        if filled || !line_of_sight(&view.terrain(), own.footprint(), there.footprint()) {
            return Err(Refusal::NoLineOfEffect);
        }
        Ok(ranged)
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

    /// It misses, whatever is thrown.
    fn strike_nobody(
        &mut self,
        who: CombatantId,
        at: Square,
        attack: &Attack,
        ranged: bool,
    ) -> Flow<()> {
        let id = attack.attack_id.clone();
        let mut test = Test::new(attack.bonus, id.as_str());
        let by = if ranged { RollKind::RangedAttack } else { RollKind::MeleeAttack };
        let kinds = &[RollKind::Attack, by];
        self.view().consult(&mut test, who, About { kinds, ..About::default() });
        test.reason(RollMode::Disadvantage, "target_unseen", None);
        let used = self.view().used_by_guess(who, attack, ranged);
        self.test(who, Purpose::AttackAt { at, attack: id.clone() }, test)?;
        self.tell(Fact::GuessMissed { attacker: who, at, attack: id, target: None });
        self.after_attack_roll(who, used);
        Ok(())
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
