//! Movement of one's own will, and what it provokes (SRD 5.1 "Movement and Position", "Opportunity
//! Attacks"; SRD 5.2.1 same).

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Flow, Resolver};
use crate::combat::{
    Answer, Combatant, CombatantId, Economy, EffectId, Fact, Happening, Life, Question, Refusal,
};
use crate::effect::{Duration, EffectTemplate, Hook, ModifierKind};
use crate::space::{
    Gait, Leg, MoveCause, Mover, PathRefusal, Place, Scale, Space, Square, Step, StepRefusal,
    Terrain, line, movement_left_ft, path_among, pay_half_speed, way_among, waypoints,
};
use crate::{Condition, Edition, Key, MovementMode, Switch};

impl Resolver<'_> {
    /// Steps along a path, square by square.
    pub(super) fn walk(
        &mut self,
        who: CombatantId,
        mode: MovementMode,
        (squares, elevation_ft): (&[Square], Option<i32>),
        drag: &[CombatantId],
    ) -> Flow<()> {
        self.in_its_turn(who)?;
        if self.combatant(who)?.life != Life::Alive {
            return Err(Refusal::CannotAct { condition: None }.into());
        }
        // A rider moves whom it controls.
        let who = self.view().controlled(who).unwrap_or(who);
        let combatant = self.combatant(who)?;
        if combatant.life != Life::Alive {
            return Err(Refusal::CannotAct { condition: None }.into());
        }
        if self.view().is_inside(who) {
            return Err(Refusal::InvalidPath { at: None }.into());
        }
        let burden = self.burden(combatant, drag)?;
        let lands = mode != MovementMode::Fly;
        let steps = self.steps(
            &self.grounded(combatant, lands),
            mode,
            (squares, elevation_ft),
            (drag, burden),
        )?;
        let cost_ft: i32 = steps.iter().map(|step| step.cost_ft).sum();
        let left_ft = self.left_ft(who, mode, burden)?;
        if cost_ft > left_ft {
            return Err(Refusal::NotEnoughMovement { cost_ft, left_ft }.into());
        }
        self.dares(who, &trod(&steps))?;
        if !self.comes_down_first(who, lands)? {
            return Ok(());
        }
        self.go_by(who, mode)?;
        let unprovoking = self.view().is(who, ModifierKind::MovesUnprovoking)
            || (mode == MovementMode::Fly && self.view().is(who, ModifierKind::FliesUnprovoking));
        let mut climbing = false;
        for step in steps {
            let to = self.combatant(who)?.space_in(step.to, step.squeezed);
            if self.bumps_into_the_unknown(who, to) {
                break;
            }
            let sheer = !climbing && self.is_sheer(who, mode, step.to.square);
            climbing |= sheer;
            if sheer && !self.climbs_up(who)? {
                break;
            }
            if !unprovoking && !self.provoke_into(who, to)? {
                break;
            }
            let mover = self.combatant(who)?;
            let (from, was) = (mover.position, mover.space());
            let (path, diagonals) = (vec![step.to.square], u32::from(step.diagonal));
            self.tell(Fact::Moved { who, path, cost_ft: step.cost_ft, diagonals, forced: false });
            self.rise(who, step.to.elevation_ft);
            self.squeeze(who, step.squeezed);
            if let Some(from) = from {
                self.drag_along(who, drag, (from, step.to))?;
            }
            self.dig(who, mode, step.to.square);
            self.loosen();
            self.notice_step(who, was);
            self.came_from(who, was)?;
            self.unseat()?;
            self.overrun(who, was)?;
            self.fire(who, Hook::Moves, None, false)?;
            self.answer_readied()?;
            if self.is_stopped(who, step.to) {
                break;
            }
        }
        self.make_room(who);
        self.happened.push_back((Happening::Moves, who));
        Ok(())
    }

    /// The way in which it moves from now on, for what goes by it.
    fn go_by(&mut self, who: CombatantId, mode: MovementMode) -> Flow<()> {
        let economy = self.combatant(who)?.economy.clone();
        if economy.mode.unwrap_or(MovementMode::Walk) != mode {
            self.tell(Fact::EconomySet { who, economy: Economy { mode: Some(mode), ..economy } });
        }
        Ok(())
    }

    /// A square, as high above it as somebody is now.
    pub(super) fn level(&self, who: CombatantId, square: Square) -> Place {
        let elevation_ft = self.combat.combatant(who).map_or(0, |it| it.elevation_ft);
        Place { square, elevation_ft }
    }

    /// Comes to be at a height.
    pub(super) fn rise(&mut self, who: CombatantId, elevation_ft: i32) {
        if self.combat.combatant(who).is_some_and(|it| it.elevation_ft != elevation_ft) {
            self.tell(Fact::HeightSet { who, elevation_ft });
        }
    }

    /// Movement that something grants besides the turn's: at most so many feet; none of the turn's
    /// movement is spent.
    pub(super) fn granted(
        &self,
        who: CombatantId,
        mode: MovementMode,
        squares: &[Square],
        most_ft: i32,
    ) -> Result<Vec<Step>, Refusal> {
        let combatant = self.combatant(who)?;
        let steps = self.steps(combatant, mode, (squares, None), (&[], false))?;
        let cost_ft: i32 = steps.iter().map(|step| step.cost_ft).sum();
        if cost_ft > most_ft {
            return Err(Refusal::NotEnoughMovement { cost_ft, left_ft: most_ft });
        }
        self.dares(who, &trod(&steps))?;
        Ok(steps)
    }

    /// Takes steps that were granted; without a cause they provoke nobody.
    pub(super) fn take_steps(
        &mut self,
        who: CombatantId,
        steps: &[Step],
        cause: Option<MoveCause>,
    ) -> Flow<()> {
        for step in steps {
            let to = self.combatant(who)?.space_in(step.to, step.squeezed);
            if let Some(cause) = cause
                && !self.provoke_by(who, to, cause)?
            {
                break;
            }
            let was = self.combatant(who)?.space();
            let (path, diagonals) = (vec![step.to.square], u32::from(step.diagonal));
            self.tell(Fact::Moved { who, path, cost_ft: 0, diagonals, forced: false });
            self.squeeze(who, step.squeezed);
            self.notice_step(who, was);
            self.came_from(who, was)?;
            let mover = self.combatant(who)?;
            if mover.position != Some(step.to.square) || mover.life != Life::Alive {
                break;
            }
        }
        Ok(())
    }

    /// Feet that a path costs; none: it ends in the space of another, where one that goes on may get
    /// past.
    pub(super) fn cost_of(
        &self,
        combatant: &Combatant,
        mode: MovementMode,
        squares: &[Square],
    ) -> Result<Option<i32>, Refusal> {
        let Some(last) = squares.last() else { return Ok(None) };
        let end = combatant.space_at(*last);
        match self.steps(combatant, mode, (squares, None), (&[], false)) {
            Ok(steps) => Ok(Some(steps.iter().map(|step| step.cost_ft).sum())),
            Err(refusal) => {
                let inside = self.combat.combatants.values().any(|other| {
                    other.id != combatant.id
                        && other.life != Life::Dead
                        && other.space().is_some_and(|it| it.overlaps(end))
                });
                if inside { Ok(None) } else { Err(refusal) }
            }
        }
    }

    /// The steps of a path and what each costs.
    fn steps(
        &self,
        combatant: &Combatant,
        mode: MovementMode,
        (squares, to_ft): (&[Square], Option<i32>),
        (drag, burden): (&[CombatantId], bool),
    ) -> Result<Vec<Step>, Refusal> {
        let from = combatant.position.ok_or(Refusal::InvalidPath { at: None })?;
        if squares.is_empty() {
            return Err(Refusal::InvalidPath { at: None });
        }
        let elevation_ft = combatant.elevation_ft;
        let from = Place { square: from, elevation_ft };
        if !may_rise(mode, elevation_ft, to_ft) {
            return Err(Refusal::InvalidPath { at: None });
        }
        let (places, legs) = self.way_over(from, squares, to_ft.unwrap_or(elevation_ft))?;
        let squares: Vec<Square> = places.iter().map(|place| place.square).collect();
        let crawling = self.view().is(combatant.id, ModifierKind::Crawls);
        let own_speed = self.view().speed_ft(combatant.id, mode).is_some();
        let gait = Gait { mode, own_speed, crawling, dragging: burden, ..Gait::WALK };
        let mover = Mover { size: combatant.block.size, gait, rules: &self.combat.rules };
        let occupants = self.occupants(combatant, drag);
        let ignores = |key: Option<&Key>| self.view().ignores_ground(combatant.id, key);
        let hard = self.hard_ground(combatant, &squares, ignores);
        let overgrown = self.overgrown_afar(combatant, &squares);
        let mut terrain = self.view().terrain();
        let own = self.own_ground(combatant.id, mode);
        if let Some(own) = &own {
            let Terrain { blocking, opened, overgrown, .. } = terrain;
            terrain = Terrain { blocking, opened, overgrown, ..Terrain::of(own) };
        }
        let (hard, overgrown) =
            (joined(terrain.difficult, hard), joined(terrain.overgrown, overgrown));
        let terrain = Terrain { difficult: &hard, overgrown: &overgrown, ..terrain };
        self.may_tread(combatant, mode, &squares)?;
        let passing = self.passing(combatant);
        if let (true, Some(last)) = (passing.narrow, squares.last()) {
            let room = combatant.space_at(*last).footprint();
            if terrain.filled(room).or(terrain.outside(room)).is_some() {
                return Err(Refusal::InvalidPath { at: Some(*last) });
            }
        }
        let diagonals = combatant.economy.diagonals;
        let steps = match combatant.scale {
            Scale::Squares => {
                path_among(&mover, &terrain, &occupants, (from, &places), diagonals, passing)
            }
            Scale::Feet => way_among(&mover, &terrain, &occupants, (from, &legs), passing),
        };
        let steps = steps.map_err(|refusal| refused(refusal, &places))?;
        let mut before = combatant.space_in(from, combatant.squeezed);
        for step in &steps {
            let next = combatant.space_in(step.to, step.squeezed);
            if self.is_barred(combatant.id, before, next) {
                return Err(Refusal::InvalidPath { at: Some(step.to.square) });
            }
            before = next;
        }
        Ok(steps)
    }

    /// The places of a path over these squares: each of the squares, or on open ground each foot of
    /// the way from one to the next, with what it adds to its length.
    pub(super) fn way_over(
        &self,
        from: Place,
        squares: &[Square],
        elevation_ft: i32,
    ) -> Result<(Vec<Place>, Vec<Leg>), Refusal> {
        let (places, legs) = match self.combat.grid.scale() {
            Scale::Squares => (waypoints(from, squares, elevation_ft), Vec::new()),
            Scale::Feet => {
                let legs = line(from, squares, elevation_ft);
                let legs = legs.map_err(|refusal| refused(refusal, &[]))?;
                (Ok(legs.iter().map(|leg| leg.to).collect::<Vec<_>>()), legs)
            }
        };
        let places = places.map_err(|refusal| refused(refusal, &[]))?;
        if places.is_empty() { Err(Refusal::InvalidPath { at: None }) } else { Ok((places, legs)) }
    }

    /// Feet of movement left in a way; climbing and swimming go by the walking speed where there is
    /// no other. SRD 5.1: half the speed, that of a Dash too, where a burden is taken along.
    pub(super) fn left_ft(
        &self,
        who: CombatantId,
        mode: MovementMode,
        burden: bool,
    ) -> Result<i32, Refusal> {
        let view = self.view();
        let speed = view.speed_ft(who, mode).or_else(|| match mode {
            MovementMode::Climb | MovementMode::Swim => Some(view.walk_ft(who)),
            MovementMode::Walk | MovementMode::Fly | MovementMode::Burrow => None,
        });
        let economy = &self.combatant(who)?.economy;
        let speed = speed.ok_or(Refusal::NoSuchSpeed)?;
        let slowed = burden && !self.combat.rules.is_52(Switch::DragCost);
        let of = |feet: i32| if slowed { feet / 2 } else { feet };
        Ok(movement_left_ft(of(speed), of(economy.dashed_ft), economy.moved_ft))
    }

    /// That no step leads closer to what frightens whoever moves.
    pub(super) fn dares(&self, who: CombatantId, squares: &[Square]) -> Result<(), Refusal> {
        let mover = self.combatant(who)?;
        let fears = self.view().of_kind(who, ModifierKind::CannotApproachSource);
        let sources = fears.filter_map(|active| active.effect.source);
        for source in sources {
            let Some(feared) = self.combat.combatant(source).and_then(Combatant::space) else {
                continue;
            };
            let diagonals = self.view().diagonals();
            let apart =
                |square| crate::space::distance_ft(mover.space_at(square), feared, diagonals);
            let mut last = mover.position.map_or(i32::MAX, apart);
            for square in squares {
                let next = apart(*square);
                if next < last {
                    return Err(Refusal::Frightened { by: source });
                }
                last = next;
            }
        }
        Ok(())
    }

    /// Those whose reach a step leaves are asked, right before it. False: what one of them did to
    /// whoever moves ends the walk; where it goes from there is for a new command.
    pub(super) fn provoke(&mut self, who: CombatantId, to: Place, cause: MoveCause) -> Flow<bool> {
        let mover = self.combatant(who)?;
        let to = Space::of_scale(mover.block.size, to, mover.scale);
        self.provoke_by(who, to, cause)
    }

    /// As [`Resolver::provoke`] by its movement, into a space that may be another's.
    pub(super) fn provoke_into(&mut self, who: CombatantId, to: Space) -> Flow<bool> {
        self.provoke_by(who, to, MoveCause::Movement)
    }

    fn provoke_by(&mut self, who: CombatantId, to: Space, cause: MoveCause) -> Flow<bool> {
        let all: Vec<CombatantId> = self.combat.combatants.keys().copied().collect();
        for reactor in all {
            let options = self.view().opportunities(reactor, who, (to, cause));
            if options.is_empty() {
                continue;
            }
            let question = Question::OpportunityAttack { target: who, options };
            if let Answer::React { option } = self.ask(reactor, question)? {
                let before = self.bearing(who);
                let struck = self.mount_or_rider(reactor, who, &option)?;
                self.opportunity_attack(reactor, struck, &option)?;
                if self.bearing(who) != before {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// What a walk depends on: where somebody is, whether it can go on, and what is on it.
    pub(super) fn bearing(
        &self,
        who: CombatantId,
    ) -> (Option<(Life, Option<Square>)>, Vec<EffectId>) {
        let combatant = self.combat.combatant(who);
        let effects = self.combat.effects_on(who).map(|effect| effect.id).collect();
        (combatant.map(|combatant| (combatant.life, combatant.position)), effects)
    }

    fn opportunity_attack(
        &mut self,
        who: CombatantId,
        target: CombatantId,
        attack: &Key,
    ) -> Flow<()> {
        let combatant = self.combatant(who)?;
        let economy = Economy { reaction: false, ..combatant.economy.clone() };
        let block = Arc::clone(&combatant.block);
        if block.attack(attack).is_none() && self.wrestle(who, target, attack)? {
            return Ok(());
        }
        let Some(attack) = block.any_attack(attack) else { return Ok(()) };
        let attack = self.view().enchanted(who, attack);
        let Ok(strike) = self.view().aim(who, target, &attack, false) else { return Ok(()) };
        self.tell(Fact::EconomySet { who, economy });
        self.strike(strike)
    }

    /// Gets up: half its speed, none at speed 0 (SRD 5.1 "Being Prone"; SRD 5.2.1 "Prone").
    pub(super) fn stand_up(&mut self, who: CombatantId) -> Flow<()> {
        self.in_its_turn(who)?;
        if !self.view().has(who, Condition::Prone) {
            return Err(Refusal::NothingToDo.into());
        }
        if self.combatant(who)?.life != Life::Alive || self.view().has(who, Condition::Unconscious)
        {
            let condition = Some(Condition::Unconscious);
            return Err(Refusal::CannotAct { condition }.into());
        }
        if self.view().is(who, ModifierKind::CannotStand) {
            return Err(Refusal::CannotAct { condition: Some(Condition::Prone) }.into());
        }
        let speed = self.view().walk_ft(who);
        let left_ft = self.left_ft(who, MovementMode::Walk, false)?;
        let after = pay_half_speed(speed, left_ft);
        let after = after.ok_or(Refusal::NotEnoughMovement { cost_ft: speed / 2, left_ft })?;
        let economy = self.combatant(who)?.economy.clone();
        let moved_ft = economy.moved_ft + left_ft - after;
        self.tell(Fact::EconomySet { who, economy: Economy { moved_ft, ..economy } });
        self.take_off(who, Condition::Prone);
        Ok(())
    }

    /// Drops to the ground: free; 5.2 not at speed 0.
    pub(super) fn drop_prone(&mut self, who: CombatantId) -> Flow<()> {
        self.in_its_turn(who)?;
        if self.view().has(who, Condition::Prone) {
            return Err(Refusal::NothingToDo.into());
        }
        if self.combat.rules.edition == Edition::E52 && self.view().best_speed_ft(who) == 0 {
            return Err(Refusal::NotEnoughMovement { cost_ft: 0, left_ft: 0 }.into());
        }
        let template = EffectTemplate::condition(Condition::Prone, Duration::Permanent);
        self.put(&Arc::new(template), Some(who), who, None);
        Ok(())
    }
}

/// Squares, and others.
fn joined(squares: &BTreeSet<Square>, others: BTreeSet<Square>) -> Cow<'_, BTreeSet<Square>> {
    if others.is_empty() { Cow::Borrowed(squares) } else { Cow::Owned(squares | &others) }
}

/// The squares that steps lead to.
fn trod(steps: &[Step]) -> Vec<Square> {
    steps.iter().map(|step| step.to.square).collect()
}

/// Why a path is refused, to its walker.
fn refused(refusal: PathRefusal, places: &[Place]) -> Refusal {
    let at = match refusal {
        PathRefusal::Step { index, why: StepRefusal::TooLong } => {
            places.get(index).map(|place| place.square)
        }
        PathRefusal::Step {
            why:
                StepRefusal::OffTheMap { at }
                | StepRefusal::Filled { at }
                | StepRefusal::Corner { at }
                | StepRefusal::Occupied { at },
            ..
        }
        | PathRefusal::End { at } => Some(at),
        PathRefusal::Steps => None,
    };
    Refusal::InvalidPath { at }
}

/// Whether a movement may end that high: on foot it goes along the ground, in the air it does not
/// go into it.
const fn may_rise(mode: MovementMode, from_ft: i32, to_ft: Option<i32>) -> bool {
    match (mode, to_ft) {
        (_, None) => true,
        (MovementMode::Walk, Some(to_ft)) => to_ft == from_ft,
        (MovementMode::Fly | MovementMode::Climb, Some(to_ft)) => to_ft >= 0 || to_ft >= from_ft,
        (MovementMode::Swim | MovementMode::Burrow, Some(_)) => true,
    }
}
