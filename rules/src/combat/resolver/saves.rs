//! Saving throws (SRD 5.1 "Saving Throws"; SRD 5.2.1 "Saving Throws").

use super::gather::About;
use super::{Flow, Resolver};
use crate::Ability;
use crate::combat::{CombatantId, Fact, Purpose, Test};
use crate::effect::RollKind;

impl Resolver<'_> {
    /// A saving throw; whether it succeeded.
    pub(super) fn save(&mut self, who: CombatantId, ability: Ability, dc: i32) -> Flow<bool> {
        self.save_as(who, ability, dc, &[RollKind::Save], Purpose::Save { ability })
    }

    /// The save to go on concentrating.
    pub(super) fn concentration_save(&mut self, who: CombatantId, dc: i32) -> Flow<bool> {
        let kinds = [RollKind::Save, RollKind::Concentration];
        self.save_as(who, Ability::Con, dc, &kinds, Purpose::Concentration)
    }

    fn save_as(
        &mut self,
        who: CombatantId,
        ability: Ability,
        dc: i32,
        kinds: &[RollKind],
        purpose: Purpose,
    ) -> Flow<bool> {
        let bonus = self.combatant(who)?.block.save_bonus(ability);
        let mut test = Test::new(bonus, ability.name());
        let about = About { kinds, ability: Some(ability), ..About::default() };
        self.consult(&mut test, who, about);
        let success = if test.fails() {
            false
        } else {
            let tested = self.throw(|dice| test.roll(dice));
            let total = tested.roll.total;
            self.rolled(who, purpose, tested.roll);
            total >= i64::from(dc)
        };
        self.tell(Fact::SaveMade { who, ability, dc, success });
        Ok(success)
    }
}
