//! `bia setup microsoft`: prints, and changes nothing.

use super::load::load;
use crate::args::{SetupFormat, SetupMicrosoft};
use crate::output;
use anyhow::{Context as _, bail, ensure};
use bia_doctor::Registration;
use bia_doctor::setup::{self, Target};
use std::process::ExitCode;

pub(crate) fn microsoft(args: SetupMicrosoft) -> anyhow::Result<ExitCode> {
    let loaded = load(&args.files, args.dev).map_err(|errors| anyhow::anyhow!("{errors}"))?;
    let registrations = Registration::of(&loaded.config, args.provider.as_deref(), args.tenant.as_deref());
    let registrations = registrations.map_err(anyhow::Error::msg)?;
    let pick_one = || {
        let ids: Vec<&str> = registrations.iter().filter_map(|r| r.providers.first()).map(String::as_str).collect();
        format!("pick one with --provider: {}", ids.join(", "))
    };
    let target = args.new.map_or(Target::Existing, Target::New);
    match args.format {
        SetupFormat::Script => {
            registrations.iter().for_each(|registration| output::raw(&setup::script(registration, &target)));
        }
        SetupFormat::Manifest => {
            let [registration] = registrations.as_slice() else {
                let count = registrations.len();
                bail!("the configuration has {count} registrations at Microsoft; {}", pick_one());
            };
            output::line(setup::manifest(registration));
        }
        SetupFormat::Terraform => {
            let is_one_cloud = registrations.windows(2).all(|pair| pair[0].cloud == pair[1].cloud);
            ensure!(
                is_one_cloud,
                "a Terraform file is for one cloud, and the registrations are in several; {}",
                pick_one()
            );
            output::raw(&setup::terraform(&registrations, &target));
        }
        SetupFormat::Consent => {
            for registration in &registrations {
                let link = registration.admin_consent_link.as_ref();
                output::line(link.context("personal accounts have no administrator who could consent")?);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
