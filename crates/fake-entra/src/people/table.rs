//! The table of people. Each row is what [`base`] gives, changed where the account is special.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Group, GroupKind, Person};
use crate::tenants::{FABRIKAM_TENANT_ID, Tenant};

const GLOBAL_READER: &str = "f2ef992c-3afb-46b9-b7cf-a126ee74c451";
const ALL_USERS: &str = "b79fbf4d-3ef9-4689-8143-76b194e85509";

pub(super) fn people() -> Vec<Person> {
    let mut people = ordinary();
    people.extend(doubtful_addresses());
    people.extend(guests());
    people.extend(heavy_tokens());
    people.extend(odd_claims());
    people
}

fn ordinary() -> Vec<Person> {
    vec![
        Person {
            about: "Member of Contoso, proven e-mail, three groups".into(),
            groups: alices_groups(),
            roles: vec!["Admin".into(), "Reader".into()],
            profile: object(json!({
                "jobTitle": "Engineer", "department": "Research", "officeLocation": "18/2111",
                "preferredLanguage": "en-US", "employeeId": "C-1001", "companyName": "Contoso",
            })),
            ..base("alice", Tenant::Contoso, "a11ce000-0000-4000-8000-000000000001", "Alice", "Adams")
        },
        Person {
            about: "Member of another company, Fabrikam".into(),
            groups: groups(1, "9b0bb0b0", "Fabrikam staff"),
            ..base("bob", Tenant::Fabrikam, "b0b00000-0000-4000-8000-000000000002", "Bob", "Brown")
        },
        Person {
            about: "Personal Microsoft account".into(),
            xms_edov: None,
            acct: None,
            ..base("carol", Tenant::Consumers, "00000000-0000-0000-c0a0-100000000003", "Carol", "Clark")
        },
        Person {
            about: "Member without an e-mail address".into(),
            upn: "norman@contoso.onmicrosoft.example".into(),
            email: None,
            xms_edov: None,
            ..base("noemail", Tenant::Contoso, "d0e00000-0000-4000-8000-000000000004", "Norman", "Noemail")
        },
    ]
}

fn doubtful_addresses() -> Vec<Person> {
    vec![
        Person {
            about: "Attacker: wrote Alice's address into Fabrikam's directory; unproven (xms_edov false)".into(),
            upn: "mallory@fabrikam.onmicrosoft.example".into(),
            email: Some("alice@contoso.example".into()),
            xms_edov: Some(false),
            ..base("mallory", Tenant::Fabrikam, "bad00000-0000-4000-8000-000000000005", "Mallory", "Moss")
        },
        Person {
            about: "Attacker: the same, and the token says nothing about proof".into(),
            upn: "trudy@fabrikam.onmicrosoft.example".into(),
            email: Some("alice@contoso.example".into()),
            xms_edov: None,
            ..base("trudy", Tenant::Fabrikam, "bad00000-0000-4000-8000-000000000006", "Trudy", "Tate")
        },
        Person {
            about: "Another member with Alice's address".into(),
            email: Some("alice@contoso.example".into()),
            ..base("alice2", Tenant::Contoso, "a11ce000-0000-4000-8000-000000000010", "Alice", "Second")
        },
    ]
}

fn guests() -> Vec<Person> {
    vec![
        Person {
            about: "Guest in Contoso, from Fabrikam".into(),
            upn: "gus_fabrikam.example#EXT#@contoso.onmicrosoft.example".into(),
            preferred_username: Some("gus@fabrikam.example".into()),
            email: Some("gus@fabrikam.example".into()),
            xms_edov: None,
            acct: Some(1),
            idp: Some(format!("https://sts.windows.net/{FABRIKAM_TENANT_ID}/")),
            ..base("guest", Tenant::Contoso, "90e57000-0000-4000-8000-000000000008", "Gus", "Guest")
        },
        Person {
            about: "Guest in Contoso, by one-time code to her mailbox".into(),
            upn: "olga_mail.example#EXT#@contoso.onmicrosoft.example".into(),
            preferred_username: Some("olga@mail.example".into()),
            email: Some("olga@mail.example".into()),
            xms_edov: Some(true),
            acct: Some(1),
            idp: Some("mail".into()),
            ..base("otp", Tenant::Contoso, "07900000-0000-4000-8000-000000000012", "Olga", "Once")
        },
    ]
}

fn heavy_tokens() -> Vec<Person> {
    vec![
        Person {
            about: "Member of 250 groups: the token only points at them (overage)".into(),
            groups: groups(250, "96000000", "Group"),
            ..base("manygroups", Tenant::Contoso, "96e00000-0000-4000-8000-000000000007", "Gina", "Groups")
        },
        Person {
            about: "Member with 60 app roles and two directory roles".into(),
            roles: (1..=60).map(|number| format!("Area{number:02}.ReadWrite")).collect(),
            wids: vec![GLOBAL_READER.into(), ALL_USERS.into()],
            ..base("manyroles", Tenant::Contoso, "401e5000-0000-4000-8000-000000000013", "Rita", "Roles")
        },
    ]
}

fn odd_claims() -> Vec<Person> {
    vec![
        Person {
            about: "Member who used a second factor".into(),
            amr: vec!["pwd".into(), "mfa".into()],
            acr: Some("c1".into()),
            ..base("mfa", Tenant::Contoso, "3fa00000-0000-4000-8000-000000000009", "Mia", "Factor")
        },
        Person {
            about: "Member whose token carries the claims of the v1 format".into(),
            amr: vec!["pwd".into()],
            more_claims: object(json!({
                "upn": "vera@contoso.example", "unique_name": "vera@contoso.example", "given_name": "Vera",
                "family_name": "Vone", "ipaddr": "192.0.2.17", "in_corp": "true",
            })),
            ..base("v1claims", Tenant::Contoso, "01c1a000-0000-4000-8000-000000000014", "Vera", "Vone")
        },
        Person {
            about: "Member synced from an on-premises directory, groups by name".into(),
            groups: synced_groups(),
            more_claims: object(json!({ "onprem_sid": "S-1-5-21-2127521184-1604012920-1887927527-1415001" })),
            profile: object(json!({
                "onPremisesSamAccountName": "simon", "onPremisesDomainName": "corp.contoso.example",
                "onPremisesSyncEnabled": true, "onPremisesImmutableId": "c3RhbmQtaW4tc2ltb24=", "department": "Finance",
            })),
            ..base("onprem", Tenant::Contoso, "51300000-0000-4000-8000-000000000015", "Simon", "Synced")
        },
        Person {
            about: "Member with a name beyond ASCII and capitals in the address".into(),
            name: "Zoë Ångström 山田 😀".into(),
            family_name: "O'Neill \"山田\"".into(),
            email: Some("Zoe.Angstrom@Contoso.example".into()),
            upn: "zoe@contoso.example".into(),
            ..base("unicode", Tenant::Contoso, "0e1c0de0-0000-4000-8000-000000000011", "Zoë", "Ångström")
        },
    ]
}

pub(super) fn load_person(key: &str) -> Person {
    let digest = ring::digest::digest(&ring::digest::SHA256, key.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_ref()[..16]);
    let oid = uuid::Builder::from_random_bytes(bytes).into_uuid();
    Person {
        about: "Made for a load run".into(),
        groups: groups(1, "9c0ffee0", "Contoso staff"),
        roles: vec!["Reader".into()],
        upn: format!("{key}@contoso.example"),
        email: Some(format!("{key}@contoso.example")),
        ..base(key, Tenant::Contoso, &Uuid::to_string(&oid), "Load", key)
    }
}

/// A member with a proven address at the first domain of the tenant.
fn base(key: &str, tenant: Tenant, oid: &str, given_name: &str, family_name: &str) -> Person {
    let address = format!("{}@{}", given_name.to_lowercase(), tenant.domains()[0]);
    let upn = if key == "alice2" { "alice2@contoso.example".to_owned() } else { address.clone() };
    Person {
        key: key.to_owned(),
        about: String::new(),
        tenant,
        oid: oid.to_owned(),
        name: format!("{given_name} {family_name}"),
        given_name: given_name.to_owned(),
        family_name: family_name.to_owned(),
        upn,
        preferred_username: None,
        email: Some(address),
        xms_edov: Some(true),
        acct: Some(0),
        idp: None,
        groups: Vec::new(),
        roles: Vec::new(),
        wids: Vec::new(),
        amr: Vec::new(),
        acr: None,
        more_claims: Map::new(),
        profile: Map::new(),
        disabled: false,
    }
}

fn groups(count: usize, seed: &str, name: &str) -> Vec<Group> {
    (0..count)
        .map(|number| Group {
            id: format!("{seed}-0000-4000-8000-{number:012}"),
            display_name: if count == 1 { name.to_owned() } else { format!("{name} {number:03}") },
            kind: GroupKind::Group,
            nested: number % 5 == 4,
            on_premises_name: None,
        })
        .collect()
}

fn alices_groups() -> Vec<Group> {
    let mut groups = groups(3, "9c0ffee0", "Contoso");
    for (group, name) in groups.iter_mut().zip(["Contoso staff", "Engineering", "All buildings"]) {
        group.display_name = name.to_owned();
    }
    groups[2].nested = true;
    groups.push(Group {
        id: "9c0ffee0-0000-4000-8000-0000000000ff".into(),
        display_name: "Global Reader".into(),
        kind: GroupKind::DirectoryRole,
        nested: false,
        on_premises_name: None,
    });
    groups
}

fn synced_groups() -> Vec<Group> {
    let mut groups = groups(2, "05117700", "Finance");
    for (group, name) in groups.iter_mut().zip(["Finance", "VPN users"]) {
        group.display_name = name.to_owned();
        group.on_premises_name = Some(format!("CONTOSO\\{name}"));
    }
    groups
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
