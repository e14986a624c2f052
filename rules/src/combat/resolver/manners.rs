//! Attacks made in one way or another: second weapons, masteries (SRD 5.1 "Two-Weapon Fighting",
//! "Weapon Properties"; SRD 5.2.1 "Light", "Mastery Properties").

use std::sync::Arc;

use super::{Flow, Resolver};
use crate::combat::view::Strike;
use crate::combat::{
    Combatant, CombatantId, DamagePart, Economy, EffectId, EndReason, Extra, Fact, HitPoints, Life,
    Manner, Refusal,
};
use crate::content::{Attack, AttackKind, AttackProperty, Mastery};
use crate::effect::{
    Duration, Edge, EffectTemplate, Ending, Modifier, ModifierKind, RollKind, When, Which, Whose,
};
use crate::grapple::grapple_dc;
use crate::{Ability, Key, Size, Switch};

/// Feet that the Push property pushes, and those that Slow takes.
const MASTERY_FT: i32 = 10;
/// Reach of Cleave around the one that was hit.
const BESIDE_FT: i32 = 5;

impl Resolver<'_> {
    /// What is left to who makes this attack.
    pub(super) fn after_attacking(
        &self,
        who: CombatantId,
        target: CombatantId,
        attack: &Attack,
        how: Manner,
    ) -> Result<Economy, Refusal> {
        let combatant = self.combatant(who)?;
        let economy = combatant.economy.clone();
        match how.extra {
            Extra::None => {
                let id = &attack.attack_id;
                if attack.has(AttackProperty::Loading) && economy.made.contains(id) {
                    return Err(Refusal::MustReload);
                }
                combatant.after_making(id).ok_or(Refusal::NoActionLeft)
            }
            Extra::OffHand | Extra::Nick => self.after_second_weapon(who, attack, how.extra),
            Extra::Cleave => {
                let first = economy.cleave.ok_or(Refusal::WrongManner)?;
                let beside = self.view().distance_ft(first, target) <= BESIDE_FT;
                if first == target || !beside || economy.made.last() != Some(&attack.attack_id) {
                    return Err(Refusal::WrongManner);
                }
                Ok(Economy { cleave: None, cleaved: true, ..economy })
            }
            Extra::Pounce => self.after_pouncing(who, target, &attack.attack_id),
        }
    }

    /// The extra attack of a second, different light weapon, or of the other of two alike that are
    /// held or of which one was thrown, once a turn: both in melee in SRD 5.1, as part of the action where one of them has been
    /// mastered so (SRD 5.2.1 "Nick").
    fn after_second_weapon(
        &self,
        who: CombatantId,
        attack: &Attack,
        extra: Extra,
    ) -> Result<Economy, Refusal> {
        let combatant = self.combatant(who)?;
        let economy = combatant.economy.clone();
        let modern = self.combat.rules.is_52(Switch::TwoWeapon);
        let melee = |attack: &Attack| attack.kind != AttackKind::Ranged;
        let two = self.had_two(who, &attack.attack_id);
        let fits = |other: &&Attack| {
            other.has(AttackProperty::Light)
                && (two || other.attack_id != attack.attack_id)
                && (modern || melee(other))
        };
        let mut made = economy.made.iter().filter_map(|id| combatant.block.attack(id));
        let first = made.rfind(fits).ok_or(Refusal::WrongManner)?;
        if !modern && !melee(attack) {
            return Err(Refusal::WrongManner);
        }
        let nick = [first, attack].iter().any(|one| one.mastery == Some(Mastery::Nick));
        if extra == Extra::Nick && !nick {
            return Err(Refusal::WrongManner);
        }
        let bonus_action = self.view().bonus_action_left(who);
        if economy.off_hand || (extra == Extra::OffHand && !bonus_action) {
            return Err(Refusal::NoActionLeft);
        }
        let bonus_action = economy.bonus_action && extra == Extra::Nick;
        Ok(Economy { off_hand: true, bonus_action, ..economy })
    }

    /// What an attack roll is the end of. Whether it hits or misses, it tells where its maker is (SRD
    /// 5.1 "Unseen Attackers and Targets"; SRD 5.2.1 same), unless whom it is made on is as hidden.
    pub(super) fn after_attack_roll(&mut self, strike: Strike<'_>, used: Vec<EffectId>) {
        let Strike { attacker, target, .. } = strike;
        for id in used {
            self.end(id, EndReason::Over);
        }
        let hidden = |id| self.combat.combatant(id).filter(|it: &&Combatant| it.hidden);
        let struck = hidden(target).is_some() && !strike.is_void();
        if let Some(maker) = hidden(attacker).filter(|_| !struck) {
            let combatant = Arc::new(Combatant { hidden: false, ..maker.clone() });
            self.tell(Fact::CombatantSet { combatant });
        }
        self.end_by(attacker, Ending::BearerAttacks);
        self.end_by(attacker, Ending::BearerStirs);
    }

    fn mastery(strike: Strike<'_>) -> Option<Mastery> {
        strike.attack.mastery.filter(|_| strike.how.mastery)
    }

    /// A miss with a grazing weapon: the ability modifier as damage (SRD 5.2.1 "Graze").
    pub(super) fn graze(&mut self, strike: Strike<'_>) -> Flow<()> {
        let modifier = self.view().attack_modifier(strike);
        let kind = strike.attack.damage.first().map(|damage| damage.kind);
        let grazes = Self::mastery(strike) == Some(Mastery::Graze) && modifier > 0;
        let Some(kind) = kind.filter(|_| grazes) else { return Ok(()) };
        let parts = vec![DamagePart { kind, rolled: modifier, applied: 0 }];
        self.harm_by_strike(strike, parts, false).map(|_| ())
    }

    /// What a mastered weapon does with a hit; `before`: the target's hit points before it.
    pub(super) fn master(&mut self, strike: Strike<'_>, before: HitPoints) -> Flow<()> {
        let Strike { attacker, target, .. } = strike;
        let Some(mastery) = Self::mastery(strike) else { return Ok(()) };
        let victim = self.combatant(target)?;
        let hurt = victim.hp != before;
        let gone = victim.life == Life::Dead;
        let size = victim.block.size;
        match mastery {
            Mastery::Cleave => self.cleave(strike)?,
            _ if gone => {}
            Mastery::Push if size <= Size::Large => {
                self.shift(attacker, target, MASTERY_FT, true)?
            }
            Mastery::Topple => self.topple(strike)?,
            Mastery::Sap => self.put_mastery(strike, mastery),
            Mastery::Slow | Mastery::Vex if hurt => self.put_mastery(strike, mastery),
            Mastery::Push | Mastery::Slow | Mastery::Vex | Mastery::Graze | Mastery::Nick => {}
        }
        Ok(())
    }

    /// The hit may be followed by one on a second creature, once a turn.
    fn cleave(&mut self, strike: Strike<'_>) -> Flow<()> {
        let who = strike.attacker;
        let economy = self.combatant(who)?.economy.clone();
        if !economy.cleaved && !strike.ranged && self.combat.active() == Some(who) {
            let cleave = Some(strike.target);
            self.tell(Fact::EconomySet { who, economy: Economy { cleave, ..economy } });
        }
        Ok(())
    }

    fn topple(&mut self, strike: Strike<'_>) -> Flow<()> {
        let modifier = self.view().attack_modifier(strike);
        let dc = grapple_dc(modifier, self.combatant(strike.attacker)?.block.proficiency());
        if !self.save(strike.target, Ability::Con, dc)? {
            self.fall_prone(strike.target);
        }
        Ok(())
    }

    /// Sap and Slow lie on the target until the attacker's next turn starts, Vex on the attacker
    /// until it ends.
    fn put_mastery(&mut self, strike: Strike<'_>, mastery: Mastery) {
        let Strike { attacker, target, .. } = strike;
        let until = |edge| Duration::Until { edge, whose: Whose::Source, which: Which::Next };
        let attack = |kind| Modifier { on: vec![RollKind::Attack], ..Modifier::of(kind) };
        let (key, bearer, edge, modifier, ends_on) = match mastery {
            Mastery::Sap => {
                let modifier = attack(ModifierKind::Disadvantage);
                ("sap", target, Edge::Start, modifier, vec![Ending::Roll])
            }
            Mastery::Slow => {
                let value = Some(-MASTERY_FT);
                let modifier = Modifier { value, ..Modifier::of(ModifierKind::Speed) };
                ("slow", target, Edge::Start, modifier, Vec::new())
            }
            _ => {
                let when = vec![When::OtherIsSubject];
                let modifier = Modifier { when, ..attack(ModifierKind::Advantage) };
                ("vex", attacker, Edge::End, modifier, vec![Ending::Roll])
            }
        };
        let template = EffectTemplate {
            key: Key::parse(&format!("mastery-{key}")).ok(),
            modifiers: vec![modifier],
            ends_on,
            ..EffectTemplate::named(key, until(edge))
        };
        let about = (bearer == attacker).then_some(target);
        self.put_about(&Arc::new(template), Some(attacker), bearer, (None, about));
    }
}
