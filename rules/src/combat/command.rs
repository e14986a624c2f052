//! What may be asked of a combat.

mod doer;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Answer, Changes, Combatant, CombatantId, EffectId, Manner, PromptId};
use crate::effect::{Choice, EffectTemplate};
use crate::space::Square;
use crate::{Key, MovementMode, Skill};

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// A game master: may command anybody.
    Gm,
    /// A player: commands its own.
    Player(Uuid),
    /// Nobody: a time ran out.
    Clock,
}

/// What comes in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// Something to be done.
    Command {
        /// Who asks.
        by: Actor,
        /// For what.
        command: Command,
    },
    /// An answer to the question that is open.
    Answer {
        /// Who answers.
        by: Actor,
        /// Which question.
        prompt: PromptId,
        /// How.
        answer: Answer,
    },
}

/// Something to be done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Somebody joins. Game master.
    AddCombatant {
        /// Who.
        combatant: Box<Combatant>,
    },
    /// Somebody leaves. Game master.
    RemoveCombatant {
        /// Who.
        id: CombatantId,
    },
    /// Everybody who has not rolled does, and the first turn begins. Game master.
    Begin,
    /// An attack, as an action of its own turn.
    Attack {
        /// Who attacks.
        who: CombatantId,
        /// Whom.
        target: CombatantId,
        /// With what.
        attack: Key,
        /// Hits to stun rather than kill.
        #[serde(default)]
        knock_out: bool,
        /// How it is made.
        #[serde(default, skip_serializing_if = "Manner::is_plain")]
        how: Manner,
        /// What it shoots; absent: what such a weapon usually does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ammunition: Option<Key>,
    },
    /// A special action of its stat block.
    UseAction {
        /// Who.
        who: CombatantId,
        /// Which.
        id: Key,
        /// Whom, where it has targets and no area.
        #[serde(default)]
        targets: Vec<CombatantId>,
        /// Where the area is, if it is put somewhere.
        #[serde(default)]
        at: Option<Square>,
        /// A square that the area points at.
        #[serde(default)]
        direction: Option<Square>,
        /// Of what it can be, one: an attack, an action.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        option: Option<Key>,
        /// Where it steps with it, one square after another.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        path: Vec<Square>,
        /// What a spell that it casts leaves open.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        choices: BTreeMap<Key, Choice>,
    },
    /// The action that makes it hard to hit.
    Dodge {
        /// Who.
        who: CombatantId,
    },
    /// Movement along squares, each next to the one before.
    Move {
        /// Who.
        who: CombatantId,
        /// How.
        mode: MovementMode,
        /// Where it steps, one after another.
        path: Vec<Square>,
        /// Creatures that it grapples and takes along.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        drag: Vec<CombatantId>,
        /// Feet above the ground at its end; none: as high as before. Every step rises or sinks up to
        /// 5 ft, the rest is gone straight up or down. Not on foot.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        elevation_ft: Option<i32>,
    },
    /// The action that lets it leave without being struck.
    Disengage {
        /// Who.
        who: CombatantId,
    },
    /// Gets up from the ground, for half its speed.
    StandUp {
        /// Who.
        who: CombatantId,
    },
    /// Drops to the ground.
    DropProne {
        /// Who.
        who: CombatantId,
    },
    /// First aid for who lies dying.
    Stabilize {
        /// Who gives it.
        who: CombatantId,
        /// To whom.
        target: CombatantId,
    },
    /// Extra movement.
    Dash {
        /// Who.
        who: CombatantId,
        /// By which of its speeds; absent: by its greatest.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mode: Option<MovementMode>,
    },
    /// The turn is over.
    EndTurn {
        /// Whose.
        who: CombatantId,
    },
    /// Stops concentrating.
    EndConcentration {
        /// Who.
        who: CombatantId,
    },
    /// Puts an effect on creatures, or does at once what one without duration does: its damage, a
    /// save. Game master.
    ApplyEffect {
        /// What.
        effect: Box<EffectTemplate>,
        /// Whose doing it counts as.
        source: Option<CombatantId>,
        /// On whom.
        targets: Vec<CombatantId>,
    },
    /// Ends an effect. Game master.
    RemoveEffect {
        /// Which.
        id: EffectId,
    },
    /// The combat is over. Game master.
    End,
    /// Temporary hit points for somebody. Game master.
    GiveTempHp {
        /// To whom.
        target: CombatantId,
        /// How many.
        amount: i32,
    },
    /// Says which players throw dice of their own. Game master.
    PhysicalDice {
        /// Who.
        players: BTreeSet<Uuid>,
    },
    /// Seizes a creature, in place of an attack.
    Grapple {
        /// Who.
        who: CombatantId,
        /// Whom.
        target: CombatantId,
    },
    /// Pushes a creature or knocks it down, in place of an attack.
    Shove {
        /// Who.
        who: CombatantId,
        /// Whom.
        target: CombatantId,
        /// To do what.
        effect: Shove,
        /// Of a push, where to: a square 5 feet farther away; absent: straight away.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Square>,
    },
    /// Tries to break free of a grapple, or of an effect that says what it takes.
    Escape {
        /// Who.
        who: CombatantId,
        /// Of which effect; absent: of the grapple, the oldest of several.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        effect: Option<EffectId>,
        /// Athletics or Acrobatics; absent: the one it is better at.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        skill: Option<Skill>,
    },
    /// Lets go of a creature that it grapples.
    Release {
        /// Who.
        who: CombatantId,
        /// Whom.
        target: CombatantId,
    },
    /// The action that helps somebody.
    Help {
        /// Who.
        who: CombatantId,
        /// Whom.
        target: CombatantId,
        /// With what.
        with: HelpWith,
    },
    /// The action of hiding.
    Hide {
        /// Who.
        who: CombatantId,
    },
    /// Jumps along squares in the air, each next to the one before, and lands on the last; straight
    /// up over its own.
    Jump {
        /// Who.
        who: CombatantId,
        /// Over which squares.
        path: Vec<Square>,
        /// Feet above the ground that it is at in the end, until it moves on or its turn ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        elevation_ft: Option<i32>,
    },
    /// Prepares something for when something happens, before its next turn.
    Ready {
        /// Who.
        who: CombatantId,
        /// For what.
        trigger: Awaited,
        /// What it does then, as a command of its own.
        action: Box<Command>,
    },
    /// What somebody waits for happens, as its owner or the game master says.
    Happens {
        /// Who waits.
        who: CombatantId,
    },
    /// Handles an object beside moving and acting, once a turn.
    Interact {
        /// Who.
        who: CombatantId,
        /// What it does.
        interaction: Interaction,
        /// With what.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<Key>,
        /// To whom.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<CombatantId>,
    },
    /// The action of using an object.
    UseObject {
        /// Who.
        who: CombatantId,
        /// Which; absent: something of the place, which the game master rules.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<Key>,
        /// On whom; absent: on itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<CombatantId>,
    },
    /// Changes what a combatant is. Game master.
    Update {
        /// Whom.
        id: CombatantId,
        /// What.
        changes: Box<Changes>,
    },
    /// An action that is a check, and the rest of which a game master rules.
    TrySkill {
        /// Who.
        who: CombatantId,
        /// To do what.
        action: SkillAction,
        /// With what; absent: Perception for a search, else what the action is usually made with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        skill: Option<Skill>,
        /// About whom.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<CombatantId>,
        /// What it relies on, where it does on one sense; absent: a search with Perception relies
        /// on sight, or on hearing of who is blinded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sense: Option<CheckSense>,
    },
    /// Casts a spell. What takes longer than an action is begun so, and gone on with by the same in
    /// each of its turns.
    Cast {
        /// Who.
        who: CombatantId,
        /// Which.
        spell: Key,
        /// Level of the slot; 0: a cantrip, a ritual, or what its block casts without a slot. From a
        /// thing: the level that it is cast at; 0: the lowest.
        #[serde(default)]
        slot_level: u8,
        /// Whom; one named twice gets two rays, darts …
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        targets: Vec<CombatantId>,
        /// Where.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Square>,
        /// A square that the area points at.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        direction: Option<Square>,
        /// What the spell leaves open.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        choices: BTreeMap<Key, Choice>,
        /// As a ritual.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        ritual: bool,
        /// From this thing of its own, for charges.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<Key>,
    },
    /// What a running effect lets its bearer do.
    UseEffect {
        /// Who.
        who: CombatantId,
        /// Which effect; absent: the oldest that lets it do this.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        effect: Option<EffectId>,
        /// What of it.
        id: Key,
        /// Whom.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        targets: Vec<CombatantId>,
        /// Where.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Square>,
        /// A square that the area points at.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        direction: Option<Square>,
        /// What it leaves open.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        choices: BTreeMap<Key, Choice>,
    },
    /// Everybody is called to roll; for some it is rolled at once. Game master.
    CallInitiative {
        /// For whom it is rolled at once.
        roll: RolledFor,
        /// Monsters take 10 and their bonus instead (SRD 5.2.1 "Initiative").
        #[serde(default)]
        fixed: bool,
    },
    /// Rolls for its place in the order; the last to roll begins the first turn.
    RollInitiative {
        /// Who.
        who: CombatantId,
        /// The face of its own d20; none: the server rolls.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        face: Option<u32>,
    },
    /// Turns are taken in this order from now on; begins the first turn if none was. Game master, and
    /// of tied characters their players.
    SetOrder {
        /// Everybody, once.
        order: Vec<CombatantId>,
    },
    /// Gets on a creature to ride it, for half its speed.
    Mount {
        /// Who.
        who: CombatantId,
        /// Whom it rides from now on.
        target: CombatantId,
        /// The one ridden keeps turns and actions of its own.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        independent: bool,
    },
    /// Gets off whom it rides, for half its speed.
    Dismount {
        /// Who.
        who: CombatantId,
        /// Where it stands then.
        to: Square,
    },
    /// As [`Command::Attack`], where somebody unseen is thought to be.
    AttackAt {
        /// Who attacks.
        who: CombatantId,
        /// Where.
        at: Square,
        /// With what.
        attack: Key,
        /// Hits to stun rather than kill.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        knock_out: bool,
        /// How it is made.
        #[serde(default, skip_serializing_if = "Manner::is_plain")]
        how: Manner,
        /// What it shoots; absent: what such a weapon usually does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ammunition: Option<Key>,
    },
    /// An action taken as a bonus action, where something lets it.
    AsBonus {
        /// Who.
        who: CombatantId,
        /// Which, as a command of its own.
        action: Box<Command>,
    },
    /// Somebody falls. Game master.
    Fall {
        /// Who.
        who: CombatantId,
        /// Feet above the ground where it comes down, below where it is.
        to_ft: i32,
        /// What is changed of it first.
        #[serde(default, skip_serializing_if = "Changes::is_nothing")]
        changes: Box<Changes>,
    },
    /// An attack on somebody with features that its hit brings.
    AttackWith {
        /// Who attacks.
        who: CombatantId,
        /// Uses of its block, spells or traits, by name.
        with: Vec<Key>,
        /// The attack, as a command of its own.
        attack: Box<Command>,
    },
}

/// What a shove does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shove {
    /// Knocks down.
    Prone,
    /// Pushes 5 feet away.
    Push,
}

/// What help is given with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum HelpWith {
    /// The next ability check.
    Check {
        /// With this skill; absent: whichever.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        skill: Option<Skill>,
    },
    /// The next attack.
    Attack {
        /// On whom.
        enemy: CombatantId,
    },
    /// Not dying.
    Stabilize,
}

/// A sense that a check relies on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum CheckSense {
    Sight,
    Hearing,
    Smell,
}

/// An action that is a check.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkillAction {
    /// To find something or somebody.
    Search,
    /// 5.2: to urge a creature.
    Influence,
    /// 5.2: to know or work something out.
    Study,
}

/// What a creature with something prepared waits for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Awaited {
    /// What happens.
    pub on: Happening,
    /// To whom, or whose doing; none: whoever's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub who: Vec<CombatantId>,
    /// Within so many feet of who waits; absent: wherever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_ft: Option<i32>,
    /// In words, for what the engine does not see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// Something that happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happening {
    /// A creature moved.
    Moves,
    /// A creature came within reach.
    EntersReach,
    /// A creature left the reach.
    LeavesReach,
    /// A creature attacked.
    Attacks,
    /// A creature cast a spell.
    Casts,
    /// A creature took damage.
    IsDamaged,
    /// A creature's turn started.
    TurnStart,
    /// A creature's turn ended.
    TurnEnd,
    /// What the words say.
    Custom,
}

/// What is done with an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Interaction {
    Draw,
    Stow,
    PickUp,
    Drop,
    Give,
    Open,
    Close,
    Other,
}

/// For whom initiative is rolled as soon as it is called for.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RolledFor {
    /// All but characters.
    #[default]
    Npcs,
    /// Everybody.
    All,
    /// Nobody.
    None,
}
