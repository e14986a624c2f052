//! Frames: every example of the protocol is read, and closed ones refuse what they do not know.

use gss_session::{Parsed, parse_frame, parse_rest};
use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::{ActionId, PlayerId};
use serde_json::{Value, json};

use crate::schema;
use crate::support::id;

const ROUTERS: &[&str] = &["heartbeat", "sync_request", "auth_refresh"];
const OPEN: &[&str] = &["initiative_roll", "action_declare"];
const ACTION: &str = "4350cc17-21e5-4f21-acd5-52a09ddbef12";

fn parse(text: &str) -> Result<Parsed, ClientError> {
    parse_frame(text, PlayerId(id(1)))
}

fn examples() -> impl Iterator<Item = (&'static str, &'static Value)> {
    schema::names("client.json").flat_map(|name| {
        let examples = schema::definition("client.json", name)["examples"].as_array();
        examples.into_iter().flatten().map(move |example| (name, example))
    })
}

#[test]
fn every_example_of_the_protocol_is_read() {
    for (name, example) in examples() {
        let parsed = parse(&example.to_string());
        if ROUTERS.contains(&name) {
            assert_eq!(parsed.expect_err(name).code, ErrorCode::UnknownType);
        } else {
            parsed.expect(name);
        }
    }
}

#[test]
fn unknown_members_are_refused_by_name_but_in_the_icds_messages() {
    for (name, example) in examples().filter(|(name, _)| !ROUTERS.contains(name)) {
        for place in ["", "/data"] {
            let mut frame = example.clone();
            frame.pointer_mut(place).expect(place)["colour"] = json!("red");
            let parsed = parse(&frame.to_string());
            if OPEN.contains(&name) {
                parsed.expect(name);
            } else {
                let error = parsed.expect_err(name);
                assert_eq!(error.code, ErrorCode::InvalidFrame, "{name}{place}");
                assert_eq!(error.details["member"], "colour", "{name}{place}");
            }
        }
    }
}

#[test]
fn required_members_are_required() {
    for (name, example) in examples().filter(|(name, _)| !ROUTERS.contains(name)) {
        let required = &schema::definition("client.json", name)["properties"]["data"]["required"];
        for member in required.as_array().into_iter().flatten().filter_map(Value::as_str) {
            let mut frame = example.clone();
            frame["data"].as_object_mut().expect("data").remove(member);
            let error = parse(&frame.to_string()).expect_err(name);
            assert_eq!(error.code, ErrorCode::InvalidFrame, "{name}.{member}");
            assert_eq!(error.details["member"], *member, "{name}");
        }
    }
}

/// Code, and the member named.
fn refusal(frame: &Value) -> (ErrorCode, Option<String>) {
    let error = parse(&frame.to_string()).expect_err("refused");
    let member = error.details.get("member").and_then(Value::as_str);
    (error.code, member.map(str::to_owned))
}

#[test]
fn wrong_shapes_and_wrong_values_are_told_apart() {
    use ErrorCode::{InvalidArgument as Argument, InvalidFrame as Frame};
    let change = |change: Value| {
        let data = json!({"action_id": ACTION, "changes": [change]});
        json!({"type": "state_change", "data": data})
    };
    let chat = |text: Value, to: Value| {
        let data = json!({"action_id": ACTION, "text": text, "to": to});
        json!({"type": "chat", "data": data})
    };
    let roll = |expression: Value| {
        let data = json!({"action_id": ACTION, "expression": expression, "to": "all"});
        json!({"type": "roll", "data": data})
    };
    let back =
        |to: Value| json!({"type": "rollback", "data": {"action_id": ACTION, "to_version": to}});
    let named =
        json!(["59ba1b0d-5c90-4158-a909-406c2e416788", "59BA1B0D-5c90-4158-a909-406c2e416788"]);
    let cases = [
        (json!([]), Frame, "frame"),
        (json!({"data": {}}), Frame, "type"),
        (json!({"type": "chat", "data": []}), Frame, "data"),
        (change(json!("x")), Frame, "changes"),
        (change(json!({"path": 1, "value": 1})), Frame, "path"),
        (change(json!({"path": "/a"})), Frame, "value"),
        (change(json!({"path": "/a", "op": "remove", "value": 1})), Frame, "value"),
        (change(json!({"path": "/a", "op": "increment", "value": "1"})), Frame, "value"),
        (change(json!({"path": "/a", "op": 1, "value": 1})), Frame, "op"),
        (change(json!({"path": "/a", "op": "append", "value": 1})), Argument, "op"),
        (change(json!({"path": "a", "value": 1})), Argument, "path"),
        (change(json!({"path": "", "value": {}})), Argument, "path"),
        (change(json!({"path": "/a~2", "value": 1})), Argument, "path"),
        (change(json!({"path": "/a", "value": "\0"})), Argument, "data"),
        (chat(json!(1), json!("all")), Frame, "text"),
        (chat(json!(""), json!("all")), Argument, "text"),
        (chat(json!("x".repeat(2_001)), json!("all")), Argument, "text"),
        (chat(json!("bell \u{7}"), json!("all")), Argument, "text"),
        (chat(json!("x"), json!("party")), Argument, "to"),
        (chat(json!("x"), json!([])), Argument, "to"),
        (chat(json!("x"), json!([1])), Frame, "to"),
        (chat(json!("x"), json!({})), Frame, "to"),
        (chat(json!("x"), named), Argument, "to"),
        (roll(json!("2d")), Argument, "expression"),
        (roll(json!("1001d6")), Argument, "expression"),
        (back(json!(400)), Frame, "to_version"),
        (back(json!("0400")), Argument, "to_version"),
        (back(json!("last")), Argument, "to_version"),
    ];
    for (frame, code, member) in cases {
        assert_eq!(refusal(&frame), (code, Some(member.to_owned())), "{frame}");
    }
}

#[test]
fn text_that_is_no_json_or_of_no_type_is_refused() {
    for text in ["", "{", "nul", r#"{"type":"chat","type":"roll","data":{}}"#, r#""\ud800""#] {
        assert_eq!(parse(text).expect_err(text).code, ErrorCode::InvalidJson, "{text}");
    }
    let error = parse(r#"{"type":"dance","data":{}}"#).expect_err("unknown");
    assert_eq!((error.code, &error.details["type"]), (ErrorCode::UnknownType, &json!("dance")));
}

#[test]
fn refusals_name_the_action_when_it_can_be_read() {
    let frame = json!({"type": "chat", "data": {"action_id": ACTION, "text": 1, "to": "all"}});
    let error = parse(&frame.to_string()).expect_err("refused");
    assert_eq!(error.details["action_id"], ACTION);
    assert_eq!(error.details["effect"], "none");
    for action in [json!("4350cc17"), json!("00000000-0000-0000-0000-000000000000"), json!(7)] {
        let frame =
            json!({"type": "chat", "data": {"action_id": action, "text": "x", "to": "all"}});
        let error = parse(&frame.to_string()).expect_err("refused");
        assert!(!error.details.contains_key("action_id"), "{error:?}");
    }
}

fn hash(text: &str) -> [u8; 16] {
    match parse(text).expect(text) {
        Parsed::Command(command) => command.body_hash,
        Parsed::Ephemeral(_) => panic!("ephemeral"),
    }
}

#[test]
fn the_hash_is_of_what_is_asked_not_of_the_text() {
    let other = ACTION.to_uppercase().replace('4', "5");
    let one = hash(&format!(
        r#"{{"type":"chat","data":{{"action_id":"{ACTION}","text":"x","to":"all"}}}}"#
    ));
    let same = hash(&format!(
        r#"{{"data":{{"to":"all", "text":"\u0078","action_id":"{other}"}},"type":"chat"}}"#
    ));
    let another = hash(&format!(
        r#"{{"type":"chat","data":{{"action_id":"{ACTION}","text":"y","to":"all"}}}}"#
    ));
    assert_eq!(one, same);
    assert_ne!(one, another);
}

#[test]
fn rest_commands_are_read_and_wrong_ones_refused() {
    let parse = |json: Value| {
        let parsed = parse_rest(ActionId(id(9)), &json.to_string(), PlayerId(id(1)));
        parsed.map(|_| ()).map_err(|error| error.code)
    };
    assert_eq!(parse(json!({"kind": "pause"})), Ok(()));
    assert_eq!(parse(json!({"kind": "kick"})), Err(ErrorCode::InvalidFrame));
    assert_eq!(parse(json!({"kind": "dance"})), Err(ErrorCode::InvalidFrame));
    let long = "x".repeat(501);
    assert_eq!(parse(json!({"kind": "end", "reason": long})), Err(ErrorCode::InvalidArgument));
    let nul = json!({"kind": "save_state", "state": {"a\0": 1}});
    assert_eq!(parse(nul), Err(ErrorCode::InvalidArgument));
}
