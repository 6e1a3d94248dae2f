//! The crate from outside: a pool over real worker processes.

mod containment;
mod diagnostics;
mod fuzz;
mod gaps;
mod hostile;
mod language;
mod lint;
mod mapping;
mod pool;

use bia_mapper::{Evaluation, Mapper, MapperError, NO_IDENTITY, Settings, Source, WorkerProgram};

/// As in `bia`, for the test in which this binary is its own worker.
#[global_allocator]
static ALLOCATOR: bia_mapper::MeteredAllocator<std::alloc::System> =
    bia_mapper::MeteredAllocator::over(std::alloc::System);

/// Claims of a member, as Kratos hands them to a mapper.
const CLAIMS: &str = r#"{"iss":"https://login.example/v2.0","sub":"s-1","oid":"a11ce000-0000-4000-8000-000000000001","name":"Alice Adams","preferred_username":"alice@contoso.example","email":"alice@contoso.example","raw_claims":{"tid":"8eaef023-2b34-4da1-9baa-8bc8c9d6a490","email":"alice@contoso.example","name":"Alice Adams","groups":["9c0ffee0-0000-4000-8000-000000000000","9c0ffee0-0000-4000-8000-000000000001","9c0ffee0-0000-4000-8000-000000000002"],"roles":["Admin","Reader"],"ver":"2.0"}}"#;

fn settings() -> Settings {
    Settings { program: WorkerProgram::at(env!("CARGO_BIN_EXE_bia-mapper-worker")), workers: 2, ..Settings::default() }
}

fn mapper() -> Mapper {
    Mapper::new(settings())
}

async fn evaluate(mapper: &Mapper, text: &str) -> Result<String, MapperError> {
    evaluate_with(mapper, text, &[("claims", CLAIMS), ("identity", NO_IDENTITY)]).await
}

async fn evaluate_with(mapper: &Mapper, text: &str, ext_vars: &[(&str, &str)]) -> Result<String, MapperError> {
    let source = Source { name: "test.jsonnet", text };
    mapper.evaluate(Evaluation { source, ext_vars, tla: &[], imports: &[] }).await
}

async fn failure(mapper: &Mapper, text: &str) -> MapperError {
    match evaluate(mapper, text).await {
        Ok(value) => panic!("{text} must fail, but gave {value}"),
        Err(error) => error,
    }
}
