//! Traits of creatures: put on as they join, auras, what answers a blow, what keeps from death (SRD
//! 5.1 "Monsters", "Special Traits"; SRD 5.2.1 "Monsters", "Traits").

use std::sync::Arc;

use super::harm::Follows;
use super::{Flow, Resolver};
use crate::combat::view::{About, Strike};
use crate::combat::{Combatant, CombatantId, DamagePart, Fact, Harm, Life, Portion};
use crate::content::{Aura, AuraEdge, Facts, Trait, Who};
use crate::effect::{Duration, Edge, EffectTemplate, ModifierKind, SaveSpec, Which, Whose};
use crate::space::Cover;
use crate::{Ability, Condition, DamageType, Edition, Key};

/// Key of the effect that keeps a creature from regenerating.
const NO_REGENERATION: &str = "no-regeneration";

/// How near a retaliation reaches.
const BESIDE_FT: i32 = 5;

/// What a save keeps from: what is said to saves against it.
#[derive(Clone, Copy, Default)]
pub(super) struct Stakes<'s> {
    pub(super) from: Option<CombatantId>,
    pub(super) conditions: &'s [Condition],
    pub(super) magical: bool,
}

impl Resolver<'_> {
    /// The traits of a block run on their bearer, from the beginning and until it leaves.
    pub(super) fn bear_traits(&mut self, who: CombatantId) -> Flow<()> {
        let book = self.book;
        let combatant = self.combatant(who)?;
        let (block, monster) = (Arc::clone(&combatant.block), combatant.monster.clone());
        for id in &block.traits {
            let Some(it) = book.content.trait_of(monster.as_ref(), id) else { continue };
            let nothing = it.modifiers.is_empty()
                && it.conditions.is_empty()
                && it.triggers.is_empty()
                && it.grants.is_empty()
                && it.zone.is_none();
            if nothing {
                continue;
            }
            let template = EffectTemplate {
                key: Some(id.clone()),
                modifiers: it.modifiers.clone(),
                conditions: it.conditions.clone(),
                triggers: it.triggers.clone(),
                grants: it.grants.clone(),
                ends_on: it.ends_on.clone(),
                area: it.area,
                zone: it.zone.clone(),
                ..EffectTemplate::named(id.as_str(), Duration::Permanent)
            };
            self.put(&Arc::new(template), Some(who), who, None);
        }
        Ok(())
    }

    /// What the auras do at this point of somebody's turn, in the order of names.
    pub(super) fn auras(&mut self, of: CombatantId, edge: Edge) -> Flow<()> {
        let all: Vec<CombatantId> = self.combat.combatants.keys().copied().collect();
        for bearer in all {
            let own = bearer == of;
            let wanted = match (edge, own) {
                (Edge::Start, true) => AuraEdge::BearerStart,
                (Edge::End, true) => AuraEdge::BearerEnd,
                (Edge::Start, false) => AuraEdge::OtherStart,
                (Edge::End, false) => continue,
            };
            for (id, aura, facts) in self.auras_of(bearer) {
                if aura.at == wanted {
                    let only = (wanted == AuraEdge::OtherStart).then_some(of);
                    self.radiate(bearer, (&id, &aura, &facts), only)?;
                }
            }
        }
        Ok(())
    }

    fn auras_of(&self, bearer: CombatantId) -> Vec<(Key, Aura, Facts)> {
        let Some(combatant) = self.combat.combatant(bearer) else { return Vec::new() };
        let content = &self.book.content;
        let aura = |id: &Key| {
            let it: &Trait = content.trait_of(combatant.monster.as_ref(), id)?;
            let facts = self.view().detail(bearer, id)?.facts.clone()?;
            Some((id.clone(), it.aura.clone()?, facts))
        };
        combatant.block.traits.iter().filter_map(aura).collect()
    }

    fn radiate(
        &mut self,
        bearer: CombatantId,
        (id, aura, facts): (&Key, &Aura, &Facts),
        only: Option<CombatantId>,
    ) -> Flow<()> {
        let alive = self.combatant(bearer)?.life == Life::Alive;
        if !alive || (aura.needs_action && self.view().is(bearer, ModifierKind::CannotAct)) {
            return Ok(());
        }
        let targets = self.reached(bearer, (id, aura, facts), only);
        if targets.is_empty() {
            return Ok(());
        }
        // A second amount is for another case.
        let first = facts.damage.get(..1).unwrap_or_default();
        let parts = self.damage_rolled(bearer, first, false)?;
        let follows = Follows {
            cover: Cover::None,
            by: id,
            save: facts.saves.first().copied(),
            fail: aura.fail.as_ref(),
            success: None,
            always: None,
        };
        for target in targets {
            let saved = self.afflict(bearer, target, &parts, follows)?;
            if saved && aura.immunizes {
                self.keep_safe(bearer, target, id);
            }
        }
        Ok(())
    }

    /// Those whom an aura concerns now.
    fn reached(
        &self,
        bearer: CombatantId,
        (id, aura, facts): (&Key, &Aura, &Facts),
        only: Option<CombatantId>,
    ) -> Vec<CombatantId> {
        let feet = facts.feet.first().copied().unwrap_or(0);
        let view = self.view();
        let on_board = |id| self.combat.combatant(id).is_some_and(|who| who.position.is_some());
        let meant = |other: &Combatant| {
            other.id != bearer
                && other.life != Life::Dead
                && only.is_none_or(|only| only == other.id)
                && match aura.who {
                    Some(Who::Enemies | Who::Chosen) => self.hostile(bearer, other.id),
                    Some(Who::Others) | None => true,
                }
                && aura.targets.as_ref().is_none_or(|it| view.meets(it, bearer, other.id))
                && !view.is_immune_to(bearer, other.id, id)
        };
        let near = |other: &Combatant| {
            if aura.grappling {
                return view.grapples(bearer, other.id) || view.grapples(other.id, bearer);
            }
            on_board(bearer)
                && on_board(other.id)
                && view.distance_ft(bearer, other.id) <= feet
                && view.cover(bearer, other.id) != Cover::Total
        };
        let all = self.combat.combatants.values();
        all.filter(|other| meant(other) && near(other)).map(|other| other.id).collect()
    }

    /// Who hits somebody with such a trait in melee from beside it is hurt for it.
    pub(super) fn retaliate(&mut self, strike: Strike<'_>) -> Flow<()> {
        let Strike { attacker, target, ranged, .. } = strike;
        // Where a spell strikes elsewhere, the caster's own distance counts.
        if ranged || self.view().distance_ft(attacker, target) > BESIDE_FT {
            return Ok(());
        }
        let combatant = self.combatant(target)?;
        let (block, monster) = (Arc::clone(&combatant.block), combatant.monster.clone());
        for id in &block.traits {
            let it = self.book.content.trait_of(monster.as_ref(), id);
            if !it.is_some_and(|it| it.retaliates) {
                continue;
            }
            let facts = self.view().detail(target, id).and_then(|it| it.facts.clone());
            let Some(damage) = facts.and_then(|facts| facts.damage.last().cloned()) else {
                continue;
            };
            let parts = self.damage_rolled(target, &[damage], false)?;
            self.deal(target, attacker, parts, Portion::Full)?;
        }
        Ok(())
    }

    /// Hit points back as the turn starts, unless something keeps from it. Who outlives 0 hit points
    /// by regenerating dies there when it does not.
    pub(super) fn regenerate(&mut self, who: CombatantId) -> Flow<()> {
        let view = self.view();
        let amounts = view
            .of_kind(who, ModifierKind::Regenerates)
            .filter(|active| view.cases_hold(who, active, About::default()));
        let Some(amount) = amounts.map(|active| active.modifier.value(0)).max() else {
            return Ok(());
        };
        let combatant = self.combatant(who)?;
        let stopped = self.combat.effects_on(who).any(|effect| {
            effect.template.key.as_ref().is_some_and(|key| key.as_str() == NO_REGENERATION)
        });
        let down = combatant.hp.current == 0;
        let outlives = self.view().is(who, ModifierKind::OutlivesZero);
        if !stopped && combatant.life != Life::Dead && (!down || outlives) {
            self.heal(who, amount);
        } else if stopped && down && outlives && combatant.life == Life::Stable {
            self.tell(Fact::LifeSet { who, life: Life::Dead });
            self.died(who, None)?;
        }
        Ok(())
    }

    /// Damage of some types keeps from regenerating at the start of the next turn.
    pub(super) fn hinder_regeneration(&mut self, who: CombatantId, parts: &[DamagePart]) {
        let hurts = |kind: DamageType| parts.iter().any(|it| it.kind == kind && it.applied > 0);
        let hinders = self
            .view()
            .of_kind(who, ModifierKind::Regenerates)
            .any(|active| active.modifier.types.iter().any(|kind| hurts(*kind)));
        if !hinders {
            return;
        }
        let until = Duration::Until { edge: Edge::End, whose: Whose::Target, which: Which::Next };
        let template = EffectTemplate {
            key: Key::parse(NO_REGENERATION).ok(),
            ..EffectTemplate::named(NO_REGENERATION, until)
        };
        self.put(&Arc::new(template), None, who, None);
    }

    /// What keeps a creature from dying of a blow: fortitude of the undead, a boar's relentlessness,
    /// regeneration of trolls.
    pub(super) fn outlive(
        &mut self,
        who: CombatantId,
        harm: &mut Harm,
        (total, radiant, critical): (i32, bool, bool),
    ) -> Flow<()> {
        let was_alive = self.combatant(who)?.life == Life::Alive;
        let view = self.view();
        let relentless = view
            .of_kind(who, ModifierKind::Relentless)
            .any(|active| total <= active.modifier.value(0));
        let fortitude = view.is(who, ModifierKind::UndeadFortitude) && !radiant && !critical;
        let outlives = view.is(who, ModifierKind::OutlivesZero);
        let id = Key::parse("relentless").ok();
        let spent = id.as_ref().and_then(|id| self.combatant(who).ok()?.spent.get(id).copied());
        if harm.dropped && was_alive && relentless && spent.unwrap_or(0) == 0 {
            if let Some(id) = id {
                self.tell(Fact::UsesSet { who, id, spent: 1 });
            }
            harm.hp.current = 1;
            harm.life = Life::Alive;
        } else if harm.dropped && was_alive && fortitude {
            let dc = total.saturating_add(5);
            if self.save(who, Ability::Con, dc)? {
                harm.hp.current = 1;
                harm.life = Life::Alive;
            }
        } else if outlives && harm.life == Life::Dead && harm.hp.current == 0 {
            harm.life = Life::Stable;
        }
        Ok(())
    }

    /// Some damage heals instead: its share is taken out and given back as hit points.
    pub(super) fn absorb(&mut self, who: CombatantId, parts: &[DamagePart], portion: Portion) {
        let absorbs = |kind: DamageType| {
            self.view()
                .of_kind(who, ModifierKind::Absorbs)
                .any(|active| active.modifier.types.contains(&kind))
        };
        let absorbed: i32 = parts
            .iter()
            .filter(|part| absorbs(part.kind))
            .map(|part| portion.of(part.rolled))
            .fold(0, i32::saturating_add);
        if absorbed > 0 {
            self.heal(who, absorbed);
        }
    }

    /// What a save for half makes of damage: who evades takes none on a success and half on a
    /// failure.
    pub(super) fn portion(&self, who: CombatantId, save: Option<SaveSpec>, saved: bool) -> Portion {
        let half = save.is_some_and(|save| save.half);
        let dexterity = save.is_some_and(|save| save.ability == Ability::Dex);
        let evades = half
            && dexterity
            && self.view().is(who, ModifierKind::Evasion)
            && !self.view().is(who, ModifierKind::CannotAct);
        match (evades, saved) {
            (true, true) => Portion::None,
            (true, false) => Portion::Half,
            (false, saved) => Portion::after(saved, half),
        }
    }

    /// Who cannot breathe here holds its breath; then it suffocates. SRD 5.1: it drops to 0 hit
    /// points; SRD 5.2.1: a level of exhaustion at the end of each turn.
    pub(super) fn breathe(&mut self, who: CombatantId) -> Flow<()> {
        let view = self.view();
        let under = view.is_submerged(who);
        let breathes = if view.is(who, ModifierKind::CannotBreathe) {
            false
        } else if under {
            view.is(who, ModifierKind::BreathesWater)
        } else {
            !view.is(who, ModifierKind::CannotBreatheAir)
        };
        let combatant = self.combatant(who)?;
        let Some(id) = Key::parse(BREATH).ok() else { return Ok(()) };
        let held = combatant.spent.get(&id).copied().unwrap_or(0);
        if breathes || combatant.position.is_none() || combatant.life != Life::Alive {
            if held > 0 {
                self.tell(Fact::UsesSet { who, id, spent: 0 });
            }
            return Ok(());
        }
        let modifier = combatant.block.abilities.modifier(Ability::Con);
        let longer = view
            .of_kind(who, ModifierKind::HoldsBreath)
            .map(|active| active.modifier.value(0))
            .max();
        // A minute is ten rounds.
        let rounds = longer.map_or((1 + modifier).saturating_mul(10).max(5), |it| it * 10);
        let old = self.combat.rules.edition == Edition::E51;
        let rounds = if old { rounds + modifier.max(1) } else { rounds };
        if i32::from(held) < rounds {
            // What is longer than a fight of 25 minutes is not counted to its end.
            let spent = held.saturating_add(1).min(BREATH_COUNTED);
            self.tell(Fact::UsesSet { who, id, spent });
            return Ok(());
        }
        if !old {
            let template = EffectTemplate {
                exhaustion: Some(1),
                ..EffectTemplate::condition(Condition::Exhaustion, Duration::Permanent)
            };
            self.put(&Arc::new(template), None, who, None);
            return Ok(());
        }
        let combatant = self.combatant(who)?;
        let life = combatant.at_zero().life();
        let hp = crate::combat::HitPoints { current: 0, ..combatant.hp };
        let (target, source, parts) = (who, None, Vec::new());
        self.tell(Fact::Damaged {
            target,
            source,
            parts,
            temp_absorbed: 0,
            hp,
            life,
            massive: false,
        });
        if life == Life::Dead {
            self.lose_concentration(who);
            return self.died(who, None);
        }
        self.fall_unconscious(who, Duration::Permanent);
        Ok(())
    }

    /// Who resisted is safe from it for a day.
    pub(super) fn keep_safe(&mut self, source: CombatantId, target: CombatantId, id: &Key) {
        let template = EffectTemplate {
            key: Some(id.clone()),
            ..EffectTemplate::named(
                &format!("{}{id}", crate::combat::view::IMMUNE),
                Duration::Seconds { seconds: DAY_SECONDS },
            )
        };
        self.put(&Arc::new(template), Some(source), target, None);
    }
}

/// What rounds without air are counted under.
const BREATH: &str = "breath";

/// Rounds without air that are counted.
const BREATH_COUNTED: u8 = 250;

/// Seconds for which a resisted aura is not felt again.
const DAY_SECONDS: u32 = 86_400;
