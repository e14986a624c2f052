//! Those whom somebody that moves takes along: dragged, carried through the air (SRD 5.1 "Moving a
//! Grappled Creature"; SRD 5.2.1 "Grappling").

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Flow, Resolver};
use crate::combat::{Combatant, CombatantId, Effect, Fact, Life, Refusal};
use crate::effect::{Duration, EffectTemplate, Hook, ModifierKind, Op, Party, Trigger};
use crate::space::{Place, Space, Square, drag_burdens, nearest_free};
use crate::{Condition, Key, Switch};

/// Key of the effect by which who is held in the air falls.
const CARRIED: &str = "carried";

impl Resolver<'_> {
    /// Whether those taken along slow who moves; only those it grapples can be.
    pub(super) fn burden(&self, mover: &Combatant, drag: &[CombatantId]) -> Result<bool, Refusal> {
        let rule = self.combat.rules.edition(Switch::DragCost);
        let freely = self.view().is(mover.id, ModifierKind::DragsFreely);
        let mut burden = false;
        let different: BTreeSet<&CombatantId> = drag.iter().collect();
        if different.len() < drag.len() {
            return Err(Refusal::InvalidTarget);
        }
        for id in drag {
            let dragged = self.combatant(*id)?;
            if !self.view().grapples(mover.id, *id) {
                return Err(Refusal::InvalidTarget);
            }
            burden |= !freely && drag_burdens(rule, mover.block.size, dragged.block.size);
        }
        Ok(burden)
    }

    /// Those taken along go the same step, or where there is no room for that to where the one that
    /// moves came from.
    pub(super) fn drag_along(
        &mut self,
        who: CombatantId,
        drag: &[CombatantId],
        (from, to): (Square, Place),
    ) -> Flow<()> {
        for id in drag {
            let Some(dragged) = self.combat.combatant(*id) else { continue };
            if !self.view().grapples(who, *id) {
                continue;
            }
            let Some(at) = dragged.position else { continue };
            let shifted = at.shifted(to.square.x - from.x, to.square.y - from.y);
            let room = [shifted, from].into_iter().find(|at| self.has_room(dragged, *at));
            let room = room.or_else(|| self.pressed_aside(who, dragged));
            if let Some(square) = room {
                let (was, path) = (dragged.space(), vec![square]);
                self.tell(Fact::Moved { who: *id, path, cost_ft: 0, diagonals: 0, forced: true });
                self.rise(*id, to.elevation_ft);
                self.carry_off(who, *id);
                self.came_from(*id, was)?;
            }
        }
        Ok(())
    }

    /// Who is held in the air falls when it is let go.
    fn carry_off(&mut self, who: CombatantId, held: CombatantId) {
        let airborne = self.combat.combatant(held).is_some_and(|it| it.elevation_ft > 0);
        let carried = |effect: &Effect| {
            effect.template.key.as_ref().is_some_and(|key| key.as_str() == CARRIED)
        };
        if !airborne || self.combat.effects_on(held).any(carried) {
            return;
        }
        let holds = |effect: &&Effect| {
            effect.source == Some(who) && effect.template.conditions.contains(&Condition::Grappled)
        };
        let hold = self.combat.effects_on(held).find(holds).map(|effect| effect.id);
        let Some(hold) = hold else { return };
        let trigger = Trigger {
            on: Hook::Ends,
            when: Vec::new(),
            whom: Party::Bearer,
            does: vec![Op::Fall],
            ends: false,
            once_a_turn: false,
        };
        let template = EffectTemplate {
            key: Key::parse(CARRIED).ok(),
            triggers: vec![trigger],
            ..EffectTemplate::named("Carried", Duration::Permanent)
        };
        self.put(&Arc::new(template), Some(who), held, Some(hold));
    }

    /// The nearest room for somebody whose space the one that drags it came to be in.
    fn pressed_aside(&self, by: CombatantId, dragged: &Combatant) -> Option<Square> {
        let space = dragged.space()?;
        self.combat.combatant(by)?.space().filter(|by| by.overlaps(space))?;
        let others: Vec<Space> = self
            .combat
            .combatants
            .values()
            .filter(|other| other.id != dragged.id && other.life != Life::Dead)
            .filter_map(|other| other.space())
            .collect();
        let size = dragged.block.size;
        let place = nearest_free(&self.view().terrain(), &others, size, space.place)?;
        Some(place.square)
    }
}
