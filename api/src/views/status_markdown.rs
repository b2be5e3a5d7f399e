//! The status report as Markdown (CommonMark with tables), to paste into a message.

use std::fmt::Write;

use crate::resources::date_changes::DateChange;
use crate::resources::status_report::value::against_plan;
use crate::resources::status_report::{NamedMilestone, ReportedMilestone, StatusReport};

/// Returns the report as Markdown text.
pub fn write(report: &StatusReport) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = lay_out(&mut text, report);
    text
}

fn lay_out(text: &mut String, report: &StatusReport) -> std::fmt::Result {
    head(text, report)?;
    sections(text, report)
}

fn head(text: &mut String, report: &StatusReport) -> std::fmt::Result {
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
    if let Some(since) = report.on_hold_since {
        writeln!(text, "The plan has been on hold since {since}. Its dates stand still until it is resumed.\n")?;
    }
    for sentence in &report.summary {
        writeln!(text, "{}\n", plain(sentence))?;
    }
    Ok(())
}

fn sections(text: &mut String, report: &StatusReport) -> std::fmt::Result {
    writeln!(text, "## Completed since {}\n", report.since_on)?;
    for one in &report.completed {
        let on = one.actual_on.map(|on| on.to_string()).unwrap_or_default();
        writeln!(text, "- **{}**, on {on}{}", plain(&one.name), against_plan(one.variance_days))?;
    }
    none_if(text, report.completed.is_empty())?;
    writeln!(text, "\n## At risk\n")?;
    for one in &report.at_risk {
        let milestone = &one.milestone;
        let (name, status) = (plain(&milestone.name), in_words(milestone.status));
        write!(text, "- **{name}** ({status}): planned {}, expected {}", milestone.planned_on, milestone.forecast_on)?;
        if let Some(reason) = &one.reason {
            write!(text, ". {}", plain(reason))?;
        }
        writeln!(text)?;
        for action in &one.recovery_actions {
            writeln!(text, "  - {}", plain(action))?;
        }
        for late in &one.knock_ons {
            let (name, planned_on, forecast_on) = (plain(&late.name), late.planned_on, late.forecast_on);
            writeln!(text, "  - and so {name}: planned {planned_on}, expected {forecast_on}")?;
        }
    }
    none_if(text, report.at_risk.is_empty())?;
    writeln!(text, "\n## Dates that moved\n")?;
    for change in report.date_changes.iter().filter(|change| change.follows.is_none()) {
        let reason = change.reason.as_deref().map_or_else(|| "no reason was recorded".to_owned(), plain);
        let told = match change.communicated_at {
            Some(at) => format!(" (made known {})", at.date_naive()),
            None => " (not yet communicated)".to_owned(),
        };
        writeln!(text, "- {}: {} → {}, {reason}{told}", plain(&change.name), change.from_on, change.to_on)?;
        for moved in following(&report.date_changes, change) {
            writeln!(text, "  - and so {}: {} → {}", plain(&moved.name), moved.from_on, moved.to_on)?;
        }
    }
    none_if(text, report.date_changes.is_empty())?;
    if !report.corrections.is_empty() {
        writeln!(text, "\n## Corrected\n")?;
    }
    for one in &report.corrections {
        write!(text, "- {}:", plain(&one.milestone.name))?;
        let dates =
            [("started", one.started_from_on, one.started_to_on), ("done", one.actual_from_on, one.actual_to_on)];
        for (what, from, to) in dates.into_iter().filter_map(|(what, from, to)| Some((what, from?, to?))) {
            write!(text, " {what} {to}, not {from}.")?;
        }
        writeln!(text, " {}", plain(&one.reason))?;
    }
    writeln!(text, "\n## The next two weeks\n")?;
    for one in &report.next_two_weeks {
        let owner_name =
            one.owner_name.as_deref().map(|owner_name| format!(", {}", plain(owner_name))).unwrap_or_default();
        writeln!(text, "- {}: {}{owner_name}", one.forecast_on, plain(&one.name))?;
    }
    none_if(text, report.next_two_weeks.is_empty())?;
    writeln!(
        text,
        "\n## Milestones\n\n| milestone | planned | forecast | actual | status | owner | waits for | notes |"
    )?;
    writeln!(text, "|---|---|---|---|---|---|---|---|")?;
    for one in &report.milestones {
        table_row(text, one)?;
    }
    let contact = report.contact.as_deref().map(|contact| format!(". Contact: {}", plain(contact))).unwrap_or_default();
    writeln!(text, "\n{}{contact}", plain(&report.organization_name))
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
        plain(one.owner_name.as_deref().unwrap_or_default()),
        plain(&names(&one.depends_on)),
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

/// Returns the names of milestones, separated by commas.
pub fn names(milestones: &[NamedMilestone]) -> String {
    milestones.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// Returns a text without markup: on one line, with every character that has a meaning in Markdown escaped (CommonMark,
/// 2.4).
pub fn plain(text: &str) -> String {
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
