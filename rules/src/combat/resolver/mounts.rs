//! Riding (SRD 5.1 "Mounted Combat"; SRD 5.2.1 "Mounted Combat").
//!
//! The rider is in the space of whom it rides and goes where that goes. A controlled mount acts in
//! its rider's turn; its own place in the order, right before that, is passed over.

use std::sync::Arc;

use super::{Flow, Resolver};
use crate::combat::view::RIDDEN;
use crate::combat::{
    Answer, Choice, Combatant, CombatantId, CombatantKind, Command, Economy, Effect, EffectId,
    EndReason, Fact, Life, Point, Question, Refusal,
};
use crate::effect::{Duration, EffectTemplate, Inside, Modifier, ModifierKind};
use crate::space::{
    Footprint, Place, SQUARE_FT, Space, Square, distance_ft, pay_half_speed, pull, push,
};
use crate::{Ability, Condition, Edition, Key, MovementMode, Switch};

/// What a rider has to reach with its Dexterity save to stay in the saddle.
const SEAT_DC: i32 = 10;
/// The reaction of a rider who gets off as its mount goes down.
const DISMOUNT: &str = "dismount";

/// What may throw a rider.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Jolt {
    /// Its mount was moved against its will, or the rider was knocked down.
    Shaken,
    /// Its mount fell.
    Fell,
    /// Its mount left the board, and it rides no more.
    Left,
}

impl Resolver<'_> {
    /// Gets on a willing creature, larger by a size at least, once in a turn.
    pub(super) fn mount(
        &mut self,
        who: CombatantId,
        target: CombatantId,
        independent: bool,
    ) -> Flow<()> {
        if !self.combat.rules.mounted_combat {
            return Err(Refusal::NotInTheseRules.into());
        }
        let half = self.half_speed(who)?;
        if self.view().is_inside(who) || self.view().is(who, ModifierKind::Crawls) {
            let condition = self.view().kept_by(who, ModifierKind::Crawls);
            return Err(Refusal::CannotAct { condition }.into());
        }
        let (rider, mount) = (self.combatant(who)?, self.combatant(target)?);
        let fit = mount.life == Life::Alive
            && mount.position.is_some()
            && mount.kind != CombatantKind::Object
            && mount.side == rider.side
            && mount.block.size.steps_above(rider.block.size) >= 1;
        let view = self.view();
        let ridden = |id| view.rider(id).is_some();
        if !fit || ridden(target) || ridden(who) || view.is_inside(target) {
            return Err(Refusal::NoMount.into());
        }
        // Nobody leads what is another player's.
        let anothers = mount.owner.is_some() && mount.owner != rider.owner;
        let independent = independent || mount.independent_mount || anothers;
        let space = mount.space();
        self.near(who, target)?;
        self.dares(who, &mount.position.into_iter().collect::<Vec<_>>())?;
        self.tell(Fact::EconomySet { who, economy: half });
        if let Some(space) = space
            && !self.provoke_into(who, space)?
        {
            return Ok(());
        }
        self.bind(who, target, independent);
        if independent { Ok(()) } else { self.take_reins(who, target) }
    }

    /// The two effects of riding: one on each, that end together.
    fn bind(&mut self, who: CombatantId, mount: CombatantId, independent: bool) {
        let obeys = (!independent).then(|| Modifier::of(ModifierKind::ObeysSource));
        let ridden = EffectTemplate {
            key: Key::parse(RIDDEN).ok(),
            modifiers: obeys.into_iter().collect(),
            ..EffectTemplate::named("Ridden", Duration::Permanent)
        };
        let riding = EffectTemplate {
            key: Key::parse("riding").ok(),
            inside: Some(Inside::Ridden),
            ..EffectTemplate::named("Riding", Duration::Permanent)
        };
        let ridden = self.put(&Arc::new(ridden), Some(who), mount, None);
        self.put(&Arc::new(riding), Some(mount), who, ridden);
    }

    /// A controlled mount has its rider's initiative, and acts in this turn already, once in a round.
    fn take_reins(&mut self, who: CombatantId, mount: CombatantId) -> Flow<()> {
        let count = |id| self.combat.combatant(id).and_then(|it| it.initiative);
        let (own, its) = (count(who), count(mount));
        if let Some(initiative) = own.filter(|_| own != its) {
            self.tell(Fact::InitiativeSet { who: mount, initiative });
        }
        let place = |id| self.combat.order.iter().position(|other| *other == id);
        let to_come = place(mount) > self.combat.turn;
        let active = self.combat.active();
        let others = self.combat.order.iter().copied().filter(|id| *id != mount);
        let before = |id| if id == who { vec![mount, who] } else { vec![id] };
        let order: Vec<CombatantId> = others.flat_map(before).collect();
        self.tell(Fact::OrderSet { order });
        self.keep_turn(active);
        let round = self.combat.round;
        let before = &self.combatant(mount)?.economy;
        let reaction = to_come || before.reaction;
        let economy = match before.led {
            // Another led it in this round: it has gone its way.
            Some(led) if led == round => {
                let moved_ft = self.view().best_speed_ft(mount);
                Economy { moved_ft, ..before.rest() }
            }
            _ => Economy { reaction, led: Some(round), ..Economy::turn() },
        };
        self.tell(Fact::EconomySet { who: mount, economy });
        if to_come { self.set_out(mount) } else { Ok(()) }
    }

    /// Gets off, to a free square within 5 feet of the mount.
    pub(super) fn dismount(&mut self, who: CombatantId, to: Square) -> Flow<()> {
        let half = self.half_speed(who)?;
        let mount = self.view().mount(who).ok_or(Refusal::NothingToDo)?;
        let rider = self.combatant(who)?;
        let from = self.view().space_of(who).ok_or(Refusal::InvalidTarget)?;
        let space = rider.space_at(to);
        let far = distance_ft(from, space, self.view().diagonals()) > SQUARE_FT;
        if far || !self.has_known_room(rider, to) || self.is_barred(who, from, space) {
            return Err(Refusal::InvalidPath { at: Some(to) }.into());
        }
        let free = self.has_room(rider, to);
        self.dares(who, &[to])?;
        self.tell(Fact::EconomySet { who, economy: half });
        // Somebody unknown stands there: it stays where it is, and has paid.
        if !free {
            return Ok(());
        }
        if !self.provoke_into(who, space)? || self.view().mount(who) != Some(mount) {
            return Ok(());
        }
        let elevation_ft = self.combatant(who)?.elevation_ft;
        self.tell(Fact::Displaced { who, to: Some(to), elevation_ft });
        self.part(who)?;
        self.leapt_from(who, Some(from))?;
        self.lands(who)
    }

    /// What is left after half its speed is paid for getting on or off.
    fn half_speed(&self, who: CombatantId) -> Result<Economy, Refusal> {
        self.in_its_turn(who)?;
        let combatant = self.combatant(who)?;
        if combatant.life != Life::Alive {
            return Err(Refusal::CannotAct { condition: None });
        }
        let economy = combatant.economy.clone();
        if economy.mounted {
            return Err(Refusal::Spent);
        }
        let speed = self.view().walk_ft(who);
        let left_ft = self.left_ft(who, MovementMode::Walk, false)?;
        let after = pay_half_speed(speed, left_ft);
        let after = after.ok_or(Refusal::NotEnoughMovement { cost_ft: speed / 2, left_ft })?;
        let moved_ft = economy.moved_ft + left_ft - after;
        Ok(Economy { moved_ft, mounted: true, ..economy })
    }

    /// Ends the riding.
    fn part(&mut self, who: CombatantId) -> Flow<()> {
        let rides = |effect: &&Effect| effect.template.inside == Some(Inside::Ridden);
        let riding = self.combat.effects_on(who).find(rides).map(|effect| effect.id);
        if let Some(id) = riding {
            self.end(id, EndReason::Over);
        }
        self.rest_of_unled()
    }

    /// Mounts that were controlled in this turn until now have had their part in it.
    pub(super) fn rest_of_unled(&mut self) -> Flow<()> {
        while let Some(mount) = self.unled.pop_front() {
            self.rest_of_mount(mount)?;
        }
        Ok(())
    }

    /// Keeps in mind whose part in a turn is over with an effect: its rider's, who has it.
    fn unlead(&mut self, id: EffectId) {
        let Some(effect) = self.combat.effects.get(&id) else { return };
        let rides = effect.template.inside == Some(Inside::Ridden);
        let rider = if rides { Some(effect.target) } else { effect.source };
        let active = rider.filter(|rider| self.combat.active() == Some(*rider));
        let mount = active.and_then(|rider| self.view().controlled(rider));
        let mount = mount.filter(|mount| rides || effect.target == *mount);
        if let Some(mount) = mount.filter(|mount| !self.unled.contains(mount)) {
            self.unled.push_back(mount);
        }
    }

    /// The end of a controlled mount's part in its rider's turn; only once.
    pub(super) fn rest_of_mount(&mut self, mount: CombatantId) -> Flow<()> {
        let Some(economy) = self.combat.combatant(mount).map(|it| &it.economy) else {
            return Ok(());
        };
        if *economy == economy.rest() {
            return Ok(());
        }
        self.wind_up(mount)?;
        self.expire(mount, Point::End);
        self.keep_reaction(mount);
        Ok(())
    }

    /// That a controlled mount does no more than it may.
    pub(super) fn may_as_mount(&self, command: &Command) -> Result<(), Refusal> {
        let may = matches!(
            command,
            Command::Move { .. }
                | Command::Jump { .. }
                | Command::Dash { .. }
                | Command::Disengage { .. }
                | Command::Dodge { .. }
                | Command::StandUp { .. }
                | Command::DropProne { .. }
                | Command::Release { .. }
                | Command::EndConcentration { .. }
        );
        // What it is taken as is asked of what is taken.
        let may = may || matches!(command, Command::AsBonus { .. });
        match command.by() {
            Some(who) if !may && self.view().controlled_by(who).is_some() => {
                Err(Refusal::ControlledMount)
            }
            _ => Ok(()),
        }
    }

    /// Whom an opportunity attack on one who moves is made on (SRD 5.1 "Mounted Combat": on the mount
    /// or its rider).
    pub(super) fn mount_or_rider(
        &mut self,
        reactor: CombatantId,
        mover: CombatantId,
        attack: &Key,
    ) -> Flow<CombatantId> {
        let Some(rider) = self.view().rider(mover) else { return Ok(mover) };
        let block = Arc::clone(&self.combatant(reactor)?.block);
        let attack = block.any_attack(attack);
        let can = attack.is_some_and(|it| self.view().aim(reactor, rider, &it, false).is_ok());
        if self.combat.rules.is_52(Switch::OpportunityAttack) || !can {
            return Ok(mover);
        }
        let options = ["mount", "rider"];
        let chosen = self.choose(reactor, Choice::MountOrRider, &options, "mount")?;
        Ok(if chosen == "rider" { rider } else { mover })
    }

    /// Keeps in mind whose seat something shakes.
    pub(super) fn jolt(&mut self, fact: &Fact) {
        if let Fact::EffectEnded { id, .. } = fact {
            self.unlead(*id);
        }
        let view = self.view();
        let falls = |effect: &Effect| effect.template.conditions.contains(&Condition::Prone);
        let jolted = match fact {
            Fact::Moved { who, forced: true, .. } => {
                view.rider(*who).map(|rider| (rider, Jolt::Shaken))
            }
            Fact::EffectStarted { effect } if falls(effect) => match view.mount(effect.target) {
                Some(_) => Some((effect.target, Jolt::Shaken)),
                None => view.rider(effect.target).map(|rider| (rider, Jolt::Fell)),
            },
            Fact::Damaged { target: who, life, .. } | Fact::LifeSet { who, life }
                if *life != Life::Alive =>
            {
                view.rider(*who).map(|rider| (rider, Jolt::Fell))
            }
            _ => None,
        };
        if let Some(jolted) = jolted.filter(|jolted| !self.jolted.contains(jolted)) {
            self.jolted.push_back(jolted);
        }
    }

    /// Riders whose seat was shaken stay in it or fall; who is not where its mount is rides no more.
    pub(super) fn unseat(&mut self) -> Flow<()> {
        while let Some((who, jolt)) = self.jolted.pop_front() {
            if jolt == Jolt::Left {
                self.lands(who)?;
                continue;
            }
            let Some(mount) = self.view().mount(who) else { continue };
            let carries = self.combat.combatant(mount).is_some_and(Combatant::is_conscious);
            match jolt {
                Jolt::Fell if self.combat.rules.edition == Edition::E51 => {
                    let lands = self.gets_off(who, mount)?;
                    self.fall_off(who, !lands)?;
                }
                _ if !self.save(who, Ability::Dex, SEAT_DC)? => self.fall_off(who, true)?,
                _ if !carries => self.fall_off(who, false)?,
                Jolt::Shaken | Jolt::Fell | Jolt::Left => {}
            }
        }
        for who in self.parted() {
            self.fall_off(who, false)?;
        }
        self.rest_of_unled()
    }

    /// Something moves a creature against its will: who rides it may fall.
    pub(super) fn shake(&mut self, mount: CombatantId) {
        let shaken = self.view().rider(mount).map(|rider| (rider, Jolt::Shaken));
        if let Some(shaken) = shaken.filter(|shaken| !self.jolted.contains(shaken)) {
            self.jolted.push_back(shaken);
        }
    }

    /// A rider that is pushed or pulled itself leaves its mount's space, and lands; where there is
    /// no way out of that it stays.
    pub(super) fn drag_off(&mut self, who: CombatantId, path: &[Square]) -> Flow<()> {
        let was = self.view().space_of(who);
        let Some((first, rest)) = path.split_first() else { return Ok(()) };
        let path = vec![*first];
        self.tell(Fact::Moved { who, path, cost_ft: 0, diagonals: 0, forced: true });
        self.leave_saddle(who)?;
        self.came_from(who, was)?;
        if self.combat.combatant(who).is_some_and(|it| it.position == Some(*first)) {
            self.slide_along(who, rest)?;
        }
        self.lands(who)
    }

    /// The squares that a rider is moved through: from the square of its mount's space that is
    /// farthest from the source, or nearest to it, to what is beyond that space.
    pub(super) fn way_off(
        &self,
        source: CombatantId,
        who: CombatantId,
        feet: i32,
        away: bool,
    ) -> Vec<Square> {
        let spaces = (self.view().space_of(source), self.view().space_of(who));
        let (Some(from), Some(seat)) = spaces else { return Vec::new() };
        let Some(size) = self.combat.combatant(who).map(|it| it.block.size) else {
            return Vec::new();
        };
        let side = seat.scale.side(size);
        let own = |corner| Footprint { corner, side };
        let within = |square: &Square| own(*square).overlaps(seat.footprint());
        let far = |square: &Square| {
            let (dx, dy) = own(*square).gap(from.footprint());
            (dx.max(dy), -dx.min(dy))
        };
        let spare = 0..=(seat.side - side).max(0);
        let corner = seat.place.square;
        let seats = spare.clone().flat_map(|x| spare.clone().map(move |y| corner.shifted(x, y)));
        // Of equally far ones that from which it goes straightest.
        let aside = |square: &Square| {
            let middle = crate::space::Point::middle;
            let (own, from) = (middle(own(*square)), middle(from.footprint()));
            own.x.abs_diff(from.x).min(own.y.abs_diff(from.y))
        };
        let start = if away {
            seats.max_by_key(|square| (far(square), std::cmp::Reverse(aside(square))))
        } else {
            seats.min_by_key(|square| (far(square), aside(square)))
        };
        let at = start.map(|square| Place { square, ..seat.place });
        let others: Vec<Space> =
            self.others(who).into_iter().filter(|other| *other != seat).collect();
        let slide = if away { push } else { pull };
        let terrain = self.view().terrain();
        let places =
            at.map(|at| slide(&terrain, &others, (size, at, false), from.footprint(), feet));
        let squares = places.into_iter().flatten().map(|place| place.square);
        squares.skip_while(within).collect()
    }

    /// Riders who are not where their mounts are, or dead.
    fn parted(&self) -> Vec<CombatantId> {
        let rides = |effect: &&Arc<Effect>| effect.template.inside == Some(Inside::Ridden);
        let at = |id: CombatantId| self.combat.combatant(id).and_then(|it| it.position);
        let riding = self.combat.effects.values().filter(rides);
        riding
            .filter(|effect| {
                let life = self.combat.combatant(effect.target).map(|it| it.life);
                let mount = effect.source.and_then(|mount| self.combat.combatant(mount));
                life == Some(Life::Dead)
                    || mount.is_none_or(|mount| !mount.is_conscious())
                    || at(effect.target) != effect.source.and_then(at)
            })
            .map(|effect| effect.target)
            .collect()
    }

    /// SRD 5.1: with its reaction a rider gets off as its mount falls, and lands on its feet.
    fn gets_off(&mut self, who: CombatantId, mount: CombatantId) -> Flow<bool> {
        if !self.may_react(who) {
            return Ok(false);
        }
        let options = Key::parse(DISMOUNT).into_iter().collect();
        let question = Question::Falls { of: mount, options };
        let reacts = matches!(self.ask(who, question)?, Answer::React { .. });
        if reacts {
            self.spend_reaction(who);
        }
        Ok(reacts)
    }

    /// Off its mount, to the nearest free place, and down to the ground.
    pub(super) fn fall_off(&mut self, who: CombatantId, prone: bool) -> Flow<()> {
        self.leave_saddle(who)?;
        if prone {
            self.knock_prone(who);
        }
        self.lands(who)
    }

    /// Rides no more; in its turn it gets on no mount again: one that did would act anew.
    fn leave_saddle(&mut self, who: CombatantId) -> Flow<()> {
        self.part(who)?;
        if self.combat.active() == Some(who) {
            let economy = Economy { mounted: true, ..self.combatant(who)?.economy.clone() };
            self.tell(Fact::EconomySet { who, economy });
        }
        Ok(())
    }

    /// To the ground, but for who flies.
    fn lands(&mut self, who: CombatantId) -> Flow<()> {
        if self.keeps_up(who) { Ok(()) } else { self.drop_down(who) }
    }

    /// Whoever rides a creature that leaves the board stays on it.
    pub(super) fn throw_rider(&mut self, mount: CombatantId) {
        let Some(rider) = self.view().rider(mount) else { return };
        let rides = |effect: &&Effect| effect.template.inside == Some(Inside::Ridden);
        let riding = self.combat.effects_on(rider).find(rides).map(|effect| effect.id);
        if let Some(id) = riding {
            self.end(id, EndReason::Over);
            self.jolted.push_back((rider, Jolt::Left));
        }
    }
}
