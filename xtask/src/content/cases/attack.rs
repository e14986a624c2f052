//! Attacks: what hits, what misses, what a hit comes to.

use gss_rules::Condition;
use gss_rules::content::{Attack, AttackKind, Detail, Requirement, Rider, When};
use gss_rules::effect::DamageDice;
use serde_json::{Value, json};

use super::dice::Thrown;
use super::stage::{AT, Fate, HP, Subject, save_bonus};

/// The face that hits Armor Class bonus + 11, and the one that does not.
const HITS: i32 = 11;

/// Cases of an attack. None: something in it is not played.
pub(super) fn cases(of: &Subject<'_>) -> Option<Vec<Value>> {
    let attack = of.monster.block.attacks.iter().find(|it| it.attack_id == of.entry.id)?;
    let detail = of.detail();
    let known =
        |when| !matches!(when, When::Enlarged | When::Chosen | When::SmallForm | When::Shillelagh);
    if !detail.variants.iter().all(|it| known(it.when)) || !attack.two_handed_damage.is_empty() {
        return None;
    }
    let scene = Scene { of, attack, detail: &detail };
    let mut cases = vec![scene.miss()];
    match &attack.on_hit {
        None => cases.push(scene.hit("hit", &Go::default(), &attack.damage, None)?),
        Some(rider) => {
            let required = detail.rider.clone().unwrap_or_default();
            let go = Go { charge_ft: required.charge_ft, ..Go::default() };
            cases.push(scene.hit("hit", &go, &attack.damage, Some((rider, false)))?);
            if rider.save.is_some() {
                cases.push(scene.hit("saved", &go, &attack.damage, Some((rider, true)))?);
            }
            if required.charge_ft.is_some() {
                cases.push(scene.hit("no-charge", &Go::default(), &attack.damage, None)?);
            }
            if let Some(case) = scene.too_large(&required) {
                cases.push(case);
            }
        }
    }
    for variant in &detail.variants {
        let mut damage = if variant.extra { attack.damage.clone() } else { Vec::new() };
        damage.extend(variant.damage.clone());
        let name = format!("{:?}", variant.when).to_lowercase();
        let go = Go { when: Some(variant.when), charge_ft: variant.charge_ft, ..Go::default() };
        let rider = attack.on_hit.as_ref().map(|it| (it, false));
        cases.push(scene.hit(&name, &go, &damage, rider)?);
    }
    Some(cases)
}

/// How things stand as the attack is made.
#[derive(Default)]
struct Go {
    when: Option<When>,
    charge_ft: Option<i32>,
    too_large: bool,
}

struct Scene<'a> {
    of: &'a Subject<'a>,
    attack: &'a Attack,
    detail: &'a Detail,
}

impl Scene<'_> {
    fn ranged(&self, go: &Go) -> bool {
        let pulls = self.pull_ft() > 0 && self.attack.kind == AttackKind::MeleeOrRanged;
        self.attack.kind == AttackKind::Ranged || go.when == Some(When::AtRange) || pulls
    }

    fn pull_ft(&self) -> i32 {
        let pulled = self.attack.on_hit.iter().flat_map(|it| [&it.fail, &it.always]).flatten();
        pulled.filter_map(|it| it.pull_ft).max().unwrap_or(0)
    }

    /// Two squares away at range, so that nobody is beside the creature.
    fn gap(&self, go: &Go) -> i32 {
        let beyond = self.attack.reach_ft.unwrap_or(5) / 5 + 1;
        if self.ranged(go) { beyond.max(self.pull_ft() / 5) } else { 0 }
    }

    fn victim(&self, go: &Go) -> Value {
        let mut wanted = self.detail.targets.clone().unwrap_or_default();
        let rider = self.detail.rider.clone().unwrap_or_default();
        wanted.max_size = wanted.max_size.or(rider.max_size);
        wanted.types.extend(rider.types);
        wanted.not_types.extend(rider.not_types);
        // A swarm bites whom it covers.
        wanted.in_space |= self.attack.reach_ft == Some(0);
        let outcomes = self.attack.on_hit.iter().flat_map(|it| [&it.fail, &it.success, &it.always]);
        let slides = outcomes.flatten().any(|it| it.push_ft.or(it.pull_ft).is_some());
        if go.when == Some(When::Advantage) {
            wanted.condition = Some(Condition::Restrained);
        }
        let pull = self.pull_ft() / 5;
        let reach = self.attack.reach_ft.unwrap_or(5) / 5 - 1;
        let gap = if go.charge_ft.is_some() { 0 } else { self.gap(go).max(pull.min(reach)) };
        let wanted = Requirement { grappled_by_it: false, ..wanted };
        let mut victim = self.of.victim(gap, &wanted, slides);
        victim["block"]["ac"] = json!(self.attack.bonus + HITS);
        if go.too_large {
            victim["block"]["size"] = json!("gargantuan");
        }
        if go.when == Some(When::TargetBloodied) {
            victim["hp"] = json!(HP / 2);
        }
        victim
    }

    /// What comes before the attack: a hold, a run.
    fn before(&self, go: &Go, beast: &mut Value) -> Option<Vec<Value>> {
        let mut steps = Vec::new();
        let held = self.detail.targets.as_ref().is_some_and(|it| it.grappled_by_it);
        if held || go.when == Some(When::TargetGrappled) {
            steps.push(self.of.held());
        }
        if go.when == Some(When::Bloodied) {
            beast["hp"] = json!(self.of.monster.block.hp.max / 2);
        }
        if let Some(feet) = go.charge_ft {
            let speeds = json!(self.of.monster.block.speeds);
            let enough = |(_, speed): &(&String, &Value)| {
                speed.as_i64().is_some_and(|speed| speed >= i64::from(feet))
            };
            let (mode, _) = speeds.as_object()?.iter().rev().find(enough)?;
            let from = AT - feet / 5;
            beast["at"] = json!([from, AT]);
            let path: Vec<_> = (from + 1..=AT).map(|x| [x, AT]).collect();
            steps.push(json!({"move": {"who": "a", "mode": mode, "path": path}}));
        }
        Some(steps)
    }

    fn command(&self) -> Value {
        json!({"who": "a", "target": "b", "attack": self.attack.attack_id})
    }

    /// Both d20 where one of them does not count.
    fn d20(&self, victim: &Value, face: i32, thrown: &mut Thrown) {
        thrown.face(20, face);
        let prone = self.detail.targets.as_ref().is_some_and(|it| it.condition.is_some());
        let restrained = victim["conditions"] == json!(["restrained"]);
        if prone || restrained {
            thrown.face(20, 2);
        }
    }

    /// A roll that comes to one less than the Armor Class, and an attack from too far away.
    fn miss(&self) -> Value {
        let go = Go::default();
        let victim = self.victim(&go);
        let mut beast = self.of.beast();
        let mut steps = self.before(&go, &mut beast).unwrap_or_default();
        let range = self.attack.range_ft.map(|it| it.long.unwrap_or(it.normal));
        let (most, code) = match range {
            Some(range) => (range, "out_of_range"),
            None => (self.attack.reach_ft.unwrap_or(5), "out_of_reach"),
        };
        let mut who = json!({"a": beast, "b": victim});
        if self.detail.targets.is_none() {
            let x = AT + self.of.side() + most / 5;
            who["c"] = json!({"at": [x, AT]});
            let far = json!({"who": "a", "target": "c", "attack": self.attack.attack_id});
            steps.push(json!({"attack": far, "refused": code}));
        }
        let mut thrown = Thrown::default();
        self.d20(&victim, HITS - 1, &mut thrown);
        steps.push(json!({"attack": self.command(), "faces": thrown.faces}));
        let mut then = Fate::default().then(&victim);
        if !self.held().is_empty() {
            then["conditions"] = json!(self.held());
        }
        self.of.case("miss", who, steps, json!({"b": then}))
    }

    fn held(&self) -> Vec<Condition> {
        let held = self.detail.targets.as_ref().is_some_and(|it| it.grappled_by_it);
        let prone = self.detail.targets.as_ref().and_then(|it| it.condition);
        held.then_some(Condition::Grappled).into_iter().chain(prone).collect()
    }

    /// A roll that comes to the Armor Class.
    fn hit(
        &self,
        what: &str,
        go: &Go,
        damage: &[DamageDice],
        rider: Option<(&Rider, bool)>,
    ) -> Option<Value> {
        let mut victim = self.victim(go);
        let mut beast = self.of.beast();
        let mut steps = self.before(go, &mut beast)?;
        let mut thrown = Thrown::default();
        self.d20(&victim, HITS, &mut thrown);
        let mut fate = Fate { damage: thrown.damage(damage)?, ..Fate::default() };
        if go.when == Some(When::TargetGrappled)
            || self.detail.targets.as_ref().is_some_and(|it| it.grappled_by_it)
        {
            fate.conditions.push(Condition::Grappled);
        }
        if let Some((rider, saved)) = rider {
            if let Some(save) = rider.save {
                save_bonus(&mut victim, save);
                thrown.face(20, if saved { 11 } else { 10 });
            }
            let more = thrown.damage(&rider.damage)?;
            let half = rider.save.is_some_and(|it| it.half);
            // Each part is halved by itself.
            if saved && half && rider.damage.len() > 1 {
                return None;
            }
            fate.damage += match (saved, half) {
                (false, _) => more,
                (true, true) => more / 2,
                (true, false) => 0,
            };
            let outcome = if saved { &rider.success } else { &rider.fail };
            for outcome in [outcome, &rider.always].into_iter().flatten() {
                fate.befall(&mut thrown, outcome, self.detail)?;
            }
        }
        steps.push(json!({"attack": self.command(), "faces": thrown.faces}));
        let then = json!({"b": fate.then(&victim)});
        Some(self.of.case(what, json!({"a": beast, "b": victim}), steps, then))
    }

    /// A hit on somebody whom the rest is not for.
    fn too_large(&self, required: &Requirement) -> Option<Value> {
        let attack = self.attack;
        required.max_size.filter(|most| *most < gss_rules::Size::Gargantuan)?;
        let go = Go { too_large: true, ..Go::default() };
        self.hit("too-large", &go, &attack.damage, None)
    }
}
