//! Folding: what an event does to the state. The same for live decisions and replay.

use std::sync::Arc;

use gss_shared::ids::{ActionId, PlayerId, Position, SessionId, Version};
use gss_shared::message::Role;
use gss_shared::ports::journal::JournalEvent;
use gss_shared::time::Timestamp;

use crate::document::{Document, Pointer};
use crate::event::{Corrupt, Event, InviteCreated, MemberJoined, RoleChanged, SessionCreated};
use crate::fight::FightChange;
use crate::invite::Invite;
use crate::member::{Banned, Chain, Member};
use crate::state::{Saved, Session, Status};
use crate::view::Change;
use crate::window::Window;

/// What is known of an event beside its body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) position: Position,
    pub(crate) at: Timestamp,
    pub(crate) actor: Option<PlayerId>,
    /// On an action's first event.
    pub(crate) action: Option<(ActionId, [u8; 16])>,
    /// On an action's further events.
    pub(crate) of: Option<ActionId>,
}

impl Facts {
    /// The action it belongs to.
    pub(crate) fn action(&self) -> Option<ActionId> {
        self.action.map(|(action, _)| action).or(self.of)
    }
}

impl Session {
    /// Folds one event of the journal into the state.
    ///
    /// # Errors
    /// [`Corrupt`]: the state is then of no use.
    pub fn apply(&mut self, event: &JournalEvent) -> Result<(), Corrupt> {
        let after = self.position.version;
        if event.version != after.next() {
            return Err(Corrupt::Gap { after, found: event.version });
        }
        let (body, facts) = read(event)?;
        self.fold(facts, body)
    }

    /// The session that these events make, after the snapshot if there is one; None: no events.
    ///
    /// # Errors
    /// [`Corrupt`].
    pub fn replay(
        id: SessionId,
        snapshot: Option<&str>,
        events: &[JournalEvent],
    ) -> Result<Option<Self>, Corrupt> {
        let restored = snapshot.map(|snapshot| Self::restore(id, snapshot)).transpose()?;
        let (mut session, events) = match (restored, events) {
            (Some(session), events) => (session, events),
            (None, []) => return Ok(None),
            (None, [first, rest @ ..]) => (Self::begin(id, first)?, rest),
        };
        for event in events {
            session.apply(event)?;
        }
        Ok(Some(session))
    }

    fn begin(id: SessionId, first: &JournalEvent) -> Result<Self, Corrupt> {
        let after = Version::ZERO;
        if first.version != after.next() {
            return Err(Corrupt::Gap { after, found: first.version });
        }
        let (body, facts) = read(first)?;
        match body {
            Event::SessionCreated(created) => Ok(Self::created(id, facts, created)),
            _ => Err(Corrupt::Misfit {
                version: first.version,
                fact: "a session begins with session_created",
            }),
        }
    }

    /// The state after its first event.
    pub(crate) fn created(id: SessionId, facts: Facts, body: SessionCreated) -> Self {
        let version = facts.position.version;
        let gm = Member {
            player: body.gm,
            role: Role::Gm,
            characters: Vec::new(),
            generation: version,
            role_since: version,
            joined_at: facts.at,
            chains: Vec::new(),
        };
        let mut session = Self {
            id,
            position: facts.position,
            last_at: facts.at,
            campaign: body.campaign_id,
            name: body.name.into(),
            session_type: body.session_type,
            status: Status::Created,
            status_reason: None,
            paused_at: None,
            gm: body.gm,
            created_at: facts.at,
            deleted_at: None,
            settings: body.settings,
            visible_since: version,
            rolled_back_at: Version::ZERO,
            members: vec![gm],
            banned: Vec::new(),
            invites: Vec::new(),
            document: Document::default(),
            fight: None,
            saved: None,
            window: Window::default(),
        };
        session.note(facts);
        session
    }

    /// Folds one event.
    ///
    /// # Errors
    /// [`Corrupt::Misfit`].
    pub(crate) fn fold(&mut self, facts: Facts, event: Event) -> Result<(), Corrupt> {
        let Facts { position, at, .. } = facts;
        let version = position.version;
        match event {
            Event::SessionCreated(_) => {
                return Err(Corrupt::Misfit { version, fact: "the session is there" });
            }
            Event::SettingsChanged(body) => {
                if let Some(name) = body.name {
                    self.name = name.into();
                }
                if body.visibility_changed {
                    self.visible_since = version;
                }
                self.settings = body.settings;
            }
            Event::SessionStatus(body) => {
                self.status = body.status;
                self.status_reason = body.reason.map(Into::into);
                self.stop_clock(at);
            }
            Event::SessionDeleted(_) => self.deleted_at = Some(at),
            Event::StateUpdate(body) => self.change(version, body.changes)?,
            Event::StateSaved(body) => {
                self.change(version, body.changes)?;
                let metadata = serde_json::Value::Object(body.metadata).to_string();
                self.saved = Some(Saved { metadata: Some(metadata.into()), version, at });
            }
            Event::RolledBack(body) => {
                self.document = Document::new(body.document);
                self.fight = body.fight.map(Arc::from);
                self.rolled_back_at = version;
            }
            Event::CombatRewound(body) => {
                self.fight = Some(Arc::from(body.fight));
                self.rolled_back_at = version;
            }
            Event::Combat(event) => self.fight_on(facts, event.change)?,
            Event::MemberJoined(body) => self.joined(facts, body),
            Event::MemberLeft(body) => match body.character {
                None => self.members.retain(|member| member.player != body.player),
                Some(_) => {
                    self.existing(version, body.player)?.characters = body.characters;
                }
            },
            Event::RoleChanged(body) => self.role_changed(version, body)?,
            Event::Kicked(body) => self.members.retain(|member| member.player != body.player),
            Event::Banned(body) => {
                self.members.retain(|member| member.player != body.player);
                self.banned.retain(|banned| banned.player != body.player);
                self.banned.push(Banned { player: body.player, role: body.role, at });
            }
            Event::Unbanned(body) => self.banned.retain(|banned| banned.player != body.player),
            Event::InviteCreated(body) => self.invited(facts, body),
            Event::Connected(body) => {
                let chain = Chain {
                    chain: body.chain,
                    issued_ms: body.issued_ms,
                    used_at: at,
                    connection: body.connection,
                };
                self.existing(version, body.player)?.use_chain(chain);
            }
            Event::ChatMessage(_) | Event::RollResult(_) => {}
        }
        self.hand_out_dice();
        self.note(facts);
        Ok(())
    }

    fn note(&mut self, facts: Facts) {
        self.position = facts.position;
        self.last_at = facts.at;
        if let Some(action) = facts.action {
            self.window.begin(action, facts.actor, facts.position, facts.at);
        } else if let Some(action) = facts.of {
            self.window.extend(action, facts.position);
        }
    }

    /// The time of a turn does not go on while the session is paused.
    fn stop_clock(&mut self, at: Timestamp) {
        let paused = (self.status == Status::Paused).then_some(at);
        let Some(since) = std::mem::replace(&mut self.paused_at, paused) else { return };
        if let Some(fight) = &mut self.fight {
            let played_ms = since.since_ms(fight.turn_at).max(0);
            Arc::make_mut(fight).turn_at = at.plus_ms(-played_ms);
        }
    }

    /// Whose own dice count in a fight follows the table's members and settings. A command that waits
    /// for an answer goes on as it began.
    pub(crate) fn hand_out_dice(&mut self) {
        let Some(fight) = &self.fight else { return };
        let players = self.with_physical_dice();
        if let (true, Some(fight)) = (fight.combat.physical_dice != players, &mut self.fight) {
            Arc::make_mut(fight).combat.physical_dice = players;
        }
    }

    fn invited(&mut self, facts: Facts, body: InviteCreated) {
        self.invites.retain(|invite| invite.good(facts.at));
        self.invites.push(Invite {
            code: body.code.into(),
            role: body.role,
            uses_left: body.uses,
            expires_at: body.expires_at,
            by: facts.actor.unwrap_or(self.gm),
        });
    }

    fn fight_on(&mut self, facts: Facts, change: Option<FightChange>) -> Result<(), Corrupt> {
        let version = facts.position.version;
        match change {
            None => {}
            Some(FightChange::Set(mut fight)) => {
                fight.since = version;
                self.fight = Some(Arc::from(fight));
            }
            Some(FightChange::Ended) => self.fight = None,
            Some(change) => {
                let none = Corrupt::Misfit { version, fact: "there is no fight" };
                Arc::make_mut(self.fight.as_mut().ok_or(none)?).fold(&change, facts.at);
            }
        }
        Ok(())
    }

    fn change(&mut self, version: Version, changes: Vec<Change>) -> Result<(), Corrupt> {
        for change in changes {
            let misfit = || Corrupt::Misfit { version, fact: "no such place in the document" };
            let path = Pointer::read(&change.path).map_err(|_| misfit())?;
            let done = match change.value {
                Some(value) => self.document.put(&path, value),
                None => self.document.take(&path),
            };
            done.map_err(|_| misfit())?;
        }
        Ok(())
    }

    fn joined(&mut self, facts: Facts, body: MemberJoined) {
        let version = facts.position.version;
        if let Some(code) = body.invite {
            let used = self.invites.iter_mut().find(|invite| *invite.code == *code);
            if let Some(invite) = used {
                invite.uses_left = invite.uses_left.map(|uses| uses.saturating_sub(1));
            }
        }
        if let Some(member) = self.member_mut(body.player) {
            member.characters = body.characters;
            return;
        }
        self.members.push(Member {
            player: body.player,
            role: body.role,
            characters: body.characters,
            generation: version,
            role_since: version,
            joined_at: facts.at,
            chains: Vec::new(),
        });
    }

    fn role_changed(&mut self, version: Version, body: RoleChanged) -> Result<(), Corrupt> {
        let member = self.existing(version, body.player)?;
        member.characters = body.characters;
        if member.role != body.role {
            member.role = body.role;
            member.role_since = version;
        }
        Ok(())
    }

    fn existing(&mut self, version: Version, player: PlayerId) -> Result<&mut Member, Corrupt> {
        self.member_mut(player).ok_or(Corrupt::Misfit { version, fact: "not a member" })
    }
}

/// Body and facts of a stored event.
pub(crate) fn read(event: &JournalEvent) -> Result<(Event, Facts), Corrupt> {
    let (body, of) = Event::decode(&event.event_type, &event.data)?;
    let facts = Facts {
        position: Position { version: event.version, event: event.id },
        at: event.at,
        actor: event.actor,
        action: event.action,
        of,
    };
    Ok((body, facts))
}
