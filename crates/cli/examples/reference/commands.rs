//! Every command and flag, from the definitions that parse them.

use clap::{Arg, Command, CommandFactory as _};
use std::fmt::Write as _;

const INTRODUCTION: &str = "\
# Every command

Every command, flag and argument of `bia`, with examples and exit codes. This page is generated from the definitions that
parse the command line; `cargo run -p bia --example reference` writes it anew. `bia help <command>` says the same. `bia completions bash` (`zsh`, `fish`, …) prints completions for a shell.
";

pub(crate) fn page() -> String {
    let mut command = bia::args::Args::command();
    command.build();
    let mut out = INTRODUCTION.to_owned();
    if let Some(help) = command.get_after_help() {
        let _ = write!(out, "\n```text\n{}\n```\n", broken(&help.to_string()));
    }
    for sub in visible(&command) {
        write_command(&mut out, sub, &format!("bia {}", sub.get_name()), 2);
    }
    out
}

fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help")
}

fn write_command(out: &mut String, command: &Command, name: &str, level: usize) {
    let _ = write!(out, "\n{} `{name}`\n\n", "#".repeat(level));
    if let Some(about) = command.get_long_about().or_else(|| command.get_about()) {
        let _ = writeln!(out, "{}.", clean(&about.to_string()).trim_end_matches('.'));
    }
    let subs: Vec<&Command> = visible(command).collect();
    if subs.is_empty() {
        let usage = command.clone().render_usage().to_string();
        let _ = writeln!(out, "\n```text\n{}\n```", usage.trim_start_matches("Usage: ").trim());
    }
    write_args(out, command);
    if let Some(help) = command.get_after_help() {
        let _ = write!(out, "\n```text\n{}\n```\n", broken(&help.to_string()));
    }
    for sub in subs {
        write_command(out, sub, &format!("{name} {}", sub.get_name()), (level + 1).min(4));
    }
}

fn write_args(out: &mut String, command: &Command) {
    let args: Vec<&Arg> = command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set() && !matches!(arg.get_id().as_str(), "help" | "version"))
        .collect();
    if args.is_empty() {
        return;
    }
    let _ = write!(out, "\n| Argument | Meaning |\n| --- | --- |\n");
    for arg in args {
        let _ = writeln!(out, "| {} | {} |", spelling(arg), meaning(arg));
    }
}

fn spelling(arg: &Arg) -> String {
    let mut names = Vec::new();
    names.extend(arg.get_short().map(|short| format!("-{short}")));
    names.extend(arg.get_long().map(|long| format!("--{long}")));
    let takes = arg.get_action().takes_values();
    let value =
        arg.get_value_names().into_iter().flatten().map(|name| format!("<{name}>")).collect::<Vec<_>>().join(" ");
    match (names.is_empty(), takes) {
        (true, _) => format!("`{value}`"),
        (false, true) => format!("`{} {value}`", names.join("`, `")),
        (false, false) => format!("`{}`", names.join("`, `")),
    }
}

fn meaning(arg: &Arg) -> String {
    let help = arg.get_long_help().or_else(|| arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let mut text = clean(&help).split_whitespace().collect::<Vec<_>>().join(" ");
    let values: Vec<_> =
        arg.get_possible_values().iter().filter(|v| !v.is_hide_set()).map(|v| format!("`{}`", v.get_name())).collect();
    if !text.ends_with(['.', ')', ']']) && !text.is_empty() {
        text.push('.');
    }
    if !values.is_empty() && arg.get_action().takes_values() {
        text = format!("{text} One of {}.", values.join(", "));
    }
    let defaults: Vec<_> =
        arg.get_default_values().iter().filter_map(|v| v.to_str()).map(|v| format!("`{v}`")).collect();
    if !defaults.is_empty() && arg.get_action().takes_values() {
        text = format!("{text} Default: {}.", defaults.join(", "));
    }
    text.replace('|', "\\|").replace('<', "&lt;")
}

/// A paragraph of a help is one line, since a terminal breaks it at its own width. A block of this page is broken here.
fn broken(text: &str) -> String {
    let mut out = String::new();
    for line in clean(text).lines() {
        let mut width = 0;
        // Examples are laid out by hand.
        let words = if line.starts_with(' ') { vec![line] } else { line.split(' ').collect() };
        for word in words {
            let wanted = word.chars().count();
            if width > 0 && width + 1 + wanted > 110 {
                out.push('\n');
                width = 0;
            } else if width > 0 {
                out.push(' ');
                width += 1;
            }
            out.push_str(word);
            width += wanted;
        }
        out.push('\n');
    }
    out.trim_end().to_owned()
}

fn clean(text: &str) -> String {
    text.trim_end().to_owned()
}
