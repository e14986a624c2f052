//! What an effect changes: one entry per change, each with the rolls and the cases it holds for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Ability, Condition, CreatureType, DamageType, Edition, Expression, Key, MovementMode, RuleSet,
    Skill, Switch,
};

/// A change that an effect makes to the creature it is on (the bearer).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Modifier {
    /// What it does.
    pub kind: ModifierKind,
    /// Which rolls it concerns; for kinds about rolls, empty means none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<RollKind>,
    /// Only saves and checks with these; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub abilities: Vec<Ability>,
    /// Only checks with these; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skills: Vec<Skill>,
    /// Number added; feet for speed, sense and reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<i32>,
    /// Dice added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dice: Option<Expression>,
    /// `value` replaces instead of adding.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub set: bool,
    /// Types of damage; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<DamageType>,
    /// Qualities of a weapon that get past it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unless: Vec<Quality>,
    /// Conditions, for [`ModifierKind::ConditionImmunity`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// All of these must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<When>,
    /// Holds under this edition of this rule only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleOf>,
    /// From this level of exhaustion on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_level: Option<u8>,
    /// `value` counts once per level of exhaustion.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub per_level: bool,
    /// `value` grows by so much for each slot level above the spell's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_slot: Option<i32>,
    /// The spellcasting ability's modifier is added to `value`, with this sign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spell_modifier: Option<i32>,
    /// `dice` grow by these for each slot level above the spell's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dice_per_slot: Option<Expression>,
    /// `dice` by the caster's level.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub at_level: BTreeMap<u8, Expression>,
    /// What the caster chooses of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<Chosen>,
    /// The bearer's own modifier with this is added to `value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ability: Option<Ability>,
    /// Only these ways of moving, for kinds about speed; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modes: Vec<MovementMode>,
    /// Only where the other is of one of these types; empty: whatever it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_types: Vec<CreatureType>,
    /// Only this: kinds of ground ([`crate::space::Grid::surfaces`]), or effects of these keys; empty:
    /// whatever it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub of: Vec<Key>,
    /// Once a turn, for kinds about damage dealt.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub once_a_turn: bool,
}

/// What a caster chooses of a modifier.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chosen {
    /// `types`: the choice `damage_type`.
    DamageType,
    /// `abilities`: the choice `ability`.
    Ability,
    /// `skills`: the choice `skill`.
    Skill,
}

/// A set of kinds of modifiers that may have more than was put in, never less.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Kinds(u128);

impl Kinds {
    pub(crate) fn may_have(self, kind: ModifierKind) -> bool {
        self.0 & Self::one(kind) != 0
    }

    fn one(kind: ModifierKind) -> u128 {
        1_u128.checked_shl(kind as u32).unwrap_or(u128::MAX)
    }
}

impl<'m> FromIterator<&'m Modifier> for Kinds {
    fn from_iter<T: IntoIterator<Item = &'m Modifier>>(modifiers: T) -> Self {
        let kinds = modifiers.into_iter().map(|modifier| Self::one(modifier.kind));
        Self(kinds.fold(0, |set, kind| set | kind))
    }
}

/// What a modifier does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModifierKind {
    /// The bearer's rolls have advantage.
    Advantage,
    /// The bearer's rolls have disadvantage.
    Disadvantage,
    /// Attack rolls against the bearer have advantage.
    AdvantageToAttackers,
    /// Attack rolls against the bearer have disadvantage.
    DisadvantageToAttackers,
    /// `value` is added to the bearer's rolls.
    Bonus,
    /// `dice` are added to the bearer's rolls.
    Die,
    /// The bearer's saves or checks fail without a roll.
    AutoFail,
    /// Hits on the bearer are critical.
    AutoCritical,
    /// Armor class, added to or, with `set`, at least.
    Ac,
    /// Every speed, in feet, added to or set.
    Speed,
    /// Every speed is halved, rounded down.
    SpeedHalved,
    /// Maximum hit points, added to.
    MaxHp,
    /// Maximum hit points are halved, rounded down.
    MaxHpHalved,
    /// Damage is halved.
    Resistance,
    /// Damage does nothing.
    Immunity,
    /// Damage is doubled.
    Vulnerability,
    /// Damage is less by `value`.
    Reduce,
    /// `conditions` cannot be put on the bearer.
    ConditionImmunity,
    /// No actions and bonus actions.
    CannotAct,
    /// No reactions.
    CannotReact,
    /// No movement of its own.
    CannotMove,
    /// No speech.
    CannotSpeak,
    /// Concentration ends and cannot begin.
    CannotConcentrate,
    /// The source's checks on the bearer have advantage.
    AdvantageToSource,
    /// May not attack or harm the effect's source.
    CannotHarmSource,
    /// May not move closer to the effect's source of its own will.
    CannotApproachSource,
    /// Moves by crawling, or stands up first.
    Crawls,
    /// Sees in the dark for so many feet.
    Sense,
    /// Reach of melee attacks, added to.
    Reach,
    /// Dead at once.
    Dies,
    /// The bearer's hits deal `dice` more of `types`, with the rolls in `on`.
    ExtraDamage,
    /// Hits of the effect's source on the bearer deal `dice` more of `types`.
    ExtraDamageFromSource,
    /// The bearer's damage with weapons is halved, of attacks in `on`.
    DealsHalf,
    /// Hit points do not come back.
    CannotHeal,
    /// Every speed is doubled.
    SpeedDoubled,
    /// A speed of `modes` of at least `value` feet; 0: its walking speed.
    GainsSpeed,
    /// Armor class is at least `value` with the modifier of `ability`, whatever it wears.
    AcBase,
    /// Either an action or a bonus action in a turn.
    ActionOrBonus,
    /// Not more than one attack with an action.
    OneAttack,
    /// Sees the invisible within `value` feet; without one as far as it sees.
    SeesInvisible,
    /// Cannot be chosen as a target of attacks and harmful spells without a save.
    Warded,
    /// Does not come down to 0 hit points but to 1, once.
    DeathWard,
    /// What would hit it may hit an image instead.
    Images,
    /// Half of the damage taken is taken by the effect's source too.
    SharesDamage,
    /// No spells of this level (`value`) or lower from outside concern it.
    SpellsStopped,
    /// Casts no spells.
    NoCasting,
    /// Being invisible does nothing for it.
    CannotHide,
    /// Healing comes to the most that the dice can.
    HealsMost,
    /// Its club or quarterstaff is used with the casting's attack bonus and deals `dice` with the
    /// spellcasting ability's modifier.
    Shillelagh,
    /// Its score in `abilities` is `value`.
    ScoreIs,
    /// A d20 of its rolls counts at least as `value`.
    LeastDie,
    /// It jumps `value` times as far.
    Jumps,
    /// Damage of `types` is less by `dice`, once a turn.
    ReduceDie,
    /// Difficult terrain costs it nothing more.
    FreeMovement,
    /// Hits of the bearer with a weapon count as magical.
    MagicalWeapon,
    /// Falls slowly and takes no damage from it.
    SlowFall,
    /// It makes no opportunity attacks.
    NoOpportunity,
    /// Its hands are full or bound: no gestures, no materials, nothing to seize with.
    NoFreeHand,
    /// It makes no attacks; of those at a distance none in `on`, where that says some.
    CannotAttack,
    /// Its flight out of a reach provokes nobody.
    FliesUnprovoking,
    /// Its movement out of a reach provokes nobody.
    MovesUnprovoking,
    /// Saves with Dexterity for half damage: none on a success, half on a failure.
    Evasion,
    /// Its attacks do double damage to objects.
    DoublesAgainstObjects,
    /// `value` hit points come back as its turn starts, unless damage of `types` was taken.
    Regenerates,
    /// Not dead at 0 hit points as long as it regenerates.
    OutlivesZero,
    /// A save keeps it at 1 hit point instead of 0: Constitution, DC 5 and the damage.
    UndeadFortitude,
    /// Once, damage of at most `value` leaves it at 1 hit point instead of 0.
    Relentless,
    /// Damage of `types` heals it instead.
    Absorbs,
    /// It breathes under water.
    BreathesWater,
    /// It does not breathe air.
    CannotBreatheAir,
    /// It holds its breath for `value` minutes.
    HoldsBreath,
    /// Its blindsight is hearing.
    SeesByHearing,
    /// The effect's source commands it.
    ObeysSource,
    /// It does not breathe.
    CannotBreathe,
    /// It is as if under water.
    Submerged,
    /// It does not get up from the ground.
    CannotStand,
    /// Its hits are critical.
    HitsCritically,
    /// It drags along who it grapples without spending more movement.
    DragsFreely,
    /// It has its reaction again in every turn.
    ReactsEveryTurn,
    /// It shares the spaces of others, as swarms do.
    SharesSpace,
    /// It goes through any crack, without squeezing.
    Seeps,
    /// It goes through creatures and what is filled as through difficult terrain.
    Incorporeal,
    /// It climbs ground of the kinds in `of` without a check, ceilings too.
    Climbs,
    /// It burrows through what is filled with ground of the kinds in `of`; `value`: at the cost of so
    /// many feet for each, leaving a tunnel 10 feet wide.
    Burrows,
    /// Its long jump is at least `value` feet, with or without a run-up.
    StandingJump,
    /// Its long jump is at least `value` feet, with a run-up.
    RunningJump,
    /// It jumps by `ability` instead of Strength.
    JumpsBy,
    /// Magical darkness does not hinder its darkvision.
    SeesInMagicalDarkness,
    /// It knows where others are with which it shares ground of the kinds in `of`, or the area of an
    /// effect of such a key: they do not hide from it there.
    FeelsOn,
    /// It does not come onto ground of the kinds in `of` unless it has an effect of the key `invited`.
    BarredFrom,
    /// Nobody of another side knows it for a creature; with `value`, but who is as perceptive.
    Unrecognized,
    /// Nothing alters its form.
    KeepsForm,
    /// Its weapons of `of` are worth `value` less, to what is in `on`; at 5 they are none.
    Corroded,
    /// Half of the damage dealt to it goes to whom it grapples.
    HalvesWithGrappled,
    /// It attacks nobody but the nearest that it sees.
    AttacksNearest,
    /// It succeeds on saves against magic.
    SavesAgainstMagic,
    /// Attack rolls of spells miss it.
    SpellAttacksMiss,
    /// It does not teleport.
    CannotTeleport,
    /// Of its spells with a casting time of an action those are complete in its next turn at the
    /// casting of which a d20 shows `value` or more.
    DelaysSpells,
    /// Of a hundred of its spells with gestures so many fail.
    FailsSpells,
    /// Larger by `value` sizes, smaller where that is negative.
    Size,
    /// No bonus actions.
    NoBonusAction,
    /// Takes part no longer when the effect ends.
    Summoned,
    /// Its unarmed strikes deal `dice` of `types`, with `value` more to hit and to harm; with
    /// `set` that is instead of the Strength modifier, and else they count as magical.
    NaturalWeapon,
    /// Damage of one source that comes to less than `value` does nothing (SRD 5.1 "Objects"; SRD 5.2.1
    /// "Damage Threshold").
    DamageThreshold,
    /// 5.1: it casts spells with the tag as rituals.
    CastsRituals,
    /// It has no material components at hand, nor what stands for them.
    NoMaterials,
    /// A d20 of its rolls that shows `value` or less is thrown again: one of them, and once.
    Reroll,
}

/// A kind of roll.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollKind {
    /// Any attack roll.
    Attack,
    /// Of a melee attack.
    MeleeAttack,
    /// Of a ranged attack.
    RangedAttack,
    /// Of a spell's attack.
    SpellAttack,
    /// Saving throws, death saves not among them.
    Save,
    /// Ability checks, initiative among them.
    Check,
    /// Damage dealt.
    Damage,
    /// Initiative.
    Initiative,
    /// Saves to keep concentrating, beside [`RollKind::Save`].
    Concentration,
    /// Death saves.
    DeathSave,
    /// Of an attack that is no spell.
    WeaponAttack,
    /// Of a melee attack that is no spell.
    MeleeWeaponAttack,
    /// Of a ranged attack that is no spell.
    RangedWeaponAttack,
}

/// A case in which a modifier holds; "the other" is the attacker or the one attacked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// The other is within 5 feet.
    #[serde(rename = "within_5_ft")]
    Within5Ft,
    /// The other is farther than 5 feet away.
    #[serde(rename = "beyond_5_ft")]
    Beyond5Ft,
    /// The other is not the effect's source.
    OtherIsNotSource,
    /// The effect's source is in the bearer's line of sight.
    SourceInSight,
    /// The other cannot see the bearer.
    UnseenByOther,
    /// The bearer sees the other.
    SeenByBearer,
    /// The bearer could dodge: it can act and move.
    BearerCanDodge,
    /// The check depends on sight.
    NeedsSight,
    /// The check depends on hearing.
    NeedsHearing,
    /// The check depends on smell.
    NeedsSmell,
    /// The save is against magic.
    AgainstMagic,
    /// The save keeps from one of the modifier's `conditions`.
    AgainstConditions,
    /// An ally of the bearer that can act is within 5 feet of the other.
    AllyNearOther,
    /// The other lacks hit points.
    OtherWounded,
    /// The bearer grapples the other.
    OtherGrappled,
    /// The sun shines on the bearer.
    InSunlight,
    /// The bearer has half of its hit points or fewer.
    BearerBloodied,
    /// The other is the one that the effect is about.
    OtherIsSubject,
    /// The other is the effect's source.
    OtherIsSource,
    /// The other sees the bearer.
    OtherSees,
    /// The bearer hears.
    BearerHears,
    /// The bearer is not the effect's source.
    BearerIsNotSource,
    /// The effect's source sees the bearer.
    SeenBySource,
    /// The sun does not shine on the bearer.
    OutOfSunlight,
    /// The effect's source can act.
    SourceCanAct,
    /// The bearer sees an ally within 30 feet.
    #[serde(rename = "ally_seen_within_30_ft")]
    AllySeenWithin30Ft,
    /// In the first round, the other was surprised as the combat began.
    OtherSurprised,
    /// In the first round, the other's turn is yet to come, or to end.
    OtherYetToAct,
    /// The attack has advantage, or an ally that can act is within 5 feet of the other and the attack
    /// has no disadvantage.
    Sneaks,
    /// It is the bearer's turn, its first in the combat.
    InOwnFirstTurn,
    /// The bearer is on ground of the modifier's `of`, and on no other.
    OnGround,
    /// The bearer is not on any ground of the modifier's `of`.
    OffGround,
    /// The bearer is under water.
    Underwater,
    /// The bearer is in bright light.
    InBrightLight,
    /// The bearer is in dim light or darkness.
    InDimLight,
    /// The other is in the effect's area.
    OtherInArea,
}

/// What makes a weapon more than a weapon.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Quality {
    Magical,
    Silvered,
    Adamantine,
}

/// An edition of a rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleOf {
    /// Which rule.
    pub switch: Switch,
    /// As which edition has it.
    pub edition: Edition,
}

impl Modifier {
    /// One that does this and no more.
    pub fn of(kind: ModifierKind) -> Self {
        Self {
            kind,
            on: Vec::new(),
            abilities: Vec::new(),
            skills: Vec::new(),
            value: None,
            dice: None,
            set: false,
            types: Vec::new(),
            unless: Vec::new(),
            conditions: Vec::new(),
            when: Vec::new(),
            rule: None,
            from_level: None,
            per_level: false,
            per_slot: None,
            dice_per_slot: None,
            at_level: BTreeMap::new(),
            spell_modifier: None,
            chosen: None,
            ability: None,
            modes: Vec::new(),
            other_types: Vec::new(),
            of: Vec::new(),
            once_a_turn: false,
        }
    }

    /// Whether it holds at a table with these rules for a bearer with so many levels of exhaustion.
    pub fn holds(&self, rules: &RuleSet, exhaustion: u8) -> bool {
        self.rule.is_none_or(|rule| rules.edition(rule.switch) == rule.edition)
            && self.from_level.is_none_or(|level| exhaustion >= level)
    }

    /// The number it adds for a bearer with so many levels of exhaustion.
    pub fn value(&self, exhaustion: u8) -> i32 {
        let value = self.value.unwrap_or(0);
        if self.per_level { value.saturating_mul(i32::from(exhaustion)) } else { value }
    }
}
