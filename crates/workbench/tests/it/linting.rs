//! `bia mapper lint` and `bia mapper fmt`.

use bia_mapper::Source;
use bia_workbench::format;
use bia_workbench::lint::{self, Options};
use bia_workbench::report::{self, Paint};

use crate::mapper;

async fn rules(text: &str, options: &Options) -> Vec<String> {
    let report = lint::lint(&mapper(), Source { name: "m.jsonnet", text }, options).await;
    report.findings.into_iter().map(|finding| finding.rule).collect()
}

const RIGHTS: &str = "local claims = std.extVar('claims');
{
  identity: {
    traits: {
      groups: std.get(claims.raw_claims, 'groups', []),
    },
  },
}
";

#[tokio::test]
async fn a_finding_is_waived_by_a_comment_beside_or_above_it_that_names_its_rule() {
    let plain = Options::default();
    assert_eq!(rules(RIGHTS, &plain).await, ["editable-right"]);
    let beside = RIGHTS.replace("[]),", "[]),  // lint: allow editable-right");
    assert!(rules(&beside, &plain).await.is_empty());
    let above = RIGHTS.replace("      groups", "      // lint: allow editable-right\n      groups");
    assert!(rules(&above, &plain).await.is_empty());
    let other = RIGHTS.replace("[]),", "[]),  // lint: allow unused-local");
    assert_eq!(rules(&other, &plain).await, ["editable-right"]);
}

#[tokio::test]
async fn personas_find_what_reading_can_not() {
    let text = "local claims = std.extVar('claims');
local parts(address) = std.split(address, '@');
{ identity: { traits: { domain: parts(std.get(claims, 'email', ''))[1] } } }";
    assert!(rules(text, &Options::default()).await.is_empty());
    let options = Options { personas: true, ..Options::default() };
    let report = lint::lint(&mapper(), Source { name: "m.jsonnet", text }, &options).await;
    assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
    let text = report::lint(&report, Paint::OFF);
    assert!(text.contains("fails for the persona no-mail: RUNTIME ERROR: Index 1 out of bounds"), "{text}");
}

#[tokio::test]
async fn a_mapper_that_does_not_parse_is_no_finding_but_an_error() {
    let report = lint::lint(&mapper(), Source { name: "m.jsonnet", text: "{ a: " }, &Options::default()).await;
    assert!(!report.clean());
    assert_eq!(report.error.as_ref().expect("an error").kind, "syntax");
    assert!(report::lint(&report, Paint::OFF).contains("--> m.jsonnet:1:"));
}

#[tokio::test]
async fn formatting_writes_only_what_changes_and_never_what_does_not_parse() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("m.jsonnet");
    let mapper = mapper();
    for (text, changes) in [("{a:1}\n", true), ("{ a: ", false)] {
        std::fs::write(&path, text).expect("write");
        let formatted = format::format(&mapper, Source { name: "m.jsonnet", text }).await;
        assert_eq!(formatted.changed, changes, "{formatted:?}");
        format::write(&path, &formatted).expect("written");
        let now = std::fs::read_to_string(&path).expect("read");
        assert_eq!(now != text, changes);
    }
}
