//! Appends without an answer.

use std::time::Duration;

use super::{Fresh, another, fresh, lane_that};
use crate::ids::{Epoch, Incarnation, SessionId, Shard};
use crate::ports::journal::contract::{append, node, own, part, session, verdicts, versions};
use crate::ports::journal::{AppendError, Journal, Part, PartRefusal};

const WAITS: &str = "wait_event_type = 'Lock'";
const SHARD: u16 = 3;

/// A journal whose shard 3 is owned, a session of it and a part for that.
async fn owned() -> (Fresh, SessionId, Part) {
    let fresh = fresh().await;
    own(&*fresh.journal, &[SHARD]).await;
    let table = session(SHARD, 1);
    (fresh, table, part(SHARD, 1, table, 0, 2))
}

async fn raise_and_settle(journal: &dyn Journal, part: Part) -> Vec<Option<PartRefusal>> {
    let wanted = [(Shard(SHARD), Epoch(1))];
    let raised = journal.raise(&wanted, (&node("a"), Incarnation(1))).await.expect("raise");
    assert_eq!(raised.0, [(Shard(SHARD), Epoch(2))]);
    verdicts(vec![part.clone()], journal.settle(vec![part]).await.expect("settle"))
}

#[tokio::test]
async fn a_lost_connection_leaves_the_outcome_unknown() {
    let (fresh, table, sent) = owned().await;
    let hand = fresh.hand().await;
    hand.batch_execute("BEGIN; SELECT FROM shards WHERE shard = 3 FOR UPDATE").await.expect("lock");
    let (journal, parts) = (fresh.journal.clone(), vec![sent.clone()]);
    let appended = tokio::spawn(async move { journal.append(parts).await });
    let lane = lane_that(&fresh.hand().await, WAITS).await;
    fresh.hand().await.execute("SELECT pg_terminate_backend($1)", &[&lane]).await.expect("kill");
    match appended.await.expect("append") {
        Err(AppendError::Unknown(parts, _)) => assert_eq!(parts, vec![sent.clone()]),
        other => panic!("{other:?}"),
    }
    hand.batch_execute("COMMIT").await.expect("release");
    let settled = raise_and_settle(&*fresh.journal, sent).await;
    assert_eq!(settled, [Some(PartRefusal::Fenced)]);
    // The journal goes on over a new connection.
    assert_eq!(append(&*fresh.journal, vec![part(SHARD, 2, table, 0, 1)]).await, [None]);
}

/// The statement is still at work when its client gives up: reading the tail would say that it did
/// not happen, and a moment later it would.
#[tokio::test]
async fn a_raise_makes_the_lost_statement_come_first() {
    let (fresh, table, sent) = owned().await;
    let mut config = fresh.config.clone();
    config.append_timeout = Duration::from_millis(300);
    let hasty = another(&config).await;
    let hand = fresh.hand().await;
    hand.batch_execute("BEGIN; SELECT FROM shards WHERE shard = 3 FOR UPDATE").await.expect("lock");
    let outcome = hasty.append(vec![sent.clone()]).await;
    assert!(matches!(outcome, Err(AppendError::Unknown(..))), "{outcome:?}");
    assert_eq!(versions(&*fresh.journal, table).await, [0; 0]);
    let (journal, part) = (fresh.journal.clone(), sent.clone());
    let settled = tokio::spawn(async move { raise_and_settle(&*journal, part).await });
    lane_that(&fresh.hand().await, &format!("{WAITS} AND query LIKE '-- Takes%'")).await;
    hand.batch_execute("COMMIT").await.expect("release");
    assert_eq!(settled.await.expect("settle"), [None]);
    assert_eq!(versions(&*fresh.journal, table).await, [1, 2]);
}

#[tokio::test]
async fn a_warning_during_the_commit_leaves_the_outcome_unknown() {
    let (fresh, _, sent) = owned().await;
    let trigger = "CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             RAISE WARNING 'canceling wait for synchronous replication due to user request';
             RETURN NULL; END $$;
         CREATE CONSTRAINT TRIGGER warn AFTER INSERT ON session_events
             DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION warn()";
    fresh.hand().await.batch_execute(trigger).await.expect("trigger");
    let outcome = fresh.journal.append(vec![sent.clone()]).await;
    assert!(matches!(outcome, Err(AppendError::Unknown(..))), "{outcome:?}");
    assert_eq!(raise_and_settle(&*fresh.journal, sent).await, [None]);
}

#[tokio::test]
async fn a_halved_append_whose_second_half_is_lost_is_unknown() {
    let (fresh, table, sent) = owned().await;
    own(&*fresh.journal, &[5]).await;
    let mut poison = part(5, 1, session(5, 2), 0, 1);
    poison.events[0].data = "{".to_owned();
    // The second half meets a failure that is no fault of its content.
    let trigger = "CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
         CREATE TRIGGER disk_full BEFORE INSERT ON session_events FOR EACH ROW
             WHEN (NEW.shard = 6) EXECUTE FUNCTION disk_full()";
    fresh.hand().await.batch_execute(trigger).await.expect("trigger");
    own(&*fresh.journal, &[6]).await;
    let parts = vec![sent.clone(), poison, part(6, 1, session(6, 3), 0, 1)];
    // Whole: the bad JSON may or may not be met first; alone, the third part is refused by the disk.
    let outcome = fresh.journal.append(parts.clone()).await;
    match outcome {
        Err(AppendError::Unknown(back, _)) => assert_eq!(back, parts),
        Err(AppendError::Unavailable(back, _)) => {
            assert_eq!(back, parts);
            assert_eq!(versions(&*fresh.journal, table).await, [0; 0]);
            return;
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(raise_and_settle(&*fresh.journal, sent).await, [None]);
}

#[tokio::test]
async fn nothing_was_sent_when_there_is_no_connection() {
    let (fresh, _, sent) = owned().await;
    let later = another(&fresh.config).await;
    let name: String = {
        let row = fresh.hand().await.query_one("SELECT current_database()", &[]).await;
        row.expect("name").get(0)
    };
    let allow = async |allow: bool| {
        let elsewhere = super::fresh().await.hand().await;
        let sql = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {allow}");
        elsewhere.batch_execute(&sql).await.expect("alter");
    };
    allow(false).await;
    match later.append(vec![sent.clone()]).await {
        Err(AppendError::Unavailable(parts, _)) => assert_eq!(parts, vec![sent.clone()]),
        other => panic!("{other:?}"),
    }
    allow(true).await;
    assert_eq!(append(&*later, vec![sent]).await, [None]);
}
