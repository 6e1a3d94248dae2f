//! Who signed the certificate that a provider's host shows: companies' proxies re-sign TLS with a certificate
//! authority of their own, which has to be trusted here, too.

use crate::examination::Patient;
use crate::finding::{Area, Finding};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;
use x509_parser::prelude::{FromDer as _, X509Certificate, X509Name};

const TIMEOUT: Duration = Duration::from_secs(10);
const DAY: i64 = 24 * 60 * 60;
/// Renewal by ACME happens a month before the end; this late it has failed for weeks.
const OWN_DAYS_WARNING: i64 = 14;
/// Whose names stand in the certificates of Microsoft's own hosts.
const MICROSOFTS_ISSUERS: [&str; 3] = ["DigiCert", "Microsoft", "GlobalSign"];
const MICROSOFTS_HOSTS: [&str; 5] = [
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.partner.microsoftonline.cn",
    "graph.microsoft.com",
    "graph.microsoft.us",
];

/// What the host of `url` shows. Silence of the network is told by the metadata's own check.
pub(crate) async fn check(patient: &Patient<'_>, url: &Url) -> Option<Finding> {
    let shown = tokio::time::timeout(TIMEOUT, look(patient, url)).await.ok()??;
    Some(of_provider(url.host_str()?, &shown))
}

fn of_provider(host: &str, shown: &Shown) -> Finding {
    let issuer = shown.issuer.as_deref().unwrap_or("an unnamed authority");
    match &shown.verdict {
        Ok(()) if MICROSOFTS_HOSTS.contains(&host) && !shown.is_microsofts() => {
            Finding::note(Area::Network, "tls_resigned", format!("TLS to {host} is signed by {issuer}, which this machine trusts"))
                .why("A proxy opens the connection: it reads client secrets, codes and tokens on their way.")
                .fix("If that is not meant, exempt the sign-in host from TLS inspection.")
        }
        Ok(()) => Finding::good(Area::Network, "tls", format!("TLS to {host} is signed by {issuer}, which this machine trusts")),
        Err(why) => {
            Finding::problem(Area::Network, "tls_untrusted", format!("TLS to {host} is signed by {issuer}, which this machine does not trust ({why})"))
                .why("No call to the provider succeeds. A company's proxy that re-signs TLS looks like this.")
                .fix("Add that authority to the system's trust store (update-ca-certificates), or name a PEM file with all authorities in SSL_CERT_FILE.")
        }
    }
}

/// What our own public address shows to browsers.
pub(crate) async fn own(patient: &Patient<'_>, url: &Url) -> Option<Finding> {
    let shown = tokio::time::timeout(TIMEOUT, look(patient, url)).await.ok()??;
    of_ourselves(url.host_str()?, &shown, patient.now.secs())
}

fn of_ourselves(host: &str, shown: &Shown, now_secs: i64) -> Option<Finding> {
    let finding = |problem: bool, what: String| {
        let make = if problem { Finding::problem } else { Finding::warning };
        make(Area::Network, "public_certificate", what)
            .key("serve.public.base_url")
            .why("Browsers refuse the address, and nobody gets back from the provider.")
            .fix("Renew the certificate where TLS ends, with the whole chain and this host's name in it.")
    };
    if let Err(why) = &shown.verdict {
        return Some(finding(true, format!("the certificate of {host} is not trusted ({why})")));
    }
    let days = (shown.ends? - now_secs).div_euclid(DAY);
    (days <= OWN_DAYS_WARNING).then(|| finding(false, format!("the certificate of {host} ends in {days} day(s)")))
}

/// TLS with whoever answers, for the ports of this machine: nothing that matters is sent over it.
pub(super) async fn any(stream: TcpStream) -> Option<tokio_rustls::client::TlsStream<TcpStream>> {
    let (connector, _) = recording(Arc::new(rustls::crypto::ring::default_provider()))?;
    connector.connect(ServerName::try_from("localhost").ok()?, stream).await.ok()
}

/// Takes every certificate and keeps what it was.
fn recording(provider: Arc<CryptoProvider>) -> Option<(tokio_rustls::TlsConnector, Arc<Recorder>)> {
    let recorder = Arc::new(Recorder { provider: provider.clone(), chain: Mutex::default() });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .ok()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    config.dangerous().set_certificate_verifier(recorder.clone());
    Some((tokio_rustls::TlsConnector::from(Arc::new(config)), recorder))
}

struct Shown {
    verdict: Result<(), String>,
    /// Of the topmost certificate that was shown.
    issuer: Option<String>,
    all_issuers: Vec<String>,
    /// When the host's own certificate ends, in seconds since 1970.
    ends: Option<i64>,
}

impl Shown {
    fn is_microsofts(&self) -> bool {
        self.all_issuers.iter().any(|name| MICROSOFTS_ISSUERS.iter().any(|known| name.contains(known)))
    }
}

async fn look(patient: &Patient<'_>, url: &Url) -> Option<Shown> {
    let host = url.host_str()?;
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).ok()?;
    let stream = connect(patient, host, url.port_or_known_default()?).await?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let (connector, recorder) = recording(provider.clone())?;
    // The handshake is all there is: nothing is sent over this connection, so it need not be trusted.
    drop(connector.connect(name.clone(), stream).await.ok()?);
    let chain = recorder.chain.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let all_issuers: Vec<String> = chain.iter().filter_map(|der| issuer(der)).collect();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(patient.now.secs()).ok()?));
    let verdict = judge(provider, &chain, &name, now);
    let ends = chain.first().and_then(|der| {
        X509Certificate::from_der(der.as_ref()).ok().map(|(_, own)| own.validity().not_after.timestamp())
    });
    Some(Shown { ends, verdict, issuer: all_issuers.last().cloned(), all_issuers })
}

fn judge(
    provider: Arc<CryptoProvider>,
    chain: &[CertificateDer<'_>],
    name: &ServerName<'_>,
    now: UnixTime,
) -> Result<(), String> {
    let (end, between) = chain.split_first().ok_or("it shows no certificate")?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().map_err(|e| e.to_string())?;
    verifier.verify_server_cert(end, between, name, &[], now).map(|_| ()).map_err(|e| e.to_string())
}

/// Directly, or through the proxy that every other call goes through.
async fn connect(patient: &Patient<'_>, host: &str, port: u16) -> Option<TcpStream> {
    let proxy = patient.https_proxy.as_ref().filter(|_| !is_exempt(&patient.no_proxy, host));
    let Some(proxy) = proxy else {
        return TcpStream::connect((host.trim_matches(['[', ']']), port)).await.ok();
    };
    let mut stream = TcpStream::connect((proxy.host_str()?, proxy.port_or_known_default()?)).await.ok()?;
    let request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= 8192 {
            return None;
        }
        head.push(stream.read_u8().await.ok()?);
    }
    head.split(|byte| *byte == b' ').nth(1).is_some_and(|status| status == b"200").then_some(stream)
}

fn is_exempt(no_proxy: &str, host: &str) -> bool {
    no_proxy.split(',').map(|entry| entry.trim().trim_start_matches('.')).filter(|entry| !entry.is_empty()).any(
        |entry| {
            entry == "*"
                || host.eq_ignore_ascii_case(entry)
                || host.to_ascii_lowercase().ends_with(&format!(".{}", entry.to_ascii_lowercase()))
        },
    )
}

/// Organisation and common name, without control characters: it is somebody else's text.
fn issuer(der: &CertificateDer<'_>) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(der.as_ref()).ok()?;
    let name: &X509Name<'_> = certificate.issuer();
    let organization = name.iter_organization().next().and_then(|part| part.as_str().ok());
    let common = name.iter_common_name().next().and_then(|part| part.as_str().ok());
    let text = match (common, organization) {
        (Some(common), Some(organization)) => format!("\"{common}\" of {organization}"),
        (Some(one), None) | (None, Some(one)) => format!("\"{one}\""),
        (None, None) => return None,
    };
    Some(text.chars().filter(|c| !c.is_control()).take(160).collect())
}

/// Lets every certificate pass and keeps it.
#[derive(Debug)]
struct Recorder {
    provider: Arc<CryptoProvider>,
    chain: Mutex<Vec<CertificateDer<'static>>>,
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let all = std::iter::once(end).chain(between.iter().take(10));
        let chain = all.map(|der| der.clone().into_owned()).collect();
        *self.chain.lock().unwrap_or_else(PoisonError::into_inner) = chain;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Level;

    fn shown(verdict: Result<(), String>, issuer: &str, days: i64) -> Shown {
        Shown { verdict, issuer: Some(issuer.to_owned()), all_issuers: vec![issuer.to_owned()], ends: Some(days * DAY) }
    }

    #[test]
    fn a_company_proxy_before_microsoft_is_named_whether_it_is_trusted_or_not() {
        let host = MICROSOFTS_HOSTS[0];
        let trusted = of_provider(host, &shown(Ok(()), "\"Contoso Proxy CA\"", 90));
        assert!(trusted.code == "tls_resigned" && trusted.what.contains("Contoso Proxy CA"), "{trusted:?}");
        let untrusted = of_provider(host, &shown(Err("unknown issuer".to_owned()), "\"Contoso Proxy CA\"", 90));
        assert!(untrusted.code == "tls_untrusted" && untrusted.what.contains("Contoso Proxy CA"), "{untrusted:?}");
        let own = of_provider(host, &shown(Ok(()), "\"DigiCert Global Root G2\" of DigiCert Inc", 90));
        assert_eq!((own.code, own.level), ("tls", Level::Good));
        assert_eq!(of_provider("idp.example", &shown(Ok(()), "\"R11\" of Let's Encrypt", 90)).code, "tls");
    }

    #[test]
    fn the_public_certificate_is_told_when_it_ends_soon_or_nobody_trusts_it() {
        let level = |shown: &Shown| {
            let found = of_ourselves("id.example.com", shown, 0);
            assert!(found.as_ref().is_none_or(|finding| finding.code == "public_certificate"));
            found.map(|finding| finding.level)
        };
        assert_eq!(level(&shown(Ok(()), "R11", 15)), None);
        assert_eq!(level(&shown(Ok(()), "R11", 14)), Some(Level::Warning));
        assert_eq!(level(&shown(Err("expired".to_owned()), "R11", 90)), Some(Level::Problem));
    }

    #[test]
    fn hosts_are_exempt_from_the_proxy_as_elsewhere() {
        assert!(is_exempt("localhost, .example.com", "id.example.com"));
        assert!(is_exempt("*", "anything"));
        assert!(!is_exempt("example.com", "badexample.com"));
        assert!(!is_exempt("", "example.com"));
    }
}
