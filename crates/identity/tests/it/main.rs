//! The crate at its own border, over real databases: what is sealed opens for nobody else, and whatever is done to people
//! and sessions in whatever order ends as the rules say.

mod properties;
mod rules;
