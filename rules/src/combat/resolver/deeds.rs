//! Named uses of stat blocks that have a deed: whom they are about, and what they do (SRD 5.1
//! "Monsters", "Actions"; SRD 5.2.1 "Monsters", "Parts of a Stat Block").

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ops::Act;
use super::special::Aim;
use super::{Flow, Resolver};
use crate::Key;
use crate::combat::view::IMMUNE;
use crate::combat::{CombatantId, Effect, EffectId, EndReason, Fact, HitPoints, Life, Refusal};
use crate::content::{Deed, SpecialAction};
use crate::effect::{
    Casting, Choice, Duration, EffectTemplate, Ending, Hook, Immune, ModifierKind, Op, Pick,
    Targets,
};
use crate::space::{Cover, Direction, Square, distance_ft};

/// A deed about to be done.
pub(super) struct Intent {
    deed: Arc<Deed>,
    casting: Casting,
    pub(super) about: Vec<(CombatantId, Cover)>,
}

impl Resolver<'_> {
    /// What a creature's use does, if the content says.
    pub(super) fn deed(&self, who: CombatantId, id: &Key) -> Option<&Arc<Deed>> {
        let monster = self.combat.combatant(who)?.monster.as_ref()?;
        self.book.content.deeds.get(monster, id)
    }

    /// A deed with those whom it is about: each within range and in line, or in its area.
    pub(super) fn intend(
        &self,
        who: CombatantId,
        action: &SpecialAction,
        deed: &Arc<Deed>,
        aim: Aim<'_>,
    ) -> Result<Intent, Refusal> {
        let casting = casting(action, deed, aim);
        if !deed.needs.iter().all(|case| self.holds(who, &casting, who, case)) {
            return Err(Refusal::NothingToDo);
        }
        if deed.concentrates.is_some() && self.view().is(who, ModifierKind::CannotConcentrate) {
            return Err(Refusal::CannotConcentrate);
        }
        self.may_choose(&deed.does, &casting)?;
        let own = Targets { pick: Pick::Caster, ..Targets::default() };
        let spec = deed.targets.as_ref().unwrap_or(&own);
        let harmful = deed.does.iter().any(|op| matches!(op, Op::Save(_) | Op::Damage(_)));
        let range = (spec.range_ft, harmful);
        let mut about = self.targets(who, spec, &casting, aim.targets, range)?;
        let id = &action.use_id;
        let immune = |target: &CombatantId| self.view().is_immune_to(who, *target, id);
        if spec.pick == Pick::Named && about.iter().any(|(target, _)| immune(target)) {
            return Err(Refusal::InvalidTarget);
        }
        about.retain(|(target, _)| !immune(target));
        Ok(Intent { deed: Arc::clone(deed), casting, about })
    }

    /// Does it.
    pub(super) fn do_deed(&mut self, who: CombatantId, intent: Intent) -> Flow<()> {
        let Intent { deed, casting, about } = intent;
        let anchor = match deed.concentrates {
            Some(duration) => self.hold_on(who, &casting, duration),
            None => None,
        };
        let act = Act { anchor, ..Act::of(who, casting) };
        self.carry_out(&act, &deed.does, &about)?;
        if let Some(anchor) = anchor.filter(|anchor| self.is_bare(*anchor)) {
            self.end(anchor, EndReason::Over);
        }
        Ok(())
    }

    /// Words that deeds have and spells have not.
    pub(super) fn deed_op(&mut self, act: &Act, op: &Op, target: CombatantId) -> Flow<()> {
        match op {
            Op::Down => return self.bring_down(target),
            Op::BlockAttack(attack) => return self.block_attack(act, attack, target),
            Op::LetGo => self.let_go(act.caster, target),
            Op::EndOwn(key) => self.end_own(act.caster, key),
            Op::Immune(immune) => self.immune_op(act, immune, target),
            Op::Reset(of) => {
                if let Some(id) = act.effect.filter(|id| self.combat.effects.contains_key(id)) {
                    self.tell(Fact::Counted { id, of: of.clone(), count: 0 });
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Concentration begins, and ends what was concentrated on before.
    pub(super) fn hold_on(
        &mut self,
        who: CombatantId,
        casting: &Casting,
        duration: Duration,
    ) -> Option<EffectId> {
        self.lose_concentration(who);
        let held = EffectTemplate {
            casting: Some(Box::new(casting.clone())),
            ..EffectTemplate::named(&casting.name, duration)
        };
        let anchor = self.put(&Arc::new(held), Some(who), who, None)?;
        self.tell(Fact::ConcentrationSet { who, on: Some(anchor) });
        Some(anchor)
    }

    /// Whether a path leads straight toward an enemy that its walker sees: in one direction, nearer
    /// with each step.
    pub(super) fn charges(&self, who: CombatantId, path: &[Square]) -> bool {
        let Some(mover) = self.combat.combatant(who) else { return false };
        let Some(from) = mover.position else { return false };
        let steps: Vec<Square> = std::iter::once(from).chain(path.iter().copied()).collect();
        let step = |pair: &[Square]| {
            let (at, to) = (pair[0], pair[1]);
            Direction::new(to.x.saturating_sub(at.x), to.y.saturating_sub(at.y))
        };
        let straight = steps.windows(2).all(|pair| Some(step(pair)) == steps.get(..2).map(step));
        let diagonals = self.view().diagonals();
        let mut enemies = self.combat.combatants.values().filter(|it| self.hostile(who, it.id));
        straight
            && enemies.any(|enemy| {
                let Some(there) = enemy.space() else { return false };
                let apart = |at| distance_ft(mover.space_at(at), there, diagonals);
                self.view().sees(who, enemy.id)
                    && steps.windows(2).all(|pair| apart(pair[1]) < apart(pair[0]))
            })
    }

    /// Ends a creature's own effects of a key, on whomever they are.
    pub(super) fn end_own(&mut self, source: CombatantId, key: &Key) {
        let own = self.combat.effects.values().filter(|effect| {
            effect.source == Some(source)
                && effect.template.key.as_ref() == Some(key)
                && !effect.template.name.starts_with(IMMUNE)
        });
        let own: Vec<EffectId> = own.map(|effect| effect.id).collect();
        for id in own {
            self.end(id, EndReason::Over);
        }
    }

    /// To 0 hit points at once, unless something wards it from death.
    pub(super) fn bring_down(&mut self, target: CombatantId) -> Flow<()> {
        let combatant = self.combatant(target)?;
        if combatant.life != Life::Alive || self.ward_from_death(target) {
            return Ok(());
        }
        let combatant = self.combatant(target)?;
        let life = combatant.at_zero().life();
        let hp = HitPoints { current: 0, ..combatant.hp };
        let (source, parts, temp_absorbed, massive) = (None, Vec::new(), 0, false);
        self.tell(Fact::Damaged { target, source, parts, temp_absorbed, hp, life, massive });
        if life == Life::Dead {
            self.lose_concentration(target);
            self.died(target, None)?;
        } else {
            self.fall_unconscious(target, Duration::Permanent);
        }
        self.fire(target, Hook::DropsToZero, None, false)
    }

    /// Ends effects whose bearer or source can no longer do what they need.
    pub(super) fn end_unheld(&mut self) {
        let unable = |who: CombatantId| {
            self.combat.combatant(who).is_none_or(|it| it.life != Life::Alive)
                || self.view().is(who, ModifierKind::CannotAct)
        };
        let gone =
            |who: CombatantId| self.combat.combatant(who).is_none_or(|it| it.life == Life::Dead);
        let over = |effect: &&Arc<Effect>| {
            effect.template.ends_on.iter().any(|ending| match ending {
                Ending::BearerIncapacitated => unable(effect.target),
                Ending::SourceIncapacitated => effect.source.is_some_and(unable),
                Ending::SourceDies => effect.source.is_some_and(gone),
                Ending::Roll
                | Ending::BearerAttacks
                | Ending::BearerCasts
                | Ending::BearerDamaged
                | Ending::BearerStirs => false,
            })
        };
        let over: Vec<EffectId> =
            self.combat.effects.values().filter(over).map(|effect| effect.id).collect();
        let over = over.into_iter().chain(self.recovering_no_more());
        for id in over {
            self.end(id, EndReason::Over);
        }
    }

    /// Makes a creature immune for a time to what is being done: of this one, or of all creatures of
    /// some kinds.
    pub(super) fn immune_op(&mut self, act: &Act, immune: &Immune, target: CombatantId) {
        let id = &act.casting.spell;
        let duration = Duration::Seconds { seconds: immune.seconds };
        let template = |name: String| EffectTemplate {
            key: Some(id.clone()),
            ..EffectTemplate::named(&name, duration)
        };
        if immune.of.is_empty() {
            let template = template(format!("{IMMUNE}{id}"));
            self.put(&Arc::new(template), Some(act.caster), target, None);
        }
        for kind in &immune.of {
            let template = template(format!("{IMMUNE}{id} of {kind}"));
            self.put(&Arc::new(template), None, target, None);
        }
    }
}

/// The numbers of a use, as those of a casting.
fn casting(action: &SpecialAction, deed: &Deed, aim: Aim<'_>) -> Casting {
    let mut choices: BTreeMap<Key, Choice> = aim.choices.clone();
    if let (Some(option), Ok(of)) = (aim.option, Key::parse(OPTION)) {
        choices.insert(of, Choice::Word(option.to_string()));
    }
    Casting {
        spell: action.use_id.clone(),
        name: action.name.clone(),
        level: 0,
        slot: 0,
        caster_level: 1,
        dc: deed.dc,
        attack_bonus: 0,
        modifier: 0,
        choices,
        at: aim.at,
        direction: aim.direction,
        use_magic: Some(deed.magical),
    }
}

/// The choice that a command makes by its `option`.
const OPTION: &str = "option";
