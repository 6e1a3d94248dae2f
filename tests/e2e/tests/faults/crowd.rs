//! Thousands of connections that say nothing, and some that say too little or too much.

use std::time::Duration;

use bia_e2e::{Bia, Browser, Site, open_files, until};
use bia_testkit::skipped;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::world::{ANSWER_MAX, can, start_from_shell};

const CONNECTIONS: usize = 10_000;
/// What this process and the program need beside the crowd.
const SPARE: usize = 1_000;

/// As many as the machine lets this process have, up to those.
fn crowd_size() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").expect("limits");
    let line = limits.lines().find(|line| line.starts_with("Max open files")).expect("a line");
    let hard = line.split_whitespace().nth(4).and_then(|text| text.parse().ok()).unwrap_or(CONNECTIONS + SPARE);
    let id = std::process::id().to_string();
    assert!(can("prlimit", &["--pid", &id, &format!("--nofile={hard}:")]), "prlimit");
    let size = CONNECTIONS.min(hard.saturating_sub(SPARE));
    if size < CONNECTIONS {
        skipped(&format!("this machine allows {size} of {CONNECTIONS} connections"));
    }
    size
}

async fn connect(bia: &Bia) -> TcpStream {
    let address = bia.public.trim_start_matches("http://");
    TcpStream::connect(address).await.expect("a connection")
}

/// Reads until the other side closes; how much came.
async fn closed(stream: &mut TcpStream) -> usize {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    answer.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_connections_that_say_nothing_are_shown_out_and_people_sign_in_meanwhile() {
    let size = crowd_size();
    let site = Site::new().await;
    // As a shell starts it: with the soft limit that most systems have.
    let bia = start_from_shell(&site, "ulimit -S -n 1024; exec \"$0\" serve -c \"$1\"").await;
    let before = open_files(bia.id());
    let mut crowd = Vec::with_capacity(size);
    for _ in 0..size {
        crowd.push(connect(&bia).await);
    }
    site.browser("alice").signed_in(&bia, "microsoft").await;
    let mut waiting = JoinSet::new();
    for mut stream in crowd {
        waiting.spawn(async move { closed(&mut stream).await });
    }
    while let Some(bytes) = waiting.join_next().await {
        assert_eq!(bytes.expect("closed"), 0, "nothing was asked");
    }
    // Browsers of this test keep a few open.
    until("their files are given back", || async { open_files(bia.id()) < before + 50 }).await;
    site.browser("bob").signed_in(&bia, "partner").await;
    assert!(!bia.log().contains("could not be accepted"), "{}", bia.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_kept_open_after_an_answer_give_way_when_nobody_else_gets_in() {
    let site = Site::new().await;
    let bia = start_from_shell(&site, "ulimit -n 96; exec \"$0\" serve -c \"$1\"").await;
    let mut crowd = Vec::new();
    for _ in 0..100 {
        let mut stream = connect(&bia).await;
        stream.write_all(b"GET /health/alive HTTP/1.1\r\nhost: h\r\n\r\n").await.expect("sent");
        let mut start = [0; 15];
        stream.read_exact(&mut start).await.expect("an answer");
        assert_eq!(&start, b"HTTP/1.1 200 OK");
        crowd.push(stream);
    }
    // They would be kept for two minutes, and browsers give up after one.
    site.browser("alice").signed_in(&bia, "microsoft").await;
    drop(crowd);
}

pub(crate) async fn headers_and_bodies_that_drip_in_are_given_up_and_disturb_nobody() {
    let site = Site::new().await;
    let bia = site.start().await;
    let flow = Browser::new().begin(&bia, "login").await;
    let action = url::Url::parse(flow["ui"]["action"].as_str().expect("an action")).expect("a URL");
    let target = format!("{}?{}", action.path(), action.query().unwrap_or_default());
    let head = |length: &str| {
        format!(
            "POST {target} HTTP/1.1\r\nhost: h\r\naccept: application/json\r\n\
             content-type: application/x-www-form-urlencoded\r\n{length}\r\n\r\n"
        )
    };
    let cases = [
        // What is sent at once, what is dripped, and what the answer has to begin with.
        ("GET /sessions/whoami HTTP/1.1\r\nx-slow: ".to_owned(), "x", ""),
        (String::new(), "G", ""),
        (head("content-length: 100000"), "a", "HTTP/1.1 408"),
        (head("transfer-encoding: chunked"), "1\r\na\r\n", "HTTP/1.1 408"),
    ];
    let mut slow = JoinSet::new();
    for index in 0..100 {
        let (start, drip, end) = cases[index % cases.len()].clone();
        let stream = connect(&bia).await;
        slow.spawn(async move {
            let (mut read, mut write) = stream.into_split();
            let dripping = async {
                let mut alive = write.write_all(start.as_bytes()).await.is_ok();
                while alive {
                    tokio::time::sleep(Duration::from_millis(250)).await;
                    alive = write.write_all(drip.as_bytes()).await.is_ok();
                }
                std::future::pending::<()>().await;
            };
            let mut answer = Vec::new();
            tokio::select! {
                () = dripping => {}
                _ = read.read_to_end(&mut answer) => {}
            }
            let answer = String::from_utf8_lossy(&answer).into_owned();
            assert!(answer.starts_with(end), "{start}: {answer}");
        });
    }
    site.browser("alice").signed_in(&bia, "microsoft").await;
    // Five seconds for headers and fifteen for a body; the rest is the machine's.
    let all = async {
        while let Some(ended) = slow.join_next().await {
            ended.expect("given up");
        }
    };
    tokio::time::timeout(ANSWER_MAX, all).await.expect("nobody is waited for so long");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_without_end_are_cut_at_their_limit_on_both_ports() {
    let site = Site::new().await;
    let bia = site.start().await;
    let flow = Browser::new().begin(&bia, "login").await;
    let action = flow["ui"]["action"].as_str().expect("an action").to_owned();
    for (port, target) in [(&bia.public, action), (&bia.admin, format!("{}/admin/identities", bia.admin))] {
        let url = url::Url::parse(&target).expect("a URL");
        let stream = TcpStream::connect(port.trim_start_matches("http://")).await.expect("a connection");
        let head = format!(
            "POST {}?{} HTTP/1.1\r\nhost: h\r\naccept: application/json\r\ncontent-type: application/json\r\n\
             transfer-encoding: chunked\r\n\r\n",
            url.path(),
            url.query().unwrap_or_default()
        );
        let (mut read, mut write) = stream.into_split();
        let endless = async {
            let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
            let mut sent = 0;
            let mut open = write.write_all(head.as_bytes()).await.is_ok();
            while open {
                open = write.write_all(chunk.as_bytes()).await.is_ok();
                sent += chunk.len();
                assert!(sent < 100 << 20, "nobody stops it");
            }
            std::future::pending::<()>().await;
        };
        let mut start = [0; 12];
        tokio::select! {
            () = endless => {}
            // The connection may be cut before the answer could be read.
            _ = read.read_exact(&mut start) => {}
        }
        assert!(start == *b"HTTP/1.1 413" || start == [0; 12], "{}", String::from_utf8_lossy(&start));
    }
    site.browser("alice").signed_in(&bia, "microsoft").await;
}
