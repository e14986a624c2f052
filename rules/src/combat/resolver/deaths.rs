//! What becomes of creatures as they die: they burst, their bodies vanish, they live again later or
//! elsewhere (SRD 5.1 "Death Throes", "Elemental Demise", "Rejuvenation"; SRD 5.2.1 "Demonic
//! Restoration" and its kin); and of those who do not, and come to themselves again (SRD 5.1
//! "Stabilizing a Creature"; SRD 5.2.1 "Death Saving Throws").

use std::sync::Arc;

use super::{Flow, Resolver};
use crate::combat::{CombatantId, Effect, EffectId, EndReason, Fact, Life, Moment, Point, Purpose};
use crate::content::{Area, Burst, Cost, Death, Facts, Shape, SpecialAction, Trait};
use crate::dice::Roll;
use crate::effect::{Amount, Duration, EffectTemplate, Hook, Op, SaveSpec, Teleport, Trigger};
use crate::{Expression, Key};

/// Key of what ends with the first hit point of who is stable.
const STABLE: &str = "stable";
/// Sides of the die of hours that this takes.
const HOURS: u32 = 4;
/// Seconds of an hour.
const HOUR_SECONDS: u32 = 3_600;
/// Seconds of a day.
const DAY_SECONDS: u32 = 86_400;
/// More hit points than anybody has at most.
const ALL: i32 = i32::MAX;

impl Resolver<'_> {
    /// Out of danger at 0 hit points.
    pub(super) fn stabilized(&mut self, who: CombatantId) -> Flow<()> {
        self.tell(Fact::LifeSet { who, life: Life::Stable });
        self.recover_later(who)
    }

    /// Who is stable has 1 hit point again after 1d4 hours, unless it is healed or hurt before.
    pub(super) fn recover_later(&mut self, who: CombatantId) -> Flow<()> {
        let Ok(key) = Key::parse(STABLE) else { return Ok(()) };
        for older in self.recovering(|effect| effect.target == who) {
            self.end(older, EndReason::Replaced);
        }
        let purpose = Purpose::Duration { id: key.clone() };
        let hours = self.roll(who, purpose, |dice| Roll::plain(HOURS, dice))?.total;
        let hours = u32::try_from(hours).unwrap_or(HOURS);
        let one = Amount { dice: Expression::parse("1").ok(), ..Amount::default() };
        let trigger = Trigger {
            on: Hook::Expires,
            when: Vec::new(),
            whom: crate::effect::Party::Bearer,
            does: vec![Op::Heal(one)],
            ends: false,
            once_a_turn: false,
        };
        let duration = Duration::Seconds { seconds: hours.saturating_mul(HOUR_SECONDS) };
        let template = EffectTemplate {
            key: Some(key),
            triggers: vec![trigger],
            ..EffectTemplate::named(STABLE, duration)
        };
        self.put(&Arc::new(template), None, who, None);
        Ok(())
    }

    /// What waits for the first hit point of who is not stable any more.
    pub(super) fn recovering_no_more(&self) -> Vec<EffectId> {
        let stable =
            |who| self.combat.combatant(who).is_some_and(|it| matches!(it.life, Life::Stable));
        self.recovering(|effect| !stable(effect.target))
    }

    fn recovering(&self, of: impl Fn(&Effect) -> bool) -> Vec<EffectId> {
        let waits = |effect: &&Arc<Effect>| {
            !effect.template.triggers.is_empty()
                && effect.template.key.as_ref().is_some_and(|key| key.as_str() == STABLE)
                && of(effect)
        };
        self.combat.effects.values().filter(waits).map(|effect| effect.id).collect()
    }

    /// Somebody died, by whose doing if by anybody's.
    pub(super) fn died(&mut self, who: CombatantId, slayer: Option<CombatantId>) -> Flow<()> {
        self.fit_areas(who);
        self.burst(who)?;
        self.lose_form(who)?;
        let Some(combatant) = self.combat.combatant(who) else { return Ok(()) };
        let (block, monster) = (Arc::clone(&combatant.block), combatant.monster.clone());
        let book = self.book;
        for id in &block.traits {
            let it: Option<&Trait> = book.content.trait_of(monster.as_ref(), id);
            let Some(death) = it.and_then(|it| it.death.as_ref()) else { continue };
            if let Some(burst) = &death.burst {
                let facts = self.view().detail(who, id).and_then(|it| it.facts.clone());
                self.burst_by(who, id, burst, &facts.unwrap_or_default())?;
            }
            self.leave(who, id, death, slayer)?;
        }
        Ok(())
    }

    /// A burst with the numbers of the record.
    fn burst_by(&mut self, who: CombatantId, id: &Key, burst: &Burst, facts: &Facts) -> Flow<()> {
        let Some(feet) = facts.feet.first() else { return Ok(()) };
        let save = facts.saves.first().map(|save| SaveSpec { half: burst.half, ..*save });
        let area = Area::new(Shape::Emanation, *feet);
        let action = SpecialAction {
            use_id: id.clone(),
            name: id.to_string(),
            cost: Cost::Free,
            legendary_cost: None,
            recharge: None,
            per_day: None,
            resource: None,
            range_ft: None,
            area: Some(area),
            targets: None,
            damage: facts.damage.clone(),
            healing: None,
            save,
            fail: burst.fail.clone(),
            success: None,
            always: None,
        };
        self.burst_with(who, &action, &area)
    }

    /// The body goes, and the time is told after which it lives again.
    fn leave(
        &mut self,
        who: CombatantId,
        id: &Key,
        death: &Death,
        slayer: Option<CombatantId>,
    ) -> Flow<()> {
        let plane = self.combat.grid.plane.as_ref();
        let spared = |key: &Key| {
            slayer.is_some_and(|slayer| {
                let mut effects = self.combat.effects_on(slayer);
                effects.any(|effect| effect.template.key.as_ref() == Some(key))
            })
        };
        let kept = death.not_on.as_ref().is_some_and(|it| plane == Some(it))
            || death.only_on.as_ref().is_some_and(|it| plane != Some(it))
            || death.unless_slayer_under.as_ref().is_some_and(spared);
        if kept || self.combatant(who)?.life != Life::Dead {
            return Ok(());
        }
        if death.vanishes {
            self.leave_board(who);
        }
        match &death.returns_days {
            Some(days) => self.await_return(who, id, days, death.elsewhere),
            None => Ok(()),
        }
    }

    /// The days are thrown; what brings it back runs on the dead.
    fn await_return(
        &mut self,
        who: CombatantId,
        key: &Key,
        days: &Expression,
        elsewhere: bool,
    ) -> Flow<()> {
        let purpose = Purpose::Recharge { id: key.clone() };
        let roll = self.roll(who, purpose, |dice| days.roll(dice))?;
        let days = u32::try_from(roll.total.max(1)).unwrap_or(u32::MAX);
        let duration = Duration::Seconds { seconds: days.saturating_mul(DAY_SECONDS) };
        let away = Op::Teleport(Teleport { away: true, ..Teleport::default() });
        let does = elsewhere.then_some(away).into_iter().chain([Op::Revive(ALL)]).collect();
        let trigger = Trigger {
            on: Hook::Expires,
            when: Vec::new(),
            whom: crate::effect::Party::Bearer,
            does,
            ends: false,
            once_a_turn: false,
        };
        let template = EffectTemplate {
            key: Some(key.clone()),
            triggers: vec![trigger],
            ..EffectTemplate::named(key.as_str(), duration)
        };
        let id = EffectId(self.combat.next_effect);
        let rounds = duration.rounds().unwrap_or(u32::MAX);
        let round = self.combat.round.saturating_add(rounds);
        let effect = Effect {
            id,
            template: Arc::new(template),
            source: Some(who),
            target: who,
            parent: None,
            ends: Some(Moment { round, of: who, at: Point::Within }),
            about: None,
            covers: None,
            touched: Vec::new(),
            counts: std::collections::BTreeMap::new(),
            from: None,
        };
        self.tell(Fact::EffectStarted { effect: Arc::new(effect) });
        Ok(())
    }
}
