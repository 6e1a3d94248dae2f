//! The two listeners: bound first, so that the caller knows the ports, served later, ended gracefully.
//!
//! Limits are Kratos' (contract §1.1): header read 5 s, bodies 15 s and 30 s, answers 60 s and 120 s, idle
//! connections 120 s and 600 s.

mod files;
mod patience;
mod slots;
pub(crate) mod tls;
mod unix;

use crate::client::Peer;
use crate::dispatch::{self, Connection, Port};
use crate::state::State;
use bia_config::{Config, Socket, Tls};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use patience::{Limits, Patient, Phase};
use slots::Slots;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tls::{Certificates, Reloading};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

pub use tls::TlsError;
pub use unix::SocketError;

/// Why a listener can't be opened; meant for the operator.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error("{key}: can't listen on {address}: {why}")]
    Bind { key: &'static str, address: String, why: std::io::Error },
    #[error("{key}.socket: {why}")]
    Socket { key: &'static str, why: SocketError },
    #[error("{key}.tls: {why}")]
    Tls { key: &'static str, why: TlsError },
}

/// Where a listener can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Address {
    /// Whether others than this machine can reach it.
    pub fn is_exposed(&self) -> bool {
        matches!(self, Self::Tcp(address) if !address.ip().is_loopback())
    }
}

/// How long answers in progress may take once the server is asked to stop.
const GRACE: Duration = Duration::from_secs(20);
/// A client must show its request's headers, or finish its TLS handshake, within this time.
const HEADER_READ: Duration = Duration::from_secs(5);
/// hyper's own limit is 100 headers; together they may not be larger than this.
const HEADER_BYTES_MAX: usize = 64 * 1024;
/// While others wait to get in, a client that has shown nothing of a request has to give way after this time.
const SILENT_IN_A_CROWD: Duration = Duration::from_secs(1);

enum Opened {
    Tcp(TcpListener),
    /// The guard removes the file in the end.
    Unix(UnixListener, #[expect(dead_code, reason = "held for its Drop")] unix::Guard),
}

struct Listener {
    port: Port,
    socket: Opened,
    address: Address,
    tls: Option<Arc<Reloading>>,
    slots: Slots,
}

/// Both ports, open but not answering yet.
pub struct Bound {
    public: Listener,
    admin: Listener,
}

/// The way in.
pub struct Server;

impl Server {
    /// Opens both listeners, so that a port that is taken is known before anything else starts. Asks the system for as
    /// many open files as it gives.
    ///
    /// # Errors
    /// With the configuration key that has to change.
    pub async fn bind(config: &Config) -> Result<Bound, ListenError> {
        let (public, admin) = (&config.serve.public, &config.serve.admin);
        let files = files::raise();
        Ok(Bound {
            public: Listener::open(Port::Public, &public.host, public.port, &public.socket, &public.tls, files).await?,
            admin: Listener::open(Port::Admin, &admin.host, admin.port, &admin.socket, &admin.tls, files).await?,
        })
    }
}

impl Bound {
    pub fn public_address(&self) -> &Address {
        &self.public.address
    }

    pub fn admin_address(&self) -> &Address {
        &self.admin.address
    }

    /// Answers requests until `shutdown` ends, then finishes what runs, for at most 20 seconds.
    /// So is what visitors have left behind: a callback goes on without its visitor.
    pub async fn serve(self, state: State, shutdown: impl Future<Output = ()>) {
        let (stop, stopped) = watch::channel(false);
        state.certify(Certificates { public: self.public.tls.clone(), admin: self.admin.tls.clone() });
        let public = tokio::spawn(self.public.run(state.clone(), stopped.clone()));
        let admin = tokio::spawn(self.admin.run(state.clone(), stopped));
        let upkeep = tokio::spawn(crate::metrics::upkeep());
        shutdown.await;
        upkeep.abort();
        let _ = stop.send(true);
        let give_up_at = Instant::now() + GRACE;
        for listener in [public, admin] {
            if let Err(error) = listener.await {
                tracing::error!(%error, "a listener ended unexpectedly");
            }
        }
        if !state.finish_callbacks(give_up_at.saturating_duration_since(Instant::now())).await {
            tracing::warn!("a sign-in whose visitor had left was still under way when the grace period ended");
        }
    }
}

impl Listener {
    async fn open(
        port: Port,
        host: &str,
        number: u16,
        socket: &Socket,
        tls: &Tls,
        files: usize,
    ) -> Result<Self, ListenError> {
        let (key, slots) = match port {
            Port::Public => ("serve.public", Slots::public(files)),
            Port::Admin => ("serve.admin", Slots::admin(files)),
        };
        let tls = Reloading::load(tls).map_err(|why| ListenError::Tls { key, why })?.map(Arc::new);
        if let Some(path) = host.strip_prefix("unix:") {
            let (listener, guard) =
                unix::bind(path.as_ref(), socket).map_err(|why| ListenError::Socket { key, why })?;
            let address = Address::Unix(path.into());
            return Ok(Self { port, socket: Opened::Unix(listener, guard), address, tls, slots });
        }
        // Kratos: an empty host is every interface.
        let host = if host.is_empty() { "0.0.0.0" } else { host };
        let failed = |why| ListenError::Bind { key, address: format!("{host}:{number}"), why };
        let listener = TcpListener::bind((host.trim_matches(['[', ']']), number)).await.map_err(failed)?;
        let address = Address::Tcp(listener.local_addr().map_err(failed)?);
        Ok(Self { port, socket: Opened::Tcp(listener), address, tls, slots })
    }

    async fn run(self, state: State, mut stopped: watch::Receiver<bool>) {
        let slots = self.slots.clone();
        loop {
            let slot = tokio::select! {
                _ = stopped.wait_for(|stop| *stop) => break,
                slot = slots.take() => slot,
            };
            let accepted = tokio::select! {
                _ = stopped.wait_for(|stop| *stop) => break,
                accepted = self.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file handles, most likely: without a pause this loop would eat a core.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let (state, stopped, slots) = (state.clone(), stopped.clone(), slots.clone());
            let (port, tls) = (self.port, state.certificate(self.port));
            tokio::spawn(async move {
                let _slot = slot;
                let connection = Connection { port, peer, tls: tls.is_some() };
                match tls {
                    None => converse(stream, connection, state, stopped, slots).await,
                    Some(tls) => {
                        let handshake = TlsAcceptor::from(tls.current()).accept(stream);
                        if let Ok(Ok(stream)) = tokio::time::timeout(HEADER_READ, handshake).await {
                            converse(stream, connection, state, stopped, slots).await;
                        }
                    }
                }
            });
        }
        drop(self.socket);
        // Every conversation holds a slot until it ends.
        if !slots.are_free(GRACE).await {
            tracing::warn!(port = ?self.port, "connections were still open when the grace period ended");
        }
    }

    async fn accept(&self) -> std::io::Result<(Box<dyn Stream>, Peer)> {
        match &self.socket {
            Opened::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // Answers are small and final: waiting to fill a packet only adds time.
                let _ = stream.set_nodelay(true);
                Ok((Box::new(stream), Peer::Tcp(address)))
            }
            Opened::Unix(listener, _) => {
                let (stream, _) = listener.accept().await?;
                Ok((Box::new(stream), Peer::Unix))
            }
        }
    }
}

/// What a connection is made of.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

async fn converse(
    stream: impl Stream + 'static,
    connection: Connection,
    state: State,
    mut stopped: watch::Receiver<bool>,
    slots: Slots,
) {
    let idle = match connection.port {
        Port::Public => Duration::from_secs(120),
        Port::Admin => Duration::from_secs(600),
    };
    let limits = Limits { header: HEADER_READ, idle, write: connection.port.answer_limit() };
    let phase = Phase::default();
    let stream = Patient::new(stream, limits, phase.clone());
    let (waits, opened) = (phase.clone(), Instant::now());
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (state, phase) = (state.clone(), phase.clone());
        phase.busy();
        async move {
            let request = request.map(axum::body::Body::new);
            let answered = dispatch::serve(state, connection, request).await;
            phase.idle();
            Ok::<_, Infallible>(answered)
        }
    });
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEADER_BYTES_MAX);
    let conversation = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(conversation);
    loop {
        tokio::select! {
            _ = conversation.as_mut() => return,
            _ = stopped.wait_for(|stop| *stop) => break,
            () = slots.crowded() => {
                let says_nothing = waits.is_reading() && opened.elapsed() > SILENT_IN_A_CROWD;
                if waits.is_idle() || says_nothing {
                    break;
                }
            }
        }
    }
    conversation.as_mut().graceful_shutdown();
    let _ = conversation.await;
}
