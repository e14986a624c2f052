//! The spells that a table plays with: records, each with the program that carries it out.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{ContentError, Key, Spell, records};
use crate::effect::Program;

/// Spells of an edition, ready to be cast.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Spellbook {
    all: BTreeMap<Key, Arc<SpellRules>>,
    /// Those that are cast in reaction to something.
    reactions: Vec<Key>,
}

/// A spell, ready to be cast.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SpellRules {
    /// What is printed.
    pub record: Spell,
    /// What it does; none: a game master rules that.
    pub program: Option<Program>,
}

/// Programs built in for SRD 5.1: those of both editions first.
pub(super) const E51: &[&str] = &[
    include_str!("../../content/overlay/spells/1-instant.json"),
    include_str!("../../content/overlay/spells/2-timed.json"),
    include_str!("../../content/overlay/spells/3-triggered.json"),
    include_str!("../../content/overlay/spells/4-areas.json"),
    include_str!("../../content/overlay/spells/5-granted.json"),
    include_str!("../../content/overlay/spells/6-moved.json"),
    include_str!("../../content/overlay/5.1/spells/1-instant.json"),
    include_str!("../../content/overlay/5.1/spells/2-timed.json"),
    include_str!("../../content/overlay/5.1/spells/3-triggered.json"),
    include_str!("../../content/overlay/5.1/spells/4-areas.json"),
    include_str!("../../content/overlay/5.1/spells/5-granted.json"),
    include_str!("../../content/overlay/5.1/spells/6-moved.json"),
    include_str!("../../content/overlay/spells/7-commanded.json"),
    include_str!("../../content/overlay/spells/8-single.json"),
    include_str!("../../content/overlay/5.1/spells/7-commanded.json"),
    include_str!("../../content/overlay/5.1/spells/8-single.json"),
];

/// The same for SRD 5.2.1.
pub(super) const E52: &[&str] = &[
    include_str!("../../content/overlay/spells/1-instant.json"),
    include_str!("../../content/overlay/spells/2-timed.json"),
    include_str!("../../content/overlay/spells/3-triggered.json"),
    include_str!("../../content/overlay/spells/4-areas.json"),
    include_str!("../../content/overlay/spells/5-granted.json"),
    include_str!("../../content/overlay/spells/6-moved.json"),
    include_str!("../../content/overlay/5.2/spells/1-instant.json"),
    include_str!("../../content/overlay/5.2/spells/2-timed.json"),
    include_str!("../../content/overlay/5.2/spells/3-triggered.json"),
    include_str!("../../content/overlay/5.2/spells/4-areas.json"),
    include_str!("../../content/overlay/5.2/spells/5-granted.json"),
    include_str!("../../content/overlay/5.2/spells/6-moved.json"),
    include_str!("../../content/overlay/spells/7-commanded.json"),
    include_str!("../../content/overlay/spells/8-single.json"),
    include_str!("../../content/overlay/5.2/spells/8-single.json"),
];

impl Spellbook {
    /// Joins records with programs; later programs take the place of earlier ones of the same key.
    ///
    /// # Errors
    /// [`ContentError`]: a program that is not understood, is there twice in a text, or has no spell.
    pub fn new(spells: &BTreeMap<Key, Spell>, programs: &[&str]) -> Result<Self, ContentError> {
        let mut known = BTreeMap::new();
        for text in programs {
            known.extend(records::read("programs", text, |it: &Program| &it.id)?);
        }
        if let Some(record) = known.keys().find(|id| !spells.contains_key(*id)) {
            return Err(ContentError::NoSpell { record: record.clone() });
        }
        let join = |(id, record): (&Key, &Spell)| {
            let program = known.remove(id).map(|program| program.completed(record));
            (id.clone(), Arc::new(SpellRules { record: record.clone(), program }))
        };
        let all: BTreeMap<Key, Arc<SpellRules>> = spells.iter().map(join).collect();
        let reacts =
            |rules: &SpellRules| rules.program.as_ref().is_some_and(|it| it.reacts.is_some());
        let reactions = all.iter().filter(|(_, rules)| reacts(rules));
        let reactions = reactions.map(|(id, _)| id.clone()).collect();
        Ok(Self { all, reactions })
    }

    /// A spell by its key.
    pub fn get(&self, id: &Key) -> Option<&Arc<SpellRules>> {
        self.all.get(id)
    }

    /// Whether a spell is cast in reaction to something.
    pub(crate) fn is_reaction(&self, id: &Key) -> bool {
        self.reactions.contains(id)
    }

    /// All spells, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Arc<SpellRules>)> {
        self.all.iter()
    }
}
