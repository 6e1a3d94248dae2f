//! The whole URL table, public then admin. A row: method, path, Kratos' operation id, handler, and what the
//! API description says of it. Rows without an operation id are redirects between the ports and stay out of it.

use crate::admin::{identities, sessions as admin_sessions, test_login};
use crate::health;
use crate::openapi::get_openapi;
use crate::public::self_service::{disabled, errors, login, logout, registration, settings};
use crate::public::{admin_consent, forward_auth, methods_oidc, pages, schemas, sessions, well_known, whoami};
use crate::redirects::{to_admin, to_public};
use crate::route::Tag::{Identity, Metadata};
use crate::route::{Route, route};

/// The rows of the public port.
pub(crate) fn public() -> &'static [Route] {
    PUBLIC
}

/// The rows of the admin port; every path begins with `/admin`, which clients may leave out.
pub(crate) fn admin() -> &'static [Route] {
    ADMIN
}

const PAGES: &[&str] = &["per_page", "page", "page_size", "page_token"];
const FLOW: &[&str] = &["flow"];
const ID: &[&str] = &["id"];

static PUBLIC: &[Route] = &[
    // --- login ---
    route!(Get "/self-service/login/browser" => "createBrowserLoginFlow", login::create_browser_login_flow).limited()
        .query(&["refresh", "aal", "return_to", "login_challenge", "organization", "via", "identity_schema"])
        .answers(&[200, 303, 400]),
    route!(Get "/self-service/login/api" => "createNativeLoginFlow", login::create_native_login_flow).limited()
        .query(&["refresh", "aal", "return_to", "return_session_token_exchange_code", "organization", "via", "identity_schema"])
        .answers(&[200, 400]),
    route!(Get "/self-service/login/flows" => "getLoginFlow", login::get_login_flow).query(ID).answers(&[200, 403, 404, 410]),
    route!(Post "/self-service/login" => "updateLoginFlow", login::update_login_flow).limited()
        .query(FLOW)
        .body("updateLoginFlowBody")
        .answers(&[200, 303, 400, 410, 422]),
    route!(Get "/self-service/login" => "updateLoginFlowByQuery", login::update_login_flow).limited()
        .query(FLOW)
        .answers(&[200, 303, 400, 410, 422]),
    route!(Delete "/self-service/login/test" => "deleteTestLoginFlow", login::delete_test_login_flow).query(ID).answers(&[204, 404]),
    // --- registration ---
    route!(Get "/self-service/registration/browser" => "createBrowserRegistrationFlow", registration::create_browser_registration_flow).limited()
        .query(&["return_to", "login_challenge", "after_verification_return_to", "organization", "identity_schema"])
        .answers(&[200, 303]),
    route!(Get "/self-service/registration/api" => "createNativeRegistrationFlow", registration::create_native_registration_flow).limited()
        .query(&["return_session_token_exchange_code", "return_to", "organization", "identity_schema"])
        .answers(&[200, 400]),
    route!(Get "/self-service/registration/flows" => "getRegistrationFlow", registration::get_registration_flow)
        .query(ID)
        .answers(&[200, 403, 404, 410]),
    route!(Post "/self-service/registration" => "updateRegistrationFlow", registration::update_registration_flow).limited()
        .query(FLOW)
        .body("updateRegistrationFlowBody")
        .answers(&[200, 302, 303, 400, 410, 422]),
    route!(Get "/self-service/registration" => "updateRegistrationFlowByQuery", registration::update_registration_flow).limited()
        .query(FLOW)
        .answers(&[200, 302, 303, 400, 410, 422]),
    // --- settings ---
    route!(Get "/self-service/settings/browser" => "createBrowserSettingsFlow", settings::create_browser_settings_flow).limited()
        .query(&["return_to", "organization"])
        .answers(&[200, 303, 400, 401, 403]),
    route!(Get "/self-service/settings/api" => "createNativeSettingsFlow", settings::create_native_settings_flow).limited()
        .query(&["organization"])
        .answers(&[200, 400, 401, 403]),
    route!(Get "/self-service/settings/flows" => "getSettingsFlow", settings::get_settings_flow)
        .query(ID)
        .answers(&[200, 401, 403, 404, 410]),
    route!(Post "/self-service/settings" => "updateSettingsFlow", settings::update_settings_flow).limited()
        .query(FLOW)
        .body("updateSettingsFlowBody")
        .answers(&[200, 303, 400, 401, 403, 410, 422]),
    route!(Get "/self-service/settings" => "updateSettingsFlowByQuery", settings::update_settings_flow).limited()
        .query(FLOW)
        .answers(&[200, 303, 400, 401, 403, 410, 422]),
    route!(Get "/.well-known/change-password" => "getWellKnownChangePassword", settings::get_well_known_change_password).answers(&[303]),
    // --- logout ---
    route!(Get "/self-service/logout/browser" => "createBrowserLogoutFlow", logout::create_browser_logout_flow)
        .query(&["return_to"])
        .answers(&[200, 400, 401]),
    route!(Get "/self-service/logout" => "updateLogoutFlow", logout::update_logout_flow)
        .query(&["token", "return_to"])
        .answers(&[204, 303]),
    route!(Delete "/self-service/logout/api" => "performNativeLogout", logout::perform_native_logout)
        .body("performNativeLogoutBody")
        .answers(&[204, 400, 403]),
    // --- providers ---
    route!(Get "/self-service/methods/oidc/callback/{provider}" => "oidcCallback", methods_oidc::callback).limited().answers(&[303]),
    route!(Post "/self-service/methods/oidc/callback/{provider}" => "oidcCallbackFormPost", methods_oidc::callback_form_post).limited().answers(&[302]),
    route!(Get "/self-service/methods/oidc/callback" => "oidcGenericCallback", methods_oidc::callback_any).limited().answers(&[303]),
    route!(Post "/self-service/methods/oidc/callback" => "oidcGenericCallbackFormPost", methods_oidc::callback_form_post).limited().answers(&[302]),
    route!(Get "/self-service/methods/oidc/organization/{organization}/callback/{provider}" => "oidcOrganizationCallback", methods_oidc::callback).limited()
        .answers(&[303]),
    route!(Post "/self-service/methods/oidc/organization/{organization}/callback/{provider}" => "oidcOrganizationCallbackFormPost", methods_oidc::callback_form_post).limited()
        .answers(&[302]),
    route!(Get "/self-service/methods/oidc/logout/{provider}" => "oidcFrontChannelLogout", methods_oidc::front_channel_logout).query(&["sid"]),
    route!(Get "/self-service/methods/oidc/admin-consent/{provider}" => "oidcAdminConsentReturn", admin_consent::admin_consent)
        .query(&["admin_consent", "tenant", "error", "error_description"]),
    // --- errors, and flows that are switched off ---
    route!(Get "/self-service/errors" => "getFlowError", errors::get_flow_error).query(&["id", "error"]).answers(&[200, 404]),
    route!(Any "/self-service/recovery" => "", disabled::recovery),
    route!(Any "/self-service/recovery/{step}" => "", disabled::recovery),
    route!(Any "/self-service/verification" => "", disabled::verification),
    route!(Any "/self-service/verification/{step}" => "", disabled::verification),
    // --- sessions ---
    route!(Any "/sessions/whoami" => "toSession", whoami::to_session).query(&["tokenize_as"]).answers(&[200, 401, 403]),
    route!(Any "/sessions/forward-auth" => "", forward_auth::forward_auth),
    route!(Get "/sessions/token-exchange" => "exchangeSessionToken", sessions::exchange_session_token).limited()
        .query(&["init_code", "return_to_code"])
        .answers(&[200, 400, 404, 410, 422]),
    route!(Get "/sessions" => "listMySessions", sessions::list_my_sessions).query(PAGES).answers(&[200, 401, 403]),
    route!(Delete "/sessions" => "disableMyOtherSessions", sessions::disable_my_other_sessions).answers(&[200, 401]),
    route!(Delete "/sessions/{id}" => "disableMySession", sessions::disable_my_session).answers(&[204, 400, 401]),
    // --- schemas ---
    route!(Get "/schemas" => "listIdentitySchemas", schemas::list_identity_schemas).tag(Identity).query(PAGES),
    route!(Get "/schemas/{id}" => "getIdentitySchema", schemas::get_identity_schema).tag(Identity).answers(&[200, 404]),
    route!(Get "/admin/schemas" => "", schemas::list_identity_schemas),
    route!(Get "/admin/schemas/{id}" => "", schemas::get_identity_schema),
    // --- everything else ---
    route!(Get "/health/alive" => "isAlive", health::is_alive).tag(Metadata),
    route!(Get "/health/ready" => "isReady", health::is_ready_public).tag(Metadata).answers(&[200, 503]),
    route!(Get "/.well-known/ory/webauthn.js" => "getWebAuthnJavaScript", well_known::get_web_authn_java_script),
    route!(Get "/openapi.json" => "getOpenApi", get_openapi).tag(Metadata),
    // --- built-in pages ---
    route!(Get "/ui/assets/{file}" => "", pages::asset),
    route!(Post "/ui/sessions" => "", pages::end_sessions),
    route!(Get "/ui/{page}" => "", pages::page),
    // --- routes of the admin port ---
    route!(Any "/identities" => "", to_admin),
    route!(Any "/identities/{id}" => "", to_admin),
    route!(Any "/identities/by/external/{externalID}" => "", to_admin),
    route!(Any "/identities/{id}/credentials/{type}" => "", to_admin),
    route!(Delete "/identities/{id}/sessions" => "", to_admin),
    route!(Any "/admin/identities" => "", to_admin),
    route!(Any "/admin/identities/{id}" => "", to_admin),
    route!(Any "/admin/identities/by/external/{externalID}" => "", to_admin),
    route!(Any "/admin/identities/{id}/credentials/{type}" => "", to_admin),
];

static ADMIN: &[Route] = &[
    // --- identities ---
    route!(Get "/admin/identities" => "listIdentities", identities::list_identities)
        .tag(Identity)
        .query(&[
            "per_page", "page", "page_size", "page_token", "consistency", "ids", "credentials_identifier",
            "preview_credentials_identifier_similar", "include_credential", "organization_id",
        ])
        .answers(&[200, 400]),
    route!(Post "/admin/identities" => "createIdentity", identities::create_identity)
        .tag(Identity)
        .body("createIdentityBody")
        .answers(&[201, 400, 409]),
    route!(Patch "/admin/identities" => "batchPatchIdentities", identities::batch_patch_identities)
        .tag(Identity)
        .body("patchIdentitiesBody")
        .answers(&[200, 400]),
    route!(Get "/admin/identities/by/external/{externalID}" => "getIdentityByExternalID", identities::get_identity_by_external_id)
        .tag(Identity)
        .query(&["include_credential"])
        .answers(&[200, 404]),
    route!(Get "/admin/identities/{id}" => "getIdentity", identities::get_identity)
        .tag(Identity)
        .query(&["include_credential"])
        .answers(&[200, 404]),
    route!(Put "/admin/identities/{id}" => "updateIdentity", identities::update_identity)
        .tag(Identity)
        .body("updateIdentityBody")
        .answers(&[200, 400, 404, 409]),
    route!(Patch "/admin/identities/{id}" => "patchIdentity", identities::patch_identity)
        .tag(Identity)
        .body("jsonPatchDocument")
        .answers(&[200, 400, 404, 409]),
    route!(Delete "/admin/identities/{id}" => "deleteIdentity", identities::delete_identity).tag(Identity).answers(&[204, 404]),
    route!(Delete "/admin/identities/{id}/credentials/{type}" => "deleteIdentityCredentials", identities::delete_identity_credentials)
        .tag(Identity)
        .query(&["identifier"])
        .answers(&[204, 400, 404]),
    // --- sessions ---
    route!(Get "/admin/identities/{id}/sessions" => "listIdentitySessions", admin_sessions::list_identity_sessions)
        .tag(Identity)
        .query(&["per_page", "page", "page_size", "page_token", "active"])
        .answers(&[200, 400]),
    route!(Delete "/admin/identities/{id}/sessions" => "deleteIdentitySessions", admin_sessions::delete_identity_sessions)
        .tag(Identity)
        .answers(&[204, 400, 404]),
    route!(Get "/admin/sessions" => "listSessions", admin_sessions::list_sessions)
        .tag(Identity)
        .query(&["page_size", "page_token", "active", "expand"])
        .answers(&[200, 400]),
    route!(Post "/admin/sessions" => "manageSessions", admin_sessions::manage_sessions)
        .tag(Identity)
        .body("manageSessionsBody")
        .answers(&[200, 400]),
    route!(Delete "/admin/sessions" => "", to_public),
    route!(Any "/admin/sessions/whoami" => "", to_public),
    route!(Get "/admin/sessions/{id}" => "getSession", admin_sessions::get_session)
        .tag(Identity)
        .query(&["expand"])
        .answers(&[200, 400, 404]),
    route!(Delete "/admin/sessions/{id}" => "disableSession", admin_sessions::disable_session)
        .tag(Identity)
        .answers(&[204, 400, 404]),
    route!(Patch "/admin/sessions/{id}/extend" => "extendSession", admin_sessions::extend_session)
        .tag(Identity)
        .answers(&[200, 204, 400, 404]),
    // --- test logins ---
    route!(Post "/admin/test-login-flows" => "createTestLoginFlow", test_login::create_test_login_flow)
        .tag(Identity)
        .body("createTestLoginFlowBody")
        .answers(&[201, 400, 404]),
    // --- operations ---
    route!(Get "/admin/health/alive" => "isAliveAdmin", health::is_alive).tag(Metadata),
    route!(Get "/admin/health/ready" => "isReadyAdmin", health::is_ready).tag(Metadata).answers(&[200, 503]),
    route!(Get "/admin/health/config" => "getConfigRevision", health::get_config_revision).tag(Metadata),
    route!(Get "/admin/version" => "getVersion", health::get_version).tag(Metadata),
    route!(Get "/admin/metrics/prometheus" => "prometheus", health::get_metrics).tag(Metadata),
    route!(Get "/admin/openapi.json" => "getOpenApiAdmin", get_openapi).tag(Metadata),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn operation_ids_are_unique_and_every_admin_path_has_its_prefix() {
        let mut seen = HashSet::new();
        for route in PUBLIC.iter().chain(ADMIN) {
            assert!(route.operation.is_empty() || seen.insert(route.operation), "{}", route.operation);
        }
        assert!(ADMIN.iter().all(|route| route.path.starts_with("/admin/")));
    }

    #[test]
    fn what_begins_submits_or_ends_a_flow_is_limited_and_nothing_else() {
        for route in PUBLIC {
            let begins = ["/browser", "/api"].iter().any(|end| route.path.ends_with(end));
            let [login, registration, settings] =
                ["login", "registration", "settings"].map(|kind| format!("/self-service/{kind}"));
            let is_flow = [&login, &registration, &settings]
                .into_iter()
                .any(|flow| route.path == flow || route.path.starts_with(flow.as_str()) && begins);
            let ends = route.path.contains("/callback") || route.path == "/sessions/token-exchange";
            assert_eq!(route.is_limited, is_flow || ends, "{}", route.path);
        }
        // Whoever watches over a server must see it under attack, too.
        assert!(ADMIN.iter().all(|route| !route.is_limited));
    }

    #[test]
    fn operations_of_the_ory_sdks_are_all_here() {
        let ids: HashSet<_> = PUBLIC.iter().chain(ADMIN).map(|route| route.operation).collect();
        for id in [
            "createBrowserLoginFlow",
            "createNativeLoginFlow",
            "getLoginFlow",
            "updateLoginFlow",
            "createBrowserLogoutFlow",
            "updateLogoutFlow",
            "performNativeLogout",
            "createBrowserRegistrationFlow",
            "createNativeRegistrationFlow",
            "getRegistrationFlow",
            "updateRegistrationFlow",
            "createBrowserSettingsFlow",
            "createNativeSettingsFlow",
            "getSettingsFlow",
            "updateSettingsFlow",
            "getFlowError",
            "toSession",
            "exchangeSessionToken",
            "listMySessions",
            "disableMyOtherSessions",
            "disableMySession",
            "getWebAuthnJavaScript",
            "listIdentities",
            "createIdentity",
            "batchPatchIdentities",
            "getIdentity",
            "getIdentityByExternalID",
            "updateIdentity",
            "patchIdentity",
            "deleteIdentity",
            "deleteIdentityCredentials",
            "listIdentitySessions",
            "deleteIdentitySessions",
            "listSessions",
            "getSession",
            "disableSession",
            "extendSession",
            "listIdentitySchemas",
            "getIdentitySchema",
            "isAlive",
            "isReady",
            "getVersion",
        ] {
            assert!(ids.contains(id), "{id}");
        }
    }
}
