//! Moving at the crate's border: recorded answers of a Kratos on one side, a database on the other.

mod import;
mod kratos;
mod send;
