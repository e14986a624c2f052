//! A combat for a case: two creatures, what is on them, and commands given to it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::{Context as _, Result, bail};
use gss_rules::combat::{
    Actor, Answer, Combat, Combatant, CombatantId, CombatantKind, Command, Fact, Input, Manner,
    Prompt, Refusal, Rulebook, View, decide,
};
use gss_rules::conditions::Conditions;
use gss_rules::content::{SpellRules, StatBlock};
use gss_rules::effect::EffectTemplate;
use gss_rules::space::{Grid, Square};
use gss_rules::{Condition, Dice, Edition, Key, RuleSet};
use serde_json::{Value, json};
use uuid::Uuid;

/// Whose turn it is.
pub(super) const ACTOR: CombatantId = CombatantId(Uuid::from_u128(1));
/// The other one.
pub(super) const OTHER: CombatantId = CombatantId(Uuid::from_u128(2));
/// A third that only looks on, in sight of all.
pub(super) const WITNESS: CombatantId = CombatantId(Uuid::from_u128(3));

pub(super) struct Stage {
    pub(super) combat: Combat,
    book: Rulebook,
}

/// No dice are thrown while a stage is set.
struct NoDice;

impl Dice for NoDice {
    fn roll(&mut self, _: u32) -> u32 {
        1
    }
}

/// A creature's numbers where a case says nothing of them; `said` is what it says.
pub(super) fn block(said: &Value) -> Result<StatBlock> {
    let mut block = json!({
        "size": "medium",
        "abilities": {"str": 10, "dex": 10, "con": 10, "int": 10, "wis": 10, "cha": 10},
        "ac": 10,
        "hp": {"current": 100, "max": 100, "temp": 0},
        "speeds": {"walk": 30}
    });
    for (name, value) in said.as_object().context("an object")? {
        block[name] = value.clone();
    }
    serde_json::from_value(block).context("read a stat block")
}

/// An attack of a stat block.
pub(super) fn attack(weapon: &str, bonus: i32, damage: &str) -> Value {
    let (kind, range) = match weapon {
        "shortbow" => ("ranged", json!({"normal": 80, "long": 320})),
        _ => ("melee", Value::Null),
    };
    json!({
        "attack_id": "weapon", "name": weapon, "kind": kind, "bonus": bonus, "range_ft": range,
        "damage": [{"dice": damage, "type": "slashing"}]
    })
}

/// What is built in for an edition, read once.
pub(super) fn rulebook(edition: Edition) -> Result<Rulebook> {
    static BOOKS: OnceLock<Mutex<BTreeMap<Edition, Rulebook>>> = OnceLock::new();
    let books = BOOKS.get_or_init(Mutex::default);
    let mut books = books.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(book) = books.get(&edition) {
        return Ok(book.clone());
    }
    let book = Rulebook::built_in(edition)?;
    books.insert(edition, book.clone());
    Ok(book)
}

impl Stage {
    /// A combat that has yet to begin, with the content that is built in.
    pub(super) fn of(rules: &RuleSet, all: Vec<Combatant>) -> Result<Self> {
        let combat = Combat::new(rules.clone(), Grid::open(200, 200));
        let mut stage = Self { combat, book: rulebook(rules.edition)? };
        for combatant in all {
            stage.set(Command::AddCombatant { combatant: Box::new(combatant) })?;
        }
        Ok(stage)
    }

    /// Plays a command, nobody reacting: whether anybody was asked to, or why it cannot be done.
    pub(super) fn asks(
        &mut self,
        command: Command,
        dice: &mut dyn Dice,
    ) -> Result<Result<bool, Refusal>> {
        let mut asked = false;
        let done = self.answered(command, dice, |_| {
            asked = true;
            Answer::Decline
        })?;
        Ok(done.map(|_| asked))
    }

    /// Plays a command with these answers to the questions it asks: what happened, or why not.
    pub(super) fn answered(
        &mut self,
        command: Command,
        dice: &mut dyn Dice,
        mut answer: impl FnMut(&Prompt) -> Answer,
    ) -> Result<Result<Vec<Fact>, Refusal>> {
        let mut input = Input::Command { by: Actor::Gm, command };
        let mut facts = Vec::new();
        loop {
            let step = match decide(&self.combat, input, &self.book, dice) {
                Ok(step) => step,
                Err(refusal) if facts.is_empty() => return Ok(Err(refusal)),
                Err(refusal) => return Err(refusal.into()),
            };
            self.combat.apply(&step);
            facts.extend(step.facts);
            let Some(prompt) = step.prompt else { return Ok(Ok(facts)) };
            let answer = answer(&prompt);
            input = Input::Answer { by: Actor::Gm, prompt: prompt.id, answer };
        }
    }

    /// The actor at [0, 0], the other so many feet away, the witness far off. The actor's turn.
    pub(super) fn new(
        rules: &RuleSet,
        actor: (CombatantKind, StatBlock),
        other: (CombatantKind, StatBlock),
        distance_ft: i32,
    ) -> Result<Self> {
        let conditions = Conditions::parse(gss_rules::conditions::BUILT_IN)?;
        let mut stage = Self {
            combat: Combat::new(rules.clone(), Grid::open(200, 200)),
            book: Rulebook { conditions, content: Arc::default() },
        };
        let witness = (CombatantKind::Object, block(&json!({}))?);
        let all = [
            (ACTOR, actor, "a", [0, 0]),
            (OTHER, other, "b", [distance_ft / 5, 0]),
            (WITNESS, witness, "c", [100, 100]),
        ];
        for ((id, (kind, block), side, at), initiative) in all.into_iter().zip([30, 20, 10]) {
            let combatant = Combatant {
                position: Some(Square::from(at)),
                initiative: Some(initiative),
                ..Combatant::new(id, side, kind, side, Arc::new(block))
            };
            stage.set(Command::AddCombatant { combatant: Box::new(combatant) })?;
        }
        stage.set(Command::Begin)?;
        Ok(stage)
    }

    /// Reads the combat by the rules.
    pub(super) fn view(&self) -> View<'_> {
        View::of(&self.combat, &self.book)
    }

    /// Sets something up, without dice.
    pub(super) fn set(&mut self, command: Command) -> Result<()> {
        self.play(command, &mut NoDice)?.map(drop).context("set the stage")
    }

    /// Plays a command: what happened, or why not.
    pub(super) fn play(
        &mut self,
        command: Command,
        dice: &mut dyn Dice,
    ) -> Result<Result<Vec<Fact>, Refusal>> {
        let input = Input::Command { by: Actor::Gm, command };
        let step = match decide(&self.combat, input, &self.book, dice) {
            Ok(step) => step,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if step.prompt.is_some() {
            bail!("it waits for an answer");
        }
        self.combat.apply(&step);
        Ok(Ok(step.facts))
    }

    /// Gives somebody temporary hit points; it makes this choice, if it has one.
    pub(super) fn give_temp_hp(
        &mut self,
        target: CombatantId,
        amount: i32,
        choice: &str,
    ) -> Result<()> {
        let command = Command::GiveTempHp { target, amount };
        let mut input = Input::Command { by: Actor::Gm, command };
        loop {
            let step = decide(&self.combat, input, &self.book, &mut NoDice)?;
            self.combat.apply(&step);
            let Some(prompt) = step.prompt else { return Ok(()) };
            let answer = Answer::Choose { option: Key::parse(choice)? };
            input = Input::Answer { by: Actor::Gm, prompt: prompt.id, answer };
        }
    }

    /// Puts an effect on somebody.
    pub(super) fn put(
        &mut self,
        on: CombatantId,
        source: Option<CombatantId>,
        effect: Value,
    ) -> Result<()> {
        let effect: EffectTemplate = serde_json::from_value(effect).context("read an effect")?;
        let effect = Box::new(effect);
        self.set(Command::ApplyEffect { effect, source, targets: vec![on] })
    }

    /// Puts a condition on somebody.
    pub(super) fn afflict(
        &mut self,
        on: CombatantId,
        condition: Condition,
        source: Option<CombatantId>,
    ) -> Result<()> {
        let effect = json!({
            "name": "case", "duration": {"kind": "permanent"}, "conditions": [condition]
        });
        self.put(on, source, effect)
    }

    /// A spell of the content.
    pub(super) fn spell(&self, id: &Key) -> Result<&SpellRules> {
        let spell = self.book.content.spellbook.get(id);
        spell.map(Arc::as_ref).with_context(|| format!("the spell {id}"))
    }

    /// Somebody as it is now.
    pub(super) fn combatant(&self, id: CombatantId) -> Result<&Combatant> {
        self.combat.combatant(id).context("the combatant is there")
    }
}

/// The attack that [`attack`] made.
pub(super) fn strike(knock_out: bool) -> Result<Command> {
    let attack = Key::parse("weapon")?;
    Ok(Command::Attack {
        who: ACTOR,
        target: OTHER,
        attack,
        knock_out,
        how: Manner::default(),
        ammunition: None,
    })
}
