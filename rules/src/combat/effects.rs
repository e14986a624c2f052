//! The effects that run in a combat, found by name, by whom they are on, and on the map.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::view::IMMUNE;
use super::{CombatantId, Effect, EffectId};
use crate::Condition;
use crate::conditions::Conditions;
use crate::effect::{Kinds, ModifierKind};

/// Effects by name, the oldest first. Cheap to clone: copied when one of two clones changes.
///
/// Rules ask hundreds of times in one command what is on a creature, so that is kept beside the
/// effects; it follows from them, and is neither stored nor compared.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
#[serde(from = "BTreeMap<EffectId, Arc<Effect>>", into = "BTreeMap<EffectId, Arc<Effect>>")]
pub struct Effects(Arc<Inner>);

#[derive(Clone, Default, Debug)]
struct Inner {
    all: BTreeMap<EffectId, Arc<Effect>>,
    borne: BTreeMap<CombatantId, Borne>,
    zones: Vec<Arc<Effect>>,
}

/// What is on one creature, the oldest first.
#[derive(Clone, Default, Debug)]
struct Borne {
    all: Vec<Arc<Effect>>,
    counted: Vec<Arc<Effect>>,
    /// What they do, but for conditions.
    kinds: Kinds,
    /// Conditions they come with.
    conditions: Vec<Condition>,
}

impl Borne {
    fn of(all: Vec<Arc<Effect>>) -> Self {
        let counted = all.iter().filter(|effect| !is_overshadowed(&all, effect)).cloned().collect();
        let kinds = all.iter().flat_map(|effect| &effect.template.modifiers).collect();
        let conditions = all.iter().flat_map(|effect| effect.template.conditions.iter().copied());
        let conditions = conditions.collect::<BTreeSet<_>>().into_iter().collect();
        Self { all, counted, kinds, conditions }
    }
}

/// Whether another effect of the same key on the same creature counts in its place: the more
/// potent, the later of equals (SRD 5.1 "Combining Magical Effects"; SRD 5.2.1 same).
fn is_overshadowed(borne: &[Arc<Effect>], effect: &Effect) -> bool {
    let Some(key) = &effect.template.key else { return false };
    let rank = |effect: &Effect| (effect.template.potency(), effect.id);
    let immune = |effect: &Effect| effect.template.name.starts_with(IMMUNE);
    let same = borne.iter().filter(|other| other.template.key.as_ref() == Some(key));
    same.filter(|other| !immune(other))
        .any(|other| other.id != effect.id && rank(other) > rank(effect))
}

impl From<BTreeMap<EffectId, Arc<Effect>>> for Effects {
    fn from(all: BTreeMap<EffectId, Arc<Effect>>) -> Self {
        let mut borne: BTreeMap<CombatantId, Vec<Arc<Effect>>> = BTreeMap::new();
        for effect in all.values() {
            borne.entry(effect.target).or_default().push(Arc::clone(effect));
        }
        let borne = borne.into_iter().map(|(who, all)| (who, Borne::of(all))).collect();
        let zones = zones(&all);
        Self(Arc::new(Inner { all, borne, zones }))
    }
}

impl From<Effects> for BTreeMap<EffectId, Arc<Effect>> {
    fn from(effects: Effects) -> Self {
        Arc::unwrap_or_clone(effects.0).all
    }
}

impl PartialEq for Effects {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.all == other.0.all
    }
}

impl Eq for Effects {}

impl Deref for Effects {
    type Target = BTreeMap<EffectId, Arc<Effect>>;

    fn deref(&self) -> &Self::Target {
        &self.0.all
    }
}

impl Effects {
    /// Those on a creature, the oldest first.
    pub fn on(&self, who: CombatantId) -> &[Arc<Effect>] {
        self.0.borne.get(&who).map_or(&[], |borne| &borne.all)
    }

    /// Those on a creature in whose place no other of their key counts, the oldest first.
    pub(super) fn counted_on(&self, who: CombatantId) -> &[Arc<Effect>] {
        self.0.borne.get(&who).map_or(&[], |borne| &borne.counted)
    }

    /// Those that are on the map, the oldest first.
    pub(super) fn zones(&self) -> &[Arc<Effect>] {
        &self.0.zones
    }

    /// Whether something on a creature may have a modifier of this kind; no: nothing has. What is on
    /// the map is not asked.
    pub(super) fn may_have(
        &self,
        who: CombatantId,
        kind: ModifierKind,
        conditions: &Conditions,
    ) -> bool {
        self.0.borne.get(&who).is_some_and(|borne| {
            let mut held = borne.conditions.iter();
            borne.kinds.may_have(kind) || held.any(|it| conditions.kinds(*it).may_have(kind))
        })
    }

    /// Puts an effect, in place of one of its name.
    pub(super) fn put(&mut self, effect: Arc<Effect>) {
        let inner = Arc::make_mut(&mut self.0);
        let target = effect.target;
        let before = inner.all.insert(effect.id, effect);
        inner.look_again(target);
        if let Some(before) = before.filter(|before| before.target != target) {
            inner.look_again(before.target);
        }
    }

    /// Takes an effect away.
    pub(super) fn take(&mut self, id: EffectId) {
        if self.0.all.contains_key(&id) {
            let inner = Arc::make_mut(&mut self.0);
            if let Some(effect) = inner.all.remove(&id) {
                inner.look_again(effect.target);
            }
        }
    }

    /// Changes an effect, if it is there.
    pub(super) fn alter(&mut self, id: EffectId, alter: impl FnOnce(&mut Effect)) {
        if let Some(effect) = self.get(&id) {
            let mut effect = Effect::clone(effect);
            alter(&mut effect);
            self.put(Arc::new(effect));
        }
    }
}

impl Inner {
    fn look_again(&mut self, who: CombatantId) {
        let borne = self.all.values().filter(|effect| effect.target == who).cloned().collect();
        self.borne.insert(who, Borne::of(borne));
        self.zones = zones(&self.all);
    }
}

fn zones(all: &BTreeMap<EffectId, Arc<Effect>>) -> Vec<Arc<Effect>> {
    all.values().filter(|effect| effect.template.zone.is_some()).cloned().collect()
}
