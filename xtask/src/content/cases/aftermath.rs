//! What an effect that a hit brought does afterwards: each turn, to the next roll, to healing, and
//! how it is ended.

use gss_rules::content::{OutcomeSpec, Rider};
use gss_rules::effect::{Edge, EffectTemplate, Ending, Hook, ModifierKind};
use serde_json::{Value, json};

use super::attack::{Go, Scene, Struck, Went};
use super::dice::Thrown;
use super::stage::AT;

/// Cases of all effects of a rider.
pub(super) fn cases(
    scene: &Scene<'_>,
    go: &Go,
    rider: &Rider,
    cases: &mut Vec<Value>,
) -> Option<()> {
    let all = [
        (&rider.fail, Went::Failed),
        (&rider.always, Went::Failed),
        (&rider.fail_badly, Went::Badly),
    ];
    for (outcome, went) in all {
        if let Some(OutcomeSpec { own: Some(_), .. }) = outcome {
            let struck = scene.strike(go, &scene.attack.damage, Some((rider, went)))?;
            cases.push(own_roll(scene, struck)?);
        }
        let Some(OutcomeSpec { effect: Some(effect), .. }) = outcome else { continue };
        let struck = || {
            let mut struck = scene.strike(go, &scene.attack.damage, Some((rider, went)))?;
            // What its traits do as turns begin is another case.
            struck.who["a"]["block"]["traits"] = json!([]);
            Some(struck)
        };
        let after = After { scene, effect };
        if effect.damage.is_some() {
            cases.push(after.later(struck()?)?);
        }
        if effect.modifiers.iter().any(|it| it.kind == ModifierKind::CannotHeal) {
            cases.push(after.unhealed(struck()?)?);
        }
        if effect.triggers.iter().any(|it| it.on == Hook::TurnEnd) {
            cases.push(after.turned(struck()?, true)?);
            cases.push(after.turned(struck()?, false)?);
        }
        if effect.modifiers.iter().any(|it| it.kind == ModifierKind::CannotTeleport) {
            cases.push(after.stays(struck()?)?);
        }
        if effect.ends_on.contains(&Ending::Roll) {
            cases.push(after.next_roll(struck()?)?);
        }
        if !effect.grants.is_empty() {
            cases.push(after.ended(struck()?)?);
        }
    }
    Some(())
}

/// The next attack of the turn is thrown twice, the one after it once.
fn own_roll(scene: &Scene<'_>, struck: Struck) -> Option<Value> {
    let Struck { who, mut steps, fate } = struck;
    let attack = &scene.attack.attack_id;
    let times = |set: &Vec<_>| set.iter().filter(|it| *it == attack).count();
    if scene.of.monster.block.multiattack.iter().map(times).max()? < 3 {
        return None;
    }
    let again = json!({"who": "a", "target": "b", "attack": attack});
    steps.push(json!({"attack": again, "faces": ["20:1", "20:1"]}));
    steps.push(json!({"attack": again, "faces": ["20:1"]}));
    let then = json!({"b": fate.then(&who["b"])});
    Some(scene.of.case("next-own", who, steps, then))
}

struct After<'a> {
    scene: &'a Scene<'a>,
    effect: &'a EffectTemplate,
}

impl After<'_> {
    /// The creature's turn ends and the other's begins: what that takes, and the step.
    fn turn(&self, steps: &mut Vec<Value>) -> Option<i32> {
        let mut thrown = Thrown::default();
        let damage = match &self.effect.damage {
            Some(damage) if damage.edge == Edge::Start => thrown.damage(&damage.dice)?,
            _ => 0,
        };
        steps.push(json!({"end_turn": {"who": "a"}, "faces": thrown.faces}));
        Some(damage)
    }

    /// The damage of a turn.
    fn later(&self, struck: Struck) -> Option<Value> {
        let Struck { who, mut steps, mut fate } = struck;
        let mut more = self.turn(&mut steps)?;
        if let Some(damage) = self.effect.damage.as_ref().filter(|it| it.edge == Edge::End) {
            let mut thrown = Thrown::default();
            more += thrown.damage(&damage.dice)?;
            steps.push(json!({"end_turn": {"who": "b"}, "faces": thrown.faces}));
        }
        fate.damage += more;
        let then = json!({"b": fate.then(&who["b"])});
        Some(self.scene.of.case("later", who, steps, then))
    }

    /// No hit points come back.
    fn unhealed(&self, struck: Struck) -> Option<Value> {
        let Struck { mut who, mut steps, mut fate } = struck;
        who["b"]["block"]["uses"] = json!([{
            "use_id": "mend", "name": "Mend", "cost": "bonus_action", "healing": "10"
        }]);
        fate.damage += self.turn(&mut steps)?;
        steps.push(json!({"use_action": {"who": "b", "id": "mend"}}));
        let then = json!({"b": fate.then(&who["b"])});
        Some(self.scene.of.case("no-healing", who, steps, then))
    }

    /// The save at the end of its next turn: stone, or free.
    fn turned(&self, struck: Struck, stone: bool) -> Option<Value> {
        let Struck { who, mut steps, .. } = struck;
        self.turn(&mut steps)?;
        let face = if stone { "20:10" } else { "20:11" };
        steps.push(json!({"end_turn": {"who": "b"}, "faces": [face]}));
        let conditions = if stone { json!(["petrified"]) } else { json!([]) };
        let then = json!({"b": {"conditions": conditions, "without": [self.effect.name]}});
        let what = if stone { "turned" } else { "freed" };
        Some(self.scene.of.case(what, who, steps, then))
    }

    /// A step through the mist leads nowhere.
    fn stays(&self, struck: Struck) -> Option<Value> {
        let Struck { mut who, mut steps, fate } = struck;
        who["b"]["block"]["spellcasting"] = json!({
            "ability": "int", "dc": 10, "attack_bonus": 2, "slots": {"2": 1},
            "spells": ["misty-step"]
        });
        self.turn(&mut steps)?;
        let at = [AT - 1, AT];
        let cast = json!({"who": "b", "spell": "misty-step", "slot_level": 2, "at": at});
        steps.push(json!({"cast": cast}));
        let mut then = fate.then(&who["b"]);
        then["position"] = who["b"]["at"].clone();
        then["slots_spent"] = json!({"2": 1});
        Some(self.scene.of.case("stays", who, steps, json!({"b": then})))
    }

    /// The next roll is thrown twice, the one after it once.
    fn next_roll(&self, struck: Struck) -> Option<Value> {
        let Struck { mut who, mut steps, fate } = struck;
        self.turn(&mut steps)?;
        let own = self.effect.modifiers.iter().any(|it| it.kind == ModifierKind::Disadvantage);
        let blows = json!({
            "attacks": [{
                "attack_id": "blow", "name": "Blow", "kind": "melee", "bonus": 0,
                "reach_ft": 100, "damage": []
            }],
            "multiattack": [["blow", "blow"]]
        });
        let (striker, target) = if own { ("b", "a") } else { ("c", "b") };
        if !own {
            who["c"] = json!({"at": [AT, AT + 4], "side": "a"});
            steps.push(json!({"end_turn": {"who": "b"}}));
        }
        for (name, value) in blows.as_object()? {
            who[striker]["block"][name] = value.clone();
        }
        let blow = json!({"who": striker, "target": target, "attack": "blow"});
        steps.push(json!({"attack": blow, "faces": ["20:1", "20:1"]}));
        steps.push(json!({"attack": blow, "faces": ["20:1"]}));
        let mut then = fate.then(&who["b"]);
        then["effects"] = json!([]);
        then["without"] = json!([self.effect.name]);
        Some(self.scene.of.case("next-roll", who, steps, json!({"b": then})))
    }

    /// Somebody ends it with an action: whom it is on, or, where that cannot, another.
    fn ended(&self, struck: Struck) -> Option<Value> {
        let Struck { mut who, mut steps, .. } = struck;
        let grant = self.effect.grants.first()?;
        self.turn(&mut steps)?;
        let helpless = !self.effect.conditions.is_empty();
        if helpless {
            let x = who["b"]["at"][0].as_i64()?;
            who["c"] = json!({"at": [x + 1, AT]});
            steps.push(json!({"end_turn": {"who": "b"}}));
        }
        let by = if helpless { "c" } else { "b" };
        steps.push(json!({"use_effect": {"who": by, "id": grant.id}}));
        let mut then = json!({by: {"economy": {"action": false}}});
        then["b"]["without"] = json!([self.effect.name]);
        Some(self.scene.of.case("ended", who, steps, then))
    }
}
