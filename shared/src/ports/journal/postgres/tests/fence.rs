//! Appends against raises: whichever holds the shard's row first, no commit of an older epoch comes
//! after the raise.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use super::{another, fresh, lane_that};
use crate::ids::{Epoch, Incarnation, Shard, Version};
use crate::ports::journal::contract::{append, node, own, part, session, versions};
use crate::ports::journal::{Journal, PartRefusal};

const WAITS: &str = "wait_event_type = 'Lock'";
const SHARD: u16 = 3;

async fn raise(journal: &dyn Journal, epoch: u64) -> Vec<(Shard, Epoch)> {
    let wanted = [(Shard(SHARD), Epoch(epoch))];
    journal.raise(&wanted, (&node("b"), Incarnation(2))).await.expect("raise").0
}

#[tokio::test]
async fn a_raise_waits_for_the_append_before_it() {
    let fresh = fresh().await;
    own(&*fresh.journal, &[SHARD]).await;
    let table = session(SHARD, 1);
    // Keeps the append at work: what it inserts waits for the hand.
    let hand = fresh.hand().await;
    let trigger = "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             PERFORM pg_advisory_xact_lock_shared(1); RETURN NEW; END $$;
         CREATE TRIGGER wait BEFORE INSERT ON session_events
             FOR EACH ROW EXECUTE FUNCTION wait()";
    hand.batch_execute(trigger).await.expect("trigger");
    hand.batch_execute("SELECT pg_advisory_lock(1)").await.expect("lock");
    let owner = fresh.journal.clone();
    let appended =
        tokio::spawn(async move { append(&*owner, vec![part(SHARD, 1, table, 0, 1)]).await });
    lane_that(&hand, "wait_event = 'advisory'").await;
    let taker = another(&fresh.config).await;
    let raised = tokio::spawn(async move {
        let raised = raise(&*taker, 1).await;
        (raised, versions(&*taker, table).await)
    });
    lane_that(&hand, "query LIKE '-- Takes%' AND wait_event_type = 'Lock'").await;
    assert!(!raised.is_finished());
    hand.batch_execute("SELECT pg_advisory_unlock(1)").await.expect("unlock");
    assert_eq!(appended.await.expect("append"), [None]);
    // Who reads after the raise sees the append.
    let expected = (vec![(Shard(SHARD), Epoch(2))], vec![1]);
    assert_eq!(raised.await.expect("raise"), expected);
}

#[tokio::test]
async fn an_append_waits_for_the_raise_before_it_and_is_fenced() {
    let fresh = fresh().await;
    own(&*fresh.journal, &[SHARD]).await;
    let table = session(SHARD, 1);
    let taker = fresh.hand().await;
    taker
        .batch_execute("BEGIN; UPDATE shards SET epoch = epoch + 1 WHERE shard = 3")
        .await
        .expect("raise");
    let journal = fresh.journal.clone();
    let appended =
        tokio::spawn(async move { append(&*journal, vec![part(SHARD, 1, table, 0, 1)]).await });
    lane_that(&fresh.hand().await, WAITS).await;
    assert!(!appended.is_finished());
    taker.batch_execute("COMMIT").await.expect("commit");
    assert_eq!(appended.await.expect("append"), [Some(PartRefusal::Fenced)]);
    assert_eq!(versions(&*fresh.journal, table).await, [0; 0]);
}

/// The owner's process stops after its append was sent and before it read the answer.
#[tokio::test]
async fn a_paused_owner_does_not_hold_a_raise_up() {
    let fresh = fresh().await;
    own(&*fresh.journal, &[SHARD]).await;
    let table = session(SHARD, 1);
    let config = fresh.config.clone();
    let (stopped, when_stopped) = mpsc::channel();
    let (wake, when_woken) = mpsc::channel::<()>();
    let owner = std::thread::spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        let owner = runtime.block_on(another(&config));
        let hand = runtime.block_on(async {
            let (hand, connection) =
                tokio_postgres::connect(&config.address.url, tokio_postgres::NoTls)
                    .await
                    .expect("connect");
            tokio::spawn(connection);
            hand
        });
        let parts = (0..200)
            .map(|number| part(SHARD, 1, session(SHARD, number + 1), 0, 1))
            .collect::<Vec<_>>();
        let sent = parts.clone();
        // Its lane outlives the append, so that a fast one is seen as well.
        let appending = Arc::clone(&owner);
        let task = runtime.spawn(async move { appending.append(sent).await });
        // Runs until the statement reached the server, then not at all.
        runtime.block_on(lane_that(&hand, "query LIKE '-- Appends%'"));
        stopped.send(()).expect("told");
        when_woken.recv().expect("woken");
        runtime.block_on(task).expect("append runs").expect("append").len()
    });
    when_stopped.recv().expect("stopped");
    let raised = tokio::time::timeout(Duration::from_secs(2), raise(&*fresh.journal, 1)).await;
    assert_eq!(raised.expect("nothing held it up"), [(Shard(SHARD), Epoch(2))]);
    let before = versions(&*fresh.journal, table).await;
    wake.send(()).expect("wake");
    assert_eq!(owner.join().expect("owner"), 200);
    // Nothing came after the raise.
    assert_eq!(versions(&*fresh.journal, table).await, before);
}

#[tokio::test]
async fn two_that_expect_the_same_epoch_do_not_both_get_it() {
    let fresh = fresh().await;
    let other = another(&fresh.config).await;
    let mut epochs = Vec::new();
    for epoch in 0..20 {
        let (one, two) = tokio::join!(raise(&*fresh.journal, epoch), raise(&*other, epoch));
        epochs.extend([one, two].concat().into_iter().map(|(_, epoch)| epoch.0));
    }
    assert_eq!(epochs, (1..=20).collect::<Vec<_>>());
}

/// Appends lock shards in the order raises do, whatever the order of their parts.
#[tokio::test]
async fn appends_and_raises_of_many_shards_do_not_deadlock() {
    let fresh = fresh().await;
    own(&*fresh.journal, &[1, 5]).await;
    let other = another(&fresh.config).await;
    for round in 0..30_u64 {
        let numbers = (u128::from(round) * 2 + 1, u128::from(round) * 2 + 2);
        let (one, five) = (session(1, numbers.0), session(5, numbers.1));
        let parts = vec![part(5, round + 1, five, 0, 1), part(1, round + 1, one, 0, 1)];
        let wanted = [(Shard(5), Epoch(round + 1)), (Shard(1), Epoch(round + 1))];
        let by = node("b");
        let raise = other.raise(&wanted, (&by, Incarnation(2)));
        let (appended, raised) = tokio::join!(fresh.journal.append(parts), raise);
        assert_eq!(appended.expect("append").len(), 2);
        let epoch = Epoch(round + 2);
        assert_eq!(raised.expect("raise").0, [(Shard(1), epoch), (Shard(5), epoch)]);
        // All or nothing of the batch: both shards were raised by one statement.
        let (one, five) = (versions(&*other, one).await.len(), versions(&*other, five).await.len());
        assert_eq!(one, five);
    }
    assert_eq!(other.events(session(1, 1), Version(9), 1).await.expect("events"), []);
}
