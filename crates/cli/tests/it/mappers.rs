//! The shipped mappers: every case through the real worker, lint-free, laid out.

use crate::support::{bia, root, run};
use bia_mapper::{Mapper, NO_IDENTITY, Settings, Source};

fn names() -> Vec<String> {
    let entries = std::fs::read_dir(root().join("mappers")).expect("mappers");
    let names = entries.map(|entry| entry.expect("entry").file_name().into_string().expect("name"));
    names.filter(|name| name.ends_with(".jsonnet")).collect()
}

#[test]
fn every_mapper_has_cases_and_all_come_out_as_written() {
    let (code, out, err) = run(bia(&root()).args(["mapper", "test", "mappers/*.jsonnet"]));
    assert_eq!(code, 0, "{out}{err}");
    for name in names() {
        assert!(out.contains(&format!("mappers/{name} ")), "{name} has no case");
    }
}

#[test]
fn every_mapper_is_laid_out_and_fits_the_shipped_schema() {
    assert_eq!(run(bia(&root()).args(["mapper", "format", "--check", "mappers/*.jsonnet"])).0, 0);
    let (code, out, _) =
        run(bia(&root()).args(["mapper", "lint", "--schema", "config/identity.schema.json", "mappers/*.jsonnet"]));
    assert_eq!(code, 0, "{out}");
}

#[tokio::test]
async fn trusting_a_tenant_proves_addresses_of_its_members_alone() {
    let text = std::fs::read_to_string(root().join("mappers/microsoft.jsonnet")).expect("mapper");
    let text = text.replace("local trust_tenant = ''", "local trust_tenant = 'own-tenant'");
    let mapper = Mapper::new(Settings::default());
    for (raw, proven) in [
        (r#""tid": "own-tenant""#, true),
        (r#""tid": "own-tenant", "acct": 0"#, true),
        (r#""tid": "own-tenant", "acct": 1"#, false),
        (r#""tid": "own-tenant", "idp": "mail""#, false),
        (r#""tid": "other-tenant""#, false),
        (r#""tid": "other-tenant", "xms_edov": 0"#, false),
        (r#""acct": 0"#, false),
    ] {
        let claims = format!(r#"{{ "email": "a@b.example", "raw_claims": {{ {raw} }} }}"#);
        let source = Source { name: "microsoft.jsonnet", text: &text };
        let mapped = mapper.map_identity(&source, &claims, NO_IDENTITY).await.expect("maps");
        let addresses = mapped.verified_addresses.unwrap_or_default();
        assert_eq!(!addresses.is_empty(), proven, "{raw}");
    }
    mapper.shutdown().await;
}
