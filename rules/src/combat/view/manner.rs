//! What the way of making an attack changes in it (SRD 5.1 "Weapon Properties", "Two-Weapon
//! Fighting"; SRD 5.2.1 "Properties", "Mastery Properties").

use super::attack::attack_kinds;
use super::{About, Strike, View};
use crate::combat::{Combatant, CombatantId, Effect, EffectId, Extra, Manner, Refusal};
use crate::content::{Attack, AttackKind, AttackProperty, Mastery, Weapon, When};
use crate::effect::{Ending, ModifierKind, RollKind};
use crate::space::SQUARE_FT;
use crate::two_weapon::second_hand_modifier;
use crate::{Ability, Size, Skill, Switch};

/// Score below which a heavy weapon is too heavy (SRD 5.2.1 "Heavy").
const HEAVY_SCORE: u8 = 13;

impl View<'_> {
    /// That an attack can be made in this way.
    pub(in crate::combat) fn may_be_made(
        self,
        who: CombatantId,
        attack: &Attack,
        how: Manner,
    ) -> Result<(), Refusal> {
        let light = attack.has(AttackProperty::Light);
        let thrown = attack.has(AttackProperty::Thrown);
        let two_handed =
            !attack.two_handed_damage.is_empty() || attack.has(AttackProperty::TwoHanded);
        let known = self.combat.rules.is_52(Switch::TwoWeapon);
        let mastery = known && attack.mastery.is_some();
        let finesse = attack.has(AttackProperty::Finesse);
        let ability = matches!(how.ability, None | Some(Ability::Str | Ability::Dex));
        let other = self
            .detail(who, &attack.attack_id)
            .is_some_and(|it| it.variants.iter().any(|variant| variant.when == When::Chosen));
        let fits = (!how.thrown || thrown)
            && (!how.other || other)
            && (!how.two_handed || two_handed)
            && (!how.mastery || mastery)
            && (how.ability.is_none() || finesse && ability);
        let extra = match how.extra {
            Extra::None | Extra::Pounce => true,
            Extra::OffHand => light && !how.two_handed,
            Extra::Nick => known && light && !how.two_handed,
            Extra::Cleave => known && attack.mastery == Some(Mastery::Cleave),
        };
        if fits && extra { Ok(()) } else { Err(Refusal::WrongManner) }
    }

    /// The ability that an attack's numbers are made of: melee Strength, ranged Dexterity, finesse
    /// the higher; thrown as melee.
    fn usual_ability(self, who: &Combatant, attack: &Attack) -> Ability {
        let modifier = |ability| who.block.abilities.modifier(ability);
        let dexterous = modifier(Ability::Dex) > modifier(Ability::Str);
        match attack.kind {
            AttackKind::Ranged if !attack.has(AttackProperty::Thrown) => Ability::Dex,
            _ if attack.has(AttackProperty::Finesse) && dexterous => Ability::Dex,
            AttackKind::Melee | AttackKind::Ranged | AttackKind::MeleeOrRanged => Ability::Str,
        }
    }

    /// The modifier of the ability that an attack's numbers are made of.
    pub(in crate::combat) fn usual_modifier(self, who: CombatantId, attack: &Attack) -> i32 {
        let Some(who) = self.combat.combatant(who) else { return 0 };
        who.block.abilities.modifier(self.usual_ability(who, attack))
    }

    /// The modifier of the ability that an attack is made with.
    pub(in crate::combat) fn attack_modifier(self, strike: Strike<'_>) -> i32 {
        let Some(who) = self.combat.combatant(strike.attacker) else { return 0 };
        let usual = self.usual_ability(who, strike.attack);
        who.block.abilities.modifier(strike.how.ability.unwrap_or(usual))
    }

    /// What the choice of another ability than the usual one adds.
    pub(in crate::combat) fn ability_change(self, strike: Strike<'_>) -> i32 {
        let Some(who) = self.combat.combatant(strike.attacker) else { return 0 };
        let usual = who.block.abilities.modifier(self.usual_ability(who, strike.attack));
        self.attack_modifier(strike) - usual
    }

    /// The ability that an attack is made with: the one chosen, else the usual one; none for spells.
    pub(in crate::combat) fn ability_of(self, strike: Strike<'_>) -> Option<Ability> {
        let who = self.combat.combatant(strike.attacker)?;
        let usual = || self.usual_ability(who, strike.attack);
        (!strike.attack.spell).then(|| strike.how.ability.unwrap_or_else(usual))
    }

    /// What the way of making it adds to an attack's damage.
    pub(in crate::combat) fn damage_change(self, strike: Strike<'_>) -> i32 {
        let (_, lost) = self.corrosion(strike.attacker, &strike.attack.attack_id);
        let change = self.ability_change(strike) - lost;
        if strike.how.extra.is_without_modifier() {
            let modifier = self.attack_modifier(strike);
            change - modifier + second_hand_modifier(modifier)
        } else {
            change
        }
    }

    /// Whether a weapon is too heavy: for the Small (SRD 5.1 "Heavy"), or for who is not strong or
    /// agile enough (SRD 5.2.1 "Heavy").
    pub(in crate::combat) fn is_too_heavy(self, strike: Strike<'_>) -> bool {
        let Some(who) = self.combat.combatant(strike.attacker) else { return false };
        let abilities = &who.block.abilities;
        let score =
            if strike.attack.kind == AttackKind::Ranged { abilities.dex } else { abilities.str };
        let heavy = strike.attack.has(AttackProperty::Heavy);
        if self.combat.rules.is_52(Switch::HeavyWeapon) {
            heavy && score < HEAVY_SCORE
        } else {
            heavy && who.block.size <= Size::Small
        }
    }

    /// Whether a weapon is too long for a target this near (SRD 5.1 "Special Weapons").
    pub(in crate::combat) fn is_too_long(self, strike: Strike<'_>) -> bool {
        let weapon = self.book.content.weapons.get(&strike.attack.attack_id);
        !strike.ranged && strike.distance_ft <= SQUARE_FT && weapon.is_some_and(Weapon::is_lance)
    }

    /// Effects that are over with this attack's roll, because they say something to it.
    pub(in crate::combat) fn used_by_attack(self, strike: Strike<'_>) -> Vec<EffectId> {
        let kinds = attack_kinds(strike.attack, strike.ranged);
        let [own, against] = self.about_attack(strike, &kinds);
        let mut used = self.used_by(strike.attacker, own, &OWN);
        if !strike.is_void() {
            used.extend(self.used_by(strike.target, against, &AGAINST));
        }
        used
    }

    /// Effects on a creature that are over with its check.
    pub(in crate::combat) fn used_by_check(self, who: CombatantId, skill: Skill) -> Vec<EffectId> {
        let (kinds, ability) = (&[RollKind::Check], Some(skill.ability()));
        let about = About { kinds, ability, skill: Some(skill), ..About::default() };
        self.used_by(who, about, &OWN)
    }

    /// Effects on a creature that are over with its save.
    pub(in crate::combat) fn used_by_save(
        self,
        who: CombatantId,
        ability: Ability,
    ) -> Vec<EffectId> {
        let about = About { kinds: &[RollKind::Save], ability: Some(ability), ..About::default() };
        self.used_by(who, about, &OWN)
    }

    /// Effects that a death saving throw of a creature uses up.
    pub(in crate::combat) fn used_by_death_save(self, who: CombatantId) -> Vec<EffectId> {
        let kinds = &[RollKind::Save, RollKind::DeathSave];
        self.used_by(who, About { kinds, ..About::default() }, &OWN)
    }

    /// Whether something on a creature favors another's checks on it, as a charm does.
    pub(in crate::combat) fn is_partial_to(
        self,
        target: CombatantId,
        who: CombatantId,
        skill: Skill,
    ) -> bool {
        self.of_kind(target, ModifierKind::AdvantageToSource).any(|active| {
            active.effect.source == Some(who)
                && (active.modifier.skills.is_empty() || active.modifier.skills.contains(&skill))
        })
    }

    fn used_by(
        self,
        bearer: CombatantId,
        about: About<'_>,
        kinds: &[ModifierKind],
    ) -> Vec<EffectId> {
        let ends = |effect: &Effect| effect.template.ends_on.contains(&Ending::Roll);
        let mut all = self.combat.effects_on(bearer).chain(self.zones_on(bearer));
        if !all.any(ends) {
            return Vec::new();
        }
        let mut used: Vec<EffectId> = self
            .modifiers(bearer)
            .filter(|active| ends(active.effect))
            .filter(|active| kinds.contains(&active.modifier.kind))
            .filter(|active| self.concerns(bearer, active, about))
            .map(|active| active.effect.id)
            .collect();
        used.dedup();
        used
    }
}

/// What speaks to the bearer's own rolls.
const OWN: [ModifierKind; 5] = [
    ModifierKind::Advantage,
    ModifierKind::Disadvantage,
    ModifierKind::Bonus,
    ModifierKind::Die,
    ModifierKind::AutoFail,
];

/// What speaks to attack rolls against the bearer.
const AGAINST: [ModifierKind; 2] =
    [ModifierKind::AdvantageToAttackers, ModifierKind::DisadvantageToAttackers];
