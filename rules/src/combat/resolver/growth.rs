//! Creatures that magic makes larger or smaller (SRD 5.1 "Enlarge/Reduce"; SRD 5.2.1
//! "Enlarge/Reduce").

use std::sync::Arc;

use super::Resolver;
use crate::combat::{Combatant, CombatantId, EffectId, Fact};
use crate::effect::ModifierKind;
use crate::space::{Place, nearest_free};

impl Resolver<'_> {
    /// A creature is as large as its effects make it, a size more or less at most; it grows only
    /// where there is room.
    pub(super) fn fit_size(&mut self, who: CombatantId) {
        let Some(creature) = self.combat.combatant(who) else { return };
        let sizes = self.view().of_kind(who, ModifierKind::Size);
        let wanted: i32 = sizes.map(|active| active.modifier.value(active.level)).sum();
        let wanted = wanted.clamp(-1, 1);
        let size = creature.block.size.larger(wanted - i32::from(creature.grown));
        let (Some(size), Ok(grown)) = (size, i8::try_from(wanted)) else { return };
        if size == creature.block.size {
            return;
        }
        let mut changed = Combatant { grown, squeezed: false, ..creature.clone() };
        Arc::make_mut(&mut changed.block).size = size;
        let room = match changed.position {
            Some(_) => self.room_for(&changed, wanted == 0),
            None => Some(None),
        };
        if let Some(position) = room {
            let combatant = Arc::new(Combatant { position, ..changed });
            self.tell(Fact::CombatantSet { combatant });
        }
    }

    /// Hit points and size of a creature are as an effect has them that began.
    pub(super) fn fit_body(&mut self, id: EffectId, who: CombatantId) {
        self.clamp_hp(who);
        if self.changes_size(id) {
            self.fit_size(who);
        }
    }

    /// Whether an effect changes its bearer's size.
    pub(super) fn changes_size(&self, id: EffectId) -> bool {
        self.combat.effects.get(&id).is_some_and(|effect| {
            let mut modifiers = effect.template.modifiers.iter();
            modifiers.any(|modifier| modifier.kind == ModifierKind::Size)
        })
    }

    /// The square for a creature of its new size, over where it stands; where it must be somewhere
    /// the nearest to that. None: there is no room.
    #[expect(clippy::option_option, reason = "a square, or off the board as before")]
    fn room_for(&self, changed: &Combatant, must: bool) -> Option<Option<crate::space::Square>> {
        let at = changed.position?;
        let spare = changed.space_at(at).side - 1;
        let shifts = (0..=spare).flat_map(|x| (0..=spare).map(move |y| at.shifted(-x, -y)));
        let mut fitting = shifts.filter(|at| self.has_room(changed, *at));
        if let Some(at) = fitting.next() {
            return Some(Some(at));
        }
        let wanted = Place { square: at, elevation_ft: changed.elevation_ft };
        let others = self.others_for(changed);
        let found = nearest_free(&self.view().terrain(), &others, changed.block.size, wanted);
        found.filter(|_| must).map(|place| Some(place.square))
    }
}
