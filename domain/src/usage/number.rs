//! Numbers as usage events state them, and their exact sums.

use num_bigint::{BigInt, Sign};
use num_traits::ToPrimitive;
use num_traits::float::FloatCore;

/// A number as an event states it. Integers keep all their digits, as identifiers must; other numbers are binary floating point of
/// 64 bits (IEEE 754).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// An integer.
    Integer(i128),
    /// Any other number.
    Real(f64),
}

impl Number {
    /// Returns the nearest number in floating point.
    #[expect(clippy::cast_precision_loss, reason = "the nearest is what is asked for")]
    pub const fn nearest(self) -> f64 {
        match self {
            Self::Integer(integer) => integer as f64,
            Self::Real(real) => real,
        }
    }

    /// Returns its text, which is the same for equal numbers: 1 and 1.0 are one.
    #[expect(clippy::cast_possible_truncation, reason = "whole, and small enough")]
    pub fn text(self) -> String {
        match self {
            Self::Integer(integer) => integer.to_string(),
            Self::Real(real) if real.fract() == 0.0 && real.abs() < 1e18 => (real as i128).to_string(),
            Self::Real(real) => real.to_string(),
        }
    }
}

/// The exact sum of finite numbers: an integer times a power of two. It is rounded once, when it is read, so neither the order of the
/// numbers nor their grouping matters.
#[derive(Debug, Clone, Default)]
pub struct Sum {
    digits: BigInt,
    exponent: i32,
}

impl Sum {
    /// Adds a number.
    pub fn add(&mut self, number: Number) {
        match number {
            Number::Integer(integer) => self.add_scaled(&BigInt::from(integer), 0),
            Number::Real(real) => {
                let (mantissa, exponent, sign) = FloatCore::integer_decode(real);
                // Without its trailing zeros, a number of few digits leaves the sum short.
                let zeros = mantissa.trailing_zeros().min(63);
                let digits = i128::from(mantissa >> zeros) * i128::from(sign);
                self.add_scaled(&BigInt::from(digits), i32::from(exponent) + zeros.cast_signed());
            }
        }
    }

    /// Adds another sum.
    pub fn add_sum(&mut self, other: &Self) {
        self.add_scaled(&other.digits, other.exponent);
    }

    fn add_scaled(&mut self, digits: &BigInt, exponent: i32) {
        if digits.sign() == Sign::NoSign {
            return;
        }
        if self.digits.sign() == Sign::NoSign || exponent < self.exponent {
            self.digits <<= self.exponent.saturating_sub(exponent).max(0);
            self.exponent = exponent;
        }
        self.digits += digits << (exponent - self.exponent);
    }

    /// Returns the nearest number in floating point, ties to even; infinity beyond the largest. The sum of nothing is 0.
    #[expect(clippy::cast_precision_loss, reason = "the one rounding")]
    pub fn nearest(&self) -> f64 {
        let magnitude = self.digits.magnitude();
        // The leading 64 bits hold more than a float; whether any lower one is set decides between neighbours.
        let cut = magnitude.bits().saturating_sub(64);
        let leading = (magnitude >> cut).to_u64().unwrap_or(u64::MAX);
        let is_inexact = magnitude.trailing_zeros().is_some_and(|zeros| zeros < cut);
        let nearest = (leading | u64::from(is_inexact)) as f64;
        let exponent = i64::from(self.exponent).saturating_add_unsigned(cut);
        let scaled = times_power_of_two(nearest, exponent);
        if self.digits.sign() == Sign::Minus { -scaled } else { scaled }
    }
}

/// Multiplies by a power of two. Exact where the product is a float, because each step but the last stays among normal numbers.
fn times_power_of_two(mut number: f64, mut exponent: i64) -> f64 {
    while exponent != 0 && number != 0.0 && number.is_finite() {
        let step = exponent.clamp(-1000, 1000);
        number *= f64::from_bits((1023 + step).cast_unsigned() << 52);
        exponent -= step;
    }
    number
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "one rounding, as expected")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sum(numbers: impl IntoIterator<Item = Number>) -> f64 {
        let mut sum = Sum::default();
        for number in numbers {
            sum.add(number);
        }
        sum.nearest()
    }

    fn real(numbers: &[f64]) -> f64 {
        sum(numbers.iter().map(|number| Number::Real(*number)))
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "exact on purpose")]
    fn sums_are_exact() {
        assert_eq!(real(&[1e16, 1.0, -1e16]), 1.0);
        assert_eq!(real(&[0.1; 10]), 1.0);
        assert_eq!(real(&[]).to_bits(), 0.0_f64.to_bits(), "and not -0");
        assert_eq!(real(&[-0.0]).to_bits(), 0.0_f64.to_bits());
        assert_eq!(real(&[1e308, 1e308, -1e308, -1e308]).to_bits(), 0.0_f64.to_bits(), "whatever comes in between");
        assert_eq!(real(&[f64::MAX, f64::MAX]), f64::INFINITY);
        assert_eq!(real(&[5e-324, 5e-324]), 1e-323, "the smallest numbers");
        let big = 9_007_199_254_740_993;
        assert_eq!(sum([Number::Integer(big), Number::Integer(-big + 1)]), 1.0);
        assert_eq!(sum([Number::Integer(i128::MAX), Number::Integer(i128::MAX)]), 2f64.powi(128));
    }

    /// Sums by Python's `math.fsum`, which is exact (Shewchuk, *Adaptive Precision Floating-Point Arithmetic*, 1997).
    #[test]
    #[expect(clippy::unreadable_literal, reason = "as they were printed")]
    fn as_fsum_has_it() {
        let cases = [
            (&[-6.720246702836519e-07, -2.065285145647448e-91, -1.4834096219872626e-18][..], -6.720246702851352e-07),
            (
                &[-2.6373826412059453e-91, 1.638816252572409, -2.1329248054250634e+18, -0.3273113945169621][..],
                -2.1329248054250634e+18,
            ),
            (
                &[
                    -1.8875030738863744e+18,
                    -1.5296427108326226e-18,
                    8.786289607170201e-91,
                    3.555745901188439e+17,
                    -1.8016427464409142,
                    -1.7296498084344624e-06,
                ][..],
                -1.5319284837675305e+18,
            ),
            (
                &[
                    -8.025768801434469e-07,
                    1.3019483370285592,
                    2.2986326985478475e-07,
                    -1.5877771502256346,
                    -4.427099564520031e-19,
                    0.2574731725335466,
                    -1.6535222754113024e+16,
                    2.258899953244167e+90,
                ][..],
                2.258899953244167e+90,
            ),
            (
                &[
                    2.8929193321511543e+270,
                    -1.405876328989564e+255,
                    -4.9842121505972904e-61,
                    6.508315703269233e-76,
                    -2.8929193321511543e+270,
                    1.405876328989564e+255,
                ][..],
                -4.984212150597284e-61,
            ),
            (&[1.0, 1.1102230246251565e-16, 1.232595164407831e-32][..], 1.0000000000000002),
            (&[1.0, 1.1102230246251565e-16][..], 1.0),
            (&[1.0, 1.1102230246251565e-16, -1.232595164407831e-32][..], 1.0),
            (&[1e-320, 5e-324, 2.2250738585072014e-308, -1e-310][..], 2.215073858508202e-308),
        ];
        for (numbers, expected) in cases as [(&[f64], f64); 9] {
            assert_eq!(real(numbers).to_bits(), expected.to_bits(), "{numbers:?}");
        }
    }

    proptest! {
        /// Multiples of one power of two are summed up as integers.
        #[test]
        fn as_integers_have_it(multiples in prop::collection::vec(-(1i64 << 53)..(1i64 << 53), 0..40), at in 0usize..40) {
            let part = |multiples: &[i64]| {
                let mut sum = Sum::default();
                for multiple in multiples {
                    sum.add(Number::Real(*multiple as f64 / 1024.0));
                }
                sum
            };
            let expected = multiples.iter().map(|multiple| i128::from(*multiple)).sum::<i128>() as f64 / 1024.0;
            let (first, second) = multiples.split_at(at.min(multiples.len()));
            let mut whole = part(first);
            whole.add_sum(&part(second));
            prop_assert_eq!(whole.nearest().to_bits(), expected.to_bits());
            prop_assert_eq!(part(&multiples).nearest().to_bits(), expected.to_bits());
        }
    }
}
