//! Saving throws (SRD 5.1 "Saving Throws"; SRD 5.2.1 "Saving Throws").

use super::traits::Stakes;
use super::{Flow, Resolver};
use crate::Ability;
use crate::combat::{CombatantId, EndReason, Fact, Purpose, Test};
use crate::effect::{Hook, SaveSpec};
use crate::space::Cover;

impl Resolver<'_> {
    /// A saving throw; whether it succeeded.
    pub(super) fn save(&mut self, who: CombatantId, ability: Ability, dc: i32) -> Flow<bool> {
        let test = self.view().save_test(who, ability);
        self.make_save(who, ability, dc, test, Purpose::Save { ability })
    }

    /// A saving throw against something from outside that threatens with this.
    pub(super) fn save_against(
        &mut self,
        who: CombatantId,
        save: SaveSpec,
        cover: Cover,
        stakes: Stakes<'_>,
    ) -> Flow<bool> {
        let ability = save.ability;
        let stakes = (stakes.from, stakes.conditions, stakes.magical);
        let test = self.view().save_test_against(who, ability, stakes, cover);
        self.make_save(who, ability, save.dc, test, Purpose::Save { ability })
    }

    /// The save to go on concentrating.
    pub(super) fn concentration_save(&mut self, who: CombatantId, dc: i32) -> Flow<bool> {
        let test = self.view().concentration_test(who);
        self.make_save(who, Ability::Con, dc, test, Purpose::Concentration)
    }

    pub(super) fn make_save(
        &mut self,
        who: CombatantId,
        ability: Ability,
        dc: i32,
        test: Test,
        purpose: Purpose,
    ) -> Flow<bool> {
        let success = if test.succeeds() {
            self.missed_by = 0;
            true
        } else if test.fails() {
            self.missed_by = 0;
            false
        } else {
            let used = self.view().used_by_save(who, ability);
            let total = self.test(who, purpose, test)?.total;
            for id in used {
                self.end(id, EndReason::Over);
            }
            self.missed_by = i32::try_from(i64::from(dc) - total).unwrap_or(0);
            total >= i64::from(dc)
        };
        let success = success || self.resists(who, ability, dc)?;
        self.tell(Fact::SaveMade { who, ability, dc, success });
        self.fire(who, Hook::Saves, None, false)?;
        Ok(success)
    }
}
