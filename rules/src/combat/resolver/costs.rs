//! What casting a spell costs: of the turn, and of slots, uses a day and charges (SRD 5.1 "Casting
//! a Spell", "Rituals"; SRD 5.2.1 same).

use super::Resolver;
use super::cast::Means;
use crate::combat::{Cast, CombatantId, Economy, Fact, Refusal};
use crate::content::{CastingTime, SpellRules, Spellcasting};
use crate::effect::{Casting, ModifierKind};
use crate::{Edition, Key, Switch};

/// What a casting is paid with.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Payment {
    Nothing,
    Slot(u8),
    PerDay,
    /// So many charges of a thing.
    Charges {
        of: Key,
        count: u8,
    },
}

impl Resolver<'_> {
    /// What is left of a turn after the casting time (SRD 5.1 "Casting Time"; SRD 5.2.1 same).
    pub(super) fn cast_economy(
        &self,
        who: CombatantId,
        rules: &SpellRules,
        longer: bool,
    ) -> Result<Economy, Refusal> {
        let bonus_action = rules.record.casting_time == CastingTime::BonusAction;
        if !bonus_action && self.view().has_chosen_bonus_action(who) {
            return Err(Refusal::NoActionLeft);
        }
        let economy = self.combatant(who)?.economy.clone();
        let whole = |economy: Economy| {
            economy.action.then(|| Economy { action: false, made: Vec::new(), ..economy })
        };
        match rules.record.casting_time {
            _ if longer => whole(economy).ok_or(Refusal::NoActionLeft),
            CastingTime::Action | CastingTime::ActionOrMinutes { .. } => {
                // Part of Multiattack where a set of it says so, or an action of its own.
                let caster = self.combatant(who)?;
                let id = &rules.record.id;
                let named = caster.block.multiattack.iter().any(|set| set.contains(id));
                let member = self.view().set_member(who).or_else(|| named.then_some(id));
                let made = match member {
                    Some(member) => caster.after_making(member),
                    None => whole(economy),
                };
                made.ok_or(Refusal::NoActionLeft)
            }
            CastingTime::BonusAction if self.view().bonus_action_left(who) => {
                Ok(Economy { bonus_action: false, ..economy })
            }
            CastingTime::BonusAction => Err(Refusal::NoActionLeft),
            CastingTime::Reaction => Err(Refusal::NotAnAction),
            CastingTime::Minutes { .. } => whole(economy).ok_or(Refusal::NoActionLeft),
        }
    }

    /// What is spent, and the level that the spell is cast at. What has uses a day and slots is cast
    /// from a slot where one is named.
    pub(super) fn payment(
        &self,
        who: CombatantId,
        rules: &SpellRules,
        block: &Spellcasting,
        slot_level: u8,
    ) -> Result<(u8, Payment), Refusal> {
        let level = rules.record.level;
        if let Some(paid) = self.paid_before(who, rules, slot_level) {
            return Ok(paid);
        }
        let none = Err(Refusal::NoSlot { level: slot_level });
        if level == 0 && !block.per_day.contains_key(&rules.record.id) {
            return if slot_level == 0 { Ok((0, Payment::Nothing)) } else { none };
        }
        let caster = self.combatant(who)?;
        if slot_level == 0 {
            let level = self.view().listed_level(who, &rules.record.id).unwrap_or(level).max(level);
            return match block.per_day.get(&rules.record.id) {
                Some(most) => {
                    let spent = caster.spent.get(&rules.record.id).copied().unwrap_or(0);
                    if spent < *most { Ok((level, Payment::PerDay)) } else { Err(Refusal::Spent) }
                }
                None if block.slots.is_empty()
                    || self.view().casts_at_will(who, &rules.record.id) =>
                {
                    Ok((level, Payment::Nothing))
                }
                None => none,
            };
        }
        let all = block.slots.get(&slot_level).copied().unwrap_or(0);
        let spent = caster.slots_spent.get(&slot_level).copied().unwrap_or(0);
        if slot_level < level || spent >= all {
            return none;
        }
        Ok((slot_level, Payment::Slot(slot_level)))
    }

    /// The level of a spell that is held, and was paid for when it was begun.
    fn paid_before(
        &self,
        who: CombatantId,
        rules: &SpellRules,
        slot_level: u8,
    ) -> Option<(u8, Payment)> {
        let held = self.combat.effects.get(&self.held_spell(who, &rules.record.id)?);
        let held = held.and_then(|it| it.template.casting.as_deref());
        let slot = held.map_or(slot_level.max(rules.record.level), |casting| casting.slot);
        Some((slot, Payment::Nothing))
    }

    /// The spells of one turn: 5.1 beside one cast with a bonus action only cantrips of one action,
    /// 5.2 one spell slot (SRD 5.1 "Bonus Action"; SRD 5.2.1 "One Spell with a Spell Slot per Turn").
    pub(super) fn within_limit(
        &self,
        economy: Economy,
        rules: &SpellRules,
        payment: &Payment,
    ) -> Result<Economy, Refusal> {
        let before = economy.cast;
        let bonus_action = rules.record.casting_time == CastingTime::BonusAction;
        let more = rules.record.level > 0 || bonus_action;
        let slot = matches!(payment, Payment::Slot(_));
        let over = if self.combat.rules.is_52(Switch::SpellLimit) {
            slot && before.slot
        } else {
            (before.bonus_action && more) || (bonus_action && before.more)
        };
        if over {
            return Err(Refusal::SpellLimit);
        }
        let cast = Cast {
            bonus_action: before.bonus_action || bonus_action,
            more: before.more || more,
            slot: before.slot || slot,
        };
        Ok(Economy { cast, ..economy })
    }

    /// The same for a spell that may be cast as a ritual, or from a thing.
    pub(super) fn payment_by(
        &self,
        who: CombatantId,
        rules: &SpellRules,
        block: &Spellcasting,
        slot_level: u8,
        by: Means<'_>,
    ) -> Result<(u8, Payment), Refusal> {
        match by {
            Means { ritual: true, item: Some(_) } => Err(Refusal::NotARitual),
            Means { ritual: true, item: None } => {
                self.may_cast_as_ritual(who, rules, block)?;
                let none = Err(Refusal::NoSlot { level: slot_level });
                if slot_level == 0 { Ok((rules.record.level, Payment::Nothing)) } else { none }
            }
            Means { ritual: false, item: Some(item) } => {
                match self.paid_before(who, rules, slot_level) {
                    Some(paid) => Ok(paid),
                    None => self.item_payment(who, &rules.record, item, slot_level),
                }
            }
            Means { ritual: false, item: None } => self.payment(who, rules, block, slot_level),
        }
    }

    /// A ritual is a spell with the tag that is prepared or known, not cast so often a day; in SRD 5.1
    /// its caster has a feature for it (SRD 5.1 "Rituals"; SRD 5.2.1 "Ritual").
    fn may_cast_as_ritual(
        &self,
        who: CombatantId,
        rules: &SpellRules,
        block: &Spellcasting,
    ) -> Result<(), Refusal> {
        let able = self.combat.rules.edition == Edition::E52
            || self.view().is(who, ModifierKind::CastsRituals);
        let listed = block.per_day.contains_key(&rules.record.id);
        if able && rules.record.ritual && !listed { Ok(()) } else { Err(Refusal::NotARitual) }
    }

    /// Spends it.
    pub(super) fn pay(&mut self, who: CombatantId, casting: &Casting, payment: &Payment) {
        let Some(caster) = self.combat.combatant(who) else { return };
        match payment {
            Payment::Nothing => {}
            Payment::Slot(level) => {
                let level = *level;
                let spent = caster.slots_spent.get(&level).copied().unwrap_or(0).saturating_add(1);
                self.tell(Fact::SlotsSet { who, level, spent });
            }
            Payment::PerDay => {
                let id = casting.spell.clone();
                let spent = caster.spent.get(&id).copied().unwrap_or(0).saturating_add(1);
                self.tell(Fact::UsesSet { who, id, spent });
            }
            Payment::Charges { of, count } => {
                let spent = caster.spent.get(of).copied().unwrap_or(0).saturating_add(*count);
                self.tell(Fact::UsesSet { who, id: of.clone(), spent });
            }
        }
    }

    /// 5.2: the slot of a spell that is countered is not spent (SRD 5.2.1 "Counterspell").
    pub(super) fn keep_slot(&mut self, who: CombatantId, payment: &Payment) {
        let (Payment::Slot(level), Edition::E52) = (payment, self.combat.rules.edition) else {
            return;
        };
        let level = *level;
        let Some(caster) = self.combat.combatant(who) else { return };
        let spent = caster.slots_spent.get(&level).copied().unwrap_or(0).saturating_sub(1);
        self.tell(Fact::SlotsSet { who, level, spent });
    }
}
