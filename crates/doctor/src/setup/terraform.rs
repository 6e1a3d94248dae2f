//! App registrations as Terraform, for the provider `hashicorp/azuread`.

use super::Target;
use crate::registration::{GRAPH_APP_ID, Registration};
use bia_config::Cloud;
use std::fmt::Write as _;

/// One file for all registrations, which are in one cloud as the file's provider is; each is a resource that is named after
/// its first connection.
pub fn terraform(registrations: &[Registration], target: &Target) -> String {
    let mut text = String::new();
    let _ = head(&mut text, registrations);
    for registration in registrations {
        let _ = application(&mut text, registration, target);
    }
    text
}

fn head(text: &mut String, registrations: &[Registration]) -> std::fmt::Result {
    writeln!(text, "# App registrations in Microsoft Entra ID as this configuration needs them.")?;
    writeln!(text, "# Printed by `bia setup microsoft --format terraform`; read the plan before you apply it.")?;
    writeln!(text, "terraform {{\n  required_providers {{\n    azuread = {{")?;
    writeln!(text, "      source  = \"hashicorp/azuread\"\n      version = \"~> 3.0\"\n    }}\n  }}\n}}\n")?;
    let environment = match registrations.first().map(|registration| registration.cloud) {
        Some(Cloud::Usgov) => "usgovernmentl4",
        Some(Cloud::UsgovDod) => "usgovernmentl5",
        Some(Cloud::China) => "china",
        Some(Cloud::Global) | None => "global",
    };
    writeln!(text, "provider \"azuread\" {{\n  environment = \"{environment}\"\n}}")
}

fn application(text: &mut String, registration: &Registration, target: &Target) -> std::fmt::Result {
    let label = label(registration);
    let name = match target {
        Target::New(name) => name.clone(),
        Target::Existing => format!("Bia {}", registration.providers.join(", ")),
    };
    writeln!(text)?;
    if *target == Target::Existing {
        writeln!(text, "# It exists already; take it over before the first plan, and give it its own name below:")?;
        let id = registration.client_id.replace(|letter: char| letter.is_control(), "");
        writeln!(
            text,
            "#   terraform import azuread_application.{label} \"/applications/$(az ad app show --id {} --query id --output tsv)\"",
            super::quoted(&id)
        )?;
    }
    writeln!(text, "resource \"azuread_application\" \"{label}\" {{")?;
    writeln!(text, "  display_name     = {}", string(&name))?;
    writeln!(text, "  sign_in_audience = {}", string(registration.sign_in_audience))?;
    if let Some(groups) = registration.group_membership {
        writeln!(text, "  group_membership_claims = [{}]", string(groups))?;
    }
    writeln!(text, "\n  api {{\n    requested_access_token_version = 2\n  }}\n")?;
    web(text, registration)?;
    writeln!(text, "\n  optional_claims {{")?;
    for claim in &registration.optional_claims {
        writeln!(text, "    # {}", claim.why)?;
        writeln!(text, "    id_token {{\n      name = {}\n    }}", string(claim.name))?;
    }
    writeln!(text, "  }}\n")?;
    permissions(text, registration)?;
    writeln!(text, "}}\n")?;
    writeln!(text, "resource \"azuread_service_principal\" \"{label}\" {{")?;
    writeln!(text, "  client_id = azuread_application.{label}.client_id\n}}\n")?;
    writeln!(text, "output \"client_id_of_{label}\" {{\n  value = azuread_application.{label}.client_id\n}}\n")?;
    writeln!(text, "# No secret is made here: it would be readable in Terraform's state. By hand, into the file of")?;
    writeln!(
        text,
        "# client_secret_file: az ad app credential reset --id <client_id> --append --display-name bia --years 1"
    )?;
    if let Some(link) = &registration.admin_consent_link {
        writeln!(
            text,
            "# An administrator grants the permissions for everybody with this link (with the new client id):"
        )?;
        writeln!(text, "#   {link}")?;
    }
    Ok(())
}

fn web(text: &mut String, registration: &Registration) -> std::fmt::Result {
    writeln!(text, "  web {{\n    redirect_uris = [")?;
    for uri in registration.redirect_uris.iter().chain(&registration.admin_consent_uris) {
        writeln!(text, "      {},", string(uri))?;
    }
    writeln!(text, "    ]")?;
    if let Some(url) = &registration.logout_url {
        writeln!(text, "    logout_url = {}", string(url))?;
    }
    writeln!(text, "\n    # Sign-in works with both off, and a token in a URL is a token in a browser's history.")?;
    writeln!(text, "    implicit_grant {{\n      access_token_issuance_enabled = false")?;
    writeln!(text, "      id_token_issuance_enabled     = false\n    }}\n  }}")
}

fn permissions(text: &mut String, registration: &Registration) -> std::fmt::Result {
    writeln!(text, "  # Microsoft Graph, delegated")?;
    writeln!(text, "  required_resource_access {{\n    resource_app_id = {}", string(GRAPH_APP_ID))?;
    for permission in &registration.permissions {
        match permission.id {
            Some(id) => writeln!(
                text,
                "\n    resource_access {{\n      id   = {} # {}\n      type = \"Scope\"\n    }}",
                string(id),
                permission.name
            )?,
            None => writeln!(text, "\n    # Add by hand, with its id: {}", one_line(&permission.name))?,
        }
    }
    writeln!(text, "  }}")
}

/// A name as Terraform takes it: letters, digits and `_`, beginning with a letter.
fn label(registration: &Registration) -> String {
    let id = registration.providers.first().map_or("", String::as_str);
    let safe: String = id.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect();
    if safe.starts_with(|first: char| first.is_ascii_alphabetic()) { safe } else { format!("bia_{safe}") }
}

fn one_line(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).collect()
}

/// A quoted string: neither a quote nor a template in a configured value may become part of the program.
fn string(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\n' => quoted.push_str("\\n"),
            '$' | '%' if letters.peek() == Some(&'{') => quoted.extend([letter, letter]),
            _ if letter.is_control() => {}
            _ => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}
