//! Primavera's XER: tables of tab-separated values.

use std::collections::HashMap;

use chrono::{Days, NaiveDate};
use milepost_domain::plan::network::Relation;

use super::super::import::FileFormat;
use super::{Lost, Project, Task, TaskLink, calendar_of, date, first_resources};
use crate::error::{ApiError, Code};

/// Hours of a working day, unless the calendar says otherwise.
const HOURS_A_DAY: f64 = 8.0;
/// Tables that are not taken over, and what they hold.
const LEFT_OUT: [(&str, &str); 4] = [
    ("TASKACTV", "activity codes"),
    ("UDFVALUE", "values of user-defined fields"),
    ("TASKPROC", "steps of activities"),
    ("PROJCOST", "expenses"),
];

/// Whether a text is a file of this kind.
pub fn is_xer(text: &str) -> bool {
    text.starts_with("ERMHDR")
}

/// The tables of a file by their names.
struct Tables<'a>(HashMap<&'a str, Table<'a>>);

#[derive(Default)]
struct Table<'a> {
    fields: Vec<&'a str>,
    rows: Vec<Vec<&'a str>>,
}

/// A row of a table.
#[derive(Clone, Copy)]
struct Row<'a> {
    fields: &'a [&'a str],
    values: &'a [&'a str],
}

impl<'a> Tables<'a> {
    fn read(text: &'a str) -> Self {
        let mut tables: HashMap<&str, Table<'_>> = HashMap::new();
        let mut current = "";
        for line in text.lines() {
            let mut cells = line.trim_end_matches('\r').split('\t');
            match cells.next() {
                Some("%T") => current = cells.next().unwrap_or_default(),
                Some("%F") => tables.entry(current).or_default().fields = cells.collect(),
                Some("%R") => tables.entry(current).or_default().rows.push(cells.collect()),
                _ => {}
            }
        }
        Self(tables)
    }

    fn rows(&self, table: &str) -> impl Iterator<Item = Row<'_>> {
        let table = self.0.get(table);
        table.into_iter().flat_map(|table| table.rows.iter().map(|values| Row { fields: &table.fields, values }))
    }
}

impl<'a> Row<'a> {
    fn text(&self, field: &str) -> Option<&'a str> {
        let at = self.fields.iter().position(|name| *name == field)?;
        self.values.get(at).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    fn number(&self, field: &str) -> Option<f64> {
        self.text(field)?.parse().ok().filter(|number: &f64| number.is_finite())
    }

    fn date(&self, field: &str) -> Option<NaiveDate> {
        self.text(field).and_then(date)
    }
}

/// Reads a project.
pub fn read(text: &str) -> Result<Project, ApiError> {
    let tables = Tables::read(text);
    let Some(project) = tables.rows("PROJECT").find(|row| row.text("proj_id").is_some()) else {
        return Err(ApiError::new(Code::MalformedBody, "The XER file has no project."));
    };
    let project_id = project.text("proj_id");
    let mut lost = Lost::default();
    for (table, what) in LEFT_OUT {
        lost.add(what, tables.rows(table).count());
    }
    lost.add("tasks of further projects", tables.rows("TASK").filter(|row| row.text("proj_id") != project_id).count());
    let phases: HashMap<&str, Row<'_>> =
        tables.rows("PROJWBS").filter_map(|row| Some((row.text("wbs_id")?, row))).collect();
    let root = phases.values().find(|row| row.text("proj_node_flag") == Some("Y") && row.text("proj_id") == project_id);
    let name = root.and_then(|row| row.text("wbs_name")).or(project.text("proj_short_name")).map(str::to_owned);
    let calendars: HashMap<&str, Row<'_>> =
        tables.rows("CALENDAR").filter_map(|row| Some((row.text("clndr_id")?, row))).collect();
    let hours = |id: Option<&str>| {
        let hours = id.and_then(|id| calendars.get(id)?.number("day_hr_cnt"));
        hours.filter(|hours| *hours > 0.0).unwrap_or(HOURS_A_DAY)
    };
    let own_calendar = project.text("clndr_id").and_then(|id| calendars.get(id)).and_then(|row| row.text("clndr_data"));
    let calendar = own_calendar.and_then(Part::read).map_or_else(Default::default, |data| {
        let (works, holidays) = week(&data, &mut lost);
        calendar_of(works, holidays, &mut lost)
    });
    let tasks = tasks(&tables, project_id, &phases, &hours, &mut lost);
    Ok(Project { format: FileFormat::Xer, name, start_on: project.date("plan_start_date"), calendar, tasks, lost })
}

fn tasks(
    tables: &Tables<'_>,
    project_id: Option<&str>,
    phases: &HashMap<&str, Row<'_>>,
    hours: &impl Fn(Option<&str>) -> f64,
    lost: &mut Lost,
) -> Vec<Task> {
    let names = tables.rows("RSRC").filter_map(|row| Some((row.text("rsrc_id")?, row.text("rsrc_name")?)));
    let pairs = tables.rows("TASKRSRC").filter_map(|row| Some((row.text("task_id")?, row.text("rsrc_id")?)));
    let owners = first_resources(names, pairs, lost);
    let notes: HashMap<&str, &str> =
        tables.rows("TASKMEMO").filter_map(|row| Some((row.text("task_id")?, row.text("task_memo")?))).collect();
    let mut links: HashMap<&str, Vec<Row<'_>>> = HashMap::new();
    for row in tables.rows("TASKPRED") {
        links.entry(row.text("task_id").unwrap_or_default()).or_default().push(row);
    }
    let mut tasks = vec![];
    for row in tables.rows("TASK").filter(|row| row.text("proj_id") == project_id) {
        let (Some(id), Some(name)) = (row.text("task_id"), row.text("task_name")) else { continue };
        if let Some("TT_WBS" | "TT_LOE") = row.text("task_type") {
            lost.add("summary and level-of-effort activities", 1);
            continue;
        }
        lost.add("constraints", usize::from(row.text("cstr_type").is_some()));
        let hours_a_day = hours(row.text("clndr_id"));
        let phase =
            row.text("wbs_id").and_then(|id| phases.get(id)).filter(|phase| phase.text("proj_node_flag") != Some("Y"));
        let planned = row.number("target_drtn_hr_cnt").unwrap_or_default();
        let actual_on = row.date("act_end_date");
        tasks.push(Task {
            id: id.to_owned(),
            key: row.text("task_code").map(str::to_owned),
            name: name.to_owned(),
            phase: phase.and_then(|phase| phase.text("wbs_name")).map(str::to_owned),
            owner: owners.get(id).cloned(),
            finish_on: actual_on
                .or(row.date("early_end_date"))
                .or(row.date("reend_date"))
                .or(row.date("target_end_date")),
            baseline_finish_on: row.date("target_end_date"),
            duration_days: Some(planned / hours_a_day),
            started_on: row.date("act_start_date"),
            actual_on,
            percent: percent(&row, planned),
            links: links.get(id).into_iter().flatten().filter_map(|link| read_link(link, hours_a_day)).collect(),
            note: notes.get(id).map(|note| plain(note)),
            ..Task::default()
        });
    }
    tasks
}

/// Returns the percentage of completion: the physical one, or that of the duration.
fn percent(row: &Row<'_>, planned_hours: f64) -> f64 {
    if row.text("complete_pct_type") == Some("CP_Phys") {
        return row.number("phys_complete_pct").unwrap_or_default();
    }
    let left = row.number("remain_drtn_hr_cnt").filter(|_| row.text("status_code") == Some("TK_Active"));
    left.filter(|_| planned_hours > 0.0).map_or(0.0, |left| (100.0 * (1.0 - left / planned_hours)).clamp(0.0, 100.0))
}

fn read_link(row: &Row<'_>, hours_a_day: f64) -> Option<TaskLink> {
    let relation = match row.text("pred_type") {
        Some("PR_FF") => Relation::FinishToFinish,
        Some("PR_SS") => Relation::StartToStart,
        Some("PR_SF") => Relation::StartToFinish,
        _ => Relation::FinishToStart,
    };
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates; what is too long is cut later")]
    let lag_days = (row.number("lag_hr_cnt").unwrap_or_default() / hours_a_day).round() as i64;
    Some(TaskLink { to: row.text("pred_task_id")?.to_owned(), relation, lag_days })
}

/// Returns the text of a note in HTML.
fn plain(note: &str) -> String {
    let mut text = String::new();
    let mut is_tag = false;
    for c in note.chars() {
        match c {
            '<' => is_tag = true,
            '>' => is_tag = false,
            '\u{7f}' => text.push('\n'),
            _ if !is_tag => text.push(c),
            _ => {}
        }
    }
    for (entity, c) in [("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&")] {
        text = text.replace(entity, c);
    }
    text.trim().to_owned()
}

/// Part of a calendar: `(0||name(attributes)(parts))`.
#[derive(Debug, PartialEq, Eq)]
struct Part<'a> {
    name: &'a str,
    attributes: &'a str,
    parts: Vec<Part<'a>>,
}

/// Largest depth to which the parts of a calendar may lie in one another.
const DEEPEST: usize = 8;

impl<'a> Part<'a> {
    fn read(data: &'a str) -> Option<Self> {
        Self::take(&mut skipped(data), DEEPEST)
    }

    /// Takes a part from the beginning of a text.
    fn take(rest: &mut &'a str, depth: usize) -> Option<Self> {
        let depth = depth.checked_sub(1)?;
        let (_, after) = skipped(rest).strip_prefix('(')?.split_once("||")?;
        let (name, after) = after.split_once('(')?;
        let (attributes, after) = after.split_once(')')?;
        *rest = skipped(after).strip_prefix('(')?;
        let mut parts = vec![];
        while skipped(rest).starts_with('(') {
            parts.push(Self::take(rest, depth)?);
        }
        *rest = skipped(skipped(rest).strip_prefix(')')?).strip_prefix(')')?;
        Some(Self { name, attributes, parts })
    }

    fn child(&self, name: &str) -> Option<&Self> {
        self.parts.iter().find(|part| part.name == name)
    }
}

/// A text without the white space and the delete characters before it, which stand for line breaks.
fn skipped(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{7f}')
}

/// Returns on which days of the week a calendar works, from Sunday, and its holidays.
fn week(data: &Part<'_>, lost: &mut Lost) -> ([bool; 7], Vec<NaiveDate>) {
    let mut works = [false; 7];
    let days = data.child("DaysOfWeek").map_or(&[][..], |days| &days.parts);
    for day in days {
        let at = day.name.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        if let Some(works) = at.and_then(|at| works.get_mut(at)) {
            *works = !day.parts.is_empty();
        }
    }
    let mut holidays = vec![];
    for exception in data.child("Exceptions").map_or(&[][..], |exceptions| &exceptions.parts) {
        let number = exception.attributes.strip_prefix("d|").and_then(|number| number.parse::<u64>().ok());
        let on = number.and_then(|number| NaiveDate::from_ymd_opt(1899, 12, 30)?.checked_add_days(Days::new(number)));
        match on {
            Some(on) if exception.parts.is_empty() => holidays.push(on),
            _ => lost.add("exceptions of the calendar that are working days", 1),
        }
    }
    (works, holidays)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calendars_are_read() {
        let data = "(0||CalendarData()(\u{7f}\u{7f}  (0||DaysOfWeek()((0||1()())(0||2()((0||0(s|08:00|f|16:00)())))(0||7()())))\
                    (0||Exceptions()((0||0(d|46156)())(0||1(d|46157)((0||0(s|08:00|f|12:00)())))))))";
        let part = Part::read(data).expect("a calendar");
        let mut lost = Lost::default();
        let (works, holidays) = week(&part, &mut lost);
        assert_eq!(works, [false, true, false, false, false, false, false]);
        assert_eq!(holidays, [NaiveDate::from_ymd_opt(2026, 5, 14).expect("a date")]);
        for broken in ["", "(0||CalendarData()(", "(0||a()((0||b()(", &"(0||a()(".repeat(1000)] {
            assert_eq!(Part::read(broken), None, "{broken}");
        }
    }

    #[test]
    fn notes_are_plain() {
        assert_eq!(plain("<html><body>Two aisles<br>\u{7f}are &lt;left&gt;.</body></html>"), "Two aisles\nare <left>.");
    }
}
