//! Squeezing: in the space of one size smaller where walls leave no room for more (SRD 5.1 "Squeezing
//! into a Smaller Space"; SRD 5.2.1 "Difficult Terrain").

use super::Resolver;
use crate::combat::{CombatantId, Fact, Life};
use crate::space::Square;

impl Resolver<'_> {
    /// Squeezes from now on, or does so no longer.
    pub(super) fn squeeze(&mut self, who: CombatantId, squeezed: bool) {
        if self.combat.combatant(who).is_some_and(|it| it.squeezed != squeezed) {
            self.tell(Fact::SqueezedSet { who, squeezed });
        }
    }

    /// Who squeezes takes all of its space again where there is room.
    pub(super) fn unfold(&mut self, who: CombatantId) {
        let Some(creature) = self.combat.combatant(who).filter(|it| it.squeezed) else { return };
        let passing = self.passing(creature);
        let fits = |square: Square| {
            let full = creature.space_at(square);
            let taken = self.others(who).iter().any(|other| other.overlaps(full));
            self.view().terrain().has_room(full.footprint()) && (!taken || passing.shares)
        };
        let fits = creature.position.is_none_or(fits);
        if fits || !passing.squeezes || self.view().is_inside(who) {
            self.squeeze(who, false);
        }
    }

    /// As [`Resolver::unfold`], for all: walls fall, and others go.
    pub(super) fn unfold_all(&mut self) {
        let living = self.combat.combatants.values().filter(|it| it.life != Life::Dead);
        let squeezed: Vec<CombatantId> = living.filter(|it| it.squeezed).map(|it| it.id).collect();
        for who in squeezed {
            self.unfold(who);
        }
    }
}
