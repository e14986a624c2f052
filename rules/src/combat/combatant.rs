//! One creature in a combat: its numbers, and what became of it so far.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::health::{AtZero, HitPoints, Life};
use super::{Awaited, CombatantId, Command, EffectId};
use crate::content::{Cost, IMPROVISED, StatBlock, UNARMED};
use crate::space::{Place, Relation, Scale, Space, Square};
use crate::{Key, MovementMode};

/// Who takes part.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Combatant {
    /// Its name in commands.
    pub id: CombatantId,
    /// Shown to players.
    pub name: String,
    /// Whether it dies like a character or like a monster.
    pub kind: CombatantKind,
    /// The player that commands it; none: the game masters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Uuid>,
    /// Those of one side are not hostile to each other; who is of [`NEUTRAL`] is nobody's friend or
    /// foe.
    pub side: String,
    /// Its record in the bestiary, for what the numbers do not say; none: it is no such creature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monster: Option<Key>,
    /// Its numbers.
    pub block: Arc<StatBlock>,
    /// Hit points now.
    pub hp: HitPoints,
    /// Between life and death.
    #[serde(default)]
    pub life: Life,
    /// Column and row of the least square it stands on; none: off the board.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Square>,
    /// Feet above the ground.
    #[serde(default)]
    pub elevation_ft: i32,
    /// Only the game masters and its owner know of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
    /// Caught off guard.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub surprised: bool,
    /// Those of one group share one roll of initiative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Its count; none: not rolled yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initiative: Option<i32>,
    /// What it has left this turn.
    #[serde(default)]
    pub economy: Economy,
    /// How often it made use of what it can do only so often.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub spent: BTreeMap<Key, u8>,
    /// Spell slots spent, by their level.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub slots_spent: BTreeMap<u8, u8>,
    /// The effect it concentrates on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concentration: Option<EffectId>,
    /// What it prepared, until its next turn starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readied: Option<Box<Readied>>,
    /// Sizes that magic makes it larger for now.
    #[serde(default, skip_serializing_if = "is_unchanged")]
    pub grown: i8,
    /// Nobody who rides it controls it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub independent_mount: bool,
    /// It is in the space of one size smaller, where walls leave it no more (SRD 5.1 "Squeezing into
    /// a Smaller Space"; SRD 5.2.1 "Difficult Terrain").
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub squeezed: bool,
    /// The last count of 20 at which it was asked for a lair action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lair: Option<LairCount>,
    /// What the map counts that it is on.
    #[serde(default, skip_serializing_if = "Scale::is_squares")]
    pub scale: Scale,
    /// What is in its hands, as far as that is known: what it drew or was given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<Key>,
}

/// The side of bystanders.
pub const NEUTRAL: &str = "neutral";

/// A count of 20 as it went for a creature with a lair.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LairCount {
    /// Of this round.
    pub round: u32,
    /// The lair action it took; none: it took none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Key>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_unchanged(grown: &i8) -> bool {
    *grown == 0
}

/// Something prepared (SRD 5.1 and SRD 5.2.1 "Ready").
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Readied {
    /// For what.
    pub trigger: Awaited,
    /// What is done then.
    pub action: Command,
}

/// What a combatant is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CombatantKind {
    /// A player's: falls unconscious at 0 hit points.
    Character,
    /// Dies at 0 hit points.
    Monster,
    /// Falls unconscious at 0 hit points, as a character does.
    Npc,
    /// Is destroyed at 0 hit points.
    Object,
}

/// What is left to a creature until its next turn begins.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Economy {
    /// Its action.
    pub action: bool,
    /// Its bonus action.
    pub bonus_action: bool,
    /// Its reaction.
    pub reaction: bool,
    /// The one free interaction with an object.
    pub interaction: bool,
    /// Attacks and uses made with the action so far: Multiattack allows sets of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub made: Vec<Key>,
    /// Feet moved this turn.
    pub moved_ft: i32,
    /// Diagonal steps made this turn.
    #[serde(default)]
    pub diagonals: u32,
    /// Its movement provokes nobody this turn.
    #[serde(default)]
    pub disengaged: bool,
    /// Feet added by Dash.
    pub dashed_ft: i32,
    /// The squares it stepped from since it last did anything else, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub run: Vec<Square>,
    /// It made the extra attack of a second light weapon this turn.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub off_hand: bool,
    /// Whom it hit so that it may strike a second one beside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleave: Option<CombatantId>,
    /// It struck a second one this turn.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cleaved: bool,
    /// Spells cast this turn, as far as one keeps from casting another.
    #[serde(default, skip_serializing_if = "Cast::is_nothing")]
    pub cast: Cast,
    /// Weapons drawn or stowed with attacks of this turn.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub equipped: u8,
    /// Whom it charged and hit, so that it may strike at it once more while that lies prone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charged: Option<CombatantId>,
    /// It got on a mount this turn, or off one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mounted: bool,
    /// The jump that it is in the air by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leap: Option<Leap>,
    /// In which way it moved last this turn; none: it did not, or on foot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<MovementMode>,
    /// Of a mount: the last round in which a rider led it through a turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub led: Option<u32>,
    /// What it threw this turn of what it held.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thrown: Vec<Key>,
}

/// A jump that has not come down yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leap {
    /// Feet above the ground that it began at.
    pub from_ft: i32,
    /// Whether it went across as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub across: bool,
}

/// What everybody can do in place of an attack.
const IN_PLACE: [&str; 4] = [UNARMED, IMPROVISED, "grapple", "shove"];

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_zero(count: &u8) -> bool {
    *count == 0
}

/// What spells a creature cast in its turn.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cast {
    /// One with its bonus action.
    pub bonus_action: bool,
    /// One that is no cantrip, or is no action.
    pub more: bool,
    /// One from a slot.
    pub slot: bool,
}

impl Cast {
    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for Economy {
    /// As between turns: nothing but the reaction.
    fn default() -> Self {
        Self { reaction: true, ..Self::nothing() }
    }
}

impl Economy {
    /// Nothing is left.
    pub const fn nothing() -> Self {
        Self {
            action: false,
            bonus_action: false,
            reaction: false,
            interaction: false,
            made: Vec::new(),
            moved_ft: 0,
            diagonals: 0,
            disengaged: false,
            dashed_ft: 0,
            run: Vec::new(),
            off_hand: false,
            cleave: None,
            cleaved: false,
            cast: Cast { bonus_action: false, more: false, slot: false },
            equipped: 0,
            charged: None,
            mounted: false,
            leap: None,
            mode: None,
            led: None,
            thrown: Vec::new(),
        }
    }

    /// As between turns, with the reaction that is left.
    pub fn rest(&self) -> Self {
        Self { reaction: self.reaction, led: self.led, ..Self::nothing() }
    }

    /// As a turn begins.
    pub fn turn() -> Self {
        Self {
            action: true,
            bonus_action: true,
            reaction: true,
            interaction: true,
            ..Self::nothing()
        }
    }
}

impl Combatant {
    /// One who has done nothing yet, off the board, with the hit points of its numbers.
    pub fn new(
        id: CombatantId,
        name: &str,
        kind: CombatantKind,
        side: &str,
        block: Arc<StatBlock>,
    ) -> Self {
        Self {
            id,
            name: name.to_owned(),
            kind,
            owner: None,
            side: side.to_owned(),
            monster: None,
            hp: block.hp,
            block,
            life: Life::Alive,
            position: None,
            elevation_ft: 0,
            hidden: false,
            surprised: false,
            group: None,
            initiative: None,
            economy: Economy::default(),
            spent: BTreeMap::new(),
            slots_spent: BTreeMap::new(),
            concentration: None,
            readied: None,
            grown: 0,
            independent_mount: false,
            squeezed: false,
            lair: None,
            scale: Scale::Squares,
            held: Vec::new(),
        }
    }

    /// What another is to it.
    pub fn relation(&self, other: &Self) -> Relation {
        if self.id == other.id {
            Relation::Ally
        } else if self.side == NEUTRAL || other.side == NEUTRAL {
            Relation::Neutral
        } else if self.side == other.side {
            Relation::Ally
        } else {
            Relation::Enemy
        }
    }

    /// What becomes of it at 0 hit points.
    pub const fn at_zero(&self) -> AtZero {
        match self.kind {
            CombatantKind::Character | CombatantKind::Npc => AtZero::Saves,
            CombatantKind::Monster | CombatantKind::Object => AtZero::Dies,
        }
    }

    /// The space it takes; none: it is off the board.
    pub fn space(&self) -> Option<Space> {
        let place = Place { square: self.position?, elevation_ft: self.elevation_ft };
        Some(self.space_in(place, self.squeezed))
    }

    /// The space it would take in a place.
    pub fn space_in(&self, place: Place, squeezed: bool) -> Space {
        let of = if squeezed { Space::squeezed } else { Space::of_scale };
        of(self.block.size, place, self.scale)
    }

    /// The space that it needs on a square: where it is, no more than it takes.
    pub(super) fn room_at(&self, square: Square) -> Space {
        let here = self.space().filter(|own| own.place.square == square);
        here.unwrap_or_else(|| self.space_at(square))
    }

    /// The space it would take with room for all of it.
    pub fn space_at(&self, square: Square) -> Space {
        self.space_in(Place { square, elevation_ft: self.elevation_ft }, false)
    }

    /// What is left to it if it makes this attack or use with its action; none: it may not. The first
    /// takes the action, those after it must fit into one of the allowed sets (SRD 5.1 and SRD 5.2.1
    /// "Multiattack"). What is done in place of an attack, and attacks that everybody has, take the
    /// place of any of a character's (SRD 5.1 "Grappling"; SRD 5.2.1 "Unarmed Strike").
    pub fn after_making(&self, what: &Key) -> Option<Economy> {
        let mut economy = self.economy.clone();
        if economy.action {
            return Some(Economy { action: false, made: vec![what.clone()], ..economy });
        }
        economy.made.push(what.clone());
        let fits = |set: &Vec<Key>| {
            let count = |keys: &[Key], key| keys.iter().filter(|other| *other == key).count();
            economy.made.len() <= set.len()
                && economy.made.iter().all(|key| {
                    self.takes_any_place(key) || count(&economy.made, key) <= count(set, key)
                })
        };
        (economy.made.len() > 1 && self.block.multiattack.iter().any(fits)).then_some(economy)
    }

    fn takes_any_place(&self, what: &Key) -> bool {
        let own = self.block.attack(what).is_some();
        let listed = own || self.block.uses.iter().any(|it| it.use_id == *what);
        let one_of_many = matches!(self.kind, CombatantKind::Character | CombatantKind::Npc);
        one_of_many && !listed && IN_PLACE.contains(&what.as_str())
    }

    /// Whether this use of its stat block is a reaction.
    pub(super) fn is_reaction(&self, id: &Key) -> bool {
        self.block.uses.iter().any(|it| it.use_id == *id && it.cost == Cost::Reaction)
    }

    /// Whether it is many: it shares others' spaces.
    pub fn is_swarm(&self) -> bool {
        self.block.tags.iter().any(|tag| tag.as_str() == "swarm")
    }

    /// Whether it is on its feet, or could be.
    pub fn is_conscious(&self) -> bool {
        self.life == Life::Alive
    }
}
