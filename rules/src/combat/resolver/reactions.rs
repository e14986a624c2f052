//! Spells cast in reaction to something (SRD 5.1 "Reactions"; SRD 5.2.1 "Reactions").

use std::collections::BTreeMap;

use super::cast::{Asked, casting};
use super::{Flow, Resolver};
use crate::Key;
use crate::combat::{Answer, Cast, CombatantId, Economy, Fact, Question};
use crate::content::CastingTime;
use crate::effect::{Casting, ModifierKind, Pick, Reacts};
use crate::space::Cover;

/// Whether a spell that is cast in reaction to one thing is cast in reaction to what happens.
fn answers(reacts: Option<Reacts>, to: Reacts) -> bool {
    reacts == Some(to) || (to == Reacts::HitsInMelee && reacts == Some(Reacts::Hits))
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
        if options.is_empty() {
            return Ok(false);
        }
        let keys = options.iter().map(|(key, _, _)| key.clone()).collect();
        let question = Question::CastInReaction { target: to_whom, to, options: keys };
        let Answer::React { option } = self.ask(who, question)? else { return Ok(false) };
        let Some((_, spell, slot)) = options.into_iter().find(|(key, _, _)| *key == option) else {
            return Ok(false);
        };
        let before = std::mem::replace(&mut self.countered, false);
        self.cast_in_reaction(who, to_whom, (&spell, slot), against)?;
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
        let economy = match rules.record.casting_time {
            CastingTime::BonusAction => {
                let cast = Cast { bonus_action: true, slot: true, ..economy.cast };
                Economy { bonus_action: false, cast, ..economy }
            }
            _ => Economy { reaction: false, ..economy },
        };
        self.tell(Fact::EconomySet { who, economy });
        let mut choices = BTreeMap::new();
        if let (Some(against), Ok(of)) = (against, Key::parse("against")) {
            choices.insert(of, crate::effect::Choice::Number(i64::from(against.slot)));
        }
        let asked =
            Asked { slot_level: slot, targets: &[], at: None, direction: None, choices: &choices };
        let casting = casting(&rules, &block, self.modifier(who, &block), level, asked);
        let pick = rules.program.as_ref().and_then(|it| it.targets.as_ref()).map(|it| it.pick);
        let about = if pick == Some(Pick::Other) { to_whom } else { who };
        self.perform(who, &rules, casting, payment, &[(about, Cover::None)])
    }

    /// Spells that a creature could cast in reaction, by option, each with its slot.
    fn castable_in_reaction(
        &self,
        who: CombatantId,
        to_whom: CombatantId,
        to: Reacts,
    ) -> Vec<(Key, Key, u8)> {
        let Some(creature) = self.combat.combatant(who) else { return Vec::new() };
        let struck = matches!(to, Reacts::Hits | Reacts::HitsInMelee);
        let able = if struck {
            self.view().bonus_action_left(who) && !creature.economy.cast.slot
        } else {
            creature.economy.reaction && !self.view().is(who, ModifierKind::CannotReact)
        };
        let ready = creature.is_conscious() && able;
        let Some(block) = creature.block.spellcasting.as_ref().filter(|_| ready) else {
            return Vec::new();
        };
        let known = block.spells.iter().chain(block.per_day.keys());
        let mut options: Vec<(Key, Key, u8)> = Vec::new();
        for spell in known {
            let Some(rules) = self.book.content.spellbook.get(spell) else { continue };
            let Some(program) = rules.program.as_ref().filter(|it| answers(it.reacts, to)) else {
                continue;
            };
            let sees = to == Reacts::Falling || self.view().sees(who, to_whom);
            let targets = program.targets.clone().unwrap_or_default();
            let range_ft = self.spell_range_ft(&rules.record, &targets);
            let near = to_whom == who
                || struck
                || targets.pick == Pick::Caster
                || (sees && self.reaches(who, to_whom, range_ft).is_ok());
            if !near || self.can_perform(who, rules).is_err() {
                continue;
            }
            let levels = (0..=9).filter(|slot| self.payment(who, rules, block, *slot).is_ok());
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
