//! What follows a hit besides its damage (SRD 5.1 "Monsters", "Actions"; SRD 5.2.1 "Monsters",
//! "Attack Notation").

use std::sync::Arc;

use super::{Flow, Resolver};
use crate::Key;
use crate::combat::view::Strike;
use crate::combat::{CombatantId, DamagePart, EndReason, Fact, HitPoints, Life, Portion, Purpose};
use crate::content::{OutcomeSpec, Rider, Sap, Weakens};
use crate::effect::{Duration, EffectTemplate, Modifier, ModifierKind};

/// By how much a save must fail to fail badly.
const BADLY: i32 = 5;

/// What a rider's save came to.
#[derive(Clone, Copy, Default)]
pub(super) struct Saved {
    pub(super) success: bool,
    /// It failed by 5 or more.
    pub(super) badly: bool,
}

impl Resolver<'_> {
    /// What the last save came to.
    pub(super) fn saved(&self, success: bool) -> Saved {
        Saved { success, badly: !success && self.missed_by >= BADLY }
    }

    /// What follows a hit besides its damage; `before` is what the target had.
    pub(super) fn ride(
        &mut self,
        strike: Strike<'_>,
        rider: &Rider,
        saved: Saved,
        before: HitPoints,
    ) -> Flow<()> {
        let Strike { attacker: source, target, attack, .. } = strike;
        let taken = self.taken(target);
        let by = (rider.save, &attack.attack_id);
        if let Some(at_zero) = &rider.at_zero
            && self.is_down(target, before)
            && concerns(&at_zero.types, &taken) > 0
        {
            let mut parts = Vec::new();
            self.outcome_damage(source, [Some(&at_zero.outcome), None], false, &mut parts)?;
            if !parts.is_empty() {
                self.deal(source, target, parts, Portion::Full)?;
            }
            self.befall(source, target, &at_zero.outcome, by)?;
        }
        if self.combat.combatant(target).is_none_or(|target| target.life == Life::Dead) {
            return Ok(());
        }
        for outcome in outcomes(rider, saved).into_iter().flatten() {
            self.befall(source, target, outcome, by)?;
            if let Some(sap) = &outcome.saps {
                self.sap_life(source, target, &attack.attack_id, (sap, &taken))?;
            }
        }
        Ok(())
    }

    /// Whether a creature came down to 0 hit points that it had not before, and lives.
    fn is_down(&self, who: CombatantId, before: HitPoints) -> bool {
        self.combat
            .combatant(who)
            .is_some_and(|it| it.hp.current == 0 && before.current > 0 && it.life != Life::Dead)
    }

    /// What came through of the last damage to a creature.
    fn taken(&self, target: CombatantId) -> Vec<DamagePart> {
        let last = self.facts.iter().rev().find_map(|fact| match fact {
            Fact::Damaged { target: hurt, parts, .. } if *hurt == target => Some(parts.clone()),
            _ => None,
        });
        last.unwrap_or_default()
    }

    /// The maximum of hit points is less by the damage taken; at 0 its bearer dies (SRD 5.1 and SRD
    /// 5.2.1 "Specter", "Vampire").
    fn sap_life(
        &mut self,
        source: CombatantId,
        target: CombatantId,
        by: &Key,
        (sap, taken): (&Sap, &[DamagePart]),
    ) -> Flow<()> {
        let amount = concerns(&sap.types, taken);
        if amount == 0 {
            return Ok(());
        }
        let kills = self.view().max_hp(target) <= amount;
        let modifier =
            Modifier { value: Some(amount.saturating_neg()), ..Modifier::of(ModifierKind::MaxHp) };
        let template = EffectTemplate {
            modifiers: vec![modifier],
            ..EffectTemplate::named(by.as_str(), Duration::Permanent)
        };
        self.put(&Arc::new(template), Some(source), target, None);
        if sap.heals {
            self.heal(source, amount);
        }
        if kills { self.kill(target) } else { Ok(()) }
    }

    /// An ability score is less by dice; at 0 its bearer dies (SRD 5.1 and SRD 5.2.1 "Shadow").
    pub(super) fn weaken(
        &mut self,
        source: CombatantId,
        target: CombatantId,
        weakens: &Weakens,
        by: &Key,
    ) -> Flow<()> {
        let roll = self.roll(source, Purpose::Damage, |faces| weakens.dice.roll(faces))?;
        let less = i32::try_from(roll.total.max(0)).unwrap_or(i32::MAX);
        let score = self.view().score(target, weakens.ability).saturating_sub(less);
        let older: Vec<_> = self
            .combat
            .effects_on(target)
            .filter(|effect| effect.template.key.as_ref() == Some(by))
            .map(|effect| effect.id)
            .collect();
        for id in older {
            self.end(id, EndReason::Replaced);
        }
        let modifier = Modifier {
            value: Some(score.max(0)),
            abilities: vec![weakens.ability],
            ..Modifier::of(ModifierKind::ScoreIs)
        };
        let template = EffectTemplate {
            key: Some(by.clone()),
            modifiers: vec![modifier],
            ..EffectTemplate::named(by.as_str(), Duration::Permanent)
        };
        self.put(&Arc::new(template), Some(source), target, None);
        if score <= 0 { self.kill(target) } else { Ok(()) }
    }

    /// The rest of what happens to a target: it is out of danger, weaker, or dead.
    pub(super) fn doom(
        &mut self,
        source: CombatantId,
        target: CombatantId,
        outcome: &OutcomeSpec,
        by: &Key,
    ) -> Flow<()> {
        if outcome.stable
            && self.combat.combatant(target).is_some_and(|it| matches!(it.life, Life::Dying { .. }))
        {
            self.stabilized(target)?;
        }
        if let Some(weakens) = &outcome.weakens {
            self.weaken(source, target, weakens, by)?;
        }
        if let Some(own) = &outcome.own {
            self.put(own, Some(source), source, None);
        }
        if outcome.dies { self.kill(target) } else { Ok(()) }
    }
}

/// What comes of a rider: by its save, and in any case.
pub(super) fn outcomes(rider: &Rider, saved: Saved) -> [Option<&OutcomeSpec>; 2] {
    let by_save = match (saved.success, saved.badly, &rider.fail_badly) {
        (true, _, _) => &rider.success,
        (false, true, Some(_)) => &rider.fail_badly,
        (false, _, _) => &rider.fail,
    };
    [by_save.as_ref(), rider.always.as_ref()]
}

/// Damage of some types that came through; of all types where none is named.
fn concerns(types: &[crate::DamageType], taken: &[DamagePart]) -> i32 {
    let meant = taken.iter().filter(|part| types.is_empty() || types.contains(&part.kind));
    meant.map(|part| part.applied).fold(0, i32::saturating_add)
}
