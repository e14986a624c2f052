//! Actions taken as bonus actions, where something lets a creature (SRD 5.1 "Bonus Actions";
//! SRD 5.2.1 "Bonus Actions"): a trait or an effect that grants it under the action's name, a use
//! that is that action among others, a use of its own of that name, or a charge brought home.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cast::Asked;
use super::special::Aim;
use super::{Flow, Resolver};
use crate::Key;
use crate::combat::{CombatantId, Command, Economy, Extra, Fact, Refusal};
use crate::content::{Cost, SpecialAction};
use crate::effect::ModifierKind;

impl Resolver<'_> {
    /// Takes an action as a bonus action.
    pub(super) fn take_as_bonus(&mut self, who: CombatantId, action: &Command) -> Flow<()> {
        self.on_its_turn(who)?;
        let word = word_of(action).filter(|_| action.by() == Some(who));
        let word = word.and_then(|word| Key::parse(word).ok()).ok_or(Refusal::NotAsBonusAction)?;
        if let Some(pounces) = self.pounces(who, action) {
            return self.obey(&pounces);
        }
        let choices = &BTreeMap::new();
        if self.grants_as_bonus(who, &word) {
            let (at, direction) = (None, None);
            let asked = Asked { slot_level: 0, targets: &[], at, direction, choices };
            return self.use_effect(who, None, &word, asked);
        }
        let block = Arc::clone(&self.combatant(who)?.block);
        let quick = || block.uses.iter().filter(|action| action.cost == Cost::BonusAction);
        let takes = |action: &&SpecialAction| {
            self.view().detail(who, &action.use_id).is_some_and(|it| it.takes.contains(&word))
        };
        if let Some(takes) = quick().find(takes) {
            let (at, direction, option) = (None, None, Some(&word));
            let aim = Aim { targets: &[], at, direction, option, path: &[], choices };
            return self.use_action(who, &takes.use_id, aim);
        }
        let own = quick().find(|action| action.use_id == word).ok_or(Refusal::NotAsBonusAction)?;
        self.view().is_left(who, own)?;
        self.take_with(who, action, own)
    }

    /// Takes an action with a use that costs a bonus action: what it has of its action stays.
    fn take_with(&mut self, who: CombatantId, action: &Command, own: &SpecialAction) -> Flow<()> {
        if !self.view().bonus_action_left(who) {
            return Err(Refusal::NoActionLeft.into());
        }
        let before = self.combatant(who)?.economy.clone();
        // Nothing else is done with it meanwhile. Who has only one of both keeps the action by it.
        let bonus_action = self.view().is(who, ModifierKind::ActionOrBonus);
        let economy = Economy { action: true, bonus_action, made: Vec::new(), ..before.clone() };
        self.tell(Fact::EconomySet { who, economy });
        self.obey(action)?;
        let Ok(combatant) = self.combatant(who) else { return Ok(()) };
        let after = combatant.economy.clone();
        let (action, made) = (before.action, before.made);
        let economy = Economy { action, made, bonus_action: false, ..after };
        self.tell(Fact::EconomySet { who, economy });
        self.spend(who, own)
    }

    /// Whether an effect lets it do this as a bonus action.
    fn grants_as_bonus(&self, who: CombatantId, word: &Key) -> bool {
        self.combat.effects.values().any(|running| {
            running.template.grants.iter().any(|grant| {
                grant.id == *word
                    && grant.cost == Cost::BonusAction
                    && self.is_granted(who, running, grant)
            })
        })
    }

    /// The attack that follows a charge, if it charged somebody.
    fn pounces(&self, who: CombatantId, action: &Command) -> Option<Command> {
        self.combat.combatant(who)?.economy.charged?;
        let mut action = action.clone();
        let Command::Attack { how, .. } = &mut action else { return None };
        how.extra = Extra::Pounce;
        Some(action)
    }
}

/// What an action is called where something lets a creature take it as a bonus action. A second
/// weapon has rules of its own, and a spell says itself what it takes.
fn word_of(action: &Command) -> Option<&'static str> {
    match action {
        Command::Attack { how, .. } => how.extra.is_none().then_some("attack"),
        Command::Dash { .. } => Some("dash"),
        Command::Disengage { .. } => Some("disengage"),
        Command::Dodge { .. } => Some("dodge"),
        Command::Escape { .. } => Some("escape"),
        Command::Grapple { .. } => Some("grapple"),
        Command::Help { .. } => Some("help"),
        Command::Hide { .. } => Some("hide"),
        Command::Shove { .. } => Some("shove"),
        Command::Stabilize { .. } => Some("stabilize"),
        _ => None,
    }
}
