//! Ground that is not the same to everybody: climbed, burrowed through, seeped into, forbidden (SRD 5.1
//! "Climbing, Swimming, and Crawling", "Monsters", "Speed"; SRD 5.2.1 "Climbing", "Burrow Speed").

use std::collections::BTreeSet;

use super::{Flow, Resolver};
use crate::combat::view::Active;
use crate::combat::{Combatant, CombatantId, Effect, Fact, Ground, Life, Refusal};
use crate::effect::{Hook, ModifierKind, Zone};
use crate::space::{Grid, Passing, Space, Square};
use crate::{Key, MovementMode, Size, Skill};

/// What a check to climb where there is hardly a hold must reach (SRD 5.2.1 "Climbing").
const CLIMB_DC: i64 = 15;
/// Ground that takes such a check.
const SHEER: [&str; 2] = ["ice", "sheer"];
/// Ground that is climbed hanging, by who can.
const CEILING: &str = "ceiling";
/// What is filled with this every burrower goes through.
const EARTH: &str = "earth";
/// What is filled with this has a crack.
const CRACK: &str = "crack";
/// Key of the effect that lets in.
const INVITED: &str = "invited";
/// How wide a tunnel is.
const TUNNEL_FT: i32 = 10;

impl Resolver<'_> {
    /// What lets a creature go where others do not.
    pub(super) fn passing(&self, combatant: &Combatant) -> Passing {
        let is = |kind| self.view().is(combatant.id, kind);
        let large = combatant.block.size > Size::Medium;
        let incorporeal = is(ModifierKind::Incorporeal);
        let narrow = large && is(ModifierKind::Seeps);
        Passing {
            shares: combatant.is_swarm() || is(ModifierKind::SharesSpace),
            incorporeal,
            narrow,
            squeezes: large && !incorporeal && !narrow,
        }
    }

    /// Who came into the spaces of others does to them what its traits say.
    pub(super) fn overrun(&mut self, who: CombatantId, was: Option<Space>) -> Flow<()> {
        if !self.passing_of(who).shares {
            return Ok(());
        }
        let Some(now) = self.combat.combatant(who).and_then(Combatant::space) else {
            return Ok(());
        };
        let overlaps = |one: Option<Space>, other: Space| one.is_some_and(|it| it.overlaps(other));
        let met: Vec<CombatantId> = self
            .combat
            .combatants
            .values()
            .filter(|other| other.id != who && other.life != Life::Dead)
            .filter(|other| {
                let space = other.space();
                space.is_some_and(|it| it.overlaps(now) && !overlaps(was, it))
            })
            .map(|other| other.id)
            .collect();
        for other in met {
            self.fire(who, Hook::Overruns, Some(other), false)?;
        }
        Ok(())
    }

    /// As [`Resolver::passing`]; nothing for who is not there.
    pub(super) fn passing_of(&self, who: CombatantId) -> Passing {
        self.combat.combatant(who).map(|who| self.passing(who)).unwrap_or_default()
    }

    /// Every modifier of a kind that holds for a creature.
    fn of_kind(
        &self,
        who: CombatantId,
        kind: ModifierKind,
    ) -> impl Iterator<Item = Active<'_>> + use<'_> {
        self.view().of_kind(who, kind)
    }

    fn surface(&self, kind: &Key) -> impl Iterator<Item = Square> + use<'_> {
        self.combat.grid.surfaces.get(kind).into_iter().flatten().copied()
    }

    /// What the map does not list of the difficult ground on a creature's way: of areas that hinder
    /// such as it is, and too far from the middle of those that hinder all. Ground of the keys that
    /// it ignores is left out.
    pub(super) fn hard_ground(
        &self,
        mover: &Combatant,
        way: &[Square],
        ignores: impl Fn(Option<&Key>) -> bool,
    ) -> BTreeSet<Square> {
        self.trod(mover, way, |effect, zone, afar| {
            let means = |source| self.concerns(source, mover.id, zone.whom);
            let hinders = zone.hinders && effect.source.is_none_or(means);
            (hinders || (zone.difficult && afar)) && !ignores(effect.template.key.as_ref())
        })
    }

    /// What the map does not list of the overgrown ground on a creature's way.
    pub(super) fn overgrown_afar(&self, mover: &Combatant, way: &[Square]) -> BTreeSet<Square> {
        self.trod(mover, way, |_, zone, afar| zone.overgrown && afar)
    }

    /// Squares of a creature's way that are in areas on the map; asked of an area is also whether
    /// it goes farther than its squares are listed.
    fn trod(
        &self,
        mover: &Combatant,
        way: &[Square],
        is: impl Fn(&Effect, &Zone, bool) -> bool,
    ) -> BTreeSet<Square> {
        let mut squares = BTreeSet::new();
        for effect in self.combat.effects.zones() {
            let (Some(zone), Some(covers)) = (&effect.template.zone, &effect.covers) else {
                continue;
            };
            if is(effect, zone, covers.far.is_some()) {
                let trod = way.iter().flat_map(|at| mover.space_at(*at).footprint().squares());
                squares.extend(trod.filter(|at| covers.contains(*at)));
            }
        }
        squares
    }

    /// The map as it is to a creature that moves in this way; none: as it is to all.
    pub(super) fn own_ground(&self, who: CombatantId, mode: MovementMode) -> Option<Grid> {
        let view = self.view();
        let free = view.is(who, ModifierKind::FreeMovement);
        let mut passable: BTreeSet<Square> = BTreeSet::new();
        let mut slow: BTreeSet<Square> = BTreeSet::new();
        if view.is(who, ModifierKind::Seeps) {
            passable.extend(Key::parse(CRACK).iter().flat_map(|kind| self.surface(kind)));
        }
        if mode == MovementMode::Burrow {
            passable.extend(Key::parse(EARTH).iter().flat_map(|kind| self.surface(kind)));
            for active in self.of_kind(who, ModifierKind::Burrows) {
                let through = active.modifier.of.iter().flat_map(|kind| self.surface(kind));
                if active.modifier.value.is_some() {
                    slow.extend(through.filter(|at| view.terrain().is_filled(*at)));
                } else {
                    passable.extend(through);
                }
            }
        }
        if !free && passable.is_empty() && slow.is_empty() {
            return None;
        }
        let printed = &self.combat.grid;
        let closed = |at: &&Square| !passable.contains(*at) && !slow.contains(*at);
        let mut difficult = view.hindering(who);
        difficult.extend(&slow);
        let blocking = printed.blocking.iter().filter(closed).copied().collect();
        Some(Grid { difficult, blocking, ..(**printed).clone() })
    }

    /// That nothing keeps a creature from the squares of a path: a ceiling who cannot hang from it, a
    /// house who is not let in.
    pub(super) fn may_tread(
        &self,
        mover: &Combatant,
        mode: MovementMode,
        squares: &[Square],
    ) -> Result<(), Refusal> {
        let view = self.view();
        let refused = |at: Square| Refusal::InvalidPath { at: Some(at) };
        if mode == MovementMode::Climb
            && let Ok(ceiling) = Key::parse(CEILING)
            && !self
                .of_kind(mover.id, ModifierKind::Climbs)
                .any(|it| it.modifier.of.contains(&ceiling))
        {
            let hangs = |at: &&Square| view.is_ground(**at, std::slice::from_ref(&ceiling));
            if let Some(at) = squares.iter().find(hangs) {
                return Err(refused(*at));
            }
        }
        let invited = self
            .combat
            .effects_on(mover.id)
            .any(|effect| effect.template.key.as_ref().is_some_and(|key| key.as_str() == INVITED));
        for active in self.of_kind(mover.id, ModifierKind::BarredFrom).filter(|_| !invited) {
            let of = &active.modifier.of;
            let within = |at: Square| {
                mover.space_at(at).footprint().squares().any(|at| view.is_ground(at, of))
            };
            let mut before = mover.position.is_some_and(within);
            for at in squares {
                let now = within(*at);
                if now && !before {
                    return Err(refused(*at));
                }
                before = now;
            }
        }
        Ok(())
    }

    /// Whether a creature climbs there where there is hardly a hold, and is not made for it.
    pub(super) fn is_sheer(&self, who: CombatantId, mode: MovementMode, at: Square) -> bool {
        if mode != MovementMode::Climb {
            return false;
        }
        let climbs = |kind: &Key| {
            self.of_kind(who, ModifierKind::Climbs).any(|it| it.modifier.of.contains(kind))
        };
        let kinds = SHEER.iter().filter_map(|kind| Key::parse(kind).ok());
        let hard: Vec<Key> = kinds.filter(|kind| !climbs(kind)).collect();
        self.view().is_ground(at, &hard)
    }

    /// A check to climb; without success it goes no farther.
    pub(super) fn climbs_up(&mut self, who: CombatantId) -> Flow<bool> {
        let skill = Skill::Athletics;
        let total = self.check(who, skill, None)?;
        let success = total >= CLIMB_DC;
        let (target, against, outcome) = (None, Some(CLIMB_DC), Some(success));
        self.tell(Fact::CheckMade { who, skill, target, total, against, success: outcome });
        Ok(success)
    }

    /// Who burrows through rock leaves a tunnel where it was filled.
    pub(super) fn dig(&mut self, who: CombatantId, mode: MovementMode, at: Square) {
        let tunnels = |active: &Active<'_>| active.modifier.value.is_some();
        if mode != MovementMode::Burrow
            || !self.of_kind(who, ModifierKind::Burrows).any(|it| tunnels(&it))
        {
            return;
        }
        let Some(mover) = self.combat.combatant(who) else { return };
        let side = mover.space_at(at).side;
        let wide = mover.scale.cells(TUNNEL_FT).min(side);
        let inset = (side - wide) / 2;
        let dug = (0..wide).flat_map(|x| (0..wide).map(move |y| (x, y)));
        let printed = &self.combat.grid.blocking;
        let mut opened = self.combat.ground.opened.clone();
        opened.extend(
            dug.map(|(x, y)| at.shifted(inset + x, inset + y)).filter(|at| printed.contains(at)),
        );
        if opened != self.combat.ground.opened {
            let ground = Ground { opened, ..(*self.combat.ground).clone() };
            self.set_ground(ground);
        }
    }
}
