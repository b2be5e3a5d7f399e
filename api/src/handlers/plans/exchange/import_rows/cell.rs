//! Cells of a CSV file of milestones: each value parsed from its text, and formatted so that it can be read back.

use chrono::NaiveDate;
use milepost_domain::earned_value::CreditRule;
use milepost_domain::plan::dependency::Dependency;
use milepost_domain::plan::network::Relation;
use milepost_domain::plan::rule::PlanRule;
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::{Key, Note};

use strum::VariantNames as _;

/// Maximum duration of a milestone, in days.
const MOST_DAYS: u32 = 3650;

/// Parses a number of days.
pub fn duration(text: &str) -> Result<u32, ValueRule> {
    let days = text.parse().ok().filter(|days| *days <= MOST_DAYS);
    days.ok_or(ValueRule::DaysOutOfRange { max: MOST_DAYS })
}

/// Parses a credit rule.
pub fn rule(text: &str) -> Result<CreditRule, ValueRule> {
    text.parse().map_err(|_| ValueRule::NotAnOption { options: CreditRule::VARIANTS.join(", ") })
}

/// Parses a calendar date.
pub fn date(text: &str) -> Result<NaiveDate, ValueRule> {
    let date = text.parse::<NaiveDate>().ok().filter(|_| text.len() == 10 && !text.starts_with("0000"));
    date.ok_or(ValueRule::NotADate)
}

/// Parses acceptance criteria, one per line or separated by `|`. Within a criterion these are written `\n` and `\|`.
pub fn criteria(text: &str) -> Result<Vec<Note>, ValueRule> {
    let (mut all, mut one) = (vec![], String::new());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\n' | '|' => all.push(std::mem::take(&mut one)),
            '\\' => match characters.next() {
                Some('n') => one.push('\n'),
                Some(other) => one.push(other),
                None => one.push('\\'),
            },
            other => one.push(other),
        }
    }
    all.push(one);
    all.iter().map(|one| one.trim()).filter(|one| !one.is_empty()).map(Note::parse).collect()
}

/// Formats acceptance criteria so that they can be read back.
pub fn written_criteria(criteria: &[String]) -> String {
    let escaped = |one: &String| one.replace('\\', "\\\\").replace('|', "\\|").replace('\n', "\\n");
    criteria.iter().map(escaped).collect::<Vec<_>>().join("|")
}

/// Parses keys separated by spaces, commas or semicolons. Each may have a relation and a lag: `pipeline:SS+5`.
pub fn dependencies(text: &str) -> Result<Vec<Dependency>, PlanRule> {
    let parts = text.split([' ', ',', ';', '\n', '\t']).filter(|part| !part.is_empty());
    parts.map(dependency).collect()
}

fn dependency(text: &str) -> Result<Dependency, PlanRule> {
    let Some((key, link)) = text.split_once(':') else { return Ok(Dependency::on(Key::parse(text)?)) };
    let (relation, lag) = link.split_at_checked(2).ok_or(PlanRule::NotADependency)?;
    let relation = RELATIONS.iter().find(|(short, _)| short.eq_ignore_ascii_case(relation));
    let (_, relation) = relation.ok_or(PlanRule::NotADependency)?;
    let lag_days = if lag.is_empty() { Some(0) } else { lag.parse().ok() };
    let lag_days = lag_days.filter(|days: &i64| days.abs() <= 365).ok_or(PlanRule::NotADependency)?;
    Ok(Dependency { key: Key::parse(key)?, relation: *relation, lag_days })
}

/// Short names of the relations, as usual in schedules.
const RELATIONS: [(&str, Relation); 4] = [
    ("FS", Relation::FinishToStart),
    ("SS", Relation::StartToStart),
    ("FF", Relation::FinishToFinish),
    ("SF", Relation::StartToFinish),
];

/// Formats a dependency so that it can be read back.
pub fn written(dependency: &Dependency) -> String {
    if dependency.relation == Relation::FinishToStart && dependency.lag_days == 0 {
        return dependency.key.to_string();
    }
    let short =
        RELATIONS.iter().find(|(_, relation)| *relation == dependency.relation).map_or("FS", |(short, _)| short);
    match dependency.lag_days {
        0 => format!("{}:{short}", dependency.key),
        days => format!("{}:{short}{days:+}", dependency.key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_read_as_they_are_written() {
        for text in ["a", "a:SS", "a:FS+3", "a:FS-2", "b.c_d-e:FF+10", "x:SF"] {
            let read = dependencies(text).expect("a dependency");
            assert_eq!(read.iter().map(written).collect::<Vec<_>>(), [text]);
        }
        assert_eq!(dependencies("a, b;c  d:ss").expect("four").len(), 4);
        for text in ["a:", "a:XX", "a:FS+x", "a:FS+999", "a:é", "-a"] {
            assert!(dependencies(text).is_err(), "{text}");
        }
    }

    #[test]
    fn criteria_are_read_as_they_are_written() {
        let all = ["x | y".to_owned(), "one\ntwo".to_owned(), "a \\ b".to_owned()];
        let read = criteria(&written_criteria(&all)).expect("criteria");
        assert_eq!(
            read.iter().map(Note::as_str).collect::<Vec<_>>(),
            all.iter().map(String::as_str).collect::<Vec<_>>()
        );
        assert_eq!(criteria("a|b\nc").expect("criteria").len(), 3);
    }
}
