//! Entries of the provider list: the callback to register, scopes, tenant and kinds of account.

use crate::examination::PROVIDERS;
use crate::finding::{Area, Finding};
use crate::registration::sign_in_audience;
use bia_config::{
    Access, Cloud, Config, EmailVerifiedFrom, GroupFormat, OidcProvider, OnOverage, ProviderKind, SignUp,
    SubjectSource, Tenant,
};
use url::Url;

const OIDC_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

pub(crate) fn check(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, provider) in config.providers().iter().enumerate() {
        if !provider.enabled {
            continue;
        }
        let key = |name: &str| format!("{PROVIDERS}.{index}.{name}");
        findings.extend(callbacks(config, provider, &key));
        findings.extend(common_scopes(provider, &key));
        if provider.provider == ProviderKind::Microsoft {
            findings.extend(scope_names(provider, &key));
            findings.extend(scope_needs(provider, &key));
            findings.extend(account_types(provider, &key));
            findings.extend(proof(provider, &key));
        }
    }
    findings
}

/// The addresses to register, and whether Entra would take them.
fn callbacks(config: &Config, provider: &OidcProvider, key: &dyn Fn(&str) -> String) -> Vec<Finding> {
    let uris = bia_provider::redirect_uris(provider, config.redirect_base().url());
    let Some(first) = uris.first() else { return Vec::new() };
    let mut findings = vec![
        Finding::note(Area::Provider, "callback", format!("`{}` sends people back to {first}", provider.id))
            .key(key("id"))
            .why("The provider refuses any address that is not registered to the letter (AADSTS50011 at Microsoft).")
            .fix("Copy it into the registration; `bia setup microsoft` prints all of them."),
    ];
    if provider.provider != ProviderKind::Microsoft {
        return findings;
    }
    for uri in &uris {
        if let Some(fault) = redirect_uri_fault(uri) {
            findings.push(
                Finding::problem(Area::Provider, "callback_refused", format!("Entra does not take {uri}: {fault}"))
                    .key("serve.public.base_url")
                    .why("It can't be registered, so nobody gets back.")
                    .fix("Set serve.public.base_url (or base_redirect_uri) to the https address that browsers use."),
            );
        }
    }
    findings
}

/// Why Entra would not register an address (its reply-URL rules), if it would not.
pub(crate) fn redirect_uri_fault(uri: &str) -> Option<&'static str> {
    let url = Url::parse(uri).ok()?;
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if url.scheme() != "https" && !local {
        return Some("it has to be https, save on localhost");
    }
    if uri.chars().count() > 256 {
        return Some("it has more than 256 characters");
    }
    if uri.contains(['!', '$', '\'', '(', ')', ',', ';', '*']) {
        return Some("it holds one of ! $ ' ( ) , ; *");
    }
    None
}

fn common_scopes(provider: &OidcProvider, key: &dyn Fn(&str) -> String) -> Vec<Finding> {
    let has = |scope: &str| provider.scope.iter().any(|have| have == scope);
    let mut findings = Vec::new();
    if provider.recheck.is_some() && !has("offline_access") && provider.provider != ProviderKind::Google {
        findings.push(
            Finding::problem(
                Area::Provider,
                "recheck_without_refresh",
                "`recheck` is set, but no refresh token is asked for",
            )
            .key(key("scope"))
            .why("Nobody is ever checked again, so people who left keep their sessions.")
            .fix("Add `offline_access` to the scope."),
        );
    }
    let twice = provider.scope.iter().enumerate().find(|(at, scope)| provider.scope[..*at].contains(scope));
    if let Some((_, scope)) = twice {
        findings.push(
            Finding::warning(Area::Provider, "scope_twice", format!("the scope `{scope}` is listed twice"))
                .key(key("scope"))
                .fix("Remove one."),
        );
    }
    findings
}

/// Names that Entra refuses, or that do something else than meant.
fn scope_names(provider: &OidcProvider, key: &dyn Fn(&str) -> String) -> Vec<Finding> {
    let mut findings = Vec::new();
    let problem = |code, what: &str, why: &str, fix: &str| {
        Finding::problem(Area::Provider, code, what).key(key("scope")).why(why).fix(fix)
    };
    for scope in ["groups", "roles", "wids"] {
        if provider.scope.iter().any(|have| have == scope) {
            findings.push(problem(
                "scope_groups",
                &format!("there is no scope `{scope}` at Microsoft"),
                "Every sign-in ends at Entra's page with AADSTS650053.",
                "Remove it. Groups and roles come by the app registration (Token configuration), and beyond 200 groups by `microsoft.groups` with the scope User.Read.",
            ));
        }
    }
    if provider.scope.iter().any(|scope| scope.ends_with("/.default") || scope == ".default") {
        findings.push(problem(
            "scope_default",
            "`.default` asks for every permission that was ever given to the app",
            "It can't stand beside single permissions (AADSTS70011), and brings rights that a sign-in does not need.",
            "List the permissions one by one, for example [profile, email, User.Read].",
        ));
    }
    findings.extend(foreign_host(provider, key));
    findings
}

/// What other settings of the entry need and the scope lacks.
fn scope_needs(provider: &OidcProvider, key: &dyn Fn(&str) -> String) -> Vec<Finding> {
    let mut findings = Vec::new();
    let microsoft = &provider.microsoft;
    let problem = |code, what: &str, why: &str, fix: &str| {
        Finding::problem(Area::Provider, code, what).key(key("scope")).why(why).fix(fix)
    };
    let graph_scopes = || provider.scope.iter().map(|scope| scope.rsplit('/').next().unwrap_or(scope));
    let may_read_graph = graph_scopes().any(|s| {
        s.starts_with("User.Read")
            || s.starts_with("Directory.")
            || s.starts_with("GroupMember.")
            || s.starts_with("Group.")
    });
    let reads_groups =
        microsoft.groups.as_ref().is_some_and(|g| g.on_overage == OnOverage::Graph || g.format == GroupFormat::Name);
    let asks = [
        (provider.subject_source == SubjectSource::Me, "subject_source: me"),
        (!microsoft.profile.is_empty(), "microsoft.profile"),
        (reads_groups, "microsoft.groups"),
    ];
    if let Some((_, what)) = asks.iter().find(|(asks, _)| *asks && !may_read_graph) {
        findings.push(problem(
            "scope_user_read",
            &format!("`{what}` asks Graph, and the scope User.Read is missing"),
            "Graph answers 403, and the sign-in is refused or goes on without groups.",
            "Add `User.Read` to the scope, and to the API permissions of the app.",
        ));
    }
    let names = microsoft.groups.as_ref().is_some_and(|g| g.format == GroupFormat::Name);
    if names
        && !graph_scopes()
            .any(|s| s.starts_with("GroupMember.Read") || s.starts_with("Group.Read") || s.starts_with("Directory."))
    {
        findings.push(problem(
            "scope_group_names",
            "names of groups need the permission GroupMember.Read.All",
            "With User.Read alone, Graph tells the ids and hides the names.",
            "Add `GroupMember.Read.All` to the scope (an administrator has to consent), or use `format: id`.",
        ));
    }
    let has = |scope: &str| provider.scope.iter().any(|have| have == scope);
    if matches!(provider.subject_source, SubjectSource::Oid | SubjectSource::TidOid) && !has("profile") {
        findings.push(problem(
            "scope_profile",
            "`oid` is in the token only with the scope `profile`",
            "Without it there is no subject, and nobody can sign in.",
            "Add `profile` to the scope.",
        ));
    }
    if microsoft.email_verified_from != EmailVerifiedFrom::None && !has("email") {
        findings.push(problem(
            "scope_email",
            "`email_verified_from` needs the address, and the scope `email` is missing",
            "Members have no `email` claim without it, so that nothing is ever proven.",
            "Add `email` to the scope.",
        ));
    }
    findings
}

/// A permission of another cloud, or of another program than Graph while Graph is asked.
fn foreign_host(provider: &OidcProvider, key: &dyn Fn(&str) -> String) -> Option<Finding> {
    let graph = provider.microsoft.graph_host();
    let own = Url::parse(graph).ok()?;
    let other = provider.scope.iter().find(|scope| {
        !OIDC_SCOPES.contains(&scope.as_str()) && Url::parse(scope).is_ok_and(|url| url.origin() != own.origin())
    })?;
    let host = Url::parse(other).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    Some(
        Finding::problem(Area::Provider, "scope_host", format!("a scope belongs to {host}, not to {graph}"))
            .key(key("scope"))
            .why("The access token is then for that host, and Graph refuses it; in another cloud it is AADSTS500011.")
            .fix("Use the host of this cloud's Graph, or leave the host out."),
    )
}

fn account_types(provider: &OidcProvider, key: &dyn Fn(&str) -> String) -> Vec<Finding> {
    let Some(tenant) = provider.tenant() else { return Vec::new() };
    let microsoft = &provider.microsoft;
    let mut findings = vec![
        Finding::note(
            Area::Provider,
            "account_types",
            format!("`{}` needs an app registration with signInAudience {}", provider.id, sign_in_audience(provider)),
        )
        .key(key("microsoft_tenant"))
        .why("Another audience ends at Entra's page: AADSTS50194, AADSTS700016 or AADSTS9002332.")
        .fix("Entra portal, App registrations, the app, Authentication, Supported account types. Leave both boxes under Implicit grant off: sign-in works without, and a token in a URL is a token in a browser's history."),
    ];
    let open = matches!(tenant, Tenant::Common | Tenant::Organizations);
    if open
        && microsoft.allowed_tenants.is_empty()
        && provider.sign_up == SignUp::Open
        && provider.return_urls.is_empty()
    {
        findings.push(
            Finding::warning(
                Area::Provider,
                "open_to_all_tenants",
                format!("everybody with an account at any organisation can sign up with `{}`", provider.id),
            )
            .key(key("microsoft_tenant"))
            .why("Anybody can make a tenant of their own and choose names and addresses in it.")
            .fix("If that is not meant, set microsoft_tenant to your tenant's id, or list the tenants in microsoft.allowed_tenants."),
        );
    }
    let personal = matches!(tenant, Tenant::Consumers | Tenant::Common);
    if microsoft.cloud != Cloud::Global && personal {
        findings.push(
            Finding::problem(Area::Provider, "personal_in_national_cloud", "national clouds have no personal accounts")
                .key(key("microsoft_tenant"))
                .why("Their sign-in host knows neither `common` with personal accounts nor `consumers`.")
                .fix("Use `organizations`, or the tenant's id."),
        );
    }
    if tenant == Tenant::Consumers && microsoft.personal_accounts == Access::Deny {
        findings.push(
            Finding::problem(Area::Provider, "nobody_left", "only personal accounts can come, and they are denied")
                .key(key("microsoft.personal_accounts"))
                .why("Nobody can sign in.")
                .fix("Set microsoft_tenant to `organizations` or to a tenant, or allow personal accounts."),
        );
    }
    if !matches!(provider.subject_source, SubjectSource::TidOid | SubjectSource::Userinfo) && open {
        findings.push(
            Finding::warning(
                Area::Provider,
                "subject_without_tenant",
                "the subject is an object id, and object ids of several tenants meet here",
            )
            .key(key("subject_source"))
            .why("An object id is unique within its tenant; only together with the tenant does it name one person.")
            .fix("Use `subject_source: tid_oid`, with `subject_migration` for people who are linked already."),
        );
    }
    findings
}

fn proof(provider: &OidcProvider, key: &dyn Fn(&str) -> String) -> Option<Finding> {
    (provider.microsoft.email_verified_from == EmailVerifiedFrom::XmsEdov).then(|| {
        Finding::note(
            Area::Provider,
            "xms_edov",
            format!(
                "`{}` believes addresses by the optional claim xms_edov; while it is missing, none is proven",
                provider.id
            ),
        )
        .key(key("microsoft.email_verified_from"))
        .why("Entra adds it only to apps that ask for it, together with `email`, and some minutes later.")
        .fix("`bia setup microsoft` prints the manifest patch; acceptMappedClaims is not needed for it.")
    })
}
