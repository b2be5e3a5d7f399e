//! A plan as Microsoft Project's XML (MSPDI), which project management programs read.
//!
//! Milestones become tasks below their phases, their own forecasts the schedule, and the dates of the baseline in force baseline 0. The
//! order of elements is that of the schema.

use std::collections::HashMap;

use chrono::NaiveDate;
use maud::{Markup, PreEscaped, html};
use milepost_domain::plan::PlanFacts;
use milepost_domain::plan::calendar::{Calendar, Counts, PlanCalendar};
use milepost_domain::plan::milestone::State;
use milepost_domain::plan::network::{Link, Relation};
use milepost_domain::plan::schedule::Standing;

use crate::store::milestones::MilestoneRow;
use crate::store::plans::PlanRecord;

/// Hours of a working day.
const HOURS_A_DAY: i64 = 8;
/// Tenths of a minute in a working day, in which lags are written.
const TENTHS_A_DAY: i64 = HOURS_A_DAY * 600;

/// A line of the list of tasks.
enum Line<'a> {
    Phase(&'a str),
    Task(usize),
}

/// Returns the file.
pub fn write(record: &PlanRecord, today: NaiveDate) -> String {
    let facts = record.facts();
    let standings = facts.standings(today);
    let lines = lines(record);
    let uids: HashMap<usize, usize> = lines
        .iter()
        .enumerate()
        .filter_map(|(at, line)| if let Line::Task(position) = line { Some((*position, at + 1)) } else { None })
        .collect();
    let mut owners: Vec<&str> = record.milestones.iter().filter_map(|row| row.owner.name.as_deref()).collect();
    owners.sort_unstable();
    owners.dedup();
    let file = File {
        record,
        durations: durations(&facts, &standings, today),
        facts: &facts,
        standings: &standings,
        uids: &uids,
    };
    let assigned = |(at, line): (usize, &Line<'_>)| {
        let Line::Task(position) = line else { return None };
        let owner_name = record.milestones[*position].owner.name.as_deref()?;
        Some((at + 1, owners.binary_search(&owner_name).ok()? + 1))
    };
    let assignments: Vec<(usize, usize)> = lines.iter().enumerate().filter_map(assigned).collect();
    let markup = html! {
        (PreEscaped("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"))
        Project xmlns="http://schemas.microsoft.com/project" {
            SaveVersion { "14" }
            Name { (record.plan.name) }
            Title { (record.plan.name) }
            ScheduleFromStart { "1" }
            StartDate { (morning(record.plan.start_on)) }
            CalendarUID { "1" }
            MinutesPerDay { (HOURS_A_DAY * 60) }
            MinutesPerWeek { (HOURS_A_DAY * 300) }
            DaysPerMonth { "20" }
            Calendars { (calendar(&facts.terms.calendar)) }
            Tasks { @for (at, line) in lines.iter().enumerate() { (file.line(at + 1, line)) } }
            Resources {
                @for (at, owner_name) in owners.iter().enumerate() {
                    Resource { UID { (at + 1) } ID { (at + 1) } Name { (owner_name) } Type { "1" } }
                }
            }
            Assignments {
                @for (at, (task, resource)) in assignments.iter().enumerate() {
                    Assignment { UID { (at + 1) } TaskUID { (task) } ResourceUID { (resource) } Units { "1" } }
                }
            }
        }
    };
    markup.into_string()
}

/// Facts that the tasks are written from.
struct File<'a> {
    record: &'a PlanRecord,
    facts: &'a PlanFacts,
    standings: &'a [Standing],
    /// Durations in days of the calendar.
    durations: Vec<i64>,
    /// Numbers of the tasks by the positions of their milestones.
    uids: &'a HashMap<usize, usize>,
}

/// The tasks: those without a phase, and then each phase with its own, in the order of the plan.
fn lines(record: &PlanRecord) -> Vec<Line<'_>> {
    let kept: Vec<(usize, &MilestoneRow)> =
        record.milestones.iter().enumerate().filter(|(_, row)| !row.state.0.is_dropped()).collect();
    let mut phases: Vec<&str> = vec![];
    for phase in kept.iter().filter_map(|(_, row)| row.phase.as_deref()) {
        if !phases.contains(&phase) {
            phases.push(phase);
        }
    }
    let of = |wanted: Option<&str>| {
        let own = kept.iter().filter(move |(_, row)| row.phase.as_deref() == wanted);
        own.map(|(position, _)| Line::Task(*position)).collect::<Vec<_>>()
    };
    let below = phases.iter().flat_map(|phase| std::iter::once(Line::Phase(phase)).chain(of(Some(phase))));
    of(None).into_iter().chain(below).collect()
}

/// The durations that the file says: a milestone's own, or the time that its dependencies leave it.
fn durations(facts: &PlanFacts, standings: &[Standing], today: NaiveDate) -> Vec<i64> {
    facts.joined(standings, today).course().planned_durations_days().unwrap_or_else(|| vec![0; standings.len()])
}

impl File<'_> {
    fn line(&self, uid: usize, line: &Line<'_>) -> Markup {
        match line {
            Line::Phase(name) => html! {
                Task { UID { (uid) } ID { (uid) } Name { (name) } OutlineLevel { "1" } Summary { "1" } }
            },
            Line::Task(position) => self.task(uid, *position),
        }
    }

    fn task(&self, uid: usize, position: usize) -> Markup {
        let (row, standing) = (&self.record.milestones[position], &self.standings[position]);
        let days = self.durations[position];
        let actual_on = row.closed_on.filter(|_| row.state.0 == State::Achieved);
        let finish_on = actual_on.unwrap_or(standing.forecast_on);
        let links = self.facts.links.iter().filter(|link| link.to == position);
        let by_milestone = self.record.by_milestone();
        let percent = match actual_on {
            Some(_) => 100.0,
            None => by_milestone.progress_of(row.id).map_or(0.0, |entry| entry.percent),
        };
        html! {
            Task {
                UID { (uid) }
                ID { (uid) }
                Name { (row.name) }
                Type { "1" }
                OutlineLevel { @if row.phase.is_some() { "2" } @else { "1" } }
                Start { (row.started_on.map_or_else(|| self.start(finish_on, days), morning)) }
                Finish { (evening(finish_on)) }
                Duration { (duration(days)) }
                DurationFormat { "7" }
                Milestone { @if days == 0 { "1" } @else { "0" } }
                Summary { "0" }
                PercentComplete { (percent.round()) }
                @if let Some(on) = row.started_on.or(actual_on) { ActualStart { (morning(on)) } }
                @if let Some(on) = actual_on { ActualFinish { (evening(on)) } }
                @if let Some(note) = &row.note { Notes { (note) } }
                @for link in links { (self.link(link)) }
                Baseline {
                    Number { "0" }
                    Start { (self.start(standing.planned_on, days)) }
                    Finish { (evening(standing.planned_on)) }
                    Duration { (duration(days)) }
                    DurationFormat { "7" }
                }
            }
        }
    }

    /// The instant at which work of some days begins that ends on a date.
    fn start(&self, finish_on: NaiveDate, days: i64) -> String {
        if days == 0 { evening(finish_on) } else { morning(self.facts.terms.calendar.plus_days(finish_on, 1 - days)) }
    }

    fn link(&self, link: &Link) -> Markup {
        let Some(uid) = self.uids.get(&link.from) else { return html! {} };
        let kind = match link.relation {
            Relation::FinishToFinish => "0",
            Relation::FinishToStart => "1",
            Relation::StartToFinish => "2",
            Relation::StartToStart => "3",
        };
        html! {
            PredecessorLink {
                PredecessorUID { (uid) }
                Type { (kind) }
                CrossProject { "0" }
                LinkLag { (link.lag_days * TENTHS_A_DAY) }
                LagFormat { "7" }
            }
        }
    }
}

/// The working week, with the holidays as its exceptions.
fn calendar(calendar: &Calendar) -> Markup {
    let PlanCalendar { counts, holidays, .. } = PlanCalendar::from(calendar.clone());
    let works = |day: u32| counts == Counts::CalendarDays || !matches!(day, 1 | 7);
    let holidays: Vec<NaiveDate> = holidays.into_iter().filter(|_| counts == Counts::BusinessDays).collect();
    html! {
        Calendar {
            UID { "1" }
            Name { "Standard" }
            IsBaseCalendar { "1" }
            WeekDays {
                @for day in 1..=7 {
                    WeekDay {
                        DayType { (day) }
                        DayWorking { @if works(day) { "1" } @else { "0" } }
                        @if works(day) { WorkingTimes { (times("08:00:00", "12:00:00")) (times("13:00:00", "17:00:00")) } }
                    }
                }
            }
            @if !holidays.is_empty() {
                Exceptions {
                    @for on in &holidays {
                        Exception {
                            EnteredByOccurrences { "0" }
                            TimePeriod { FromDate { (on) "T00:00:00" } ToDate { (on) "T23:59:00" } }
                            Occurrences { "1" }
                            Name { "Holiday" }
                            Type { "1" }
                            DayWorking { "0" }
                        }
                    }
                }
            }
        }
    }
}

fn times(from: &str, to: &str) -> Markup {
    html! { WorkingTime { FromTime { (from) } ToTime { (to) } } }
}

fn morning(on: NaiveDate) -> String {
    format!("{on}T08:00:00")
}

fn evening(on: NaiveDate) -> String {
    format!("{on}T17:00:00")
}

fn duration(days: i64) -> String {
    format!("PT{}H0M0S", days.max(0) * HOURS_A_DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_working_days() {
        let on = NaiveDate::from_ymd_opt(2026, 5, 4).expect("a date");
        assert_eq!((duration(3), duration(0)), ("PT24H0M0S".to_owned(), "PT0H0M0S".to_owned()));
        assert_eq!((morning(on), evening(on)), ("2026-05-04T08:00:00".to_owned(), "2026-05-04T17:00:00".to_owned()));
        let text = calendar(&Calendar::business_days(&[on])).into_string();
        assert!(text.contains("<FromDate>2026-05-04T00:00:00</FromDate>"), "{text}");
        assert_eq!(text.matches("<DayWorking>1</DayWorking>").count(), 5);
    }
}
