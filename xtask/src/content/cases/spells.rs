//! Spells that creatures cast: from their list, or by an entry that casts one.

use gss_rules::Key;
use gss_rules::content::{Casting, CastingTime, Component, Cost, SpecialAction, Spellcasting};
use serde_json::{Map, Value, json};

use super::castings::{Book, Roll, Set, merge};
use super::stage::{AT, Subject};

/// A spell that nothing of the bestiary has in its list.
const UNKNOWN: &str = "wish";

/// The caster; what its traits do is another case.
pub(super) fn caster(of: &Subject<'_>) -> Value {
    let mut beast = of.beast();
    beast["block"] = json!({"traits": []});
    beast
}

/// Cases of a list of spells: its numbers, its uses, its slots, and that it is all there is.
pub(super) fn list(of: &Subject<'_>, book: &Book<'_>) -> Option<Vec<Value>> {
    let list = of.monster.block.spellcasting.as_ref()?;
    let castable = |key: &&Key| {
        let record = book.spell(key);
        record.is_some_and(|it| {
            matches!(it.casting_time, CastingTime::Action | CastingTime::ActionOrMinutes { .. })
        })
    };
    let scene = List { of, book, list };
    let rolls = |roll: Option<Roll>| {
        let mut keys = list.spells.iter().filter(castable);
        keys.find(|key| book.shows(key) && book.roll(key) == roll).cloned()
    };
    let mut cases = Vec::new();
    for (key, ways) in [
        (rolls(Some(Roll::Save)), ["failed", "saved"]),
        (rolls(Some(Roll::Attack)), ["hit", "missed"]),
    ] {
        let Some(key) = key else { continue };
        cases.push(scene.cast(&key, ways[0], true)?);
        cases.push(scene.cast(&key, ways[1], false)?);
    }
    if cases.is_empty() {
        cases.push(scene.cast(&rolls(None)?, "cast", true)?);
    }
    cases.extend(scene.without());
    cases.extend(scene.spent());
    let daily = list.spells.iter().filter(castable).filter(|it| list.per_day.contains_key(*it));
    if let Some(key) = daily.clone().find(|it| book.shows(it)) {
        cases.push(scene.last_of_the_day(key)?);
    }
    let at_will = of.detail().at_will;
    if let Some(key) = at_will.iter().find(|it| book.shows(it)) {
        cases.push(scene.cast(key, "at-will", true)?);
    }
    for cast in of.detail().casts.iter().filter(|cast| castable(&&cast.spell)) {
        if book.shows(&cast.spell) {
            cases.push(scene.cast(&cast.spell, &format!("level-{}", cast.spell), true)?);
        }
    }
    if !list.slots.is_empty() {
        cases.push(scene.no_slot_left()?);
    }
    Some(cases)
}

struct List<'a> {
    of: &'a Subject<'a>,
    book: &'a Book<'a>,
    list: &'a Spellcasting,
}

impl List<'_> {
    fn command(&self, key: &Key, aim: &Map<String, Value>, slot: u8) -> Value {
        let mut command = json!({"who": "a", "spell": key});
        merge(&mut command, &Value::Object(aim.clone()));
        if slot > 0 {
            command["slot_level"] = json!(slot);
        }
        json!({"cast": command})
    }

    /// The slot's level, and the level that its version is printed at.
    fn paid(&self, key: &Key) -> Option<(u8, Casting)> {
        let record = self.book.spell(key)?;
        let detail = self.of.detail();
        let level = detail.casts.iter().find(|it| it.spell == *key).and_then(|it| it.level);
        let free = self.list.slots.is_empty()
            || detail.at_will.contains(key)
            || self.list.per_day.contains_key(key);
        let slot = if free { 0 } else { record.level };
        Some((slot, Casting { spell: key.clone(), level }))
    }

    /// A casting between one of a spell that it has not and one more than a turn allows.
    fn cast(&self, key: &Key, what: &str, worse: bool) -> Option<Value> {
        let (slot, cast) = self.paid(key)?;
        let set = self.book.set(self.of, &cast, worse)?;
        let mut unknown = self.command(&Key::try_from(UNKNOWN.to_owned()).ok()?, &Map::new(), slot);
        unknown["refused"] = json!("unknown_spell");
        let mut step = self.command(key, &set.aim, slot);
        step["faces"] = json!(set.faces);
        let mut again = self.command(key, &set.aim, slot);
        again["refused"] = json!("no_action_left");
        let mut caster_then = set.caster;
        caster_then.insert("economy".to_owned(), json!({"action": false}));
        if slot > 0 {
            caster_then.insert("slots_spent".to_owned(), json!({slot.to_string(): 1}));
        }
        if self.list.per_day.contains_key(key) {
            caster_then.insert("spent".to_owned(), json!({key.as_str(): 1}));
        }
        let who = json!({"a": caster(self.of), "b": set.victim});
        let then = json!({"a": caster_then, "b": set.other});
        Some(self.of.case(what, who, vec![unknown, step, again], then))
    }

    /// Without what its spells do not need: a voice, a free hand, materials.
    fn without(&self) -> Option<Value> {
        let detail = self.of.detail();
        let key = self.list.spells.iter().find(|it| {
            let record = self.book.spell(it);
            let fits = record.is_some_and(|it| {
                it.casting_time == CastingTime::Action
                    && detail.without.iter().all(|needed| it.components.contains(needed))
            });
            fits && self.book.shows(it)
        })?;
        let modifiers: Vec<Value> = detail
            .without
            .iter()
            .map(|component| match component {
                Component::Verbal => json!({"kind": "cannot_speak"}),
                Component::Somatic => json!({"kind": "no_free_hand"}),
                Component::Material => json!({"kind": "no_materials"}),
            })
            .collect();
        if modifiers.is_empty() {
            return None;
        }
        let (slot, cast) = self.paid(key)?;
        let set = self.book.set(self.of, &cast, false)?;
        let effect = json!({
            "name": "Bound", "duration": {"kind": "permanent"}, "modifiers": modifiers
        });
        let bound = json!({"effect": effect, "source": "b", "targets": ["a"]});
        let mut step = self.command(key, &set.aim, slot);
        step["faces"] = json!(set.faces);
        let who = json!({"a": caster(self.of), "b": set.victim});
        let then = json!({"a": {"economy": {"action": false}}, "b": set.other});
        let steps = vec![json!({"apply_effect": bound}), step];
        Some(self.of.case("without", who, steps, then))
    }

    /// Everything that it casts so often a day, once more.
    fn spent(&self) -> Option<Value> {
        let mut beast = caster(self.of);
        beast["spent"] = json!(self.list.per_day);
        let in_a_turn = |key: &&Key| {
            let record = self.book.spell(key);
            record.is_some_and(|it| {
                matches!(
                    it.casting_time,
                    CastingTime::Action
                        | CastingTime::ActionOrMinutes { .. }
                        | CastingTime::BonusAction
                )
            })
        };
        let steps: Vec<Value> = self
            .list
            .per_day
            .keys()
            .filter(in_a_turn)
            .map(|key| {
                let mut step = self.command(key, &Map::new(), 0);
                step["refused"] = json!("spent");
                step
            })
            .collect();
        let then = json!({"a": {"economy": {"action": true}}});
        (!steps.is_empty()).then(|| self.of.case("spent", json!({"a": beast}), steps, then))
    }

    /// The last use of a day can be used.
    fn last_of_the_day(&self, key: &Key) -> Option<Value> {
        let most = *self.list.per_day.get(key)?;
        let (slot, cast) = self.paid(key)?;
        let set = self.book.set(self.of, &cast, false)?;
        let mut beast = caster(self.of);
        beast["spent"] = json!({key.as_str(): most - 1});
        let mut step = self.command(key, &set.aim, slot);
        step["faces"] = json!(set.faces);
        let then = json!({"a": {"spent": {key.as_str(): most}}});
        Some(self.of.case("last", json!({"a": beast, "b": set.victim}), vec![step], then))
    }

    /// No slot of any level is left: nothing of that level is cast; the last one of the highest
    /// level can be used for a spell of a lower one.
    fn no_slot_left(&self) -> Option<Value> {
        let mut beast = caster(self.of);
        beast["slots_spent"] = json!(self.list.slots);
        let levelled = |key: &&Key| self.book.spell(key).is_some_and(|it| it.level == 1);
        let key = self.list.spells.iter().find(levelled)?;
        let levels = self.list.slots.keys();
        let steps = levels.map(|level| {
            let mut step = self.command(key, &Map::new(), *level);
            step["refused"] = json!("no_slot");
            step
        });
        let then = json!({"a": {"economy": {"action": true}}});
        Some(self.of.case("no-slot", json!({"a": beast}), steps.collect(), then))
    }
}

/// Cases of an entry that casts a spell.
pub(super) fn casts(of: &Subject<'_>, book: &Book<'_>) -> Option<Vec<Value>> {
    let action = of.monster.block.uses.iter().find(|it| it.use_id == of.entry.id)?;
    if action.cost == Cost::Reaction {
        return protective(of, action);
    }
    let mut cases = Vec::new();
    for cast in &of.detail().casts {
        let ways: &[bool] = if book.roll(&cast.spell).is_some() { &[true, false] } else { &[true] };
        for worse in ways {
            let Some(set) = book.set(of, cast, *worse) else { continue };
            let what = format!("{}-{}", cast.spell, if *worse { "worse" } else { "better" });
            cases.push(by_use(of, action, cast, set, &what)?);
        }
    }
    Some(cases).filter(|cases| !cases.is_empty())
}

fn by_use(
    of: &Subject<'_>,
    action: &SpecialAction,
    cast: &Casting,
    set: Set,
    what: &str,
) -> Option<Value> {
    let detail = of.detail();
    let mut used = json!({"id": action.use_id});
    merge(&mut used, &Value::Object(set.aim));
    if detail.casts.len() > 1 {
        used["option"] = json!(cast.spell);
    }
    if detail.casts_on_itself {
        used["targets"] = json!([]);
    }
    let mut who = json!({"a": caster(of), "b": set.victim});
    let mut then = json!({"a": set.caster, "b": set.other});
    let limited = detail.once_per_round || action.recharge.is_some() || action.per_day.is_some();
    let mut spent = Map::new();
    if limited {
        spent.insert(action.use_id.to_string(), json!(1));
    }
    let steps = match action.cost {
        Cost::Action | Cost::BonusAction => {
            used["who"] = json!("a");
            let bonus = action.cost == Cost::BonusAction;
            let cost = if bonus { "bonus_action" } else { "action" };
            then["a"]["economy"] = json!({cost: false});
            let last = action.per_day.unwrap_or(1) == 1;
            let code = if limited && last { "spent" } else { "no_action_left" };
            vec![
                json!({"use_action": used, "faces": set.faces}),
                json!({"use_action": used, "refused": code}),
            ]
        }
        Cost::Legendary => {
            used["kind"] = json!("use");
            spent.insert("legendary-actions".to_owned(), json!(action.legendary_cost.unwrap_or(1)));
            who["c"] = json!({"initiative": 200, "at": [0, 0]});
            who["b"]["initiative"] = json!(150);
            vec![
                json!({"end_turn": {"who": "c"}, "asks": "a"}),
                json!({"answer": used, "faces": set.faces}),
            ]
        }
        Cost::Reaction | Cost::Lair | Cost::Free => return None,
    };
    if !spent.is_empty() {
        then["a"]["spent"] = Value::Object(spent);
    }
    Some(of.case(what, who, steps, then))
}

/// A spell cast in reaction to a hit and to another's spell (SRD 5.2.1 "Protective Magic").
fn protective(of: &Subject<'_>, action: &SpecialAction) -> Option<Vec<Value>> {
    let block = &of.monster.block;
    let detail = of.detail();
    let spells: Vec<&str> = detail.casts.iter().map(|it| it.spell.as_str()).collect();
    if spells != ["counterspell", "shield"] {
        return None;
    }
    let dc = block.spellcasting.as_ref()?.dc;
    let limited = action.per_day.is_some() || detail.once_per_round;
    let used = |members: Value| {
        let mut state = members;
        state["economy"] = json!({"reaction": false});
        if limited {
            state["spent"] = json!({action.use_id.as_str(): 1});
        }
        state
    };
    let hp = block.hp.max;
    let beside = [AT + of.side(), AT];
    let blow = json!([{
        "attack_id": "blow", "name": "Blow", "kind": "melee", "bonus": block.ac - 11,
        "damage": [{"dice": "10", "type": "force"}]
    }]);
    let mut cases = Vec::new();
    let striker = json!({"at": beside, "initiative": 200, "block": {"attacks": blow}});
    let steps = vec![
        json!({
            "attack": {"who": "b", "target": "a", "attack": "blow"}, "faces": ["20:11"],
            "asks": "a"
        }),
        json!({"answer": {"kind": "react", "option": "shield"}}),
    ];
    let then = json!({"a": used(json!({"hp": hp, "ac": block.ac + 5}))});
    cases.push(of.case("shield", json!({"a": caster(of), "b": striker}), steps, then));
    for countered in [true, false] {
        let mage = json!({"at": beside, "initiative": 200, "block": {
            "saves": {"con": dc - 11},
            "spellcasting": {
                "ability": "wis", "dc": 60, "attack_bonus": 5, "slots": {"1": 1},
                "spells": ["magic-missile"]
            }
        }});
        let darts = ["a", "a", "a"];
        let cast = json!({"who": "b", "spell": "magic-missile", "slot_level": 1, "targets": darts});
        let mut faces = vec![if countered { "20:10" } else { "20:11" }];
        if !countered {
            // One die for all darts.
            faces.push("4:1");
        }
        let steps = vec![
            json!({"cast": cast, "asks": "a"}),
            json!({"answer": {"kind": "react", "option": "counterspell"}, "faces": faces}),
        ];
        let taken = if countered { 0 } else { 6 };
        let then = json!({"a": used(json!({"hp": hp - taken}))});
        let what = if countered { "countered" } else { "not-countered" };
        cases.push(of.case(what, json!({"a": caster(of), "b": mage}), steps, then));
    }
    Some(cases)
}
