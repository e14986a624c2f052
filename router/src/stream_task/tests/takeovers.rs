//! Owners die, hand over and come back; sockets stay and nothing is lost or done twice.

use gss_shared::ids::Epoch;
use gss_shared::link::frame::{FetchOutcome, Outcome, Reattached};
use gss_shared::message::Viewer;

use super::traffic::{accepted, answer};
use super::*;

fn lost(epoch: u64, successor: Option<&Node>) -> ToRouter {
    ToRouter::Lost { shards: vec![(shard(), Epoch(epoch), successor.map(|node| node.id.clone()))] }
}

fn reattach(player: &Player, v: u64) -> ToNode {
    let viewer = Viewer { player: super::player(1), role: Role::Player };
    let connections = vec![(player.id, viewer, token(1))];
    let session = Reattached { session: SESSION, position: at(v), connections };
    ToNode::Reattach { shard: shard(), sessions: vec![session] }
}

fn more(player: &Player, v: u64) -> ToNode {
    let ToNode::Reattach { shard, sessions } = reattach(player, v) else { panic!("reattach") };
    ToNode::ReattachMore { shard, sessions }
}

#[test]
fn a_dead_owner_s_commands_go_to_the_next_and_lost_messages_are_fetched() {
    let (mut bench, mut a, mut player) = Bench::with_player();
    bench.command(&player, 1);
    bench.command(&player, 2);
    assert_eq!(commands(&a.got()), [(1, 0, 0), (2, 0, 0)]);
    bench.down(&a);
    bench.command(&player, 3);
    let mut b = bench.link("b");
    bench.owns(&b, 6);
    let got = b.got();
    assert_eq!(commands(&got), [(1, 2, 1), (2, 2, 1), (3, 2, 0)]);
    assert_eq!(got.last(), Some(&reattach(&player, 100)));
    // a had committed the first command before it died.
    bench.says(&b, ToRouter::Heads { shard: shard(), heads: vec![(SESSION, at(101))] });
    let ToNode::Fetch { request, after, .. } = b.got_one() else { panic!("a fetch") };
    assert_eq!(after, at(100));
    bench.says(&b, answer(&player, 1, 2, accepted(101, true)));
    assert_eq!(player.got(), Vec::<String>::new());
    let outcome = FetchOutcome::Tail { messages: vec![message(101)], more: false };
    bench.says(&b, ToRouter::Fetched { request, outcome });
    assert_eq!(player.got(), ["101<100", "ack 101 true"]);
    bench.live(&b, 102..=102);
    bench.says(&b, answer(&player, 2, 2, accepted(102, false)));
    assert_eq!(player.got(), ["102<101", "ack 102 false"]);
}

#[test]
fn what_an_earlier_opening_says_is_ignored() {
    let (mut bench, a, mut player) = Bench::with_player();
    bench.command(&player, 1);
    bench.down(&a);
    bench.says(&a, answer(&player, 1, 0, accepted(100, false)));
    bench.live(&a, 101..=101);
    assert_eq!(player.got(), Vec::<String>::new());
    let mut again = bench.link("a");
    bench.down(&a);
    bench.owns(&again, 5);
    let got = again.got();
    assert_eq!(commands(&got), [(1, 2, 0)], "the same owner: nobody died");
    assert_eq!(got.last(), Some(&reattach(&player, 100)));
}

#[test]
fn a_handoff_goes_to_the_successor_at_once() {
    let (mut bench, mut a, mut player) = Bench::with_player();
    let mut b = bench.link("b");
    bench.says(&b, ToRouter::Owns { shards: Vec::new() });
    bench.command(&player, 1);
    assert_eq!(commands(&a.got()), [(1, 0, 0)]);
    bench.says(&a, lost(5, Some(&b)));
    assert_eq!(commands(&b.got()), [(1, 1, 0)]);
    bench.says(&a, answer(&player, 1, 0, accepted(100, false)));
    assert_eq!(player.got(), Vec::<String>::new(), "of the older route");
    bench.owns(&b, 6);
    let got = b.got();
    assert_eq!(commands(&got), [(1, 2, 0)]);
    assert_eq!(got.last(), Some(&more(&player, 100)));
}

#[test]
fn a_node_is_told_at_the_opening_of_a_link_where_nobody_is() {
    let mut bench = Bench::new();
    let mut a = bench.link("a");
    bench.owns(&a, 5);
    assert_eq!(a.got(), [absent()]);
    // Only an opening can have missed an end.
    bench.owns(&a, 6);
    assert_eq!(a.got(), []);
}

#[test]
fn a_not_owner_sends_the_oldest_first() {
    let (mut bench, mut a, player) = Bench::with_player();
    let mut b = bench.link("b");
    bench.says(&b, ToRouter::Owns { shards: Vec::new() });
    bench.command(&player, 1);
    bench.command(&player, 2);
    let redirect = |owner| Outcome::NotOwner { epoch: Epoch(6), owner };
    bench.says(&a, answer(&player, 1, 0, redirect(Some(b.id.clone()))));
    // b did not announce itself: nothing is behind the one that it may refuse.
    assert_eq!(commands(&b.got()), [(1, 1, 0)]);
    // The second one's redirect is of the older route.
    bench.says(&a, answer(&player, 2, 0, redirect(Some(a.id.clone()))));
    bench.later(Duration::from_millis(60));
    assert_eq!((commands(&a.got()).len(), b.got().len()), (2, 0));
}

#[test]
fn a_redirect_in_circles_waits_fifty_milliseconds() {
    let (mut bench, mut a, player) = Bench::with_player();
    bench.command(&player, 1);
    a.got();
    let nobody = Outcome::NotOwner { epoch: Epoch(5), owner: None };
    bench.says(&a, answer(&player, 1, 0, nobody));
    bench.later(Duration::from_millis(49));
    assert_eq!(a.got(), []);
    bench.later(Duration::from_millis(6));
    assert_eq!(commands(&a.got()), [(1, 1, 0)]);
}

#[test]
fn a_stale_owner_is_not_believed() {
    let (mut bench, mut a, player) = Bench::with_player();
    let mut b = bench.link("b");
    bench.owns(&b, 6);
    b.got();
    bench.owns(&a, 5);
    bench.command(&player, 1);
    assert_eq!((a.got(), commands(&b.got())), (Vec::new(), vec![(1, 1, 0)]));
}

#[test]
fn a_node_that_reopens_without_the_shard_has_lost_it() {
    let (mut bench, a, player) = Bench::with_player();
    bench.down(&a);
    let mut again = bench.link("a");
    bench.says(&again, ToRouter::Owns { shards: Vec::new() });
    bench.command(&player, 1);
    assert_eq!(again.got(), []);
    bench.owns(&again, 7);
    assert_eq!(commands(&again.got()), [(1, 2, 0)]);
}

#[test]
fn a_command_that_two_owners_died_of_is_given_up() {
    let (mut bench, mut a, mut player) = Bench::with_player();
    bench.command(&player, 1);
    assert_eq!(commands(&a.got()), [(1, 0, 0)]);
    bench.down(&a);
    let mut b = bench.link("b");
    bench.owns(&b, 6);
    assert_eq!(commands(&b.got()), [(1, 2, 1)]);
    bench.down(&b);
    let mut c = bench.link("c");
    bench.owns(&c, 7);
    assert_eq!(commands(&c.got()), []);
    assert_eq!(player.got(), ["error unavailable unknown"]);
}

#[test]
fn a_closed_connection_s_commands_are_not_sent_to_the_next_owner() {
    let (mut bench, mut a, player) = Bench::with_player();
    let other = bench.join(&mut a, 2, 100);
    bench.command(&player, 1);
    bench.command(&other, 2);
    bench.mail(Mail::Gone { session: SESSION, connection: player.id, slow: false });
    bench.down(&a);
    let mut b = bench.link("b");
    bench.owns(&b, 6);
    assert_eq!(commands(&b.got()), [(2, 2, 1)]);
}

#[test]
fn a_lost_tail_found_by_the_next_owner_asks_clients_to_attach_anew() {
    let (mut bench, a, mut player) = Bench::with_player();
    bench.down(&a);
    let mut b = bench.link("b");
    bench.owns(&b, 6);
    assert_eq!(b.got(), [reattach(&player, 100)]);
    let head = crate::stream::tests::at(2, 90);
    bench.says(&b, ToRouter::Heads { shard: shard(), heads: vec![(SESSION, head)] });
    let ToNode::Fetch { request, .. } = b.got_one() else { panic!("a fetch") };
    bench.says(&b, ToRouter::Fetched { request, outcome: FetchOutcome::Gone { head } });
    assert_eq!(player.batch(), (Vec::new(), Some(CloseCode::Restart)));
    assert_eq!(b.got_one(), ToNode::Detach { session: SESSION, connection: player.id });
}

#[test]
fn an_owner_known_by_redirect_gets_one_at_a_time_until_it_announces_itself() {
    let (mut bench, a, player) = Bench::with_player();
    let mut b = bench.link("b");
    bench.says(&b, ToRouter::Owns { shards: Vec::new() });
    for n in 1..=3 {
        bench.command(&player, n);
    }
    bench.says(&a, lost(5, Some(&b)));
    assert_eq!(commands(&b.got()), [(1, 1, 0)]);
    bench.says(&b, answer(&player, 1, 1, accepted(101, false)));
    assert_eq!(commands(&b.got()), [(2, 1, 0)]);
    bench.owns(&b, 6);
    assert_eq!(commands(&b.got()), [(2, 2, 0), (3, 2, 0)]);
}

#[test]
fn a_full_link_delays_and_does_not_reorder() {
    let (mut bench, a, player) = Bench::with_player();
    bench.down(&a);
    let (commands_in, mut got) = mpsc::channel(2);
    let (bulk, _got_bulk) = mpsc::channel(100);
    let link = NodeLink {
        node: a.id.clone(),
        opening: 99,
        commands: LinkSink::into_queue(commands_in),
        bulk: LinkSink::into_queue(bulk),
        beat: Arc::default(),
        reset: CancellationToken::new(),
    };
    bench.mail(Mail::LinkUp(link));
    let small = Node { id: a.id.clone(), opening: 99, commands: a.commands, bulk: a.bulk };
    bench.owns(&small, 5);
    for n in 1..=5 {
        bench.command(&player, n);
    }
    let mut went = Vec::new();
    for _ in 0..3 {
        while let Ok(ToNode::Command(frame)) = got.try_recv() {
            went.push(frame.seq);
        }
        bench.later(HOT_TICK);
    }
    assert_eq!(went, [1, 2, 3, 4, 5]);
}
