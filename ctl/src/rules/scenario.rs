//! The suite of scripted turns: two creatures, what they want to do, and everything that happens.
//!
//! The cases' words for what happens are another engine's. In it an attack or a spell ends the turn;
//! here it is ended for them, with a command of its own.

use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use gss_rules::combat::{
    Answer, Combatant, CombatantId, CombatantKind, Command, Fact, Life, Manner, Purpose, Question,
    Refusal,
};
use gss_rules::dice::Roll;
use gss_rules::space::Square;
use gss_rules::spellcasting::{attack_bonus, proficiency_bonus, save_dc};
use gss_rules::{Condition, Key, MovementMode, modifier};
use serde::Deserialize;
use serde_json::{Value, json};

use super::play::Play;
use super::stage::{ACTOR, OTHER, Stage, block};
use super::suites::Suite;

pub(super) const SUITES: &[Suite] = &[("scenario", scenario)];

#[derive(Deserialize)]
struct Case {
    pc: Value,
    foe: Value,
    pc_at: [i32; 2],
    foe_at: [i32; 2],
    intents: Vec<Intent>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Intent {
    Monster(String),
    Of(Wish),
}

#[derive(Deserialize)]
struct Wish {
    intent_type: String,
    weapon_id: Option<String>,
    spell_id: Option<Key>,
    slot_level: Option<u8>,
    target_zone_id: Option<String>,
    target_id: Option<String>,
}

fn scenario(play: &mut Play<'_>) -> Result<Value> {
    let case: Case = play.inputs()?;
    let pc = combatant(ACTOR, &case, true)?;
    let foe = combatant(OTHER, &case, false)?;
    let mut stage = Stage::of(&play.rules, vec![pc, foe])?;
    stage.set(Command::Begin)?;
    let mut log = Log { events: Vec::new(), round: 1 };
    for intent in &case.intents {
        let wish = match intent {
            Intent::Monster(who) if who == "monster" => {
                log.act(&mut stage, play, blow(OTHER, "weapon")?)?;
                log.act(&mut stage, play, Command::EndTurn { who: OTHER })?;
                continue;
            }
            Intent::Monster(who) => bail!("`{who}` is not known"),
            Intent::Of(wish) => wish,
        };
        let command = wish.command(&stage)?;
        let ends = matches!(command, Command::Attack { .. } | Command::Cast { .. });
        match log.act(&mut stage, play, command)? {
            Some(Refusal::NotItsTurn { .. }) => {
                let mut answer = log.told(&stage)?;
                answer["rejected"] = json!(REJECTED);
                return Ok(answer);
            }
            Some(Refusal::OutOfReach { .. } | Refusal::OutOfRange { .. }) => continue,
            Some(_) | None => {}
        }
        if ends {
            log.act(&mut stage, play, Command::EndTurn { who: ACTOR })?;
        }
    }
    log.told(&stage)
}

/// How the other engine says that it is the foe's turn.
const REJECTED: &str = "IntentRejectedError: not_actor_turn: current_turn='foe:bbbbbbbbbbbb', \
                        submitted='pc:aaaaaaaaaaaa'";

/// A creature as the case describes it.
fn combatant(id: CombatantId, case: &Case, pc: bool) -> Result<Combatant> {
    let (said, at) = if pc { (&case.pc, case.pc_at) } else { (&case.foe, case.foe_at) };
    let number = |name: &str| said.get(name).and_then(Value::as_i64);
    let score = |name: &str| u8::try_from(number(name).unwrap_or(10));
    let (strength, dexterity, mind) =
        (score("strength")?, score("dexterity")?, score("intelligence")?);
    let level = u8::try_from(number("character_level").unwrap_or(1))?;
    let proficiency = proficiency_bonus(level);
    let bonus = number("attack_bonus").unwrap_or(0);
    let attack = |id: &str, kind: &str, dice: String, damage: &str, range: Value| {
        json!({
            "attack_id": id, "name": id, "kind": kind, "bonus": bonus, "range_ft": range,
            "damage": [{"dice": dice, "type": damage}]
        })
    };
    let attacks = if pc {
        let (str, dex) = (modifier(strength), modifier(dexterity));
        let far = json!({"normal": 80, "long": 320});
        vec![
            attack("longsword", "melee", format!("1d8{str:+}"), "slashing", Value::Null),
            attack("shortbow", "ranged", format!("1d6{dex:+}"), "piercing", far),
        ]
    } else {
        let word = |name: &str| said.get(name).and_then(Value::as_str);
        let dice = word("damage_dice").context("damage")?.to_owned();
        let kind = word("damage_type").context("a damage type")?;
        vec![attack("weapon", "melee", dice, kind, Value::Null)]
    };
    let mut numbers = json!({
        "abilities": {
            "str": strength, "dex": dexterity, "con": score("constitution")?, "int": mind,
            "wis": score("wisdom")?, "cha": score("charisma")?
        },
        "proficiency_bonus": proficiency, "attacks": attacks, "ac": number("ac").unwrap_or(10),
        "hp": {"current": number("hp_current"), "max": number("hp_max"), "temp": 0},
        "creature_type": said.get("creature_type").cloned().unwrap_or(json!("humanoid")),
    });
    if let Some(spells) = said.get("spells_known") {
        let mind = modifier(mind);
        numbers["spellcasting"] = json!({
            "ability": "int", "dc": save_dc(mind, proficiency), "level": level,
            "attack_bonus": attack_bonus(mind, proficiency), "spells": spells,
            "slots": said.get("spell_slots")
        });
    }
    let (name, kind) =
        if pc { ("pc", CombatantKind::Character) } else { ("foe", CombatantKind::Monster) };
    Ok(Combatant {
        position: Some(at.into()),
        initiative: Some(if pc { 30 } else { 20 }),
        ..Combatant::new(id, name, kind, name, Arc::new(block(&numbers)?))
    })
}

fn blow(who: CombatantId, attack: &str) -> Result<Command> {
    let target = if who == ACTOR { OTHER } else { ACTOR };
    let attack = Key::parse(attack)?;
    Ok(Command::Attack {
        who,
        target,
        attack,
        knock_out: false,
        how: Manner::default(),
        ammunition: None,
    })
}

impl Wish {
    fn command(&self, stage: &Stage) -> Result<Command> {
        let who = ACTOR;
        Ok(match self.intent_type.as_str() {
            "attack" => blow(who, self.weapon_id.as_deref().context("a weapon")?)?,
            "pass" => Command::EndTurn { who },
            "dodge" => Command::Dodge { who },
            "dash" => Command::Dash { who, mode: None },
            "disengage" => Command::Disengage { who },
            "move" => {
                let zone = self.target_zone_id.as_deref().context("where to")?;
                let from = stage.combatant(who)?.position.context("a place")?;
                let (mode, drag) = (MovementMode::Walk, Vec::new());
                Command::Move {
                    who,
                    mode,
                    path: straight(from, square(zone)?),
                    drag,
                    elevation_ft: None,
                }
            }
            "cast_spell" => {
                let at = stage.combatant(OTHER)?.position;
                let spell = self.spell_id.clone().context("a spell")?;
                let area = stage.spell(&spell)?.record.area.is_some();
                let target = if self.target_id.as_deref() == Some("pc") { ACTOR } else { OTHER };
                Command::Cast {
                    who,
                    spell,
                    slot_level: self.slot_level.unwrap_or(0),
                    targets: if area { Vec::new() } else { vec![target] },
                    at: at.filter(|_| area),
                    direction: at.filter(|_| area),
                    choices: std::collections::BTreeMap::new(),
                    ritual: false,
                    item: None,
                }
            }
            other => bail!("the intent `{other}` is not known"),
        })
    }
}

fn square(zone: &str) -> Result<Square> {
    let (x, y) = zone.split_once(',').context("column,row")?;
    Ok(Square { x: x.parse()?, y: y.parse()? })
}

fn straight(from: Square, to: Square) -> Vec<Square> {
    let mut path = Vec::new();
    let mut at = from;
    while at != to {
        at = Square { x: at.x + (to.x - at.x).signum(), y: at.y + (to.y - at.y).signum() };
        path.push(at);
    }
    path
}

/// What happened, in the words of the cases.
struct Log {
    events: Vec<Value>,
    round: u32,
}

impl Log {
    /// Plays a command, every opportunity taken, and tells what happened.
    fn act(
        &mut self,
        stage: &mut Stage,
        play: &mut Play<'_>,
        command: Command,
    ) -> Result<Option<Refusal>> {
        let mut from = [ACTOR, OTHER].map(|id| {
            let there = stage.combatant(id).ok().and_then(|who| who.position);
            (id, there)
        });
        let played =
            stage.answered(command.clone(), &mut play.dice, |prompt| match &prompt.question {
                Question::OpportunityAttack { options, .. } => options
                    .first()
                    .map_or(Answer::Decline, |option| Answer::React { option: option.clone() }),
                _ => Answer::Decline,
            })?;
        let facts = match played {
            Ok(facts) => facts,
            Err(refusal) => {
                self.refused(&command, &refusal);
                return Ok(Some(refusal));
            }
        };
        let mut roll = None;
        for (index, fact) in facts.iter().enumerate() {
            match fact {
                Fact::Rolled { purpose, roll: thrown, .. } if *purpose != Purpose::Damage => {
                    roll = Some(thrown.clone());
                }
                Fact::Moved { who, path, cost_ft, .. } => {
                    self.moved(*who, path, *cost_ft, &mut from);
                }
                Fact::EffectStarted { effect } => {
                    let later = facts.get(index + 1);
                    let sleeps = later.is_some_and(|fact| {
                        matches!(fact,
                        Fact::EffectStarted { effect } if
                        effect.template.conditions == [Condition::Unconscious])
                    });
                    for condition in &effect.template.conditions {
                        if !sleeps {
                            self.events.push(json!({
                                "type": "condition_applied", "target_id": name(effect.target),
                                "condition": condition
                            }));
                        }
                    }
                }
                fact => self.tell(fact, roll.as_ref(), &command)?,
            }
        }
        Ok(None)
    }

    fn refused(&mut self, command: &Command, refusal: &Refusal) {
        let (kind, reason) = match (command, refusal) {
            (_, Refusal::NotItsTurn { .. }) => return,
            (Command::Cast { .. }, Refusal::NoSlot { .. }) => ("cast_failed", "no_slot"),
            (Command::Cast { .. }, Refusal::OutOfRange { .. }) => ("cast_failed", "out_of_range"),
            (_, Refusal::OutOfReach { .. } | Refusal::OutOfRange { .. }) => {
                ("attack_failed", "out_of_range")
            }
            (Command::Cast { .. }, _) => ("cast_failed", "not_allowed"),
            _ => ("attack_failed", "not_allowed"),
        };
        self.events.push(json!({ "type": kind, "actor_id": "pc", "reason": reason }));
    }

    /// Steps in a row are one move.
    fn moved(
        &mut self,
        who: CombatantId,
        path: &[Square],
        cost_ft: i32,
        from: &mut [(CombatantId, Option<Square>); 2],
    ) {
        let zone = |at: Square| format!("{},{}", at.x, at.y);
        let Some(to) = path.last().copied() else { return };
        let known = from.iter_mut().find(|(id, _)| *id == who);
        let before = known.and_then(|(_, at)| at.replace(to));
        let last = self
            .events
            .last_mut()
            .filter(|event| event["type"] == "actor_moved" && event["actor_id"] == name(who));
        if let Some(last) = last {
            let walked = last["distance_ft"].as_i64().unwrap_or(0);
            last["to_zone"] = json!(zone(to));
            last["distance_ft"] = json!(walked + i64::from(cost_ft));
            return;
        }
        self.events.push(json!({
            "type": "actor_moved", "actor_id": name(who), "to_zone": zone(to),
            "from_zone": before.map(zone), "distance_ft": cost_ft
        }));
    }

    fn tell(&mut self, fact: &Fact, roll: Option<&Roll>, command: &Command) -> Result<()> {
        let thrown = || roll.context("a roll");
        match fact {
            Fact::TurnEnded { who } => {
                self.events.push(json!({ "type": "turn_ended", "actor_id": name(*who) }));
            }
            Fact::TurnStarted { who, round, .. } => {
                if *round > self.round {
                    self.round = *round;
                    self.events.push(json!({ "type": "round_started", "round_number": round }));
                }
                self.events.push(json!({ "type": "turn_started", "actor_id": name(*who) }));
            }
            Fact::AttackMade { attacker, target, hit, critical, .. } => {
                let roll = thrown()?;
                let moves = matches!(command, Command::Move { .. });
                self.events.push(json!({
                    "type": "attack_rolled", "attacker_id": name(*attacker),
                    "target_id": name(*target), "natural": roll.kept.first(),
                    "roll_total": roll.total, "advantage": roll.mode, "is_hit": hit,
                    "is_crit": critical, "is_opportunity_attack": moves
                }));
            }
            Fact::SaveMade { who, ability, dc, success } => {
                let roll = thrown()?;
                self.events.push(json!({
                    "type": "save_rolled", "target_id": name(*who), "ability": ability, "dc": dc,
                    "roll_total": roll.total, "succeeded": success, "advantage": roll.mode
                }));
            }
            Fact::Damaged { target, parts, life, .. } => {
                let critical = self.events.last().map(|event| event["is_crit"].clone());
                let critical = critical.filter(|it| !it.is_null()).unwrap_or(json!(false));
                for part in parts {
                    self.events.push(json!({
                        "type": "damage_applied", "target_id": name(*target),
                        "amount": part.applied, "damage_type": part.kind, "is_crit": critical
                    }));
                }
                if matches!(life, Life::Dying { .. }) {
                    self.events.push(json!({ "type": "unconscious", "target_id": name(*target) }));
                }
            }
            Fact::SpellCast { spell, slot, .. } => {
                let slot = Some(slot).filter(|slot| **slot > 0);
                self.events.push(json!({
                    "type": "spell_cast", "spell_id": spell, "slot_level": slot
                }));
            }
            Fact::DeathSaveMade { who, save, life, .. } => {
                let (successes, failures) = match life {
                    Life::Dying { successes, failures } => (*successes, *failures),
                    Life::Alive | Life::Stable | Life::Dead => (0, 0),
                };
                self.events.push(json!({
                    "type": "death_save_rolled", "target_id": name(*who),
                    "roll_total": thrown()?.total, "outcome": save,
                    "running_successes": successes, "running_failures": failures
                }));
            }
            _ => {}
        }
        Ok(())
    }

    fn told(&self, stage: &Stage) -> Result<Value> {
        let hp = |id| stage.combatant(id).map(|who| who.hp.current);
        Ok(json!({ "events": self.events, "hp": { "pc": hp(ACTOR)?, "foe": hp(OTHER)? } }))
    }
}

fn name(id: CombatantId) -> &'static str {
    if id == ACTOR { "pc" } else { "foe" }
}
