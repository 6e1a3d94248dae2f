//! Whether an expression, or a local that it names, reads a certain claim.

use std::collections::HashSet;

use jrsonnet_ir::visit::{Visitor, visit_expr, visit_params};
use jrsonnet_ir::{BinaryOpType, BindSpec, CompSpec, Destruct, Expr, ExprParams, FieldName, ObjBody};

use super::Linter;
use super::guards::{Aliases, defaults, input_path, std_call};
use super::scope::{FOLLOWED_MAX, Local, find};

/// Claims by which a provider vouches for an address.
pub(super) const PROOFS: &[&str] = &["email_verified", "xms_edov", "edov", "phone_number_verified"];

/// What to look for.
#[derive(Clone, Copy)]
pub(super) enum Wanted<'w> {
    /// Any of these names.
    Names(&'w [&'w str]),
    /// A claim of [`PROOFS`] whose value is looked at.
    Proof,
    /// A local.
    Variable(&'w str),
}

impl Linter<'_> {
    /// Whether `expr`, seen from here, mentions what is wanted, itself or by a local that it names.
    pub(super) fn mentions(&self, expr: &Expr, wanted: Wanted<'_>) -> bool {
        let mut search = Search {
            wanted,
            scope: &self.scope,
            aliases: &self.aliases,
            hidden: Vec::new(),
            seen: HashSet::new(),
            followed: 0,
            found: false,
        };
        search.visit_expr(expr);
        search.found
    }
}

struct Search<'s, 'a> {
    wanted: Wanted<'s>,
    scope: &'s [Local<'a>],
    aliases: &'s Aliases,
    /// Names bound within the expression: they hide those in scope, and what they stand for is visited in its place.
    hidden: Vec<String>,
    seen: HashSet<*const Expr>,
    followed: usize,
    found: bool,
}

impl Search<'_, '_> {
    fn name(&mut self, name: &str) {
        self.found |= match self.wanted {
            Wanted::Names(names) => names.contains(&name),
            Wanted::Proof => PROOFS.contains(&name),
            Wanted::Variable(_) => false,
        };
    }

    /// A local, or one field of it.
    fn variable(&mut self, name: &str, field: Option<&str>) {
        if self.hidden.iter().any(|hidden| hidden == name) {
            return;
        }
        self.found |= matches!(self.wanted, Wanted::Variable(wanted) if wanted == name);
        if let Some(path) = self.aliases.get(name) {
            path.iter().for_each(|name| self.name(name));
            return;
        }
        let Some(Local { bind: Some(bind), sees, .. }) = find(self.scope, name) else {
            return;
        };
        let (bind, sees): (&BindSpec, usize) = (bind, *sees);
        let (params, value) = match bind {
            BindSpec::Field { value, .. } => (None, field.and_then(|field| field_of(value, field)).unwrap_or(value)),
            BindSpec::Function { params, value, .. } => (Some(params), value),
        };
        if self.followed == FOLLOWED_MAX || !self.seen.insert(std::ptr::from_ref(value)) {
            return;
        }
        let scope = self.scope;
        self.scope = &scope[..sees.min(scope.len())];
        let hidden = std::mem::take(&mut self.hidden);
        self.followed += 1;
        if let Some(params) = params {
            self.hidden.extend(names_of(params));
            visit_params(self, params);
        }
        self.visit_expr(value);
        self.followed -= 1;
        (self.scope, self.hidden) = (scope, hidden);
    }

    /// Whether the presence of a claim says that it is true.
    // Kratos: `email_verified` is left out when it is false. Entra sends `xms_edov: false`, and a provider's own claims
    // are handed on as they came.
    fn presence_proves(&self, object: &Expr, name: &str) -> bool {
        let path = input_path(object, self.aliases).unwrap_or_default();
        let bound = match object {
            Expr::Var(name) => match find(self.scope, name.value.as_str()) {
                Some(Local { bind: Some(BindSpec::Field { value, .. }), .. }) => value,
                _ => object,
            },
            _ => object,
        };
        let has_default = defaults(bound, &path).contains(&format!("{}.{name}", path.join(".")));
        name == "email_verified" && !has_default && path.last().is_none_or(|name| name != "raw_claims")
    }
}

impl Visitor for Search<'_, '_> {
    fn visit_expr(&mut self, expr: &Expr) {
        if self.found {
            return;
        }
        if let (Wanted::Proof, Some((object, name))) = (self.wanted, presence(expr)) {
            if PROOFS.contains(&name) && self.presence_proves(object, name) {
                self.found = true;
            }
            return self.visit_expr(object);
        }
        match expr {
            Expr::Str(text) => self.name(text.as_str()),
            Expr::Var(name) => self.variable(name.value.as_str(), None),
            Expr::Index { indexable, parts } => match (&**indexable, parts.first().map(|part| &part.value)) {
                (Expr::Var(name), Some(Expr::Str(field))) => {
                    parts.iter().for_each(|part| self.visit_expr(&part.value));
                    self.variable(name.value.as_str(), Some(field.as_str()));
                }
                _ => visit_expr(self, expr),
            },
            _ => {
                let depth = self.hidden.len();
                self.hidden.extend(bound_within(expr));
                visit_expr(self, expr);
                self.hidden.truncate(depth);
            }
        }
    }
}

/// The object and the name of a question for presence alone.
fn presence(expr: &Expr) -> Option<(&Expr, &str)> {
    match expr {
        Expr::BinaryOp(operation) if operation.op == BinaryOpType::In => match &operation.lhs {
            Expr::Str(name) => Some((&operation.rhs, name.as_str())),
            _ => None,
        },
        Expr::Apply(..) => match std_call(expr)? {
            ("objectHas" | "objectHasAll" | "objectHasEx", [object, Expr::Str(name), ..]) => {
                Some((object, name.as_str()))
            }
            _ => None,
        },
        _ => None,
    }
}

/// The one field that is read of an object written out.
fn field_of<'e>(object: &'e Expr, name: &str) -> Option<&'e Expr> {
    let Expr::Obj(ObjBody::MemberList(members)) = object else {
        return None;
    };
    // What the object's own locals stand for is known only to a search through the whole of it.
    let mut fields = members.fields.iter().filter(|_| members.locals.is_empty());
    fields
        .find(|field| match &field.name.value {
            FieldName::Fixed(fixed) | FieldName::Dyn(Expr::Str(fixed)) => fixed.as_str() == name,
            FieldName::Dyn(_) => false,
        })
        .map(|field| &field.value)
}

fn names_of(params: &ExprParams) -> Vec<String> {
    let name = |Destruct::Full(name): &Destruct| name.value.to_string();
    params.exprs.iter().map(|param| name(&param.destruct)).collect()
}

/// Names that an expression binds for what is within it.
fn bound_within(expr: &Expr) -> Vec<String> {
    let local = |bind: &BindSpec| match bind {
        BindSpec::Field { into: Destruct::Full(name), .. } => name.value.to_string(),
        BindSpec::Function { name, .. } => name.to_string(),
    };
    let looped = |spec: &CompSpec| match spec {
        CompSpec::ForSpec(spec) => {
            let Destruct::Full(name) = &spec.destruct;
            Some(name.value.to_string())
        }
        CompSpec::IfSpec(_) => None,
    };
    match expr {
        Expr::LocalExpr(binds, _) => binds.iter().map(local).collect(),
        Expr::Function(params, _) => names_of(params),
        Expr::ArrComp(_, specs) => specs.iter().filter_map(looped).collect(),
        Expr::Obj(ObjBody::MemberList(members)) | Expr::ObjExtend(_, ObjBody::MemberList(members)) => {
            members.locals.iter().map(local).collect()
        }
        Expr::Obj(ObjBody::ObjComp(object)) | Expr::ObjExtend(_, ObjBody::ObjComp(object)) => {
            object.locals.iter().map(local).chain(object.compspecs.iter().filter_map(looped)).collect()
        }
        _ => Vec::new(),
    }
}
