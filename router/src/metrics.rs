//! What is counted behind the upgrade.

use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
};

/// Counters of connections, streams and routes.
pub struct Metrics {
    /// Open connections.
    pub connections: IntGauge,
    /// Links with both lanes open.
    pub links: IntGauge,
    /// Frames queued to clients.
    pub deliveries: IntCounter,
    /// Frames written per flush.
    pub frames_per_flush: Histogram,
    /// Commands sent to owners, by what became of them.
    pub commands: IntCounterVec,
    /// Seconds from a command's arrival to its answer.
    pub command_seconds: HistogramVec,
    /// Versions that arrived ahead of their predecessor.
    pub gaps: IntCounter,
    /// Fetches sent to owners.
    pub fetches: IntCounter,
    /// Streams that met another history.
    pub diverged: IntCounter,
    /// Commands sent again after a change of owner.
    pub resends: IntCounter,
    /// Connections closed by the router, by reason.
    pub closed: IntCounterVec,
    /// Attaches by result: resumed, fresh, refused.
    pub attaches: IntCounterVec,
}

impl Metrics {
    /// Registers them all.
    ///
    /// # Errors
    /// A name is taken.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter = |name: &str, help: &str| {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let by = |name: &str, help: &str, label: &str| {
            let counter = IntCounterVec::new(Opts::new(name, help), &[label])?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let frames = HistogramOpts::new("gss_router_frames_per_flush", "Frames per flush")
            .buckets(vec![1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0]);
        let frames_per_flush = Histogram::with_opts(frames)?;
        registry.register(Box::new(frames_per_flush.clone()))?;
        let seconds =
            HistogramOpts::new("gss_router_command_seconds", "From arrival of a command to answer")
                .buckets(vec![0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 3.0, 10.0]);
        let command_seconds = HistogramVec::new(seconds, &["outcome"])?;
        registry.register(Box::new(command_seconds.clone()))?;
        Ok(Self {
            connections: gauge("gss_router_connections", "Open client connections")?,
            links: gauge("gss_router_links", "Nodes with an open link")?,
            deliveries: counter("gss_router_deliveries_total", "Frames queued to clients")?,
            frames_per_flush,
            commands: by("gss_router_commands_total", "Commands by outcome", "outcome")?,
            command_seconds,
            gaps: counter("gss_router_gaps_total", "Versions ahead of their predecessor")?,
            fetches: counter("gss_router_fetches_total", "Fetches sent to owners")?,
            diverged: counter("gss_router_diverged_total", "Streams that met another history")?,
            resends: counter("gss_router_resends_total", "Commands sent to a new owner")?,
            closed: by("gss_router_closed_total", "Connections closed by the router", "reason")?,
            attaches: by("gss_router_attaches_total", "Attaches by result", "result")?,
        })
    }
}
