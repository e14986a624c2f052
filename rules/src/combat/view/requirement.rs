//! Whom an attack or a use of a bestiary's creature is for, and when it does more (SRD 5.1
//! "Monsters", "Actions"; SRD 5.2.1 "Monsters", "Parts of a Stat Block").

use std::borrow::Cow;

use super::{Strike, View};
use crate::combat::{Combatant, CombatantId, CombatantKind, Effect, Refusal};
use crate::content::{Burns, Detail, Favored, Requirement, SpecialAction, Variant, Who};
use crate::dice::RollMode;
use crate::effect::{DamageDice, ModifierKind};
use crate::space::{Relation, SQUARE_FT, Scale, Square, distance_ft, offset_ft};
use crate::{Condition, Key, Size};

/// What the effect's name begins with that keeps a creature safe from a use it resisted.
pub(in crate::combat) const IMMUNE: &str = "Immune to ";

/// Tag of objects that can catch fire.
const FLAMMABLE: &str = "flammable";

/// Key of the effect by which a creature is larger than it was.
const ENLARGED: &str = "enlarge";

/// What can be counted as spent of one pool.
const MOST_POOLED: u32 = u8::MAX as u32 - 1;

impl<'a> View<'a> {
    /// What the bestiary says of an attack, use or trait beside its numbers.
    pub(in crate::combat) fn detail(self, who: CombatantId, key: &Key) -> Option<&'a Detail> {
        let monster = self.combat.combatant(who)?.monster.as_ref()?;
        let deed = self.book.content.deeds.get(monster, key);
        let said = deed.and_then(|deed| deed.detail.as_ref());
        said.or_else(|| self.book.content.monsters.get(monster)?.details.get(key))
    }

    /// Whether a target is what it must be; every member that is there must hold.
    pub(in crate::combat) fn meets(
        self,
        it: &Requirement,
        user: CombatantId,
        target: CombatantId,
    ) -> bool {
        let Some(other) = self.combat.combatant(target) else { return false };
        let block = &other.block;
        let kind = block.creature_type;
        it.max_size.is_none_or(|most| block.size <= most)
            && (it.types.is_empty() || kind.is_some_and(|kind| it.types.contains(&kind)))
            && !kind.is_some_and(|kind| it.not_types.contains(&kind))
            && !block.tags.iter().any(|tag| it.not_tags.contains(tag))
            && it.condition.is_none_or(|condition| self.has(target, condition))
            && (!it.grappled_by_it || self.grapples(user, target))
            && (!it.seen || self.sees(user, target))
            && (!it.sees || self.sees(target, user))
            && (!it.hears || !self.has(target, Condition::Deafened))
            && (!it.in_space || self.overlap(user, target))
            && it.charge_ft.is_none_or(|feet| self.charged(user, target, feet))
            && it.max_hp.is_none_or(|most| other.hp.current <= most)
            && (!it.not_grappled_by_it || !self.grapples(user, target))
            && (!it.at_mercy || self.is_at_mercy(user, target))
            && it.burns.is_none_or(|burns| can_burn(other, burns))
    }

    /// Whether a creature has made itself larger (SRD 5.1 "Duergar").
    fn is_enlarged(self, who: CombatantId) -> bool {
        let key = |effect: &Effect| {
            effect.template.key.as_ref().is_some_and(|key| key.as_str() == ENLARGED)
        };
        self.combat.effects_on(who).any(key)
    }

    /// Whether something in its record favors an attack's roll.
    pub(in crate::combat) fn is_favored(self, strike: Strike<'_>) -> bool {
        let detail = self.detail(strike.attacker, &strike.attack.attack_id);
        match detail.and_then(|it| it.favored) {
            None => false,
            Some(Favored::TargetWounded) => self
                .combat
                .combatant(strike.target)
                .is_some_and(|it| it.hp.current < self.max_hp(strike.target)),
            Some(Favored::TargetGrappled) => self.grapples(strike.attacker, strike.target),
            Some(Favored::FirstRound) => self.combat.round <= 1,
        }
    }

    /// Whether a creature lets another do what it wants, or cannot help it (SRD 5.1 "Vampire").
    fn is_at_mercy(self, user: CombatantId, target: CombatantId) -> bool {
        self.relation(user, target) == Relation::Ally
            || self.grapples(user, target)
            || self.is(target, ModifierKind::CannotAct)
            || self.has(target, Condition::Restrained)
    }

    /// Whether an attack hits without a roll whom its maker holds.
    pub(in crate::combat) fn hits_held(self, strike: Strike<'_>) -> bool {
        let detail = self.detail(strike.attacker, &strike.attack.attack_id);
        detail.is_some_and(|it| it.hits_held) && self.grapples(strike.attacker, strike.target)
    }

    /// Whether one creature grapples another.
    pub(in crate::combat) fn grapples(self, who: CombatantId, target: CombatantId) -> bool {
        self.combat.effects_on(target).any(|effect| is_grapple(effect, who))
    }

    /// Those whom a creature grapples with this attack or use.
    pub(in crate::combat) fn grappled_with(self, who: CombatantId, with: &Key) -> Vec<CombatantId> {
        let by_it = |effect: &&std::sync::Arc<Effect>| {
            is_grapple(effect, who) && effect.template.key.as_ref() == Some(with)
        };
        self.combat.effects.values().filter(by_it).map(|effect| effect.target).collect()
    }

    /// Whether an attack does double damage (SRD 5.1 and SRD 5.2.1 "Siege Monster").
    pub(in crate::combat) fn doubles(self, strike: Strike<'_>) -> bool {
        let target = self.combat.combatant(strike.target);
        target.is_some_and(|target| target.kind == CombatantKind::Object)
            && self.is(strike.attacker, ModifierKind::DoublesAgainstObjects)
    }

    /// Whether an ally that can act is within 5 feet of somebody (SRD 5.1 and SRD 5.2.1 "Pack
    /// Tactics").
    pub(in crate::combat) fn flanks(self, who: CombatantId, other: CombatantId) -> bool {
        let Some(me) = self.combat.combatant(who) else { return false };
        self.combat.combatants.values().any(|ally| {
            ally.id != who
                && ally.id != other
                && me.relation(ally) == Relation::Ally
                && ally.position.is_some()
                && ally.life == crate::combat::Life::Alive
                && !self.is(ally.id, ModifierKind::CannotAct)
                && self.distance_ft(ally.id, other) <= SQUARE_FT
        })
    }

    fn overlap(self, one: CombatantId, other: CombatantId) -> bool {
        let space = |id| self.combat.combatant(id).and_then(Combatant::space);
        space(one).zip(space(other)).is_some_and(|(one, other)| one.overlaps(other))
    }

    /// Whether a creature moved at least so far straight toward another just before: squares in one
    /// direction, each nearer than the one before.
    pub(in crate::combat) fn charged(
        self,
        who: CombatantId,
        target: CombatantId,
        feet: i32,
    ) -> bool {
        let both = (self.combat.combatant(who), self.combat.combatant(target));
        let (Some(who), Some(target)) = both else { return false };
        let (Some(at), Some(there)) = (who.position, target.space()) else { return false };
        let apart = |square| distance_ft(who.space_at(square), there, self.diagonals());
        if who.scale == Scale::Feet {
            return is_straight_run(&who.economy.run, at, feet, apart);
        }
        let mut after = at;
        let mut run = 0;
        let mut direction = None;
        for before in who.economy.run.iter().rev() {
            let step = Square { x: after.x - before.x, y: after.y - before.y };
            let straight = *direction.get_or_insert(step) == step;
            if !straight || apart(*before) <= apart(after) {
                break;
            }
            run += SQUARE_FT;
            after = *before;
        }
        run >= feet
    }

    /// Whether a creature has half of its hit points or fewer.
    pub fn is_bloodied(self, who: CombatantId) -> bool {
        let hp = self.combat.combatant(who).map(|who| who.hp.current);
        hp.is_some_and(|hp| hp.saturating_mul(2) <= self.max_hp(who))
    }

    /// The damage that a hit deals as things are; `mode` is that of its attack roll.
    pub(in crate::combat) fn damage_of<'s>(
        self,
        strike: Strike<'s>,
        mode: RollMode,
    ) -> Cow<'s, [DamageDice]> {
        let attack = strike.attack;
        let variants = self.detail(strike.attacker, &attack.attack_id).map(|it| &it.variants);
        let versatile = strike.how.two_handed && !attack.two_handed_damage.is_empty();
        let plain = if versatile { &attack.two_handed_damage } else { &attack.damage };
        let mut damage = Cow::Borrowed(plain.as_slice());
        for variant in variants.into_iter().flatten() {
            if !self.varies(variant, strike, mode) {
                continue;
            }
            let damage = damage.to_mut();
            if !variant.extra {
                damage.clear();
            }
            damage.extend(variant.damage.iter().cloned());
        }
        damage
    }

    fn varies(self, variant: &Variant, strike: Strike<'_>, mode: RollMode) -> bool {
        use crate::content::When;
        let Strike { attacker, target, ranged, .. } = strike;
        match variant.when {
            When::Bloodied => self.is_bloodied(attacker),
            When::TargetBloodied => self.is_bloodied(target),
            When::Advantage => mode == RollMode::Advantage,
            When::Charge => {
                variant.charge_ft.is_some_and(|feet| self.charged(attacker, target, feet))
            }
            When::TargetGrappled => self.grapples(attacker, target),
            When::AtRange => ranged,
            When::Chosen => strike.how.other,
            When::SmallForm => {
                self.combat.combatant(attacker).is_some_and(|it| it.block.size <= Size::Medium)
            }
            When::Enlarged => self.is_enlarged(attacker),
            // The weapon is another then.
            When::Shillelagh => false,
        }
    }

    /// The word that a use is counted under, and how often it can be used before it comes back;
    /// [`u8::MAX`]: as often as one likes.
    pub(in crate::combat) fn limit(self, who: CombatantId, action: &SpecialAction) -> (Key, u8) {
        let detail = self.detail(who, &action.use_id);
        let shared = detail.and_then(|it| it.shared.clone());
        let once = detail.is_some_and(|it| it.rest_recharges || it.once_per_round);
        let most = match (action.recharge, action.per_day) {
            (Some(_), _) => 1,
            (None, Some(per_day)) => per_day.min(u8::MAX - 1),
            (None, None) if once => 1,
            (None, None) => u8::MAX,
        };
        (shared.unwrap_or_else(|| action.use_id.clone()), most)
    }

    /// That a use is not spent, nor what it spends from.
    pub(in crate::combat) fn is_left(
        self,
        who: CombatantId,
        action: &SpecialAction,
    ) -> Result<(), Refusal> {
        let (pool, most) = self.limit(who, action);
        let user = self.known(who)?;
        let spent = |pool: &Key| user.spent.get(pool).copied().unwrap_or(0);
        let pooled = action.resource.as_ref().is_none_or(|pool| {
            let pooled = user.block.resources.get(pool);
            pooled.is_some_and(|pooled| u32::from(spent(pool)) < pooled.current.min(MOST_POOLED))
        });
        if spent(&pool) < most && pooled { Ok(()) } else { Err(Refusal::Spent) }
    }

    /// Whether a creature resisted this of another's, and is immune to it for a time.
    pub(in crate::combat) fn is_immune_to(
        self,
        user: CombatantId,
        target: CombatantId,
        id: &Key,
    ) -> bool {
        let kind = self.combat.combatant(user).and_then(|user| user.monster.as_ref());
        let of_kind = kind.map(|kind| format!("{IMMUNE}{id} of {kind}"));
        self.combat.effects_on(target).any(|effect| {
            let template = &effect.template;
            let named = template.name.starts_with(IMMUNE);
            let own = effect.source == Some(user) && named;
            template.key.as_ref() == Some(id) && (own || Some(&template.name) == of_kind.as_ref())
        })
    }

    /// Whether an area of a use concerns somebody in it.
    pub(in crate::combat) fn concerns_in_area(
        self,
        detail: Option<&Detail>,
        user: CombatantId,
        target: CombatantId,
        chosen: &[CombatantId],
    ) -> bool {
        let Some(detail) = detail else { return true };
        let hostile = || self.relation(user, target) == Relation::Enemy;
        let meant = match detail.who {
            None => true,
            Some(Who::Others) => user != target,
            Some(Who::Enemies) => hostile(),
            Some(Who::Chosen) if chosen.is_empty() => hostile(),
            Some(Who::Chosen) => chosen.contains(&target),
        };
        meant && detail.targets.as_ref().is_none_or(|it| self.meets(it, user, target))
    }
}

/// Whether somebody is one of those that can catch fire. That an object can is its tag.
fn can_burn(other: &Combatant, burns: Burns) -> bool {
    let object = other.kind == CombatantKind::Object;
    let flammable = other.block.tags.iter().any(|tag| tag.as_str() == FLAMMABLE);
    match burns {
        Burns::Anybody => !object || flammable,
        Burns::Objects => object && flammable,
    }
}

fn is_grapple(effect: &Effect, by: CombatantId) -> bool {
    effect.source == Some(by) && effect.template.conditions.contains(&Condition::Grappled)
}

/// Whether feet of open ground before this one lie along a straight line, as long as asked, that leads
/// nearer.
fn is_straight_run(run: &[Square], at: Square, feet: i32, apart: impl Fn(Square) -> i32) -> bool {
    let offset =
        |to: Square| (i64::from(at.x) - i64::from(to.x), i64::from(at.y) - i64::from(to.y));
    let mut passed = vec![at];
    for before in run.iter().rev() {
        if apart(*before) < passed.last().map_or(0, |after| apart(*after)) {
            return false;
        }
        passed.push(*before);
        if offset_ft(*before, at, Scale::Feet) < feet {
            continue;
        }
        // A foot of a straight line is off it by less than one.
        let (dx, dy) = offset(*before);
        let aside = |to: &Square| {
            let (x, y) = offset(*to);
            (x * dy - y * dx).abs() <= dx.abs().max(dy.abs())
        };
        return passed.iter().all(aside) && apart(*before) > apart(at);
    }
    false
}
