//! Checks of a caster against those of others (SRD 5.1 "Contests").

use super::ops::{About, Act};
use super::{Flow, Resolver};
use crate::Ability;
use crate::combat::view::About as Roll;
use crate::combat::{CombatantId, Purpose, Test};
use crate::dice::RollMode;
use crate::effect::{ContestOp, RollKind};

impl Resolver<'_> {
    /// A caster's check with its spellcasting ability, as its effects have it.
    pub(super) fn casting_test(&self, act: &Act, bonus: i32) -> Test {
        let mut test = Test::new(bonus, act.casting.spell.as_str());
        let (kinds, ability) = (&[RollKind::Check], Some(self.casting_ability(act.caster)));
        let about = Roll { kinds, ability, ..Roll::default() };
        self.view().consult(&mut test, act.caster, about);
        test
    }

    /// What a creature casts with.
    pub(super) fn casting_ability(&self, who: CombatantId) -> Ability {
        let block = self.combat.combatant(who).and_then(|it| it.block.spellcasting.as_ref());
        block.map_or(Ability::Int, |block| block.ability)
    }

    /// The caster's check against each; with equal totals nothing changes.
    pub(super) fn contest_op(
        &mut self,
        act: &Act,
        contest: &ContestOp,
        about: About<'_>,
    ) -> Flow<()> {
        for (target, cover) in about {
            let bonus = contest.bonus.unwrap_or(act.casting.modifier);
            let mut test = self.casting_test(act, bonus);
            if contest.advantage.iter().any(|case| self.is_so(act, *target, case)) {
                test.reason(RollMode::Advantage, act.casting.spell.as_str(), None);
            }
            let purpose = Purpose::Ability { ability: self.casting_ability(act.caster) };
            let own = self.test(act.caster, purpose, test)?.total;
            let ability = contest.ability.unwrap_or(Ability::Str);
            let test = self.view().check_test(*target, ability, contest.skill);
            let purpose = match contest.skill {
                Some(skill) => Purpose::Check { skill },
                None => Purpose::Ability { ability },
            };
            let against = self.test(*target, purpose, test)?.total;
            let ops = if own > against { &contest.win } else { &contest.lose };
            self.carry_out(act, ops, &[(*target, *cover)])?;
        }
        Ok(())
    }
}
