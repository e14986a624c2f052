//! Refusals as an oracle: a player tries things, and what it hears may not depend on what it cannot
//! know. Two fights that look alike to it refuse the same command alike, or both take it.

use gss_session::{Characters, Context, Parsed, Session, parse_frame};
use gss_shared::error_code::ErrorCode;
use gss_shared::ids::PlayerId;
use gss_shared::link::frame::ReadKind;
use serde_json::{Map, Value, json};

use crate::fights::{Fight, GM, LURKER};
use crate::support::{Faces, id};

/// Somebody else that nobody knows of.
const STALKER: u128 = 777;

/// What a sender hears of a command: None: it is taken.
type Heard = Option<(ErrorCode, String, Map<String, Value>)>;

/// Decides on a copy of the session.
fn decide(
    session: &mut Session,
    now: gss_shared::time::Timestamp,
    by: u128,
    frame: &Value,
) -> Heard {
    let text = frame.to_string();
    let heard = |error: gss_shared::error_code::ClientError| {
        Some((error.code, error.message, error.details))
    };
    let command = match parse_frame(&text, PlayerId(id(by))) {
        Ok(Parsed::Command(command)) => command,
        Ok(Parsed::Ephemeral(_)) => return None,
        Err(error) => return heard(error),
    };
    let mut dice = Faces((0..512).map(|face| face % 256 + 1).collect());
    let (event_seed, characters) = (0xfade << 64, &Characters::Unserved);
    let mut context = Context { now, event_seed, dice: &mut dice, history: None, characters };
    match session.execute(&command, &mut context) {
        Ok(_) => None,
        Err(error) => heard(error),
    }
}

fn shown(session: &Session, to: u128) -> Option<Value> {
    let sync = ReadKind::Sync { paths: Vec::new() };
    let sync = session.read(&sync, PlayerId(id(to)), &gss_session::Presence::new()).ok()?;
    let sync: Value = serde_json::from_str(&sync).expect("JSON");
    Some(sync["state"]["combat"].clone())
}

impl Fight {
    /// Copies of the session in which somebody unknown is not, is elsewhere, or is there besides.
    fn alike(&self, near: [i32; 2]) -> Vec<(&'static str, Session)> {
        let frame = |number: u128, kind: &str, mut data: Value| {
            data["action_id"] = json!(id(80_000 + number));
            json!({"type": kind, "data": data})
        };
        let at = |dx: i32, dy: i32| json!([near[0] + dx, near[1] + dy]);
        let update = |fields: Value| json!({"character_id": id(LURKER), "fields": fields});
        let stalker = |position: Value| {
            json!({"combatant": {
                "character_id": id(STALKER), "name": "Secret stalker", "kind": "monster",
                "side": "enemies", "stat_block": "goblin-warrior", "hidden": true,
                "position": position,
            }})
        };
        let others = [
            ("gone", frame(1, "combatant_remove", json!({"character_id": id(LURKER)}))),
            ("away", frame(2, "combatant_update", update(json!({"position": null})))),
            ("dead", frame(3, "combatant_update", update(json!({"alive": false})))),
            ("friend", frame(4, "combatant_update", update(json!({"side": "party"})))),
            ("east", frame(5, "combatant_add", stalker(at(1, 0)))),
            ("south", frame(6, "combatant_add", stalker(at(0, 1)))),
            ("west", frame(7, "combatant_add", stalker(at(-1, 0)))),
            ("farther", frame(8, "combatant_add", stalker(at(2, 2)))),
        ];
        let copies = others.into_iter().filter_map(|(what, command)| {
            let mut copy = self.table.session().clone();
            let refused = decide(&mut copy, self.table.now, GM, &command);
            refused.is_none().then_some((what, copy))
        });
        copies.collect()
    }

    /// That a frame of this player is refused alike whatever there is that it does not know.
    pub(crate) fn check_refusal(&self, by: u128, frame: &Value, near: [i32; 2]) {
        let session = self.table.session();
        let hidden = self.combat(GM)["combatants"][id(LURKER).to_string()]["hidden"].clone();
        let Some(sees) = shown(session, by).filter(|sees| !sees.is_null()) else { return };
        if hidden == json!(false) {
            return;
        }
        let heard = decide(&mut session.clone(), self.table.now, by, frame);
        for (what, mut copy) in self.alike(near) {
            if shown(&copy, by).as_ref() != Some(&sees) {
                continue;
            }
            let other = decide(&mut copy, self.table.now, by, frame);
            assert_eq!(heard, other, "{what}: {frame}");
        }
    }
}
