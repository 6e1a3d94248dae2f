//! The workbench from outside, over real workers: this test binary is its own.

mod captures;
mod corpus;
mod folders;
mod linting;
mod personas;
mod reports;
mod running;

use bia_mapper::{Mapper, Settings, Source};
use bia_workbench::claims::{self, Given};
use bia_workbench::run::{self, Report, Request};
use serde_json::Value;
use std::path::Path;

/// As in `bia`.
#[global_allocator]
static ALLOCATOR: bia_mapper::MeteredAllocator<std::alloc::System> =
    bia_mapper::MeteredAllocator::over(std::alloc::System);

fn mapper() -> Mapper {
    Mapper::new(Settings::default())
}

fn given(value: Value) -> Given {
    claims::given(value, "test", &claims::Options::default()).expect("claims")
}

fn persona(name: &str) -> Given {
    claims::of_persona(name, &claims::Options::default()).expect("persona")
}

/// Runs a text on claims and nothing else.
async fn run_text(mapper: &Mapper, text: &str, claims: &Given) -> Report {
    let source = Source { name: "m.jsonnet", text };
    run::run(mapper, Request { source, claims, identity: None, schema: None, imports: &[] }).await
}

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folder");
        std::fs::write(path, text).expect("write");
    }
}
