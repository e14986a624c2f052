//! Creatures that spells call (SRD 5.1 "Conjure Animals", "Conjure Woodland Beings").

use std::sync::Arc;

use uuid::Uuid;

use super::ops::Act;
use super::{Flow, Resolver};
use crate::Key;
use crate::combat::{Combatant, CombatantId, CombatantKind, Effect, Fact, Phase, Refusal};
use crate::content::{Monster, SpellRules, StatBlock};
use crate::effect::{
    Casting, Duration, EffectTemplate, Hook, Modifier, ModifierKind, Op, Party, Summon, Targets,
    Trigger,
};
use crate::space::{Place, Square, nearest_free};

/// The choice of what comes.
const CREATURES: &str = "creatures";

/// The choice of where it comes.
const PLACES: &str = "places";

/// How far the names of two who came are apart.
const APART: u128 = 0x9E37_79B9_7F4A_7C15;

impl Resolver<'_> {
    /// That such creatures come, and not more than do; that their places are within range.
    pub(super) fn may_summon(
        &self,
        who: CombatantId,
        rules: &SpellRules,
        casting: &Casting,
    ) -> Result<(), Refusal> {
        for op in rules.program.iter().flat_map(|program| &program.does) {
            let Op::Summon(summon) = op else { continue };
            if !self.may_come(summon, casting) {
                let of = Key::parse(CREATURES).map_err(|_| Refusal::UnknownSpell)?;
                return Err(Refusal::InvalidChoice { of });
            }
            let range_ft = self.spell_range_ft(&rules.record, &Targets::default());
            for at in casting.squares(PLACES) {
                if self.place(who, Some(at), range_ft)? != at {
                    return Err(Refusal::NoLineOfEffect);
                }
            }
        }
        Ok(())
    }

    fn may_come(&self, summon: &Summon, casting: &Casting) -> bool {
        let coming = self.coming(casting);
        let number = casting.squares(PLACES).len();
        let times = summon.times_at_slot.range(..=casting.slot).next_back();
        let times = times.map_or(1, |(_, times)| *times);
        let highest = coming.iter().map(|monster| monster.challenge_eighths()).max().flatten();
        let fits = |monster: &&Monster| {
            let kind = monster.block.creature_type;
            monster.challenge_eighths().is_some()
                && kind.is_some_and(|kind| summon.types.contains(&kind))
        };
        number > 0
            && coming.len() == casting.words(CREATURES).len()
            && coming.iter().all(fits)
            && highest.is_some_and(|highest| {
                let allowed = summon.most.range(highest..).map(|(_, most)| most * times).max();
                allowed.is_some_and(|allowed| number <= allowed)
            })
    }

    /// The records of those that are to come.
    fn coming(&self, casting: &Casting) -> Vec<&Monster> {
        let keys = casting.words(CREATURES).into_iter().filter_map(|word| Key::parse(word).ok());
        keys.filter_map(|key| self.book.content.monsters.get(&key)).collect()
    }

    /// They come, friendly to the caster, and roll for initiative as a group.
    pub(super) fn summon_op(&mut self, act: &Act, summon: &Summon) -> Flow<()> {
        let coming: Vec<Monster> = self.coming(&act.casting).into_iter().cloned().collect();
        let group = format!("{} {}", act.casting.spell, self.combat.next_effect);
        let mut initiative = None;
        let places = act.casting.squares(PLACES);
        for (at, monster) in places.into_iter().zip(coming.iter().cycle()) {
            let Some(combatant) = self.summoned(act, summon, monster, at) else { continue };
            let who = combatant.id;
            let combatant = Arc::new(Combatant { group: Some(group.clone()), ..combatant });
            self.tell(Fact::CombatantSet { combatant });
            self.bear_traits(who)?;
            if self.combat.phase == Phase::Running {
                match initiative {
                    Some(initiative) => self.tell(Fact::InitiativeSet { who, initiative }),
                    None => initiative = Some(self.roll_initiative(who)?),
                }
                self.put_in_order(who);
            }
            let template = EffectTemplate {
                key: Some(act.casting.spell.clone()),
                modifiers: vec![Modifier::of(ModifierKind::Summoned)],
                casting: Some(Box::new(act.casting.clone())),
                triggers: vec![gone()],
                ..EffectTemplate::named(&act.casting.name, Duration::Permanent)
            };
            self.put(&Arc::new(template), Some(act.caster), who, act.anchor);
        }
        Ok(())
    }

    fn summoned(
        &self,
        act: &Act,
        summon: &Summon,
        monster: &Monster,
        at: Square,
    ) -> Option<Combatant> {
        let caster = self.combat.combatant(act.caster)?;
        let mut block = StatBlock::clone(&monster.block);
        block.tags.extend(summon.tag.clone());
        let wanted = Place { square: at, elevation_ft: 0 };
        let (id, name) = (self.new_id(act.caster), self.new_name(&caster.side, &monster.name));
        let kind = CombatantKind::Monster;
        let summoned = Combatant {
            owner: caster.owner,
            monster: Some(monster.id.clone()),
            scale: caster.scale,
            ..Combatant::new(id, &name, kind, &caster.side, Arc::new(block))
        };
        let (others, size) = (self.others_for(&summoned), summoned.block.size);
        let place = nearest_free(&self.view().terrain(), &others, size, wanted)?;
        Some(Combatant { position: Some(place.square), ..summoned })
    }

    /// A name in commands that nobody has or had an effect's place in the order by.
    pub(super) fn new_id(&self, by: CombatantId) -> CombatantId {
        let from = by.0.as_u128().wrapping_add(u128::from(self.combat.next_effect) << 64);
        let mut number = from.wrapping_add(APART);
        loop {
            let id = CombatantId(Uuid::from_u128(number));
            if !self.combat.combatants.contains_key(&id) && !self.combat.order.contains(&id) {
                return id;
            }
            number = number.wrapping_add(APART);
        }
    }

    /// A name to show that nobody has whom a side knows of: the second of them is the creature's
    /// with a 2.
    pub(super) fn new_name(&self, side: &str, name: &str) -> String {
        let known = |other: &Combatant| !other.hidden || other.side == side;
        let taken = |name: &str| {
            let mut others = self.combat.combatants.values().filter(|it| known(it));
            others.any(|other| other.name == name)
        };
        let mut free = name.to_owned();
        let mut number = 1;
        while taken(&free) {
            number += 1;
            free = format!("{name} {number}");
        }
        free
    }

    /// Who was called is gone with the effect by which it came.
    pub(super) fn dismiss(&mut self, effect: &Effect) -> Flow<()> {
        let there = self.combat.combatants.contains_key(&effect.target);
        if is_of_summoned(effect) && there { self.remove(effect.target) } else { Ok(()) }
    }
}

/// Whether an effect is that by which its bearer takes part.
pub(super) fn is_of_summoned(effect: &Effect) -> bool {
    let mut modifiers = effect.template.modifiers.iter();
    modifiers.any(|modifier| modifier.kind == ModifierKind::Summoned)
}

/// With its last hit point it is gone.
fn gone() -> Trigger {
    Trigger {
        on: Hook::DropsToZero,
        when: Vec::new(),
        whom: Party::Bearer,
        does: Vec::new(),
        ends: true,
        once_a_turn: false,
    }
}
