//! Hands: what they hold, and whether one is free (SRD 5.1 "Other Activity on Your Turn", "Grappling",
//! "Components", "Two-Weapon Fighting", "Two-Handed", "Unconscious"; SRD 5.2.1 "Interacting with
//! Things", "Grappling", "Components", "Two-Handed", "Unconscious").
//!
//! What a creature holds is what it drew or was given since it joined. Of one that holds nothing so
//! nothing is known, and nothing is refused to it for its hands.

use super::Resolver;
use crate::combat::view::{HANDS, Strike};
use crate::combat::{CombatantId, CombatantKind, Fact, Interaction, Refusal};
use crate::content::AttackProperty;
use crate::{Condition, Key};

impl Resolver<'_> {
    /// Whether there is something or somebody in each hand of who is known to hold something.
    pub(super) fn has_hands_full(&self, who: CombatantId) -> bool {
        !self.held(who).is_empty() && self.view().hands_taken(who) >= HANDS
    }

    /// Whether it holds two of these, or one after it threw another in this turn.
    pub(super) fn had_two(&self, who: CombatantId, item: &Key) -> bool {
        let Some(combatant) = self.combat.combatant(who) else { return false };
        let these = |all: &[Key]| all.iter().filter(|it| *it == item).count();
        let (held, thrown) = (these(&combatant.held), these(&combatant.economy.thrown));
        held > 0 && held + thrown > 1
    }

    /// Whether it holds what spells are cast with instead of materials.
    pub(super) fn holds_focus(&self, who: CombatantId) -> bool {
        let items = &self.book.content.items;
        self.held(who).iter().any(|held| items.get(held).is_some_and(|item| item.focus))
    }

    /// That there is a hand to take something with. What is given is taken by who is conscious, out
    /// of the hands of who is known to hold something.
    pub(super) fn may_take(
        &self,
        who: CombatantId,
        (interaction, item): (Interaction, &Key),
        target: Option<CombatantId>,
    ) -> Result<(), Refusal> {
        if let Some(target) = target.filter(|_| interaction == Interaction::Give) {
            let held = self.held(who);
            let taker = self.combatant(target)?;
            let conscious =
                taker.is_conscious() && !self.view().has(target, Condition::Unconscious);
            if !conscious || taker.kind == CombatantKind::Object {
                return Err(Refusal::InvalidTarget);
            }
            if !held.is_empty() && !held.contains(item) {
                return Err(Refusal::NoSuchItem);
            }
        }
        let taker = match interaction {
            Interaction::Draw | Interaction::PickUp => Some(who),
            Interaction::Give => target,
            Interaction::Stow
            | Interaction::Drop
            | Interaction::Open
            | Interaction::Close
            | Interaction::Other => None,
        };
        match taker {
            Some(taker) if self.has_hands_full(taker) => Err(Refusal::NoFreeHand),
            _ => Ok(()),
        }
    }

    /// Something comes into a hand, or out of it.
    pub(super) fn handle(
        &mut self,
        who: CombatantId,
        interaction: Interaction,
        item: &Key,
        target: Option<CombatantId>,
    ) {
        match interaction {
            Interaction::Draw | Interaction::PickUp => self.take_in_hand(who, item),
            Interaction::Stow | Interaction::Drop => self.let_out_of_hand(who, item),
            Interaction::Give => {
                self.let_out_of_hand(who, item);
                if let Some(target) = target {
                    self.take_in_hand(target, item);
                }
            }
            Interaction::Open | Interaction::Close | Interaction::Other => {}
        }
    }

    /// What is thrown is held no more.
    pub(super) fn throw_away(&mut self, strike: Strike<'_>) {
        let (who, item) = (strike.attacker, &strike.attack.attack_id);
        if strike.ranged
            && strike.attack.has(AttackProperty::Thrown)
            && self.held(who).contains(item)
        {
            self.let_out_of_hand(who, item);
            let Some(combatant) = self.combat.combatant(who) else { return };
            let mut economy = combatant.economy.clone();
            economy.thrown.push(item.clone());
            self.tell(Fact::EconomySet { who, economy });
        }
    }

    /// Who falls unconscious drops what it holds.
    pub(super) fn drop_all(&mut self, who: CombatantId) {
        let held = self.held(who).to_vec();
        if held.is_empty() {
            return;
        }
        for item in held {
            let (interaction, item) = (Some(Interaction::Drop), Some(item));
            self.tell(Fact::ObjectUsed { who, interaction, item, target: None });
        }
        self.tell(Fact::HeldSet { who, held: Vec::new() });
    }

    fn held(&self, who: CombatantId) -> &[Key] {
        self.combat.combatant(who).map_or(&[], |it| &it.held)
    }

    fn take_in_hand(&mut self, who: CombatantId, item: &Key) {
        let mut held = self.held(who).to_vec();
        held.push(item.clone());
        self.tell(Fact::HeldSet { who, held });
    }

    fn let_out_of_hand(&mut self, who: CombatantId, item: &Key) {
        let mut held = self.held(who).to_vec();
        if let Some(at) = held.iter().position(|held| held == item) {
            held.remove(at);
            self.tell(Fact::HeldSet { who, held });
        }
    }
}
