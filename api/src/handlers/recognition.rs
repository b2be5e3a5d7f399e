//! Recognition: badges, their awards to people, and the credentials that prove them.

pub mod act;
pub mod artworks;
pub mod awards;
pub mod badges;
pub mod competitions;
pub mod entitlements;
pub mod holder;
pub mod impacts;
pub mod issuer;
pub mod keys;
pub mod leaderboard;
pub mod portfolio;
pub mod rewards;
pub mod stories;
pub mod verify;
