//! Owners, as rows name them: a person, or somebody outside of whom only a name is known.

use uuid::Uuid;

use crate::from_row::from_row;
use crate::people::Person;
use crate::row::{Column as _, Condition, OWNER_NAME};

/// Whoever is responsible for something.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner {
    /// Identifier of the person; `None` for somebody outside, or nobody.
    pub id: Option<Uuid>,
    /// External reference of the person.
    pub external_ref: Option<String>,
    /// Name of the person, or of somebody outside; `None` for nobody.
    pub name: Option<String>,
}

from_row!(Owner { id = "owner_id", external_ref = "owner_ref", name = "owner_name" });

impl Owner {
    /// Returns somebody outside, or nobody.
    pub const fn named(name: Option<String>) -> Self {
        Self { id: None, external_ref: None, name }
    }

    /// Returns the approximate memory use in bytes.
    pub fn weight(&self) -> usize {
        let texts = [&self.external_ref, &self.name].into_iter().flatten();
        64 + texts.map(String::len).sum::<usize>()
    }

    /// Returns the name of somebody outside.
    pub fn outside(&self) -> Option<&str> {
        self.name.as_deref().filter(|_| self.id.is_none())
    }

    /// Returns whether nobody is responsible.
    pub const fn is_nobody(&self) -> bool {
        self.id.is_none() && self.name.is_none()
    }
}

impl From<&Person> for Owner {
    fn from(person: &Person) -> Self {
        let external_ref = person.external_ref.as_ref().map(ToString::to_string);
        Self { id: Some(person.id), external_ref, name: Some(person.name.to_string()) }
    }
}

/// The columns of an owner, or of somebody else whom columns name in the same way, as a `SELECT` from the table `own` reads them: the person
/// is called what they are called now.
macro_rules! owner_columns {
    () => {
        owner_columns!("owner")
    };
    ($who:literal) => {
        concat!(
            "own.",
            $who,
            "_id AS owner_id, \
             (SELECT h.external_ref FROM people h WHERE h.organization_id = own.organization_id AND h.id = own.",
            $who,
            "_id) AS owner_ref, \
             COALESCE((SELECT h.name FROM people h WHERE h.organization_id = own.organization_id AND h.id = own.",
            $who,
            "_id), \
             own.",
            $who,
            "_name) AS owner_name"
        )
    };
}
pub(crate) use owner_columns;

/// Filter of a list by owner.
#[derive(Debug, Clone, Default)]
pub struct OwnerFilter {
    /// People of whom one is the owner; `None` for anybody.
    pub ids: Option<Vec<Uuid>>,
    /// Names of which the owner has one; none for any.
    pub names: Vec<String>,
}

impl OwnerFilter {
    /// Returns whether what belongs to an owner is asked for.
    pub fn admits(&self, owner: &Owner) -> bool {
        self.ids.as_ref().is_none_or(|ids| owner.id.is_some_and(|id| ids.contains(&id)))
            && (self.names.is_empty() || owner.name.as_ref().is_some_and(|name| self.names.contains(name)))
    }

    /// Returns the conditions on rows of the table `own`.
    pub fn conditions(&self) -> Vec<Condition> {
        let ids = self.ids.iter().map(|ids| Condition::OneOf("own.owner_id", ids.iter().map(Uuid::to_value).collect()));
        ids.chain(Condition::one_of(OWNER_NAME, &self.names)).collect()
    }
}
