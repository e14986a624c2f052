//! Facts of an action by target, as `action_resolve` has them.

use gss_rules::Key;
use gss_rules::combat::{
    CombatantId, DeathSave, Effect, EffectId, EndReason, Fact, HitPoints, Life, Purpose,
};
use gss_rules::dice::Roll;
use gss_rules::effect::Inside;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::show::{Eye, Scene};
use crate::tell::object;

/// Whether `action_resolve` says something of the fact.
pub(super) fn is_told(fact: &Fact) -> bool {
    !matches!(
        fact,
        Fact::PhaseChanged { .. }
            | Fact::CombatantSet { .. }
            | Fact::CombatantRemoved { .. }
            | Fact::InitiativeSet { .. }
            | Fact::OrderSet { .. }
            | Fact::TurnStarted { .. }
            | Fact::TurnMoved { .. }
            | Fact::TurnEnded { .. }
            | Fact::EconomySet { .. }
            | Fact::UsesSet { .. }
            | Fact::ConcentrationSet { .. }
            | Fact::ActionUsed { .. }
            | Fact::SpellCast { .. }
            | Fact::SlotsSet { .. }
            | Fact::GroundSet { .. }
            | Fact::GroundChanged { .. }
            | Fact::Touched { .. }
            | Fact::Counted { .. }
            | Fact::EffectMoved { .. }
            | Fact::EffectShifted { .. }
            | Fact::EffectChanged { .. }
            | Fact::PhysicalDiceSet { .. }
            | Fact::HeightSet { .. }
            | Fact::SqueezedSet { .. }
            | Fact::LairActed { .. }
            | Fact::HeldSet { .. }
    )
}

/// A roll as this eye may have it: sources it does not know of are left out.
pub(super) fn roll(roll: &Roll, scene: Scene<'_>, eye: Eye) -> Value {
    let mut shown = json!(roll);
    if let Some(reasons) = shown["reasons"].as_array_mut() {
        for reason in reasons {
            let source = reason["source_id"].as_str().and_then(|id| id.parse().ok());
            let known = source.is_none_or(|id| scene.knows(eye, CombatantId(id)));
            if let (false, Some(members)) = (known, reason.as_object_mut()) {
                members.remove("source_id");
            }
        }
    }
    shown
}

/// What happened, by target.
pub(super) struct Tally {
    pub(super) outcomes: Vec<Value>,
    pub(super) rolls: Vec<Value>,
}

struct Target {
    id: CombatantId,
    effects: Vec<String>,
    rolled: i64,
    total: i64,
    parts: Vec<Value>,
    absorbed: i64,
    hp: Option<HitPoints>,
    conditions: Vec<Value>,
    ended: Vec<Value>,
    more: Map<String, Value>,
    /// It got on a mount.
    rides: bool,
}

impl Target {
    fn new(id: CombatantId) -> Self {
        Self {
            id,
            effects: Vec::new(),
            rolled: 0,
            total: 0,
            parts: Vec::new(),
            absorbed: 0,
            hp: None,
            conditions: Vec::new(),
            ended: Vec::new(),
            more: Map::new(),
            rides: false,
        }
    }

    fn say(&mut self, effect: &str) {
        if self.effects.last().is_none_or(|last| last != effect) {
            self.effects.push(effect.to_owned());
        }
    }

    fn value(self, scene: Scene<'_>, eye: Eye) -> Value {
        let mut damage = json!({
            "total": self.total,
            "parts": self.parts,
            "temp_absorbed": self.absorbed,
        });
        let target = scene.combat.combatant(self.id);
        let sees = target.is_some_and(|target| eye.sees_hp(target));
        if let Some(hp) = self.hp.filter(|_| sees) {
            damage["hp"] = json!(hp);
        }
        let mut value = self.more;
        value.extend(object(json!({
            "target_id": self.id,
            "effects": self.effects,
            "damage": damage,
            "conditions": self.conditions,
        })));
        if !self.ended.is_empty() {
            value.insert("conditions_ended".to_owned(), json!(self.ended));
        }
        Value::Object(value)
    }
}

impl Tally {
    /// Of these facts, which led from one scene to the other; and who attacked a square in them.
    pub(super) fn of(
        facts: &[Fact],
        was: Scene<'_>,
        is: Scene<'_>,
        (eye, guesses): (Eye, Option<CombatantId>),
    ) -> Self {
        let mut counting = Counting {
            was,
            eye,
            targets: Vec::new(),
            rolls: Vec::new(),
            last: None,
            apart: false,
            guesses,
        };
        for fact in facts {
            counting.count(fact);
        }
        let told = |target: &Target| target.id.0.is_nil() || is.knows(eye, target.id);
        let known = counting.targets.into_iter().filter(told);
        let outcomes = known.map(|target| target.value(is, eye)).collect();
        Self { outcomes, rolls: counting.rolls }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.outcomes.is_empty() && self.rolls.is_empty()
    }
}

struct Counting<'a> {
    was: Scene<'a>,
    eye: Eye,
    targets: Vec<Target>,
    rolls: Vec<Value>,
    last: Option<(CombatantId, &'a Roll)>,
    /// That roll is one to go on concentrating.
    apart: bool,
    /// Who attacks a square.
    guesses: Option<CombatantId>,
}

impl<'a> Counting<'a> {
    fn target(&mut self, id: CombatantId) -> &mut Target {
        let at = self.targets.iter().rposition(|target| target.id == id);
        let at = at.unwrap_or_else(|| {
            self.targets.push(Target::new(id));
            self.targets.len() - 1
        });
        &mut self.targets[at]
    }

    fn hp_before(&self, id: CombatantId) -> Option<HitPoints> {
        let told = self.targets.iter().rev().find(|it| it.id == id).and_then(|it| it.hp);
        told.or_else(|| self.was.combat.combatant(id).map(|combatant| combatant.hp))
    }

    fn commands(&self, id: CombatantId) -> bool {
        let combatant = self.was.combat.combatant(id);
        combatant.is_some_and(|combatant| self.eye.commands(combatant))
    }

    fn count(&mut self, fact: &'a Fact) {
        match fact {
            Fact::Rolled { who, purpose, roll: rolled } => {
                self.last = Some((*who, rolled));
                self.apart = *purpose == Purpose::Concentration;
                let apart = matches!(purpose, Purpose::Concentration | Purpose::DeathSave);
                let secret = purpose.is_secret() && self.eye != Eye::Gm;
                if self.was.knows(self.eye, *who) && !apart && !secret {
                    self.rolls.push(roll(rolled, self.was, self.eye));
                }
            }
            Fact::AttackMade { attacker, target, ac, cover, hit, critical, .. } => {
                self.attack((*attacker, *target), (*ac, json!(cover)), (*hit, *critical));
            }
            // The save to go on concentrating has a message of its own.
            Fact::SaveMade { .. } if std::mem::take(&mut self.apart) => self.last = None,
            Fact::SaveMade { who, ability, dc, success } => {
                self.save(*who, json!({"ability": ability, "success": success}), *dc, *success);
            }
            Fact::Damaged { target, parts, temp_absorbed, hp, life, .. } => {
                let before = self.hp_before(*target);
                let parts: Vec<Value> = parts.iter().map(|part| json!(part)).collect();
                self.damaged(*target, parts, *temp_absorbed, (before, *hp, *life));
            }
            Fact::Healed { target, regained, hp, .. } => {
                let down = self.hp_before(*target).is_some_and(|before| before.current == 0);
                let shown = self.was.combat.combatant(*target);
                let sees = shown.is_some_and(|shown| self.eye.sees_hp(shown));
                let target = self.target(*target);
                target.hp = Some(*hp);
                target.say(if *regained > 0 { "healed" } else { "no_effect" });
                if down && hp.current > 0 {
                    target.say("revived");
                }
                let mut healing = json!({"total": regained});
                if sees {
                    healing["hp"] = json!(hp);
                }
                target.more.insert("healing".to_owned(), healing);
            }
            _ => self.count_more(fact),
        }
    }

    fn count_more(&mut self, fact: &Fact) {
        match fact {
            Fact::TempHpSet { who, hp } => {
                let target = self.target(*who);
                target.hp = Some(*hp);
                target.say("temp_hp");
            }
            Fact::CheckMade { who, skill, against, success, .. } => {
                self.check(*who, json!(skill), *against, *success);
            }
            Fact::Displaced { who, to, .. } => self.displaced(*who, json!(to)),
            Fact::GuessMissed { attacker, target, .. } => self.guessed(*attacker, *target),
            Fact::SpellFailed { who, .. } => self.target(*who).say("no_effect"),
            Fact::LifeSet { who, life } => {
                let target = self.target(*who);
                match life {
                    Life::Dead => target.say("died"),
                    Life::Stable => target.say("stabilized"),
                    Life::Alive => target.say("revived"),
                    Life::Dying { .. } => {}
                }
            }
            Fact::EffectStarted { effect } => self.started(effect),
            Fact::EffectEnded { id, reason } => self.ended(*id, *reason),
            Fact::Moved { who, path, cost_ft, forced, .. } => {
                self.moved(*who, path.iter().map(|square| json!(square)), *cost_ft, *forced);
            }
            _ => {}
        }
    }

    fn save(&mut self, who: CombatantId, mut save: Value, dc: i32, success: bool) {
        let rolled = self.last.take().filter(|(roller, _)| *roller == who);
        if let Some((_, rolled)) = rolled.filter(|_| self.was.knows(self.eye, who)) {
            save["roll"] = roll(rolled, self.was, self.eye);
        }
        if self.commands(who) {
            save["dc"] = json!(dc);
        }
        let known = self.targets.iter().rev().find(|known| known.id == who);
        if known.is_some_and(|known| known.more.contains_key("save")) {
            self.targets.push(Target::new(who));
        }
        let target = self.target(who);
        target.say(if success { "save_succeeded" } else { "save_failed" });
        target.more.insert("save".to_owned(), save);
    }

    fn check(&mut self, who: CombatantId, skill: Value, dc: Option<i64>, success: Option<bool>) {
        let rolled = self.last.take().filter(|(roller, _)| *roller == who);
        let mut check = json!({"skill": skill, "success": success.unwrap_or(false)});
        if let Some((_, rolled)) = rolled.filter(|_| self.was.knows(self.eye, who)) {
            check["roll"] = roll(rolled, self.was, self.eye);
        }
        if let Some(dc) = dc {
            check["dc"] = json!(dc);
        }
        let target = self.target(who);
        match success {
            Some(true) => target.say("check_succeeded"),
            Some(false) => target.say("check_failed"),
            // The GM says what it comes to.
            None => {}
        }
        target.more.insert("check".to_owned(), check);
    }

    fn displaced(&mut self, who: CombatantId, to: Value) {
        let from = self.was.combat.combatant(who).and_then(|who| who.position);
        let falls = json!(from) == to;
        let rode = self.was.rides(who) || self.target(who).rides;
        let target = self.target(who);
        target.say(match (falls, rode) {
            (false, true) => "moved",
            (true, _) => "fell",
            (false, false) => "teleported",
        });
        let moved = json!({"from": from, "to": to, "forced": falls});
        target.more.insert("moved".to_owned(), moved);
    }

    /// An attack at a square that missed: GMs alone are told whether anybody was there.
    fn guessed(&mut self, attacker: CombatantId, target: Option<CombatantId>) {
        self.last = None;
        if !self.was.knows(self.eye, attacker) {
            return;
        }
        let gm = self.eye == Eye::Gm;
        let shown = target.filter(|_| gm).unwrap_or(CombatantId(Uuid::nil()));
        let mut outcome = Target::new(shown);
        outcome.say(if gm && target.is_none() { "automatic_miss" } else { "miss" });
        outcome.more.insert("attack".to_owned(), json!({"hit": false, "critical": false}));
        self.targets.push(outcome);
    }

    fn attack(
        &mut self,
        (attacker, target): (CombatantId, CombatantId),
        (ac, cover): (i32, Value),
        (hit, critical): (bool, bool),
    ) {
        // That it hit somebody unknown is all that its attacker learns.
        let unknown = !self.was.knows(self.eye, target);
        let target = if unknown && self.guesses == Some(attacker) {
            if !self.was.knows(self.eye, attacker) {
                self.last = None;
                return;
            }
            CombatantId(Uuid::nil())
        } else {
            target
        };
        let rolled = self.last.take().filter(|(who, _)| *who == attacker);
        let natural = rolled.and_then(|(_, rolled)| rolled.kept.first().copied());
        let mut attack = json!({"hit": hit, "critical": critical, "cover": cover});
        if let Some((_, rolled)) = rolled.filter(|_| self.was.knows(self.eye, attacker)) {
            attack["roll"] = roll(rolled, self.was, self.eye);
        }
        if self.commands(target) {
            attack["target_ac"] = json!(ac);
        }
        let known = self.targets.iter().rev().find(|known| known.id == target);
        if known.is_some_and(|known| known.more.contains_key("attack")) {
            self.targets.push(Target::new(target));
        }
        let target = self.target(target);
        target.say(match (hit, critical, natural) {
            (true, true, _) => "critical_hit",
            (true, false, _) => "hit",
            (false, _, Some(1)) => "automatic_miss",
            (false, ..) => "miss",
        });
        target.more.insert("attack".to_owned(), attack);
    }

    fn damaged(
        &mut self,
        id: CombatantId,
        parts: Vec<Value>,
        absorbed: i32,
        (before, hp, life): (Option<HitPoints>, HitPoints, Life),
    ) {
        let target = self.target(id);
        let sum = |member: &str| parts.iter().filter_map(|part| part[member].as_i64()).sum::<i64>();
        let (rolled, applied) = (sum("rolled"), sum("applied"));
        target.rolled += rolled;
        target.total += applied;
        target.absorbed += i64::from(absorbed);
        target.parts.extend(parts);
        target.hp = Some(hp);
        match applied {
            0 if rolled > 0 => target.say("immune"),
            0 => {}
            _ if applied > rolled => {
                target.say("damaged");
                target.say("vulnerable");
            }
            _ => target.say("damaged"),
        }
        let had = before.map_or(0, |before| before.current);
        if had > 0 && hp.current == 0 {
            target.say("dropped_to_0");
        } else if had * 2 > hp.max && hp.current * 2 <= hp.max {
            target.say("bloodied");
        }
        match life {
            Life::Dead => target.say("died"),
            Life::Stable => target.say("knocked_out"),
            Life::Alive | Life::Dying { .. } => {}
        }
    }

    fn started(&mut self, effect: &Effect) {
        let template = &effect.template;
        let target = self.target(effect.target);
        for condition in &template.conditions {
            target.say(&format!("condition_gained:{}", condition.name()));
            target.conditions.push(json!(condition));
        }
        if template.inside == Some(Inside::Ridden) {
            target.rides = true;
            target.say("mounted");
        } else if let (Some(key), true) = (&template.key, template.conditions.is_empty()) {
            target.say(&format!("effect_started:{key}"));
        } else if template.conditions.is_empty() {
            target.say("effect_started");
        }
    }

    fn ended(&mut self, id: EffectId, reason: EndReason) {
        let Some(effect) = self.was.combat.effects.get(&id) else { return };
        let (template, held) = (effect.template.clone(), effect.source == Some(effect.target));
        let target = self.target(effect.target);
        if reason == EndReason::Concentration && held {
            target.say("concentration_broken");
        }
        for condition in &template.conditions {
            target.say(&format!("condition_ended:{}", condition.name()));
            target.ended.push(json!(condition));
        }
        if template.inside == Some(Inside::Ridden) {
            target.say("dismounted");
        } else if let (Some(key), true) = (&template.key, template.conditions.is_empty()) {
            target.say(&format!("effect_ended:{key}"));
        }
    }

    fn moved(
        &mut self,
        who: CombatantId,
        path: impl Iterator<Item = Value>,
        cost_ft: i32,
        forced: bool,
    ) {
        let from = self.was.combat.combatant(who).and_then(|who| who.position);
        let target = self.target(who);
        target.say(if forced { "pushed" } else { "moved" });
        let moved = target.more.entry("moved").or_insert_with(
            || json!({"from": from, "to": from, "path": [], "cost_ft": 0, "forced": forced}),
        );
        moved["cost_ft"] = json!(moved["cost_ft"].as_i64().unwrap_or(0) + i64::from(cost_ft));
        for square in path {
            moved["to"] = square.clone();
            if let Some(steps) = moved["path"].as_array_mut() {
                steps.push(square);
            }
        }
    }
}

/// What the GM has to rule on.
pub(super) fn rulings(facts: &[Fact]) -> Vec<&Key> {
    let ruled = facts.iter().filter_map(|fact| match fact {
        Fact::RulingNeeded { of, .. } => Some(of),
        _ => None,
    });
    ruled.collect()
}

/// What the actor gave for it, for GMs and its owner.
pub(super) fn spent(facts: &[Fact], was: Scene<'_>, who: CombatantId, eye: Eye) -> Option<Value> {
    let before = was.combat.combatant(who).filter(|combatant| eye.commands(combatant))?;
    let after = facts.iter().rev().find_map(|fact| match fact {
        Fact::EconomySet { who: whose, economy } if *whose == who => Some(economy),
        _ => None,
    });
    let walked: i32 = facts
        .iter()
        .map(|fact| match fact {
            Fact::Moved { who: whose, cost_ft, forced: false, .. } if *whose == who => *cost_ft,
            _ => 0,
        })
        .sum();
    let had = &before.economy;
    let cost = match after {
        Some(after) if had.action && !after.action => "action",
        Some(after) if had.bonus_action && !after.bonus_action => "bonus_action",
        Some(after) if had.reaction && !after.reaction => "reaction",
        _ => "free",
    };
    let mut spent = json!({"cost": cost});
    let slot = facts.iter().find_map(|fact| match fact {
        Fact::SlotsSet { who: whose, level, .. } if *whose == who => Some(*level),
        _ => None,
    });
    if let Some(level) = slot {
        spent["slot_level"] = json!(level);
    }
    if walked > 0 {
        spent["movement_ft"] = json!(walked);
    }
    Some(spent)
}

/// The result of a death save.
pub(super) fn death_save(save: DeathSave, life: Life) -> Map<String, Value> {
    let (successes, failures) = match life {
        Life::Dying { successes, failures } => (successes, failures),
        Life::Stable => (3, 0),
        Life::Dead => (0, 3),
        Life::Alive => (0, 0),
    };
    let result = match (life, save) {
        (Life::Dead, _) => "dead",
        (Life::Alive, _) => "conscious",
        (Life::Stable, _) => "stable",
        (_, DeathSave::TwoFailures) => "two_failures",
        (_, DeathSave::Failure) => "failure",
        (_, DeathSave::Success | DeathSave::Recovery) => "success",
    };
    object(json!({"successes": successes, "failures": failures, "result": result}))
}
