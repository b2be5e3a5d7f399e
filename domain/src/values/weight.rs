//! How much a milestone counts in its plan's scope, and how far it has come.

use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use crate::values::rule::ValueRule;

/// Declares a bounded number with its schema.
macro_rules! bounded {
    ($(#[$doc:meta])* $name:ident, $accepts:expr, $broken:expr, $schema:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(try_from = "f64", into = "f64")]
        pub struct $name(f64);

        impl $name {
            /// The number itself.
            pub const fn value(self) -> f64 {
                self.0
            }
        }

        impl TryFrom<f64> for $name {
            type Error = ValueRule;
            fn try_from(raw: f64) -> Result<Self, ValueRule> {
                let accepts: fn(f64) -> bool = $accepts;
                if accepts(raw) { Ok(Self(raw)) } else { Err($broken) }
            }
        }

        impl From<$name> for f64 {
            fn from(number: $name) -> f64 {
                number.0
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<Schema> {
                let describe: fn(ObjectBuilder) -> ObjectBuilder = $schema;
                describe(ObjectBuilder::new().schema_type(Type::Number)).into()
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }
    };
}

bounded!(
    /// A milestone's share of its plan, in the plan's weight unit: from a millionth to a thousand million.
    Weight,
    |raw| (Weight::MIN..=Weight::MAX).contains(&raw),
    ValueRule::WeightOutOfRange { min: Weight::MIN, max: Weight::MAX },
    |schema| schema
        .description(Some("A milestone's share of its plan's scope, in the plan's weight unit."))
        .minimum(Some(Weight::MIN))
        .maximum(Some(Weight::MAX))
        .examples([5.0])
);

impl Weight {
    /// The smallest weight: smaller ones would make indices that no number can hold.
    pub const MIN: f64 = 1e-6;
    /// The largest weight.
    pub const MAX: f64 = 1e9;
    /// What a milestone weighs when nobody says otherwise.
    pub const ONE: Self = Self(1.0);
}

impl Default for Weight {
    fn default() -> Self {
        Self::ONE
    }
}

bounded!(
    /// How much of a milestone is done, from 0 to 100.
    Percent,
    |raw| (0.0..=100.0).contains(&raw),
    ValueRule::PercentOutOfRange,
    |schema| schema
        .description(Some("How much of the milestone is done, from 0 to 100."))
        .minimum(Some(0.0))
        .maximum(Some(100.0))
        .examples([40.0])
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds() {
        for (raw, accepted) in [
            (0.0, false),
            (-1.0, false),
            (f64::NAN, false),
            (f64::INFINITY, false),
            (1e-7, false),
            (1e-6, true),
            (1e9, true),
        ] {
            assert_eq!(Weight::try_from(raw).is_ok(), accepted, "{raw}");
        }
        for (raw, accepted) in [(-0.1, false), (0.0, true), (100.0, true), (100.1, false), (f64::NAN, false)] {
            assert_eq!(Percent::try_from(raw).is_ok(), accepted, "{raw}");
        }
    }
}
