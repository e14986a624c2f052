//! Whose doing a command is.

use super::Command;
use crate::combat::CombatantId;

impl Command {
    /// Who moves of its own will or does something else that can be seen, if this is that.
    pub(in crate::combat) fn stirs(&self) -> Option<CombatantId> {
        match self {
            Self::Attack { who, .. }
            | Self::Cast { who, .. }
            | Self::UseEffect { who, .. }
            | Self::UseAction { who, .. }
            | Self::Move { who, .. }
            | Self::Grapple { who, .. }
            | Self::Shove { who, .. }
            | Self::Escape { who, .. }
            | Self::Help { who, .. }
            | Self::Jump { who, .. }
            | Self::Interact { who, .. }
            | Self::UseObject { who, .. }
            | Self::Stabilize { who, .. }
            | Self::StandUp { who }
            | Self::Mount { who, .. }
            | Self::Dismount { who, .. }
            | Self::AttackAt { who, .. }
            | Self::DropProne { who } => Some(*who),
            Self::AsBonus { action, .. } | Self::AttackWith { attack: action, .. } => {
                action.stirs()
            }
            _ => None,
        }
    }

    /// Whose doing it is; none: the game master's alone.
    pub(in crate::combat) const fn by(&self) -> Option<CombatantId> {
        match self {
            Self::Attack { who, .. }
            | Self::Cast { who, .. }
            | Self::UseEffect { who, .. }
            | Self::UseAction { who, .. }
            | Self::Dodge { who }
            | Self::Move { who, .. }
            | Self::Dash { who, .. }
            | Self::Grapple { who, .. }
            | Self::Shove { who, .. }
            | Self::Escape { who, .. }
            | Self::Release { who, .. }
            | Self::Help { who, .. }
            | Self::Hide { who }
            | Self::Ready { who, .. }
            | Self::AsBonus { who, .. }
            | Self::AttackWith { who, .. }
            | Self::Happens { who }
            | Self::Jump { who, .. }
            | Self::Interact { who, .. }
            | Self::UseObject { who, .. }
            | Self::TrySkill { who, .. }
            | Self::Stabilize { who, .. }
            | Self::Disengage { who }
            | Self::StandUp { who }
            | Self::DropProne { who }
            | Self::EndTurn { who }
            | Self::EndConcentration { who }
            | Self::RollInitiative { who, .. }
            | Self::Mount { who, .. }
            | Self::Dismount { who, .. }
            | Self::AttackAt { who, .. } => Some(*who),
            Self::AddCombatant { .. }
            | Self::RemoveCombatant { .. }
            | Self::Begin
            | Self::ApplyEffect { .. }
            | Self::RemoveEffect { .. }
            | Self::GiveTempHp { .. }
            | Self::Update { .. }
            | Self::PhysicalDice { .. }
            | Self::CallInitiative { .. }
            | Self::SetOrder { .. }
            | Self::Fall { .. }
            | Self::End => None,
        }
    }
}
