//! An app registration as text: a script for `az`, Terraform, and the manifest patch alone.

use crate::registration::Registration;
use bia_config::Cloud;
use std::fmt::Write as _;

mod terraform;

pub use terraform::terraform;

/// Whether to change a registration or to make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The one with the configured client id.
    Existing,
    /// A new one of this name.
    New(String),
}

/// The manifest patch, as JSON for `az rest --body`, for Graph, or for the portal's manifest page.
pub fn manifest(registration: &Registration) -> String {
    serde_json::to_string_pretty(&registration.manifest()).unwrap_or_default()
}

/// A script that keeps a copy of the registration, applies the patch, and tells what is left to do by hand.
pub fn script(registration: &Registration, target: &Target) -> String {
    let mut text = String::new();
    let _ = head(&mut text, registration);
    let _ = app(&mut text, registration, target);
    let _ = patch(&mut text, registration);
    let _ = by_hand(&mut text, registration);
    text
}

fn head(text: &mut String, registration: &Registration) -> std::fmt::Result {
    writeln!(text, "#!/bin/sh")?;
    writeln!(text, "# Brings the app registration in Microsoft Entra ID in line with this configuration:")?;
    writeln!(
        text,
        "# provider(s) {}. Printed by `bia setup microsoft`; read it before you run it.",
        registration.providers.join(", ")
    )?;
    writeln!(text, "# Needs the Azure CLI, signed in (`az login`) as somebody who may change the registration.")?;
    writeln!(text, "set -eu")?;
    let cloud = match registration.cloud {
        Cloud::Global => "AzureCloud",
        Cloud::Usgov | Cloud::UsgovDod => "AzureUSGovernment",
        Cloud::China => "AzureChinaCloud",
    };
    writeln!(text, "az cloud set --name {cloud}\n")
}

fn app(text: &mut String, registration: &Registration, target: &Target) -> std::fmt::Result {
    match target {
        Target::Existing => writeln!(text, "app={}", quoted(&registration.client_id))?,
        Target::New(name) => {
            writeln!(text, "app=$(az ad app create --display-name {} --query appId --output tsv)", quoted(name))?;
            writeln!(text, "echo \"client_id: $app\"")?;
        }
    }
    writeln!(text, "url={}/v1.0/applications\\(appId=\\'\"$app\"\\'\\)\n", registration.graph)
}

fn patch(text: &mut String, registration: &Registration) -> std::fmt::Result {
    writeln!(text, "# The lists below replace those of the registration: what it holds now is kept in a file first.")?;
    writeln!(text, "az rest --method GET --url \"$url\" > \"registration-before-$(date +%Y%m%d%H%M%S).json\"")?;
    writeln!(text, "patch=$(mktemp)")?;
    writeln!(text, "cat > \"$patch\" <<'MANIFEST'")?;
    writeln!(text, "{}", manifest(registration))?;
    writeln!(text, "MANIFEST")?;
    writeln!(text, "az rest --method PATCH --url \"$url\" --headers Content-Type=application/json --body @\"$patch\"")?;
    writeln!(text, "rm -f \"$patch\"\n")?;
    writeln!(text, "# Optional claims, and what each is for:")?;
    for claim in &registration.optional_claims {
        writeln!(text, "#   {:<12} {}", claim.name, claim.why)?;
    }
    Ok(())
}

fn by_hand(text: &mut String, registration: &Registration) -> std::fmt::Result {
    if registration.group_membership.is_some() {
        writeln!(
            text,
            "#\n# Groups: ApplicationGroup puts only groups that are assigned to the app into tokens (direct members alone)"
        )?;
        writeln!(
            text,
            "# and never runs into the limit of 200; SecurityGroup all of them. App roles are Microsoft's own advice."
        )?;
    }
    let unknown: Vec<&str> =
        registration.permissions.iter().filter(|p| p.id.is_none()).map(|p| p.name.as_str()).collect();
    if !unknown.is_empty() {
        writeln!(
            text,
            "#\n# Add these permissions by hand (API permissions, Add a permission): {}",
            unknown.join(", ")
        )?;
    }
    if registration.redirect_uris.iter().any(|uri| uri.starts_with("http://127.0.0.1")) {
        writeln!(text, "#\n# http://127.0.0.1 is taken from a manifest only; the portal's form refuses it.")?;
    }
    writeln!(
        text,
        "#\n# A client secret, if you use one (copy it into a file for client_secret_file; it is shown once):"
    )?;
    writeln!(
        text,
        "#   az ad app credential reset --id \"$app\" --append --display-name bia --years 1 --query password --output tsv"
    )?;
    if let Some(link) = &registration.admin_consent_link {
        writeln!(text, "#\n# An administrator grants the permissions for everybody with this link:")?;
        writeln!(text, "#   {link}")?;
    }
    Ok(())
}

/// One word of a shell command, whatever it holds.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
