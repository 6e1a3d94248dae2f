//! Pictures of reports.

use std::path::Path;

use anyhow::anyhow;
use plotters::prelude::*;

use crate::report::Round;

const SIZE: (u32, u32) = (900, 480);

/// Latency of every request by percentile, one line for each server and scenario.
pub(crate) fn latencies(path: &Path, rounds: &[Round]) -> anyhow::Result<()> {
    let series: Vec<Line> = rounds
        .iter()
        .filter(|round| round.round == 0)
        .map(|round| Line {
            name: format!("{} {}", round.server, round.measured.scenario.name()),
            points: round.measured.curve.clone(),
        })
        .collect();
    let percent = |nines: &f64| format!("{}", ((1.0 - 10f64.powf(-nines)) * 1e6).round() / 1e4);
    draw(path, "Milliseconds of a request, by percentile", &series, true, &percent)
}

/// A named line of points.
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// Lines over a common axis; `log` makes the upright axis logarithmic.
pub(crate) fn draw(
    path: &Path,
    title: &str,
    lines: &[Line],
    log: bool,
    label: &dyn Fn(&f64) -> String,
) -> anyhow::Result<()> {
    let points = || lines.iter().flat_map(|line| &line.points);
    let right = points().map(|point| point.0).fold(f64::MIN_POSITIVE, f64::max);
    let top = points().map(|point| point.1).fold(f64::MIN_POSITIVE, f64::max) * 1.1;
    let bottom = points().map(|point| point.1).filter(|y| *y > 0.0).fold(top, f64::min) * 0.9;
    let canvas = SVGBackend::new(path, SIZE).into_drawing_area();
    let failed = |error: &dyn std::fmt::Display| anyhow!("the plot cannot be drawn: {error}");
    canvas.fill(&WHITE).map_err(|error| failed(&error))?;
    let mut builder = ChartBuilder::on(&canvas);
    builder.caption(title, ("sans-serif", 18)).margin(12).x_label_area_size(36).y_label_area_size(60);
    macro_rules! finish {
        ($chart:expr) => {{
            let mut chart = $chart.map_err(|error| failed(&error))?;
            chart.configure_mesh().x_label_formatter(label).draw().map_err(|error| failed(&error))?;
            for (number, line) in lines.iter().enumerate() {
                let colour = Palette99::pick(number).stroke_width(2);
                let series = LineSeries::new(line.points.iter().copied(), colour);
                chart
                    .draw_series(series)
                    .map_err(|error| failed(&error))?
                    .label(&line.name)
                    .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], colour));
            }
            let mut labels = chart.configure_series_labels();
            labels.position(SeriesLabelPosition::UpperLeft).background_style(WHITE.mix(0.8)).border_style(BLACK);
            labels.draw().map_err(|error| failed(&error))?;
        }};
    }
    if log {
        finish!(builder.build_cartesian_2d(0.0..right, (bottom..top).log_scale()));
    } else {
        finish!(builder.build_cartesian_2d(0.0..right, 0.0..top));
    }
    canvas.present().map_err(|error| failed(&error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_names_its_lines_on_either_axis() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("plot.svg");
        let lines = [
            Line { name: "login".to_owned(), points: vec![(0.0, 1.5), (3.0, 1.6)] },
            Line { name: "nothing yet".to_owned(), points: Vec::new() },
        ];
        for log in [true, false] {
            draw(&path, "Cost", &lines, log, &|x| format!("{x}")).expect("drawn");
            let text = std::fs::read_to_string(&path).expect("a file");
            assert!(text.starts_with("<svg") && text.contains("login") && text.contains("nothing yet"), "{text}");
        }
    }
}
