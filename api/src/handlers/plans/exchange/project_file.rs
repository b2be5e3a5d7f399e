//! Files of project management programs, read into the milestones of a new plan.
//!
//! Each reader turns one format into [`Project`]; what follows is the same for all of them. Whatever a plan has no place
//! for is counted and reported by name, so that nothing is lost in silence.

mod gantt_project;
mod mspdi;
pub mod tracker;
pub mod xer;

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::NaiveDate;
use milepost_domain::plan::calendar::{Calendar, Counts, PlanCalendar};
use milepost_domain::plan::dependency::Dependency;
use milepost_domain::plan::draft::{ForecastDraft, MilestoneDraft, ProgressDraft};
use milepost_domain::plan::network::Relation;
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::{Key, Label, Name, Note};
use milepost_domain::values::weight::{Percent, Weight};
use serde::Serialize;
use utoipa::ToSchema;

use super::import::FileFormat;
use crate::error::{ApiError, Code};

/// Longest part of a key that comes from a name, in characters.
const KEY_CHARS: usize = 60;

/// Project as read from a file.
#[derive(Debug)]
pub struct Project {
    /// Format.
    pub format: FileFormat,
    /// Name of the project.
    pub name: Option<String>,
    /// First day of the project.
    pub start_on: Option<NaiveDate>,
    /// Calendar of the project.
    pub calendar: Calendar,
    /// Tasks that are not summaries, in the order of the file.
    pub tasks: Vec<Task>,
    /// Content for which a plan has no place.
    pub lost: Lost,
}

/// A task.
#[derive(Debug, Default)]
pub struct Task {
    /// Identifier within the file.
    pub id: String,
    /// Key by which people know it.
    pub key: Option<String>,
    /// Name.
    pub name: String,
    /// Name of the nearest summary task.
    pub phase: Option<String>,
    /// Name of the first resource.
    pub owner: Option<String>,
    /// Finish according to the schedule.
    pub finish_on: Option<NaiveDate>,
    /// Finish according to the baseline.
    pub baseline_finish_on: Option<NaiveDate>,
    /// Duration in working days, if it is known.
    pub duration_days: Option<f64>,
    /// Weight, if the file says one.
    pub weight: Option<f64>,
    /// Actual start.
    pub started_on: Option<NaiveDate>,
    /// Actual finish.
    pub actual_on: Option<NaiveDate>,
    /// Percentage of completion.
    pub percent: f64,
    /// Predecessors.
    pub links: Vec<TaskLink>,
    /// Notes.
    pub note: Option<String>,
}

/// A predecessor of a task.
#[derive(Debug)]
pub struct TaskLink {
    /// Identifier of the predecessor.
    pub to: String,
    /// Relation.
    pub relation: Relation,
    /// Lag in working days.
    pub lag_days: i64,
}

/// Numbers of things that a plan has no place for, by what they are.
#[derive(Debug, Default)]
pub struct Lost(BTreeMap<&'static str, usize>);

impl Lost {
    /// Counts some more.
    pub fn add(&mut self, what: &'static str, count: usize) {
        if count > 0 {
            *self.0.entry(what).or_default() += count;
        }
    }
}

/// Content of a file that is not taken over.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"what": "baselines 1 to 10", "count": 12}))]
pub struct LostContent {
    /// Kind of content.
    #[schema(max_length = 200)]
    what: &'static str,
    /// Number of occurrences in the file.
    #[schema(minimum = 1, maximum = 100_000_000)]
    count: usize,
}

impl Project {
    /// Reads a project file in XML: Microsoft Project (MSPDI) or GanttProject.
    pub fn read(text: &str) -> Result<Self, ApiError> {
        let malformed =
            |error: roxmltree::Error| ApiError::new(Code::MalformedBody, format!("The body is not XML: {error}."));
        let document = roxmltree::Document::parse(text).map_err(malformed)?;
        let root = document.root_element();
        match (root.tag_name().name(), root.tag_name().namespace()) {
            ("Project", _) => Ok(mspdi::read(root)),
            ("project", None) => Ok(gantt_project::read(root)),
            (name, _) => {
                let detail =
                    format!("The root element '{name}' is neither that of Microsoft Project nor that of GanttProject.");
                Err(ApiError::new(Code::MalformedBody, detail))
            }
        }
    }

    /// Returns the content that is not taken over.
    pub fn lost(&self) -> Vec<LostContent> {
        self.lost.0.iter().map(|(what, count)| LostContent { what, count: *count }).collect()
    }

    /// Returns whether the milestones are weighed by their durations.
    pub fn is_weighed_by_days(&self) -> bool {
        self.tasks.iter().any(|task| task.duration_days.is_some_and(|days| days > 0.0))
            && self.tasks.iter().all(|task| task.weight.is_none())
    }

    /// Returns the first day: that of the project, or the first date of a task if it is earlier.
    pub fn first_on(&self) -> Option<NaiveDate> {
        let planned = self.tasks.iter().filter_map(Task::planned_on).min();
        self.start_on.into_iter().chain(planned).min()
    }

    /// Returns the milestones of the tasks.
    pub fn milestones(&mut self, today: NaiveDate) -> Vec<MilestoneDraft> {
        let keys = self.keys();
        let is_weighed = self.tasks.iter().any(|task| task.duration_days.is_some_and(|days| days > 0.0));
        let (mut drafts, mut lost) = (vec![], Lost::default());
        for task in &self.tasks {
            let (Some(key), Some(planned_on)) = (keys.get(task.id.as_str()), task.planned_on()) else {
                lost.add("tasks without a finish", 1);
                continue;
            };
            let links = task.links.iter();
            let depends_on: Vec<Dependency> = links.filter_map(|link| link.dependency(&keys, &mut lost)).collect();
            let note = task.note.as_deref().map(str::trim).filter(|note| !note.is_empty());
            let moved = task.finish_on.filter(|on| *on != planned_on && task.actual_on.is_none());
            let percent = Some(task.percent).filter(|percent| *percent > 0.0 && task.actual_on.is_none());
            drafts.push(MilestoneDraft {
                key: key.clone(),
                name: shortened(&task.name)
                    .and_then(|name| Name::parse(&name).ok())
                    .unwrap_or_else(|| Name::trusted(key.to_string())),
                phase: task.phase.as_deref().and_then(|phase| named(phase, &mut lost, Label::parse)),
                owner_id: None,
                owner_ref: None,
                owner_name: task.owner.as_deref().and_then(|owner| named(owner, &mut lost, Name::parse)),
                weight: task
                    .weight
                    .and_then(|weight| Weight::try_from(weight).ok())
                    .unwrap_or_else(|| weight(task.duration_days.unwrap_or_default(), is_weighed)),
                planned_on,
                duration_days: task.duration_days.map(whole_days),
                credit_rule: None,
                depends_on,
                acceptance_criteria: vec![],
                forecast_changes: moved
                    .map(|forecast_on| ForecastDraft { recorded_on: today, forecast_on, reason: None })
                    .into_iter()
                    .collect(),
                progress: percent
                    .and_then(|percent| Percent::try_from(percent.min(100.0)).ok())
                    .map(|percent| ProgressDraft { recorded_on: today, percent })
                    .into_iter()
                    .collect(),
                started_on: task.started_on,
                actual_on: task.actual_on,
                note: note.and_then(|note| {
                    let read = Note::parse(note).ok();
                    lost.add("notes that are too long", usize::from(read.is_none()));
                    read
                }),
            });
        }
        for (what, count) in lost.0 {
            self.lost.add(what, count);
        }
        drafts
    }

    /// Returns a key for each task: its name in letters, digits and hyphens, with a number if it is taken.
    fn keys(&self) -> HashMap<&str, Key> {
        let mut taken: HashSet<String> = HashSet::new();
        let mut keys = HashMap::new();
        for task in &self.tasks {
            let own = task.key.as_ref().filter(|key| Key::parse(key).is_ok()).cloned();
            let base = own
                .or_else(|| slug(&task.name))
                .unwrap_or_else(|| format!("task-{}", slug(&task.id).unwrap_or_default()));
            let numbered = (1..).map(|n: usize| if n == 1 { base.clone() } else { format!("{base}-{n}") });
            if let Some(key) = numbered.into_iter().find(|key| !taken.contains(key)) {
                taken.insert(key.clone());
                keys.extend(Key::parse(&key).ok().map(|key| (task.id.as_str(), key)));
            }
        }
        keys
    }
}

impl Task {
    /// Returns the planned date: the finish in the baseline, or in the schedule without one.
    fn planned_on(&self) -> Option<NaiveDate> {
        self.baseline_finish_on.or(self.finish_on).or(self.actual_on)
    }
}

impl TaskLink {
    fn dependency(&self, keys: &HashMap<&str, Key>, lost: &mut Lost) -> Option<Dependency> {
        let key = keys.get(self.to.as_str()).cloned();
        lost.add("dependencies on summaries or missing tasks", usize::from(key.is_none()));
        let lag_days = self.lag_days.clamp(-365, 365);
        lost.add("lags of more than a year, which are cut", usize::from(lag_days != self.lag_days));
        Some(Dependency { key: key?, relation: self.relation, lag_days })
    }
}

fn named<T>(text: &str, lost: &mut Lost, parse: impl Fn(&str) -> Result<T, ValueRule>) -> Option<T> {
    let read = parse(text).ok();
    lost.add("names of owners or phases that are too long", usize::from(read.is_none() && !text.trim().is_empty()));
    read
}

/// Returns a name on one line, cut at the longest that a milestone may have.
fn shortened(name: &str) -> Option<String> {
    let line = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = line.chars().take(Name::MAX_CHARS).collect();
    (!cut.is_empty()).then_some(cut)
}

fn slug(text: &str) -> Option<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let joined = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-");
    let cut: String = joined.chars().take(KEY_CHARS).collect();
    let cut = cut.trim_matches('-');
    (!cut.is_empty()).then(|| cut.to_owned())
}

/// Returns a weight: the duration in days, so that a milestone without one is a gate. If no task has a duration, each weighs 1.
fn weight(duration_days: f64, is_weighed: bool) -> Weight {
    let weight = if is_weighed { duration_days } else { 1.0 };
    Weight::try_from(weight).unwrap_or_default()
}

/// Returns a duration in whole days, rounded up.
fn whole_days(days: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 3650")]
    let whole = days.ceil().clamp(0.0, 3650.0) as u32;
    whole
}

/// Returns the name of the first resource of each task, from names by resource and pairs of a task and a resource.
fn first_resources<'a>(
    names: impl Iterator<Item = (&'a str, &'a str)>,
    pairs: impl Iterator<Item = (&'a str, &'a str)>,
    lost: &mut Lost,
) -> HashMap<String, String> {
    let names: HashMap<&str, &str> = names.collect();
    let mut owners = HashMap::new();
    for (task, name) in pairs.filter_map(|(task, resource)| Some((task, *names.get(resource)?))) {
        if owners.contains_key(task) {
            lost.add("further resources of a task", 1);
        } else {
            owners.insert(task.to_owned(), name.to_owned());
        }
    }
    owners
}

/// Returns a calendar from the days of the week on which it works, from Sunday, and its holidays: business days if it works from Monday to
/// Friday, and every day otherwise.
fn calendar_of(works: [bool; 7], mut holidays: Vec<NaiveDate>, lost: &mut Lost) -> Calendar {
    let is_usual = works == [false, true, true, true, true, true, false];
    let is_every_day = works[0] && works[6];
    lost.add("unusual working weeks", usize::from(!is_usual && !is_every_day));
    holidays.truncate(1000);
    if is_usual {
        Calendar::from(PlanCalendar { counts: Counts::BusinessDays, holidays, ..PlanCalendar::default() })
    } else {
        Calendar::default()
    }
}

/// Returns the text of a child element.
fn text<'a>(node: roxmltree::Node<'a, '_>, name: &str) -> Option<&'a str> {
    let child = node.children().find(|child| child.tag_name().name() == name)?;
    child.text().map(str::trim).filter(|text| !text.is_empty())
}

/// Returns the child elements with a name.
fn children<'a, 'input: 'a>(
    node: roxmltree::Node<'a, 'input>,
    name: &'static str,
) -> impl Iterator<Item = roxmltree::Node<'a, 'input>> {
    node.children().filter(move |child| child.tag_name().name() == name)
}

/// Returns the date at the beginning of a text.
fn date(text: &str) -> Option<NaiveDate> {
    text.get(..10)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_keys() {
        for (name, expected) in [
            ("Data access confirmed!", Some("data-access-confirmed")),
            ("  Release 1.19 ", Some("release-1-19")),
            ("数据", None),
            ("", None),
        ] {
            assert_eq!(slug(name).as_deref(), expected, "{name}");
        }
        assert_eq!(slug(&"x".repeat(99)).map(|key| key.len()), Some(KEY_CHARS));
    }

    #[test]
    fn what_is_no_project_is_refused() {
        for body in ["", "<a/>", "<project", "<!DOCTYPE x [<!ENTITY a 'b'>]><Project>&a;</Project>"] {
            assert!(Project::read(body).is_err(), "{body}");
        }
    }
}
