//! Whether the addresses that a mapper vouches for rest on a proof.

use std::collections::BTreeMap;

use jrsonnet_ir::{Expr, Span};

use super::mentions::Wanted;
use super::{At, Linter};
use crate::lint::LintSeverity::Error;

/// What is known of the fields named `verified_addresses`.
#[derive(Default)]
pub(super) struct Addresses {
    /// By where they stand in the text: one behind a local is met at the local and again in the output.
    fields: BTreeMap<u32, Field>,
    /// `deny` looks at a proof.
    denied: bool,
}

struct Field {
    span: Span,
    /// It was met in the output, where the conditions around it are known.
    placed: bool,
    proven: bool,
}

impl Linter<'_> {
    /// A field that may vouch for addresses, or refuse those who have none proven. Its own condition holds here.
    pub(super) fn address_field(&mut self, name: &str, at: At<'_>, span: &Span, value: &Expr) {
        let proven = |linter: &Self| linter.under_proof > 0 || linter.mentions(value, Wanted::Proof);
        if name == "deny" && at.is_some_and(<[String]>::is_empty) {
            self.addresses.denied |= proven(self);
        }
        if name != "verified_addresses" || matches!(value, Expr::Arr(elements) if elements.is_empty()) {
            return;
        }
        let placed = at.is_some_and(|at| at == ["identity"]);
        let proven = proven(self);
        let met = self.addresses.fields.entry(span.1).or_insert(Field { span: span.clone(), placed, proven });
        match (met.placed, placed) {
            (false, true) => (met.placed, met.proven) = (true, proven),
            (true, true) => met.proven &= proven,
            (_, false) => {}
        }
    }

    /// Addresses called verified that look at no proof. For those that only functions put into the output, whose
    /// arguments nobody follows here, a proof anywhere will do.
    pub(super) fn unproven_addresses(&mut self, root: &Expr) {
        let Addresses { fields, denied } = std::mem::take(&mut self.addresses);
        let anywhere = self.mentions(root, Wanted::Proof);
        for Field { span, placed, proven } in fields.into_values() {
            if if placed { proven || denied } else { anywhere } {
                continue;
            }
            let message = "`verified_addresses` rests on no proof: whoever can set that address at the provider can claim it here".to_owned();
            let hint = Some("set it only when `std.get(claims, 'email_verified', false)`, or with Entra `std.get(claims.raw_claims, 'xms_edov', false) == true`".to_owned());
            self.report("unproven-address", Error, message, hint, Some(&span));
        }
    }
}
