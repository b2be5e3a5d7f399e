//! Recognition: badges, their awards to people, the credentials that prove them, and the impact of what was achieved.

pub mod award;
pub mod badge;
pub mod credential;
pub mod impact;
pub mod rule;
pub mod share;
pub mod status_list;
pub mod verdict;
