//! Filling in what a program leaves to its spell's record, once, when content is read; and making
//! an effect of the words for one, when the spell is cast.

use super::program::{Op, Pick, Program, Targets};
use super::words::{Amount, AttackOp, EffectSpec, Raise, SaveOp};
use super::{Casting, Chosen, Duration, EffectTemplate, Modifier, SaveEnds};
use crate::Condition;
use crate::content::{DamagePart, Scaling, Spell, SpellAttack, SpellDuration, SpellRange, scaled};

impl Program {
    /// With all that the record says and the program does not.
    #[must_use]
    pub fn completed(mut self, record: &Spell) -> Self {
        let fill = Fill { record };
        self.targets = Some(self.targets.unwrap_or_else(|| Targets::of(record)));
        if let Some(targets) = &mut self.targets {
            fill.targets(targets);
        }
        fill.ops(&mut self.does, true);
        self
    }
}

impl Targets {
    /// Whom a spell is about by its record alone.
    pub fn of(record: &Spell) -> Self {
        let pick = match (record.area, record.range) {
            (Some(_), _) => Pick::Area,
            (None, SpellRange::Caster) => Pick::Caster,
            (None, _) => Pick::Named,
        };
        Self { pick, ..Self::default() }
    }
}

/// How long a record says that a spell lasts.
pub(crate) const fn printed_duration(duration: SpellDuration) -> Duration {
    match duration {
        SpellDuration::Instant => Duration::Instant,
        SpellDuration::Rounds { rounds } => Duration::Rounds { rounds },
        SpellDuration::Seconds { seconds } => Duration::Seconds { seconds },
        SpellDuration::UntilDispelled
        | SpellDuration::UntilDispelledOrTriggered
        | SpellDuration::Special => Duration::Permanent,
    }
}

struct Fill<'r> {
    record: &'r Spell,
}

impl Fill<'_> {
    fn targets(&self, targets: &mut Targets) {
        let needs = matches!(targets.pick, Pick::Area | Pick::NamedInArea);
        if needs && targets.area.is_none() && !targets.from_area {
            targets.area = self.record.area;
        }
    }

    fn damage(&self, damage: &mut Option<Vec<DamagePart>>, own: bool) {
        if damage.is_none() {
            *damage = Some(if own { self.record.damage.clone() } else { Vec::new() });
        }
    }

    fn ops(&self, ops: &mut [Op], own: bool) {
        for op in ops {
            self.op(op, own);
        }
    }

    /// `own`: among the program's own words, not further in.
    fn op(&self, op: &mut Op, own: bool) {
        match op {
            Op::Save(save) => self.save(save, own),
            Op::Attack(attack) => self.attack(attack, own),
            Op::Damage(damage) => self.damage(&mut damage.damage, own || damage.printed),
            Op::Heal(amount) | Op::TempHp(amount) => self.amount(amount),
            Op::Effect(effect) => self.effect(effect),
            Op::If(branch) => {
                self.ops(&mut branch.then, own);
                self.ops(&mut branch.otherwise, own);
            }
            Op::BySlot(levels) => levels.values_mut().for_each(|ops| self.ops(ops, own)),
            Op::Choose(choose) => {
                self.ops(&mut choose.first, own);
                choose.among.values_mut().for_each(|ops| self.ops(ops, own));
            }
            Op::Table(table) => table.rows.values_mut().for_each(|ops| self.ops(ops, own)),
            Op::OnCaster(ops) => self.ops(ops, own),
            Op::Around(around) => self.ops(&mut around.does, false),
            Op::Count(count) => self.ops(&mut count.then, false),
            Op::Pool(pool) => self.ops(&mut pool.does, false),
            Op::BlockAttack(attack) => self.ops(&mut attack.hit, false),
            Op::Bite(ops) | Op::OnBearer(ops) | Op::Inside(ops) | Op::Lash(ops) => {
                self.ops(ops, false)
            }
            Op::Bearers(bearers) => self.ops(&mut bearers.does, false),
            Op::About(about) => self.ops(&mut about.does, false),
            Op::Raise(raise) => self.raise(raise),
            Op::Contest(contest) => {
                self.ops(&mut contest.win, false);
                self.ops(&mut contest.lose, false);
            }
            Op::Remove(_)
            | Op::Push(_)
            | Op::Pull(_)
            | Op::Lift(_)
            | Op::Teleport(_)
            | Op::Kill
            | Op::Stabilize
            | Op::Revive(_)
            | Op::End
            | Op::BreakConcentration
            | Op::Counter
            | Op::Flee(_)
            | Op::SpendReaction
            | Op::Fall
            | Op::Dash
            | Op::Drift(_)
            | Op::SpendAction
            | Op::Disengage
            | Op::Strike
            | Op::SpendMovement(_)
            | Op::Immune(_)
            | Op::Down
            | Op::LetGo
            | Op::Reset(_)
            | Op::EndOwn(_)
            | Op::Hide
            | Op::TakeForm
            | Op::HalfDash
            | Op::Again
            | Op::March(_)
            | Op::Weapon(_)
            | Op::Dispel
            | Op::Carry(_)
            | Op::MoveArea(_)
            | Op::Disperse(_)
            | Op::Summon(_)
            | Op::Rule(_) => {}
        }
    }

    fn raise(&self, raise: &mut Raise) {
        self.effect(&mut raise.section);
        raise.cuts.iter_mut().for_each(|ops| self.ops(ops, false));
    }

    fn amount(&self, amount: &mut Amount) {
        if amount.dice.is_none() {
            amount.dice.clone_from(&self.record.healing);
            amount.scaling.clone_from(&self.record.healing_scaling);
            amount.modifier = amount.modifier.or(Some(self.record.healing_modifier));
        }
    }

    fn save(&self, save: &mut SaveOp, own: bool) {
        let printed = self.record.save;
        save.ability = save.ability.or(printed.map(|save| save.ability));
        save.half = save.half.or(Some(own && printed.is_some_and(|save| save.half)));
        self.damage(&mut save.damage, own || save.printed);
        for ops in [&mut save.fail, &mut save.success, &mut save.always] {
            self.ops(ops, false);
        }
    }

    fn attack(&self, attack: &mut AttackOp, own: bool) {
        let kind = self.record.attack.unwrap_or(SpellAttack::Ranged);
        attack.kind = attack.kind.or(Some(kind));
        self.damage(&mut attack.damage, own || attack.printed);
        self.ops(&mut attack.hit, false);
        self.ops(&mut attack.miss, false);
    }

    fn effect(&self, effect: &mut EffectSpec) {
        if effect.duration.is_none() {
            effect.duration = Some(printed_duration(self.record.duration));
        }
        if let Some(repeat) = &mut effect.save_ends {
            repeat.ability = repeat.ability.or(self.record.save.map(|save| save.ability));
        }
        if effect.zone.is_some() && effect.area.is_none() && effect.squares.is_none() {
            effect.area = self.record.area;
        }
        for trigger in &mut effect.triggers {
            self.ops(&mut trigger.does, false);
        }
        for grant in &mut effect.grants {
            self.targets(&mut grant.targets);
            self.ops(&mut grant.does, false);
        }
    }
}

impl EffectSpec {
    /// The effect of a casting.
    pub(crate) fn template(&self, casting: &Casting) -> EffectTemplate {
        let at_slot = self.duration_at_slot.range(..=casting.slot).next_back();
        let duration = at_slot.map(|(_, duration)| *duration).or(self.duration);
        let duration = duration.unwrap_or(Duration::Permanent);
        let mut conditions = self.conditions.clone();
        if self.chosen_condition {
            let named = casting.word("condition").unwrap_or_default();
            conditions.extend(Condition::ALL.into_iter().find(|known| known.name() == named));
        }
        let mut area = self.area;
        if let (Some(area), Some(feet)) = (&mut area, self.area_per_slot_ft) {
            let above = i32::from(casting.slot.saturating_sub(casting.level));
            area.size_ft = area.size_ft.saturating_add(feet.saturating_mul(above));
        }
        let resolved = |modifier: &Modifier| modifier.resolved(casting);
        let mut zone = self.zone.clone();
        if let Some(zone) = &mut zone {
            zone.modifiers = zone.modifiers.iter().map(resolved).collect();
        }
        EffectTemplate {
            key: Some(self.key.clone().unwrap_or_else(|| casting.spell.clone())),
            conditions,
            modifiers: self.modifiers.iter().map(resolved).collect(),
            save_ends: self.save_ends.as_ref().and_then(|repeat| {
                Some(SaveEnds { ability: repeat.ability?, dc: casting.dc, edge: repeat.edge })
            }),
            area,
            casting: Some(Box::new(casting.clone())),
            triggers: self.triggers.clone(),
            grants: self.grants.clone(),
            zone,
            ends_on: self.ends_on.clone(),
            curse: self.curse,
            away: self.away,
            inside: self.inside,
            dc: self.escape_dc,
            ..EffectTemplate::named(self.name.as_deref().unwrap_or(&casting.name), duration)
        }
    }
}

impl Modifier {
    /// With the numbers of a casting.
    fn resolved(&self, casting: &Casting) -> Self {
        let mut modifier = self.clone();
        let above = i32::from(casting.slot.saturating_sub(casting.level));
        let grown = self.per_slot.map(|each| each.saturating_mul(above));
        let spell = self.spell_modifier.map(|sign| sign.saturating_mul(casting.modifier));
        if grown.is_some() || spell.is_some() {
            let value = self.value.unwrap_or(0).saturating_add(grown.unwrap_or(0));
            modifier.value = Some(value.saturating_add(spell.unwrap_or(0)));
        }
        match self.chosen {
            Some(Chosen::DamageType) => {
                modifier.types = casting.damage_type().into_iter().collect()
            }
            Some(Chosen::Ability) => modifier.abilities = casting.ability().into_iter().collect(),
            Some(Chosen::Skill) => modifier.skills = casting.skill().into_iter().collect(),
            None => {}
        }
        if let Some((_, dice)) = self.at_level.range(..=casting.caster_level).next_back() {
            modifier.dice = Some(dice.clone());
        }
        if let (Some(dice), Some(more)) = (&self.dice, &self.dice_per_slot) {
            let scaling = Scaling::PerSlot(more.clone());
            modifier.dice = Some(scaled(dice, Some(&scaling), casting));
        }
        modifier.dice_per_slot = None;
        modifier.at_level.clear();
        modifier.per_slot = None;
        modifier.spell_modifier = None;
        modifier.chosen = None;
        modifier
    }
}
