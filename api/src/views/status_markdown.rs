//! The status report as Markdown (CommonMark with tables), to paste into a message.

use std::fmt::Write;

use crate::resources::date_changes::DateChange;
use crate::resources::status_report::{ReportedMilestone, StatusReport};

/// Returns the report as Markdown text.
pub fn write(report: &StatusReport) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = lay_out(&mut text, report);
    text
}

fn lay_out(text: &mut String, report: &StatusReport) -> std::fmt::Result {
    writeln!(text, "# {}\n", plain(&report.plan_name))?;
    let customer = report.customer_name.as_deref().map(|name| format!(" for {}", plain(name))).unwrap_or_default();
    writeln!(
        text,
        "Status on {}{customer}: **{}**, {} of {} milestones completed.\n",
        report.as_of,
        in_words(report.status),
        report.achieved,
        report.in_scope
    )?;
    writeln!(text, "## Completed since {}\n", report.since_on)?;
    for one in &report.completed {
        let on = one.actual_on.map(|on| on.to_string()).unwrap_or_default();
        writeln!(text, "- **{}**, on {on}{}", plain(&one.name), against_plan(one.variance_days))?;
    }
    none_if(text, report.completed.is_empty())?;
    writeln!(text, "\n## At risk\n")?;
    for one in report.at_risk.iter().filter(|one| one.follows.is_none()) {
        let milestone = &one.milestone;
        let (name, status) = (plain(&milestone.name), in_words(milestone.status));
        write!(text, "- **{name}** ({status}): planned {}, expected {}", milestone.planned_on, milestone.forecast_on)?;
        if let Some(reason) = &one.reason {
            write!(text, ". {}", plain(reason))?;
        }
        if !one.holds_up.is_empty() {
            write!(text, " It holds up {}.", plain(&one.holds_up.join(", ")))?;
        }
        writeln!(text)?;
        for action in &one.recovery_actions {
            writeln!(text, "  - {}", plain(action))?;
        }
    }
    for one in report.at_risk.iter().filter(|one| one.follows.is_some()) {
        let (milestone, cause) = (&one.milestone, plain(one.follows.as_deref().unwrap_or_default()));
        let (name, planned_on, forecast_on) = (plain(&milestone.name), milestone.planned_on, milestone.forecast_on);
        writeln!(text, "- {name}: planned {planned_on}, expected {forecast_on}, because of {cause}")?;
    }
    none_if(text, report.at_risk.is_empty())?;
    writeln!(text, "\n## Dates that moved\n")?;
    for change in report.date_changes.iter().filter(|change| change.follows.is_none()) {
        let reason = change.reason.as_deref().map_or_else(|| "no reason was recorded".to_owned(), plain);
        let told = if change.communicated { "" } else { " (not yet communicated)" };
        writeln!(text, "- {}: {} → {}, {reason}{told}", plain(&change.name), change.from_on, change.to_on)?;
        for moved in following(&report.date_changes, change) {
            writeln!(text, "  - and so {}: {} → {}", plain(&moved.name), moved.from_on, moved.to_on)?;
        }
    }
    none_if(text, report.date_changes.is_empty())?;
    writeln!(text, "\n## The next two weeks\n")?;
    for one in &report.next_two_weeks {
        let owner = one.owner.as_deref().map(|owner| format!(", {}", plain(owner))).unwrap_or_default();
        writeln!(text, "- {}: {}{owner}", one.forecast_on, plain(&one.name))?;
    }
    none_if(text, report.next_two_weeks.is_empty())?;
    if let Some(value) = &report.earned_value {
        let percent = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.0} %"));
        let index = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"));
        let date = |on: Option<chrono::NaiveDate>| on.map_or_else(|| "–".to_owned(), |on| on.to_string());
        writeln!(text, "\n## Earned value\n\n| planned | earned | SPI | SPI(t) | planned finish | expected finish |")?;
        writeln!(text, "|---|---|---|---|---|---|")?;
        let (planned, earned) = (percent(value.planned_percent), percent(value.earned_percent));
        let (spi, spi_t) = (index(value.spi), index(value.spi_t));
        let (from, to) = (date(value.planned_finish_on), date(value.expected_finish_on));
        writeln!(text, "| {planned} | {earned} | {spi} | {spi_t} | {from} | {to} |")?;
    }
    writeln!(
        text,
        "\n## Milestones\n\n| milestone | planned | forecast | actual | status | owner | waits for | notes |"
    )?;
    writeln!(text, "|---|---|---|---|---|---|---|---|")?;
    for one in &report.milestones {
        table_row(text, one)?;
    }
    Ok(())
}

fn table_row(text: &mut String, one: &ReportedMilestone) -> std::fmt::Result {
    let actual = one.actual_on.map(|on| on.to_string()).unwrap_or_default();
    writeln!(
        text,
        "| {} | {} | {} | {actual} | {} | {} | {} | {} |",
        plain(&one.name),
        one.planned_on,
        one.forecast_on,
        in_words(one.status),
        plain(one.owner.as_deref().unwrap_or_default()),
        plain(&one.depends_on.join(", ")),
        plain(one.note.as_deref().unwrap_or_default()),
    )
}

fn none_if(text: &mut String, is_empty: bool) -> std::fmt::Result {
    if is_empty { writeln!(text, "None.") } else { Ok(()) }
}

/// Returns the changes in a list that were caused by one of them.
pub fn following<'a>(changes: &'a [DateChange], cause: &'a DateChange) -> impl Iterator<Item = &'a DateChange> {
    let follows =
        |one: &&DateChange| one.follows.as_deref() == Some(&cause.key) && one.recorded_on == cause.recorded_on;
    changes.iter().filter(follows)
}

/// Returns a status in words.
pub fn in_words(status: milepost_domain::plan::schedule::Status) -> String {
    status.to_string().replace('_', " ")
}

/// Returns the variance from the plan in words.
pub fn against_plan(variance_days: i64) -> String {
    match variance_days {
        0 => ", as planned".to_owned(),
        1 => ", a day late".to_owned(),
        -1 => ", a day early".to_owned(),
        late if late > 0 => format!(", {late} days late"),
        early => format!(", {} days early", -early),
    }
}

/// Returns a text without markup: on one line, with every character that has a meaning in Markdown escaped (CommonMark,
/// 2.4).
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\t' => plain.push(' '),
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '&' => plain.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '!' => plain.extend(['\\', character]),
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_markup() {
        for (text, expected) in [
            ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
            ("a | b\n# c", "a \\| b \\# c"),
            ("[x](javascript:y) *b* `c`", "\\[x\\](javascript:y) \\*b\\* \\`c\\`"),
            ("AT&T", "AT&amp;T"),
        ] {
            assert_eq!(plain(text), expected);
        }
    }
}
