//! Logs and metrics of a process.

use prometheus::{Encoder as _, IntGauge, Opts, Registry, TextEncoder};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{LogFormat, LogSection};
use crate::ids::ProcessId;

/// Why logs cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `log.filter` does not parse.
    #[error("log.filter is wrong")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// Something else has taken the process's logs.
    #[error("logs were set up before")]
    Taken(#[from] tracing_subscriber::util::TryInitError),
}

/// Sends this process's logs to standard error. Call it once, in `main`.
///
/// # Errors
/// [`TelemetryError`].
pub fn init(section: &LogSection) -> Result<(), TelemetryError> {
    let filter: Targets = section.filter.parse()?;
    // lapin warns of every unrouted message, body and all, and calls a broker that goes away an
    // error; the hub adapter counts the ones and logs the other.
    let filter = filter.with_target("lapin", tracing::level_filters::LevelFilter::OFF);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match section.format {
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
        LogFormat::Text => lines.with_ansi(false).boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(filter)).try_init()?;
    Ok(())
}

/// A registry whose metrics all carry `process`, with `gss_build_info{version}` = 1 in it.
///
/// # Panics
/// Never: the names are valid and new.
pub fn registry(process: &ProcessId) -> Registry {
    let labels = [("process".to_owned(), process.to_string())].into();
    let registry = Registry::new_custom(None, Some(labels)).expect("no prefix to be wrong");
    let build = Opts::new("gss_build_info", "1; the label says which version runs")
        .const_label("version", env!("CARGO_PKG_VERSION"));
    let build = IntGauge::with_opts(build).expect("a valid name");
    build.set(1);
    registry.register(Box::new(build)).expect("the first metric");
    registry
}

/// The metrics in Prometheus' text format.
///
/// # Errors
/// A metric is inconsistent.
pub fn text(registry: &Registry) -> Result<String, prometheus::Error> {
    let mut buffer = Vec::new();
    TextEncoder::new().encode(&registry.gather(), &mut buffer)?;
    String::from_utf8(buffer).map_err(|error| prometheus::Error::Msg(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_names_process_and_version() {
        let registry = registry(&"node-1".parse().expect("name"));
        let expected = format!(
            "# HELP gss_build_info 1; the label says which version runs\n\
             # TYPE gss_build_info gauge\n\
             gss_build_info{{version=\"{}\",process=\"node-1\"}} 1\n",
            env!("CARGO_PKG_VERSION"),
        );
        assert_eq!(text(&registry).expect("text"), expected);
    }
}
