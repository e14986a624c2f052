//! Panics beside decisions: one session feels them, and it is loaded anew.

use std::time::Duration;

use gss_shared::ids::SessionId;
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng as _};
use uuid::Uuid;

use super::bench::*;
use crate::chance::Chance;
use crate::shard::Shard;
use crate::work::Effect;

/// Deadly once, before anything is decided.
struct Deadly(StdRng, bool);

impl RngCore for Deadly {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        assert!(!std::mem::replace(&mut self.1, false), "no more luck");
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
}

fn panics(bench: &mut Bench) {
    bench.with(|shard, present, out| {
        let outcome = shard.with(table(), present, out, |_, _| assert!(out_of_luck(), "broken"));
        assert_eq!(outcome, None);
    });
}

fn out_of_luck() -> bool {
    std::hint::black_box(false)
}

fn loads(bench: &Bench) -> usize {
    let loads = bench.effects.iter().filter(|effect| matches!(effect, Effect::Load { .. }));
    loads.count()
}

#[tokio::test]
async fn a_request_that_panics_beside_its_decision_is_answered_and_the_rest_goes_on() {
    let mut bench = Bench::with_table().await;
    bench.chance = Chance::from_rng(Deadly(StdRng::seed_from_u64(1), true));
    bench.send(&set(1, "/shared/hp", 5));
    bench.send(&set(2, "/shared/hp", 6));
    bench.settle().await;
    assert_eq!(bench.story(), ["internal at 3", "live 4", "ack 4"]);
}

#[tokio::test]
async fn a_panic_loads_the_session_anew_once_nothing_is_in_flight() {
    let mut bench = Bench::with_table().await;
    bench.send(&set(1, "/shared/hp", 5));
    bench.decide().await;
    panics(&mut bench);
    bench.send(&set(2, "/shared/hp", 6));
    assert_eq!(loads(&bench), 0);
    let part = bench.part().expect("a submission");
    bench.append(part).await;
    assert_eq!(loads(&bench), 1);
    bench.settle().await;
    assert_eq!(bench.story(), ["live 4", "ack 4", "live 5", "ack 5"]);
}

#[tokio::test]
async fn a_session_that_panics_again_and_again_is_quarantined_for_a_while() {
    let mut bench = Bench::with_table().await;
    let neighbor = SessionId(Uuid::from_u128(0x7b));
    bench.with(|shard, present, out| shard.with(neighbor, present, out, |_, _| ()));
    for _ in 0..3 {
        panics(&mut bench);
        bench.decide().await;
    }
    bench.send(&set(1, "/shared/hp", 5));
    assert_eq!(bench.story(), ["unavailable at 0"]);
    assert!(bench.shard.slot(neighbor).is_some());
    bench.now += Duration::from_secs(5);
    bench.with(Shard::tick);
    bench.send(&set(1, "/shared/hp", 5));
    assert_eq!(bench.story(), ["unavailable at 0"]);
    bench.now += Duration::from_secs(56);
    bench.with(Shard::tick);
    // A beat that is young enough for a command.
    bench.peer.open(&bench.link, bench.now);
    bench.send(&set(1, "/shared/hp", 5));
    bench.settle().await;
    assert_eq!(bench.story(), ["live 4", "ack 4"]);
}
