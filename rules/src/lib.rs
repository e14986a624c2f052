//! Rules of the game: pure, no clock, no I/O, no randomness but the dice handed in.

mod ability;
pub mod cases;
pub mod combat;
mod condition;
pub mod conditions;
pub mod content;
mod creature;
mod damage_type;
pub mod dice;
pub mod effect;
pub mod grapple;
mod key;
pub mod recharge;
pub mod rest;
mod rule_set;
pub mod space;
pub mod spellcasting;
pub mod two_weapon;

pub use ability::{Abilities, Ability, Skill, modifier};
pub use condition::Condition;
pub use content::ContentError;
pub use creature::{CreatureType, MovementMode, Senses, Size, Speeds};
pub use damage_type::DamageType;
pub use dice::{Dice, Expression, ExpressionError, Roll};
pub use key::{Key, KeyError};
pub use rule_set::{
    AreaSquares, Diagonals, Edition, InitiativeTies, MonsterDamage, RuleSet, Switch, TieDecidedBy,
};
