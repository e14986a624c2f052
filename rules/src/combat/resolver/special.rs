//! Special actions put to work, whatever they cost: everything is checked first, then done.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::casting_use::PreparedSpell;
use super::deeds::Intent;
use super::{Flow, Resolver};
use crate::combat::{CombatantId, Fact, Life, Refusal};
use crate::content::{Attack, Cost, Detail, SpecialAction};
use crate::effect::{Choice, ModifierKind};
use crate::space::{Cover, MoveCause, Square, Step, offset_ft};
use crate::{Key, MovementMode, Skill};

/// How a use is aimed.
#[derive(Clone, Copy)]
pub(super) struct Aim<'a> {
    pub(super) targets: &'a [CombatantId],
    pub(super) at: Option<Square>,
    pub(super) direction: Option<Square>,
    pub(super) option: Option<&'a Key>,
    pub(super) path: &'a [Square],
    pub(super) choices: &'a BTreeMap<Key, Choice>,
}

/// A use that can be carried out.
pub(super) struct Prepared {
    /// Whom the use itself affects.
    affected: Vec<(CombatantId, Cover)>,
    /// Steps it takes, and whether nobody is provoked by them.
    steps: Vec<Step>,
    unprovoking: bool,
    /// Whether it moves after the rest.
    flies: bool,
    /// Where it goes at once.
    to: Option<Square>,
    /// Feet of its movement that this costs.
    to_cost_ft: i32,
    /// Attacks and uses it consists of, each with whom.
    makes: Vec<(Key, Option<CombatantId>)>,
    /// For the uses among them.
    others: Vec<Self>,
    /// Another action it takes.
    takes: Option<Takes>,
    /// A check it makes.
    check: Option<Skill>,
    /// A spell it casts.
    spell: Option<PreparedSpell>,
    /// What else it does, in words.
    intent: Option<Intent>,
}

/// An action taken with a use.
#[derive(Clone, Copy)]
enum Takes {
    Dash,
    Disengage,
    Dodge,
    Hide,
}

impl Resolver<'_> {
    /// Everything that a use needs.
    pub(super) fn prepare(
        &self,
        who: CombatantId,
        action: &SpecialAction,
        aim: Aim<'_>,
    ) -> Result<Prepared, Refusal> {
        let nothing = Detail::default();
        let detail = self.view().detail(who, &action.use_id).unwrap_or(&nothing);
        let makes = self.set(who, detail, aim)?;
        let intent = match self.deed(who, &action.use_id) {
            Some(deed) => Some(self.intend(who, action, deed, aim)?),
            None => None,
        };
        let affected = match &action.area {
            _ if intent.is_some() => Vec::new(),
            Some(area) => {
                let placed = (aim.at, aim.direction);
                let mut affected = self.in_area(who, action, area, placed)?;
                affected.retain(|(it, _)| {
                    self.view().concerns_in_area(Some(detail), who, *it, aim.targets)
                        && !self.view().is_immune_to(who, *it, &action.use_id)
                });
                affected
            }
            None if !makes.is_empty() || !detail.casts.is_empty() => Vec::new(),
            None => self.chosen(who, action, aim.targets)?,
        };
        let block = &self.combatant(who)?.block;
        let is_use = |key: &Key| block.uses.iter().find(|action| action.use_id == *key);
        let mut others = Vec::new();
        for action in makes.iter().filter_map(|(key, _)| is_use(key)) {
            self.view().is_left(who, action)?;
            others.push(self.prepare(who, action, aim)?);
        }
        let takes = takes(detail, aim.option)?;
        if matches!(takes, Some(Takes::Hide)) {
            self.unseen(who)?;
        }
        let (to, to_cost_ft) = self.leaves(who, action, detail, aim)?;
        Ok(Prepared {
            affected,
            steps: self.moves(who, detail, aim)?,
            unprovoking: detail.unprovoking,
            flies: detail.flies || detail.moves_last,
            to,
            to_cost_ft,
            makes,
            others,
            takes,
            check: detail.check,
            spell: self.prepare_spell(who, detail, aim)?,
            intent,
        })
    }

    /// The attacks and uses that are made, each with its target: one for all, or one for each.
    fn set(
        &self,
        who: CombatantId,
        detail: &Detail,
        aim: Aim<'_>,
    ) -> Result<Vec<(Key, Option<CombatantId>)>, Refusal> {
        let wanted = |set: &&Vec<Key>| aim.option.is_none_or(|option| set.contains(option));
        let Some(set) = detail.makes.iter().find(wanted) else {
            return if detail.makes.is_empty() { Ok(Vec::new()) } else { Err(Refusal::UnknownUse) };
        };
        let block = &self.combatant(who)?.block;
        let attacks = set.iter().filter(|key| block.attack(key).is_some()).count();
        let most = attacks.max(1);
        if attacks > 0 && (aim.targets.is_empty() || aim.targets.len() > most) {
            return Err(Refusal::TargetCount { most });
        }
        let mut made = Vec::new();
        for key in set {
            let attack = block.attack(key);
            let target = aim.targets.get(made.len()).or(aim.targets.last()).copied();
            if let (Some(attack), Some(target), true) =
                (attack, target, made.is_empty() && aim.path.is_empty())
            {
                self.view().aim(who, target, attack, false)?;
            }
            made.push((key.clone(), attack.and(target)));
        }
        Ok(made)
    }

    /// The steps that come with it.
    fn moves(&self, who: CombatantId, detail: &Detail, aim: Aim<'_>) -> Result<Vec<Step>, Refusal> {
        let (Some(percent), false) = (detail.moves_percent, aim.path.is_empty()) else {
            return Ok(Vec::new());
        };
        let combatant = self.combatant(who)?;
        let walks = combatant.block.speeds.of(MovementMode::Walk).is_some_and(|feet| feet > 0);
        let mode = detail.mode.unwrap_or(match (detail.flies, walks) {
            (false, true) => MovementMode::Walk,
            (true, _) => MovementMode::Fly,
            (false, false) if combatant.block.speeds.swim.is_some() => MovementMode::Swim,
            (false, false) => MovementMode::Fly,
        });
        if self.view().is_inside(who) {
            return Err(Refusal::InvalidPath { at: None });
        }
        if detail.charges && !self.charges(who, aim.path) {
            return Err(Refusal::InvalidPath { at: aim.path.first().copied() });
        }
        let speed = self.view().speed_ft(who, mode).ok_or(Refusal::NoSuchSpeed)?;
        let most_ft = speed.saturating_mul(i32::from(percent)) / 100;
        self.granted(who, mode, aim.path, most_ft)
    }

    /// Where it is at once: by teleport or by a leap.
    fn leaves(
        &self,
        who: CombatantId,
        action: &SpecialAction,
        detail: &Detail,
        aim: Aim<'_>,
    ) -> Result<(Option<Square>, i32), Refusal> {
        let leap = detail.leaps_ft;
        if !detail.teleports && leap.is_none() {
            return Ok((None, 0));
        }
        if leap.is_some() && self.view().is_inside(who) {
            return Err(Refusal::InvalidPath { at: None });
        }
        if detail.teleports && self.view().is(who, ModifierKind::CannotTeleport) {
            return Err(Refusal::CannotAct { condition: None });
        }
        let to = aim.at.ok_or(Refusal::InvalidPath { at: None })?;
        let combatant = self.combatant(who)?;
        let from = combatant.space().ok_or(Refusal::InvalidPath { at: None })?;
        let there = combatant.space_at(to);
        let range_ft = leap.or(action.range_ft).unwrap_or(0);
        let distance_ft = offset_ft(from.place.square, to, from.scale);
        if distance_ft > range_ft {
            return Err(Refusal::OutOfRange { distance_ft, range_ft });
        }
        let terrain = self.view().terrain();
        let taken = self.occupants(combatant, &[]).iter().any(|other| other.space.overlaps(there));
        let filled = terrain.outside(there.footprint()).or(terrain.filled(there.footprint()));
        if taken || filled.is_some() {
            return Err(Refusal::InvalidPath { at: Some(to) });
        }
        if leap.is_none() {
            return Ok((Some(to), 0));
        }
        let left_ft = self.left_ft(who, MovementMode::Walk, false)?;
        if left_ft < LEAP_COST_FT {
            return Err(Refusal::NotEnoughMovement { cost_ft: LEAP_COST_FT, left_ft });
        }
        Ok((Some(to), LEAP_COST_FT))
    }

    /// Does it.
    pub(super) fn put_to_work(
        &mut self,
        who: CombatantId,
        action: &SpecialAction,
        prepared: Prepared,
    ) -> Flow<()> {
        let id = &action.use_id;
        self.spend(who, action)?;
        let intended = prepared.intent.iter().flat_map(|intent| &intent.about);
        let affected =
            prepared.affected.iter().chain(intended).map(|(target, _)| *target).collect();
        let bonus_action = action.cost == Cost::BonusAction;
        let cause = if bonus_action { MoveCause::BonusAction } else { MoveCause::Action };
        let provokes = (!prepared.unprovoking).then_some(cause);
        if !prepared.flies {
            self.take_steps(who, &prepared.steps, provokes)?;
        }
        if self.combatant(who)?.life != Life::Alive {
            return Ok(());
        }
        self.tell(Fact::ActionUsed { who, id: id.clone(), targets: affected });
        if let Some(to) = prepared.to {
            self.goes(who, to, (prepared.to_cost_ft, cause))?;
        }
        self.takes(who, prepared.takes)?;
        if let Some(skill) = prepared.check {
            let total = self.check(who, skill, None)?;
            let (target, against, success) = (None, None, None);
            self.tell(Fact::CheckMade { who, skill, target, total, against, success });
        }
        match prepared.intent {
            Some(intent) => self.do_deed(who, intent)?,
            None => self.work(who, action, &prepared.affected)?,
        }
        if let Some(spell) = prepared.spell {
            self.perform_prepared(who, spell)?;
        }
        self.make_all(who, prepared.makes, prepared.others)?;
        if prepared.flies {
            self.take_steps(who, &prepared.steps, provokes)?;
        }
        Ok(())
    }

    /// One use of it is gone, where it has not as many as one likes, and one of the pool that it
    /// spends from.
    pub(super) fn spend(&mut self, who: CombatantId, action: &SpecialAction) -> Flow<()> {
        let (own, most) = self.view().limit(who, action);
        let own = (most < u8::MAX).then_some(own);
        let pool = action.resource.clone().filter(|pool| own.as_ref() != Some(pool));
        for id in own.into_iter().chain(pool) {
            let spent = self.combatant(who)?.spent.get(&id).copied().unwrap_or(0);
            self.tell(Fact::UsesSet { who, id, spent: spent.saturating_add(1) });
        }
        Ok(())
    }

    /// A leap is movement that others may react to; a teleport is none.
    fn goes(
        &mut self,
        who: CombatantId,
        to: Square,
        (cost_ft, cause): (i32, MoveCause),
    ) -> Flow<()> {
        let leaps = cost_ft > 0;
        if leaps && !self.provoke(who, self.level(who, to), cause)? {
            return Ok(());
        }
        if !leaps {
            self.free_from_within(who);
        }
        let was = self.combatant(who)?.space();
        let path = vec![to];
        self.tell(Fact::Moved { who, path, cost_ft, diagonals: 0, forced: !leaps });
        self.stand_apart(who);
        if leaps { self.leapt_from(who, was) } else { self.put_from(who, was) }
    }

    fn takes(&mut self, who: CombatantId, takes: Option<Takes>) -> Flow<()> {
        match takes {
            Some(Takes::Dash) => self.be_dashing(who),
            Some(Takes::Disengage) => self.be_disengaged(who),
            Some(Takes::Dodge) => self.be_dodging(who),
            Some(Takes::Hide) => self.be_hiding(who),
            None => Ok(()),
        }
    }

    /// The attacks and uses of a set, one after another. What can no longer be done is left out.
    fn make_all(
        &mut self,
        who: CombatantId,
        makes: Vec<(Key, Option<CombatantId>)>,
        others: Vec<Prepared>,
    ) -> Flow<()> {
        let mut others = others.into_iter();
        for (key, target) in makes {
            let Some(combatant) = self.combat.combatant(who) else { return Ok(()) };
            let block = Arc::clone(&combatant.block);
            let attack: Option<&Attack> = block.attack(&key);
            if let (Some(attack), Some(target)) = (attack, target) {
                let Ok(strike) = self.view().aim(who, target, attack, false) else { continue };
                self.strike(strike)?;
            } else if let Some(action) = block.uses.iter().find(|action| action.use_id == key)
                && let Some(prepared) = others.next()
            {
                self.put_to_work(who, action, prepared)?;
            }
        }
        Ok(())
    }
}

/// Movement that a leap takes (SRD 5.2.1 "Standing Leap").
const LEAP_COST_FT: i32 = 10;

/// The action that is taken with it: the one wanted, else the first.
fn takes(detail: &Detail, option: Option<&Key>) -> Result<Option<Takes>, Refusal> {
    let Some(first) = detail.takes.first() else { return Ok(None) };
    let option = option.unwrap_or(first);
    if !detail.takes.contains(option) {
        return Err(Refusal::UnknownUse);
    }
    match option.as_str() {
        "dash" => Ok(Some(Takes::Dash)),
        "disengage" => Ok(Some(Takes::Disengage)),
        "dodge" => Ok(Some(Takes::Dodge)),
        "hide" => Ok(Some(Takes::Hide)),
        _ => Err(Refusal::NotAnAction),
    }
}
