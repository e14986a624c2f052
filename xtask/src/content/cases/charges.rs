//! Runs that a hit ends: a square too short, a failed save, one that is made, the attack on who lies
//! there.

use anyhow::{Context, Result};
use gss_rules::Key;
use gss_rules::content::{Attack, Charge, Requirement, Trait};
use serde_json::{Value, json};

use super::dice::Thrown;
use super::stage::{AT, HP, Subject, save_bonus};
use crate::cargo;

/// The face that hits Armor Class bonus + 11.
const HITS: i32 = 11;

/// What traits of an edition do.
pub(super) fn traits(edition: &str) -> Result<Vec<Trait>> {
    let file = format!("rules/content/overlay/{edition}/traits.json");
    let text = std::fs::read_to_string(cargo::root().join(&file)).context(file.clone())?;
    serde_json::from_str(&text).context(file)
}

/// Cases of a trait that is a charge. None: it is none.
pub(super) fn cases(of: &Subject<'_>, traits: &[Trait]) -> Option<Vec<Value>> {
    let own = |it: &&Trait| it.monsters.contains(&of.monster.id);
    let named = |it: &&Trait| it.of.as_ref().unwrap_or(&it.id) == &of.entry.id;
    let all = |it: &&Trait| it.monsters.is_empty();
    let mut fitting = traits.iter().filter(named);
    let found = fitting.clone().find(own).or_else(|| fitting.find(all))?;
    let charge = found.charge.as_ref()?;
    let block = &of.monster.block;
    let attack = block.attacks.iter().find(|it| charge.with.contains(&it.attack_id))?;
    if follows(of, attack) {
        return None;
    }
    let scene = Scene { of, attack, charge };
    let mut cases = vec![scene.run("too-short", 1, false)?];
    if of.detail().facts?.saves.is_empty() {
        cases.push(scene.run("charged", 0, false)?);
        return Some(cases);
    }
    cases.push(scene.run("failed", 0, false)?);
    cases.push(scene.run("saved", 0, true)?);
    if !charge.then.is_empty() {
        cases.push(scene.again()?);
        cases.push(scene.upright()?);
    }
    Some(cases)
}

/// Whether more than damage follows a hit on somebody of no type.
fn follows(of: &Subject<'_>, attack: &Attack) -> bool {
    let rider = of.monster.details.get(&attack.attack_id).and_then(|it| it.rider.as_ref());
    attack.on_hit.is_some() && rider.is_none_or(|it| it.types.is_empty())
}

struct Scene<'a> {
    of: &'a Subject<'a>,
    attack: &'a Attack,
    charge: &'a Charge,
}

impl Scene<'_> {
    fn victim(&self) -> Option<Value> {
        let facts = self.of.detail().facts?;
        let mut victim = self.of.victim(0, &Requirement::default(), facts.feet.len() > 1);
        victim["block"]["ac"] = json!(self.attack.bonus + HITS);
        if let Some(save) = facts.saves.first() {
            save_bonus(&mut victim, *save);
        }
        Some(victim)
    }

    /// The creature so many squares nearer than its run asks for, and the way it goes.
    fn runner(&self, nearer: i32) -> Option<(Value, Value)> {
        let squares = self.of.detail().facts?.feet.first()? / 5 - nearer;
        let path: Vec<[i32; 2]> = (1..=squares).map(|step| [AT - squares + step, AT]).collect();
        let walks = self.of.monster.block.speeds.walk >= squares * 5;
        let mode = if walks { "walk" } else { "swim" };
        let beast = json!({"monster": self.of.monster.id, "at": [AT - squares, AT]});
        Some((beast, json!({"move": {"who": "a", "mode": mode, "path": path}})))
    }

    /// The hit that ends the run, with what it deals; whether the save against it is made.
    fn hit(&self, charged: bool, saved: bool) -> Option<(Value, i32)> {
        let facts = self.of.detail().facts?;
        let mut thrown = Thrown::default();
        thrown.face(20, HITS);
        let mut dealt = thrown.damage(&self.attack.damage)?;
        if charged {
            dealt += thrown.damage(&facts.damage)?;
            if let Some(dice) = facts.dice.first() {
                dealt += thrown.throw(dice)?;
            }
            if !facts.saves.is_empty() {
                thrown.face(20, if saved { 11 } else { 10 });
            }
        }
        let attack = json!({"who": "a", "target": "b", "attack": self.attack.attack_id});
        Some((json!({"attack": attack, "faces": thrown.faces}), dealt))
    }

    fn run(&self, name: &str, nearer: i32, saved: bool) -> Option<Value> {
        let facts = self.of.detail().facts?;
        let (beast, walk) = self.runner(nearer)?;
        let victim = self.victim()?;
        let charged = nearer == 0;
        let (hit, dealt) = self.hit(charged, saved)?;
        let falls = charged && !saved && !facts.saves.is_empty();
        let conditions = if falls { json!(["prone"]) } else { json!([]) };
        let mut then = json!({"b": {"hp": HP - dealt, "conditions": conditions}});
        let squares = facts.feet.get(1).filter(|_| falls).map_or(0, |feet| feet / 5);
        if let (Some(x), Some(y)) = (victim["at"][0].as_i64(), victim["at"][1].as_i64()) {
            then["b"]["position"] = json!([x + i64::from(squares), y]);
        }
        Some(self.of.case(name, json!({"a": beast, "b": victim}), vec![walk, hit], then))
    }

    fn then(&self) -> Option<&Attack> {
        let block = &self.of.monster.block;
        let of_it = |id: &Key| block.attacks.iter().find(|it| it.attack_id == *id);
        self.charge.then.iter().find_map(of_it)
    }

    /// Once more, with the bonus action, at who lies there; not a third time.
    fn again(&self) -> Option<Value> {
        let second = self.then().filter(|it| !follows(self.of, it))?;
        let (beast, walk) = self.runner(0)?;
        let (hit, dealt) = self.hit(true, false)?;
        let mut victim = self.victim()?;
        victim["block"]["ac"] = json!(self.attack.bonus.min(second.bonus) + HITS);
        let mut thrown = Thrown::default();
        // Who lies on the ground is hit more easily from beside it.
        thrown.face(20, HITS);
        thrown.face(20, 2);
        let more = thrown.damage(&second.damage)?;
        let how = json!({"extra": "pounce"});
        let attack = json!({"who": "a", "target": "b", "attack": second.attack_id, "how": how});
        let steps = vec![
            walk,
            hit,
            json!({"attack": attack, "faces": thrown.faces}),
            json!({"attack": attack, "refused": "wrong_manner"}),
        ];
        let then = json!({
            "a": {"economy": {"action": false, "bonus_action": false}},
            "b": {"hp": HP - dealt - more},
        });
        Some(self.of.case("again", json!({"a": beast, "b": victim}), steps, then))
    }

    /// Not at who stands.
    fn upright(&self) -> Option<Value> {
        let second = self.then()?;
        let (beast, walk) = self.runner(0)?;
        let (hit, dealt) = self.hit(true, true)?;
        let how = json!({"extra": "pounce"});
        let attack = json!({"who": "a", "target": "b", "attack": second.attack_id, "how": how});
        let steps = vec![walk, hit, json!({"attack": attack, "refused": "wrong_manner"})];
        let then = json!({"b": {"hp": HP - dealt, "conditions": []}});
        Some(self.of.case("upright", json!({"a": beast, "b": self.victim()?}), steps, then))
    }
}
