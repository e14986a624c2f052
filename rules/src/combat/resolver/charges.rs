//! A run straight at somebody that a hit ends (SRD 5.1 "Charge", "Pounce", "Trampling Charge").

use super::traits::Stakes;
use super::{Flow, Resolver};
use crate::Condition;
use crate::Key;
use crate::combat::view::Strike;
use crate::combat::{CombatantId, CombatantKind, Economy, Fact, HitPoints, Life, Refusal};
use crate::content::Charge;
use crate::effect::{DamageDice, Hook, SaveSpec};
use crate::space::Cover;

/// What a hit after a run brings.
pub(super) struct Charging {
    /// More damage.
    pub(super) damage: Vec<DamageDice>,
    save: Option<SaveSpec>,
    push_ft: Option<i32>,
    /// Whether it may strike once more at who lies prone.
    again: bool,
}

impl Resolver<'_> {
    /// What comes of a run before this attack, if it hits. To be asked before the roll: with that the
    /// run is over.
    pub(super) fn charging(&self, strike: Strike<'_>) -> Option<Charging> {
        let attack = strike.attack;
        let (id, charge) = self.charge_of(strike.attacker)?;
        if !charge.with.contains(&attack.attack_id) {
            return None;
        }
        let facts = self.view().detail(strike.attacker, id)?.facts.as_ref()?;
        let feet = facts.feet.first().copied()?;
        if !self.view().charged(strike.attacker, strike.target, feet) {
            return None;
        }
        let kind = attack.damage.first().map(|part| part.kind);
        let untyped = facts.dice.first().cloned().zip(kind);
        let untyped = untyped.map(|(dice, kind)| DamageDice { dice, kind });
        Some(Charging {
            damage: facts.damage.iter().cloned().chain(untyped).collect(),
            save: facts.saves.first().copied(),
            push_ft: facts.feet.get(1).copied(),
            again: !charge.then.is_empty(),
        })
    }

    /// Who brings somebody down in melee in its own turn may do more (SRD 5.1 "Rampage").
    pub(super) fn felled(&mut self, strike: Strike<'_>, before: HitPoints) -> Flow<()> {
        let (who, target) = (strike.attacker, strike.target);
        let down = self.combat.combatant(target).is_some_and(|it| it.hp.current == 0);
        if down && before.current > 0 && !strike.ranged && self.combat.active() == Some(who) {
            self.fire(who, Hook::Fells, Some(target), false)?;
        }
        Ok(())
    }

    fn charge_of(&self, who: CombatantId) -> Option<(&Key, &Charge)> {
        let combatant = self.combat.combatant(who)?;
        let content = &self.book.content;
        combatant.block.traits.iter().find_map(|id| {
            let it = content.trait_of(combatant.monster.as_ref(), id)?;
            Some((id, it.charge.as_ref()?))
        })
    }

    /// Who was charged and hit saves or falls, and may be struck once more while it lies there.
    pub(super) fn charge_home(&mut self, strike: Strike<'_>, charging: &Charging) -> Flow<()> {
        let (who, target) = (strike.attacker, strike.target);
        let victim = self.combatant(target)?;
        if victim.life == Life::Dead || victim.kind == CombatantKind::Object {
            return Ok(());
        }
        if let Some(save) = charging.save {
            let conditions = &[Condition::Prone];
            let stakes = Stakes { from: Some(who), conditions, magical: false };
            if !self.save_against(target, save, Cover::None, stakes)? {
                if let Some(feet) = charging.push_ft {
                    self.shift(who, target, feet, true)?;
                }
                self.fall_prone(target);
            }
        }
        if charging.again && self.combat.active() == Some(who) {
            let economy = self.combatant(who)?.economy.clone();
            let charged = Some(target);
            self.tell(Fact::EconomySet { who, economy: Economy { charged, ..economy } });
        }
        Ok(())
    }

    /// What is left to who strikes, as a bonus action, at one that lies prone where it was charged.
    pub(super) fn after_pouncing(
        &self,
        who: CombatantId,
        target: CombatantId,
        attack: &Key,
    ) -> Result<Economy, Refusal> {
        let economy = self.combatant(who)?.economy.clone();
        let fits = self.charge_of(who).is_some_and(|(_, charge)| charge.then.contains(attack));
        let prone = self.view().has(target, Condition::Prone);
        if !fits || economy.charged != Some(target) || !prone {
            return Err(Refusal::WrongManner);
        }
        if !self.view().bonus_action_left(who) {
            return Err(Refusal::NoActionLeft);
        }
        Ok(Economy { bonus_action: false, charged: None, ..economy })
    }
}
