//! The client that progenitor writes of the document.

include!(concat!(env!("OUT_DIR"), "/client.rs"));
