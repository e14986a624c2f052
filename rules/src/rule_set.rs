//! Which edition's rules a table plays, rule by rule.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// An edition of the System Reference Document.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Edition {
    /// SRD 5.1, the rules of 2014.
    #[serde(rename = "5.1")]
    E51,
    /// SRD 5.2.1, the rules of 2024.
    #[serde(rename = "5.2")]
    E52,
}

/// A rule in which the editions differ. A difference without a switch goes by the table's edition, as
/// its content does.
///
/// Five make no difference to a fight: a stat block says what its defenses stand against
/// ([`Switch::NonmagicalResistance`]), a fight whether it is on squares ([`Switch::Grid`]), and by
/// both editions monsters die at 0 hit points ([`Switch::MonsterDeath`]), who wakes lies on the
/// ground ([`Switch::ConditionEndsProne`]), and who is incapacitated concentrates on nothing and
/// does nothing that takes words ([`Switch::IncapacitatedConcentration`]).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the settings' names")]
pub enum Switch {
    Surprise,
    InitiativeConditions,
    GrappledAttack,
    GrappleShove,
    DragCost,
    Exhaustion,
    StunnedMovement,
    IncapacitatedConcentration,
    PetrifiedImmunities,
    InvisibleSeen,
    Hide,
    ConcentrationCap,
    SpellLimit,
    KnockOut,
    Stabilize,
    PassThrough,
    ForcedShare,
    Squeeze,
    HeavyWeapon,
    TwoWeapon,
    EquipPerAttack,
    Potion,
    HelpProficiency,
    OpportunityAttack,
    LairActions,
    NonmagicalResistance,
    Grid,
    FallIntoWater,
    UnderwaterWeapons,
    MonsterDeath,
    ConditionEndsProne,
    FlyingFall,
    ActionNames,
}

impl Switch {
    /// All of them.
    pub const ALL: [Self; 33] = [
        Self::Surprise,
        Self::InitiativeConditions,
        Self::GrappledAttack,
        Self::GrappleShove,
        Self::DragCost,
        Self::Exhaustion,
        Self::StunnedMovement,
        Self::IncapacitatedConcentration,
        Self::PetrifiedImmunities,
        Self::InvisibleSeen,
        Self::Hide,
        Self::ConcentrationCap,
        Self::SpellLimit,
        Self::KnockOut,
        Self::Stabilize,
        Self::PassThrough,
        Self::ForcedShare,
        Self::Squeeze,
        Self::HeavyWeapon,
        Self::TwoWeapon,
        Self::EquipPerAttack,
        Self::Potion,
        Self::HelpProficiency,
        Self::OpportunityAttack,
        Self::LairActions,
        Self::NonmagicalResistance,
        Self::Grid,
        Self::FallIntoWater,
        Self::UnderwaterWeapons,
        Self::MonsterDeath,
        Self::ConditionEndsProne,
        Self::FlyingFall,
        Self::ActionNames,
    ];
}

/// Who goes first of those with the same initiative.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InitiativeTies {
    /// The game master orders them.
    GmOrder,
    /// The higher Dexterity, then dice.
    #[default]
    DexThenSeededRoll,
    /// Each rolls a d20 (SRD 5.1 "Initiative", optional).
    RollOff,
}

/// Who puts those with the same initiative in order where no dice do (SRD 5.1 and SRD 5.2.1
/// "Initiative").
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TieDecidedBy {
    /// The game master: monsters among themselves, or a monster and a character.
    GameMaster,
    /// The players: their characters.
    Players,
}

impl TieDecidedBy {
    /// Of those who are tied, given whether all of them are players' characters.
    pub const fn of(all_characters: bool) -> Self {
        if all_characters { Self::Players } else { Self::GameMaster }
    }
}

/// What a diagonal step costs.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Diagonals {
    /// As much as a straight one (SRD 5.2.1 "Playing on a Grid").
    #[default]
    Equal,
    /// 5, 10, 5 … ft: a table's option, in neither SRD.
    Alternate,
}

/// Which squares an area affects; the SRDs fix its shape only.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AreaSquares {
    /// Those covered by half or more.
    #[default]
    HalfCovered,
    /// Those whose center lies inside or on the edge.
    CenterIn,
    /// Those it overlaps at all.
    AnyOverlap,
}

/// How a monster's damage comes about.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MonsterDamage {
    /// By its dice.
    #[default]
    Roll,
    /// The average its stat block prints.
    Average,
}

/// The rules of a table: an edition, and the rules taken from the other.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RuleSet {
    /// Holds where nothing else is said.
    #[serde(default = "newest")]
    pub edition: Edition,
    /// Rules whose edition is said.
    #[serde(flatten)]
    pub switches: BTreeMap<Switch, Edition>,
    /// Who goes first of those with the same initiative.
    #[serde(default)]
    pub initiative_ties: InitiativeTies,
    /// What a diagonal step costs.
    #[serde(default)]
    pub diagonals: Diagonals,
    /// Which squares an area affects.
    #[serde(default)]
    pub area_squares: AreaSquares,
    /// How a monster's damage comes about.
    #[serde(default)]
    pub monster_damage: MonsterDamage,
    /// Whether weapons suffer under water.
    #[serde(default = "yes")]
    pub underwater_combat: bool,
    /// Whether creatures may be ridden.
    #[serde(default = "yes")]
    pub mounted_combat: bool,
}

const fn newest() -> Edition {
    Edition::E52
}

const fn yes() -> bool {
    true
}

impl RuleSet {
    /// An edition as it is written.
    pub const fn of(edition: Edition) -> Self {
        Self {
            edition,
            switches: BTreeMap::new(),
            initiative_ties: InitiativeTies::DexThenSeededRoll,
            diagonals: Diagonals::Equal,
            area_squares: AreaSquares::HalfCovered,
            monster_damage: MonsterDamage::Roll,
            underwater_combat: true,
            mounted_combat: true,
        }
    }

    /// The edition a rule is taken from.
    pub fn edition(&self, rule: Switch) -> Edition {
        self.switches.get(&rule).copied().unwrap_or(self.edition)
    }

    /// Whether a rule is SRD 5.2.1's.
    pub fn is_52(&self, rule: Switch) -> bool {
        self.edition(rule) == Edition::E52
    }
}
