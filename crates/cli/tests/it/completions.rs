//! Completions as shells take them: each shell that is installed loads them, and bash completes with them.

use crate::support::{bia, root, run};
use std::path::Path;
use std::process::Command;

fn script(folder: &Path, shell: &str) -> std::path::PathBuf {
    let (code, out, err) = run(bia(&root()).args(["completions", shell]));
    assert_eq!(code, 0, "{err}");
    let path = folder.join(format!("bia.{shell}"));
    std::fs::write(&path, out).expect("written");
    path
}

/// What bash offers for the words of a line, the last of which is being typed.
fn offered(script: &Path, words: &[&str]) -> Vec<String> {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let program = format!(
        "source {}; COMP_WORDS=({}); COMP_CWORD={}; _bia bia \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        script.display(),
        quoted.join(" "),
        words.len() - 1,
    );
    let (code, out, err) = run(Command::new("bash").args(["--norc", "-c", &program]));
    assert_eq!(code, 0, "{err}");
    out.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_flags_and_values() {
    let folder = tempfile::tempdir().expect("folder");
    let script = script(folder.path(), "bash");
    for (words, expected) in [
        (&["bia", "se"][..], "serve"),
        (&["bia", "import", "k"][..], "kratos"),
        (&["bia", "import", "kratos", "--dr"][..], "--dry-run"),
        (&["bia", "init", "--pro"][..], "--proxy"),
        (&["bia", "init", "--proxy", "ng"][..], "nginx"),
        (&["bia", "list", "identities", "--page-s"][..], "--page-size"),
        (&["bia", "export", "--format", "ba"][..], "batches"),
    ] {
        let offered = offered(&script, words);
        assert!(offered.iter().any(|word| word == expected), "{words:?}: {offered:?}");
    }
}

#[test]
fn every_shell_reads_its_completions() {
    // Elvish has the module that they use only while somebody types.
    let (code, out, _) = run(bia(&root()).args(["completions", "elvish"]));
    assert!(code == 0 && out.contains("import"), "{out}");
    let folder = tempfile::tempdir().expect("folder");
    for (shell, program, before) in [
        ("bash", "bash", &["-n"][..]),
        ("zsh", "zsh", &["-n"][..]),
        ("fish", "fish", &["--no-execute"][..]),
        ("powershell", "pwsh", &["-NoProfile", "-File"][..]),
    ] {
        let script = script(folder.path(), shell);
        assert!(std::fs::read_to_string(&script).expect("file").contains("import"), "{shell}");
        let mut command = Command::new(program);
        match command.args(before).arg(&script).output() {
            Ok(output) => assert!(output.status.success(), "{shell}: {}", String::from_utf8_lossy(&output.stderr)),
            // A machine without that shell has nobody to complete for.
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{shell}: {error}"),
        }
    }
}

#[test]
fn zsh_and_fish_offer_the_commands() {
    let folder = tempfile::tempdir().expect("folder");
    let fish = script(folder.path(), "fish");
    let program = format!("source {}; complete -C 'bia import k'", fish.display());
    if let Ok(output) = Command::new("fish").args(["--no-config", "-c", &program]).env("HOME", folder.path()).output() {
        let out = String::from_utf8_lossy(&output.stdout);
        assert!(out.contains("kratos"), "{out}{}", String::from_utf8_lossy(&output.stderr));
    }
    let zsh = script(folder.path(), "zsh");
    let program = format!("autoload -U compinit && compinit -u -D; source {}; print $_comps[bia]", zsh.display());
    if let Ok(output) = Command::new("zsh").args(["-f", "-c", &program]).env("HOME", folder.path()).output() {
        let out = String::from_utf8_lossy(&output.stdout);
        assert!(out.contains("_bia"), "{out}{}", String::from_utf8_lossy(&output.stderr));
    }
}
