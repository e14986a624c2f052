//! What is told of a step: its facts as messages, each as every kind of viewer may have it.
//!
//! A step becomes one message for what began it (a declared action, an answer), one for each thing
//! that happened, in order, and one for the question it ended with. The changes of `/combat` are
//! spread over them so that each tells its own; the first event carries the step.

use std::collections::{BTreeMap, BTreeSet};

use gss_rules::combat::{Actor, Answer, CombatantId, Command, Fact, Input, Purpose, Step};
use gss_rules::effect::Duration;
use gss_shared::ids::{ActionId, PlayerId};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::changes::changes;
use super::effects;
use super::outcome::{self, Tally};
use super::show::{Asks, Eye, Scene};
use super::{Doing, Fight, FightChange, messages, prompts};
use crate::event::{CombatEvent, Told};
use crate::tell::object;
use crate::view::Change;

macro_rules! names {
    ($($variant:ident $text:literal $topic:expr;)*) => {
        /// Messages of a fight, under which they are stored too.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) enum Name {
            $($variant,)*
        }

        impl Name {
            const ALL: &'static [Self] = &[$(Self::$variant,)*];

            pub(crate) fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// `change_type` of what other services are told; None: nothing.
            pub(crate) fn topic(self) -> Option<&'static str> {
                match self { $(Self::$variant => $topic,)* }
            }
        }
    };
}

names! {
    CombatStarted "combat_started" Some("started");
    InitiativeRoll "initiative_roll" None;
    TurnChange "turn_change" Some("turn");
    ActionDeclare "action_declare" None;
    ActionResolve "action_resolve" Some("action");
    CombatantChanged "combatant_changed" None;
    EffectApplied "effect_applied" Some("effect");
    EffectEnded "effect_ended" Some("effect");
    ConcentrationCheck "concentration_check" None;
    DeathSave "death_save" None;
    ReactionPrompt "reaction_prompt" None;
    ChoicePrompt "choice_prompt" None;
    DicePrompt "dice_prompt" None;
    ReactionResolved "reaction_resolved" None;
    CombatEnded "combat_ended" Some("ended");
}

impl Name {
    pub(crate) fn of(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|name| name.as_str() == text)
    }
}

/// Who did it and why, as the messages say it.
pub(crate) struct Because<'a> {
    pub(crate) actor: Option<PlayerId>,
    pub(crate) action: ActionId,
    /// `targets` and `details` of a declared action.
    pub(crate) declared: Option<(&'a [CombatantId], &'a Value)>,
    pub(crate) doing: Option<Doing>,
    pub(crate) reason: Option<&'a str>,
    /// `action_id` of what the server does by itself.
    pub(crate) own: ActionId,
}

/// What an eye is told of what led from one scene to the next; None: nothing.
pub(super) type Telling<'d> =
    Box<dyn Fn(Eye, Scene<'_>, Scene<'_>) -> Option<Map<String, Value>> + 'd>;

/// A message on its way: how each eye gets it.
struct Draft<'d> {
    name: Name,
    /// Facts of the step that have happened when it is told.
    upto: usize,
    data: Telling<'d>,
}

/// The events of a step that was decided on `before` and folded to `after`.
pub(crate) fn step(
    before: &Fight,
    after: &Fight,
    step: &Step,
    change: FightChange,
    because: &Because<'_>,
) -> Vec<CombatEvent> {
    let mut drafts = Vec::new();
    drafts.extend(head(before, after, step, because));
    // What came with a change of who takes part is told with it.
    let known = drafts.first().map_or(0, |head| head.upto);
    drafts.extend(body(before, step, because).into_iter().filter(|draft| draft.upto > known));
    let asked = step.prompt.as_ref();
    if drafts.is_empty() {
        let acting = Acting::of(before, step, because);
        drafts.push(resolved(0..step.facts.len(), step, acting, because));
    }
    if let Some(last) = drafts.last_mut() {
        last.upto = step.facts.len();
    }
    let mut events = Vec::with_capacity(drafts.len() + 1);
    let mut combat = before.combat.clone();
    let mut done = 0;
    let mut asks = Asks::of(&before.combat);
    let mut change = Some(change);
    let last = drafts.len() - 1;
    for (index, draft) in drafts.into_iter().enumerate() {
        let was = combat.clone();
        combat.apply_facts(step.facts.get(done..draft.upto).unwrap_or_default());
        done = draft.upto.max(done);
        let then = Scene { fight: before, combat: &was, paused: false, asks };
        if index == last {
            asks = Asks::of(&after.combat);
        }
        let now = Scene { fight: after, combat: &combat, paused: false, asks };
        let seen: BTreeMap<Eye, Seen> = changes(then, now, eyes(&[then, now]))
            .into_iter()
            .map(|(eye, changes)| (eye, ((draft.data)(eye, then, now), changes)))
            .collect();
        let open = told(&seen, |data, changes| Some(with_changes(data?, changes)));
        events.push(CombatEvent { name: draft.name, change: change.take(), told: open });
        // Who may not know what happened still has to hold what it sees of it.
        if seen.values().any(|(data, changes)| data.is_none() && !changes.is_empty()) {
            let rest = told(&seen, |data, changes| {
                let nothing = concealed(before, because);
                Some(if data.is_none() { with_changes(nothing, changes) } else { nothing })
            });
            events.push(CombatEvent { name: Name::ActionResolve, change: None, told: rest });
        }
    }
    if let Some(prompt) = asked {
        let data = prompts::data(after, prompt);
        let now = after.scene(false);
        let tell = |eye: Eye| now.decides(eye, prompt.who).then(|| data.clone());
        let (name, told) = (prompts::name(&prompt.question), tell_all(&[now], tell));
        events.push(CombatEvent { name, change: change.take(), told });
    }
    events
}

/// What an eye is told of something, and what it sees change.
type Seen = (Option<Map<String, Value>>, Vec<Change>);

fn told(
    seen: &BTreeMap<Eye, Seen>,
    tell: impl Fn(Option<Map<String, Value>>, &[Change]) -> Option<Map<String, Value>>,
) -> Told {
    tell_each(seen.iter().map(|(eye, (data, changes))| (*eye, tell(data.clone(), changes))))
}

fn with_changes(mut data: Map<String, Value>, changes: &[Change]) -> Map<String, Value> {
    if !changes.is_empty() {
        data.insert("changes".to_owned(), json!(changes));
    }
    data
}

/// What a viewer gets who may know only that something changed.
fn concealed(fight: &Fight, because: &Because<'_>) -> Map<String, Value> {
    object(json!({
        "combat_id": fight.id,
        "action_id": because.action,
        "character_id": null,
        "outcomes": [],
        "rolls": [],
    }))
}

/// Each kind of viewer its version: GMs, owners of combatants, everybody else.
pub(super) fn tell_all(
    scenes: &[Scene<'_>],
    tell: impl Fn(Eye) -> Option<Map<String, Value>>,
) -> Told {
    tell_each(eyes(scenes).into_iter().map(|eye| (eye, tell(eye))))
}

fn tell_each(each: impl Iterator<Item = (Eye, Option<Map<String, Value>>)>) -> Told {
    let (mut gms, mut owners, mut others) = (None, Vec::new(), None);
    for (eye, data) in each {
        match eye {
            Eye::Gm => gms = data,
            Eye::Owner(owner) => owners.push((owner, data)),
            Eye::Other => others = data,
        }
    }
    Told::new(gms, owners, others)
}

/// Kinds of viewers.
fn eyes(scenes: &[Scene<'_>]) -> BTreeSet<Eye> {
    let combatants = scenes.iter().flat_map(|scene| scene.combat.combatants.values());
    let owners = combatants.filter_map(|combatant| combatant.owner);
    let owners = owners.map(|owner| Eye::Owner(PlayerId(owner)));
    owners.chain([Eye::Gm, Eye::Other]).collect()
}

/// Who acts, in which action.
#[derive(Clone)]
struct Acting {
    who: Option<CombatantId>,
    action: ActionId,
    kind: Option<Box<str>>,
    cause: &'static str,
    /// The action it answers, and the question.
    answers: Option<(ActionId, Uuid)>,
    /// Who attacks a square in it.
    guesses: Option<CombatantId>,
    /// As what it is told to whom may not know who does it.
    unawares: Option<Box<Acting>>,
}

impl Acting {
    fn of(before: &Fight, step: &Step, because: &Because<'_>) -> Self {
        let doing = match step.input {
            Input::Command { .. } => because.doing.as_ref(),
            Input::Answer { .. } => before.doing.as_ref(),
        };
        let command = match &step.input {
            Input::Command { command, .. } => Some(command),
            Input::Answer { .. } => before.combat.waiting(),
        };
        let guesses = match command {
            Some(Command::AttackAt { who, .. }) => Some(*who),
            _ => None,
        };
        let (who, action) = doing.map_or((None, because.own), |it| (Some(it.who), it.action));
        let kind = doing.map(|doing| doing.kind.clone());
        let ruled = matches!(command, Some(Command::ApplyEffect { .. } | Command::Fall { .. }));
        let cause = match doing {
            Some(_) => "action",
            None if ruled => "override",
            None => "rule",
        };
        Self { who, action, kind, cause, answers: None, guesses, unawares: None }
    }
}

/// The message of what began the step.
fn head<'d>(
    before: &'d Fight,
    after: &'d Fight,
    step: &'d Step,
    because: &'d Because<'_>,
) -> Option<Draft<'d>> {
    let command = match &step.input {
        Input::Command { command, .. } => command,
        Input::Answer { .. } => return answered(before, after, step, because),
    };
    let data = match (command, &because.declared, &because.doing) {
        (Command::AddCombatant { combatant }, ..) => {
            changed(before, combatant.id, "added", because)
        }
        (Command::RemoveCombatant { id }, ..) => changed(before, *id, "removed", because),
        (Command::Update { id, .. }, ..) => changed(before, *id, "updated", because),
        (Command::Fall { who, changes, .. }, ..) if !changes.is_nothing() => {
            changed(before, *who, "updated", because)
        }
        (Command::SetOrder { .. }, ..) => reordered(before, because),
        (_, Some((targets, details)), Some(doing)) => {
            let data = declared(before, doing, (targets, details), because);
            return Some(Draft { name: Name::ActionDeclare, upto: 0, data });
        }
        _ => return None,
    };
    Some(Draft { name: Name::CombatantChanged, upto: own_facts(step), data })
}

/// `action_declare`.
fn declared<'d>(
    fight: &'d Fight,
    doing: &'d Doing,
    (targets, details): (&'d [CombatantId], &'d Value),
    because: &'d Because<'_>,
) -> Telling<'d> {
    Box::new(move |eye, scene, _| {
        scene.knows(eye, doing.who).then(|| {
            let known = targets.iter().filter(|target| scene.knows(eye, **target));
            object(json!({
                "combat_id": fight.id,
                "action_id": because.action,
                "character_id": doing.who,
                "actor": because.actor,
                "action_type": doing.kind,
                "targets": known.collect::<Vec<_>>(),
                "details": scene.known_only(eye, details),
            }))
        })
    })
}

/// `reaction_resolved`.
fn answered<'d>(
    before: &'d Fight,
    after: &'d Fight,
    step: &'d Step,
    because: &'d Because<'_>,
) -> Option<Draft<'d>> {
    let Input::Answer { by, prompt, answer } = &step.input else { return None };
    let open = before.combat.prompt().filter(|open| open.id == *prompt)?;
    let answer = json!(answer);
    let result = match (by, answer["kind"].as_str()) {
        (Actor::Clock, _) => "timed_out",
        (_, Some("decline")) => "declined",
        (_, Some("react" | "use")) => "accepted",
        _ => "answered",
    };
    let data: Telling<'d> = Box::new(move |eye, scene, _| {
        if !scene.knows(eye, open.who) {
            return None;
        }
        let actor = because.actor;
        let mut data = object(json!({
            "prompt_id": after.prompt_id(open.id),
            "combat_id": after.id,
            "character_id": open.who.0,
            "kind": prompts::kind(&open.question),
            "result": result,
            "actor": actor,
            "action_id": actor.map(|_| because.action),
        }));
        // Of a use its name; what it is to be is no option of the question.
        let taken = answer["id"].as_str().or(answer["option"].as_str());
        if let Some(option) = taken.filter(|_| scene.decides(eye, open.who)) {
            data.insert("option".to_owned(), option.into());
        }
        Some(data)
    });
    Some(Draft { name: Name::ReactionResolved, upto: 0, data })
}

/// Facts that belong to a change of who takes part: all up to the first roll, turn or fall by a game
/// master's word.
fn own_facts(step: &Step) -> usize {
    let falls = matches!(step.input, Input::Command { command: Command::Fall { .. }, .. });
    let other = |fact: &Fact| match fact {
        Fact::Rolled { .. } | Fact::TurnStarted { .. } => true,
        Fact::Displaced { .. } => falls,
        _ => false,
    };
    step.facts.iter().position(other).unwrap_or(step.facts.len())
}

/// `combatant_changed`.
fn changed<'d>(
    fight: &'d Fight,
    id: CombatantId,
    change: &'static str,
    because: &'d Because<'_>,
) -> Telling<'d> {
    Box::new(move |eye, was, is| {
        let shown = is.combat.combatant(id).or_else(|| was.combat.combatant(id))?;
        eye.knows(shown).then(|| {
            let mut data = object(json!({
                "combat_id": fight.id,
                "character_id": id,
                "action_id": because.action,
                "actor": because.actor,
                "change": change,
            }));
            if let Some(combatant) = is.combat.combatant(id) {
                data.insert("combatant".to_owned(), is.combatant(combatant, eye));
            }
            if let Some(reason) = because.reason {
                data.insert("reason".to_owned(), reason.into());
            }
            data
        })
    })
}

/// `combatant_changed` of a new order: named after who comes first in it.
fn reordered<'d>(fight: &'d Fight, because: &'d Because<'_>) -> Telling<'d> {
    Box::new(move |eye, _, is| {
        let order = is.order(eye);
        Some(object(json!({
            "combat_id": fight.id,
            "character_id": order.first().map_or(Uuid::nil(), |first| first.0),
            "action_id": because.action,
            "actor": because.actor,
            "change": "reordered",
            "order": order,
        })))
    })
}

/// The messages of what happened.
fn body<'d>(before: &'d Fight, step: &'d Step, because: &'d Because<'_>) -> Vec<Draft<'d>> {
    let mut drafts: Vec<Draft<'d>> = Vec::new();
    let main = Acting::of(before, step, because);
    let in_action = main.cause == "action";
    let mut acting = reaction(before, step, because).unwrap_or_else(|| main.clone());
    // The first fact that is not told yet, and whether what follows is told together.
    let (mut since, mut open) = (0, false);
    let mut checks = Vec::new();
    for (at, fact) in step.facts.iter().enumerate() {
        let upto = at + 1;
        if let Fact::Moved { who, forced: false, .. } = fact
            && acting.cause == "reaction"
            && main.who == Some(*who)
        {
            if std::mem::take(&mut open) {
                drafts.push(resolved(since..at, step, acting, because));
                since = at;
            }
            acting = main.clone();
        }
        // What an attack at a square costs is told apart: what comes of it may have to wait for
        // somebody who is there.
        if is_guess(fact) && in_action && main.guesses.is_some() && since < at {
            drafts.push(resolved(since..at, step, acting.clone(), because));
            since = at;
        }
        let alone = match own_message(before, step, at, because) {
            Some((Name::ConcentrationCheck, data)) if in_action || acting.cause == "reaction" => {
                checks.push(data);
                None
            }
            // An action's outcome says which effects ended.
            Some((Name::EffectEnded, _)) if in_action => None,
            own => own,
        };
        match alone {
            Some((name, data)) => {
                if std::mem::take(&mut open) {
                    drafts.push(resolved(since..at, step, acting.clone(), because));
                }
                drafts.push(Draft { name, upto, data });
                since = upto;
            }
            None => open |= outcome::is_told(fact) && !precedes_own(step, at),
        }
    }
    if open {
        drafts.push(resolved(since..step.facts.len(), step, acting, because));
    } else if in_action && !drafts.iter().any(|draft| draft.name == Name::ActionResolve) {
        // What it changed, be it only that somebody has to decide, is told as the action's.
        drafts.push(resolved(0..step.facts.len(), step, acting, because));
    }
    let (name, upto) = (Name::ConcentrationCheck, step.facts.len());
    drafts.extend(checks.into_iter().map(|data| Draft { name, upto, data }));
    drafts
}

/// The message that a fact has of its own.
fn own_message<'d>(
    before: &'d Fight,
    step: &'d Step,
    at: usize,
    because: &'d Because<'_>,
) -> Option<(Name, Telling<'d>)> {
    let earlier = step.facts.get(..at);
    match step.facts.get(at)? {
        Fact::InitiativeSet { who, initiative } => {
            Some(messages::initiative_roll(before, *who, *initiative, earlier, because))
        }
        Fact::TurnStarted { .. } => Some((Name::TurnChange, messages::turn_change(before))),
        fact @ Fact::DeathSaveMade { .. } => Some(messages::death_save(before, fact, earlier)),
        Fact::SaveMade { who, dc, success, .. } => {
            messages::concentration(before, (*who, *dc, *success), earlier)
        }
        Fact::EffectEnded { id, reason } => effects::ended(before, *id, *reason, because),
        Fact::EffectStarted { effect } if is_ruling(step) => {
            Some(effects::applied(before, effect, because))
        }
        _ => None,
    }
}

/// Whether this is a throw that would tell if somebody is on a square.
fn is_guess(fact: &Fact) -> bool {
    matches!(fact, Fact::Rolled { purpose, .. } if purpose.is_secret())
}

/// Whether a game master puts an effect there that lasts.
fn is_ruling(step: &Step) -> bool {
    match &step.input {
        Input::Command { command: Command::ApplyEffect { effect, .. }, .. } => {
            effect.duration != Duration::Instant
        }
        _ => false,
    }
}

/// Whether this is a roll that the message of the next fact has in it.
fn precedes_own(step: &Step, at: usize) -> bool {
    matches!(
        step.facts.get(at),
        Some(Fact::Rolled { purpose: Purpose::Initiative | Purpose::DeathSave, .. })
    )
}

/// What an accepted reaction does first.
fn reaction(before: &Fight, step: &Step, because: &Because<'_>) -> Option<Acting> {
    let Input::Answer { prompt, answer, .. } = &step.input else { return None };
    let open = before.combat.prompt().filter(|open| open.id == *prompt)?;
    let kind = match answer {
        Answer::React { .. } => "attack",
        Answer::Use { .. } => "use_action",
        _ => return None,
    };
    let main = Acting::of(before, step, because);
    Some(Acting {
        who: Some(open.who),
        action: because.action,
        kind: Some(kind.into()),
        cause: "reaction",
        answers: Some((main.action, before.prompt_id(open.id))),
        guesses: main.guesses,
        unawares: main.guesses.map(|_| Box::new(main.clone())),
    })
}

/// `action_resolve` of these facts.
fn resolved<'d>(
    range: std::ops::Range<usize>,
    step: &'d Step,
    acting: Acting,
    because: &'d Because<'_>,
) -> Draft<'d> {
    let upto = range.end;
    let begins = range.start == 0 && matches!(step.input, Input::Command { .. });
    let facts = step.facts.get(range).unwrap_or_default();
    let action = because.action;
    let data: Telling<'d> = Box::new(move |eye, was, is| {
        let knows = |acting: &Acting| acting.who.is_none_or(|who| is.knows(eye, who));
        let unawares = acting.unawares.as_deref().filter(|_| !knows(&acting));
        let acting = unawares.unwrap_or(&acting);
        let known = knows(acting);
        let tally = Tally::of(facts, was, is, (eye, acting.guesses));
        // That somebody on a square was asked something is not told of an attack there.
        let silent = acting.guesses.is_some() && !begins;
        if tally.is_empty() && (!known || silent) {
            return None;
        }
        let mut cause = object(json!({"kind": acting.cause}));
        if let Some((answered, prompt)) = acting.answers {
            cause.insert("action_id".to_owned(), json!(answered));
            cause.insert("prompt_id".to_owned(), json!(prompt));
        }
        let mut data = object(json!({
            "combat_id": is.fight.id,
            "action_id": if acting.cause == "rule" { acting.action } else { action },
            "character_id": acting.who.filter(|_| known),
            "cause": cause,
            "outcomes": tally.outcomes,
            "rolls": tally.rolls,
        }));
        if acting.cause == "action" {
            data.insert("action_id".to_owned(), json!(acting.action));
        }
        if let Some(kind) = acting.kind.as_ref().filter(|_| known) {
            data.insert("action_type".to_owned(), json!(kind));
        }
        let rulings = outcome::rulings(facts);
        if !rulings.is_empty() && known {
            data.insert("ruling_needed".to_owned(), json!(rulings));
        }
        if let Some(spent) = acting.who.and_then(|who| outcome::spent(facts, was, who, eye)) {
            data.insert("spent".to_owned(), spent);
        }
        Some(data)
    });
    Draft { name: Name::ActionResolve, upto, data }
}
