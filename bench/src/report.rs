//! The table of a benchmark, and the same as JSON.

use std::path::Path;

use anyhow::Result;
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::cpu::Usage;
use crate::load::Outcome;

/// One run at one rate.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) rate: u64,
    pub(crate) outcome: Outcome,
    pub(crate) cpu: Usage,
}

/// All of `core`.
pub(crate) struct Core {
    pub(crate) tables: usize,
    pub(crate) players: usize,
    pub(crate) steady: Step,
    pub(crate) best: Option<Step>,
    pub(crate) steps: Vec<Step>,
    pub(crate) frames_per_second: f64,
    pub(crate) rows_per_second: f64,
}

/// Says how far it is.
pub(crate) fn progress(text: impl std::fmt::Display) {
    say(format!("· {text}"));
}

#[expect(clippy::print_stdout, reason = "the report of a command-line tool")]
pub(crate) fn say(text: impl std::fmt::Display) {
    println!("{text}");
}

fn ms(us: u64) -> String {
    format!("{:.1}", us as f64 / 1_000.0)
}

fn percentiles(histogram: &Histogram<u64>) -> String {
    let at = |q| ms(histogram.value_at_quantile(q));
    format!("p50 {} / p99 {} / p99.9 {} ms", at(0.5), at(0.99), at(0.999))
}

/// One run in a line.
pub(crate) fn line(step: &Step) -> String {
    let o = &step.outcome;
    let line = format!(
        "{}/s: last player {}; ack {}; {} of {} complete, {} refused",
        step.rate,
        percentiles(&o.last_receipt),
        percentiles(&o.ack),
        o.completed,
        o.sent,
        o.refused
    );
    if o.completed + o.refused >= o.sent {
        return line;
    }
    let short = o.incomplete.iter().map(|(update, got)| format!("update {update}: {got} players"));
    let short = short.collect::<Vec<_>>().join(", ");
    format!("{line}; {} acknowledged, {} sockets ended; {short}", o.acked, o.closed)
}

/// Prints the table and writes the JSON.
pub(crate) fn print(core: &Core, out: &Path) -> Result<()> {
    say(format!("\n{} tables × {} players, durable, open loop", core.tables, core.players));
    rows("a", &core.steady);
    match &core.best {
        Some(best) => {
            rows("b", best);
            let (commits, deliveries) = rates(best);
            say(format!(
                "(b) highest rate with p99 ≤ 50 ms: {commits:.0} commits/s, {deliveries:.0} deliveries/s"
            ));
        }
        None => say("(b) no rate held p99 ≤ 50 ms"),
    }
    let (commits, deliveries) = rates(core.best.as_ref().unwrap_or(&core.steady));
    say(format!(
        "(d) of the bare broadcaster's {:.0} frames/s: {:.1} %; of the bare statement's {:.0} rows/s: {:.1} %",
        core.frames_per_second,
        100.0 * deliveries / core.frames_per_second,
        core.rows_per_second,
        100.0 * commits / core.rows_per_second
    ));
    if let Some(parent) = out.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let json = json!({
        "tables": core.tables,
        "players": core.players,
        "steady": to_json(&core.steady),
        "best": core.best.as_ref().map(to_json),
        "steps": core.steps.iter().map(to_json).collect::<Vec<_>>(),
        "raw": {"frames_per_second": core.frames_per_second, "rows_per_second": core.rows_per_second},
    });
    std::fs::write(out, serde_json::to_string_pretty(&json)?)?;
    say(format!("written to {}; again with: cargo xtask bench core", out.display()));
    Ok(())
}

fn rates(step: &Step) -> (f64, f64) {
    let o = &step.outcome;
    (o.completed as f64 / o.seconds, o.deliveries as f64 / o.seconds)
}

fn rows(part: &str, step: &Step) {
    let o = &step.outcome;
    say(format!("({part}) {} updates/s", step.rate));
    say(format!("    send → last player   {}", percentiles(&o.last_receipt)));
    say(format!("    send → ack           {}", percentiles(&o.ack)));
    say(format!(
        "    decided → last player {} (includes the commit)",
        percentiles(&o.decided_to_last)
    ));
    say(format!("    (c) {}", cpu(step)));
}

/// What the processes of each kind used in one run.
pub(crate) fn cpu(step: &Step) -> String {
    let thousands = step.outcome.deliveries as f64 / 1_000.0;
    let share =
        |(kind, seconds): (&&str, &f64)| format!("{kind} {:.4}", seconds / thousands.max(0.001));
    let shares: Vec<String> = step.cpu.iter().map(share).collect();
    format!("CPU seconds per 1,000 deliveries: {}", shares.join(", "))
}

fn to_json(step: &Step) -> Value {
    let o = &step.outcome;
    let quantiles = |h: &Histogram<u64>| {
        json!({
            "p50_us": h.value_at_quantile(0.5), "p99_us": h.value_at_quantile(0.99),
            "p999_us": h.value_at_quantile(0.999), "max_us": h.max(),
        })
    };
    json!({
        "rate": step.rate, "sent": o.sent, "acked": o.acked, "refused": o.refused,
        "completed": o.completed, "deliveries": o.deliveries, "seconds": o.seconds,
        "sockets_ended": o.closed, "incomplete": o.incomplete,
        "send_to_last_player": quantiles(&o.last_receipt), "send_to_ack": quantiles(&o.ack),
        "decided_to_last_player": quantiles(&o.decided_to_last), "cpu_seconds": step.cpu,
    })
}
