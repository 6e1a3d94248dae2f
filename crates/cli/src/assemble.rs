//! From a loaded configuration to what the server is given: the only place that builds things.
//!
//! [`Foundation`] is what a process has once — database and HTTP client. [`Foundation::assemble`] makes
//! what depends on the configuration, and a reload makes it anew on the same foundation.

use crate::reload::texts::Texts;
use crate::secrets::{self, SecretsError};
use bia_config::{CipherAlgorithm, Config, Dsn, ExposeSecret as _, SecretString};
use bia_hooks::{Background, Registry, RegistryError, Services};
use bia_identity::schemas::SchemasError;
use bia_identity::{Schemas, Sealer, Sessions, TokenCipher};
use bia_mapper::{Mapper, Settings};
use bia_outbound::{Outbound, Policy, SetupError, Sources};
use bia_provider::{Providers, STAND_IN_CLIENT_ID, STAND_IN_TENANT_ID};
use bia_selfservice::deps::allowed_return_urls;
use bia_selfservice::{Deps, Imports};
use bia_store::{ConnectOptions, Store, StoreError};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A database server may start after us, as in a compose file; longer than this it isn't coming.
const DATABASE_WAIT_MAX: Duration = Duration::from_secs(120);

/// Why nothing was started; each is a sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    /// A connection uses the identifiers of the try-out.
    #[error(
        "selfservice.methods.oidc.config.providers.{index}.{key}: this is the {what} of the stand-in behind `bia dev`, \
         whose signing keys are public: with it anybody could sign in as anybody. Use those of your own app registration"
    )]
    StandIn {
        /// The provider's place in the list.
        index: usize,
        /// The key below it.
        key: &'static str,
        /// What it holds.
        what: &'static str,
    },
    /// See [`StoreError`].
    #[error(transparent)]
    Store(#[from] StoreError),
    /// See [`SecretsError`].
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The HTTP client can't be built.
    #[error(transparent)]
    Outbound(#[from] SetupError),
    /// Every identity schema that can't be used.
    #[error("identity.schemas: {}", all(.0))]
    Schemas(Vec<SchemasError>),
    /// See [`RegistryError`].
    #[error(transparent)]
    Hooks(#[from] RegistryError),
    /// A task of the runtime ended early.
    #[error("the start was interrupted: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
}

fn all(errors: &[SchemasError]) -> String {
    errors.iter().enumerate().fold(String::new(), |mut text, (index, error)| {
        let _ = write!(text, "{}{error}", if index == 0 { "" } else { "; " });
        text
    })
}

/// Whether the identifiers of the stand-in are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StandIn {
    /// `serve`: refused at start and on every token.
    Refused,
    /// `dev` and tests, where the stand-in runs in this very process.
    Allowed,
}

/// What a process has once, whatever its configuration becomes. The mapper's workers are in [`Deps`]: a reload may need
/// others.
pub struct Foundation {
    /// The open and migrated database.
    pub store: Store,
    /// The HTTP client.
    pub outbound: Outbound,
    /// Files and addresses that the configuration points at.
    pub sources: Arc<Sources>,
    background: Background,
    /// Of a try-out that has no place to keep one.
    secret: OnceLock<SecretString>,
}

/// What requests are served with.
pub struct Assembled {
    /// Handed to the server whole.
    pub deps: Arc<Deps>,
    /// Stands for the configuration at `/health/config`; says nothing about secrets.
    pub fingerprint: String,
}

impl Foundation {
    /// Opens the database, migrates it if asked to, and builds the clients. Refuses a foreign database untouched.
    ///
    /// # Errors
    /// See [`AssembleError`].
    pub async fn open(config: &Config, migrate: bool) -> Result<Self, AssembleError> {
        let policy = policy(config);
        // Reading the trust store takes milliseconds that the database can have at the same time.
        let outbound = tokio::task::spawn_blocking(move || Outbound::new(policy));
        let store = connect(&config.dsn).await?;
        if migrate {
            for name in store.migrate().await? {
                tracing::info!(migration = name, "the database was migrated");
            }
        }
        let outbound = outbound.await??;
        let sources = Arc::new(Sources::new(outbound.clone()));
        Ok(Self { store, outbound, sources, background: Background::default(), secret: OnceLock::new() })
    }

    /// Builds what depends on the configuration. Call it after [`Foundation::open`]: generated secrets are kept
    /// beside a database that is known to be ours. Files that the configuration names stay as `texts` has them; what
    /// it lacks is read at each use.
    ///
    /// # Errors
    /// See [`AssembleError`]; nothing was started.
    pub async fn assemble(
        &self,
        config: Config,
        hooks: &Registry,
        stand_in: StandIn,
        texts: &Texts,
    ) -> Result<Assembled, AssembleError> {
        let mapper = Mapper::new(mapper_settings(&config));
        self.build(config, hooks, stand_in, texts, mapper, None).await
    }

    /// The same for a configuration that is to take the place of `running`, with everything of that which need not
    /// change. What only that used ends with its last request.
    ///
    /// # Errors
    /// See [`AssembleError`]; what runs is as it was.
    pub(crate) async fn assemble_next(
        &self,
        config: Config,
        hooks: &Registry,
        stand_in: StandIn,
        texts: &Texts,
        running: &Deps,
    ) -> Result<Assembled, AssembleError> {
        let same_limits = config.bia.mapper == running.config.bia.mapper;
        let mapper = if same_limits { running.mapper.clone() } else { Mapper::new(mapper_settings(&config)) };
        self.build(config, hooks, stand_in, texts, mapper, Some(&running.providers)).await
    }

    async fn build(
        &self,
        mut config: Config,
        hooks: &Registry,
        stand_in: StandIn,
        texts: &Texts,
        mapper: Mapper,
        known: Option<&Providers>,
    ) -> Result<Assembled, AssembleError> {
        if stand_in == StandIn::Refused {
            refuse_stand_in(&config)?;
        }
        secrets::complete(&mut config, &self.secret)?;
        let fingerprint = fingerprint(&config);
        let config = Arc::new(config);
        let sources = Arc::new(self.sources.keeping(texts.files()));
        let schemas = Schemas::load(config.clone(), sources.clone()).await.map_err(AssembleError::Schemas)?;
        let sealer = Arc::new(sealer(&config));
        let services = Services {
            background: self.background.clone(),
            ..Services::new(self.outbound.clone(), sources.clone(), mapper.clone())
        };
        let deps = Deps {
            store: self.store.clone(),
            schemas,
            sessions: Sessions::new(self.store.clone(), config.clone(), sealer.clone()),
            sealer,
            providers: self.providers(&config, stand_in, known),
            mapper,
            hooks: hooks.build(&config, &services)?,
            sources,
            imports: texts.imports().map(Imports::fixed).unwrap_or_default(),
            outbound: self.outbound.clone(),
            allowed_return_urls: allowed_return_urls(&config),
            config,
        };
        Ok(Assembled { deps: Arc::new(deps), fingerprint })
    }

    fn providers(&self, config: &Config, stand_in: StandIn, known: Option<&Providers>) -> Providers {
        let oidc = &config.selfservice.methods.oidc.config;
        let public_url = config.public_url().url();
        match (known, stand_in) {
            (Some(known), _) => known.renewed(oidc, public_url, &self.outbound, stand_in == StandIn::Allowed),
            (None, StandIn::Refused) => Providers::new(oidc, public_url, &self.outbound),
            (None, StandIn::Allowed) => Providers::with_stand_in(oidc, public_url, &self.outbound),
        }
    }

    /// Lets background hooks finish, ends the workers of what was served last and closes the database. Call it after the
    /// last answer.
    pub async fn close(&self, mapper: &Mapper) {
        if !self.background.finish(Duration::from_secs(10)).await {
            tracing::warn!("web hooks were still under way and are cut off");
        }
        mapper.shutdown().await;
        self.store.close().await;
    }
}

/// Rules for calls to others as `clients.http` says.
pub(crate) fn policy(config: &Config) -> Policy {
    Policy {
        disallow_private_ip_ranges: config.clients.http.disallow_private_ip_ranges,
        private_ip_exception_urls: config.clients.http.private_ip_exception_urls.clone(),
        ..Policy::default()
    }
}

/// Limits of the workers as `bia.mapper` says.
pub fn mapper_settings(config: &Config) -> Settings {
    let limits = &config.bia.mapper;
    Settings {
        timeout: limits.timeout,
        memory_bytes: limits.memory,
        output_bytes_max: usize::try_from(limits.output).unwrap_or(usize::MAX),
        ..Settings::default()
    }
}

/// Opens the database that `dsn` names; waits for a PostgreSQL server that is just starting.
///
/// # Errors
/// See [`StoreError`].
pub async fn connect(dsn: &Dsn) -> Result<Store, StoreError> {
    let text = dsn_text(dsn);
    let give_up_at = tokio::time::Instant::now() + DATABASE_WAIT_MAX;
    let mut pause = Duration::from_millis(250);
    loop {
        match Store::connect(&text, &ConnectOptions::default()).await {
            Err(StoreError::Unavailable { reason })
                if matches!(dsn, Dsn::Postgres { .. }) && tokio::time::Instant::now() < give_up_at =>
            {
                tracing::warn!(%reason, database = %dsn, "the database does not answer yet; trying again");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(5));
            }
            outcome => return outcome,
        }
    }
}

/// The DSN as the store reads it.
pub(crate) fn dsn_text(dsn: &Dsn) -> String {
    match dsn {
        Dsn::Memory => "memory".to_owned(),
        Dsn::Sqlite { path, read_only, must_exist } => {
            let mode = if *read_only {
                "ro"
            } else if *must_exist {
                "rw"
            } else {
                "rwc"
            };
            format!("sqlite://{}?mode={mode}", path.display())
        }
        Dsn::Postgres { url, pool, .. } => {
            let mut text = url.expose_secret().to_owned();
            let seconds = |duration: Duration| format!("{}s", duration.as_secs());
            let parameters = [
                ("max_conns", pool.max_conns.map(|count| count.to_string())),
                ("max_idle_conns", pool.max_idle_conns.map(|count| count.to_string())),
                ("max_conn_lifetime", pool.max_conn_lifetime.map(seconds)),
                ("max_conn_idle_time", pool.max_conn_idle_time.map(seconds)),
            ];
            for (name, value) in parameters {
                if let Some(value) = value {
                    let separator = if text.contains('?') { '&' } else { '?' };
                    let _ = write!(text, "{separator}{name}={value}");
                }
            }
            text
        }
    }
}

fn sealer(config: &Config) -> Sealer {
    let secrets = &config.secrets;
    Sealer::new(&bia_identity::Secrets {
        default: &secrets.default,
        cookie: &secrets.cookie,
        cipher: &secrets.cipher,
        token_cipher: match config.ciphers.algorithm {
            CipherAlgorithm::Noop => TokenCipher::Noop,
            CipherAlgorithm::Aes => TokenCipher::Aes,
            CipherAlgorithm::Xchacha20Poly1305 => TokenCipher::XChaCha20Poly1305,
        },
    })
}

/// A configuration prints no secret, so its print can stand for it.
pub(crate) fn fingerprint(config: &Config) -> String {
    hex::encode(Sha256::digest(format!("{config:?}")))
}

/// Stops the try-out's identifiers from reaching a real server (forged tokens: the stand-in's keys are public).
///
/// # Errors
/// Names the key.
pub fn refuse_stand_in(config: &Config) -> Result<(), AssembleError> {
    let tenant = STAND_IN_TENANT_ID.to_string();
    let is_tenant = |text: &str| text.eq_ignore_ascii_case(&tenant);
    for (index, provider) in config.providers().iter().enumerate() {
        let refuse = |key, what| Err(AssembleError::StandIn { index, key, what });
        if provider.client_id.eq_ignore_ascii_case(STAND_IN_CLIENT_ID) {
            return refuse("client_id", "client id");
        }
        if provider.microsoft_tenant.as_deref().is_some_and(is_tenant) {
            return refuse("microsoft_tenant", "tenant");
        }
        if provider.microsoft.allowed_tenants.iter().any(|allowed| is_tenant(allowed)) {
            return refuse("microsoft.allowed_tenants", "tenant");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dsn_keeps_its_meaning_on_the_way_to_the_store() {
        let text = |dsn: &str| dsn_text(&Dsn::parse(dsn).expect("dsn"));
        assert_eq!(text("memory"), "memory");
        assert_eq!(text("sqlite://a.db?_fk=true&mode=rw"), "sqlite://a.db?mode=rw");
        assert_eq!(text("sqlite:///x/a.db"), "sqlite:///x/a.db?mode=rwc");
        assert_eq!(
            text("postgres://u:p@h/d?sslmode=disable&max_conns=20&max_conn_lifetime=5m"),
            "postgres://u:p@h/d?sslmode=disable&max_conns=20&max_conn_lifetime=300s"
        );
        assert_eq!(text("postgres://u:p@h/d?max_idle_conns=3"), "postgres://u:p@h/d?max_idle_conns=3");
    }
}
