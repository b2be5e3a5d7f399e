//! GanttProject's XML (`.gan`).

use std::collections::HashMap;

use chrono::NaiveDate;
use milepost_domain::plan::calendar::{Calendar, Counts, PlanCalendar};
use milepost_domain::plan::network::Relation;
use roxmltree::Node;

use super::super::import::FileFormat;
use super::{Lost, Project, Task, TaskLink, children, date, first_resources};

/// Reads a project.
pub fn read(root: Node<'_, '_>) -> Project {
    let mut lost = Lost::default();
    let calendar = calendar(root, &mut lost);
    let owners = owners(root, &mut lost);
    let mut found = Found { tasks: vec![], links: HashMap::new() };
    for task in children(root, "tasks").flat_map(|all| children(all, "task")) {
        visit(task, None, &calendar, &mut found, &mut lost);
    }
    let Found { mut tasks, mut links } = found;
    for task in &mut tasks {
        task.owner = owners.get(&task.id).cloned();
        task.links = links.remove(&task.id).unwrap_or_default();
    }
    lost.add("dependencies on summaries or missing tasks", links.values().map(Vec::len).sum());
    lost.add(
        "earlier states of the plan",
        children(root, "previous").flat_map(|all| children(all, "previous-tasks")).count(),
    );
    let start_on = tasks.iter().filter_map(|task| task.started_or_begun_on(&calendar)).min();
    Project {
        format: FileFormat::GanttProject,
        name: root.attribute("name").map(str::to_owned).filter(|name| !name.trim().is_empty()),
        start_on,
        calendar,
        tasks,
        lost,
    }
}

/// Findings so far: tasks, and the links to each task from its predecessors.
struct Found {
    tasks: Vec<Task>,
    links: HashMap<String, Vec<TaskLink>>,
}

/// Reads a task or, if it contains others, those with it as their phase.
fn visit(node: Node<'_, '_>, phase: Option<&str>, calendar: &Calendar, found: &mut Found, lost: &mut Lost) {
    let (Some(id), Some(name)) = (node.attribute("id"), node.attribute("name")) else { return };
    for depend in children(node, "depend") {
        let Some(to) = depend.attribute("id") else { continue };
        let relation = match depend.attribute("type") {
            Some("1") => Relation::StartToStart,
            Some("3") => Relation::FinishToFinish,
            Some("4") => Relation::StartToFinish,
            _ => Relation::FinishToStart,
        };
        let lag_days = depend.attribute("difference").and_then(|days| days.parse().ok()).unwrap_or_default();
        found.links.entry(to.to_owned()).or_default().push(TaskLink { to: id.to_owned(), relation, lag_days });
    }
    if children(node, "task").next().is_some() {
        lost.add("dates and figures of summary tasks", 1);
        for child in children(node, "task") {
            visit(child, Some(name), calendar, found, lost);
        }
        return;
    }
    lost.add("values of custom fields", children(node, "customproperty").count());
    lost.add("costs", usize::from(node.attribute("cost-manual-value").is_some_and(|cost| cost != "0")));
    let is_milestone = node.attribute("meeting") == Some("true");
    let days: i64 = node.attribute("duration").and_then(|days| days.parse().ok()).unwrap_or_default();
    let days = if is_milestone { 0 } else { days.clamp(0, 10_000) };
    let percent = node.attribute("complete").and_then(|percent| percent.parse().ok()).unwrap_or_default();
    let start_on = node.attribute("start").and_then(date);
    // A task of one day ends on the day on which it starts.
    let finish_on = start_on.map(|on| calendar.plus_days(on, (days - 1).max(0)));
    #[expect(clippy::cast_precision_loss, reason = "at most ten thousand")]
    let duration_days = days as f64;
    found.tasks.push(Task {
        id: id.to_owned(),
        name: name.to_owned(),
        phase: phase.map(str::to_owned),
        finish_on,
        duration_days: Some(duration_days),
        started_on: start_on.filter(|_| percent > 0.0 && !is_milestone),
        actual_on: finish_on.filter(|_| percent >= 100.0),
        percent,
        note: children(node, "notes").next().and_then(|notes| notes.text()).map(str::to_owned),
        ..Task::default()
    });
}

impl Task {
    /// Returns the day on which the task begins according to its duration.
    fn started_or_begun_on(&self, calendar: &Calendar) -> Option<NaiveDate> {
        let days = i64::from(super::whole_days(self.duration_days.unwrap_or_default()));
        self.started_on.or(self.finish_on.map(|on| calendar.plus_days(on, 1 - days.max(1))))
    }
}

/// Returns the name of the first resource of each task.
fn owners(root: Node<'_, '_>, lost: &mut Lost) -> HashMap<String, String> {
    let resources = children(root, "resources").flat_map(|all| children(all, "resource"));
    let names = resources.filter_map(|one| Some((one.attribute("id")?, one.attribute("name")?)));
    let allocations = children(root, "allocations").flat_map(|all| children(all, "allocation"));
    let pairs = allocations.filter_map(|one| Some((one.attribute("task-id")?, one.attribute("resource-id")?)));
    first_resources(names, pairs, lost)
}

/// Returns the calendar of the project: business days unless the weekend is worked, with its single dates as holidays.
fn calendar(root: Node<'_, '_>, lost: &mut Lost) -> Calendar {
    let Some(calendars) = children(root, "calendars").next() else {
        return Calendar::from(PlanCalendar { counts: Counts::BusinessDays, ..PlanCalendar::default() });
    };
    let week = calendars.descendants().find(|node| node.tag_name().name() == "default-week");
    let is_off = |day: &str, usual: bool| week.and_then(|week| week.attribute(day)).map_or(usual, |value| value == "1");
    let only_weekends = calendars
        .descendants()
        .any(|node| node.tag_name().name() == "only-show-weekends" && node.attribute("value") == Some("true"));
    let is_usual = is_off("sat", true)
        && is_off("sun", true)
        && ["mon", "tue", "wed", "thu", "fri"].iter().all(|day| !is_off(day, false));
    lost.add("unusual working weeks", usize::from(!is_usual && (is_off("sat", true) || is_off("sun", true))));
    if !is_usual || only_weekends {
        return Calendar::default();
    }
    let mut holidays = vec![];
    for one in children(calendars, "date") {
        let part = |name| one.attribute(name).and_then(|part| part.parse::<i32>().ok());
        let (month, day) =
            (part("month").and_then(|m| u32::try_from(m).ok()), part("date").and_then(|d| u32::try_from(d).ok()));
        let on =
            part("year").zip(month.zip(day)).and_then(|(year, (month, day))| NaiveDate::from_ymd_opt(year, month, day));
        match on.filter(|_| one.attribute("type") != Some("WORKING_DAY")) {
            Some(on) => holidays.push(on),
            None => lost.add("holidays of every year, and working days of the calendar", 1),
        }
    }
    holidays.truncate(1000);
    Calendar::from(PlanCalendar { counts: Counts::BusinessDays, holidays, ..PlanCalendar::default() })
}
