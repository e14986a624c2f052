//! Why a command is not done. A refusal changes nothing.

use serde::{Deserialize, Serialize};

use super::CombatantId;
use crate::space::Square;
use crate::{Condition, Key};

/// Why a command is refused, with what the sender needs to see why.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "refusal", rename_all = "snake_case")]
pub enum Refusal {
    /// Not a game master.
    #[error("only a game master may do this")]
    NotGameMaster,
    /// Not the sender's to command.
    #[error("this combatant is not yours to command")]
    NotYours,
    /// Nobody of that name.
    #[error("no such combatant")]
    UnknownCombatant {
        /// Who was named.
        id: CombatantId,
    },
    /// Taken.
    #[error("the combatant takes part already")]
    KnownCombatant {
        /// Who was named.
        id: CombatantId,
    },
    /// No effect of that name.
    #[error("no such effect")]
    UnknownEffect,
    /// It has no such attack.
    #[error("the combatant has no such attack")]
    UnknownAttack,
    /// The combat is not at a point where this can be done.
    #[error("the combat is not at a point where this can be done")]
    WrongPhase,
    /// Somebody has to decide something first.
    #[error("a decision is awaited")]
    AwaitingDecision,
    /// That question is not open.
    #[error("that question is not open")]
    NotAsked,
    /// The answer does not fit the question.
    #[error("the answer does not fit the question")]
    WrongAnswer,
    /// It is somebody else's turn.
    #[error("it is not its turn")]
    NotItsTurn {
        /// Whose it is.
        active: Option<CombatantId>,
    },
    /// Dead, dying or otherwise out of it.
    #[error("it cannot act")]
    CannotAct {
        /// What keeps it, when a condition does.
        condition: Option<Condition>,
    },
    /// Nothing of that is left this turn.
    #[error("no action is left")]
    NoActionLeft,
    /// Dead, or no creature that can be a target.
    #[error("the target cannot be chosen")]
    InvalidTarget,
    /// Charmed by the target.
    #[error("it is charmed by the target")]
    CharmedByTarget,
    /// Too far for a melee attack.
    #[error("the target is out of reach")]
    OutOfReach {
        /// How far it is.
        distance_ft: i32,
        /// How far the attack goes.
        reach_ft: i32,
    },
    /// Too far for a ranged attack.
    #[error("the target is out of range")]
    OutOfRange {
        /// How far it is.
        distance_ft: i32,
        /// How far the attack goes.
        range_ft: i32,
    },
    /// Not enough movement.
    #[error("not enough movement is left")]
    NotEnoughMovement {
        /// What it would cost.
        cost_ft: i32,
        /// What is left.
        left_ft: i32,
    },
    /// The path cannot be walked.
    #[error("the path cannot be taken")]
    InvalidPath {
        /// The first square that cannot be entered; none: the path is none.
        at: Option<Square>,
    },
    /// It has no speed of that kind.
    #[error("it has no such speed")]
    NoSuchSpeed,
    /// Total cover is in between.
    #[error("nothing can get to the target")]
    NoLineOfEffect,
    /// It frightens whoever moves, and the path leads closer.
    #[error("it is frightened by what the path leads closer to")]
    Frightened {
        /// By whom.
        by: CombatantId,
    },
    /// It has no such special action.
    #[error("the combatant has no such use")]
    UnknownUse,
    /// It was used too often, or has not come back.
    #[error("it cannot be used again yet")]
    Spent,
    /// What is used so is not an action of its own turn.
    #[error("this is not used in its own turn")]
    NotAnAction,
    /// A place or a direction is missing, or no use.
    #[error("the area has no place")]
    InvalidArea,
    /// More targets than it has, or none.
    #[error("so many targets cannot be chosen")]
    TargetCount {
        /// At most.
        most: usize,
    },
    /// So many effects run on it that no more are taken.
    #[error("no more effects can be put on it")]
    TooManyEffects {
        /// At most.
        most: usize,
    },
    /// It cannot be as it is said to be.
    #[error("a combatant cannot be like this")]
    InvalidCombatant,
    /// It is so already.
    #[error("there is nothing to be done")]
    NothingToDo,
    /// It does not know that spell, or there is none.
    #[error("the combatant has no such spell")]
    UnknownSpell,
    /// No slot of that level is left, or the level does not fit the spell.
    #[error("no such spell slot is left")]
    NoSlot {
        /// Which.
        level: u8,
    },
    /// Another spell of this turn keeps it from casting this one.
    #[error("another spell was cast this turn")]
    SpellLimit,
    /// It cannot speak, and the spell needs words.
    #[error("it cannot speak")]
    CannotSpeak,
    /// It cannot be concentrated on.
    #[error("it cannot concentrate")]
    CannotConcentrate,
    /// Something that the caster has to choose is not chosen, or cannot be.
    #[error("a choice is missing")]
    InvalidChoice {
        /// Of what.
        of: Key,
    },
    /// Only a melee attack can spare a life.
    #[error("only a melee attack can knock out")]
    KnockOutNeedsMelee,
    /// The attack cannot be made in this way, or not now.
    #[error("the attack cannot be made in this way")]
    WrongManner,
    /// It was loaded for one shot.
    #[error("the weapon has to be loaded first")]
    MustReload,
    /// Too large to be seized or shoved.
    #[error("the target is too large")]
    TooLarge,
    /// The rules played here have no such action.
    #[error("these rules have no such action")]
    NotInTheseRules,
    /// That skill does not serve.
    #[error("that skill does not serve here")]
    WrongSkill,
    /// Only who is proficient in the skill helps with it.
    #[error("it is not proficient in that skill")]
    NotProficient,
    /// It cannot hide from who sees it.
    #[error("it cannot hide where it is seen")]
    Seen {
        /// By whom.
        by: CombatantId,
    },
    /// Its hands are full.
    #[error("it has no free hand")]
    NoFreeHand,
    /// That cannot be prepared, or nothing is.
    #[error("that cannot be prepared")]
    CannotReady,
    /// The free interaction of the turn is taken.
    #[error("no free interaction is left")]
    NoInteractionLeft,
    /// It has no such thing, or none of it is left.
    #[error("it has no such thing")]
    NoSuchItem,
    /// An order names everybody once.
    #[error("an order names every combatant once")]
    IncompleteOrder,
    /// Farther than it can jump, or higher.
    #[error("it cannot jump so far")]
    TooFarToJump {
        /// How far it would be.
        distance_ft: i32,
        /// How far it can.
        most_ft: i32,
    },
    /// Nothing it can ride: not willing, not larger, ridden by another.
    #[error("it cannot ride this")]
    NoMount,
    /// Who rides it controls it: it moves, dashes, disengages and dodges, no more.
    #[error("a controlled mount cannot do this")]
    ControlledMount,
    /// Nothing lets it do that as a bonus action.
    #[error("nothing lets it do that as a bonus action")]
    NotAsBonusAction,
    /// In the open nobody hides, not from the blind either (SRD 5.2.1 "Hide").
    #[error("it is neither heavily obscured nor behind enough cover")]
    NotConcealed {
        /// From whom.
        from: CombatantId,
    },
    /// The spell has no ritual, or the caster cannot cast it as one.
    #[error("it cannot cast this as a ritual")]
    NotARitual,
    /// The spell needs materials, and it has none at hand.
    #[error("it has no material components")]
    NoMaterials,
}
