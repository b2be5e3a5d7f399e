//! Pictures of plans and customers as SVG. They use a few fixed colors, which a page can replace with its own.

use chrono::NaiveDate;
use maud::html;
use milepost_domain::customer::health::band::Band;
use milepost_domain::plan::curves::{DateTrend, SCurve, milestone_trend, s_curve};
use milepost_domain::plan::schedule::{Standing, Status};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::customer_health::day::Day;
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
const LABEL_WIDTH: u32 = 250;
/// Longest line of a label, in characters, so that it fits into the width.
const LABEL_CHARS: usize = 38;
/// Height of a line of a label, in pixels.
const LINE_HEIGHT: i32 = 12;

type Drawn = Result<(), Box<dyn std::error::Error>>;

/// Draws planned, earned and expected value over time, as of the end of `as_of`.
pub fn draw_s_curve(view: &PlanView, as_of: NaiveDate) -> Result<String, ApiError> {
    let as_of = as_of.min(finished_on(view, as_of).unwrap_or(as_of));
    let curve = s_curve(&view.facts, as_of);
    let last = [&curve.planned, &curve.earned, &curve.expected].into_iter().filter_map(|part| part.last());
    let last_on = last.map(|(on, _)| *on).max().unwrap_or(as_of).max(as_of);
    // Nothing is marked as today once everything is over.
    let today = (!curve.expected.is_empty()).then_some(as_of);
    let title = format!("{}: planned, earned and expected value", view.row.name);
    picture(&title, |svg| lay_out_s_curve(svg, &curve, (view.row.start_on, last_on), today))
}

fn lay_out_s_curve(
    svg: &mut String,
    curve: &SCurve,
    (from, to): (NaiveDate, NaiveDate),
    today: Option<NaiveDate>,
) -> Drawn {
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    root.fill(&PAPER)?;
    let percent: std::ops::Range<f64> = 0.0..105.0;
    let mut chart = ChartBuilder::on(&root)
        .margin(12)
        .margin_right(44)
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
        .x_labels(6)
        .y_labels(6)
        .x_label_formatter(&|on| day_label(*on, from, to))
        .y_label_formatter(&label)
        .draw()?;
    if let Some(today) = today.filter(|today| *today > from) {
        let line = [(today, 0.0), (today, 105.0)];
        chart.draw_series(DashedLineSeries::new(line, 3, 3, INK.stroke_width(1)))?;
        let (x, y) = chart.backend_coord(&(today, 4.0));
        let is_late = x > i32::try_from(SIZE.0)? - 120;
        let place = if is_late { HPos::Right } else { HPos::Left };
        let font = ("sans-serif", 12).into_font().color(&INK).pos(Pos::new(place, VPos::Bottom));
        root.draw(&Text::new(day_in_full(today), (if is_late { x - 5 } else { x + 5 }, y), font))?;
    }
    let legend = |colour: RGBColor| move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(3));
    chart
        .draw_series(LineSeries::new(curve.planned.iter().copied(), PLANNED.stroke_width(2)))?
        .label("planned")
        .legend(legend(PLANNED));
    chart
        .draw_series(LineSeries::new(curve.earned.iter().copied(), EARNED.stroke_width(3)))?
        .label("done")
        .legend(legend(EARNED));
    if !curve.expected.is_empty() {
        chart
            .draw_series(DashedLineSeries::new(curve.expected.iter().copied(), 6, 4, EXPECTED.stroke_width(2)))?
            .label("expected")
            .legend(legend(EXPECTED));
    }
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

/// Maximum number of milestones in a trend picture: more of them would be no picture but a list.
const MOST_LINES: usize = 60;

/// Draws the milestone trend: the date expected for each milestone, over the day on which it was expected. A level line
/// is a date that did not move. Lines of late milestones are dashed and have triangles. Of a large plan, the milestones
/// whose dates moved most are drawn.
pub fn draw_trend(view: &PlanView, as_of: NaiveDate) -> Result<String, ApiError> {
    let finished_on = finished_on(view, as_of);
    let as_of = as_of.min(finished_on.unwrap_or(as_of));
    let trends = milestone_trend(&view.facts, as_of);
    let standings = view.standings(as_of);
    let mut drawn: Vec<(usize, &DateTrend)> = trends.iter().enumerate().filter(|(_, line)| !line.is_empty()).collect();
    let all = drawn.len();
    drawn.sort_by_key(|(_, line)| std::cmp::Reverse(days_moved(line)));
    drawn.truncate(MOST_LINES);
    drawn.sort_by_key(|(position, _)| *position);
    let lines: Vec<TrendLine<'_>> = drawn
        .into_iter()
        .map(|(position, points)| TrendLine {
            label: wrapped(&view.labels[position].name),
            colour: colour_of(standings[position].status),
            is_late: standings[position].variance_days > 0,
            points,
        })
        .collect();
    let title = format!("{}: how the milestones' dates moved", view.row.name);
    let is_open = finished_on.is_none();
    let selection = (lines.len() < all).then(|| format!("the {MOST_LINES} of {all} milestones that moved most"));
    picture(&title, |svg| lay_out_trend(svg, &lines, (view.row.start_on, as_of), is_open, selection))
}

/// Number of days by which the date at the end of a line differs from that at its beginning.
fn days_moved(line: &DateTrend) -> i64 {
    let ends = line.first().zip(line.last());
    ends.map_or(0, |((_, first_on), (_, last_on))| (*last_on - *first_on).num_days().abs())
}

/// A milestone in the trend chart.
struct TrendLine<'a> {
    /// Lines of its name.
    label: Vec<String>,
    colour: RGBColor,
    is_late: bool,
    points: &'a DateTrend,
}

impl TrendLine<'_> {
    fn label_height(&self) -> i32 {
        i32::try_from(self.label.len()).unwrap_or(i32::MAX).saturating_mul(LINE_HEIGHT).saturating_add(3)
    }
}

/// Returns the day on which the last milestone of a plan was closed, if none is open.
fn finished_on(view: &PlanView, as_of: NaiveDate) -> Option<NaiveDate> {
    if view.standings(as_of).iter().any(Standing::is_open) {
        return None;
    }
    view.facts.milestones.iter().filter_map(|one| one.closed_on).max()
}

/// Returns a name in lines that fit beside the picture; a word that is too long for one is broken.
fn wrapped(name: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in name.split_whitespace() {
        let parts: Vec<char> = word.chars().collect();
        for part in parts.chunks(LABEL_CHARS) {
            let part: String = part.iter().collect();
            let is_room = |line: &String| line.chars().count() + part.chars().count() < LABEL_CHARS;
            match lines.last_mut().filter(|line| line.is_empty() || is_room(line)) {
                Some(line) if line.is_empty() => *line = part,
                Some(line) => line.extend([" ", &part]),
                None => lines.push(part),
            }
        }
    }
    lines
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
    lines: &[TrendLine<'_>],
    (start_on, as_of): (NaiveDate, NaiveDate),
    is_open: bool,
    selection: Option<String>,
) -> Drawn {
    let expected = || lines.iter().flat_map(|line| line.points.iter().map(|(_, on)| *on));
    let until = as_of.max(start_on + chrono::Days::new(1));
    let (lowest, highest) = (expected().min().unwrap_or(start_on).min(start_on), expected().max().unwrap_or(until));
    let highest = highest.max(lowest + chrono::Days::new(1));
    // High enough for every label.
    let labels_height: i32 = lines.iter().map(TrendLine::label_height).sum();
    let height = SIZE.1.max(u32::try_from(labels_height)? + 56);
    let root = SVGBackend::with_string(svg, (SIZE.0, height)).into_drawing_area();
    root.fill(&PAPER)?;
    let mut chart = ChartBuilder::on(&root)
        .margin(12)
        .margin_right(LABEL_WIDTH)
        .x_label_area_size(28)
        .y_label_area_size(84)
        .build_cartesian_2d(start_on..until, lowest..highest)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(PAPER)
        .bold_line_style(GRID)
        .axis_style(INK)
        .label_style(("sans-serif", 12).into_font().color(&INK))
        .x_labels(5)
        .y_labels(8)
        // The years stand at the other axis, and the names of milestones beside this one.
        .x_label_formatter(&|on| on.format("%-d %b").to_string())
        .y_label_formatter(&|on| day_label(*on, lowest, highest))
        .draw()?;
    // A milestone whose expected date is the day itself lies on this line, so the line of every achieved milestone ends
    // on it.
    let met = [(lowest.max(start_on), lowest.max(start_on)), (until.min(highest), until.min(highest))];
    chart.draw_series(DashedLineSeries::new(met, 3, 3, INK.stroke_width(1)))?;
    let third_on = met[0].0 + (met[1].0 - met[0].0) / 3;
    let (x, y) = chart.backend_coord(&(third_on, third_on));
    let font = ("sans-serif", 11).into_font().color(&INK).pos(Pos::new(HPos::Left, VPos::Top));
    let text = if is_open { format!("the day itself, to {}", day_in_full(as_of)) } else { "the day itself".to_owned() };
    root.draw(&Text::new(text, (x + 6, y + 2), font))?;
    if let Some(selection) = selection {
        root.draw(&Text::new(selection, (76, 0), ("sans-serif", 11).into_font().color(&INK)))?;
    }
    let mut labels: Vec<(i32, &TrendLine<'_>)> = vec![];
    for line in lines {
        let (points, colour) = (line.points.iter().copied(), line.colour);
        if line.is_late {
            chart.draw_series(DashedLineSeries::new(points, 7, 4, colour.stroke_width(2)))?;
            chart.draw_series(line.points.iter().map(|point| TriangleMarker::new(*point, 5, colour.filled())))?;
        } else {
            chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
            chart.draw_series(line.points.iter().map(|point| Circle::new(*point, 3, colour.filled())))?;
        }
        labels.extend(line.points.last().map(|last| (chart.backend_coord(last).1, line)));
    }
    labels.sort_by(|(y, line), (other_y, other)| (y, &line.label).cmp(&(other_y, &other.label)));
    let right = i32::try_from(SIZE.0 - LABEL_WIDTH)? + 8;
    // Labels below leave as little room as they need, so that none is drawn outside the picture.
    let (mut free, mut below) = (2, labels_height);
    for (y, line) in labels {
        let lowest = i32::try_from(height)? - 4 - below;
        let top = (y - line.label_height() / 2).min(lowest).max(free);
        (free, below) = (top + line.label_height(), below - line.label_height());
        for (place, text) in (0..).zip(&line.label) {
            let font = ("sans-serif", 11).into_font().color(&line.colour);
            root.draw(&Text::new(text.clone(), (right, top + place * LINE_HEIGHT), font))?;
        }
    }
    root.present()?;
    Ok(())
}

/// Returns a date with its year, such as 4 May 2026.
pub fn day_in_full(on: NaiveDate) -> String {
    on.format("%-d %b %Y").to_string()
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

/// Returns the label of a day: the date for a short period, month and year for a long one. The year is always there, because a picture is
/// looked at for longer than it takes to make.
fn day_label(on: NaiveDate, from: NaiveDate, to: NaiveDate) -> String {
    let form = if (to - from).num_days() > 700 { "%b %Y" } else { "%-d %b %Y" };
    on.format(form).to_string()
}

/// Returns a picture with its title embedded for screen readers.
fn picture(title: &str, lay_out: impl FnOnce(&mut String) -> Drawn) -> Result<String, ApiError> {
    let mut svg = String::new();
    lay_out(&mut svg).map_err(ApiError::internal)?;
    let head = html! { title { (title) } }.into_string();
    Ok(svg.replacen("<svg ", "<svg role=\"img\" ", 1).replacen('>', &format!(">{head}"), 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_whole_in_lines_that_fit() {
        assert_eq!(wrapped("Pipeline runs"), ["Pipeline runs"]);
        assert_eq!(
            wrapped("A first model sets the floor that every later model has to beat"),
            ["A first model sets the floor that", "every later model has to beat"]
        );
        assert_eq!(wrapped(&"x".repeat(40)), ["x".repeat(38), "xx".to_owned()]);
    }
}
