//! Whom a command names.

use super::{Awaited, Changes, CombatantId, Command, HelpWith};

impl Command {
    /// Hands over every combatant that is named anywhere in it. A new command has to say whom.
    pub fn each_named(&self, named: &mut dyn FnMut(CombatantId)) {
        match self {
            Self::AddCombatant { combatant } => named(combatant.id),
            Self::RemoveCombatant { id } => named(*id),
            Self::Begin
            | Self::End
            | Self::RemoveEffect { id: _ }
            | Self::PhysicalDice { players: _ }
            | Self::CallInitiative { roll: _, fixed: _ } => {}
            Self::Dodge { who }
            | Self::Disengage { who }
            | Self::StandUp { who }
            | Self::DropProne { who }
            | Self::Dash { who, mode: _ }
            | Self::EndTurn { who }
            | Self::EndConcentration { who }
            | Self::Escape { who, effect: _, skill: _ }
            | Self::Hide { who }
            | Self::Jump { who, path: _, elevation_ft: _ }
            | Self::Happens { who }
            | Self::Dismount { who, to: _ }
            | Self::AttackAt { who, .. }
            | Self::RollInitiative { who, face: _ } => named(*who),
            Self::Attack { who, target, attack: _, knock_out: _, how: _, ammunition: _ }
            | Self::Stabilize { who, target }
            | Self::Grapple { who, target }
            | Self::Shove { who, target, effect: _, to: _ }
            | Self::Mount { who, target, independent: _ }
            | Self::Release { who, target } => [*who, *target].into_iter().for_each(named),
            Self::Interact { who, interaction: _, item: _, target }
            | Self::UseObject { who, item: _, target }
            | Self::TrySkill { who, action: _, skill: _, target, sense: _ } => {
                target.iter().chain([who]).copied().for_each(named);
            }
            Self::UseAction { who, targets, .. }
            | Self::Cast {
                who,
                spell: _,
                slot_level: _,
                targets,
                at: _,
                direction: _,
                choices: _,
                ritual: _,
                item: _,
            }
            | Self::UseEffect { who, effect: _, id: _, targets, at: _, direction: _, choices: _ }
            | Self::Move { who, mode: _, path: _, drag: targets, elevation_ft: _ } => {
                targets.iter().chain([who]).copied().for_each(named);
            }
            Self::ApplyEffect { effect: _, source, targets } => {
                targets.iter().chain(source).copied().for_each(named);
            }
            Self::GiveTempHp { target, amount: _ } => named(*target),
            Self::Help { who, target, with } => {
                [*who, *target].into_iter().chain(with.enemy()).for_each(named);
            }
            Self::Ready { who, trigger, action } => {
                let Awaited { on: _, who: awaited, within_ft: _, text: _ } = trigger;
                awaited.iter().chain([who]).copied().for_each(&mut *named);
                action.each_named(named);
            }
            Self::AsBonus { who, action } | Self::AttackWith { who, with: _, attack: action } => {
                named(*who);
                action.each_named(named);
            }
            Self::Update { id, changes } | Self::Fall { who: id, to_ft: _, changes } => {
                changes.sources().chain([*id]).for_each(named)
            }
            Self::SetOrder { order } => order.iter().copied().for_each(named),
        }
    }
}

impl Changes {
    fn sources(&self) -> impl Iterator<Item = CombatantId> {
        self.conditions_add.iter().filter_map(|added| added.source_id)
    }
}

impl HelpWith {
    const fn enemy(self) -> Option<CombatantId> {
        match self {
            Self::Attack { enemy } => Some(enemy),
            Self::Check { skill: _ } | Self::Stabilize => None,
        }
    }
}
