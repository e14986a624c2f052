//! Jumps (SRD 5.1 "Jumping"; SRD 5.2.1 "Long Jump", "High Jump").

use std::borrow::Cow;

use super::{Flow, Resolver};
use crate::combat::{Combatant, CombatantId, Economy, Fact, Happening, Leap, Life, Refusal};
use crate::effect::ModifierKind;
use crate::space::{
    JUMP_LANDING_DC, Place, RUN_UP_FT, SQUARE_FT, Scale, Square, distance_ft, high_jump_ft, line,
    long_jump_ft,
};
use crate::{Ability, MovementMode, Skill};

/// A jump as it is made.
struct Flight {
    places: Vec<Place>,
    across_ft: i32,
    up_ft: i32,
}

impl Resolver<'_> {
    /// A jump: as far and as high as its Strength carries it, half as far without a run-up. Every
    /// foot costs movement; who lands in difficult terrain falls unless it keeps its balance. Who
    /// jumps up is there until it moves on or the turn ends.
    pub(super) fn jump(
        &mut self,
        who: CombatantId,
        path: &[Square],
        elevation_ft: Option<i32>,
    ) -> Flow<()> {
        self.in_its_turn(who)?;
        let who = self.view().controlled(who).unwrap_or(who);
        let jumper = self.combatant(who)?;
        if self.view().is_inside(who) {
            return Err(Refusal::InvalidPath { at: None }.into());
        }
        if jumper.life != Life::Alive || self.view().is(who, ModifierKind::Crawls) {
            let condition = self.view().kept_by(who, ModifierKind::Crawls);
            return Err(Refusal::CannotAct { condition }.into());
        }
        let jumper = self.grounded(jumper, true);
        let flight = self.flight(&jumper, path, elevation_ft)?;
        let run_ft = i32::try_from(jumper.economy.run.len()).unwrap_or(i32::MAX);
        let run_up = run_ft.saturating_mul(jumper.scale.cell_ft()) >= RUN_UP_FT;
        let far = (flight.across_ft, self.jump_ft(&jumper, run_up));
        for (distance_ft, most_ft) in [far, (flight.up_ft, self.high_ft(&jumper, run_up))] {
            if distance_ft > most_ft {
                return Err(Refusal::TooFarToJump { distance_ft, most_ft }.into());
            }
        }
        let cost_ft = flight.across_ft.saturating_add(flight.up_ft);
        let left_ft = self.left_ft(who, MovementMode::Walk, false)?;
        if cost_ft > left_ft {
            return Err(Refusal::NotEnoughMovement { cost_ft, left_ft }.into());
        }
        self.dares(who, &flight.places.iter().map(|place| place.square).collect::<Vec<_>>())?;
        if self.comes_down_first(who, true)? { self.leap(who, &flight) } else { Ok(()) }
    }

    /// Feet that a creature jumps at most: what its traits and spells make of it.
    fn jump_ft(&self, jumper: &Combatant, run_up: bool) -> i32 {
        let view = self.view();
        let of_kind = |kind| view.of_kind(jumper.id, kind);
        let by = of_kind(ModifierKind::JumpsBy).find_map(|active| active.modifier.ability);
        let score = jumper.block.abilities.score(by.unwrap_or(Ability::Str));
        let plain = long_jump_ft(score, run_up);
        let times = of_kind(ModifierKind::Jumps).filter_map(|active| active.modifier.value).max();
        let plain = plain.saturating_mul(times.unwrap_or(1));
        let standing = of_kind(ModifierKind::StandingJump);
        let running = of_kind(ModifierKind::RunningJump).filter(|_| run_up);
        standing.chain(running).map(|active| active.modifier.value(0)).fold(plain, i32::max)
    }

    /// Feet up that a creature jumps at most; who leaps far from where it stands leaps half as high
    /// (SRD 5.1 and SRD 5.2.1 "Standing Leap").
    fn high_ft(&self, jumper: &Combatant, run_up: bool) -> i32 {
        let view = self.view();
        let of_kind = |kind| view.of_kind(jumper.id, kind);
        let by = of_kind(ModifierKind::JumpsBy).find_map(|active| active.modifier.ability);
        let modifier = jumper.block.abilities.modifier(by.unwrap_or(Ability::Str));
        let times = of_kind(ModifierKind::Jumps).filter_map(|active| active.modifier.value).max();
        let plain = high_jump_ft(modifier, run_up).saturating_mul(times.unwrap_or(1));
        let standing = of_kind(ModifierKind::StandingJump);
        standing.map(|active| active.modifier.value(0) / 2).fold(plain, i32::max)
    }

    /// The way through the air, over squares that are next to each other and free; straight up over
    /// its own.
    fn flight(
        &self,
        jumper: &Combatant,
        path: &[Square],
        elevation_ft: Option<i32>,
    ) -> Result<Flight, Refusal> {
        let refused = Refusal::InvalidPath { at: None };
        let square = jumper.position.ok_or_else(|| refused.clone())?;
        let from = Place { square, elevation_ft: jumper.elevation_ft };
        let to_ft = elevation_ft.unwrap_or(from.elevation_ft);
        let (places, _) = self.way_over(from, path, to_ft)?;
        let up_ft = to_ft.saturating_sub(from.elevation_ft);
        let (mut last, mut steps) = (from, 0_i32);
        for place in &places {
            let apart = |one: i32, other: i32| one.saturating_sub(other).saturating_abs();
            let (to, at) = (place.square, last.square);
            let aside = apart(to.x, at.x).max(apart(to.y, at.y));
            let (before, next) =
                (jumper.space_in(last, jumper.squeezed), jumper.space_in(*place, false));
            let rises = place.elevation_ft > last.elevation_ft;
            let free =
                self.has_known_room_in(jumper, next) && !self.is_barred(jumper.id, before, next);
            if (aside == 0 && !rises) || aside > 1 || !free {
                return Err(Refusal::InvalidPath { at: Some(to) });
            }
            steps = steps.saturating_add(aside);
            last = *place;
        }
        let over = jumper.space_at(last.square);
        let straight = distance_ft(jumper.space_at(square), over, self.view().diagonals());
        let side = jumper.block.size.squares() - 1;
        let across_ft = straight.saturating_add(side.saturating_mul(SQUARE_FT));
        let across_ft = match (steps, jumper.scale) {
            (0, _) => 0,
            (steps, Scale::Squares) => across_ft.max(steps.saturating_mul(SQUARE_FT)),
            (_, Scale::Feet) => {
                let level = line(from, path, from.elevation_ft).map_err(|_| refused.clone())?;
                level.iter().map(|leg| leg.feet).sum()
            }
        };
        let returns = steps > 0 && last.square == square;
        if path.is_empty() || returns || up_ft < 0 || (steps == 0 && up_ft == 0) {
            return Err(refused);
        }
        Ok(Flight { places, across_ft, up_ft })
    }

    fn leap(&mut self, who: CombatantId, flight: &Flight) -> Flow<()> {
        let leap =
            Leap { from_ft: self.combatant(who)?.elevation_ft, across: flight.across_ft > 0 };
        if flight.up_ft > 0 {
            let economy = self.combatant(who)?.economy.clone();
            self.tell(Fact::EconomySet { who, economy: Economy { leap: Some(leap), ..economy } });
        }
        let steps = i32::try_from(flight.places.len()).unwrap_or(i32::MAX);
        let each_ft = self.combat.grid.scale().cell_ft();
        let first_ft = flight.across_ft + flight.up_ft - (steps - 1) * each_ft;
        for (index, place) in flight.places.iter().enumerate() {
            let to = self.combatant(who)?.space_in(*place, false);
            if self.bumps_into_the_unknown(who, to) || !self.provoke_into(who, to)? {
                return Ok(());
            }
            let was = self.combatant(who)?.space();
            let cost_ft = if index == 0 { first_ft } else { each_ft };
            let path = vec![place.square];
            self.tell(Fact::Moved { who, path, cost_ft, diagonals: 0, forced: false });
            self.rise(who, place.elevation_ft);
            self.notice_step(who, was);
            self.loosen();
            self.came_from(who, was)?;
            let jumper = self.combatant(who)?;
            if jumper.position != Some(place.square) || jumper.life != Life::Alive {
                return Ok(());
            }
        }
        if flight.up_ft == 0 {
            self.keep_balance(who)?;
        }
        self.happened.push_back((Happening::Moves, who));
        Ok(())
    }

    /// Who lands in difficult terrain falls, unless a check keeps it on its feet.
    fn keep_balance(&mut self, who: CombatantId) -> Flow<()> {
        let jumper = self.combatant(who)?;
        let terrain = self.view().terrain();
        let rough = jumper.space().is_some_and(|landing| {
            let hard = self.hard_ground(jumper, &[landing.place.square], |_| false);
            let mut squares = landing.footprint().squares();
            squares.any(|square| terrain.is_difficult(square) || hard.contains(&square))
        });
        if !rough {
            return Ok(());
        }
        let skill = Skill::Acrobatics;
        let total = self.check(who, skill, None)?;
        let against = i64::from(JUMP_LANDING_DC);
        let success = total >= against;
        self.tell(Fact::CheckMade {
            who,
            skill,
            target: None,
            total,
            against: Some(against),
            success: Some(success),
        });
        if !success {
            self.fall_prone(who);
        }
        Ok(())
    }

    /// A creature as it is back on what it jumped from; `lands` says whether it goes there.
    pub(super) fn grounded<'c>(&self, who: &'c Combatant, lands: bool) -> Cow<'c, Combatant> {
        match who.economy.leap.filter(|_| lands) {
            Some(leap) => Cow::Owned(Combatant { elevation_ft: leap.from_ft, ..who.clone() }),
            None => Cow::Borrowed(who),
        }
    }

    /// Who is in the air by a jump comes down before it moves, or flies on. False: that changed
    /// what its way depends on.
    pub(super) fn comes_down_first(&mut self, who: CombatantId, lands: bool) -> Flow<bool> {
        if self.combatant(who)?.economy.leap.is_none() {
            return Ok(true);
        }
        let before = self.bearing(who);
        if lands {
            self.come_down(who)?;
        } else {
            self.forget_leap(who);
        }
        Ok(self.bearing(who) == before)
    }

    fn forget_leap(&mut self, who: CombatantId) {
        let Some(jumper) = self.combat.combatant(who) else { return };
        let economy = Economy { leap: None, ..jumper.economy.clone() };
        self.tell(Fact::EconomySet { who, economy });
    }

    /// Who is in the air by a jump comes down to what it jumped from, on its feet; who cannot act falls.
    pub(super) fn come_down(&mut self, who: CombatantId) -> Flow<()> {
        let Some(jumper) = self.combat.combatant(who) else { return Ok(()) };
        let Some(leap) = jumper.economy.leap else { return Ok(()) };
        let (was, to) = (jumper.space(), jumper.position);
        let height_ft = jumper.elevation_ft.saturating_sub(leap.from_ft);
        if self.view().is_inside(who) || to.is_none() || height_ft <= 0 {
            self.forget_leap(who);
            return Ok(());
        }
        if self.view().is(who, ModifierKind::CannotAct) {
            self.drop_to(who, leap.from_ft)?;
        } else {
            self.tell(Fact::Displaced { who, to, elevation_ft: leap.from_ft });
            self.stand_apart(who);
        }
        self.leapt_from(who, was)?;
        let stands = self.combat.combatant(who).is_some_and(|it| it.life == Life::Alive);
        if leap.across && stands { self.keep_balance(who) } else { Ok(()) }
    }
}
