//! Actions that need no roll (SRD 5.1 "Actions in Combat"; SRD 5.2.1 "Actions").

use super::{Flow, Resolver};
use crate::combat::{CombatantId, Economy, Fact, Life, Refusal};
use crate::effect::{
    Duration, Edge, EffectTemplate, Modifier, ModifierKind, RollKind, When, Which, Whose,
};
use crate::{Key, MovementMode, Skill};

/// What first aid has to reach.
const STABILIZE_DC: i64 = 10;

impl Resolver<'_> {
    /// Spends a creature's action.
    pub(super) fn spend_action(&mut self, who: CombatantId) -> Flow<()> {
        self.on_its_turn(who)?;
        let economy = self.combatant(who)?.economy.clone();
        if !economy.action || self.view().has_chosen_bonus_action(who) {
            return Err(Refusal::NoActionLeft.into());
        }
        self.tell(Fact::EconomySet { who, economy: Economy { action: false, ..economy } });
        Ok(())
    }

    /// First aid: DC 10 Wisdom (Medicine) within 5 feet (SRD 5.1 "Stabilizing a Creature"; SRD
    /// 5.2.1 "Stabilizing a Character").
    pub(super) fn stabilize(&mut self, who: CombatantId, target: CombatantId) -> Flow<()> {
        self.on_its_turn(who)?;
        if !matches!(self.combatant(target)?.life, Life::Dying { .. }) {
            return Err(Refusal::InvalidTarget.into());
        }
        self.near(who, target)?;
        self.spend_action(who)?;
        let skill = Skill::Medicine;
        if self.check(who, skill, None)? >= STABILIZE_DC {
            self.tell(Fact::LifeSet { who: target, life: Life::Stable });
        }
        Ok(())
    }

    pub(super) fn disengage(&mut self, who: CombatantId) -> Flow<()> {
        self.spend_action(who)?;
        self.be_disengaged(who)
    }

    /// Its movement provokes nobody this turn.
    pub(super) fn be_disengaged(&mut self, who: CombatantId) -> Flow<()> {
        let economy = Economy { disengaged: true, ..self.combatant(who)?.economy.clone() };
        self.tell(Fact::EconomySet { who, economy });
        Ok(())
    }

    /// Extra movement as far as its speed, or one of its special speeds, is now.
    pub(super) fn dash(&mut self, who: CombatantId, mode: Option<MovementMode>) -> Flow<()> {
        self.on_its_turn(who)?;
        let speed = match mode {
            Some(mode) => self.view().speed_ft(who, mode).ok_or(Refusal::NoSuchSpeed)?,
            None => self.view().best_speed_ft(who),
        };
        self.spend_action(who)?;
        self.add_dash(who, speed)
    }

    /// So much more movement this turn.
    pub(super) fn be_dashing(&mut self, who: CombatantId) -> Flow<()> {
        let speed = self.view().best_speed_ft(who);
        self.add_dash(who, speed)
    }

    fn add_dash(&mut self, who: CombatantId, speed: i32) -> Flow<()> {
        let economy = self.combatant(who)?.economy.clone();
        let economy = Economy { dashed_ft: economy.dashed_ft.saturating_add(speed), ..economy };
        self.tell(Fact::EconomySet { who, economy });
        Ok(())
    }

    pub(super) fn dodge(&mut self, who: CombatantId) -> Flow<()> {
        self.spend_action(who)?;
        self.be_dodging(who)
    }

    /// Hard to hit until its next turn.
    pub(super) fn be_dodging(&mut self, who: CombatantId) -> Flow<()> {
        let until = Duration::Until { edge: Edge::Start, whose: Whose::Target, which: Which::Next };
        let template = EffectTemplate {
            key: Key::parse("dodge").ok(),
            modifiers: vec![
                Modifier {
                    on: vec![RollKind::Attack],
                    when: vec![When::SeenByBearer, When::BearerCanDodge],
                    ..Modifier::of(ModifierKind::DisadvantageToAttackers)
                },
                Modifier {
                    on: vec![RollKind::Save],
                    abilities: vec![crate::Ability::Dex],
                    when: vec![When::BearerCanDodge],
                    ..Modifier::of(ModifierKind::Advantage)
                },
            ],
            ..EffectTemplate::named("Dodge", until)
        };
        self.put(&std::sync::Arc::new(template), Some(who), who, None);
        Ok(())
    }
}
