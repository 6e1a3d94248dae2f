//! Identity schemas: which traits are allowed, and what follows from them.
/// A parsed identity schema.
pub struct IdentitySchema;
