//! The hash chain of the ledger: each entry's hash covers its content and the hash of the entry before it.
//!
//! Of the states before and after a change, it covers a digest that is made with a secret salt. When a customer or a person is
//! erased, the states and the salt are deleted and the digest stays: the chain still holds, and nobody can find out by trying what
//! the states were. That they were erased is an entry of its own.
//!
//! This module computes and verifies hashes; it does not read or store entries.

use std::collections::BTreeSet;

use chrono::{DateTime, SecondsFormat, Utc};
use sha2::{Digest, Sha256};

/// A SHA-256 digest.
pub type Hash = [u8; 32];

/// Previous hash of the first entry of every organization.
pub const GENESIS: Hash = [0; 32];

/// The content of a ledger entry, as text. The hash covers exactly the stored content.
#[derive(Debug, Clone, Copy)]
pub struct Content<'a> {
    /// Identifier of the organization: a UUID in hyphenated lower case.
    pub organization_id: &'a str,
    /// Sequence number, counting from 1 without gaps.
    pub sequence: i64,
    /// Time of recording.
    pub recorded_at: DateTime<Utc>,
    /// All other fields in stored order: actor, request, action, entity, root, and the digest of before and after in
    /// hexadecimal, or in entries of earlier versions, before and after themselves. An absent field differs from an empty one.
    pub fields: &'a [Option<&'a str>],
}

/// States before and after a change, as they are stored beside the chain.
#[derive(Debug, Clone, Copy)]
pub enum States<'a> {
    /// Fields of the content, as in entries of earlier versions.
    Fields,
    /// Covered by a digest.
    Sealed {
        /// Salt of the digest.
        salt: &'a [u8],
        /// Digest.
        digest: &'a [u8],
        /// State before the change.
        before: Option<&'a str>,
        /// State after the change.
        after: Option<&'a str>,
    },
    /// Erased. Without a digest, nothing can be computed any more: the hash is the one that the next entry confirms.
    Erased {
        /// Whether their digest has stayed.
        has_digest: bool,
    },
    /// Said to be erased and still there.
    Contradictory,
}

/// Range of entries of which the states were erased: first and last sequence number.
pub type Range = (i64, i64);

/// Returns sorted sequence numbers as ranges.
pub fn ranges(sequences: &[i64]) -> Vec<Range> {
    let mut found: Vec<Range> = vec![];
    for sequence in sequences {
        match found.last_mut().filter(|(_, last)| last + 1 == *sequence) {
            Some((_, last)) => *last = *sequence,
            None => found.push((*sequence, *sequence)),
        }
    }
    found
}

/// Returns the digest of the states before and after a change: SHA-256 over a salt and both, each preceded by its length.
pub fn states_digest(salt: &[u8], before: Option<&str>, after: Option<&str>) -> Hash {
    let mut digest = Sha256::new();
    digest.update(salt);
    feed(&mut digest, before);
    feed(&mut digest, after);
    digest.finalize().into()
}

fn feed(digest: &mut Sha256, field: Option<&str>) {
    match field {
        None => digest.update([0]),
        Some(text) => {
            digest.update([1]);
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text.as_bytes());
        }
    }
}

/// Returns the hash of an entry: SHA-256 over the previous hash and every field, each preceded by its length so that
/// different contents never produce the same input.
pub fn entry_hash(previous: &Hash, content: &Content<'_>) -> Hash {
    let mut digest = Sha256::new();
    digest.update(previous);
    feed(&mut digest, Some(content.organization_id));
    feed(&mut digest, Some(&content.sequence.to_string()));
    feed(&mut digest, Some(&content.recorded_at.to_rfc3339_opts(SecondsFormat::Micros, true)));
    for field in content.fields {
        feed(&mut digest, *field);
    }
    digest.finalize().into()
}

/// A stored entry to verify.
#[derive(Debug, Clone, Copy)]
pub struct Stored<'a> {
    /// Content of the entry.
    pub content: Content<'a>,
    /// States before and after the change.
    pub states: States<'a>,
    /// Earlier entries whose states were erased with this one.
    pub erases: &'a [Range],
    /// Stored hash of the previous entry.
    pub previous: &'a [u8],
    /// Stored hash of the entry.
    pub hash: &'a [u8],
}

/// A break in a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Break {
    /// A sequence number is missing, repeated or out of order.
    #[error("entry {sequence} is missing")]
    Missing {
        /// Expected sequence number.
        sequence: i64,
    },
    /// The entry does not continue the one before it.
    #[error("entry {sequence} does not follow from the entry before it")]
    Unlinked {
        /// Sequence number of the entry.
        sequence: i64,
    },
    /// The entry's content does not match its hash.
    #[error("entry {sequence} was changed")]
    Changed {
        /// Sequence number of the entry.
        sequence: i64,
    },
    /// The states of an entry are missing, and no entry says that they were erased.
    #[error("what entry {sequence} said was removed, and no entry says that it was erased")]
    Emptied {
        /// Sequence number of the entry.
        sequence: i64,
    },
    /// The chain ends before or after the recorded head.
    #[error("the chain does not end at its recorded head, entry {sequence}")]
    WrongEnd {
        /// Sequence number of the recorded head.
        sequence: i64,
    },
    /// There is no entry at all, though every organization begins with one.
    #[error("the ledger is empty, though an organization begins with an entry")]
    Empty,
    /// The chain ends before a point that it once had.
    #[error("the ledger once reached entry {sequence}: later entries were cut off, or an older copy was put back")]
    CutOff {
        /// Sequence number of the point.
        sequence: i64,
    },
    /// The chain has another entry at a point that it once had.
    #[error(
        "entry {sequence} is not the one that the ledger once had there: history was rewritten, or this is another branch of it"
    )]
    Rewritten {
        /// Sequence number of the point.
        sequence: i64,
    },
}

/// A point that a chain once had, known from somewhere else: a checkpoint, or a hash that somebody wrote down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    /// Sequence number of an entry; 0 stands before the first.
    pub sequence: i64,
    /// Hash of that entry.
    pub hash: Hash,
}

impl std::fmt::Display for Point {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.sequence, hex(&self.hash))
    }
}

/// A text that names no point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a sequence number and a hash of 64 hexadecimal digits, such as 17:9f86…0a08")]
pub struct NotAPoint;

impl std::str::FromStr for Point {
    type Err = NotAPoint;

    fn from_str(text: &str) -> Result<Self, NotAPoint> {
        let (sequence, digits) = text.split_once(':').ok_or(NotAPoint)?;
        let sequence = sequence.parse().ok().filter(|sequence| *sequence >= 0).ok_or(NotAPoint)?;
        if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(NotAPoint);
        }
        let mut hash = GENESIS;
        for (byte, at) in hash.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| NotAPoint)?;
        }
        Ok(Self { sequence, hash })
    }
}

/// Returns bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Break {
    /// Returns the sequence number of the first broken entry.
    pub const fn sequence(&self) -> i64 {
        match self {
            Self::Missing { sequence }
            | Self::Unlinked { sequence }
            | Self::Changed { sequence }
            | Self::Emptied { sequence }
            | Self::WrongEnd { sequence }
            | Self::CutOff { sequence }
            | Self::Rewritten { sequence } => *sequence,
            Self::Empty => 1,
        }
    }
}

/// Verifier of a chain, one entry at a time. It verifies a ledger of any length in constant memory, but for the erased entries whose
/// erasure it has not met.
#[derive(Debug, Clone)]
pub struct Verifier {
    sequence: i64,
    hash: Hash,
    /// Points that the chain must have, the last one first.
    points: Vec<Point>,
    points_verified: usize,
    /// Erased entries whose erasure has not been met.
    erased: BTreeSet<i64>,
}

impl Default for Verifier {
    fn default() -> Self {
        Self { sequence: 0, hash: GENESIS, points: vec![], points_verified: 0, erased: BTreeSet::new() }
    }
}

impl Verifier {
    /// Creates a verifier of a chain that must have these points.
    pub fn through(mut points: Vec<Point>) -> Self {
        points.sort_unstable_by(|a, b| b.cmp(a));
        Self { points, ..Self::default() }
    }

    /// Returns where the chain stands.
    pub const fn point(&self) -> Point {
        Point { sequence: self.sequence, hash: self.hash }
    }

    /// Returns the number of points that the chain has had so far.
    pub const fn points_verified(&self) -> usize {
        self.points_verified
    }

    /// Returns the number of entries verified so far.
    pub const fn verified(&self) -> i64 {
        self.sequence
    }

    /// Verifies the next entry.
    pub fn next(&mut self, entry: &Stored<'_>) -> Result<(), Break> {
        let sequence = self.sequence + 1;
        if entry.content.sequence != sequence {
            return Err(Break::Missing { sequence });
        }
        if entry.previous != self.hash {
            return Err(Break::Unlinked { sequence });
        }
        let changed = Break::Changed { sequence };
        let hash = match entry.states {
            States::Erased { has_digest: false } => entry.hash.try_into().map_err(|_| changed)?,
            _ => entry_hash(&self.hash, &entry.content),
        };
        let is_sealed = match entry.states {
            States::Sealed { salt, digest, before, after } => digest == states_digest(salt, before, after),
            States::Fields | States::Erased { .. } => true,
            States::Contradictory => false,
        };
        if entry.hash != hash || !is_sealed {
            return Err(changed);
        }
        if let States::Erased { .. } = entry.states {
            self.erased.insert(sequence);
        }
        for (first, last) in entry.erases {
            self.erased.retain(|erased| !(first..=last).contains(&erased));
        }
        (self.sequence, self.hash) = (sequence, hash);
        while let Some(point) = self.points.pop_if(|point| point.sequence <= sequence) {
            if point.sequence == sequence && point.hash != hash {
                return Err(Break::Rewritten { sequence });
            }
            self.points_verified += 1;
        }
        Ok(())
    }

    /// Compares the end of the chain with the organization's recorded head.
    pub fn finish(&self, head_sequence: i64, head_hash: &[u8]) -> Result<(), Break> {
        if self.sequence < head_sequence {
            Err(Break::Missing { sequence: self.sequence + 1 })
        } else if self.sequence > head_sequence || head_hash != self.hash {
            Err(Break::WrongEnd { sequence: head_sequence })
        } else if let Some(last) = self.points.first().filter(|point| point.sequence > self.sequence) {
            Err(Break::CutOff { sequence: last.sequence })
        } else if self.sequence == 0 {
            Err(Break::Empty)
        } else if let Some(sequence) = self.erased.first() {
            Err(Break::Emptied { sequence: *sequence })
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORGANIZATION: &str = "018f0000-0000-7000-8000-000000000001";

    fn content<'a>(sequence: i64, fields: &'a [Option<&'a str>]) -> Content<'a> {
        Content { organization_id: ORGANIZATION, sequence, recorded_at: DateTime::UNIX_EPOCH, fields }
    }

    fn number(index: usize) -> i64 {
        i64::try_from(index).expect("a small number")
    }

    /// The hash is part of the stored format. The expected value is computed separately from the described bytes.
    #[test]
    fn the_format_is_fixed() {
        let hash = entry_hash(&GENESIS, &content(1, &[Some("a"), None]));
        let mut bytes = vec![0u8; 32];
        for text in [ORGANIZATION, "1", "1970-01-01T00:00:00.000000Z", "a"] {
            bytes.push(1);
            bytes.extend((text.len() as u64).to_be_bytes());
            bytes.extend(text.as_bytes());
        }
        bytes.push(0);
        assert_eq!(hash, <Hash>::from(Sha256::digest(&bytes)));
    }

    #[test]
    fn fields_do_not_run_into_each_other() {
        let hash = |fields: &[Option<&str>]| entry_hash(&GENESIS, &content(1, fields));
        assert_ne!(hash(&[Some("ab"), Some("c")]), hash(&[Some("a"), Some("bc")]));
        assert_ne!(hash(&[None]), hash(&[Some("")]));
    }

    #[test]
    fn what_was_erased_is_missing_by_right() {
        let salt = [7; 32];
        let sealed = |text: &'static str| {
            let digest = states_digest(&salt, None, Some(text));
            (hex(&digest), digest, text)
        };
        let texts = [sealed("one"), sealed("two"), sealed("three")];
        let fields: Vec<[Option<&str>; 1]> = texts.iter().map(|(digest, ..)| [Some(digest.as_str())]).collect();
        let mut hashes = vec![GENESIS];
        for (index, fields) in fields.iter().enumerate() {
            hashes.push(entry_hash(&hashes[index], &content(number(index + 1), fields)));
        }
        let entry = |n: usize, states| Stored {
            content: content(number(n), &fields[n - 1]),
            states,
            erases: &[],
            previous: &hashes[n - 1],
            hash: &hashes[n],
        };
        let kept = |n: usize| {
            let (_, digest, text) = &texts[n - 1];
            entry(n, States::Sealed { salt: &salt, digest, before: None, after: Some(text) })
        };
        let verify = |entries: [Stored<'_>; 3]| {
            let mut verifier = Verifier::default();
            entries.iter().try_for_each(|entry| verifier.next(entry))?;
            verifier.finish(3, &hashes[3])
        };
        assert_eq!(verify([1, 2, 3].map(kept)), Ok(()));
        let forged = States::Sealed { salt: &salt, digest: &texts[1].1, before: None, after: Some("other") };
        assert_eq!(verify([kept(1), entry(2, forged), kept(3)]), Err(Break::Changed { sequence: 2 }));
        for has_digest in [true, false] {
            let empty = entry(2, States::Erased { has_digest });
            assert_eq!(verify([kept(1), empty, kept(3)]), Err(Break::Emptied { sequence: 2 }));
            assert_eq!(verify([kept(1), empty, Stored { erases: &[(1, 2)], ..kept(3) }]), Ok(()));
            assert_eq!(
                verify([Stored { erases: &[(2, 2)], ..kept(1) }, empty, kept(3)]),
                Err(Break::Emptied { sequence: 2 }),
                "an erasure is of what was there"
            );
        }
        let both = entry(2, States::Contradictory);
        assert_eq!(verify([kept(1), both, kept(3)]), Err(Break::Changed { sequence: 2 }));
        assert_ne!(states_digest(&salt, None, Some("one")), states_digest(&[8; 32], None, Some("one")));
        assert_ne!(states_digest(&salt, Some("one"), None), states_digest(&salt, None, Some("one")));
        assert_eq!(ranges(&[1, 2, 3, 5, 8, 9]), [(1, 3), (5, 5), (8, 9)]);
        assert_eq!(ranges(&[]), []);
    }

    #[test]
    fn every_kind_of_tampering_is_found() {
        let texts: Vec<String> = (1..=5).map(|n| format!("change {n}")).collect();
        let fields: Vec<[Option<&str>; 1]> = texts.iter().map(|text| [Some(text.as_str())]).collect();
        let mut hashes = vec![GENESIS];
        for (index, fields) in fields.iter().enumerate() {
            hashes.push(entry_hash(&hashes[index], &content(number(index + 1), fields)));
        }
        let entry = |n: usize| Stored {
            content: content(number(n), &fields[n - 1]),
            states: States::Fields,
            erases: &[],
            previous: &hashes[n - 1],
            hash: &hashes[n],
        };
        let verify = |entries: &[Stored<'_>]| {
            let mut verifier = Verifier::default();
            entries.iter().try_for_each(|entry| verifier.next(entry))?;
            verifier.finish(5, &hashes[5])
        };
        let whole = [1, 2, 3, 4, 5].map(entry);
        assert_eq!(verify(&whole), Ok(()));
        assert_eq!(verify(&[1, 2, 4, 5].map(entry)), Err(Break::Missing { sequence: 3 }));
        assert_eq!(verify(&[1, 3, 2, 4, 5].map(entry)), Err(Break::Missing { sequence: 2 }));
        assert_eq!(verify(&[1, 2, 3, 4].map(entry)), Err(Break::Missing { sequence: 5 }));
        let point = |sequence: usize, hash: Hash| Point { sequence: number(sequence), hash };
        let verify_through = |points: &[Point], upto: usize| {
            let mut verifier = Verifier::through(points.to_vec());
            (1..=upto).map(entry).try_for_each(|entry| verifier.next(&entry))?;
            verifier.finish(number(upto), &hashes[upto]).map(|()| verifier.points_verified())
        };
        let (third, fifth) = (point(3, hashes[3]), point(5, hashes[5]));
        assert_eq!(verify_through(&[fifth, third, third], 5), Ok(3));
        assert_eq!(verify_through(&[third, fifth], 4), Err(Break::CutOff { sequence: 5 }));
        assert_eq!(verify_through(&[point(3, GENESIS), fifth], 5), Err(Break::Rewritten { sequence: 3 }));
        assert_eq!(verify_through(&[], 0), Err(Break::Empty));
        assert_eq!(verify_through(&[third], 0), Err(Break::CutOff { sequence: 3 }));
        assert_eq!(third.to_string().parse(), Ok(third));
        for text in ["", "3", "3:", "-1:00", "3:zz", &format!("3:{}", "é".repeat(32)), &format!("x:{}", "0".repeat(64))]
        {
            assert_eq!(text.parse::<Point>(), Err(NotAPoint), "{text}");
        }
        let changed = Stored { content: content(3, &[Some("another")]), ..entry(3) };
        assert_eq!(verify(&[entry(1), entry(2), changed, entry(4), entry(5)]), Err(Break::Changed { sequence: 3 }));
        let forged = entry_hash(&hashes[2], &content(3, &[Some("another")]));
        let rehashed = Stored { hash: &forged, ..changed };
        assert_eq!(verify(&[entry(1), entry(2), rehashed, entry(4), entry(5)]), Err(Break::Unlinked { sequence: 4 }));
    }
}
