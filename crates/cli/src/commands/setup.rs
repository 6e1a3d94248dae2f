//! `bia setup microsoft`: prints, and changes nothing.

use super::load::load;
use crate::args::{SetupFormat, SetupMicrosoft};
use crate::output;
use anyhow::Context as _;
use bia_doctor::Registration;
use bia_doctor::setup::{self, Target};
use std::process::ExitCode;

pub(crate) fn microsoft(args: SetupMicrosoft) -> anyhow::Result<ExitCode> {
    let loaded = load(&args.files, args.dev).map_err(|errors| anyhow::anyhow!("{errors}"))?;
    let registrations = Registration::of(&loaded.config, args.provider.as_deref(), args.tenant.as_deref());
    let registrations = registrations.map_err(anyhow::Error::msg)?;
    anyhow::ensure!(
        args.format != SetupFormat::Manifest || registrations.len() == 1,
        "the configuration has {} registrations at Microsoft; pick one with --provider: {}",
        registrations.len(),
        registrations.iter().filter_map(|r| r.providers.first()).cloned().collect::<Vec<_>>().join(", ")
    );
    let target = args.new.map_or(Target::Existing, Target::New);
    if args.format == SetupFormat::Terraform {
        output::raw(&setup::terraform(&registrations, &target));
        return Ok(ExitCode::SUCCESS);
    }
    for registration in &registrations {
        match args.format {
            SetupFormat::Script => output::raw(&setup::script(registration, &target)),
            SetupFormat::Manifest | SetupFormat::Terraform => output::line(setup::manifest(registration)),
            SetupFormat::Consent => {
                let link = registration.admin_consent_link.as_ref();
                output::line(link.context("personal accounts have no administrator who could consent")?);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
