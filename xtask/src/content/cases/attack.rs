//! Attacks: what hits, what misses, what a hit comes to.

use gss_rules::Condition;
use gss_rules::content::{Attack, AttackKind, Burns, Detail, Favored, Requirement, Rider, When};
use gss_rules::effect::DamageDice;
use serde_json::{Value, json};

use super::aftermath;
use super::dice::Thrown;
use super::stage::{AT, Fate, HP, Subject, save_bonus};

/// The face that hits Armor Class bonus + 11, and the one that does not.
const HITS: i32 = 11;

/// Cases of an attack. None: something in it is not played.
pub(super) fn cases(of: &Subject<'_>) -> Option<Vec<Value>> {
    let attack = of.monster.block.attacks.iter().find(|it| it.attack_id == of.entry.id)?;
    let detail = of.detail();
    let scene = Scene { of, attack, detail: &detail };
    let mut cases = vec![scene.miss()];
    let rider = attack.on_hit.as_deref();
    let always = rider.filter(|it| !it.chosen);
    match always {
        None => cases.push(scene.hit("hit", &Go::default(), &attack.damage, None)?),
        Some(rider) => scene.ridden(rider, &mut cases)?,
    }
    if !attack.two_handed_damage.is_empty() {
        let go = Go { how: Some("two_handed"), ..Go::default() };
        let rider = always.map(|it| (it, Went::Failed));
        cases.push(scene.hit("two-handed", &go, &attack.two_handed_damage, rider)?);
    }
    for variant in &detail.variants {
        let mut damage = if variant.extra { attack.damage.clone() } else { Vec::new() };
        damage.extend(variant.damage.clone());
        let name = format!("{:?}", variant.when).to_lowercase();
        let how = (variant.when == When::Chosen).then_some("other");
        let (when, charge_ft) = (Some(variant.when), variant.charge_ft);
        let go = Go { when, charge_ft, how, ..Go::default() };
        let rider = rider.filter(|it| !it.chosen || how.is_some());
        cases.push(scene.hit(&name, &go, &damage, rider.map(|it| (it, Went::Failed)))?);
    }
    cases.extend(scene.who_not());
    cases.extend(scene.favored());
    if detail.hits_held {
        let go = Go { held: true, sure: true, ..Go::default() };
        let rider = always.map(|it| (it, Went::Failed));
        cases.push(scene.hit("sure", &go, &attack.damage, rider)?);
    }
    Some(cases)
}

/// How a rider goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Went {
    /// The save is made.
    Saved,
    /// It fails by one, or there is none.
    Failed,
    /// It fails by five.
    Badly,
    /// The damage brings the target down.
    Down,
}

/// How things stand as the attack is made.
#[derive(Clone, Default)]
pub(super) struct Go {
    when: Option<When>,
    charge_ft: Option<i32>,
    too_large: bool,
    /// A way of making it.
    how: Option<&'static str>,
    /// The target is held before.
    held: bool,
    /// It hits without a roll.
    sure: bool,
    /// The rider is not for such a target.
    other: bool,
    /// It rolls with advantage by its record.
    favored: bool,
    /// The target's score that the hit lessens is 1.
    weak: bool,
}

/// A hit as it was set up.
pub(super) struct Struck {
    pub(super) who: Value,
    pub(super) steps: Vec<Value>,
    pub(super) fate: Fate,
}

pub(super) struct Scene<'a> {
    pub(super) of: &'a Subject<'a>,
    pub(super) attack: &'a Attack,
    detail: &'a Detail,
}

impl Scene<'_> {
    /// Cases of a hit with what follows it.
    fn ridden(&self, rider: &Rider, cases: &mut Vec<Value>) -> Option<()> {
        let damage = &self.attack.damage;
        let required = self.detail.rider.clone().unwrap_or_default();
        let go = Go { charge_ft: required.charge_ft, ..Go::default() };
        cases.push(self.hit("hit", &go, damage, Some((rider, Went::Failed)))?);
        if rider.save.is_some() {
            cases.push(self.hit("saved", &go, damage, Some((rider, Went::Saved)))?);
        }
        if rider.fail_badly.is_some() {
            cases.push(self.hit("badly", &go, damage, Some((rider, Went::Badly)))?);
        }
        if rider.at_zero.is_some() {
            cases.push(self.hit("at-zero", &go, damage, Some((rider, Went::Down)))?);
        }
        let outcomes = [&rider.fail, &rider.always].into_iter().flatten();
        if outcomes.clone().any(|it| it.weakens.is_some()) {
            let go = Go { weak: true, ..go.clone() };
            cases.push(self.hit("weak", &go, damage, Some((rider, Went::Failed)))?);
        }
        if required.charge_ft.is_some() {
            cases.push(self.hit("no-charge", &Go::default(), damage, None)?);
        }
        if required.burns.is_some() || required.max_hp.is_some() {
            let go = Go { other: true, ..Go::default() };
            cases.push(self.hit("not-for-it", &go, damage, None)?);
        }
        cases.extend(self.too_large(&required));
        aftermath::cases(self, &go, rider, cases)
    }

    /// Whom the attack is not for.
    fn who_not(&self) -> Option<Value> {
        let targets = self.detail.targets.as_ref()?;
        if !targets.at_mercy && !targets.not_grappled_by_it {
            return None;
        }
        let mut victim = self.victim(&Go::default());
        victim["conditions"] = json!([]);
        let mut steps = Vec::new();
        if targets.not_grappled_by_it {
            steps.push(self.of.held());
        }
        steps.push(json!({"attack": self.command(&Go::default()), "refused": "invalid_target"}));
        let who = json!({"a": self.of.beast(), "b": victim});
        Some(self.of.case("not-on-it", who, steps, json!({"b": {"hp": HP}})))
    }

    /// A roll with advantage where the record says so; without it where it does not hold.
    fn favored(&self) -> Option<Value> {
        let favored = self.detail.favored?;
        let held = favored == Favored::TargetGrappled;
        let rider = self.attack.on_hit.as_deref().filter(|it| !it.chosen && !held);
        let go = Go { favored: true, held, ..Go::default() };
        if self.detail.variants.iter().any(|it| it.when == When::TargetGrappled) && held {
            return None;
        }
        let rider = rider.map(|it| (it, Went::Failed));
        self.hit("favored", &go, &self.attack.damage, rider)
    }

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
        if go.when == Some(When::Advantage) || wanted.at_mercy {
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
        if go.favored && self.detail.favored == Some(Favored::TargetWounded) {
            victim["hp"] = json!(HP - 1);
        }
        if let Some(most) = rider.max_hp.filter(|_| !go.other) {
            victim["hp"] = json!(most);
            victim["block"]["hp"] = json!({"current": most, "max": most});
        }
        if rider.burns == Some(Burns::Objects) && !go.other {
            victim["kind"] = json!("object");
            victim["block"]["tags"] = json!(["flammable"]);
        } else if rider.burns == Some(Burns::Anybody) && go.other {
            victim["kind"] = json!("object");
        }
        if go.weak {
            victim["block"]["abilities"] = json!({"str": 1});
        }
        victim
    }

    /// What comes before the attack: a hold, a run.
    fn before(&self, go: &Go, beast: &mut Value) -> Option<Vec<Value>> {
        let mut steps = Vec::new();
        let held = self.detail.targets.as_ref().is_some_and(|it| it.grappled_by_it);
        if held || go.held || go.when == Some(When::TargetGrappled) {
            steps.push(self.of.held());
        }
        match go.when {
            Some(When::Enlarged) => {
                let effect = json!({
                    "name": "Enlarged", "key": "enlarge", "duration": {"kind": "permanent"}
                });
                let put = json!({"effect": effect, "source": "a", "targets": ["a"]});
                steps.push(json!({"apply_effect": put}));
            }
            Some(When::SmallForm) => beast["block"] = json!({"size": "medium"}),
            Some(When::Shillelagh) => {
                steps.push(json!({"cast": {"who": "a", "spell": "shillelagh"}}));
            }
            _ => {}
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

    fn command(&self, go: &Go) -> Value {
        let mut command = json!({"who": "a", "target": "b", "attack": self.attack.attack_id});
        if let Some(how) = go.how {
            command["how"] = json!({how: true});
        }
        command
    }

    /// Whether the record gives the roll advantage as things stand.
    fn has_favor(&self, go: &Go) -> bool {
        match self.detail.favored {
            Some(Favored::FirstRound) => true,
            Some(Favored::TargetGrappled) => go.held || go.when == Some(When::TargetGrappled),
            Some(Favored::TargetWounded) => go.favored,
            None => false,
        }
    }

    /// Both d20 where one of them does not count.
    fn d20(&self, (victim, go): (&Value, &Go), face: i32, thrown: &mut Thrown) {
        thrown.face(20, face);
        let prone = self.detail.targets.as_ref().is_some_and(|it| it.condition.is_some());
        let restrained = victim["conditions"] == json!(["restrained"]);
        if prone || restrained || self.has_favor(go) {
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
        self.d20((&victim, &go), HITS - 1, &mut thrown);
        steps.push(json!({"attack": self.command(&go), "faces": thrown.faces}));
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
        rider: Option<(&Rider, Went)>,
    ) -> Option<Value> {
        let Struck { who, steps, fate } = self.strike(go, damage, rider)?;
        let mut then = json!({"b": fate.then(&who["b"])});
        if let Some(hp) = fate.attacker_hp {
            then["a"] = json!({"hp": hp.min(self.of.monster.block.hp.max)});
        }
        Some(self.of.case(what, who, steps, then))
    }

    /// A hit, and what comes of it.
    pub(super) fn strike(
        &self,
        go: &Go,
        damage: &[DamageDice],
        rider: Option<(&Rider, Went)>,
    ) -> Option<Struck> {
        let mut victim = self.victim(go);
        let mut beast = self.of.beast();
        let mut steps = self.before(go, &mut beast)?;
        if let (Some(When::Shillelagh), Some(list)) = (go.when, &self.of.monster.block.spellcasting)
        {
            victim["block"]["ac"] = json!(list.attack_bonus + HITS);
        }
        let mut thrown = Thrown::default();
        if !go.sure {
            self.d20((&victim, go), HITS, &mut thrown);
        }
        let mut fate = Fate::default();
        let parts = thrown.damages(damage)?;
        fate.taken.extend(damage.iter().map(|part| part.kind).zip(parts));
        if go.held
            || go.when == Some(When::TargetGrappled)
            || self.detail.targets.as_ref().is_some_and(|it| it.grappled_by_it)
        {
            fate.conditions.push(Condition::Grappled);
        }
        if let Some((rider, went)) = rider {
            self.ride(rider, went, (&mut victim, &mut thrown, &mut fate))?;
        }
        fate.damage += fate.taken.iter().map(|(_, amount)| amount).sum::<i32>();
        if let Some((_, Went::Down)) = rider {
            victim["kind"] = json!("character");
            victim["hp"] = json!(fate.damage);
        }
        if fate.attacker_hp.is_some() {
            beast["hp"] = json!(1);
            beast["block"] = json!({"traits": []});
        }
        fate.falls(go.weak);
        steps.push(json!({"attack": self.command(go), "faces": thrown.faces}));
        Some(Struck { who: json!({"a": beast, "b": victim}), steps, fate })
    }

    /// What follows the hit.
    fn ride(
        &self,
        rider: &Rider,
        went: Went,
        (victim, thrown, fate): (&mut Value, &mut Thrown, &mut Fate),
    ) -> Option<()> {
        let saved = went == Went::Saved;
        if let Some(save) = rider.save {
            save_bonus(victim, save);
            thrown.face(
                20,
                match went {
                    Went::Saved => 11,
                    Went::Failed | Went::Down => 10,
                    Went::Badly => 6,
                },
            );
        }
        let half = rider.save.is_some_and(|it| it.half);
        for (part, rolled) in rider.damage.iter().zip(thrown.damages(&rider.damage)?) {
            let taken = match (saved, half) {
                (false, _) => rolled,
                (true, true) => rolled / 2,
                (true, false) => 0,
            };
            fate.taken.push((part.kind, taken));
        }
        if let (Went::Down, Some(at_zero)) = (went, &rider.at_zero) {
            fate.conditions.extend([Condition::Prone, Condition::Unconscious]);
            fate.befall(thrown, &at_zero.outcome, self.detail)?;
        }
        let outcome = match went {
            Went::Saved => &rider.success,
            Went::Badly => &rider.fail_badly,
            Went::Failed | Went::Down => &rider.fail,
        };
        for outcome in [outcome, &rider.always].into_iter().flatten() {
            fate.befall(thrown, outcome, self.detail)?;
        }
        Some(())
    }

    /// A hit on somebody whom the rest is not for.
    fn too_large(&self, required: &Requirement) -> Option<Value> {
        let attack = self.attack;
        required.max_size.filter(|most| *most < gss_rules::Size::Gargantuan)?;
        let go = Go { too_large: true, ..Go::default() };
        self.hit("too-large", &go, &attack.damage, None)
    }
}
