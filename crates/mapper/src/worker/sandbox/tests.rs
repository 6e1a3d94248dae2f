//! What a contained process really can not do. The layers can't be taken off again, so the attempts are made in a process of
//! its own: this test program, started once more.

use std::fs::File;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::process::Command;

use super::{filter_system_calls, forbid_files_and_network};
use crate::worker::limits;

/// Says which layers the process puts on, and where somebody listens: `landlock,seccomp 127.0.0.1:4711`.
const PROBE: &str = "BIA_SANDBOX_PROBE";

type Attempt = (&'static str, fn(&str) -> bool);

/// What hostile code would try, had it a way to run any of it.
const ATTEMPTS: &[Attempt] = &[
    ("read a file", |_| File::open("/etc/passwd").is_ok()),
    ("list a folder", |_| std::fs::read_dir("/").is_ok()),
    ("write a file", |_| File::create(std::env::temp_dir().join("bia-sandbox-probe")).is_ok()),
    ("connect", |address| TcpStream::connect(address).is_ok()),
    ("listen", |_| TcpListener::bind("127.0.0.1:0").is_ok()),
    ("send datagrams", |_| UdpSocket::bind("127.0.0.1:0").is_ok()),
    ("open a socket pair", |_| UnixStream::pair().is_ok()),
    ("start a program", |_| Command::new("/bin/true").status().is_ok()),
    ("start a thread", |_| std::thread::Builder::new().spawn(|| {}).is_ok()),
];

/// Makes every attempt behind these layers and gives those that went well, or the layer that this kernel lacks.
fn possible_behind(layers: &str) -> Result<Vec<String>, String> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "worker::sandbox::tests::probe", "--nocapture", "--test-threads=1"])
        .env(PROBE, format!("{layers} {address}"))
        .output()
        .expect("starts");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = |begin: &str| told.lines().filter_map(|line| line.strip_prefix(begin).map(str::to_owned)).collect();
    let missing: Vec<String> = lines("missing: ");
    assert!(told.contains("all tried"), "{told}{}", String::from_utf8_lossy(&output.stderr));
    missing.into_iter().next().map_or_else(|| Ok(lines("possible: ")), Err)
}

/// Exactly this is possible behind these layers. Not every kernel has them all, but those that CI runs on do: there, a
/// layer that is missing must not look like one that holds.
fn only_possible_behind(layers: &str, expected: &[&str]) {
    match possible_behind(layers) {
        Ok(possible) => assert_eq!(possible, expected),
        Err(missing) => assert!(std::env::var_os("CI").is_none(), "missing: {missing}"),
    }
}

/// The other process.
#[test]
fn probe() {
    let Ok(told) = std::env::var(PROBE) else { return };
    let (layers, address) = told.split_once(' ').expect("layers and an address");
    for layer in layers.split(',').filter(|layer| !layer.is_empty()) {
        let on = match layer {
            "limits" => limits::confine_process(128 << 20, 64 << 20)
                .and_then(|()| limits::forbid_processes())
                .map_err(|error| error.to_string()),
            "landlock" => forbid_files_and_network(),
            _ => filter_system_calls(),
        };
        if let Err(missing) = on {
            say(&format!("missing: {missing}"));
        }
    }
    for (what, attempt) in ATTEMPTS {
        if attempt(address) {
            say(&format!("possible: {what}"));
        }
    }
    say("all tried");
    std::process::exit(0);
}

#[expect(clippy::print_stdout, reason = "the other process reads it")]
fn say(line: &str) {
    println!("\n{line}");
}

#[test]
fn without_any_layer_every_attempt_goes_well() {
    let possible = possible_behind("").expect("no layer is missing");
    assert_eq!(possible, ATTEMPTS.iter().map(|(what, _)| *what).collect::<Vec<_>>());
}

#[test]
fn behind_the_system_call_filter_nothing_outside_can_be_reached() {
    only_possible_behind("seccomp", &[]);
}

#[test]
fn behind_landlock_no_path_and_no_port_can_be_reached() {
    only_possible_behind("landlock", &["send datagrams", "open a socket pair", "start a thread"]);
}

#[test]
fn with_the_limits_alone_nobody_but_root_starts_a_process() {
    let possible = possible_behind("limits").expect("every kernel has limits");
    // Root may start processes whatever the limit says; the layers above hold for root, too.
    for what in ["start a program", "start a thread"] {
        assert!(!possible.contains(&what.to_owned()) || is_root(), "{what}");
    }
}

#[test]
fn behind_all_layers_nothing_is_possible() {
    only_possible_behind("limits,landlock,seccomp", &[]);
}

fn is_root() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| status.contains("Uid:\t0\t"))
}
