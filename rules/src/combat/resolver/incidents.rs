//! What a game master makes happen at once: damage, saving throws, falls (SRD 5.1 "Damage Rolls",
//! "Saving Throws", "Concentration", "Falling"; SRD 5.2.1 same).

use super::attack::add_part;
use super::harm::Blow;
use super::{Flow, Resolver};
use crate::combat::{Changes, CombatantId, DamagePart, Fact, Life, Purpose, Refusal};
use crate::effect::{DamageDice, EffectTemplate};

impl Resolver<'_> {
    /// What an effect that is over at once does: each target makes the save that its damage asks
    /// for, and the damage, rolled once for all, goes the way of all damage. The save of one that
    /// says `concentration` is one to go on concentrating, for those who do.
    pub(super) fn incident(
        &mut self,
        template: &EffectTemplate,
        source: Option<CombatantId>,
        targets: &[CombatantId],
    ) -> Flow<()> {
        let damage = template.damage.as_ref().ok_or(Refusal::NothingToDo)?;
        if targets.iter().any(|target| !self.lives(*target)) {
            return Err(Refusal::InvalidTarget.into());
        }
        let calls = !template.concentration || targets.iter().any(|it| self.concentrates(*it));
        if damage.dice.is_empty() && !(damage.save.is_some() && calls) {
            return Err(Refusal::NothingToDo.into());
        }
        let parts = match (source, targets) {
            (Some(source), _) => self.damage_rolled(source, &damage.dice, false)?,
            (None, [first, ..]) => self.damage_of_nobody(*first, &damage.dice),
            (None, []) => Vec::new(),
        };
        for target in targets {
            // What became of the others may have killed it.
            if !self.lives(*target) {
                continue;
            }
            let saved = match damage.save {
                Some(save) if template.concentration => self.concentrate_on(*target, save.dc)?,
                Some(save) => self.save(*target, save.ability, save.dc)?,
                None => false,
            };
            if parts.is_empty() {
                continue;
            }
            let portion = self.portion(*target, damage.save, saved);
            self.harm(Blow { portion, ..Blow::of(source, *target, parts.clone()) })?;
        }
        Ok(())
    }

    /// Somebody falls to a height below its own, changed first. Who is dead or off the map
    /// then is put there.
    pub(super) fn ruled_fall(
        &mut self,
        who: CombatantId,
        to_ft: i32,
        changes: &Changes,
    ) -> Flow<()> {
        self.view().may_fall(who, to_ft)?;
        if !changes.is_nothing() {
            self.update(who, changes)?;
        }
        if self.view().may_fall(who, to_ft).is_ok() {
            return self.drop_to(who, to_ft);
        }
        if self.combatant(who)?.elevation_ft > to_ft {
            self.update(who, &Changes { elevation_ft: Some(to_ft), ..Changes::default() })?;
        }
        Ok(())
    }

    /// Who concentrates makes a save to go on; whether it made one and does.
    pub(super) fn concentrate_on(&mut self, who: CombatantId, dc: i32) -> Flow<bool> {
        let goes_on = self.concentrates(who) && self.concentration_save(who, dc)?;
        if !goes_on {
            self.lose_concentration(who);
        }
        Ok(goes_on)
    }

    fn concentrates(&self, who: CombatantId) -> bool {
        self.combat.combatant(who).is_some_and(|it| it.concentration.is_some())
    }

    fn lives(&self, who: CombatantId) -> bool {
        self.combat.combatant(who).is_some_and(|it| it.life != Life::Dead)
    }

    /// Damage that is nobody's doing: the server throws for it.
    fn damage_of_nobody(&mut self, who: CombatantId, dice: &[DamageDice]) -> Vec<DamagePart> {
        let mut parts = Vec::with_capacity(dice.len());
        for part in dice {
            let roll = self.throw(|faces| part.dice.roll(faces));
            let rolled = i32::try_from(roll.total.max(0)).unwrap_or(i32::MAX);
            self.tell(Fact::Rolled { who, purpose: Purpose::Damage, roll });
            add_part(&mut parts, DamagePart { kind: part.kind, rolled, applied: 0 });
        }
        parts
    }
}
