//! The generated JSON Schema.

use std::path::Path;

use serde_json::Value;

#[test]
fn every_key_of_kratos_is_in_the_schema() {
    let root = bia_config::json_schema();
    let missing: Vec<&str> = include_str!("kratos-keys.txt").lines().filter(|key| find(&root, key).is_none()).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

fn find<'a>(root: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(root, |node, part| {
        let node = resolve(root, node);
        if part == "#" {
            return node.get("items");
        }
        let then = node.pointer(&format!("/then/properties/{part}"));
        then.or_else(|| node.get("properties")?.get(part))
    })
}

fn resolve<'a>(root: &'a Value, mut node: &'a Value) -> &'a Value {
    loop {
        let reference = node.get("$ref").or_else(|| node.pointer("/allOf/0/$ref")).and_then(Value::as_str);
        match reference.and_then(|reference| root.pointer(reference.trim_start_matches('#'))) {
            Some(next) => node = next,
            None => return node,
        }
    }
}

#[test]
fn the_schema_file_for_editors_is_in_step_with_the_types() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/config.schema.json");
    let written: Value =
        serde_json::from_str(&std::fs::read_to_string(file).expect("config/config.schema.json")).expect("JSON");
    assert!(
        written == bia_config::json_schema(),
        "run `cargo run -p bia-config --example schema > config/config.schema.json`"
    );
}

#[test]
fn every_key_of_the_schema_is_documented() {
    fn walk(node: &Value, path: &str, undocumented: &mut Vec<String>) {
        for (key, child) in node.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if child.get("description").is_none() {
                undocumented.push(format!("{path}.{key}"));
            }
        }
    }
    let root = bia_config::json_schema();
    let mut undocumented = Vec::new();
    walk(&root, "", &mut undocumented);
    for (name, definition) in root["definitions"].as_object().expect("definitions") {
        walk(definition, name, &mut undocumented);
    }
    assert!(undocumented.is_empty(), "{undocumented:#?}");
}
