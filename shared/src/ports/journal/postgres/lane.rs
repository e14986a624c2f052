//! The one connection that writes the journal: appends and raises, one at a time.
//!
//! Keeps S1 and S2: every statement is autocommit, none is ever cancelled, and a statement whose
//! outcome is unknown takes the connection with it, so that nothing is sent after it on the same
//! road. Knows nothing of what the statements say.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use rand::Rng as _;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Connection, Row, Socket, Statement};

use super::failure::{Failure, TimedOut, Warned, classify};
use super::server::{Server, Stream};
use super::warnings::Warnings;

/// Without changed heads: the rule, and a third cheaper to start.
pub(super) const APPEND: &str = concat!(
    include_str!("../sql/postgres/append.sql"),
    include_str!("../sql/postgres/append_refusals.sql")
);
pub(super) const APPEND_HEADS: &str = concat!(
    include_str!("../sql/postgres/append.sql"),
    include_str!("../sql/postgres/append_heads.sql"),
    include_str!("../sql/postgres/append_refusals.sql")
);
const RAISE: &str = include_str!("../sql/postgres/raise.sql");
const RAISE_ABOVE: &str = include_str!("../sql/postgres/raise_above.sql");

/// Settings of the lane's session. A commit waits for the disk (and the standby); a lock is waited
/// for one second; nothing cancels a statement.
///
/// Plans are made once, perhaps when the journal is empty, and must be right when it is large: with
/// scans of tables and sorts disabled, every look-up of `append.sql` has but one index that serves it.
pub(super) const SETTINGS: &str = "-c synchronous_commit=on -c lock_timeout=1000 \
     -c statement_timeout=0 -c idle_session_timeout=0 -c jit=off \
     -c default_transaction_isolation=read\\ committed -c default_transaction_read_only=off \
     -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_bitmapscan=off \
     -c enable_sort=off";

/// First pause after a connection could not be made; doubles up to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
/// Longest pause between tries to connect.
const LAST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause before a statement that lost to another is repeated.
const RETRY_PAUSE: Duration = Duration::from_millis(20);
/// Which statement to run.
#[derive(Clone, Copy, Debug)]
pub(super) enum Script {
    Append,
    /// As `Append`, with the heads of sessions.
    AppendHeads,
    Raise,
    RaiseAbove,
}

pub(super) struct Lane {
    server: Server,
    timeout: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    link: Option<Link>,
    pause: Duration,
    not_before: Option<Instant>,
}

struct Link {
    client: Client,
    append: Statement,
    append_heads: Statement,
    raise: Statement,
    raise_above: Statement,
    warnings: Arc<Warnings>,
    driver: JoinHandle<()>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Lane {
    /// Connects at the first statement.
    pub(super) fn new(mut server: Server, timeout: Duration) -> Self {
        let own = server.config.get_options().unwrap_or_default().to_owned();
        server.config.options(format!("{own} {SETTINGS}"));
        Self { server, timeout, state: Mutex::default() }
    }

    /// Runs one statement, again while it only lost to others, for at most the lane's timeout.
    pub(super) async fn run_patiently(
        &self,
        script: Script,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Failure> {
        let deadline = Instant::now() + self.timeout;
        loop {
            match self.run(script, parameters).await {
                Err(Failure::Retry(error)) if Instant::now() < deadline => {
                    tracing::debug!(%error, ?script, "journal statement repeated");
                    sleep(part_of(RETRY_PAUSE)).await;
                }
                Err(Failure::Retry(error)) => return Err(Failure::Unavailable(error)),
                outcome => return outcome,
            }
        }
    }

    /// Runs one statement, when those before it are through.
    async fn run(
        &self,
        script: Script,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Failure> {
        let mut state = self.state.lock().await;
        let link = self.link(&mut state).await?;
        link.warnings.clear();
        let query = link.client.query(link.statement(script), parameters);
        let failure = match timeout(self.timeout, query).await {
            Ok(Ok(rows)) => match link.warnings.first() {
                None => return Ok(rows),
                Some(warning) => Failure::Unknown(Warned(warning).into()),
            },
            Ok(Err(error)) => classify(error),
            Err(_) => Failure::Unknown(TimedOut(self.timeout).into()),
        };
        if matches!(failure, Failure::Unknown(_) | Failure::Unavailable(_)) {
            state.link = None;
        }
        Err(failure)
    }

    /// The open connection, or a new one.
    async fn link<'s>(&self, state: &'s mut State) -> Result<&'s mut Link, Failure> {
        if state.link.as_ref().is_some_and(|link| link.client.is_closed()) {
            state.link = None;
        }
        if state.link.is_none() {
            state.link = Some(self.reconnect(state).await?);
        }
        state.link.as_mut().ok_or_else(|| Failure::Unavailable("not connected".into()))
    }

    async fn reconnect(&self, state: &mut State) -> Result<Link, Failure> {
        if let Some(not_before) = state.not_before {
            sleep_until(not_before).await;
        }
        match timeout(self.timeout, Link::connect(&self.server)).await {
            Ok(Ok(link)) => {
                state.pause = Duration::ZERO;
                state.not_before = None;
                Ok(link)
            }
            outcome => {
                state.pause = (state.pause * 2).clamp(FIRST_PAUSE, LAST_PAUSE);
                state.not_before = Some(Instant::now() + part_of(state.pause));
                Err(Failure::Unavailable(match outcome {
                    Ok(Err(error)) => error.into(),
                    _ => TimedOut(self.timeout).into(),
                }))
            }
        }
    }
}

/// Half to all of a pause, so that processes do not come in step.
fn part_of(pause: Duration) -> Duration {
    pause.mul_f64(rand::rng().random_range(0.5..1.0))
}

impl Link {
    async fn connect(server: &Server) -> Result<Self, tokio_postgres::Error> {
        let (client, connection) = server.connect().await?;
        let warnings = Arc::new(Warnings::default());
        let driver = tokio::spawn(drive(connection, warnings.clone()));
        let prepared = async {
            Ok((
                client.prepare(APPEND).await?,
                client.prepare(APPEND_HEADS).await?,
                client.prepare(RAISE).await?,
                client.prepare(RAISE_ABOVE).await?,
            ))
        };
        match prepared.await {
            Ok((append, append_heads, raise, raise_above)) => {
                Ok(Self { client, append, append_heads, raise, raise_above, warnings, driver })
            }
            Err(error) => {
                driver.abort();
                Err(error)
            }
        }
    }

    fn statement(&self, script: Script) -> &Statement {
        match script {
            Script::Append => &self.append,
            Script::AppendHeads => &self.append_heads,
            Script::Raise => &self.raise,
            Script::RaiseAbove => &self.raise_above,
        }
    }
}

/// Moves bytes until the connection ends. Notices come before the end of the statement they belong
/// to, and are noted before that end is handed on.
async fn drive(mut connection: Connection<Socket, Stream>, warnings: Arc<Warnings>) {
    while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
        match message {
            Ok(AsyncMessage::Notice(notice)) => warnings.note(&notice),
            Ok(_) => {}
            Err(error) => {
                tracing::info!(%error, "journal connection ended");
                return;
            }
        }
    }
}
