//! The guide for Microsoft: its examples are configurations that load.

use super::{lay_over, load, sound};
use serde_json::Value;

#[test]
fn every_example_of_the_guide_is_part_of_a_configuration_that_loads() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/microsoft.md");
    let guide = std::fs::read_to_string(path).expect("the guide");
    let examples: Vec<&str> =
        guide.split("```yaml provider\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(examples.len() > 10, "the guide lost its examples");
    for example in examples {
        let yaml = format!("provider:\n  {}", example.trim_end().replace('\n', "\n  "));
        let example: Value = read_yaml(&yaml);
        let mut config = sound();
        lay_over(&mut config["selfservice"]["methods"]["oidc"]["config"]["providers"][0], example["provider"].clone());
        load(&config);
    }
}

#[test]
fn the_guide_names_every_account_type() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/microsoft.md");
    let guide = std::fs::read_to_string(path).expect("the guide");
    for audience in
        ["AzureADMyOrg", "AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount", "PersonalMicrosoftAccount"]
    {
        assert!(guide.contains(audience), "{audience}");
    }
}

fn read_yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}
