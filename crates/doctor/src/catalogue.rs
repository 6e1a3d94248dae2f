//! Every check by the code that its findings carry, for the guide and for programs that filter. Codes stay; what the
//! configuration's own checks find (`bia config check`) comes with codes of its own in [`Area::Configuration`], unless
//! the code is listed here.

use crate::finding::{Area, Finding, Level};
use std::fmt::Write as _;

/// One check.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    pub area: Area,
    pub code: &'static str,
    /// The levels that its findings can have.
    pub levels: &'static [Level],
    /// What it looks at, in one line of the guide.
    pub about: &'static str,
}

const GOOD: &[Level] = &[Level::Good];
const NOTE: &[Level] = &[Level::Note];
const WARNING: &[Level] = &[Level::Warning];
const PROBLEM: &[Level] = &[Level::Problem];
const GOOD_OR_PROBLEM: &[Level] = &[Level::Good, Level::Problem];
const COUNTDOWN: &[Level] = &[Level::Good, Level::Warning, Level::Problem];

const fn check(area: Area, code: &'static str, levels: &'static [Level], about: &'static str) -> Check {
    Check { area, code, levels, about }
}

/// All of them, in the order of a report.
pub const CHECKS: &[Check] = &[
    check(Area::Configuration, "loads", GOOD, "The configuration loads"),
    check(Area::Configuration, "no_providers", PROBLEM, "At least one provider is switched on"),
    check(Area::Configuration, "secrets_missing", PROBLEM, "There are secrets, or a place to keep generated ones"),
    check(Area::Serving, "port", GOOD_OR_PROBLEM, "Each port is free, or Bia has it; a socket's folder exists"),
    check(Area::Serving, "not_ready", PROBLEM, "The server that runs is ready"),
    check(Area::Serving, "other_version", WARNING, "The server that runs is of this version"),
    check(Area::Serving, "stale_configuration", WARNING, "The server that runs has this configuration"),
    check(Area::Serving, "admin_exposed", WARNING, "The admin port listens on this machine alone"),
    check(Area::Serving, "everybody_is_a_proxy", PROBLEM, "`trusted_proxies` does not hold everybody"),
    check(Area::Serving, "proxy_unknown", WARNING, "A proxy on another machine is listed"),
    check(Area::Serving, "tls_with_http_address", PROBLEM, "A port with TLS has an https address"),
    check(Area::Serving, "own_certificate", COUNTDOWN, "Certificate and key of a port are a pair and current"),
    check(Area::Serving, "own_certificate_name", WARNING, "The public port's certificate names the public host"),
    check(Area::Cookies, "cookies", GOOD, "Nothing is wrong with cookies"),
    check(Area::Cookies, "cookie_domain", PROBLEM, "The cookie domain contains the public host"),
    check(Area::Cookies, "cookie_path", PROBLEM, "The cookie path is above the callback"),
    check(Area::Cookies, "same_site_none", WARNING, "Cookies are not sent with requests of every site"),
    check(Area::Cookies, "other_site", WARNING, "Pages are on the same site as the API"),
    check(Area::Database, "database", PROBLEM, "It opens, is not Kratos' or another program's, and answers"),
    check(Area::Database, "database_new", NOTE, "A SQLite file that the first start makes"),
    check(Area::Database, "database_folder", PROBLEM, "The folder of the SQLite file exists"),
    check(Area::Database, "database_readable", WARNING, "Other users of the machine can't read the SQLite file"),
    check(Area::Database, "memory", WARNING, "It is not in memory"),
    check(Area::Database, "migrated", GOOD, "It is up to date"),
    check(Area::Database, "migrations", NOTE, "Migrations that the next start carries out"),
    check(Area::Database, "renamed_provider", PROBLEM, "Every link belongs to a provider id or alias"),
    check(Area::Database, "expired_rows", WARNING, "Expired rows are removed"),
    check(
        Area::Database,
        "integrity",
        GOOD_OR_PROBLEM,
        "With `--db`: file, indexes, orphans, documents against their rows",
    ),
    check(Area::Schema, "schemas", GOOD, "Every identity schema can be used"),
    check(Area::Schema, "identity_schema", PROBLEM, "An identity schema that can't be used"),
    check(Area::Mapper, "mapper", GOOD, "A mapper parses, and the linter finds nothing"),
    check(Area::Mapper, "mapper_unreadable", PROBLEM, "A mapper can be read"),
    check(Area::Mapper, "mapper_syntax", PROBLEM, "A mapper parses"),
    check(Area::Mapper, "mapper_imports", PROBLEM, "What mappers import can be read"),
    check(
        Area::Mapper,
        "mapper_lint",
        &[Level::Warning, Level::Problem],
        "The linter's findings, against the schema, too",
    ),
    check(Area::Mapper, "mapper_cases", GOOD_OR_PROBLEM, "The cases beside a mapper come out as expected"),
    check(Area::Mapper, "mapper_no_cases", NOTE, "A mapper has cases"),
    check(Area::Hooks, "hooks", GOOD, "Hooks are configured and can run"),
    check(Area::Hooks, "web_hook_address", PROBLEM, "A web hook's url is an address"),
    check(Area::Hooks, "web_hook_http", WARNING, "A web hook is called over https"),
    check(Area::Hooks, "web_hook_template", PROBLEM, "A web hook's template can be read and parses"),
    check(Area::Provider, "callback", NOTE, "The callback address to copy into the registration"),
    check(Area::Provider, "callback_refused", PROBLEM, "Entra would take each callback address"),
    check(Area::Provider, "account_types", NOTE, "The `signInAudience` that fits `microsoft_tenant`"),
    check(Area::Provider, "stand_in", PROBLEM, "No identifier of the stand-in behind `bia dev`"),
    check(Area::Provider, "http_issuer", WARNING, "A provider is reached over https"),
    check(Area::Provider, "home_realm", NOTE, "Where home-realm discovery sends a domain"),
    check(Area::Provider, "home_realm_off", WARNING, "A domain leads to a provider that is switched on"),
    check(Area::Provider, "scope_groups", PROBLEM, "`groups`, `roles`, `wids` are no scopes (AADSTS650053)"),
    check(Area::Provider, "scope_default", PROBLEM, "`.default` stands beside no other scope (AADSTS70011)"),
    check(Area::Provider, "scope_user_read", PROBLEM, "What asks Graph has the scope User.Read"),
    check(Area::Provider, "scope_group_names", PROBLEM, "Names of groups have their permission"),
    check(Area::Provider, "scope_profile", PROBLEM, "Subjects by object id have the scope profile"),
    check(Area::Provider, "scope_email", PROBLEM, "Proven addresses have the scope email"),
    check(Area::Provider, "scope_host", PROBLEM, "Scopes are of this cloud's Graph (AADSTS500011)"),
    check(Area::Provider, "scope_twice", WARNING, "No scope is listed twice"),
    check(Area::Provider, "recheck_without_refresh", PROBLEM, "`recheck` asks for a refresh token"),
    check(Area::Provider, "open_to_all_tenants", WARNING, "Not everybody of every organisation can sign up"),
    check(Area::Provider, "personal_in_national_cloud", PROBLEM, "National clouds are not asked for personal accounts"),
    check(Area::Provider, "nobody_left", PROBLEM, "Somebody can sign in"),
    check(Area::Provider, "subject_without_tenant", WARNING, "Object ids of several tenants are kept apart"),
    check(Area::Provider, "xms_edov", NOTE, "Addresses are proven by an optional claim that has to be asked for"),
    check(Area::Credentials, "several_credentials", WARNING, "One kind of credential is set"),
    check(Area::Credentials, "secret_spaces", PROBLEM, "A secret was copied without white space"),
    check(Area::Credentials, "secret_placeholder", PROBLEM, "A secret is no placeholder"),
    check(Area::Credentials, "secret_file", PROBLEM, "A secret's file holds one secret, and not its id"),
    check(
        Area::Credentials,
        "certificate",
        &[Level::Note, Level::Problem],
        "A client certificate can be used; its thumbprint",
    ),
    check(Area::Credentials, "federated_token", GOOD_OR_PROBLEM, "A federated token is current and for Entra"),
    check(Area::Credentials, "expiry", COUNTDOWN, "Days until a secret or certificate ends (30, 7, 1)"),
    check(Area::Credentials, "expiry_unknown", NOTE, "Nobody told when a secret ends"),
    check(Area::Network, "tls", GOOD, "Who signed the provider's certificate"),
    check(Area::Network, "tls_resigned", NOTE, "A trusted company proxy that re-signs Microsoft's TLS, by name"),
    check(Area::Network, "tls_untrusted", PROBLEM, "The provider's certificate is trusted here; if not, whose it is"),
    check(Area::Network, "unreachable", PROBLEM, "The provider can be reached"),
    check(Area::Network, "clock", COUNTDOWN, "This machine's clock against the provider's"),
    check(Area::Network, "metadata", PROBLEM, "The provider answers with metadata; Entra's refusals explained"),
    check(Area::Network, "issuer", PROBLEM, "The metadata speaks for `issuer_url`"),
    check(Area::Network, "tenant", PROBLEM, "The metadata is of the configured tenant"),
    check(Area::Network, "tenant_id", NOTE, "The id of a tenant that is configured by domain"),
    check(Area::Network, "cloud", PROBLEM, "The tenant is in the configured cloud"),
    check(Area::Network, "discovery", GOOD_OR_PROBLEM, "Metadata and keys can be used, the way a sign-in does"),
    check(Area::Network, "public", GOOD, "While serving: the public address leads here, with scheme and host"),
    check(Area::Network, "public_unreachable", WARNING, "While serving: the public address can be reached"),
    check(Area::Network, "public_other", PROBLEM, "While serving: it is Bia that answers there"),
    check(Area::Network, "public_flow", WARNING, "While serving: a login begins there"),
    check(
        Area::Network,
        "public_certificate",
        &[Level::Warning, Level::Problem],
        "While serving: its certificate is trusted and current",
    ),
    check(Area::Network, "admin_public", PROBLEM, "While serving: the admin API does not answer there"),
    check(Area::Network, "forwarded", WARNING, "While serving: the proxy's headers arrive and are believed"),
];

/// Where the list has a code.
pub(crate) fn area_of(code: &str) -> Option<Area> {
    CHECKS.iter().find(|check| check.code == code).map(|check| check.area)
}

/// Whether a finding is one of the listed checks, or of the configuration's own.
pub(crate) fn is_listed(finding: &Finding) -> bool {
    let listed = |check: &&Check| check.code == finding.code && check.area == finding.area;
    match CHECKS.iter().find(listed) {
        Some(check) => check.levels.contains(&finding.level),
        None => finding.area == Area::Configuration,
    }
}

/// The table of the guide.
pub fn table() -> String {
    let mut text = String::from("| Area | Code | Level | What is looked at |\n| --- | --- | --- | --- |\n");
    for Check { area, code, levels, about } in CHECKS {
        let levels: Vec<&str> = levels.iter().map(|level| level.name()).collect();
        let _ = writeln!(text, "| {} | `{code}` | {} | {about} |", area.title(), levels.join(", "));
    }
    text
}
