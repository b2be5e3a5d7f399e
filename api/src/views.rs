//! Pages and pictures for people to look at. Each is one self-contained file that can be mailed and printed, and that
//! loads nothing from other servers.

pub mod badge_picture;
pub mod celebrations_feed;
pub mod ceremony_markdown;
pub mod ceremony_page;
pub mod credential_page;
pub mod invitation_page;
pub mod newsletter;
pub mod page;
pub mod pictures;
pub mod portfolio_markdown;
pub mod portfolio_page;
pub mod preview_picture;
pub mod project_xml;
pub mod raster;
pub mod security;
pub mod status_markdown;
pub mod status_page;
