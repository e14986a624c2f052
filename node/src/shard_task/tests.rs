//! A shard's task, without the tasks around it.

use gss_shared::ids::{EventId, Incarnation, ShardCount, Version};
use gss_shared::ports::fanout::LocalFanout;
use gss_shared::ports::journal::{Address, Journal, JournalConfig, StoredEvent, migrations, open};
use gss_shared::time::Timestamp;
use uuid::Uuid;

use super::*;
use crate::characters::CharacterService;
use crate::fan_out::fan_out;
use crate::journal_writer::{EpochKeeper, WriterPorts, writer};
use crate::limits::WRITER_QUEUE;
use crate::relay_wake::RelayWake;

struct Nobody;

impl EpochKeeper for Nobody {
    fn journal_ok(&self) {}

    fn raised(&self, _: &[(ShardId, Epoch, Epoch)]) {}
}

/// Tools whose writer does not write.
pub(crate) struct Still {
    pub(crate) tools: ShardTools,
    _writer: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>,
    _folder: tempfile::TempDir,
}

impl Still {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let url = format!("sqlite:{}", folder.path().join("journal.db").display());
        let address = Address::from(url.as_str());
        migrations::up(&address).await.expect("tables");
        let clock = Clock::virtual_from(Timestamp(1_800_000_000_000));
        let config = JournalConfig::new(address, ShardCount(1));
        let journal: Arc<dyn Journal> = open(&config, &clock).await.expect("journal").journal;
        let metrics = Metrics::register(&prometheus::Registry::new()).expect("metrics");
        let stop = CancellationToken::new();
        let fanout = Arc::new(LocalFanout::new());
        let (fan_out, _not_published) = fan_out(fanout, metrics.clone(), stop.clone());
        let ports = WriterPorts {
            journal: Arc::clone(&journal),
            node: "n".parse().expect("id"),
            incarnation: Incarnation(1),
            keeper: Arc::new(Nobody),
            fan_out,
            relay: Arc::new(RelayWake::new(ShardCount(1))),
            clock: clock.clone(),
            metrics: metrics.clone(),
        };
        let (writer, run) = writer(ports, stop.clone());
        let tools = ShardTools {
            writer,
            loader: Arc::new(Loader::new(journal, ShardCount(1), metrics.clone())),
            characters: Arc::new(CharacterService::new(None, metrics.clone())),
            checks: mpsc::channel(1).0,
            clock,
            metrics,
            full: watch::channel(false).1,
            budget: Duration::from_secs(10),
            ended: mpsc::channel(1).0,
            hot: None,
            jobs: TaskTracker::new(),
            stop,
        };
        Self { tools, _writer: Box::pin(run), _folder: folder }
    }
}

fn part() -> Part {
    let event = StoredEvent {
        version: Version(1),
        id: EventId(Uuid::from_u128(1)),
        action: None,
        actor: None,
        event_type: "state_update",
        data: "{}".to_owned(),
        audience: String::new(),
        at: Timestamp(0),
    };
    Part {
        shard: ShardId(0),
        epoch: Epoch(1),
        session: SessionId(Uuid::from_u128(7)),
        after: Version::ZERO,
        events: vec![event],
        head: None,
        messages: Vec::new(),
    }
}

/// How many submissions reach the writer when something happens while it has no room.
async fn handed_in(happens: impl FnOnce(&mut ShardTask, &ShardHandle)) -> usize {
    let still = Still::new().await;
    let (mut task, handle) = prepare(ShardId(0), Epoch(1), mpsc::channel(1), &still.tools);
    task.outstanding = SHARD_IN_FLIGHT;
    task.carry_out(&mut vec![Effect::Submit(Box::new(part()))]);
    task.flush();
    happens(&mut task, &handle);
    task.outstanding = 0;
    task.flush();
    WRITER_QUEUE - still.tools.writer.queue().capacity()
}

#[tokio::test]
async fn what_waits_for_the_writer_is_not_appended_once_the_shard_is_anothers() {
    assert_eq!(handed_in(|_, _| ()).await, 1);
    let fenced = |task: &mut ShardTask, _: &ShardHandle| {
        task.carry_out(&mut vec![Effect::Fenced]);
    };
    assert_eq!(handed_in(fenced).await, 0);
    let dropped = |task: &mut ShardTask, handle: &ShardHandle| {
        handle.dropped.send_replace(Some(None));
        task.handle(Woken::Dropped, &mut Vec::new());
    };
    assert_eq!(handed_in(dropped).await, 0);
}
