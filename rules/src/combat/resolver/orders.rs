//! Actions that need no roll (SRD 5.1 "Actions in Combat"; SRD 5.2.1 "Actions").

use super::{Flow, Resolver};
use crate::combat::{CombatantId, Economy, Fact, Life, Refusal};
use crate::effect::{
    Duration, Edge, EffectTemplate, Modifier, ModifierKind, RollKind, When, Which, Whose,
};
use crate::{Edition, Key, MovementMode, Skill, Switch};

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
    /// 5.2.1 "Stabilizing a Character"). 5.2: it wakes who was knocked out (SRD 5.2.1 "Knocking Out
    /// a Creature").
    pub(super) fn stabilize(&mut self, who: CombatantId, target: CombatantId) -> Flow<()> {
        self.on_its_turn(who)?;
        let life = self.combatant(target)?.life;
        let knocked_out = life == Life::Alive
            && self.combat.rules.is_52(Switch::KnockOut)
            && !self.knocked_down(target).is_empty();
        if !knocked_out && !matches!(life, Life::Dying { .. }) {
            return Err(Refusal::InvalidTarget.into());
        }
        self.near(who, target)?;
        self.spend_action(who)?;
        let skill = Skill::Medicine;
        if self.check(who, skill, None)? >= STABILIZE_DC {
            if knocked_out {
                self.wake(target);
            } else {
                self.stabilized(target)?;
            }
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

    /// Extra movement as far as its speed is now; 5.2: or one of its special speeds, as it likes
    /// (SRD 5.1 "Dash"; SRD 5.2.1 "Dash").
    pub(super) fn dash(&mut self, who: CombatantId, mode: Option<MovementMode>) -> Flow<()> {
        self.on_its_turn(who)?;
        if mode.is_some() && self.combat.rules.edition == Edition::E51 {
            return Err(Refusal::NotInTheseRules.into());
        }
        let speed = match mode {
            Some(mode) => self.view().speed_ft(who, mode).ok_or(Refusal::NoSuchSpeed)?,
            None => self.usual_speed_ft(who),
        };
        self.spend_action(who)?;
        self.add_dash(who, speed)
    }

    /// So much more movement this turn.
    pub(super) fn be_dashing(&mut self, who: CombatantId) -> Flow<()> {
        let speed = self.usual_speed_ft(who);
        self.add_dash(who, speed)
    }

    /// The speed of who says nothing of it: that of the way it moved last this turn, else to fly
    /// where it is in the air, else to walk. Who does none of these goes by the best it has.
    fn usual_speed_ft(&self, who: CombatantId) -> i32 {
        let view = self.view();
        let Some(mover) = self.combat.combatant(who) else { return 0 };
        let aloft = (mover.elevation_ft > 0).then_some(MovementMode::Fly);
        let modes = [mover.economy.mode, aloft, Some(MovementMode::Walk)];
        let printed = |mode: &MovementMode| mover.block.speeds.of(*mode) != Some(0);
        let mut modes = modes.into_iter().flatten().filter(printed);
        let speed = modes.find_map(|mode| view.speed_ft(who, mode));
        speed.unwrap_or_else(|| view.best_speed_ft(who))
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
