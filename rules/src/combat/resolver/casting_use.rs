//! Spells that entries of a stat block cast: with the block's numbers or their own, for what the
//! entry costs (SRD 5.1 "Innate Spellcasting"; SRD 5.2.1 "Monsters", "Spellcasting").

use std::sync::Arc;

use super::cast::{Asked, casting};
use super::costs::Payment;
use super::special::Aim;
use super::{Flow, Resolver};
use crate::combat::{CombatantId, Economy, Fact, Refusal};
use crate::content::{Casting as Listed, Cost, Detail, SpecialAction, SpellRules, Spellcasting};
use crate::effect::{Casting, ModifierKind};
use crate::space::Cover;
use crate::{Ability, Key};

/// What a DC is above the bonus of an attack with the same ability.
const DC_BASE: i32 = 8;

/// A spell that a use casts, ready to be performed.
pub(super) struct PreparedSpell {
    rules: Arc<SpellRules>,
    casting: Casting,
    targets: Vec<(CombatantId, Cover)>,
}

impl Resolver<'_> {
    /// The spell that a use casts, if it casts one: that of the option, or the first.
    pub(super) fn prepare_spell(
        &self,
        who: CombatantId,
        detail: &Detail,
        aim: Aim<'_>,
    ) -> Result<Option<PreparedSpell>, Refusal> {
        let Some(first) = detail.casts.first() else { return Ok(None) };
        let listed = match aim.option {
            Some(option) => detail.casts.iter().find(|it| it.spell == *option),
            None => Some(first),
        };
        let listed = listed.ok_or(Refusal::UnknownSpell)?;
        let rules = self.book.content.spellbook.get(&listed.spell).ok_or(Refusal::UnknownSpell)?;
        self.can_perform(who, rules)?;
        let own = [who];
        let targets = if detail.casts_on_itself { &own[..] } else { aim.targets };
        let (at, direction, choices) = (aim.at, aim.direction, aim.choices);
        let asked = Asked { slot_level: 0, targets, at, direction, choices };
        let casting = self.cast_by_use(who, detail, listed, asked)?;
        if let Some(program) = &rules.program {
            self.may_choose(&program.does, &casting)?;
        }
        let casting = self.aimed(who, rules, casting)?;
        self.drawn(who, rules, &casting)?;
        let targets = match &rules.program {
            Some(program) => self.spell_targets(who, program, rules, &casting, targets)?,
            None => self.assisted_targets(who, rules, targets)?,
        };
        if let Some(program) = &rules.program {
            self.may_strike(who, &program.does, &casting, &targets)?;
            self.may_summon(who, rules, &casting)?;
            self.may_raise(who, rules, &casting)?;
        }
        Ok(Some(PreparedSpell { rules: Arc::clone(rules), casting, targets }))
    }

    /// Casts what was prepared; the use is paid for.
    pub(super) fn perform_prepared(&mut self, who: CombatantId, spell: PreparedSpell) -> Flow<()> {
        self.perform(who, &spell.rules, spell.casting, &Payment::Nothing, &spell.targets)
    }

    /// The numbers of a spell that a use casts.
    fn cast_by_use(
        &self,
        who: CombatantId,
        detail: &Detail,
        listed: &Listed,
        asked: Asked<'_>,
    ) -> Result<Casting, Refusal> {
        let rules = self.book.content.spellbook.get(&listed.spell).ok_or(Refusal::UnknownSpell)?;
        let block = self.spellcasting_of(who, detail)?;
        let slot = listed.level.unwrap_or(rules.record.level).max(rules.record.level);
        Ok(casting(rules, &block, self.modifier(who, &block), slot, asked))
    }

    /// The spellcasting that a use is made with: the block's, or of an ability and DC of its own.
    fn spellcasting_of(&self, who: CombatantId, detail: &Detail) -> Result<Spellcasting, Refusal> {
        let combatant = self.combatant(who)?;
        let block = &combatant.block;
        match (detail.cast_ability, &block.spellcasting) {
            (Some(ability), _) => Ok(self.own_spellcasting(who, ability, detail.cast_dc)?),
            (None, Some(spellcasting)) => {
                let dc = detail.cast_dc.unwrap_or(spellcasting.dc);
                Ok(Spellcasting { dc, ..spellcasting.clone() })
            }
            (None, None) => Err(Refusal::UnknownSpell),
        }
    }

    fn own_spellcasting(
        &self,
        who: CombatantId,
        ability: Ability,
        dc: Option<i32>,
    ) -> Result<Spellcasting, Refusal> {
        let block = &self.combatant(who)?.block;
        let usual = block.abilities.modifier(ability).saturating_add(block.proficiency());
        let dc = dc.unwrap_or_else(|| usual.saturating_add(DC_BASE));
        Ok(Spellcasting { dc, ..Spellcasting::plain(ability, dc.saturating_sub(DC_BASE)) })
    }

    /// Uses of a creature by which it can cast a spell as its reaction, each with the spell.
    pub(super) fn uses_in_reaction(&self, who: CombatantId) -> Vec<(Key, Listed)> {
        let Some(combatant) = self.combat.combatant(who) else { return Vec::new() };
        let able = combatant.economy.reaction && !self.view().is(who, ModifierKind::CannotReact);
        let uses = combatant.block.uses.iter().filter(|action| {
            able && action.cost == Cost::Reaction && self.view().is_left(who, action).is_ok()
        });
        uses.flat_map(|action| {
            let detail = self.view().detail(who, &action.use_id);
            let casts = detail.into_iter().flat_map(|detail| &detail.casts);
            casts.map(|listed| (action.use_id.clone(), listed.clone()))
        })
        .collect()
    }

    /// Casts a spell in reaction by a use, which takes the reaction and is spent.
    pub(super) fn cast_by_reaction(
        &mut self,
        who: CombatantId,
        about: CombatantId,
        (action, listed): (&Key, &Listed),
        asked: Asked<'_>,
    ) -> Flow<()> {
        let block = Arc::clone(&self.combatant(who)?.block);
        let action: &SpecialAction =
            block.uses.iter().find(|it| it.use_id == *action).ok_or(Refusal::UnknownUse)?;
        let nothing = Detail::default();
        let detail = self.view().detail(who, &action.use_id).unwrap_or(&nothing).clone();
        let casting = self.cast_by_use(who, &detail, listed, asked)?;
        let rules = self.book.content.spellbook.get(&listed.spell).ok_or(Refusal::UnknownSpell)?;
        let rules = Arc::clone(rules);
        let economy = Economy { reaction: false, ..self.combatant(who)?.economy.clone() };
        self.tell(Fact::EconomySet { who, economy });
        self.spend(who, action)?;
        self.tell(Fact::ActionUsed { who, id: action.use_id.clone(), targets: Vec::new() });
        self.perform(who, &rules, casting, &Payment::Nothing, &[(about, Cover::None)])
    }
}
