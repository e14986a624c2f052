//! PROTOCOL section 1's table, whole: every command by every role, by a stranger, a banned user.

use gss_shared::error_code::ErrorCode;
use gss_shared::ids::PlayerId;
use gss_shared::ids::Version;
use gss_shared::link::frame::ReadKind;
use serde_json::{Value, json};

use crate::support::{Table, id};

const GM: u128 = 1;
const ASSISTANT: u128 = 2;
const PLAYER: u128 = 3;
const SPECTATOR: u128 = 5;
const STRANGER: u128 = 6;
const BANNED: u128 = 7;
const EVERYBODY: [u128; 6] = [GM, ASSISTANT, PLAYER, SPECTATOR, STRANGER, BANNED];

fn player(number: u128) -> PlayerId {
    PlayerId(id(number))
}

/// An active session with one member of each role, and one that may be kicked.
fn table() -> Table {
    let mut table = Table::new();
    let create = json!({"kind": "create", "campaign_id": id(200), "name": "Table"});
    let mut action = 10_000;
    let mut rest = |table: &mut Table, who, command: Value| {
        action += 1;
        table.rest(player(who), action, &command).expect("prepared");
    };
    rest(&mut table, GM, create);
    for who in [ASSISTANT, PLAYER, 4, BANNED] {
        rest(&mut table, who, json!({"kind": "join", "character_id": id(100 + who)}));
    }
    rest(&mut table, SPECTATOR, json!({"kind": "join", "role": "spectator"}));
    let role = json!({"kind": "update_player", "player_id": id(ASSISTANT), "role": "assistant_gm"});
    rest(&mut table, GM, role);
    let ban = json!({"kind": "update_player", "player_id": id(BANNED), "banned": true});
    rest(&mut table, GM, ban);
    let data = json!({"action_id": id(19_999), "text": "x", "to": "all"});
    let chat = json!({"type": "chat", "data": data}).to_string();
    table.frame(player(GM), &chat).expect("active");
    table
}

fn frame(kind: &str, mut data: Value) -> String {
    data["action_id"] = json!(id(20_000));
    json!({"type": kind, "data": data}).to_string()
}

/// Who is accepted, and what the other members are told.
struct Row {
    command: (&'static str, Value),
    accepted: &'static [u128],
    refusal: ErrorCode,
}

const GOVERN: &[u128] = &[GM];
const DIRECT: &[u128] = &[GM, ASSISTANT];
const PARTICIPATE: &[u128] = &[GM, ASSISTANT, PLAYER];
const MEMBERS: &[u128] = &[GM, ASSISTANT, PLAYER, SPECTATOR];

fn frames() -> Vec<Row> {
    let row = |kind, data: Value, accepted| Row {
        command: (kind, data),
        accepted,
        refusal: ErrorCode::Forbidden,
    };
    let set = |path: String| json!({"changes": [{"path": path, "value": 1}]});
    vec![
        row("state_change", set("/shared/x".into()), PARTICIPATE),
        row("state_change", set(format!("/players/{}/x", id(PLAYER))), PARTICIPATE),
        row("state_change", set(format!("/players/{}/x", id(4))), DIRECT),
        row("state_change", set("/players".into()), DIRECT),
        row("state_change", set("/gm/x".into()), DIRECT),
        row("state_change", set("/scene".into()), DIRECT),
        row("state_change", set("/combat/x".into()), &[]),
        row("chat", json!({"text": "y", "to": "all"}), PARTICIPATE),
        row("chat", json!({"text": "y", "to": "gm"}), PARTICIPATE),
        row("roll", json!({"expression": "5", "to": "all"}), PARTICIPATE),
        row("roll", json!({"expression": "5", "to": "gm"}), PARTICIPATE),
        row("rollback", json!({"to_version": "1"}), DIRECT),
        row("session_pause", json!({}), GOVERN),
        row("session_end", json!({}), GOVERN),
    ]
}

/// Commands that nobody gets through without a fight or a service: who is told so.
fn refused_alike() -> Vec<(&'static str, Value, &'static [u128], ErrorCode)> {
    let (fight, service) = (ErrorCode::InvalidTransition, ErrorCode::ServiceFailed);
    let hero = json!({"character_id": id(103)});
    let prompt = json!({"prompt_id": id(1)});
    let goblin = json!({"kind": "monster", "side": "enemies", "stat_block": "goblin"});
    let effect = json!({"name": "Slowed", "duration": {"kind": "permanent"}});
    let with = |base: &Value, more: Value| {
        let mut data = base.clone();
        for (name, value) in more.as_object().expect("object") {
            data[name] = value.clone();
        }
        data
    };
    vec![
        ("session_resume", json!({}), GOVERN, fight),
        ("combatant_add", json!({"combatant": goblin}), DIRECT, fight),
        ("combatant_remove", hero.clone(), DIRECT, fight),
        ("combatant_update", with(&hero, json!({"fields": {"hidden": true}})), DIRECT, fight),
        ("initiative_order", json!({"order": [id(103)]}), DIRECT, fight),
        ("turn_rewind", json!({"to_version": "1"}), DIRECT, fight),
        ("effect_apply", json!({"effect": effect, "target_ids": [id(103)]}), DIRECT, fight),
        ("effect_remove", json!({"effect_id": id(1)}), DIRECT, fight),
        ("combat_end", json!({}), DIRECT, fight),
        ("initiative_roll", hero.clone(), PARTICIPATE, fight),
        (
            "action_declare",
            with(&hero, json!({"action_type": "dash", "targets": [], "details": {}})),
            PARTICIPATE,
            fight,
        ),
        ("reaction", with(&prompt, json!({"accept": true})), PARTICIPATE, fight),
        ("choice", with(&prompt, json!({"choice": "dex"})), PARTICIPATE, fight),
        ("dice", with(&prompt, json!({"faces": [1]})), PARTICIPATE, fight),
        ("turn_end", hero, PARTICIPATE, fight),
        ("narration_request", json!({"prompt": "x"}), DIRECT, service),
        ("map_request", json!({"kind": "scene"}), DIRECT, service),
    ]
}

fn outsider(who: u128) -> Option<ErrorCode> {
    match who {
        STRANGER => Some(ErrorCode::Forbidden),
        BANNED => Some(ErrorCode::Banned),
        _ => None,
    }
}

#[test]
fn frames_are_decided_by_role() {
    for Row { command: (kind, data), accepted, refusal } in frames() {
        for who in EVERYBODY {
            let verdict = table().frame(player(who), &frame(kind, data.clone()));
            let code = verdict.err().map(|error| error.code);
            let expected = outsider(who).or((!accepted.contains(&who)).then_some(refusal));
            assert_eq!(code, expected, "{kind} {data} by {who}");
        }
    }
}

#[test]
fn what_cannot_be_done_now_is_refused_by_role_first() {
    for (kind, data, allowed, code) in refused_alike() {
        for who in EVERYBODY {
            let error = table().frame(player(who), &frame(kind, data.clone())).expect_err(kind);
            let role = if allowed.contains(&who) { code } else { ErrorCode::Forbidden };
            let expected = outsider(who).unwrap_or(role);
            assert_eq!(error.code, expected, "{kind} by {who}");
            assert_eq!(error.details["effect"], "none", "{kind} by {who}");
            assert_eq!(error.details["action_id"], id(20_000).to_string(), "{kind} by {who}");
        }
    }
}

#[test]
fn rest_commands_are_decided_by_role() {
    let other = id(4);
    let commands: Vec<(Value, &[u128])> = vec![
        (json!({"kind": "save_state", "state": {}}), DIRECT),
        (json!({"kind": "create_invite"}), DIRECT),
        (json!({"kind": "rollback", "to_version": 1}), DIRECT),
        (json!({"kind": "update", "name": "x"}), GOVERN),
        (json!({"kind": "update_player", "player_id": other, "role": "spectator"}), GOVERN),
        (json!({"kind": "update_player", "player_id": other, "banned": true}), GOVERN),
        (json!({"kind": "kick", "player_id": other}), GOVERN),
        (json!({"kind": "pause"}), GOVERN),
        (json!({"kind": "end"}), GOVERN),
        (json!({"kind": "delete"}), GOVERN),
        (json!({"kind": "leave"}), &[ASSISTANT, PLAYER, SPECTATOR]),
    ];
    for (command, accepted) in commands {
        for who in EVERYBODY {
            let mut table = table();
            table.faces.0.extend([1; 12]);
            let verdict = table.rest(player(who), 20_000, &command);
            let code = verdict.err().map(|error| error.code);
            let refused = (!accepted.contains(&who)).then_some(ErrorCode::Forbidden);
            assert_eq!(code, outsider(who).or(refused), "{command} by {who}");
        }
    }
}

#[test]
fn reads_are_decided_by_role() {
    let sync = ReadKind::Sync { paths: Vec::new() };
    let players = ReadKind::Players { limit: 10, cursor: None };
    let events = ReadKind::Events { after: Version::ZERO, limit: 10, types: Vec::new() };
    let saved_states = ReadKind::SavedStates { limit: 10, cursor: None };
    let kinds: [(ReadKind, &[u128]); 10] = [
        (sync, MEMBERS),
        (ReadKind::Session, MEMBERS),
        (ReadKind::State, MEMBERS),
        (players, MEMBERS),
        (ReadKind::Player(player(GM)), MEMBERS),
        (events, MEMBERS),
        (saved_states, DIRECT),
        (ReadKind::Admission, MEMBERS),
        (ReadKind::Invite, DIRECT),
        (ReadKind::Saved, MEMBERS),
    ];
    let table = table();
    for (kind, allowed) in kinds {
        for who in EVERYBODY {
            let code = table.session().admit_reader(&kind, player(who)).err().map(|e| e.code);
            let refused = (!allowed.contains(&who)).then_some(ErrorCode::Forbidden);
            assert_eq!(code, outsider(who).or(refused), "{kind:?} by {who}");
        }
    }
}

#[test]
fn who_is_no_member_learns_nothing_of_a_session_that_is_not_open() {
    for join in ["invite", "closed"] {
        let mut table = table();
        let settings = json!({"kind": "update", "settings": {"join": join}});
        table.rest(player(GM), 30_000, &settings).expect(join);
        let chat = frame("chat", json!({"text": "y", "to": "all"})).replace("4e20", "4e21");
        let error = table.frame(player(STRANGER), &chat).expect_err(join);
        assert_eq!(error.code, ErrorCode::SessionNotFound, "{join}");
        let error = table.read(player(STRANGER), &ReadKind::Session).expect_err(join);
        assert_eq!(error.code, ErrorCode::SessionNotFound, "{join}");
        let error = table.rest(player(STRANGER), 30_001, &json!({"kind": "join"})).expect_err(join);
        let expected =
            if join == "closed" { ErrorCode::SessionNotFound } else { ErrorCode::InviteRequired };
        assert_eq!(error.code, expected, "{join}");
    }
}
