//! Commands that need what the character service says.

use gss_session::{Character, CharacterAnswer, Characters};
use gss_shared::ids::{CharacterId, Epoch};
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
    fn question(&mut self) -> Option<Vec<CharacterId>> {
        match self.take(|effect| matches!(effect, Effect::Characters { .. })) {
            Some(Effect::Characters { ids, .. }) => Some(ids),
            _ => None,
        }
    }

    fn answer(&mut self, ids: &[CharacterId], known: Characters) {
        let fact = Fact::Characters(table(), ids.to_vec(), known);
        self.with(|shard, present, out| shard.fact(fact, present, out));
    }
}

#[tokio::test]
async fn who_waits_for_the_service_keeps_its_place() {
    let mut bench = Bench::with_table().await;
    bench.send(&start(1));
    bench.send(&set(2, "/shared/hp", 2));
    bench.decide_only();
    assert_eq!(bench.question(), Some(vec![ARIA]));
    // An answer to another question is none.
    bench.answer(&[CharacterId(Uuid::nil())], aria());
    bench.decide_only();
    assert!(bench.part().is_none(), "nothing overtakes it");
    bench.answer(&[ARIA], Characters::Unserved);
    bench.settle().await;
    assert_eq!(bench.story(), ["service_failed at 3", "live 4", "ack 4"]);
    // The service may be back: the same command is decided anew.
    bench.send(&start(1));
    bench.decide_only();
    assert_eq!(bench.question(), Some(vec![ARIA]));
    bench.answer(&[ARIA], aria());
    bench.settle().await;
    assert_eq!(bench.story(), ["live 5,6", "ack 6"]);
}

#[tokio::test]
async fn an_answer_from_before_a_reload_is_asked_for_again() {
    let mut bench = Bench::with_table().await;
    bench.send(&set(1, "/shared/hp", 2));
    bench.send(&start(2));
    bench.decide_only();
    assert_eq!(bench.question(), Some(vec![ARIA]));
    let part = bench.part().expect("a submission");
    let raised = bench.raise(Epoch(1)).await;
    bench.append_knowing(part, raised).await;
    bench.answer(&[ARIA], aria());
    bench.decide().await;
    let part = bench.part().expect("decided again");
    assert_eq!(bench.question(), Some(vec![ARIA]), "asked again");
    bench.append(part).await;
    bench.answer(&[ARIA], aria());
    bench.settle().await;
    assert_eq!(bench.story(), ["live 4", "ack 4", "live 5,6", "ack 6"]);
}
