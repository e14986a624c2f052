//! Attacks and special actions of random play.

use std::collections::BTreeMap;

use gss_rules::Key;
use gss_rules::combat::{Actor, CombatantId, Command, Extra, Input, Interaction, Manner, View};
use gss_rules::space::Square;
use uuid::Uuid;

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
        let at = self.combat.combatant(target).and_then(|target| target.position);
        if let Some(at) = at.filter(|_| self.chance.one_in(10)) {
            let (knock_out, ammunition) = (false, None);
            return Command::AttackAt { who, at, attack, knock_out, how, ammunition };
        }
        Command::Attack {
            who,
            target,
            attack,
            knock_out: self.chance.one_in(8),
            how,
            ammunition: None,
        }
    }

    /// Two places of the order changed, as a player sends it.
    pub(super) fn any_order(&mut self) -> Input {
        let mut order = self.combat.standing_order();
        let at = self.chance.below(order.len().saturating_sub(1));
        if at + 1 < order.len() {
            order.swap(at, at + 1);
        }
        let player = Uuid::from_u128(1 + 2 * u128::from(self.chance.next() % 3));
        Input::Command { by: Actor::Player(player), command: Command::SetOrder { order } }
    }

    /// An attack with a use of somebody, or with something that is none.
    pub(super) fn any_featured(&mut self, who: CombatantId, target: CombatantId) -> Command {
        let attack = Box::new(self.any_attack(who, target));
        let block = self.combat.combatant(who).map(|who| std::sync::Arc::clone(&who.block));
        let uses = block.map(|block| block.uses.clone()).unwrap_or_default();
        let id = self.chance.of(&uses).map(|action| action.use_id.clone());
        let id = id.unwrap_or_else(|| Key::parse("sneak-attack").expect("a key"));
        Command::AttackWith { who, with: vec![id], attack }
    }

    /// On a creature of its side that is near, or off it.
    pub(super) fn any_ride(&mut self, who: CombatantId, at: Square) -> Option<Command> {
        let view = View::of(&self.combat, &self.book);
        if view.mount(who).is_some() {
            let mut by = || i32::try_from(self.chance.below(4)).expect("small") - 1;
            return Some(Command::Dismount { who, to: at.shifted(by(), by()) });
        }
        let own = self.combat.combatant(who)?;
        let all = self.combat.combatants.values();
        let larger = all.filter(|other| {
            other.side == own.side
                && other.block.size.steps_above(own.block.size) > 0
                && view.distance_ft(who, other.id) <= 5
        });
        let larger: Vec<CombatantId> = larger.map(|other| other.id).collect();
        let target = self.chance.of(&larger).copied()?;
        Some(Command::Mount { who, target, independent: self.chance.one_in(4) })
    }

    /// Something is drawn, dropped or stowed, or nothing that has a name.
    pub(super) fn any_handling(&mut self, who: CombatantId) -> Command {
        let ways = [Interaction::Draw, Interaction::Draw, Interaction::Drop, Interaction::Stow];
        let interaction = *self.chance.of(&ways).expect("one");
        let item = self.chance.of(&["shield", "scimitar", "none"]).expect("one");
        let item = Key::parse(item).ok().filter(|item| item.as_str() != "none");
        Command::Interact { who, interaction, item, target: None }
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
