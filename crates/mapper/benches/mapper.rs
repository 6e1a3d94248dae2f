//! Evaluations per second, and the latency at a given load. Run `cargo bench -p bia-mapper`.
//!
//! The bench is its own worker program, with the allocator of `bia`, so that what is measured is what serves: pipe,
//! sandbox, limits and all.

mod load;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bia_mapper::{Mapper, NO_IDENTITY, Settings, Source, WORKER_ARG};
use criterion::{Criterion, Throughput};
use futures_util::future::join_all;

#[global_allocator]
static ALLOCATOR: bia_mapper::MeteredAllocator<std::alloc::System> =
    bia_mapper::MeteredAllocator::over(std::alloc::System);

/// 25 lines that use what mappers use.
const MAPPER: &str = include_str!("mapper.jsonnet");

/// 2.4 KB: a member of 40 groups.
fn claims() -> String {
    let groups: Vec<_> = (0..40).map(|number| format!("9c0ffee0-0000-4000-8000-{number:012}")).collect();
    serde_json::json!({
        "iss": "https://login.microsoftonline.com/8eaef023-2b34-4da1-9baa-8bc8c9d6a490/v2.0",
        "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ", "oid": "a11ce000-0000-4000-8000-000000000001",
        "name": "Alice Adams", "preferred_username": "alice@contoso.example", "email": "alice@contoso.example",
        "raw_claims": {
            "tid": "8eaef023-2b34-4da1-9baa-8bc8c9d6a490", "oid": "a11ce000-0000-4000-8000-000000000001",
            "email": "alice@contoso.example", "name": "Alice Adams", "groups": groups, "roles": ["Admin", "Reader"],
            "xms_edov": true, "acct": 0, "ver": "2.0", "iat": 1_760_000_000, "exp": 1_760_003_600,
        },
    })
    .to_string()
}

async fn map(mapper: &Mapper, text: &str, claims: &str) {
    let source = Source { name: "bench.jsonnet", text };
    let mapped = mapper.map_identity(&source, claims, NO_IDENTITY).await;
    black_box(mapped.expect("the bench's mapper maps"));
}

fn benches(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let claims = claims();
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let mut group = criterion.benchmark_group("mapper");
    group.throughput(Throughput::Elements(1));
    group.bench_function("cold: start a worker, parse, evaluate", |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            let mapper = Mapper::new(Settings::default());
            map(&mapper, MAPPER, &claims).await;
            mapper.shutdown().await;
        });
    });
    let mapper = Mapper::new(Settings::default());
    group.bench_function("unseen: parse and evaluate", |bencher| {
        let mut number = 0_u64;
        bencher.to_async(&runtime).iter(|| {
            number += 1;
            let text = format!("{MAPPER}// {number}\n");
            let (mapper, claims) = (&mapper, &claims);
            async move { map(mapper, &text, claims).await }
        });
    });
    group.bench_function("warm: one worker, one after the other", |bencher| {
        bencher.to_async(&runtime).iter(|| map(&mapper, MAPPER, &claims));
    });
    group.throughput(Throughput::Elements(64));
    group.bench_function(format!("concurrent: {cores} workers, 64 at once, two mappers"), |bencher| {
        // One mapper alone may hold only half of the workers.
        let other = format!("{MAPPER}// other\n");
        bencher.to_async(&runtime).iter(|| {
            let (mapper, claims, other) = (&mapper, &claims, &other);
            async move { join_all((0..64).map(|at| map(mapper, if at % 2 == 0 { MAPPER } else { other }, claims))).await }
        });
    });
    group.finish();
    runtime.block_on(async { mapper.shutdown().await });
    report_load(&runtime, &Arc::from(claims));
}

/// Seconds of each load: ten, or what `BIA_BENCH_SECONDS` says.
fn load_seconds() -> u64 {
    std::env::var("BIA_BENCH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10)
}

/// Not a bench of its own for criterion: it measures single runs, not how evaluations queue.
fn report_load(runtime: &tokio::runtime::Runtime, claims: &Arc<str>) {
    let mapper = Mapper::new(Settings::default());
    runtime.block_on(async {
        for evaluations in [1, 9, 90, 900, 3_000] {
            for _ in 0..evaluations {
                map(&mapper, MAPPER, claims).await;
            }
            load::print_worker_memory(&format!("after {evaluations} more evaluations"));
        }
        let call = {
            let (mapper, claims) = (mapper.clone(), Arc::clone(claims));
            move || {
                let (mapper, claims) = (mapper.clone(), Arc::clone(&claims));
                async move {
                    let source = Source { name: "bench.jsonnet", text: MAPPER };
                    mapper.map_identity(&source, &claims, NO_IDENTITY).await.is_ok()
                }
            }
        };
        let mut most = 0.0;
        for callers in [1, 8] {
            let cpu = load::cpu_seconds();
            let began = Instant::now();
            most = load::closed_loop(callers, Duration::from_secs(load_seconds()), &call).await;
            let each = (load::cpu_seconds() - cpu) / (most * began.elapsed().as_secs_f64());
            load::print_most(callers, most, each);
        }
        for share in [0.2, 0.4, 0.6, 0.8] {
            let outcome = load::open_loop(most * share, Duration::from_secs(load_seconds()), &call).await;
            load::print(share, &outcome);
        }
        load::print_worker_memory("under load");
        mapper.shutdown().await;
    });
}

fn main() {
    if std::env::args().nth(1).as_deref() == Some(WORKER_ARG) {
        bia_mapper::worker_main();
    }
    let mut criterion = Criterion::default().configure_from_args();
    benches(&mut criterion);
    criterion.final_summary();
}
