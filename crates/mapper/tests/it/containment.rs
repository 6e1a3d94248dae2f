//! Limits, each by the name under which it is refused, and workers that lie.

use std::time::Duration;

use bia_mapper::{Mapper, Settings, WorkerProgram};

use crate::{evaluate, evaluate_with, failure, mapper, settings};

const ENDLESS: &str = "std.foldl(function(a, i) a + i, std.range(1, 1000000000), 0)";

#[tokio::test]
async fn an_endless_mapper_is_stopped_at_the_deadline_and_the_next_one_runs() {
    let mapper = Mapper::new(Settings { timeout: Duration::from_millis(300), ..settings() });
    assert_eq!(failure(&mapper, ENDLESS).await.kind(), "timeout");
    assert_eq!(evaluate(&mapper, "1 + 1").await.expect("runs"), "2");
}

#[tokio::test]
async fn memory_beyond_the_limit_ends_the_evaluation_only() {
    let mapper = Mapper::new(Settings { timeout: Duration::from_secs(20), ..settings() });
    for text in [
        "std.length(std.repeat('x', 4000000000))",
        "std.foldl(function(s, i) s + s, std.range(1, 40), 'x') + ''",
        "std.base64(std.repeat('abc', 400000000))",
    ] {
        assert_eq!(failure(&mapper, text).await.kind(), "out_of_memory", "{text}");
        assert_eq!(evaluate(&mapper, "1 + 1").await.expect("runs"), "2");
    }
    assert!(evaluate(&mapper, "std.length(std.repeat('x', 50000000))").await.is_ok(), "50 MB fit into 128 MiB");
}

#[tokio::test]
async fn output_beyond_the_limit_is_refused_by_name() {
    let mapper = Mapper::new(Settings { output_bytes_max: 1000, ..settings() });
    assert_eq!(evaluate(&mapper, "std.repeat('x', 998)").await.expect("fits").len(), 1000);
    let error = failure(&mapper, "std.repeat('x', 999)").await;
    assert_eq!(error.kind(), "output_too_large");
    assert!(error.to_string().contains("1000 bytes"));
}

#[tokio::test]
async fn sources_and_inputs_beyond_the_limit_never_reach_a_worker() {
    let mapper = mapper();
    let long = format!("'{}'", "x".repeat(10 * 1024 * 1024));
    assert_eq!(failure(&mapper, &long).await.kind(), "source_too_large");
    assert_eq!(evaluate_with(&mapper, "1", &[("claims", &long)]).await.expect_err("refused").kind(), "input_too_large");
    assert_eq!(mapper.stats().started, 0);
}

#[tokio::test]
async fn claims_far_beyond_the_64_kib_of_kratos_are_fine() {
    let claims = serde_json::json!({ "groups": vec!["9c0ffee0-0000-4000-8000-000000000000"; 20_000] }).to_string();
    assert!(claims.len() > 700 * 1024);
    let value = evaluate_with(&mapper(), "std.length(std.extVar('claims').groups)", &[("claims", &claims)]).await;
    assert_eq!(value.expect("evaluates"), "20000");
}

/// A worker that greets as it should and then says `lie`, in `printf` escapes.
fn liar(lie: &str) -> Mapper {
    let script = format!(r"printf '\006\000\000\000\000\000\000\000\000\000'; printf '{lie}'; exec sleep 60");
    let program = WorkerProgram { program: Some("/bin/sh".into()), args: vec!["-c".to_owned(), script] };
    Mapper::new(Settings { program, timeout: Duration::from_millis(500), ..Settings::default() })
}

#[tokio::test]
async fn a_worker_that_lies_costs_one_evaluation_and_is_replaced() {
    for (lie, kind) in [
        (r"\377\377\377\377", "worker_lied"),
        (r"\002\000\000\000\000\011", "worker_lied"),
        (r"\002\000\000\000\007\001", "worker_lied"),
        (r"\006\000\000\000\000\001\377\377\377\377", "worker_lied"),
        (r"\007\000\000\000\000\001\001\000\000\000\377", "worker_lied"),
        (r"\006\000\000\000\000\000\000\000\000\000", "worker_lied"),
        (r"\007\000\000\000\000\003\001\000\000\000x", "worker_lied"),
        (r"\010\000\000\000\000\001", "timeout"),
        ("", "timeout"),
    ] {
        let mapper = liar(lie);
        for _ in 0..2 {
            assert_eq!(failure(&mapper, "1").await.kind(), kind, "{lie}");
        }
        mapper.shutdown().await;
    }
}

#[tokio::test]
async fn a_worker_that_cannot_start_is_an_error_with_a_reason() {
    for program in ["/nonexistent/bia", "/bin/false"] {
        let mapper = Mapper::new(Settings { program: WorkerProgram::at(program), ..settings() });
        let error = failure(&mapper, "1").await;
        assert_eq!(error.kind(), "worker_unavailable");
    }
}

#[tokio::test]
async fn workers_have_no_environment_no_files_and_every_limit() {
    let mapper = mapper();
    evaluate(&mapper, "1").await.expect("runs");
    let workers = children_named("bia-mapper-work");
    assert!(!workers.is_empty());
    for pid in workers {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let limits = read("limits");
        let line = |name: &str| limits.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
        for (name, value) in [
            ("Max core file size", "0"),
            ("Max file size", "0"),
            ("Max processes", "0"),
            ("Max open files", "8"),
            ("Max cpu time", "600"),
        ] {
            let words = line(name);
            let mut values = words.trim_start_matches(name).split_whitespace();
            assert_eq!((values.next(), values.next()), (Some(value), Some(value)), "{words}");
        }
        assert!(!line("Max address space").contains("unlimited"));
        let status = read("status");
        assert!(status.contains("NoNewPrivs:\t1"), "{status}");
        assert!(status.contains("Seccomp:\t2"), "{status}");
        assert!(read("environ").is_empty());
        if let Ok(files) = std::fs::read_dir(format!("/proc/{pid}/fd")) {
            assert!(files.count() <= 3, "a worker has its three pipes only");
        }
    }
}

#[tokio::test]
async fn files_that_the_server_left_open_are_closed_before_any_user_code_is_read() {
    let worker = env!("CARGO_BIN_EXE_bia-mapper-worker");
    let script = format!("exec 5</etc/hostname 6>/dev/null 7</proc/self/environ; exec {worker} mapper-worker");
    let program = WorkerProgram { program: Some("/bin/sh".into()), args: vec!["-c".to_owned(), script] };
    let mapper = Mapper::new(Settings { program, ..settings() });
    evaluate(&mapper, "1").await.expect("runs");
    let open = |pid: u32| std::fs::read_dir(format!("/proc/{pid}/fd")).map(Iterator::count);
    // Other tests' workers are looked at as well, which does no harm. Not everybody may look.
    for open in children_named("bia-mapper-work").into_iter().flat_map(open) {
        assert!(open <= 3, "{open} files are open");
    }
}

#[tokio::test]
async fn a_worker_that_is_killed_from_outside_costs_the_evaluation_it_ran_and_no_other() {
    let mapper =
        Mapper::new(Settings { program: own_worker("killed"), timeout: Duration::from_secs(60), ..settings() });
    evaluate(&mapper, "1 + 1").await.expect("runs");
    // While it is idle nobody notices.
    kill_all("killed");
    for _ in 0..3 {
        assert_eq!(evaluate(&mapper, "1 + 1").await.expect("is started anew"), "2");
    }
    let running = tokio::spawn({
        let mapper = mapper.clone();
        async move { failure(&mapper, ENDLESS).await }
    });
    // Again and again: it may be given to a worker that is being started and has no name yet.
    while !running.is_finished() {
        kill_all("killed");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let error = running.await.expect("no panic");
    assert!(error.kind() == "worker_died" && error.to_string().contains("signal 9"), "{error}");
    assert_eq!(evaluate(&mapper, "1 + 1").await.expect("runs"), "2");
}

/// The worker program with a last argument by which a test finds its own.
fn own_worker(mark: &str) -> WorkerProgram {
    let mut program = WorkerProgram::at(env!("CARGO_BIN_EXE_bia-mapper-worker"));
    program.args.push(mark.to_owned());
    program
}

fn kill_all(mark: &str) {
    for pid in children_named("bia-mapper-work") {
        let command = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        if command.ends_with(&format!("\0{mark}\0")) {
            let killed = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status();
            assert!(killed.expect("kill").success());
            while !is_gone(pid) {
                std::thread::yield_now();
            }
        }
    }
}

/// The signal is delivered some time after the command has ended, and to one thread after the other: the first may be
/// a zombie while another still keeps the process from being waited for.
fn is_gone(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let is_zombie = stat.rsplit_once(')').is_none_or(|(_, tail)| tail.trim_start().starts_with('Z'));
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
    is_zombie && threads <= 1
}

/// Children of this process by the kernel's name for them, which is cut at 15 characters.
fn children_named(name: &str) -> Vec<u32> {
    let us = std::process::id().to_string();
    let processes = std::fs::read_dir("/proc").expect("/proc").flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_string_lossy().parse::<u32>().ok());
    pids.filter(|pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let Some((head, tail)) = stat.rsplit_once(')') else {
            return false;
        };
        let mut fields = tail.split_whitespace();
        head.ends_with(&format!("({name}")) && fields.next() != Some("Z") && fields.next() == Some(us.as_str())
    })
    .collect()
}
