//! Saves and checks as they stand before a die is thrown.

use super::{About, View};
use crate::combat::{CheckSense, CombatantId, Test};
use crate::dice::RollMode;
use crate::effect::{ModifierKind, RollKind};
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
        (other, against, magical): (Option<CombatantId>, &[Condition], bool),
        cover: Cover,
    ) -> Test {
        let mut test = Test::new(self.save_bonus(who, ability), ability.name());
        let kinds = &[RollKind::Save];
        let about =
            About { kinds, ability: Some(ability), other, against, magical, ..About::default() };
        self.consult(&mut test, who, about);
        self.squeeze_save(&mut test, who, ability);
        if magical && self.is(who, ModifierKind::SavesAgainstMagic) {
            test.succeed();
        }
        if ability == Ability::Dex {
            test.add(cover.bonus().unwrap_or(0), "cover");
        }
        test
    }

    /// A saving throw to keep concentrating.
    pub fn concentration_test(self, who: CombatantId) -> Test {
        self.save_of(who, Ability::Con, &[RollKind::Save, RollKind::Concentration])
    }

    /// What an effect makes of an ability's modifier, beside what its score gives.
    /// An ability score now.
    pub(in crate::combat) fn score(self, who: CombatantId, ability: Ability) -> i32 {
        let own =
            self.combat.combatant(who).map_or(0, |it| i32::from(it.block.abilities.score(ability)));
        let is =
            |active: &crate::combat::view::Active<'_>| active.modifier.abilities.contains(&ability);
        let mut set = self.of_kind(who, ModifierKind::ScoreIs).filter(is);
        set.find_map(|active| active.modifier.value).unwrap_or(own)
    }

    fn score_change(self, who: CombatantId, ability: Ability) -> i32 {
        let Some(creature) = self.combat.combatant(who) else { return 0 };
        let score = self.of_kind(who, ModifierKind::ScoreIs).find_map(|active| {
            let is = active.modifier.abilities.contains(&ability);
            active.modifier.value.filter(|_| is).and_then(|score| u8::try_from(score).ok())
        });
        let own = creature.block.abilities.modifier(ability);
        score.map_or(0, |score| crate::modifier(score) - own)
    }

    fn save_bonus(self, who: CombatantId, ability: Ability) -> i32 {
        let bonus = self.combat.combatant(who).map_or(0, |who| who.block.save_bonus(ability));
        bonus.saturating_add(self.score_change(who, ability))
    }

    fn save_of(self, who: CombatantId, ability: Ability, kinds: &[RollKind]) -> Test {
        let mut test = Test::new(self.save_bonus(who, ability), ability.name());
        self.consult(&mut test, who, About { kinds, ability: Some(ability), ..About::default() });
        self.squeeze_save(&mut test, who, ability);
        test
    }

    fn squeeze_save(self, test: &mut Test, who: CombatantId, ability: Ability) {
        if ability == Ability::Dex && self.is_hampered_by_squeezing(who) {
            test.reason(RollMode::Disadvantage, "squeezing", None);
        }
    }

    /// A death saving throw: a saving throw that no ability is added to.
    pub fn death_save_test(self, who: CombatantId) -> Test {
        let mut test = Test::default();
        let kinds = &[RollKind::Save, RollKind::DeathSave];
        self.consult(&mut test, who, About { kinds, ..About::default() });
        test
    }

    /// An ability check, with a skill if that is what it is.
    pub fn check_test(self, who: CombatantId, ability: Ability, skill: Option<Skill>) -> Test {
        self.check_test_by(who, ability, skill, None)
    }

    /// An ability check that relies on a sense.
    pub fn check_test_by(
        self,
        who: CombatantId,
        ability: Ability,
        skill: Option<Skill>,
        sense: Option<CheckSense>,
    ) -> Test {
        let bonus = self.combat.combatant(who).map_or(0, |who| match skill {
            Some(skill) => who.block.skill_bonus(skill),
            None => who.block.abilities.modifier(ability),
        });
        let bonus = bonus.saturating_add(self.score_change(who, ability));
        let mut test = Test::new(bonus, ability.name());
        let kinds = &[RollKind::Check];
        let about = About { kinds, ability: Some(ability), skill, sense, ..About::default() };
        self.consult(&mut test, who, about);
        test
    }
}
