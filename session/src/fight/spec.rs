//! Combatants as GMs send them (`combatant` of `schema/common.json`).

use std::sync::Arc;

use gss_rules::combat::{AtZero, Combatant, CombatantId, CombatantKind, HitPoints, Life};
use gss_rules::content::{Monster, StatBlock};
use gss_rules::space::Square;
use gss_rules::{Edition, Key};
use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::{CharacterId, PlayerId};
use serde::{Deserialize, Deserializer};
use uuid::Uuid;

use super::{book, plain};
use crate::character::{self, Character, Characters};
use crate::refusal;

const NAME_CHARACTERS: usize = 100;
const SIDE_CHARACTERS: usize = 50;

/// A combatant to be.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CombatantSpec {
    pub(crate) character_id: Option<Uuid>,
    name: Option<String>,
    pub(crate) kind: CombatantKind,
    /// Said, and whom; null: the GMs.
    #[serde(default, deserialize_with = "said")]
    pub(crate) owner_id: Option<Option<Uuid>>,
    side: String,
    stat_block: Option<String>,
    custom: Option<Box<StatBlock>>,
    hp: Option<HitPoints>,
    position: Option<Square>,
    #[serde(default)]
    elevation_ft: i32,
    group: Option<String>,
    initiative: Option<i32>,
    #[serde(default)]
    surprised: bool,
    #[serde(default)]
    hidden: bool,
    #[serde(default)]
    independent_mount: bool,
}

type Numbers = (Arc<StatBlock>, Option<&'static Monster>);

fn said<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<Uuid>>, D::Error> {
    Option::deserialize(from).map(Some)
}

impl CombatantSpec {
    /// What the shape alone does not say.
    ///
    /// # Errors
    /// `invalid_frame` or `invalid_argument`.
    pub(crate) fn check(&self) -> Result<(), ClientError> {
        let text = |member: &str, text: Option<&String>, most: usize| match text {
            Some(text) => crate::text::check(member, text, 1, most),
            None => Ok(()),
        };
        text("name", self.name.as_ref(), NAME_CHARACTERS)?;
        text("side", Some(&self.side), SIDE_CHARACTERS)?;
        text("group", self.group.as_ref(), SIDE_CHARACTERS)?;
        let blocks = usize::from(self.stat_block.is_some()) + usize::from(self.custom.is_some());
        let character = self.kind == CombatantKind::Character;
        if blocks > 1 {
            return Err(refusal::shape("custom", "excludes stat_block"));
        }
        if blocks == 0 && !character {
            return Err(refusal::shape("stat_block", "or custom must be given"));
        }
        if character && self.character_id.is_none() {
            return Err(refusal::shape("character_id", "must be given for a character"));
        }
        plain::beginning(self.elevation_ft, self.initiative)?;
        self.custom.as_deref().map_or(Ok(()), plain::block)?;
        Ok(())
    }

    /// The character that the character service has the numbers of.
    pub(crate) fn character(&self) -> Option<CharacterId> {
        let here = self.stat_block.is_some() || self.custom.is_some();
        self.character_id.filter(|_| !here).map(CharacterId)
    }

    /// What the character service says of it; none: its numbers are here.
    ///
    /// # Errors
    /// `character_not_found`; `service_failed` when there is no service or no answer.
    pub(crate) fn served<'a>(
        &self,
        characters: &'a Characters,
    ) -> Result<Option<&'a Character>, ClientError> {
        let Some(id) = self.character() else { return Ok(None) };
        let message = "No character service is configured: send the character's custom block.";
        characters.find(id)?.map(Some).ok_or_else(|| character::failed(message))
    }

    /// The combatant. `fresh`: its id, if it has none of its own. `owner`: the member that has a
    /// character, and whether somebody is a member.
    ///
    /// # Errors
    /// `not_found` for an unknown stat block; `not_your_character` when the service says that it
    /// is nobody's here; those of [`CombatantSpec::served`].
    pub(crate) fn combatant(
        &self,
        edition: Edition,
        fresh: Uuid,
        characters: &Characters,
        owner: impl Fn(Uuid) -> Option<PlayerId>,
        is_member: impl Fn(PlayerId) -> bool,
    ) -> Result<Combatant, ClientError> {
        let served = self.served(characters)?;
        if let (Some(served), Some(id)) = (served, self.character())
            && !is_member(served.owner)
        {
            return Err(character::strangers(id));
        }
        let (block, record) = match served {
            Some(character) => (Arc::clone(&character.block), None),
            None => self.block(edition)?,
        };
        let monster = record.map(|record| record.id.clone());
        let id = self.character_id.unwrap_or(fresh);
        let owner = match self.owner_id {
            Some(owner) => owner,
            None => owner(id).or(served.map(|served| served.owner)).map(|owner| owner.0),
        };
        let printed = record.map(|record| record.name.clone());
        let printed = printed.or_else(|| served.map(|served| served.name.clone()));
        let name = self.name.clone().or(printed).unwrap_or_else(|| "Somebody".to_owned());
        let hp = self.hp.unwrap_or(block.hp);
        let plain = Combatant::new(CombatantId(id), &name, self.kind, &self.side, block);
        let life = match plain.at_zero() {
            _ if hp.current > 0 => Life::Alive,
            AtZero::Saves => Life::Stable,
            AtZero::Dies => Life::Dead,
        };
        Ok(Combatant {
            owner,
            monster,
            hp,
            life,
            position: self.position,
            elevation_ft: self.elevation_ft,
            hidden: self.hidden,
            surprised: self.surprised,
            group: self.group.clone(),
            initiative: self.initiative,
            slots_spent: served.map(|served| served.slots_spent.clone()).unwrap_or_default(),
            independent_mount: self.independent_mount,
            ..plain
        })
    }

    /// Its numbers, and its record in the bestiary.
    fn block(&self, edition: Edition) -> Result<Numbers, ClientError> {
        if let Some(block) = &self.custom {
            return Ok((Arc::new((**block).clone()), None));
        }
        let Some(named) = &self.stat_block else {
            return Err(refusal::shape("stat_block", "or custom must be given"));
        };
        let (edition, key) = match named.split_once("5.1:").or_else(|| named.split_once("5.2:")) {
            Some(("srd:", key)) if named.starts_with("srd:5.1:") => (Edition::E51, key),
            Some(("srd:", key)) => (Edition::E52, key),
            _ => (edition, named.as_str()),
        };
        let unknown = || {
            let error = ClientError::new(ErrorCode::NotFound, "There is no such stat block.");
            let shown: String = named.chars().take(64).collect();
            error.with("stat_block", shown)
        };
        let key = Key::parse(key).map_err(|_| unknown())?;
        let monster = book(edition).content.monsters.get(&key).ok_or_else(unknown)?;
        Ok((Arc::clone(&monster.block), Some(monster)))
    }
}
