//! The linter: walks a mapper's syntax tree with what is known on the way down — which part of the output an expression
//! becomes, which claims a condition has made sure of, which names are in scope.
//!
//! It knows no types and follows no functions. What it cannot see through it leaves alone: a linter that cries wolf is
//! switched off.

mod guards;
mod rules;

use std::collections::HashSet;

use jrsonnet_evaluator::analyze::{LocalId, analyze_root};
use jrsonnet_ir::{
    AssertStmt, BinaryOpType, BindSpec, CompSpec, Destruct, Expr, ExprParams, FieldMember, FieldName, IfElse,
    LiteralType, ObjBody, Source, Span,
};

pub(super) use self::guards::input_path;
use self::guards::{Aliases, conditional_name, defaults, guards};
use self::rules::Traits;
use super::failure::excerpt;
use crate::lint::{LintFinding, LintSeverity};

/// The findings, in the order of the text.
pub(super) fn lint(root: &Expr, source: &Source, schema: Option<&serde_json::Value>) -> Vec<LintFinding> {
    let mut linter = Linter {
        text: source.code(),
        aliases: Aliases::new(),
        guarded: Vec::new(),
        scope: vec!["std".to_owned()],
        traits: schema.map(Traits::of_schema),
        set_traits: HashSet::new(),
        traits_are_clear: true,
        field_span: None,
        findings: Vec::new(),
    };
    linter.expr(root, Some(&[]));
    linter.missing_traits();
    linter.unproven_addresses(root);
    linter.unused_locals(root);
    let mut findings = linter.findings;
    findings.sort_by_key(|finding| (finding.line, finding.column));
    findings
}

/// The place in the output that an expression becomes, as `["identity", "traits"]`; `None` when it only helps to compute.
type At<'a> = Option<&'a [String]>;

struct Linter<'a> {
    text: &'a str,
    aliases: Aliases,
    guarded: Vec<String>,
    scope: Vec<String>,
    traits: Option<Traits>,
    /// Traits that the mapper sets, always or sometimes.
    set_traits: HashSet<String>,
    /// Every trait is written out where the linter sees it.
    traits_are_clear: bool,
    /// The name of the field whose value is looked at.
    field_span: Option<Span>,
    findings: Vec<LintFinding>,
}

impl Linter<'_> {
    fn expr(&mut self, expr: &Expr, at: At<'_>) {
        match expr {
            Expr::LocalExpr(binds, body) => self.with_locals(binds, |linter| linter.expr(body, at)),
            Expr::AssertExpr(assert) => {
                self.assert(&assert.assert);
                self.with_guards(&assert.assert.assertion.value, true, |linter| linter.expr(&assert.rest, at));
            }
            Expr::Obj(body) => self.object(body, at),
            Expr::ObjExtend(base, body) => {
                self.expr(base, at);
                self.object(body, at);
            }
            Expr::IfElse(branches) => self.branches(branches, at),
            Expr::BinaryOp(operation) => match operation.op {
                BinaryOpType::Add => {
                    self.expr(&operation.lhs, at);
                    self.expr(&operation.rhs, at);
                }
                op @ (BinaryOpType::And | BinaryOpType::Or) => {
                    self.expr(&operation.lhs, None);
                    self.with_guards(&operation.lhs, op == BinaryOpType::And, |linter| {
                        linter.expr(&operation.rhs, None)
                    });
                }
                _ => {
                    self.expr(&operation.lhs, None);
                    self.expr(&operation.rhs, None);
                }
            },
            Expr::Literal(LiteralType::Null) => self.null_output(self.field_span.clone().as_ref(), at),
            Expr::ErrorStmt(_, message) => self.expr(message, None),
            other => {
                self.opaque(at);
                self.leaf(other);
            }
        }
    }

    /// Expressions that are no part of the output's shape; only what is within them counts.
    fn leaf(&mut self, expr: &Expr) {
        match expr {
            Expr::Index { indexable, parts } => {
                self.unguarded_claim(expr, parts);
                self.expr(indexable, None);
                parts.iter().for_each(|part| self.expr(&part.value, None));
            }
            Expr::Arr(elements) => elements.iter().for_each(|element| self.expr(element, None)),
            Expr::ArrComp(element, specs) => self.comprehension(specs, |linter| linter.expr(element, None)),
            Expr::UnaryOp(_, operand) => self.expr(operand, None),
            Expr::Import(_, path) => self.expr(path, None),
            Expr::Apply(function, args, _) => {
                self.expr(function, None);
                args.value.unnamed.iter().chain(&args.value.values).for_each(|argument| self.expr(argument, None));
            }
            Expr::Function(params, body) => self.function(params, body),
            Expr::Slice(slice) => {
                self.expr(&slice.value, None);
                let bounds = [&slice.slice.start, &slice.slice.end, &slice.slice.step];
                bounds.into_iter().flatten().for_each(|bound| self.expr(&bound.value, None));
            }
            _ => {}
        }
    }

    fn object(&mut self, body: &ObjBody, at: At<'_>) {
        match body {
            ObjBody::MemberList(members) => self.with_locals(&members.locals, |linter| {
                members.asserts.iter().for_each(|assert| linter.assert(assert));
                members.fields.iter().for_each(|field| linter.field(field, at));
            }),
            ObjBody::ObjComp(object) => {
                self.opaque(at);
                self.comprehension(&object.compspecs, |linter| {
                    linter.with_locals(&object.locals, |linter| linter.field(&object.field, None));
                });
            }
        }
    }

    fn field(&mut self, field: &FieldMember, at: At<'_>) {
        let (name, condition) = match &field.name.value {
            FieldName::Fixed(name) => (Some(name.to_string()), None),
            FieldName::Dyn(Expr::Str(name)) => (Some(name.to_string()), None),
            name => conditional_name(name)
                .map_or((None, None), |(name, condition)| (Some(name.to_owned()), Some(condition))),
        };
        if let FieldName::Dyn(name) = &field.name.value {
            self.expr(name, None);
        }
        let place = match (&name, at) {
            (Some(name), Some(at)) if field.params.is_none() && field.visibility.is_visible() => {
                Some([at, std::slice::from_ref(name)].concat())
            }
            (None, Some(_)) => {
                self.opaque(at);
                None
            }
            _ => None,
        };
        let value = |linter: &mut Self| {
            linter.field_span = Some(field.name.span.clone());
            if let Some(place) = &place {
                linter.output_field(place, &field.name.span, &field.value);
            }
            match &field.params {
                Some(params) => linter.function(params, &field.value),
                None => linter.expr(&field.value, place.as_deref()),
            }
        };
        match condition {
            Some(condition) => self.with_guards(condition, true, value),
            None => value(self),
        }
    }

    fn branches(&mut self, branches: &IfElse, at: At<'_>) {
        self.expr(&branches.cond.cond, None);
        self.with_guards(&branches.cond.cond, true, |linter| linter.expr(&branches.cond_then, at));
        match &branches.cond_else {
            Some(other) => self.with_guards(&branches.cond.cond, false, |linter| linter.expr(other, at)),
            None => self.null_output(Some(&branches.cond.span), at),
        }
    }

    fn assert(&mut self, assert: &AssertStmt) {
        self.expr(&assert.assertion.value, None);
        if let Some(message) = &assert.message {
            self.expr(message, None);
        }
    }

    fn function(&mut self, params: &ExprParams, body: &Expr) {
        let depth = self.scope.len();
        for param in &params.exprs {
            let Destruct::Full(name) = &param.destruct;
            self.enter(name.value.as_str(), Some(&name.span));
            if let Some(default) = &param.default {
                self.expr(default, None);
            }
        }
        self.expr(body, None);
        self.scope.truncate(depth);
    }

    fn comprehension(&mut self, specs: &[CompSpec], body: impl FnOnce(&mut Self)) {
        let (depth, guarded) = (self.scope.len(), self.guarded.len());
        for spec in specs {
            match spec {
                CompSpec::ForSpec(spec) => {
                    self.expr(&spec.over, None);
                    let Destruct::Full(name) = &spec.destruct;
                    self.enter(name.value.as_str(), Some(&name.span));
                }
                CompSpec::IfSpec(spec) => {
                    self.expr(&spec.cond, None);
                    self.guarded.extend(guards(&spec.cond, true, &self.aliases));
                }
            }
        }
        body(self);
        self.scope.truncate(depth);
        self.guarded.truncate(guarded);
    }

    fn with_locals(&mut self, binds: &[BindSpec], body: impl FnOnce(&mut Self)) {
        let (depth, guarded) = (self.scope.len(), self.guarded.len());
        for bind in binds {
            match bind {
                BindSpec::Field { into: Destruct::Full(name), value } => {
                    self.enter(name.value.as_str(), Some(&name.span));
                    if let Some(path) = input_path(value, &self.aliases) {
                        self.guarded.extend(defaults(value, &path));
                        self.aliases.insert(name.value.to_string(), path);
                    }
                }
                BindSpec::Function { name, .. } => self.enter(name.as_str(), None),
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

    fn with_guards(&mut self, condition: &Expr, holds: bool, body: impl FnOnce(&mut Self)) {
        let depth = self.guarded.len();
        self.guarded.extend(guards(condition, holds, &self.aliases));
        body(self);
        self.guarded.truncate(depth);
    }

    /// Names come into scope; one that hides another is a finding.
    fn enter(&mut self, name: &str, span: Option<&Span>) {
        if self.scope.iter().any(|known| known == name) {
            let hint = Some(format!("rename the inner `{name}`"));
            self.report(
                "shadowed-local",
                LintSeverity::Warning,
                format!("`{name}` hides an outer `{name}`"),
                hint,
                span,
            );
        }
        self.scope.push(name.to_owned());
    }

    /// The analyser of the evaluator already knows which locals nobody uses.
    fn unused_locals(&mut self, root: &Expr) {
        let report = analyze_root(root, vec![("std".into(), LocalId(0))]);
        for entry in report.diagnostics_list {
            if let Some(name) = entry.message.strip_prefix("unused local: ") {
                let message = format!("`{name}` is never used");
                self.report(
                    "unused-local",
                    LintSeverity::Warning,
                    message,
                    Some(format!("remove `{name}`")),
                    entry.span.as_ref(),
                );
            }
        }
    }

    fn report(
        &mut self,
        rule: &str,
        severity: LintSeverity,
        message: String,
        hint: Option<String>,
        span: Option<&Span>,
    ) {
        let (line, column, excerpt) = match span {
            Some(Span(_, start, end)) => {
                let (line, column, excerpt) = excerpt(self.text, *start as usize, *end as usize);
                (line, column, Some(excerpt))
            }
            None => (0, 0, None),
        };
        let finding = LintFinding { rule: rule.to_owned(), severity, message, hint, line, column, excerpt };
        if !self.findings.contains(&finding) && self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        }
    }
}

/// A mapper with more than this has one problem.
const FINDINGS_MAX: usize = 200;
