//! Every creature of both editions, played: each of its attacks hits, each of its actions is used.

use gss_rules::combat::{
    Actor, Answer, Combat, Combatant, CombatantId, CombatantKind, Command, Fact, Input, Manner,
    Refusal, Rulebook, decide,
};
use gss_rules::content::{Cost, Monster, Shape};
use gss_rules::space::{Grid, Square};
use gss_rules::{Condition, Dice, Edition, Key, RuleSet, Size};
use serde_json::json;
use uuid::Uuid;

use crate::table::{block, combatant};

const BEAST: CombatantId = CombatantId(Uuid::from_u128(1));
const VICTIM: CombatantId = CombatantId(Uuid::from_u128(2));

/// Every d20 hits without a critical hit and fails saves of a weak victim; other dice vary.
struct Varied(u32);

impl Dice for Varied {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 += 1;
        if sides == 20 { 15 } else { self.0 % sides + 1 }
    }
}

struct Arena {
    combat: Combat,
    book: Rulebook,
    dice: Varied,
}

impl Arena {
    /// The beast so many squares from, or in the space of, somebody with many hit points and no armor; the beast's turn.
    fn new(
        book: &Rulebook,
        edition: Edition,
        (monster, with): (&Monster, &Key),
        gap: Option<i32>,
    ) -> Self {
        let detail = monster.details.get(with);
        let wanted = detail.and_then(|detail| detail.targets.clone()).unwrap_or_default();
        let mut arena = Self {
            combat: Combat::new(RuleSet::of(edition), Grid::open(60, 60)),
            book: book.clone(),
            dice: Varied(0),
        };
        let hardy = block(json!({
            "ac": 1, "hp": {"current": 5000, "max": 5000, "temp": 0},
            "saves": {"str": -20, "dex": -20, "con": -20, "int": -20, "wis": -20, "cha": -20},
            "size": wanted.max_size.unwrap_or(Size::Medium),
            "creature_type": wanted.types.first()
        }));
        let beast = monster.block.clone();
        let y = 20 + beast.size.squares() / 2;
        let x = gap.map_or(20, |gap| 20 + beast.size.squares() + gap);
        let beast = Combatant {
            monster: Some(monster.id.clone()),
            ..combatant(BEAST, CombatantKind::Monster, "beasts", [20, 20], beast)
        };
        let victim = combatant(VICTIM, CombatantKind::Character, "victims", [x, y], hardy);
        for (combatant, initiative) in [(beast, 20), (victim, 10)] {
            let combatant = Box::new(Combatant { initiative: Some(initiative), ..combatant });
            arena.play(Command::AddCombatant { combatant }).expect("joins");
        }
        arena.play(Command::Begin).expect("begins");
        let held = wanted.grappled_by_it.then_some(Condition::Grappled);
        for condition in wanted.condition.into_iter().chain(held) {
            let effect = json!({
                "name": "held", "duration": {"kind": "permanent"}, "conditions": [condition]
            });
            let effect = Box::new(serde_json::from_value(effect).expect("an effect"));
            let targets = vec![VICTIM];
            let held = Command::ApplyEffect { effect, source: Some(BEAST), targets };
            arena.play(held).expect("held");
        }
        arena
    }

    fn play(&mut self, command: Command) -> Result<Vec<Fact>, Refusal> {
        let input = Input::Command { by: Actor::Gm, command };
        let mut step = decide(&self.combat, input, &self.book, &mut self.dice)?;
        self.combat.apply(&step);
        while let Some(prompt) = step.prompt.take() {
            let (by, answer) = (Actor::Gm, Answer::Decline);
            let answered = Input::Answer { by, prompt: prompt.id, answer };
            let next = decide(&self.combat, answered, &self.book, &mut self.dice)?;
            self.combat.apply(&next);
            step.facts.extend(next.facts);
            step.prompt = next.prompt;
        }
        let stored = serde_json::to_string(&self.combat).expect("encoded");
        let stored: Combat = serde_json::from_str(&stored).expect("decoded");
        assert_eq!(stored, self.combat);
        Ok(step.facts)
    }
}

fn book(edition: Edition) -> Rulebook {
    Rulebook::built_in(edition).expect("the rulebook")
}

#[test]
fn every_attack_of_every_creature_hits_for_its_dice() {
    for edition in [Edition::E51, Edition::E52] {
        let (mut attacks, book) = (0, book(edition));
        for monster in book.content.monsters.values() {
            for attack in &monster.block.attacks {
                // A swarm bites whom it covers.
                let id = attack.attack_id.clone();
                let targets = monster.details.get(&id).and_then(|detail| detail.targets.as_ref());
                let covers = targets.is_some_and(|targets| targets.in_space);
                // Who is free and no friend is not bitten.
                if targets.is_some_and(|targets| targets.at_mercy) {
                    continue;
                }
                let gap = (attack.reach_ft != Some(0) && !covers).then_some(0);
                let mut arena = Arena::new(&book, edition, (monster, &id), gap);
                let command = Command::Attack {
                    who: BEAST,
                    target: VICTIM,
                    attack: id,
                    knock_out: false,
                    how: Manner::default(),
                    ammunition: None,
                };
                let facts = arena
                    .play(command)
                    .unwrap_or_else(|why| panic!("{} {}: {why:?}", monster.id, attack.attack_id));
                let hit =
                    facts.iter().any(|fact| matches!(fact, Fact::AttackMade { hit: true, .. }));
                assert!(hit, "{} {}", monster.id, attack.attack_id);
                let dealt = facts.iter().find_map(|fact| match fact {
                    Fact::Damaged { parts, .. } => {
                        Some(parts.iter().map(|part| i64::from(part.rolled)).sum::<i64>())
                    }
                    _ => None,
                });
                let rider = attack.on_hit.iter().flat_map(|rider| &rider.damage);
                let dice: Vec<_> = attack.damage.iter().chain(rider).map(|it| &it.dice).collect();
                let least: i64 = dice.iter().filter_map(|dice| dice.minimum()).sum();
                let most: i64 = dice.iter().filter_map(|dice| dice.maximum()).sum();
                assert!(
                    dealt.is_some_and(|dealt| (least..=most).contains(&dealt)),
                    "{} {}: {dealt:?}",
                    monster.id,
                    attack.attack_id
                );
                attacks += 1;
            }
        }
        assert!(attacks > 400, "{attacks}");
    }
}

#[test]
fn every_action_of_every_creature_can_be_used_and_turns_go_on() {
    for edition in [Edition::E51, Edition::E52] {
        let book = book(edition);
        for monster in book.content.monsters.values() {
            for action in &monster.block.uses {
                if !matches!(action.cost, Cost::Action | Cost::BonusAction) {
                    continue;
                }
                // What a deed does has cases of its own.
                if book.content.deeds.get(&monster.id, &action.use_id).is_some() {
                    continue;
                }
                // A cone is narrow where it begins.
                let cone = action.area.is_some_and(|area| area.shape == Shape::Cone);
                let gap = if cone { 2 } else { 0 };
                // Who is no swarm does not begin in another's space.
                let detail = monster.details.get(&action.use_id);
                let goes = detail.is_some_and(|it| it.teleports || it.leaps_ft.is_some());
                let targets = detail.and_then(|detail| detail.targets.as_ref());
                // Whom a spell is about is the spell's to say.
                if detail.is_some_and(|it| !it.casts.is_empty()) {
                    continue;
                }
                if targets.is_some_and(|targets| targets.in_space) {
                    continue;
                }
                let mut arena = Arena::new(&book, edition, (monster, &action.use_id), Some(gap));
                let victim = arena.combat.combatant(VICTIM).and_then(|who| who.position);
                let harms = !action.damage.is_empty() || action.save.is_some();
                let chooses = action.area.is_none() && (action.targets.is_some() || harms);
                let targets = if chooses { vec![VICTIM] } else { Vec::new() };
                let command = Command::UseAction {
                    who: BEAST,
                    id: action.use_id.clone(),
                    targets,
                    at: if goes { Some(Square { x: 20, y: 16 }) } else { victim },
                    direction: victim.map(|at| Square { x: at.x + 1, ..at }),
                    option: None,
                    path: Vec::new(),
                    choices: std::collections::BTreeMap::new(),
                };
                let used = arena.play(command);
                let on_victim = used.as_ref().is_ok_and(|facts| {
                    facts.iter().any(|fact| {
                        matches!(fact, Fact::ActionUsed { targets, .. } if targets.contains(&VICTIM))
                    })
                });
                assert!(
                    on_victim || (used.is_ok() && !harms),
                    "{} {}: {used:?}",
                    monster.id,
                    action.use_id
                );
                for who in [BEAST, VICTIM, BEAST] {
                    if arena.combat.active() == Some(who) {
                        arena.play(Command::EndTurn { who }).expect("the turn ends");
                    }
                }
            }
        }
    }
}
