//! Connections open, resume, are refused, leave, and are made to leave.

use std::sync::Arc;

use gss_shared::error_code::ErrorCode;
use gss_shared::limits;
use gss_shared::link::frame::{Refused, Revocation};
use gss_shared::ports::fanout::Fanout as _;

use super::*;
use crate::revocations::Revocations;

#[test]
fn a_connection_is_brought_to_its_owner_and_the_channel_subscribed() {
    let (mut bench, mut node) = Bench::with_owner();
    let player = bench.connect(1, Some(at(90)));
    let got = node.got();
    let [ToNode::WantLive { shard: of, .. }, ToNode::Attach(frame)] = &got[..] else {
        panic!("{got:?}");
    };
    assert_eq!(*of, shard());
    assert_eq!((frame.connection, frame.position), (player.id, Some(at(90))));
    assert_eq!((frame.token, frame.outlived), (token(1), 0));
}

#[test]
fn a_connection_that_still_waits_gives_way_to_a_newer_of_its_token() {
    let mut bench = Bench::new();
    let mut older = bench.connect(1, None);
    let mut other = bench.connect(2, None);
    let newer = bench.connect(1, None);
    assert_eq!(older.batch().1, Some(CloseCode::Replaced));
    let mut node = bench.link("a");
    bench.owns(&node, 1);
    let got = node.got();
    let brought: Vec<_> = got
        .iter()
        .filter_map(|frame| match frame {
            ToNode::Attach(attach) => Some(attach.connection),
            _ => None,
        })
        .collect();
    assert_eq!(brought, [other.id, newer.id], "{got:?}");
    assert_eq!(other.got(), [""; 0]);
}

#[test]
fn a_fresh_connection_misses_nothing_and_repeats_nothing() {
    let (mut bench, mut node) = Bench::with_owner();
    let mut one = bench.join(&mut node, 1, 100);
    let mut other = bench.connect(2, None);
    let request = attach(&node.got());
    bench.live(&node, 101..=103);
    assert_eq!(one.got(), ["101<100", "102<101", "103<102"]);
    bench.says(&node, ToRouter::Attached { request, outcome: fresh(102) });
    assert_eq!(other.got(), ["established false player", "sync 102", "103<102"]);
    bench.live(&node, 104..=104);
    assert_eq!((one.got(), other.got()), (vec!["104<103".into()], vec!["104<103".into()]));
}

#[test]
fn a_snapshot_ahead_of_the_stream_is_not_followed_by_what_it_contains() {
    let (mut bench, mut node, mut one) = Bench::with_player();
    let mut other = bench.connect(2, None);
    let request = attach(&node.got());
    bench.says(&node, ToRouter::Attached { request, outcome: fresh(102) });
    assert_eq!(other.got(), ["established false player", "sync 102"]);
    bench.live(&node, 101..=103);
    assert_eq!(one.got(), ["101<100", "102<101", "103<102"]);
    assert_eq!(other.got(), ["103<102"]);
}

#[test]
fn a_resumed_connection_gets_exactly_what_it_missed() {
    let (mut bench, mut node) = Bench::with_owner();
    let mut player = bench.connect(1, Some(at(98)));
    let request = attach(&node.got());
    bench.published(101..=101, false);
    let outcome = AttachOutcome::Resumed {
        role: Role::Gm,
        missed: vec![message(99), message(100)],
        at: at(100),
        messages_per_minute: 100,
        sync: None,
    };
    bench.says(&node, ToRouter::Attached { request, outcome });
    assert_eq!(player.got(), ["established true gm", "99<98", "100<99", "101<100"]);
}

#[test]
fn an_earlier_snapshot_that_comes_later_is_asked_again() {
    let (mut bench, mut node) = Bench::with_owner();
    let mut one = bench.connect(1, None);
    let first = attach(&node.got());
    let mut other = bench.connect(2, None);
    let second = attach(&node.got());
    bench.says(&node, ToRouter::Attached { request: second, outcome: fresh(101) });
    assert_eq!(other.got(), ["established false player", "sync 101"]);
    // The stream began at 101: nobody holds 101 for a snapshot at 100.
    bench.says(&node, ToRouter::Attached { request: first, outcome: fresh(100) });
    assert_eq!(one.got(), Vec::<String>::new());
    let again = attach(&node.got());
    bench.says(&node, ToRouter::Attached { request: again, outcome: fresh(102) });
    assert_eq!(one.got(), ["established false player", "sync 102"]);
}

#[test]
fn a_refused_connection_is_told_why() {
    let (mut bench, mut node) = Bench::with_owner();
    let mut player = bench.connect(1, None);
    let request = attach(&node.got());
    let refused = Refused {
        code: ErrorCode::TokenUsed,
        message: "used".to_owned(),
        details: "{}".to_owned(),
    };
    let outcome = AttachOutcome::Refused { refused, close: 4504 };
    bench.says(&node, ToRouter::Attached { request, outcome });
    let expected = vec!["connection_error token_used ?".to_owned()];
    assert_eq!(player.batch(), (expected, Some(CloseCode::TokenUsed)));
    assert!(bench.worker.sessions.is_empty());
}

#[test]
fn an_attach_that_nobody_answers_ends_with_a_code_that_reconnects() {
    let mut bench = Bench::new();
    let mut player = bench.connect(1, None);
    bench.later(9 * SECOND);
    assert_eq!(player.batch(), (Vec::new(), None));
    bench.later(SECOND);
    let expected = vec!["connection_error owner_unreachable unknown".to_owned()];
    assert_eq!(player.batch(), (expected, Some(CloseCode::Restart)));
    assert!(bench.worker.sessions.is_empty());
}

#[test]
fn an_attach_goes_where_it_is_redirected() {
    let (mut bench, mut a) = Bench::with_owner();
    let mut b = bench.link("b");
    bench.says(&b, ToRouter::Owns { shards: Vec::new() });
    let mut player = bench.connect(1, None);
    let request = attach(&a.got());
    let epoch = gss_shared::ids::Epoch(6);
    let outcome = AttachOutcome::NotOwner { epoch, owner: Some(b.id.clone()) };
    bench.says(&a, ToRouter::Attached { request, outcome });
    assert_eq!(attach(&b.got()), request);
    // B does not know of it either: no higher epoch, so it is asked again a little later.
    let outcome = AttachOutcome::NotOwner { epoch, owner: Some(a.id.clone()) };
    bench.says(&b, ToRouter::Attached { request, outcome });
    bench.later(Duration::from_millis(49));
    assert_eq!((a.got(), b.got()), (Vec::new(), Vec::new()));
    bench.later(Duration::from_millis(5));
    assert_eq!(attach(&b.got()), request);
    bench.says(&b, ToRouter::Attached { request, outcome: fresh(1) });
    assert_eq!(player.got(), ["established false player", "sync 1"]);
}

#[test]
fn an_attach_that_two_owners_died_of_is_given_up() {
    let (mut bench, mut a) = Bench::with_owner();
    let mut player = bench.connect(1, None);
    let request = attach(&a.got());
    bench.down(&a);
    let mut b = bench.link("b");
    bench.owns(&b, 6);
    let got = b.got();
    let [told, ToNode::Attach(frame)] = &got[..] else { panic!("{got:?}") };
    assert_eq!((told, frame.request, frame.outlived), (&absent(), request, 1));
    bench.down(&b);
    let mut c = bench.link("c");
    bench.owns(&c, 7);
    let detach = ToNode::Detach { session: SESSION, connection: player.id };
    assert_eq!(c.got(), [absent(), detach]);
    let expected = vec!["connection_error unavailable unknown".to_owned()];
    assert_eq!(player.batch(), (expected, Some(CloseCode::Restart)));
}

#[test]
fn the_last_connection_leaves_nothing_behind() {
    let (mut bench, mut node, player) = Bench::with_player();
    bench.mail(Mail::Gone { session: SESSION, connection: player.id, slow: false });
    let detach = ToNode::Detach { session: SESSION, connection: player.id };
    assert_eq!(node.got_one(), detach);
    bench.later(11 * SECOND);
    assert!(bench.worker.sessions.is_empty() && bench.worker.places.is_empty());
    bench.fanout.close();
    let rest = futures::executor::block_on(bench.fanout.next());
    assert_eq!(rest, None, "nothing was published");
}

#[test]
fn revoked_tokens_lose_their_connections_and_open_none() {
    let (mut bench, mut node, mut player) = Bench::with_player();
    let mut other = bench.join(&mut node, 2, 100);
    let mut revocations = Revocations::default();
    let told = Revocation { user: super::player(1), jti: None, at: Timestamp(60) };
    revocations.add(&[told]);
    bench.mail(Mail::Revoked(Arc::new(revocations)));
    let expected = vec!["error unauthenticated ?".to_owned()];
    assert_eq!(player.batch(), (expected, Some(CloseCode::Unauthenticated)));
    assert_eq!(other.batch(), (Vec::new(), None));
    let mut again = bench.connect(1, None);
    let expected = vec!["connection_error unauthenticated ?".to_owned()];
    assert_eq!(again.batch(), (expected, Some(CloseCode::Unauthenticated)));
}

#[test]
fn a_refresh_with_a_token_revoked_meanwhile_closes() {
    let (mut bench, _node, mut player) = Bench::with_player();
    let mut revocations = Revocations::default();
    let jti = Some("new".to_owned());
    let told = Revocation { user: super::player(1), jti: jti.clone(), at: Timestamp(60) };
    revocations.add(&[told]);
    bench.mail(Mail::Revoked(Arc::new(revocations)));
    let refreshed = |jti| Mail::Refreshed {
        session: SESSION,
        connection: player.id,
        credential: Credential { expires_at: Timestamp(i64::MAX), issued_at: Timestamp(50), jti },
    };
    let (good, revoked) = (refreshed(Some("other".to_owned())), refreshed(jti));
    bench.mail(good);
    assert_eq!(player.batch(), (Vec::new(), None));
    bench.mail(revoked);
    let expected = vec!["error unauthenticated ?".to_owned()];
    assert_eq!(player.batch(), (expected, Some(CloseCode::Unauthenticated)));
}

#[test]
fn a_drain_asks_one_after_the_other_to_leave() {
    let (mut bench, mut node, one) = Bench::with_player();
    let other = bench.join(&mut node, 2, 100);
    let mut players = [one, other];
    bench.mail(Mail::Drain { spread: 2 * SECOND });
    let left = |players: &mut [Player; 2]| {
        let batches = players.iter_mut().map(Player::batch);
        let said = batches.filter(|(frames, close)| {
            assert_eq!(frames.is_empty(), close.is_none());
            *frames == ["going_away"] && *close == Some(CloseCode::Restart)
        });
        said.count()
    };
    bench.later(Duration::from_millis(100));
    assert_eq!(left(&mut players), 1);
    bench.later(SECOND / 2);
    assert_eq!(left(&mut players), 0);
    bench.later(SECOND / 2);
    assert_eq!(left(&mut players), 1);
    let mut late = bench.connect(3, None);
    let expected = vec!["connection_error draining ?".to_owned()];
    assert_eq!(late.batch(), (expected, Some(CloseCode::Restart)));
}

#[test]
fn a_client_that_is_slow_twice_resumes_with_a_snapshot() {
    let (mut bench, mut node) = Bench::with_owner();
    for round in 0..2_u64 {
        let mut player = bench.connect(1, Some(at(100)));
        let got = node.got();
        let position = got.iter().find_map(|frame| match frame {
            ToNode::Attach(attach) => Some(attach.position),
            _ => None,
        });
        assert_eq!(position, Some(Some(at(100))), "round {round}");
        let request = attach(&got);
        bench.says(&node, ToRouter::Attached { request, outcome: fresh(100) });
        assert_eq!(player.got().len(), 2);
        for v in 101..=101 + limits::CLIENT_QUEUE_FRAMES as u64 {
            bench.live(&node, v..=v);
        }
        assert!(player.inbox.is_slow());
        bench.mail(Mail::Gone { session: SESSION, connection: player.id, slow: true });
        bench.later(SECOND);
    }
    bench.connect(1, Some(at(100)));
    let got = node.got();
    let [.., ToNode::Attach(frame)] = &got[..] else { panic!("{got:?}") };
    assert_eq!(frame.position, None);
    bench.later(61 * SECOND);
    bench.connect(1, Some(at(100)));
    let got = node.got();
    let [.., ToNode::Attach(frame)] = &got[..] else { panic!("{got:?}") };
    assert_eq!(frame.position, Some(at(100)), "a minute later it may resume again");
}

#[test]
fn an_owner_s_close_is_passed_on() {
    let (mut bench, node, mut player) = Bench::with_player();
    let close = ToRouter::Close { session: SESSION, connection: player.id, code: 4005 };
    bench.says(&node, close);
    assert_eq!(player.batch(), (Vec::new(), Some(CloseCode::Replaced)));
}

#[test]
fn owners_are_told_who_was_seen() {
    let (mut bench, mut node, player) = Bench::with_player();
    let _quiet = bench.join(&mut node, 2, 100);
    player.inbox.seen();
    bench.later(11 * SECOND);
    assert_eq!(node.got(), [ToNode::Seen { connections: vec![(SESSION, player.id)] }]);
    bench.later(11 * SECOND);
    assert_eq!(node.got(), []);
}
