//! Ranking: the one rule by which boards, profiles and neighbours number people.

use uuid::Uuid;

/// Somebody's place among others.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked<T> {
    /// Rank, counting from 1. Those with equal scores share one, and the next rank leaves as many out: 1, 2, 2, 4.
    pub rank: usize,
    /// Score.
    pub score: f64,
    /// Whoever it is.
    pub who: T,
}

/// Ranks people by their scores, the highest first (standard competition ranking). Those with equal scores come in the order of a name and
/// then of their identifiers, so that the order is always the same.
pub fn ranked<T>(mut scored: Vec<(f64, T)>, order: impl Fn(&T) -> (&str, Uuid)) -> Vec<Ranked<T>> {
    scored.sort_unstable_by(|(one, first), (other, second)| {
        other.total_cmp(one).then_with(|| order(first).cmp(&order(second)))
    });
    let (mut rank, mut last) = (0, None);
    let number = |(index, (score, who)): (usize, (f64, T))| {
        if last != Some(score.to_bits()) {
            (rank, last) = (index + 1, Some(score.to_bits()));
        }
        Ranked { rank, score, who }
    };
    scored.into_iter().enumerate().map(number).collect()
}

/// Returns the positions of those just above and just below a position, in the order of the board.
pub fn neighbours(position: usize, of: usize, each_side: usize) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
    let below = (position + 1).min(of);
    (position.saturating_sub(each_side)..position, below..(below + each_side).min(of))
}

/// Returns the number of ranks that somebody has climbed, of a board that had a number of people; `None` if none. Who was not on it began below its
/// last place.
pub fn climb(from_rank: Option<usize>, were: usize, rank: usize) -> Option<usize> {
    from_rank.unwrap_or(were + 1).checked_sub(rank).filter(|ranks| *ranks > 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn board(scores: &[f64]) -> Vec<Ranked<(String, Uuid)>> {
        let scored = scores.iter().zip(0..).map(|(score, n)| (*score, (format!("{n}"), Uuid::from_u128(n))));
        ranked(scored.collect(), |(name, id)| (name.as_str(), *id))
    }

    #[test]
    fn equals_share_a_rank_and_the_next_is_left_out() {
        let found: Vec<_> =
            board(&[3.0, 9.0, 5.0, 5.0, 3.0, 1.0]).into_iter().map(|one| (one.rank, one.who.0)).collect();
        let expected = [(1, "1"), (2, "2"), (2, "3"), (4, "0"), (4, "4"), (6, "5")];
        assert_eq!(found, expected.map(|(rank, who)| (rank, who.to_owned())));
        assert!(board(&[]).is_empty());
    }

    #[test]
    fn neighbours_of_a_position() {
        for (position, of, expected) in [
            (0, 5, (0..0, 1..3)),
            (1, 5, (0..1, 2..4)),
            (3, 5, (1..3, 4..5)),
            (4, 5, (2..4, 5..5)),
            (0, 1, (0..0, 1..1)),
        ] {
            assert_eq!(neighbours(position, of, 2), expected, "{position} of {of}");
        }
    }

    #[test]
    fn climbs() {
        for (from_rank, were, rank, expected) in [
            (Some(9), 20, 3, Some(6)),
            (Some(3), 20, 3, None),
            (Some(3), 20, 9, None),
            (None, 20, 3, Some(18)),
            (None, 0, 1, None),
        ] {
            assert_eq!(climb(from_rank, were, rank), expected, "{from_rank:?} {were} {rank}");
        }
    }

    proptest! {
        #[test]
        fn a_rank_is_one_more_than_those_who_are_better(scores in proptest::collection::vec(0_u8..6, 0..40)) {
            let scores: Vec<f64> = scores.into_iter().map(f64::from).collect();
            for one in board(&scores) {
                let better = scores.iter().filter(|score| **score > one.score).count();
                prop_assert_eq!(one.rank, better + 1);
            }
        }
    }
}
