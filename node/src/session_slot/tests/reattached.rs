//! What routers say of their connections when links open and owners change, and former owners of
//! what is played.

use std::sync::Arc;
use std::time::Duration;

use gss_shared::ids::{ConnectionId, PlayerId, Position, SessionId};
use gss_shared::link::frame::Reattached;
use gss_shared::message::{Role, Viewer};
use gss_shared::token::TokenClaims;
use uuid::Uuid;

use super::bench::*;
use crate::shard::{Input, Shard};
use crate::work::{Effect, Urgency};

const PLAYER: PlayerId = PlayerId(Uuid::from_u128(0x70));

fn other() -> SessionId {
    SessionId(Uuid::from_u128(0x7b))
}

fn connection(number: u128) -> ConnectionId {
    ConnectionId(Uuid::from_u128(number))
}

fn reattach(bench: &mut Bench, whole: bool, told: &[(SessionId, u128)]) {
    let sessions = told.iter().map(|(session, number)| {
        let token = TokenClaims {
            session: *session,
            player: PLAYER,
            generation: 1,
            chain: Uuid::from_u128(*number),
            issued_ms: 5,
            resume: false,
        };
        let viewer = Viewer { player: PLAYER, role: Role::Player };
        let connections = vec![(connection(*number), viewer, token)];
        Reattached { session: *session, position: Position::START, connections }
    });
    let sessions = sessions.collect();
    let (to, peer) = (bench.bulk(), Arc::clone(&bench.peer));
    bench.input(Input::Reattach { to, peer, sessions, whole });
}

fn attached(bench: &Bench) -> Vec<u128> {
    let slots = [table(), other()].map(|session| bench.shard.slot(session));
    let ids = slots.into_iter().flatten().flat_map(|slot| slot.connections().into_keys());
    ids.map(|id| id.0.as_u128()).collect()
}

#[tokio::test]
async fn what_is_told_in_several_frames_is_one_whole() {
    let mut bench = Bench::with_table().await;
    reattach(&mut bench, true, &[(table(), 1)]);
    reattach(&mut bench, false, &[(other(), 2)]);
    assert_eq!(attached(&bench), [1, 2]);
    reattach(&mut bench, true, &[(table(), 3)]);
    assert_eq!(attached(&bench), [3]);
    let peer = Arc::clone(&bench.peer);
    bench.input(Input::Absent(peer));
    assert_eq!(attached(&bench), [0; 0]);
}

#[tokio::test]
async fn a_connection_that_ended_is_not_brought_back() {
    let mut bench = Bench::with_table().await;
    reattach(&mut bench, true, &[(table(), 1)]);
    bench.input(Input::Detach(table(), connection(1)));
    reattach(&mut bench, false, &[(table(), 1)]);
    assert_eq!(attached(&bench), [0; 0]);
}

#[tokio::test]
async fn who_does_not_come_to_the_next_owner_is_told_of_as_offline() {
    let mut bench = Bench::with_table().await;
    bench.shard = Shard::new(ONE, bench.shard.epoch(), BUDGET);
    reattach(&mut bench, true, &[(table(), 1)]);
    bench.decide().await;
    bench.now += Duration::from_secs(9);
    bench.with(Shard::tick);
    assert!(!bench.effects.iter().any(|effect| matches!(effect, Effect::Load { .. })));
    bench.now += Duration::from_secs(1);
    bench.with(Shard::tick);
    bench.decide().await;
    bench.with(Shard::tick);
    let told = bench.story();
    assert_eq!(told, ["presence \"offline\""], "the GM");
    bench.with(Shard::tick);
    assert_eq!(bench.story(), [""; 0]);
}

#[tokio::test]
async fn attaches_of_a_router_that_is_over_are_dropped() {
    let mut bench = Bench::with_table().await;
    bench.attach(1, 70, None);
    bench.decide().await;
    bench.attach(2, 71, None);
    bench.peer.end();
    let peer = Arc::clone(&bench.peer);
    bench.input(Input::Absent(peer));
    bench.settle().await;
    assert_eq!(bench.story(), ["refused 2: unavailable 1012", "refused 1: unavailable 1012"]);
    assert_eq!(attached(&bench), [0; 0]);
}

#[tokio::test]
async fn an_attach_whose_lane_closed_is_left_to_the_next_lane() {
    let mut bench = Bench::with_table().await;
    bench.attach(1, 70, None);
    bench.decide().await;
    bench.link.closed().cancel();
    bench.settle().await;
    assert_eq!(attached(&bench), [0; 0]);
}

/// Loads under way, by whether nothing waits for them, or a command came meanwhile.
fn loads(bench: &mut Bench) -> Vec<(SessionId, &'static str)> {
    let load = |effect: &mut Effect| match effect {
        Effect::Load { session, urgency } => Some((
            *session,
            match urgency {
                Urgency::Commands => "commands",
                Urgency::Reads(_) => "reads",
                Urgency::Nothing(hurry) => match hurry.try_recv() {
                    Ok(()) => "hurried",
                    Err(_) => "nothing",
                },
            },
        )),
        _ => None,
    };
    bench.effects.iter_mut().filter_map(load).collect()
}

#[tokio::test]
async fn a_session_counts_as_played_for_ten_seconds_after_a_request() {
    let mut bench = Bench::with_table().await;
    reattach(&mut bench, true, &[(other(), 2)]);
    bench.now += Duration::from_secs(10);
    assert_eq!(bench.shard.playing(bench.now), [table()]);
    bench.now += Duration::from_millis(1);
    assert_eq!(bench.shard.playing(bench.now), []);
}

#[tokio::test]
async fn what_was_played_is_loaded_before_anybody_asks() {
    let mut bench = Bench::with_table().await;
    bench.shard = Shard::new(ONE, bench.shard.epoch(), BUDGET);
    for _ in 0..2 {
        bench.input(Input::Activate(vec![table()]));
        assert_eq!(loads(&mut bench), [(table(), "nothing")]);
    }
    bench.send(&set(1, "/shared/hp", 2));
    assert_eq!(loads(&mut bench), [(table(), "hurried")]);
    bench.settle().await;
    assert_eq!(bench.story(), ["live 4", "ack 4"]);
    bench.input(Input::Activate(vec![table()]));
    assert_eq!(loads(&mut bench), []);
}

#[tokio::test]
async fn nothing_is_loaded_ahead_without_memory_or_for_a_shard_that_goes() {
    let mut bench = Bench::with_table().await;
    bench.shard = Shard::new(ONE, bench.shard.epoch(), BUDGET);
    bench.full = true;
    bench.input(Input::Activate(vec![table()]));
    bench.full = false;
    bench.input(Input::Stop(None));
    bench.input(Input::Activate(vec![table()]));
    assert_eq!(loads(&mut bench), []);
}
