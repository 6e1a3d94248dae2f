//! The linter: walks a mapper's syntax tree with what is known on the way down — which part of the output an expression
//! becomes, which claims a condition has made sure of, which names are in scope.
//!
//! It follows locals, knows no types and follows no functions. What it cannot see through it leaves alone: a linter that
//! cries wolf is switched off.

mod addresses;
mod guards;
mod mentions;
mod rules;
mod scope;

use std::collections::HashSet;

use jrsonnet_ir::{
    AssertStmt, BinaryOpType, CompSpec, Destruct, Expr, ExprParams, FieldMember, FieldName, IfElse, LiteralType,
    ObjBody, Source, Span,
};

use self::addresses::Addresses;
pub(super) use self::guards::input_path;
use self::guards::{Aliases, conditional_name, guards, std_call};
use self::mentions::Wanted;
use self::rules::{Traits, in_a_trait};
use self::scope::{BEHIND_LOCALS_MAX, Local, outermost};
use super::failure::excerpt;
use crate::lint::{LintFinding, LintSeverity};

/// The findings, in the order of the text.
pub(super) fn lint(root: &Expr, source: &Source, schema: Option<&serde_json::Value>) -> Vec<LintFinding> {
    let mut linter = Linter {
        text: source.code(),
        aliases: Aliases::new(),
        guarded: Vec::new(),
        conditions: Vec::new(),
        under_proof: 0,
        scope: outermost(),
        followed: 0,
        behind_locals: BEHIND_LOCALS_MAX,
        nulls_are_fine: false,
        addresses: Addresses::default(),
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
    /// The conditions around the expression, however they turned out.
    conditions: Vec<&'a Expr>,
    /// How many of them look at the proof of an address.
    under_proof: usize,
    scope: Vec<Local<'a>>,
    /// Locals that led here, and how many expressions may still be looked at behind locals.
    followed: usize,
    behind_locals: usize,
    /// Something around the expression keeps a null from getting out.
    nulls_are_fine: bool,
    addresses: Addresses,
    traits: Option<Traits>,
    /// Traits that the mapper sets, always or sometimes.
    set_traits: HashSet<String>,
    /// Every trait is written out where the linter sees it.
    traits_are_clear: bool,
    /// The name of the field whose value is looked at.
    field_span: Option<Span>,
    findings: Vec<LintFinding>,
}

impl<'a> Linter<'a> {
    fn expr(&mut self, expr: &'a Expr, at: At<'_>) {
        if self.followed > 0 {
            let Some(left) = self.behind_locals.checked_sub(1) else {
                return self.opaque(at);
            };
            self.behind_locals = left;
        }
        match expr {
            Expr::Var(name) => {
                if !self.follow(name.value.as_str(), at) {
                    self.opaque(at);
                }
            }
            Expr::Arr(elements) if in_a_trait(at) => {
                self.without_nulls(|linter| elements.iter().for_each(|element| linter.expr(element, at)));
            }
            Expr::Apply(..) if let Some(("prune", [pruned])) = std_call(expr) => {
                self.without_nulls(|linter| linter.expr(pruned, at));
            }
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
    fn leaf(&mut self, expr: &'a Expr) {
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

    fn object(&mut self, body: &'a ObjBody, at: At<'_>) {
        match body {
            ObjBody::MemberList(members) => self.with_locals(&members.locals, |linter| {
                members.asserts.iter().for_each(|assert| linter.assert(assert));
                let fields = |linter: &mut Self| members.fields.iter().for_each(|field| linter.field(field, at));
                linter.under_conditions(members.asserts.iter().map(|assert| &assert.assertion.value), fields);
            }),
            ObjBody::ObjComp(object) => {
                self.opaque(at);
                self.comprehension(&object.compspecs, |linter| {
                    linter.with_locals(&object.locals, |linter| linter.field(&object.field, None));
                });
            }
        }
    }

    fn field(&mut self, field: &'a FieldMember, at: At<'_>) {
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
            if let Some(name) = &name {
                linter.address_field(name, at, &field.name.span, &field.value);
            }
            if let Some(place) = &place {
                linter.output_field(place, &field.name.span);
            }
            let rights = linter.rights_found();
            match &field.params {
                Some(params) => linter.function(params, &field.value),
                None => linter.expr(&field.value, place.as_deref()),
            }
            // What is inside says it more exactly.
            if let Some(place) = place.as_deref().filter(|_| linter.rights_found() == rights) {
                linter.right_in_trait(place, &field.name.span, &field.value);
            }
        };
        match condition {
            Some(condition) => self.with_guards(condition, true, value),
            None => value(self),
        }
    }

    fn branches(&mut self, branches: &'a IfElse, at: At<'_>) {
        self.expr(&branches.cond.cond, None);
        self.with_guards(&branches.cond.cond, true, |linter| linter.expr(&branches.cond_then, at));
        match &branches.cond_else {
            // Behind a local: where it is used, the same condition holds.
            Some(Expr::Literal(LiteralType::Null)) | None if self.followed > 0 && self.holds(&branches.cond.cond) => {}
            Some(other) => self.with_guards(&branches.cond.cond, false, |linter| linter.expr(other, at)),
            None => self.null_output(Some(&branches.cond.span), at),
        }
    }

    fn assert(&mut self, assert: &'a AssertStmt) {
        self.expr(&assert.assertion.value, None);
        if let Some(message) = &assert.message {
            self.expr(message, None);
        }
    }

    fn function(&mut self, params: &'a ExprParams, body: &'a Expr) {
        let depth = self.scope.len();
        for param in &params.exprs {
            let Destruct::Full(name) = &param.destruct;
            self.enter(name.value.as_str(), Some(&name.span), None);
            if let Some(default) = &param.default {
                self.expr(default, None);
            }
        }
        self.expr(body, None);
        self.scope.truncate(depth);
    }

    fn comprehension(&mut self, specs: &'a [CompSpec], body: impl FnOnce(&mut Self)) {
        let (depth, guarded) = (self.scope.len(), self.guarded.len());
        for spec in specs {
            match spec {
                CompSpec::ForSpec(spec) => {
                    self.expr(&spec.over, None);
                    let Destruct::Full(name) = &spec.destruct;
                    self.enter(name.value.as_str(), Some(&name.span), None);
                }
                CompSpec::IfSpec(spec) => {
                    self.expr(&spec.cond, None);
                    self.guarded.extend(guards(&spec.cond, true, &self.aliases));
                }
            }
        }
        let asked = specs.iter().filter_map(|spec| match spec {
            CompSpec::IfSpec(spec) => Some(&spec.cond),
            CompSpec::ForSpec(_) => None,
        });
        self.under_conditions(asked, body);
        self.scope.truncate(depth);
        self.guarded.truncate(guarded);
    }

    fn with_guards(&mut self, condition: &'a Expr, holds: bool, body: impl FnOnce(&mut Self)) {
        let depth = self.guarded.len();
        self.guarded.extend(guards(condition, holds, &self.aliases));
        self.under_conditions([condition], body);
        self.guarded.truncate(depth);
    }

    fn under_conditions(&mut self, conditions: impl IntoIterator<Item = &'a Expr>, body: impl FnOnce(&mut Self)) {
        let (depth, under_proof) = (self.conditions.len(), self.under_proof);
        for condition in conditions {
            self.conditions.push(condition);
            self.under_proof += usize::from(self.mentions(condition, Wanted::Proof));
        }
        body(self);
        self.conditions.truncate(depth);
        self.under_proof = under_proof;
    }

    fn without_nulls(&mut self, body: impl FnOnce(&mut Self)) {
        let nulls_are_fine = std::mem::replace(&mut self.nulls_are_fine, true);
        body(self);
        self.nulls_are_fine = nulls_are_fine;
    }

    /// Whether something around makes sure of all that a condition asks for.
    fn holds(&self, condition: &Expr) -> bool {
        let asked = guards(condition, true, &self.aliases);
        !asked.is_empty() && asked.iter().all(|path| self.guarded.contains(path))
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
