//! The few pages a browser sees. No scripts save the one line that submits `form_post`, a strict policy, light and
//! dark, and a banner that says what this is.

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use axum::response::Response;
use base64::Engine as _;
use http::header::CONTENT_SECURITY_POLICY;
use ring::digest::{SHA256, digest};

use crate::oauth_error::OAuthError;
use crate::params::Params;
use crate::people::Person;
use crate::reply;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1b1b1f;--paper:#f4f4f6;--card:#fff;--line:#c9c9d1;--quiet:#54545e;--mark:#1d4ed8}\
@media(prefers-color-scheme:dark){:root{--ink:#ececf1;--paper:#17171b;--card:#212127;--line:#4a4a55;--quiet:#b4b4c0;\
--mark:#93b4ff}}\
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}\
.banner{margin:0;padding:.5rem 1rem;background:#7a4100;color:#fff;text-align:center;font-weight:600}\
main{max-width:40rem;margin:1.5rem auto;padding:1.5rem;background:var(--card);border:1px solid var(--line);\
border-radius:.5rem}h1{margin:0 0 .25rem;font-size:1.5rem}ul{list-style:none;margin:1rem 0;padding:0}\
li a{display:block;padding:.6rem .75rem;border-top:1px solid var(--line);color:inherit;text-decoration:none}\
li a:hover strong,li a:focus strong{text-decoration:underline}a{color:var(--mark)}\
a:focus-visible,button:focus-visible{outline:3px solid var(--mark);outline-offset:2px}\
small{display:block;color:var(--quiet);font-size:.875rem}code{overflow-wrap:anywhere}iframe{display:none}\
.actions a,button{display:inline-block;margin:.5rem .75rem 0 0;padding:.5rem 1rem;border:1px solid var(--line);\
border-radius:.25rem;background:none;color:var(--mark);font:inherit;text-decoration:none}";

const SUBMIT: &str = "document.forms[0].submit();";

/// `'sha256-…'` for a policy, so that nothing but our own inline text runs or styles.
fn source(text: &str) -> String {
    let hash = base64::engine::general_purpose::STANDARD.encode(digest(&SHA256, text.as_bytes()));
    format!("'sha256-{hash}'")
}

fn page(title: &str, content: &str, policy: &str) -> Response {
    page_with_head(title, "", content, policy)
}

fn page_with_head(title: &str, head: &str, content: &str, policy: &str) -> Response {
    static STYLE_SOURCE: LazyLock<String> = LazyLock::new(|| source(STYLE));
    let html = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} · stand-in</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><style>{STYLE}</style>{head}</head>\
         <body><p class=\"banner\" role=\"note\">Stand-in for trying things out, not Microsoft</p>\
         <main>{content}</main></body></html>",
        title = escape(title)
    );
    let policy =
        format!("default-src 'none'; style-src {}; base-uri 'none'; frame-ancestors 'none'{policy}", *STYLE_SOURCE);
    let response = reply::body(200, "text/html; charset=utf-8", html);
    reply::with_header(response, CONTENT_SECURITY_POLICY, &policy)
}

pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' | '<' | '>' | '"' | '\'' => {
                let _ = write!(escaped, "&#{};", u32::from(character));
            }
            other => escaped.push(other),
        }
    }
    escaped
}

/// A link back to the same request with one more parameter.
fn link(path: &str, parameters: &Params, name: &str, value: &str) -> String {
    escape(&format!("{path}?{}", parameters.query_with(name, value)))
}

pub(crate) struct AccountPage<'a> {
    pub(crate) path: &'a str,
    pub(crate) parameters: &'a Params,
    pub(crate) application: &'a str,
    pub(crate) people: &'a [Arc<Person>],
    /// A hint that named nobody here.
    pub(crate) hint: Option<&'a str>,
}

/// "Pick an account".
pub(crate) fn accounts(page_of: &AccountPage<'_>) -> Response {
    let mut list = String::new();
    for person in page_of.people {
        let _ = write!(
            list,
            "<li><a href=\"{href}\"><strong>{name}</strong> ({address})<small>{about}</small></a></li>",
            href = link(page_of.path, page_of.parameters, "pick", &person.key),
            name = escape(&person.name),
            address = escape(person.preferred_username.as_ref().unwrap_or(&person.upn)),
            about = escape(&person.about),
        );
    }
    let hint =
        page_of.hint.map_or(String::new(), |hint| format!("<p>Suggested by the application: {}</p>", escape(hint)));
    let content = format!(
        "<h1>Pick an account</h1><p>to continue to <code>{application}</code></p>{hint}\
         <nav aria-label=\"Accounts\"><ul>{list}</ul></nav><p class=\"actions\"><a href=\"{cancel}\">Cancel</a></p>",
        application = escape(page_of.application),
        cancel = link(page_of.path, page_of.parameters, "pick", "cancel"),
    );
    page("Pick an account", &content, "; form-action 'none'")
}

/// "Permissions requested".
pub(crate) fn consent(path: &str, parameters: &Params, application: &str, person: &Person) -> Response {
    let scopes: String =
        parameters.words("scope").iter().map(|scope| format!("<li><code>{}</code></li>", escape(scope))).collect();
    let content = format!(
        "<h1>Permissions requested</h1><p>{name}, the application <code>{application}</code> would like:</p>\
         <ul>{scopes}</ul><p class=\"actions\"><a href=\"{accept}\">Accept</a><a href=\"{cancel}\">Cancel</a></p>",
        name = escape(&person.name),
        application = escape(application),
        accept = escape(&format!("{path}?{}", with_pick(parameters, &person.key).query_with("consent", "accept"))),
        cancel = link(path, parameters, "pick", "cancel"),
    );
    page("Permissions requested", &content, "; form-action 'none'")
}

fn with_pick(parameters: &Params, key: &str) -> Params {
    Params::parse(&parameters.query_with("pick", key))
}

/// "Grant for everybody in your organization".
pub(crate) fn admin_consent(path: &str, parameters: &Params, application: &str, tenant: &str) -> Response {
    let content = format!(
        "<h1>Permissions requested</h1><p>Review for your organization: {tenant}</p>\
         <p>The application <code>{application}</code> would get access for everybody in it.</p>\
         <p class=\"actions\"><a href=\"{accept}\">Accept</a><a href=\"{cancel}\">Cancel</a></p>",
        tenant = escape(tenant),
        application = escape(application),
        accept = link(path, parameters, "consent", "accept"),
        cancel = link(path, parameters, "consent", "cancel"),
    );
    page("Permissions requested", &content, "; form-action 'none'")
}

/// What Entra shows where it must not redirect.
pub(crate) fn error(refusal: &OAuthError) -> Response {
    let content = format!(
        "<h1>Sorry, but we’re having trouble signing you in.</h1><p>AADSTS{code}: {text}</p>",
        code = refusal.code,
        text = escape(&refusal.text)
    );
    page("Sign in to your account", &content, "; form-action 'none'")
}

/// The answer as a form that submits itself, with a button for browsers without scripts.
pub(crate) fn form_post(action: &str, parameters: &[(&str, String)]) -> Response {
    let inputs: String = parameters
        .iter()
        .map(|(name, value)| format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(name), escape(value)))
        .collect();
    let content = format!(
        "<h1>Working…</h1><form method=\"POST\" name=\"hiddenform\" action=\"{action}\">{inputs}<noscript>\
         <p>Script is disabled. Click Submit to continue.</p><button type=\"submit\">Submit</button></noscript></form>\
         <script>{SUBMIT}</script>",
        action = escape(action),
    );
    page("Working…", &content, &format!("; script-src {}", source(SUBMIT)))
}

/// Signs out at each application in hidden frames, as Entra does, then leads on.
pub(crate) fn signed_out(frames: &[String], onward: Option<&str>) -> Response {
    let iframes: String = frames
        .iter()
        .map(|url| format!("<iframe src=\"{}\" title=\"Signing out of an application\"></iframe>", escape(url)))
        .collect();
    // Entra leads on by itself once the frames are loaded; a second is plenty on one machine.
    let (head, onward) = onward.map_or((String::new(), String::new()), |to| {
        let to = escape(to);
        (
            format!("<meta http-equiv=\"refresh\" content=\"1;url={to}\">"),
            format!("<p class=\"actions\"><a id=\"continue\" href=\"{to}\">Continue</a></p>"),
        )
    });
    let content = format!("<h1>You signed out of your account</h1><p>You may close this window.</p>{onward}{iframes}");
    let policy = if frames.is_empty() { "" } else { "; frame-src http: https:" };
    page_with_head("Signed out", &head, &content, &format!("; form-action 'none'{policy}"))
}
