//! The picture of a scenario: faults as bars, throughput, and the longest wait of each second.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::{
    AreaSeries, BLACK, ChartBuilder, Color as _, IntoDrawingArea as _, LineSeries, RED, RGBColor,
    Rectangle, SVGBackend, WHITE,
};

use crate::report::Report;

/// Pixels.
const SIZE: (u32, u32) = (1_200, 420);
const THROUGHPUT: RGBColor = RGBColor(70, 120, 180);
/// Waits are drawn on a logarithmic scale of milliseconds from here.
const LEAST_MS: f64 = 1.0;

/// Draws it to a file.
pub(crate) fn draw(file: &Path, report: &Report) -> Result<()> {
    plot(file, report).map_err(|error| anyhow!("{}: {error}", file.display()))
}

fn plot(file: &Path, report: &Report) -> Result<(), Box<dyn std::error::Error>> {
    let mut rates = Vec::new();
    let mut waits = Vec::new();
    for round in &report.rounds {
        for (second, (count, longest)) in round.timeline.iter().enumerate() {
            let at = round.began_s + second as f64;
            rates.push((at, *count as f64));
            waits.push((at, longest.max(LEAST_MS).log10()));
        }
        // Nothing is measured between two rounds.
        let end = round.began_s + round.timeline.len() as f64;
        rates.push((end, 0.0));
        waits.push((end, 0.0));
    }
    let start = report.rounds.first().map_or(0.0, |round| round.began_s);
    let end = rates.last().map_or(1.0, |(at, _)| *at).max(start + 1.0);
    let most = rates.iter().map(|(_, rate)| *rate).fold(1.0, f64::max) * 1.1;
    let root = SVGBackend::new(file, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let title = format!("{}: commands/s (area), longest wait in ms (line, log)", report.scenario);
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 18))
        .margin(8)
        .x_label_area_size(30)
        .y_label_area_size(55)
        .right_y_label_area_size(55)
        .build_cartesian_2d(start..end, 0.0..most)?
        .set_secondary_coord(start..end, 0.0..5.0);
    chart.configure_mesh().disable_mesh().x_desc("seconds").y_desc("commands/s").draw()?;
    let power = |exponent: &f64| format!("{:.0}", 10_f64.powf(*exponent));
    chart.configure_secondary_axes().y_labels(6).y_label_formatter(&power).y_desc("ms").draw()?;
    let faults = report.rounds.iter().flat_map(|round| &round.faults);
    chart.draw_series(faults.map(|fault| {
        let corners = [(fault.began_s, 0.0), (fault.healed_s.max(fault.began_s + 0.3), most)];
        Rectangle::new(corners, RED.mix(0.15).filled())
    }))?;
    chart.draw_series(AreaSeries::new(rates, 0.0, THROUGHPUT.mix(0.3)).border_style(THROUGHPUT))?;
    chart.draw_secondary_series(LineSeries::new(waits, BLACK))?;
    root.present()?;
    Ok(())
}
