//! Effects: put on, timed, ended; concentration (SRD 5.1 "Concentration"; SRD 5.2.1 same).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::summons::is_of_summoned;
use super::{Flow, Resolver};
use crate::Condition;
use crate::combat::{
    CombatantId, Effect, EffectId, EndReason, Fact, HitPoints, Life, Moment, Point, Refusal,
};
use crate::effect::{Duration, EffectTemplate, Ending, Hook, ModifierKind, Trigger, Which, Whose};

/// Effects on one creature that game masters may put there: each is asked about each roll.
pub(super) const EFFECTS_PER_CREATURE: usize = 100;

/// The level of exhaustion that kills.
const MOST_EXHAUSTED: u8 = 6;

impl EffectTemplate {
    /// An effect with a name and nothing in it.
    pub fn named(name: &str, duration: Duration) -> Self {
        Self {
            name: name.to_owned(),
            key: None,
            duration,
            concentration: false,
            conditions: Vec::new(),
            exhaustion: None,
            modifiers: Vec::new(),
            save_ends: None,
            damage: None,
            area: None,
            ends_on: Vec::new(),
            dc: None,
            casting: None,
            triggers: Vec::new(),
            grants: Vec::new(),
            zone: None,
            curse: false,
            away: false,
            inside: None,
        }
    }

    /// An effect that is one condition.
    pub(crate) fn condition(condition: Condition, duration: Duration) -> Self {
        Self { conditions: vec![condition], ..Self::named(condition.name(), duration) }
    }
}

impl Resolver<'_> {
    /// An effect by a game master's word.
    pub(super) fn ruled_effect(
        &mut self,
        template: &EffectTemplate,
        source: Option<CombatantId>,
        targets: &[CombatantId],
    ) -> Flow<()> {
        let at_once = template.duration == Duration::Instant;
        for id in targets.iter().chain(&source) {
            self.combatant(*id)?;
            if !at_once && self.combat.effects_on(*id).count() >= EFFECTS_PER_CREATURE {
                return Err(Refusal::TooManyEffects { most: EFFECTS_PER_CREATURE }.into());
            }
        }
        let different: BTreeSet<&CombatantId> = targets.iter().collect();
        if different.len() < targets.len() || targets.is_empty() {
            return Err(Refusal::InvalidTarget.into());
        }
        if at_once {
            return self.incident(template, source, targets);
        }
        self.put_on_all(template, source, targets);
        Ok(())
    }

    pub(super) fn remove_effect(&mut self, id: EffectId) -> Flow<()> {
        if !self.combat.effects.contains_key(&id) {
            return Err(Refusal::UnknownEffect.into());
        }
        self.end(id, EndReason::Removed);
        Ok(())
    }

    /// Puts one casting on creatures. What needs concentration hangs on an effect on its source.
    pub(super) fn put_on_all(
        &mut self,
        template: &EffectTemplate,
        source: Option<CombatantId>,
        targets: &[CombatantId],
    ) {
        let template = Arc::new(template.clone());
        let anchor = source.filter(|_| template.concentration).and_then(|source| {
            self.lose_concentration(source);
            if self.view().is(source, ModifierKind::CannotConcentrate) {
                return None;
            }
            let held = EffectTemplate::named(&template.name, template.duration);
            let anchor = self.put(&Arc::new(held), Some(source), source, None)?;
            self.tell(Fact::ConcentrationSet { who: source, on: Some(anchor) });
            Some(anchor)
        });
        if template.concentration && source.is_some() && anchor.is_none() {
            return;
        }
        for target in targets {
            // What it does to its own source may have ended it.
            if anchor.is_some_and(|anchor| !self.combat.effects.contains_key(&anchor)) {
                return;
            }
            self.put(&template, source, *target, anchor);
        }
        if let Some(anchor) = anchor.filter(|anchor| self.children(*anchor).is_empty()) {
            self.end(anchor, EndReason::Over);
        }
    }

    /// Puts an effect on a creature, less the conditions it is immune to. None: nothing is left.
    pub(super) fn put(
        &mut self,
        template: &Arc<EffectTemplate>,
        source: Option<CombatantId>,
        target: CombatantId,
        parent: Option<EffectId>,
    ) -> Option<EffectId> {
        self.put_about(template, source, target, (parent, None))
    }

    /// As [`Resolver::put`], with another creature that the effect is about.
    pub(super) fn put_about(
        &mut self,
        template: &Arc<EffectTemplate>,
        source: Option<CombatantId>,
        target: CombatantId,
        (parent, about): (Option<EffectId>, Option<CombatantId>),
    ) -> Option<EffectId> {
        let combatant = self.combat.combatant(target)?;
        if combatant.life == Life::Dead || template.duration == Duration::Instant {
            return None;
        }
        let immune = |condition: &Condition| {
            combatant.block.condition_immunities.contains(condition)
                || self.view().is_spared(target, *condition, (source, template.key.as_ref()))
        };
        let kept: Vec<Condition> =
            template.conditions.iter().copied().filter(|condition| !immune(condition)).collect();
        let mut template = Arc::clone(template);
        if kept.len() < template.conditions.len() {
            let only_conditions = template.modifiers.is_empty()
                && template.damage.is_none()
                && template.triggers.is_empty();
            if kept.is_empty() && only_conditions {
                return None;
            }
            Arc::make_mut(&mut template).conditions = kept;
        }
        if template.conditions.contains(&Condition::Exhaustion) {
            let gained = template.exhaustion.unwrap_or(1);
            let level = self.view().exhaustion(target).saturating_add(gained).min(MOST_EXHAUSTED);
            for older in self.exhausting(target) {
                self.end(older, EndReason::Replaced);
            }
            Arc::make_mut(&mut template).exhaustion = Some(level);
        }
        if template.conditions.contains(&Condition::Unconscious) {
            self.drop_all(target);
            self.fall_prone(target);
        }
        let id = EffectId(self.combat.next_effect);
        let ends = self.ends(template.duration, source, target);
        let covers = self.place_of(&template, target);
        let away = template.away;
        let there = self.combat.combatant(target).and_then(|it| it.position);
        let from = there.filter(|_| away);
        let on_map = covers.is_some();
        let effect = Effect {
            id,
            template,
            source,
            target,
            parent,
            ends,
            about,
            covers,
            touched: Vec::new(),
            counts: BTreeMap::new(),
            from,
        };
        let effect = Arc::new(effect);
        self.tell(Fact::EffectStarted { effect: Arc::clone(&effect) });
        self.take_in(&effect);
        if on_map {
            self.lay_ground();
        }
        self.fit_body(id, target);
        if from.is_some() {
            self.leave_board(target);
        }
        if self.view().is(target, ModifierKind::CannotConcentrate) {
            self.lose_concentration(target);
        }
        self.succumb(target);
        Some(id)
    }

    /// Dies of what is on it: the last level of exhaustion.
    fn succumb(&mut self, who: CombatantId) {
        if self.view().is(who, ModifierKind::Dies) {
            self.tell(Fact::LifeSet { who, life: Life::Dead });
            self.fit_areas(who);
            self.lose_concentration(who);
        }
    }

    /// It lies on the ground, until it stands up (SRD 5.1 and SRD 5.2.1 "Prone"; who falls
    /// unconscious falls prone, and still lies there when awake).
    pub(super) fn fall_prone(&mut self, who: CombatantId) {
        let lies = |effect: &Effect| effect.template.conditions.contains(&Condition::Prone);
        if !self.combat.effects_on(who).any(lies) {
            let template = EffectTemplate::condition(Condition::Prone, Duration::Permanent);
            self.put(&Arc::new(template), None, who, None);
        }
    }

    /// Takes one condition off a creature wherever an effect brings it; an effect that brings
    /// nothing else ends.
    pub(super) fn take_off(&mut self, who: CombatantId, condition: Condition) {
        let bringing: Vec<Effect> = self
            .combat
            .effects_on(who)
            .filter(|effect| effect.template.conditions.contains(&condition))
            .cloned()
            .collect();
        for mut effect in bringing {
            let template = Arc::make_mut(&mut effect.template);
            template.conditions.retain(|held| *held != condition);
            let nothing_left = template.conditions.is_empty()
                && template.modifiers.is_empty()
                && template.damage.is_none();
            if nothing_left {
                self.end(effect.id, EndReason::Over);
            } else {
                self.tell(Fact::EffectChanged { effect: Arc::new(effect) });
            }
        }
    }

    /// Ends the effects on a creature that something ends before their time.
    pub(super) fn end_by(&mut self, who: CombatantId, ending: Ending) {
        let over: Vec<EffectId> = self
            .combat
            .effects_on(who)
            .filter(|effect| effect.template.ends_on.contains(&ending))
            .map(|effect| effect.id)
            .collect();
        for id in over {
            self.end(id, EndReason::Over);
        }
    }

    fn exhausting(&self, who: CombatantId) -> Vec<EffectId> {
        let exhausts = |effect: &&Effect| effect.template.conditions == [Condition::Exhaustion];
        self.combat.effects_on(who).filter(exhausts).map(|effect| effect.id).collect()
    }

    /// When a duration that begins now is over.
    pub(super) fn ends(
        &self,
        duration: Duration,
        source: Option<CombatantId>,
        target: CombatantId,
    ) -> Option<Moment> {
        let active = self.combat.active();
        if let Some(rounds) = duration.rounds() {
            // What began before the first turn counts from then on, on its source's turns.
            let (of, at, begun) = match active {
                Some(active) => (active, Point::Within, self.combat.round),
                None => (source.unwrap_or(target), Point::Start, self.combat.round.max(1)),
            };
            return Some(Moment { round: begun.saturating_add(rounds), of, at });
        }
        let Duration::Until { edge, whose, which } = duration else { return None };
        let of = match whose {
            Whose::Source => source?,
            Whose::Target => target,
        };
        let turn_of = self.view().controlled_by(of).unwrap_or(of);
        if which == Which::This && active == Some(turn_of) {
            return Some(Moment { round: self.combat.round, of, at: edge.into() });
        }
        let place = |id| self.combat.order.iter().position(|other| *other == id);
        let to_come = place(turn_of) > self.combat.turn;
        let round = self.combat.round + u32::from(!to_come);
        Some(Moment { round, of, at: edge.into() })
    }

    /// Ends an effect, those that hang on it, and what it hangs on when nothing else does.
    pub(super) fn end(&mut self, id: EffectId, reason: EndReason) {
        let Some(effect) = self.combat.effects.get(&id).cloned() else { return };
        let resizes = self.changes_size(id);
        self.tell(Fact::EffectEnded { id, reason });
        if resizes {
            self.fit_size(effect.target);
        }
        if effect.covers.is_some() {
            self.lay_ground();
        }
        self.clamp_hp(effect.target);
        self.let_out(&effect);
        self.come_back(&effect);
        let ending = |trigger: &Trigger| matches!(trigger.on, Hook::Ends | Hook::Expires);
        if effect.template.triggers.iter().any(ending) || is_of_summoned(&effect) {
            self.ended.push_back((Arc::clone(&effect), reason));
        }
        for child in self.children(id) {
            // What lasts no longer by itself runs out at the same moment.
            let ends = self.combat.effects.get(&child).and_then(|child| child.ends);
            let along = reason == EndReason::Expired && ends == effect.ends;
            self.end(child, if along { EndReason::Expired } else { EndReason::Parent });
        }
        let holder = effect.source.and_then(|source| self.combat.combatant(source));
        if let Some(holder) = holder.filter(|holder| holder.concentration == Some(id)) {
            let who = holder.id;
            self.tell(Fact::ConcentrationSet { who, on: None });
        }
        if let Some(parent) = effect.parent
            && self.children(parent).is_empty()
        {
            self.end(parent, EndReason::Over);
        }
    }

    /// Who was off the board by an effect that ended is back where it was, unless another keeps it
    /// away.
    fn come_back(&mut self, effect: &Effect) {
        let who = effect.target;
        let off_board = self.combat.combatant(who).is_some_and(|it| it.position.is_none());
        let Some(from) = effect.from.filter(|_| off_board) else { return };
        let other = self.combat.effects_on(who).find(|other| other.template.away).cloned();
        if let Some(other) = other {
            let effect = Arc::new(Effect { from: Some(from), ..other });
            self.tell(Fact::EffectChanged { effect });
            return;
        }
        self.set_down(who, from);
        self.fit_areas(who);
        self.carry(who);
    }

    /// Hit points are no more than their maximum now.
    pub(super) fn clamp_hp(&mut self, target: CombatantId) {
        let Some(hp) = self.combat.combatant(target).map(|it| it.hp) else { return };
        let most = self.view().max_hp(target).max(0);
        if hp.current > most {
            let hp = HitPoints { current: most, ..hp };
            self.tell(Fact::TempHpSet { who: target, hp });
        }
    }

    fn children(&self, parent: EffectId) -> Vec<EffectId> {
        let of = |effect: &&Arc<Effect>| effect.parent == Some(parent);
        self.combat.effects.values().filter(of).map(|effect| effect.id).collect()
    }

    /// Ends a creature's concentration because it was broken.
    pub(super) fn lose_concentration(&mut self, who: CombatantId) {
        if let Some(on) = self.combat.combatant(who).and_then(|who| who.concentration) {
            self.end(on, EndReason::Concentration);
        }
    }

    /// Ends a creature's concentration because it wants to: free, at any time.
    pub(super) fn stop_concentrating(&mut self, who: CombatantId) -> Flow<()> {
        self.combatant(who)?;
        self.lose_concentration(who);
        Ok(())
    }

    /// Ends what runs out at this point of a turn.
    pub(super) fn expire(&mut self, of: CombatantId, at: Point) {
        self.expire_in(of, at, self.combat.round);
    }

    /// The same of a round that is yet to be told of.
    pub(super) fn expire_in(&mut self, of: CombatantId, at: Point, round: u32) {
        let over: Vec<EffectId> = self
            .combat
            .effects
            .values()
            .filter(|effect| {
                effect
                    .ends
                    .is_some_and(|ends| ends.of == of && ends.at == at && ends.round <= round)
            })
            .map(|effect| effect.id)
            .collect();
        for id in over {
            self.end(id, EndReason::Expired);
        }
    }
}
