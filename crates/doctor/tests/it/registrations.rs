//! What Entra is told, and that it would take it: the stand-in refuses what Entra refuses.

use super::{lay_over, load, sound};
use bia_doctor::Registration;
use bia_doctor::setup::{self, Target};
use bia_fake_entra::{Audience, Client};
use serde_json::{Value, json};

fn registrations(providers: Value) -> Vec<Registration> {
    let mut config = sound();
    config["selfservice"]["methods"]["oidc"]["config"]["providers"] = providers;
    Registration::of(&load(&config).config, None, None).expect("registrations")
}

fn one(more: Value) -> Registration {
    let mut provider = sound()["selfservice"]["methods"]["oidc"]["config"]["providers"][0].clone();
    lay_over(&mut provider, more);
    registrations(json!([provider])).remove(0)
}

fn claims(manifest: &Value) -> Vec<&str> {
    manifest["optionalClaims"]["idToken"]
        .as_array()
        .expect("claims")
        .iter()
        .filter_map(|c| c["name"].as_str())
        .collect()
}

#[test]
fn entra_would_take_the_manifest_of_every_kind_of_tenant() {
    let everything = json!({
        "aliases": ["azure"], "callback_hosts": ["login.example.org"], "scope": ["profile", "email", "User.Read", "offline_access"],
        "microsoft": { "step_up_context": "c1", "groups": { "nested": false } },
    });
    for (tenant, audience) in [
        ("common", Audience::Everybody),
        ("organizations", Audience::Organizations),
        ("consumers", Audience::Consumers),
        ("contoso.com", Audience::Contoso),
    ] {
        let mut more = everything.clone();
        more["microsoft_tenant"] = json!(tenant);
        let registration = one(more);
        let manifest: Value = serde_json::from_str(&setup::manifest(&registration)).expect("JSON");
        let mut client = Client::new("app", "secret");
        client.apply_manifest(&manifest).unwrap_or_else(|error| panic!("{tenant}: {error}"));
        assert_eq!(client.audience, audience);
        let uris = client.redirect_uris.expect("redirect URIs");
        for end in ["/callback/microsoft", "/callback", "/callback/azure"] {
            for host in ["id.example.com", "login.example.org"] {
                let uri = format!("https://{host}/self-service/methods/oidc{end}");
                assert!(uris.contains(&uri), "{uri} is missing in {uris:?}");
            }
        }
        assert_eq!(uris.iter().any(|uri| uri.contains("/admin-consent/")), tenant != "consumers");
        assert_eq!(
            client.front_channel_logout_uri.as_deref(),
            Some("https://id.example.com/self-service/methods/oidc/logout/microsoft")
        );
        let claims = claims(&manifest);
        for claim in ["email", "xms_edov", "acct", "login_hint", "sid", "acrs", "given_name", "family_name"] {
            assert!(claims.contains(&claim), "{claim} is missing");
        }
        assert_eq!(manifest["groupMembershipClaims"], "ApplicationGroup");
        assert!(!manifest.to_string().contains("acceptMappedClaims"));
    }
}

#[test]
fn the_stand_in_refuses_what_entra_refuses() {
    let sound = one(json!({ "microsoft_tenant": "organizations" })).manifest();
    let mistakes = [
        ("/web/redirectUris", json!(["http://id.example.com/callback"])),
        ("/web/redirectUris", json!(["https://id.example.com/*"])),
        ("/web/redirectUris", json!(["https://a.example/", "https://a.example/"])),
        ("/web/logoutUrl", json!("http://id.example.com/logout")),
        ("/signInAudience", json!("Everybody")),
        ("/optionalClaims/idToken", json!([{ "name": "shoe_size" }])),
        ("/optionalClaims/idToken", json!([{ "name": "xms_edov" }])),
        ("/api", json!({ "requestedAccessTokenVersion": 2, "acceptMappedClaims": true })),
        ("/requiredResourceAccess/0/resourceAccess", json!([{ "id": "User.Read", "type": "Scope" }])),
    ];
    for (place, value) in mistakes {
        let mut manifest = sound.clone();
        *manifest.pointer_mut(place).expect("a place") = value;
        Client::new("app", "secret").apply_manifest(&manifest).expect_err(place);
    }
}

#[test]
fn connections_that_share_credentials_share_one_registration() {
    let found = registrations(json!([
        { "id": "staff", "provider": "microsoft", "client_id": "one", "client_secret": "s~s.s", "microsoft_tenant": "contoso.com",
          "mapper_url": "file://m.jsonnet" },
        { "id": "guests", "provider": "microsoft", "credentials_from": "staff", "microsoft_tenant": "common", "mapper_url": "file://m.jsonnet" },
        { "id": "other", "provider": "microsoft", "client_id": "two", "client_secret": "s~s.s", "microsoft_tenant": "fabrikam.com",
          "mapper_url": "file://m.jsonnet" },
    ]));
    assert_eq!(found.iter().map(|r| r.providers.join(" ")).collect::<Vec<_>>(), ["staff guests", "other"]);
    assert_eq!(found[0].sign_in_audience, "AzureADandPersonalMicrosoftAccount", "the broader of the two");
    assert!(found[0].redirect_uris.iter().any(|uri| uri.ends_with("/callback/guests")));
}

#[test]
fn the_script_is_one_that_a_shell_reads_and_names_what_is_left_to_do() {
    let registration = one(json!({ "scope": ["profile", "Calendars.Read"], "client_id": "it's odd" }));
    for target in [Target::Existing, Target::New("Shop \"$(reboot)\" 'x'".to_owned())] {
        let script = setup::script(&registration, &target);
        assert!(script.contains("Calendars.Read") && script.contains("/adminconsent?"), "{script}");
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("setup.sh");
        std::fs::write(&file, &script).expect("write");
        let checked = std::process::Command::new("sh").arg("-n").arg(&file).output().expect("sh");
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    }
}

/// Runs the script against an `az` that writes down what it was given.
#[test]
fn the_script_hands_the_manifest_to_az() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let az = folder.path().join("az");
    let recorder = "#!/bin/sh\nprintf '%s\\n' \"$*\" >> \"$AZ_LOG\"\nfor word; do case $word in @*) cat \"${word#@}\" > \"$AZ_LOG.body\";; esac; done\n";
    std::fs::write(&az, recorder).expect("write");
    std::fs::set_permissions(&az, std::fs::Permissions::from_mode(0o755)).expect("mode");
    let registration = one(json!({ "client_id": "7e57c11e-0000-4000-8000-000000000001" }));
    let log = folder.path().join("log");
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &setup::script(&registration, &Target::Existing)]).current_dir(folder.path());
    let ran = shell.env("PATH", path).env("AZ_LOG", &log).output().expect("sh");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let calls = std::fs::read_to_string(&log).expect("calls");
    let url = "https://graph.microsoft.com/v1.0/applications(appId='7e57c11e-0000-4000-8000-000000000001')";
    assert!(calls.contains(&format!("rest --method PATCH --url {url} ")), "{calls}");
    let body = std::fs::read_to_string(folder.path().join("log.body")).expect("a body");
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(body, registration.manifest());
}

/// The one resource of that kind in a Terraform file, as JSON; `${…}` stands for expressions.
fn resource(terraform: &str, kind: &str) -> Value {
    let file: Value = hcl::from_str(terraform).unwrap_or_else(|error| panic!("{error}:\n{terraform}"));
    let named = file["resource"][kind].as_object().unwrap_or_else(|| panic!("no {kind} in {file}"));
    assert_eq!(named.len(), 1, "{file}");
    named.values().next().expect("one").clone()
}

/// One block or several.
fn blocks(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_else(|| vec![value.clone()])
}

#[test]
fn a20_terraform_says_the_same_as_the_manifest_that_entra_takes() {
    for tenant in ["contoso.com", "organizations", "common", "consumers"] {
        let registration = one(json!({
            "microsoft_tenant": tenant, "aliases": ["azure"], "scope": ["profile", "email", "User.Read", "Calendars.Read"],
            "microsoft": { "groups": {} },
        }));
        let text = setup::terraform(std::slice::from_ref(&registration), &Target::New("Shop".to_owned()));
        let app = resource(&text, "azuread_application");
        let claims: Vec<Value> = blocks(&app["optional_claims"]["id_token"])
            .iter()
            .map(|claim| json!({ "name": claim["name"], "source": null, "essential": false, "additionalProperties": [] }))
            .collect();
        let access: Vec<Value> = blocks(&app["required_resource_access"]["resource_access"])
            .iter()
            .map(|one| json!({ "id": one["id"], "type": one["type"] }))
            .collect();
        let mut manifest = json!({
            "signInAudience": app["sign_in_audience"],
            "groupMembershipClaims": app["group_membership_claims"][0],
            "web": {
                "redirectUris": app["web"]["redirect_uris"],
                "implicitGrantSettings": {
                    "enableIdTokenIssuance": app["web"]["implicit_grant"]["id_token_issuance_enabled"],
                    "enableAccessTokenIssuance": app["web"]["implicit_grant"]["access_token_issuance_enabled"],
                },
            },
            "api": { "requestedAccessTokenVersion": app["api"]["requested_access_token_version"] },
            "optionalClaims": { "idToken": claims },
            "requiredResourceAccess": [{ "resourceAppId": app["required_resource_access"]["resource_app_id"], "resourceAccess": access }],
        });
        if let Some(url) = app["web"].get("logout_url") {
            manifest["web"]["logoutUrl"] = url.clone();
        }
        assert_eq!(manifest, registration.manifest(), "{text}");
        Client::new("app", "secret").apply_manifest(&manifest).unwrap_or_else(|error| panic!("{tenant}: {error}"));
        assert!(text.contains("Calendars.Read"), "what has no known id is left to a hand");
        assert_eq!(
            resource(&text, "azuread_service_principal")["client_id"],
            "${azuread_application.microsoft.client_id}"
        );
    }
}

#[test]
fn no_configured_value_becomes_part_of_the_terraform_program() {
    let registration = one(json!({ "client_id": "x\"\n'$(reboot)", "scope": ["profile", "odd\n}"] }));
    let name = "Shop \"${file(\"/etc/passwd\")}\" %{ if true }\\";
    let text = setup::terraform(std::slice::from_ref(&registration), &Target::New(name.to_owned()));
    let app = resource(&text, "azuread_application");
    // Read back as the text itself, not as a template.
    assert!(!text.contains(" ${file") && text.contains("$${file"), "{text}");
    assert!(app["display_name"].as_str().is_some_and(|read| read.contains("/etc/passwd")), "{app}");
    let existing = setup::terraform(&[registration], &Target::Existing);
    let import = existing.lines().find(|line| line.contains("terraform import")).expect("an import");
    assert!(import.starts_with("#   terraform import azuread_application.microsoft "), "{import}");
    resource(&existing, "azuread_application");
}

#[test]
fn each_cloud_has_its_environment_and_each_registration_its_resource() {
    for (cloud, environment) in
        [("global", "global"), ("usgov", "usgovernmentl4"), ("usgov_dod", "usgovernmentl5"), ("china", "china")]
    {
        let registration = one(json!({ "microsoft": { "cloud": cloud } }));
        let text = setup::terraform(&[registration], &Target::Existing);
        let file: Value = hcl::from_str(&text).expect("HCL");
        assert_eq!(file["provider"]["azuread"]["environment"], environment);
    }
    let two = registrations(json!([
        { "id": "2nd-staff", "provider": "microsoft", "client_id": "one", "client_secret": "s~s.s", "microsoft_tenant": "contoso.com", "mapper_url": "file://m.jsonnet" },
        { "id": "other", "provider": "microsoft", "client_id": "two", "client_secret": "s~s.s", "microsoft_tenant": "fabrikam.com", "mapper_url": "file://m.jsonnet" },
    ]));
    let file: Value = hcl::from_str(&setup::terraform(&two, &Target::Existing)).expect("HCL");
    let labels: Vec<&String> = file["resource"]["azuread_application"].as_object().expect("resources").keys().collect();
    assert_eq!(labels.len(), 2, "{labels:?}");
    assert!(labels.contains(&&"bia_2nd_staff".to_owned()) && labels.contains(&&"other".to_owned()), "{labels:?}");
}
