//! Effects on the map: where they are, who is in them, what they make of the ground (SRD 5.1
//! "Areas of Effect", "Difficult Terrain", "Vision and Light"; SRD 5.2.1 "Area of Effect").

use std::sync::Arc;

use super::{Flow, Resolver};
use crate::combat::{CombatantId, Covered, Effect, EffectId, Fact, Ground, Life};
use crate::content::Area as Spec;
use crate::effect::{EffectTemplate, Hook, Zone};
use crate::space::{Area, Space, Square};

impl Resolver<'_> {
    /// The squares of an area in its place, and how high it goes.
    pub(super) fn covered(&self, area: &Area) -> Covered {
        let (terrain, policy) = (self.view().terrain(), self.combat.rules.area_squares);
        let squares = area.squares(&terrain, policy).into_iter().collect();
        let (low_ft, high_ft) = area.heights_ft(terrain.scale());
        Covered { squares, far: area.far(&terrain), low_ft, high_ft }
    }

    /// Where an effect is that stays around its bearer.
    fn around_bearer(&self, template: &EffectTemplate, bearer: CombatantId) -> Option<Covered> {
        let spec = template.area?;
        let bearer = self.combat.combatant(bearer).filter(|it| it.life != Life::Dead)?;
        let creator = self.view().space_for(bearer)?;
        let placed = Area::placed(&Spec { at: None, ..spec }, creator).ok()?;
        let mut covers = self.covered(&placed);
        covers.squares.extend(creator.footprint().squares());
        Some(covers)
    }

    /// Where an effect on the map begins to be.
    pub(super) fn place_of(
        &self,
        template: &EffectTemplate,
        bearer: CombatantId,
    ) -> Option<Covered> {
        let zone = template.zone.as_ref()?;
        let casting = template.casting.as_deref();
        let of = zone.drawn.as_ref().map_or("squares", |of| of.as_str());
        let scale = self.combat.grid.scale();
        let drawn = casting.map(|casting| casting.squares(of)).unwrap_or_default();
        let drawn = scale.drawn(drawn);
        let Some(spec) = template.area else {
            let high_ft = zone.height_ft.unwrap_or(i32::from(u8::MAX));
            let squares = drawn.into_iter().collect();
            return Some(Covered { squares, far: None, low_ft: 0, high_ft });
        };
        if zone.follows {
            return self.around_bearer(template, bearer);
        }
        let creator = self.view().space_of(bearer)?;
        let placed = Area::placed(&spec, creator).ok()?;
        let mut covers = self.covered(&placed);
        if let (Some(of), Some(casting)) = (&zone.spares, casting) {
            for spared in scale.drawn(casting.squares(of.as_str())) {
                covers.squares.remove(&spared);
            }
        }
        Some(covers)
    }

    /// Tells what effects make of the map, if that is something else than before.
    pub(super) fn lay_ground(&mut self) {
        let opened = self.combat.ground.opened.clone();
        let mut ground = Ground { opened, ..Ground::default() };
        for effect in self.combat.effects.values() {
            let (Some(zone), Some(covers)) = (&effect.template.zone, &effect.covers) else {
                continue;
            };
            for (is, squares) in [
                (zone.difficult, &mut ground.difficult),
                (zone.solid, &mut ground.solid),
                (zone.obscured, &mut ground.obscured),
                (zone.overgrown, &mut ground.overgrown),
                (zone.opaque, &mut ground.opaque),
            ] {
                if is {
                    squares.extend(covers.squares.iter().copied());
                }
            }
        }
        self.set_ground(ground);
    }

    /// Tells what the ground is from now on, by what changes of it where that is less.
    pub(super) fn set_ground(&mut self, ground: Ground) {
        let now = &*self.combat.ground;
        if ground == *now {
            return;
        }
        let (more, less) = (ground.without(now), now.without(&ground));
        self.tell(if more.count() + less.count() < ground.count() {
            Fact::GroundChanged { more: Arc::new(more), less: Arc::new(less) }
        } else {
            Fact::GroundSet { ground: Arc::new(ground) }
        });
    }

    /// Whether a creature is in the area of an effect that concerns it, and no other of its key
    /// counts there.
    pub(super) fn is_in(&self, id: EffectId, who: CombatantId) -> bool {
        let view = self.view();
        let counts = |effect: &Effect| view.covers(effect, who) && !view.is_outdone(effect, who);
        self.combat.effects.get(&id).is_some_and(|effect| counts(effect))
    }

    /// Whether two are in the same place as an effect on the map goes: both in it.
    pub(super) fn shares_zone(&self, id: EffectId, who: CombatantId) -> bool {
        let Some(effect) = self.combat.effects.get(&id) else { return false };
        let Some(covers) = &effect.covers else { return false };
        let space = self.view().space_of(who);
        space.is_some_and(|space| covers.touches(space))
    }

    /// Everybody whom an effect that has just appeared or moved concerns, where it was not before.
    pub(super) fn reach_all(
        &mut self,
        id: EffectId,
        before: Option<&Covered>,
        on: Hook,
    ) -> Flow<()> {
        let Some(effect) = self.combat.effects.get(&id).cloned() else { return Ok(()) };
        let all: Vec<(CombatantId, Space)> = self
            .combat
            .combatants
            .values()
            .filter(|it| it.life != Life::Dead)
            .filter_map(|it| Some((it.id, self.view().space_for(it)?)))
            .collect();
        let new = |(who, space): &(CombatantId, Space)| {
            !before.is_some_and(|before| before.touches(*space)) && self.is_in(id, *who)
        };
        let reached: Vec<CombatantId> = all.into_iter().filter(new).map(|(who, _)| who).collect();
        for trigger in effect.template.triggers.iter().filter(|trigger| trigger.on == on) {
            self.pull_trigger_for_all(id, trigger, &reached)?;
        }
        Ok(())
    }

    /// A creature is a step of its way from where it was: effects around it go along, and it is in
    /// others.
    pub(super) fn came_from(&mut self, who: CombatantId, before: Option<Space>) -> Flow<()> {
        self.came(who, before, 1)
    }

    /// As [`Resolver::came_from`] by a single leap, however far: it crosses 5 ft of where it lands.
    pub(super) fn leapt_from(&mut self, who: CombatantId, before: Option<Space>) -> Flow<()> {
        self.came(who, before, self.combat.grid.scale().block())
    }

    /// As [`Resolver::came_from`] without a way: it crosses nothing. On squares all that comes to be
    /// elsewhere crosses the square where it is.
    pub(super) fn put_from(&mut self, who: CombatantId, before: Option<Space>) -> Flow<()> {
        self.came(who, before, i32::from(self.combat.grid.scale().is_squares()))
    }

    /// A creature is somewhere else than before, by so many squares of a way.
    fn came(&mut self, who: CombatantId, before: Option<Space>, way: i32) -> Flow<()> {
        self.unfold(who);
        self.carry(who);
        self.follow(who, way)?;
        if let Some(rider) = self.view().rider(who) {
            self.came(rider, before, way)?;
        }
        let now = self.view().space_of(who);
        let zones: Vec<EffectId> = self
            .combat
            .effects
            .values()
            .filter(|effect| effect.covers.is_some())
            .map(|effect| effect.id)
            .collect();
        for id in zones {
            let Some(effect) = self.combat.effects.get(&id).cloned() else { continue };
            let Some(covers) = &effect.covers else { continue };
            let was = before.is_some_and(|space| covers.touches(space));
            let is = now.is_some_and(|space| covers.touches(space));
            if !is || !self.is_in(id, who) || (effect.target == who && follows(&effect.template)) {
                continue;
            }
            for trigger in &effect.template.triggers {
                let times = match trigger.on {
                    Hook::Enters if !was => 1,
                    Hook::Crosses => way,
                    _ => 0,
                };
                for _ in 0..times {
                    self.pull_trigger(id, trigger, who, None, false)?;
                }
            }
        }
        Ok(())
    }

    /// What stays around a creature that is elsewhere goes there: at once, on open ground after 5 ft
    /// of a way and at its end. In between it is up to 4 ft behind: each move of it costs a look at
    /// all of its squares, of the ground and of everybody.
    fn follow(&mut self, who: CombatantId, way: i32) -> Flow<()> {
        if !self.combat.effects_on(who).any(|effect| follows(&effect.template)) {
            return Ok(());
        }
        let every = self.combat.grid.scale().block();
        let gone = self.trailing.remove(&who).unwrap_or(0) + way;
        if way > 0 && gone < every {
            self.trailing.insert(who, gone);
            return Ok(());
        }
        self.take_along(who)
    }

    /// What stays around those who went on is where they are.
    pub(super) fn catch_up(&mut self) -> Flow<()> {
        while let Some((who, _)) = self.trailing.pop_first() {
            self.take_along(who)?;
        }
        Ok(())
    }

    /// Effects that stay around a creature move with it, and reach others.
    pub(super) fn take_along(&mut self, who: CombatantId) -> Flow<()> {
        let carried: Vec<EffectId> = self
            .combat
            .effects_on(who)
            .filter(|effect| follows(&effect.template))
            .map(|effect| effect.id)
            .collect();
        for id in carried {
            let Some(effect) = self.combat.effects.get(&id).cloned() else { continue };
            let Some(covers) = self.around_bearer(&effect.template, who) else { continue };
            self.move_effect(id, covers)?;
        }
        Ok(())
    }

    /// Areas that stay around a creature are where it came to be: nowhere when it is dead or off
    /// the board. They reach nobody by that.
    pub(super) fn fit_areas(&mut self, who: CombatantId) {
        let carried: Vec<Arc<Effect>> = self.combat.effects.on(who).to_vec();
        for effect in carried.iter().filter(|effect| follows(&effect.template)) {
            let covers = self.around_bearer(&effect.template, who).unwrap_or_default();
            self.lay_effect(effect.id, effect.covers.as_ref(), covers);
        }
    }

    /// An effect on the map is somewhere else.
    pub(super) fn move_effect(&mut self, id: EffectId, covers: Covered) -> Flow<()> {
        let before = self.combat.effects.get(&id).and_then(|effect| effect.covers.clone());
        if self.lay_effect(id, before.as_ref(), covers) {
            self.reach_all(id, before.as_ref(), Hook::Reaches)?;
        }
        Ok(())
    }

    /// Tells where an effect is now, its squares only where it has another shape than before. False:
    /// it is there already.
    fn lay_effect(&mut self, id: EffectId, before: Option<&Covered>, covers: Covered) -> bool {
        if before == Some(&covers) {
            return false;
        }
        self.tell(match before.and_then(|before| before.shift_to(&covers)) {
            Some((by, up_ft)) => Fact::EffectShifted { id, by, up_ft },
            None => Fact::EffectMoved { id, covers },
        });
        self.lay_ground();
        true
    }

    /// Moves an effect's area straight away from its source (SRD 5.1 "Cloudkill"; SRD 5.2.1 same).
    pub(super) fn drift(&mut self, id: EffectId, feet: i32) -> Flow<()> {
        let Some(effect) = self.combat.effects.get(&id).cloned() else { return Ok(()) };
        let source = effect.source.and_then(|source| self.combat.combatant(source));
        let (Some(covers), Some(from)) = (&effect.covers, source.and_then(|it| it.position)) else {
            return Ok(());
        };
        let count = i32::try_from(covers.squares.len()).unwrap_or(i32::MAX).max(1);
        let sum =
            |of: fn(&Square) -> i32| covers.squares.iter().map(of).fold(0, i32::saturating_add);
        let middle = Square { x: sum(|it| it.x) / count, y: sum(|it| it.y) / count };
        let toward = (middle.x - from.x, middle.y - from.y);
        let (dx, dy) = self.combat.grid.scale().ahead(toward, feet);
        let bounds = self.combat.grid.bounds();
        let mut covers = covers.shifted([dx, dy], 0);
        covers.squares.retain(|at| bounds.contains(*at));
        self.move_effect(id, covers)
    }

    /// Those whom an effect's area concerns and who live, by name.
    pub(super) fn all_inside(&self, id: EffectId) -> Vec<CombatantId> {
        let living = self.combat.combatants.values().filter(|it| it.life != Life::Dead);
        living.map(|it| it.id).filter(|who| self.is_in(id, *who)).collect()
    }

    /// Whether an area keeps a creature from a step.
    pub(super) fn is_barred(&self, who: CombatantId, from: Space, to: Space) -> bool {
        self.combat.effects.values().any(|effect| {
            let (Some(zone), Some(covers), Some(source)) =
                (&effect.template.zone, &effect.covers, effect.source)
            else {
                return false;
            };
            let Some(casting) = effect.template.casting.as_deref() else { return false };
            let comes = zone.bars && covers.touches(to) && !covers.touches(from);
            let goes = zone.holds && covers.touches(from) && !covers.touches(to);
            let follows = zone.follows && who == effect.target;
            (comes || goes)
                && !follows
                && zone.when.iter().all(|case| self.holds(source, casting, who, case))
        })
    }

    /// Moves an effect's area to a square.
    pub(super) fn move_area(&mut self, id: EffectId, at: Square) -> Flow<()> {
        let Some(effect) = self.combat.effects.get(&id).cloned() else { return Ok(()) };
        let (Some(spec), Some(creator)) =
            (effect.template.area, self.view().space_of(effect.target))
        else {
            return Ok(());
        };
        let spec = Spec { at: Some(at.into()), ..spec };
        match Area::placed(&spec, creator) {
            Ok(placed) => {
                let covers = self.covered(&placed);
                self.move_effect(id, covers)
            }
            Err(_) => Ok(()),
        }
    }
}

fn follows(template: &EffectTemplate) -> bool {
    template.zone.as_ref().is_some_and(|zone: &Zone| zone.follows)
}
