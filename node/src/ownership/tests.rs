//! Executions of SAFETY S11–S13 and L1–L9 against the state machine.

use super::*;

const TTL: u64 = 3_000;
/// Past the settling time of a starting node.
const SETTLED: u64 = 2_000;

fn id(name: &str) -> NodeId {
    name.parse().expect("id")
}

fn settings() -> Settings {
    Settings {
        node: id("a"),
        incarnation: Incarnation(1),
        link: "127.0.0.1:1".into(),
        admin: "127.0.0.1:2".into(),
        shards: ShardCount(8),
        lease_ttl_ms: TTL,
    }
}

fn peer(beat: u64) -> MemberRecord {
    MemberRecord {
        node: id("b"),
        incarnation: Incarnation(9),
        link: String::new(),
        admin: String::new(),
        draining: false,
        journal_ok: true,
        ring_version: RING_VERSION,
        reads_events: 1,
        beat,
    }
}

fn lease(node: &str, incarnation: u64, epoch: u64) -> Lease {
    Lease { node: id(node), incarnation: Incarnation(incarnation), epoch: Epoch(epoch) }
}

/// A node and the directory it looks at.
struct World {
    ownership: Ownership,
    now: u64,
    generation: u64,
    peer: Option<MemberRecord>,
    leases: BTreeMap<Shard, Lease>,
    own_record_was_gone: bool,
    complete: bool,
}

impl World {
    fn new() -> Self {
        Self::of(settings().shards)
    }

    fn of(shards: ShardCount) -> Self {
        Self {
            ownership: Ownership::new(Settings { shards, ..settings() }, 0),
            now: 0,
            generation: 7,
            peer: None,
            leases: BTreeMap::new(),
            own_record_was_gone: false,
            complete: true,
        }
    }

    /// One round at `now`.
    fn round(&mut self) -> Vec<Act> {
        self.ownership.journal_answered(self.now);
        self.round_without_journal()
    }

    fn round_without_journal(&mut self) -> Vec<Act> {
        let alive = self.ownership.served().into_keys().collect();
        let due = self.ownership.renewal_due(self.now);
        let plan = self.ownership.plan_round(self.now, due.then_some(&alive));
        if let Some(peer) = &mut self.peer {
            peer.beat += 1;
        }
        let mut members = BTreeMap::from([(id("a"), plan.record)]);
        members.extend(self.peer.iter().map(|peer| (peer.node.clone(), peer.clone())));
        let renewals = plan.renew.into_iter().map(|(shard, ours)| {
            let renewal = match self.leases.get(&shard) {
                Some(found) if *found == ours => Renewal::Renewed,
                Some(other) => Renewal::Other(other.clone()),
                None => Renewal::Missing,
            };
            (shard, renewal)
        });
        let view = View {
            generation: self.complete.then_some(self.generation),
            members: if self.complete { members } else { BTreeMap::new() },
            complete: self.complete,
            own_record_was_gone: std::mem::take(&mut self.own_record_was_gone),
            renewals: if self.complete { renewals.collect() } else { BTreeMap::new() },
            watched: plan
                .watch
                .into_iter()
                .filter(|_| self.complete)
                .map(|shard| (shard, self.leases.get(&shard).cloned()))
                .collect(),
        };
        self.ownership.on_round(self.now, &view)
    }

    /// Rounds each 250 ms until `until`; all acts.
    fn run_until(&mut self, until: u64) -> Vec<Act> {
        let mut acts = Vec::new();
        while self.now + POLL_MS <= until {
            self.now += POLL_MS;
            acts.extend(self.round());
        }
        acts
    }

    /// Carries out acquisitions under `epoch`.
    fn grant(&mut self, acts: Vec<Act>, epoch: u64) -> Vec<Act> {
        let mut out = Vec::new();
        for act in acts {
            if let Act::Acquire { shards, .. } = act {
                let results: Vec<_> =
                    shards.into_iter().map(|(shard, _)| (shard, Some(Epoch(epoch)))).collect();
                for (shard, _) in &results {
                    self.leases.insert(*shard, lease("a", 1, epoch));
                }
                out.extend(self.ownership.acquired(self.now, results));
            } else {
                out.push(act);
            }
        }
        out
    }

    /// A settled node that serves all eight shards under epoch 1.
    fn serving_all() -> Self {
        Self::serving(8)
    }

    fn serving(shards: u16) -> Self {
        let mut world = Self::of(ShardCount(shards));
        world.round();
        let acts = world.run_until(SETTLED);
        let served = world.grant(acts, 1);
        assert_eq!(served, (0..shards).map(|n| Act::Serve(Shard(n), Epoch(1))).collect::<Vec<_>>());
        world
    }
}

fn acquired_shards(acts: &[Act]) -> Vec<u16> {
    let shards = acts.iter().filter_map(|act| match act {
        Act::Acquire { shards, .. } => Some(shards.iter().map(|(shard, _)| shard.0)),
        _ => None,
    });
    shards.flatten().collect()
}

#[test]
fn a_starting_node_takes_free_shards_once_membership_stood_still() {
    let mut world = World::new();
    assert_eq!(world.round(), []);
    assert_eq!(world.run_until(1_250), []);
    let acts = world.run_until(1_500);
    assert_eq!(acquired_shards(&acts), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(world.run_until(2_500), [], "an acquisition under way is not begun again");
}

#[test]
fn a_leased_shard_is_left_alone_until_its_lease_is_gone() {
    let mut world = World::new();
    world.leases.insert(Shard(3), lease("dead", 4, 5));
    world.round();
    let acts = world.run_until(SETTLED);
    assert_eq!(acquired_shards(&acts), [0, 1, 2, 4, 5, 6, 7]);
    world.leases.remove(&Shard(3));
    let acts = world.run_until(SETTLED + POLL_MS);
    assert_eq!(acquired_shards(&acts), [3]);
}

#[test]
fn a_lease_of_our_predecessor_is_taken_over_with_its_epoch_as_floor() {
    let mut world = World::new();
    world.leases.insert(Shard(3), lease("a", 77, 5));
    world.round();
    let acts = world.run_until(SETTLED);
    let Some(Act::Acquire { shards, gate: true }) = acts.first() else { panic!("{acts:?}") };
    assert!(shards.contains(&(Shard(3), Epoch(5))));
}

#[test]
fn another_ones_lease_ends_service_at_once() {
    let mut world = World::serving_all();
    world.leases.insert(Shard(2), lease("b", 9, 6));
    let acts = world.run_until(SETTLED + 1_250);
    assert_eq!(
        acts,
        [Act::Drop {
            shard: Shard(2),
            epoch: Epoch(1),
            owner: Some(id("b")),
            cause: DropCause::LeaseLost
        }]
    );
}

#[test]
fn a_missing_lease_is_verified_then_kept_or_dropped() {
    let mut world = World::serving_all();
    world.leases.remove(&Shard(2));
    world.leases.remove(&Shard(5));
    let acts = world.run_until(SETTLED + 1_250);
    assert_eq!(acts, [Act::Verify(vec![(Shard(2), Epoch(1)), (Shard(5), Epoch(1))])]);
    let acts = world.ownership.verified(
        world.now,
        vec![
            (Shard(2), Epoch(1), Verified::Ours(Claim::Taken)),
            (Shard(5), Epoch(1), Verified::NotOurs(Epoch(2), Some(id("b")))),
        ],
    );
    assert_eq!(
        acts,
        [Act::Drop {
            shard: Shard(5),
            epoch: Epoch(1),
            owner: Some(id("b")),
            cause: DropCause::Fenced
        }]
    );
    assert!(world.ownership.served().contains_key(&Shard(2)));
}

#[test]
fn an_epoch_below_ours_means_lost_commits_and_is_raised_above() {
    let mut world = World::serving_all();
    world.leases.remove(&Shard(2));
    world.run_until(SETTLED + 1_250);
    let verified = vec![(Shard(2), Epoch(1), Verified::NotOurs(Epoch(0), None))];
    let acts = world.ownership.verified(world.now, verified);
    let dropped =
        Act::Drop { shard: Shard(2), epoch: Epoch(1), owner: None, cause: DropCause::CommitsLost };
    let again = Act::Acquire { shards: vec![(Shard(2), Epoch(1))], gate: true };
    assert_eq!(acts, [dropped, again]);
}

#[test]
fn a_silent_directory_changes_nothing() {
    let mut world = World::serving_all();
    world.complete = false;
    assert_eq!(world.run_until(60_000), []);
    assert_eq!(world.ownership.served().len(), 8);
}

#[test]
fn an_emptied_directory_is_reasserted_and_nothing_new_is_taken_for_two_ttls() {
    let mut world = World::new();
    world.leases.insert(Shard(3), lease("b", 9, 5));
    world.round();
    let acts = world.run_until(SETTLED);
    world.grant(acts, 1);
    world.generation = 8;
    world.leases.clear();
    let acts = world.run_until(SETTLED + POLL_MS);
    let verify = (0..8).filter(|n| *n != 3).map(|n| (Shard(n), Epoch(1))).collect();
    assert_eq!(acts, [Act::Verify(verify)]);
    let quiet_until = SETTLED + POLL_MS + 2 * TTL;
    for shard in world.ownership.served().into_keys() {
        world.leases.insert(shard, lease("a", 1, 1));
    }
    assert_eq!(acquired_shards(&world.run_until(quiet_until - POLL_MS)), [0_u16; 0]);
    assert_eq!(acquired_shards(&world.run_until(quiet_until)), [3]);
}

#[test]
fn a_node_that_was_forgotten_reasserts_too() {
    let mut world = World::serving_all();
    world.own_record_was_gone = true;
    let acts = world.run_until(SETTLED + POLL_MS);
    assert_eq!(acts, [Act::Verify((0..8).map(|n| (Shard(n), Epoch(1))).collect())]);
}

#[test]
fn a_node_cut_from_the_journal_leaves_while_others_reach_it() {
    let mut world = World::serving_all();
    world.peer = Some(peer(0));
    while world.now < SETTLED + 2 * TTL + CUT_MS {
        world.now += POLL_MS;
        let acts = world.round_without_journal();
        if world.now < SETTLED + 2 * TTL + CUT_MS {
            assert_eq!(acts, [], "at {} ms", world.now);
        } else {
            assert_eq!(acts.len(), 8);
            assert!(
                acts.iter()
                    .all(|act| matches!(act, Act::Drop { cause: DropCause::JournalCut, .. }))
            );
        }
    }
}

#[test]
fn a_journal_that_is_gone_and_comes_back_for_all_moves_nothing() {
    let mut world = World::serving_all();
    world.peer = Some(peer(0));
    let moved = |world: &mut World, until: u64| {
        while world.now < until {
            world.now += POLL_MS;
            let acts = world.round_without_journal();
            assert!(!acts.iter().any(|act| matches!(act, Act::Drop { .. })), "{acts:?}");
        }
    };
    // The peer asked the journal a second later than we did, and notices its end so much later.
    moved(&mut world, SETTLED + 2 * TTL + 1_000);
    world.peer.as_mut().expect("peer").journal_ok = false;
    moved(&mut world, 30_000);
    // … and its return a second earlier.
    world.peer.as_mut().expect("peer").journal_ok = true;
    moved(&mut world, 31_000);
    world.ownership.journal_answered(world.now);
    moved(&mut world, 35_000);
}

#[test]
fn when_nobody_reaches_the_journal_everybody_keeps_what_they_have() {
    let mut world = World::serving_all();
    world.peer = Some(MemberRecord { journal_ok: false, ..peer(0) });
    while world.now < 30_000 {
        world.now += POLL_MS;
        let acts = world.round_without_journal();
        assert!(!acts.iter().any(|act| matches!(act, Act::Drop { .. })), "{acts:?}");
    }
}

#[test]
fn balance_waits_thirty_seconds_then_offers_and_stops_only_when_accepted() {
    let mut world = World::serving_all();
    world.peer = Some(peer(0));
    assert_eq!(world.run_until(SETTLED + BALANCE_MS - POLL_MS), []);
    let acts = world.run_until(SETTLED + BALANCE_MS);
    let offers: Vec<Shard> = acts
        .iter()
        .map(|act| match act {
            Act::Offer { to, shard, epoch: Epoch(1) } if to.node == id("b") => *shard,
            _ => panic!("{act:?}"),
        })
        .collect();
    assert!((1..8).contains(&offers.len()), "{offers:?}");
    let (first, now) = (offers[0], world.now);
    let refused = world.ownership.offer_answered(now, (first, Epoch(1)), &id("b"), false);
    assert_eq!(refused, []);
    assert!(world.ownership.served().contains_key(&first), "a refused shard is served on");
    let second = offers[1];
    assert_eq!(
        world.ownership.offer_answered(now, (second, Epoch(1)), &id("b"), true),
        [Act::Stop { shard: second, epoch: Epoch(1), successor: Some(id("b")) }]
    );
    let played = vec![SessionId(uuid::Uuid::from_u128(7))];
    let acts = world.ownership.drained(now, (second, Epoch(1)), played.clone());
    let Some(Act::Release { shard, lease: released, successor: Some(to), playing }) = acts.first()
    else {
        panic!("{acts:?}")
    };
    assert_eq!((*shard, released, &to.node), (second, &lease("a", 1, 1), &id("b")));
    assert_eq!(*playing, played);
}

#[test]
fn a_drain_hands_everything_off_and_without_a_peer_lets_everything_go() {
    let mut world = World::serving_all();
    world.ownership.set_draining(true);
    let acts = world.run_until(SETTLED + POLL_MS);
    let stops: Vec<_> =
        (0..8).map(|n| Act::Stop { shard: Shard(n), epoch: Epoch(1), successor: None }).collect();
    assert_eq!(acts, stops);
    assert!(!world.ownership.is_drained());
    for n in 0..8 {
        world.ownership.drained(world.now, (Shard(n), Epoch(1)), Vec::new());
    }
    assert!(world.ownership.is_drained());
    assert_eq!(world.run_until(20_000), [], "a draining node takes nothing");
}

#[test]
fn a_drain_offers_some_shards_at_a_time_and_the_next_when_one_is_released() {
    let some = u16::try_from(OFFERS_AT_ONCE).expect("few");
    let mut world = World::serving(some + 2);
    world.peer = Some(peer(0));
    world.ownership.set_draining(true);
    let offered = |acts: &[Act]| -> Vec<u16> {
        let shards = acts.iter().filter_map(|act| match act {
            Act::Offer { to, shard, epoch: Epoch(1) } if to.node == id("b") => Some(shard.0),
            _ => None,
        });
        shards.collect()
    };
    let acts = world.run_until(SETTLED + POLL_MS);
    assert_eq!(offered(&acts), (0..some).collect::<Vec<_>>());
    let first = (Shard(0), Epoch(1));
    let accepted = world.ownership.offer_answered(world.now, first, &id("b"), true);
    assert_eq!(
        accepted,
        [Act::Stop { shard: Shard(0), epoch: Epoch(1), successor: Some(id("b")) }]
    );
    assert_eq!(world.round(), [], "what stops is still under way");
    let released = world.ownership.drained(world.now, first, Vec::new());
    assert_eq!(offered(&released), [some]);
}

#[test]
fn an_offer_is_accepted_unless_draining_and_void_when_nothing_comes() {
    let mut world = World::new();
    assert_eq!(world.ownership.offered(0, Shard(4)), Reply::No, "not before the first round");
    world.peer = Some(peer(0));
    for n in 0..8 {
        world.leases.insert(Shard(n), lease("b", 9, 3));
    }
    world.round();
    assert_eq!(world.ownership.offered(0, Shard(4)), Reply::Yes(Act::Expect(Shard(4))));
    assert_eq!(world.run_until(EXPECT_MS), [Act::ExpectNoMore(Shard(4))]);
    assert_eq!(world.ownership.offered(world.now, Shard(4)), Reply::Yes(Act::Expect(Shard(4))));
    assert_eq!(
        world.ownership.released(Shard(4), Epoch(3)),
        [Act::Acquire { shards: vec![(Shard(4), Epoch(3))], gate: false }]
    );
    world.ownership.set_draining(true);
    assert_eq!(world.ownership.offered(world.now, Shard(5)), Reply::No);
}

#[test]
fn offers_wait_while_enough_is_on_its_way() {
    let mut world = World::new();
    world.peer = Some(peer(0));
    for n in 0..8 {
        world.leases.insert(Shard(n), lease("b", 9, 3));
    }
    world.round();
    let offered = |world: &mut World, n| world.ownership.offered(world.now, Shard(n));
    for n in 0..EXPECT_AT_ONCE {
        let shard = u16::try_from(n).expect("few");
        assert_eq!(offered(&mut world, shard), Reply::Yes(Act::Expect(Shard(shard))));
    }
    assert_eq!(offered(&mut world, 100), Reply::Later);
    assert_eq!(offered(&mut world, 1), Reply::Yes(Act::Expect(Shard(1))), "expected already");
    world.ownership.released(Shard(1), Epoch(3));
    assert_eq!(offered(&mut world, 100), Reply::Later, "released is not served yet");
    let served = world.ownership.acquired(world.now, vec![(Shard(1), Some(Epoch(4)))]);
    assert_eq!(served, [Act::Serve(Shard(1), Epoch(4))]);
    assert_eq!(offered(&mut world, 100), Reply::Yes(Act::Expect(Shard(100))));
}

#[test]
fn a_raised_epoch_is_verified_and_old_news_about_it_is_ignored() {
    let mut world = World::serving_all();
    assert_eq!(
        world.ownership.raised(Shard(1), Epoch(1), Epoch(2)),
        [Act::Serve(Shard(1), Epoch(2)), Act::Verify(vec![(Shard(1), Epoch(2))])]
    );
    assert_eq!(world.ownership.fenced(Shard(1), Epoch(1)), []);
    let stale = vec![(Shard(1), Epoch(1), Verified::NotOurs(Epoch(2), Some(id("a"))))];
    assert_eq!(world.ownership.verified(world.now, stale), []);
    assert_eq!(world.ownership.served().get(&Shard(1)), Some(&Epoch(2)));
}

#[test]
fn a_shard_whose_task_does_not_answer_is_not_renewed() {
    let mut world = World::serving_all();
    let alive = BTreeSet::from([Shard(1), Shard(2)]);
    let plan = world.ownership.plan_round(10_000, Some(&alive));
    assert_eq!(plan.renew, [(Shard(1), lease("a", 1, 1)), (Shard(2), lease("a", 1, 1))]);
}

#[test]
fn a_shard_whose_task_is_dead_is_let_go_and_taken_again() {
    let mut world = World::serving_all();
    let alive: BTreeSet<Shard> = (1..8).map(Shard).collect();
    for _ in 0..UNANSWERED_MAX {
        world.ownership.plan_round(world.now, Some(&alive));
    }
    world.leases.remove(&Shard(0));
    let acts = world.run_until(SETTLED + POLL_MS);
    let dropped =
        Act::Drop { shard: Shard(0), epoch: Epoch(1), owner: None, cause: DropCause::Dead };
    assert_eq!(acts, [dropped]);
    assert_eq!(acquired_shards(&world.run_until(SETTLED + 2 * POLL_MS)), [0]);
}

#[test]
fn a_handoff_that_met_an_unknown_outcome_releases_the_raised_epoch() {
    let mut world = World::serving_all();
    world.ownership.set_draining(true);
    world.run_until(SETTLED + POLL_MS);
    assert_eq!(world.ownership.raised(Shard(3), Epoch(1), Epoch(2)), []);
    let acts = world.ownership.drained(world.now, (Shard(3), Epoch(1)), Vec::new());
    let (lease, playing) = (lease("a", 1, 2), Vec::new());
    let release = Act::Release { shard: Shard(3), lease, successor: None, playing };
    assert_eq!(acts.first(), Some(&release));
}
