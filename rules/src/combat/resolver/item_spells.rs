//! Spells cast from things with charges (SRD 5.1 "Magic Items", "Spells"; SRD 5.2.1 "Casting Spells
//! from Magic Items"): without components and slots, at the lowest level unless the thing says
//! otherwise.

use std::sync::Arc;

use super::Resolver;
use super::costs::Payment;
use crate::combat::{CombatantId, Refusal};
use crate::content::{ItemSpell, Spell, SpellRules, Spellcasting};
use crate::{Ability, Edition, Key};

impl Resolver<'_> {
    /// A spell that a thing of a creature casts, and the spellcasting it is cast with: the creature's,
    /// but for what the thing says; of who has none, its proficiency alone.
    pub(super) fn spell_of_item(
        &self,
        who: CombatantId,
        spell: &Key,
        item: &Key,
    ) -> Result<(Arc<SpellRules>, Spellcasting), Refusal> {
        let rules = self.book.content.spellbook.get(spell).ok_or(Refusal::UnknownSpell)?;
        let block = &self.combatant(who)?.block;
        let cast = self.cast_by_item(who, spell, item)?;
        let own = block.spellcasting.clone();
        let own = own.unwrap_or_else(|| Spellcasting::plain(Ability::Int, block.proficiency()));
        let dc = cast.dc.unwrap_or(own.dc);
        let attack_bonus = cast.attack_bonus.unwrap_or(own.attack_bonus);
        Ok((Arc::clone(rules), Spellcasting { dc, attack_bonus, ..own }))
    }

    /// The level that a thing casts at, and the charges that it takes: each level above the lowest one
    /// more.
    pub(super) fn item_payment(
        &self,
        who: CombatantId,
        spell: &Spell,
        item: &Key,
        level: u8,
    ) -> Result<(u8, Payment), Refusal> {
        let cast = self.cast_by_item(who, &spell.id, item)?;
        let least = cast.level.unwrap_or(spell.level);
        let newer = cast.most_52.filter(|_| self.combat.rules.edition == Edition::E52);
        let most = newer.or(cast.most).unwrap_or(least);
        let slot = if level == 0 { least } else { level };
        if slot < least || slot > most {
            return Err(Refusal::NoSlot { level });
        }
        let count = cast.charges.unwrap_or(1).saturating_add(slot - least);
        let combatant = self.combatant(who)?;
        let spent = combatant.spent.get(item).copied().unwrap_or(0).saturating_add(count);
        let pool = combatant.block.resources.get(item).filter(|_| spent < u8::MAX);
        if pool.is_none_or(|pool| u32::from(spent) > pool.current) {
            return Err(Refusal::NoSuchItem);
        }
        Ok((slot, Payment::Charges { of: item.clone(), count }))
    }

    fn cast_by_item(
        &self,
        who: CombatantId,
        spell: &Key,
        item: &Key,
    ) -> Result<&ItemSpell, Refusal> {
        let has = self.combatant(who)?.block.resources.contains_key(item);
        let known = self.book.content.items.get(item).filter(|_| has);
        let casts = &known.ok_or(Refusal::NoSuchItem)?.casts;
        casts.iter().find(|it| it.spell == *spell).ok_or(Refusal::UnknownSpell)
    }
}
