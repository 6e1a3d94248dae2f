//! Mappers in the idioms of the world, with what go-jsonnet makes of them (`tests/corpus/record.sh`).

use bia_mapper::{NO_IDENTITY, Source};
use bia_workbench::claims::Given;
use bia_workbench::difference;
use bia_workbench::run;
use serde_json::Value;
use std::path::PathBuf;

use crate::mapper;

fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

fn json(path: PathBuf) -> Value {
    let text = std::fs::read_to_string(&path).expect("readable");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[tokio::test]
async fn every_mapper_of_the_corpus_comes_out_as_in_go_jsonnet() {
    let mapper = mapper();
    let identity: Value = serde_json::from_str(NO_IDENTITY).expect("JSON");
    let (mut mappers, mut compared, mut different) = (0, 0, Vec::new());
    for entry in std::fs::read_dir(corpus()).expect("corpus") {
        let path = entry.expect("entry").path();
        if path.extension().is_none_or(|extension| extension != "jsonnet") {
            continue;
        }
        mappers += 1;
        let text = std::fs::read_to_string(&path).expect("readable");
        for (claims, expected) in json(path.with_extension("recorded.json")).as_object().expect("an object") {
            let given =
                Given { json: json(corpus().join(format!("claims/{claims}.json"))).to_string(), notes: Vec::new() };
            let source = Source { name: "corpus.jsonnet", text: &text };
            let found = run::raw(&mapper, source, Some(&given), Some(&identity), &[]).await;
            let same = match &found {
                Ok(value) => difference::between(expected, value).is_empty(),
                Err(_) => expected == "fails",
            };
            compared += 1;
            if !same {
                different.push(format!("{} with {claims}: {found:?} instead of {expected}", path.display()));
            }
        }
    }
    assert!(mappers >= 60 && compared >= 240, "{mappers} mappers, {compared} comparisons");
    assert!(different.is_empty(), "{}", different.join("\n"));
}
