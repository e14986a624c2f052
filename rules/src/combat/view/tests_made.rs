//! Saves and checks as they stand before a die is thrown.

use super::{About, View};
use crate::combat::{CombatantId, Test};
use crate::effect::RollKind;
use crate::space::Cover;
use crate::{Ability, Condition, Skill};

impl View<'_> {
    /// A saving throw.
    pub fn save_test(self, who: CombatantId, ability: Ability) -> Test {
        self.save_of(who, ability, &[RollKind::Save])
    }

    /// A saving throw against something from outside: cover helps Dexterity.
    pub fn save_test_behind(self, who: CombatantId, ability: Ability, cover: Cover) -> Test {
        let mut test = self.save_test(who, ability);
        if ability == Ability::Dex {
            test.add(cover.bonus().unwrap_or(0), "cover");
        }
        test
    }

    /// A saving throw against something of somebody's that brings conditions: cover helps Dexterity.
    pub(in crate::combat) fn save_test_against(
        self,
        who: CombatantId,
        ability: Ability,
        other: Option<CombatantId>,
        against: &[Condition],
        cover: Cover,
    ) -> Test {
        let bonus = self.combat.combatant(who).map_or(0, |who| who.block.save_bonus(ability));
        let mut test = Test::new(bonus, ability.name());
        let kinds = &[RollKind::Save];
        let about = About { kinds, ability: Some(ability), other, against, ..About::default() };
        self.consult(&mut test, who, about);
        if ability == Ability::Dex {
            test.add(cover.bonus().unwrap_or(0), "cover");
        }
        test
    }

    /// A saving throw to keep concentrating.
    pub fn concentration_test(self, who: CombatantId) -> Test {
        self.save_of(who, Ability::Con, &[RollKind::Save, RollKind::Concentration])
    }

    fn save_of(self, who: CombatantId, ability: Ability, kinds: &[RollKind]) -> Test {
        let bonus = self.combat.combatant(who).map_or(0, |who| who.block.save_bonus(ability));
        let mut test = Test::new(bonus, ability.name());
        self.consult(&mut test, who, About { kinds, ability: Some(ability), ..About::default() });
        test
    }

    /// A death saving throw.
    pub fn death_save_test(self, who: CombatantId) -> Test {
        let mut test = Test::default();
        let kinds = &[RollKind::DeathSave];
        self.consult(&mut test, who, About { kinds, ..About::default() });
        test
    }

    /// An ability check, with a skill if that is what it is.
    pub fn check_test(self, who: CombatantId, ability: Ability, skill: Option<Skill>) -> Test {
        let bonus = self.combat.combatant(who).map_or(0, |who| match skill {
            Some(skill) => who.block.skill_bonus(skill),
            None => who.block.abilities.modifier(ability),
        });
        let mut test = Test::new(bonus, ability.name());
        let about =
            About { kinds: &[RollKind::Check], ability: Some(ability), skill, ..About::default() };
        self.consult(&mut test, who, about);
        test
    }
}
