//! Certificate and key of a listener; files are read again when they change, so that renewals need no restart, and
//! none of the rest of the configuration: a mistake in `kratos.yml` must not let a certificate run out.

use crate::dispatch::Port;
use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bia_config::{ExposeSecret as _, Tls, TlsSource};
use bia_outbound::Stamp;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Why certificate and key can't be used. Never quotes them.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{part} file {path}: {why}")]
    File { part: &'static str, path: String, why: std::io::Error },
    #[error("{part}.base64 is not standard base64")]
    Base64 { part: &'static str },
    #[error("{part} holds no PEM block of that kind")]
    NoPem { part: &'static str },
    #[error("certificate and key can't be used together: {0}")]
    Unusable(#[from] rustls::Error),
    #[error("`cert` and `key` must both be given, both as `path` or both as `base64`")]
    Incomplete,
}

/// How often files are looked at, at most.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// The certificates that new connections are shown.
#[derive(Default)]
pub(crate) struct Certificates {
    pub(crate) public: Option<Arc<Reloading>>,
    pub(crate) admin: Option<Arc<Reloading>>,
}

impl Certificates {
    pub(crate) fn of(&self, port: Port) -> Option<&Arc<Reloading>> {
        match port {
            Port::Public => self.public.as_ref(),
            Port::Admin => self.admin.as_ref(),
        }
    }
}

/// The TLS settings in effect.
pub(crate) struct Reloading {
    config: ArcSwap<ServerConfig>,
    source: Tls,
    seen: Mutex<Seen>,
}

/// What is known of the files.
struct Seen {
    looked_at: Instant,
    /// What the settings in effect were made of; unknown after a failure, so that the next look tries again.
    in_use: Option<Stamps>,
    /// What was complained about, so that each fault is logged once.
    refused: Option<Stamps>,
}

/// Certificate and key as they were at one moment.
type Stamps = [Option<Stamp>; 2];

impl Reloading {
    /// `None` when TLS isn't configured.
    pub(crate) fn load(source: &Tls) -> Result<Option<Self>, TlsError> {
        let given = |source: &TlsSource| source.path.is_some() || source.base64.is_some();
        if !source.is_enabled() {
            let incomplete = given(&source.cert) || given(&source.key);
            return if incomplete { Err(TlsError::Incomplete) } else { Ok(None) };
        }
        // Before reading: what changes in between is then read again.
        let seen = Seen { looked_at: Instant::now(), in_use: Some(stamps(source)), refused: None };
        let config = ArcSwap::from_pointee(server_config(source)?);
        Ok(Some(Self { config, source: source.clone(), seen: Mutex::new(seen) }))
    }

    /// The same as `running` when the settings are, so that a configuration that is reloaded for other reasons doesn't
    /// stumble over a certificate that is just being renewed.
    pub(crate) fn renewed(running: Option<&Arc<Self>>, source: &Tls) -> Result<Option<Arc<Self>>, TlsError> {
        match running {
            Some(running) if is_same(&running.source, source) => Ok(Some(Arc::clone(running))),
            _ => Ok(Self::load(source)?.map(Arc::new)),
        }
    }

    /// For the next handshake. A renewal that can't be read keeps the old certificate, and is tried again.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        self.look(Instant::now());
        self.config.load_full()
    }

    fn look(&self, now: Instant) {
        let mut seen = self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if now.saturating_duration_since(seen.looked_at) < LOOK_EVERY {
            return;
        }
        seen.looked_at = now;
        let stamps = stamps(&self.source);
        if seen.in_use == Some(stamps) {
            return;
        }
        match server_config(&self.source) {
            Ok(config) => {
                tracing::info!("the TLS certificate was read again");
                self.config.store(Arc::new(config));
                (seen.in_use, seen.refused) = (Some(stamps), None);
            }
            Err(error) => {
                if seen.refused != Some(stamps) {
                    tracing::warn!(%error, "the changed TLS certificate can't be used; the old one stays");
                }
                (seen.in_use, seen.refused) = (None, Some(stamps));
            }
        }
    }
}

fn stamps(source: &Tls) -> Stamps {
    let stamp = |path: &str| std::fs::metadata(path).ok().map(|meta| Stamp::of(&meta));
    [&source.cert, &source.key].map(|source| source.path.as_deref().and_then(stamp))
}

fn is_same(a: &Tls, b: &Tls) -> bool {
    let inline = |source: &TlsSource| source.base64.as_ref().map(|text| text.expose_secret().to_owned());
    let same = |a: &TlsSource, b: &TlsSource| a.path == b.path && inline(a) == inline(b);
    same(&a.cert, &b.cert) && same(&a.key, &b.key)
}

fn server_config(source: &Tls) -> Result<ServerConfig, TlsError> {
    let certificate_pem = pem(&source.cert, "cert")?;
    let certificates: Vec<CertificateDer<'static>> = rustls_pemfile::certs(&mut certificate_pem.as_slice())
        .collect::<Result<_, _>>()
        .map_err(|_| TlsError::NoPem { part: "cert" })?;
    if certificates.is_empty() {
        return Err(TlsError::NoPem { part: "cert" });
    }
    let key_pem = pem(&source.key, "key")?;
    let key: PrivateKeyDer<'static> =
        rustls_pemfile::private_key(&mut key_pem.as_slice()).ok().flatten().ok_or(TlsError::NoPem { part: "key" })?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_no_client_auth()
        .with_single_cert(certificates, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn pem(source: &TlsSource, part: &'static str) -> Result<Vec<u8>, TlsError> {
    // Kratos: inline text wins over a path.
    if let Some(text) = &source.base64 {
        return STANDARD.decode(text.expose_secret().trim()).map_err(|_| TlsError::Base64 { part });
    }
    let path = source.path.as_deref().ok_or(TlsError::Incomplete)?;
    std::fs::read(Path::new(path)).map_err(|why| TlsError::File { part, path: path.to_owned(), why })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(cert: TlsSource, key: TlsSource) -> String {
        Reloading::load(&Tls { cert, key }).err().map(|error| error.to_string()).unwrap_or_default()
    }

    const CERTIFICATE: &str = include_str!("../../tests/it/fixtures/cert.pem");
    const KEY: &str = include_str!("../../tests/it/fixtures/key.pem");

    /// A certificate and its key in files of a folder.
    struct Renewals {
        folder: tempfile::TempDir,
        reloading: Reloading,
        looks: u32,
    }

    impl Renewals {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("cert"), CERTIFICATE).unwrap();
            std::fs::write(folder.path().join("key"), KEY).unwrap();
            let source = |name| TlsSource { path: Some(folder.path().join(name).display().to_string()), base64: None };
            let reloading = Reloading::load(&Tls { cert: source("cert"), key: source("key") }).unwrap().unwrap();
            Self { folder, reloading, looks: 0 }
        }

        /// Whether the next look puts something new to use.
        fn takes(&mut self) -> bool {
            self.looks += 1;
            let before = self.reloading.config.load_full();
            self.reloading.look(Instant::now() + LOOK_EVERY * self.looks);
            !Arc::ptr_eq(&before, &self.reloading.config.load_full())
        }

        fn write(&self, text: &str) {
            std::fs::write(self.folder.path().join("cert"), text).unwrap();
        }
    }

    #[test]
    fn a_renewal_that_fails_is_tried_again_at_every_look() {
        let mut renewals = Renewals::new();
        assert!(!renewals.takes());
        renewals.write("half a certif");
        assert!(!renewals.takes());
        // As if the file were whole a moment later, with nothing about it that shows a change.
        assert!(renewals.reloading.seen.lock().unwrap().in_use.is_none());
        assert!(!renewals.takes());
        renewals.write(CERTIFICATE);
        assert!(renewals.takes());
        assert!(!renewals.takes());
    }

    #[test]
    fn a_renewal_that_keeps_the_time_and_size_of_the_file_is_seen() {
        let mut renewals = Renewals::new();
        let (cert, aside) = (renewals.folder.path().join("cert"), renewals.folder.path().join("aside"));
        let written = std::fs::metadata(&cert).unwrap().modified().unwrap();
        std::fs::write(&aside, CERTIFICATE).unwrap();
        std::fs::File::options().write(true).open(&aside).unwrap().set_modified(written).unwrap();
        std::fs::rename(&aside, &cert).unwrap();
        assert!(renewals.takes());
    }

    fn inline(text: &str) -> TlsSource {
        TlsSource { path: None, base64: Some(STANDARD.encode(text).into()) }
    }

    #[test]
    fn mistakes_are_named_without_quoting_the_key() {
        assert!(Reloading::load(&Tls::default()).unwrap().is_none());
        assert!(refused(inline("x"), TlsSource::default()).contains("both be given"));
        assert_eq!(refused(inline("x"), inline("top-secret")), "cert holds no PEM block of that kind");
        let absent = || TlsSource { path: Some("/absent/tls.pem".to_owned()), base64: None };
        assert!(refused(absent(), absent()).starts_with("cert file /absent/tls.pem"));
    }
}
