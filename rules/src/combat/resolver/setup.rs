//! Who takes part, and in which order (SRD 5.1 "Initiative"; SRD 5.2.1 "Initiative").

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Flow, Resolver};
use crate::combat::view::About;
use crate::combat::{
    Combatant, CombatantId, CombatantKind, Effect, EndReason, Fact, Life, Phase, Point, Purpose,
    Refusal, RolledFor, Test,
};
use crate::dice::{Roll, RollMode};
use crate::effect::{
    Duration, Edge, EffectTemplate, Modifier, ModifierKind, RollKind, Which, Whose,
};
use crate::{Ability, InitiativeTies, Key, Switch};

/// More hit points than any creature has.
pub(super) const MOST_HIT_POINTS: i32 = 100_000;

/// Throws by which equal counts are told apart; dice that still fall alike leave the order of names.
const ROLL_OFFS: usize = 20;

impl Resolver<'_> {
    pub(super) fn add(&mut self, combatant: &Combatant) -> Flow<()> {
        let id = combatant.id;
        if self.combat.combatants.contains_key(&id) {
            return Err(Refusal::KnownCombatant { id }.into());
        }
        let scale = self.combat.grid.scale();
        let combatant = Arc::new(Combatant { scale, ..combatant.clone() });
        self.fits(&combatant)?;
        self.tell(Fact::CombatantSet { combatant });
        self.bear_traits(id)?;
        if self.combat.phase == Phase::Running {
            self.roll_initiative(id)?;
            self.put_in_order(id);
            self.miss_lairs(id);
            if self.combatant(id)?.surprised {
                self.surprise(&[id]);
            }
            let active = self.combat.active().and_then(|active| self.combat.combatant(active));
            if active.is_none_or(|active| active.life == Life::Dead) {
                return self.next_turn();
            }
        }
        Ok(())
    }

    /// That somebody can be as it is said to be: hit points within bounds, concentrating on nothing
    /// yet, on the map, in nobody's space (swarms excepted: SRD 5.1 and SRD 5.2.1 "Swarm").
    fn fits(&self, combatant: &Combatant) -> Result<(), Refusal> {
        let hp = combatant.hp;
        let bounds = 0..=MOST_HIT_POINTS;
        let sound = bounds.contains(&hp.max) && bounds.contains(&hp.temp);
        if !sound || !(0..=hp.max).contains(&hp.current) || combatant.concentration.is_some() {
            return Err(Refusal::InvalidCombatant);
        }
        let Some(space) = combatant.space() else { return Ok(()) };
        let at = Some(space.place.square);
        let terrain = self.view().terrain();
        let footprint = space.footprint();
        let swarm = combatant.is_swarm();
        let mut kept = self.kept_from(combatant, |other| !(swarm || other.is_swarm())).into_iter();
        let taken = kept.any(|(_, other)| other.overlaps(space));
        if taken || terrain.outside(footprint).is_some() || terrain.filled(footprint).is_some() {
            return Err(Refusal::InvalidPath { at });
        }
        Ok(())
    }

    /// Who comes late takes its place after all with the same count; who comes back, its old one.
    pub(super) fn put_in_order(&mut self, id: CombatantId) {
        if self.combat.order.contains(&id) {
            return;
        }
        let count = |id: &CombatantId| self.combat.combatant(*id).and_then(|who| who.initiative);
        let mine = count(&id);
        let mut order = self.combat.order.clone();
        let after = |other: &CombatantId| count(other).is_some_and(|count| Some(count) < mine);
        let at = order.iter().position(after).unwrap_or(order.len());
        order.insert(at, id);
        let active = self.combat.active();
        self.tell(Fact::OrderSet { order });
        self.keep_turn(active);
    }

    /// The turn stays with whom it was, wherever the order put it.
    pub(super) fn keep_turn(&mut self, active: Option<CombatantId>) {
        let place = self.combat.order.iter().position(|id| Some(*id) == active);
        if let (Some(turn), true) = (place, place != self.combat.turn) {
            self.tell(Fact::TurnMoved { turn });
        }
    }

    pub(super) fn remove(&mut self, id: CombatantId) -> Flow<()> {
        self.combatant(id)?;
        self.lose_concentration(id);
        let on: Vec<_> = self.combat.effects_on(id).map(|effect| effect.id).collect();
        for effect in on {
            self.end(effect, EndReason::Over);
        }
        self.rest_of_unled()?;
        if self.combat.active() == Some(id) {
            self.expire(id, Point::Within);
            self.expire(id, Point::End);
            self.tell(Fact::CombatantRemoved { id });
            self.next_turn()?;
        } else {
            self.tell(Fact::CombatantRemoved { id });
        }
        self.give_up_place(id);
        self.start_if_rolling()
    }

    /// Begins where nobody is left who has yet to roll.
    pub(super) fn start_if_rolling(&mut self) -> Flow<()> {
        if self.combat.phase == Phase::RollingInitiative && !self.combat.combatants.is_empty() {
            return self.start_if_all_rolled();
        }
        Ok(())
    }

    /// The place in the order of who left, unless effects count on it.
    fn give_up_place(&mut self, id: CombatantId) {
        let active = self.combat.active();
        let needed = |effect: &Arc<Effect>| effect.ends.is_some_and(|ends| ends.of == id);
        if active == Some(id) || self.combat.effects.values().any(needed) {
            return;
        }
        let order = self.combat.order.iter().copied().filter(|other| *other != id).collect();
        self.tell(Fact::OrderSet { order });
        self.keep_turn(active);
    }

    /// Everybody rolls, and the first turn begins.
    pub(super) fn begin(&mut self) -> Flow<()> {
        self.before_turns()?;
        self.roll_all(|_| true)?;
        self.start()
    }

    /// Everybody is called to roll; the first turn begins if nobody is awaited.
    pub(super) fn call_initiative(&mut self, roll: RolledFor, fixed: bool) -> Flow<()> {
        if self.combat.phase != Phase::Setup {
            return Err(Refusal::WrongPhase.into());
        }
        self.before_turns()?;
        self.tell(Fact::PhaseChanged { phase: Phase::RollingInitiative });
        if fixed {
            self.fix_monsters()?;
        }
        self.roll_all(|who| match roll {
            RolledFor::Npcs => who.kind != CombatantKind::Character,
            RolledFor::All => true,
            RolledFor::None => false,
        })?;
        self.start_if_all_rolled()
    }

    /// One rolls for itself, and for its group.
    pub(super) fn roll_for(&mut self, who: CombatantId, face: Option<u32>) -> Flow<()> {
        if self.combat.phase != Phase::RollingInitiative {
            return Err(Refusal::WrongPhase.into());
        }
        if face.is_some_and(|face| !(1..=20).contains(&face)) {
            return Err(Refusal::WrongAnswer.into());
        }
        let combatant = self.combatant(who)?;
        if combatant.initiative.is_some() {
            return Err(Refusal::NothingToDo.into());
        }
        let group = band(combatant);
        let initiative = match face {
            Some(face) => self.own_initiative(who, face)?,
            None => self.roll_initiative(who)?,
        };
        let alike = |other: &Combatant| {
            other.initiative.is_none() && group.is_some() && band(other) == group
        };
        let others = self.combat.combatants.values().filter(|other| alike(other));
        let others: Vec<CombatantId> = others.map(|other| other.id).collect();
        for who in others {
            self.tell(Fact::InitiativeSet { who, initiative });
        }
        self.start_if_all_rolled()
    }

    /// A game master's order. It begins the first turn while initiative is being rolled.
    pub(super) fn set_order(&mut self, order: &[CombatantId]) -> Flow<()> {
        let mut named: Vec<CombatantId> = order.to_vec();
        named.sort_unstable();
        // Sections of walls and the like take no turns.
        let running = self.combat.phase == Phase::Running;
        let takes = |id: &&CombatantId| !running || self.combat.order.contains(id);
        if !named.iter().eq(self.combat.combatants.keys().filter(takes)) {
            return Err(Refusal::IncompleteOrder.into());
        }
        if self.combat.phase == Phase::Running {
            let active = self.combat.active();
            self.tell(Fact::OrderSet { order: order.to_vec() });
            self.keep_turn(active);
            return Ok(());
        }
        self.before_turns()?;
        self.start_with(order.to_vec())
    }

    fn before_turns(&self) -> Result<(), Refusal> {
        if !matches!(self.combat.phase, Phase::Setup | Phase::RollingInitiative) {
            return Err(Refusal::WrongPhase);
        }
        if self.combat.combatants.is_empty() {
            return Err(Refusal::NothingToDo);
        }
        Ok(())
    }

    /// The score instead of a roll: 10 and what is added to the roll, 5 more or less by advantage or
    /// disadvantage (SRD 5.2.1 "Initiative", "Initiative Score").
    fn fix_monsters(&mut self) -> Flow<()> {
        let monsters = self.combat.combatants.values();
        let monsters = monsters.filter(|who| who.kind == CombatantKind::Monster);
        let monsters = monsters.filter(|who| who.initiative.is_none()).map(|who| who.id);
        for who in monsters.collect::<Vec<_>>() {
            let test = self.initiative_test(who)?;
            let favor = match test.mode() {
                RollMode::Advantage => 5,
                RollMode::Normal => 0,
                RollMode::Disadvantage => -5,
            };
            self.settle_initiative(who, 10 + favor + test.added());
        }
        Ok(())
    }

    /// Rolls for those who have not rolled; one roll for a group.
    fn roll_all(&mut self, rolls: impl Fn(&Combatant) -> bool) -> Flow<()> {
        let all: Vec<CombatantId> = self.combat.combatants.keys().copied().collect();
        let mut shared = BTreeMap::new();
        for id in all {
            let combatant = self.combatant(id)?;
            if combatant.initiative.is_some() || !rolls(combatant) {
                continue;
            }
            let group = band(combatant);
            match group.as_ref().and_then(|group| shared.get(group)).copied() {
                Some(initiative) => self.tell(Fact::InitiativeSet { who: id, initiative }),
                None => {
                    let initiative = self.roll_initiative(id)?;
                    shared.extend(group.map(|group| (group, initiative)));
                }
            }
        }
        Ok(())
    }

    fn start_if_all_rolled(&mut self) -> Flow<()> {
        let counts: Vec<Option<i32>> =
            self.combat.combatants.values().map(|who| who.initiative).collect();
        if counts.iter().any(Option::is_none) {
            return Ok(());
        }
        // A game master who orders ties does so with the whole order.
        let different: BTreeSet<&Option<i32>> = counts.iter().collect();
        let by_hand = self.combat.rules.initiative_ties == InitiativeTies::GmOrder;
        if by_hand && different.len() < counts.len() {
            return Ok(());
        }
        self.start()
    }

    fn start(&mut self) -> Flow<()> {
        let all: Vec<CombatantId> = self.combat.combatants.keys().copied().collect();
        let order = self.ordered(all);
        self.start_with(order)
    }

    fn start_with(&mut self, order: Vec<CombatantId>) -> Flow<()> {
        self.tell(Fact::OrderSet { order });
        self.tell(Fact::PhaseChanged { phase: Phase::Running });
        let view = self.view();
        let surprised = self.combat.combatants.values();
        let surprised = surprised.filter(|who| who.surprised || view.notices_nobody(who.id));
        let surprised: Vec<CombatantId> = surprised.map(|who| who.id).collect();
        self.surprise(&surprised);
        self.next_turn()
    }

    /// 5.1: the surprised, those who notice no threat among them, do nothing in their first turn, and
    /// do not react until it ends (SRD 5.1 "Surprise"). In 5.2 surprise is told by the roll of
    /// initiative alone.
    fn surprise(&mut self, surprised: &[CombatantId]) {
        if self.combat.rules.is_52(Switch::Surprise) {
            return;
        }
        let until = Duration::Until { edge: Edge::End, whose: Whose::Target, which: Which::Next };
        let kinds = [ModifierKind::CannotAct, ModifierKind::CannotReact, ModifierKind::CannotMove];
        let template = Arc::new(EffectTemplate {
            modifiers: kinds.into_iter().map(Modifier::of).collect(),
            ..EffectTemplate::named("Surprised", until)
        });
        for who in surprised {
            self.put(&template, None, *who, None);
        }
    }

    pub(super) fn roll_initiative(&mut self, who: CombatantId) -> Flow<i32> {
        let combatant = self.combatant(who)?;
        if let Some(initiative) = combatant.initiative {
            return Ok(initiative);
        }
        let test = self.initiative_test(who)?;
        let tested = self.test(who, Purpose::Initiative, test)?;
        Ok(self.settle_initiative(who, tested.total))
    }

    /// Its own die: the face is the one that counts, whatever gave advantage.
    fn own_initiative(&mut self, who: CombatantId, face: u32) -> Flow<i32> {
        let test = self.initiative_test(who)?;
        let tested = self.throw(|others| test.roll_told(face, others));
        let owner = self.combatant(who)?.owner;
        let by = owner.map_or_else(|| tested.roll.by.clone(), |owner| owner.to_string());
        let roll = Roll { by, ..tested.roll };
        let total = roll.total;
        self.tell(Fact::Rolled { who, purpose: Purpose::Initiative, roll });
        Ok(self.settle_initiative(who, total))
    }

    fn settle_initiative(&mut self, who: CombatantId, total: i64) -> i32 {
        let initiative = i32::try_from(total).unwrap_or(i32::MAX);
        self.tell(Fact::InitiativeSet { who, initiative });
        initiative
    }

    fn initiative_test(&self, who: CombatantId) -> Result<Test, Refusal> {
        let combatant = self.combatant(who)?;
        let mut test = Test::new(combatant.block.initiative(), Ability::Dex.name());
        if combatant.surprised && self.combat.rules.is_52(Switch::Surprise) {
            test.reason(RollMode::Disadvantage, "surprised", None);
        }
        let about = About {
            kinds: &[RollKind::Check, RollKind::Initiative],
            ability: Some(Ability::Dex),
            ..About::default()
        };
        self.view().consult(&mut test, who, about);
        Ok(test)
    }

    /// Highest first; of equal counts the higher Dexterity, unless they roll it off, then a throw of
    /// dice, and another of those who are still level.
    fn ordered(&mut self, all: Vec<CombatantId>) -> Vec<CombatantId> {
        let count = |id: CombatantId, combat: &crate::combat::Combat| {
            let who = combat.combatant(id);
            let rolled_off = combat.rules.initiative_ties == InitiativeTies::RollOff;
            let dexterity = who.filter(|_| !rolled_off).map_or(0, |who| who.block.abilities.dex);
            (who.and_then(|who| who.initiative).unwrap_or(0), dexterity)
        };
        // Who rolls together acts together.
        let mut bands: Vec<(Option<_>, Vec<CombatantId>)> = Vec::new();
        for id in all {
            let mine = count(id, &self.combat);
            let own = self.combat.combatant(id).and_then(band).map(|band| (band, mine));
            match bands.iter_mut().find(|(other, _)| own.is_some() && *other == own) {
                Some((_, members)) => members.push(id),
                None => bands.push((own, vec![id])),
            }
        }
        let mut keys: Vec<_> = bands
            .iter()
            .map(|(_, ids)| (ids.first().map(|id| count(*id, &self.combat)), Vec::<u32>::new()))
            .collect();
        for _ in 0..ROLL_OFFS {
            let level = |mine| keys.iter().filter(|other| *other == mine).count() > 1;
            let level: Vec<bool> = keys.iter().map(level).collect();
            if !level.contains(&true) {
                break;
            }
            for ((_, luck), _) in keys.iter_mut().zip(level).filter(|(_, level)| *level) {
                luck.push(self.throw(|dice| dice.roll(20)));
            }
        }
        let bands = bands.into_iter().map(|(_, members)| members);
        let mut keyed: Vec<_> = keys.into_iter().map(Reverse).zip(bands).collect();
        keyed.sort();
        keyed.into_iter().flat_map(|(_, members)| members).collect()
    }
}

/// With whom a combatant shares one roll of initiative: its group, else the monsters of its stat
/// block and side that roll as it does (SRD 5.1 "Initiative"; SRD 5.2.1 same).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Band {
    Group(String),
    Alike { monster: Key, side: String, surprised: bool },
}

fn band(who: &Combatant) -> Option<Band> {
    let alike = || {
        let monster = who.monster.clone().filter(|_| who.kind == CombatantKind::Monster)?;
        Some(Band::Alike { monster, side: who.side.clone(), surprised: who.surprised })
    };
    who.group.clone().map(Band::Group).or_else(alike)
}
