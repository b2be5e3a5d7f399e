//! Bounded numbers of a milestone: its weight in the scope of its plan and its percentage of completion.

use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use crate::values::rule::ValueRule;

/// Declares a bounded number and its schema.
macro_rules! bounded {
    ($(#[$doc:meta])* $name:ident, $accepts:expr, $taken:expr, $broken:expr, $schema:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(try_from = "f64", into = "f64")]
        pub struct $name(f64);

        impl $name {
            /// Returns the number.
            pub const fn value(self) -> f64 {
                self.0
            }
        }

        impl TryFrom<f64> for $name {
            type Error = ValueRule;
            fn try_from(raw: f64) -> Result<Self, ValueRule> {
                let (accepts, taken): (fn(f64) -> bool, fn(f64) -> f64) = ($accepts, $taken);
                if accepts(raw) { Ok(Self(taken(raw))) } else { Err($broken) }
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
    /// Weight of a milestone in its plan's scope, in the plan's weight unit, from 0 to 1,000,000,000.
    Weight,
    |raw| (0.0..=Weight::MAX).contains(&raw),
    |raw| if raw < Weight::MIN { 0.0 } else { raw },
    ValueRule::WeightOutOfRange { min: 0.0, max: Weight::MAX },
    |schema| schema
        .description(Some(
            "Weight of the milestone in its plan's scope, in the plan's weight unit. 0 is a gate: it earns nothing. Weights \
             below 0.000001 count as 0."))
        .minimum(Some(0.0))
        .maximum(Some(Weight::MAX))
        .examples([5.0])
);

impl Weight {
    /// Smallest weight that earns. Smaller ones would lead to indices that exceed the range of numbers.
    pub const MIN: f64 = 1e-6;
    /// Largest weight.
    pub const MAX: f64 = 1e9;
    /// Default weight of a milestone.
    pub const ONE: Self = Self(1.0);
}

impl Default for Weight {
    fn default() -> Self {
        Self::ONE
    }
}

bounded!(
    /// Percentage of a milestone that is complete, from 0 to 100.
    Percent,
    |raw| (0.0..=100.0).contains(&raw),
    |raw| raw,
    ValueRule::PercentOutOfRange,
    |schema| schema
        .description(Some("Percentage of the milestone that is complete, from 0 to 100."))
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
            (0.0, true),
            (-1.0, false),
            (f64::NAN, false),
            (f64::INFINITY, false),
            (1e-7, true),
            (1e-6, true),
            (1e9, true),
        ] {
            assert_eq!(Weight::try_from(raw).is_ok(), accepted, "{raw}");
        }
        assert_eq!(Weight::try_from(1e-7).map(Weight::value), Ok(0.0), "too little to earn anything");
        for (raw, accepted) in [(-0.1, false), (0.0, true), (100.0, true), (100.1, false), (f64::NAN, false)] {
            assert_eq!(Percent::try_from(raw).is_ok(), accepted, "{raw}");
        }
    }
}
