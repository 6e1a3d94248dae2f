//! Which claims a condition makes sure of.

use std::collections::HashMap;

use jrsonnet_ir::{BinaryOpType, Expr, FieldName, LiteralType, ObjBody, UnaryOpType};

/// Locals that stand for an input, or a part of one.
pub(super) type Aliases = HashMap<String, Vec<String>>;

/// The input that an expression stands for: `["claims", "raw_claims"]`.
pub(in crate::worker) fn input_path(expr: &Expr, aliases: &Aliases) -> Option<Vec<String>> {
    match expr {
        Expr::Var(name) => aliases.get(name.value.as_str()).cloned(),
        Expr::Apply(..) => match std_call(expr)? {
            ("extVar", [Expr::Str(variable)]) => Some(vec![variable.to_string()]),
            _ => None,
        },
        Expr::Index { indexable, parts } => {
            let mut path = input_path(indexable, aliases)?;
            for part in parts {
                let Expr::Str(name) = &part.value else {
                    return None;
                };
                path.push(name.to_string());
            }
            Some(path)
        }
        // `{ email_verified: false } + std.extVar('claims')`, the claims with defaults.
        Expr::BinaryOp(operation) => match (&operation.lhs, operation.op) {
            (Expr::Obj(_), BinaryOpType::Add) => input_path(&operation.rhs, aliases),
            _ => None,
        },
        _ => None,
    }
}

/// The fields that [`input_path`] found defaults for.
pub(super) fn defaults(expr: &Expr, path: &[String]) -> Vec<String> {
    let Expr::BinaryOp(operation) = expr else {
        return Vec::new();
    };
    let Expr::Obj(ObjBody::MemberList(members)) = &operation.lhs else {
        return Vec::new();
    };
    let names = members.fields.iter().filter_map(|field| match &field.name.value {
        FieldName::Fixed(name) => Some(name.as_str()),
        FieldName::Dyn(_) => None,
    });
    names.map(|name| format!("{}.{name}", path.join("."))).collect()
}

/// The name and the condition of `[if condition then 'name']` and `[if condition then 'name' else null]`, the ways to
/// leave a key out.
pub(super) fn conditional_name(name: &FieldName) -> Option<(&str, &Expr)> {
    match name {
        FieldName::Dyn(Expr::IfElse(branches)) => match (&branches.cond_then, &branches.cond_else) {
            (Expr::Str(name), None | Some(Expr::Literal(LiteralType::Null))) => {
                Some((name.as_str(), &branches.cond.cond))
            }
            _ => None,
        },
        _ => None,
    }
}

/// `std.name(arguments)`.
pub(super) fn std_call(expr: &Expr) -> Option<(&str, &[Expr])> {
    let Expr::Apply(function, args, _) = expr else {
        return None;
    };
    let Expr::Index { indexable, parts } = &**function else {
        return None;
    };
    match (&**indexable, parts.as_slice()) {
        (Expr::Var(name), [part]) if name.value.as_str() == "std" => match &part.value {
            Expr::Str(function) => Some((function.as_str(), args.value.unnamed.as_slice())),
            _ => None,
        },
        _ => None,
    }
}

/// Paths that are present when `condition` turns out as `holds`.
pub(super) fn guards(condition: &Expr, holds: bool, aliases: &Aliases) -> Vec<String> {
    let field_of = |object: &Expr, field: &Expr| match (input_path(object, aliases), field) {
        (Some(path), Expr::Str(name)) => Some(format!("{}.{name}", path.join("."))),
        _ => None,
    };
    match condition {
        Expr::UnaryOp(UnaryOpType::Not, inner) => guards(inner, !holds, aliases),
        Expr::BinaryOp(operation) => match (operation.op, holds) {
            (BinaryOpType::In, true) => field_of(&operation.rhs, &operation.lhs).into_iter().collect(),
            (BinaryOpType::And, true) | (BinaryOpType::Or, false) => {
                [guards(&operation.lhs, holds, aliases), guards(&operation.rhs, holds, aliases)].concat()
            }
            // `std.get(claims, 'x', '') != ''`
            (BinaryOpType::And | BinaryOpType::Or | BinaryOpType::In, _) => Vec::new(),
            _ => [guards(&operation.lhs, true, aliases), guards(&operation.rhs, true, aliases)].concat(),
        },
        Expr::Apply(..) if holds => match std_call(condition) {
            Some(("objectHas" | "objectHasAll" | "get", [object, field, ..])) => {
                field_of(object, field).into_iter().collect()
            }
            Some((_, arguments)) => arguments.iter().flat_map(|argument| guards(argument, true, aliases)).collect(),
            None => Vec::new(),
        },
        _ => Vec::new(),
    }
}
