//! Walls of sections that can be broken (SRD 5.1 "Wall of Ice", "Wall of Stone"; SRD 5.2.1 same).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::cast::{has_twice, is_beside, is_connected, squares_apart};
use super::ops::Act;
use super::room::is_unknown;
use super::{Flow, Resolver};
use crate::Key;
use crate::combat::{Combatant, CombatantId, CombatantKind, Fact, Life, Refusal};
use crate::content::{Defense, SpellRules, StatBlock};
use crate::effect::{Casting, Choice, Op, Raise, Targets};
use crate::space::{Cover, Scale, Square};

/// The choice of where it is.
const SQUARES: &str = "squares";

/// Squares of a section of 10 feet.
const SECTION: usize = 2;

impl Resolver<'_> {
    /// That a wall can be where it is drawn: within range, not too long, and in nobody's space unless
    /// it pushes aside.
    pub(super) fn may_raise(
        &self,
        who: CombatantId,
        rules: &SpellRules,
        casting: &Casting,
    ) -> Result<(), Refusal> {
        for op in rules.program.iter().flat_map(|program| &program.does) {
            let Op::Raise(raise) = op else { continue };
            let squares = casting.squares(SQUARES);
            let long = squares.len() > usize::from(raise.squares);
            if squares.is_empty()
                || long
                || !is_connected(&squares, self.combat.grid.scale())
                || has_twice(&squares)
            {
                return Err(Refusal::InvalidArea);
            }
            let range_ft = self.spell_range_ft(&rules.record, &Targets::default());
            for at in &squares {
                self.place(who, Some(*at), range_ft)?;
            }
            let caster = self.combatant(who)?;
            let known = |it: &CombatantId| {
                self.combat.combatant(*it).is_some_and(|it| !is_unknown(caster, it))
            };
            let squares = self.combat.grid.scale().drawn(squares);
            let in_the_way = self.standing(&squares).iter().any(|(it, _)| known(it));
            if raise.cuts.is_none() && in_the_way {
                return Err(Refusal::InvalidArea);
            }
        }
        Ok(())
    }

    /// Creatures that stand on squares, each with where it stands.
    pub(super) fn standing(&self, squares: &[Square]) -> Vec<(CombatantId, Square)> {
        let living = self.combat.combatants.values().filter(|it| it.life != Life::Dead);
        let living = living.filter(|it| it.kind != CombatantKind::Object);
        let on_them = living.filter(|it| {
            let space = it.space();
            space.is_some_and(|space| squares.iter().any(|at| space.footprint().contains(*at)))
        });
        on_them.filter_map(|it| Some((it.id, it.position?))).collect()
    }

    /// The wall stands, and who is in its way is beside it.
    pub(super) fn raise_op(&mut self, act: &Act, raise: &Raise) -> Flow<()> {
        let squares = act.casting.squares(SQUARES);
        let standing = self.standing(&self.combat.grid.scale().drawn(squares.clone()));
        for section in squares.chunks(SECTION) {
            let Some(object) = self.section(act, raise, section) else { continue };
            let Ok(of) = Key::parse(SQUARES) else { continue };
            let numbers = section.iter().flat_map(|at| [at.x, at.y]).collect();
            let mut casting = act.casting.clone();
            casting.choices.insert(of, Choice::Numbers(numbers));
            let who = object.id;
            self.tell(Fact::CombatantSet { combatant: Arc::new(object) });
            self.effect_op(&Act { casting, ..act.clone() }, &raise.section, who)?;
        }
        let cut: Vec<(CombatantId, Cover)> =
            standing.iter().map(|(who, _)| (*who, Cover::None)).collect();
        self.push_aside(&standing)?;
        match &raise.cuts {
            Some(ops) if !cut.is_empty() => self.carry_out(act, ops, &cut),
            Some(_) | None => Ok(()),
        }
    }

    /// Who is where something filled appeared is beside it.
    pub(super) fn push_aside(&mut self, from: &[(CombatantId, Square)]) -> Flow<()> {
        for (who, at) in from {
            let was = self.combat.combatant(*who).and_then(Combatant::space);
            self.set_down(*who, *at);
            self.put_from(*who, was)?;
        }
        Ok(())
    }

    /// A section of a wall, as an object that can be struck.
    fn section(&self, act: &Act, raise: &Raise, squares: &[Square]) -> Option<Combatant> {
        let caster = self.combat.combatant(act.caster)?;
        let defense =
            |types: &[crate::DamageType]| Defense { types: types.to_vec(), unless: Vec::new() };
        let mut block = StatBlock::object(raise.ac, raise.hp);
        block.immunities = vec![defense(&raise.immunities)];
        block.vulnerabilities = vec![defense(&raise.vulnerabilities)];
        let (id, name) = (self.new_id(act.caster), self.new_name(&caster.side, &act.casting.name));
        let kind = CombatantKind::Object;
        let object = Combatant::new(id, &name, kind, &caster.side, Arc::new(block));
        let (owner, scale) = (caster.owner, caster.scale);
        Some(Combatant { owner, scale, position: squares.first().copied(), ..object })
    }
}

/// Whether squares beside a wall are on one side of it: one comes from each to the others without
/// crossing it or going around its ends (SRD 5.1 "Wall of Fire"; SRD 5.2.1 same). What is neither a
/// line nor a ring has no sides.
pub(super) fn is_side(squares: &[Square], wall: &[Square], scale: Scale) -> bool {
    let Some(first) = squares.first() else { return true };
    if wall.iter().any(|at| neighbours(*at, wall, scale).len() > 2) {
        return false;
    }
    let line = lengthened(wall, *first, scale);
    let mut reached: BTreeSet<Square> = BTreeSet::new();
    let mut open = vec![*first];
    while let Some(at) = open.pop() {
        if !line.contains(&at) && is_beside(at, wall, scale) && reached.insert(at) {
            open.extend([(1, 0), (-1, 0), (0, 1), (0, -1)].map(|(x, y)| at.shifted(x, y)));
        }
    }
    squares.iter().all(|at| reached.contains(at))
}

/// The squares of a wall that a square of it hangs together with: those it touches, where none is
/// between them.
fn neighbours(at: Square, wall: &[Square], scale: Scale) -> Vec<Square> {
    let apart = |one: Square, other: Square| {
        let (x, y) = (i64::from(one.x) - i64::from(other.x), i64::from(one.y) - i64::from(other.y));
        x.saturating_mul(x).saturating_add(y.saturating_mul(y))
    };
    let joined = |other: &Square| {
        let far = apart(at, *other);
        let between = |it: &Square| apart(at, *it) < far && apart(*it, *other) < far;
        let touches = squares_apart(at, *other) <= scale.block();
        *other != at && touches && !wall.iter().any(between)
    };
    wall.iter().copied().filter(joined).collect()
}

/// The squares of a wall, and those that go on from its ends, in whichever order they are named; a
/// ring has none. A wall of one square goes across the way to `beside`.
fn lengthened(wall: &[Square], beside: Square, scale: Scale) -> BTreeSet<Square> {
    let mut line = wall.to_vec();
    let block = scale.block();
    let way = |from: Square, to: Square| {
        let apart = |to: i32, from: i32| to.saturating_sub(from).signum();
        (apart(to.x, from.x), apart(to.y, from.y))
    };
    for end in wall {
        let ways = match neighbours(*end, wall, scale)[..] {
            [] => {
                let (x, y) = way(*end, beside);
                vec![(-y, x), (y, -x)]
            }
            [next] => vec![way(next, *end)],
            _ => Vec::new(),
        };
        for (x, y) in ways {
            line.extend([block, 2 * block].map(|far| end.shifted(x * far, y * far)));
        }
    }
    scale.drawn(line).into_iter().collect()
}
