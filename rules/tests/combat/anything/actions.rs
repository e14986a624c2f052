//! Attacks and special actions of random play.

use std::collections::BTreeMap;

use gss_rules::Key;
use gss_rules::combat::{CombatantId, Command, Extra, Manner};
use gss_rules::space::Square;

use super::Play;

impl Play {
    /// An attack of somebody's block or one that everybody has, in some way.
    pub(super) fn any_attack(&mut self, who: CombatantId, target: CombatantId) -> Command {
        let block = self.combat.combatant(who).map(|who| std::sync::Arc::clone(&who.block));
        let attacks = block.map(|block| block.attacks.clone()).unwrap_or_default();
        let attack = self.chance.of(&attacks).map(|attack| attack.attack_id.clone());
        let none = *self.chance.of(&["unarmed", "improvised", "none"]).expect("one");
        let attack = attack.filter(|_| !self.chance.one_in(5));
        let attack = attack.unwrap_or_else(|| Key::parse(none).expect("a key"));
        let extras =
            [Extra::None, Extra::None, Extra::OffHand, Extra::Nick, Extra::Cleave, Extra::Pounce];
        let how = Manner {
            extra: *self.chance.of(&extras).expect("one"),
            two_handed: self.chance.one_in(8),
            thrown: self.chance.one_in(8),
            mastery: self.chance.one_in(8),
            ability: None,
            other: self.chance.one_in(8),
        };
        let how = if self.chance.one_in(3) { how } else { Manner::default() };
        Command::Attack { who, target, attack, knock_out: self.chance.one_in(8), how }
    }

    /// A use of somebody, at somebody; spells have choices.
    pub(super) fn any_use(
        &mut self,
        who: CombatantId,
        target: CombatantId,
        toward: Square,
    ) -> Command {
        let block = self.combat.combatant(who).map(|who| std::sync::Arc::clone(&who.block));
        let uses = block.map(|block| block.uses.clone()).unwrap_or_default();
        let id = self.chance.of(&uses).map(|action| action.use_id.clone());
        let id = id.unwrap_or_else(|| Key::parse("none").expect("a key"));
        let targets = if self.chance.one_in(2) { vec![target] } else { Vec::new() };
        let at = Some(toward).filter(|_| !self.chance.one_in(4));
        let (option, path) = (None, Vec::new());
        let choices =
            if self.chance.one_in(3) { self.any_choices(toward) } else { BTreeMap::new() };
        let direction = Some(toward);
        Command::UseAction { who, id, targets, at, direction, option, path, choices }
    }
}
