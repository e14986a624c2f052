//! Spells cast in reaction to something (SRD 5.1 "Reactions"; SRD 5.2.1 "Reactions").

use std::collections::BTreeMap;

use super::cast::{Asked, casting};
use super::costs::Payment;
use super::{Flow, Resolver};
use crate::Key;
use crate::combat::{Answer, Combatant, CombatantId, Economy, Fact, Question, Refusal};
use crate::content::{Casting as Listed, CastingTime, SpellRules};
use crate::effect::{Casting, Choice, ModifierKind, Pick, Reacts};
use crate::space::Cover;

/// Whether a spell that is cast in reaction to one thing is cast in reaction to what happens.
fn answers(reacts: Option<Reacts>, to: Reacts) -> bool {
    reacts == Some(to) || (to == Reacts::HitsInMelee && reacts == Some(Reacts::Hits))
}

/// What a spell that counters another is told of it.
fn against_choices(against: Option<&Casting>) -> BTreeMap<Key, Choice> {
    let of = Key::parse("against").ok();
    let level = against.map(|against| Choice::Number(i64::from(against.slot)));
    of.zip(level).into_iter().collect()
}

impl Resolver<'_> {
    /// Asks a creature whether it casts a spell in reaction, and carries that out. Whether what it
    /// reacts to is undone.
    pub(super) fn react_by_casting(
        &mut self,
        who: CombatantId,
        to_whom: CombatantId,
        to: Reacts,
        against: Option<&Casting>,
    ) -> Flow<bool> {
        let options = self.castable_in_reaction(who, to_whom, to);
        let by_use = self.castable_by_use(who, to_whom, to);
        if options.is_empty() && by_use.is_empty() {
            return Ok(false);
        }
        let listed = options.iter().map(|(key, _, _)| key.clone());
        let keys = listed.chain(by_use.iter().map(|(_, it)| it.spell.clone())).collect();
        let question = Question::CastInReaction { target: to_whom, to, options: keys };
        let declared = options.iter().find(|(_, spell, _)| self.is_declared(who, spell));
        let option = match declared.map(|(option, _, _)| option.clone()) {
            Some(option) => option,
            None => match self.ask(who, question)? {
                Answer::React { option } => option,
                _ => return Ok(false),
            },
        };
        let before = std::mem::replace(&mut self.countered, false);
        if let Some((_, spell, slot)) = options.into_iter().find(|(key, _, _)| *key == option) {
            self.cast_in_reaction(who, to_whom, (&spell, slot), against)?;
        } else if let Some((by, listed)) = by_use.into_iter().find(|(_, it)| it.spell == option) {
            let choices = against_choices(against);
            let (at, direction) = (None, None);
            let asked = Asked { slot_level: 0, targets: &[], at, direction, choices: &choices };
            let about = self.about_in_reaction(&listed.spell, who, to_whom);
            self.cast_by_reaction(who, about, (&by, &listed), asked)?;
        }
        Ok(std::mem::replace(&mut self.countered, before))
    }

    fn cast_in_reaction(
        &mut self,
        who: CombatantId,
        to_whom: CombatantId,
        (spell, slot): (&Key, u8),
        against: Option<&Casting>,
    ) -> Flow<()> {
        let (rules, block) = self.known_spell(who, spell)?;
        let (level, payment) = self.payment(who, &rules, &block, slot)?;
        let economy = self.combatant(who)?.economy.clone();
        let economy = self.within_limit_of_turn(who, economy, &rules, &payment)?;
        let economy = match rules.record.casting_time {
            CastingTime::BonusAction => Economy { bonus_action: false, ..economy },
            _ => Economy { reaction: false, ..economy },
        };
        self.tell(Fact::EconomySet { who, economy });
        let choices = against_choices(against);
        let asked =
            Asked { slot_level: slot, targets: &[], at: None, direction: None, choices: &choices };
        let casting = casting(&rules, &block, self.modifier(who, &block), level, asked);
        let about = self.about_in_reaction(spell, who, to_whom);
        self.perform(who, &rules, casting, &payment, &[(about, Cover::None)])
    }

    /// The spells of its own turn are limited with what a creature casts in reaction there.
    fn within_limit_of_turn(
        &self,
        who: CombatantId,
        economy: Economy,
        rules: &SpellRules,
        payment: &Payment,
    ) -> Result<Economy, Refusal> {
        if self.combat.active() == Some(who) {
            self.within_limit(economy, rules, payment)
        } else {
            Ok(economy)
        }
    }

    /// Whom a spell cast in reaction is about.
    fn about_in_reaction(
        &self,
        spell: &Key,
        who: CombatantId,
        to_whom: CombatantId,
    ) -> CombatantId {
        let program = self.book.content.spellbook.get(spell).and_then(|it| it.program.as_ref());
        let pick = program.and_then(|it| it.targets.as_ref()).map(|it| it.pick);
        if pick == Some(Pick::Other) { to_whom } else { who }
    }

    /// Spells that a creature's uses could cast in reaction, each with its use.
    fn castable_by_use(
        &self,
        who: CombatantId,
        to_whom: CombatantId,
        to: Reacts,
    ) -> Vec<(Key, Listed)> {
        if !self.combat.combatant(who).is_some_and(Combatant::is_conscious) {
            return Vec::new();
        }
        let mut uses = self.uses_in_reaction(who);
        uses.retain(|(_, listed)| {
            let Some(rules) = self.book.content.spellbook.get(&listed.spell) else { return false };
            rules.program.as_ref().is_some_and(|it| answers(it.reacts, to))
                && self.is_near_enough(who, to_whom, to, rules)
                && self.can_perform(who, rules).is_ok()
        });
        uses
    }

    /// Whether what happens is within reach of a spell that is cast in reaction to it.
    fn is_near_enough(
        &self,
        who: CombatantId,
        to_whom: CombatantId,
        to: Reacts,
        rules: &SpellRules,
    ) -> bool {
        let targets = rules.program.as_ref().and_then(|it| it.targets.clone()).unwrap_or_default();
        let sees = to == Reacts::Falling || self.view().sees(who, to_whom);
        let range_ft = self.spell_range_ft(&rules.record, &targets);
        to_whom == who
            || matches!(to, Reacts::Hits | Reacts::HitsInMelee)
            || targets.pick == Pick::Caster
            || (sees && self.reaches(who, to_whom, range_ft).is_ok())
    }

    /// Spells that a creature could cast in reaction, by option, each with its slot.
    pub(super) fn castable_in_reaction(
        &self,
        who: CombatantId,
        to_whom: CombatantId,
        to: Reacts,
    ) -> Vec<(Key, Key, u8)> {
        let Some(creature) = self.combat.combatant(who) else { return Vec::new() };
        let struck = matches!(to, Reacts::Hits | Reacts::HitsInMelee);
        let able = if struck {
            self.view().bonus_action_left(who)
        } else {
            creature.economy.reaction && !self.view().is(who, ModifierKind::CannotReact)
        };
        let ready = creature.is_conscious() && able;
        let Some(block) = creature.block.spellcasting.as_ref().filter(|_| ready) else {
            return Vec::new();
        };
        let book = &self.book.content.spellbook;
        let known = block.spells.iter().chain(block.per_day.keys());
        let mut options: Vec<(Key, Key, u8)> = Vec::new();
        for spell in known.filter(|spell| book.is_reaction(spell)) {
            let Some(rules) = book.get(spell) else { continue };
            if !rules.program.as_ref().is_some_and(|it| answers(it.reacts, to)) {
                continue;
            }
            let near = self.is_near_enough(who, to_whom, to, rules);
            if !near || self.can_perform(who, rules).is_err() {
                continue;
            }
            let may = |slot: u8| {
                let (_, payment) = self.payment(who, rules, block, slot)?;
                self.within_limit_of_turn(who, creature.economy.clone(), rules, &payment)
            };
            let levels = (0..=9).filter(|slot| may(*slot).is_ok());
            for slot in levels {
                let least = !options.iter().any(|(_, known, _)| known == spell);
                let name = if least { spell.to_string() } else { format!("{spell}_{slot}") };
                if let Ok(key) = Key::parse(&name) {
                    options.push((key, spell.clone(), slot));
                }
            }
        }
        options
    }
}
