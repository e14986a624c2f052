//! Jumps (SRD 5.1 "Jumping"; SRD 5.2.1 "Long Jump").

use super::{Flow, Resolver};
use crate::combat::{Combatant, CombatantId, Fact, Happening, Life, Refusal};
use crate::effect::ModifierKind;
use crate::space::{JUMP_LANDING_DC, RUN_UP_FT, SQUARE_FT, Square, distance_ft, long_jump_ft};
use crate::{Ability, MovementMode, Skill};

impl Resolver<'_> {
    /// A long jump: as far as its Strength carries it, half as far without a run-up. Every foot costs
    /// movement; who lands in difficult terrain falls unless it keeps its balance.
    pub(super) fn jump(&mut self, who: CombatantId, path: &[Square]) -> Flow<()> {
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
        if self.view().is_inside(who) {
            return Err(Refusal::InvalidPath { at: None }.into());
        }
        let cost_ft = self.flight_ft(jumper, path)?;
        let run_ft = i32::try_from(jumper.economy.run.len()).unwrap_or(i32::MAX);
        let run_up = run_ft.saturating_mul(SQUARE_FT) >= RUN_UP_FT;
        let most_ft = self.jump_ft(jumper, run_up);
        if cost_ft > most_ft {
            return Err(Refusal::TooFarToJump { distance_ft: cost_ft, most_ft }.into());
        }
        let left_ft = self.left_ft(who, MovementMode::Walk, false)?;
        if cost_ft > left_ft {
            return Err(Refusal::NotEnoughMovement { cost_ft, left_ft }.into());
        }
        self.dares(who, path)?;
        self.leap(who, path, cost_ft)
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

    /// Feet through the air, over squares that are next to each other and free.
    fn flight_ft(&self, jumper: &Combatant, path: &[Square]) -> Result<i32, Refusal> {
        let from = jumper.position.ok_or(Refusal::InvalidPath { at: None })?;
        let mut last = from;
        for square in path {
            let apart = |one: i32, other: i32| one.saturating_sub(other).saturating_abs();
            let (dx, dy) = (apart(square.x, last.x), apart(square.y, last.y));
            let (before, next) = (jumper.space_at(last), jumper.space_at(*square));
            let free =
                self.has_known_room(jumper, *square) && !self.is_barred(jumper.id, before, next);
            if dx.max(dy) != 1 || !free {
                return Err(Refusal::InvalidPath { at: Some(*square) });
            }
            last = *square;
        }
        if last == from {
            return Err(Refusal::InvalidPath { at: None });
        }
        let (start, end) = (jumper.space_at(from), jumper.space_at(last));
        let straight = distance_ft(start, end, self.view().diagonals());
        let side = jumper.block.size.squares() - 1;
        let steps = i32::try_from(path.len()).unwrap_or(i32::MAX).saturating_mul(SQUARE_FT);
        Ok(straight.saturating_add(side.saturating_mul(SQUARE_FT)).max(steps))
    }

    fn leap(&mut self, who: CombatantId, path: &[Square], cost_ft: i32) -> Flow<()> {
        let steps = i32::try_from(path.len()).unwrap_or(i32::MAX);
        for (index, square) in path.iter().enumerate() {
            let to = self.combatant(who)?.space_at(*square);
            if self.bumps_into_the_unknown(who, to) {
                return Ok(());
            }
            if !self.provoke_into(who, to)? {
                return Ok(());
            }
            let was = self.combatant(who)?.space();
            let rest = if index == 0 { cost_ft - (steps - 1) * SQUARE_FT } else { SQUARE_FT };
            let path = vec![*square];
            self.tell(Fact::Moved { who, path, cost_ft: rest, diagonals: 0, forced: false });
            self.notice_step(who, was);
            self.loosen();
            self.came_from(who, was)?;
            let jumper = self.combatant(who)?;
            if jumper.position != Some(*square) || jumper.life != Life::Alive {
                return Ok(());
            }
        }
        let landing = self.combatant(who)?.space();
        let terrain = self.view().terrain();
        let rough = landing.is_some_and(|landing| {
            landing.footprint().squares().any(|square| terrain.is_difficult(square))
        });
        if rough {
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
        }
        self.happened.push_back((Happening::Moves, who));
        Ok(())
    }
}
