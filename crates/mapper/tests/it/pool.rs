//! Many evaluations at once: fairness, a full queue, recycling, the end.

use std::time::Duration;

use bia_mapper::{Mapper, Settings, WorkerProgram};

use crate::{evaluate, settings};

const ENDLESS: &str = "std.foldl(function(a, i) a + i, std.range(1, 1000000000), 0)";

#[tokio::test]
async fn an_honest_mapper_is_served_while_an_endless_one_fills_the_queue() {
    let mapper = Mapper::new(Settings {
        timeout: Duration::from_secs(5),
        queue_wait_max: Duration::from_secs(60),
        ..settings()
    });
    evaluate(&mapper, "{ honest: 1 }").await.expect("runs");
    let endless: Vec<_> = (0..10)
        .map(|_| {
            let mapper = mapper.clone();
            tokio::spawn(async move { evaluate(&mapper, ENDLESS).await })
        })
        .collect();
    while mapper.stats().waiting == 0 {
        tokio::task::yield_now().await;
    }
    for _ in 0..20 {
        evaluate(&mapper, "{ honest: 1 }").await.expect("is not disturbed");
    }
    // All of this happened within the first endless evaluation, or a few of them on a starved machine; most still wait.
    assert!(mapper.stats().waiting >= 1);
    endless.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn a_full_queue_refuses_with_a_clear_error_and_recovers() {
    let mapper = Mapper::new(Settings { queue_max: 3, timeout: Duration::from_secs(2), ..settings() });
    let running: Vec<_> = (0..4)
        .map(|_| {
            let mapper = mapper.clone();
            tokio::spawn(async move { evaluate(&mapper, ENDLESS).await })
        })
        .collect();
    while mapper.stats().waiting < 3 {
        tokio::task::yield_now().await;
    }
    let error = evaluate(&mapper, ENDLESS).await.expect_err("refused");
    assert_eq!((error.kind(), error.code()), ("queue_full", 503));
    // Callers that go away make room.
    for task in running {
        task.abort();
        let _ = task.await;
    }
    assert_eq!(evaluate(&mapper, "1").await.expect("runs"), "1");
}

#[tokio::test]
async fn waiting_too_long_for_a_worker_is_refused() {
    let mapper = Mapper::new(Settings {
        queue_wait_max: Duration::from_millis(100),
        timeout: Duration::from_secs(3),
        ..settings()
    });
    let held = tokio::spawn({
        let mapper = mapper.clone();
        async move { evaluate(&mapper, ENDLESS).await }
    });
    while mapper.stats().running == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(evaluate(&mapper, ENDLESS).await.expect_err("refused").kind(), "queue_timeout");
    held.abort();
}

#[tokio::test]
async fn workers_are_recycled_by_count_and_by_the_time_they_worked() {
    let by_count = Settings { recycle_after: 10, ..settings() };
    let by_time = Settings { recycle_after_busy: Duration::from_nanos(1), ..settings() };
    for settings in [by_count, by_time] {
        let mapper = Mapper::new(settings);
        for _ in 0..35 {
            evaluate(&mapper, "1").await.expect("runs");
        }
        assert!(mapper.stats().started >= 3, "{:?}", mapper.stats());
    }
}

#[tokio::test]
async fn a_forgotten_text_is_asked_for_again() {
    let mapper = Mapper::new(settings());
    for round in 0..3 {
        for number in 0..60 {
            assert_eq!(
                evaluate(&mapper, &format!("{number}")).await.expect("runs"),
                number.to_string(),
                "round {round}"
            );
        }
    }
}

#[tokio::test]
async fn shutdown_ends_workers_and_refuses_what_comes_after() {
    let mapper = Mapper::new(settings());
    let running = tokio::spawn({
        let mapper = mapper.clone();
        async move { evaluate(&mapper, ENDLESS).await }
    });
    while mapper.stats().workers == 0 && mapper.stats().started == 0 {
        tokio::task::yield_now().await;
    }
    mapper.shutdown().await;
    assert_eq!(running.await.expect("joins").expect_err("stopped").kind(), "shut_down");
    assert_eq!(mapper.stats().workers, 0);
    assert_eq!(evaluate(&mapper, "1").await.expect_err("refused").kind(), "shut_down");
}

#[tokio::test]
async fn a_test_binary_can_be_its_own_worker() {
    let mapper = Mapper::new(Settings { program: WorkerProgram::current_exe(), ..settings() });
    assert_eq!(evaluate(&mapper, "1 + 1").await.expect("runs"), "2");
    let error = evaluate(&mapper, &"(".repeat(200_000)).await.expect_err("too deep");
    assert_eq!(error.kind(), "stack_exhausted");
    let doubling = "std.foldl(function(s, i) s + s, std.range(1, 40), 'x') + ''";
    assert_eq!(evaluate(&mapper, doubling).await.expect_err("too large").kind(), "out_of_memory");
    // A large one that fits, and ends in time also where a debug build has half of a core.
    let fits = evaluate(&mapper, "std.length(std.repeat('x', 10000000))").await;
    assert_eq!(fits.expect("fits"), "10000000");
}
