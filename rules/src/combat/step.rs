//! Running a command to its end, or to the next question.
//!
//! A command that needs an answer stops there. What is kept is not where it stopped, but what it
//! began with: the state before it, the inputs and the faces drawn since. With the next answer it
//! is run again from its beginning, with the same faces and answers, comes to the same point and
//! goes on. So rules are written straight through, and a question may be asked anywhere in them.
//! Facts told before the question are not told again; if running again does not come to the state
//! they made (another release), the command is abandoned where it stopped.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::resolver::{Halt, LEGENDARY_RESISTANCE, Resolver};
use super::{Answer, Combat, Command, Fact, Input, Phase, Prompt, Question, Refusal};
use crate::conditions::{self, Conditions, ConditionsError};
use crate::content::{Content, ContentError, Texts};
use crate::{Dice, Edition};

/// Content the rules are played with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rulebook {
    /// What conditions do.
    pub conditions: Conditions,
    /// Creatures, spells and gear of the table's edition.
    pub content: Arc<Content>,
}

/// Why there is no rulebook.
#[derive(Debug, thiserror::Error)]
pub enum RulebookError {
    /// The conditions cannot be read.
    #[error(transparent)]
    Conditions(#[from] ConditionsError),
    /// The content cannot be read.
    #[error(transparent)]
    Content(#[from] ContentError),
}

impl Rulebook {
    /// What is built in for an edition.
    ///
    /// # Errors
    /// Which record cannot be read.
    pub fn built_in(edition: Edition) -> Result<Self, RulebookError> {
        Ok(Self {
            conditions: Conditions::parse(conditions::BUILT_IN)?,
            content: Arc::new(Content::parse(Texts::of(edition))?),
        })
    }
}

/// What came of an input: as it is journaled.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Step {
    /// What came in.
    pub input: Input,
    /// Faces the server drew for it, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faces: Vec<u32>,
    /// What happened.
    pub facts: Vec<Fact>,
    /// What has to be answered before it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<Prompt>,
}

impl Step {
    fn abandoned(input: Input) -> Self {
        Self { input, faces: Vec::new(), facts: vec![Fact::Abandoned], prompt: None }
    }
}

/// A question with its answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Answered {
    pub(super) prompt: Prompt,
    pub(super) answer: Answer,
}

/// A command that waits for an answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Resolution {
    /// The combat before the command.
    base: Combat,
    /// The command.
    command: Command,
    /// Answers so far, in order.
    answers: Vec<Answered>,
    /// Faces the server drew so far, in order.
    faces: Vec<u32>,
    /// How many facts were told of it.
    told: usize,
    /// What is asked now.
    pub(super) prompt: Prompt,
}

/// Decides an input.
///
/// # Errors
/// Why it is refused; nothing happened then.
pub fn decide(
    combat: &Combat,
    input: Input,
    book: &Rulebook,
    dice: &mut dyn Dice,
) -> Result<Step, Refusal> {
    let run = Run::of(combat, &input)?;
    let Run { base, command, answers, faces, told } = run;
    let drawn = faces.len();
    let mut resolver = Resolver::new(base, book, answers, faces, dice);
    resolver.expect_after(told, combat);
    let end = resolver.command(&command);
    let heard = resolver.has_heard_all();
    let outcome = resolver.finish();
    if outcome.strayed {
        return Ok(Step::abandoned(input));
    }
    let prompt = match end {
        Ok(()) => None,
        Err(Halt::Ask(prompt)) => Some(prompt),
        // Nothing came of the answer: the question stays open.
        Err(Halt::Refuse(refusal)) if heard && outcome.facts.len() == told => {
            return Err(refusal);
        }
        // It was begun, so it can only have come to this under other rules.
        Err(Halt::Refuse(_)) if matches!(input, Input::Answer { .. }) => {
            return Ok(Step::abandoned(input));
        }
        Err(Halt::Refuse(refusal)) => return Err(refusal),
    };
    let faces = outcome.faces.get(drawn..).unwrap_or_default().to_vec();
    let facts = outcome.facts.into_iter().skip(told).collect();
    Ok(Step { input, faces, facts, prompt })
}

/// What a command is run with.
struct Run {
    base: Combat,
    command: Command,
    answers: Vec<Answered>,
    faces: Vec<u32>,
    told: usize,
}

impl Run {
    fn of(combat: &Combat, input: &Input) -> Result<Self, Refusal> {
        if combat.phase == Phase::Ended {
            return Err(Refusal::WrongPhase);
        }
        match (input, &combat.resolution) {
            // Ending it all needs nobody's answer.
            (Input::Command { by, command }, waiting)
                if waiting.is_none() || *command == Command::End =>
            {
                combat.may(*by, command)?;
                Ok(Self {
                    base: Combat { resolution: None, ..combat.clone() },
                    command: command.clone(),
                    answers: Vec::new(),
                    faces: Vec::new(),
                    told: 0,
                })
            }
            (Input::Command { .. }, _) => Err(Refusal::AwaitingDecision),
            (Input::Answer { by, prompt, answer }, Some(waiting))
                if waiting.prompt.id == *prompt =>
            {
                combat.may_answer(*by, &waiting.prompt, answer)?;
                fits(answer, &waiting.prompt.question)?;
                let mut answers = waiting.answers.clone();
                answers.push(Answered { prompt: waiting.prompt.clone(), answer: answer.clone() });
                Ok(Self {
                    base: waiting.base.clone(),
                    command: waiting.command.clone(),
                    answers,
                    faces: waiting.faces.clone(),
                    told: waiting.told,
                })
            }
            (Input::Answer { .. }, _) => Err(Refusal::NotAsked),
        }
    }
}

/// The reaction that does what was prepared.
pub const READY: &str = "ready";

/// Whether an answer is one to this question.
fn fits(answer: &Answer, question: &Question) -> Result<(), Refusal> {
    let fits = match (answer, question) {
        (Answer::Faces { faces }, Question::Dice { sides, .. }) => {
            faces.len() == sides.len()
                && faces.iter().zip(sides).all(|(face, sides)| (1..=*sides).contains(face))
        }
        (
            Answer::Decline,
            Question::OpportunityAttack { .. }
            | Question::LegendaryAction { .. }
            | Question::LairAction { .. }
            | Question::LegendaryResistance { .. }
            | Question::Parry { .. }
            | Question::CastInReaction { .. }
            | Question::Falls { .. },
        ) => true,
        (
            Answer::Use { id, .. },
            Question::LegendaryAction { options, .. } | Question::LairAction { options },
        ) => options.contains(id),
        (Answer::React { option }, Question::LegendaryResistance { .. }) => {
            option.as_str() == LEGENDARY_RESISTANCE
        }
        (
            Answer::React { option },
            Question::Parry { options, .. }
            | Question::CastInReaction { options, .. }
            | Question::Falls { options, .. },
        ) => options.contains(option),
        (Answer::React { option }, Question::OpportunityAttack { options, .. }) => {
            options.contains(option)
        }
        (Answer::Roll, Question::Dice { .. }) | (Answer::Decline, Question::Choice { .. }) => true,
        (Answer::Decline, Question::Readied { .. } | Question::EffectOrder { .. }) => true,
        (Answer::Order { effects: chosen }, Question::EffectOrder { effects }) => {
            chosen.len() == effects.len() && effects.iter().all(|it| chosen.contains(it))
        }
        (Answer::React { option }, Question::Readied { .. }) => option.as_str() == READY,
        (Answer::Choose { option }, Question::Choice { options, .. }) => options.contains(option),
        _ => false,
    };
    if fits { Ok(()) } else { Err(Refusal::WrongAnswer) }
}

impl Combat {
    /// The command that waits for the answer to the open question.
    pub fn waiting(&self) -> Option<&Command> {
        self.resolution.as_deref().map(|resolution| &resolution.command)
    }

    /// Folds a step. Facts are applied as they are; no rule is run.
    pub fn apply(&mut self, step: &Step) {
        let waiting = self.resolution.take();
        let base = step.prompt.is_some().then(|| self.clone());
        for fact in &step.facts {
            self.apply_fact(fact);
        }
        let (Some(prompt), Some(base)) = (step.prompt.clone(), base) else { return };
        self.next_prompt = self.next_prompt.max(prompt.id.0 + 1);
        self.resolution = match (waiting, &step.input) {
            (Some(mut waiting), Input::Answer { answer, .. }) => {
                let answered = Answered { prompt: waiting.prompt, answer: answer.clone() };
                waiting.answers.push(answered);
                waiting.faces.extend(&step.faces);
                waiting.told += step.facts.len();
                waiting.prompt = prompt;
                Some(waiting)
            }
            (_, Input::Command { command, .. }) => Some(Box::new(Resolution {
                base,
                command: command.clone(),
                answers: Vec::new(),
                faces: step.faces.clone(),
                told: step.facts.len(),
                prompt,
            })),
            (None, Input::Answer { .. }) => None,
        };
    }
}
