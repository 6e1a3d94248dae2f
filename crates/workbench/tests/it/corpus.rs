//! Mappers in the idioms of the world, with what go-jsonnet makes of them (`tests/corpus/record.sh`).

use bia_mapper::{Evaluation, Mapper, NO_IDENTITY, Source};
use bia_workbench::difference;
use serde_json::Value;
use std::path::{Path, PathBuf};

use crate::mapper;

fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&text(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Files counted, results compared, and those that differ.
#[derive(Default)]
struct Tally {
    mappers: usize,
    compared: usize,
    different: Vec<String>,
}

/// Every mapper of the folder with every set of claims; `inputs` gives what it sees besides, by its name: external
/// variables, and arguments of a function.
async fn compare(
    folder: &Path,
    inputs: impl Fn(&str) -> (Vec<(&'static str, String)>, Vec<(&'static str, String)>),
) -> Tally {
    let mapper = mapper();
    let mut tally = Tally::default();
    for entry in std::fs::read_dir(folder).expect("corpus") {
        let path = entry.expect("entry").path();
        if path.extension().is_none_or(|extension| extension != "jsonnet") {
            continue;
        }
        tally.mappers += 1;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (ext_vars, arguments) = inputs(&name);
        for (claims, expected) in json(&path.with_extension("recorded.json")).as_object().expect("an object") {
            let claims_json = text(&corpus().join(format!("claims/{claims}.json")));
            let mut ext_vars: Vec<_> = ext_vars.iter().map(|(name, json)| (*name, json.as_str())).collect();
            ext_vars.push(("claims", &claims_json));
            let tla: Vec<_> = arguments.iter().map(|(name, json)| (*name, json.as_str())).collect();
            let found = evaluate(&mapper, &text(&path), &ext_vars, &tla).await;
            let same = match &found {
                Ok(value) => difference::between(expected, value).is_empty(),
                Err(_) => expected == "fails",
            };
            tally.compared += 1;
            if !same {
                tally.different.push(format!("{name} with {claims}: {found:?} instead of {expected}"));
            }
        }
    }
    tally
}

async fn evaluate(
    mapper: &Mapper,
    text: &str,
    ext_vars: &[(&str, &str)],
    tla: &[(&str, &str)],
) -> Result<Value, String> {
    let source = Source { name: "corpus.jsonnet", text };
    let output = mapper.evaluate(Evaluation { source, ext_vars, tla, imports: &[] }).await;
    output.map(|json| serde_json::from_str(&json).expect("JSON")).map_err(|error| error.to_string())
}

#[tokio::test]
async fn every_mapper_of_the_corpus_comes_out_as_in_go_jsonnet() {
    let tally = compare(&corpus(), |_| (vec![("identity", NO_IDENTITY.to_owned())], Vec::new())).await;
    let Tally { mappers, compared, different } = tally;
    assert!(mappers >= 76 && compared >= 304, "{mappers} mappers, {compared} comparisons");
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[tokio::test]
async fn every_shape_of_orys_documentation_comes_out_as_in_go_jsonnet() {
    let folder = corpus().join("documentation");
    let input = |name: &'static str| (name, text(&folder.join(format!("inputs/{name}.json"))));
    let tally = compare(&folder, |name| {
        if name.starts_with("hook-") {
            (vec![input("identity")], vec![input("ctx")])
        } else {
            (vec![input("identity"), input("session"), input("scim")], Vec::new())
        }
    })
    .await;
    let Tally { mappers, compared, different } = tally;
    assert!(mappers >= 32 && compared >= 128, "{mappers} mappers, {compared} comparisons");
    assert!(different.is_empty(), "{}", different.join("\n"));
}
