//! Chances that others give: who leaves a reach, whom hands can be laid on (SRD 5.1 "Opportunity
//! Attacks", "Grappling", "Shoving a Creature"; SRD 5.2.1 "Opportunity Attacks", "Unarmed Strike").

use super::View;
use crate::combat::{CombatantId, CombatantKind, Life, Manner, Refusal};
use crate::content::{Attack, AttackKind, AttackProperty, UNARMED};
use crate::effect::ModifierKind;
use crate::grapple::may_grapple;
use crate::space::{Cover, Departure, MoveCause, Relation, Space, Watcher};
use crate::{Condition, Key, Switch};

/// An Unarmed Strike that seizes.
pub(in crate::combat) const GRAPPLE: &str = "grapple";
/// One that knocks down.
pub(in crate::combat) const SHOVE_PRONE: &str = "shove-prone";
/// One that pushes away.
pub(in crate::combat) const SHOVE_PUSH: &str = "shove-push";
/// Hands of a creature.
pub(in crate::combat) const HANDS: usize = 2;

impl View<'_> {
    /// What a creature may strike another with right before its next step: its melee attacks, its
    /// body, and in SRD 5.2.1 what an Unarmed Strike does in place of damage.
    pub(in crate::combat) fn opportunities(
        self,
        reactor: CombatantId,
        mover: CombatantId,
        (to, cause): (Space, MoveCause),
    ) -> Vec<Key> {
        let both = (self.combat.combatant(reactor), self.combat.combatant(mover));
        let (Some(watching), Some(moving)) = both else { return Vec::new() };
        let hostile = watching.relation(moving) == Relation::Enemy;
        let ready = watching.economy.reaction && watching.is_conscious();
        let spaces = (self.space_of(reactor), self.space_of(mover));
        let (Some(space), Some(from)) = spaces else { return Vec::new() };
        if watching.kind == CombatantKind::Object
            || !hostile
            || !ready
            || self.is(reactor, ModifierKind::NoOpportunity)
        {
            return Vec::new();
        }
        let departure = Departure { from, to, cause, disengaged: moving.economy.disengaged };
        let watcher = |own_ft: Option<i32>| Watcher {
            space,
            reach_ft: self.reach_of(reactor, own_ft),
            hostile,
            // Looked at last: it is found out at some cost, and few steps leave anybody's reach.
            sees: true,
            reaction: !self.is(reactor, ModifierKind::CannotReact),
            may_attack: !self.is_charmed_by(reactor, mover),
        };
        let rule = self.combat.rules.edition(Switch::OpportunityAttack);
        let provoked = |own_ft: Option<i32>| {
            departure.provokes(&watcher(own_ft), rule, self.diagonals())
                && self.sees(reactor, mover)
        };
        let melee = watching.block.attacks.iter().filter(|it| it.kind != AttackKind::Ranged);
        let struck = melee.filter(|attack| provoked(attack.reach_ft));
        let wielded = struck.filter(|it| self.may_wield(reactor, it, Manner::default()).is_ok());
        let mut options: Vec<Key> = wielded.map(|attack| attack.attack_id.clone()).collect();
        if provoked(None) {
            let body = Key::parse(UNARMED).into_iter().chain(self.grips(reactor, mover));
            options
                .extend(body.filter(|it| watching.block.attack(it).is_none()).collect::<Vec<_>>());
        }
        options
    }

    /// What an Unarmed Strike of one creature may do to another in place of damage.
    fn grips(self, who: CombatantId, target: CombatantId) -> Vec<Key> {
        let strikes = self.combat.rules.is_52(Switch::GrappleShove);
        if !strikes || self.may_lay_hands(who, target).is_err() {
            return Vec::new();
        }
        let seizes = self.may_seize(who, target).is_ok().then_some(GRAPPLE);
        let words = seizes.into_iter().chain([SHOVE_PRONE, SHOVE_PUSH]);
        words.filter_map(|word| Key::parse(word).ok()).collect()
    }

    /// That a creature can be seized or shoved: within reach, and not too large.
    pub(in crate::combat) fn may_lay_hands(
        self,
        who: CombatantId,
        target: CombatantId,
    ) -> Result<(), Refusal> {
        let (own, other) = (self.known(who)?, self.known(target)?);
        if who == target || other.life == Life::Dead || self.is_elsewhere(who, target) {
            return Err(Refusal::InvalidTarget);
        }
        if !may_grapple(own.block.size, other.block.size) {
            return Err(Refusal::TooLarge);
        }
        if self.is_charmed_by(who, target) {
            return Err(Refusal::CharmedByTarget);
        }
        let unarmed = Key::parse(UNARMED).ok().and_then(|id| own.block.any_attack(&id));
        let reach_ft = self.reach_of(who, unarmed.and_then(|attack| attack.reach_ft));
        let distance_ft = self.distance_ft(who, target);
        if distance_ft > reach_ft {
            return Err(Refusal::OutOfReach { distance_ft, reach_ft });
        }
        if self.cover(who, target) == Cover::Total {
            return Err(Refusal::NoLineOfEffect);
        }
        Ok(())
    }

    /// That one who can lay hands on another has one free for it, and does not hold it already.
    pub(in crate::combat) fn may_seize(
        self,
        who: CombatantId,
        target: CombatantId,
    ) -> Result<(), Refusal> {
        if self.grapples(who, target) {
            return Err(Refusal::NothingToDo);
        }
        if self.hands_taken(who) >= HANDS || self.is(who, ModifierKind::NoFreeHand) {
            return Err(Refusal::NoFreeHand);
        }
        Ok(())
    }

    /// That there are hands for an attack: two for a two-handed one, one for a rider's lance. What it
    /// holds may be the weapon by another name, or what that shoots, unless it is another attack of
    /// its own, a shield or a focus.
    pub(in crate::combat) fn may_wield(
        self,
        who: CombatantId,
        attack: &Attack,
        how: Manner,
    ) -> Result<(), Refusal> {
        let Some(combatant) = self.combat.combatant(who).filter(|it| !it.held.is_empty()) else {
            return Ok(());
        };
        let (content, id, held) = (&self.book.content, &attack.attack_id, &combatant.held);
        let weapon = content.weapons.get(id);
        let two_handed = match weapon.filter(|it| it.two_handed_unless_mounted || it.is_lance()) {
            Some(_) => self.mount(who).is_none(),
            None => attack.has(AttackProperty::TwoHanded),
        };
        let other = |item: &Key| {
            combatant.block.attack(item).is_some()
                || content.armor.contains_key(item)
                || content.items.get(item).is_some_and(|item| item.focus)
        };
        let named = held.contains(id);
        let unnamed = held.iter().filter(|item| *item != id && !other(item)).count();
        let shoots = attack.has(AttackProperty::Ammunition);
        let own = usize::from(named) + unnamed.min(usize::from(!named) + usize::from(shoots));
        if (how.two_handed || two_handed) && self.hands_taken(who) > own {
            return Err(Refusal::NoFreeHand);
        }
        Ok(())
    }

    /// Hands with something or somebody in them.
    pub(in crate::combat) fn hands_taken(self, who: CombatantId) -> usize {
        let holds = self.combat.effects.values().filter(|effect| {
            effect.source == Some(who) && effect.template.conditions == [Condition::Grappled]
        });
        self.combat.combatant(who).map_or(0, |it| it.held.len()) + holds.count()
    }
}
