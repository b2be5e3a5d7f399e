//! Recognition: badges, their awards to people, the credentials that prove them, and the impact of what was achieved.

pub mod artwork;
pub mod audience;
pub mod award;
pub mod badge;
pub mod celebration;
pub mod competition;
pub mod credential;
pub mod deed;
pub mod impact;
pub mod ranking;
pub mod reward;
pub mod rule;
pub mod share;
pub mod signal;
pub mod status_list;
pub mod story;
pub mod verdict;
