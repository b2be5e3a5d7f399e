//! Status lists: which awards are revoked or suspended, one bit each (W3C Bitstring Status List v1.0).

use strum::{Display, EnumString, VariantArray};

/// Number of bits of a list: the smallest that the standard allows, so that one bit says little of whose it is (section 2.2).
pub const BITS: u32 = 131_072;

/// Number of random indexes that are tried in a list. If all of them are taken, a new list begins: lists end a little over half full.
pub const MOST_TRIES: usize = 16;

/// Meaning of the bits of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display, EnumString, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum StatusPurpose {
    /// A set bit is a credential that was taken back for good.
    Revocation,
    /// A set bit is a credential that does not count for now.
    Suspension,
}

/// Returns the bits of a list as bytes. The first bit is the highest of the first byte (section 3.2). An index beyond the list is left out.
pub fn bits(set: impl IntoIterator<Item = u32>) -> Vec<u8> {
    let mut bytes = vec![0; BITS as usize / 8];
    for index in set.into_iter().filter(|index| *index < BITS) {
        bytes[index as usize / 8] |= 0x80 >> (index % 8);
    }
    bytes
}

/// Returns whether a bit of a list is set; `None` beyond its end.
pub fn is_set(bytes: &[u8], index: usize) -> Option<bool> {
    bytes.get(index / 8).map(|byte| byte & (0x80 >> (index % 8)) != 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_bit_is_the_highest() {
        let bytes = bits([0, 9, BITS - 1, BITS]);
        assert_eq!((bytes.len(), bytes[0], bytes[1], bytes[16_383]), (16_384, 0b1000_0000, 0b0100_0000, 0b0000_0001));
        assert_eq!(
            [0, 1, 9, 131_071, 131_072].map(|at| is_set(&bytes, at)),
            [Some(true), Some(false), Some(true), Some(true), None]
        );
    }

    proptest! {
        #[test]
        fn what_is_set_is_found(set in proptest::collection::btree_set(0..BITS, 0..50), other in 0..BITS) {
            let bytes = bits(set.iter().copied());
            prop_assert_eq!(is_set(&bytes, other as usize), Some(set.contains(&other)));
            prop_assert_eq!(bytes.iter().map(|byte| byte.count_ones() as usize).sum::<usize>(), set.len());
        }
    }
}
