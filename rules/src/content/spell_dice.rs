//! How much a spell rolls in all, by slot and caster (SRD 5.1 "Casting a Spell at a Higher Level",
//! "Cantrips"; SRD 5.2.1 same).

use std::collections::BTreeMap;

use super::SpellRules;
use super::spell::scaled;
use crate::Expression;
use crate::effect::{Casting, Op, Pick, Targets};

impl SpellRules {
    /// What a casting from a slot of this level rolls in all, by a caster of this level: the damage
    /// that is printed, of all darts where it has several; else the hit points that it restores or
    /// affects. None: it rolls nothing.
    pub fn dice_of(&self, slot: u8, caster_level: u8) -> Option<Expression> {
        let casting = Casting {
            spell: self.record.id.clone(),
            name: self.record.name.clone(),
            level: self.record.level,
            slot: slot.max(self.record.level),
            caster_level,
            dc: 0,
            attack_bonus: 0,
            modifier: 0,
            choices: BTreeMap::new(),
            at: None,
            direction: None,
            use_magic: None,
        };
        if let Some(printed) = self.record.damage.first() {
            return Some(printed.dice_of(&casting));
        }
        let program = self.program.as_ref();
        let said = program.and_then(|program| in_ops(&program.does, &casting));
        if let Some(dice) = said {
            let darts = program.map_or(1, |program| darts(program.targets.as_ref(), &casting));
            let all = vec![dice.as_str(); darts].join("+");
            return Expression::parse(&all).ok();
        }
        let healing = self.record.healing.as_ref()?;
        Some(scaled(healing, self.record.healing_scaling.as_ref(), &casting))
    }
}

/// The first dice among words.
fn in_ops(ops: &[Op], casting: &Casting) -> Option<Expression> {
    ops.iter().find_map(|op| match op {
        Op::Damage(damage) => damage.damage.as_ref()?.first().map(|part| part.dice_of(casting)),
        Op::If(branch) => {
            in_ops(&branch.then, casting).or_else(|| in_ops(&branch.otherwise, casting))
        }
        Op::Pool(pool) => Some(scaled(&pool.dice, pool.scaling.as_ref(), casting)),
        _ => None,
    })
}

/// How many darts, rays or the like there are, each with dice of its own.
fn darts(targets: Option<&Targets>, casting: &Casting) -> usize {
    let Some(targets) = targets else { return 1 };
    if targets.pick != Pick::Named || !targets.repeat {
        return 1;
    }
    let above = casting.slot.saturating_sub(casting.level);
    let more = targets.per_slot.unwrap_or(0).saturating_mul(above);
    usize::from(targets.count.unwrap_or(1).saturating_add(more))
}
