//! Metrics of the public port.

use std::time::Duration;

use hyper::{Method, StatusCode};
use prometheus::{
    HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
};

/// Seconds: from a cached read to the command budget.
const LATENCY_BUCKETS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Counters of HTTP calls, upgrades and connections.
#[derive(Clone)]
pub(crate) struct HttpMetrics {
    requests: IntCounterVec,
    latency: HistogramVec,
    upgrades: IntCounterVec,
    pub(crate) connections: IntGauge,
    pub(crate) turned_away: IntCounter,
    pub(crate) handshakes_failed: IntCounter,
}

impl HttpMetrics {
    /// Registered in `registry`.
    ///
    /// # Errors
    /// When they are registered there already.
    pub(crate) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            requests: IntCounterVec::new(
                Opts::new("gss_http_requests_total", "HTTP calls by route, method and status"),
                &["route", "method", "status"],
            )?,
            latency: HistogramVec::new(
                HistogramOpts::new("gss_http_request_seconds", "Time to answer an HTTP call")
                    .buckets(LATENCY_BUCKETS.to_vec()),
                &["route"],
            )?,
            upgrades: IntCounterVec::new(
                Opts::new("gss_upgrades_total", "WebSocket upgrades by outcome"),
                &["outcome"],
            )?,
            connections: IntGauge::new("gss_tcp_connections", "Open connections of clients")?,
            turned_away: IntCounter::new(
                "gss_tcp_turned_away_total",
                "Connections closed because the router holds as many as it may",
            )?,
            handshakes_failed: IntCounter::new(
                "gss_tls_handshakes_failed_total",
                "TLS handshakes that failed or took too long",
            )?,
        };
        registry.register(Box::new(metrics.requests.clone()))?;
        registry.register(Box::new(metrics.latency.clone()))?;
        registry.register(Box::new(metrics.upgrades.clone()))?;
        registry.register(Box::new(metrics.connections.clone()))?;
        registry.register(Box::new(metrics.turned_away.clone()))?;
        registry.register(Box::new(metrics.handshakes_failed.clone()))?;
        Ok(metrics)
    }

    /// One call was answered. `route` is a template, so that labels stay few.
    pub(crate) fn answered(
        &self,
        route: &str,
        method: &Method,
        status: StatusCode,
        took: Duration,
    ) {
        let method = match *method {
            Method::GET
            | Method::HEAD
            | Method::POST
            | Method::PUT
            | Method::PATCH
            | Method::DELETE => method.as_str(),
            _ => "other",
        };
        self.requests.with_label_values(&[route, method, status.as_str()]).inc();
        self.latency.with_label_values(&[route]).observe(took.as_secs_f64());
    }

    /// One upgrade ended: `upgraded`, or the code of its refusal.
    pub(crate) fn upgrade(&self, outcome: &str) {
        self.upgrades.with_label_values(&[outcome]).inc();
    }
}
