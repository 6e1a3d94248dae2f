//! The Content-Security-Policy that the pages are made for.

use crate::error::PageError;
use crate::options::Options;
use crate::safe_url;

/// The policy without a logo from elsewhere: no script at all, no inline style, nothing from other hosts, no frame.
///
/// `form-action` is `*` on purpose. Browsers apply it to the whole chain of redirects after a form: to the provider, to
/// whatever the provider federates to, back here and on to the application. A list of the providers alone would stop
/// sign-ins at random (a company's own federation server, another app's `return_to`), with no word to the visitor.
/// What a list would stop, a form injected into a page, is stopped by escaping, and the pages ask for no password.
/// Operators who know the whole chain set [`Options::form_targets`]. The server sends [`crate::Pages::csp`].
pub const CSP: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action *; \
                       frame-ancestors 'none'; base-uri 'none'";

/// The policy for these options; `frame` is the one origin that may frame the page.
pub(crate) fn policy(options: &Options, frame: Option<&str>) -> Result<String, PageError> {
    let mut pictures = "'self' data:".to_owned();
    if let Some(origin) = options.logo_url.as_deref().and_then(safe_url::origin) {
        pictures = format!("{pictures} {origin}");
    }
    let mut targets = "*".to_owned();
    if !options.form_targets.is_empty() {
        targets = "'self'".to_owned();
        for target in &options.form_targets {
            let origin = safe_url::origin(target).ok_or_else(|| PageError::FormTarget(target.clone()))?;
            targets = format!("{targets} {origin}");
        }
    }
    let frame = frame.and_then(safe_url::origin).unwrap_or_else(|| "'none'".to_owned());
    Ok(format!(
        "default-src 'none'; style-src 'self'; img-src {pictures}; form-action {targets}; frame-ancestors {frame}; \
         base-uri 'none'"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constant_is_the_policy_of_the_default_options() {
        assert_eq!(policy(&Options::default(), None).unwrap(), CSP);
    }

    #[test]
    fn a_logo_elsewhere_and_known_targets_are_named_by_origin() {
        let options = Options {
            logo_url: Some("https://cdn.example/logo.svg?x=; script-src *".to_owned()),
            form_targets: vec!["https://login.example/path".to_owned()],
            ..Options::default()
        };
        let policy = policy(&options, Some("https://login.example")).unwrap();
        assert!(policy.contains("img-src 'self' data: https://cdn.example;"), "{policy}");
        assert!(policy.contains("form-action 'self' https://login.example;"), "{policy}");
        assert!(policy.contains("frame-ancestors https://login.example;") && !policy.contains("script"), "{policy}");
    }

    #[test]
    fn a_target_that_is_no_origin_is_refused() {
        let options = Options { form_targets: vec!["*; script-src *".to_owned()], ..Options::default() };
        assert!(matches!(policy(&options, None), Err(PageError::FormTarget(_))));
    }
}
