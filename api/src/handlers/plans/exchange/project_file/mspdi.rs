//! Microsoft Project's XML (MSPDI, schema of Project 2007 and later).

use std::collections::HashMap;

use milepost_domain::plan::calendar::Calendar;
use milepost_domain::plan::network::Relation;
use roxmltree::Node;

use super::super::import::FileFormat;
use super::{Lost, Project, Task, TaskLink, calendar_of, children, date, first_resources, text};

/// Minutes of a working day, unless the project says otherwise.
const MINUTES_A_DAY: f64 = 480.0;
/// Formats of a lag that is a percentage of the predecessor's duration.
const PERCENT_LAGS: [&str; 4] = ["19", "20", "51", "52"];
/// Formats of a lag in elapsed time, in which every hour of every day counts.
const ELAPSED_LAGS: [&str; 10] = ["4", "6", "8", "10", "12", "36", "38", "40", "42", "44"];
/// Elements of a task that are not taken over, and what they are.
const LEFT_OUT: [(&str, &str); 4] = [
    ("ExtendedAttribute", "values of custom fields"),
    ("OutlineCode", "outline codes"),
    ("TimephasedData", "timephased data"),
    ("Deadline", "deadlines"),
];

/// Reads a project.
pub fn read(root: Node<'_, '_>) -> Project {
    let mut lost = Lost::default();
    let minutes_a_day = number(root, "MinutesPerDay").filter(|minutes| *minutes > 0.0).unwrap_or(MINUTES_A_DAY);
    let owners = owners(root, &mut lost);
    let mut tasks = vec![];
    // Names of the summary tasks around a task, by outline level.
    let mut summaries: Vec<(u32, String)> = vec![];
    for node in children(root, "Tasks").flat_map(|tasks| children(tasks, "Task")) {
        let (Some(id), Some(name)) = (text(node, "UID"), text(node, "Name")) else { continue };
        let level = text(node, "OutlineLevel").and_then(|level| level.parse().ok()).unwrap_or(1);
        summaries.retain(|(outer, _)| *outer < level);
        if is(node, "Summary") {
            if level > 0 {
                summaries.push((level, name.to_owned()));
                lost.add("dates and figures of summary tasks", 1);
            }
            continue;
        }
        if text(node, "Active") == Some("0") {
            lost.add("inactive tasks", 1);
            continue;
        }
        for (element, what) in LEFT_OUT {
            lost.add(what, children(node, element).count());
        }
        lost.add("constraints", usize::from(!matches!(text(node, "ConstraintType"), None | Some("0" | "1"))));
        lost.add("costs", usize::from(number(node, "Cost").is_some_and(|cost| cost > 0.0)));
        let baseline = |number| children(node, "Baseline").find(|one| text(*one, "Number").unwrap_or("0") == number);
        lost.add("baselines 1 to 10", children(node, "Baseline").count() - usize::from(baseline("0").is_some()));
        let finish_on = text(node, "Finish").and_then(date);
        let percent = number(node, "PercentComplete").unwrap_or_default();
        let actual_on = text(node, "ActualFinish").and_then(date);
        let links = children(node, "PredecessorLink").filter_map(|link| read_link(link, minutes_a_day, &mut lost));
        tasks.push(Task {
            id: id.to_owned(),
            name: name.to_owned(),
            phase: summaries.last().map(|(_, name)| name.clone()),
            owner: owners.get(id).cloned(),
            finish_on,
            baseline_finish_on: baseline("0").and_then(|baseline| text(baseline, "Finish")).and_then(date),
            duration_days: Some(text(node, "Duration").and_then(minutes).unwrap_or_default() / minutes_a_day),
            started_on: text(node, "ActualStart").and_then(date),
            actual_on: actual_on.or(finish_on.filter(|_| percent >= 100.0)),
            percent,
            links: links.collect(),
            note: text(node, "Notes").map(str::to_owned),
            ..Task::default()
        });
    }
    Project {
        format: FileFormat::Mspdi,
        name: text(root, "Title").or_else(|| text(root, "Name")).map(str::to_owned),
        start_on: text(root, "StartDate").and_then(date),
        calendar: calendar(root, &mut lost),
        tasks,
        lost,
    }
}

fn read_link(link: Node<'_, '_>, minutes_a_day: f64, lost: &mut Lost) -> Option<TaskLink> {
    let relation = match text(link, "Type").unwrap_or("1") {
        "0" => Relation::FinishToFinish,
        "2" => Relation::StartToFinish,
        "3" => Relation::StartToStart,
        _ => Relation::FinishToStart,
    };
    let format = text(link, "LagFormat").unwrap_or_default();
    let is_percent = PERCENT_LAGS.contains(&format);
    // Tenths of a minute.
    let tenths = number(link, "LinkLag").unwrap_or_default();
    lost.add("lags in percent", usize::from(is_percent && tenths != 0.0));
    let a_day = if ELAPSED_LAGS.contains(&format) { 24.0 * 60.0 } else { minutes_a_day };
    let lag = if is_percent { 0.0 } else { tenths / 10.0 / a_day };
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates; what is too long is cut later")]
    let lag_days = lag.round() as i64;
    Some(TaskLink { to: text(link, "PredecessorUID")?.to_owned(), relation, lag_days })
}

/// Returns the name of the first resource of each task.
fn owners(root: Node<'_, '_>, lost: &mut Lost) -> HashMap<String, String> {
    let resources = children(root, "Resources").flat_map(|all| children(all, "Resource"));
    let names = resources.filter_map(|resource| Some((text(resource, "UID")?, text(resource, "Name")?)));
    let assignments = children(root, "Assignments").flat_map(|all| children(all, "Assignment"));
    let pairs = assignments.filter_map(|one| Some((text(one, "TaskUID")?, text(one, "ResourceUID")?)));
    first_resources(names, pairs, lost)
}

/// Returns the calendar of the project: business days if it works from Monday to Friday, with its exceptions as holidays.
fn calendar(root: Node<'_, '_>, lost: &mut Lost) -> Calendar {
    let wanted = text(root, "CalendarUID").unwrap_or("1");
    let mut calendars = children(root, "Calendars").flat_map(|all| children(all, "Calendar"));
    let Some(calendar) = calendars.find(|one| text(*one, "UID") == Some(wanted)) else { return Calendar::default() };
    let days: Vec<Node<'_, '_>> = children(calendar, "WeekDays").flat_map(|all| children(all, "WeekDay")).collect();
    let works = |number: &str| {
        let day = days.iter().find(|day| text(**day, "DayType") == Some(number));
        day.map_or(!matches!(number, "1" | "7"), |day| is(*day, "DayWorking"))
    };
    let exceptions = children(calendar, "Exceptions").flat_map(|all| children(all, "Exception"));
    let off = exceptions.chain(days.iter().copied().filter(|day| text(*day, "DayType") == Some("0")));
    let mut holidays = vec![];
    for one in off {
        let period = children(one, "TimePeriod").next();
        let ends = period.and_then(|period| {
            Some((text(period, "FromDate").and_then(date)?, text(period, "ToDate").and_then(date)?))
        });
        match ends {
            Some((from, to)) if !is(one, "DayWorking") => {
                holidays.extend(from.iter_days().take(400).take_while(|on| *on <= to));
            }
            _ => lost.add("exceptions of the calendar that are working days", 1),
        }
    }
    calendar_of(["1", "2", "3", "4", "5", "6", "7"].map(works), holidays, lost)
}

fn is(node: Node<'_, '_>, name: &str) -> bool {
    matches!(text(node, name), Some("1" | "true"))
}

fn number(node: Node<'_, '_>, name: &str) -> Option<f64> {
    text(node, name)?.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Returns the minutes of a duration such as PT80H30M0S.
fn minutes(duration: &str) -> Option<f64> {
    let rest = duration.strip_prefix("PT")?;
    let (hours, rest) = rest.split_once('H')?;
    let minutes = rest.split_once('M').map_or("0", |(minutes, _)| minutes);
    Some(hours.parse::<f64>().ok()? * 60.0 + minutes.parse::<f64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, expected) in [("PT80H0M0S", Some(4800.0)), ("PT0H30M0S", Some(30.0)), ("P1D", None), ("", None)] {
            assert_eq!(minutes(text), expected, "{text}");
        }
    }
}
