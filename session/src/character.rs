//! Characters as the character service knows them (`character` of `schema/hub.json`).

use std::collections::BTreeMap;
use std::sync::Arc;

use gss_rules::combat::{Changes, ConditionAdded};
use gss_rules::content::{Pool, StatBlock};
use gss_rules::{Condition, Key};
use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::{CharacterId, PlayerId};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::fight::plain;
use crate::text;

const NAME_CHARACTERS: usize = 100;
/// The largest stat block of a character, as JSON: a fight may have 200 of them.
const BLOCK_BYTES: usize = 16_384;

/// One character.
#[derive(Clone, PartialEq, Debug)]
pub struct Character {
    pub(crate) owner: PlayerId,
    pub(crate) name: String,
    /// Its numbers, with as many spell slots as it has when all are there.
    pub(crate) block: Arc<StatBlock>,
    /// Spell slots spent, by their level.
    pub(crate) slots_spent: BTreeMap<u8, u8>,
    conditions: Vec<Condition>,
}

/// The members of an answer that are used. Others are the service's own affair.
#[derive(Deserialize)]
struct Written {
    character_id: Uuid,
    owner_id: Uuid,
    name: String,
    stat_block: StatBlock,
    #[serde(default)]
    conditions: Vec<Condition>,
    #[serde(default)]
    spell_slots: BTreeMap<u8, Pool>,
}

impl Character {
    /// Reads the `data` of an answer to `character.get`.
    ///
    /// # Errors
    /// What is wrong with it: it is another character, or no stat block that clients could send.
    pub fn read(id: CharacterId, data: Value) -> Result<Self, String> {
        let written: Written = serde_json::from_value(data).map_err(|error| error.to_string())?;
        if written.character_id != id.0 {
            return Err("it is another character".to_owned());
        }
        let Written { owner_id, name, mut stat_block, mut conditions, spell_slots, .. } = written;
        let wrong = |error: ClientError| error.message;
        text::check("name", &name, 1, NAME_CHARACTERS).map_err(wrong)?;
        let mut slots_spent = BTreeMap::new();
        if let Some(spellcasting) = &mut stat_block.spellcasting {
            for (level, slots) in &spell_slots {
                let [current, max] =
                    [slots.current, slots.max].map(|count| u8::try_from(count).ok());
                let spent = max.zip(current).and_then(|(max, current)| max.checked_sub(current));
                let (Some(max), Some(spent), 1..=9) = (max, spent, *level) else {
                    return Err(format!("spell_slots.{level} cannot be"));
                };
                spellcasting.slots.insert(*level, max);
                slots_spent.insert(*level, spent);
            }
        }
        slots_spent.retain(|_, spent| *spent > 0);
        plain::block(&stat_block).map_err(wrong)?;
        let size = serde_json::to_string(&stat_block).map_or(usize::MAX, |text| text.len());
        if size > BLOCK_BYTES {
            return Err(format!("stat_block has more than {BLOCK_BYTES} bytes"));
        }
        conditions.sort_unstable();
        conditions.dedup();
        let (owner, block) = (PlayerId(owner_id), Arc::new(stat_block));
        Ok(Self { owner, name, block, slots_spent, conditions })
    }

    /// One whom nobody has asked for yet: of one square, which it may share as a swarm does.
    pub(crate) fn anybody(owner: PlayerId, like: &StatBlock) -> Self {
        let tags = Key::parse("swarm").into_iter().collect();
        Self {
            owner,
            name: String::new(),
            block: Arc::new(StatBlock { tags, ..like.clone() }),
            slots_spent: BTreeMap::new(),
            conditions: Vec::new(),
        }
    }

    /// What it comes with beside its numbers; none: nothing.
    pub(crate) fn burden(&self) -> Option<Box<Changes>> {
        let with = |condition: &Condition| ConditionAdded {
            condition: *condition,
            level: None,
            source_id: None,
            duration: None,
        };
        let conditions_add: Vec<_> = self.conditions.iter().map(with).collect();
        let changes = Changes { conditions_add, ..Changes::default() };
        (!self.conditions.is_empty()).then(|| Box::new(changes))
    }
}

/// What the character service said of one character.
#[derive(Clone, PartialEq, Debug)]
pub enum CharacterAnswer {
    /// This.
    Is(Box<Character>),
    /// It has no such character.
    Unknown,
    /// Nothing, or nothing of use.
    Failed,
}

/// What is known of the characters that a decision asks for.
#[derive(Clone, PartialEq, Debug)]
pub enum Characters {
    /// No character service is configured.
    Unserved,
    /// The answers so far.
    Answered(BTreeMap<CharacterId, CharacterAnswer>),
}

impl Default for Characters {
    fn default() -> Self {
        Self::Answered(BTreeMap::new())
    }
}

impl Characters {
    /// Those of them that the service has to be asked for.
    pub(crate) fn missing(
        &self,
        wanted: impl IntoIterator<Item = CharacterId>,
    ) -> Vec<CharacterId> {
        match self {
            Self::Unserved => Vec::new(),
            Self::Answered(answers) => {
                let mut missing: Vec<_> =
                    wanted.into_iter().filter(|id| !answers.contains_key(id)).collect();
                missing.sort_unstable();
                missing.dedup();
                missing
            }
        }
    }

    /// These, and others besides.
    pub(crate) fn with(&self, others: impl Iterator<Item = (CharacterId, Character)>) -> Self {
        let mut all = match self {
            Self::Unserved => return Self::Unserved,
            Self::Answered(answers) => answers.clone(),
        };
        all.extend(others.map(|(id, other)| (id, CharacterAnswer::Is(Box::new(other)))));
        Self::Answered(all)
    }

    /// The character; none: no service is configured.
    ///
    /// # Errors
    /// `character_not_found`; `service_failed` when the service did not answer.
    pub(crate) fn find(&self, id: CharacterId) -> Result<Option<&Character>, ClientError> {
        let Self::Answered(answers) = self else { return Ok(None) };
        let error = match answers.get(&id) {
            Some(CharacterAnswer::Is(character)) => return Ok(Some(character)),
            Some(CharacterAnswer::Unknown) => {
                ClientError::new(ErrorCode::CharacterNotFound, "There is no such character.")
            }
            Some(CharacterAnswer::Failed) | None => {
                failed("The character service did not answer. Try again later.")
            }
        };
        Err(error.with("character_id", id.to_string()))
    }
}

/// The character service is of no help.
pub(crate) fn failed(message: &'static str) -> ClientError {
    ClientError::new(ErrorCode::ServiceFailed, message).with("service", "character")
}

/// The character is somebody's who has no part in this.
pub(crate) fn strangers(id: CharacterId) -> ClientError {
    let message = "The character is another player's.";
    let error = ClientError::new(ErrorCode::NotYourCharacter, message);
    error.with("character_id", id.to_string())
}

/// That a character is the player's, by the service's word; without a service that is the game
/// master's affair.
///
/// # Errors
/// `not_your_character`, `character_not_found`, `service_failed`.
pub(crate) fn check_owner(
    characters: &Characters,
    id: CharacterId,
    player: PlayerId,
) -> Result<(), ClientError> {
    match characters.find(id)? {
        Some(character) if character.owner != player => Err(strangers(id)),
        Some(_) | None => Ok(()),
    }
}
