//! Certificate and key of our own ports: readable, a pair, current, and for the public host.

use crate::finding::{Area, Finding, Level};
use base64::prelude::{BASE64_STANDARD, Engine};
use bia_config::{Config, ExposeSecret as _, Tls, TlsSource};
use bia_model::Timestamp;
use rustls::client::verify_server_name;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer as _, X509Certificate};

const DAY: i64 = 24 * 60 * 60;
const FILE_MAX: u64 = 1024 * 1024;
/// Renewal by ACME happens a month before; two weeks before the end it has failed for two weeks.
const DAYS_WARNING: i64 = 14;

pub(crate) async fn check(config: &Config, now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    let public_host = config.public_url().is_https().then(|| config.public_url().url().host_str()).flatten();
    let listeners = [
        ("serve.public.tls", &config.serve.public.tls, public_host),
        ("serve.admin.tls", &config.serve.admin.tls, None),
    ];
    for (key, tls, host) in listeners {
        if tls.is_enabled() {
            findings.extend(listener(key, tls, host, now).await);
        }
    }
    findings
}

async fn listener(key: &str, tls: &Tls, host: Option<&str>, now: Timestamp) -> Vec<Finding> {
    let unusable = |what: String| {
        Finding::problem(Area::Serving, "own_certificate", format!("{key}: {what}"))
            .key(key)
            .why("Bia does not start; if it runs already, it keeps the certificate from before.")
            .fix("Both have to be PEM: the chain with the server's own certificate first, and its private key.")
    };
    let chain = match pem(&tls.cert).await {
        Ok(text) => CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>().unwrap_or_default(),
        Err(why) => return vec![unusable(format!("the certificate can't be read: {why}"))],
    };
    let Some(own) = chain.first().cloned() else {
        return vec![unusable("there is no certificate in it".to_owned())];
    };
    let private = match pem(&tls.key).await {
        Ok(text) => PrivateKeyDer::from_pem_slice(&text).ok(),
        Err(why) => return vec![unusable(format!("the key can't be read: {why}"))],
    };
    let Some(private) = private else {
        return vec![unusable("there is no private key in it".to_owned())];
    };
    if let Err(why) = CertifiedKey::from_der(chain, private, &rustls::crypto::ring::default_provider()) {
        return vec![unusable(format!("certificate and key don't belong together: {why}"))];
    }
    let mut findings = vec![end(key, &own, now)];
    findings.extend(host.and_then(|host| name(key, &own, host)));
    findings
}

async fn pem(source: &TlsSource) -> Result<Vec<u8>, String> {
    // Kratos: base64 wins over the path.
    if let Some(text) = &source.base64 {
        return BASE64_STANDARD.decode(text.expose_secret().trim()).map_err(|_| "it is no base64".to_owned());
    }
    let path = source.path.as_deref().unwrap_or_default();
    let meta = tokio::fs::metadata(path).await.map_err(|error| format!("{path}: {}", error.kind()))?;
    if meta.len() > FILE_MAX {
        return Err(format!("{path} has more than {FILE_MAX} bytes"));
    }
    tokio::fs::read(path).await.map_err(|error| format!("{path}: {}", error.kind()))
}

fn end(key: &str, own: &CertificateDer<'_>, now: Timestamp) -> Finding {
    let Ok((_, parsed)) = X509Certificate::from_der(own.as_ref()) else {
        return Finding::problem(Area::Serving, "own_certificate", format!("{key}: the certificate can't be read"));
    };
    let days = (parsed.validity().not_after.timestamp() - now.secs()).div_euclid(DAY);
    let (level, what) = match days {
        ..0 => (Level::Problem, format!("{key}: the certificate ended {} day(s) ago", -days)),
        0..=DAYS_WARNING => (Level::Warning, format!("{key}: the certificate ends in {days} day(s)")),
        _ => (Level::Good, format!("{key}: certificate and key are a pair and last {days} more days")),
    };
    Finding::new(level, Area::Serving, "own_certificate", what)
        .key(key)
        .why("Browsers refuse the address after that day, and nobody signs in.")
        .fix("Renew it; Bia takes the new files without a restart.")
}

fn name(key: &str, own: &CertificateDer<'_>, host: &str) -> Option<Finding> {
    let parsed = ParsedCertificate::try_from(own).ok()?;
    let server = ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).ok()?;
    verify_server_name(&parsed, &server).is_err().then(|| {
        Finding::warning(Area::Serving, "own_certificate_name", format!("{key}: the certificate is not for {host}"))
            .key(key)
            .why("Browsers that reach this port directly refuse it. Behind a proxy with a certificate of its own it does no harm.")
            .fix("Get a certificate that names the host of serve.public.base_url.")
    })
}
