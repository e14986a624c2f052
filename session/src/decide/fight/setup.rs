//! Who fights: the start of a fight, and who comes later.

use std::borrow::Cow;

use gss_rules::combat::{Actor, Combat, Combatant, CombatantId, Command, Input};
use gss_rules::space::Grid;
use gss_rules::{RuleSet, Size};
use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::{CharacterId, PlayerId, Version};
use serde_json::Value;
use uuid::Uuid;

use super::{Asking, Decided, KEY};
use crate::character::{Character, Characters};
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
        let rules: RuleSet = serde_json::from_value(Value::Object(self.session.settings.rules()))
            .map_err(|_| refusal::internal())?;
        let grid = match &start.grid {
            Some(grid) => grid.clone(),
            None => Grid::without_squares(),
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
        let served = start.combatants.iter().filter_map(CombatantSpec::character);
        let (missing, characters) = self.characters(&fight, served);
        let specs = start.combatants.iter().zip(1..);
        let combatants: Result<Vec<_>, _> =
            specs.map(|(spec, k)| self.combatant(&fight, spec, (k, &characters))).collect();
        let mut combatants = combatants?;
        // In an order that the fight itself tells: the judge joins them again in it.
        combatants.sort_by_key(|combatant| combatant.id);
        for combatant in combatants {
            self.set_up(&mut fight, Command::AddCombatant { combatant: Box::new(combatant) })?;
        }
        if !missing.is_empty() {
            return Ok(Decided::NeedsCharacters(missing));
        }
        let players = self.session.with_physical_dice();
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
        let step = self.played(fight, Input::Command { by: Actor::Gm, command })?;
        fight.combat.apply(&step);
        Ok(())
    }

    /// Whom the character service has to be asked for, and the characters with somebody in the place
    /// of each of these: what is refused with those is refused whatever the service says, and it
    /// is asked for nothing of that.
    fn characters(
        &self,
        fight: &Fight,
        served: impl IntoIterator<Item = CharacterId>,
    ) -> (Vec<CharacterId>, Cow<'_, Characters>) {
        let known = self.context.characters;
        let missing = known.missing(served);
        if missing.is_empty() {
            return (missing, Cow::Borrowed(known));
        }
        let anybody =
            fight.book().content.monsters.values().find(|it| it.block.size == Size::Small);
        let anybody = anybody.map(|record| Character::anybody(self.session.gm, &record.block));
        let characters = known.with(missing.iter().copied().zip(anybody.into_iter().cycle()));
        (missing, Cow::Owned(characters))
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
        (k, characters): (u128, &Characters),
    ) -> Result<Combatant, ClientError> {
        let owner = |character: Uuid| {
            let mut members = self.session.members.iter();
            members
                .find(|member| member.characters.iter().any(|own| own.0 == character))
                .map(|member| member.player)
        };
        // Whoever knows some of them must not know those of who is hidden.
        let fresh = self.secret(&fight.seed, k);
        let is_member = |player| self.session.member(player).is_some();
        let edition = fight.combat.rules.edition;
        let combatant = spec.combatant(edition, fresh, characters, owner, is_member)?;
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
        let (missing, characters) = self.characters(fight, spec.character());
        let combatant = Box::new(self.combatant(fight, spec, (1, &characters))?);
        let command = Command::AddCombatant { combatant };
        let input = Input::Command { by: self.actor(), command };
        if !missing.is_empty() {
            return self.played(fight, input).map(|_| Decided::NeedsCharacters(missing));
        }
        let (mut events, after) = self.input(fight, input, None, None)?;
        if let Some(command) = self.burden(spec)? {
            events.extend(self.by_the_table(&after, command)?.0);
        }
        Ok(Decided::Events(events))
    }
}
