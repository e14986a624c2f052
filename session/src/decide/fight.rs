//! Commands about a fight: set up, play, override, take back.

mod setup;

use gss_rules::Key;
use gss_rules::combat::{
    Actor, Answer, Changes, CombatantId, Command, EffectId, Input, Question, Refusal, Step, View,
    decide as play,
};
use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::{ActionId, PlayerId, Version};
use gss_shared::message::Viewer;
use gss_shared::time::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::{Decided, not_paused};
use crate::event::{CombatRewound, Event};
use crate::execute::{Context, random_id};
use crate::fight::action::Action;
use crate::fight::asked::{AskedFight, Declare, ReactWith};
use crate::fight::choices::Chosen;
use crate::fight::messages;
use crate::fight::narrate::{self, Because};
use crate::fight::show::Eye;
use crate::fight::{Doing, Fight, FightChange, Seed, code, prompts};
use crate::refusal;
use crate::state::Session;

/// The reason for a new height by which it is a fall's.
const FALL: &str = "fall";

/// Number of a fight's key among what is made of its seed; combatants have those from 1 on.
const KEY: u128 = 1 << 64;

/// Who asks, when, with what.
struct Asking<'a, 'c> {
    session: &'a Session,
    /// None: the service.
    viewer: Option<Viewer>,
    action: ActionId,
    now: Timestamp,
    context: &'a mut Context<'c>,
    /// Steps decided so far.
    steps: u128,
}

/// Whether a command is one that a game master's role is not asked for: an order of tied characters,
/// while there is a fight to go on with.
pub(super) fn may_be_players(session: &Session, asked: &AskedFight) -> bool {
    let goes_on = session.fight.is_some() && not_paused(session).is_ok();
    matches!(asked, AskedFight::Order(_)) && goes_on
}

/// Decides a command about a fight.
///
/// # Errors
/// Why it is refused.
pub(super) fn decide(
    session: &Session,
    viewer: Option<Viewer>,
    asked: &AskedFight,
    action: ActionId,
    (now, context): (Timestamp, &mut Context<'_>),
) -> Result<Decided, ClientError> {
    let mut asking = Asking { session, viewer, action, now, context, steps: 0 };
    if let AskedFight::Start(start) = asked {
        return asking.start(start);
    }
    let Some(fight) = session.fight.as_deref() else {
        let error = ClientError::new(ErrorCode::InvalidTransition, "No fight is running.");
        return Err(error.with("phase", "lobby"));
    };
    match asked {
        AskedFight::Rewind { to_version } => asking.rewind(fight, *to_version),
        AskedFight::End { reason } => {
            let reason = reason.as_deref();
            let ended = messages::ended(fight, Some(action), "ended_by_gm", reason);
            Ok(Event::Combat(ended).into())
        }
        _ => asking.play(fight, asked),
    }
}

impl Asking<'_, '_> {
    fn eye(&self) -> Eye {
        self.viewer.map_or(Eye::Gm, Eye::of)
    }

    fn actor(&self) -> Actor {
        match self.viewer {
            None => Actor::Clock,
            Some(viewer) if viewer.role.is_gm() => Actor::Gm,
            Some(viewer) => Actor::Player(viewer.player.0),
        }
    }

    /// An id that nobody has, another for every `k`.
    fn fresh(&self, k: u128) -> Uuid {
        const APART: u128 = 1 << 64;
        random_id(self.context.event_seed.wrapping_add(APART + k)).0
    }

    /// The same, and nobody can tell one from another who does not know the fight's seed.
    fn secret(&self, seed: &Seed, k: u128) -> Uuid {
        random_id(seed.number(self.context.event_seed.wrapping_add(k))).0
    }

    fn refused(&self, fight: &Fight, refusal: &Refusal) -> ClientError {
        code::of(refusal, fight.scene(false), self.eye())
    }

    /// That the sender may know of all these.
    fn knows(
        &self,
        fight: &Fight,
        ids: impl IntoIterator<Item = CombatantId>,
    ) -> Result<(), ClientError> {
        let (scene, eye) = (fight.scene(false), self.eye());
        match ids.into_iter().find(|id| !scene.knows(eye, *id)) {
            None => Ok(()),
            Some(id) => Err(self.refused(fight, &Refusal::UnknownCombatant { id })),
        }
    }

    /// That the sender may know of everybody that a command names anywhere. Nobody is as unknown as
    /// somebody hidden, and both are told before anything else.
    fn knows_all_in(&self, fight: &Fight, command: &Command) -> Result<(), ClientError> {
        if self.eye() == Eye::Gm {
            return Ok(());
        }
        let mut named = Vec::new();
        command.each_named(&mut |id| named.push(id));
        self.knows(fight, named)
    }

    fn play(&mut self, fight: &Fight, asked: &AskedFight) -> Result<Decided, ClientError> {
        match asked {
            AskedFight::Add(spec) => self.add(fight, spec),
            AskedFight::TimeOut { absent } => self.time_out(fight, *absent),
            AskedFight::Declare(declared) => self.declare(fight, declared),
            _ => self.other(fight, asked),
        }
    }

    /// What follows from the table, whoever gave the cause.
    fn by_the_table(
        &mut self,
        fight: &Fight,
        command: Command,
    ) -> Result<(Vec<Event>, Fight), ClientError> {
        self.input(fight, Input::Command { by: Actor::Gm, command }, None, None)
    }

    fn is_member(&self, owner: PlayerId) -> Result<(), ClientError> {
        if self.session.member(owner).is_some() {
            return Ok(());
        }
        let refusal = refusal::argument("owner_id", "is no member of the session");
        Err(refusal.with("player_id", owner.to_string()))
    }

    /// A command of the engine's.
    fn command(
        &mut self,
        fight: &Fight,
        command: Command,
        declared: Option<&Declare>,
        reason: Option<&str>,
    ) -> Result<Vec<Event>, ClientError> {
        let input = Input::Command { by: self.actor(), command };
        self.input(fight, input, declared, reason).map(|(events, _)| events)
    }

    /// What the rules make of an input.
    fn played(&self, fight: &Fight, input: Input) -> Result<Step, ClientError> {
        let step = play(&fight.combat, input, fight.book(), &mut fight.dice());
        step.map_err(|refusal| self.refused(fight, &refusal))
    }

    /// What an input comes to, and the fight after it.
    fn input(
        &mut self,
        fight: &Fight,
        input: Input,
        declared: Option<&Declare>,
        reason: Option<&str>,
    ) -> Result<(Vec<Event>, Fight), ClientError> {
        let step = self.played(fight, input)?;
        let doing = declared.map(|declared| Doing {
            action: self.action,
            who: declared.who,
            kind: declared.kind.clone(),
        });
        let deadline = step.prompt.as_ref().and_then(|_| self.deadline());
        let mut after = fight.clone();
        after.step(&step, (deadline, doing.clone()), self.now);
        let change =
            FightChange::Step { step: Box::new(step.clone()), deadline, doing: doing.clone() };
        let because = Because {
            actor: self.viewer.map(|viewer| viewer.player),
            action: self.action,
            declared: declared.map(|declared| (declared.targets.as_slice(), &declared.details)),
            doing,
            reason,
            own: ActionId(self.fresh((1 << 32) + self.steps)),
        };
        self.steps += 1;
        let told = narrate::step(fight, &after, &step, change, &because);
        Ok((told.into_iter().map(Event::Combat).collect(), after))
    }

    /// When a question asked now is answered for whom it asks.
    fn deadline(&self) -> Option<Timestamp> {
        let seconds = self.session.settings.reaction_seconds;
        (seconds > 0).then(|| self.now.plus_ms(i64::from(seconds) * 1_000))
    }

    fn declare(&mut self, fight: &Fight, declared: &Declare) -> Result<Decided, ClientError> {
        let command = match &declared.action {
            Action::Command(command) => command.clone(),
            Action::OfEffect { command, effect } => {
                let known = self.seen_effect(fight, *effect)?;
                let mut command = command.clone();
                name_effect(&mut command, known);
                command
            }
            Action::Left(why) => {
                let error = ClientError::new(ErrorCode::RuleViolation, *why);
                return Err(error.with("action_type", &*declared.kind));
            }
        };
        self.knows_all_in(fight, &command)?;
        self.command(fight, command, Some(declared), None).map(Decided::Events)
    }

    /// The effect of this `effect_id`, if the sender is shown it.
    fn seen_effect(&self, fight: &Fight, wire: Uuid) -> Result<EffectId, ClientError> {
        let (scene, eye) = (fight.scene(false), self.eye());
        let id = fight.effect(wire).filter(|id| scene.shows(eye, *id));
        id.ok_or_else(|| no_effect(wire))
    }

    fn other(&mut self, fight: &Fight, asked: &AskedFight) -> Result<Decided, ClientError> {
        let (command, reason) = match asked {
            AskedFight::Remove { id, reason } => {
                (Command::RemoveCombatant { id: *id }, reason.as_deref())
            }
            AskedFight::Roll { id, face } => {
                self.knows(fight, [*id])?;
                let face = face.filter(|_| self.session.settings.physical_dice);
                (Command::RollInitiative { who: *id, face }, None)
            }
            AskedFight::Order(order) => {
                (Command::SetOrder { order: self.whole(fight, order)? }, None)
            }
            AskedFight::EndTurn { id } => {
                self.knows(fight, [*id])?;
                (Command::EndTurn { who: *id }, None)
            }
            AskedFight::Apply { effect, source, targets } => {
                let (effect, source, targets) = (effect.clone(), *source, targets.clone());
                (Command::ApplyEffect { effect, source, targets }, None)
            }
            AskedFight::RemoveEffect { effect, targets, reason } => {
                let (targets, reason) = (targets.as_deref(), reason.as_deref());
                return self.remove_effect(fight, *effect, targets, reason);
            }
            AskedFight::React { .. } | AskedFight::Choose { .. } | AskedFight::Dice { .. } => {
                return self.answer(fight, asked);
            }
            AskedFight::Update { id, fields, reason } => {
                return self.update(fight, *id, fields, reason.as_deref());
            }
            AskedFight::Start(_)
            | AskedFight::Add(_)
            | AskedFight::Declare(_)
            | AskedFight::Rewind { .. }
            | AskedFight::End { .. }
            | AskedFight::TimeOut { .. } => return Err(refusal::internal()),
        };
        self.command(fight, command, None, reason).map(Decided::Events)
    }

    /// A game master's override. Whom it puts lower for the reason [`FALL`] falls there.
    fn update(
        &mut self,
        fight: &Fight,
        id: CombatantId,
        fields: &Changes,
        reason: Option<&str>,
    ) -> Result<Decided, ClientError> {
        if let Some(Some(owner)) = fields.owner_id {
            self.is_member(PlayerId(owner))?;
        }
        let mut changes = Box::new(fields.clone());
        let view = View::of(&fight.combat, fight.book());
        let can = |to_ft: &i32| view.may_fall(id, *to_ft).is_ok();
        let command = match fields.elevation_ft.filter(|to_ft| reason == Some(FALL) && can(to_ft)) {
            Some(to_ft) => {
                changes.elevation_ft = None;
                Command::Fall { who: id, to_ft, changes }
            }
            None => Command::Update { id, changes },
        };
        self.command(fight, command, None, reason).map(Decided::Events)
    }

    /// An order of those that the sender knows of, with everybody else in the place that it has.
    fn whole(&self, fight: &Fight, order: &[CombatantId]) -> Result<Vec<CombatantId>, ClientError> {
        let (scene, eye) = (fight.scene(false), self.eye());
        if eye == Eye::Gm {
            return Ok(order.to_vec());
        }
        let standing = fight.combat.standing_order();
        let known = |id: &CombatantId| scene.knows(eye, *id);
        if !order.iter().all(known) || standing.iter().filter(|id| known(id)).count() != order.len()
        {
            return Err(self.refused(fight, &Refusal::NotGameMaster));
        }
        let mut named = order.iter().copied();
        let place = |id| if known(&id) { named.next().unwrap_or(id) } else { id };
        Ok(standing.into_iter().map(place).collect())
    }

    /// From the named targets, or wholly.
    fn remove_effect(
        &mut self,
        fight: &Fight,
        effect: Uuid,
        targets: Option<&[CombatantId]>,
        reason: Option<&str>,
    ) -> Result<Decided, ClientError> {
        let root = fight.effect(effect).ok_or_else(|| no_effect(effect))?;
        let Some(targets) = targets else {
            let command = Command::RemoveEffect { id: root };
            return self.command(fight, command, None, reason).map(Decided::Events);
        };
        let belongs = |effect: &&std::sync::Arc<gss_rules::combat::Effect>| {
            effect.id == root || effect.parent == Some(root)
        };
        let ids: Vec<_> = fight
            .combat
            .effects
            .values()
            .filter(belongs)
            .filter(|effect| targets.contains(&effect.target))
            .map(|effect| effect.id)
            .collect();
        let mut after = fight.clone();
        let mut events = Vec::new();
        for id in ids {
            if !after.combat.effects.contains_key(&id) {
                continue;
            }
            let more = self.command(&after, Command::RemoveEffect { id }, None, reason)?;
            for event in &more {
                if let Event::Combat(event) = event {
                    event.change.iter().for_each(|change| after.fold(change, self.now));
                }
            }
            events.extend(more);
        }
        if events.is_empty() {
            return Err(no_effect(effect));
        }
        Ok(Decided::Events(events))
    }

    /// An answer to the open question.
    fn answer(&mut self, fight: &Fight, asked: &AskedFight) -> Result<Decided, ClientError> {
        let wire = match asked {
            AskedFight::React { prompt, .. }
            | AskedFight::Choose { prompt, .. }
            | AskedFight::Dice { prompt, .. } => *prompt,
            _ => return Err(refusal::internal()),
        };
        let (scene, eye) = (fight.scene(false), self.eye());
        let open = fight.combat.prompt().filter(|open| fight.prompt_id(open.id) == wire);
        let open = open.filter(|open| scene.knows(eye, open.who));
        let open = open.ok_or_else(|| self.refused(fight, &Refusal::NotAsked))?;
        let answer = match asked {
            AskedFight::React { accept: false, .. } => Answer::Decline,
            AskedFight::React { option, with, .. } => {
                let option = chosen(&open.question, option.as_deref())?;
                match open.question {
                    Question::LegendaryAction { .. } | Question::LairAction { .. } => {
                        self.used(fight, option, with)?
                    }
                    _ => Answer::React { option },
                }
            }
            AskedFight::Dice { faces, .. } => Answer::Faces { faces: faces.clone() },
            AskedFight::Choose { choice, .. } => match &open.question {
                Question::EffectOrder { effects } => {
                    let offered = prompts::ordered(fight, open, effects);
                    Answer::Order { effects: order_of(&offered, choice)? }
                }
                _ => Answer::Choose { option: choice_of(choice)? },
            },
            _ => return Err(self.refused(fight, &Refusal::WrongAnswer)),
        };
        let input = Input::Answer { by: self.actor(), prompt: open.id, answer };
        self.input(fight, input, None, None).map(|(events, _)| Decided::Events(events))
    }

    fn used(&self, fight: &Fight, id: Key, with: &ReactWith) -> Result<Answer, ClientError> {
        let targets: Vec<CombatantId> = with.targets.iter().copied().map(CombatantId).collect();
        self.knows(fight, targets.iter().copied())?;
        let (at, direction) = (with.at, with.direction);
        let Chosen { option, path, choices } = with.chosen.clone();
        Ok(Answer::Use { id, targets, at, direction, option, path, choices })
    }

    /// What happens when nobody does anything.
    fn time_out(&mut self, fight: &Fight, absent: bool) -> Result<Decided, ClientError> {
        let early = || ClientError::new(ErrorCode::InvalidTransition, "Nothing is due.");
        if let Some(open) = fight.combat.prompt() {
            if fight.deadline.is_none_or(|deadline| deadline > self.now) {
                return Err(early());
            }
            let answer = match open.question {
                Question::Dice { .. } => Answer::Roll,
                _ => Answer::Decline,
            };
            let input = Input::Answer { by: Actor::Clock, prompt: open.id, answer };
            return self.input(fight, input, None, None).map(|(events, _)| Decided::Events(events));
        }
        let due = self.session.turn_ends_at().filter(|ends| absent && *ends <= self.now);
        let who = due.and_then(|_| fight.combat.active()).ok_or_else(early)?;
        self.command(fight, Command::EndTurn { who }, None, None).map(Decided::Events)
    }

    /// The combat as of a version of the same fight. Faces drawn since stay drawn.
    fn rewind(&mut self, fight: &Fight, to_version: Version) -> Result<Decided, ClientError> {
        let current = self.session.position.version;
        if to_version < fight.since || to_version > current {
            let refusal = refusal::argument("to_version", "is no version of this fight");
            let refusal = refusal.with("since", fight.since.to_string());
            return Err(refusal.with("current", current.to_string()));
        }
        let history = self.context.history;
        let then = history
            .filter(|then| then.id == self.session.id && then.position.version == to_version);
        let Some(then) = then else { return Ok(Decided::NeedsHistory(to_version)) };
        let then = then.fight.as_deref().filter(|then| then.id == fight.id);
        let then =
            then.ok_or_else(|| refusal::argument("to_version", "is no version of this fight"))?;
        let next = self.resumed(then, Some(fight));
        let turn = messages::turn_again(&next);
        let rewound = CombatRewound { to_version, fight: Box::new(next) };
        let mut events = vec![Event::CombatRewound(rewound)];
        events.extend(turn.map(Event::Combat));
        Ok(Decided::Events(events))
    }

    /// A fight of the past that goes on now.
    fn resumed(&mut self, then: &Fight, running: Option<&Fight>) -> Fight {
        let running = running.filter(|running| running.id == then.id);
        let (seed, drawn, key) = match running {
            Some(running) => (running.seed.clone(), running.drawn, running.key),
            // It had ended: its seed is known.
            None => {
                let seed = Seed::draw(&mut *self.context.dice);
                let key = self.secret(&seed, KEY);
                (seed, 0, Some(key))
            }
        };
        let back_at = self.session.position.version.next();
        let rewinds = running.map_or(then.rewinds, |running| running.rewinds) + 1;
        let deadline = then.combat.prompt().and_then(|_| self.deadline());
        Fight { seed, drawn, key, rewinds, back_at, deadline, turn_at: self.now, ..then.clone() }
    }
}

/// Says which effect a command is about, be it prepared only.
fn name_effect(command: &mut Command, known: EffectId) {
    match command {
        Command::Escape { effect, .. } | Command::UseEffect { effect, .. } => *effect = Some(known),
        Command::Ready { action, .. } | Command::AsBonus { action, .. } => {
            name_effect(action, known)
        }
        _ => {}
    }
}

fn no_effect(effect: Uuid) -> ClientError {
    let error = ClientError::new(ErrorCode::NotFound, "No such effect runs.");
    error.with("effect_id", effect.to_string())
}

/// The fight of a session as a rollback brings it back.
pub(super) fn rolled_back(
    session: &Session,
    then: &Session,
    now: Timestamp,
    context: &mut Context<'_>,
) -> Option<Box<Fight>> {
    let then = then.fight.as_deref()?;
    let action = ActionId(Uuid::nil());
    let mut asking = Asking { session, viewer: None, action, now, context, steps: 0 };
    Some(Box::new(asking.resumed(then, session.fight.as_deref())))
}

/// The one that is chosen, be it in a list.
fn choice_of(choice: &Value) -> Result<Key, ClientError> {
    let one = match choice {
        Value::Array(list) => list.first().filter(|_| list.len() == 1),
        one => Some(one),
    };
    let text = one.and_then(Value::as_str).and_then(|text| Key::parse(text).ok());
    text.ok_or_else(|| refusal::argument("choice", "is one of those offered"))
}

/// All of the effects asked about, in the order chosen.
fn order_of(offered: &[prompts::Ordered], choice: &Value) -> Result<Vec<EffectId>, ClientError> {
    let named = choice.as_array().filter(|named| named.len() == offered.len());
    let named = named.map(Vec::as_slice).unwrap_or_default();
    let meant = |option: &prompts::Ordered| named.iter().any(|it| *it == *option.choice);
    if named.is_empty() || !offered.iter().all(meant) {
        return Err(refusal::argument("choice", "names each of those offered once"));
    }
    let of = |name: &Value| offered.iter().find(|option| *name == *option.choice);
    let chosen = named.iter().filter_map(of).flat_map(|option| &option.effects);
    Ok(chosen.copied().collect())
}

/// The option taken: one that was offered, or the only one.
fn chosen(question: &Question, option: Option<&str>) -> Result<Key, ClientError> {
    let options = prompts::options(question);
    if options.is_empty() {
        return Err(refusal::argument("prompt_id", "asks for something else"));
    }
    let found = match (option, options.as_slice()) {
        (None, [only]) => Some(only),
        (None, _) => None,
        (Some(option), options) => options.iter().find(|known| known.as_str() == option),
    };
    let offered = || options.iter().map(|option| option.to_string()).collect::<Vec<String>>();
    found.cloned().ok_or_else(|| {
        refusal::argument("option", "is none of those offered").with("allowed", offered())
    })
}
