//! Shell snippets: a shell parses them, and the program would take each call of `bia`.

use super::pages;
use bia::args::Args;
use clap::Parser as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// Programs that snippets may call beside `bia`. A new one is added here on purpose.
const OTHERS: &[&str] = &[
    "[",
    "apt",
    "apt-get",
    "az",
    "bash",
    "caddy",
    "cargo",
    "cat",
    "cd",
    "chmod",
    "chown",
    "cmp",
    "contrib/debian/build",
    "cp",
    "createdb",
    "curl",
    "date",
    "diff",
    "docker",
    "dpkg",
    "dropdb",
    "echo",
    "export",
    "git",
    "go",
    "grep",
    "haproxy",
    "install",
    "journalctl",
    "jq",
    "kill",
    "kratos",
    "kubectl",
    "ls",
    "mkdir",
    "mv",
    "nginx",
    "node",
    "npm",
    "npx",
    "openssl",
    "pg_dump",
    "pg_restore",
    "promtool",
    "psql",
    "rm",
    "sed",
    "sqlite3",
    "ssh",
    "sudo",
    "systemctl",
    "systemd-analyze",
    "systemd-run",
    "tar",
    "tee",
    "test",
    "tests/pages/run",
    "tests/clients/run",
    "tests/proxies/run",
    "true",
    "umask",
    "useradd",
    "wait",
    "xdg-open",
];

/// Words of one command, quotes taken off; `None` where the shell would do more than call a program.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = command.chars().peekable();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(mark), letter) if mark == letter => quote = None,
            (Some(_), letter) => word.get_or_insert_default().push(letter),
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, '\\') => word.get_or_insert_default().extend(letters.next()),
            (None, '#') if word.is_none() => break,
            (None, letter) if letter.is_whitespace() => words.extend(word.take()),
            (None, letter) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

/// The single commands of a snippet. In one with prompts (`$ bia …`) the other lines are what is printed.
fn commands(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    let has_prompts = joined.lines().any(|line| line.starts_with("$ "));
    let lines = joined.lines().filter_map(|line| if has_prompts { line.strip_prefix("$ ") } else { Some(line) });
    let mut found = Vec::new();
    let mut end_of_text: Option<String> = None;
    for line in lines {
        if let Some(end) = &end_of_text {
            if line.trim() == end {
                end_of_text = None;
            }
            continue;
        }
        if let Some((_, end)) = line.split_once("<<") {
            end_of_text = Some(
                end.trim()
                    .trim_matches(['\'', '"', '-'])
                    .split_whitespace()
                    .next()
                    .unwrap_or_default()
                    .trim_matches(['\'', '"'])
                    .to_owned(),
            );
        }
        let line = line.split("<<").next().unwrap_or_default();
        found.extend(
            split(line)
                .into_iter()
                .map(|part| part.trim().to_owned())
                .filter(|part| !part.is_empty() && !part.starts_with('#')),
        );
    }
    found
}

/// At `|`, `&&`, `;` and `&` outside of quotes.
fn split(line: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quote = None;
    let mut depth = 0;
    let mut before = ' ';
    for letter in line.chars() {
        // The rest is a comment.
        if letter == '#' && quote.is_none() && before.is_whitespace() {
            break;
        }
        before = letter;
        match letter {
            '\'' | '"' if quote == Some(letter) => quote = None,
            '\'' | '"' if quote.is_none() => quote = Some(letter),
            '(' if quote != Some('\'') => depth += 1,
            ')' if quote != Some('\'') => depth -= 1,
            _ => {}
        }
        if quote.is_none() && depth == 0 && matches!(letter, '|' | ';' | '&') {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(letter);
        }
    }
    parts
}

/// What is wrong with one command.
fn problem(command: &str) -> Option<String> {
    let all = words(command);
    let is_setting = |word: &&String| {
        word.split_once('=')
            .is_some_and(|(name, _)| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
    };
    let mut rest: Vec<String> = all.iter().skip_while(is_setting).cloned().collect();
    if rest.first().is_some_and(|word| word == "sudo") {
        let after = rest.iter().skip(1).position(|word| !word.starts_with('-')).map_or(rest.len(), |at| at + 1);
        // `sudo -u bia bia …`: the word after -u is a name.
        let after = if rest.get(1).is_some_and(|word| word == "-u") { 3 } else { after };
        rest.drain(..after.min(rest.len()));
    }
    rest.retain(|word| !matches!(word.as_str(), "exec"));
    let name = rest.first()?.clone();
    let calls_bia = if name == "bia" || name.ends_with("/bia") {
        true
    } else if name == "cargo"
        && rest.get(1).is_some_and(|word| word == "run")
        && !rest.iter().any(|word| word == "--example" || word == "-p")
    {
        let at = rest.iter().position(|word| word == "--").map_or(rest.len(), |at| at);
        rest.drain(..at);
        true
    } else {
        false
    };
    if !calls_bia {
        return (!OTHERS.contains(&name.as_str()))
            .then(|| format!("`{name}` is no program that the documentation uses"));
    }
    // Redirections are the shell's.
    let args: Vec<String> = rest
        .into_iter()
        .take_while(|word| !word.starts_with(['>', '<']) && word != "2>&1" && !word.starts_with("2>"))
        .collect();
    match Args::try_parse_from(&args) {
        Err(error) if error.use_stderr() => Some(error.to_string()),
        _ => None,
    }
}

#[test]
fn every_shell_snippet_parses_and_the_program_takes_every_call() {
    let mut wrong = Vec::new();
    let mut calls = 0;
    for block in pages().iter().flat_map(super::Page::blocks).filter(|block| matches!(block.language(), "sh" | "bash"))
    {
        let commands = commands(&block.text);
        calls += commands.len();
        wrong.extend(
            commands
                .iter()
                .filter_map(|command| problem(command).map(|why| format!("{}: {command}: {why}", block.place()))),
        );
        let text = if block.text.lines().any(|line| line.starts_with("$ ")) {
            commands.join("\n")
        } else {
            block.text.clone()
        };
        let mut shell =
            Command::new("bash").arg("-n").stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("bash");
        shell.stdin.take().expect("input").write_all(text.as_bytes()).expect("written");
        let output = shell.wait_with_output().expect("ended");
        if !output.status.success() {
            wrong.push(format!("{}: {}", block.place(), String::from_utf8_lossy(&output.stderr)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(calls > 30, "only {calls} commands were found");
}

#[test]
fn commands_that_the_program_would_refuse_are_found() {
    for good in [
        "bia serve -c kratos.yml",
        "DSN='sqlite://a b' bia serve -c kratos.yml",
        "cargo run --release -- dev",
        "sudo -u bia bia doctor -c /etc/bia/kratos.yml",
        "bia config schema > config.schema.json",
        "curl -s http://127.0.0.1:4434/metrics",
    ] {
        assert_eq!(commands(good).iter().find_map(|command| problem(command)), None, "{good}");
    }
    for bad in
        ["bia serv", "bia serve --confg kratos.yml", "cargo run --release -- devv", "frobnicate", "true && bia nothing"]
    {
        assert!(commands(bad).iter().any(|command| problem(command).is_some()), "{bad}");
    }
}
