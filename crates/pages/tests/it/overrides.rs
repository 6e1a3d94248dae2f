//! What operators put in the place of built-in files, and how mistakes in it are told.

use crate::flows;
use bia_pages::{Options, Page, Pages};
use std::path::Path;
use tempfile::TempDir;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn with_templates(folder: &Path) -> Result<Pages, String> {
    Pages::new(Options { templates_dir: Some(folder.into()), ..Options::default() }).map_err(|error| error.to_string())
}

fn with_languages(folder: &Path, default: Option<&str>) -> Result<Pages, String> {
    let options = Options {
        languages_dir: Some(folder.into()),
        default_language: default.map(str::to_owned),
        ..Options::default()
    };
    Pages::new(options).map_err(|error| error.to_string())
}

#[test]
fn one_template_can_be_replaced_and_may_include_its_own_files() {
    let folder = folder(&[
        (
            "logged_out.html",
            "{% extends 'base.html' %}{% block title %}x{% endblock %}{% block content %}<h1>Bye</h1>{% include 'imprint.html' %}{% endblock %}",
        ),
        ("imprint.html", "<p>{{ site.notice }} {{ t('back') }}</p>"),
        ("notes.txt", "not a template {{"),
    ]);
    let pages = with_templates(folder.path()).unwrap();
    let page = Page { notice: Some("<b>"), ..Page::default() };
    let html = pages.logged_out(&page).unwrap();
    assert!(html.contains("<h1>Bye</h1><p>&lt;b&gt; Back</p>"), "{html}");
    assert!(pages.login(&flows::login(), &page).unwrap().contains("Sign in with Microsoft"));
}

#[test]
fn a_template_that_cannot_be_parsed_is_named_with_its_line() {
    let folder = folder(&[("login.html", "<p>\n\n{% if %}")]);
    let error = with_templates(folder.path()).unwrap_err();
    assert!(error.starts_with("template login.html, line 3: "), "{error}");
}

#[test]
fn a_template_that_fails_is_found_at_start() {
    for (source, cause) in
        [("\n{{ flow.secret }}", "undefined"), ("\n{{ t('no.such.text') }}", "no text `no.such.text`")]
    {
        let folder = folder(&[("error.html", source)]);
        let error = with_templates(folder.path()).unwrap_err();
        assert!(error.starts_with("template error.html, line 2: ") && error.contains(cause), "{error}");
    }
}

#[test]
fn a_language_can_be_added_and_made_the_default() {
    let folder = folder(&[(
        "fr.json",
        r#"{"name": "Français", "texts": {"login.title.plain": "Connexion"}, "messages": {"1010002": "Se connecter avec {provider}"}}"#,
    )]);
    let pages = with_languages(folder.path(), Some("fr")).unwrap();
    let html = pages.login(&flows::login(), &Page { query: Some("flow=1"), ..Page::default() }).unwrap();
    for shown in ["lang=\"fr\"", "Connexion", "Se connecter avec Microsoft", "No account yet?", "Français"] {
        assert!(html.contains(shown), "{shown}");
    }
    assert_eq!(pages.language("es").tag(), Some("fr"));
    assert_eq!(pages.language("en").tag(), Some("en"));
}

#[test]
fn right_to_left_languages_turn_the_page() {
    let folder = folder(&[("ar.json", r#"{"name": "العربية", "direction": "rtl"}"#)]);
    let pages = with_languages(folder.path(), None).unwrap();
    let page = Page { language: pages.language("ar"), ..Page::default() };
    assert!(pages.logged_out(&page).unwrap().contains("<html lang=\"ar\" dir=\"rtl\""));
}

#[test]
fn files_that_cannot_be_used_are_refused_with_their_name() {
    let missing = Path::new("no/such/folder");
    assert!(with_templates(missing).unwrap_err().contains("no/such/folder: cannot be read: entity not found"));
    let large = folder(&[("fr.json", &"x".repeat(300 * 1024))]);
    assert!(with_languages(large.path(), None).unwrap_err().contains("fr.json: larger than"));
    let broken = folder(&[("fr.json", "{\n  \"texts\": [],\n}")]);
    let error = with_languages(broken.path(), None).unwrap_err();
    assert!(error.contains("language file fr.json: ") && error.contains("line 2"), "{error}");
    let empty = folder(&[]);
    let error = with_languages(empty.path(), Some("fr")).unwrap_err();
    assert!(error.contains("there is no language `fr`; there are de, en"), "{error}");
}

#[test]
fn options_that_make_no_sense_are_refused() {
    for (options, problem) in [
        (Options { accent: Some("blue".to_owned()), ..Options::default() }, "accent colour"),
        (Options { logo_url: Some("logo.png".to_owned()), ..Options::default() }, "logo_url"),
        (Options { form_targets: vec!["*".to_owned()], ..Options::default() }, "form target `*`"),
    ] {
        let error = Pages::new(options).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
    }
}

/// The code blocks of the guide in this language.
fn guide(language: &str) -> Vec<String> {
    let guide = include_str!("../../../../docs/pages.md");
    let blocks = guide.split("```").skip(1).step_by(2);
    blocks.filter_map(|block| block.strip_prefix(language)).map(str::to_owned).collect()
}

#[test]
fn what_the_guide_shows_works() {
    let json = guide("json\n");
    let shown = guide("html template=").into_iter();
    let shown: Vec<_> =
        shown.filter_map(|block| Some(block.split_once('\n')?).map(|(n, t)| (n.to_owned(), t.to_owned()))).collect();
    assert_eq!(shown.len(), 2);
    let named: Vec<(&str, &str)> = shown.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let templates = folder(&named);
    let pages = with_templates(templates.path()).unwrap();
    assert!(pages.logged_out(&Page::default()).unwrap().contains("Imprint</a>"));
    let languages = folder(&[("fr.json", &json[0])]);
    let pages = with_languages(languages.path(), Some("fr")).unwrap();
    let html = pages.registration(&flows::continuation(), &Page::default()).unwrap();
    assert!(html.contains("Prénom") && html.contains(">Allemagne</option>"));
    assert_eq!(guide("text\n")[0].trim(), bia_pages::CSP);
}

#[test]
fn a_logo_that_is_a_file_is_served_as_one_of_the_pages_own() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("logo.svg");
    std::fs::write(&file, "<svg xmlns=\"http://www.w3.org/2000/svg\"/>").unwrap();
    let options = Options { logo_url: Some(format!("file://{}", file.display())), ..Options::default() };
    let pages = Pages::new(options).unwrap();
    let logo = pages.asset("logo.svg").unwrap();
    assert_eq!(logo.content_type, "image/svg+xml");
    let html = pages.logged_out(&Page::default()).unwrap();
    let html = html.replace("&#x2f;", "/");
    let address = format!("<img src=\"/ui/assets/logo.svg?v={}\"", logo.etag.replace('"', ""));
    assert!(html.contains(&address), "{html}");
    assert!(!html.contains(&*folder.path().to_string_lossy()), "the file's place is nobody's business");
    assert_eq!(pages.csp(), bia_pages::CSP);
}

#[test]
fn a_logo_file_that_is_no_picture_is_told_at_start() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes, problem) in [
        ("logo.html", b"<p>".as_slice(), "expected a picture"),
        ("logo.png", b"<svg/>", "no picture of the kind"),
        ("huge.svg", &[b' '; 600 * 1024], "larger than"),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        let options = Options { logo_url: Some(format!("file://{}", file.display())), ..Options::default() };
        let error = Pages::new(options).unwrap_err().to_string();
        assert!(error.contains(problem) && error.contains(name), "{error}");
    }
}

#[test]
fn the_page_after_consent_says_what_was_reported_in_the_visitors_language() {
    use bia_pages::Consent;
    let pages = Pages::new(Options::default()).unwrap();
    let german = Page { language: pages.language("de"), ..Page::default() };
    let granted = pages.consent(&Consent::Granted(Some("8eaef023".to_owned())), &german).unwrap();
    assert!(granted.contains("für die Organisation 8eaef023") && granted.contains("Prüfen kann diese Seite das nicht"));
    let nameless = pages.consent(&Consent::Granted(None), &german).unwrap();
    assert!(nameless.contains("als erteilt gemeldet. Prüfen"), "{nameless}");
    let refused = pages.consent(&Consent::Refused("<b>why</b>".to_owned()), &german).unwrap();
    assert!(refused.contains("&lt;b&gt;why&lt;&#x2f;b&gt;"), "{refused}");
}
