//! The three tenants, and the five ways an address can name one.

use serde::{Deserialize, Serialize};

/// Tenant of the stand-in inside `bia dev`. `serve` refuses it at start and on every token: its signing keys are in
/// this repository, so a deployment that trusted them would let anybody in.
pub const RESERVED_TENANT_ID: &str = "b1a00000-0000-4000-8000-000000000001";
/// Contoso outside `bia dev`.
pub const CONTOSO_TENANT_ID: &str = "c0470500-0000-4000-8000-000000000001";
/// The other company.
pub const FABRIKAM_TENANT_ID: &str = "fab41ca1-0000-4000-8000-000000000001";
/// Microsoft's own tenant for personal accounts, the same GUID everywhere.
pub const CONSUMERS_TENANT_ID: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// Where a person's account lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tenant {
    /// contoso.example: the home of most people.
    Contoso,
    /// fabrikam.example: a foreign company.
    Fabrikam,
    /// Personal Microsoft accounts.
    Consumers,
}

impl Tenant {
    pub(crate) const ALL: [Tenant; 3] = [Tenant::Contoso, Tenant::Fabrikam, Tenant::Consumers];

    /// Domains that Entra would accept in place of the GUID.
    pub fn domains(self) -> &'static [&'static str] {
        match self {
            Tenant::Contoso => &["contoso.example", "contoso.onmicrosoft.example"],
            Tenant::Fabrikam => &["fabrikam.example", "fabrikam.onmicrosoft.example"],
            Tenant::Consumers => &["personal.example"],
        }
    }

    pub(crate) fn display_name(self) -> &'static str {
        match self {
            Tenant::Contoso => "Contoso",
            Tenant::Fabrikam => "Fabrikam",
            Tenant::Consumers => "Personal accounts",
        }
    }
}

/// The tenant part of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TenantForm {
    Common,
    Organizations,
    One(Tenant),
}

impl TenantForm {
    /// `None`: no such tenant here.
    pub(crate) fn parse(segment: &str, contoso_tenant_id: &str) -> Option<TenantForm> {
        let segment = segment.to_ascii_lowercase();
        match segment.as_str() {
            "common" => return Some(TenantForm::Common),
            "organizations" => return Some(TenantForm::Organizations),
            "consumers" => return Some(TenantForm::One(Tenant::Consumers)),
            _ => {}
        }
        Tenant::ALL
            .into_iter()
            .find(|tenant| {
                tenant_id(*tenant, contoso_tenant_id).eq_ignore_ascii_case(&segment)
                    || tenant.domains().contains(&segment.as_str())
            })
            .map(TenantForm::One)
    }
}

/// The GUID of a tenant, given what Contoso is called in this process.
pub(crate) fn tenant_id(tenant: Tenant, contoso_tenant_id: &str) -> &str {
    match tenant {
        Tenant::Contoso => contoso_tenant_id,
        Tenant::Fabrikam => FABRIKAM_TENANT_ID,
        Tenant::Consumers => CONSUMERS_TENANT_ID,
    }
}
