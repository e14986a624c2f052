//! What a step changes in `/combat`, for everybody who looks.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gss_rules::combat::{Combatant, CombatantId};
use serde_json::{Map, Value};

use super::show::{Eye, Scene};
use crate::view::Change;

/// What changed in `/combat` for each of these eyes, open questions aside: those are told by messages
/// of their own.
pub(super) fn changes(
    before: Scene<'_>,
    after: Scene<'_>,
    eyes: BTreeSet<Eye>,
) -> BTreeMap<Eye, Vec<Change>> {
    let difference = Difference::of(before, after);
    let mut alike: BTreeMap<Knowledge, Between<'_>> = BTreeMap::new();
    let seen = eyes.into_iter().map(|eye| {
        let knowledge = Knowledge::of(before, after, eye);
        let between = match alike.entry(knowledge) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let between = Between::of(&difference, eye, new.key());
                new.insert(between)
            }
        };
        (eye, between.changes(eye))
    });
    seen.collect()
}

/// How two scenes differ, whoever looks.
struct Difference<'a> {
    before: Scene<'a>,
    after: Scene<'a>,
    effects: bool,
    /// Who concentrates on what.
    concentration: bool,
    /// Everybody in either scene.
    all: Vec<CombatantId>,
    /// Those who may be shown differently although effects and who is known are the same.
    touched: Vec<CombatantId>,
    grid: Vec<Change>,
}

impl<'a> Difference<'a> {
    fn of(before: Scene<'a>, after: Scene<'a>) -> Self {
        let (was, is) = (&before.combat.combatants, &after.combat.combatants);
        let all: BTreeSet<CombatantId> = was.keys().chain(is.keys()).copied().collect();
        let all: Vec<CombatantId> = all.into_iter().collect();
        let concentration = |(id, it): (&CombatantId, &Arc<Combatant>)| (*id, it.concentration);
        let mut grid = Vec::new();
        if !Arc::ptr_eq(&before.combat.grid, &after.combat.grid) {
            differ("/combat/grid", before.grid(), after.grid(), &mut grid);
        }
        Self {
            before,
            after,
            effects: before.combat.effects != after.combat.effects,
            concentration: !was.iter().map(concentration).eq(is.iter().map(concentration)),
            touched: touched(before, after, &all),
            all,
            grid,
        }
    }
}

/// Those who changed, and of the others those who may be shown differently although the effects are
/// the same: when it is whose turn matters to who has it and to what effects do, where somebody stands
/// and on which side, to what zones do.
fn touched(before: Scene<'_>, after: Scene<'_>, all: &[CombatantId]) -> Vec<CombatantId> {
    let changed = |id: &CombatantId| {
        let (was, is) = (before.combat.combatants.get(id), after.combat.combatants.get(id));
        !matches!((was, is), (Some(was), Some(is)) if Arc::ptr_eq(was, is))
    };
    let when = |scene: Scene<'_>| (scene.combat.round, scene.combat.turn, scene.combat.active());
    let moved = when(before) != when(after);
    let zones = after.combat.effects.values().any(|effect| effect.template.zone.is_some());
    if zones && (moved || all.iter().any(changed)) {
        return all.to_vec();
    }
    let by_turn = |id: CombatantId| {
        let on_turn = |scene: Scene<'_>| scene.combat.active() == Some(id);
        on_turn(before) || on_turn(after) || after.combat.effects_on(id).next().is_some()
    };
    all.iter().copied().filter(|id| changed(id) || (moved && by_turn(*id))).collect()
}

/// What an eye knows before and after: those who know the same are shown the same, but for the numbers
/// of whom they command.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Knowledge {
    /// It knows of who left, too.
    gm: bool,
    before: Vec<CombatantId>,
    after: Vec<CombatantId>,
}

impl Knowledge {
    fn of(before: Scene<'_>, after: Scene<'_>, eye: Eye) -> Self {
        let known = |scene: Scene<'_>| scene.known_to(eye).collect();
        Self { gm: eye == Eye::Gm, before: known(before), after: known(after) }
    }
}

/// How two scenes differ for eyes of one [`Knowledge`].
struct Between<'a> {
    difference: &'a Difference<'a>,
    top: Vec<Change>,
    /// Combatants that may be shown differently.
    touched: &'a [CombatantId],
    /// What of them is, for who commands them before and after.
    combatants: BTreeMap<(CombatantId, bool, bool), Vec<Change>>,
    effects: Vec<Change>,
}

impl<'a> Between<'a> {
    fn of(difference: &'a Difference<'a>, eye: Eye, knowledge: &Knowledge) -> Self {
        let (before, after) = (difference.before, difference.after);
        let mut top = Vec::new();
        let (was, is) = (before.top(eye), after.top(eye));
        if was != is {
            members("/combat", was.members(), is.members(), &mut top);
        }
        let same = knowledge.before == knowledge.after && !difference.effects;
        let mut effects = Vec::new();
        if !same || difference.concentration {
            members("/combat/effects", before.effects(eye), after.effects(eye), &mut effects);
        }
        let touched = if same { &difference.touched } else { &difference.all };
        Self { difference, top, touched, combatants: BTreeMap::new(), effects }
    }

    fn changes(&mut self, eye: Eye) -> Vec<Change> {
        let mut told = self.top.clone();
        let (before, after) = (self.difference.before, self.difference.after);
        for id in self.touched {
            let was = before.combat.combatants.get(id).filter(|it| eye.knows(it));
            let is = after.combat.combatants.get(id).filter(|it| eye.knows(it));
            let commands = |it: Option<&Arc<Combatant>>| it.is_some_and(|it| eye.commands(it));
            let changes =
                self.combatants.entry((*id, commands(was), commands(is))).or_insert_with(|| {
                    let show = |scene: Scene<'_>, combatant: Option<&Arc<Combatant>>| {
                        combatant.map(|combatant| scene.combatant(combatant, eye))
                    };
                    let mut changes = Vec::new();
                    let path = format!("/combat/combatants/{}", id.0);
                    differ(&path, show(before, was), show(after, is), &mut changes);
                    changes
                });
            told.extend_from_slice(changes);
        }
        told.extend_from_slice(&self.effects);
        told.extend_from_slice(&self.difference.grid);
        told
    }
}

/// The changes that make one value of another: member by member in objects, whole in lists.
fn differ(path: &str, was: Option<Value>, is: Option<Value>, told: &mut Vec<Change>) {
    match (was, is) {
        (was, is) if was == is => {}
        (Some(Value::Object(was)), Some(Value::Object(is))) => members(path, was, is, told),
        (was, is) => told.push(Change { path: path.to_owned(), value: is, previous: was }),
    }
}

fn members(
    path: &str,
    mut was: Map<String, Value>,
    is: Map<String, Value>,
    told: &mut Vec<Change>,
) {
    let mut next: BTreeMap<String, Value> = is.into_iter().collect();
    let gone: Vec<String> = was.keys().filter(|name| !next.contains_key(*name)).cloned().collect();
    for name in gone {
        let previous = was.remove(&name);
        told.push(Change { path: format!("{path}/{name}"), value: None, previous });
    }
    while let Some((name, value)) = next.pop_first() {
        differ(&format!("{path}/{name}"), was.remove(&name), Some(value), told);
    }
}
