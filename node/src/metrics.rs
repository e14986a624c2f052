//! What operators see of a node.

use std::time::Duration;

use gss_shared::ports::journal::PartRefusal;
use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry};

/// Handles of all metrics. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Events in the journal by this node.
    pub events: IntCounter,
    /// Append statements.
    pub statements: IntCounter,
    /// From handing a statement to the journal to its verdicts, seconds.
    pub statement_seconds: Histogram,
    /// Parts that were not taken, by reason.
    pub refusals: IntCounterVec,
    /// Appends settled by raising epochs.
    pub unknown_outcomes: IntCounter,
    /// Commits whose messages went over links.
    pub not_published: IntCounter,
    /// Shards in service.
    pub shards: IntGauge,
    /// Sessions in memory.
    pub sessions: IntGauge,
    /// Requests waiting in sessions.
    pub waiting: IntGauge,
    /// Activations that began.
    pub activations: IntCounter,
    /// Sessions that were quarantined.
    pub quarantined: IntCounter,
    /// Shards that another node took over while they were served here.
    pub fenced: IntCounter,
    /// Snapshots stored.
    pub snapshots: IntCounter,
    /// Open links from routers.
    pub links: IntGauge,
    /// By how much the journal's clock is ahead of this machine's.
    pub clock_offset_ms: IntGauge,
    /// Events read for the hub that it has not confirmed.
    pub hub_waiting: IntGauge,
    /// Messages the hub confirmed.
    pub hub_confirmed: IntCounter,
    /// Messages that were returned since nobody is bound.
    pub hub_unrouted: IntCounter,
    /// Events that the hub relay cannot read.
    pub hub_corrupt: IntCounter,
    /// Calls of other services, by call and outcome.
    pub hub_calls: IntCounterVec,
}

impl Metrics {
    /// Registers all.
    ///
    /// # Errors
    /// A name is registered already.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter = |name: &str, help: &str| -> Result<IntCounter, prometheus::Error> {
            let counter = IntCounter::new(format!("gss_node_{name}"), help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let gauge = |name: &str, help: &str| -> Result<IntGauge, prometheus::Error> {
            let gauge = IntGauge::new(format!("gss_node_{name}"), help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        let buckets = prometheus::exponential_buckets(0.000_5, 2.0, 14)?;
        let help = "From handing an append statement to the journal to its verdicts.";
        let options = HistogramOpts::new("gss_node_statement_seconds", help).buckets(buckets);
        let statement_seconds = Histogram::with_opts(options)?;
        registry.register(Box::new(statement_seconds.clone()))?;
        let options = Opts::new("gss_node_refusals_total", "Parts the journal did not take.");
        let refusals = IntCounterVec::new(options, &["reason"])?;
        registry.register(Box::new(refusals.clone()))?;
        let options = Opts::new("gss_node_hub_calls_total", "Calls of other services.");
        let hub_calls = IntCounterVec::new(options, &["call", "outcome"])?;
        registry.register(Box::new(hub_calls.clone()))?;
        Ok(Self {
            events: counter("events_total", "Events committed.")?,
            statements: counter("statements_total", "Append statements.")?,
            statement_seconds,
            refusals,
            unknown_outcomes: counter("unknown_outcomes_total", "Appends settled by a raise.")?,
            not_published: counter("not_published_total", "Commits told over links.")?,
            shards: gauge("shards", "Shards in service.")?,
            sessions: gauge("sessions", "Sessions in memory.")?,
            waiting: gauge("waiting", "Requests waiting in sessions.")?,
            activations: counter("activations_total", "Activations that began.")?,
            quarantined: counter("quarantined_total", "Sessions that were quarantined.")?,
            fenced: counter("fenced_total", "Shards lost to another node's epoch.")?,
            snapshots: counter("snapshots_total", "Snapshots stored.")?,
            links: gauge("links", "Open lanes from routers.")?,
            clock_offset_ms: gauge("clock_offset_ms", "The journal's clock less this machine's.")?,
            hub_waiting: gauge("hub_waiting", "Events read for the hub and not confirmed.")?,
            hub_confirmed: counter("hub_confirmed_total", "Messages the hub confirmed.")?,
            hub_unrouted: counter("hub_unrouted_total", "Messages nobody was bound for.")?,
            hub_corrupt: counter("hub_corrupt_total", "Events the hub relay cannot read.")?,
            hub_calls,
        })
    }

    /// One append statement is over.
    pub fn statement(&self, took: Duration) {
        self.statements.inc();
        self.statement_seconds.observe(took.as_secs_f64());
    }

    /// Events are in the journal.
    pub fn committed(&self, events: usize) {
        self.events.inc_by(u64::try_from(events).unwrap_or(u64::MAX));
    }

    /// A part was not taken.
    pub fn refused(&self, refusal: PartRefusal) {
        let reason = match refusal {
            PartRefusal::Fenced => "fenced",
            PartRefusal::Duplicate => "duplicate",
            PartRefusal::Diverged => "diverged",
            PartRefusal::Poison => "poison",
        };
        self.refusals.with_label_values(&[reason]).inc();
    }
}
