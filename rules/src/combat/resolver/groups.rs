//! Whom words go on about: those around, those in an area, those who bear an effect.

use super::Flow;
use super::Resolver;
use super::ops::{About, Act};
use crate::Key;
use crate::combat::{CombatantId, Life};
use crate::content::Area as Spec;
use crate::effect::{AboutOp, Op};
use crate::space::{Area, Cover, Place, Space};

impl Resolver<'_> {
    /// Carries words out about others than before.
    pub(super) fn regroup(&mut self, act: &Act, op: &Op, about: About<'_>) -> Flow<()> {
        match op {
            Op::Around(around) => {
                for (center, _) in about {
                    let mut found = self.around(*center, around.feet);
                    found.retain(|(id, _)| self.concerns(act.caster, *id, around.whom));
                    if around.and_it {
                        found.insert(0, (*center, Cover::None));
                    }
                    self.carry_out(act, &around.does, &found)?;
                }
                Ok(())
            }
            Op::Bite(ops) => {
                let first = self.all_in_area_of(act).into_iter().take(1);
                self.carry_out_on(act, ops, first.collect())
            }
            Op::OnBearer(ops) => {
                let bearer = act.effect.and_then(|id| self.combat.effects.get(&id));
                let bearer = bearer.map(|effect| effect.target);
                self.carry_out_on(act, ops, bearer.into_iter().collect())
            }
            Op::Inside(ops) => self.carry_out_on(act, ops, self.all_in_area_of(act)),
            Op::Bearers(bearers) => {
                self.carry_out_on(act, &bearers.does, self.bearers(act.caster, &bearers.of))
            }
            Op::About(other) => {
                let found = self.in_area_at(act, other);
                self.carry_out(act, &other.does, &found)
            }
            _ => Ok(()),
        }
    }

    fn carry_out_on(&mut self, act: &Act, ops: &[Op], all: Vec<CombatantId>) -> Flow<()> {
        let about: Vec<(CombatantId, Cover)> =
            all.into_iter().map(|who| (who, Cover::None)).collect();
        if about.is_empty() { Ok(()) } else { self.carry_out(act, ops, &about) }
    }

    fn all_in_area_of(&self, act: &Act) -> Vec<CombatantId> {
        act.effect.map(|id| self.all_inside(id)).unwrap_or_default()
    }

    /// Those on whom an effect of this key is of somebody's, by name.
    pub(super) fn bearers(&self, source: CombatantId, of: &Key) -> Vec<CombatantId> {
        let combatants = self.combat.combatants.values().filter(|it| it.life != Life::Dead);
        combatants
            .map(|it| it.id)
            .filter(|who| {
                self.combat.effects_on(*who).any(|effect| {
                    effect.source == Some(source) && effect.template.key.as_ref() == Some(of)
                })
            })
            .collect()
    }

    /// Those in an area around the square that the casting names.
    fn in_area_at(&self, act: &Act, other: &AboutOp) -> Vec<(CombatantId, Cover)> {
        let Some(at) = act.casting.at else { return Vec::new() };
        let there = Space::single(Place::ground(at), self.combat.grid.scale());
        let spec = Spec { at: Some(at.into()), ..other.area };
        let Ok(area) = Area::placed(&spec, there) else { return Vec::new() };
        let mut found = self.inside(&area);
        found.retain(|(id, _)| {
            let lives = self.combat.combatant(*id).is_some_and(|it| it.life != Life::Dead);
            lives && self.concerns(act.caster, *id, other.whom)
        });
        found
    }
}
