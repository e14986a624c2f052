//! Forms that shapechangers take (SRD 5.1 "Shapechanger"): another record's numbers, or other sizes and
//! speeds; hit points and what is on them stay.

use std::sync::Arc;

use super::{Flow, Resolver};
use crate::Key;
use crate::combat::{Combatant, CombatantId, EffectId, EndReason, Fact, Refusal};
use crate::content::{Form, StatBlock};
use crate::effect::{Casting, Duration, EffectTemplate};

/// Key of the effect that a form is.
const FORM: &str = "form";

impl Resolver<'_> {
    /// The forms of a creature, and the trait that has them.
    fn forms(&self, who: &Combatant) -> Option<(&[Form], &[crate::effect::Case])> {
        let content = &self.book.content;
        who.block.traits.iter().find_map(|id| {
            let it = content.trait_of(who.monster.as_ref(), id)?;
            (!it.forms.is_empty()).then_some((it.forms.as_slice(), it.changes_when.as_slice()))
        })
    }

    /// Whether a creature has this form now.
    fn has_form(&self, who: &Combatant, form: &Form) -> bool {
        let worn = self.combat.effects_on(who.id).find(|effect| is_form(&effect.template));
        match (worn, &form.monster) {
            (Some(effect), _) => effect.template.name == form.id.as_str(),
            (None, Some(monster)) => who.monster.as_ref() == Some(monster),
            (None, None) => form.own,
        }
    }

    /// The form that was chosen, if it can be taken.
    pub(super) fn chosen_form(&self, who: CombatantId, casting: &Casting) -> Result<Form, Refusal> {
        let combatant = self.combatant(who)?;
        let (forms, when) = self.forms(combatant).ok_or(Refusal::UnknownUse)?;
        let named = casting.word(FORM).ok_or(Refusal::UnknownUse)?;
        let form = forms.iter().find(|form| form.id.as_str() == named);
        let form = form.ok_or(Refusal::UnknownUse)?;
        if self.has_form(combatant, form) {
            return Err(Refusal::NothingToDo);
        }
        if !when.iter().all(|case| self.holds(who, casting, who, case)) {
            return Err(Refusal::InvalidTarget);
        }
        Ok(form.clone())
    }

    /// Takes the form that was chosen.
    pub(super) fn change_form(&mut self, who: CombatantId, casting: &Casting) -> Flow<()> {
        match self.chosen_form(who, casting) {
            Ok(form) => self.take_form(who, &form),
            Err(_) => Ok(()),
        }
    }

    /// Who dies is what it was.
    pub(super) fn lose_form(&mut self, who: CombatantId) -> Flow<()> {
        let Some(combatant) = self.combat.combatant(who) else { return Ok(()) };
        let forms = self.forms(combatant);
        let own = forms.and_then(|(forms, _)| forms.iter().find(|form| form.own)).cloned();
        match own.filter(|own| !self.has_form(combatant, own)) {
            Some(own) => self.take_form(who, &own),
            None => Ok(()),
        }
    }

    fn take_form(&mut self, who: CombatantId, form: &Form) -> Flow<()> {
        let book = self.book;
        let combatant = Combatant::clone(self.combatant(who)?);
        let monster = form.monster.as_ref().or(combatant.monster.as_ref());
        let record = monster.and_then(|key| book.content.monsters.get(key));
        let Some(record) = record else { return Ok(()) };
        let own = if form.monster.is_some() { &record.block } else { &combatant.block };
        let block = StatBlock {
            size: form.size.unwrap_or(record.block.size),
            speeds: form.speeds.unwrap_or(record.block.speeds),
            ..StatBlock::clone(own)
        };
        self.put_off_form(&combatant, form.monster.is_some());
        let changed = Combatant {
            monster: monster.cloned(),
            block: Arc::new(block),
            grown: 0,
            ..Combatant::clone(self.combatant(who)?)
        };
        self.tell(Fact::CombatantSet { combatant: Arc::new(changed) });
        if form.monster.is_some() {
            self.bear_traits(who)?;
        }
        if !form.own {
            let template = EffectTemplate {
                key: Key::parse(FORM).ok(),
                modifiers: form.modifiers.clone(),
                ..EffectTemplate::named(form.id.as_str(), Duration::Permanent)
            };
            self.put(&Arc::new(template), Some(who), who, None);
        }
        self.fit_size(who);
        self.unfold(who);
        self.stand_apart(who);
        Ok(())
    }

    /// The form before ends, and its traits where the next has others.
    fn put_off_form(&mut self, combatant: &Combatant, traits: bool) {
        let over: Vec<EffectId> = self
            .combat
            .effects_on(combatant.id)
            .filter(|effect| {
                let key = effect.template.key.as_ref();
                let of_trait = key.is_some_and(|key| combatant.block.traits.contains(key));
                let own = effect.source == Some(combatant.id);
                is_form(&effect.template) || (traits && own && of_trait)
            })
            .map(|effect| effect.id)
            .collect();
        for id in over {
            self.end(id, EndReason::Replaced);
        }
    }
}

fn is_form(template: &EffectTemplate) -> bool {
    template.key.as_ref().is_some_and(|key| key.as_str() == FORM)
}
