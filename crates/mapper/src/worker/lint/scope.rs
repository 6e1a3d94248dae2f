//! The names in scope and what they stand for, so that a part of the output behind a local is looked at all the same.

use jrsonnet_evaluator::analyze::{LocalId, analyze_root};
use jrsonnet_ir::{BindSpec, Destruct, Expr, Span};

use super::guards::{defaults, input_path};
use super::mentions::Wanted;
use super::{At, Linter};
use crate::lint::LintSeverity::Warning;

/// Locals behind locals; deeper ones are left alone.
pub(super) const FOLLOWED_MAX: usize = 16;
/// Expressions looked at behind locals, in all: `local a = { x: a, y: a }` has no end.
pub(super) const BEHIND_LOCALS_MAX: usize = 10_000;

/// A name in scope.
pub(super) struct Local<'a> {
    name: &'a str,
    /// What it stands for; nothing for parameters, variables of comprehensions and `std`.
    pub(super) bind: Option<&'a BindSpec>,
    /// How many names its own expression has in scope.
    pub(super) sees: usize,
}

/// The innermost local of that name.
pub(super) fn find<'s, 'a>(scope: &'s [Local<'a>], name: &str) -> Option<&'s Local<'a>> {
    scope.iter().rev().find(|local| local.name == name)
}

impl<'a> Linter<'a> {
    /// Looks at what a local stands for as if it was written at `at`; `false` when that is not known.
    pub(super) fn follow(&mut self, name: &str, at: At<'_>) -> bool {
        let Some(Local { bind: Some(BindSpec::Field { value, .. }), sees, .. }) = find(&self.scope, name) else {
            return false;
        };
        let (value, sees): (&'a Expr, usize) = (value, *sees);
        let is_output = at.is_some_and(|at| at.first().is_none_or(|name| name == "identity"));
        if !is_output || self.followed == FOLLOWED_MAX {
            return false;
        }
        // `[if x != null then 'key']: x` makes sure that no null gets out.
        let tested = self.conditions.iter().any(|condition| self.mentions(condition, Wanted::Variable(name)));
        let nulls_are_fine = self.nulls_are_fine;
        self.nulls_are_fine |= tested;
        let later = self.scope.split_off(sees);
        self.followed += 1;
        self.expr(value, at);
        self.followed -= 1;
        self.scope.extend(later);
        self.nulls_are_fine = nulls_are_fine;
        true
    }

    pub(super) fn with_locals(&mut self, binds: &'a [BindSpec], body: impl FnOnce(&mut Self)) {
        let (depth, guarded) = (self.scope.len(), self.guarded.len());
        let sees = depth + binds.len();
        for bind in binds {
            match bind {
                BindSpec::Field { into: Destruct::Full(name), value } => {
                    self.enter(name.value.as_str(), Some(&name.span), Some((bind, sees)));
                    if let Some(path) = input_path(value, &self.aliases) {
                        self.guarded.extend(defaults(value, &path));
                        self.aliases.insert(name.value.to_string(), path);
                    }
                }
                BindSpec::Function { name, .. } => self.enter(name.as_str(), None, Some((bind, sees))),
            }
        }
        for bind in binds {
            match bind {
                BindSpec::Field { value, .. } => self.expr(value, None),
                BindSpec::Function { params, value, .. } => self.function(params, value),
            }
        }
        body(self);
        self.scope.truncate(depth);
        self.guarded.truncate(guarded);
    }

    /// Names come into scope; one that hides another is a finding.
    pub(super) fn enter(&mut self, name: &'a str, span: Option<&Span>, bound: Option<(&'a BindSpec, usize)>) {
        if find(&self.scope, name).is_some() {
            let hint = Some(format!("rename the inner `{name}`"));
            self.report("shadowed-local", Warning, format!("`{name}` hides an outer `{name}`"), hint, span);
        }
        let (bind, sees) = bound.map_or((None, 0), |(bind, sees)| (Some(bind), sees));
        self.scope.push(Local { name, bind, sees });
    }

    /// The analyser of the evaluator already knows which locals nobody uses.
    pub(super) fn unused_locals(&mut self, root: &Expr) {
        let report = analyze_root(root, vec![("std".into(), LocalId(0))]);
        for entry in report.diagnostics_list {
            if let Some(name) = entry.message.strip_prefix("unused local: ") {
                let message = format!("`{name}` is never used");
                self.report("unused-local", Warning, message, Some(format!("remove `{name}`")), entry.span.as_ref());
            }
        }
    }
}

/// `std`, which everything sees.
pub(super) fn outermost<'a>() -> Vec<Local<'a>> {
    vec![Local { name: "std", bind: None, sees: 0 }]
}
