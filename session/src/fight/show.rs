//! `/combat` as each viewer sees it (PROTOCOL section 2, `combat` of `schema/common.json`).
//!
//! GMs see everything. Of a combatant that is hidden only its owner knows besides. Numbers of a
//! combatant are for GMs and its owner, hit points and death saves of characters for all.

use std::collections::BTreeSet;
use std::sync::Arc;

use gss_rules::combat::{
    Combat, Combatant, CombatantId, CombatantKind, Command, Effect, EffectId, HitPoints, Life,
    Phase, Point, Question, View,
};
use gss_rules::content::Pool;
use gss_rules::effect::Modifier;
use gss_rules::space::movement_left_ft;
use gss_rules::{Edition, MovementMode};
use gss_shared::ids::PlayerId;
use gss_shared::message::Viewer;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Fight, Seed, prompts};
use crate::tell::object;

/// Who looks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Eye {
    Gm,
    /// A player that owns a combatant.
    Owner(PlayerId),
    Other,
}

/// A fight at a moment: its combat may be one on the way through a step.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) fight: &'a Fight,
    pub(crate) combat: &'a Combat,
    /// The session is paused.
    pub(crate) paused: bool,
    pub(super) asks: Asks,
}

/// What `/combat` says of the fight as a whole, to one eye.
#[derive(PartialEq)]
pub(super) struct Top<'a> {
    combat_id: Uuid,
    phase: &'static str,
    edition: Edition,
    round: u32,
    turn_number: usize,
    active_character: Option<Uuid>,
    order: Vec<CombatantId>,
    seed: &'a Seed,
    step: Option<&'static str>,
}

impl Top<'_> {
    pub(super) fn members(&self) -> Map<String, Value> {
        let mut members = object(json!({
            "combat_id": self.combat_id,
            "phase": self.phase,
            "edition": self.edition,
            "round": self.round,
            "turn_number": self.turn_number,
            "active_character": self.active_character,
            "order": self.order,
            "seed_commitment": self.seed.commitment(),
        }));
        if let Some(step) = self.step {
            members.insert("step".to_owned(), step.into());
        }
        members
    }
}

/// Whether a question is open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Asks {
    Nobody,
    Somebody,
    /// This one, about an attack at a square, or between two turns. Who does not know of it is not
    /// told that one waits: it would be told that somebody is there.
    Unawares(CombatantId),
}

impl Asks {
    pub(super) fn of(combat: &Combat) -> Self {
        match (combat.prompt(), combat.waiting()) {
            (None, _) => Self::Nobody,
            (Some(prompt), Some(Command::AttackAt { .. })) => Self::Unawares(prompt.who),
            (Some(prompt), _) if is_between_turns(&prompt.question) => Self::Unawares(prompt.who),
            (Some(_), _) => Self::Somebody,
        }
    }
}

/// Whether nobody's doing is answered.
const fn is_between_turns(question: &Question) -> bool {
    matches!(question, Question::LegendaryAction { .. } | Question::LairAction { .. })
}

impl Eye {
    pub(crate) fn of(viewer: Viewer) -> Self {
        if viewer.role.is_gm() { Self::Gm } else { Self::Owner(viewer.player) }
    }

    fn owns(self, combatant: &Combatant) -> bool {
        matches!(self, Self::Owner(player) if combatant.owner == Some(player.0))
    }

    /// Whether it gets the numbers.
    pub(super) fn commands(self, combatant: &Combatant) -> bool {
        self == Self::Gm || self.owns(combatant)
    }

    /// Whether it knows of the combatant at all.
    pub(crate) fn knows(self, combatant: &Combatant) -> bool {
        !combatant.hidden || self.commands(combatant)
    }

    /// Whether it may see the hit points.
    pub(super) fn sees_hp(self, combatant: &Combatant) -> bool {
        combatant.kind == CombatantKind::Character || self.commands(combatant)
    }
}

impl Fight {
    /// The fight as it is.
    pub(crate) fn scene(&self, paused: bool) -> Scene<'_> {
        let asks = Asks::of(&self.combat);
        Scene { fight: self, combat: &self.combat, paused, asks }
    }
}

impl Scene<'_> {
    /// Whether this eye knows of somebody; of who left, only GMs know whether anybody did.
    pub(crate) fn knows(&self, eye: Eye, id: CombatantId) -> bool {
        eye == Eye::Gm || self.combat.combatant(id).is_some_and(|combatant| eye.knows(combatant))
    }

    /// Whether this eye is asked what somebody is asked.
    pub(super) fn decides(&self, eye: Eye, who: CombatantId) -> bool {
        let player = self.combat.owner(who).map(PlayerId);
        eye == Eye::Gm || (player.is_some_and(|it| eye == Eye::Owner(it)) && self.knows(eye, who))
    }

    /// A value without the ids of combatants that this eye does not know of, wherever they stand.
    pub(super) fn known_only(&self, eye: Eye, value: &Value) -> Value {
        let unknown = |value: &Value| {
            let id = value.as_str().and_then(|text| Uuid::parse_str(text).ok()).map(CombatantId);
            id.is_some_and(|id| self.combat.combatant(id).is_some() && !self.knows(eye, id))
        };
        match value {
            Value::Object(members) => {
                let known = members.iter().filter(|(_, member)| !unknown(member));
                known.map(|(name, member)| (name.clone(), self.known_only(eye, member))).collect()
            }
            Value::Array(items) => {
                let known = items.iter().filter(|item| !unknown(item));
                known.map(|item| self.known_only(eye, item)).collect()
            }
            other => other.clone(),
        }
    }

    /// Everybody that this eye knows of.
    pub(super) fn known_to(&self, eye: Eye) -> impl Iterator<Item = CombatantId> {
        let all = self.combat.combatants.values();
        all.filter(move |combatant| eye.knows(combatant)).map(|combatant| combatant.id)
    }

    /// The id as this eye may have it.
    fn known(&self, eye: Eye, id: Option<CombatantId>) -> Option<CombatantId> {
        id.filter(|id| self.knows(eye, *id))
    }

    /// `/combat`.
    pub(crate) fn document(&self, eye: Eye) -> Value {
        let mut whole = self.top(eye).members();
        let combatants = self.combat.combatants.values().filter(|combatant| eye.knows(combatant));
        let combatants: Map<String, Value> = combatants
            .map(|combatant| (combatant.id.0.to_string(), self.combatant(combatant, eye)))
            .collect();
        whole.insert("combatants".to_owned(), combatants.into());
        whole.insert("effects".to_owned(), Value::Object(self.effects(eye)));
        if let Some(grid) = self.grid() {
            whole.insert("grid".to_owned(), grid);
        }
        let asked = self.combat.prompt().filter(|prompt| self.decides(eye, prompt.who));
        let prompts: Map<String, Value> = asked
            .map(|prompt| {
                let id = self.fight.prompt_id(prompt.id).to_string();
                (id, Value::Object(prompts::data(self.fight, prompt)))
            })
            .into_iter()
            .collect();
        whole.insert("prompts".to_owned(), prompts.into());
        Value::Object(whole)
    }

    pub(super) fn grid(&self) -> Option<Value> {
        // A fight without a map has one of no squares.
        (self.combat.grid.width > 0).then(|| json!(*self.combat.grid))
    }

    /// What it says of the fight as a whole.
    pub(super) fn top(&self, eye: Eye) -> Top<'_> {
        let combat = self.combat;
        let active = combat.active();
        let shown = active.map(|id| if self.knows(eye, id) { id.0 } else { Uuid::nil() });
        let waits = match self.asks {
            Asks::Nobody => false,
            Asks::Somebody => true,
            Asks::Unawares(who) => self.knows(eye, who),
        };
        let step = if waits { "awaiting_decision" } else { "acting" };
        Top {
            combat_id: self.fight.id,
            phase: self.phase(),
            edition: combat.rules.edition,
            round: combat.round,
            turn_number: self.turn_number(eye),
            active_character: shown,
            order: self.order(eye),
            seed: &self.fight.seed,
            step: (combat.phase == Phase::Running).then_some(step),
        }
    }

    /// Whether somebody rides.
    pub(super) fn rides(&self, who: CombatantId) -> bool {
        self.view().mount(who).is_some()
    }

    /// The order as far as this eye knows of it.
    pub(super) fn order(&self, eye: Eye) -> Vec<CombatantId> {
        let here = |id: &CombatantId| {
            self.combat.combatant(*id).is_some_and(|combatant| eye.knows(combatant))
        };
        self.combat.order.iter().copied().filter(here).collect()
    }

    /// Place of the turn in the order that this eye knows, from 1; 0 before the first.
    pub(super) fn turn_number(&self, eye: Eye) -> usize {
        let Some(turn) = self.combat.turn else { return 0 };
        let so_far = self.combat.order.iter().take(turn + 1);
        let known = so_far
            .filter(|id| self.combat.combatant(**id).is_some_and(|combatant| eye.knows(combatant)));
        known.count().max(1)
    }

    pub(crate) fn phase(&self) -> &'static str {
        match self.combat.phase {
            _ if self.paused => "paused",
            Phase::Setup => "setup",
            Phase::RollingInitiative => "rolling_initiative",
            Phase::Running => "running",
            Phase::Ended => "ended",
        }
    }

    fn view(&self) -> View<'_> {
        View::of(self.combat, self.fight.book())
    }

    /// `combatant_view`.
    pub(super) fn combatant(&self, combatant: &Combatant, eye: Eye) -> Value {
        let mut shown = json!({
            "character_id": combatant.id,
            "name": combatant.name,
            "kind": combatant.kind,
            "owner_id": combatant.owner,
            "side": combatant.side,
            "size": combatant.block.size,
            "position": combatant.position,
            "elevation_ft": combatant.elevation_ft,
            "initiative": combatant.initiative,
            "health": self.health(combatant),
            "conditions": self.conditions(combatant, eye),
            "concentration": combatant.concentration.map(|id| self.fight.effect_id(id)),
        });
        if let Some(creature_type) = combatant.block.creature_type {
            shown["creature_type"] = json!(creature_type);
        }
        if combatant.squeezed {
            shown["squeezed"] = json!(true);
        }
        if !combatant.held.is_empty() {
            shown["held"] = json!(combatant.held);
        }
        if let Some(mount) = self.known(eye, self.view().mount(combatant.id)) {
            shown["mount_id"] = json!(mount);
        }
        if eye.sees_hp(combatant) {
            shown["hp"] = json!(self.hp(combatant));
            if combatant.kind == CombatantKind::Character {
                shown["death_saves"] = death_saves(combatant.life);
            }
        }
        if eye.commands(combatant) {
            self.numbers(combatant, &mut shown);
        }
        shown
    }

    /// Hit points with the maximum that effects leave.
    pub(super) fn hp(&self, combatant: &Combatant) -> HitPoints {
        HitPoints { max: self.view().max_hp(combatant.id), ..combatant.hp }
    }

    fn numbers(&self, combatant: &Combatant, shown: &mut Value) {
        let (view, id) = (self.view(), combatant.id);
        shown["hidden"] = json!(combatant.hidden);
        shown["ac"] = json!(combatant.block.ac);
        let mut speeds = Map::new();
        for (name, mode) in [
            ("walk", MovementMode::Walk),
            ("fly", MovementMode::Fly),
            ("swim", MovementMode::Swim),
            ("climb", MovementMode::Climb),
            ("burrow", MovementMode::Burrow),
        ] {
            if let Some(speed) = view.speed_ft(id, mode) {
                speeds.insert(name.to_owned(), speed.into());
            }
        }
        if combatant.block.speeds.hover {
            speeds.insert("hover".to_owned(), true.into());
        }
        shown["speeds"] = Value::Object(speeds);
        let economy = &combatant.economy;
        let left = movement_left_ft(view.walk_ft(id), economy.dashed_ft, economy.moved_ft);
        let turn_of = view.controlled_by(id).unwrap_or(id);
        let active = self.combat.active() == Some(turn_of);
        shown["economy"] = json!({
            "action": economy.action,
            "bonus_action": economy.bonus_action,
            "reaction": economy.reaction,
            "interaction": economy.interaction,
            "movement_left_ft": if active { left } else { 0 },
        });
        let keys = |keys: Vec<&gss_rules::Key>| json!(keys);
        let block = &combatant.block;
        let spells = block.spellcasting.as_ref().map(|casting| casting.spells.iter().collect());
        shown["options"] = json!({
            "attacks": keys(block.attacks.iter().map(|attack| &attack.attack_id).collect()),
            "uses": keys(block.uses.iter().map(|action| &action.use_id).collect()),
            "spells": keys(spells.unwrap_or_default()),
        });
        let slots = block.spellcasting.iter().flat_map(|casting| &casting.slots);
        let slots: Map<String, Value> = slots
            .map(|(level, most)| {
                let spent = combatant.slots_spent.get(level).copied().unwrap_or(0);
                let left = most.saturating_sub(spent);
                (level.to_string(), json!({"current": left, "max": most}))
            })
            .collect();
        if !slots.is_empty() {
            shown["spell_slots"] = Value::Object(slots);
        }
        let pools: Map<String, Value> = block
            .resources
            .iter()
            .map(|(key, pool)| {
                let spent = combatant.spent.get(key).copied().unwrap_or(0);
                let current = pool.current.saturating_sub(spent.into());
                (key.to_string(), json!(Pool { current, ..*pool }))
            })
            .collect();
        if !pools.is_empty() {
            shown["resources"] = Value::Object(pools);
        }
        if !combatant.spent.is_empty() {
            shown["spent"] = json!(combatant.spent);
        }
    }

    fn health(&self, combatant: &Combatant) -> &'static str {
        let hp = self.hp(combatant);
        match combatant.life {
            Life::Dead => "dead",
            Life::Stable => "stable",
            Life::Dying { .. } => "dying",
            Life::Alive if hp.current >= hp.max => "unhurt",
            Life::Alive if hp.current.saturating_mul(2) <= hp.max => "bloodied",
            Life::Alive => "hurt",
        }
    }

    fn conditions(&self, combatant: &Combatant, eye: Eye) -> Vec<Value> {
        let book = self.fight.book();
        let mut entries = Vec::new();
        for effect in self.combat.effects_on(combatant.id) {
            let source = self.known(eye, effect.source);
            for condition in &effect.template.conditions {
                let mut entry = json!({
                    "condition": condition,
                    "effect_id": self.fight.effect_id(effect.parent.unwrap_or(effect.id)),
                });
                if let Some(source) = source {
                    entry["source_id"] = json!(source);
                }
                let implied = book.conditions.of(*condition).implies.iter().map(|implied| {
                    let mut entry = entry.clone();
                    entry["condition"] = json!(implied);
                    entry["implied_by"] = json!(condition);
                    entry
                });
                let implied: Vec<Value> = implied.collect();
                if let Some(level) = effect.template.exhaustion {
                    entry["level"] = json!(level);
                }
                entries.push(entry);
                entries.extend(implied);
            }
        }
        entries
    }

    /// Running effects on those this eye knows of.
    pub(super) fn effects(&self, eye: Eye) -> Map<String, Value> {
        let mut shown = Map::new();
        for effect in self.combat.effects.values().filter(|effect| effect.parent.is_none()) {
            if let Some(value) = self.effect(effect, eye) {
                shown.insert(self.fight.effect_id(effect.id).to_string(), value);
            }
        }
        shown
    }

    /// Whether this eye is shown an effect, by itself or as part of the one it ends with.
    pub(crate) fn shows(&self, eye: Eye, id: EffectId) -> bool {
        let effects = &self.combat.effects;
        let root = effects.get(&id).map(|effect| effect.parent.unwrap_or(id));
        let root = root.and_then(|root| effects.get(&root));
        root.is_some_and(|root| self.effect(root, eye).is_some())
    }

    /// `effect`; None: on nobody that this eye knows of.
    pub(super) fn effect(&self, root: &Effect, eye: Eye) -> Option<Value> {
        let children: Vec<&Arc<Effect>> =
            self.combat.effects.values().filter(|effect| effect.parent == Some(root.id)).collect();
        let on: BTreeSet<CombatantId> = if children.is_empty() {
            [root.target].into()
        } else {
            children.iter().map(|effect| effect.target).collect()
        };
        let targets: Vec<CombatantId> =
            on.into_iter().filter(|target| self.knows(eye, *target)).collect();
        // What somebody holds is seen on who holds it.
        if targets.is_empty() && (children.is_empty() || !self.knows(eye, root.target)) {
            return None;
        }
        let shown = children.first().map_or(root, |child| child);
        let template = &shown.template;
        let holder = root.source.and_then(|source| self.combat.combatant(source));
        let held = holder.is_some_and(|holder| holder.concentration == Some(root.id));
        let mut value = json!({
            "effect_id": self.fight.effect_id(root.id),
            "name": template.name,
            "source_id": self.known(eye, root.source),
            "target_ids": targets,
            "concentration": held,
            "duration": template.duration,
            "conditions": template.conditions,
        });
        if let Some(key) = &template.key {
            value["key"] = json!(key);
        }
        if let Some(ends) = shown.ends.filter(|ends| self.knows(eye, ends.of)) {
            let edge = if ends.at == Point::End { "end" } else { "start" };
            value["ends"] = json!({"round": ends.round, "edge": edge, "character_id": ends.of});
        }
        let modifiers: Vec<Value> = template.modifiers.iter().filter_map(modifier).collect();
        if !modifiers.is_empty() {
            value["modifiers"] = json!(modifiers);
        }
        if let Some(save_ends) = &template.save_ends {
            value["save_ends"] = json!(save_ends);
        }
        // Of more the protocol has no list: what the area is says where.
        if let Some(covers) = shown.covers.as_ref().filter(|it| it.squares.len() <= SQUARES) {
            value["squares"] = json!(covers.squares);
        }
        if let Some(area) = &template.area {
            value["area"] = json!(area);
        }
        Some(value)
    }
}

/// Squares that are listed of an effect at most.
const SQUARES: usize = 10_000;

/// Kinds of modifiers that clients know.
const KINDS: &[&str] = &[
    "advantage",
    "disadvantage",
    "advantage_to_attackers",
    "disadvantage_to_attackers",
    "bonus",
    "die",
    "auto_fail",
    "auto_critical",
    "ac",
    "speed",
    "max_hp",
    "resistance",
    "immunity",
    "vulnerability",
    "reduce",
    "cannot_act",
    "cannot_react",
    "sense",
    "reach",
    "size",
];

/// Members of a modifier that clients know.
const MEMBERS: &[&str] =
    &["kind", "on", "abilities", "skills", "value", "dice", "set", "types", "unless"];

/// `modifier`; None: of a kind that clients do not know.
fn modifier(modifier: &Modifier) -> Option<Value> {
    let mut shown = object(json!(modifier));
    shown.retain(|name, _| MEMBERS.contains(&name.as_str()));
    let known = shown.get("kind").and_then(Value::as_str).is_some_and(|kind| KINDS.contains(&kind));
    known.then_some(Value::Object(shown))
}

fn death_saves(life: Life) -> Value {
    let (successes, failures) = match life {
        Life::Dying { successes, failures } => (successes, failures),
        Life::Alive | Life::Stable | Life::Dead => (0, 0),
    };
    json!({"successes": successes, "failures": failures, "stable": life == Life::Stable})
}
