//! `/combat` as a bot's client has it, read for choosing what to do.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use uuid::Uuid;

/// A square: column and row.
pub(super) type Square = [i32; 2];

/// Feet of a square.
const SQUARE_FT: i32 = 5;

/// The fight as one viewer sees it.
#[derive(Clone, Debug)]
pub(super) struct Board {
    /// Whose turn it is.
    pub(super) active: Option<Uuid>,
    /// Everybody that the viewer knows of.
    pub(super) all: Vec<Fighter>,
    width: i32,
    height: i32,
    difficult: BTreeSet<Square>,
}

/// One of those who take part.
#[derive(Clone, Debug)]
pub(super) struct Fighter {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) side: String,
    /// Edge of its space in squares.
    size: i32,
    pub(super) at: Option<Square>,
    /// `unhurt`, `hurt`, `bloodied`, `dying`, `stable` or `dead`.
    pub(super) health: String,
    /// Hit points now and at most, for who may see them.
    pub(super) hp: Option<(i64, i64)>,
    pub(super) concentrates: bool,
    conditions: Vec<String>,
    pub(super) action: bool,
    pub(super) bonus_action: bool,
    /// Feet of movement left.
    pub(super) left_ft: i32,
    /// Spell slots left by level.
    slots: BTreeMap<u8, u64>,
    /// Uses spent by name.
    spent: BTreeMap<String, u64>,
}

impl Board {
    /// Reads the member `/combat`. None: there is no fight.
    pub(super) fn read(combat: Option<&Value>) -> Option<Self> {
        let combat = combat?;
        let grid = &combat["grid"];
        let edge = |name: &str| grid[name].as_i64().and_then(|edge| i32::try_from(edge).ok());
        let difficult = grid["difficult"].as_array().into_iter().flatten();
        let combatants = combat["combatants"].as_object()?;
        let mut all: Vec<Fighter> = combatants.values().filter_map(Fighter::read).collect();
        // Ids are drawn anew in every run: by name the bots choose alike.
        all.sort_by(|one, other| one.name.cmp(&other.name));
        Some(Self {
            active: id(&combat["active_character"]),
            all,
            width: edge("width").unwrap_or(0),
            height: edge("height").unwrap_or(0),
            difficult: difficult.filter_map(square).collect(),
        })
    }

    /// The one of this id.
    pub(super) fn get(&self, id: Uuid) -> Option<&Fighter> {
        self.all.iter().find(|fighter| fighter.id == id)
    }

    /// Those of another side who are on their feet, with a place.
    pub(super) fn enemies<'b>(&'b self, of: &'b Fighter) -> impl Iterator<Item = &'b Fighter> {
        self.all.iter().filter(|other| other.side != of.side && other.is_up() && other.at.is_some())
    }

    /// Those of the same side, itself among them, down or not.
    pub(super) fn friends<'b>(&'b self, of: &'b Fighter) -> impl Iterator<Item = &'b Fighter> {
        self.all.iter().filter(|other| other.side == of.side)
    }

    /// Whether somebody of a side is on their feet.
    pub(super) fn stands(&self, side: &str) -> bool {
        self.all.iter().any(|fighter| fighter.side == side && fighter.is_up())
    }

    /// The way within the movement left to the square of the least score, by which the nearest is
    /// taken; empty: there is none better than where it is.
    pub(super) fn way(&self, mover: &Fighter, score: impl Fn(Square) -> i32) -> Vec<Square> {
        let Some(start) = mover.at else { return Vec::new() };
        let mut costs = BTreeMap::from([(start, (0, start))]);
        let mut open = BTreeSet::from([(0, start)]);
        while let Some((cost, from)) = open.pop_first() {
            for to in neighbors(from) {
                let Some(step_ft) = self.step_ft(mover, to) else { continue };
                let cost = cost + step_ft;
                let known = costs.get(&to).is_some_and(|(known, _)| *known <= cost);
                if cost <= mover.left_ft && !known {
                    costs.insert(to, (cost, from));
                    open.insert((cost, to));
                }
            }
        }
        let best = costs.iter().min_by_key(|(square, (cost, _))| (score(**square), *cost));
        let Some((best, _)) = best.filter(|(best, _)| score(**best) < score(start)) else {
            return Vec::new();
        };
        let mut way = vec![*best];
        let mut at = *best;
        while let Some((_, from)) = costs.get(&at).filter(|(_, from)| *from != start) {
            way.push(*from);
            at = *from;
        }
        way.reverse();
        way
    }

    /// Feet of entering a square; None: the mover does not fit there.
    fn step_ft(&self, mover: &Fighter, to: Square) -> Option<i32> {
        let [x, y] = to;
        let (right, bottom) = (x + mover.size, y + mover.size);
        if x < 0 || y < 0 || right > self.width || bottom > self.height {
            return None;
        }
        let taken = |other: &&Fighter| {
            other.id != mover.id && other.health != "dead" && gap(other, to, mover.size) == Some(0)
        };
        if self.all.iter().any(|other| taken(&other)) {
            return None;
        }
        let squares = (x..right).flat_map(|x| (y..bottom).map(move |y| [x, y]));
        let slow = squares.into_iter().any(|square| self.difficult.contains(&square));
        Some(SQUARE_FT * if slow { 2 } else { 1 })
    }
}

impl Fighter {
    fn read(shown: &Value) -> Option<Self> {
        let text = |name: &str| shown[name].as_str().unwrap_or_default().to_owned();
        let economy = &shown["economy"];
        let has = |name: &str| economy[name] == Value::Bool(true);
        let left_ft = economy["movement_left_ft"].as_i64();
        let conditions = shown["conditions"].as_array().into_iter().flatten();
        let conditions = conditions.filter_map(|entry| entry["condition"].as_str());
        let slots = shown["spell_slots"].as_object().into_iter().flatten();
        let slots = slots
            .filter_map(|(level, pool)| Some((level.parse().ok()?, pool["current"].as_u64()?)));
        let spent = shown["spent"].as_object().into_iter().flatten();
        let hp = &shown["hp"];
        Some(Self {
            id: id(&shown["character_id"])?,
            name: text("name"),
            side: text("side"),
            size: if shown["size"] == "large" { 2 } else { 1 },
            at: square(&shown["position"]),
            health: text("health"),
            hp: hp["current"].as_i64().zip(hp["max"].as_i64()),
            concentrates: !shown["concentration"].is_null(),
            conditions: conditions.map(str::to_owned).collect(),
            action: has("action"),
            bonus_action: has("bonus_action"),
            left_ft: left_ft.and_then(|feet| i32::try_from(feet).ok()).unwrap_or(0),
            slots: slots.collect(),
            spent: spent.filter_map(|(id, times)| Some((id.clone(), times.as_u64()?))).collect(),
        })
    }

    /// On its feet, or at least alive above 0 hit points.
    pub(super) fn is_up(&self) -> bool {
        matches!(self.health.as_str(), "unhurt" | "hurt" | "bloodied")
    }

    /// Whether it has a condition.
    pub(super) fn is(&self, condition: &str) -> bool {
        self.conditions.iter().any(|held| held == condition)
    }

    /// Whether it can do anything.
    pub(super) fn can_act(&self) -> bool {
        self.is_up() && !self.is("incapacitated")
    }

    /// Spell slots left of a level.
    pub(super) fn slots(&self, level: u8) -> u64 {
        self.slots.get(&level).copied().unwrap_or(0)
    }

    /// How often it used something.
    pub(super) fn spent(&self, name: &str) -> u64 {
        self.spent.get(name).copied().unwrap_or(0)
    }

    /// Feet between two.
    pub(super) fn feet_to(&self, other: &Self) -> i32 {
        self.at.map_or(i32::MAX, |at| self.feet_from(at, other))
    }

    /// Feet to another, were it there.
    pub(super) fn feet_from(&self, at: Square, other: &Self) -> i32 {
        gap(other, at, self.size).map_or(i32::MAX, |squares| squares * SQUARE_FT)
    }
}

/// Squares from the space of somebody to a space of `size` at a square; 0: they overlap.
fn gap(other: &Fighter, [x, y]: Square, size: i32) -> Option<i32> {
    let [left, top] = other.at?;
    let apart = |from: i32, least: i32| {
        (least - (from + size - 1)).max(from - (least + other.size - 1)).max(0)
    };
    Some(apart(x, left).max(apart(y, top)))
}

fn neighbors([x, y]: Square) -> impl Iterator<Item = Square> {
    let around = (-1..=1).flat_map(|dx| (-1..=1).map(move |dy| (dx, dy)));
    around.filter(|step| *step != (0, 0)).map(move |(dx, dy)| [x + dx, y + dy])
}

fn id(value: &Value) -> Option<Uuid> {
    value.as_str()?.parse().ok()
}

fn square(value: &Value) -> Option<Square> {
    let at = |index: usize| i32::try_from(value[index].as_i64()?).ok();
    Some([at(0)?, at(1)?])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn board() -> Board {
        let fighter = |id: u128, name: &str, side: &str, size: &str, at: Value| {
            let id = Uuid::from_u128(id);
            let shown = json!({
                "character_id": id, "name": name, "side": side, "size": size, "position": at,
                "health": "hurt", "conditions": [{"condition": "prone"}], "concentration": null,
                "economy": {"action": true, "movement_left_ft": 30},
                "spell_slots": {"1": {"current": 2, "max": 4}},
            });
            (id.to_string(), shown)
        };
        let combatants: serde_json::Map<String, Value> = [
            fighter(1, "Hero", "party", "medium", json!([1, 1])),
            fighter(2, "Ogre", "enemies", "large", json!([5, 1])),
            fighter(3, "Friend", "party", "medium", json!([3, 1])),
        ]
        .into_iter()
        .collect();
        let grid = json!({"width": 8, "height": 3, "difficult": [[3, 0], [4, 0]]});
        let combat = json!({
            "active_character": Uuid::from_u128(1), "combatants": combatants, "grid": grid,
        });
        Board::read(Some(&combat)).expect("a fight")
    }

    #[test]
    fn what_is_shown_is_read() {
        let board = board();
        let hero = board.get(Uuid::from_u128(1)).expect("hero");
        assert!(hero.is("prone") && hero.is_up() && hero.can_act() && hero.action);
        assert_eq!((hero.slots(1), hero.slots(2), hero.left_ft), (2, 0, 30));
        let names: Vec<&str> = board.enemies(hero).map(|enemy| enemy.name.as_str()).collect();
        assert_eq!(names, ["Ogre"]);
        assert!(Board::read(None).is_none());
    }

    #[test]
    fn ways_go_around_others_and_avoid_bad_ground() {
        let board = board();
        let (hero, ogre) = (&board.all[1], &board.all[2]);
        assert_eq!((hero.name.as_str(), ogre.name.as_str()), ("Hero", "Ogre"));
        assert_eq!(hero.feet_to(ogre), 20);
        let way = board.way(hero, |at| hero.feet_from(at, ogre).max(5));
        assert_eq!(way, [[2, 1], [3, 2], [4, 1]]);
        let way = board.way(ogre, |at| ogre.feet_from(at, hero).max(5));
        assert_eq!(way, [[4, 1]]);
        let stays = board.way(hero, |_| 0);
        assert!(stays.is_empty());
    }
}
