//! The judge of a session's fights: the rules decide every journaled step a second time.
//!
//! The journal is folded from its beginning. At each event that carries a step, its input is decided
//! on the combat before it, with the faces the journal has, and must come to the same facts and the
//! same question. The faces must be those of the fight's seed at their place (those a player told
//! of its own dice are part of the input, not of the faces); a fight must begin as its combatants
//! make it, go back to what it was, and reveal the seed it was committed to.

use std::collections::BTreeMap;
use std::sync::Arc;

use gss_rules::Dice;
use gss_rules::combat::{Actor, Combat, Command, Input, Step, decide};
use gss_shared::ids::{SessionId, Version};
use gss_shared::ports::journal::JournalEvent;
use serde_json::Value;
use uuid::Uuid;

use super::narrate::Name;
use super::seed::{Faces, Seed};
use super::{Fight, FightChange};
use crate::event::{CombatEvent, Corrupt, Event};
use crate::fold;
use crate::state::Session;

/// What was judged, and found right.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Judged {
    /// Fights begun.
    pub fights: usize,
    /// Fights ended.
    pub ended: usize,
    /// How often a fight was taken back, or brought back with the session.
    pub returns: usize,
    /// Steps decided again.
    pub steps: usize,
    /// Faces drawn for them.
    pub faces: usize,
}

/// What is wrong with a session's fights.
#[derive(Debug, thiserror::Error)]
pub enum Misjudged {
    /// The journal cannot be folded.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
    /// The first disagreement.
    #[error("event {version}: {what}: the journal says {journal}, the judge {judge}")]
    Disagreement {
        /// The event.
        version: Version,
        /// What about.
        what: &'static str,
        /// What the journal says, as JSON.
        journal: String,
        /// What it should say.
        judge: String,
    },
}

/// Judges all fights of a session's journal, which is given from its beginning.
///
/// # Errors
/// The first thing that is wrong.
pub fn judge(session: SessionId, events: &[JournalEvent]) -> Result<Judged, Misjudged> {
    let Some((first, rest)) = events.split_first() else { return Ok(Judged::default()) };
    let mut judge = Judge::default();
    let Some(mut session) = Session::replay(session, None, std::slice::from_ref(first))? else {
        return Ok(Judged::default());
    };
    for event in rest {
        let (body, _) = fold::read(event)?;
        let before = session.fight.clone();
        session.apply(event)?;
        let case =
            Case { version: event.version, before: before.as_deref(), after: &session.fight };
        judge.event(case, &body)?;
    }
    Ok(judge.judged)
}

/// An event, and the fight before and after it.
#[derive(Clone, Copy)]
struct Case<'a> {
    version: Version,
    before: Option<&'a Fight>,
    after: &'a Option<Arc<Fight>>,
}

impl Case<'_> {
    /// That both are the same.
    fn same(
        self,
        what: &'static str,
        journal: impl Into<Value>,
        judge: impl Into<Value>,
    ) -> Result<(), Misjudged> {
        let (journal, judge) = (journal.into(), judge.into());
        if journal == judge {
            return Ok(());
        }
        let (journal, judge) = (journal.to_string(), judge.to_string());
        Err(Misjudged::Disagreement { version: self.version, what, journal, judge })
    }
}

#[derive(Default)]
struct Judge {
    judged: Judged,
    /// Versions from which on the fight was this one; None: there was none.
    fights: BTreeMap<Version, Option<Arc<Fight>>>,
    /// What was committed to, by `combat_id`.
    committed: BTreeMap<Uuid, String>,
}

impl Judge {
    fn event(&mut self, case: Case<'_>, body: &Event) -> Result<(), Misjudged> {
        match body {
            Event::Combat(event) => self.combat(case, event)?,
            Event::CombatRewound(body) => self.returned(case, body.to_version, true)?,
            Event::RolledBack(body) => self.returned(case, body.to_version, false)?,
            _ => {}
        }
        let known = self.fights.last_key_value().and_then(|(_, fight)| fight.as_ref());
        let same = match (known, case.after) {
            (Some(known), Some(after)) => Arc::ptr_eq(known, after),
            (None, None) => true,
            _ => false,
        };
        if !same {
            self.fights.insert(case.version, case.after.clone());
        }
        Ok(())
    }

    fn combat(&mut self, case: Case<'_>, event: &CombatEvent) -> Result<(), Misjudged> {
        match (&event.change, case.before, case.after.as_deref()) {
            (Some(FightChange::Set(_)), before, Some(fight)) => {
                case.same("a fight while another runs", before.is_some(), false)?;
                self.started(case, fight)
            }
            (Some(FightChange::Step { step, .. }), Some(before), _) => {
                self.step(case, before, step)
            }
            (Some(FightChange::Ended), Some(before), _) => self.ended(case, before, event),
            (Some(FightChange::Deadline { .. }), Some(before), _) => {
                case.same("a deadline of a question", before.combat.prompt().is_some(), true)
            }
            (Some(_), ..) => case.same("a fight that goes on", false, true),
            (None, before, _) => {
                let ends = before.is_some() && event.name == Name::CombatEnded;
                case.same("a fight ends without a change", ends, false)
            }
        }
    }

    /// Combatants that are added one after another, without a die.
    fn started(&mut self, case: Case<'_>, fight: &Fight) -> Result<(), Misjudged> {
        self.judged.fights += 1;
        case.same("faces drawn before it began", fight.drawn, 0)?;
        case.same("version it began at", fight.since.to_string(), case.version.to_string())?;
        let commitment = fight.seed.commitment();
        let earlier = self.committed.insert(fight.id, commitment);
        case.same("a fight begun twice", earlier.is_some(), false)?;
        let combatants = fight.combat.combatants.values().map(|combatant| Command::AddCombatant {
            combatant: Box::new(combatant.as_ref().clone()),
        });
        let players = fight.combat.physical_dice.clone();
        let dice = (!players.is_empty()).then_some(Command::PhysicalDice { players });
        let mut combat =
            Combat::new(fight.combat.rules.as_ref().clone(), fight.combat.grid.as_ref().clone());
        for command in combatants.chain(dice) {
            let input = Input::Command { by: Actor::Gm, command };
            let mut none = Recorded::new(fight, &[]);
            let step = decide(&combat, input, fight.book(), &mut none);
            let step = step.or_else(|refusal| {
                case.same("a beginning", "begun", format!("{refusal:?}")).map(|()| Step {
                    input: Input::Command { by: Actor::Gm, command: Command::Begin },
                    faces: Vec::new(),
                    facts: Vec::new(),
                    prompt: None,
                })
            })?;
            case.same("faces of a beginning", 0, step.faces.len())?;
            combat.apply(&step);
        }
        case.same("a beginning", json(&fight.combat), json(&combat))
    }

    fn step(&mut self, case: Case<'_>, before: &Fight, step: &Step) -> Result<(), Misjudged> {
        self.judged.steps += 1;
        self.judged.faces += step.faces.len();
        let mut dice = Recorded::new(before, &step.faces);
        let decided = decide(&before.combat, step.input.clone(), before.book(), &mut dice);
        let Recorded { left, missing, strange, .. } = dice;
        if let Some((place, journal, seed)) = strange {
            case.same("a face is not of the seed", face(place, journal), face(place, seed))?;
        }
        let decided = match decided {
            Ok(decided) => decided,
            Err(refusal) => {
                let refusal = format!("refused: {refusal:?}");
                return case.same("a step is refused", json(step), refusal);
            }
        };
        for (at, fact) in decided.facts.iter().enumerate() {
            let journal = step.facts.get(at).map_or(Value::Null, json);
            case.same("a fact", journal, json(fact))?;
        }
        case.same("how many facts", step.facts.len(), decided.facts.len())?;
        case.same("the question", json(&step.prompt), json(&decided.prompt))?;
        case.same("faces missing", missing, 0)?;
        case.same("faces left over", left.len(), 0)?;
        case.same("the step", json(step), json(&decided))?;
        let drawn = before.drawn + step.faces.len() as u64;
        let after = case.after.as_ref().map_or(drawn, |after| after.drawn);
        case.same("faces drawn so far", after, drawn)
    }

    fn ended(
        &mut self,
        case: Case<'_>,
        before: &Fight,
        event: &CombatEvent,
    ) -> Result<(), Misjudged> {
        self.judged.ended += 1;
        let revealed = event.told.common("seed").and_then(Value::as_str).unwrap_or_default();
        let commitment = Seed::try_from(revealed.to_owned()).map(|seed| seed.commitment()).ok();
        let committed = self.committed.get(&before.id).cloned();
        case.same("the revealed seed", json(&commitment), json(&committed))
    }

    /// The fight as of a version, with dice that go on: none of the faces drawn since comes again.
    fn returned(&mut self, case: Case<'_>, to: Version, rewound: bool) -> Result<(), Misjudged> {
        let then = self.fights.range(..=to).next_back().and_then(|(_, fight)| fight.clone());
        let (Some(then), Some(now)) = (then.as_deref(), case.after.as_deref()) else {
            let (was, is) = (then.is_some(), case.after.is_some());
            case.same("a fight that came back", is, was)?;
            return case.same("a rewound fight", rewound, false);
        };
        self.judged.returns += 1;
        case.same("the fight that came back", now.id.to_string(), then.id.to_string())?;
        // Whose dice count follows the table, not the fight.
        let mut combat = then.combat.clone();
        combat.physical_dice.clone_from(&now.combat.physical_dice);
        case.same("the combat that came back", json(&now.combat), json(&combat))?;
        case.same("its beginning", now.since.to_string(), then.since.to_string())?;
        case.same("its turns", now.turns, then.turns)?;
        let running = case.before.filter(|running| running.id == now.id);
        case.same("a rewound fight runs", rewound && running.is_none(), false)?;
        let rewinds = running.map_or(then.rewinds, |running| running.rewinds) + 1;
        case.same("how often it came back", now.rewinds, rewinds)?;
        if !now.back_at.is_zero() {
            case.same("when it came back", now.back_at.to_string(), case.version.to_string())?;
        }
        case.same("faces drawn so far", now.drawn, running.map_or(0, |running| running.drawn))?;
        let kept = running.is_some_and(|running| running.seed == now.seed);
        case.same("a seed that goes on", kept, running.is_some())?;
        // One that had ended goes on under another seed.
        self.committed.insert(now.id, now.seed.commitment());
        Ok(())
    }
}

fn json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn face(place: u64, face: u32) -> String {
    format!("{face} as number {place}")
}

/// The journal's faces, each compared with the seed's.
struct Recorded<'a> {
    left: std::slice::Iter<'a, u32>,
    seed: Faces<'a>,
    place: u64,
    missing: usize,
    /// The first that is not of the seed: its number, and both faces.
    strange: Option<(u64, u32, u32)>,
}

impl<'a> Recorded<'a> {
    fn new(fight: &'a Fight, faces: &'a [u32]) -> Self {
        let (left, seed, place) = (faces.iter(), fight.dice(), fight.drawn);
        Self { left, seed, place, missing: 0, strange: None }
    }
}

impl Dice for Recorded<'_> {
    fn roll(&mut self, sides: u32) -> u32 {
        let drawn = self.seed.roll(sides);
        let place = self.place;
        self.place += 1;
        let Some(face) = self.left.next().copied() else {
            self.missing += 1;
            return drawn;
        };
        if face != drawn && self.strange.is_none() {
            self.strange = Some((place, face, drawn));
        }
        face
    }
}
