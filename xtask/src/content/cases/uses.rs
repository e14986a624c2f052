//! Special actions: areas, saves, what they come to, how often; resistance of the legendary.

use gss_rules::content::{Cost, Shape, SpecialAction, Who};
use serde_json::{Value, json};

use super::dice::Thrown;
use super::stage::{AT, Fate, HP, Subject, save_bonus};

/// Squares between the creature and whom its cone is to cover: a cone is narrow where it begins.
const CONE_GAP: i32 = 2;

/// Cases of a use. None: something in it is not played.
pub(super) fn cases(of: &Subject<'_>) -> Option<Vec<Value>> {
    let breaths: Vec<&SpecialAction> = of
        .monster
        .block
        .uses
        .iter()
        .filter(|it| {
            let detail = of.monster.details.get(&it.use_id);
            it.use_id == of.entry.id
                || detail.is_some_and(|it| it.shared.as_ref() == Some(&of.entry.id))
        })
        .collect();
    if breaths.is_empty() {
        return None;
    }
    let mut cases = Vec::new();
    for action in breaths {
        let scene = Scene { of, action };
        let name = |what: &str| match action.use_id == of.entry.id {
            true => what.to_owned(),
            false => format!("{}-{what}", action.use_id),
        };
        cases.push(scene.used(&name("failed"), false)?);
        if action.save.is_some() {
            cases.push(scene.used(&name("saved"), true)?);
        }
    }
    Some(cases)
}

struct Scene<'a> {
    of: &'a Subject<'a>,
    action: &'a SpecialAction,
}

impl Scene<'_> {
    fn detail(&self) -> gss_rules::content::Detail {
        self.of.monster.details.get(&self.action.use_id).cloned().unwrap_or_default()
    }

    fn victim(&self) -> Value {
        let wanted = self.detail().targets.unwrap_or_default();
        let outcomes = [&self.action.fail, &self.action.success, &self.action.always];
        let all = outcomes.into_iter().flatten();
        let slides = all.clone().any(|it| it.push_ft.or(it.pull_ft).is_some());
        let pull = all.filter_map(|it| it.pull_ft).max().unwrap_or(0) / 5;
        let gap = match self.action.area.map(|it| it.shape) {
            Some(Shape::Cone) => CONE_GAP,
            // The creature is out of it.
            Some(Shape::Sphere | Shape::Cylinder) => {
                let range = self.action.range_ft.unwrap_or(0);
                self.action.area.map_or(0, |it| it.size_ft / 5 + 1).min(range / 5)
            }
            _ => 0,
        };
        let mut victim = self.of.victim(gap.max(pull), &wanted, slides);
        if matches!(self.action.area.map(|it| it.shape), Some(Shape::Cone | Shape::Line)) && !slides
        {
            victim["at"][1] = json!(AT + self.of.side() / 2);
        }
        victim
    }

    /// The command or the answer, and the steps that lead there.
    fn steps(&self, victim: &Value, thrown: Thrown) -> Option<Vec<Value>> {
        let id = &self.action.use_id;
        let detail = self.detail();
        let (x, y) = (victim["at"][0].as_i64()?, victim["at"][1].as_i64()?);
        let mut what = json!({"id": id});
        match self.action.area.map(|it| it.shape) {
            None if self.action.targets != Some(0) => what["targets"] = json!(["b"]),
            Some(Shape::Cone | Shape::Line) => what["direction"] = json!([x + 1, y]),
            Some(Shape::Sphere | Shape::Cylinder | Shape::Cube) => what["at"] = json!([x, y]),
            None | Some(Shape::Emanation) => {}
        }
        if detail.who == Some(Who::Chosen) {
            what["targets"] = json!(["b"]);
        }
        let mut steps = Vec::new();
        let held = detail.targets.as_ref().is_some_and(|it| it.grappled_by_it);
        if held {
            steps.push(self.of.held());
        }
        match self.action.cost {
            Cost::Action | Cost::BonusAction => {
                what["who"] = json!("a");
                steps.push(json!({"use_action": what, "faces": thrown.faces}));
                let once = detail.rest_recharges || detail.once_per_round;
                if self.action.recharge.is_some() || self.action.per_day == Some(1) || once {
                    steps.push(json!({"use_action": what, "refused": "spent"}));
                }
            }
            Cost::Legendary => {
                what["kind"] = json!("use");
                steps.push(json!({"end_turn": {"who": "b"}, "asks": "a"}));
                steps.push(json!({"answer": what, "faces": thrown.faces}));
            }
            Cost::Reaction | Cost::Lair | Cost::Free => return None,
        }
        Some(steps)
    }

    fn used(&self, what: &str, saved: bool) -> Option<Value> {
        let (action, detail) = (self.action, self.detail());
        let unplayed = detail.moves_percent.is_some() && action.cost != Cost::Legendary;
        let inside = detail.targets.as_ref().is_some_and(|it| it.in_space)
            && !self.of.monster.block.tags.iter().any(|tag| tag.as_str() == "swarm");
        if unplayed || inside {
            return None;
        }
        let mut victim = self.victim();
        let mut beast = self.of.beast();
        let mut thrown = Thrown::default();
        let damage = thrown.damage(&action.damage)?;
        let healed = match &action.healing {
            Some(dice) => Some(thrown.throw(dice)?),
            None => None,
        };
        let mut fate = Fate::default();
        if detail.targets.as_ref().is_some_and(|it| it.grappled_by_it) {
            fate.conditions.push(gss_rules::Condition::Grappled);
        }
        if let Some(save) = action.save {
            save_bonus(&mut victim, save);
            thrown.face(20, if saved { 11 } else { 10 });
        }
        let half = action.save.is_some_and(|it| it.half);
        if saved && half && action.damage.len() > 1 {
            return None;
        }
        fate.damage = match (saved, half) {
            (false, _) => damage,
            (true, true) => damage / 2,
            (true, false) => 0,
        };
        let outcome = if saved { &action.success } else { &action.fail };
        for outcome in [outcome, &action.always].into_iter().flatten() {
            fate.befall(&mut thrown, outcome, &detail)?;
        }
        let mut then = json!({"b": fate.then(&victim)});
        if let Some(healed) = healed {
            let most = self.of.monster.block.hp.max;
            beast["hp"] = json!(1);
            then["a"] = json!({"hp": (1 + healed).min(most)});
        }
        if action.cost == Cost::Legendary {
            let cost = action.legendary_cost.unwrap_or(1);
            then["a"] = json!({"spent": {"legendary-actions": cost}});
        }
        let steps = self.steps(&victim, thrown)?;
        let mut who = json!({"a": beast, "b": victim});
        if action.cost == Cost::Legendary {
            // Somebody's turn comes before that of the creature, which brings its actions back.
            who["b"]["initiative"] = json!(200);
            who["c"] = json!({"initiative": 150});
        }
        Some(self.of.case(what, who, steps, then))
    }
}

/// A burst as the creature dies by somebody's hand.
pub(super) fn burst(of: &Subject<'_>) -> Option<Vec<Value>> {
    let action = of.monster.block.uses.iter().find(|it| it.use_id == of.entry.id)?;
    let save = action.save?;
    let detail = of.detail();
    let mut cases = Vec::new();
    for saved in [false, true] {
        let wanted = detail.targets.clone().unwrap_or_default();
        let mut victim = of.victim(0, &wanted, false);
        save_bonus(&mut victim, save);
        victim["block"]["attacks"] = json!([{
            "attack_id": "blow", "name": "Blow", "kind": "melee", "bonus": 100,
            "damage": [{"dice": "500", "type": "force"}]
        }]);
        victim["initiative"] = json!(200);
        let mut thrown = Thrown::default();
        thrown.face(20, 5);
        let damage = thrown.damage(&action.damage)?;
        thrown.face(20, if saved { 11 } else { 10 });
        let mut fate = Fate {
            damage: match (saved, save.half) {
                (false, _) => damage,
                (true, true) => damage / 2,
                (true, false) => 0,
            },
            ..Fate::default()
        };
        let outcome = if saved { &action.success } else { &action.fail };
        for outcome in [outcome, &action.always].into_iter().flatten() {
            fate.befall(&mut thrown, outcome, &detail)?;
        }
        let strike = json!({"who": "b", "target": "a", "attack": "blow"});
        let step = json!({"attack": strike, "faces": thrown.faces});
        let then = json!({"a": {"life": "dead"}, "b": fate.then(&victim)});
        let who = json!({"a": of.beast(), "b": victim});
        let what = if saved { "saved" } else { "failed" };
        cases.push(of.case(what, who, vec![step], then));
    }
    Some(cases)
}

/// A failed save that the creature turns into a success.
pub(super) fn resistance(of: &Subject<'_>) -> Value {
    let test = json!({
        "use_id": "test", "name": "Test", "cost": "action", "targets": 1, "range_ft": 60,
        "damage": [{"dice": "10", "type": "force"}],
        "save": {"ability": "cha", "dc": 60}
    });
    let victim = json!({
        "at": [AT + of.side(), AT], "initiative": 200,
        "block": {"hp": {"current": HP, "max": HP}, "uses": [test]}
    });
    let mut beast = of.beast();
    // A face of one fails whatever else speaks for the creature.
    beast["block"] =
        json!({"saves": {"cha": 0}, "traits": [], "resistances": [], "immunities": []});
    let used = json!({"who": "b", "id": "test", "targets": ["a"]});
    let steps = vec![
        json!({"use_action": used, "faces": ["20:1"], "asks": "a"}),
        json!({"answer": {"kind": "react", "option": "legendary-resistance"}}),
    ];
    let hp = of.monster.block.hp.max;
    let then = json!({"a": {"hp": hp, "spent": {"legendary-resistance": 1}}});
    of.case("turned", json!({"a": beast, "b": victim}), steps, then)
}
