//! Commands that need what the character service says.

use gss_session::{Character, CharacterAnswer, Characters};
use gss_shared::ids::{CharacterId, ConnectionId, Epoch};
use gss_shared::link::frame::CommandBody;
use gss_shared::ports::journal::PartRefusal;
use serde_json::json;
use uuid::Uuid;

use super::bench::*;
use crate::work::{Effect, Fact};

const ARIA: CharacterId = CharacterId(Uuid::from_u128(0xa12a));

fn start(number: u128) -> String {
    let combatants = json!([{"character_id": ARIA, "kind": "character", "side": "party"}]);
    let data = json!({"action_id": action(number), "combatants": combatants});
    json!({"type": "combat_start", "data": data}).to_string()
}

fn aria() -> Characters {
    let data = json!({
        "character_id": ARIA, "owner_id": gm(), "name": "Aria",
        "stat_block": {
            "size": "medium", "ac": 12, "hp": {"current": 20, "max": 28, "temp": 0},
            "abilities": {"str": 8, "dex": 14, "con": 10, "int": 16, "wis": 8, "cha": 8},
            "speeds": {"walk": 30},
        },
    });
    let character = Character::read(ARIA, data).expect("reads");
    Characters::Answered([(ARIA, CharacterAnswer::Is(Box::new(character)))].into())
}

impl Bench {
    /// The question that the session asks, if it asks one.
    fn question(&mut self) -> Option<u64> {
        match self.take(|effect| matches!(effect, Effect::Characters { .. })) {
            Some(Effect::Characters { question, ids, .. }) => {
                assert_eq!(ids, [ARIA]);
                Some(question)
            }
            _ => None,
        }
    }

    fn answer(&mut self, question: Option<u64>, known: Characters) {
        let fact = Fact::Characters(table(), question.expect("a question"), known);
        self.with(|shard, present, out| shard.fact(fact, present, out));
    }

    fn start(&mut self, number: u128) {
        self.ask(Some(ConnectionId(Uuid::from_u128(1))), CommandBody::Frame(start(number)));
    }
}

#[tokio::test]
async fn a_connections_command_keeps_its_place() {
    let mut bench = Bench::with_table().await;
    bench.start(1);
    bench.send(&set(2, "/shared/hp", 2));
    bench.decide_only();
    let question = bench.question();
    // An answer to another question is none.
    bench.answer(Some(77), aria());
    bench.decide_only();
    assert!(bench.part().is_none(), "nothing overtakes it");
    bench.answer(question, Characters::Unserved);
    bench.settle().await;
    assert_eq!(bench.story(), ["service_failed at 3", "live 4", "ack 4"]);
    // The service may be back: the same command is decided anew.
    bench.start(1);
    bench.decide_only();
    let question = bench.question();
    bench.answer(question, aria());
    bench.settle().await;
    assert_eq!(bench.story(), ["live 5,6", "ack 6"]);
}

#[tokio::test]
async fn who_has_no_connection_holds_up_nobody() {
    let mut bench = Bench::with_table().await;
    bench.send(&start(1));
    bench.send(&set(2, "/shared/hp", 2));
    bench.settle().await;
    assert_eq!(bench.story(), ["live 4", "ack 4"]);
    let question = bench.question();
    bench.answer(question, aria());
    bench.settle().await;
    assert_eq!(bench.story(), ["live 5,6", "ack 6"]);
}

#[tokio::test]
async fn an_action_that_the_journal_has_already_does_not_keep_the_question_open() {
    let mut bench = Bench::with_table().await;
    bench.send(&set(1, "/shared/hp", 2));
    bench.send(&set(2, "/shared/hp", 3));
    bench.start(3);
    bench.decide_only();
    let question = bench.question();
    let (first, second) = (bench.part().expect("one"), bench.part().expect("two"));
    // Another owner decided the first one long ago.
    bench.refuse(1, PartRefusal::Duplicate);
    bench.answer(question, aria());
    bench.refuse(1, PartRefusal::Diverged);
    drop((first, second));
    bench.settle().await;
    assert_eq!(bench.story(), ["live 4", "ack 4", "live 5", "ack 5", "live 6,7", "ack 7"]);
}

#[tokio::test]
async fn who_waits_too_long_is_told_and_the_others_go_on() {
    let mut bench = Bench::with_table().await;
    bench.send(&start(1));
    bench.start(2);
    bench.decide_only();
    let questions = [bench.question(), bench.question()];
    let now = bench.now;
    bench.now = now + BUDGET * 2;
    bench.with(|shard, present, out| shard.tick(present, out));
    assert_eq!(bench.story(), ["owner_unreachable at 0"; 2]);
    for question in questions {
        bench.answer(question, aria());
    }
    bench.now = now;
    bench.send(&set(3, "/shared/hp", 2));
    bench.settle().await;
    assert_eq!(bench.story(), ["live 4", "ack 4"]);
}

#[tokio::test]
async fn a_shard_that_goes_leaves_nobody_waiting() {
    let mut bench = Bench::with_table().await;
    bench.send(&start(1));
    bench.start(2);
    bench.decide_only();
    bench.with(|shard, _, _| shard.abandon(None));
    assert_eq!(bench.story(), ["not owner 1"; 2]);
}

#[tokio::test]
async fn after_a_reload_all_is_decided_again_in_its_order() {
    let mut bench = Bench::with_table().await;
    bench.send(&set(1, "/shared/hp", 2));
    bench.start(2);
    bench.decide_only();
    let question = bench.question();
    let part = bench.part().expect("a submission");
    let raised = bench.raise(Epoch(1)).await;
    bench.append_knowing(part, raised).await;
    bench.answer(question, aria());
    bench.settle().await;
    assert_eq!(bench.story(), ["live 4", "ack 4", "live 5,6", "ack 6"]);
    assert_eq!(bench.question(), None, "what is known is not asked again");
}

#[tokio::test]
async fn what_is_taken_back_is_asked_for_again() {
    let mut bench = Bench::with_table().await;
    bench.start(1);
    bench.decide_only();
    let question = bench.question();
    bench.answer(question, aria());
    bench.decide_only();
    let part = bench.part().expect("a submission");
    assert_eq!(bench.question(), None);
    let raised = bench.raise(Epoch(1)).await;
    bench.append_knowing(part, raised).await;
    bench.settle().await;
    assert_eq!(bench.story(), [""; 0]);
    let again = bench.question();
    assert_ne!(again, question);
    bench.answer(again, aria());
    bench.settle().await;
    assert_eq!(bench.story(), ["live 4,5", "ack 5"]);
}
