//! Recognition: badges, their awards to people, and the credentials that prove them.

pub mod award;
pub mod badge;
pub mod credential;
pub mod rule;
pub mod share;
pub mod status_list;
pub mod verdict;
