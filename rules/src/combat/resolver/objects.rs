//! Objects: handled beside everything else, or used with an action (SRD 5.1 "Other Activity on Your
//! Turn", "Use an Object"; SRD 5.2.1 "Interacting with Things", "Utilize").

use super::{Flow, Resolver};
use crate::combat::{CombatantId, Economy, Fact, Interaction, Life, Purpose, Refusal};
use crate::effect::Hook;
use crate::{Key, Switch};

/// How far something is handed, and a draught given.
const REACH_FT: i32 = 5;

impl Resolver<'_> {
    /// Handles an object: one a turn is free, dropping always is, and in SRD 5.2.1 one weapon is
    /// drawn or stowed with each attack ("Attack [Action]"). More takes an action to use it.
    pub(super) fn interact(
        &mut self,
        who: CombatantId,
        interaction: Interaction,
        item: Option<&Key>,
        target: Option<CombatantId>,
    ) -> Flow<()> {
        self.on_its_turn(who)?;
        if let Some(target) = target {
            self.near(who, target)?;
        }
        if let Some(item) = item {
            self.may_take(who, (interaction, item), target)?;
        }
        let economy = self.combatant(who)?.economy.clone();
        let equips = matches!(interaction, Interaction::Draw | Interaction::Stow)
            && self.combat.rules.is_52(Switch::EquipPerAttack)
            && usize::from(economy.equipped) < economy.made.len();
        let economy = match interaction {
            Interaction::Drop => None,
            _ if equips => Some(Economy { equipped: economy.equipped + 1, ..economy }),
            _ if economy.interaction => Some(Economy { interaction: false, ..economy }),
            _ => return Err(Refusal::NoInteractionLeft.into()),
        };
        if let Some(economy) = economy {
            self.tell(Fact::EconomySet { who, economy });
        }
        let used = (Some(interaction), item.cloned());
        self.tell(Fact::ObjectUsed { who, interaction: used.0, item: used.1, target });
        if let Some(item) = item {
            self.handle(who, interaction, item, target);
        }
        Ok(())
    }

    /// Uses an object. A draught is a bonus action in SRD 5.2.1; a healer's kit keeps from dying
    /// without a check.
    pub(super) fn use_object(
        &mut self,
        who: CombatantId,
        item: Option<&Key>,
        target: Option<CombatantId>,
    ) -> Flow<()> {
        self.on_its_turn(who)?;
        let on = target.unwrap_or(who);
        let combatant = self.combatant(who)?;
        let economy = combatant.economy.clone();
        let spent = match item {
            None => None,
            Some(item) => {
                let pool = combatant.block.resources.get(item).ok_or(Refusal::NoSuchItem)?;
                let spent = combatant.spent.get(item).copied().unwrap_or(0);
                if u32::from(spent) >= pool.current || spent == u8::MAX {
                    return Err(Refusal::NoSuchItem.into());
                }
                Some((item.clone(), spent + 1))
            }
        };
        let does = item.and_then(|item| self.book.content.items.get(item).cloned());
        let does = does.unwrap_or_default();
        if on != who {
            self.near(who, on)?;
        }
        let other = self.combatant(on)?;
        if other.life == Life::Dead && (does.healing.is_some() || does.stabilizes) {
            return Err(Refusal::InvalidTarget.into());
        }
        if does.stabilizes && !matches!(other.life, Life::Dying { .. }) {
            return Err(Refusal::InvalidTarget.into());
        }
        let quick = does.drunk && self.combat.rules.is_52(Switch::Potion);
        let bonus_action = self.view().bonus_action_left(who);
        let action = economy.action && !self.view().has_chosen_bonus_action(who);
        let economy = match (quick, bonus_action, action) {
            (true, true, _) => Economy { bonus_action: false, ..economy },
            (_, _, true) => Economy { action: false, ..economy },
            _ => return Err(Refusal::NoActionLeft.into()),
        };
        self.tell(Fact::EconomySet { who, economy });
        if let Some((id, spent)) = spent {
            self.tell(Fact::UsesSet { who, id, spent });
        }
        self.tell(Fact::ObjectUsed { who, interaction: None, item: item.cloned(), target });
        if let Some(healing) = &does.healing {
            let roll = self.roll(who, Purpose::Healing, |dice| healing.roll(dice))?;
            self.heal(on, i32::try_from(roll.total.max(0)).unwrap_or(i32::MAX));
        }
        if does.stabilizes {
            self.stabilized(on)?;
        }
        if does.splashes {
            self.fire(on, Hook::Splashed, Some(who), false)?;
        }
        if does.stakes {
            self.fire(on, Hook::Staked, Some(who), false)?;
        }
        Ok(())
    }

    /// That somebody is near enough to be handed something.
    pub(super) fn near(&self, who: CombatantId, target: CombatantId) -> Result<(), Refusal> {
        self.combatant(target)?;
        if self.view().is_elsewhere(who, target) {
            return Err(Refusal::InvalidTarget);
        }
        let distance_ft = self.view().distance_ft(who, target);
        if distance_ft > REACH_FT {
            return Err(Refusal::OutOfReach { distance_ft, reach_ft: REACH_FT });
        }
        Ok(())
    }
}
