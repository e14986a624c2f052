//! The running of one command: the state as it goes, the facts told, the answers at hand.
//!
//! The rules are methods of [`Resolver`], one file per part of the rules. They read
//! `self.combat`, change it by [`Resolver::tell`] alone, and ask by methods that end the run with
//! [`Halt::Ask`] when there is no answer yet.

mod assistance;
mod attack;
mod bonus;
mod burdens;
mod cases;
mod cast;
mod casting_use;
mod charges;
mod choices;
mod contests;
mod corrosion;
mod costs;
mod deaths;
mod deeds;
mod dispel;
mod displacement;
mod edges;
mod effects;
mod features;
mod forms;
mod groups;
mod growth;
mod guesses;
mod hands;
mod harm;
mod incidents;
mod insides;
mod item_spells;
mod jumps;
mod lairs;
mod legendary;
mod longer;
mod maneuvers;
mod manners;
mod marches;
mod mounts;
mod movement;
mod objects;
mod ops;
mod orders;
mod reactions;
mod readiness;
mod riders;
mod room;
mod ruling;
mod saves;
mod setup;
mod slowness;
mod special;
mod spell_attack;
mod spell_effects;
mod squeezes;
mod summons;
mod targeting;
mod terrain;
mod throws;
mod traits;
mod triggers;
mod turns;
mod uses;
mod walls;
mod weapon_spells;
mod zones;

pub(in crate::combat) use assistance::is_hiding;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use attack::Aimed;
use cast::{Asked, Means};
use uuid::Uuid;

use super::step::{Answered, Rulebook};
use super::view::View;
use super::{
    Actor, Answer, Choice, Combat, Combatant, CombatantId, Command, Effect, EndReason, Fact,
    Happening, Interaction, Phase, Prompt, PromptId, Question, Refusal,
};
use crate::effect::{Ending, Modifier, ModifierKind};
use crate::space::Relation;
use crate::{DamageType, Dice, Key};

use features::Declared;
pub use legendary::LEGENDARY_RESISTANCE;
use mounts::Jolt;
use special::Aim;

/// Why a run ends before its end.
#[derive(Debug)]
pub(super) enum Halt {
    /// Somebody has to answer first.
    Ask(Prompt),
    /// It cannot be done. Only before the first fact.
    Refuse(Refusal),
}

impl From<Refusal> for Halt {
    fn from(refusal: Refusal) -> Self {
        Self::Refuse(refusal)
    }
}

/// What a rule returns.
pub(super) type Flow<T> = Result<T, Halt>;

/// One run of a command.
pub(super) struct Resolver<'a> {
    pub(super) combat: Combat,
    book: &'a Rulebook,
    facts: Vec<Fact>,
    answers: VecDeque<Answered>,
    faces: Faces<'a>,
    /// The state that the facts told before must come to.
    expected: Option<(usize, &'a Combat)>,
    strayed: bool,
    /// How deep in what effects set off it is.
    depth: u8,
    /// Effects that ended and have yet to do what they do then.
    ended: VecDeque<(Arc<Effect>, EndReason)>,
    /// What is reacted to comes to nothing.
    countered: bool,
    /// Who acts now outside of its turn.
    reacting: Option<CombatantId>,
    /// What happened that somebody may have waited for.
    happened: VecDeque<(Happening, CombatantId)>,
    /// Nothing more is done of the words that are carried out.
    stopped: bool,
    /// The throw of a table is made again.
    again: bool,
    /// By how much the last save that was rolled missed its DC; less than 1: it did not.
    missed_by: i32,
    /// The damage that effects hear of now.
    dealt: i32,
    /// Who made ability checks that effects have yet to hear of.
    checked: VecDeque<CombatantId>,
    /// Types of the damage that what is done now answers.
    suffered: Vec<DamageType>,
    /// Riders whose seat is shaken, by what.
    jolted: VecDeque<(CombatantId, Jolt)>,
    /// Feet that creatures have gone since what stays around them went along.
    trailing: BTreeMap<CombatantId, i32>,
    /// Mounts that nobody controls any more in the turn that they had a part in.
    unled: VecDeque<CombatantId>,
    /// Features of the attack that is made now.
    declared: Option<Declared>,
}

/// Faces: those recorded first, then new ones.
struct Faces<'a> {
    recorded: Vec<u32>,
    used: usize,
    dice: &'a mut dyn Dice,
}

impl Dice for Faces<'_> {
    fn roll(&mut self, sides: u32) -> u32 {
        let face = match self.recorded.get(self.used) {
            Some(face) => *face,
            None => {
                let face = self.dice.roll(sides);
                self.recorded.push(face);
                face
            }
        };
        self.used += 1;
        face
    }
}

/// What a run came to.
pub(super) struct Outcome {
    pub(super) facts: Vec<Fact>,
    pub(super) faces: Vec<u32>,
    pub(super) strayed: bool,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(
        combat: Combat,
        book: &'a Rulebook,
        answers: Vec<Answered>,
        faces: Vec<u32>,
        dice: &'a mut dyn Dice,
    ) -> Self {
        Self {
            combat,
            book,
            facts: Vec::new(),
            answers: answers.into(),
            faces: Faces { recorded: faces, used: 0, dice },
            expected: None,
            strayed: false,
            depth: 0,
            ended: VecDeque::new(),
            countered: false,
            reacting: None,
            happened: VecDeque::new(),
            stopped: false,
            again: false,
            missed_by: 0,
            dealt: 0,
            checked: VecDeque::new(),
            suffered: Vec::new(),
            jolted: VecDeque::new(),
            trailing: BTreeMap::new(),
            unled: VecDeque::new(),
            declared: None,
        }
    }

    /// After this many facts the state must be that of `combat`.
    pub(super) fn expect_after(&mut self, told: usize, combat: &'a Combat) {
        if told > 0 {
            self.expected = Some((told, combat));
        }
    }

    /// Whether every answer was asked for.
    pub(super) fn has_heard_all(&self) -> bool {
        self.answers.is_empty()
    }

    pub(super) fn finish(self) -> Outcome {
        let strayed = self.strayed || self.expected.is_some();
        Outcome { facts: self.facts, faces: self.faces.recorded, strayed }
    }

    /// Something happened.
    fn tell(&mut self, fact: Fact) {
        self.notice(&fact);
        self.jolt(&fact);
        self.combat.apply_fact(&fact);
        self.facts.push(fact);
        if let Some((told, combat)) = self.expected.filter(|(told, _)| *told == self.facts.len()) {
            self.strayed |= !self.combat.is_same_play(combat) || told == 0;
            self.expected = None;
        }
    }

    /// The state as it is now, to be read.
    fn view(&self) -> View<'_> {
        View::of(&self.combat, self.book)
    }

    /// Throws dice for somebody: `throw` is given faces.
    fn throw<T>(&mut self, throw: impl FnOnce(&mut dyn Dice) -> T) -> T {
        throw(&mut self.faces)
    }

    /// Asks whoever commands `who`.
    fn ask(&mut self, who: CombatantId, question: Question) -> Flow<Answer> {
        let prompt = Prompt { id: PromptId(self.combat.next_prompt), who, question };
        let Some(answered) = self.answers.pop_front() else { return Err(Halt::Ask(prompt)) };
        if answered.prompt != prompt {
            // Other rules ask something else: the answer is none to that.
            self.strayed = true;
            return Err(Halt::Refuse(Refusal::NotAsked));
        }
        self.combat.next_prompt += 1;
        Ok(answered.answer)
    }

    /// Has whoever commands `who` choose one of several words; `default` where nobody does.
    fn choose(
        &mut self,
        who: CombatantId,
        choice: Choice,
        options: &[&'static str],
        default: &'static str,
    ) -> Flow<&'static str> {
        self.choose_for(who, (choice, None), options, default)
    }

    /// As [`Resolver::choose`], where it is about another.
    fn choose_for(
        &mut self,
        who: CombatantId,
        (choice, about): (Choice, Option<CombatantId>),
        options: &[&'static str],
        default: &'static str,
    ) -> Flow<&'static str> {
        let key = |word: &str| Key::parse(word).ok();
        let keys: Vec<Key> = options.iter().filter_map(|option| key(option)).collect();
        let Some(taken) = key(default) else { return Ok(default) };
        let question = Question::Choice { choice, options: keys, default: taken, about };
        Ok(match self.ask(who, question)? {
            Answer::Choose { option } => {
                let chosen = options.iter().find(|word| **word == option.as_str());
                chosen.copied().unwrap_or(default)
            }
            _ => default,
        })
    }

    fn combatant(&self, id: CombatantId) -> Result<&Combatant, Refusal> {
        self.combat.combatant(id).ok_or(Refusal::UnknownCombatant { id })
    }

    /// Runs a command, and ends the holds that it made impossible.
    pub(super) fn command(&mut self, command: &Command) -> Flow<()> {
        self.obey(command)?;
        if let Some(who) = command.stirs() {
            self.end_by(who, Ending::BearerStirs);
        }
        let told = self.facts.len();
        self.loosen();
        self.settle()?;
        self.answer_readied()?;
        self.loosen_after(told)?;
        self.ground_fliers()?;
        self.unfold_all();
        self.loosen_after(told)
    }

    /// Ends holds again, where more has happened than was told by then.
    fn loosen_after(&mut self, told: usize) -> Flow<()> {
        if self.facts.len() > told {
            self.loosen();
            self.settle()?;
        }
        Ok(())
    }

    fn end_all(&mut self) -> Flow<()> {
        self.tell(Fact::PhaseChanged { phase: Phase::Ended });
        Ok(())
    }

    fn obey(&mut self, command: &Command) -> Flow<()> {
        self.may_as_mount(command)?;
        match command {
            Command::Cast { .. } | Command::UseEffect { .. } => self.do_magic(command),
            Command::Attack { who, target, attack, knock_out, how, ammunition } => {
                let shot = (attack, ammunition.as_ref());
                self.attack_action(*who, Aimed::At(*target), shot, (*knock_out, *how))
            }
            Command::AttackAt { who, at, attack, knock_out, how, ammunition } => {
                let shot = (attack, ammunition.as_ref());
                self.attack_action(*who, Aimed::Square(*at), shot, (*knock_out, *how))
            }
            Command::UseAction { who, id, targets, at, direction, option, path, choices } => {
                let (at, direction, option) = (*at, *direction, option.as_ref());
                self.use_action(*who, id, Aim { targets, at, direction, option, path, choices })
            }
            Command::Dodge { who } => self.dodge(*who),
            Command::Move { who, mode, path, drag, elevation_ft } => {
                self.walk(*who, *mode, (path, *elevation_ft), drag)
            }
            Command::Disengage { who } => self.disengage(*who),
            Command::StandUp { who } => self.stand_up(*who),
            Command::DropProne { who } => self.drop_prone(*who),
            Command::Stabilize { who, target } => self.stabilize(*who, *target),
            Command::Dash { who, mode } => self.dash(*who, *mode),
            Command::Grapple { who, target } => self.seize(*who, *target),
            Command::Shove { who, target, effect, to } => self.shove(*who, *target, *effect, *to),
            Command::Escape { who, effect, skill } => self.escape(*who, *effect, *skill),
            Command::Release { who, target } => self.release(*who, *target),
            Command::Help { who, target, with } => self.help(*who, *target, *with),
            Command::Hide { who } => self.hide(*who),
            Command::Ready { who, trigger, action } => self.ready(*who, trigger, action),
            Command::Happens { who } => self.happens(*who),
            Command::Jump { who, path, elevation_ft } => self.jump(*who, path, *elevation_ft),
            Command::Interact { who, interaction, item, target } => {
                self.interact(*who, *interaction, item.as_ref(), *target)
            }
            Command::UseObject { who, item, target } => {
                self.use_object(*who, item.as_ref(), *target)
            }
            Command::TrySkill { who, action, skill, target, sense } => {
                self.try_skill(*who, *action, (*skill, *sense), *target)
            }
            Command::AsBonus { who, action } => self.take_as_bonus(*who, action),
            Command::AttackWith { who, with, attack } => self.attack_with(*who, with, attack),
            Command::EndTurn { who } => self.end_turn(*who),
            Command::EndConcentration { who } => self.stop_concentrating(*who),
            Command::Mount { who, target, independent } => self.mount(*who, *target, *independent),
            Command::Dismount { who, to } => self.dismount(*who, *to),
            Command::AddCombatant { .. }
            | Command::RemoveCombatant { .. }
            | Command::Begin
            | Command::ApplyEffect { .. }
            | Command::RemoveEffect { .. }
            | Command::GiveTempHp { .. }
            | Command::Update { .. }
            | Command::PhysicalDice { .. }
            | Command::CallInitiative { .. }
            | Command::RollInitiative { .. }
            | Command::SetOrder { .. }
            | Command::Fall { .. }
            | Command::End => self.arrange(command),
        }
    }

    /// Spells, and what effects let their bearers do.
    fn do_magic(&mut self, command: &Command) -> Flow<()> {
        if let Some((who, spell, asked, by)) = casting(command) {
            return self.cast(who, spell, asked, by);
        }
        match command {
            Command::UseEffect { who, effect, id, targets, at, direction, choices } => {
                let (slot_level, at, direction) = (0, *at, *direction);
                let asked = Asked { slot_level, targets, at, direction, choices };
                self.use_effect(*who, *effect, id, asked)
            }
            _ => Ok(()),
        }
    }

    /// What is done beside the turns: who takes part, in which order, a game master's word.
    fn arrange(&mut self, command: &Command) -> Flow<()> {
        match command {
            Command::AddCombatant { combatant } => self.add(combatant),
            Command::RemoveCombatant { id } => self.remove(*id),
            Command::Begin => self.begin(),
            Command::Update { id, changes } => self.update(*id, changes),
            Command::ApplyEffect { effect, source, targets } => {
                self.ruled_effect(effect, *source, targets)
            }
            Command::RemoveEffect { id } => self.remove_effect(*id),
            Command::End => self.end_all(),
            Command::GiveTempHp { target, amount } => self.ruled_temp_hp(*target, *amount),
            Command::PhysicalDice { players } => {
                self.tell(Fact::PhysicalDiceSet { players: players.clone() });
                Ok(())
            }
            Command::CallInitiative { roll, fixed } => self.call_initiative(*roll, *fixed),
            Command::RollInitiative { who, face } => self.roll_for(*who, *face),
            Command::SetOrder { order } => self.set_order(order),
            Command::Fall { who, to_ft, changes } => self.ruled_fall(*who, *to_ft, changes),
            _ => Ok(()),
        }
    }
}

/// Who casts which spell, and how, if a command is one to cast.
fn casting(command: &Command) -> Option<(CombatantId, &Key, Asked<'_>, Means<'_>)> {
    let Command::Cast { who, spell, slot_level, targets, at, direction, choices, ritual, item } =
        command
    else {
        return None;
    };
    let (slot_level, at, direction) = (*slot_level, *at, *direction);
    let asked = Asked { slot_level, targets, at, direction, choices };
    Some((*who, spell, asked, Means { ritual: *ritual, item: item.as_ref() }))
}

impl Combat {
    /// Whether the play is the same, whatever waits for an answer.
    fn is_same_play(&self, other: &Self) -> bool {
        self.phase == other.phase
            && self.round == other.round
            && self.turn == other.turn
            && self.order == other.order
            && self.combatants == other.combatants
            && self.effects == other.effects
            && self.ground == other.ground
            && self.next_effect == other.next_effect
    }

    /// Whether somebody may ask for this at all.
    pub(super) fn may(&self, by: Actor, command: &Command) -> Result<(), Refusal> {
        let Some(who) = command.by() else {
            return match (by, command) {
                (Actor::Gm, _) => Ok(()),
                (Actor::Player(player), Command::SetOrder { order }) => {
                    self.may_order(player, order)
                }
                (Actor::Player(_) | Actor::Clock, _) => Err(Refusal::NotGameMaster),
            };
        };
        match (by, command) {
            (Actor::Clock, Command::EndTurn { .. }) => Ok(()),
            (Actor::Clock, _) => Err(Refusal::NotYours),
            // Whether its moment is come is not for whoever has it to say.
            (Actor::Player(_), Command::UseAction { id, .. })
                if self.combatant(who).is_some_and(|it| it.is_reaction(id)) =>
            {
                self.commands(by, who).and(Err(Refusal::NotGameMaster))
            }
            (Actor::Player(player), _) => {
                self.commands(by, who)?;
                self.may_give(player, who, command)
            }
            (Actor::Gm, _) => self.commands(by, who),
        }
    }

    /// That a player gives nothing to who would not take it: others' creatures that are no allies.
    fn may_give(&self, player: Uuid, who: CombatantId, command: &Command) -> Result<(), Refusal> {
        let taker = match command {
            Command::Ready { action, .. } => return self.may_give(player, who, action),
            Command::Interact { interaction: Interaction::Give, target, .. } => *target,
            _ => None,
        };
        let (giver, taker) = (self.combatant(who), taker.and_then(|it| self.combatant(it)));
        let takes = |taker: &Combatant| {
            self.owner(taker.id) == Some(player)
                || giver.is_some_and(|it| it.relation(taker) == Relation::Ally)
        };
        if taker.is_none_or(takes) { Ok(()) } else { Err(Refusal::InvalidTarget) }
    }

    /// Whether somebody may answer a question.
    pub(super) fn may_answer(
        &self,
        by: Actor,
        prompt: &Prompt,
        answer: &Answer,
    ) -> Result<(), Refusal> {
        match by {
            // When time runs out nobody reacts, and the server rolls.
            Actor::Clock if matches!(answer, Answer::Decline | Answer::Roll) => Ok(()),
            Actor::Clock => Err(Refusal::NotYours),
            Actor::Gm | Actor::Player(_) => self.commands(by, prompt.who),
        }
    }

    /// Who commands a creature instead of its owner: the source of the latest effect that makes it
    /// obey.
    fn master(&self, id: CombatantId) -> Option<&Combatant> {
        let obeys = |modifier: &Modifier| modifier.kind == ModifierKind::ObeysSource;
        let effects = self.effects_on(id).filter(|it| it.template.modifiers.iter().any(obeys));
        self.combatant(effects.last()?.source?)
    }

    /// The player who commands a creature and answers what it is asked; none: the game masters.
    pub fn owner(&self, id: CombatantId) -> Option<Uuid> {
        self.master(id).or_else(|| self.combatant(id))?.owner
    }

    fn commands(&self, by: Actor, id: CombatantId) -> Result<(), Refusal> {
        self.combatant(id).ok_or(Refusal::UnknownCombatant { id })?;
        match by {
            Actor::Gm => Ok(()),
            Actor::Player(player) if self.owner(id) == Some(player) => Ok(()),
            Actor::Player(_) | Actor::Clock => Err(Refusal::NotYours),
        }
    }
}
