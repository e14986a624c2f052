//! Riding (SRD 5.1 "Mounted Combat"; SRD 5.2.1 "Mounted Combat").
//!
//! The rider is in the space of whom it rides and goes where that goes. A controlled mount acts in
//! its rider's turn; its own place in the order, right before that, is passed over.

use std::sync::Arc;

use super::{Flow, Resolver};
use crate::combat::view::RIDDEN;
use crate::combat::{
    Answer, Choice, Combatant, CombatantId, CombatantKind, Command, Economy, Effect, EndReason,
    Fact, Life, Point, Question, Refusal,
};
use crate::effect::{Duration, EffectTemplate, Inside, Modifier, ModifierKind};
use crate::space::{SQUARE_FT, Square, distance_ft, pay_half_speed};
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

    /// A controlled mount has its rider's initiative, and acts in this turn already.
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
        let reaction = to_come || self.combatant(mount)?.economy.reaction;
        let economy = Economy { reaction, ..Economy::turn() };
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
        self.came_from(who, Some(from))?;
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

    /// Ends the riding. Whose turn its rider's was has taken it.
    fn part(&mut self, who: CombatantId) -> Flow<()> {
        let led = self.view().controlled(who).filter(|_| self.combat.active() == Some(who));
        let rides = |effect: &&Effect| effect.template.inside == Some(Inside::Ridden);
        let riding = self.combat.effects_on(who).find(rides).map(|effect| effect.id);
        if let Some(id) = riding {
            self.end(id, EndReason::Over);
        }
        led.map_or(Ok(()), |mount| self.rest_of_mount(mount))
    }

    /// The end of a controlled mount's part in its rider's turn.
    pub(super) fn rest_of_mount(&mut self, mount: CombatantId) -> Flow<()> {
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
        Ok(())
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
        self.part(who)?;
        if self.combat.active() == Some(who) {
            // It gets on no mount in this turn again: one that did would act anew.
            let economy = Economy { mounted: true, ..self.combatant(who)?.economy.clone() };
            self.tell(Fact::EconomySet { who, economy });
        }
        if prone {
            self.knock_prone(who);
        }
        self.lands(who)
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
