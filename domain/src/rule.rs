//! Broken rules in general: every subject has an enum of its own, with texts written for the person who sent the input.

use std::fmt::Display;

/// The side that stands against a request: the input itself, or the present state of the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// The input breaks the rule, whatever the state of the resource.
    Input,
    /// The same input would be accepted in another state of the resource.
    State,
}

/// A rule that input can break. Its text names the rule; the place is in [`Violation::at`].
pub trait Rule: Display + Sized {
    /// Stable, machine-readable name in `snake_case`.
    fn code(&self) -> &'static str;

    /// The side that stands against the request.
    fn about(&self) -> About;

    /// This rule broken at the given JSON pointer of the input (empty for the whole).
    fn at(self, pointer: impl Into<String>) -> Violation {
        Violation { at: pointer.into(), code: self.code(), text: self.to_string(), about: self.about() }
    }
}

/// A broken rule and the place in the input where it was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// JSON pointer (RFC 6901) into the input, such as `/milestones/3/planned_on`; empty for the whole.
    pub at: String,
    /// Stable name of the rule.
    pub code: &'static str,
    /// The rule in words, to be read after the name of the field.
    pub text: String,
    /// The side that stands against the request.
    pub about: About,
}

/// Everything that was wrong with one input, in the order of the input. Never empty inside an `Err`.
pub type Violations = Vec<Violation>;

/// The violations of a part of the input, with pointers that start at the whole.
pub fn within(at: &str, mut violations: Violations) -> Violations {
    for violation in &mut violations {
        violation.at.insert_str(0, at);
    }
    violations
}

/// `Ok` when nothing was found, otherwise everything that was found.
pub fn all_kept(violations: Violations) -> Result<(), Violations> {
    if violations.is_empty() { Ok(()) } else { Err(violations) }
}
