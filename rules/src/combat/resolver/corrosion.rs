//! Weapons that what they hit eats away (SRD 5.1 "Corrosive Form", "Rust Metal"; SRD 5.2.1 "Corrosive
//! Form").

use std::sync::Arc;

use super::Resolver;
use crate::Key;
use crate::combat::view::Strike;
use crate::content::AttackProperty;
use crate::effect::{Duration, EffectTemplate, Modifier, ModifierKind};

impl Resolver<'_> {
    /// A nonmagical weapon that hit what corrodes it is worth one less; ammunition is gone with the
    /// shot.
    pub(super) fn corrode(&mut self, strike: Strike<'_>) {
        let attack = strike.attack;
        let content = &self.book.content;
        let plain = !attack.spell && !attack.has(AttackProperty::Magical);
        let shot = strike.ranged && attack.has(AttackProperty::Ammunition);
        let weapon = content.weapons.get(&attack.attack_id);
        let Some(weapon) = weapon.filter(|_| plain && !shot).map(|it| it.id.clone()) else {
            return;
        };
        let Some(target) = self.combat.combatant(strike.target) else { return };
        let corrosion = target
            .block
            .traits
            .iter()
            .find_map(|id| content.trait_of(target.monster.as_ref(), id)?.corrodes.as_ref());
        let Some(corrosion) = corrosion.filter(|it| !it.spares.contains(&weapon)) else { return };
        let on = corrosion.on;
        let (roll, damage) = self.view().corrosion(strike.attacker, &weapon);
        let lost = if on == crate::effect::RollKind::Attack { roll } else { damage };
        let modifier = Modifier {
            on: vec![on],
            of: vec![weapon.clone()],
            value: Some(lost.saturating_add(1)),
            ..Modifier::of(ModifierKind::Corroded)
        };
        let template = EffectTemplate {
            key: Key::parse(&format!("corroded-{weapon}")).ok(),
            modifiers: vec![modifier],
            ..EffectTemplate::named("Corroded", Duration::Permanent)
        };
        // The older ones are less potent, and count no more.
        self.put(&Arc::new(template), None, strike.attacker, None);
    }
}
