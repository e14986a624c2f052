//! Grapples and shoves (SRD 5.1 "Grappling", "Shoving a Creature", "Escaping a Grapple"; SRD 5.2.1
//! "Unarmed Strike", "Grappling").

use std::sync::Arc;

use super::{Flow, Resolver};
use crate::combat::view::{GRAPPLE, SHOVE_PRONE, SHOVE_PUSH};
use crate::combat::{
    CheckSense, Choice, Combatant, CombatantId, CombatantKind, Effect, EffectId, EndReason, Fact,
    Purpose, Refusal, Shove,
};
use crate::dice::RollMode;
use crate::effect::{Duration, EffectTemplate, ModifierKind};
use crate::grapple::{contest_won, grapple_dc};
use crate::space::{Place, Scale, Square, distance_ft, offset_ft};
use crate::{Ability, Condition, Key, Skill, Switch};

/// Feet that a shove pushes.
const SHOVE_FT: i32 = 5;
/// What a check comes to that fails without a roll: less than anything.
const FAILED: i64 = i32::MIN as i64;

impl Resolver<'_> {
    /// Seizes a creature in place of an attack.
    pub(super) fn seize(&mut self, who: CombatantId, target: CombatantId) -> Flow<()> {
        self.on_its_turn(who)?;
        self.view().may_lay_hands(who, target)?;
        self.view().may_seize(who, target)?;
        self.in_place_of_attack(who, GRAPPLE)?;
        self.lay_hands(who, target, None)
    }

    /// Pushes a creature 5 feet away, or knocks it down, in place of an attack.
    pub(super) fn shove(
        &mut self,
        who: CombatantId,
        target: CombatantId,
        effect: Shove,
        to: Option<Square>,
    ) -> Flow<()> {
        self.on_its_turn(who)?;
        self.view().may_lay_hands(who, target)?;
        if to.is_some_and(|to| effect != Shove::Push || !self.is_away(who, target, to)) {
            return Err(Refusal::InvalidPath { at: to }.into());
        }
        self.in_place_of_attack(who, "shove")?;
        self.lay_hands(who, target, Some((effect, to)))
    }

    /// A shove, and where to; none: a grapple. Who is not overcome stays as it is.
    fn lay_hands(
        &mut self,
        who: CombatantId,
        target: CombatantId,
        shove: Option<(Shove, Option<Square>)>,
    ) -> Flow<()> {
        let dc = self.hold_dc(who)?;
        if !self.is_overcome(who, target, dc)? {
            return Ok(());
        }
        match shove {
            None => {
                let held = EffectTemplate::condition(Condition::Grappled, Duration::Permanent);
                self.put(&Arc::new(EffectTemplate { dc, ..held }), Some(who), target, None);
                Ok(())
            }
            Some((Shove::Prone, _)) => {
                self.fall_prone(target);
                Ok(())
            }
            Some((Shove::Push, None)) => self.shift(who, target, SHOVE_FT, true),
            Some((Shove::Push, Some(to))) => self.shift_to(target, to),
        }
    }

    /// Whether a creature that is pushed to this square is moved straight away from another by as
    /// many feet as it is moved, at most those of a shove; a rider leaves its seat one way only.
    fn is_away(&self, who: CombatantId, target: CombatantId, to: Square) -> bool {
        let view = self.view();
        let spaces = (view.space_of(who), view.space_of(target));
        let (Some(own), Some(from)) = spaces else { return false };
        let there = from.at(Place { square: to, ..from.place });
        let apart_ft = |space| distance_ft(own, space, view.diagonals());
        let moved_ft = offset_ft(from.place.square, to, from.scale);
        // On open ground both are rounded.
        let rounded_ft = if from.scale == Scale::Feet { 1 } else { 0 };
        view.mount(target).is_none()
            && (1..=SHOVE_FT).contains(&moved_ft)
            && apart_ft(there) - apart_ft(from) >= moved_ft - rounded_ft
    }

    /// An Unarmed Strike in reaction that seizes or shoves; false: this is none.
    pub(super) fn wrestle(
        &mut self,
        who: CombatantId,
        target: CombatantId,
        option: &Key,
    ) -> Flow<bool> {
        let shove = match option.as_str() {
            GRAPPLE => None,
            SHOVE_PRONE => Some((Shove::Prone, None)),
            SHOVE_PUSH => Some((Shove::Push, None)),
            _ => return Ok(false),
        };
        self.spend_reaction(who);
        self.lay_hands(who, target, shove)?;
        Ok(true)
    }

    fn in_place_of_attack(&mut self, who: CombatantId, what: &str) -> Flow<()> {
        let what = Key::parse(what).map_err(|_| Refusal::UnknownAttack)?;
        let economy = self.combatant(who)?.after_making(&what).ok_or(Refusal::NoActionLeft)?;
        self.tell(Fact::EconomySet { who, economy });
        Ok(())
    }

    /// SRD 5.2.1: what must be reached against a creature's strength. None: it is a contest.
    fn hold_dc(&self, who: CombatantId) -> Result<Option<i32>, Refusal> {
        let block = &self.combatant(who)?.block;
        let dc = grapple_dc(block.abilities.modifier(Ability::Str), block.proficiency());
        Ok(self.combat.rules.is_52(Switch::GrappleShove).then_some(dc))
    }

    /// What must be reached to break a hold that says nothing of it. None: it is a contest. SRD 5.1:
    /// against a monster's attack, 10 and its Strength (Athletics) (SRD 5.1 "Monsters", "Grapple
    /// Rules for Monsters").
    fn grip_dc(&self, holder: CombatantId, hold: &Effect) -> Result<Option<i32>, Refusal> {
        let who = self.combatant(holder)?;
        let by_attack = hold.template.key.is_some() && who.kind == CombatantKind::Monster;
        let dc = 10_i32.saturating_add(who.block.skill_bonus(Skill::Athletics));
        Ok(self.hold_dc(holder)?.or(by_attack.then_some(dc)))
    }

    /// Whether a creature is overcome: in a contest of Strength (Athletics) against its Athletics or
    /// Acrobatics, or by failing a Strength or Dexterity save. It chooses with what it resists.
    fn is_overcome(
        &mut self,
        who: CombatantId,
        target: CombatantId,
        dc: Option<i32>,
    ) -> Flow<bool> {
        let block = Arc::clone(&self.combatant(target)?.block);
        let Some(dc) = dc else {
            let skill = self.contest_skill(target, None)?;
            let total = self.check(who, Skill::Athletics, None)?;
            let against = self.check(target, skill, None)?;
            return Ok(self.contested((who, Skill::Athletics, total), target, against));
        };
        let agile = block.save_bonus(Ability::Dex) > block.save_bonus(Ability::Str);
        let default = if agile { "dex" } else { "str" };
        let chosen = self.choose(target, Choice::SaveAbility, &["str", "dex"], default)?;
        let ability = if chosen == "dex" { Ability::Dex } else { Ability::Str };
        Ok(!self.save(target, ability, dc)?)
    }

    /// With what a creature resists or breaks free: as said, or asked.
    fn contest_skill(&mut self, who: CombatantId, said: Option<Skill>) -> Flow<Skill> {
        let better = self.better_skill(who)?;
        if let Some(skill) = said {
            return Ok(skill);
        }
        let default = if better == Skill::Acrobatics { "acrobatics" } else { "athletics" };
        let options = ["athletics", "acrobatics"];
        let chosen = self.choose(who, Choice::ContestSkill, &options, default)?;
        Ok(if chosen == "acrobatics" { Skill::Acrobatics } else { Skill::Athletics })
    }

    fn better_skill(&self, who: CombatantId) -> Result<Skill, Refusal> {
        let block = &self.combatant(who)?.block;
        let agile = block.skill_bonus(Skill::Acrobatics) > block.skill_bonus(Skill::Athletics);
        Ok(if agile { Skill::Acrobatics } else { Skill::Athletics })
    }

    /// Tells how a contest ended; whether the one who wanted to change something won.
    fn contested(
        &mut self,
        (who, skill, total): (CombatantId, Skill, i64),
        target: CombatantId,
        against: i64,
    ) -> bool {
        let won = contest_won(total, against);
        let (target, against, success) = (Some(target), Some(against), Some(won));
        self.tell(Fact::CheckMade { who, skill, target, total, against, success });
        won
    }

    /// A check with a skill, told as a roll: what it came to. `favor`: what gives it advantage.
    pub(super) fn check(
        &mut self,
        who: CombatantId,
        skill: Skill,
        favor: Option<(&str, CombatantId)>,
    ) -> Flow<i64> {
        self.check_by(who, skill, favor, (None, None))
    }

    /// A check that relies on one sense, and is about somebody.
    pub(super) fn check_by(
        &mut self,
        who: CombatantId,
        skill: Skill,
        favor: Option<(&str, CombatantId)>,
        (sense, about): (Option<CheckSense>, Option<CombatantId>),
    ) -> Flow<i64> {
        let mut test = self.view().check_test_by(who, skill.ability(), Some(skill), sense);
        if let Some((why, by)) = favor {
            test.reason(RollMode::Advantage, why, Some(by.0.to_string()));
        }
        let looks = skill == Skill::Perception && sense == Some(CheckSense::Sight);
        if looks && self.view().is_dim_to(who, about.unwrap_or(who)) {
            test.reason(RollMode::Disadvantage, "lightly_obscured", None);
        }
        let used = self.view().used_by_check(who, skill);
        // Who lacks the sense fails without a roll.
        let total = match test.fails() {
            true => FAILED,
            false => self.test(who, Purpose::Check { skill }, test)?.total,
        };
        for id in used {
            self.end(id, EndReason::Over);
        }
        Ok(total)
    }

    /// Tries to break free, as an action.
    pub(super) fn escape(
        &mut self,
        who: CombatantId,
        effect: Option<EffectId>,
        skill: Option<Skill>,
    ) -> Flow<()> {
        self.on_its_turn(who)?;
        if skill.is_some_and(|skill| !matches!(skill, Skill::Athletics | Skill::Acrobatics)) {
            return Err(Refusal::WrongSkill.into());
        }
        let holds = |held: &&Effect| match effect {
            Some(id) => held.is_of(id) && (held.template.dc.is_some() || is_grapple(held)),
            None => is_grapple(held),
        };
        let hold = self.combat.effects_on(who).find(holds).cloned();
        let hold = hold.ok_or(Refusal::NothingToDo)?;
        self.spend_action(who)?;
        let skill = skill.map_or_else(|| self.better_skill(who), Ok)?;
        let total = self.check(who, skill, None)?;
        let holder = hold.source.filter(|id| self.combat.combatant(*id).is_some());
        let dc = match (hold.template.dc, holder) {
            (None, Some(holder)) => self.grip_dc(holder, &hold)?,
            (dc, _) => dc,
        };
        let free = match (dc, holder) {
            (Some(dc), _) => {
                let success = total >= i64::from(dc);
                let (against, success) = (Some(i64::from(dc)), Some(success));
                self.tell(Fact::CheckMade { who, skill, target: holder, total, against, success });
                success == Some(true)
            }
            (None, Some(holder)) => {
                let against = self.check(holder, Skill::Athletics, None)?;
                self.contested((who, skill, total), holder, against)
            }
            (None, None) => true,
        };
        if free {
            self.end(hold.id, EndReason::Over);
        }
        Ok(())
    }

    /// Lets go: free, at any time.
    pub(super) fn release(&mut self, who: CombatantId, target: CombatantId) -> Flow<()> {
        self.combatant(who)?;
        self.combatant(target)?;
        let held: Vec<EffectId> = self
            .combat
            .effects_on(target)
            .filter(|effect| effect.source == Some(who) && is_grapple(effect))
            .map(|effect| effect.id)
            .collect();
        if held.is_empty() {
            return Err(Refusal::NothingToDo.into());
        }
        for id in held {
            self.end(id, EndReason::Over);
        }
        Ok(())
    }

    /// Ends the grapples of who can hold no longer: gone, incapacitated, or too far away.
    pub(super) fn loosen(&mut self) {
        self.end_unheld();
        let grapples: Vec<(EffectId, CombatantId, CombatantId)> = self
            .combat
            .effects
            .values()
            .filter(|effect| is_grapple(effect))
            .filter_map(|effect| Some((effect.id, effect.source?, effect.target)))
            .collect();
        for (id, holder, held) in grapples {
            let able = self.combat.combatant(holder).is_some_and(Combatant::is_conscious)
                && !self.view().is(holder, ModifierKind::CannotAct);
            let within = self.view().distance_ft(holder, held) <= self.grip_ft(holder)
                && !self.view().is_elsewhere(holder, held);
            if !able || !within {
                self.end(id, EndReason::Over);
            }
        }
    }

    /// How far a creature can hold another: as far as it reaches with any attack.
    pub(super) fn grip_ft(&self, holder: CombatantId) -> i32 {
        let attacks = self.combat.combatant(holder).map(|holder| &holder.block.attacks);
        let reaches = attacks.into_iter().flatten().map(|it| self.view().reach_ft(holder, it));
        reaches.max().unwrap_or(0).max(SHOVE_FT)
    }
}

fn is_grapple(effect: &Effect) -> bool {
    effect.template.conditions.contains(&Condition::Grappled)
}
