//! Pictures of plans and customers as SVG. They use a few fixed colors, which a page can replace with its own.

use chrono::NaiveDate;
use maud::html;
use milepost_domain::customer::health::band::Band;
use milepost_domain::plan::curves::{DateTrend, SCurve, milestone_trend, s_curve};
use milepost_domain::plan::schedule::Status;
use plotters::prelude::*;

use crate::customer_health::observed::Day;
use crate::error::ApiError;
use crate::read_model::PlanView;

/// The media type of a picture.
pub const MEDIA_TYPE: &str = "image/svg+xml";

const SIZE: (u32, u32) = (760, 380);
const PAPER: RGBColor = RGBColor(255, 255, 255);
const INK: RGBColor = RGBColor(31, 41, 55);
const GRID: RGBColor = RGBColor(229, 231, 235);
const PLANNED: RGBColor = RGBColor(37, 99, 235);
const EARNED: RGBColor = RGBColor(21, 128, 61);
const EXPECTED: RGBColor = RGBColor(194, 65, 12);
const LATE: RGBColor = RGBColor(185, 28, 28);
/// Width of the labels beside the lines, in pixels.
const LABEL_WIDTH: u32 = 150;
/// Minimum distance between two labels, in pixels.
const LABEL_HEIGHT: i32 = 13;

type Drawn = Result<(), Box<dyn std::error::Error>>;

/// Draws planned, earned and expected value over time, as of the end of `as_of`.
pub fn draw_s_curve(view: &PlanView, as_of: NaiveDate) -> Result<String, ApiError> {
    let curve = s_curve(&view.facts, as_of);
    let last = [&curve.planned, &curve.earned, &curve.expected].into_iter().filter_map(|part| part.last());
    let last_on = last.map(|(on, _)| *on).max().unwrap_or(as_of).max(as_of);
    let title = format!("{}: planned, earned and expected value", view.row.name);
    picture(&title, |svg| lay_out_s_curve(svg, &curve, (view.row.start_on, last_on), as_of))
}

fn lay_out_s_curve(svg: &mut String, curve: &SCurve, (from, to): (NaiveDate, NaiveDate), as_of: NaiveDate) -> Drawn {
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    root.fill(&PAPER)?;
    let percent: std::ops::Range<f64> = 0.0..105.0;
    let mut chart = ChartBuilder::on(&root)
        .margin(12)
        .margin_right(24)
        .x_label_area_size(28)
        .y_label_area_size(44)
        .build_cartesian_2d(from..to.max(from + chrono::Days::new(1)), percent)?;
    let label = |value: &f64| format!("{value:.0} %");
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(PAPER)
        .bold_line_style(GRID)
        .axis_style(INK)
        .label_style(("sans-serif", 12).into_font().color(&INK))
        .x_labels(8)
        .y_labels(6)
        .x_label_formatter(&|on| day_label(*on, from, to))
        .y_label_formatter(&label)
        .draw()?;
    if as_of > from {
        let today = [(as_of, 0.0), (as_of, 105.0)];
        chart.draw_series(DashedLineSeries::new(today, 3, 3, INK.stroke_width(1)))?;
    }
    let legend = |colour: RGBColor| move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(3));
    chart
        .draw_series(LineSeries::new(curve.planned.iter().copied(), PLANNED.stroke_width(2)))?
        .label("planned")
        .legend(legend(PLANNED));
    chart
        .draw_series(LineSeries::new(curve.earned.iter().copied(), EARNED.stroke_width(3)))?
        .label("earned")
        .legend(legend(EARNED));
    chart
        .draw_series(DashedLineSeries::new(curve.expected.iter().copied(), 6, 4, EXPECTED.stroke_width(2)))?
        .label("expected")
        .legend(legend(EXPECTED));
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(PAPER)
        .border_style(GRID)
        .label_font(("sans-serif", 12).into_font().color(&INK))
        .draw()?;
    root.present()?;
    Ok(())
}

/// Draws the milestone trend: the date expected for each milestone, over the day on which it was expected. A level line
/// is a date that did not move.
pub fn draw_trend(view: &PlanView, as_of: NaiveDate) -> Result<String, ApiError> {
    let trends = milestone_trend(&view.facts, as_of);
    let standings = view.standings(as_of);
    let lines: Vec<(&str, RGBColor, &DateTrend)> = trends
        .iter()
        .enumerate()
        .filter(|(_, line)| !line.is_empty())
        .map(|(position, line)| (view.labels[position].key.as_ref(), colour_of(standings[position].status), line))
        .collect();
    let title = format!("{}: how the milestones' dates moved", view.row.name);
    picture(&title, |svg| lay_out_trend(svg, &lines, (view.row.start_on, as_of)))
}

const fn colour_of(status: Status) -> RGBColor {
    match status {
        Status::Achieved => EARNED,
        Status::OnTrack | Status::Waived | Status::Cancelled => PLANNED,
        Status::AtRisk => EXPECTED,
        Status::Delayed => LATE,
    }
}

fn lay_out_trend(
    svg: &mut String,
    lines: &[(&str, RGBColor, &DateTrend)],
    (start_on, as_of): (NaiveDate, NaiveDate),
) -> Drawn {
    let expected = || lines.iter().flat_map(|(_, _, line)| line.iter().map(|(_, on)| *on));
    let until = as_of.max(start_on + chrono::Days::new(1));
    let (lowest, highest) = (expected().min().unwrap_or(start_on).min(start_on), expected().max().unwrap_or(until));
    let highest = highest.max(lowest + chrono::Days::new(1));
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    root.fill(&PAPER)?;
    let mut chart = ChartBuilder::on(&root)
        .margin(12)
        .margin_right(LABEL_WIDTH)
        .x_label_area_size(28)
        .y_label_area_size(64)
        .build_cartesian_2d(start_on..until, lowest..highest)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(PAPER)
        .bold_line_style(GRID)
        .axis_style(INK)
        .label_style(("sans-serif", 12).into_font().color(&INK))
        .x_labels(6)
        .y_labels(8)
        .x_label_formatter(&|on| day_label(*on, start_on, until))
        .y_label_formatter(&|on| day_label(*on, lowest, highest))
        .draw()?;
    // A milestone whose expected date is the day itself lies on this line, so the line of every achieved milestone ends
    // on it.
    let met = [(lowest.max(start_on), lowest.max(start_on)), (until.min(highest), until.min(highest))];
    chart.draw_series(DashedLineSeries::new(met, 3, 3, INK.stroke_width(1)))?;
    let mut labels: Vec<(i32, i32, &str, RGBColor)> = vec![];
    for (key, colour, line) in lines {
        chart.draw_series(LineSeries::new(line.iter().copied(), colour.stroke_width(2)))?;
        chart.draw_series(line.iter().map(|point| Circle::new(*point, 3, colour.filled())))?;
        if let Some(last) = line.last() {
            let (x, y) = chart.backend_coord(last);
            labels.push((x, y, key, *colour));
        }
    }
    labels.sort_unstable_by_key(|(_, y, key, _)| (*y, *key));
    let right = i32::try_from(SIZE.0 - LABEL_WIDTH)? + 8;
    let mut free = 0;
    for (_, y, key, colour) in labels {
        let top = (y - LABEL_HEIGHT / 2).max(free);
        free = top + LABEL_HEIGHT;
        let text: String = key.chars().take(20).collect();
        root.draw(&Text::new(text, (right, top), ("sans-serif", 11).into_font().color(&colour)))?;
    }
    root.present()?;
    Ok(())
}

/// Draws a customer's daily health score over its bands. The line has gaps on days without a score.
pub fn draw_sparkline(name: &str, days: &[Day]) -> Result<String, ApiError> {
    let last = days.last().and_then(Day::score);
    let title = match last {
        Some(score) => format!("{name}: health {score:.0}"),
        None => format!("{name}: health unknown"),
    };
    picture(&title, |svg| lay_out_sparkline(svg, days))
}

fn lay_out_sparkline(svg: &mut String, days: &[Day]) -> Drawn {
    let root = SVGBackend::with_string(svg, (240, 60)).into_drawing_area();
    root.fill(&PAPER)?;
    let (Some(first), Some(last)) = (days.first(), days.last()) else { return Ok(()) };
    let until = last.on.max(first.on + chrono::Days::new(1));
    let mut chart = ChartBuilder::on(&root).margin(4).build_cartesian_2d(first.on..until, 0.0..100.0)?;
    let bounds = &last.model.content.bands;
    for bound in [bounds.healthy_from, bounds.at_risk_from] {
        chart.draw_series(DashedLineSeries::new([(first.on, bound), (until, bound)], 2, 3, GRID.stroke_width(1)))?;
    }
    for run in days.chunk_by(|a, b| a.score().is_some() == b.score().is_some()) {
        let points = run.iter().filter_map(|day| Some((day.on, day.score()?)));
        chart.draw_series(LineSeries::new(points, INK.stroke_width(1)))?;
    }
    if let Some(score) = last.score() {
        let colour = match last.band() {
            Band::Healthy => EARNED,
            Band::AtRisk => EXPECTED,
            Band::Critical => LATE,
            Band::Unknown => INK,
        };
        chart.draw_series([Circle::new((last.on, score), 3, colour.filled())])?;
    }
    root.present()?;
    Ok(())
}

/// Returns the label of a day: day and month for a short period, month and year for a long one.
fn day_label(on: NaiveDate, from: NaiveDate, to: NaiveDate) -> String {
    let form = if (to - from).num_days() > 700 { "%b %Y" } else { "%-d %b" };
    on.format(form).to_string()
}

/// Returns a picture with its title embedded for screen readers.
fn picture(title: &str, lay_out: impl FnOnce(&mut String) -> Drawn) -> Result<String, ApiError> {
    let mut svg = String::new();
    lay_out(&mut svg).map_err(ApiError::internal)?;
    let head = html! { title { (title) } }.into_string();
    Ok(svg.replacen("<svg ", "<svg role=\"img\" ", 1).replacen('>', &format!(">{head}"), 1))
}
