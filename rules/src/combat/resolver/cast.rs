//! Casting spells (SRD 5.1 "Casting a Spell"; SRD 5.2.1 "Casting Spells").

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::cases::against;
use super::costs::Payment;
use super::longer::Longer;
use super::ops::Act;
use super::walls::is_side;
use super::{Flow, Resolver};
use crate::combat::{CombatantId, Effect, EffectId, EndReason, Fact, Purpose, Refusal};
use crate::content::{CastingTime, Component, SpellRules, Spellcasting};
use crate::effect::{
    Casting, Choice, Duration, Edge, EffectTemplate, Ending, Hook, ModifierKind, Op, Pick, Program,
    Reacts, Targets, Which, Whose, printed_duration,
};
use crate::space::{Cover, Scale, Square};
use crate::{Edition, Key, Skill};

/// What a command says of a casting.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) slot_level: u8,
    pub(super) targets: &'a [CombatantId],
    pub(super) at: Option<Square>,
    pub(super) direction: Option<Square>,
    pub(super) choices: &'a BTreeMap<Key, Choice>,
}

/// How far the heat of a wall of fire reaches.
const HEAT_FT: i32 = 10;

/// Key of the effect that holds a spell to be let go.
pub(super) const HELD: &str = "held-spell";

/// How a command wants a spell to be cast.
#[derive(Clone, Copy, Default)]
pub(super) struct Means<'a> {
    /// As a ritual.
    pub(super) ritual: bool,
    /// From this thing.
    pub(super) item: Option<&'a Key>,
}

impl Resolver<'_> {
    /// A spell in the caster's own turn: the whole of it, or one of the actions that it takes.
    pub(super) fn cast(
        &mut self,
        who: CombatantId,
        spell: &Key,
        asked: Asked<'_>,
        by: Means<'_>,
    ) -> Flow<()> {
        self.on_its_turn(who)?;
        let (rules, block) = match by.item {
            None => self.known_spell(who, spell)?,
            Some(item) => self.spell_of_item(who, spell, item)?,
        };
        let longer = self.longer(who, &rules.record, by.ritual);
        if longer.as_ref().is_some_and(Longer::is_spent) {
            return Err(Refusal::NoActionLeft.into());
        }
        let economy = self.cast_economy(who, &rules, longer.is_some())?;
        let (slot, payment) = self.payment_by(who, &rules, &block, asked.slot_level, by)?;
        let unfinished = longer.as_ref().filter(|it| !it.is_last());
        let paid = if unfinished.is_some() { &Payment::Nothing } else { &payment };
        let economy = self.within_limit(economy, &rules, paid)?;
        if by.item.is_none() {
            self.has_components(who, &rules)?;
        }
        self.can_cast(who, rules.record.concentration || longer.is_some())?;
        if let Some(longer) = unfinished {
            self.tell(Fact::EconomySet { who, economy });
            self.cast_on(who, &rules, longer);
            return Ok(());
        }
        // Of who has no spellcasting nothing is added to what a thing casts.
        let own = self.combatant(who)?.block.spellcasting.is_some();
        let modifier = if own { self.modifier(who, &block) } else { 0 };
        let casting = casting(&rules, &block, modifier, slot, asked);
        if let Some(program) = &rules.program {
            self.may_choose(&program.does, &casting)?;
        }
        let casting = self.aimed(who, &rules, casting)?;
        self.drawn(who, &rules, &casting)?;
        let targets = match &rules.program {
            Some(program) => self.spell_targets(who, program, &rules, &casting, asked.targets)?,
            None => self.assisted_targets(who, &rules, asked.targets)?,
        };
        if let Some(program) = &rules.program {
            self.may_strike(who, &program.does, &casting, &targets)?;
            self.may_summon(who, &rules, &casting)?;
            self.may_raise(who, &rules, &casting)?;
        }
        self.tell(Fact::EconomySet { who, economy });
        match longer {
            Some(longer) => self.complete(&longer),
            None if self.is_delayed(who, &rules, &casting, &payment)? => return Ok(()),
            None => {}
        }
        self.perform(who, &rules, casting, &payment, &targets)
    }

    /// Casts a spell to be let go later: it is paid for now, and held by concentration until its
    /// caster's next turn starts (SRD 5.1 and SRD 5.2.1 "Ready").
    pub(super) fn hold_spell(
        &mut self,
        who: CombatantId,
        spell: &Key,
        asked: Asked<'_>,
    ) -> Flow<()> {
        let (rules, block) = self.known_spell(who, spell)?;
        if rules.record.casting_time != CastingTime::Action {
            return Err(Refusal::CannotReady.into());
        }
        let economy = self.cast_economy(who, &rules, false)?;
        let (slot, payment) = self.payment(who, &rules, &block, asked.slot_level)?;
        let economy = self.within_limit(economy, &rules, &payment)?;
        self.can_perform(who, &rules)?;
        if self.view().is(who, ModifierKind::CannotConcentrate) {
            return Err(Refusal::CannotConcentrate.into());
        }
        let casting = casting(&rules, &block, self.modifier(who, &block), slot, asked);
        self.tell(Fact::EconomySet { who, economy });
        self.pay(who, &casting, &payment);
        self.lose_concentration(who);
        let until = Duration::Until { edge: Edge::Start, whose: Whose::Source, which: Which::Next };
        let held = EffectTemplate {
            key: Key::parse(HELD).ok(),
            ..EffectTemplate::named(casting.spell.as_str(), until)
        };
        if let Some(on) = self.put(&Arc::new(held), Some(who), who, None) {
            self.tell(Fact::ConcentrationSet { who, on: Some(on) });
        }
        Ok(())
    }

    /// The effect by which a creature holds this spell to be let go.
    pub(super) fn held_spell(&self, who: CombatantId, spell: &Key) -> Option<EffectId> {
        let holds = |effect: &&Effect| {
            effect.template.name == spell.as_str()
                && effect.template.key.as_ref().is_some_and(|key| key.as_str() == HELD)
        };
        self.combat.effects_on(who).find(holds).map(|effect| effect.id)
    }

    /// The spell of a creature's list, and its spellcasting.
    pub(super) fn known_spell(
        &self,
        who: CombatantId,
        spell: &Key,
    ) -> Result<(Arc<SpellRules>, Spellcasting), Refusal> {
        let rules = self.book.content.spellbook.get(spell).ok_or(Refusal::UnknownSpell)?;
        let block = self.combatant(who)?.block.spellcasting.as_ref();
        let block =
            block.filter(|block| block.spells.contains(spell) || block.per_day.contains_key(spell));
        Ok((Arc::clone(rules), block.ok_or(Refusal::UnknownSpell)?.clone()))
    }

    /// The spellcasting ability's modifier.
    pub(super) fn modifier(&self, who: CombatantId, block: &Spellcasting) -> i32 {
        self.combat.combatant(who).map_or(0, |who| who.block.abilities.modifier(block.ability))
    }

    /// That a creature has the components of a spell and can cast it.
    pub(super) fn can_perform(&self, who: CombatantId, rules: &SpellRules) -> Result<(), Refusal> {
        self.has_components(who, rules)?;
        self.can_cast(who, rules.record.concentration)
    }

    /// Words need a voice; gestures a free hand, as do materials, which have to be there, or a focus
    /// in hand (SRD 5.1 "Components"; SRD 5.2.1 same).
    fn has_components(&self, who: CombatantId, rules: &SpellRules) -> Result<(), Refusal> {
        let needs = |component| {
            rules.record.components.contains(&component)
                && !self.view().casts_without(who, component)
        };
        let material = needs(Component::Material);
        if needs(Component::Verbal) && self.view().is(who, ModifierKind::CannotSpeak) {
            return Err(Refusal::CannotSpeak);
        }
        // The hand with a focus in it makes the gestures too.
        let focus = material && self.holds_focus(who);
        let full = self.has_hands_full(who) && !focus;
        let handles = needs(Component::Somatic) || material;
        if handles && (full || self.view().is(who, ModifierKind::NoFreeHand)) {
            return Err(Refusal::NoFreeHand);
        }
        if material && !focus && self.view().is(who, ModifierKind::NoMaterials) {
            return Err(Refusal::NoMaterials);
        }
        Ok(())
    }

    /// That nothing keeps a creature from casting, nor from concentrating where it has to.
    fn can_cast(&self, who: CombatantId, concentrates: bool) -> Result<(), Refusal> {
        if self.view().is(who, ModifierKind::NoCasting) {
            return Err(Refusal::CannotAct { condition: None });
        }
        if concentrates && self.view().is(who, ModifierKind::CannotConcentrate) {
            return Err(Refusal::CannotConcentrate);
        }
        Ok(())
    }

    /// That squares which the caster draws are within range and not too many.
    pub(super) fn drawn(
        &self,
        who: CombatantId,
        rules: &SpellRules,
        casting: &Casting,
    ) -> Result<(), Refusal> {
        let words = rules.program.iter().flat_map(|program| &program.does);
        for op in words {
            let Op::Effect(effect) = op else { continue };
            let (Some(most), Some(zone)) = (effect.squares, &effect.zone) else { continue };
            let of = zone.drawn.as_ref().map_or("squares", |of| of.as_str());
            let squares = casting.squares(of);
            let range_ft = self.spell_range_ft(&rules.record, &Targets::default());
            if squares.len() > usize::from(most) || (squares.is_empty() && of == "squares") {
                return Err(Refusal::InvalidArea);
            }
            let wall = casting.squares("squares");
            let scale = self.combat.grid.scale();
            let beside = |at: &Square| of == "squares" || is_beside(*at, &wall, scale);
            let near =
                squares.iter().all(beside) && (of == "squares" || is_side(&squares, &wall, scale));
            if !is_connected(&wall, scale) || has_twice(&squares) || !near {
                return Err(Refusal::InvalidArea);
            }
            for at in squares {
                self.place(who, Some(at), range_ft)?;
            }
        }
        Ok(())
    }

    /// Pays, casts, and carries the spell out unless somebody undoes it.
    pub(super) fn perform(
        &mut self,
        who: CombatantId,
        rules: &Arc<SpellRules>,
        casting: Casting,
        payment: &Payment,
        targets: &[(CombatantId, Cover)],
    ) -> Flow<()> {
        self.pay(who, &casting, payment);
        let named = targets.iter().map(|(target, _)| *target).collect();
        let (spell, slot) = (casting.spell.clone(), casting.slot);
        self.tell(Fact::SpellCast { who, spell: spell.clone(), slot, targets: named });
        self.fire(who, Hook::Casts, None, false)?;
        if rules.record.components.contains(&Component::Verbal) {
            self.end_by(who, Ending::BearerCasts);
        }
        let concentrates = needs_concentration(rules, &casting);
        if concentrates && self.combat.rules.edition == Edition::E52 {
            // 5.2: lost as the casting starts, whatever becomes of it (SRD 5.2.1 "Concentration").
            self.lose_concentration(who);
        }
        // What a thing casts takes no gestures.
        let gestures = !matches!(payment, Payment::Charges { .. });
        if gestures && self.is_botched(who, rules)? {
            self.tell(Fact::SpellFailed { who, spell });
            return Ok(());
        }
        if self.is_countered(who, &casting)? {
            self.tell(Fact::SpellFailed { who, spell });
            self.keep_slot(who, payment);
            return Ok(());
        }
        let targets = &self.past_wards(who, rules, targets)?[..];
        let vain = self.named_in_vain(who, rules, &casting, targets);
        let anchor = self.begin_concentration(who, rules, &casting);
        let act = Act { anchor, vain, ..Act::of(who, casting) };
        match &rules.program {
            Some(program) => {
                self.warn(&act, program, targets)?;
                self.carry_out(&act, &program.does, targets)?;
            }
            None => {
                let targets = targets.iter().map(|(target, _)| *target).collect();
                self.tell(Fact::RulingNeeded { who, of: spell, targets });
                return Ok(());
            }
        }
        if let Some(anchor) = anchor.filter(|anchor| self.is_bare(*anchor)) {
            self.end(anchor, EndReason::Over);
        }
        Ok(())
    }

    /// Those whom a harmful spell that names them is about, less those whose ward turns it away (SRD
    /// 5.1 "Sanctuary"; SRD 5.2.1 same). Attack rolls meet the ward one by one.
    fn past_wards(
        &mut self,
        who: CombatantId,
        rules: &SpellRules,
        targets: &[(CombatantId, Cover)],
    ) -> Flow<Vec<(CombatantId, Cover)>> {
        let program = rules.program.as_ref();
        let named = program.is_some_and(|program| {
            let pick = program.targets.as_ref().map(|targets| targets.pick);
            pick == Some(Pick::Named) && program.does.iter().any(may_harm)
        });
        let mut met: BTreeMap<CombatantId, bool> = BTreeMap::new();
        let mut left = Vec::with_capacity(targets.len());
        for (target, cover) in targets {
            let warded = match met.get(target) {
                Some(warded) => *warded,
                None if named && self.hostile(who, *target) => self.is_turned_away(who, *target)?,
                None => false,
            };
            met.insert(*target, warded);
            if !warded {
                left.push((*target, *cover));
            }
        }
        Ok(left)
    }

    /// Those that a program warns may react before it is carried out.
    fn warn(&mut self, act: &Act, program: &Program, targets: &[(CombatantId, Cover)]) -> Flow<()> {
        let Some(to) = program.warns else { return Ok(()) };
        let mut warned: Vec<CombatantId> = targets.iter().map(|(target, _)| *target).collect();
        warned.dedup();
        for target in warned {
            self.react_by_casting(target, act.caster, to, Some(&act.casting))?;
        }
        Ok(())
    }

    /// The caster's check to counter a spell of a higher level (SRD 5.1 "Counterspell").
    pub(super) fn counter_check(&mut self, act: &Act) -> Flow<bool> {
        let dc = 10 + i64::from(against(&act.casting).unwrap_or(0));
        let test = self.casting_test(act, act.casting.modifier);
        let purpose = Purpose::Check { skill: Skill::Arcana };
        Ok(self.test(act.caster, purpose, test)?.total >= dc)
    }

    /// Concentration begins with the casting, and ends what was concentrated on before.
    fn begin_concentration(
        &mut self,
        who: CombatantId,
        rules: &SpellRules,
        casting: &Casting,
    ) -> Option<EffectId> {
        if !needs_concentration(rules, casting) {
            return None;
        }
        let lasts = rules.program.as_ref().and_then(|program| {
            let by_slot = program.lasts_at_slot.range(..=casting.slot).next_back();
            by_slot.map(|(_, lasts)| *lasts).or(program.lasts)
        });
        let duration = lasts.unwrap_or_else(|| printed_duration(rules.record.duration));
        self.hold_on(who, casting, duration)
    }

    /// Whom a spell is about that a game master rules: those named, within its range.
    pub(super) fn assisted_targets(
        &self,
        who: CombatantId,
        rules: &SpellRules,
        named: &[CombatantId],
    ) -> Result<Vec<(CombatantId, Cover)>, Refusal> {
        named
            .iter()
            .map(|target| {
                self.combatant(*target)?;
                let range_ft = self.spell_range_ft(&rules.record, &Targets::default());
                self.reaches(who, *target, range_ft)
            })
            .collect()
    }

    /// Those who can counter a spell are asked (SRD 5.1 "Counterspell"; SRD 5.2.1 same).
    fn is_countered(&mut self, who: CombatantId, casting: &Casting) -> Flow<bool> {
        let others: Vec<CombatantId> = self.combat.combatants.keys().copied().collect();
        for other in others.into_iter().filter(|other| *other != who) {
            let hostile = self.hostile(other, who);
            if hostile && self.react_by_casting(other, who, Reacts::Casting, Some(casting))? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The numbers of a casting.
pub(super) fn casting(
    rules: &SpellRules,
    block: &Spellcasting,
    modifier: i32,
    slot: u8,
    asked: Asked<'_>,
) -> Casting {
    Casting {
        spell: rules.record.id.clone(),
        name: rules.record.name.clone(),
        level: rules.record.level,
        slot,
        caster_level: block.caster_level(),
        dc: block.dc,
        attack_bonus: block.attack_bonus,
        modifier,
        choices: asked.choices.clone(),
        at: asked.at,
        direction: asked.direction,
        use_magic: None,
    }
}

/// Whether squares hang together: each touches those before it, at a side or at a corner.
pub(super) fn is_connected(squares: &[Square], scale: Scale) -> bool {
    let Some((first, rest)) = squares.split_first() else { return true };
    let (mut reached, mut left) = (vec![*first], rest.to_vec());
    while !left.is_empty() {
        let touches =
            |at: &Square| reached.iter().any(|known| squares_apart(*known, *at) <= scale.block());
        let (near, far): (Vec<Square>, Vec<Square>) = left.into_iter().partition(touches);
        if near.is_empty() {
            return false;
        }
        reached.extend(near);
        left = far;
    }
    true
}

/// Whether a square is named more than once.
pub(super) fn has_twice(squares: &[Square]) -> bool {
    squares.iter().collect::<BTreeSet<_>>().len() < squares.len()
}

/// Whether a square is no farther from a wall than its heat reaches (SRD 5.1 "Wall of Fire"; SRD
/// 5.2.1 same).
pub(super) fn is_beside(at: Square, wall: &[Square], scale: Scale) -> bool {
    wall.iter().any(|known| squares_apart(*known, at) <= scale.cells(HEAT_FT))
}

pub(super) fn squares_apart(one: Square, other: Square) -> i32 {
    let apart = |a: i32, b: i32| a.saturating_sub(b).saturating_abs();
    apart(one.x, other.x).max(apart(one.y, other.y))
}

/// Whether a casting is concentrated on.
fn needs_concentration(rules: &SpellRules, casting: &Casting) -> bool {
    let from = rules.program.as_ref().and_then(|program| program.no_concentration_from);
    rules.record.concentration && from.is_none_or(|from| casting.slot < from)
}

/// Whether a word harms without an attack roll, in one case or the other.
pub(super) fn may_harm(op: &Op) -> bool {
    match op {
        Op::Save(_) | Op::Damage(_) => true,
        Op::If(branch) => branch.then.iter().chain(&branch.otherwise).any(may_harm),
        Op::BySlot(levels) => levels.values().flatten().any(may_harm),
        Op::Choose(choose) => choose.among.values().flatten().any(may_harm),
        _ => false,
    }
}

/// Whether a program does harm to those it is about.
pub(super) fn harms(program: &Program) -> bool {
    program.does.iter().any(|op| matches!(op, Op::Save(_) | Op::Attack(_) | Op::Damage(_)))
}
