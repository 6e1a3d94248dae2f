//! The rules about claims and about the output; those about names are in the walk itself.

use std::collections::BTreeSet;

use jrsonnet_ir::{Expr, IndexPart, Span};
use serde_json::Value;

use super::guards::input_path;
use super::mentions::{PROOFS, Wanted};
use super::{At, Linter};
use crate::lint::LintSeverity::{Error, Warning};

/// Claims that every token carries, as OpenID Connect demands.
const ALWAYS_THERE: &[&str] = &[
    "claims.iss",
    "claims.sub",
    "claims.raw_claims",
    "claims.raw_claims.iss",
    "claims.raw_claims.sub",
    "claims.raw_claims.aud",
];
/// Claims that say who may do what.
const RIGHTS_CLAIMS: &[&str] = &["roles", "groups", "wids"];
/// Names that people give to such traits.
const RIGHTS_TRAITS: &[&str] = &[
    "role",
    "roles",
    "group",
    "groups",
    "admin",
    "is_admin",
    "isadmin",
    "permission",
    "permissions",
    "scope",
    "scopes",
    "rights",
    "entitlements",
];
/// What the identity schema says about traits.
pub(super) struct Traits {
    known: BTreeSet<String>,
    required: Vec<String>,
    closed: bool,
}

impl Traits {
    pub(super) fn of_schema(schema: &Value) -> Self {
        let traits = &schema["properties"]["traits"];
        let names = |list: &Value| {
            list.as_array().into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
        };
        Self {
            known: traits["properties"]
                .as_object()
                .into_iter()
                .flat_map(|properties| properties.keys().cloned())
                .collect(),
            required: names(&traits["required"]),
            closed: traits["additionalProperties"] == Value::Bool(false),
        }
    }
}

impl Linter<'_> {
    /// `claims.given_name` where nothing made sure that it is there.
    pub(super) fn unguarded_claim(&mut self, expr: &Expr, parts: &[IndexPart]) {
        let Expr::Index { indexable, .. } = expr else {
            return;
        };
        let Some(mut path) = input_path(indexable, &self.aliases) else {
            return;
        };
        for part in parts {
            let Expr::Str(name) = &part.value else { return };
            let base = path.join(".");
            path.push(name.to_string());
            let whole = path.join(".");
            if path[0] != "claims" || ALWAYS_THERE.contains(&whole.as_str()) || self.guarded.contains(&whole) {
                continue;
            }
            let (message, hint) = if PROOFS.contains(&name.as_str()) {
                (
                    format!("`{whole}` is absent, not false, when nothing is proven"),
                    format!("write `std.get({base}, '{name}', false)`"),
                )
            } else {
                (
                    format!("not every token has `{whole}`; without it the sign-in fails"),
                    format!("guard it with `'{name}' in {base}`, or write `std.get({base}, '{name}', default)`"),
                )
            };
            self.report("unguarded-claim", Warning, message, Some(hint), Some(&part.span));
            // What is below a missing claim is missing as well; one finding is enough.
            return;
        }
    }

    /// A value that is null, always or when a condition fails.
    pub(super) fn null_output(&mut self, span: Option<&Span>, at: At<'_>) {
        let Some(at) = at.filter(|_| !self.nulls_are_fine) else { return };
        let path = at.join(".");
        let hint =
            Some(format!("leave the key out: `[if condition then '{}']: …`", at.last().map_or("key", String::as_str)));
        match path.as_str() {
            "identity.metadata_public"
            | "identity.metadata_admin"
            | "identity.traits"
            | "identity.verified_addresses"
            | "identity.region" => {
                self.report("null-output", Error, format!("`{path}` may be null, which fails the sign-in"), hint, span);
            }
            _ if path.starts_with("identity.traits.") => {
                self.report(
                    "null-output",
                    Warning,
                    format!("`{path}` may be null, which most schemas refuse"),
                    hint,
                    span,
                );
            }
            _ => {}
        }
    }

    /// A part of the output that the linter cannot see into.
    pub(super) fn opaque(&mut self, at: At<'_>) {
        if matches!(at.map(<[String]>::len), Some(0..=2))
            && at.is_some_and(|at| ["identity", "traits"].iter().zip(at).all(|(known, name)| known == name))
        {
            self.traits_are_clear = false;
        }
    }

    /// One key of the output.
    pub(super) fn output_field(&mut self, place: &[String], span: &Span) {
        let [identity, traits, name] = place else {
            return;
        };
        if identity != "identity" || traits != "traits" {
            return;
        }
        self.set_traits.insert(name.clone());
        if let Some(Traits { known, closed, .. }) = &self.traits
            && !known.contains(name)
        {
            let severity = if *closed { Error } else { Warning };
            let near =
                known.iter().map(|known| (strsim::jaro_winkler(known, name), known)).max_by(|a, b| a.0.total_cmp(&b.0));
            let hint =
                near.filter(|(similarity, _)| *similarity > 0.8).map(|(_, known)| format!("did you mean `{known}`?"));
            self.report(
                "unknown-trait",
                severity,
                format!("the identity schema has no trait `{name}`"),
                hint,
                Some(span),
            );
        }
    }

    /// A trait, or a part of one however deep, that is named like a right or made of a claim that is one.
    pub(super) fn right_in_trait(&mut self, place: &[String], span: &Span, value: &Expr) {
        if !in_a_trait(Some(place)) {
            return;
        }
        let Some((name, around)) = place[2..].split_last() else { return };
        let is_right = |name: &String| RIGHTS_TRAITS.contains(&name.to_lowercase().as_str());
        // Below `permissions` everything is one; it is named once.
        if around.iter().any(is_right) {
            return;
        }
        if is_right(name) || self.mentions(value, Wanted::Names(RIGHTS_CLAIMS)) {
            let message = format!("`{name}` looks like a right, but people may edit their own traits");
            let hint = "write rights into `identity.metadata_public` or `identity.metadata_admin`, which only this mapper and the admin API set";
            self.report("editable-right", Error, message, Some(hint.to_owned()), Some(span));
        }
    }

    /// How many rights were found so far.
    pub(super) fn rights_found(&self) -> usize {
        self.findings.iter().filter(|finding| finding.rule == "editable-right").count()
    }

    /// Required traits that no line sets.
    pub(super) fn missing_traits(&mut self) {
        let Some(Traits { required, .. }) = self.traits.take().filter(|_| self.traits_are_clear) else {
            return;
        };
        for name in required {
            if !self.set_traits.contains(&name) {
                let message = format!("the identity schema requires the trait `{name}`, which this mapper never sets");
                let hint =
                    Some("people are asked for it at their first sign-in; set it if the provider knows it".to_owned());
                self.report("missing-trait", Warning, message, hint, None);
            }
        }
    }
}

/// Whether a place is a trait or within one.
pub(super) fn in_a_trait(at: At<'_>) -> bool {
    matches!(at, Some([identity, traits, _, ..]) if identity == "identity" && traits == "traits")
}
