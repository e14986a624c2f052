//! Equal counts of initiative that players put in order (SRD 5.1 "Initiative"; SRD 5.2.1
//! "Initiative"): their characters among themselves, as long as nobody acts twice for it.

use std::cmp::{Ordering, Reverse};

use uuid::Uuid;

use super::{Combat, CombatantId, CombatantKind, Phase, Refusal};
use crate::rule_set::{InitiativeTies, TieDecidedBy};

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
    /// none of whom acts now, or has acted where another of them has not. In the first round, where
    /// no dice decide between them; before the first turn, where every tie is of such characters.
    /// Who is hidden keeps its place, and is between nobody.
    pub(super) fn may_order(&self, player: Uuid, order: &[CombatantId]) -> Result<(), Refusal> {
        let standing = self.standing_order();
        let hidden = |id: &CombatantId| self.combatant(*id).is_some_and(|it| it.hidden);
        let stays =
            |(old, new): (&CombatantId, &CombatantId)| old == new || !(hidden(old) || hidden(new));
        let kept = standing.len() == order.len() && standing.iter().zip(order).all(stays);
        let counted = standing.iter().all(|id| self.count(*id).is_some());
        let shown = |order: &[CombatantId]| -> Vec<CombatantId> {
            order.iter().copied().filter(|id| !hidden(id)).collect()
        };
        let (standing, order) = (shown(&standing), shown(order));
        let level = |one: &CombatantId, other: &CombatantId| self.count(*one) == self.count(*other);
        let decided = |tie: &[CombatantId]| self.decided_by(tie) == TieDecidedBy::Players;
        let all_players = || standing.chunk_by(level).all(|tie| tie.len() == 1 || decided(tie));
        let by_dice = self.rules.initiative_ties == InitiativeTies::RollOff;
        let rolling = self.phase == Phase::RollingInitiative;
        let ripe = match self.phase {
            Phase::Running => self.round <= 1 && !by_dice,
            Phase::RollingInitiative => counted && all_players(),
            Phase::Setup | Phase::Ended => false,
        };
        let own = |id: &CombatantId| self.combatant(*id).and_then(|it| it.owner) == Some(player);
        let beside =
            |one: &CombatantId, other: &CombatantId| level(one, other) && decided(&[*one, *other]);
        let (mut fits, mut has_a_say, mut rest) = (ripe && kept, false, order.as_slice());
        for tie in standing.chunk_by(beside) {
            let Some((new, after)) = rest.split_at_checked(tie.len()) else {
                return Err(Refusal::NotGameMaster);
            };
            rest = after;
            let mut moved = tie.iter().zip(new).filter(|(old, new)| old != new).peekable();
            let changes = moved.peek().is_some();
            let says = tie.iter().any(own);
            fits &= !changes || says;
            fits &= moved.all(|(old, new)| tie.contains(new) && self.may_swap(*old, *new));
            has_a_say |= says && (changes || (rolling && tie.len() > 1));
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
