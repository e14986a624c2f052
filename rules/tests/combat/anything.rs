//! Anything goes: creatures of the bestiary, random commands and answers, many of them nonsense.
//! What must hold after every one of them does, and what happened can be folded and judged again.

mod actions;
mod magic;
mod uses;

use std::collections::{BTreeMap, BTreeSet};

use gss_rules::combat::{
    Actor, Answer, Awaited, Changes, Combat, Combatant, CombatantId, CombatantKind, Command,
    Economy, Fact, Happening, HelpWith, Input, Life, NEUTRAL, Phase, Question, RolledFor, Rulebook,
    Shove, SkillAction, Step, View, decide,
};
use gss_rules::content::{Monster, Pool, Spellcasting, StatBlock};
use gss_rules::effect::{Choice, EffectTemplate};
use gss_rules::space::{Grid, Square};
use gss_rules::{Condition, Dice as _, Edition, Key, RuleSet, Skill};
use serde_json::json;
use uuid::Uuid;

use crate::chance::{Again, Chance};
use crate::ground::{any_walk, map, reacts_often, share_a_space};
use crate::reached::Reached;
use crate::table::combatant;
use uses::{lair, smite};

const SEEDS: u64 = 200;
/// Fights by the rules of each edition on open ground.
const OPEN_SEEDS: u64 = 10;
const COMMANDS: usize = 1_000;

struct Play {
    combat: Combat,
    book: Rulebook,
    chance: Chance,
    steps: Vec<Step>,
    reached: Reached,
    /// Who used its reaction since its turn began.
    reacted: BTreeSet<CombatantId>,
    added: u128,
}

impl Play {
    fn new(seed: u64, book: &Rulebook, edition: Edition, grid: Grid) -> Self {
        let apart = 5 * grid.scale().block();
        let mut play = Self {
            combat: Combat::new(RuleSet::of(edition), grid),
            book: book.clone(),
            chance: Chance(seed),
            steps: Vec::new(),
            reached: Reached::default(),
            reacted: BTreeSet::new(),
            added: 6,
        };
        let monsters: Vec<_> = book.content.monsters.values().collect();
        let parries = |monster: &&&Monster| monster.details.values().any(|it| it.parry.is_some());
        let parrying: Vec<_> = monsters.iter().filter(parries).copied().collect();
        for number in 0..6_i32 {
            let among = if number == 5 && play.chance.one_in(2) { &parrying } else { &monsters };
            let monster = play.chance.of(among).expect("a monster");
            let mut block = StatBlock::clone(&monster.block);
            if number < 2 {
                play.enchant(&mut block);
            }
            if number == 4 {
                block.uses.extend(lair());
            }
            if number == 0 {
                let luck = ["lucky", "luck"].map(|it| Key::parse(it).expect("a key"));
                block.traits.extend(luck);
                block.uses.push(smite());
            }
            let block = std::sync::Arc::new(block);
            let kind =
                if number % 2 == 0 { CombatantKind::Character } else { CombatantKind::Monster };
            let side = match number {
                1 if play.chance.one_in(3) => NEUTRAL,
                _ if number % 2 == 0 => "party",
                _ => "foes",
            };
            let name = Uuid::from_u128(u128::try_from(number + 1).expect("positive"));
            let id = CombatantId(name);
            let at = [number % 3 * apart, number / 3 * apart];
            let combatant = Combatant {
                owner: Some(name),
                monster: Some(monster.id.clone()),
                ..combatant(id, kind, side, at, block)
            };
            play.input(command(Command::AddCombatant { combatant: Box::new(combatant) }));
        }
        // The first throws dice of its own.
        let players = [Uuid::from_u128(1)].into();
        play.input(command(Command::PhysicalDice { players }));
        play.begin();
        play
    }

    /// The turns begin: at once, by rolls that are called for, or in an order that is set.
    fn begin(&mut self) {
        let mut order: Vec<CombatantId> = self.combat.combatants.keys().copied().collect();
        match self.chance.below(3) {
            0 => drop(self.input(command(Command::Begin))),
            1 => {
                let roll = RolledFor::Npcs;
                self.input(command(Command::CallInitiative { roll, fixed: false }));
                for who in &order {
                    let face = Some(7).filter(|_| self.chance.one_in(2));
                    self.input(command(Command::RollInitiative { who: *who, face }));
                    while self.combat.prompt().is_some() {
                        self.wander();
                    }
                }
            }
            _ => {
                order.reverse();
                self.input(command(Command::SetOrder { order }));
            }
        }
        while self.combat.phase != Phase::Running && self.combat.prompt().is_some() {
            self.wander();
        }
    }

    /// Decides, judges again, folds, and checks what must hold.
    fn input(&mut self, input: Input) -> bool {
        self.reached.tried += 1;
        names_all(&input);
        // What waits for an answer comes back from where it is kept as it was.
        let before = if self.combat.prompt().is_some() {
            let kept = serde_json::to_string(&self.combat).expect("encoded");
            serde_json::from_str(&kept).expect("decoded")
        } else {
            self.combat.clone()
        };
        assert_eq!(before, self.combat);
        let ends = self.combat.prompt().is_none() && self.ends_turn(&input);
        let step = match decide(&self.combat, input, &self.book, &mut self.chance) {
            Ok(step) => step,
            Err(refusal) => {
                assert!(!ends, "a turn that cannot end: {refusal:?}");
                return false;
            }
        };
        let mut again = Again(step.faces.iter());
        let judged = decide(&before, step.input.clone(), &self.book, &mut again);
        assert_eq!(judged.as_ref(), Ok(&step), "judged again");
        assert_eq!(again.0.len(), 0, "faces left over");
        self.combat.apply(&step);
        self.holds(&before, &step);
        self.goes_along(&step);
        self.reacts_once(&step);
        self.reached.done += 1;
        self.reached.note(&step, &self.combat, View::of(&self.combat, &self.book));
        self.steps.push(step);
        true
    }

    /// Whether this ends the turn that runs.
    fn ends_turn(&self, input: &Input) -> bool {
        let Input::Command { command: Command::EndTurn { who }, .. } = input else { return false };
        let there = self.combat.combatants.contains_key(who);
        there && self.combat.active() == Some(*who) && self.combat.phase == Phase::Running
    }

    /// What surrounds a creature is where it is, and who is in a creature with it; who waits for its
    /// first hit point is stable.
    fn goes_along(&self, step: &Step) {
        if self.combat.prompt().is_some() {
            return;
        }
        for effect in self.combat.effects.values().filter(|it| it.template.name == "stable") {
            let life = self.combat.combatant(effect.target).map(|it| it.life);
            assert_eq!(life, Some(Life::Stable), "{effect:?} after {step:?}");
        }
        for effect in self.combat.effects.values() {
            let bearer = self.combat.combatant(effect.target).expect("a bearer");
            let gone = bearer.life == Life::Dead || bearer.position.is_none();
            let follows = effect.template.zone.as_ref().is_some_and(|zone| zone.follows);
            let covers = effect.covers.as_ref().is_some_and(|it| !it.squares.is_empty());
            assert!(!(gone && follows && covers), "{effect:?} of nobody there after {step:?}");
            let around = effect.source.and_then(|source| self.combat.combatant(source));
            let living = around.filter(|it| it.life != Life::Dead && bearer.life != Life::Dead);
            if let (Some(around), true) = (living, effect.template.inside.is_some()) {
                assert_eq!(around.position, bearer.position, "{effect:?} after {step:?}");
            }
        }
    }

    /// Between two of its turns a creature reacts once, unless the game master gives it back. What is
    /// in the middle of a command may yet turn out to be impossible.
    fn reacts_once(&mut self, step: &Step) {
        for fact in &step.facts {
            match fact {
                Fact::TurnStarted { who, .. } => self.reacted.remove(who),
                // A mount's turn is its rider's.
                Fact::EconomySet { who, economy } if *economy == Economy::turn() => {
                    self.reacted.remove(who)
                }
                _ => false,
            };
        }
        if self.combat.prompt().is_some() {
            return;
        }
        let ruled = match &step.input {
            Input::Command { command, .. } => matches!(
                command,
                Command::Update { .. } | Command::Fall { .. } | Command::AddCombatant { .. }
            ),
            Input::Answer { .. } => false,
        };
        let all = self.combat.combatants.values();
        let used: BTreeSet<CombatantId> =
            all.filter(|it| !it.economy.reaction && !reacts_often(it)).map(|it| it.id).collect();
        let here = |id: &&CombatantId| self.combat.combatants.contains_key(id);
        let again = self.reacted.iter().filter(here).find(|id| !used.contains(id));
        assert!(ruled || again.is_none(), "{again:?} has its reaction again: {step:?}");
        self.reacted = used;
    }

    fn holds(&self, before: &Combat, step: &Step) {
        let all: Vec<&Combatant> = self.combat.combatants.values().map(AsRef::as_ref).collect();
        for (index, one) in all.iter().enumerate() {
            let hp = one.hp;
            let most = View::of(&self.combat, &self.book).max_hp(one.id).max(hp.max);
            assert!((0..=most).contains(&hp.current) && hp.temp >= 0, "{hp:?} after {step:?}");
            assert!(one.life != Life::Alive || hp.current > 0, "{one:?} after {step:?}");
            let narrow = one.space().is_some_and(|it| it.side < one.block.size.squares());
            assert_eq!(one.squeezed && one.position.is_some(), narrow, "{one:?} after {step:?}");
            if let Some(on) = one.concentration {
                let held = self.combat.effects.get(&on).expect("the effect it concentrates on");
                assert_eq!(held.source, Some(one.id));
            }
            for other in &all[index + 1..] {
                let shared = share_a_space(&self.combat, before, one, other);
                // Something is to be answered in the middle of a move.
                let on_the_way = self.combat.prompt().is_some();
                assert!(!shared || on_the_way, "two in one space after {step:?}");
            }
        }
    }

    fn wander(&mut self) -> bool {
        if let Some(prompt) = self.combat.prompt().cloned() {
            let answer = self.any_answer(&prompt.question);
            return self.input(Input::Answer { by: Actor::Gm, prompt: prompt.id, answer });
        }
        if self.chance.one_in(50) {
            let order = self.any_order();
            return self.input(order);
        }
        let next = self.any_command();
        self.input(command(next))
    }

    fn any_answer(&mut self, question: &Question) -> Answer {
        let decline = self.chance.one_in(2);
        let ids: Vec<CombatantId> = self.combat.combatants.keys().copied().collect();
        match question {
            Question::Dice { .. } if decline => Answer::Roll,
            Question::Dice { sides, .. } => {
                let faces = sides.iter().map(|sides| self.chance.roll(*sides)).collect();
                Answer::Faces { faces }
            }
            _ if decline => Answer::Decline,
            Question::LegendaryAction { options, .. } | Question::LairAction { options } => {
                let target = self.chance.of(&ids).copied().expect("somebody");
                let at = self.combat.combatant(target).and_then(|who| who.position);
                let id = self.chance.of(options).cloned().expect("an option");
                let wild = Square { x: 3, y: 3 };
                let at = at.filter(|_| !self.chance.one_in(4)).or(Some(wild));
                let path = at.into_iter().filter(|_| self.chance.one_in(4)).collect();
                let targets = if self.chance.one_in(5) { Vec::new() } else { vec![target] };
                let choices = BTreeMap::new();
                Answer::Use { id, targets, at, direction: at, option: None, path, choices }
            }
            Question::Readied { .. } => {
                Answer::React { option: Key::parse("ready").expect("a key") }
            }
            Question::LegendaryResistance { .. } => {
                Answer::React { option: Key::parse("legendary-resistance").expect("a key") }
            }
            Question::OpportunityAttack { options, .. }
            | Question::Parry { options, .. }
            | Question::Falls { options, .. }
            | Question::CastInReaction { options, .. } => {
                Answer::React { option: self.chance.of(options).cloned().expect("an option") }
            }
            Question::EffectOrder { effects } => {
                let mut effects = effects.clone();
                let first = self.chance.below(effects.len());
                effects.rotate_left(first);
                Answer::Order { effects }
            }
            Question::Choice { options, .. } => {
                Answer::Choose { option: self.chance.of(options).cloned().expect("an option") }
            }
        }
    }

    fn any_command(&mut self) -> Command {
        let ids: Vec<CombatantId> = self.combat.combatants.keys().copied().collect();
        let active = self.combat.active().filter(|_| !self.chance.one_in(10));
        let who = active.or_else(|| self.chance.of(&ids).copied()).expect("somebody");
        let target = self.chance.of(&ids).copied().expect("somebody");
        let position = self.combat.combatant(who).and_then(|who| who.position);
        let at = position.unwrap_or(Square { x: 0, y: 0 });
        let toward = self.combat.combatant(target).and_then(|who| who.position).unwrap_or(at);
        let stride = self.stride();
        if self.is_held(who) && self.chance.one_in(4) {
            return Command::Escape { who, effect: None, skill: None };
        }
        match self.chance.below(35) {
            0..=3 => self.any_attack(who, target),
            4 | 5 => self.any_use(who, target, toward),
            6..=8 => any_walk(&mut self.chance, (who, target), (at, toward), stride),
            9 => Command::Dash { who, mode: None },
            10 => Command::Dodge { who },
            11 => self.any_stance(who, target),
            12 if self.chance.one_in(8) => Command::GiveTempHp { target, amount: 5 },
            12 if self.chance.one_in(2) => self.any_effect(who, target),
            13 | 14 => self.any_maneuver(who, target),
            15 | 18 => self.any_spell(who, target, toward),
            16 | 17 => self.any_sequel(who, target),
            19 => self.any_grant(who, target, toward),
            23 | 24 => self.any_ride(who, at).unwrap_or(Command::EndTurn { who }),
            20 | 21 if self.chance.one_in(2) => self.any_readied(who),
            20 => self.any_ruling(target),
            21 if self.chance.one_in(4) => self.any_coming_and_going(target),
            _ => Command::EndTurn { who },
        }
    }

    /// Squares that are 5 feet.
    fn stride(&self) -> i32 {
        self.combat.grid.scale().block()
    }

    /// A step to one side, to the other, or none.
    fn aside(&mut self) -> i32 {
        let sides = [-1, 0, 1].map(|side| side * self.stride());
        *self.chance.of(&sides).expect("one")
    }

    fn any_stance(&mut self, who: CombatantId, target: CombatantId) -> Command {
        match self.chance.below(4) {
            0 if self.chance.one_in(3) => {
                let action = Box::new(self.any_attack(who, target));
                Command::AsBonus { who, action }
            }
            0 if self.chance.one_in(2) => {
                Command::AsBonus { who, action: Box::new(Command::Disengage { who }) }
            }
            0 if self.chance.one_in(2) => self.any_featured(who, target),
            0 => Command::Disengage { who },
            1 => Command::StandUp { who },
            2 => Command::DropProne { who },
            _ => Command::Stabilize { who, target },
        }
    }

    fn is_held(&self, who: CombatantId) -> bool {
        let mut effects = self.combat.effects_on(who);
        effects.any(|effect| effect.template.conditions.contains(&Condition::Grappled))
    }

    fn any_readied(&mut self, who: CombatantId) -> Command {
        let happenings = [
            Happening::Moves,
            Happening::EntersReach,
            Happening::LeavesReach,
            Happening::Attacks,
            Happening::IsDamaged,
            Happening::TurnStart,
            Happening::TurnEnd,
            Happening::Custom,
        ];
        let on = *self.chance.of(&happenings).expect("one");
        let trigger = Awaited { on, who: Vec::new(), within_ft: None, text: None };
        match self.chance.below(6) {
            0 => Command::Happens { who },
            1 => Command::UseObject { who, item: None, target: None },
            3 => {
                let at = self.combat.combatant(who).and_then(|who| who.position);
                let at = at.unwrap_or(Square { x: 0, y: 0 });
                let path = (1..=2).map(|step| at.shifted(step * self.stride(), 0)).collect();
                Command::Jump { who, path, elevation_ft: Some(5).filter(|_| self.chance.one_in(2)) }
            }
            2 => self.any_handling(who),
            _ => {
                let action = Box::new(self.any_command());
                Command::Ready { who, trigger, action }
            }
        }
    }

    /// What only makes sense after something else: it is looked for whom it would help.
    fn any_sequel(&mut self, who: CombatantId, target: CombatantId) -> Command {
        let all = || self.combat.combatants.values();
        let dying = all().find(|it| matches!(it.life, Life::Dying { .. })).map(|it| it.id);
        let custom = all()
            .find(|it| it.readied.as_ref().is_some_and(|it| it.trigger.on == Happening::Custom));
        let grapples = || {
            let effects = self.combat.effects.values();
            effects.filter(|effect| effect.template.conditions == [Condition::Grappled])
        };
        let holds = grapples().find(|effect| effect.source == Some(who));
        match (self.chance.below(2), dying, custom, holds) {
            (.., Some(holds)) => Command::Release { who, target: holds.target },
            (0, Some(target), ..) => Command::Stabilize { who, target },
            (_, _, Some(waiting), _) => Command::Happens { who: waiting.id },
            _ => Command::Stabilize { who, target },
        }
    }

    fn any_ruling(&mut self, id: CombatantId) -> Command {
        // One of several conditions that an effect brings.
        let several = self.combat.effects.values().find_map(|effect| {
            let conditions = &effect.template.conditions;
            Some((effect.target, *conditions.first().filter(|_| conditions.len() > 1)?))
        });
        if let Some((id, condition)) = several.filter(|_| self.chance.one_in(3)) {
            let changes = Changes { conditions_remove: vec![condition], ..Changes::default() };
            return Command::Update { id, changes: Box::new(changes) };
        }
        let most = usize::try_from(30 * self.stride()).expect("small");
        let square = [self.chance.below(most), self.chance.below(most)];
        let condition = self.chance.of(&Condition::ALL).copied().expect("a condition");
        let changes = [
            json!({}),
            json!({"position": square}),
            json!({"hp": {"current": self.chance.below(20)}}),
            json!({"hp": {"current": self.chance.below(200)}, "alive": true}),
            json!({"hp": {"current": self.chance.below(200)}, "conditions_remove": Condition::ALL}),
            json!({"hp": {"temp": self.chance.below(20)}}),
            json!({"initiative": self.chance.below(20)}),
            json!({"size": self.chance.of(&["tiny", "small"])}),
            json!({"alive": self.chance.one_in(2)}),
            json!({"conditions_remove": [condition]}),
            json!({"spell_slots": {"2": {"current": 1, "max": 3}}}),
            json!({"death_saves": {"successes": 1, "failures": 1, "stable": self.chance.one_in(2)}}),
            json!({"economy": {"action": true, "movement_left_ft": 30}}),
        ];
        let changes = self.chance.of(&changes).expect("one").clone();
        let changes = Box::new(serde_json::from_value(changes).expect("changes"));
        if self.chance.one_in(4) {
            let height_ft = self.combat.combatant(id).map_or(0, |it| it.elevation_ft);
            return Command::Fall { who: id, to_ft: height_ft - 25, changes };
        }
        Command::Update { id, changes }
    }

    /// Somebody leaves, joins, or stops something.
    fn any_coming_and_going(&mut self, id: CombatantId) -> Command {
        let effects: Vec<_> = self.combat.effects.keys().copied().collect();
        let players = self.combat.combatants.values().filter_map(|it| it.owner).collect();
        match (self.chance.below(6), self.chance.of(&effects)) {
            (0, _) if self.combat.combatants.len() > 4 => Command::RemoveCombatant { id },
            (0, _) => Command::AddCombatant { combatant: Box::new(self.another(id)) },
            (1, _) => Command::PhysicalDice { players },
            (2, _) => Command::PhysicalDice { players: BTreeSet::new() },
            (3 | 4, Some(id)) => Command::RemoveEffect { id: *id },
            _ => Command::EndConcentration { who: id },
        }
    }

    /// One like another, off the board.
    fn another(&mut self, like: CombatantId) -> Combatant {
        self.added += 1;
        let id = CombatantId(Uuid::from_u128(self.added));
        let like = self.combat.combatant(like).expect("somebody");
        Combatant {
            owner: Some(id.0),
            monster: like.monster.clone(),
            ..Combatant::new(id, "another", like.kind, &like.side, like.block.clone())
        }
    }

    fn any_maneuver(&mut self, who: CombatantId, target: CombatantId) -> Command {
        let skill = Some(Skill::Athletics).filter(|_| self.chance.one_in(2));
        match self.chance.below(9) {
            0 | 1 => Command::Grapple { who, target },
            2 => Command::Shove { who, target, effect: Shove::Prone, to: None },
            3 => {
                let at = self.combat.combatant(target).and_then(|it| it.position);
                let to = at.map(|at| at.shifted(self.aside(), self.aside()));
                let to = to.filter(|_| self.chance.one_in(2));
                Command::Shove { who, target, effect: Shove::Push, to }
            }
            4 => Command::Escape { who, effect: None, skill },
            5 => Command::Release { who, target },
            6 => {
                let ids: Vec<CombatantId> = self.combat.combatants.keys().copied().collect();
                let enemy = self.chance.of(&ids).copied().expect("somebody");
                let withs =
                    [HelpWith::Attack { enemy }, HelpWith::Check { skill }, HelpWith::Stabilize];
                Command::Help { who, target, with: *self.chance.of(&withs).expect("one") }
            }
            7 => Command::Hide { who },
            _ => {
                let actions = [SkillAction::Search, SkillAction::Influence, SkillAction::Study];
                let action = *self.chance.of(&actions).expect("one");
                Command::TrySkill { who, action, skill: None, target: Some(target), sense: None }
            }
        }
    }
}

const fn command(command: Command) -> Input {
    Input::Command { by: Actor::Gm, command }
}

impl Play {
    /// The state after so many steps, from nothing, by what would be in the journal.
    fn folded(&self, steps: usize) -> Combat {
        let rules = RuleSet::clone(&self.combat.rules);
        let mut folded = Combat::new(rules, Grid::clone(&self.combat.grid));
        for step in &self.steps[..steps] {
            let step = serde_json::to_string(step).expect("encoded");
            folded.apply(&serde_json::from_str(&step).expect("decoded"));
        }
        folded
    }

    /// Taken back some steps and played again, it comes to the same.
    fn comes_to_the_same(&mut self) {
        assert_eq!(self.folded(self.steps.len()), self.combat);
        let back = self.steps.len() - self.chance.below(100.min(self.steps.len()));
        let mut combat = self.folded(back);
        for step in &self.steps[back..] {
            let mut again = Again(step.faces.iter());
            let decided = decide(&combat, step.input.clone(), &self.book, &mut again);
            assert_eq!(decided.as_ref(), Ok(step), "played again");
            combat.apply(step);
        }
        assert_eq!(combat, self.combat);
    }
}

/// Plays so many fights by the rules of each edition.
fn wander(seeds: u64, grid: &Grid) -> Reached {
    let mut reached = Reached::default();
    for edition in [Edition::E51, Edition::E52] {
        let book = Rulebook::built_in(edition).expect("the rulebook");
        for seed in 0..seeds {
            eprintln!("seed {seed} of {edition:?}");
            let mut play = Play::new(seed, &book, edition, grid.clone());
            for _ in 0..COMMANDS {
                play.wander();
            }
            play.comes_to_the_same();
            assert_eq!(play.combat.phase, Phase::Running);
            reached.add(play.reached);
        }
    }
    reached
}

#[test]
fn whatever_is_tried_the_combat_stays_sound() {
    let reached = wander(SEEDS / 2, &map());
    assert!(reached.tried >= 100_000);
    reached.is_enough();
}

#[test]
fn whatever_is_tried_without_a_grid_the_combat_stays_sound() {
    let reached = wander(OPEN_SEEDS, &Grid::without_squares());
    assert!(reached.done >= reached.tried / 4, "{} of {}", reached.done, reached.tried);
}

/// Whoever a command's encoding has an id of, it names. Players have ids too.
fn names_all(input: &Input) {
    let Input::Command { command, .. } = input else { return };
    let text = serde_json::to_string(command).expect("encoded");
    if ["\"add_combatant\"", "\"physical_dice\""].iter().any(|other| text.contains(other)) {
        return;
    }
    let mut named = BTreeSet::new();
    command.each_named(&mut |id| {
        named.insert(id.0);
    });
    let written = text.split('"').filter_map(|part| part.parse().ok()).collect();
    assert_eq!(named, written, "{text}");
}
