//! Each page: what it is given, and what its template sees of it.

use crate::assets::{Asset, Assets};
use crate::catalogue::{Catalogue, Catalogues};
use crate::details;
use crate::error::PageError;
use crate::error_page::ErrorView;
use crate::form::{self, Form};
use crate::language::Language;
use crate::logo;
use crate::moment;
use crate::node;
use crate::options::Options;
use crate::page::{Consent, Page, Settings, Welcome};
use crate::sessions;
use crate::{csp, provider_kind, safe_url, sample, templates, test_login};
use minijinja::{Environment, Value as View, context};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;
use url::form_urlencoded::Serializer;

/// The pages of one installation. Cheap to share, never changes; a new configuration makes a new one.
#[derive(Debug)]
pub struct Pages {
    options: Options,
    csp: String,
    catalogues: Arc<Catalogues>,
    assets: Assets,
    environment: Environment<'static>,
    /// Rendering sample data: errors may be told in full.
    is_trial: bool,
}

impl Pages {
    /// Reads templates and languages, and tries every page, so that a mistake in them shows at start.
    pub fn new(options: Options) -> Result<Self, PageError> {
        let is_usable = |logo: &str| safe_url::picture(logo).is_some() || logo::path(logo).is_some();
        if !options.logo_url.as_deref().is_none_or(is_usable) {
            return Err(PageError::Logo);
        }
        let languages = options.languages_dir.as_deref().map(|folder| templates::files(folder, "json")).transpose()?;
        let catalogues = Catalogues::new(&languages.unwrap_or_default(), options.default_language.as_deref())?;
        let catalogues = Arc::new(catalogues);
        let mut pages = Self {
            csp: csp::policy(&options, None)?,
            assets: Assets::new(&options)?,
            environment: templates::environment(options.templates_dir.as_deref(), Arc::clone(&catalogues))?,
            catalogues,
            options,
            is_trial: true,
        };
        if pages.options.templates_dir.is_some() {
            sample::try_all(&pages)?;
        }
        pages.is_trial = false;
        Ok(pages)
    }

    /// Sign-in, whatever its flow asks for: a provider, a confirmation, or the owner of an address.
    /// An admin's test login says that it is one, and shows what it found out once it came back from the provider.
    pub fn login(&self, flow: &Value, page: &Page<'_>) -> Result<String, PageError> {
        if let Some(payload) = test_login::payload(flow) {
            return self.render("test_login.html", page, test_login::view(payload, page.query, self.words(page)));
        }
        let form = Form::read(flow, &self.nodes(page));
        let kind = match (&form, flow["refresh"] == true, flow["requested_aal"] == "aal2") {
            _ if flow["test_context"].is_object() => "test",
            (form, ..) if form.links_account => "link",
            (_, true, _) => "refresh",
            (_, _, true) => "second_factor",
            _ => "plain",
        };
        let view = context! { form => of(&form), kind, other_url => self.other(flow, "registration") };
        self.render("login.html", page, view)
    }

    /// Sign-up, and the form for what a provider left open.
    pub fn registration(&self, flow: &Value, page: &Page<'_>) -> Result<String, PageError> {
        let form = Form::read(flow, &self.nodes(page));
        let kind =
            if form.providers.iter().any(|node| node.label_id == form::id::CONTINUE) { "continue" } else { "plain" };
        let view = context! { form => of(&form), kind, other_url => self.other(flow, "login") };
        self.render("registration.html", page, view)
    }

    /// Profile, linked accounts and sessions of somebody who is signed in.
    pub fn settings(&self, settings: &Settings<'_>, page: &Page<'_>) -> Result<String, PageError> {
        let nodes = self.nodes(page);
        let sessions = self.sessions(page);
        let whole = Form::read(settings.flow, &nodes);
        let has_no_node = |id: &String| {
            let is_same = |node: &node::Node| node.value == *id || node.value.split(':').next() == Some(id.as_str());
            !whole.providers.iter().any(is_same)
        };
        // The last linked account can't be unlinked, so the flow has no node for it. It is known when this session came
        // by it; one that came another way shows no such account.
        let linked = settings.session.map(sessions::providers).unwrap_or_default().into_iter().filter(has_no_node);
        let linked: Vec<View> = linked.map(|id| self.provider(&sessions, &id)).collect();
        let view = context! {
            sections => of(&form::sections(settings.flow, &nodes)),
            messages => of(&whole.messages),
            linked,
            csrf_token => whole.csrf_token,
            session => settings.session.map(|session| of(&sessions.session(session))),
            others => of(&sessions.list(settings.sessions.unwrap_or(&Value::Null))),
            revoke_url => settings.revoke_url.and_then(safe_url::link),
            return_to => settings.flow["return_to"].as_str().and_then(safe_url::link),
        };
        self.render("settings.html", page, view)
    }

    /// An error: what `GET /self-service/errors` answers, or an error body.
    pub fn error(&self, error: &Value, page: &Page<'_>) -> Result<String, PageError> {
        let at = moment::when(&error["created_at"], page.now, &self.catalogues, self.tag(page));
        let view = context! { error => of(&ErrorView::read(error, &self.catalogues, self.tag(page))), at => of(&at) };
        self.render("error.html", page, view)
    }

    /// "You are signed in", or an invitation to do so.
    pub fn welcome(&self, welcome: &Welcome<'_>, page: &Page<'_>) -> Result<String, PageError> {
        let session = welcome.session.filter(|session| session["active"] != false);
        let identity = session.map(|session| &session["identity"]).unwrap_or(&Value::Null);
        let reader = self.sessions(page);
        let ids = session.map(sessions::providers).unwrap_or_default();
        let providers = ids.iter().map(|id| self.provider(&reader, id));
        let view = context! {
            name => display_name(identity),
            session => session.map(|session| of(&reader.session(session))),
            identity_id => identity["id"].as_str().unwrap_or_default(),
            traits => of(&details::rows(&identity["traits"])),
            metadata => of(&details::rows(&identity["metadata_public"])),
            providers => providers.collect::<Vec<View>>(),
            claims => of(&welcome.claims.map(details::rows).unwrap_or_default()),
            claims_json => welcome.claims.map(details::json).unwrap_or_default(),
            session_json => session.map(details::json).unwrap_or_default(),
        };
        self.render("welcome.html", page, view)
    }

    /// After a sign-out of the visitor's own.
    pub fn logged_out(&self, page: &Page<'_>) -> Result<String, PageError> {
        self.render("logged_out.html", page, context! {})
    }

    /// What a provider's hidden frame gets after a front-channel sign-out; send it with [`Pages::csp_framed_by`].
    pub fn front_channel(&self, page: &Page<'_>) -> Result<String, PageError> {
        self.render("front_channel.html", page, context! {})
    }

    /// Where Entra sends an administrator back to who was asked to grant permissions for an organisation.
    pub fn consent(&self, report: &Consent, page: &Page<'_>) -> Result<String, PageError> {
        let (kind, tenant, reason) = match report {
            Consent::Granted(tenant) => ("granted", tenant.as_deref(), None),
            Consent::Refused(reason) => ("refused", None, Some(self.words(page).sentence(reason))),
            Consent::Nothing => ("nothing", None, None),
            Consent::Unknown => ("unknown", None, None),
        };
        self.render("consent.html", page, context! { kind, tenant, reason })
    }

    /// The visitor's language by the browser's `Accept-Language`.
    pub fn language(&self, accept_language: &str) -> Language {
        self.catalogues.negotiate(accept_language)
    }

    /// The language of a `lang=` parameter, if the pages have texts in it.
    pub fn language_named(&self, tag: &str) -> Option<Language> {
        self.catalogues.named(tag)
    }

    /// A file below `<ui_url>/assets/`.
    pub fn asset(&self, path: &str) -> Option<Asset> {
        self.assets.get(path)
    }

    /// The Content-Security-Policy to send with every page; [`crate::CSP`] unless options add a host.
    pub fn csp(&self) -> &str {
        &self.csp
    }

    /// The same for a page that this one origin may show in a frame.
    pub fn csp_framed_by(&self, origin: &str) -> String {
        csp::policy(&self.options, Some(origin)).unwrap_or_else(|_| self.csp.clone())
    }

    fn tag<'a>(&'a self, page: &'a Page<'_>) -> &'a str {
        self.catalogues.tag(&page.language)
    }

    fn words(&self, page: &Page<'_>) -> &Catalogue {
        self.catalogues.get(self.tag(page))
    }

    fn nodes<'a>(&'a self, page: &'a Page<'_>) -> node::Reader<'a> {
        node::Reader { catalogues: &self.catalogues, tag: self.tag(page), kinds: &self.options.provider_kinds }
    }

    fn sessions<'a>(&'a self, page: &'a Page<'_>) -> sessions::Reader<'a> {
        let labels = &self.options.provider_labels;
        sessions::Reader { catalogues: &self.catalogues, tag: self.tag(page), labels, now: page.now }
    }

    /// A provider by its id, with its name and mark.
    fn provider(&self, reader: &sessions::Reader<'_>, id: &str) -> View {
        let label = reader.provider(id);
        let kind = provider_kind::kind(&self.options.provider_kinds, id, &label);
        context! { id, label, kind }
    }

    fn public(&self, path: &str) -> String {
        format!("{}{path}", self.options.public_url.trim_end_matches('/'))
    }

    /// The way from sign-in to sign-up and back, with what the flow was begun with. `None` when there is none.
    fn other(&self, flow: &Value, kind: &str) -> Option<String> {
        if kind == "registration" && !self.options.registration {
            return None;
        }
        let url = self.public(&format!("/self-service/{kind}/browser"));
        let mut query = Serializer::new(String::new());
        for (name, value) in [
            ("return_to", &flow["return_to"]),
            ("login_challenge", &flow["oauth2_login_challenge"]),
            ("organization", &flow["organization_id"]),
            ("identity_schema", &flow["identity_schema"]),
        ] {
            if let Some(value) = value.as_str() {
                query.append_pair(name, value);
            }
        }
        let query = query.finish();
        Some(if query.is_empty() { url } else { format!("{url}?{query}") })
    }

    /// What every template sees.
    fn site(&self, page: &Page<'_>) -> View {
        let tag = self.tag(page);
        let ui = &self.options.ui_url;
        let language = |known: &str| {
            let name = self.catalogues.get(known).name.as_deref().unwrap_or(known);
            let url = page.query.map(|query| with_language(query, known));
            context! { tag => known, name, url, is_current => known == tag }
        };
        context! {
            title => self.options.title.as_deref().filter(|title| !title.is_empty()),
            logo => self.assets.logo_url(ui).or_else(|| self.options.logo_url.as_deref().and_then(safe_url::picture)),
            theme => of(&self.options.theme),
            style_url => self.assets.url(ui, "style.css"),
            icon_url => self.assets.url(ui, "icon.svg"),
            sign_in_url => self.public("/self-service/login/browser"),
            sign_up_url => self.options.registration.then(|| self.public("/self-service/registration/browser")),
            settings_url => self.public("/self-service/settings/browser"),
            sign_out_url => page.sign_out_url.and_then(safe_url::link),
            notice => page.notice.filter(|notice| !notice.is_empty()),
            languages => self.catalogues.tags().filter(|_| page.query.is_some()).map(language).collect::<Vec<View>>(),
        }
    }

    fn render(&self, name: &str, page: &Page<'_>, view: View) -> Result<String, PageError> {
        let tag = self.tag(page);
        let direction = self.catalogues.get(tag).direction.as_deref().unwrap_or("ltr");
        let common = context! { lang => tag, dir => direction, site => self.site(page) };
        let template = self.environment.get_template(name);
        template.and_then(|template| template.render(context! { ..common, ..view })).map_err(|error| {
            if self.is_trial {
                return templates::problem(name, &error);
            }
            // The engine's own words may quote a visitor's value, so they are left out.
            PageError::Render {
                template: error.name().unwrap_or(name).to_owned(),
                line: error.line().unwrap_or_default(),
                kind: error.kind().to_string(),
            }
        })
    }
}

/// A view's data as templates see it.
pub(crate) fn of(data: &impl Serialize) -> View {
    View::from(minijinja::value::Serde(data))
}

/// The page's own query with another language.
fn with_language(query: &str, tag: &str) -> String {
    let pairs = url::form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "lang").take(20);
    let query = Serializer::new(String::new()).extend_pairs(pairs).append_pair("lang", tag).finish();
    format!("?{query}")
}

/// How to address somebody, by the traits that schemas usually have.
fn display_name(identity: &Value) -> Option<String> {
    let traits = &identity["traits"];
    let text = |value: &Value| value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let joined = |first: &Value, last: &Value| match (text(first), text(last)) {
        (Some(first), Some(last)) => Some(format!("{first} {last}")),
        (first, last) => first.or(last),
    };
    let name = &traits["name"];
    text(name)
        .or_else(|| text(&traits["display_name"]))
        .or_else(|| joined(&name["first"], &name["last"]))
        .or_else(|| joined(&traits["first_name"], &traits["last_name"]))
        .or_else(|| joined(&traits["given_name"], &traits["family_name"]))
        .or_else(|| text(&traits["username"]))
        .or_else(|| text(&traits["email"]))
        .map(|name| details::cut(&name, 120))
}
