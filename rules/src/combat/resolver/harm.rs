//! Damage, healing, and what comes of them (SRD 5.1 "Damage and Healing"; SRD 5.2.1 same).

use std::sync::Arc;

use super::attack::{add_part, qualities};
use super::setup::MOST_HIT_POINTS;
use super::traits::Stakes;
use super::{Flow, Resolver};
use crate::combat::view::{IMMUNE, Strike};
use crate::combat::{
    Choice, CombatantId, CombatantKind, DamagePart, Effect, EffectId, EndReason, Fact, HitPoints,
    Life, Portion, Refusal, concentration_dc, damage, heal, temp_hp_options,
};
use crate::content::OutcomeSpec;
use crate::effect::{
    Duration, Edge, EffectTemplate, Ending, Hook, ModifierKind, Quality, Reacts, SaveEnds, SaveSpec,
};
use crate::space::Cover;
use crate::{Condition, DamageType, Key, Switch};

/// Damage on its way to a creature: one instance, all types of one source.
pub(super) struct Blow<'b> {
    pub(super) source: Option<CombatantId>,
    pub(super) target: CombatantId,
    pub(super) parts: Vec<DamagePart>,
    pub(super) portion: Portion,
    pub(super) qualities: &'b [Quality],
    pub(super) critical: bool,
    pub(super) mercy: Mercy,
    /// Water does not lessen it.
    pub(super) scalds: bool,
}

impl Blow<'_> {
    /// All of some damage, by magic and without mercy.
    pub(super) const fn of(
        source: Option<CombatantId>,
        target: CombatantId,
        parts: Vec<DamagePart>,
    ) -> Self {
        let (portion, qualities, mercy) = (Portion::Full, &[Quality::Magical], Mercy::Nothing);
        Self { source, target, parts, portion, qualities, critical: false, mercy, scalds: false }
    }
}

/// What a blow does with whom it would bring down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mercy {
    /// It brings it down.
    Nothing,
    /// Whose blow it is says so as it lands.
    Asked,
    /// It knocks it out.
    KnocksOut,
    /// It leaves it 1 hit point (SRD 5.1 "Harm").
    LeavesOne,
}

/// What a short rest takes.
const SHORT_REST_SECONDS: u32 = 3_600;

/// How far apart those can be who share damage.
const BOND_FT: i32 = 60;

/// The most that the DC of a concentration save can be (SRD 5.2.1 "Concentration").
const CONCENTRATION_CAP: i32 = 30;

impl Resolver<'_> {
    pub(super) fn harm_by_strike(
        &mut self,
        strike: Strike<'_>,
        parts: Vec<DamagePart>,
        critical: bool,
    ) -> Flow<i32> {
        let mercy = match strike {
            Strike { knock_out: true, .. } => Mercy::KnocksOut,
            Strike { ranged: false, at: None, .. } => Mercy::Asked,
            _ => Mercy::Nothing,
        };
        let qualities = &qualities(strike.attack);
        let blow = Blow::of(Some(strike.attacker), strike.target, parts);
        self.harm(Blow { qualities, critical, mercy, ..blow })
    }

    /// Deals an instance of damage; what came through of it.
    pub(super) fn harm(&mut self, blow: Blow<'_>) -> Flow<i32> {
        let Blow { source, target, mut parts, portion, critical, mercy, .. } = blow;
        self.pass_on(source, target, &mut parts, mercy)?;
        self.lessen(target, &mut parts)?;
        let doused = !blow.scalds && self.view().is_doused(target);
        for part in &mut parts {
            let mut guard = self.view().guard(target, part.kind, blow.qualities);
            guard.resistant |= doused && part.kind == DamageType::Fire;
            part.applied = guard.applied(part.rolled, portion);
        }
        let mut total = parts.iter().fold(0_i32, |total, part| total.saturating_add(part.applied));
        if total < self.view().damage_threshold(target) {
            parts.iter_mut().for_each(|part| part.applied = 0);
            total = 0;
        }
        let Some(victim) = self.combat.combatant(target) else { return Ok(0) };
        let before = victim.life;
        let own = victim.hp;
        let hp = HitPoints { max: self.view().max_hp(target), ..own };
        let mut harm = damage(hp, before, victim.at_zero(), total, critical);
        harm.hp.max = own.max;
        let falls = harm.dropped && before == Life::Alive;
        if harm.life != Life::Alive {
            let radiant = parts.iter().any(|it| it.kind == DamageType::Radiant && it.applied > 0);
            self.outlive(target, &mut harm, (total, radiant, critical))?;
        }
        let spared = harm.hp.current == 0
            && before == Life::Alive
            && (mercy == Mercy::LeavesOne || self.ward_from_death(target));
        if spared {
            harm.hp.current = 1;
            harm.life = Life::Alive;
        }
        let down = falls && harm.hp.current == 0;
        let knocked_out = down
            && match mercy {
                Mercy::KnocksOut => true,
                Mercy::Asked => self.spares(source, target)?,
                Mercy::Nothing | Mercy::LeavesOne => false,
            };
        if knocked_out {
            (harm.hp, harm.life) = self.knocked_out(harm.hp);
        }
        let (hp, life, temp_absorbed) = (harm.hp, harm.life, harm.temp_absorbed);
        // Who was left 1 hit point did not drop.
        let dropped = harm.dropped && hp.current == 0;
        let massive = harm.massive;
        let taken = parts.clone();
        self.tell(Fact::Damaged { target, source, parts, temp_absorbed, hp, life, massive });
        self.hinder_regeneration(target, &taken);
        self.absorb(target, &taken, portion);
        if total > 0 {
            self.end_by(target, Ending::BearerDamaged);
        }
        if life == Life::Dead && before != Life::Dead {
            self.lose_concentration(target);
            self.died(target, source)?;
        } else if knocked_out || (dropped && life != Life::Alive) {
            let rest = Duration::Seconds { seconds: SHORT_REST_SECONDS };
            let rests = knocked_out && life == Life::Alive;
            self.fall_unconscious(target, if rests { rest } else { Duration::Permanent });
            if knocked_out && life == Life::Stable {
                self.recover_later(target)?;
            }
        } else if total > 0 && life == Life::Alive {
            self.keep_concentrating(target, total)?;
        }
        let suffered = taken.iter().filter(|part| part.applied > 0).map(|part| part.kind);
        let before = std::mem::replace(&mut self.suffered, suffered.collect());
        self.harmed(source, target, total, dropped)?;
        self.suffered = before;
        Ok(total)
    }

    /// What effects do when somebody was harmed.
    fn harmed(
        &mut self,
        source: Option<CombatantId>,
        target: CombatantId,
        total: i32,
        dropped: bool,
    ) -> Flow<()> {
        if total == 0 || self.depth >= 4 {
            return Ok(());
        }
        self.depth += 1;
        self.dealt = total;
        self.fire(target, Hook::Damaged, source, false)?;
        self.dealt = total;
        if let Some(source) = source {
            self.fire(source, Hook::DealsDamage, Some(target), false)?;
            self.fire(target, Hook::DamagedBySource, Some(source), false)?;
        }
        if dropped {
            self.fire(target, Hook::DropsToZero, source, false)?;
        }
        self.share(target, total)?;
        if dropped {
            self.unbind(target);
        }
        self.depth -= 1;
        let Some(source) = source.filter(|source| *source != target) else { return Ok(()) };
        self.react_by_casting(target, source, Reacts::Damaged, None).map(|_| ())
    }

    /// Half of what is dealt to some goes to whom they grapple, of the same blow (SRD 5.1 "Damage
    /// Transfer").
    fn pass_on(
        &mut self,
        source: Option<CombatantId>,
        target: CombatantId,
        parts: &mut [DamagePart],
        mercy: Mercy,
    ) -> Flow<()> {
        if !self.view().is(target, ModifierKind::HalvesWithGrappled) {
            return Ok(());
        }
        let all = self.combat.combatants.keys().copied();
        let held = all.into_iter().find(|other| self.view().grapples(target, *other));
        let Some(held) = held else { return Ok(()) };
        let mut rest = Vec::with_capacity(parts.len());
        for part in parts {
            let own = part.rolled / 2;
            rest.push(DamagePart { rolled: part.rolled - own, ..*part });
            part.rolled = own;
        }
        self.harm(Blow { mercy, ..Blow::of(source, held, rest) }).map(|_| ())
    }

    /// Who shares a creature's damage takes as much; the bond ends when the one who shares it drops
    /// to 0 hit points or they are too far apart (SRD 5.1 "Warding Bond"; SRD 5.2.1 same).
    fn share(&mut self, target: CombatantId, total: i32) -> Flow<()> {
        let bonds: Vec<(EffectId, CombatantId)> = self
            .view()
            .of_kind(target, ModifierKind::SharesDamage)
            .filter_map(|active| Some((active.effect.id, active.effect.source?)))
            .collect();
        for (id, who) in bonds.into_iter().filter(|(_, who)| *who != target) {
            if !self.is_bound(target, who) {
                self.end(id, EndReason::Over);
                continue;
            }
            let parts = vec![DamagePart { kind: DamageType::Force, rolled: total, applied: 0 }];
            self.harm(Blow::of(None, who, parts))?;
        }
        Ok(())
    }

    /// Whether who shares another's damage still can: alive, and near enough.
    fn is_bound(&self, bearer: CombatantId, source: CombatantId) -> bool {
        let space = |id| self.combat.combatant(id).and_then(|it| it.space());
        let near = space(bearer).is_some()
            && space(source).is_some()
            && self.view().distance_ft(bearer, source) <= BOND_FT;
        near && self.combat.combatant(source).is_some_and(|it| it.life == Life::Alive)
    }

    /// Who has dropped to 0 hit points shares nobody's damage any more.
    fn unbind(&mut self, who: CombatantId) {
        let shares = |effect: &&Arc<Effect>| {
            effect.source == Some(who)
                && effect.template.modifiers.iter().any(|it| it.kind == ModifierKind::SharesDamage)
        };
        let over: Vec<EffectId> =
            self.combat.effects.values().filter(shares).map(|effect| effect.id).collect();
        for id in over {
            self.end(id, EndReason::Over);
        }
    }

    /// Whether something keeps a creature from death this once; that ends.
    pub(super) fn ward_from_death(&mut self, who: CombatantId) -> bool {
        let ward =
            self.view().of_kind(who, ModifierKind::DeathWard).next().map(|active| active.effect.id);
        if let Some(id) = ward {
            self.end(id, EndReason::Over);
        }
        ward.is_some()
    }

    /// Lies on the ground from now on.
    pub(super) fn knock_prone(&mut self, who: CombatantId) {
        if !self.view().has(who, Condition::Prone) {
            let template = EffectTemplate::condition(Condition::Prone, Duration::Permanent);
            self.put(&Arc::new(template), None, who, None);
        }
    }

    /// Whether a player spares whom its creature's blow brings down, asked as the damage lands and
    /// nothing keeps that one up (SRD 5.1 "Knocking a Creature Out"; SRD 5.2.1 "Knocking Out a
    /// Creature"). Game masters say so beforehand.
    fn spares(&mut self, source: Option<CombatantId>, target: CombatantId) -> Flow<bool> {
        let thing = self.combatant(target)?.kind == CombatantKind::Object;
        let player = source.filter(|source| !thing && self.combat.owner(*source).is_some());
        let Some(source) = player else { return Ok(false) };
        let options = ["strike_down", "knock_out"];
        let choice = (Choice::KnockOut, Some(target));
        Ok(self.choose_for(source, choice, &options, "strike_down")? == "knock_out")
    }

    /// Spared by who struck it down: 5.1 stable at 0 hit points, 5.2 at 1, for a short rest (SRD 5.1
    /// "Knocking a Creature Out"; SRD 5.2.1 "Knocking Out a Creature").
    fn knocked_out(&self, hp: HitPoints) -> (HitPoints, Life) {
        if self.combat.rules.is_52(Switch::KnockOut) {
            (HitPoints { current: 1, ..hp }, Life::Alive)
        } else {
            (hp, Life::Stable)
        }
    }

    /// Lies unconscious for so long, unless something wakes it.
    pub(super) fn fall_unconscious(&mut self, who: CombatantId, duration: Duration) {
        let template = EffectTemplate::condition(Condition::Unconscious, duration);
        self.put(&Arc::new(template), None, who, None);
        self.lose_concentration(who);
    }

    /// Temporary hit points by a game master's word.
    pub(super) fn ruled_temp_hp(&mut self, target: CombatantId, amount: i32) -> Flow<()> {
        if self.combatant(target)?.life == Life::Dead {
            return Err(Refusal::InvalidTarget.into());
        }
        if !(1..=MOST_HIT_POINTS).contains(&amount) {
            return Err(Refusal::NothingToDo.into());
        }
        self.give_temp_hp(target, amount)
    }

    /// Gives temporary hit points; who has some keeps them or takes the new ones, and unasked the
    /// more (SRD 5.1 and SRD 5.2.1 "Temporary Hit Points").
    pub(super) fn give_temp_hp(&mut self, who: CombatantId, amount: i32) -> Flow<()> {
        let Some(combatant) = self.combat.combatant(who) else { return Ok(()) };
        if combatant.life == Life::Dead || combatant.is_swarm() {
            return Ok(());
        }
        let hp = combatant.hp;
        let temp = match temp_hp_options(hp, amount).as_slice() {
            [kept, gained] => {
                let (kept, gained) = (*kept, *gained);
                let default = if gained > kept { "replace" } else { "keep" };
                let chosen = self.choose(who, Choice::TempHp, &["keep", "replace"], default)?;
                if chosen == "replace" { gained } else { kept }
            }
            one => one.first().copied().unwrap_or(hp.temp),
        };
        self.tell(Fact::TempHpSet { who, hp: HitPoints { temp, ..hp } });
        Ok(())
    }

    /// The save that damage asks of a concentrating creature: one per instance, by its total.
    fn keep_concentrating(&mut self, who: CombatantId, total: i32) -> Flow<()> {
        let capped = self.combat.rules.is_52(Switch::ConcentrationCap);
        let dc = concentration_dc(total, capped.then_some(CONCENTRATION_CAP));
        self.concentrate_on(who, dc).map(|_| ())
    }

    /// Gives hit points back; wakes who lay at 0.
    pub(super) fn heal(&mut self, target: CombatantId, amount: i32) {
        let Some(combatant) = self.combat.combatant(target) else { return };
        if self.view().is(target, ModifierKind::CannotHeal) || combatant.is_swarm() {
            return;
        }
        let before = combatant.hp.current;
        let most = self.view().max_hp(target);
        let capped = HitPoints { max: most, ..combatant.hp };
        let (healed, life) = heal(capped, combatant.life, amount);
        let hp = HitPoints { max: combatant.hp.max, ..healed };
        let regained = hp.current - before;
        self.tell(Fact::Healed { target, regained, hp, life });
        if regained > 0 {
            self.wake(target);
        }
    }

    /// Consciousness comes back with the hit points; it still lies on the ground.
    pub(super) fn wake(&mut self, who: CombatantId) {
        for id in self.knocked_down(who) {
            self.end(id, EndReason::Over);
        }
    }

    /// By what a creature lies unconscious since it was struck down.
    pub(super) fn knocked_down(&self, who: CombatantId) -> Vec<EffectId> {
        self.combat
            .effects_on(who)
            .filter(|effect| effect.source.is_none())
            .filter(|effect| effect.template.conditions == [Condition::Unconscious])
            .map(|effect| effect.id)
            .collect()
    }

    /// A save if one is asked for, damage that was rolled, and what else comes of it: whether it
    /// was made.
    pub(super) fn afflict(
        &mut self,
        source: CombatantId,
        target: CombatantId,
        parts: &[DamagePart],
        follows: Follows<'_>,
    ) -> Flow<bool> {
        let saved = match follows.save {
            Some(save) => {
                let conditions = follows.fail.map_or(&[][..], |it| &it.conditions);
                let detail = self.view().detail(source, follows.by);
                let magical = detail.is_some_and(|it| it.magical);
                let stakes = Stakes { from: Some(source), conditions, magical };
                self.save_against(target, save, follows.cover, stakes)?
            }
            None => false,
        };
        let outcomes = [if saved { follows.success } else { follows.fail }, follows.always];
        let mut portion = self.portion(target, follows.save, saved);
        let mut parts = parts.to_vec();
        if outcomes.iter().flatten().any(|outcome| !outcome.damage.is_empty()) {
            parts.iter_mut().for_each(|part| part.rolled = portion.of(part.rolled));
            portion = Portion::Full;
            self.outcome_damage(source, outcomes, false, &mut parts)?;
        }
        if !parts.is_empty() {
            self.deal(source, target, parts, portion)?;
        }
        for outcome in outcomes.into_iter().flatten() {
            self.befall(source, target, outcome, (follows.save, follows.by))?;
        }
        if saved {
            self.make_immune(source, target, follows.by);
        }
        Ok(saved)
    }

    /// Who resisted is immune for a time, where the creature's record says so.
    pub(super) fn make_immune(&mut self, source: CombatantId, target: CombatantId, by: &Key) {
        let detail = self.view().detail(source, by);
        let Some(seconds) = detail.and_then(|it| it.immune_seconds) else { return };
        let template = EffectTemplate {
            key: Some(by.clone()),
            ..EffectTemplate::named(&format!("{IMMUNE}{by}"), Duration::Seconds { seconds })
        };
        self.put(&Arc::new(template), Some(source), target, None);
    }

    /// Damage of a special action: one instance.
    pub(super) fn deal(
        &mut self,
        source: CombatantId,
        target: CombatantId,
        parts: Vec<DamagePart>,
        portion: Portion,
    ) -> Flow<i32> {
        self.harm(Blow { portion, ..Blow::of(Some(source), target, parts) })
    }

    /// What outcomes add to the damage of what they follow: of the same source, so of its one
    /// instance (SRD 5.1 "Damage Rolls", "Concentration"; SRD 5.2.1 same).
    pub(super) fn outcome_damage(
        &mut self,
        source: CombatantId,
        outcomes: [Option<&OutcomeSpec>; 2],
        critical: bool,
        parts: &mut Vec<DamagePart>,
    ) -> Flow<()> {
        for outcome in outcomes.into_iter().flatten() {
            for part in self.damage_rolled(source, &outcome.damage, critical)? {
                add_part(parts, part);
            }
        }
        Ok(())
    }

    /// What an outcome does besides its damage.
    pub(super) fn befall(
        &mut self,
        source: CombatantId,
        target: CombatantId,
        outcome: &OutcomeSpec,
        (save, by): (Option<SaveSpec>, &Key),
    ) -> Flow<()> {
        let mut hold = None;
        if outcome.conditions.contains(&Condition::Grappled) {
            hold = self.grapple(source, target, outcome, by);
        } else if !outcome.conditions.is_empty() {
            let ends = save.filter(|_| outcome.save_ends);
            let duration = outcome.duration.unwrap_or(Duration::Permanent);
            let name = outcome.conditions.first().map_or("", |condition| condition.name());
            let immunizes =
                self.view().detail(source, by).is_some_and(|it| it.immune_seconds.is_some());
            let template = EffectTemplate {
                key: Some(by.clone()).filter(|_| immunizes),
                conditions: outcome.conditions.clone(),
                save_ends: ends.map(|save| SaveEnds {
                    ability: save.ability,
                    dc: save.dc,
                    edge: Edge::End,
                }),
                ..EffectTemplate::named(name, duration)
            };
            self.put(&Arc::new(template), Some(source), target, None);
        }
        let held = outcome.conditions.contains(&Condition::Grappled);
        if let Some(effect) = outcome.effect.as_ref().filter(|_| hold.is_some() || !held) {
            self.put(effect, Some(source), target, hold);
        }
        self.doom(source, target, outcome, by)?;
        for (feet, away) in [(outcome.push_ft, true), (outcome.pull_ft, false)] {
            if let Some(feet) = feet {
                self.shift(source, target, feet, away)?;
            }
        }
        Ok(())
    }

    /// A hold by an attack or a use, with what it brings for as long as it lasts; none beyond those
    /// that the creature can hold at a time.
    fn grapple(
        &mut self,
        source: CombatantId,
        target: CombatantId,
        outcome: &OutcomeSpec,
        by: &Key,
    ) -> Option<EffectId> {
        let detail = self.view().detail(source, by);
        let held = self.view().grappled_with(source, by);
        let most = detail.and_then(|it| it.grapples).map_or(usize::MAX, usize::from);
        if held.contains(&target) || held.len() >= most {
            return None;
        }
        let mut conditions = outcome.conditions.clone();
        conditions.extend(detail.iter().flat_map(|it| it.while_grappled.iter().copied()));
        let duration = outcome.duration.unwrap_or(Duration::Permanent);
        let template = EffectTemplate {
            key: Some(by.clone()),
            conditions,
            dc: detail.and_then(|it| it.escape_dc),
            ..EffectTemplate::named(Condition::Grappled.name(), duration)
        };
        self.put(&Arc::new(template), Some(source), target, None)
    }
}

/// What comes of a hit or a use besides its damage.
#[derive(Clone, Copy)]
pub(super) struct Follows<'f> {
    /// Against where it comes from.
    pub(super) cover: Cover,
    /// The attack or use it comes of.
    pub(super) by: &'f Key,
    pub(super) save: Option<SaveSpec>,
    pub(super) fail: Option<&'f OutcomeSpec>,
    pub(super) success: Option<&'f OutcomeSpec>,
    pub(super) always: Option<&'f OutcomeSpec>,
}
