//! Equal counts of initiative that players put in order (SRD 5.1 "Initiative"; SRD 5.2.1
//! "Initiative"): their characters among themselves, as long as nobody acts twice for it.

use std::cmp::{Ordering, Reverse};

use uuid::Uuid;

use super::{Combat, CombatantId, CombatantKind, Phase, Refusal};
use crate::rule_set::TieDecidedBy;

impl Combat {
    /// Those who take part in the order of their turns; before the first turn, by their counts.
    pub fn standing_order(&self) -> Vec<CombatantId> {
        if self.phase == Phase::Running {
            let here = |id: &CombatantId| self.combatants.contains_key(id);
            return self.order.iter().copied().filter(here).collect();
        }
        let mut all: Vec<CombatantId> = self.combatants.keys().copied().collect();
        all.sort_by_key(|id| Reverse(self.count(*id)));
        all
    }

    /// Whether a player may have turns taken in this order: it is the standing one but for tied
    /// characters in each other's places, all of them players' own and one of them the sender's,
    /// none of whom acts now, or has acted in this round where another of them has not. Before the
    /// first turn every tie is of such characters.
    pub(super) fn may_order(&self, player: Uuid, order: &[CombatantId]) -> Result<(), Refusal> {
        let rolling = self.phase == Phase::RollingInitiative;
        let standing = self.standing_order();
        let level = |one: &CombatantId, other: &CombatantId| self.count(*one) == self.count(*other);
        let decided = |tie: &[CombatantId]| self.decided_by(tie) == TieDecidedBy::Players;
        let counted = standing.iter().all(|id| self.count(*id).is_some());
        let all_players = standing.chunk_by(level).all(|tie| tie.len() == 1 || decided(tie));
        let ripe = match self.phase {
            Phase::Running => true,
            Phase::RollingInitiative => counted && all_players,
            Phase::Setup | Phase::Ended => false,
        };
        let own = |id: &CombatantId| self.combatant(*id).and_then(|it| it.owner) == Some(player);
        let beside =
            |one: &CombatantId, other: &CombatantId| level(one, other) && decided(&[*one, *other]);
        let (mut fits, mut has_a_say, mut rest) = (ripe, false, order);
        for tie in standing.chunk_by(beside) {
            let Some((new, after)) = rest.split_at_checked(tie.len()) else {
                return Err(Refusal::NotGameMaster);
            };
            rest = after;
            let moved = || tie.iter().zip(new).filter(|(old, new)| old != new);
            fits &= moved().all(|(old, new)| tie.contains(new) && self.may_swap(*old, *new));
            has_a_say |= moved().any(|(old, _)| own(old));
            has_a_say |= rolling && tie.len() > 1 && tie.iter().any(own);
        }
        if fits && has_a_say { Ok(()) } else { Err(Refusal::NotGameMaster) }
    }

    fn count(&self, id: CombatantId) -> Option<i32> {
        self.combatant(id)?.initiative
    }

    fn decided_by(&self, tie: &[CombatantId]) -> TieDecidedBy {
        let own = |id: &CombatantId| {
            self.combatant(*id)
                .is_some_and(|it| it.kind == CombatantKind::Character && it.owner.is_some())
        };
        TieDecidedBy::of(tie.iter().all(own))
    }

    /// Whether one can take another's place in this round: both have yet to act, or both have acted.
    fn may_swap(&self, one: CombatantId, other: CombatantId) -> bool {
        let stage = |id: CombatantId| -> Option<Ordering> {
            let place = self.order.iter().position(|it| *it == id)?;
            Some(place.cmp(&self.turn?))
        };
        stage(one) == stage(other) && stage(one) != Some(Ordering::Equal)
    }
}
