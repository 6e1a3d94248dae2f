//! The evaluator: the only file that runs Jsonnet. Its pre-release API is used here and in its neighbours, nowhere else.
//!
//! Nothing of one evaluation may be seen by the next, which may be another person's: each gets a state (and so an import
//! cache) of its own, and external variables are set before and cleared after it. Only parsed texts are kept.

#![expect(
    clippy::mutable_key_type,
    reason = "the evaluator's interned strings count references within, their content never changes"
)]

use std::any::Any;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use jrsonnet_evaluator::function::CallLocation;
use jrsonnet_evaluator::manifest::JsonFormat;
use jrsonnet_evaluator::tla::TlaArg;
use jrsonnet_evaluator::trace::PathResolver;
use jrsonnet_evaluator::{
    ContextInitializer, IStr, InitialContextBuilder, ObjValue, ObjValueBuilder, PreparedSnippet, Source, State, Thunk,
    Val, apply_tla,
};
use jrsonnet_gcmodule::{Acyclic, Cc, Trace, collect_thread_cycles};
use jrsonnet_ir_parser::ParserSettings;
use jrsonnet_stdlib::{Settings as StdSettings, TracePrinter, stdlib_uncached};

use super::failure::{Subject, diagnose};
use super::format::format;
use super::imports::{Shipped, ShippedPath};
use super::lint::lint;
use crate::protocol::{Answer, Inputs, Job, LINT_SCHEMA};

/// go-jsonnet's default depth of calls.
const CALL_DEPTH_MAX: usize = 500;
/// The evaluator leaves cycles behind; collecting them this often measured best.
const COLLECT_EVERY: u64 = 16;
/// Parsed mappers kept.
const KEPT_MAX: usize = 32;
/// Text behind them; what is parsed from it is many times as large.
const KEPT_BYTES_MAX: usize = 1024 * 1024;

/// An answer that owns its texts.
pub(super) enum Owned {
    Value(String),
    NeedText,
    Failed(String),
    TooLarge,
    BadInput { variable: String, line: u32, column: u32 },
}

impl Owned {
    pub(super) fn borrowed(&self) -> Answer<'_> {
        match self {
            Self::Value(value) => Answer::Value(value),
            Self::NeedText => Answer::NeedText,
            Self::Failed(diagnostic) => Answer::Failed(diagnostic),
            Self::TooLarge => Answer::TooLarge,
            Self::BadInput { variable, line, column } => Answer::BadInput { variable, line: *line, column: *column },
        }
    }
}

struct Kept {
    text: IStr,
    prepared: Option<Rc<PreparedSnippet>>,
    used_at: u64,
}

pub(super) struct Engine {
    library: Library,
    kept: HashMap<[u8; 32], Kept>,
    clock: u64,
    output_bytes_max: usize,
}

impl Engine {
    pub(super) fn new(output_bytes_max: usize) -> Self {
        jrsonnet_evaluator::stack::set_stack_depth_limit(CALL_DEPTH_MAX);
        Self { library: Library::new(), kept: HashMap::new(), clock: 0, output_bytes_max }
    }

    pub(super) fn run(
        &mut self,
        job: Job,
        hash: [u8; 32],
        name: &str,
        text: Option<&str>,
        inputs: &Inputs<'_>,
    ) -> Owned {
        self.clock += 1;
        let text: IStr = match (text, self.kept.get(&hash)) {
            (Some(text), _) => text.into(),
            (None, Some(kept)) => kept.text.clone(),
            (None, None) => return Owned::NeedText,
        };
        let subject = Subject { name, text: &text, inputs };
        match job {
            Job::Evaluate => self.evaluate(hash, &subject),
            Job::Check => match self.prepare(hash, &subject, &self.state(inputs)) {
                Ok(_) => Owned::Value(String::new()),
                Err(failed) => failed,
            },
            Job::Lint => self.lint(hash, &subject),
            Job::Format => self.format(hash, &subject),
        }
    }

    /// Between two requests, when nobody waits.
    pub(super) fn tidy(&mut self) {
        if self.clock.is_multiple_of(COLLECT_EVERY) {
            collect_thread_cycles();
        }
    }

    fn state(&self, inputs: &Inputs<'_>) -> State {
        let mut builder = State::builder();
        builder.context_initializer(self.library.clone()).import_resolver(Shipped::new(&inputs.imports));
        builder.build()
    }

    fn evaluate(&mut self, hash: [u8; 32], subject: &Subject<'_>) -> Owned {
        let tla = match (self.library.set_ext_vars(&subject.inputs.ext_vars), values(&subject.inputs.tla)) {
            (Ok(()), Ok(tla)) => tla,
            (Err(bad), _) | (_, Err(bad)) => return bad,
        };
        let state = self.state(subject.inputs);
        let _entered = state.try_enter();
        let result = self.prepare(hash, subject, &state).and_then(|prepared| {
            state
                .evaluate_prepared_snippet(&prepared)
                .and_then(|value| apply_tla(&tla, value))
                .and_then(|value| value.manifest(JsonFormat::minify()))
                .map_err(|error| Owned::Failed(diagnose(&error, subject)))
        });
        self.library.clear_ext_vars();
        match result {
            Ok(json) => self.bounded(json),
            Err(failed) => failed,
        }
    }

    fn lint(&mut self, hash: [u8; 32], subject: &Subject<'_>) -> Owned {
        // What does not pass the analyser has one problem, and the analyser describes it best.
        if let Err(failed) = self.prepare(hash, subject, &self.state(subject.inputs)) {
            return failed;
        }
        let schema = match subject.inputs.ext_vars.iter().find(|(name, _)| *name == LINT_SCHEMA) {
            Some((name, json)) => match serde_json::from_str(json) {
                Ok(schema) => Some(schema),
                Err(error) => return bad_input(name, &error),
            },
            None => None,
        };
        let source = Source::new_virtual(subject.name.into(), subject.text.into());
        let settings = ParserSettings { source: source.clone() };
        let findings = jrsonnet_ir_parser::parse(subject.text, &settings)
            .map(|root| lint(&root, &source, schema.as_ref()))
            .unwrap_or_default();
        self.bounded(serde_json::to_string(&findings).unwrap_or_default())
    }

    fn format(&mut self, hash: [u8; 32], subject: &Subject<'_>) -> Owned {
        match self.prepare(hash, subject, &self.state(subject.inputs)) {
            Ok(_) => self.bounded(format(subject.text)),
            Err(failed) => failed,
        }
    }

    fn bounded(&self, value: String) -> Owned {
        if value.len() > self.output_bytes_max { Owned::TooLarge } else { Owned::Value(value) }
    }

    fn prepare(&mut self, hash: [u8; 32], subject: &Subject<'_>, state: &State) -> Result<Rc<PreparedSnippet>, Owned> {
        if let Some(kept) = self.kept.get_mut(&hash) {
            kept.used_at = self.clock;
            if let Some(prepared) = &kept.prepared {
                return Ok(Rc::clone(prepared));
            }
        }
        let text: IStr = subject.text.into();
        let result = state.prepare_snippet(subject.name, text.clone()).map(Rc::new);
        self.keep(hash, Kept { text, prepared: result.as_ref().ok().cloned(), used_at: self.clock });
        result.map_err(|error| Owned::Failed(diagnose(&error, subject)))
    }

    fn keep(&mut self, hash: [u8; 32], kept: Kept) {
        self.kept.insert(hash, kept);
        while self.kept.len() > KEPT_MAX
            || self.kept.values().map(|kept| kept.text.len()).sum::<usize>() > KEPT_BYTES_MAX
        {
            let Some(oldest) = self.kept.iter().min_by_key(|(_, kept)| kept.used_at).map(|(hash, _)| *hash) else {
                return;
            };
            self.kept.remove(&oldest);
        }
    }
}

fn values(pairs: &[(&str, &str)]) -> Result<HashMap<IStr, TlaArg>, Owned> {
    pairs
        .iter()
        .map(|(name, json)| {
            let value: Val = serde_json::from_str(json).map_err(|error| bad_input(name, &error))?;
            Ok(((*name).into(), TlaArg::Val(value)))
        })
        .collect()
}

fn bad_input(name: &str, error: &serde_json::Error) -> Owned {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Owned::BadInput { variable: name.to_owned(), line: number(error.line()), column: number(error.column()) }
}

/// The standard library with our external variables, without a voice and without a file name.
#[derive(Trace, Clone)]
struct Library {
    std: ObjValue,
    settings: Cc<RefCell<StdSettings>>,
}

impl Library {
    fn new() -> Self {
        let settings = Cc::new(RefCell::new(StdSettings {
            ext_vars: HashMap::new(),
            ext_natives: HashMap::new(),
            trace_printer: Rc::new(Silent),
            path_resolver: PathResolver::FileName,
        }));
        Self { std: stdlib_uncached(settings.clone()), settings }
    }

    fn set_ext_vars(&self, ext_vars: &[(&str, &str)]) -> Result<(), Owned> {
        let values = values(ext_vars)?;
        self.settings.borrow_mut().ext_vars = values;
        Ok(())
    }

    fn clear_ext_vars(&self) {
        self.settings.borrow_mut().ext_vars.clear();
    }
}

impl ContextInitializer for Library {
    fn populate(&self, source: Source, builder: &mut InitialContextBuilder) {
        // Kratos: a mapper is an anonymous snippet, whose std.thisFile is empty.
        let this_file = source.source_path().downcast_ref::<ShippedPath>().map_or("", |ShippedPath(path)| path);
        let mut std = ObjValueBuilder::new();
        std.with_super(self.std.clone());
        std.field("thisFile").hide().value(Val::string(this_file));
        builder.bind("std", Thunk::evaluated(Val::Obj(std.build())));
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `std.trace` of a mapper would write claims to a log.
#[derive(Acyclic)]
struct Silent;

impl TracePrinter for Silent {
    fn print_trace(&self, _: CallLocation<'_>, _: IStr) {}
}
