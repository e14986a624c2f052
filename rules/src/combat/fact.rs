//! What happened. A step is a list of facts; those that change the state say what it is now.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Combatant, CombatantId, Covered, DamagePart, DeathSave, Economy, Effect, EffectId, EndReason,
    Ground, HitPoints, Interaction, Life, Phase, Readied,
};
use crate::dice::Roll;
use crate::space::{Cover, Square};
use crate::{Ability, Key, Skill};

/// Something that happened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// The combat is this far.
    PhaseChanged {
        /// Now.
        phase: Phase,
    },
    /// Somebody joined, or a game master changed somebody.
    CombatantSet {
        /// As it is now.
        combatant: Arc<Combatant>,
    },
    /// Somebody left.
    CombatantRemoved {
        /// Who.
        id: CombatantId,
    },
    /// Somebody's count.
    InitiativeSet {
        /// Who.
        who: CombatantId,
        /// Its count.
        initiative: i32,
    },
    /// Turns are taken in this order.
    OrderSet {
        /// Who goes first comes first.
        order: Vec<CombatantId>,
    },
    /// A turn begins.
    TurnStarted {
        /// Whose.
        who: CombatantId,
        /// Round, from 1.
        round: u32,
        /// Index in the order.
        turn: usize,
    },
    /// The order changed around the one whose turn it is.
    TurnMoved {
        /// Its index now.
        turn: usize,
    },
    /// A turn is over.
    TurnEnded {
        /// Whose.
        who: CombatantId,
    },
    /// What a creature has left.
    EconomySet {
        /// Who.
        who: CombatantId,
        /// Now.
        economy: Economy,
    },
    /// A creature moved.
    Moved {
        /// Who.
        who: CombatantId,
        /// Where it stepped, in order.
        path: Vec<Square>,
        /// Feet of movement it cost; 0 when forced.
        cost_ft: i32,
        /// How many of the steps were diagonal.
        diagonals: u32,
        /// Not of its own will.
        forced: bool,
    },
    /// A special action was used.
    ActionUsed {
        /// By whom.
        who: CombatantId,
        /// Which.
        id: Key,
        /// Whom it affects.
        targets: Vec<CombatantId>,
    },
    /// How often somebody made use of something.
    UsesSet {
        /// Who.
        who: CombatantId,
        /// Of what.
        id: Key,
        /// How often since it came back.
        spent: u8,
    },
    /// Dice were thrown.
    Rolled {
        /// Whose roll it is.
        who: CombatantId,
        /// What for.
        purpose: Purpose,
        /// Everything about it.
        roll: Roll,
    },
    /// An attack was made.
    AttackMade {
        /// By whom.
        attacker: CombatantId,
        /// On whom.
        target: CombatantId,
        /// With what.
        attack: Key,
        /// Against this armor class, cover included.
        ac: i32,
        /// How well the target was protected.
        cover: Cover,
        /// Whether it hit.
        hit: bool,
        /// Whether it was critical.
        critical: bool,
    },
    /// A saving throw was made.
    SaveMade {
        /// By whom.
        who: CombatantId,
        /// With what.
        ability: Ability,
        /// What it had to reach.
        dc: i32,
        /// Whether it did.
        success: bool,
    },
    /// An instance of damage was taken.
    Damaged {
        /// By whom.
        target: CombatantId,
        /// Whose doing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<CombatantId>,
        /// By type.
        parts: Vec<DamagePart>,
        /// Taken from temporary hit points.
        temp_absorbed: i32,
        /// Hit points now.
        hp: HitPoints,
        /// Its life now.
        life: Life,
        /// It died at once: what was left of the damage came up to its hit point maximum.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        massive: bool,
    },
    /// Hit points came back.
    Healed {
        /// Whose.
        target: CombatantId,
        /// How many.
        regained: i32,
        /// Hit points now.
        hp: HitPoints,
        /// Its life now.
        life: Life,
    },
    /// A death save was made.
    DeathSaveMade {
        /// By whom.
        who: CombatantId,
        /// How it went.
        save: DeathSave,
        /// Hit points now.
        hp: HitPoints,
        /// Its life now.
        life: Life,
    },
    /// It died, or was saved from it.
    LifeSet {
        /// Who.
        who: CombatantId,
        /// Now.
        life: Life,
    },
    /// An effect began.
    EffectStarted {
        /// All of it.
        effect: Arc<Effect>,
    },
    /// An effect ended.
    EffectEnded {
        /// Which.
        id: EffectId,
        /// Why.
        reason: EndReason,
    },
    /// A creature concentrates on something, or on nothing any more.
    ConcentrationSet {
        /// Who.
        who: CombatantId,
        /// On what.
        on: Option<EffectId>,
    },
    /// A spell was cast.
    SpellCast {
        /// By whom.
        who: CombatantId,
        /// Which.
        spell: Key,
        /// Level of the slot; of the spell where none is spent.
        slot: u8,
        /// Whom it is about, as far as that is known at once.
        targets: Vec<CombatantId>,
    },
    /// Spell slots are spent.
    SlotsSet {
        /// Whose.
        who: CombatantId,
        /// Of this level.
        level: u8,
        /// So many.
        spent: u8,
    },
    /// What is to be done now a game master has to rule.
    RulingNeeded {
        /// Whose doing.
        who: CombatantId,
        /// Of what: a spell, or a word of its program.
        of: Key,
        /// About whom.
        targets: Vec<CombatantId>,
    },
    /// What was cast came to nothing.
    SpellFailed {
        /// Whose.
        who: CombatantId,
        /// Which.
        spell: Key,
    },
    /// A creature is somewhere else at once, or off the board.
    Displaced {
        /// Who.
        who: CombatantId,
        /// Where it is now; none: off the board.
        to: Option<Square>,
        /// Feet above the ground.
        elevation_ft: i32,
    },
    /// An effect is somewhere else.
    EffectMoved {
        /// Which.
        id: EffectId,
        /// Where it is now.
        covers: Covered,
    },
    /// What effects make of the map.
    GroundSet {
        /// Now.
        ground: Arc<Ground>,
    },
    /// An effect did to somebody what it does once a turn.
    Touched {
        /// Which effect.
        id: EffectId,
        /// To whom.
        who: CombatantId,
    },
    /// An effect counts.
    Counted {
        /// Which effect.
        id: EffectId,
        /// What.
        of: Key,
        /// Now.
        count: u32,
    },
    /// A command could not be brought to its end: the rules changed while it waited. What was told
    /// of it stands.
    Abandoned,
    /// Temporary hit points were gained, or those there were kept.
    TempHpSet {
        /// By whom.
        who: CombatantId,
        /// Hit points now.
        hp: HitPoints,
    },
    /// An ability check was made.
    CheckMade {
        /// By whom.
        who: CombatantId,
        /// With what.
        skill: Skill,
        /// About whom.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<CombatantId>,
        /// What it came to.
        total: i64,
        /// What it had to reach, in a contest to exceed; none: the game master rules.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        against: Option<i64>,
        /// Whether it did; none: the game master rules.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        success: Option<bool>,
    },
    /// An effect is otherwise than before.
    EffectChanged {
        /// All of it.
        effect: Arc<Effect>,
    },
    /// A creature prepared something, or did it, or gave it up.
    ReadiedSet {
        /// Who.
        who: CombatantId,
        /// What; none: nothing any more.
        readied: Option<Box<Readied>>,
    },
    /// An object was handled or used; what no rule says of it a game master rules.
    ObjectUsed {
        /// By whom.
        who: CombatantId,
        /// How; none: used.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        interaction: Option<Interaction>,
        /// Which.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<Key>,
        /// On whom.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<CombatantId>,
    },
    /// These players throw dice of their own.
    PhysicalDiceSet {
        /// Who.
        players: BTreeSet<Uuid>,
    },
    /// Somebody rose or sank by its own movement, above the square that it stands on.
    HeightSet {
        /// Who.
        who: CombatantId,
        /// Feet above the ground.
        elevation_ft: i32,
    },
    /// An attack at a square missed, be it that nobody was there.
    GuessMissed {
        /// Whose.
        attacker: CombatantId,
        /// Where.
        at: Square,
        /// With what.
        attack: Key,
        /// Who was there; none: nobody that the attack could have hit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<CombatantId>,
    },
    /// A creature squeezes into the space of one size smaller, or has room again.
    SqueezedSet {
        /// Who.
        who: CombatantId,
        /// Whether it squeezes now.
        squeezed: bool,
    },
    /// A creature with a lair was asked for its lair action.
    LairActed {
        /// Who.
        who: CombatantId,
        /// At the count of 20 of this round.
        round: u32,
        /// Which it took; none: none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<Key>,
    },
    /// What is in somebody's hands, as far as that is known.
    HeldSet {
        /// Whose.
        who: CombatantId,
        /// Now.
        held: Vec<Key>,
    },
    /// What effects make of the map is otherwise.
    GroundChanged {
        /// What is so from now on.
        more: Arc<Ground>,
        /// What is so no more.
        less: Arc<Ground>,
    },
    /// An effect is somewhere else, in the same shape.
    EffectShifted {
        /// Which.
        id: EffectId,
        /// So many columns and rows away.
        by: [i32; 2],
        /// So many feet higher.
        #[serde(default, skip_serializing_if = "is_level")]
        up_ft: i32,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
const fn is_level(up_ft: &i32) -> bool {
    *up_ft == 0
}

/// What dice are thrown for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "snake_case")]
pub enum Purpose {
    /// The order of turns.
    Initiative,
    /// To hit.
    Attack {
        /// Whom.
        target: CombatantId,
        /// With what.
        attack: Key,
    },
    /// Damage.
    Damage,
    /// Hit points that come back.
    Healing,
    /// Whether something can be used again.
    Recharge {
        /// What.
        id: Key,
    },
    /// To avoid something.
    Save {
        /// With what.
        ability: Ability,
    },
    /// An ability check.
    Check {
        /// With what.
        skill: Skill,
    },
    /// To go on concentrating.
    Concentration,
    /// Not to die.
    DeathSave,
    /// An ability check without a skill.
    Ability {
        /// With what.
        ability: Ability,
    },
    /// To hit whoever is on a square.
    AttackAt {
        /// Where.
        at: Square,
        /// With what.
        attack: Key,
    },
    /// To get past what wards whoever is on a square.
    WardAt {
        /// Where.
        at: Square,
    },
    /// How long something lasts.
    Duration {
        /// What.
        id: Key,
    },
}

impl Purpose {
    /// Whether the throw itself would tell if somebody is on a square.
    pub const fn is_secret(&self) -> bool {
        matches!(self, Self::AttackAt { .. } | Self::WardAt { .. })
    }
}
