//! What stands in a set of Multiattack, as it is made without coming to anything: an attack misses,
//! a save is made, a breath blows where nobody is.

use gss_rules::content::{
    Area, AttackKind, Detail, EntryClass, Favored, Shape, SpecialAction, Who,
};
use gss_rules::{Condition, Key};
use serde_json::{Value, json};

use super::castings::{Book, merge};
use super::dice::Thrown;
use super::sets;
use super::stage::{AT, Subject};

/// A bonus that makes every save.
const SAVES: i32 = 40;
/// Squares from the creature to the second of the others where a spell is cast.
const FAR: i32 = 5;
/// Feet from the creature to the second of the others.
const SECOND_FT: i32 = 15;

/// A set as it is made.
#[derive(Default)]
pub(super) struct Made {
    pub(super) steps: Vec<Value>,
    /// Taken by the one beside the creature.
    pub(super) damage: i32,
    /// That one is held.
    held: bool,
}

/// Somebody beside the creature whom its attacks and uses are for, and somebody farther away.
pub(super) fn others(of: &Subject<'_>, set: &[Key], who: &mut Value) {
    for name in ["b", "c"] {
        who[name]["block"]["saves"] = json!({
            "str": SAVES, "dex": SAVES, "con": SAVES, "int": SAVES, "wis": SAVES, "cha": SAVES
        });
    }
    for key in set {
        let wanted = of.monster.details.get(key).and_then(|it| it.targets.as_ref());
        let Some(wanted) = wanted else { continue };
        if let Some(size) = wanted.max_size {
            who["b"]["block"]["size"] = json!(size.min(gss_rules::Size::Medium));
        }
        if let Some(kind) = wanted.types.first() {
            who["b"]["block"]["creature_type"] = json!(kind);
        }
        let mercy = wanted.at_mercy.then_some(Condition::Restrained);
        if let Some(condition) = wanted.condition.or(mercy) {
            who["b"]["conditions"] = json!([condition]);
        }
    }
}

impl Made {
    /// Makes one of the set. None: it is not known how.
    pub(super) fn make(
        &mut self,
        of: &Subject<'_>,
        book: &Book<'_>,
        key: &Key,
        who: &mut Value,
    ) -> Option<()> {
        let block = &of.monster.block;
        let detail = of.monster.details.get(key).cloned().unwrap_or_default();
        self.hold(of, &detail);
        if let Some(attack) = block.attacks.iter().find(|it| it.attack_id == *key) {
            let twice = [Condition::Prone, Condition::Restrained]
                .into_iter()
                .any(|it| who["b"]["conditions"] == json!([it]))
                || detail.favored == Some(Favored::FirstRound);
            let able = who["b"]["conditions"] != json!(["incapacitated"]);
            let mut thrown = Thrown::default();
            thrown.face(20, 1);
            if twice || attack.kind == AttackKind::Ranged && able {
                thrown.face(20, 1);
            }
            let target = sets::target(attack);
            let command = json!({"who": "a", "target": target, "attack": key});
            self.steps.push(json!({"attack": command, "faces": thrown.faces}));
            return Some(());
        }
        let action = block.uses.iter().find(|it| it.use_id == *key)?;
        let class = of.monster.entries.iter().find(|it| it.id == *key).map(|it| it.class);
        if !detail.casts.is_empty() || class == Some(EntryClass::Spellcasting) {
            return self.cast(of, book, (key, class), who);
        }
        let mut command = json!({"who": "a", "id": key});
        let mut thrown = Thrown::default();
        let damage = thrown.damages(&action.damage)?;
        let saves = self.aim(of, action, &detail, &mut command)?;
        for _ in 0..saves {
            thrown.face(20, 11);
        }
        if action.save.is_some_and(|it| it.half) && saves > 0 {
            self.damage += damage.iter().map(|part| part / 2).sum::<i32>();
        }
        self.steps.push(json!({"use_action": command, "faces": thrown.faces}));
        Some(())
    }

    /// Holds the one that an attack or a use is for, where it must be held.
    fn hold(&mut self, of: &Subject<'_>, detail: &Detail) {
        if !self.held && detail.targets.as_ref().is_some_and(|it| it.grappled_by_it) {
            self.held = true;
            self.steps.push(of.held());
        }
    }

    /// Aims a use; how many saves are made against it.
    fn aim(
        &self,
        of: &Subject<'_>,
        action: &SpecialAction,
        detail: &Detail,
        command: &mut Value,
    ) -> Option<usize> {
        let side = of.side();
        let saves = usize::from(action.save.is_some());
        if action.healing.is_some() {
            return None;
        }
        let Some(Area { shape, size_ft, .. }) = action.area else {
            let chooses = action.targets.is_some() || saves > 0 || !action.damage.is_empty();
            if chooses && action.targets != Some(0) {
                command["targets"] = json!(["b"]);
                return if saves == 0 { None } else { Some(saves) };
            }
            return Some(0);
        };
        match shape {
            Shape::Cone | Shape::Line => {
                command["direction"] = json!([AT - 1, AT + side / 2]);
                Some(0)
            }
            Shape::Sphere | Shape::Cylinder | Shape::Cube => {
                command["at"] = json!([AT, AT + side + 15]);
                Some(0)
            }
            Shape::Emanation => {
                let known =
                    matches!(detail.who, None | Some(Who::Enemies | Who::Chosen | Who::Others));
                let both = usize::from(size_ft >= SECOND_FT);
                known.then_some(saves * (1 + both))
            }
        }
    }

    /// A spell, by the use or from the list, at a third one.
    fn cast(
        &mut self,
        of: &Subject<'_>,
        book: &Book<'_>,
        (key, class): (&Key, Option<EntryClass>),
        who: &mut Value,
    ) -> Option<()> {
        let detail = of.monster.details.get(key).cloned().unwrap_or_default();
        let listed = class == Some(EntryClass::Spellcasting);
        let cast = match detail.casts.first().filter(|_| !listed) {
            Some(cast) => cast.clone(),
            None => book.listed(of)?,
        };
        let set = book.set(of, &cast, false)?;
        let mut victim = set.victim;
        if victim["side"].is_null() {
            victim["side"] = json!("b");
        }
        // Nobody else is near whom it is aimed at.
        who["c"]["at"] = json!([AT - FAR, AT]);
        let renamed = |value: &Value| {
            let text = value.to_string().replace("\"b\"", "\"d\"");
            serde_json::from_str::<Value>(&text).ok()
        };
        let aim = renamed(&Value::Object(set.aim))?;
        who["b"]["conditions"] = json!(["incapacitated"]);
        who["d"] = victim;
        let mut command = if listed { json!({"spell": cast.spell}) } else { json!({"id": key}) };
        command["who"] = json!("a");
        merge(&mut command, &aim);
        let name = if listed { "cast" } else { "use_action" };
        self.steps.push(json!({name: command, "faces": set.faces}));
        Some(())
    }
}
