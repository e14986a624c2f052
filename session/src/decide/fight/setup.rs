//! Who fights: the start of a fight, and who comes later.

use gss_rules::RuleSet;
use gss_rules::combat::{Actor, Combat, CombatantId, Command, Input, decide as play};
use gss_rules::space::Grid;
use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::{PlayerId, Version};
use serde_json::Value;
use uuid::Uuid;

use super::{Asking, Decided, KEY};
use crate::character::Character;
use crate::event::Event;
use crate::fight::asked::{COMBATANTS, MonsterInitiative, Start};
use crate::fight::messages;
use crate::fight::spec::CombatantSpec;
use crate::fight::{Fight, FightChange, Seed};
use crate::refusal;

impl Asking<'_, '_> {
    /// `combat_start`.
    pub(super) fn start(&mut self, start: &Start) -> Result<Decided, ClientError> {
        if let Some(fight) = &self.session.fight {
            let error = ClientError::new(ErrorCode::InvalidTransition, "A fight is running.");
            return Err(error.with("phase", fight.scene(false).phase()));
        }
        let served = start.combatants.iter().filter_map(CombatantSpec::character);
        let missing = self.context.characters.missing(served);
        if !missing.is_empty() {
            return Ok(Decided::NeedsCharacters(missing));
        }
        let rules: RuleSet = serde_json::from_value(Value::Object(self.session.settings.rules()))
            .map_err(|_| refusal::internal())?;
        let grid = match &start.grid {
            Some(grid) => grid.clone(),
            None => Grid::open(0, 0),
        };
        let seed = Seed::draw(&mut *self.context.dice);
        let mut fight = Fight {
            id: self.fresh(0),
            name: start.options.name.as_deref().map(Into::into),
            since: Version::ZERO,
            key: Some(self.secret(&seed, KEY)),
            seed,
            drawn: 0,
            rewinds: 0,
            back_at: Version::ZERO,
            turns: 0,
            turn_at: self.now,
            deadline: None,
            doing: None,
            combat: Combat::new(rules, grid),
        };
        let specs = start.combatants.iter().zip(1..);
        let combatants: Result<Vec<_>, _> =
            specs.map(|(spec, k)| self.combatant(&fight, spec, k)).collect();
        let mut combatants = combatants?;
        // In an order that the fight itself tells: the judge joins them again in it.
        combatants.sort_by_key(|combatant| combatant.id);
        for combatant in combatants {
            self.set_up(&mut fight, Command::AddCombatant { combatant: Box::new(combatant) })?;
        }
        let players = self.with_physical_dice();
        if !players.is_empty() {
            self.set_up(&mut fight, Command::PhysicalDice { players })?;
        }
        let change = FightChange::Set(Box::new(fight.clone()));
        let mut events = vec![Event::Combat(messages::started(&fight, self.action, change))];
        for spec in &start.combatants {
            if let Some(command) = self.burden(spec)? {
                let (more, after) = self.by_the_table(&fight, command)?;
                events.extend(more);
                fight = after;
            }
        }
        let options = &start.options;
        let fixed = options.monster_initiative == MonsterInitiative::Fixed;
        let command = Command::CallInitiative { roll: options.initiative, fixed };
        events.extend(self.command(&fight, command, None, None)?);
        Ok(Decided::Events(events))
    }

    /// Something of a fight that is about to begin.
    fn set_up(&self, fight: &mut Fight, command: Command) -> Result<(), ClientError> {
        let input = Input::Command { by: Actor::Gm, command };
        let step = play(&fight.combat, input, fight.book(), &mut fight.dice());
        fight.combat.apply(&step.map_err(|refusal| self.refused(fight, &refusal))?);
        Ok(())
    }

    /// The conditions that a character comes with.
    fn burden(&self, spec: &CombatantSpec) -> Result<Option<Command>, ClientError> {
        let served = spec.served(self.context.characters)?;
        let changes = served.and_then(Character::burden);
        let id = spec.character().map(|id| CombatantId(id.0));
        Ok(id.zip(changes).map(|(id, changes)| Command::Update { id, changes }))
    }

    fn combatant(
        &self,
        fight: &Fight,
        spec: &CombatantSpec,
        k: u128,
    ) -> Result<gss_rules::combat::Combatant, ClientError> {
        let owner = |character: Uuid| {
            let mut members = self.session.members.iter();
            members
                .find(|member| member.characters.iter().any(|own| own.0 == character))
                .map(|member| member.player)
        };
        // Whoever knows some of them must not know those of who is hidden.
        let fresh = self.secret(&fight.seed, k);
        let is_member = |player| self.session.member(player).is_some();
        let (edition, characters) = (fight.combat.rules.edition, self.context.characters);
        let combatant = spec.combatant(edition, fresh, characters, owner, is_member)?;
        if fight.combat.grid.width == 0 && combatant.position.is_some() {
            return Err(refusal::argument("position", "needs a grid"));
        }
        if let Some(owner) = combatant.owner.map(PlayerId) {
            self.is_member(owner)?;
        }
        Ok(combatant)
    }

    /// `combatant_add`.
    pub(super) fn add(
        &mut self,
        fight: &Fight,
        spec: &CombatantSpec,
    ) -> Result<Decided, ClientError> {
        if fight.combat.combatants.len() >= COMBATANTS {
            let fact = format!("are at most {COMBATANTS}");
            let error = refusal::argument("combatants", &fact);
            return Err(error.with("limit", COMBATANTS));
        }
        let missing = self.context.characters.missing(spec.character());
        if !missing.is_empty() {
            return Ok(Decided::NeedsCharacters(missing));
        }
        let combatant = Box::new(self.combatant(fight, spec, 1)?);
        let command = Command::AddCombatant { combatant };
        let input = Input::Command { by: self.actor(), command };
        let (mut events, after) = self.input(fight, input, None, None)?;
        if let Some(command) = self.burden(spec)? {
            events.extend(self.by_the_table(&after, command)?.0);
        }
        Ok(Decided::Events(events))
    }
}
