//! Where a field was missing and what is there instead, and where an import was refused.
//!
//! The evaluator names the field or the path, not the place. The text is parsed once more and searched for accesses of
//! that name whose object is an input (`std.extVar('claims')`, a local that stands for it, an argument); the first that
//! lacks the field is the place. Scopes are not followed: a wrong guess costs a less helpful message, nothing else.

use std::collections::HashMap;

use jrsonnet_ir::visit::{Visitor, visit_expr};
use jrsonnet_ir::{BindSpec, Destruct, Expr, ObjBody, Source, SourcePath, Span};
use serde_json::{Map, Value};

use super::failure::Subject;
use super::imports::ShippedPath;
use super::lint::input_path;
use crate::diagnostic::Neighbour;

const NEIGHBOURS_MAX: usize = 5;
/// From this similarity on a neighbour is offered as what was meant.
const SIMILAR: f64 = 0.85;
/// Claims that Kratos' documentation shows unguarded, and that Entra sends to some people only.
const STANDARD: &[&str] = &[
    "email",
    "name",
    "given_name",
    "family_name",
    "last_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "updated_at",
    "hd",
    "team",
    "nonce",
    "acr",
    "amr",
    "oid",
];

/// The place of a missing field.
pub(super) struct Missing {
    pub(super) span: Span,
    pub(super) neighbours: Vec<Neighbour>,
    pub(super) hints: Vec<String>,
}

pub(super) fn missing_field(subject: &Subject<'_>, field: &str) -> Option<Missing> {
    let root = parsed(Source::new_virtual(subject.name.into(), subject.text.into()))?;
    let arguments = subject.inputs.tla.iter().map(|(name, _)| ((*name).to_owned(), vec![(*name).to_owned()])).collect();
    let mut search = Search { field, known: arguments, found: Vec::new() };
    search.visit_expr(&root);

    let inputs = Inputs::read(subject);
    let lacking = search.found.iter().find_map(|(span, path)| {
        let path = path.as_ref()?;
        let object = inputs.object(path).filter(|object| !object.contains_key(field))?;
        Some((span, path, object))
    });
    match lacking {
        Some((span, path, object)) => Some(Missing {
            span: span.clone(),
            neighbours: neighbours(field, path, object),
            hints: hints(field, path, object),
        }),
        None => {
            let (span, _) = search.found.first()?;
            Some(Missing { span: span.clone(), neighbours: Vec::new(), hints: vec![guard("the object", field)] })
        }
    }
}

/// Where `path` is imported: in the mapper, or else in a text that came along with it.
pub(super) fn import_of(subject: &Subject<'_>, path: &str) -> Option<Span> {
    let shipped =
        |(name, text): &(&str, &str)| Source::new(SourcePath::new(ShippedPath((*name).to_owned())), (*text).into());
    let mapper = std::iter::once(Source::new_virtual(subject.name.into(), subject.text.into()));
    mapper.chain(subject.inputs.imports.iter().map(shipped)).find_map(|source| {
        let mut search = ImportSearch { path, found: None };
        search.visit_expr(&parsed(source)?);
        search.found
    })
}

fn parsed(source: Source) -> Option<Expr> {
    let settings = jrsonnet_ir_parser::ParserSettings { source: source.clone() };
    jrsonnet_ir_parser::parse(source.code(), &settings).ok()
}

struct ImportSearch<'a> {
    path: &'a str,
    found: Option<Span>,
}

impl Visitor for ImportSearch<'_> {
    fn visit_expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Import(kind, path) if matches!(&**path, Expr::Str(path) if path.as_str() == self.path) => {
                self.found.get_or_insert_with(|| kind.span.clone());
            }
            _ => visit_expr(self, expr),
        }
    }
}

type Path = Vec<String>;

struct Search<'a> {
    field: &'a str,
    known: HashMap<String, Path>,
    found: Vec<(Span, Option<Path>)>,
}

impl Search<'_> {
    fn path(&self, expr: &Expr) -> Option<Path> {
        input_path(expr, &self.known)
    }

    fn note_locals(&mut self, binds: &[BindSpec]) {
        for bind in binds {
            if let BindSpec::Field { into: Destruct::Full(name), value } = bind
                && let Some(path) = self.path(value)
            {
                self.known.insert(name.value.as_str().to_owned(), path);
            }
        }
    }
}

impl Visitor for Search<'_> {
    fn visit_expr(&mut self, expr: &Expr) {
        match expr {
            Expr::LocalExpr(binds, _) => self.note_locals(binds),
            Expr::Obj(ObjBody::MemberList(members)) => self.note_locals(&members.locals),
            Expr::Index { indexable, parts } => {
                let mut path = self.path(indexable);
                for part in parts {
                    match &part.value {
                        Expr::Str(name) => {
                            if name.as_str() == self.field {
                                self.found.push((part.span.clone(), path.clone()));
                            }
                            if let Some(path) = &mut path {
                                path.push(name.as_str().to_owned());
                            }
                        }
                        _ => path = None,
                    }
                }
            }
            _ => {}
        }
        visit_expr(self, expr);
    }
}

/// The inputs as plain JSON; only read when something failed.
struct Inputs(HashMap<String, Value>);

impl Inputs {
    fn read(subject: &Subject<'_>) -> Self {
        let pairs = subject.inputs.ext_vars.iter().chain(&subject.inputs.tla);
        Self(pairs.filter_map(|(name, json)| Some(((*name).to_owned(), serde_json::from_str(json).ok()?))).collect())
    }

    fn object(&self, path: &[String]) -> Option<&Map<String, Value>> {
        let (root, rest) = path.split_first()?;
        rest.iter().try_fold(self.0.get(root)?, |value, name| value.get(name))?.as_object()
    }
}

fn neighbours(field: &str, path: &[String], object: &Map<String, Value>) -> Vec<Neighbour> {
    let mut near: Vec<_> =
        object.iter().map(|(name, value)| (strsim::jaro_winkler(name, field), name, value)).collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.into_iter()
        .take(NEIGHBOURS_MAX)
        .map(|(_, name, value)| Neighbour {
            path: format!("{}.{name}", path.join(".")),
            r#type: type_of(value).to_owned(),
        })
        .collect()
}

fn hints(field: &str, path: &[String], object: &Map<String, Value>) -> Vec<String> {
    let base = path.join(".");
    let raw = object.get("raw_claims").and_then(Value::as_object);
    if raw.is_some_and(|raw| raw.contains_key(field)) {
        return vec![format!("`{field}` is a claim of the provider's own; write `{base}.raw_claims.{field}`")];
    }
    let nearest =
        object.keys().map(|name| (strsim::jaro_winkler(name, field), name)).max_by(|a, b| a.0.total_cmp(&b.0));
    if field.ends_with("_verified") {
        return vec![format!(
            "`{field}` is absent, not false, when nothing is proven; write `std.get({base}, '{field}', false)`"
        )];
    }
    if STANDARD.contains(&field) {
        return vec![format!("the provider sent no `{field}`"), guard(&base, field)];
    }
    match nearest {
        Some((similarity, name)) if similarity >= SIMILAR => {
            vec![format!("did you mean `{base}.{name}`?")]
        }
        _ => vec![guard(&base, field)],
    }
}

fn guard(base: &str, field: &str) -> String {
    format!("guard it: `[if '{field}' in {base} then 'key']: …`, or `std.get({base}, '{field}', default)`")
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
