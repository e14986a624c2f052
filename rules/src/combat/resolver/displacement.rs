//! Movement that is not one's own: pushed, lifted, teleported, taken off the board, put to flight
//! (SRD 5.1 "Movement and Position", "Falling"; SRD 5.2.1 "Forced Movement", "Teleportation").

use super::harm::Blow;
use super::ops::Act;
use super::{Flow, Resolver};
use crate::combat::{
    Answer, Combatant, CombatantId, DamagePart, Economy, Fact, Life, Portion, Purpose, Question,
};
use crate::effect::{Flee, Hook, ModifierKind, Op, Reacts, Targets, Teleport};
use crate::space::{
    FALL_INTO_WATER_DC, Flight, MoveCause, Place, Space, Square, Terrain, distance_ft, fall_dice,
    lands_prone, nearest_free, pull, push, push_to, water_softens,
};
use crate::{
    Ability, Condition, DamageType, Edition, Expression, Key, MovementMode, Size, Skill, Switch,
};

impl Resolver<'_> {
    /// Words that move somebody, or let it move.
    pub(super) fn displace(&mut self, act: &Act, op: &Op, target: CombatantId) -> Flow<()> {
        match op {
            Op::Push(feet) => self.shift(act.caster, target, *feet, true),
            Op::Pull(feet) => self.shift(act.caster, target, *feet, false),
            Op::Lift(feet) => self.lift(target, *feet),
            Op::Teleport(teleport) => self.teleport_op(act, teleport, target),
            Op::Flee(flee) => self.flee(act, *flee, target),
            Op::Fall if self.keeps_up(target) => Ok(()),
            Op::Fall => self.drop_down(target),
            Op::Dash => self.be_dashing(target),
            Op::Disengage => self.be_disengaged(target),
            Op::March(march) => self.march_op(act, march, target),
            Op::Carry(feet) => self.carry_op(act, *feet, target),
            Op::Lash(otherwise) => self.lash_op(act, otherwise, target),
            _ => self.deed_op(act, op, target),
        }
    }

    /// Pushes a creature away from another, or pulls it there.
    pub(super) fn shift(
        &mut self,
        source: CombatantId,
        who: CombatantId,
        feet: i32,
        away: bool,
    ) -> Flow<()> {
        if self.view().mount(who).is_some() {
            let path = self.way_off(source, who, feet, away);
            return self.drag_off(who, &path);
        }
        let path = self.way(source, who, feet, away);
        self.slide_along(who, &path)
    }

    /// The squares straight away from another creature, or toward it.
    fn way(&self, source: CombatantId, who: CombatantId, feet: i32, away: bool) -> Vec<Square> {
        let from = self.combat.combatant(source).and_then(Combatant::space);
        let Some(from) = from else { return Vec::new() };
        let slide = if away { push } else { pull };
        self.slid(who, |terrain, others, mover| {
            slide(terrain, others, mover, from.footprint(), feet)
        })
    }

    /// Pushes a creature toward a square, as far as that is.
    pub(super) fn shift_to(&mut self, who: CombatantId, to: Square) -> Flow<()> {
        let path = self.slid(who, |terrain, others, mover| push_to(terrain, others, mover, to));
        self.slide_along(who, &path)
    }

    /// The squares that a creature slides over.
    fn slid(
        &self,
        who: CombatantId,
        slide: impl FnOnce(&Terrain<'_>, &[Space], (Size, Place, bool)) -> Vec<Place>,
    ) -> Vec<Square> {
        let Some(combatant) = self.combat.combatant(who) else { return Vec::new() };
        let at = combatant.space().filter(|_| !self.view().is_inside(who));
        let Some(at) = at else { return Vec::new() };
        let mover = (combatant.block.size, at.place, combatant.squeezed);
        let places = slide(&self.view().terrain(), &self.others(who), mover);
        places.into_iter().map(|place| place.square).collect()
    }

    /// Is moved against its will, square by square: what it is moved into reaches it.
    pub(super) fn slide_along(&mut self, who: CombatantId, path: &[Square]) -> Flow<()> {
        for square in path {
            let Some(mover) = self.combat.combatant(who) else { return Ok(()) };
            let (was, at, life) = (mover.space(), mover.position, mover.life);
            let path = vec![*square];
            self.tell(Fact::Moved { who, path, cost_ft: 0, diagonals: 0, forced: true });
            self.came_from(who, was)?;
            let Some(mover) = self.combat.combatant(who) else { return Ok(()) };
            if at.is_none() || mover.position != Some(*square) || mover.life != life {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Up into the air, or down.
    pub(super) fn lift(&mut self, who: CombatantId, feet: i32) -> Flow<()> {
        let Some(creature) = self.combat.combatant(who) else { return Ok(()) };
        let before = creature.space();
        let elevation_ft = creature.elevation_ft.saturating_add(feet).max(0);
        let to = creature.position;
        if to.is_none() || elevation_ft == creature.elevation_ft {
            return Ok(());
        }
        self.tell(Fact::Displaced { who, to, elevation_ft });
        self.stand_apart(who);
        self.put_from(who, before)
    }

    /// To the square that the casting names, or the nearest free one; off the board at once.
    pub(super) fn teleport_op(
        &mut self,
        act: &Act,
        teleport: &Teleport,
        who: CombatantId,
    ) -> Flow<()> {
        let Some(creature) = self.combat.combatant(who) else { return Ok(()) };
        let before = creature.space();
        if !self.gets_out(who)? {
            return Ok(());
        }
        let to = teleport.to.as_ref().map(|to| act.casting.squares(to.as_str()).first().copied());
        if teleport.away || to == Some(None) {
            self.leave_board(who);
            return Ok(());
        }
        let Some(at) = to.unwrap_or(act.casting.at) else { return Ok(()) };
        if self.view().is(who, ModifierKind::CannotTeleport) {
            return Ok(());
        }
        self.free_from_within(who);
        self.set_down(who, at);
        self.put_from(who, before)
    }

    /// Whether magic takes a creature out of what holds it: by a Charisma save (SRD 5.1 "Forcecage";
    /// SRD 5.2.1 "Forcecage").
    fn gets_out(&mut self, who: CombatantId) -> Flow<bool> {
        let holding: Vec<i32> = self
            .view()
            .zones_on(who)
            .filter(|effect| effect.template.zone.as_ref().is_some_and(|zone| zone.holds))
            .filter_map(|effect| effect.template.casting.as_ref())
            .map(|casting| casting.dc)
            .collect();
        for dc in holding {
            if !self.save(who, Ability::Cha, dc)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// To the square that the casting names, as high as its choice `up` says, where that is not too
    /// far from it nor from the caster, and there is room.
    pub(super) fn carry_op(&mut self, act: &Act, feet: i32, who: CombatantId) -> Flow<()> {
        let Some(creature) = self.combat.combatant(who) else { return Ok(()) };
        let (Some(before), Some(at)) = (creature.space(), act.casting.at) else { return Ok(()) };
        let up = act.casting.number("up").and_then(|up| i32::try_from(up).ok());
        let elevation_ft = up.unwrap_or(creature.elevation_ft).max(0);
        let there = before.at(Place { square: at, elevation_ft });
        let diagonals = self.view().diagonals();
        let rules = self.book.content.spellbook.get(&act.casting.spell);
        let range_ft = rules.and_then(|it| self.spell_range_ft(&it.record, &Targets::default()));
        let caster = self.combat.combatant(act.caster).and_then(Combatant::space);
        let near = caster.is_some_and(|caster| {
            range_ft.is_none_or(|range_ft| distance_ft(caster, there, diagonals) <= range_ft)
        });
        let lifted = Combatant { elevation_ft, ..creature.clone() };
        if !near || distance_ft(before, there, diagonals) > feet || !self.has_room(&lifted, at) {
            return Ok(());
        }
        self.tell(Fact::Displaced { who, to: Some(at), elevation_ft });
        self.shake(who);
        self.leapt_from(who, Some(before))
    }

    /// Off the board, with those who are in it.
    pub(super) fn leave_board(&mut self, who: CombatantId) {
        let Some(creature) = self.combat.combatant(who) else { return };
        let (to, elevation_ft) = (None, creature.elevation_ft);
        self.throw_rider(who);
        self.free_from_within(who);
        self.tell(Fact::Displaced { who, to, elevation_ft });
        self.fit_areas(who);
        self.carry(who);
    }

    /// Puts a creature on a square or the nearest free one.
    pub(super) fn set_down(&mut self, who: CombatantId, at: Square) {
        let Some(creature) = self.combat.combatant(who) else { return };
        let elevation_ft = creature.elevation_ft;
        let wanted = Place { square: at, elevation_ft };
        let size = creature.block.size;
        let others = self.others(who);
        let found = nearest_free(&self.view().terrain(), &others, size, wanted);
        if let Some(place) = found {
            self.tell(Fact::Displaced { who, to: Some(place.square), elevation_ft });
        }
    }

    /// Dead, unless something wards it from death.
    pub(super) fn kill(&mut self, who: CombatantId) -> Flow<()> {
        let Some(creature) = self.combat.combatant(who) else { return Ok(()) };
        let (hp, life) = (creature.hp, creature.life);
        if life == Life::Dead || self.ward_from_death(who) {
            return Ok(());
        }
        let current = hp.current;
        let hp = crate::combat::HitPoints { current: 0, ..hp };
        let life = Life::Dead;
        let (parts, temp_absorbed) = (Vec::new(), 0);
        let (target, source, massive) = (who, None, false);
        self.tell(Fact::Damaged { target, source, parts, temp_absorbed, hp, life, massive });
        self.lose_concentration(who);
        self.died(who, None)?;
        if current > 0 { self.fire(who, Hook::DropsToZero, None, false) } else { Ok(()) }
    }

    /// Back to life, what of its effects time has not ended still on it.
    pub(super) fn revive(&mut self, who: CombatantId, hp: i32) {
        let Some(creature) = self.combat.combatant(who) else { return };
        if creature.life != Life::Dead {
            return;
        }
        let most = creature.hp.max;
        let hp = crate::combat::HitPoints { current: hp.clamp(1, most.max(1)), ..creature.hp };
        let (regained, life) = (hp.current, Life::Alive);
        self.tell(Fact::Healed { target: who, regained, hp, life });
        // Somebody may stand where it lay.
        if !self.view().is_inside(who) {
            self.stand_apart(who);
        }
        self.fit_areas(who);
        self.wake(who);
    }

    /// The reaction is used up.
    pub(super) fn spend_reaction(&mut self, who: CombatantId) {
        let Some(creature) = self.combat.combatant(who) else { return };
        let economy = Economy { reaction: false, ..creature.economy.clone() };
        self.tell(Fact::EconomySet { who, economy });
    }

    /// Away from the caster, square by square, as far as its speed goes; it provokes as it leaves.
    pub(super) fn flee(&mut self, act: &Act, flee: Flee, who: CombatantId) -> Flow<()> {
        let Some(creature) = self.combat.combatant(who) else { return Ok(()) };
        let can_react =
            creature.economy.reaction && !self.view().is(who, ModifierKind::CannotReact);
        if creature.life != Life::Alive || (flee.reaction && !can_react) {
            return Ok(());
        }
        if flee.reaction {
            self.spend_reaction(who);
        }
        let speed = self.view().walk_ft(who);
        if flee.dash {
            let economy = self.combatant(who)?.economy.clone();
            let moved_ft = economy.moved_ft.saturating_add(speed);
            self.tell(Fact::EconomySet {
                who,
                economy: Economy { action: false, moved_ft, ..economy },
            });
        }
        let reach = if flee.dash { speed.saturating_mul(2) } else { speed };
        self.run_from(act.caster, who, flee.feet.unwrap_or(reach))
    }

    /// Runs straight away on its own feet: who is left behind may strike.
    fn run_from(&mut self, source: CombatantId, who: CombatantId, feet: i32) -> Flow<()> {
        for square in self.way(source, who, feet, true) {
            if !self.provoke(who, self.level(who, square), MoveCause::Movement)? {
                return Ok(());
            }
            let was = self.combatant(who)?.space();
            let path = vec![square];
            self.tell(Fact::Moved { who, path, cost_ft: 0, diagonals: 0, forced: false });
            self.notice_step(who, was);
            self.loosen();
            self.came_from(who, was)?;
            self.fire(who, Hook::Moves, None, false)?;
            let stays = self
                .combat
                .combatant(who)
                .is_none_or(|mover| mover.position != Some(square) || mover.life != Life::Alive);
            if stays || self.view().best_speed_ft(who) == 0 {
                return Ok(());
            }
        }
        Ok(())
    }

    /// So many feet of movement are gone; without them nothing more is done.
    pub(super) fn spend_movement(&mut self, who: CombatantId, feet: i32) {
        let Some(creature) = self.combat.combatant(who) else { return };
        let economy = creature.economy.clone();
        let left = self.view().walk_ft(who).saturating_add(economy.dashed_ft) - economy.moved_ft;
        if left < feet {
            self.stopped = true;
            return;
        }
        let moved_ft = economy.moved_ft.saturating_add(feet);
        self.tell(Fact::EconomySet { who, economy: Economy { moved_ft, ..economy } });
    }

    /// Half its speed more to move.
    pub(super) fn stride(&mut self, who: CombatantId) -> Flow<()> {
        let economy = self.combatant(who)?.economy.clone();
        let dashed_ft = economy.dashed_ft.saturating_add(self.view().best_speed_ft(who) / 2);
        self.tell(Fact::EconomySet { who, economy: Economy { dashed_ft, ..economy } });
        Ok(())
    }

    /// The action of the turn is gone.
    pub(super) fn lose_action(&mut self, who: CombatantId) -> Flow<()> {
        let economy = self.combatant(who)?.economy.clone();
        self.tell(Fact::EconomySet { who, economy: Economy { action: false, ..economy } });
        Ok(())
    }

    /// Those near may keep a creature from falling fast (SRD 5.1 "Feather Fall"; SRD 5.2.1 same).
    fn caught(&mut self, who: CombatantId) -> Flow<()> {
        let others: Vec<CombatantId> = self.combat.combatants.keys().copied().collect();
        for other in others {
            if self.allied(other, who) && !self.view().is(who, ModifierKind::SlowFall) {
                self.react_by_casting(other, who, Reacts::Falling, None)?;
            }
        }
        Ok(())
    }

    /// Who flies, and is kept up there by nothing any more, falls (SRD 5.1 "Flying Movement"; SRD
    /// 5.2.1 "Flying"). Where others are up there, on a roof or a rope, is for the game master.
    pub(super) fn ground_fliers(&mut self) -> Flow<()> {
        if self.combat.combatants.values().all(|it| it.elevation_ft <= 0) {
            return Ok(());
        }
        let all: Vec<CombatantId> = self.combat.combatants.keys().copied().collect();
        for who in all {
            if self.comes_down(who) {
                self.drop_down(who)?;
            }
        }
        Ok(())
    }

    fn comes_down(&self, who: CombatantId) -> bool {
        let view = self.view();
        let Some(flier) = self.combat.combatant(who) else { return false };
        if flier.elevation_ft <= 0 || flier.position.is_none() || flier.life == Life::Dead {
            return false;
        }
        let lets_down =
            |op: &Op| matches!(op, Op::Fall) || matches!(op, Op::Lift(feet) if *feet < 0);
        let lifted = self.combat.effects_on(who).any(|effect| {
            let mut triggers = effect.template.triggers.iter();
            triggers.any(|trigger| trigger.does.iter().any(lets_down))
        });
        let flies = view.speed_ft(who, MovementMode::Fly).is_some();
        flies && !lifted && self.falls(flier)
    }

    /// Whether a creature that something lets down stays in the air on its own.
    pub(super) fn keeps_up(&self, who: CombatantId) -> bool {
        let Some(flier) = self.combat.combatant(who) else { return false };
        self.view().speed_ft(who, MovementMode::Fly).is_some() && !self.falls(flier)
    }

    /// Whether who can fly does not now.
    fn falls(&self, flier: &Combatant) -> bool {
        let (view, who) = (self.view(), flier.id);
        let wings = flier.block.speeds.fly.is_some();
        let mut magic = view.of_kind(who, ModifierKind::GainsSpeed);
        let magic = magic.any(|active| active.modifier.modes.contains(&MovementMode::Fly));
        let flight = Flight {
            hover: flier.block.speeds.hover,
            held_by_magic: magic && !wings,
            prone: view.has(who, Condition::Prone),
            stopped: view.speed_ft(who, MovementMode::Fly) == Some(0),
            incapacitated: view.is(who, ModifierKind::CannotAct),
        };
        flight.falls(self.combat.rules.edition(Switch::FlyingFall))
    }

    /// Falls to the ground (SRD 5.1 "Falling"; SRD 5.2.1 "Falling").
    pub(super) fn drop_down(&mut self, who: CombatantId) -> Flow<()> {
        self.drop_to(who, 0)
    }

    /// Falls to a height.
    pub(super) fn drop_to(&mut self, who: CombatantId, floor_ft: i32) -> Flow<()> {
        let Some(creature) = self.combat.combatant(who) else { return Ok(()) };
        let feet = creature.elevation_ft.saturating_sub(floor_ft);
        let Some(square) = creature.position.filter(|_| feet > 0) else { return Ok(()) };
        let place = Place { square, elevation_ft: floor_ft };
        let ground = creature.space_in(place, creature.squeezed);
        if let Some(rider) = self.view().rider(who) {
            self.fall_off(rider, false)?;
        }
        self.caught(who)?;
        let to = Some(square);
        self.tell(Fact::Displaced { who, to, elevation_ft: floor_ft });
        let shares = self.passing_of(who).shares;
        if !shares && self.others(who).iter().any(|other| other.overlaps(ground)) {
            self.set_down(who, square);
        }
        if self.view().is(who, ModifierKind::SlowFall) {
            return Ok(());
        }
        let mut dealt = 0;
        let dice = fall_dice(feet);
        let dice = Expression::parse(&format!("{dice}d6")).ok().filter(|_| dice > 0);
        if let Some(dice) = dice {
            let portion = self.plunge(who)?;
            let roll = self.roll(who, Purpose::Damage, |faces| dice.roll(faces))?;
            let rolled = i32::try_from(roll.total.max(0)).unwrap_or(i32::MAX);
            let parts = vec![DamagePart { kind: DamageType::Bludgeoning, rolled, applied: 0 }];
            dealt = self.harm(Blow { portion, qualities: &[], ..Blow::of(None, who, parts) })?;
        }
        if lands_prone(dealt) {
            self.knock_prone(who);
        }
        Ok(())
    }
    /// SRD 5.2.1 "Falling": who falls into water may react with a check that halves the damage.
    fn plunge(&mut self, who: CombatantId) -> Flow<Portion> {
        let rule = self.combat.rules.edition(Switch::FallIntoWater);
        let water: Vec<Key> =
            ["water", "running-water"].iter().filter_map(|kind| Key::parse(kind).ok()).collect();
        let wet = self.view().is_wholly_on(who, &water);
        if rule == Edition::E51 || !wet || !self.may_react(who) {
            return Ok(Portion::Full);
        }
        let options = ["athletics", "acrobatics"].iter().filter_map(|it| Key::parse(it).ok());
        let question = Question::Falls { of: who, options: options.collect() };
        let Answer::React { option } = self.ask(who, question)? else { return Ok(Portion::Full) };
        self.spend_reaction(who);
        let agile = option.as_str() == "acrobatics";
        let skill = if agile { Skill::Acrobatics } else { Skill::Athletics };
        let total = self.check(who, skill, None)?;
        let softened = water_softens(rule, i32::try_from(total).unwrap_or(0));
        let (against, success) = (Some(i64::from(FALL_INTO_WATER_DC)), Some(softened));
        self.tell(Fact::CheckMade { who, skill, target: None, total, against, success });
        Ok(if softened { Portion::Half } else { Portion::Full })
    }
}
