//! Repetition of transactions that the database asks to be tried again.

use crate::error::ApiError;
use crate::store::is_retryable;

/// Maximum number of attempts.
const ATTEMPTS: usize = 5;

/// A failure that says whether the transaction may succeed when it is tried again.
pub trait Retryable {
    /// Whether the database asks for it.
    fn is_retryable(&self) -> bool;
}

impl Retryable for ApiError {
    fn is_retryable(&self) -> bool {
        ApiError::is_retryable(self)
    }
}

impl Retryable for sqlx::Error {
    fn is_retryable(&self) -> bool {
        is_retryable(self)
    }
}

/// Runs a transaction, and runs it again as long as the database asks for it and attempts are left.
pub async fn retrying<T, E, F>(transaction: impl Fn() -> F) -> Result<T, E>
where
    E: Retryable,
    F: Future<Output = Result<T, E>>,
{
    for _ in 1..ATTEMPTS {
        match transaction().await {
            Err(error) if error.is_retryable() => tokio::task::yield_now().await,
            settled => return settled,
        }
    }
    transaction().await
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn a_transaction_is_repeated_only_where_the_database_asks_for_it() {
        struct Failure(bool);
        impl Retryable for Failure {
            fn is_retryable(&self) -> bool {
                self.0
            }
        }
        for (asks, failures, attempts, succeeds) in
            [(true, 0, 1, true), (true, 2, 3, true), (true, 9, ATTEMPTS, false), (false, 9, 1, false)]
        {
            let made = Cell::new(0);
            let outcome = retrying(|| {
                made.set(made.get() + 1);
                std::future::ready(if made.get() > failures { Ok(()) } else { Err(Failure(asks)) })
            });
            assert_eq!((outcome.await.is_ok(), made.get()), (succeeds, attempts), "{asks} {failures}");
        }
    }
}
