//! Responsibilities of people, and the finding of people in texts that name owners.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, VariantArray};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::people::PersonContent;
use crate::values::text::folded;

/// Largest number of things that one request hands over.
pub const MOST_HANDED_OVER: usize = 2000;

/// Kind of what a person is responsible for.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    VariantArray,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Responsibility {
    /// Customers that the person owns.
    Customers,
    /// People whose owner the person is, such as a coach.
    People,
    /// Plans that the person owns.
    Plans,
    /// Milestones that the person owns.
    Milestones,
    /// Interventions that the person owns.
    Interventions,
    /// Playbooks whose interventions go to the person, or are escalated to them.
    Playbooks,
    /// People who report to the person.
    Reports,
    /// Teams that the person leads.
    Teams,
}

/// Person that a text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Nobody.
    Nobody,
    /// One person.
    One(Uuid),
    /// Several people.
    Several,
}

/// Index of people by what texts call them.
#[derive(Debug, Default)]
pub struct Directory {
    by_text: [HashMap<String, Vec<Uuid>>; 3],
}

impl Directory {
    /// Creates an index of people.
    pub fn of<'a>(people: impl IntoIterator<Item = (Uuid, &'a PersonContent)>) -> Self {
        let mut directory = Self::default();
        for (id, person) in people {
            let texts = [
                person.external_ref.as_ref().map(ToString::to_string),
                person.email.as_ref().map(|email| folded(email)),
                Some(folded(&person.name)),
            ];
            for (index, text) in directory.by_text.iter_mut().zip(texts) {
                if let Some(text) = text {
                    index.entry(text).or_default().push(id);
                }
            }
        }
        directory
    }

    /// Returns the person that a text means: the one with that external reference, or else that e-mail address, or else that name, ignoring
    /// case in the latter two.
    pub fn find(&self, text: &str) -> Found {
        let [references, addresses, names] = &self.by_text;
        let folded = folded(text);
        let found = references.get(text).or_else(|| addresses.get(&folded)).or_else(|| names.get(&folded));
        match found.map_or(&[][..], Vec::as_slice) {
            [] => Found::Nobody,
            [one] => Found::One(*one),
            _ => Found::Several,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::PersonKind;
    use crate::values::text::{Email, ExternalRef, Name};

    #[test]
    fn texts_mean_people() {
        let person = |name: &str, reference: Option<&str>, email: Option<&str>| PersonContent {
            external_ref: reference.map(|text| ExternalRef::parse(text).expect("a reference")),
            email: email.map(|text| Email::parse(text).expect("an address")),
            ..PersonContent::named(Name::parse(name).expect("a name"), PersonKind::Employee)
        };
        let people = [
            person("Ana Petrova", Some("hr-1"), Some("Ana@example.com")),
            person("Ben", None, Some("team@example.com")),
            person("ben", Some("hr-3"), Some("team@example.com")),
            person("hr-1", None, None),
        ];
        let directory = Directory::of((1..).map(Uuid::from_u128).zip(&people));
        let one = |number| Found::One(Uuid::from_u128(number));
        for (text, expected) in [
            ("hr-1", one(1)),
            ("HR-1", one(4)),
            ("ana petrova", one(1)),
            ("ana@EXAMPLE.com", one(1)),
            ("Ben", Found::Several),
            ("team@example.com", Found::Several),
            ("Ana", Found::Nobody),
        ] {
            assert_eq!(directory.find(text), expected, "{text}");
        }
    }
}
